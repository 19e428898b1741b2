package tenancy

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/freehold-dev/freehold/store"
)

// ahead is a query that reads in advance several rows that a writing call will need. Each row is found by
// its id or a unique key. The rules still ask for the rows one by one, and [remembering] answers from what
// was read. On a store that runs no queries nothing is read in advance, and the rules read the tables.
//
// This saves round trips: one statement replaces up to four.
type ahead struct {
	query *store.Query
	rows  []aheadRow
}

// aheadRow is one of the rows. on has the conditions on its id or unique key, each as "column = source". A
// source is an argument, such as "k.user_id", or a column of an earlier row, such as "m.id".
type aheadRow struct {
	alias string
	table *store.Table
	on    []string
}

// aheadCell is an additional column of the query, from a table that is joined only for it.
type aheadCell struct {
	join, name string
	column     store.Column
}

func newAhead(name string, args []store.Column, rows []aheadRow, more ...aheadCell) *ahead {
	q := &store.Query{Name: name, Args: args}
	var names, given, joins []string
	for i, arg := range args {
		given = append(given, fmt.Sprintf("?%d AS %s", i+1, arg.Name))
	}
	for _, r := range rows {
		for _, c := range r.table.Columns {
			names = append(names, r.alias+"."+c.Name)
			c.Null = true // null if the row does not exist
			q.Columns = append(q.Columns, c)
		}
		joins = append(joins, "LEFT JOIN "+r.table.Name+" "+r.alias+" ON "+r.alias+"."+strings.Join(r.on, " AND "+r.alias+"."))
	}
	for _, m := range more {
		names, joins = append(names, m.name), append(joins, m.join)
		q.Columns = append(q.Columns, m.column)
	}
	q.SQL = "SELECT " + strings.Join(names, ", ") + "\nFROM (SELECT " + strings.Join(given, ", ") + ") AS k\n" + strings.Join(joins, "\n")
	return &ahead{q, rows}
}

// ahead reads the rows of a, and returns the additional cells. ok is false if nothing was read.
func (t *txn) ahead(ctx context.Context, a *ahead, args ...store.Value) (more store.Row, ok bool, err error) {
	r, is := t.rows.(*remembering)
	if !is {
		return nil, false, nil
	}
	ok, err = t.Query(ctx, a.query, args, func(row store.Row) error {
		if r.known == nil {
			r.known = map[rowID]store.Row{}
		}
		more = a.learn(r, args, slices.Clone(row))
		return nil
	})
	return more, ok, err
}

// learn remembers the rows that are in the one row of the result, and returns the additional cells.
func (a *ahead) learn(r *remembering, args []store.Value, row store.Row) store.Row {
	parts := make([]store.Row, len(a.rows))
	for i := range a.rows {
		width := len(a.rows[i].table.Columns)
		parts[i], row = row[:width:width], row[width:]
		t, found := a.rows[i].table, parts[i]
		if found[0].Null {
			found = nil
		}
		if key, text, asked := a.asked(&a.rows[i], args, parts); key != nil {
			if asked {
				r.answer(t, text, found)
			}
		} else if found != nil {
			r.know(t, found)
		}
	}
	return row
}

// asked returns the unique key by which a row was looked up, and the text of its values. asked is false if
// a value comes from a row that does not exist. For a row that was looked up by its id there is no key.
func (a *ahead) asked(row *aheadRow, args []store.Value, parts []store.Row) (key *store.Key, text string, asked bool) {
	sources := map[int]*store.Value{}
	for _, on := range row.on {
		column, source, _ := strings.Cut(on, " = ")
		sources[row.table.Index(column)] = a.source(source, args, parts)
	}
	for i := range row.table.Unique {
		key := &row.table.Unique[i]
		if len(key.Columns) != len(sources) || slices.ContainsFunc(key.Columns, func(c int) bool { return sources[c] == nil }) {
			continue
		}
		for _, c := range key.Columns {
			if sources[c].Null {
				return key, "", false
			}
		}
		return key, keyText(row.table, key, func(i int) *store.Value { return sources[key.Columns[i]] }), true
	}
	return nil, "", false
}

// source returns the value that a source names.
func (a *ahead) source(name string, args []store.Value, parts []store.Row) *store.Value {
	alias, column, _ := strings.Cut(name, ".")
	if alias == "k" {
		return &args[slices.IndexFunc(a.query.Args, func(c store.Column) bool { return c.Name == column })]
	}
	i := slices.IndexFunc(a.rows, func(r aheadRow) bool { return r.alias == alias })
	return &parts[i][a.rows[i].table.Index(column)]
}

// Arguments of the queries.
var (
	organizationArg = store.Column{Name: "organization_id", Type: store.ID, Prefix: OrganizationID{}.Prefix()}
	otherArg        = store.Column{Name: "other_id", Type: store.ID, Prefix: OrganizationID{}.Prefix()}
	userArg         = store.Column{Name: "user_id", Type: store.ID, Prefix: UserID{}.Prefix()}
)

// organizationAhead reads an organization with its policy, and organizationsAhead two.
var (
	organizationAhead = newAhead("an organization with its policy", []store.Column{organizationArg}, []aheadRow{
		{"o", organizationRows.Table, []string{"id = k.organization_id"}},
		{"p", policyRows.Table, []string{"organization_id = k.organization_id"}},
	})
	organizationsAhead = newAhead("two organizations with their policies", []store.Column{organizationArg, otherArg}, []aheadRow{
		{"o", organizationRows.Table, []string{"id = k.organization_id"}},
		{"p", policyRows.Table, []string{"organization_id = k.organization_id"}},
		{"oo", organizationRows.Table, []string{"id = k.other_id"}},
		{"pp", policyRows.Table, []string{"organization_id = k.other_id"}},
	})
	// entranceAhead reads what is checked when a session starts at an organization, or moves to it.
	entranceAhead = newAhead("the entrance of a session", []store.Column{userArg, organizationArg}, []aheadRow{
		{"u", userRows.Table, []string{"id = k.user_id"}},
		{"m", membershipRows.Table, []string{"organization_id = k.organization_id", "user_id = k.user_id"}},
		{"o", organizationRows.Table, []string{"id = k.organization_id"}},
		{"p", policyRows.Table, []string{"organization_id = k.organization_id"}},
	})
)

// entranceAhead reads a user and what is checked for their session at an organization. The zero id stands
// for no organization.
func (ss sessionRules) entranceAhead(ctx context.Context, user UserID, id OrganizationID) error {
	if id.IsZero() {
		return nil
	}
	_, _, err := ss.c.tx.ahead(ctx, entranceAhead, store.Value{ID: user}, store.Value{ID: id})
	return err
}

// readAhead reads at most two organizations with their policies. The zero id stands for no organization.
func (pl policyRules) readAhead(ctx context.Context, ids ...OrganizationID) (err error) {
	ids = slices.DeleteFunc(slices.Clone(ids), func(id OrganizationID) bool { return id.IsZero() || pl.answered(id) })
	switch len(ids) {
	case 0:
	case 1:
		_, _, err = pl.c.tx.ahead(ctx, organizationAhead, store.Value{ID: ids[0]})
	default:
		_, _, err = pl.c.tx.ahead(ctx, organizationsAhead, store.Value{ID: ids[0]}, store.Value{ID: ids[1]})
	}
	return err
}

// answered reports whether the policy of an organization is known already.
func (pl policyRules) answered(id OrganizationID) bool {
	r, is := pl.c.tx.rows.(*remembering)
	if !is {
		return false
	}
	key := &policyRows.Table.Unique[0]
	_, known := r.answers[policyRows.Table][keyText(policyRows.Table, key, func(int) *store.Value { return &store.Value{ID: id} })]
	return known
}
