package rules

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

func schemaRules() []rule {
	return []rule{
		{"R2 one Declare makes permissions and roles that grant them, or nothing", on(declareTogether)},
		{"R2 an older revision changes nothing, also after an empty Schema", on(olderRevision)},
		{"R2 a built-in role that is left out is in no list and cannot be given", on(leftOut)},
		{"R2 leaving out a built-in role holds at once, in transactions, and is undone with them", on(leftOutAtOnce)},
		{"R2 a built-in role in use is not left out", on(leftOutInUse)},
		{"R2 an own role's slug is made from its name", on(roleSlugs)},
	}
}

func declareTogether(w *world) {
	schema := tenancy.Schema{
		Permissions: []tenancy.PermissionSpec{{Slug: servicetest.ReadDocs}},
		Roles:       []tenancy.RoleSpec{{Slug: "reader", Grants: []rbac.Grant{servicetest.ReadDocs}}, {Slug: "lost", Extends: "nothing"}},
	}
	declare := func() error { return w.Svc.Declare(w.Ctx, 1, schema) }
	w.refuses(tenancy.ErrUnknownRole, "roles", declare)
	schema.Roles = schema.Roles[:1]
	w.emits(declare, some(tenancy.EventPermissionCreated), some(tenancy.EventRoleCreated))
	w.silent(declare)
	w.refuses(tenancy.ErrInvalid, "revision", func() error { return w.Svc.Declare(w.Ctx, -1, schema) })
}

func olderRevision(w *world) {
	late := tenancy.Schema{Roles: []tenancy.RoleSpec{{Slug: "late"}}}
	w.NoError(w.Svc.Declare(w.Ctx, 5, tenancy.Schema{}))
	w.silent(func() error { return w.Svc.Declare(w.Ctx, 4, late) })
	w.silent(func() error { return w.Another(func(*tenancy.Config) {}).Declare(w.Ctx, 4, late) })
	w.emits(func() error { return w.Svc.Declare(w.Ctx, 5, late) }, some(tenancy.EventRoleCreated))
}

// without is a Schema that leaves out all built-in roles but owner and these.
func without(but ...string) tenancy.Schema {
	return tenancy.Schema{BuiltIns: append([]string{}, but...)}
}

func (w *world) roleSlugs(org tenancy.OrganizationID) []string {
	w.T.Helper()
	list, err := w.Svc.Roles.List(w.Ctx, org)
	w.NoError(err)
	slugs := make([]string, len(list))
	for i, r := range list {
		slugs[i] = r.Slug
	}
	return slugs
}

func leftOut(w *world) {
	w.Declare()
	w.NoError(w.Svc.Declare(w.Ctx, 1, tenancy.Schema{Roles: []tenancy.RoleSpec{{Slug: rbac.Guest, Grants: []rbac.Grant{servicetest.ReadDocs}}}}))
	ada := w.User("ada")
	acme := w.Owned("Acme", ada)
	claim, sso := w.Claim(acme.ID, "acme.example"), w.Connect(acme, "okta")
	w.Role(acme.ID, "org-own", "")
	w.NoError(w.Svc.Declare(w.Ctx, 2, without(rbac.Member)))
	w.Equal([]string{rbac.Owner, rbac.Member, servicetest.Clerk, servicetest.Auditor, "org-own"}, w.roleSlugs(acme.ID))
	_, err := w.Svc.Roles.Get(w.Ctx, acme.ID, rbac.Guest)
	w.Failed(err, tenancy.ErrUnknownRole, "slug")
	for name, given := range w.giftsOf(acme, ada, claim, sso) {
		w.each(name, func(w *world) { w.Failed(given.call(), tenancy.ErrUnknownRole, given.field) })
	}
	declared := without(rbac.Member)
	declared.Roles = []tenancy.RoleSpec{{Slug: rbac.Guest}}
	w.refuses(tenancy.ErrInvalid, "slug", func() error { return w.Svc.Declare(w.Ctx, 2, declared) })
	w.refuses(tenancy.ErrInvalid, "built_ins", func() error { return w.Svc.Declare(w.Ctx, 2, without(rbac.Member, servicetest.Clerk)) })
	// It comes back as it was.
	w.NoError(w.Svc.Declare(w.Ctx, 2, tenancy.Schema{}))
	back, err := w.Svc.Roles.Get(w.Ctx, acme.ID, rbac.Guest)
	w.NoError(err)
	w.Equal([]rbac.Grant{servicetest.ReadDocs}, back.Grants)
	w.Equal([]string{rbac.Guest}, w.Add(acme, w.User("eve"), rbac.Guest).Roles)
}

// gift is a call that gives a role, and the field that a refusal names.
type gift struct {
	field string
	call  func() error
}

// giftsOf are the ways to give guest, or admin.
func (w *world) giftsOf(acme tenancy.Organization, ada tenancy.User, claim tenancy.Domain, sso tenancy.Connection) map[string]gift {
	guest := servicetest.Ptr(rbac.Guest)
	return map[string]gift{
		"a member": {"roles", func() error {
			_, err := w.Svc.Memberships.Add(w.Ctx, servicetest.Adding(acme, w.User("bob"), rbac.Guest))
			return err
		}},
		"more roles": {"roles", func() error {
			_, err := w.Svc.Memberships.AddRole(w.Ctx, acme.ID, ada.ID, rbac.Admin)
			return err
		}},
		"an invitation": {"roles", func() error {
			_, err := w.Svc.Invitations.Send(w.Ctx, servicetest.Asking(acme, "cyd@acme.example", rbac.Admin))
			return err
		}},
		"a join code": {"role", func() error {
			_, err := w.Svc.JoinCodes.Create(w.Ctx, tenancy.NewJoinCode{OrganizationID: acme.ID, Role: rbac.Guest})
			return err
		}},
		"a domain": {"role", func() error {
			_, err := w.Svc.Domains.Update(w.Ctx, acme.ID, claim.ID, tenancy.DomainUpdate{Role: guest})
			return err
		}},
		"a group": {"groups", func() error {
			_, err := w.Svc.Connections.Update(w.Ctx, acme.ID, sso.ID, tenancy.ConnectionUpdate{Groups: &map[string]string{"staff": rbac.Guest}})
			return err
		}},
		"a default": {"default_role", func() error {
			_, err := w.Svc.Organizations.Update(w.Ctx, acme.ID, tenancy.OrganizationUpdate{DefaultRole: guest})
			return err
		}},
		"a creator's role": {"creator_role", func() error {
			_, err := w.Svc.Organizations.Update(w.Ctx, acme.ID, tenancy.OrganizationUpdate{CreatorRole: guest})
			return err
		}},
		"a parent": {"extends", func() error {
			_, err := w.Svc.Roles.Update(w.Ctx, acme.ID, "org-own", tenancy.RoleUpdate{Extends: guest})
			return err
		}},
		"a declared role's parent": {"roles", func() error {
			schema := without(rbac.Member)
			schema.Roles = []tenancy.RoleSpec{{Slug: "reader", Extends: rbac.Guest}}
			return w.Svc.Declare(w.Ctx, 2, schema)
		}},
		"a replacement": {"replacement", func() error {
			return w.Svc.Roles.Delete(w.Ctx, tenancy.OrganizationID{}, servicetest.Auditor, rbac.Guest)
		}},
	}
}

func leftOutAtOnce(w *world) {
	acme, bob := w.Org("Acme"), w.User("bob")
	other := w.Another(func(*tenancy.Config) {})
	add := func(svc *tenancy.Service, ctx context.Context) error {
		_, err := svc.Memberships.Add(ctx, servicetest.Adding(acme, bob, rbac.Guest))
		return err
	}
	w.Equal(servicetest.ErrStop, w.Svc.Transact(w.Ctx, func(ctx context.Context, tx *tenancy.Service) error {
		w.NoError(tx.Declare(ctx, 1, without(rbac.Member)))
		w.Failed(add(tx, ctx), tenancy.ErrUnknownRole, "roles")
		return servicetest.ErrStop
	}))
	w.Equal(servicetest.ErrStop, w.Svc.Transact(w.Ctx, func(ctx context.Context, tx *tenancy.Service) error {
		w.NoError(add(tx, ctx))
		return servicetest.ErrStop
	}))
	w.NoError(w.Svc.Declare(w.Ctx, 1, without(rbac.Member)))
	w.Failed(add(w.Svc, w.Ctx), tenancy.ErrUnknownRole, "roles")
	w.Failed(add(other, w.Ctx), tenancy.ErrUnknownRole, "roles")
	w.Equal(servicetest.ErrStop, w.Svc.Transact(w.Ctx, func(ctx context.Context, tx *tenancy.Service) error {
		w.NoError(tx.Declare(ctx, 1, tenancy.Schema{}))
		w.NoError(add(tx, ctx))
		return servicetest.ErrStop // and what was seen in here is forgotten
	}))
	w.Failed(add(w.Svc, w.Ctx), tenancy.ErrUnknownRole, "roles")
	w.NoError(other.Declare(w.Ctx, 1, tenancy.Schema{}))
	w.NoError(add(w.Svc, w.Ctx))
}

// use gives guest to something that Counts calls what, and takes it away again.
type use struct {
	what      string
	give, end func() error
}

func (w *world) usesOfGuest(acme tenancy.Organization, claim tenancy.Domain, sso tenancy.Connection) map[string]use {
	update := func(in tenancy.OrganizationUpdate) error {
		_, err := w.Svc.Organizations.Update(w.Ctx, acme.ID, in)
		return err
	}
	guest, none := servicetest.Ptr(rbac.Guest), servicetest.Ptr("")
	return map[string]use{
		"a member": {
			"members",
			func() error { w.Add(acme, w.User("bob"), rbac.Guest); return nil },
			func() error {
				bob, err := w.Svc.Users.GetByEmail(w.Ctx, "bob@acme.example")
				w.NoError(err)
				_, err = w.Svc.Memberships.SetRoles(w.Ctx, acme.ID, bob.ID, rbac.Member)
				return err
			},
		},
		"an invitation": {
			"invitations",
			func() error { w.Invite(acme, "cyd@acme.example", rbac.Guest); return nil },
			func() error {
				list, err := w.Svc.Invitations.List(w.Ctx, acme.ID, tenancy.InvitationQuery{})
				w.NoError(err)
				_, err = w.Svc.Invitations.Revoke(w.Ctx, list.Items[0].ID)
				return err
			},
		},
		"a join code": {
			"join_codes",
			func() error {
				_, err := w.Svc.JoinCodes.Create(w.Ctx, tenancy.NewJoinCode{OrganizationID: acme.ID, Role: rbac.Guest})
				return err
			},
			func() error {
				list, err := w.Svc.JoinCodes.List(w.Ctx, acme.ID, tenancy.JoinCodeQuery{})
				w.NoError(err)
				_, err = w.Svc.JoinCodes.Revoke(w.Ctx, list.Items[0].ID)
				return err
			},
		},
		"a domain": {
			"domains",
			func() error {
				_, err := w.Svc.Domains.Update(w.Ctx, acme.ID, claim.ID, tenancy.DomainUpdate{Role: guest})
				return err
			},
			func() error {
				_, err := w.Svc.Domains.Update(w.Ctx, acme.ID, claim.ID, tenancy.DomainUpdate{Role: none})
				return err
			},
		},
		"a group": {
			"group_mappings",
			func() error { w.Maps(sso, map[string]string{"staff": rbac.Guest}); return nil },
			func() error { w.Maps(sso, map[string]string{}); return nil },
		},
		"a default": {
			"defaults",
			func() error { return update(tenancy.OrganizationUpdate{DefaultRole: guest}) },
			func() error { return update(tenancy.OrganizationUpdate{DefaultRole: none}) },
		},
		"a creator's role": {
			"defaults",
			func() error { return update(tenancy.OrganizationUpdate{CreatorRole: guest}) },
			func() error { return update(tenancy.OrganizationUpdate{CreatorRole: none}) },
		},
		"a declared role": {
			"roles",
			func() error {
				return w.Svc.Declare(w.Ctx, 1, tenancy.Schema{Roles: []tenancy.RoleSpec{{Slug: "reader", Extends: rbac.Guest}}})
			},
			func() error { return w.Svc.Roles.Delete(w.Ctx, tenancy.OrganizationID{}, "reader", "") },
		},
		"an own role": {
			"roles",
			func() error { w.Role(acme.ID, "org-own", rbac.Guest); return nil },
			func() error { return w.Svc.Roles.Delete(w.Ctx, acme.ID, "org-own", "") },
		},
	}
}

func leftOutInUse(w *world) {
	acme := w.Owned("Acme", w.User("ada"))
	for name, use := range w.usesOfGuest(acme, w.Claim(acme.ID, "acme.example"), w.Connect(acme, "okta")) {
		w.each(name, func(w *world) {
			w.NoError(use.give())
			refusal := w.refuses(tenancy.ErrRoleInUse, "", func() error { return w.Svc.Declare(w.Ctx, 1, without(rbac.Member, rbac.Admin)) })
			w.Equal(rbac.Guest, refusal.Key)
			w.Equal(1, refusal.Counts[use.what], "%v", refusal.Counts)
			w.NoError(use.end())
			w.NoError(w.Svc.Declare(w.Ctx, 1, without(rbac.Member, rbac.Admin)))
			w.NoError(w.Svc.Declare(w.Ctx, 1, tenancy.Schema{}))
		})
	}
	// In one call a declared role comes off the one that goes.
	w.NoError(w.Svc.Declare(w.Ctx, 1, tenancy.Schema{Roles: []tenancy.RoleSpec{{Slug: "reader", Extends: rbac.Guest}}}))
	moved := without(rbac.Member)
	moved.Roles = []tenancy.RoleSpec{{Slug: "reader", Extends: rbac.Member}}
	w.NoError(w.Svc.Declare(w.Ctx, 2, moved))
	// The application's own default stays, whatever was left out before it was one.
	w.refuses(tenancy.ErrRoleInUse, "", func() error { return w.Svc.Declare(w.Ctx, 2, without()) })
	guests := w.Another(func(c *tenancy.Config) { c.DefaultRole = rbac.Guest })
	w.refuses(tenancy.ErrRoleInUse, "", func() error { return guests.Declare(w.Ctx, 2, moved) })
}

func roleSlugs(w *world) {
	acme, other := w.Org("Acme").ID, w.Org("Other").ID
	create := func(org tenancy.OrganizationID, name string) string {
		role, err := w.Svc.Roles.Create(w.Ctx, org, tenancy.NewRole{Name: name})
		w.NoError(err, name)
		w.Equal(strings.TrimSpace(name), role.Name)
		return role.Slug
	}
	for _, c := range [][2]string{
		{"Editor", "org-editor"},
		{"editor", "org-editor-2"},
		{"EDITOR!", "org-editor-3"},
		{"Café  manager (2nd)", "org-cafe-manager-2nd"},
		{"経理", "org-role"},
		{"管理", "org-role-2"},
		{strings.Repeat("a", 200), "org-" + strings.Repeat("a", 60)},
		{strings.Repeat("a", 100), "org-" + strings.Repeat("a", 58) + "-2"},
		{strings.Repeat("b", 59) + " c", "org-" + strings.Repeat("b", 59)},
	} {
		w.Equal(c[1], create(acme, c[0]))
	}
	w.Equal("org-editor", create(other, "Editor"))
	w.refuses(tenancy.ErrInvalid, "slug", func() error { _, err := w.Svc.Roles.Create(w.Ctx, acme, tenancy.NewRole{}); return err })
	w.refuses(tenancy.ErrInvalid, "name", func() error { _, err := w.Svc.Roles.Create(w.Ctx, acme, tenancy.NewRole{Name: "a\x00"}); return err })
	var all []string
	for i := range 12 {
		all = append(all, create(other, fmt.Sprint("Crew ", "of ", "many")))
		w.NotContains(all[:i], all[i])
	}
	w.True(slices.Contains(all, "org-crew-of-many-12"))
}
