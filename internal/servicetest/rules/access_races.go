package rules

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

func accessRaceRules() []rule {
	return []rule{
		{"R5 a role deleted while it is being granted", over(roleRaces)},
		{"R6 an actor demoted while acting", over(demotedRace)},
	}
}

const accessRounds = 12

// roleRaces: whoever wins, nobody is left with a role that is not there.
func roleRaces(t *testing.T, open servicetest.Opener) {
	r := servicetest.NewRace(t, open)
	require.NoError(t, r.Svc.Declare(r.Ctx, 1, tenancy.Schema{Permissions: []tenancy.PermissionSpec{{Slug: servicetest.ReadDocs}}}))
	for n := range accessRounds {
		owner, ada, bob := r.User("owner", n), r.User("ada", n), r.User("bob", n)
		org := r.Org(owner)
		_, err := r.Svc.Memberships.Add(r.Ctx, servicetest.Adding(org, ada))
		r.NoError(err)
		own, declared := "org-gone", fmt.Sprintf("gone-%d", n)
		_, err = r.Svc.Roles.Create(r.Ctx, org.ID, tenancy.NewRole{Slug: own})
		r.NoError(err)
		r.NoError(r.Svc.Declare(r.Ctx, 1, tenancy.Schema{Roles: []tenancy.RoleSpec{{Slug: declared}}}))
		codes := r.Together(
			func() error { return r.Svc.Roles.Delete(r.Ctx, org.ID, own, "") },
			func() error { return r.Svc.Roles.Delete(r.Ctx, tenancy.OrganizationID{}, declared, "") },
			func() error { _, err := r.Svc.Memberships.SetRoles(r.Ctx, org.ID, ada.ID, own, declared); return err },
			func() error {
				_, err := r.Svc.Memberships.Add(r.Ctx, servicetest.Adding(org, bob, declared))
				return err
			},
			func() error {
				_, err := r.Svc.Roles.Create(r.Ctx, org.ID, tenancy.NewRole{Slug: "org-child", Extends: own})
				return err
			},
			func() error {
				_, err := r.Svc.Organizations.Update(r.Ctx, org.ID, tenancy.OrganizationUpdate{DefaultRole: &declared})
				return err
			},
		)
		for _, code := range codes {
			r.Contains([]tenancy.Code{"", tenancy.ErrUnknownRole, tenancy.ErrRoleInUse}, code)
		}
		wholeRoles(r, org)
	}
}

// wholeRoles checks that every role that is named in an organization is there.
func wholeRoles(r *servicetest.Race, org tenancy.Organization) {
	list, err := r.Svc.Roles.List(r.Ctx, org.ID)
	r.NoError(err)
	known := map[string]bool{"": true}
	for _, role := range list {
		known[role.Slug] = true
	}
	for _, role := range list {
		r.True(known[role.Extends], "%s extends %s, which is not there", role.Slug, role.Extends)
	}
	for m, err := range r.Svc.Memberships.All(r.Ctx, org.ID, tenancy.MemberQuery{}) {
		r.NoError(err)
		for _, slug := range m.Roles {
			r.True(known[slug], "%s is held and not there", slug)
		}
	}
	got, err := r.Svc.Organizations.Get(r.Ctx, org.ID)
	r.NoError(err)
	r.True(known[got.Settings.DefaultRole], "the default %s is not there", got.Settings.DefaultRole)
}

// demotedRace: of two owners who demote each other one wins, for the other's access is
// read under the lock (A1).
func demotedRace(t *testing.T, open servicetest.Opener) {
	r := servicetest.NewRace(t, open)
	for n := range accessRounds {
		ada, bob := r.User("ada", n), r.User("bob", n)
		org := r.Org(ada, bob)
		demote := func(actor, target tenancy.User) func() error {
			return func() error {
				_, err := r.Svc.As(tenancy.UserPrincipal(actor.ID)).Memberships.SetRoles(r.Ctx, org.ID, target.ID, rbac.Member)
				if err != nil && !errors.Is(err, tenancy.ErrForbidden) {
					return fmt.Errorf("an outcome of no such race: %w", err)
				}
				return err
			}
		}
		codes := r.Together(demote(ada, bob), demote(bob, ada))
		r.ElementsMatch([]tenancy.Code{"", tenancy.ErrForbidden}, codes)
		_, owners := r.Active(org)
		r.Equal(1, owners)
	}
}
