package tenancy

import (
	"context"
	"slices"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/typed"
)

// Delete deletes a role of an organization, or, without an organization, a declared role, which only the host
// may do (rule R5). A replacement is required where a member holds the role, another role extends it, or it is
// a default. Members, roles and defaults then move to the replacement. An actor must hold all permissions of
// both roles (rule R6).
//
// Delete is one transaction, unless over 25 members hold the role, or over 25 invitations give it (rule G18).
// Then the first transaction moves everything that could give the role to more people, and makes all the
// checks. The members and invitations follow, up to 25 in a transaction, so that others do not wait for long.
// If the call fails half-way, some members have moved and the others have the role as before: call it again.
// The actor's own role, and roles that extend it, move last. Inside a transaction of the caller's, everything
// is in that transaction.
//
// Errors: [ErrRoleInUse] with Counts ("members", "roles", "defaults"); [ErrUnknownRole]; [ErrInvalid] with the
// field "slug" for a built-in role, or "replacement"; [ErrNotFound] for the organization; [ErrForbidden];
// [ErrTooLarge] over Config.DeleteLimit members, or invitations or join codes that give the role.
func (g Roles) Delete(ctx context.Context, organization OrganizationID, slug, replacement string) error {
	d := roleDeletion{organization: organization, slug: slug, replacement: replacement, inSteps: g.s.txn == nil}
	for {
		part, err := write(ctx, g.s, rolesDelete, slug, func(ctx context.Context, c *call) (roleDeletion, error) {
			part := d
			part.c = c
			err := part.run(ctx)
			return part, err
		})
		if err != nil || !part.large {
			return err
		}
		d.void = part.void
		if err := g.moveInSteps(ctx, d, part.invitations); err != nil {
			return err
		}
	}
}

// roleDeletion is the state of one Delete.
type roleDeletion struct {
	c                 *call
	organization      OrganizationID // zero: it is a declared role
	slug, replacement string
	inSteps           bool // a large deletion may use several transactions
	large             bool // the deletion is large
	role              Role
	members           int // how many members hold the role
	held              []RoleAssignment
	children          []Role
	organizations     []Organization        // with the role as a default
	connections       []Connection          // that map a group to the role
	domains           []Domain              // that give the role to new members
	invitations       []Invitation          // that give the role
	void              map[InvitationID]bool // those invitations that could not be accepted even before
	codes             []JoinCode            // that give the role
}

func (d *roleDeletion) run(ctx context.Context) error {
	if err := d.mayLock(ctx); err != nil {
		return err
	}
	if err := d.lock(ctx); err != nil {
		return err
	}
	if err := d.c.access().authorize(ctx, scope{organization: d.organization}); err != nil {
		return err
	}
	if err := d.find(ctx); err != nil {
		return err
	}
	if err := d.mayGo(ctx); err != nil {
		return err
	}
	if err := d.resolveJoining(ctx); err != nil {
		return err
	}
	before, err := d.c.roles().declarations(ctx)
	if err != nil {
		return err
	}
	if d.large {
		err := d.c.rehearse(ctx, func(part *call) error {
			rehearsal := *d
			rehearsal.c = part
			if err := rehearsal.moveSources(ctx); err != nil {
				return err
			}
			return rehearsal.drop(ctx, before)
		})
		if err != nil {
			return err
		}
		return d.moveSources(ctx) // from here on nobody else gets the role
	}
	if err := d.moveMembers(ctx); err != nil {
		return err
	}
	if err := d.moveSources(ctx); err != nil {
		return err
	}
	if err := d.moveInvitations(ctx); err != nil {
		return err
	}
	if err := d.drop(ctx, before); err != nil {
		return err
	}
	return d.c.record(ctx, newEvent{
		kind: EventRoleDeleted, organization: d.organization, subject: d.role.ID.String(),
		data: struct {
			plainRole
			Replacement string `json:"replacement,omitempty"`
		}{d.role.plain(), d.replacement},
	})
}

// mayLock checks the actor before it reads and locks rows of others.
func (d *roleDeletion) mayLock(ctx context.Context) error {
	if d.organization.IsZero() {
		return d.c.access().authorize(ctx, scope{})
	}
	return d.c.access().mayLock(ctx, scope{organization: d.organization})
}

// moveSources moves everything that gives the role to people, except invitations, of which there may be many.
func (d *roleDeletion) moveSources(ctx context.Context) error {
	for _, move := range []func(context.Context) error{d.moveDefaults, d.moveGroups, d.moveDomains, d.moveCodes} {
		if err := move(ctx); err != nil {
			return err
		}
	}
	return nil
}

// drop deletes the role itself, and moves the roles that extend it. The actor may hold one of those. before has
// the declarations from before.
func (d *roleDeletion) drop(ctx context.Context, before *declarations) error {
	if d.organization.IsZero() { // before the first write: what is read after it is not kept
		d.c.declared.changed = true
	}
	if err := d.moveChildren(ctx); err != nil {
		return err
	}
	if err := d.c.tx.Roles().Delete(ctx, d.role.ID); err != nil {
		return err
	}
	return d.stillGood(ctx, before)
}

// lock takes the locks of the declared roles and of every organization that uses the role.
func (d *roleDeletion) lock(ctx context.Context) error {
	if err := d.c.lock(ctx, lockRoles()); err != nil {
		return err
	}
	if !d.organization.IsZero() {
		return d.c.lock(ctx, lockOrganization(d.organization))
	}
	if err := d.uses(ctx); err != nil {
		return err
	}
	var locks []store.LockKey
	for _, a := range d.held {
		locks = append(locks, lockOrganization(a.OrganizationID))
	}
	for _, r := range d.children {
		if !r.OrganizationID.IsZero() {
			locks = append(locks, lockOrganization(r.OrganizationID))
		}
	}
	for _, org := range d.organizations {
		locks = append(locks, lockOrganization(org.ID))
	}
	for _, c := range d.connections {
		locks = append(locks, lockOrganization(c.OrganizationID))
	}
	for _, domain := range d.domains {
		locks = append(locks, lockOrganization(domain.OrganizationID))
	}
	return d.c.lock(ctx, append(locks, d.joiningLocks()...)...)
}

// uses reads everything that uses the role.
func (d *roleDeletion) uses(ctx context.Context) (err error) {
	holding := roleAssignmentFilter{Role: typed.Of(d.slug)}
	extending := roleFilter{Extends: typed.Of(d.slug)}
	defaults := []organizationFilter{{DefaultRole: typed.Of(d.slug)}, {CreatorRole: typed.Of(d.slug)}}
	if !d.organization.IsZero() {
		holding.OrganizationID = typed.Of(d.organization)
		extending.Scope = typed.Of(d.organization.String())
		defaults[0].ID, defaults[1].ID = typed.Of(d.organization), typed.Of(d.organization)
	}
	if err := d.holders(ctx, holding); err != nil {
		return err
	}
	if d.children, err = collect(ctx, d.c.tx.Roles(), extending); err != nil {
		return err
	}
	if d.connections, err = d.c.connections().connectionsOf(ctx, d.organization, d.slug); err != nil {
		return err
	}
	if d.domains, err = d.c.roles().domainsOf(ctx, d.organization, d.slug); err != nil {
		return err
	}
	if err := d.joiningOf(ctx); err != nil {
		return err
	}
	d.organizations = nil
	for _, filter := range defaults {
		err := walk(ctx, d.c.tx.Organizations(), filter, func(o Organization) error {
			if !slices.ContainsFunc(d.organizations, func(other Organization) bool { return other.ID == o.ID }) {
				d.organizations = append(d.organizations, o)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (d *roleDeletion) find(ctx context.Context) error {
	if err := d.findRole(ctx); err != nil {
		return err
	}
	return d.uses(ctx)
}

func (d *roleDeletion) findRole(ctx context.Context) error {
	if isBuiltin(d.slug) {
		return invalid("slug", "is a built-in role")
	}
	if rbac.IsOrganizationSlug(d.slug) == d.organization.IsZero() {
		return invalid("slug", "is not a role of that organization's own")
	}
	if !d.organization.IsZero() {
		if _, err := d.c.tx.Organizations().Get(ctx, d.organization); err != nil {
			return err
		}
	}
	rows, err := d.c.roles().storedRoles(ctx, []OrganizationID{d.organization}, []string{d.slug})
	if err != nil {
		return err
	}
	role, ok := rows.of(d.organization, d.slug)
	if !ok {
		return unknownRole("slug", d.slug)
	}
	d.role = role
	return nil
}

// mayGo refuses to delete a role in use without a replacement, and checks the replacement.
func (d *roleDeletion) mayGo(ctx context.Context) error {
	defaults := len(d.organizations)
	if d.slug == d.c.instance.config.DefaultRole || d.slug == d.c.instance.config.CreatorRole {
		return &Error{Code: ErrRoleInUse, Kind: "role", Key: d.slug, Reason: "is the application's default", Counts: map[string]int{"defaults": 1}}
	}
	if d.replacement == "" {
		if d.members+len(d.children)+defaults+len(d.connections)+len(d.domains)+len(d.invitations)+len(d.codes) > 0 {
			return &Error{Code: ErrRoleInUse, Kind: "role", Key: d.slug, Counts: map[string]int{
				"members": d.members, "roles": len(d.children), "defaults": defaults, "group_mappings": len(d.connections), "domains": len(d.domains),
				"invitations": len(d.invitations), "join_codes": len(d.codes),
			}}
		}
		return d.c.access().mayGive(ctx, d.organization, d.own()...)
	}
	return d.mayReplace(ctx)
}

// mayReplace refuses a replacement that does not exist or is above the actor.
func (d *roleDeletion) mayReplace(ctx context.Context) error {
	if d.replacement == d.slug {
		return invalid("replacement", "is the role itself")
	}
	if d.organization.IsZero() && rbac.IsOrganizationSlug(d.replacement) {
		return invalid("replacement", "is an organization's own role")
	}
	if err := d.c.roles().known(ctx, d.organization, "replacement", d.replacement); err != nil {
		return err
	}
	return d.c.access().mayGive(ctx, d.organization, append(d.own(), d.replacement)...)
}

// own returns the role, for the check of the ceiling. A declared role has no ceiling, because only the host can
// delete it.
func (d *roleDeletion) own() []string {
	if d.organization.IsZero() {
		return nil
	}
	return []string{d.slug}
}

// moveMembers gives all holders of the role the replacement, from the same source. A holder who has the
// replacement already just loses the role.
func (d *roleDeletion) moveMembers(ctx context.Context) error {
	seen := map[MembershipID]bool{}
	for _, a := range d.held {
		if seen[a.MembershipID] {
			continue
		}
		seen[a.MembershipID] = true
		m, err := d.c.tx.Memberships().Get(ctx, a.MembershipID)
		if err != nil {
			return err
		}
		all, err := d.c.roles().assignments(ctx, m.ID)
		if err != nil {
			return err
		}
		before, err := d.c.roles().sortRoles(ctx, all[m.ID])
		if err != nil {
			return err
		}
		after, err := d.replace(ctx, all[m.ID])
		if err != nil {
			return err
		}
		if err := d.c.members().rolesChanged(ctx, &m, after, before); err != nil {
			return err
		}
	}
	return nil
}

func (d *roleDeletion) replace(ctx context.Context, held []RoleAssignment) ([]RoleAssignment, error) {
	var after []RoleAssignment
	for _, a := range held {
		if a.Role != d.slug {
			after = append(after, a)
			continue
		}
		a.Role = d.replacement
		if a.Role == rbac.Owner { // only people make and unmake owners (rules M8, M10)
			a.Source, a.SourceID = RoleManual, ""
		}
		same := func(b RoleAssignment) bool {
			return b.ID != a.ID && b.Role == a.Role && b.Source == a.Source && b.SourceID == a.SourceID && b.Scope == a.Scope
		}
		if slices.ContainsFunc(held, same) || slices.ContainsFunc(after, same) {
			if err := d.c.tx.RoleAssignments().Delete(ctx, a.ID); err != nil {
				return nil, err
			}
			continue
		}
		if err := put(ctx, d.c, d.c.tx.RoleAssignments().Update, &a); err != nil {
			return nil, err
		}
		after = append(after, a)
	}
	return after, nil
}

// moveChildren makes the roles that extend the role extend the replacement.
func (d *roleDeletion) moveChildren(ctx context.Context) error {
	for _, before := range d.children {
		child := before
		child.Extends = d.replacement
		if child.Slug == d.replacement {
			child.Extends = d.role.Extends
		}
		if err := d.c.roles().saveRole(ctx, before, &child); err != nil {
			return err
		}
	}
	d.c.declarations = nil
	for _, child := range d.childrenEach() { // check after all have moved: on the way some may have too many parents
		if _, err := d.c.roles().rolesOf(ctx, child.OrganizationID); err != nil {
			return rbacError("replacement", err)
		}
	}
	return nil
}

// childrenEach returns, for each organization, one of its roles that extended the role. A check of one takes in
// all roles of its organization (rule G9).
func (d *roleDeletion) childrenEach() []Role {
	seen := map[OrganizationID]bool{}
	return slices.DeleteFunc(slices.Clone(d.children), func(child Role) bool {
		again := seen[child.OrganizationID]
		seen[child.OrganizationID] = true
		return again
	})
}

// stillGood refuses a replacement that lets a default role manage the organization, or that breaks an
// organization's roles which extended the old one.
func (d *roleDeletion) stillGood(ctx context.Context, before *declarations) error {
	if len(d.children) == 0 {
		return nil
	}
	d.c.declarations = nil
	for _, child := range d.childrenEach() {
		if child.OrganizationID.IsZero() {
			continue
		}
		org, err := d.c.tx.Organizations().Get(ctx, child.OrganizationID)
		if err != nil {
			return err
		}
		automatic, err := d.c.roles().automaticRoles(ctx, org)
		if err != nil {
			return err
		}
		for _, slug := range automatic {
			if err := d.c.roles().automatic(ctx, org.ID, "replacement", slug); err != nil {
				return err
			}
		}
	}
	if !d.organization.IsZero() {
		return nil
	}
	after, err := d.c.roles().declarations(ctx)
	if err != nil {
		return err
	}
	var moved []string
	for _, child := range d.children {
		if child.OrganizationID.IsZero() {
			moved = append(moved, child.Slug)
		}
	}
	if err := d.c.roles().stillSound(ctx, after.roles, moved...); err != nil {
		return err
	}
	return d.c.roles().stillAutomatic(ctx, before.roles, after.roles)
}

// moveDefaults writes the replacement where the role was a default.
func (d *roleDeletion) moveDefaults(ctx context.Context) error {
	for _, before := range d.organizations {
		org := before
		if org.Settings.DefaultRole == d.slug {
			if err := d.c.roles().automatic(ctx, org.ID, "replacement", d.replacement); err != nil {
				return err
			}
			org.Settings.DefaultRole = d.replacement
		}
		if org.Settings.CreatorRole == d.slug {
			org.Settings.CreatorRole = d.replacement
		}
		if err := save(ctx, d.c, d.c.tx.Organizations().Update, before, &org, EventOrganizationUpdated); err != nil {
			return err
		}
	}
	return nil
}
