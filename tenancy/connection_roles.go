package tenancy

import (
	"context"
	"slices"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/store/typed"
)

// sourced splits the assignments of a membership: own are those from one source, and others are the rest
// (rule M10).
func sourced(held []RoleAssignment, source RoleSource, id string) (own, others []RoleAssignment) {
	for _, a := range held {
		if a.Source == source && a.SourceID == id && a.Scope == "" {
			own = append(own, a)
		} else {
			others = append(others, a)
		}
	}
	return own, others
}

// recompute gives a member who signs in through a connection the roles of the groups that it asserts now,
// and takes away the roles of groups that it does not assert (rule P8). A member who would have no role
// gets the organization's default. The membership never gets more roles than it may have.
func (cn connectionRules) recompute(ctx context.Context, org Organization, m Membership, c Connection, groups []string) error {
	all, err := cn.c.roles().assignments(ctx, m.ID)
	if err != nil {
		return err
	}
	own, others := sourced(all[m.ID], RoleSingleSignOn, c.ID.String())
	want, err := cn.rolesByGroups(ctx, c, groups)
	if err != nil {
		return err
	}
	want = want[:min(len(want), max(0, cn.c.instance.config.Limits.MemberRoles-len(rolesIn(others))))]
	if len(want)+len(others) == 0 {
		want = []string{cn.c.roles().fallbackRole(org)}
	}
	if len(own) == len(want) && !slices.ContainsFunc(own, func(a RoleAssignment) bool { return !slices.Contains(want, a.Role) }) {
		return nil
	}
	return cn.replaceSourced(ctx, m, own, others, want, RoleSingleSignOn, c.ID.String())
}

// rolesByGroups returns the roles that a connection gives for groups, each once, by priority, and at most
// as many as a membership may have.
func (cn connectionRules) rolesByGroups(ctx context.Context, c Connection, groups []string) ([]string, error) {
	var held []RoleAssignment
	for _, group := range groups {
		if role, ok := c.Groups[group]; ok && role != rbac.Owner {
			held = append(held, RoleAssignment{OrganizationID: c.OrganizationID, Role: role})
		}
	}
	roles, err := cn.c.roles().sortRoles(ctx, held)
	return roles[:min(len(roles), cn.c.instance.config.Limits.MemberRoles)], err
}

// stripAll takes from members of an organization what one source gave them, where that source is deleted. A
// member who is left without a role gets the roles that [connectionRules.noMore] returns, as if assigned by
// hand.
func (cn connectionRules) stripAll(ctx context.Context, org Organization, gave []RoleAssignment) error {
	seen := map[MembershipID]bool{}
	for _, a := range gave {
		if seen[a.MembershipID] {
			continue
		}
		seen[a.MembershipID] = true
		m, err := cn.c.tx.Memberships().Get(ctx, a.MembershipID)
		if err != nil {
			return err
		}
		if err := cn.strip(ctx, org, m, origin{a.Source, a.SourceID}, origin{RoleManual, ""}); err != nil {
			return err
		}
	}
	return nil
}

// givenBy selects the assignments that a source gave in an organization.
func givenBy(id OrganizationID, source RoleSource, sourceID string) roleAssignmentFilter {
	return roleAssignmentFilter{OrganizationID: typed.Of(id), Source: typed.Of(source), SourceID: typed.Of(sourceID)}
}

// takeSome takes back some of what a source gave. The caller has the locks.
func (cn connectionRules) takeSome(ctx context.Context, id OrganizationID, gave roleAssignmentFilter, some []RoleAssignmentID) error {
	gave.ID = typed.Of(some...)
	held, err := collect(ctx, cn.c.tx.RoleAssignments(), gave)
	if err != nil {
		return err
	}
	if err := cn.c.access().mayGive(ctx, id, rolesIn(held)...); err != nil {
		return err
	}
	org, err := cn.c.tx.Organizations().Get(ctx, id)
	if err != nil {
		return err
	}
	return cn.stripAll(ctx, org, held)
}

// strip takes from a member what the source old gave them. If they are left without a role, they get one
// from the source instead, which may be the same source.
func (cn connectionRules) strip(ctx context.Context, org Organization, m Membership, old, instead origin) error {
	all, err := cn.c.roles().assignments(ctx, m.ID)
	if err != nil {
		return err
	}
	own, others := sourced(all[m.ID], old.source, old.id)
	var want []string
	if len(others) == 0 {
		if want, err = cn.noMore(ctx, org, rolesIn(own)); err != nil {
			return err
		}
	}
	return cn.replaceSourced(ctx, m, own, others, want, instead.source, instead.id)
}

// origin is the source of role assignments.
type origin struct {
	source RoleSource
	id     string
}

// noMore returns the organization's default role, or the roles in held if those do not cover the default:
// the loss of a source of roles must not give anybody more rights.
func (cn connectionRules) noMore(ctx context.Context, org Organization, held []string) ([]string, error) {
	fallback := cn.c.roles().fallbackRole(org)
	roles, err := cn.c.roles().rolesNamed(ctx, org.ID, append(slices.Clone(held), fallback)...)
	if err != nil {
		return nil, err
	}
	has, err := roles.Grants(held...)
	if err != nil {
		return nil, rbacError("roles", err)
	}
	gets, err := roles.Grants(fallback)
	if err != nil {
		return nil, rbacError("role", err)
	}
	if !has.Covers(gets) {
		return held, nil
	}
	return []string{fallback}, nil
}

// rolesIn returns the slugs of assignments, each once.
func rolesIn(held []RoleAssignment) []string {
	var slugs []string
	for _, a := range held {
		slugs = append(slugs, a.Role)
	}
	slices.Sort(slugs)
	return slices.Compact(slugs)
}

// replaceSourced makes the roles that a membership has from one source be the wanted ones. It keeps own
// assignments that match already, and adds new ones for the rest. The others stay.
func (cn connectionRules) replaceSourced(ctx context.Context, m Membership, own, others []RoleAssignment, want []string,
	source RoleSource, id string,
) error {
	before, err := cn.c.roles().sortRoles(ctx, slices.Concat(own, others))
	if err != nil {
		return err
	}
	after := slices.Clone(others)
	have := map[string]bool{}
	for _, a := range own {
		if a.Source == source && slices.Contains(want, a.Role) {
			have[a.Role] = true
			after = append(after, a)
			continue
		}
		if err := cn.c.tx.RoleAssignments().Delete(ctx, a.ID); err != nil {
			return err
		}
	}
	for _, slug := range want {
		if have[slug] {
			continue
		}
		a, err := cn.c.roles().assignFrom(ctx, m, slug, source, id)
		if err != nil {
			return err
		}
		after = append(after, a)
	}
	return cn.c.members().rolesChanged(ctx, &m, after, before)
}

// connectionsOf reads the connections that map a group to a role: those of the organization, or, for a
// declared role, those of all organizations.
func (cn connectionRules) connectionsOf(ctx context.Context, organization OrganizationID, role string) ([]Connection, error) {
	var filter connectionSettingsFilter
	if !organization.IsZero() {
		filter.OrganizationID = typed.Of(organization)
	}
	var ids []ConnectionID
	err := walk(ctx, cn.c.tx.ConnectionSettings(), filter, func(s connectionSettings) error {
		for _, mapped := range s.Groups {
			if mapped == role {
				ids = append(ids, s.ID)
				break
			}
		}
		return nil
	})
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	mapping, err := collect(ctx, cn.c.tx.Connections(), connectionFilter{ID: typed.Of(ids...)})
	if err != nil {
		return nil, err
	}
	return mapping, cn.fill(ctx, mapping)
}

// moveGroups maps the groups that were mapped to the role to its replacement.
func (d *roleDeletion) moveGroups(ctx context.Context) error {
	if len(d.connections) > 0 && d.replacement == rbac.Owner {
		return invalid("replacement", "would make the members of a group owners")
	}
	for _, before := range d.connections {
		c := before
		c.Groups = make(map[string]string, len(before.Groups))
		for group, role := range before.Groups {
			if role == d.slug {
				role = d.replacement
			}
			c.Groups[group] = role
		}
		if err := d.c.connections().saveConnection(ctx, before, &c); err != nil {
			return err
		}
	}
	return nil
}
