package rules

import (
	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

func domainRoleRules() []rule {
	return []rule{
		{"R3 a domain gives no role that manages", on(harmlessDomainRoles)},
		{"R3 a role that a domain gives may not come to manage", on(domainRolesStayHarmless)},
		{"R5 a role that a domain gives is in use", on(domainRolesInUse)},
		{"R6 the ceiling of what a domain gives", on(domainCeiling)},
	}
}

func harmlessDomainRoles(w *world) {
	w.Declare()
	acme, other := w.Org("Acme"), w.Org("Other")
	w.OwnRoles(acme.ID)
	w.Role(other.ID, "org-theirs", "")
	w.Role(acme.ID, "org-manager", "", rbac.WriteMembers)
	d := w.Claim(acme.ID, "acme.example")
	for role, code := range map[string]tenancy.Code{
		rbac.Owner: tenancy.ErrInvalid, rbac.Admin: tenancy.ErrInvalid, "org-manager": tenancy.ErrInvalid,
		"king": tenancy.ErrUnknownRole, "org-theirs": tenancy.ErrUnknownRole, "Guest": tenancy.ErrUnknownRole,
	} {
		w.refuses(code, "role", func() error {
			_, err := w.Svc.Domains.Update(w.Ctx, acme.ID, d.ID, tenancy.DomainUpdate{Role: &role})
			return err
		})
		w.refuses(code, "role", func() error {
			_, err := w.Svc.Domains.Claim(w.Ctx, tenancy.NewDomain{OrganizationID: acme.ID, Name: "new.example", Role: role})
			return err
		})
	}
	for _, role := range []string{rbac.Guest, servicetest.Auditor, servicetest.Editor, ""} {
		_, err := w.Svc.Domains.Update(w.Ctx, acme.ID, d.ID, tenancy.DomainUpdate{Role: &role})
		w.NoError(err)
	}
}

// domainRolesStayHarmless: neither by its own grants nor by its parents', however they
// are changed, and also while the claim is pending.
func domainRolesStayHarmless(w *world) {
	w.Declare()
	acme := w.Org("Acme")
	w.OwnRoles(acme.ID) // editor extends auditor
	gives := func(role string) {
		d := w.Claim(acme.ID, role+".example")
		_, err := w.Svc.Domains.Update(w.Ctx, acme.ID, d.ID, tenancy.DomainUpdate{Role: &role})
		w.NoError(err)
	}
	gives(servicetest.Editor)
	gives(servicetest.Clerk)
	writes := rbac.WriteMembers
	w.refuses(tenancy.ErrInvalid, "grants", func() error {
		_, err := w.Svc.Roles.Update(w.Ctx, acme.ID, servicetest.Editor, tenancy.RoleUpdate{Add: []rbac.Grant{writes}})
		return err
	})
	w.refuses(tenancy.ErrInvalid, "grants", func() error {
		_, err := w.Svc.Roles.Update(w.Ctx, acme.ID, servicetest.Editor, tenancy.RoleUpdate{Extends: servicetest.Ptr(rbac.Admin)})
		return err
	})
	for _, declared := range []tenancy.RoleSpec{
		{Slug: servicetest.Clerk, Extends: servicetest.Auditor, Grants: []rbac.Grant{writes}},
		{Slug: servicetest.Auditor, Grants: []rbac.Grant{writes}}, // editor extends it, and clerk does
		{Slug: servicetest.Clerk, Extends: rbac.Admin},
	} {
		w.refuses(tenancy.ErrInvalid, "grants", func() error { return w.Svc.Declare(w.Ctx, 2, tenancy.Schema{Roles: []tenancy.RoleSpec{declared}}) })
	}
	_, err := w.Svc.Roles.Update(w.Ctx, acme.ID, servicetest.Helper, tenancy.RoleUpdate{Add: []rbac.Grant{writes}}) // no domain's
	w.NoError(err)
}

func domainRolesInUse(w *world) {
	w.Declare()
	acme, other := w.Org("Acme"), w.Org("Other")
	w.OwnRoles(acme.ID)
	w.Role(acme.ID, "org-manager", "", rbac.WriteMembers)
	gives := func(org tenancy.Organization, name, role string) tenancy.Domain {
		d, err := w.Svc.Domains.Claim(w.Ctx, tenancy.NewDomain{OrganizationID: org.ID, Name: name, Role: role})
		w.NoError(err)
		return d
	}
	own, declared, elsewhere := gives(acme, "a.example", servicetest.Editor), gives(acme, "b.example", servicetest.Clerk), gives(other, "c.example", servicetest.Clerk)
	everywhere := tenancy.OrganizationID{}
	refusal := w.refuses(tenancy.ErrRoleInUse, "", func() error { return w.Svc.Roles.Delete(w.Ctx, acme.ID, servicetest.Editor, "") })
	w.Equal(1, refusal.Counts["domains"])
	refusal = w.refuses(tenancy.ErrRoleInUse, "", func() error { return w.Svc.Roles.Delete(w.Ctx, everywhere, servicetest.Clerk, "") })
	w.Equal(2, refusal.Counts["domains"])
	w.refuses(tenancy.ErrInvalid, "replacement", func() error { return w.Svc.Roles.Delete(w.Ctx, acme.ID, servicetest.Editor, "org-manager") })
	w.emits(func() error { return w.Svc.Roles.Delete(w.Ctx, acme.ID, servicetest.Editor, servicetest.Helper) },
		some(tenancy.EventDomainUpdated), some(tenancy.EventRoleDeleted))
	w.NoError(w.Svc.Roles.Delete(w.Ctx, everywhere, servicetest.Clerk, servicetest.Auditor))
	w.Equal(servicetest.Helper, w.domain(own).Role)
	w.Equal(servicetest.Auditor, w.domain(declared).Role)
	w.Equal(servicetest.Auditor, w.domain(elsewhere).Role)
}

// domainCeiling: who sets a role for others, or the way in that gives it, has what it
// grants.
func domainCeiling(w *world) {
	w.Declare()
	acme := w.Org("Acme")
	w.OwnRoles(acme.ID)
	d := w.Claim(acme.ID, "acme.example")
	few := w.Svc.As(tenancy.ServicePrincipal("few", acme.ID, rbac.WriteDomains, servicetest.ReadDocs))
	update := func(in tenancy.DomainUpdate) func() error {
		return func() error { _, err := few.Domains.Update(w.Ctx, acme.ID, d.ID, in); return err }
	}
	claim := func(name, role string) func() error {
		return func() error {
			_, err := few.Domains.Claim(w.Ctx, tenancy.NewDomain{OrganizationID: acme.ID, Name: name, Role: role})
			return err
		}
	}
	w.NoError(update(tenancy.DomainUpdate{Role: servicetest.Ptr(servicetest.Helper)})())
	w.NoError(claim("few.example", servicetest.Helper)())
	w.refuses(tenancy.ErrForbidden, "roles", update(tenancy.DomainUpdate{Role: servicetest.Ptr(servicetest.Editor)}))
	w.refuses(tenancy.ErrForbidden, "roles", claim("more.example", servicetest.Editor))
	// A role above the actor is neither replaced nor let loose.
	_, err := w.Svc.Domains.Update(w.Ctx, acme.ID, d.ID, tenancy.DomainUpdate{Role: servicetest.Ptr(servicetest.Editor)})
	w.NoError(err)
	w.refuses(tenancy.ErrForbidden, "roles", update(tenancy.DomainUpdate{Role: servicetest.Ptr(servicetest.Helper)}))
	w.refuses(tenancy.ErrForbidden, "roles", update(tenancy.DomainUpdate{Joining: servicetest.Ptr(tenancy.JoiningAuto)}))
	_, err = w.Svc.Domains.Update(w.Ctx, acme.ID, d.ID, tenancy.DomainUpdate{Role: servicetest.Ptr("")})
	w.NoError(err)
	_, err = w.Svc.Organizations.Update(w.Ctx, acme.ID, tenancy.OrganizationUpdate{DefaultRole: servicetest.Ptr(servicetest.Editor)})
	w.NoError(err)
	w.refuses(tenancy.ErrForbidden, "roles", update(tenancy.DomainUpdate{Joining: servicetest.Ptr(tenancy.JoiningAuto)}))
	// Nor are the roles taken that it gave.
	w.Assign(w.Add(acme, w.User("ada"), servicetest.Auditor), servicetest.Clerk, tenancy.RoleDomain, d.ID.String())
	w.refuses(tenancy.ErrForbidden, "roles", func() error { return few.Domains.Release(w.Ctx, acme.ID, d.ID) })
}
