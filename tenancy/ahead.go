package tenancy

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/freehold-dev/freehold/store"
)

// ahead is a statement that reads several rows, each by its id or a unique key, for a call that
// writes. The rules ask for them one by one, and [remembering] gives them out. Where the store
// runs no queries nothing is read ahead, and the rules read the tables.
type ahead struct {
	query *store.Query
	rows  []aheadRow
}

// aheadRow is one of the rows. It is met by an id or a unique key: on says what its columns equal,
// each as "column = source", and a source is "k." and an argument, or the alias and a column of a row
// before it.
type aheadRow struct {
	alias string
	table *store.Table
	on    []string
}

// aheadCell is a column behind those of the rows: of a row that is joined by itself.
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
			c.Null = true // where the row is not there
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

// ahead reads the rows of a, and gives the cells behind them; ok is false where nothing was read.
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

// learn notes the one row that the query gives, and returns what is behind its parts.
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

// asked is the unique key by which a row is met, and the values that it was asked for by; asked is
// false where they come from a row that is not there. A row that is met by its id has no such key.
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

// source is the value that a source names.
func (a *ahead) source(name string, args []store.Value, parts []store.Row) *store.Value {
	alias, column, _ := strings.Cut(name, ".")
	if alias == "k" {
		return &args[slices.IndexFunc(a.query.Args, func(c store.Column) bool { return c.Name == column })]
	}
	i := slices.IndexFunc(a.rows, func(r aheadRow) bool { return r.alias == alias })
	return &parts[i][a.rows[i].table.Index(column)]
}

// Arguments of what is read ahead.
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
	// entranceAhead reads what a session is held against where it begins or moves to.
	entranceAhead = newAhead("the entrance of a session", []store.Column{userArg, organizationArg}, []aheadRow{
		{"u", userRows.Table, []string{"id = k.user_id"}},
		{"m", membershipRows.Table, []string{"organization_id = k.organization_id", "user_id = k.user_id"}},
		{"o", organizationRows.Table, []string{"id = k.organization_id"}},
		{"p", policyRows.Table, []string{"organization_id = k.organization_id"}},
	})
)

// entranceAhead reads a user, and what their session at an organization is held against; the zero id
// stands for no organization.
func (ss sessionRules) entranceAhead(ctx context.Context, user UserID, id OrganizationID) error {
	if id.IsZero() {
		return nil
	}
	_, _, err := ss.c.tx.ahead(ctx, entranceAhead, store.Value{ID: user}, store.Value{ID: id})
	return err
}

// readAhead reads at most two organizations with their policies; the zero id stands for no organization.
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

// answered reports whether the policy of an organization was asked for already.
func (pl policyRules) answered(id OrganizationID) bool {
	r, is := pl.c.tx.rows.(*remembering)
	if !is {
		return false
	}
	key := &policyRows.Table.Unique[0]
	_, known := r.answers[policyRows.Table][keyText(policyRows.Table, key, func(int) *store.Value { return &store.Value{ID: id} })]
	return known
}
