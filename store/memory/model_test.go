package memory

import (
	"bytes"
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/tenancy"
)

// model is what a store should be: maps and loops, no index and no bytes.
type model struct {
	rows   map[*store.Table]map[[16]byte]store.Row
	events []modelEvent
	last   int64 // given to the newest event
	floor  int64
	base   int64 // last at the beginning of the transaction
}

type modelEvent struct {
	at     int64
	row    store.Row
	people [][16]byte
}

func newModel() *model {
	m := &model{rows: map[*store.Table]map[[16]byte]store.Row{}}
	for _, t := range tenancy.Tables() {
		m.rows[t] = map[[16]byte]store.Row{}
	}
	return m
}

// clone is a copy that later statements on either leave alone.
func (m *model) clone() *model {
	c := *m
	c.rows = map[*store.Table]map[[16]byte]store.Row{}
	for t, rows := range m.rows {
		c.rows[t] = maps.Clone(rows)
	}
	c.events = slices.Clone(m.events)
	return &c
}

// taken is the field of the first unique key of row that another row holds.
func (m *model) taken(t *store.Table, row store.Row) string {
	for _, key := range t.Unique {
		if slices.ContainsFunc(key.Columns, func(c int) bool { return row[c].Null }) {
			continue
		}
		for id, other := range m.rows[t] {
			if id != row[0].ID && !slices.ContainsFunc(key.Columns, func(c int) bool { return other[c] != row[c] }) {
				return key.Field
			}
		}
	}
	return ""
}

func (m *model) insert(t *store.Table, row store.Row) error {
	if _, there := m.rows[t][row[0].ID]; there {
		return t.Taken(t.Columns[0].Name)
	}
	if field := m.taken(t, row); field != "" {
		return t.Taken(field)
	}
	m.rows[t][row[0].ID] = row
	return nil
}

func (m *model) update(t *store.Table, row store.Row) error {
	old, there := m.rows[t][row[0].ID]
	if !there {
		return t.NotFound(row[0].ID)
	}
	if old[1].Int != row[1].Int-1 {
		return t.Stale(row[0].ID)
	}
	if field := m.taken(t, row); field != "" {
		return t.Taken(field)
	}
	row = slices.Clone(row)
	if t.Touch != 0 {
		row[t.Touch] = old[t.Touch]
	}
	m.rows[t][row[0].ID] = row
	return nil
}

func (m *model) touch(t *store.Table, id [16]byte, micros int64) {
	if row, there := m.rows[t][id]; there {
		row = slices.Clone(row)
		row[t.Touch] = store.Value{Int: micros}
		m.rows[t][id] = row
	}
}

func (m *model) delete(t *store.Table, id [16]byte) error {
	if _, there := m.rows[t][id]; !there {
		return t.NotFound(id)
	}
	delete(m.rows[t], id)
	return nil
}

func (m *model) list(t *store.Table, where []store.Cond, r store.Range) []store.Row {
	var list []store.Row
	order := func(a, b store.Row) int {
		n := cmp.Or(order(t.Columns[r.Sort], a[r.Sort], b[r.Sort]), order(t.Columns[0], a[0], b[0]))
		if r.Desc {
			return -n
		}
		return n
	}
	for _, row := range m.rows[t] {
		if passes(t, row, where) && (r.After == nil || order(row, at(t, r)) > 0) {
			list = append(list, row)
		}
	}
	slices.SortFunc(list, order)
	return list[:min(len(list), r.Limit)]
}

// at is a row that lies where a range begins.
func at(t *store.Table, r store.Range) store.Row {
	row := make(store.Row, len(t.Columns))
	row[r.Sort] = r.After.Sort
	row[0].ID = r.After.ID
	return row
}

func (m *model) updateAll(t *store.Table, where []store.Cond, set store.Set) (n int) {
	for id, row := range m.rows[t] {
		if !passes(t, row, where) || row[set.Column] == set.Value {
			continue
		}
		row = slices.Clone(row)
		row[set.Column] = set.Value
		if t.Versioned([]store.Set{set}) {
			row[1].Int++
		}
		m.rows[t][id] = row
		n++
	}
	return n
}

func (m *model) deleteAll(t *store.Table, where []store.Cond) int {
	before := len(m.rows[t])
	maps.DeleteFunc(m.rows[t], func(_ [16]byte, row store.Row) bool { return passes(t, row, where) })
	return before - len(m.rows[t])
}

func (m *model) append(row store.Row, people [][16]byte) {
	m.last++
	if n := len(m.events); n > 0 {
		row = slices.Clone(row)
		row[eventLog.Time].Int = max(row[eventLog.Time].Int, m.events[n-1].row[eventLog.Time].Int)
	}
	m.events = append(m.events, modelEvent{m.last, row, people})
}

func (m *model) read(t *store.Table, where []store.Cond, span store.LogSpan) (list []modelEvent) {
	events := slices.Clone(m.events)
	if span.Desc {
		slices.Reverse(events)
	}
	for _, e := range events {
		behind := e.at > span.After
		if span.Desc {
			behind = span.After == 0 || e.at < span.After
		}
		if behind && e.at <= m.base && passes(t, e.row, where) && len(list) < span.Limit {
			list = append(list, e)
		}
	}
	return list
}

func (m *model) prune(t *store.Table, before int64, limit int) int {
	n := 0
	for ; n < limit && len(m.events) > 0 && m.events[0].row[t.Index("time")].Int < before; n++ {
		m.floor = m.events[0].at
		m.events = m.events[1:]
	}
	return n
}

func (m *model) redact(t *store.Table, person [16]byte, after int64, limit int) (n int, next int64) {
	taken := 0
	for i, e := range m.events {
		user := e.row[t.Index("user_id")]
		concerned := !user.Null && user.ID == person || slices.Contains(e.people, person)
		if !concerned || e.at <= after {
			continue
		}
		e.people = slices.DeleteFunc(slices.Clone(e.people), func(p [16]byte) bool { return p == person })
		if e.row[t.Index("redacted")].Int == 0 {
			e.row = slices.Clone(e.row)
			for _, column := range eventLog.Blank {
				e.row[column] = store.Value{Null: true}
			}
			e.row[t.Index("redacted")].Int = 1
			n++
		}
		m.events[i] = e
		if taken++; taken == limit {
			return n, e.at
		}
	}
	return n, 0
}

// order compares as store.Type says, null first.
func order(c store.Column, a, b store.Value) int {
	switch {
	case a.Null && b.Null:
		return 0
	case a.Null:
		return -1
	case b.Null:
		return 1
	case c.Type == store.ID:
		return bytes.Compare(a.ID[:], b.ID[:])
	case c.Type == store.Text:
		return strings.Compare(a.Text, b.Text)
	default:
		return cmp.Compare(a.Int, b.Int)
	}
}

func passes(t *store.Table, row store.Row, where []store.Cond) bool {
	for _, cond := range where {
		if !pass(t.Columns[cond.Column], row[cond.Column], cond) {
			return false
		}
	}
	return true
}

func pass(c store.Column, v store.Value, cond store.Cond) bool {
	if v.Null || cond.Op == store.IsNull {
		return v.Null && cond.Op == store.IsNull
	}
	switch cond.Op {
	case store.OneOf:
		return slices.Contains(cond.Values, v)
	case store.NoneOf:
		return !slices.Contains(cond.Values, v)
	case store.Prefix:
		return strings.HasPrefix(v.Text, cond.Values[0].Text)
	case store.Less:
		return order(c, v, cond.Values[0]) < 0
	case store.AtLeast:
		return order(c, v, cond.Values[0]) >= 0
	default:
		return true
	}
}
