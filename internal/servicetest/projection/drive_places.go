package projection

import (
	"maps"
	"slices"
	"time"

	"github.com/freehold-dev/freehold/domains"
	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// operations are all that the driver does, by name.
var operations = map[string]operation{}

// allWeights is how often everything is done together. operationNames are in order, so that
// a seed repeats itself.
var (
	allWeights     int
	operationNames []string
)

func init() {
	for _, group := range []map[string]operation{placeOperations, peopleOperations, joiningOperations, signInOperations} {
		maps.Copy(operations, group)
	}
	operations["transact"] = operation{3, (*driver).transact}
	operationNames = slices.Sorted(maps.Keys(operations))
	for _, op := range operations {
		allWeights += op.weight
	}
}

// placeOperations are those on organizations, and on what they have besides people.
var placeOperations = map[string]operation{
	"create organization":  {4, (*driver).createOrganization},
	"update organization":  {5, (*driver).updateOrganization},
	"suspend organization": {1, func(d *driver) error { _, err := d.svc.Organizations.Suspend(d.ctx, d.org()); return err }},
	"resume": {2, func(d *driver) error {
		_, err := d.svc.Organizations.Resume(d.ctx, d.orgWhere(func(o tenancy.Organization) bool { return !o.SuspendedAt.IsZero() }))
		return err
	}},
	"archive": {2, func(d *driver) error { _, err := d.svc.Organizations.Archive(d.ctx, d.org()); return err }},
	"restore": {2, func(d *driver) error { _, err := d.svc.Organizations.Restore(d.ctx, d.orgWhere(archived)); return err }},
	"purge": {1, func(d *driver) error {
		_, err := d.svc.Organizations.Purge(d.ctx, d.orgWhere(archived), 1+d.r.IntN(4))
		return err
	}},
	"delete organization": {1, func(d *driver) error { return d.svc.Organizations.Delete(d.ctx, d.org()) }},
	"declare":             {2, (*driver).declare},
	"delete permission": {1, func(d *driver) error {
		return d.svc.Permissions.Delete(d.ctx, one(d, servicetest.ReadDocs, servicetest.WriteDocs, servicetest.Billing))
	}},
	"create role":  {8, (*driver).createRole},
	"update role":  {4, (*driver).updateRole},
	"reorder":      {3, (*driver).reorder},
	"delete role":  {6, (*driver).deleteRole},
	"lapse":        {2, (*driver).lapse},
	"claim":        {4, (*driver).claim},
	"prove":        {6, (*driver).prove},
	"update claim": {4, (*driver).updateClaim},
	"mark verified": {2, func(d *driver) error {
		c := pick(d, d.reader.domains)
		_, err := d.svc.Domains.MarkVerified(d.ctx, c.OrganizationID, c.ID)
		return err
	}},
	"release": {1, func(d *driver) error {
		c := pick(d, d.reader.domains)
		return d.svc.Domains.Release(d.ctx, c.OrganizationID, c.ID)
	}},
}

// org draws an organization.
func (d *driver) org() tenancy.OrganizationID { return pick(d, d.reader.organizations).ID }

// orgWhere draws an organization that passes, or any where none does.
func (d *driver) orgWhere(pass func(tenancy.Organization) bool) tenancy.OrganizationID {
	some := maps.Clone(d.reader.organizations)
	dropWhere(some, func(o tenancy.Organization) bool { return !pass(o) })
	if len(some) == 0 {
		return d.org()
	}
	return pick(d, some).ID
}

func archived(o tenancy.Organization) bool { return !o.ArchivedAt.IsZero() }

// by is the Service of the host, or sometimes of a member of an organization.
func (d *driver) by(id tenancy.OrganizationID) *tenancy.Service {
	if !d.rarely(3) {
		return d.svc
	}
	members := maps.Clone(d.reader.memberships)
	dropWhere(members, func(m member) bool { return m.OrganizationID != id || m.Status != tenancy.MembershipActive })
	if len(members) == 0 {
		return d.svc
	}
	return d.svc.As(tenancy.UserPrincipal(members[one(d, inOrder(members)...)].UserID))
}

func (d *driver) name() string { return one(d, "Acme", "Beta", "Ümlaut", "Gamma", "acme") }

func (d *driver) createOrganization() error {
	if len(d.reader.organizations) > 4 {
		return nil
	}
	in := tenancy.NewOrganization{DisplayName: d.name(), Settings: tenancy.Settings{SingleSignOnJoins: true, JoinRequests: !d.rarely(4)}}
	if !d.rarely(4) {
		in.Owner = pick(d, d.reader.users).ID
	}
	if d.rarely(3) {
		in.Domains = []tenancy.NewDomain{{Name: d.domain(), Verified: true, Subdomains: d.rarely(2), Joining: d.joining()}}
	}
	_, err := d.svc.Organizations.Create(d.ctx, in)
	return err
}

func (d *driver) updateOrganization() error {
	id := d.org()
	in := tenancy.OrganizationUpdate{}
	switch d.r.IntN(5) {
	case 0:
		in.DisplayName, in.Slug = maybe(d, d.name()), maybe(d, one(d, "", "acme", "beta"))
	case 1:
		in.SeatLimit, in.DefaultRole = maybe(d, d.r.IntN(6)), maybe(d, one(d, "", rbac.Guest, servicetest.Auditor, "org-a"))
	case 2:
		in.SessionIdle = maybe(d, one(d, 0, time.Hour, 24*time.Hour))
		in.SessionFor = maybe(d, one(d, 0, 24*time.Hour, 48*time.Hour))
	case 3:
		in.AcceptOnDomains, in.SingleSignOnJoins = maybe(d, d.rarely(2)), maybe(d, !d.rarely(3))
		in.BlockedDomains = maybe(d, some(d, 1, "mail.example"))
	default:
		in.Metadata = tenancy.Patch{one(d, "a", "b"): one(d, nil, servicetest.Ptr("1"), servicetest.Ptr("2"))}
		in.Features = map[string]*bool{"beta": one(d, nil, servicetest.Ptr(true))}
	}
	_, err := d.svc.Organizations.Update(d.ctx, id, in)
	return err
}

func (d *driver) declare() error {
	roles := []tenancy.RoleSpec{
		{Slug: servicetest.Auditor, Name: one(d, "Auditor", "Reader"), Grants: []rbac.Grant{servicetest.ReadDocs}},
		{Slug: servicetest.Clerk, Extends: one(d, servicetest.Auditor, ""), Grants: []rbac.Grant{servicetest.WriteDocs}},
	}
	if d.r.IntN(2) == 0 {
		slices.Reverse(roles) // and so their priorities
	}
	return d.svc.Declare(d.ctx, int64(d.done), tenancy.Schema{Roles: roles, Permissions: []tenancy.PermissionSpec{
		{Slug: servicetest.ReadDocs, Description: one(d, "", "See")},
		{Slug: servicetest.WriteDocs},
		{Slug: servicetest.Billing},
	}})
}

// ownRole is one of the few roles of an organization's own that there may be.
func (d *driver) ownRole() string { return one(d, "org-a", "org-b", "org-c") }

// role is any role that there may be, most often one that there is everywhere.
func (d *driver) role() string {
	if d.rarely(3) {
		return d.ownRole()
	}
	return one(d, rbac.Member, rbac.Guest, rbac.Admin, rbac.Owner, servicetest.Auditor, servicetest.Clerk)
}

func (d *driver) grants() []rbac.Grant {
	return some(d, 2, servicetest.ReadDocs, servicetest.WriteDocs, servicetest.Billing, "documents:*")
}

func (d *driver) createRole() error {
	id := d.org()
	_, err := d.by(id).Roles.Create(d.ctx, id, tenancy.NewRole{
		Slug: d.ownRole(), Name: d.name(), Extends: one(d, "", servicetest.Auditor, "org-a"), Grants: d.grants(), Priority: one(d, 0, 1001),
	})
	return err
}

func (d *driver) updateRole() error {
	id := d.org()
	_, err := d.by(id).Roles.Update(d.ctx, id, d.ownRole(), tenancy.RoleUpdate{
		Name: maybe(d, d.name()), Extends: maybe(d, one(d, "", servicetest.Clerk, "org-b")), Grants: maybe(d, d.grants()), Priority: maybe(d, 1000+d.r.IntN(4)),
	})
	return err
}

func (d *driver) reorder() error {
	id := d.org()
	var slugs []string
	for _, role := range inOrder(d.reader.roles) {
		if r := d.reader.roles[role]; r.OrganizationID == id && !id.IsZero() {
			slugs = append(slugs, r.Slug)
		}
	}
	d.r.Shuffle(len(slugs), func(i, j int) { slugs[i], slugs[j] = slugs[j], slugs[i] })
	return d.svc.Roles.Reorder(d.ctx, id, slugs...)
}

func (d *driver) deleteRole() error {
	role := pick(d, d.reader.roles)
	id := role.OrganizationID
	return d.by(id).Roles.Delete(d.ctx, id, role.Slug, one(d, "", rbac.Member, rbac.Member, rbac.Guest, servicetest.Auditor, servicetest.Clerk, "org-a", "org-b"))
}

func (d *driver) domain() string {
	return one(d, "acme.example", "beta.example", "sub.acme.example")
}

func (d *driver) joining() tenancy.DomainJoining {
	return one(d, tenancy.JoiningOff, tenancy.JoiningSuggest, tenancy.JoiningRequest, tenancy.JoiningAuto, tenancy.JoiningAuto)
}

func (d *driver) claim() error {
	id := d.org()
	_, err := d.by(id).Domains.Claim(d.ctx, tenancy.NewDomain{
		OrganizationID: id, Name: d.domain(), Joining: d.joining(), Role: one(d, "", "", rbac.Guest, servicetest.Auditor, "org-b"),
	})
	return err
}

// prove looks for a proof, or for all that are due. A claim that starts over is refused, and
// yet has another token.
func (d *driver) prove() error {
	d.prover.Says(one(d, servicetest.Proved, servicetest.Proved, servicetest.Refuted, domains.Finding{Outcome: domains.Unknown}))
	c := pick(d, d.reader.domains)
	var err error
	switch d.r.IntN(3) {
	case 0:
		_, err = d.svc.Domains.VerifySubdomains(d.ctx, c.OrganizationID, c.ID)
	case 1:
		_, err = d.svc.Domains.Verify(d.ctx, c.OrganizationID, c.ID, domains.MethodDNS)
	default:
		_, err = d.svc.Domains.Recheck(d.ctx)
	}
	if tenancy.CodeOf(err) == tenancy.ErrDomainNotVerified {
		return nil
	}
	return err
}

// lapse finds no proof for long enough.
func (d *driver) lapse() error {
	if d.nested {
		return nil
	}
	d.prover.RefuteAll()
	for _, later := range []time.Duration{servicetest.Month, servicetest.Day, 8 * servicetest.Day} {
		d.clock.Advance(later)
		if _, err := d.svc.Domains.Recheck(d.ctx); err != nil {
			return err
		}
	}
	return nil
}

func (d *driver) updateClaim() error {
	c := pick(d, d.reader.domains)
	_, err := d.svc.Domains.Update(d.ctx, c.OrganizationID, c.ID, tenancy.DomainUpdate{
		Joining: maybe(d, d.joining()), Role: maybe(d, one(d, "", rbac.Guest, servicetest.Clerk, "org-a")), Subdomains: maybe(d, d.rarely(2)),
	})
	return err
}
