package rules

import (
	"context"
	"fmt"
	"strings"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/tenancy"
)

// budgetAttacks fill what an organization may keep, to make each call read it.
func budgetAttacks() []rule {
	few := func(c *tenancy.Config) { c.Limits.RoleText, c.Limits.Settings, c.Limits.MetadataSize = 300, 120, 60 }
	return []rule{
		{"G9 attack: an organization keeps many roles, and each of its calls reads them all", on(manyRoles)},
		{"G9 attack: roles, settings and metadata as large as their counts allow", with(few, sizeBudgets).in(servicetest.Memory)},
		{"G9 what is above a budget stays readable and may shrink", with(few, aboveBudgets).in(servicetest.Memory)},
	}
}

// roleRows is a store that counts the rows of roles that are read.
type roleRows struct {
	store.Store
	n int
}

func (s *roleRows) View(ctx context.Context, fn func(store.Rows) error) error {
	return s.Store.View(ctx, func(rows store.Rows) error { return fn(countedRoles{rows, s}) })
}

func (s *roleRows) Update(ctx context.Context, fn func(store.Rows) error) error {
	return s.Store.Update(ctx, func(rows store.Rows) error { return fn(countedRoles{rows, s}) })
}

type countedRoles struct {
	store.Rows
	store *roleRows
}

func (r countedRoles) List(ctx context.Context, t *store.Table, where []store.Cond, span store.Range, yield func(store.Row) error) error {
	return r.Rows.List(ctx, t, where, span, func(row store.Row) error {
		r.store.n += btoi(t.Kind == "role")
		return yield(row)
	})
}

// manyRoles makes calls at an organization with three roles of its own, and again with many more.
func manyRoles(w *world) {
	w.Declare()
	owner, ada, bob := w.User("owner"), w.User("ada"), w.User("bob")
	acme := w.Owned("Acme", owner)
	w.Role(acme.ID, "org-base", "", rbac.WriteMembers, rbac.WriteInvitations, servicetest.ReadDocs)
	w.Role(acme.ID, "org-lead", "org-base", servicetest.WriteDocs)
	w.Role(acme.ID, "org-reader", "", servicetest.ReadDocs)
	w.Add(acme, ada, "org-lead")
	w.Add(acme, bob)
	counted := &roleRows{Store: w.Store}
	read := func(call func(host, ada *tenancy.Service) error) int {
		w.T.Helper()
		svc := w.Another(func(c *tenancy.Config) { c.Store = counted }) // which has nothing in memory yet
		counted.n = 0
		w.NoError(call(svc, svc.As(tenancy.UserPrincipal(ada.ID))))
		return counted.n
	}
	name, roles := 0, []string{"org-reader", "member"}
	costs := func() []int {
		w.T.Helper()
		name++
		return []int{
			read(func(_, ada *tenancy.Service) error {
				_, err := ada.Memberships.Update(w.Ctx, acme.ID, bob.ID, tenancy.MembershipUpdate{DisplayName: servicetest.Ptr(fmt.Sprint("B", name))})
				return err
			}),
			read(func(_, ada *tenancy.Service) error {
				_, err := ada.Memberships.SetRoles(w.Ctx, acme.ID, bob.ID, roles[name%2])
				return err
			}),
			read(func(_, ada *tenancy.Service) error {
				_, err := ada.Invitations.Send(w.Ctx, tenancy.NewInvitation{
					OrganizationID: acme.ID, Email: fmt.Sprintf("i%d@acme.example", name), Roles: []string{"org-reader"},
				})
				return err
			}),
			read(func(host, _ *tenancy.Service) error {
				_, err := host.Can(w.Ctx, ada.ID, acme.ID, servicetest.WriteDocs)
				return err
			}),
			read(func(host, _ *tenancy.Service) error {
				_, err := host.Explain(w.Ctx, ada.ID, acme.ID, servicetest.ReadDocs)
				return err
			}),
			read(func(host, _ *tenancy.Service) error {
				_, err := host.Organizations.Update(w.Ctx, acme.ID, tenancy.OrganizationUpdate{DefaultRole: &roles[name%2]})
				return err
			}),
		}
	}
	costs() // both turns, so that what changes is the same
	first := costs()
	for i := range 60 {
		w.Role(acme.ID, fmt.Sprint("org-", i), "org-base", servicetest.ReadDocs)
	}
	costs()
	w.Equal(first, costs())
}

func sizeBudgets(w *world) {
	w.Declare()
	acme := w.Org("Acme")
	long := strings.Repeat("x", 160)
	w.Role(acme.ID, "org-a", "")
	_, err := w.Svc.Roles.Create(w.Ctx, acme.ID, tenancy.NewRole{Slug: "org-b", Description: long})
	w.NoError(err)
	w.refuses(tenancy.ErrInvalid, "grants", func() error {
		_, err := w.Svc.Roles.Create(w.Ctx, acme.ID, tenancy.NewRole{Slug: "org-c", Description: long})
		return err
	})
	w.refuses(tenancy.ErrInvalid, "grants", func() error {
		_, err := w.Svc.Roles.Update(w.Ctx, acme.ID, "org-a", tenancy.RoleUpdate{Description: servicetest.Ptr(long + long)})
		return err
	})
	w.refuses(tenancy.ErrInvalid, "settings", func() error {
		_, err := w.Svc.Connections.Create(w.Ctx, tenancy.NewConnection{
			OrganizationID: acme.ID, Protocol: tenancy.ProtocolSAML, Name: "SSO", Settings: map[string]string{"certificate": long},
		})
		return err
	})
	_, err = w.Svc.Connections.Create(w.Ctx, tenancy.NewConnection{
		OrganizationID: acme.ID, Protocol: tenancy.ProtocolSAML, Name: "SSO", Settings: map[string]string{"certificate": long[:100]},
	})
	w.NoError(err) // more than metadata may have
	w.refuses(tenancy.ErrInvalid, "metadata", func() error {
		_, err := w.Svc.Organizations.Update(w.Ctx, acme.ID, tenancy.OrganizationUpdate{Metadata: tenancy.Patch{"a": servicetest.Ptr(long[:60])}})
		return err
	})
	w.refuses(tenancy.ErrInvalid, "attributes", func() error {
		_, err := w.Svc.Users.Create(w.Ctx, tenancy.NewUser{Email: "a@mail.example", Attributes: map[string]string{"a": long[:60]}})
		return err
	})
}

func aboveBudgets(w *world) {
	w.Declare()
	acme := w.Org("Acme")
	long := strings.Repeat("x", 400)
	lax := w.Another(func(c *tenancy.Config) { c.Limits = tenancy.Limits{} })
	_, err := lax.Roles.Create(w.Ctx, acme.ID, tenancy.NewRole{Slug: "org-a", Description: long})
	w.NoError(err)
	_, err = lax.Organizations.Update(w.Ctx, acme.ID, tenancy.OrganizationUpdate{Metadata: tenancy.Patch{"a": servicetest.Ptr(long), "b": servicetest.Ptr("y")}})
	w.NoError(err)
	org, err := w.Svc.Organizations.Update(w.Ctx, acme.ID, tenancy.OrganizationUpdate{Metadata: tenancy.Patch{"b": nil}})
	w.NoError(err)
	w.Equal(map[string]string{"a": long}, org.Metadata)
	w.refuses(tenancy.ErrInvalid, "metadata", func() error {
		_, err := w.Svc.Organizations.Update(w.Ctx, acme.ID, tenancy.OrganizationUpdate{Metadata: tenancy.Patch{"b": servicetest.Ptr("y")}})
		return err
	})
	role, err := w.Svc.Roles.Update(w.Ctx, acme.ID, "org-a", tenancy.RoleUpdate{Description: servicetest.Ptr(long[:390])})
	w.NoError(err)
	w.Len(role.Description, 390)
	w.refuses(tenancy.ErrInvalid, "grants", func() error {
		_, err := w.Svc.Roles.Update(w.Ctx, acme.ID, "org-a", tenancy.RoleUpdate{Add: []rbac.Grant{servicetest.ReadDocs}})
		return err
	})
}
