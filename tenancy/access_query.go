package tenancy

import (
	"context"

	"github.com/freehold-dev/freehold/store"
)

// accessQuery returns one row for each active role of the membership, or a single row if there is no role.
// It finds each table's row by its key or a unique key. [accessRules.readFacts] reads the same from the
// tables.
var accessQuery = &store.Query{
	Name: "access",
	SQL: `
SELECT o.id IS NOT NULL, o.archived_at IS NOT NULL, o.suspended_at IS NOT NULL,
       u.id IS NOT NULL AND u.merged_into IS NULL, u.suspended_at IS NOT NULL,
       m.id, m.status, a.role, d.mark
FROM (SELECT ?1 AS organization_id, ?2 AS user_id) AS k
LEFT JOIN tenancy_organizations o ON o.id = k.organization_id
LEFT JOIN tenancy_users u ON u.id = k.user_id
LEFT JOIN tenancy_memberships m ON m.organization_id = k.organization_id AND m.user_id = k.user_id
LEFT JOIN tenancy_role_assignments a ON a.membership_id = m.id AND a.active = 1 AND a.scope = ''
LEFT JOIN tenancy_declaration_marks d ON d.id = '` + theDeclarationMark.String() + `'`,
	Args: []store.Column{
		{Name: "organization_id", Type: store.ID, Prefix: OrganizationID{}.Prefix()},
		{Name: "user_id", Type: store.ID, Prefix: UserID{}.Prefix()},
	},
	Columns: []store.Column{
		{Name: "organization_found", Type: store.Bool},
		{Name: "organization_archived", Type: store.Bool},
		{Name: "organization_suspended", Type: store.Bool},
		{Name: "user_found", Type: store.Bool},
		{Name: "user_suspended", Type: store.Bool},
		{Name: "membership_id", Type: store.ID, Prefix: MembershipID{}.Prefix(), Null: true},
		{Name: "status", Type: store.Text, Null: true},
		{Name: "role", Type: store.Text, Null: true},
		{Name: "mark", Type: store.Text, Null: true},
	},
}

// queryFacts reads the facts in one statement. ok is false if the store runs no queries.
func (c *call) queryFacts(ctx context.Context, organization OrganizationID, user UserID) (facts accessFacts, ok bool, err error) {
	args := []store.Value{{ID: organization}, {ID: user}}
	ok, err = c.tx.Query(ctx, accessQuery, args, func(row store.Row) error {
		facts.OrganizationFound, facts.OrganizationArchived, facts.OrganizationSuspended = row[0].Int != 0, row[1].Int != 0, row[2].Int != 0
		facts.UserFound, facts.UserSuspended = row[3].Int != 0, row[4].Int != 0
		facts.MembershipID, facts.Status = row[5].ID, MembershipStatus(row[6].Text)
		facts.Mark = row[8].Text
		if !row[7].Null {
			facts.Roles = append(facts.Roles, row[7].Text)
		}
		return nil
	})
	return facts, ok, err
}
