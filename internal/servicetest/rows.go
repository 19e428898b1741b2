package servicetest

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/tenancy"
)

// What follows reads and writes values past the Service, and its rules.

// InsertRow adds a row.
func InsertRow[V tenancy.Entity](ctx context.Context, rows store.Rows, v V) error {
	table, encode, _ := tenancy.RowsOf[V]()
	return rows.Insert(ctx, table, encode(v))
}

// UpdateRow writes over a row.
func UpdateRow[V tenancy.Entity](ctx context.Context, rows store.Rows, v V) error {
	table, encode, _ := tenancy.RowsOf[V]()
	return rows.Update(ctx, table, encode(v))
}

// GetRow reads a row.
func GetRow[V tenancy.Entity](ctx context.Context, rows store.Rows, id tenancy.ID[V]) (V, error) {
	table, _, decode := tenancy.RowsOf[V]()
	row := make(store.Row, len(table.Columns))
	err := rows.Get(ctx, table, id, row)
	return decode(row), err
}

// Secret is a row of the table of secrets, which is no entity of tenancy's.
type Secret struct {
	ID                            [16]byte
	UserID                        tenancy.UserID
	SessionID                     tenancy.SessionID // of a session's: the entry that is current
	Kind, Hash, Subject, Address  string
	SpentAt, ExpiresAt, CreatedAt time.Time
}

// MailboxProof is a row of the table of proofs of mailboxes, which is no entity of tenancy's.
type MailboxProof struct {
	ID                                         [16]byte
	Handle, Link, Code, Email, Address, Client string
	Tries                                      int64
	EndedAt, ExpiresAt, CreatedAt              time.Time
}

// MemberAddress is a row of the table of addresses that organizations remember of people, which is
// no entity of tenancy's.
type MemberAddress struct {
	ID             [16]byte
	OrganizationID tenancy.OrganizationID
	UserID         tenancy.UserID
	Address        string // without its tag
}

// FormerSlug is a row of the table of slugs that organizations gave up, which is no entity of
// tenancy's.
type FormerSlug struct {
	ID             [16]byte
	OrganizationID tenancy.OrganizationID
	Slug           string
	EndsAt         time.Time
}

// ConnectionSettings is a row of the table of what connections keep, which is no entity of
// tenancy's.
type ConnectionSettings struct {
	ID                 tenancy.ConnectionID
	OrganizationID     tenancy.OrganizationID
	Settings, GroupMap string // JSON objects; "" = none
}

// allRows gives a function that reads a table into a slice, by id.
func allRows[V tenancy.Entity](ctx context.Context, rows store.Rows, into *[]V) func() error {
	return func() error {
		table, _, decode := tenancy.RowsOf[V]()
		return eachRow(ctx, rows, table, func(row store.Row) { *into = append(*into, decode(row)) })
	}
}

// tableOf is the table of a kind of row, and a function that gives a column of one.
func tableOf(kind string) (*store.Table, func(store.Row, string) store.Value) {
	tables := tenancy.Tables()
	table := tables[slices.IndexFunc(tables, func(t *store.Table) bool { return t.Kind == kind })]
	return table, func(row store.Row, name string) store.Value { return row[table.Index(name)] }
}

// allSettings reads the table of what connections keep.
func allSettings(ctx context.Context, rows store.Rows) ([]ConnectionSettings, error) {
	table, column := tableOf("connection settings")
	var all []ConnectionSettings
	err := eachRow(ctx, rows, table, func(row store.Row) {
		all = append(all, ConnectionSettings{
			ID: row[0].ID, OrganizationID: column(row, "organization_id").ID,
			Settings: column(row, "settings").Text, GroupMap: column(row, "group_roles").Text,
		})
	})
	return all, err
}

// allFormerSlugs reads the table of slugs that organizations gave up.
func allFormerSlugs(ctx context.Context, rows store.Rows) ([]FormerSlug, error) {
	table, column := tableOf("former slug")
	var all []FormerSlug
	err := eachRow(ctx, rows, table, func(row store.Row) {
		all = append(all, FormerSlug{row[0].ID, column(row, "organization_id").ID, column(row, "slug").Text, time.UnixMicro(column(row, "ends_at").Int).UTC()})
	})
	return all, err
}

// AllMemberAddresses reads the table of addresses that organizations remember of people.
func AllMemberAddresses(ctx context.Context, rows store.Rows) ([]MemberAddress, error) {
	table, column := tableOf("member address")
	var all []MemberAddress
	err := eachRow(ctx, rows, table, func(row store.Row) {
		all = append(all, MemberAddress{row[0].ID, column(row, "organization_id").ID, column(row, "user_id").ID, column(row, "email_key").Text})
	})
	return all, err
}

// AllMailboxProofs reads the table of proofs of mailboxes.
func AllMailboxProofs(ctx context.Context, rows store.Rows) ([]MailboxProof, error) {
	table, column := tableOf("mailbox proof")
	var all []MailboxProof
	err := eachRow(ctx, rows, table, func(row store.Row) {
		p := MailboxProof{ID: row[0].ID, Tries: column(row, "tries").Int}
		for name, text := range map[string]*string{
			"handle": &p.Handle, "link": &p.Link, "code": &p.Code, "email": &p.Email, "address": &p.Address, "client": &p.Client,
		} {
			*text = column(row, name).Text
		}
		for name, at := range map[string]*time.Time{"ended_at": &p.EndedAt, "expires_at": &p.ExpiresAt, "created_at": &p.CreatedAt} {
			if v := column(row, name); !v.Null {
				*at = time.UnixMicro(v.Int).UTC()
			}
		}
		all = append(all, p)
	})
	return all, err
}

// InsertMemberAddress adds a row of that table.
func InsertMemberAddress(ctx context.Context, rows store.Rows, a MemberAddress) error {
	table, _ := tableOf("member address")
	row := make(store.Row, len(table.Columns))
	row[0].ID = a.ID
	row[table.Index("version")].Int = 1
	row[table.Index("organization_id")].ID, row[table.Index("user_id")].ID = a.OrganizationID, a.UserID
	row[table.Index("email_key")].Text = a.Address
	return rows.Insert(ctx, table, row)
}

// AllRows gives every row of a table, by id.
func AllRows[V tenancy.Entity](ctx context.Context, rows store.Rows) ([]V, error) {
	var all []V
	err := allRows(ctx, rows, &all)()
	return all, err
}

// allSecrets reads the table of secrets.
func allSecrets(ctx context.Context, rows store.Rows) ([]Secret, error) {
	table, column := tableOf("secret")
	var all []Secret
	err := eachRow(ctx, rows, table, func(row store.Row) {
		s := Secret{ID: row[0].ID, UserID: column(row, "user_id").ID, SessionID: column(row, "session_id").ID}
		for name, text := range map[string]*string{"kind": &s.Kind, "hash": &s.Hash, "subject": &s.Subject, "address": &s.Address} {
			*text = column(row, name).Text
		}
		for name, at := range map[string]*time.Time{"spent_at": &s.SpentAt, "expires_at": &s.ExpiresAt, "created_at": &s.CreatedAt} {
			if v := column(row, name); !v.Null {
				*at = time.UnixMicro(v.Int).UTC()
			}
		}
		all = append(all, s)
	})
	return all, err
}

// eachRow reads a table by id.
func eachRow(ctx context.Context, rows store.Rows, table *store.Table, yield func(store.Row)) error {
	span := store.Range{Limit: 500}
	for {
		n := 0
		err := rows.List(ctx, table, nil, span, func(row store.Row) error {
			n++
			span.After = &store.Place{ID: row[0].ID}
			yield(row)
			return nil
		})
		if err != nil || n < span.Limit {
			return err
		}
	}
}

// allEvents reads the log from its newest event down, since it may have been pruned.
func allEvents(ctx context.Context, rows store.Rows) ([]tenancy.Event, error) {
	_, _, decode := tenancy.RowsOf[tenancy.Event]()
	var all []tenancy.Event
	span := store.LogSpan{Limit: 500, Desc: true}
	for {
		next, done, err := rows.Events(ctx, tenancy.EventLog(), nil, span, func(position int64, row store.Row) error {
			e := decode(row)
			e.Position = tenancy.Position(position)
			all = append(all, e)
			return nil
		})
		if err != nil || done {
			return all, err
		}
		span.After = next
	}
}

// RowsOf counts the rows of a table, by its kind.
func (w *World) RowsOf(kind string) (n int) {
	w.T.Helper()
	table, _ := tableOf(kind)
	w.NoError(w.Store.View(w.Ctx, func(rows store.Rows) (err error) {
		n, err = rows.Count(w.Ctx, table, nil)
		return err
	}))
	return n
}

// AllConnections gives every connection, with what lies in a table of its own.
func AllConnections(ctx context.Context, rows store.Rows) ([]tenancy.Connection, error) {
	all, err := AllRows[tenancy.Connection](ctx, rows)
	if err != nil {
		return nil, err
	}
	settings, err := allSettings(ctx, rows)
	for i := range all {
		for _, s := range settings {
			if s.ID == all[i].ID && err == nil {
				err = errors.Join(json.Unmarshal([]byte(cmp.Or(s.Settings, "null")), &all[i].Settings), json.Unmarshal([]byte(cmp.Or(s.GroupMap, "null")), &all[i].Groups))
			}
		}
	}
	return all, err
}
