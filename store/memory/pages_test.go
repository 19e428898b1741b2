package memory

import (
	"context"
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/internal/rowtest"
	"github.com/freehold-dev/freehold/store"
)

// large is 3000 memberships: one organization has half of them, and most are active.
func large(t *testing.T) (*Store, *model) {
	s, m := New(), newModel()
	write(t, s, func(tx store.Rows) error {
		for i := range 3000 {
			status := "active"
			switch {
			case i%3 == 0:
				status = "inactive"
			case i%700 == 0:
				status = "pending"
			}
			row := rowtest.Row(membershipTable, map[string]any{
				"id": [16]byte{byte(i * 7 >> 8), byte(i * 7), byte(i)}, "organization_id": [16]byte{byte(i % 2 * i % 11)}, "user_id": [16]byte{byte(i >> 8), byte(i)},
				"status": status, "name_key": fmt.Sprintf("name %d", i%97), "email_key": fmt.Sprintf("%d@example.com", i),
			})
			m.rows[membershipTable][row[0].ID] = row
			if err := tx.Insert(t.Context(), membershipTable, row); err != nil {
				return err
			}
		}
		return nil
	})
	return s, m
}

// Pages of a table large enough for every way to make them give what the model gives.
func TestPagesOfALargeTable(t *testing.T) {
	s, m := large(t)
	table := membershipTable
	org := cond(table, "organization_id", store.Value{}, store.Value{ID: [16]byte{3}})
	big := cond(table, "organization_id", store.Value{})
	filters := map[string][]store.Cond{
		"all":                 nil,
		"big":                 {big},
		"big, active":         {big, cond(table, "status", store.Value{Text: "active"})},
		"big, pending":        {big, cond(table, "status", store.Value{Text: "pending"})},
		"big, active or not":  {big, cond(table, "status", store.Value{Text: "inactive"}, store.Value{Text: "active"})},
		"two, name":           {org, {Column: table.Index("name_key"), Op: store.Prefix, Values: []store.Value{{Text: "name 1"}}}},
		"two, never, by time": {org, {Column: table.Index("last_sign_in_at"), Op: store.IsNull}},
		"pending anywhere":    {cond(table, "status", store.Value{Text: "pending"})},
	}
	w := &walker{ctx: t.Context(), model: m}
	require.NoError(t, s.View(t.Context(), func(tx store.Rows) error {
		w.rows = underlying(t, tx)
		for name, where := range filters {
			for order, column := range table.Orders {
				for _, desc := range []bool{false, true} {
					t.Run(fmt.Sprint(name, order, desc), func(t *testing.T) {
						sameWalk(t, w, table, where, store.Range{Sort: column, Desc: desc, Limit: 70})
					})
				}
			}
		}
		return nil
	}))
}

func cond(t *store.Table, column string, values ...store.Value) store.Cond {
	return store.Cond{Column: t.Index(column), Op: store.OneOf, Values: values}
}

// sameWalk goes through some pages, and through all at once.
func sameWalk(t *testing.T, w *walker, table *store.Table, where []store.Cond, r store.Range) {
	all := r
	all.Limit = math.MaxInt
	want := w.model.list(table, where, all)
	list := func(r store.Range) (rows []store.Row) {
		require.NoError(t, w.rows.List(w.ctx, table, where, r, func(row store.Row) error {
			rows = append(rows, append(store.Row{}, row...))
			return nil
		}))
		return rows
	}
	require.Equal(t, show(want...), show(list(all)...))
	for begin := 0; begin < len(want) && begin < 5*r.Limit; begin += r.Limit {
		page := list(r)
		require.Equal(t, show(want[begin:min(begin+r.Limit, len(want))]...), show(page...))
		end := page[len(page)-1]
		r.After = &store.Place{Sort: end[r.Sort], ID: end[0].ID}
	}
}

// The questions that the Service asks are answered by the index made for them.
func TestPlans(t *testing.T) {
	id := store.Value{ID: [16]byte{1}}
	text := store.Value{Text: "x"}
	for _, one := range []struct {
		name   string
		table  *store.Table
		sort   string
		where  func(*store.Table) []store.Cond
		index  []string
		sorted bool
		point  bool
	}{
		{"by id", userTable, "id", func(t *store.Table) []store.Cond { return []store.Cond{cond(t, "id", id, id)} }, []string{"id"}, true, true},
		{"all", userTable, "id", func(*store.Table) []store.Cond { return nil }, []string{"id"}, true, false},
		{"all by name", userTable, "name_key", func(*store.Table) []store.Cond { return nil }, []string{"name_key"}, true, false},
		{"all by email", userTable, "email_key", func(t *store.Table) []store.Cond {
			return []store.Cond{{Column: t.Index("email_key"), Op: store.NotNull}}
		}, []string{"email_key"}, true, false},
		{"by email", userTable, "id", func(t *store.Table) []store.Cond { return []store.Cond{cond(t, "email_key", text)} }, []string{"email_key"}, true, true},
		{"a pair", membershipTable, "id", func(t *store.Table) []store.Cond {
			return []store.Cond{cond(t, "user_id", id), cond(t, "organization_id", id)}
		}, []string{"organization_id", "user_id"}, true, true},
		{"switcher", membershipTable, "id", func(t *store.Table) []store.Cond {
			return []store.Cond{cond(t, "user_id", id), cond(t, "status", text)}
		}, []string{"user_id", "status"}, true, false},
		{"members", membershipTable, "id", func(t *store.Table) []store.Cond {
			return []store.Cond{cond(t, "organization_id", id), cond(t, "status", text)}
		}, []string{"organization_id", "status"}, true, false},
		{"members by name", membershipTable, "name_key", func(t *store.Table) []store.Cond {
			return []store.Cond{cond(t, "organization_id", id), cond(t, "status", text, id)}
		}, []string{"organization_id", "status", "name_key"}, true, false},
		{"search members", membershipTable, "email_key", func(t *store.Table) []store.Cond {
			return []store.Cond{cond(t, "organization_id", id), cond(t, "status", text), {Column: t.Index("email_key"), Op: store.Prefix, Values: []store.Value{text}}}
		}, []string{"organization_id", "status", "email_key"}, true, false},
		{"owners", assignmentTable, "id", func(t *store.Table) []store.Cond {
			return []store.Cond{cond(t, "organization_id", id), cond(t, "role", text), cond(t, "active", store.Value{Int: 1})}
		}, []string{"organization_id", "role", "active"}, true, false},
		{"roles of members", assignmentTable, "id", func(t *store.Table) []store.Cond { return []store.Cond{cond(t, "membership_id", id)} }, []string{"membership_id", "role", "source", "source_id", "scope"}, false, false},
		{"due", secretTable, "expires_at", func(t *store.Table) []store.Cond {
			return []store.Cond{{Column: t.Index("expires_at"), Op: store.Less, Values: []store.Value{{Int: 1}}}}
		}, []string{"expires_at"}, true, false},
	} {
		t.Run(one.name, func(t *testing.T) {
			s := newSchema(one.table, one.table, 0)
			p, _ := s.plans(&query{where: conditions(s, one.where(one.table)), sort: one.table.Index(one.sort)})
			var columns []string
			for _, c := range s.indexes[p.index].columns {
				columns = append(columns, one.table.Columns[c].Name)
			}
			require.Equal(t, one.index, columns)
			require.Equal(t, one.sorted, p.sorted)
			require.Equal(t, one.point, p.point)
		})
	}
}

// Many values in two columns are not as many streams as there are pairs; many ids
// are a search each.
func TestPlansBoundTheirStreams(t *testing.T) {
	table := membershipTable
	s := newSchema(table, table, 0)
	var ids []store.Value
	for i := range 2 * maxStreams {
		ids = append(ids, store.Value{ID: [16]byte{byte(i >> 8), byte(i)}})
	}
	two := []store.Cond{cond(table, "organization_id", ids[:40]...), cond(table, "user_id", ids[:40]...)}
	p, _ := s.plans(&query{where: conditions(s, two)})
	require.Len(t, p.equal, 1)
	p, _ = s.plans(&query{where: conditions(s, []store.Cond{cond(table, "id", ids...)})})
	require.True(t, p.point)
}

// A page costs its rows: a stream begins where the page does, and stops in time.
func TestPagesLookAtNoOtherRows(t *testing.T) {
	s, _ := large(t)
	table := membershipTable
	require.NoError(t, s.View(t.Context(), func(open store.Rows) error {
		tx := underlying(t, open).(*tx)
		tab := tx.table(tx.place(table))
		for _, desc := range []bool{false, true} {
			q := &query{where: []store.Cond{
				cond(table, "organization_id", store.Value{ID: [16]byte{3}}), cond(table, "status", store.Value{Text: "active"}, store.Value{Text: "pending"}),
			}, sort: table.Index("name_key"), desc: desc}
			all, err := tx.page(t.Context(), tab, q, math.MaxInt)
			require.NoError(t, err)
			middle := tab.at(all[len(all)/2])
			q.after = []store.Value{{Text: string(tab.text(middle, tab.columns[q.sort].at))}, tab.columns[0].get(middle)}
			p, _ := tab.plans(q)
			c := tx.cursor(tab, &p, q)
			for _, want := range all[len(all)/2+1:] {
				got, ok := c.step()
				require.True(t, ok)
				require.Equal(t, want, got)
			}
			_, ok := c.step()
			require.False(t, ok)
		}
		return nil
	}))
}

// Bounds keep streams off the rows that cannot pass: nulls, and those before the
// beginning of a range that a cursor does not lie in.
func TestStreamsKeepToTheirBounds(t *testing.T) {
	s, _ := large(t)
	write(t, s, func(tx store.Rows) error {
		for i := range 9 {
			u := userRow(map[string]any{"id": [16]byte{byte(i)}, "name_key": fmt.Sprint(i)})
			if i%3 == 0 {
				u = rowtest.With(userTable, u, map[string]any{"merged_into": [16]byte{4}})
			}
			if err := tx.Insert(t.Context(), userTable, u); err != nil {
				return err
			}
		}
		return nil
	})
	table := userTable
	require.NoError(t, s.View(t.Context(), func(open store.Rows) error {
		tx := underlying(t, open).(*tx)
		steps := func(q *query) (n int) {
			p, _ := userVersion(s).plans(q)
			c := tx.cursor(userVersion(s), &p, q)
			for _, ok := c.step(); ok; _, ok = c.step() {
				n++
			}
			return n
		}
		merged := store.Cond{Column: table.Index("merged_into"), Op: store.NotNull}
		require.Equal(t, 3, steps(&query{where: []store.Cond{merged}}))
		name := store.Cond{Column: table.Index("name_key"), Op: store.Prefix, Values: []store.Value{{Text: "7"}}}
		require.Equal(t, 1, steps(&query{where: []store.Cond{name}, sort: name.Column, after: []store.Value{{}, {}}}))
		return nil
	}))
}

// Where few rows pass, walking along the order is given up in time.
func TestLongWalksAreGivenUp(t *testing.T) {
	s, _ := large(t)
	table := membershipTable
	require.NoError(t, s.View(t.Context(), func(open store.Rows) error {
		tx := underlying(t, open).(*tx)
		tab := tx.table(tx.place(table))
		q := &query{where: []store.Cond{cond(table, "organization_id", store.Value{}), cond(table, "status", store.Value{Text: "active"}), cond(table, "joined_via", store.Value{Text: "no way"})}, sort: table.Index("name_key")}
		_, ordered := tab.plans(q)
		_, done, err := tx.walk(t.Context(), tab, ordered, q, 50, math.MaxInt)
		require.NoError(t, err)
		require.True(t, done)

		ended, cancel := context.WithCancel(t.Context())
		cancel() // which a walk notices after some hundred rows
		_, done, err = tx.walk(ended, tab, ordered, q, 50, 10)
		require.NoError(t, err)
		require.False(t, done)
		return nil
	}))
}

// What yield writes, and undoes, does not change what its List gives.
func TestYieldMayWrite(t *testing.T) {
	s, m := large(t)
	table := membershipTable
	r := store.Range{Limit: 1000}
	write(t, s, func(open store.Rows) error {
		rows := underlying(t, open)
		want := m.list(table, nil, r)
		n := 0
		err := rows.List(t.Context(), table, nil, r, func(row store.Row) error {
			require.Equal(t, show(want[n]), show(row))
			n++
			id := want[len(want)-n][0].ID // of a row yet to come, half of the time
			require.ErrorIs(t, rows.Savepoint(t.Context(), func() error {
				require.NoError(t, rows.Delete(t.Context(), table, id))
				return errUndo
			}), errUndo)
			if n%2 == 0 {
				return rows.Delete(t.Context(), table, id)
			}
			return rows.Touch(t.Context(), table, id, 1)
		})
		require.Equal(t, r.Limit, n)
		return err
	})
}
