package servicetest

import (
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
	w.declare()
	acme, other := w.org("Acme"), w.org("Other")
	w.ownRoles(acme.ID)
	w.role(other.ID, "org-theirs", "")
	w.role(acme.ID, "org-manager", "", rbac.Grant(rbac.WriteMembers))
	d := w.claim(acme.ID, "acme.example")
	for role, code := range map[string]tenancy.Code{
		rbac.Owner: tenancy.ErrInvalid, rbac.Admin: tenancy.ErrInvalid, "org-manager": tenancy.ErrInvalid,
		"king": tenancy.ErrUnknownRole, "org-theirs": tenancy.ErrUnknownRole, "Guest": tenancy.ErrUnknownRole,
	} {
		w.refuses(code, "role", func() error {
			_, err := w.svc.Domains.Update(w.ctx, acme.ID, d.ID, tenancy.DomainUpdate{Role: &role})
			return err
		})
		w.refuses(code, "role", func() error {
			_, err := w.svc.Domains.Claim(w.ctx, tenancy.NewDomain{OrganizationID: acme.ID, Name: "new.example", Role: role})
			return err
		})
	}
	for _, role := range []string{rbac.Guest, auditor, editor, ""} {
		_, err := w.svc.Domains.Update(w.ctx, acme.ID, d.ID, tenancy.DomainUpdate{Role: &role})
		w.NoError(err)
	}
}

// domainRolesStayHarmless: neither by its own grants nor by its parents', however they
// are changed, and also while the claim is pending.
func domainRolesStayHarmless(w *world) {
	w.declare()
	acme := w.org("Acme")
	w.ownRoles(acme.ID) // editor extends auditor
	gives := func(role string) {
		d := w.claim(acme.ID, role+".example")
		_, err := w.svc.Domains.Update(w.ctx, acme.ID, d.ID, tenancy.DomainUpdate{Role: &role})
		w.NoError(err)
	}
	gives(editor)
	gives(clerk)
	writes := rbac.Grant(rbac.WriteMembers)
	w.refuses(tenancy.ErrInvalid, "grants", func() error {
		_, err := w.svc.Roles.Update(w.ctx, acme.ID, editor, tenancy.RoleUpdate{Add: []rbac.Grant{writes}})
		return err
	})
	w.refuses(tenancy.ErrInvalid, "grants", func() error {
		_, err := w.svc.Roles.Update(w.ctx, acme.ID, editor, tenancy.RoleUpdate{Extends: ptr(rbac.Admin)})
		return err
	})
	for _, declared := range []rbac.Role{
		{Slug: clerk, Extends: auditor, Grants: []rbac.Grant{writes}},
		{Slug: auditor, Grants: []rbac.Grant{writes}}, // editor extends it, and clerk does
		{Slug: clerk, Extends: rbac.Admin},
	} {
		w.refuses(tenancy.ErrInvalid, "grants", func() error { return w.svc.Roles.Declare(w.ctx, 2, declared) })
	}
	_, err := w.svc.Roles.Update(w.ctx, acme.ID, helper, tenancy.RoleUpdate{Add: []rbac.Grant{writes}}) // no domain's
	w.NoError(err)
}

func domainRolesInUse(w *world) {
	w.declare()
	acme, other := w.org("Acme"), w.org("Other")
	w.ownRoles(acme.ID)
	w.role(acme.ID, "org-manager", "", rbac.Grant(rbac.WriteMembers))
	gives := func(org tenancy.Organization, name, role string) tenancy.Domain {
		d, err := w.svc.Domains.Claim(w.ctx, tenancy.NewDomain{OrganizationID: org.ID, Name: name, Role: role})
		w.NoError(err)
		return d
	}
	own, declared, elsewhere := gives(acme, "a.example", editor), gives(acme, "b.example", clerk), gives(other, "c.example", clerk)
	everywhere := tenancy.OrganizationID{}
	refusal := w.refuses(tenancy.ErrRoleInUse, "", func() error { return w.svc.Roles.Delete(w.ctx, acme.ID, editor, "") })
	w.Equal(1, refusal.Counts["domains"])
	refusal = w.refuses(tenancy.ErrRoleInUse, "", func() error { return w.svc.Roles.Delete(w.ctx, everywhere, clerk, "") })
	w.Equal(2, refusal.Counts["domains"])
	w.refuses(tenancy.ErrInvalid, "replacement", func() error { return w.svc.Roles.Delete(w.ctx, acme.ID, editor, "org-manager") })
	w.emits(func() error { return w.svc.Roles.Delete(w.ctx, acme.ID, editor, helper) },
		some(tenancy.EventDomainUpdated), some(tenancy.EventRoleDeleted))
	w.NoError(w.svc.Roles.Delete(w.ctx, everywhere, clerk, auditor))
	w.Equal(helper, w.domain(own).Role)
	w.Equal(auditor, w.domain(declared).Role)
	w.Equal(auditor, w.domain(elsewhere).Role)
}

// domainCeiling: who sets a role for others, or the way in that gives it, has what it
// grants.
func domainCeiling(w *world) {
	w.declare()
	acme := w.org("Acme")
	w.ownRoles(acme.ID)
	d := w.claim(acme.ID, "acme.example")
	few := w.svc.As(tenancy.ServicePrincipal("few", acme.ID, rbac.Grant(rbac.WriteDomains), rbac.Grant(readDocs)))
	update := func(in tenancy.DomainUpdate) func() error {
		return func() error { _, err := few.Domains.Update(w.ctx, acme.ID, d.ID, in); return err }
	}
	claim := func(name, role string) func() error {
		return func() error {
			_, err := few.Domains.Claim(w.ctx, tenancy.NewDomain{OrganizationID: acme.ID, Name: name, Role: role})
			return err
		}
	}
	w.NoError(update(tenancy.DomainUpdate{Role: ptr(helper)})())
	w.NoError(claim("few.example", helper)())
	w.refuses(tenancy.ErrForbidden, "roles", update(tenancy.DomainUpdate{Role: ptr(editor)}))
	w.refuses(tenancy.ErrForbidden, "roles", claim("more.example", editor))
	// A role above the actor is neither replaced nor let loose.
	_, err := w.svc.Domains.Update(w.ctx, acme.ID, d.ID, tenancy.DomainUpdate{Role: ptr(editor)})
	w.NoError(err)
	w.refuses(tenancy.ErrForbidden, "roles", update(tenancy.DomainUpdate{Role: ptr(helper)}))
	w.refuses(tenancy.ErrForbidden, "roles", update(tenancy.DomainUpdate{Joining: ptr(tenancy.JoiningAuto)}))
	_, err = w.svc.Domains.Update(w.ctx, acme.ID, d.ID, tenancy.DomainUpdate{Role: ptr("")})
	w.NoError(err)
	_, err = w.svc.Organizations.Update(w.ctx, acme.ID, tenancy.OrganizationUpdate{DefaultRole: ptr(editor)})
	w.NoError(err)
	w.refuses(tenancy.ErrForbidden, "roles", update(tenancy.DomainUpdate{Joining: ptr(tenancy.JoiningAuto)}))
	// Nor are the roles taken that it gave.
	w.assign(w.add(acme, w.user("ada"), auditor), clerk, tenancy.RoleDomain, d.ID.String())
	w.refuses(tenancy.ErrForbidden, "roles", func() error { return few.Domains.Release(w.ctx, acme.ID, d.ID) })
}
