package fresh

import (
	"context"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// change is a call that alters what somebody may do.
type change struct {
	probes func(c freshCast) []probe
	call   func(ctx context.Context, s *tenancy.Service, c freshCast) error
}

// probe is a check, and its answers before and after the change.
type probe struct {
	user          tenancy.UserID
	org           tenancy.OrganizationID
	permission    rbac.Permission
	before, after string
}

// The answers of a check besides error codes.
const (
	may    = "may"
	mayNot = "may not"
)

// harmless are the methods after which everybody may do what they might before.
var harmless = []string{
	"Connections.Create", "Connections.Get", "Connections.GetByID", "Connections.List", "Connections.Update", "Policies.Get", "Policies.Set", "Route",
	"As", "Can", "Check", "Explain", "MembersWith", "Run", "Join", "Rows",
	"Domains.Challenge", "Domains.Claim", "Domains.Get", "Domains.List", "Domains.MarkVerified", "Domains.Owner", "Domains.Recheck",
	"Domains.Update", "Domains.Verify", "Domains.VerifySubdomains",
	"Events.Denials", "Events.Last", "Events.List", "Events.Prune",
	"Identities.Link", "Identities.List", "Identities.Resolve", "Identities.Unlink",
	"Memberships.Count", "Memberships.Get", "Memberships.List", "Memberships.ListByUser", "Memberships.Readmit", "Memberships.Removed", "Memberships.Update",
	"Organizations.Get", "Organizations.GetByExternalID", "Organizations.GetByFormerSlug", "Organizations.GetBySlug", "Organizations.List", "Organizations.Seats",
	"Organizations.ReleaseSlug", "Organizations.Purge", "Organizations.Update", // it empties what is archived
	"Invitations.Decline", "Invitations.Get", "Invitations.List", "Invitations.ListByUser", "Invitations.Preview", "Invitations.Resend", "Invitations.Revoke",
	"Invitations.Send", "Invitations.SendMany", "Invitations.Sweep", "Invitations.Update", "JoinCodes.Create", "JoinCodes.Get", "JoinCodes.List", "JoinCodes.Revoke",
	"JoinRequests.Cancel", "JoinRequests.Create", "JoinRequests.Decline", "JoinRequests.Get", "JoinRequests.List",
	"Sessions.Authenticate", "Sessions.Claims", "Sessions.Enter", "Sessions.Get", "Sessions.List", "Sessions.ListByUser", "Sessions.Revoke",
	"Sessions.RevokeAll", "Sessions.RevokeByOrganization", "Sessions.SignOut", "Sessions.Start", "Sessions.Sweep", "Sessions.Switch",
	"Permissions.List", "Permissions.Of", "Proofs.Finish", "Proofs.Open", "Proofs.Preview", "Proofs.Start", "Proofs.Sweep", "Roles.Create", "Roles.Effective", "Roles.Get", "Roles.Holders", "Roles.List", "Roles.Reorder",
	"Users.CancelEmailChange", "Users.ChangeEmail", "Users.ConfirmEmail", "Users.Create", "Users.Get", "Users.GetByEmail",
	"Users.GetByExternalID", "Users.List", "Users.RecordSignIn", "Users.SendVerification", "Users.Update",
}

type (
	callFunc  = func(ctx context.Context, s *tenancy.Service, c freshCast) error
	probeFunc = func(c freshCast) []probe
)

// loses is somebody who may write in the organization before, and not after.
func loses(who func(freshCast) tenancy.UserID) probeFunc {
	return moves(who, org, freshWrite, may, mayNot)
}

// gains is the other way.
func gains(who func(freshCast) tenancy.UserID) probeFunc {
	return moves(who, org, freshWrite, mayNot, may)
}

func moves(who func(freshCast) tenancy.UserID, where func(freshCast) tenancy.OrganizationID, p rbac.Permission, before, after string) probeFunc {
	return func(c freshCast) []probe { return []probe{{who(c), where(c), p, before, after}} }
}

func both(a, b probeFunc) probeFunc {
	return func(c freshCast) []probe { return append(a(c), b(c)...) }
}

func org(c freshCast) tenancy.OrganizationID { return c.org }

func ada(c freshCast) tenancy.UserID { return c.ada }

func bob(c freshCast) tenancy.UserID { return c.bob }

func carl(c freshCast) tenancy.UserID { return c.carl }

func dora(c freshCast) tenancy.UserID { return c.dora }

func eve(c freshCast) tenancy.UserID { return c.eve }

func brought(c freshCast) tenancy.UserID { return c.brought }

// changes is the table, by the name of the method.
func changes() map[string][]change {
	all := map[string][]change{
		"Transact": {{loses(bob), func(ctx context.Context, s *tenancy.Service, c freshCast) error {
			return s.Transact(ctx, func(ctx context.Context, tx *tenancy.Service) error {
				_, err := tx.Memberships.Deactivate(ctx, c.org, c.bob)
				return err
			})
		}}},
		"Import": {{both(gains(dora), loses(bob)), func(ctx context.Context, s *tenancy.Service, c freshCast) error {
			return s.Import(ctx, func(ctx context.Context, tx *tenancy.Service) error {
				if err := tx.Memberships.Remove(ctx, c.org, c.bob); err != nil {
					return err
				}
				_, err := tx.Memberships.Add(ctx, tenancy.NewMembership{OrganizationID: c.org, UserID: c.dora, Roles: []string{"editor"}})
				return err
			})
		}}},
	}
	for _, table := range []map[string][]change{organizationChanges(), userChanges(), membershipChanges(), roleChanges()} {
		for name, list := range table {
			all[name] = list
		}
	}
	return all
}

func organizationChanges() map[string][]change {
	shut := func(c freshCast) tenancy.OrganizationID { return c.shut }
	stored := func(c freshCast) tenancy.OrganizationID { return c.stored }
	next := func(c freshCast) tenancy.OrganizationID { return c.next }
	one := func(call func(tenancy.Organizations, context.Context, tenancy.OrganizationID) (tenancy.Organization, error),
		which func(freshCast) tenancy.OrganizationID,
	) callFunc {
		return func(ctx context.Context, s *tenancy.Service, c freshCast) error {
			_, err := call(s.Organizations, ctx, which(c))
			return err
		}
	}
	all := both(loses(bob), both(loses(ada), loses(eve)))
	return map[string][]change{
		"Organizations.Create": {{moves(dora, next, freshWrite, mayNot, may), func(ctx context.Context, s *tenancy.Service, c freshCast) error {
			_, err := s.Organizations.Create(ctx, tenancy.NewOrganization{ID: c.next, DisplayName: "Next", Owner: c.dora})
			return err
		}}},
		"Organizations.Suspend": {{all, one(tenancy.Organizations.Suspend, org)}},
		"Organizations.Archive": {{all, one(tenancy.Organizations.Archive, org)}},
		"Organizations.Resume":  {{moves(bob, shut, freshWrite, mayNot, may), one(tenancy.Organizations.Resume, shut)}},
		"Organizations.Restore": {{moves(bob, stored, freshWrite, mayNot, may), func(ctx context.Context, s *tenancy.Service, c freshCast) error {
			_, err := s.Organizations.Restore(ctx, c.stored)
			return err
		}}},
		"Connections.Delete": {{loses(brought), func(ctx context.Context, s *tenancy.Service, c freshCast) error {
			return s.Connections.Delete(ctx, c.org, c.sso)
		}}},
		"SignIn": {{loses(brought), func(ctx context.Context, s *tenancy.Service, c freshCast) error { // P8: no group is asserted
			_, err := s.SignIn(ctx, servicetest.Through(tenancy.Connection{ID: c.sso, Epoch: 1}, "brought", ""))
			return err
		}}},
		"Domains.Release": {{loses(func(c freshCast) tenancy.UserID { return c.given }), func(ctx context.Context, s *tenancy.Service, c freshCast) error {
			return s.Domains.Release(ctx, c.org, c.domain)
		}}},
		"Organizations.Delete": {{all, func(ctx context.Context, s *tenancy.Service, c freshCast) error {
			return s.Organizations.Delete(ctx, c.org)
		}}},
	}
}

func userChanges() map[string][]change {
	barred := func(c freshCast) tenancy.UserID { return c.barred }
	return map[string][]change{
		"Users.Suspend": {{loses(bob), func(ctx context.Context, s *tenancy.Service, c freshCast) error {
			_, err := s.Users.Suspend(ctx, c.bob)
			return err
		}}},
		"Users.Unsuspend": {{gains(barred), func(ctx context.Context, s *tenancy.Service, c freshCast) error {
			_, err := s.Users.Unsuspend(ctx, c.barred)
			return err
		}}},
		"Users.Delete": {{loses(bob), func(ctx context.Context, s *tenancy.Service, c freshCast) error {
			return s.Users.Delete(ctx, c.bob)
		}}},
		"Users.Erase": {{loses(bob), func(ctx context.Context, s *tenancy.Service, c freshCast) error {
			return s.Users.Erase(ctx, c.bob)
		}}},
		"Users.Merge": {
			{both(loses(bob), gains(dora)), func(ctx context.Context, s *tenancy.Service, c freshCast) error {
				_, err := s.Users.Merge(ctx, c.bob, c.dora)
				return err
			}},
			{both(loses(bob), loses(eve)), func(ctx context.Context, s *tenancy.Service, c freshCast) error {
				if _, err := s.Memberships.Deactivate(ctx, c.org, c.bob); err != nil {
					return err
				}
				_, err := s.Users.Merge(ctx, c.bob, c.eve) // the more restrictive of the two
				return err
			}},
		},
	}
}

func membershipChanges() map[string][]change {
	adds := func(who func(freshCast) tenancy.UserID) callFunc {
		return func(ctx context.Context, s *tenancy.Service, c freshCast) error {
			_, err := s.Memberships.Add(ctx, tenancy.NewMembership{OrganizationID: c.org, UserID: who(c), Roles: []string{"editor"}})
			return err
		}
	}
	roles := func(who func(freshCast) tenancy.UserID, roles ...string) callFunc {
		return func(ctx context.Context, s *tenancy.Service, c freshCast) error {
			_, err := s.Memberships.SetRoles(ctx, c.org, who(c), roles...)
			return err
		}
	}
	return map[string][]change{
		"Invitations.Accept": {{gains(dora), func(ctx context.Context, s *tenancy.Service, c freshCast) error {
			sent, err := s.Invitations.Send(ctx, tenancy.NewInvitation{OrganizationID: c.org, Email: "dora@acme.example", Roles: []string{"editor"}})
			if err == nil {
				_, err = s.Invitations.Accept(ctx, sent.Token.Reveal(), c.dora)
			}
			return err
		}}},
		"JoinCodes.Use": {{gains(dora), func(ctx context.Context, s *tenancy.Service, c freshCast) error {
			code, err := s.JoinCodes.Create(ctx, tenancy.NewJoinCode{OrganizationID: c.org, Role: "editor"})
			if err == nil {
				_, err = s.JoinCodes.Use(ctx, code.Token.Reveal(), c.dora)
			}
			return err
		}}},
		"JoinRequests.Approve": {{gains(dora), func(ctx context.Context, s *tenancy.Service, c freshCast) error {
			req, err := s.JoinRequests.Create(ctx, c.org, c.dora, "")
			if err == nil {
				_, err = s.JoinRequests.Approve(ctx, req.ID, "editor")
			}
			return err
		}}},
		"Memberships.Add": {{gains(dora), adds(dora)}, {gains(carl), adds(carl)}},
		"Memberships.SetRoles": {
			{loses(bob), roles(bob, rbac.Guest)},
			{loses(eve), roles(eve, rbac.Guest)},
			{moves(bob, org, rbac.WriteMembers, mayNot, may), roles(bob, rbac.Admin, "org-author")},
		},
		"Memberships.AddRole": {{moves(bob, org, rbac.WriteMembers, mayNot, may), func(ctx context.Context, s *tenancy.Service, c freshCast) error {
			_, err := s.Memberships.AddRole(ctx, c.org, c.bob, rbac.Admin)
			return err
		}}},
		"Memberships.RemoveRole": {{loses(bob), func(ctx context.Context, s *tenancy.Service, c freshCast) error {
			if _, err := s.Memberships.AddRole(ctx, c.org, c.bob, rbac.Guest); err != nil {
				return err
			}
			_, err := s.Memberships.RemoveRole(ctx, c.org, c.bob, "editor")
			return err
		}}},
		"Memberships.Deactivate": {{loses(bob), func(ctx context.Context, s *tenancy.Service, c freshCast) error {
			_, err := s.Memberships.Deactivate(ctx, c.org, c.bob)
			return err
		}}},
		"Memberships.Reactivate": {{gains(carl), func(ctx context.Context, s *tenancy.Service, c freshCast) error {
			_, err := s.Memberships.Reactivate(ctx, c.org, c.carl)
			return err
		}}},
		"Memberships.Remove": {{loses(bob), func(ctx context.Context, s *tenancy.Service, c freshCast) error {
			return s.Memberships.Remove(ctx, c.org, c.bob)
		}}},
		"Memberships.Leave": {{loses(bob), func(ctx context.Context, s *tenancy.Service, c freshCast) error {
			return s.Memberships.Leave(ctx, c.org, c.bob)
		}}},
		"Memberships.TransferOwnership": {{
			both(moves(ada, org, rbac.TransferOwnership, may, mayNot), moves(bob, org, rbac.TransferOwnership, mayNot, may)),
			func(ctx context.Context, s *tenancy.Service, c freshCast) error {
				return s.Memberships.TransferOwnership(ctx, c.org, c.ada, c.bob, rbac.Guest)
			},
		}},
	}
}

func roleChanges() map[string][]change {
	updates := func(in tenancy.RoleUpdate) callFunc {
		return func(ctx context.Context, s *tenancy.Service, c freshCast) error {
			_, err := s.Roles.Update(ctx, c.org, "org-author", in)
			return err
		}
	}
	declares := func(revision int64, grants ...rbac.Grant) callFunc {
		return func(ctx context.Context, s *tenancy.Service, _ freshCast) error {
			return s.Declare(ctx, revision, tenancy.Schema{Roles: []tenancy.RoleSpec{{Slug: "editor", Extends: rbac.Member, Grants: grants}}})
		}
	}
	return map[string][]change{
		"Declare": {
			{loses(bob), declares(2)},
			{moves(bob, org, rbac.ReadEvents, mayNot, may), declares(2, rbac.ReadEvents)},
			{moves(ada, org, freshLater, string(tenancy.ErrUnknownPermission), may), func(ctx context.Context, s *tenancy.Service, _ freshCast) error {
				return s.Declare(ctx, 2, tenancy.Schema{Permissions: []tenancy.PermissionSpec{{Slug: freshLater}}})
			}},
		},
		"Roles.Update": {
			{loses(eve), updates(tenancy.RoleUpdate{Remove: []rbac.Grant{freshWrite}})},
			{moves(eve, org, freshRead, mayNot, may), updates(tenancy.RoleUpdate{Extends: servicetest.Ptr("editor")})},
			{moves(eve, org, rbac.ReadEvents, mayNot, may), updates(tenancy.RoleUpdate{Add: []rbac.Grant{rbac.ReadEvents}})},
		},
		"Roles.Delete": {
			{loses(eve), func(ctx context.Context, s *tenancy.Service, c freshCast) error {
				return s.Roles.Delete(ctx, c.org, "org-author", rbac.Guest)
			}},
			{loses(bob), func(ctx context.Context, s *tenancy.Service, _ freshCast) error {
				return s.Roles.Delete(ctx, tenancy.OrganizationID{}, "editor", rbac.Guest)
			}},
		},
		"Permissions.Delete": {{
			moves(bob, org, freshWrite, may, string(tenancy.ErrUnknownPermission)),
			func(ctx context.Context, s *tenancy.Service, _ freshCast) error {
				return s.Permissions.Delete(ctx, freshWrite)
			},
		}},
	}
}
