package tenancy

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/freehold-dev/freehold/store/typed"
)

// Limits on the lists and counts of members who hold given roles.
const (
	maxQueryRoles = 20     // roles of one query
	fewHolders    = 1000   // up to so many are found by their roles; beyond that, a page looks through the list
	maxCount      = 10_000 // how far Memberships.Count counts, and how many members one page looks at
)

// checkRoles refuses roles that the organization does not have.
func (ms memberRules) checkRoles(ctx context.Context, id OrganizationID, q MemberQuery) error {
	if len(q.Roles) > maxQueryRoles {
		return invalid("roles", fmt.Sprintf("are %d, at most %d", len(q.Roles), maxQueryRoles))
	}
	return ms.c.roles().known(ctx, id, "roles", q.Roles...)
}

// page reads one page of an organization's memberships.
func (ms memberRules) page(ctx context.Context, id OrganizationID, q MemberQuery) (Page[Membership], error) {
	filter, err := q.filter()
	if err != nil {
		return Page[Membership]{}, err
	}
	if (q.Order == ByJoined || q.Order == ByLastSignIn) && (filter.NamePrefix != "" || filter.EmailPrefix != "") {
		return Page[Membership]{}, invalid("order", "does not go with a prefix")
	}
	filter.OrganizationID = typed.Of(id)
	query := []any{"members", id, q.Statuses, q.NamePrefix, q.EmailPrefix, q.Roles}
	if q.Roles != nil {
		if err := ms.checkRoles(ctx, id, q); err != nil {
			return Page[Membership]{}, err
		}
	}
	search, err := q.search()
	switch {
	case err != nil:
		return Page[Membership]{}, err
	case search != nil:
		return ms.searchPage(ctx, filter, search, query...)
	case q.Roles == nil && q.Order == ByLastSignIn:
		return ms.signInPage(ctx, filter, q, nil, query...)
	case q.Roles == nil:
		return listPage(ctx, ms.c.tx.Memberships(), filter, q.paging(), membershipKey, query...)
	}
	ids, more, err := ms.holders(ctx, id, q, fewHolders)
	if err != nil {
		return Page[Membership]{}, err
	}
	switch {
	case q.Order == ByLastSignIn && more:
		return ms.signInPage(ctx, filter, q, q.Roles, query...)
	case q.Order == ByLastSignIn:
		return ms.signInPage(ctx, filter.among(ids), q, nil, query...)
	case !more:
		return listPage(ctx, ms.c.tx.Memberships(), filter.among(ids), q.paging(), membershipKey, query...)
	}
	return ms.lookThrough(ctx, filter, q, query...)
}

// among returns a filter for the given memberships, which must be in the organization that f names. The new
// filter names no organization, so that a store finds them by id and not by the organization's index.
func (f membershipFilter) among(ids []MembershipID) membershipFilter {
	f.ID, f.OrganizationID = typed.Of(ids...), typed.In[OrganizationID]{}
	return f
}

// holders returns the memberships, at most most, that hold one of a query's roles from any source. more says
// that further memberships hold one.
func (ms memberRules) holders(ctx context.Context, id OrganizationID, q MemberQuery, most int) (ids []MembershipID, more bool, err error) {
	seen := map[MembershipID]bool{}
	for _, slug := range slices.Compact(slices.Sorted(slices.Values(q.Roles))) {
		filter := roleAssignmentFilter{OrganizationID: typed.Of(id), Role: typed.Of(slug), Active: q.active()}
		err := walk(ctx, ms.c.tx.RoleAssignments(), filter, func(a RoleAssignment) error {
			if a.Scope != "" || seen[a.MembershipID] {
				return nil
			}
			if len(ids) == most {
				return errFound
			}
			seen[a.MembershipID], ids = true, append(ids, a.MembershipID)
			return nil
		})
		if errors.Is(err, errFound) {
			return ids, true, nil
		}
		if err != nil {
			return nil, false, err
		}
	}
	return ids, false, nil
}

// active returns how the assignments of the wanted members are marked. A pending membership has no assignments.
func (q MemberQuery) active() typed.In[bool] {
	var marks []bool
	if q.Statuses == nil || slices.Contains(q.Statuses, MembershipActive) {
		marks = append(marks, true)
	}
	if slices.Contains(q.Statuses, MembershipInactive) {
		marks = append(marks, false)
	}
	return typed.Of(marks...)
}

// lookThrough reads a page of the members who hold a role that many hold. It walks the list and leaves out the
// others.
func (ms memberRules) lookThrough(ctx context.Context, filter membershipFilter, q MemberQuery, query ...any) (Page[Membership], error) {
	p := q.paging()
	span, print, err := p.span(query...)
	if err != nil {
		return Page[Membership]{}, err
	}
	var page Page[Membership]
	limit := span.Limit
	last, err := ms.eachHolder(ctx, filter, span, q.Roles, func(m Membership) (enough bool) {
		if len(page.Items) == limit {
			return true
		}
		page.Items = append(page.Items, m)
		return false
	})
	switch {
	case err != nil:
		return Page[Membership]{}, err
	case last != nil && len(page.Items) == limit: // the next page begins after the last one here
		last = &page.Items[limit-1]
		fallthrough
	case last != nil:
		page.Next = encodeCursor(membershipKey(last, p.order), print)
	}
	return page, nil
}

// eachHolder calls fn, in the order of the list, for the members who hold one of the roles, until fn has
// enough. It looks at no more than maxCount members. last is the last one that it looked at; nil at the end of
// the list.
func (ms memberRules) eachHolder(ctx context.Context, filter membershipFilter, span listSpan, roles []string, fn func(Membership) (enough bool)) (last *Membership, err error) {
	span.Limit = min(walkLimit, max(100, 2*span.Limit))
	for looked := 0; looked < maxCount; span.Limit = min(walkLimit, 2*span.Limit, maxCount-looked) {
		rows, err := ms.c.tx.Memberships().List(ctx, filter, span)
		if err != nil || len(rows) == 0 {
			return nil, err
		}
		holders, err := ms.holding(ctx, rows, roles)
		if err != nil {
			return nil, err
		}
		for _, m := range rows {
			if holders[m.ID] && fn(m) {
				return &m, nil
			}
		}
		if len(rows) < span.Limit {
			return nil, nil
		}
		looked += len(rows)
		last = &rows[len(rows)-1]
		place := membershipKey(last, span.Order)
		span.After = &place
	}
	return last, nil
}

// holding returns which of the given members hold one of the roles.
func (ms memberRules) holding(ctx context.Context, rows []Membership, roles []string) (map[MembershipID]bool, error) {
	if len(roles) == 0 {
		return nil, nil
	}
	held, err := ms.c.roles().assignments(ctx, idsOf(rows)...)
	if err != nil {
		return nil, err
	}
	holders := map[MembershipID]bool{}
	for id, assignments := range held {
		holders[id] = slices.ContainsFunc(assignments, func(a RoleAssignment) bool { return a.Scope == "" && slices.Contains(roles, a.Role) })
	}
	return holders, nil
}
