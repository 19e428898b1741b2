package rules

import (
	"context"
	"fmt"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

func holderRules() []rule {
	return []rule{
		{"R7 Roles.Effective shows what a role gives, with what it inherits", on(effectiveRoles)},
		{"R7 Roles.Holders is who holds a role, and how many", on(holders)},
		{"R7 Roles.Holders counts up to a limit", on(manyHolders).in(servicetest.Memory)},
	}
}

func effectiveRoles(w *world) {
	w.Declare()
	org, other := w.Org("Acme").ID, w.Org("Other").ID
	w.Role(org, "org-lead", servicetest.Clerk, servicetest.ReadDocs, "billing.*", rbac.ReadMembers)
	got, err := w.Svc.Roles.Effective(w.Ctx, org, "org-lead")
	w.NoError(err)
	own, err := w.Svc.Roles.Get(w.Ctx, org, "org-lead")
	w.NoError(err)
	w.Equal(own, got.Role)
	w.Equal([]string{servicetest.Clerk, servicetest.Auditor}, got.Parents)
	w.Equal([]tenancy.EffectiveGrant{ // what the auditor grants, the role itself has
		{Grant: "billing.*", Role: "org-lead"},
		{Grant: servicetest.ReadDocs, Role: "org-lead"},
		{Grant: rbac.ReadMembers, Role: "org-lead"},
		{Grant: servicetest.WriteDocs, Role: servicetest.Clerk},
	}, got.Grants)
	w.ElementsMatch([]rbac.Permission{servicetest.Billing, servicetest.ReadDocs, servicetest.WriteDocs, rbac.ReadMembers}, got.Permissions)
	got, err = w.Svc.Roles.Effective(w.Ctx, org, rbac.Guest)
	w.NoError(err)
	w.Empty(got.Parents)
	w.Empty(got.Permissions)
	_, err = w.Svc.Roles.Effective(w.Ctx, other, "org-lead")
	w.Failed(err, tenancy.ErrUnknownRole, "slug")
}

// holding lists who holds a role, in pages of one, and checks that each page counts the same.
func (w *world) holding(org tenancy.OrganizationID, role string, desc bool) (users []tenancy.UserID, n int) {
	w.T.Helper()
	q := tenancy.MemberQuery{Limit: 1, Descending: desc}
	for first := true; ; first = false {
		page, err := w.Svc.Roles.Holders(w.Ctx, org, role, q)
		w.NoError(err)
		w.False(page.More)
		w.True(first || n == page.Holders)
		n = page.Holders
		for _, m := range page.Items {
			w.Contains(m.Roles, role)
			users = append(users, m.UserID)
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			return users, n
		}
	}
}

func holders(w *world) {
	w.Declare()
	ada, bob, cyd, dan := w.User("ada"), w.User("bob"), w.User("cyd"), w.User("dan")
	acme, other := w.Owned("Acme", ada), w.Org("Other")
	m := w.Add(acme, bob, servicetest.Clerk)
	w.Add(acme, cyd, servicetest.Auditor, servicetest.Clerk)
	w.Add(acme, dan, servicetest.Auditor) // clerk extends that, and not the other way round
	w.Add(other, ada, servicetest.Clerk)
	w.Assign(m, servicetest.Clerk, tenancy.RoleDirectory, "g-1") // twice, from two sources
	of := func(role string, want ...tenancy.UserID) {
		w.T.Helper()
		users, n := w.holding(acme.ID, role, false)
		w.Equal(want, users)
		w.Equal(len(want), n)
		back, _ := w.holding(acme.ID, role, true)
		w.ElementsMatch(want, back)
	}
	of(servicetest.Clerk, bob.ID, cyd.ID)
	of(servicetest.Auditor, cyd.ID, dan.ID)
	of(rbac.Owner, ada.ID)
	of(rbac.Guest)
	w.Deactivate(acme, cyd)
	of(servicetest.Clerk, bob.ID)
	for _, q := range []tenancy.MemberQuery{{NamePrefix: "a"}, {EmailPrefix: "a"}, {Order: tenancy.ByName}, {Statuses: []tenancy.MembershipStatus{}}} {
		_, err := w.Svc.Roles.Holders(w.Ctx, acme.ID, servicetest.Clerk, q)
		w.Failed(err, tenancy.ErrInvalid, "query")
	}
	_, err := w.Svc.Roles.Holders(w.Ctx, acme.ID, "org-none", tenancy.MemberQuery{})
	w.Failed(err, tenancy.ErrUnknownRole, "slug")
	page, err := w.Svc.Roles.Holders(w.Ctx, acme.ID, servicetest.Auditor, tenancy.MemberQuery{Limit: 1})
	w.NoError(err)
	if page.Next != "" { // a cursor is for the role that it came from
		_, err = w.Svc.Roles.Holders(w.Ctx, acme.ID, servicetest.Clerk, tenancy.MemberQuery{Cursor: page.Next})
		w.Failed(err, tenancy.ErrInvalidCursor, "cursor")
	}
}

func manyHolders(w *world) {
	acme := w.Org("Acme")
	w.NoError(w.Svc.Import(w.Ctx, w.adds(acme, 0, 1000)))
	page, err := w.Svc.Roles.Holders(w.Ctx, acme.ID, rbac.Member, tenancy.MemberQuery{Limit: 1})
	w.NoError(err)
	w.Equal(1000, page.Holders)
	w.False(page.More)
	w.NoError(w.Svc.Import(w.Ctx, w.adds(acme, 1000, 1001)))
	page, err = w.Svc.Roles.Holders(w.Ctx, acme.ID, rbac.Member, tenancy.MemberQuery{Limit: 1})
	w.NoError(err)
	w.Equal(fmt.Sprint(1000, true), fmt.Sprint(page.Holders, page.More))
}

// adds makes users from a number to another members.
func (w *world) adds(org tenancy.Organization, from, to int) func(context.Context, *tenancy.Service) error {
	return func(ctx context.Context, tx *tenancy.Service) error {
		for i := from; i < to; i++ {
			_, err := tx.Users.Create(ctx, tenancy.NewUser{
				Email: fmt.Sprintf("u%d@acme.example", i), Memberships: []tenancy.NewMembership{{OrganizationID: org.ID}},
			})
			if err != nil {
				return err
			}
		}
		return nil
	}
}
