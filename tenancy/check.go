package tenancy

import (
	"context"
	"slices"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/store/typed"
)

// Can reports whether a user may do something in an organization (rule R7). It is true if the user, the
// organization and the membership are active, and one of the user's roles there gives the permission. A
// user or an organization that does not exist gives false, and no error.
//
// Can answers from compiled access in memory, which stays fresh (rule R8). After a change through this
// Service, or through one derived from it, has returned, the next Can sees it. It sees a change in a host's
// transaction after the commit, and a change by another process within Config.Staleness. Inside a
// transaction it sees the transaction's own changes.
//
// Errors: [ErrUnknownPermission] for one that was not declared; [ErrInvalid] for a
// wildcard. On a bound Service also [ErrForbidden] and [ErrNotFound], as [Methods]
// says.
func (s *Service) Can(ctx context.Context, user UserID, organization OrganizationID, permission rbac.Permission) (bool, error) {
	c := s.instance.cache
	if s.txn == nil && s.principal == nil && c.fresh.running.Load() > 0 && c.fresh.live.Load() &&
		(c.transacting.Load() == 0 || s.rejectNested(ctx) == nil) {
		if p := c.Get(organization, user); p != nil {
			ok, err := p.can(permission)
			if err != nil {
				return false, explain(rbacError("permission", err), serviceCan.op, "")
			}
			return ok, nil
		}
	}
	return s.can(ctx, user, organization, permission)
}

// can is Can for an answer that is not in memory.
func (s *Service) can(ctx context.Context, user UserID, organization OrganizationID, permission rbac.Permission) (bool, error) {
	a, _, err := s.access(ctx, serviceCan, organization, user)
	switch {
	case err != nil:
		return false, err
	case a == nil:
		return false, s.declared(ctx, permission)
	}
	ok, err := a.can(permission)
	return ok, explain(rbacError("permission", err), serviceCan.op, "")
}

// declared refuses a permission that is not declared, also for users who have no access anyway.
func (s *Service) declared(ctx context.Context, permission rbac.Permission) error {
	if permission.IsManagement() {
		return explain(rbacError("permission", managementOnly.Check(permission)), serviceCheck.op, "")
	}
	if s.txn == nil && s.current() {
		if declared := s.instance.cache.Base(); declared != nil && declared.registry.Check(permission) == nil {
			return nil
		}
	}
	_, err := read(ctx, s.trusted(), serviceCheck, "", func(ctx context.Context, c *call) (struct{}, error) {
		declared, err := c.roles().declarations(ctx)
		if err != nil {
			return struct{}{}, err
		}
		return struct{}{}, rbacError("permission", declared.registry.Check(permission))
	})
	return err
}

// managementOnly is the registry of the permissions that every application has.
var managementOnly = func() *rbac.Registry {
	r, err := rbac.NewRegistry()
	if err != nil {
		panic(err) // cannot happen: the registry has no permissions of a host's
	}
	return r
}()

// Check is [Service.Can] for guards: it returns nil if the user may, and otherwise an error that says why.
// For a user who is not an active member, the error is [ErrNotFound], whether or not the organization
// exists. For a member who may not, it is [ErrForbidden], and its Reason is the [Reason]. On a bound
// Service, a refusal of the actor itself is recorded with the denials (rule A5).
//
// Errors: [ErrNotFound], [ErrForbidden], and as for [Service.Can].
func (s *Service) Check(ctx context.Context, user UserID, organization OrganizationID, permission rbac.Permission) error {
	a, reason, err := s.access(ctx, serviceCheck, organization, user)
	if err != nil {
		return err
	}
	if a != nil {
		ok, err := a.can(permission)
		if err != nil {
			return explain(rbacError("permission", err), serviceCheck.op, "")
		}
		if ok {
			return nil
		}
		reason = ReasonNotGranted
	} else if err := s.declared(ctx, permission); err != nil {
		return err
	}
	hidden := reason != ReasonNotGranted && reason != ReasonOrganizationSuspended && reason != ReasonUserSuspended
	if p := s.principal; p != nil && p.user == user {
		where := organization
		if reason == ReasonNoOrganization {
			where = OrganizationID{}
		}
		s.refused(ctx, refusal{s.actor, serviceCheck.Name, where, hidden})
	}
	if !hidden {
		return explain(&Error{Code: ErrForbidden, Kind: "permission", Key: string(permission), Reason: string(reason)}, serviceCheck.op, "")
	}
	return explain(notFound(organization), serviceCheck.op, "")
}

// Explanation says why a user has a permission, or why not (rule R7).
type Explanation struct {
	Allowed bool     `json:"allowed"`         // what [Service.Can] would answer
	Reason  Reason   `json:"reason"`          // why: one of the Reason constants
	Roles   []string `json:"roles"`           // all roles that the user has there, by priority
	Role    string   `json:"role,omitempty"`  // the role that gives the permission
	Parents []string `json:"parents"`         // from that role up to the one that has the grant
	Grant   string   `json:"grant,omitempty"` // the grant as the role declares it
}

// String returns the explanation in one line, for a person to read.
func (e Explanation) String() string {
	if !e.Allowed {
		return "denied: " + string(e.Reason)
	}
	return "allowed: " + rbac.Explanation{Role: e.Role, Parents: e.Parents, Grant: rbac.Grant(e.Grant)}.String()
}

// Explain says why a user may or may not do something in an organization: it names the role, its parents
// and the grant, or the reason against it. It reads the store.
//
// Errors: as for [Service.Can]. An actor gets [ReasonNotAMember] instead of a reason that would reveal who
// or what exists there.
func (s *Service) Explain(ctx context.Context, user UserID, organization OrganizationID, permission rbac.Permission) (Explanation, error) {
	return read(ctx, s, serviceExplain, pairKey(organization, user), func(ctx context.Context, c *call) (Explanation, error) {
		if err := c.access().authorize(ctx, scope{organization: organization, user: user}); err != nil {
			return Explanation{}, err
		}
		declared, err := c.roles().declarations(ctx)
		if err != nil {
			return Explanation{}, err
		}
		if err := declared.registry.Check(permission); err != nil {
			return Explanation{}, rbacError("permission", err)
		}
		facts, err := c.access().facts(ctx, organization, user)
		if err != nil {
			return Explanation{}, err
		}
		result := Explanation{Reason: c.access().reasonFor(facts.reason(), user)}
		if result.Reason != ReasonGranted {
			return result, nil
		}
		roles, err := c.roles().rolesNamed(ctx, organization, facts.Roles...)
		if err != nil {
			return Explanation{}, err
		}
		result.Roles = slices.Compact(roles.Sort(facts.Roles...))
		why, err := roles.Explain(permission, result.Roles...)
		if err != nil {
			return Explanation{}, rbacError("roles", err)
		}
		result.Role, result.Parents, result.Grant = why.Role, why.Parents, string(why.Grant)
		if result.Allowed = why.Role != ""; !result.Allowed {
			result.Reason = ReasonNotGranted
		}
		return result, nil
	})
}

// reasonFor returns the reason that the actor may know. Only the host can tell apart what does not exist
// from what the actor may not see (rules A3, G7, M2).
func (ar accessRules) reasonFor(reason Reason, user UserID) Reason {
	p := ar.c.service.principal
	if p == nil {
		return reason
	}
	switch {
	case reason == ReasonNoOrganization, reason == ReasonOrganizationArchived, reason == ReasonNoUser,
		reason == ReasonMembershipPending && p.user != user:
		return ReasonNotAMember
	}
	return reason
}

// Of returns every permission that a user has in an organization: first the management permissions, then
// the host's, each by name. For a user without access the list is empty.
//
// Errors: on a bound Service [ErrForbidden] and [ErrNotFound], as [Methods] says.
func (g Permissions) Of(ctx context.Context, user UserID, organization OrganizationID) ([]rbac.Permission, error) {
	a, _, err := g.s.access(ctx, permissionsOf, organization, user)
	switch {
	case err != nil:
		return nil, err
	case a == nil:
		return []rbac.Permission{}, nil
	}
	return listed(a.set.Permissions()), nil
}

// MembersWith returns a page of the active members whose roles give a permission, in the order in which
// they got those roles. Only the page fields of q may be set: not Statuses, Roles, the prefixes or Order.
//
// Errors: as for [Service.Can], and for lists; [ErrNotFound] for the organization.
func (s *Service) MembersWith(ctx context.Context, organization OrganizationID, permission rbac.Permission, q MemberQuery) (Page[Member], error) {
	return read(ctx, s, serviceMembersWith, organization.String(), func(ctx context.Context, c *call) (Page[Member], error) {
		if err := c.access().authorize(ctx, scope{organization: organization}); err != nil {
			return Page[Member]{}, err
		}
		if !q.isPage() {
			return Page[Member]{}, invalid("query", "has more than a page")
		}
		return c.access().membersWith(ctx, organization, permission, q)
	})
}

func (ar accessRules) membersWith(ctx context.Context, id OrganizationID, permission rbac.Permission, q MemberQuery) (Page[Member], error) {
	org, err := ar.c.tx.Organizations().Get(ctx, id)
	if err != nil {
		return Page[Member]{}, err
	}
	giving, err := ar.rolesWith(ctx, id, permission)
	if err != nil {
		return Page[Member]{}, err
	}
	return ar.membersHolding(ctx, org, giving, q, "members with", id, permission)
}

// membersHolding returns a page of the active members who have one of the roles in giving. query identifies
// the list in the cursor.
func (ar accessRules) membersHolding(ctx context.Context, org Organization, giving []string, q MemberQuery, query ...any) (Page[Member], error) {
	filter := roleAssignmentFilter{OrganizationID: typed.Of(org.ID), Role: typed.Of(giving...), Active: typed.Of(true)}
	rows, err := listPage(ctx, ar.c.tx.RoleAssignments(), filter, q.paging(), keyByID, query...)
	if err != nil {
		return Page[Member]{}, err
	}
	members, err := ar.firstTime(ctx, rows.Items, giving)
	if err != nil {
		return Page[Member]{}, err
	}
	page := Page[Member]{Next: rows.Next}
	page.Items, err = ar.c.members().views(ctx, members, []Organization{org}, nil)
	return page, err
}

// rolesWith returns the roles of an organization that give a permission.
func (ar accessRules) rolesWith(ctx context.Context, id OrganizationID, permission rbac.Permission) ([]string, error) {
	declared, err := ar.c.roles().declarations(ctx)
	if err != nil {
		return nil, err
	}
	if err := declared.registry.Check(permission); err != nil {
		return nil, rbacError("permission", err)
	}
	return ar.rolesThat(ctx, id, func(_ string, grants rbac.Grants) bool { return permits(grants, permission) })
}

// rolesThat returns the roles of an organization for which the function is returns true.
func (ar accessRules) rolesThat(ctx context.Context, id OrganizationID, is func(slug string, grants rbac.Grants) bool) ([]string, error) {
	roles, err := ar.c.roles().rolesOf(ctx, id)
	if err != nil {
		return nil, err
	}
	all, err := ar.c.roles().roleList(ctx, id)
	if err != nil {
		return nil, err
	}
	var slugs []string
	for _, r := range all {
		grants, err := roles.Grants(r.Slug)
		if err != nil {
			return nil, rbacError("role", err)
		}
		if is(r.Slug, grants) {
			slugs = append(slugs, r.Slug)
		}
	}
	return slugs, nil
}

// firstTime returns the memberships of a page of assignments. A member with several of the roles has
// several assignments, and appears only with the earliest of them, so that no two pages have the same
// member.
func (ar accessRules) firstTime(ctx context.Context, rows []RoleAssignment, giving []string) ([]Membership, error) {
	if len(rows) == 0 {
		return nil, nil
	}
	ids := make([]MembershipID, len(rows))
	for i, a := range rows {
		ids[i] = a.MembershipID
	}
	held, err := ar.c.roles().assignments(ctx, ids...)
	if err != nil {
		return nil, err
	}
	var first []MembershipID
	for _, a := range rows {
		earlier := func(b RoleAssignment) bool {
			return b.Scope == "" && slices.Contains(giving, b.Role) && b.ID.Compare(a.ID) < 0
		}
		if a.Scope == "" && !slices.ContainsFunc(held[a.MembershipID], earlier) {
			first = append(first, a.MembershipID)
		}
	}
	if len(first) == 0 {
		return nil, nil
	}
	found, err := ar.c.tx.Memberships().List(ctx, membershipFilter{ID: typed.Of(first...)}, listSpan{Limit: len(first)})
	slices.SortFunc(found, func(a, b Membership) int { return slices.Index(first, a.ID) - slices.Index(first, b.ID) })
	return found, err
}
