package servicetest

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

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
func roleRaces(t *testing.T, open Opener) {
	r := newRace(t, open)
	require.NoError(t, r.svc.Permissions.Declare(r.ctx, 1, tenancy.PermissionDeclaration{Slug: readDocs}))
	for n := range accessRounds {
		owner, ada, bob := r.user("owner", n), r.user("ada", n), r.user("bob", n)
		org := r.org(owner)
		_, err := r.svc.Memberships.Add(r.ctx, adding(org, ada))
		r.NoError(err)
		own, declared := "org-gone", fmt.Sprintf("gone-%d", n)
		_, err = r.svc.Roles.Create(r.ctx, org.ID, tenancy.NewRole{Slug: own})
		r.NoError(err)
		r.NoError(r.svc.Roles.Declare(r.ctx, 1, rbac.Role{Slug: declared}))
		codes := r.together(
			func() error { return r.svc.Roles.Delete(r.ctx, org.ID, own, "") },
			func() error { return r.svc.Roles.Delete(r.ctx, tenancy.OrganizationID{}, declared, "") },
			func() error { _, err := r.svc.Memberships.SetRoles(r.ctx, org.ID, ada.ID, own, declared); return err },
			func() error { _, err := r.svc.Memberships.Add(r.ctx, adding(org, bob, declared)); return err },
			func() error {
				_, err := r.svc.Roles.Create(r.ctx, org.ID, tenancy.NewRole{Slug: "org-child", Extends: own})
				return err
			},
			func() error {
				_, err := r.svc.Organizations.Update(r.ctx, org.ID, tenancy.OrganizationUpdate{DefaultRole: &declared})
				return err
			},
		)
		for _, code := range codes {
			r.Contains([]tenancy.Code{"", tenancy.ErrUnknownRole, tenancy.ErrRoleInUse}, code)
		}
		r.wholeRoles(org)
	}
}

// wholeRoles checks that every role that is named in an organization is there.
func (r *race) wholeRoles(org tenancy.Organization) {
	list, err := r.svc.Roles.List(r.ctx, org.ID)
	r.NoError(err)
	known := map[string]bool{"": true}
	for _, role := range list {
		known[role.Slug] = true
	}
	for _, role := range list {
		r.True(known[role.Extends], "%s extends %s, which is not there", role.Slug, role.Extends)
	}
	for m, err := range r.svc.Memberships.All(r.ctx, org.ID, tenancy.MemberQuery{}) {
		r.NoError(err)
		for _, slug := range m.Roles {
			r.True(known[slug], "%s is held and not there", slug)
		}
	}
	got, err := r.svc.Organizations.Get(r.ctx, org.ID)
	r.NoError(err)
	r.True(known[got.Settings.DefaultRole], "the default %s is not there", got.Settings.DefaultRole)
}

// demotedRace: of two owners who demote each other one wins, for the other's access is
// read under the lock (A1).
func demotedRace(t *testing.T, open Opener) {
	r := newRace(t, open)
	for n := range accessRounds {
		ada, bob := r.user("ada", n), r.user("bob", n)
		org := r.org(ada, bob)
		demote := func(actor, target tenancy.User) func() error {
			return func() error {
				_, err := r.svc.As(tenancy.UserPrincipal(actor.ID)).Memberships.SetRoles(r.ctx, org.ID, target.ID, rbac.Member)
				if err != nil && !errors.Is(err, tenancy.ErrForbidden) {
					return fmt.Errorf("an outcome of no such race: %w", err)
				}
				return err
			}
		}
		codes := r.together(demote(ada, bob), demote(bob, ada))
		r.ElementsMatch([]tenancy.Code{"", tenancy.ErrForbidden}, codes)
		_, owners := r.active(org)
		r.Equal(1, owners)
	}
}
