package tenancy

import (
	"context"

	"github.com/freehold-dev/freehold/store/typed"
)

// MemberCount is the number of members that a query finds (rule G17).
type MemberCount struct {
	N    int  `json:"n"`    // from 0 to 10,000
	More bool `json:"more"` // there may be more than N; if false, N is exact
}

// Count returns how many members [Memberships.List] returns on all its pages together (rule G17). It is exact
// up to 10,000; beyond that N is 10,000 and More is true. Count reads one snapshot, and stops at 10,000. The
// fields Order, Descending, Limit and Cursor of q have no effect.
//
// Two kinds of queries look at a limited part of the list. With a Search, Count looks at the first 10,000
// members that one of its words finds. With a prefix, and Roles that more than 1,000 members hold, it looks at
// the first 10,000 members that the prefix finds. Where that part does not reach the end of the list, More is
// true, and N may be below 10,000.
//
// Errors: [ErrInvalid]; [ErrUnknownRole]; [ErrNotFound] for the organization.
func (g Memberships) Count(ctx context.Context, organization OrganizationID, q MemberQuery) (MemberCount, error) {
	return read(ctx, g.s, membershipsCount, organization.String(), func(ctx context.Context, c *call) (MemberCount, error) {
		if err := c.access().authorize(ctx, scope{organization: organization}); err != nil {
			return MemberCount{}, err
		}
		if err := c.members().mayList(q); err != nil {
			return MemberCount{}, err
		}
		if _, err := c.tx.Organizations().Get(ctx, organization); err != nil {
			return MemberCount{}, err
		}
		return c.members().count(ctx, organization, q)
	})
}

func (ms memberRules) count(ctx context.Context, id OrganizationID, q MemberQuery) (MemberCount, error) {
	filter, err := q.filter()
	if err != nil {
		return MemberCount{}, err
	}
	filter.OrganizationID = typed.Of(id)
	if q.Roles != nil {
		if err := ms.checkRoles(ctx, id, q); err != nil {
			return MemberCount{}, err
		}
	}
	q.Descending = false
	search, err := q.search()
	switch {
	case err != nil:
		return MemberCount{}, err
	case search != nil:
		return ms.countFound(ctx, filter, search)
	case q.Roles == nil:
		return ms.countTo(ctx, filter)
	}
	ids, more, err := ms.holders(ctx, id, q, maxCount)
	switch {
	case err != nil:
		return MemberCount{}, err
	case q.NamePrefix == "" && q.EmailPrefix == "":
		return MemberCount{len(ids), more}, nil
	case len(ids) <= fewHolders:
		return ms.countTo(ctx, filter.among(ids))
	}
	var n MemberCount
	span := listSpan{Limit: walkLimit, Order: along(ByID, q.NamePrefix, q.EmailPrefix)}
	last, err := ms.eachHolder(ctx, filter, span, q.Roles, func(Membership) bool {
		n.N++
		return false
	})
	n.More = last != nil
	return n, err
}

func (ms memberRules) countTo(ctx context.Context, filter membershipFilter) (MemberCount, error) {
	n, err := ms.c.tx.Memberships().CountTo(ctx, filter, maxCount+1)
	return MemberCount{min(n, maxCount), n > maxCount}, err
}

// countFound counts the members that a search finds.
func (ms memberRules) countFound(ctx context.Context, filter membershipFilter, s *memberSearch) (n MemberCount, err error) {
	last, err := ms.eachFound(ctx, filter, s, listSpan{Limit: walkLimit}, maxCount, func(Membership, typed.Place) (enough bool) {
		n.N++
		return false
	})
	n.More = last != nil
	return n, err
}
