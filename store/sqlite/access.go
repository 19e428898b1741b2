package sqlite

import (
	"context"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/tenancy"
)

// accessText gives a row for each active role of the one membership, or a single row
// without one. Each table is met by its key or a unique key.
const accessText = `
SELECT o.id IS NOT NULL, o.archived_at IS NOT NULL, o.suspended_at IS NOT NULL,
       u.id IS NOT NULL AND u.merged_into IS NULL, u.suspended_at IS NOT NULL,
       m.id, m.status, a.role
FROM (SELECT ?1 AS organization_id, ?2 AS user_id) AS k
LEFT JOIN tenancy_organizations o ON o.id = k.organization_id
LEFT JOIN tenancy_users u ON u.id = k.user_id
LEFT JOIN tenancy_memberships m ON m.organization_id = k.organization_id AND m.user_id = k.user_id
LEFT JOIN tenancy_role_assignments a ON a.membership_id = m.id AND a.active = 1 AND a.scope = ''`

// Access implements [store.AccessReader].
func (r *rows) Access(ctx context.Context, organization tenancy.OrganizationID, user tenancy.UserID) (tenancy.AccessFacts, error) {
	var facts tenancy.AccessFacts
	args := []any{organization.String(), user.String()}
	err := r.read(context.WithoutCancel(ctx), accessText, args, 8, func(cells []any) (bool, error) {
		yes := func(i int) bool { n, _ := cells[i].(int64); return n != 0 }
		facts.OrganizationFound, facts.OrganizationArchived, facts.OrganizationSuspended = yes(0), yes(1), yes(2)
		facts.UserFound, facts.UserSuspended = yes(3), yes(4)
		if id, ok := cells[5].(string); ok {
			if err := facts.MembershipID.UnmarshalText([]byte(id)); err != nil {
				return false, damaged("membership", "id")
			}
			status, _ := cells[6].(string)
			facts.Status = tenancy.MembershipStatus(status)
		}
		if role, ok := cells[7].(string); ok {
			facts.Roles = append(facts.Roles, role)
		}
		return true, nil
	})
	return facts, err
}

var _ store.AccessReader = (*rows)(nil)

// SingleWriter says that one transaction writes at a time, whoever begins it: so one
// that has the write lock knows that every earlier writer is done.
func (s *Store) SingleWriter() bool { return true }

// ReadersWait says whether a read can have to wait for a transaction that the host has
// open: on a handle of the host's with a single connection (SetMaxOpenConns(1)). Asked
// once, when the Service is made.
func (s *Store) ReadersWait() bool {
	return s.readers == nil && s.writers.db.Stats().MaxOpenConnections == 1
}
