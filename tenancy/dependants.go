package tenancy

import (
	"context"

	"github.com/freehold-dev/freehold/store"
)

// fate says what happens to a column that names a thing, or to its row, when the thing is deleted, or
// merged into another of its kind.
type fate uint8

const (
	goes    fate = iota + 1 // the row is deleted in the same transaction
	ends                    // the row stays, and is marked as ended
	leaves                  // the id is removed from the column, and the row stays
	moves                   // the row names the other thing from then on
	tells                   // the row stays as a record of what was
	refuses                 // the thing cannot end while a row names it
	never                   // cannot happen
)

// dependant is a column that names another thing.
type dependant struct {
	table  *store.Table
	column string
	parent *store.Table // the table of the thing that is named
	ended  fate         // when the thing is deleted, or removed from its organization
	merged fate         // when the thing is merged into another one
}

// dependants lists every column that names another thing (rules R5, U6, U7, O2, M6, P9). Children come
// before parents, which is the order in which rows are deleted. When an organization, a user or a
// membership ends, endDependants deletes the rows with the fate goes; the rules of each entity do
// everything else. A test fails for a table that is in no line, and for the id of an ended thing that
// remains where no line allows it.
var dependants = []dependant{
	{roleAssignmentRows.Table, "organization_id", organizationRows.Table, goes, never},
	{roleAssignmentRows.Table, "membership_id", membershipRows.Table, goes, moves},
	{roleAssignmentRows.Table, "user_id", userRows.Table, goes, moves}, // with the membership
	{roleAssignmentRows.Table, "role", roleRows.Table, refuses, moves},
	{roleAssignmentRows.Table, "source_id", connectionRows.Table, goes, never},
	{roleAssignmentRows.Table, "source_id", domainRows.Table, tells, never},
	{roleAssignmentRows.Table, "source_id", invitationRows.Table, tells, never},

	{sessionRows.Table, "user_id", userRows.Table, goes, ends},
	{sessionRows.Table, "organization_id", organizationRows.Table, goes, never},
	{sessionRows.Table, "membership_id", membershipRows.Table, ends, ends},
	{sessionRows.Table, "identity_id", identityRows.Table, ends, never},
	{sessionRows.Table, "connection_id", connectionRows.Table, ends, never},
	{sessionRows.Table, "client_id", sessionRows.Table, tells, never}, // the first entry, which may be deleted

	{membershipRows.Table, "organization_id", organizationRows.Table, goes, never},
	{membershipRows.Table, "user_id", userRows.Table, goes, moves},
	{membershipRows.Table, "inviter_id", userRows.Table, tells, tells},
	{membershipRows.Table, "invitation_id", invitationRows.Table, goes, never},

	{identityRows.Table, "user_id", userRows.Table, goes, moves},
	{identityRows.Table, "provider", connectionRows.Table, goes, never},

	{secretRows.Table, "user_id", userRows.Table, goes, ends}, // those of sessions stay, and say that they ended
	{secretRows.Table, "subject", invitationRows.Table, goes, never},
	{secretRows.Table, "subject", joinCodeRows.Table, goes, never},
	{secretRows.Table, "subject", sessionRows.Table, tells, never},    // the first entry of the client, which may be deleted
	{secretRows.Table, "session_id", sessionRows.Table, tells, never}, // the current entry, or the record that it is gone

	{pendingSignInRows.Table, "user_id", userRows.Table, goes, ends},
	{pendingSignInRows.Table, "evidence", identityRows.Table, ends, never}, // such a sign-in is refused
	{pendingSignInRows.Table, "evidence", connectionRows.Table, ends, never},
	{pendingSignInRows.Table, "wishes", organizationRows.Table, ends, never},
	{pendingSignInRows.Table, "wishes", secretRows.Table, ends, never},

	{invitationRows.Table, "organization_id", organizationRows.Table, goes, never},
	{invitationRows.Table, "founded_id", organizationRows.Table, tells, never},
	{invitationRows.Table, "inviter_id", userRows.Table, tells, moves},
	{invitationRows.Table, "user_id", userRows.Table, tells, moves}, // who accepted; Erase removes it
	{invitationRows.Table, "roles", roleRows.Table, refuses, moves},

	{joinCodeRows.Table, "organization_id", organizationRows.Table, goes, never},
	{joinCodeRows.Table, "creator_id", userRows.Table, tells, moves},
	{joinCodeRows.Table, "role", roleRows.Table, refuses, moves},

	{joinRequestRows.Table, "organization_id", organizationRows.Table, goes, never},
	{joinRequestRows.Table, "user_id", userRows.Table, goes, moves},
	{joinRequestRows.Table, "decider_id", userRows.Table, tells, tells},

	{removalRows.Table, "organization_id", organizationRows.Table, goes, never},
	{removalRows.Table, "user_id", userRows.Table, tells, moves}, // Erase deletes it
	{removalRows.Table, "remover_id", userRows.Table, tells, tells},

	{memberAddressRows.Table, "organization_id", organizationRows.Table, goes, never},
	{memberAddressRows.Table, "user_id", userRows.Table, tells, moves}, // with the membership, or the removal

	{domainRows.Table, "organization_id", organizationRows.Table, goes, never},
	{domainRows.Table, "role", roleRows.Table, refuses, moves},

	{domainLookRows.Table, "id", domainRows.Table, goes, never}, // except what still counts, for an hour
	{domainLookRows.Table, "organization_id", organizationRows.Table, tells, never},
	{domainLookRows.Table, "actor", userRows.Table, tells, tells},

	{policyRows.Table, "organization_id", organizationRows.Table, goes, never},
	{policyRows.Table, "exempt", userRows.Table, leaves, moves}, // of the membership
	{policyRows.Table, "domain_policy", connectionRows.Table, refuses, never},
	{policyRows.Table, "organization_policy", connectionRows.Table, refuses, never},

	{connectionSettingsRows.Table, "id", connectionRows.Table, goes, never},
	{connectionSettingsRows.Table, "organization_id", organizationRows.Table, goes, never},
	{connectionSettingsRows.Table, "group_roles", roleRows.Table, refuses, moves},

	{connectionRows.Table, "organization_id", organizationRows.Table, goes, never},

	{roleRows.Table, "scope", organizationRows.Table, goes, never},
	{roleRows.Table, "extends", roleRows.Table, refuses, moves},
	{organizationRows.Table, "default_role", roleRows.Table, refuses, moves},
	{organizationRows.Table, "creator_role", roleRows.Table, refuses, moves},

	{denialRows.Table, "organization_id", organizationRows.Table, goes, never},
	{denialRows.Table, "actor", userRows.Table, tells, tells},
	{sentMailRows.Table, "scope", organizationRows.Table, tells, never}, // otherwise a deletion would make room (rule I12)
	{sentMailRows.Table, "scope", userRows.Table, tells, tells},

	{foundingRows.Table, "id", organizationRows.Table, tells, never}, // otherwise a deletion would make room (rule O6)
	{foundingRows.Table, "user_id", userRows.Table, goes, moves},

	{formerSlugRows.Table, "organization_id", organizationRows.Table, tells, never}, // keeps its slugs reserved (rule O5)

	{seatCountRows.Table, "id", organizationRows.Table, goes, never},

	{userRows.Table, "merged_into", userRows.Table, tells, moves}, // Erase deletes those too

	{&eventLog.Table, "organization_id", organizationRows.Table, tells, never},
	{&eventLog.Table, "user_id", userRows.Table, tells, tells},
}

// endDependants deletes the rows that depend on rows of a table, and counts them. The caller deletes the
// rows of the table itself.
func endDependants[V Entity](ctx context.Context, c *call, parent *store.Table, counts *removed, ids ...ID[V]) error {
	for _, d := range dependants {
		if d.parent != parent || d.ended != goes {
			continue
		}
		at := d.table.Index(d.column)
		values := make([]store.Value, len(ids))
		for i, id := range ids {
			if d.table.Columns[at].Type == store.ID {
				values[i].ID = id
			} else {
				values[i].Text = id.String()
			}
		}
		n, err := c.tx.DeleteAll(ctx, d.table, []store.Cond{{Column: at, Op: store.OneOf, Values: values}})
		if err != nil {
			return err
		}
		counts.add(d.table, n)
	}
	return nil
}

// add counts deleted rows of a table. It ignores tables that no event counts.
func (r *removed) add(table *store.Table, n int) {
	switch table {
	case membershipRows.Table:
		r.Memberships += n
	case roleAssignmentRows.Table:
		r.RoleAssignments += n
	case identityRows.Table:
		r.Identities += n
	case roleRows.Table:
		r.Roles += n
	case invitationRows.Table:
		r.Invitations += n
	case joinCodeRows.Table:
		r.JoinCodes += n
	case joinRequestRows.Table:
		r.JoinRequests += n
	case sessionRows.Table:
		r.Sessions += n
	case connectionRows.Table:
		r.Connections += n
	case domainRows.Table:
		r.Domains += n
	}
}
