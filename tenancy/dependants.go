package tenancy

import (
	"context"

	"github.com/freehold-dev/freehold/store"
)

// fate says what becomes of a column that names something, or of its row, when what it
// names ends for good, or is merged into another of its kind.
type fate uint8

const (
	goes    fate = iota + 1 // the row goes in the same transaction
	ends                    // the row stays, and says that it has ended
	leaves                  // the name goes out of the column, and the row stays
	moves                   // the row names another one from then on
	tells                   // the row stays, and tells of what was
	refuses                 // what is named cannot end, as long as it is named
	never                   // cannot happen
)

// dependant is a column that names something else.
type dependant struct {
	table  *store.Table
	column string
	parent *store.Table // what is named
	ended  fate         // when that is deleted, or removed from its organization
	merged fate         // when that becomes one with another
}

// dependants lists every column that names something else (rules R5, U6, U7, O2, M6, P9),
// children before parents: in that order rows go. With an organization, a user and a membership the rows
// with the fate goes are deleted by endDependants; all else is done by the rules of its entity. A table that
// is in no line fails a test, and so does the id of what has ended where no line says that it
// may be.
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
	{sessionRows.Table, "client_id", sessionRows.Table, tells, never}, // of the first entry, which may be gone

	{membershipRows.Table, "organization_id", organizationRows.Table, goes, never},
	{membershipRows.Table, "user_id", userRows.Table, goes, moves},
	{membershipRows.Table, "inviter_id", userRows.Table, tells, tells},
	{membershipRows.Table, "invitation_id", invitationRows.Table, goes, never},

	{identityRows.Table, "user_id", userRows.Table, goes, moves},
	{identityRows.Table, "provider", connectionRows.Table, goes, never},

	{secretRows.Table, "user_id", userRows.Table, goes, ends}, // those of sessions stay, to say that they ended
	{secretRows.Table, "subject", invitationRows.Table, goes, never},
	{secretRows.Table, "subject", joinCodeRows.Table, goes, never},
	{secretRows.Table, "subject", sessionRows.Table, tells, never},    // the first entry of the client, which may be gone
	{secretRows.Table, "session_id", sessionRows.Table, tells, never}, // the current entry, or that it is gone

	{pendingSignInRows.Table, "user_id", userRows.Table, goes, ends},
	{pendingSignInRows.Table, "evidence", identityRows.Table, ends, never}, // one that names what is gone opens nothing
	{pendingSignInRows.Table, "evidence", connectionRows.Table, ends, never},
	{pendingSignInRows.Table, "wishes", organizationRows.Table, ends, never},
	{pendingSignInRows.Table, "wishes", secretRows.Table, ends, never},

	{invitationRows.Table, "organization_id", organizationRows.Table, goes, never},
	{invitationRows.Table, "founded_id", organizationRows.Table, tells, never},
	{invitationRows.Table, "inviter_id", userRows.Table, tells, moves},
	{invitationRows.Table, "user_id", userRows.Table, tells, moves}, // who accepted; Erase takes them out
	{invitationRows.Table, "roles", roleRows.Table, refuses, moves},

	{joinCodeRows.Table, "organization_id", organizationRows.Table, goes, never},
	{joinCodeRows.Table, "creator_id", userRows.Table, tells, moves},
	{joinCodeRows.Table, "role", roleRows.Table, refuses, moves},

	{joinRequestRows.Table, "organization_id", organizationRows.Table, goes, never},
	{joinRequestRows.Table, "user_id", userRows.Table, goes, moves},
	{joinRequestRows.Table, "decider_id", userRows.Table, tells, tells},

	{removalRows.Table, "organization_id", organizationRows.Table, goes, never},
	{removalRows.Table, "user_id", userRows.Table, tells, moves}, // Erase takes it along
	{removalRows.Table, "remover_id", userRows.Table, tells, tells},

	{memberAddressRows.Table, "organization_id", organizationRows.Table, goes, never},
	{memberAddressRows.Table, "user_id", userRows.Table, tells, moves}, // with the membership, or the removal

	{domainRows.Table, "organization_id", organizationRows.Table, goes, never},
	{domainRows.Table, "role", roleRows.Table, refuses, moves},

	{domainLookRows.Table, "id", domainRows.Table, goes, never}, // but what is counted, for an hour
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
	{sentMailRows.Table, "scope", organizationRows.Table, tells, never}, // or deleting one would make room (rule I12)
	{sentMailRows.Table, "scope", userRows.Table, tells, tells},

	{foundingRows.Table, "id", organizationRows.Table, tells, never}, // or deleting one would make room (rule O6)
	{foundingRows.Table, "user_id", userRows.Table, goes, moves},

	{formerSlugRows.Table, "organization_id", organizationRows.Table, tells, never}, // or deleting one would free its slugs (rule O5)

	{seatCountRows.Table, "id", organizationRows.Table, goes, never},

	{userRows.Table, "merged_into", userRows.Table, tells, moves}, // Erase takes those along

	{&eventLog.Table, "organization_id", organizationRows.Table, tells, never},
	{&eventLog.Table, "user_id", userRows.Table, tells, tells},
}

// endDependants deletes the rows that go with rows of a table, and counts them. The rows of
// the table itself are the caller's to delete.
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

// add counts rows of a table that went. Of a kind that no event counts it counts nothing.
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
