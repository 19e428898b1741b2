package tenancy

import (
	"bytes"
	"context"
	"slices"
	"strings"

	"github.com/freehold-dev/freehold/store"
)

// bearerTables are the tables whose rows an authentication needs. [bearerQuery] returns one row of each, side
// by side. The last table has rows of its own.
var bearerTables = []struct {
	table *store.Table
	alias string
}{
	{secretRows.Table, "x"},
	{sessionRows.Table, "s"},
	{userRows.Table, "u"},
	{organizationRows.Table, "o"},
	{membershipRows.Table, "m"},
	{connectionRows.Table, "c"},
	{roleAssignmentRows.Table, "a"},
}

// bearerQuery and entryQuery each read in one statement what [Sessions.Authenticate] would read one by one: the
// secret with an id, its current session or the one in an organization, and the rows that this session depends
// on. Each table is found by its key or a unique key; the session in an organization is found among those of
// its client.
var (
	bearerQuery = makeBearerQuery("bearer", "s.id = x.session_id")
	entryQuery  = makeBearerQuery("entry", "s.client_id = x.subject AND s.ended_at IS NULL AND s.organization_id = ?2 AND s.expires_at > ?3",
		organizationArg, store.Column{Name: "now", Type: store.Time})
)

func makeBearerQuery(name, session string, more ...store.Column) *store.Query {
	args := []store.Column{{Name: "secret_id", Type: store.ID, Prefix: storedSecretID{}.Prefix()}}
	q := &store.Query{Name: name, Args: append(args, more...)}
	var one, several []string // the columns of the single row, and of the rows for the assignments
	for _, t := range bearerTables {
		for _, c := range t.table.Columns {
			name, nothing := t.alias+"."+c.Name, "NULL"
			if t.table == roleAssignmentRows.Table {
				one, several = append(one, nothing), append(several, name)
			} else {
				one, several = append(one, name), append(several, nothing)
			}
			c.Null = true // null where that row does not exist
			q.Columns = append(q.Columns, c)
		}
	}
	q.SQL = "SELECT " + strings.Join(one, ", ") + `
FROM tenancy_secrets x
LEFT JOIN tenancy_sessions s ON ` + session + `
LEFT JOIN tenancy_users u ON u.id = s.user_id
LEFT JOIN tenancy_organizations o ON o.id = s.organization_id
LEFT JOIN tenancy_memberships m ON m.id = s.membership_id
LEFT JOIN tenancy_connections c ON c.id = s.connection_id
WHERE x.id = ?1
UNION ALL
SELECT ` + strings.Join(several, ", ") + `
FROM tenancy_secrets x
JOIN tenancy_sessions s ON ` + session + `
JOIN tenancy_role_assignments a ON a.membership_id = s.membership_id
WHERE x.id = ?1`
	// Without this hint SQLite may begin with all sessions of the organization, and there may be many.
	q.Dialect = map[string]string{"sqlite": strings.ReplaceAll(q.SQL, "\nJOIN ", "\nCROSS JOIN ")}
	return q
}

// readAhead is a transaction that has read some rows in advance, in one statement. It returns them when a rule
// asks for them one by one. Nothing may be written in it.
type readAhead struct {
	store.Rows
	known       map[rowID]store.Row // nil: the row does not exist
	entry       [16]byte            // the session; zero: none was found
	membership  [16]byte
	assignments []store.Row // of the membership, by id
}

var _ store.Rows = (*readAhead)(nil)

// readAhead reads what Authenticate needs for a token in advance, if the store can run queries.
func (ss sessionRules) readAhead(ctx context.Context, raw string, in OrganizationID) error {
	raw = readToken(raw)
	if !wellFormed(raw, secretSession) {
		return nil
	}
	id, _ := hashToken(raw)
	ahead := &readAhead{Rows: ss.c.tx.rows, known: map[rowID]store.Row{{secretRows.Table, id}: nil}}
	query, args := bearerQuery, []store.Value{{ID: id}}
	if !in.IsZero() {
		query, args = entryQuery, append(args, store.Value{ID: in}, store.Value{Int: ss.c.now.UnixMicro()})
	}
	ok, err := ss.c.tx.Query(ctx, query, args, func(row store.Row) error {
		row = slices.Clone(row)
		for _, t := range bearerTables {
			part := row[:len(t.table.Columns):len(t.table.Columns)]
			row = row[len(part):]
			switch {
			case part[0].Null:
			case t.table == roleAssignmentRows.Table:
				ahead.assignments = append(ahead.assignments, part)
			default:
				ahead.known[rowID{t.table, part[0].ID}] = part
				switch t.table {
				case sessionRows.Table:
					ahead.entry = part[0].ID
				case membershipRows.Table:
					ahead.membership = part[0].ID
				}
			}
		}
		return nil
	})
	if ok && err == nil {
		slices.SortFunc(ahead.assignments, func(a, b store.Row) int { return bytes.Compare(a[0].ID[:], b[0].ID[:]) })
		ss.c.tx.rows = ahead
	}
	return err
}

func (r *readAhead) Get(ctx context.Context, t *store.Table, id [16]byte, row store.Row) error {
	known, is := r.known[rowID{t, id}]
	if !is {
		return r.Rows.Get(ctx, t, id, row)
	}
	if err := canceled(ctx); err != nil {
		return err
	}
	if known == nil {
		return t.NotFound(id)
	}
	copy(row, known)
	return nil
}

func (r *readAhead) List(ctx context.Context, t *store.Table, where []store.Cond, span store.Range, yield func(store.Row) error) error {
	if t != roleAssignmentRows.Table || len(where) != 1 || span.Sort != 0 || span.Desc || span.After != nil ||
		r.membership == [16]byte{} || only(where, membershipColumn) != r.membership {
		return r.Rows.List(ctx, t, where, span, yield)
	}
	if err := canceled(ctx); err != nil {
		return err
	}
	for _, row := range r.assignments[:min(span.Limit, len(r.assignments))] {
		if err := yield(slices.Clone(row)); err != nil {
			return err
		}
	}
	return nil
}

// membershipColumn is the column of a role assignment that names its membership.
var membershipColumn = roleAssignmentRows.Table.Index("membership_id")

// CountTo passes a count on to the transaction underneath.
func (r *readAhead) CountTo(ctx context.Context, t *store.Table, where []store.Cond, limit int) (int, error) {
	return store.CountTo(ctx, r.Rows, t, where, limit)
}

// Query passes a query on to the transaction underneath.
func (r *readAhead) Query(ctx context.Context, q *store.Query, args []store.Value, yield func(store.Row) error) (bool, error) {
	return store.RunQuery(ctx, r.Rows, q, args, yield)
}

// Unwrap returns the transaction underneath.
func (r *readAhead) Unwrap() store.Rows { return r.Rows }
