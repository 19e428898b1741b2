package faults

import (
	"context"
	"slices"
	"time"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// faultCalls is a call of every mutating method, more where a method has several
// ways through it.
func faultCalls() []faultCall {
	return slices.Concat(organizationCalls(), userCalls(), identityCalls(), membershipCalls(), eventCalls(), accessCalls(),
		domainCalls(), sessionCalls(), invitationCalls(), joinCalls(), signInCalls(), proofCalls())
}

func organizationCalls() []faultCall {
	return []faultCall{
		{method: "Organizations.Create", call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			return svc.Organizations.Create(ctx, tenancy.NewOrganization{DisplayName: "New", Slug: "new-one", Owner: w.eve.ID})
		}},
		{method: "Organizations.Update", call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			return svc.Organizations.Update(ctx, w.acme.ID, tenancy.OrganizationUpdate{DisplayName: servicetest.Ptr("Other"), Slug: servicetest.Ptr("")})
		}},
		{method: "Organizations.Update", variant: " to a slug that it had", call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			return svc.Organizations.Update(ctx, w.acme.ID, tenancy.OrganizationUpdate{Slug: servicetest.Ptr("acme-1")})
		}},
		{method: "Organizations.ReleaseSlug", call: only(func(ctx context.Context, svc *tenancy.Service, _ *faultWorld) error {
			return svc.Organizations.ReleaseSlug(ctx, "acme-1")
		})},
		{method: "Organizations.Suspend", call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			return svc.Organizations.Suspend(ctx, w.acme.ID)
		}},
		{method: "Organizations.Resume", call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			return svc.Organizations.Resume(ctx, w.shut.ID)
		}},
		{method: "Organizations.Archive", call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			return svc.Organizations.Archive(ctx, w.acme.ID)
		}},
		{method: "Organizations.Restore", call: restoreOld},
		{
			method: "Organizations.Restore", variant: " losing its owner",
			config: func(c *tenancy.Config) { c.SingleOrganization = true }, call: restoreOld,
		},
		{method: "Organizations.Delete", call: only(func(ctx context.Context, svc *tenancy.Service, w *faultWorld) error {
			return svc.Organizations.Delete(ctx, w.acme.ID)
		})},
		{method: "Organizations.Purge", call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			return svc.Organizations.Purge(ctx, w.old.ID, 1)
		}},
	}
}

func restoreOld(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
	return svc.Organizations.Restore(ctx, w.old.ID)
}

func userCalls() []faultCall {
	return []faultCall{
		{method: "Users.Create", call: func(ctx context.Context, svc *tenancy.Service, _ *faultWorld) (any, error) {
			return svc.Users.Create(ctx, tenancy.NewUser{Email: "new@acme.example", Metadata: map[string]string{"a": "b"}})
		}},
		{method: "Users.Update", call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			return svc.Users.Update(ctx, w.ada.ID, tenancy.UserUpdate{DisplayName: servicetest.Ptr("Countess")})
		}},
		{method: "Users.Suspend", call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			return svc.Users.Suspend(ctx, w.ada.ID)
		}},
		{method: "Users.Unsuspend", call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			return svc.Users.Unsuspend(ctx, w.gus.ID)
		}},
		{method: "Users.ChangeEmail", call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			return svc.Users.ChangeEmail(ctx, w.fay.ID, "fay@gamma.example")
		}},
		{method: "Users.SendVerification", call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			return svc.Users.SendVerification(ctx, w.eve.ID)
		}},
		{method: "Users.CancelEmailChange", call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			return svc.Users.CancelEmailChange(ctx, w.fay.ID)
		}},
		{method: "Users.ConfirmEmail", call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			return svc.Users.ConfirmEmail(ctx, tenancy.EmailConfirmation{Token: w.proof.Token.Reveal(), Session: w.opener.Token.Reveal()})
		}},
		{method: "Users.Merge", variant: " two members of one", call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			return svc.Users.Merge(ctx, w.bob.ID, w.cyd.ID)
		}},
		{method: "Users.Merge", variant: " into a newcomer", call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			return svc.Users.Merge(ctx, w.cyd.ID, w.eve.ID)
		}},
		{method: "Users.Delete", call: only(func(ctx context.Context, svc *tenancy.Service, w *faultWorld) error {
			return svc.Users.Delete(ctx, w.bob.ID)
		})},
		{method: "Users.Erase", call: only(func(ctx context.Context, svc *tenancy.Service, w *faultWorld) error {
			return svc.Users.Erase(ctx, w.bob.ID)
		})},
		{method: "Users.RecordSignIn", call: only(func(ctx context.Context, svc *tenancy.Service, w *faultWorld) error {
			return svc.Users.RecordSignIn(ctx, w.bob.ID, w.acme.ID)
		})},
	}
}

func identityCalls() []faultCall {
	return []faultCall{
		{method: "Identities.Link", call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			return svc.Identities.Link(ctx, w.ada.ID, tenancy.NewIdentity{Provider: "google", Subject: "ada"})
		}},
		{method: "Identities.Link", variant: " again", call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			return svc.Identities.Link(ctx, w.cyd.ID, tenancy.NewIdentity{
				Provider: w.passkey.Provider, Subject: w.passkey.Subject, Email: "cyd@other.example",
			})
		}},
		{method: "Identities.Unlink", call: only(func(ctx context.Context, svc *tenancy.Service, w *faultWorld) error {
			return svc.Identities.Unlink(ctx, w.cyd.ID, w.passkey.ID)
		})},
		{method: "Identities.Resolve", call: func(ctx context.Context, svc *tenancy.Service, _ *faultWorld) (any, error) {
			return svc.Identities.Resolve(ctx, tenancy.NewIdentity{
				Provider: "google", Subject: "cyd", Email: "cyd@acme.example", EmailVerified: true,
			})
		}},
		{method: "Identities.Resolve", variant: " taking over", call: func(ctx context.Context, svc *tenancy.Service, _ *faultWorld) (any, error) {
			return svc.Identities.Resolve(ctx, tenancy.NewIdentity{
				Provider: "google", Subject: "eve", Email: "eve@acme.example", EmailVerified: true,
			})
		}},
	}
}

func membershipCalls() []faultCall {
	return []faultCall{
		{method: "Memberships.Add", call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			return svc.Memberships.Add(ctx, servicetest.Adding(w.acme, w.eve, rbac.Admin, rbac.Guest))
		}},
		{method: "Memberships.Add", variant: " again", call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			return svc.Memberships.Add(ctx, servicetest.Adding(w.acme, w.dan, rbac.Admin, rbac.Guest))
		}},
		{method: "Memberships.Update", call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			return svc.Memberships.Update(ctx, w.acme.ID, w.cyd.ID, tenancy.MembershipUpdate{DisplayName: servicetest.Ptr("C")})
		}},
		{method: "Memberships.SetRoles", call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			return svc.Memberships.SetRoles(ctx, w.acme.ID, w.bob.ID, rbac.Admin)
		}},
		{method: "Memberships.AddRole", call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			return svc.Memberships.AddRole(ctx, w.acme.ID, w.bob.ID, rbac.Admin)
		}},
		{method: "Memberships.RemoveRole", call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			return svc.Memberships.RemoveRole(ctx, w.acme.ID, w.cyd.ID, rbac.Guest)
		}},
		{method: "Memberships.Deactivate", call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			return svc.Memberships.Deactivate(ctx, w.acme.ID, w.bob.ID)
		}},
		{method: "Memberships.Reactivate", call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			return svc.Memberships.Reactivate(ctx, w.acme.ID, w.dan.ID)
		}},
		{method: "Memberships.Remove", call: only(func(ctx context.Context, svc *tenancy.Service, w *faultWorld) error {
			return svc.Memberships.Remove(ctx, w.acme.ID, w.bob.ID)
		})},
		{method: "Memberships.Readmit", call: only(func(ctx context.Context, svc *tenancy.Service, w *faultWorld) error {
			return svc.Memberships.Readmit(ctx, w.acme.ID, w.eve.ID)
		})},
		{method: "Memberships.Leave", call: only(func(ctx context.Context, svc *tenancy.Service, w *faultWorld) error {
			return svc.Memberships.Leave(ctx, w.acme.ID, w.bob.ID)
		})},
		{method: "Memberships.TransferOwnership", call: only(func(ctx context.Context, svc *tenancy.Service, w *faultWorld) error {
			return svc.Memberships.TransferOwnership(ctx, w.acme.ID, w.ada.ID, w.cyd.ID, "")
		})},
	}
}

func eventCalls() []faultCall {
	return []faultCall{
		{method: "Events.Prune", call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			return svc.Events.Prune(ctx, w.Clock.At.Add(-time.Second))
		}},
	}
}
