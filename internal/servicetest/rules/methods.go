package rules

import (
	"context"
	"time"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// cast is a world in which every method has something to do.
type cast struct {
	servicetest.Joinable
	org, shut, stored tenancy.OrganizationID // live, suspended and archived
	owner, member     tenancy.UserID         // of org, active
	resting           tenancy.UserID         // of org, inactive
	gone              tenancy.UserID         // removed from org
	outsider          tenancy.UserID         // in no organization
	barred            tenancy.UserID         // suspended
	unproved          tenancy.UserID         // whose address nobody has proved
	identity          tenancy.IdentityID     // the member's
	token             string                 // of the member's change of email
	proof             tenancy.StartedProof   // of somebody's mailbox
	session           tenancy.SessionID      // the member's, at org
	bearer            string                 // its token
	parked            string                 // of a session of the member's without an organization
	claim, held       tenancy.DomainID       // org's: pending, and verified
	sso, spare        tenancy.ConnectionID   // org's, both active
}

func newCast(w *world) cast {
	w.T.Helper()
	owner, member, resting := w.User("owner"), w.User("member"), w.User("resting")
	org := w.NewOrg(tenancy.NewOrganization{DisplayName: "Acme", Slug: "acme-before", ExternalID: "crm-1", Owner: owner.ID})
	org, err := w.Svc.Organizations.Update(w.Ctx, org.ID, tenancy.OrganizationUpdate{Slug: servicetest.Ptr("acme")})
	w.NoError(err)
	w.Add(org, member, rbac.Admin, rbac.Guest)
	w.Add(org, resting)
	w.Deactivate(org, resting)
	gone := w.User("gone")
	w.Add(org, gone)
	w.remove(org, gone)
	w.Declare()
	w.OwnRoles(org.ID)
	shut, stored := w.Org("Shut"), w.Org("Stored")
	_, err = w.Svc.Organizations.Suspend(w.Ctx, shut.ID)
	w.NoError(err)
	w.Add(stored, member)
	w.Archive(stored)
	barred := w.NewUser(tenancy.NewUser{Email: "barred@acme.example", ExternalID: "hr-1"})
	_, err = w.Svc.Users.Suspend(w.Ctx, barred.ID)
	w.NoError(err)
	identity, err := w.Svc.Identities.Link(w.Ctx, member.ID, tenancy.NewIdentity{Provider: "google", Subject: "g-1"})
	w.NoError(err)
	proof, err := w.Svc.Users.ChangeEmail(w.Ctx, member.ID, "moved@acme.example")
	w.NoError(err)
	sso, spare := w.Connect(org, "Okta"), w.Connect(org, "Spare")
	claim, held := w.Claim(org.ID, "claimed.example"), w.Holds(org.ID, "held.example")
	c := cast{
		claim: claim.ID, held: held.ID, sso: sso.ID, spare: spare.ID,
		org: org.ID, shut: shut.ID, stored: stored.ID, owner: owner.ID, member: member.ID, resting: resting.ID, gone: gone.ID,
		outsider: w.User("outsider").ID, barred: barred.ID, identity: identity.ID, token: proof.Token.Reveal(),
		unproved: w.NewUser(tenancy.NewUser{Email: "unproved@acme.example"}).ID,
	}
	c.settleProofs(w)
	c.settleSessions(w)
	c.Joinable = w.SettleJoining(org.ID, "")
	return c
}

// method is an entry of the table that every exported method has.
type method struct {
	writes bool
	log    bool // it writes to the log of events alone
	alone  bool // it is in_transaction in any transaction, for it waits for somebody outside
	// call does something that succeeds, and for one that writes changes rows.
	call func(ctx context.Context, s *tenancy.Service, c cast) error
	// strange are changes to the cast with which call must answer not_found: ids of
	// nothing, and of things of another organization's or another user's.
	strange map[string]func(*cast)
}

func reads(call func(context.Context, *tenancy.Service, cast) error, strange ...map[string]func(*cast)) method {
	return method{call: call, strange: join(strange)}
}

func writes(call func(context.Context, *tenancy.Service, cast) error, strange ...map[string]func(*cast)) method {
	return method{writes: true, call: call, strange: join(strange)}
}

func join(maps []map[string]func(*cast)) map[string]func(*cast) {
	all := map[string]func(*cast){}
	for _, m := range maps {
		for name, change := range m {
			all[name] = change
		}
	}
	return all
}

// The strangers that methods meet, by what they take.
func noOrg() map[string]func(*cast) {
	return map[string]func(*cast){
		"unknown organization": func(c *cast) { c.org, c.shut, c.stored = servicetest.Nowhere, servicetest.Nowhere, servicetest.Nowhere },
		"zero organization": func(c *cast) {
			c.org, c.shut, c.stored = tenancy.OrganizationID{}, tenancy.OrganizationID{}, tenancy.OrganizationID{}
		},
	}
}

func noUser() map[string]func(*cast) {
	return map[string]func(*cast){
		"unknown user": func(c *cast) {
			c.owner, c.member, c.resting, c.outsider, c.barred = servicetest.Nobody, servicetest.Nobody, servicetest.Nobody, servicetest.Nobody, servicetest.Nobody
			c.unproved = servicetest.Nobody
		},
		"zero user": func(c *cast) {
			var none tenancy.UserID
			c.owner, c.member, c.resting, c.outsider, c.barred, c.unproved = none, none, none, none, none, none
		},
	}
}

func noMember() map[string]func(*cast) {
	return map[string]func(*cast){
		"another organization's member": func(c *cast) { c.org = c.shut },
		"a user in no organization":     func(c *cast) { c.member, c.resting, c.owner = c.outsider, c.outsider, c.outsider },
	}
}

func noIdentity() map[string]func(*cast) {
	return map[string]func(*cast){
		"unknown identity":        func(c *cast) { c.identity = servicetest.Nothing },
		"another user's identity": func(c *cast) { c.member = c.outsider },
	}
}

// methods is the table: group and method, and what to do with it.
func methods() map[string]method {
	all := map[string]method{}
	for group, table := range map[string]map[string]method{
		"Organizations": organizationMethods(), "Users": userMethods(), "Identities": identityMethods(),
		"Memberships": membershipMethods(), "Events": eventMethods(), "Roles": roleMethods(), "Permissions": permissionMethods(),
		"Sessions": sessionMethods(), "Proofs": proofMethods(),
		"Invitations": invitationMethods(), "JoinCodes": joinCodeMethods(), "JoinRequests": joinRequestMethods(),
		"Domains":     domainMethods(),
		"Connections": connectionMethods(), "Policies": policyMethods(),
	} {
		for name, m := range table {
			all[group+"."+name] = m
		}
	}
	return all
}

func organizationMethods() map[string]method {
	one := func(call func(tenancy.Organizations, context.Context, tenancy.OrganizationID) (tenancy.Organization, error),
		which func(cast) tenancy.OrganizationID,
	) func(context.Context, *tenancy.Service, cast) error {
		return func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := call(s.Organizations, ctx, which(c))
			return err
		}
	}
	live := func(c cast) tenancy.OrganizationID { return c.org }
	return map[string]method{
		"Create": writes(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Organizations.Create(ctx, tenancy.NewOrganization{DisplayName: "New", Owner: c.outsider})
			return err
		}, map[string]func(*cast){"unknown owner": func(c *cast) { c.outsider = servicetest.Nobody }}),
		"Get": reads(one(tenancy.Organizations.Get, live), noOrg()),
		"Seats": reads(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Organizations.Seats(ctx, c.org)
			return err
		}, noOrg()),
		"GetBySlug": reads(func(ctx context.Context, s *tenancy.Service, _ cast) error {
			_, err := s.Organizations.GetBySlug(ctx, "acme")
			return err
		}),
		"GetByFormerSlug": reads(func(ctx context.Context, s *tenancy.Service, _ cast) error {
			_, err := s.Organizations.GetByFormerSlug(ctx, "acme-before")
			return err
		}),
		"ReleaseSlug": writes(func(ctx context.Context, s *tenancy.Service, _ cast) error {
			return s.Organizations.ReleaseSlug(ctx, "acme-before")
		}),
		"GetByExternalID": reads(func(ctx context.Context, s *tenancy.Service, _ cast) error {
			_, err := s.Organizations.GetByExternalID(ctx, "crm-1")
			return err
		}),
		"Update": writes(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Organizations.Update(ctx, c.org, tenancy.OrganizationUpdate{DisplayName: servicetest.Ptr("Renamed")})
			return err
		}, noOrg()),
		"List": reads(func(ctx context.Context, s *tenancy.Service, _ cast) error {
			_, err := s.Organizations.List(ctx, tenancy.OrganizationQuery{})
			return err
		}),
		"All": reads(func(ctx context.Context, s *tenancy.Service, _ cast) error {
			return drain(s.Organizations.All(ctx, tenancy.OrganizationQuery{Limit: 1}))
		}),
		"Suspend": writes(one(tenancy.Organizations.Suspend, live), noOrg()),
		"Resume":  writes(one(tenancy.Organizations.Resume, func(c cast) tenancy.OrganizationID { return c.shut }), noOrg()),
		"Archive": writes(one(tenancy.Organizations.Archive, live), noOrg()),
		"Restore": writes(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Organizations.Restore(ctx, c.stored)
			return err
		}, noOrg()),
		"Delete": writes(func(ctx context.Context, s *tenancy.Service, c cast) error {
			return s.Organizations.Delete(ctx, c.org)
		}, noOrg()),
		"Purge": writes(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Organizations.Purge(ctx, c.stored, 10)
			return err
		}, noOrg()),
	}
}

func identityMethods() map[string]method {
	return map[string]method{
		"Link": writes(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Identities.Link(ctx, c.member, tenancy.NewIdentity{Provider: "github", Subject: "h-1"})
			return err
		}, noUser()),
		"Unlink": writes(func(ctx context.Context, s *tenancy.Service, c cast) error {
			return s.Identities.Unlink(ctx, c.member, c.identity)
		}, noUser(), noIdentity()),
		"List": reads(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Identities.List(ctx, c.member)
			return err
		}, noUser()),
		"Resolve": writes(func(ctx context.Context, s *tenancy.Service, _ cast) error {
			_, err := s.Identities.Resolve(ctx, tenancy.NewIdentity{
				Provider: "google", Subject: "g-2", Email: "outsider@acme.example", EmailVerified: true,
			})
			return err
		}),
	}
}

func eventMethods() map[string]method {
	return map[string]method{
		"List": reads(func(ctx context.Context, s *tenancy.Service, _ cast) error {
			_, err := s.Events.List(ctx, tenancy.EventQuery{})
			return err
		}),
		"All": reads(func(ctx context.Context, s *tenancy.Service, _ cast) error {
			return drain(s.Events.All(ctx, tenancy.EventQuery{Limit: 1}))
		}),
		"Denials": denialMethod(),
		"Last": reads(func(ctx context.Context, s *tenancy.Service, _ cast) error {
			_, err := s.Events.Last(ctx)
			return err
		}),
		"Prune": {writes: true, log: true, call: func(ctx context.Context, s *tenancy.Service, _ cast) error {
			_, err := s.Events.Prune(ctx, time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC))
			return err
		}},
	}
}
