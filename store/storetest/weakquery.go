package storetest

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"github.com/freehold-dev/freehold/store"
)

// passes reports whether a row meets all conditions.
func passes(table *store.Table, row store.Row, where []store.Cond) bool {
	for _, cond := range where {
		if !meets(table.Columns[cond.Column].Type, row[cond.Column], cond) {
			return false
		}
	}
	return true
}

func meets(kind store.Type, x store.Value, cond store.Cond) bool {
	if x.Null {
		return cond.Op == store.IsNull
	}
	switch cond.Op {
	case store.OneOf:
		return slices.Contains(cond.Values, x)
	case store.Prefix:
		return strings.HasPrefix(x.Text, cond.Values[0].Text)
	case store.Less:
		return order(kind, x, cond.Values[0]) < 0
	case store.AtLeast:
		return order(kind, x, cond.Values[0]) >= 0
	case store.NotNull:
		return true
	case store.NoneOf:
		return !slices.Contains(cond.Values, x)
	default:
		return false
	}
}

// order compares two values of a column.
func order(kind store.Type, a, b store.Value) int {
	switch kind {
	case store.ID:
		return bytes.Compare(a.ID[:], b.ID[:])
	case store.Text, store.JSON:
		return strings.Compare(a.Text, b.Text)
	default:
		return cmp.Compare(a.Int, b.Int)
	}
}

// spanOf sorts rows and returns those of a range.
func spanOf(table *store.Table, rows []store.Row, r store.Range) []store.Row {
	place := func(sort store.Value, id [16]byte, other store.Row) int {
		c := 0
		if r.Sort != 0 {
			c = order(table.Columns[r.Sort].Type, sort, other[r.Sort])
		}
		if c == 0 {
			c = bytes.Compare(id[:], other[0].ID[:])
		}
		if r.Desc {
			return -c
		}
		return c
	}
	if r.After != nil {
		rows = slices.DeleteFunc(rows, func(row store.Row) bool { return place(r.After.Sort, r.After.ID, row) >= 0 })
	}
	slices.SortFunc(rows, func(a, b store.Row) int { return place(a[r.Sort], a[0].ID, b) })
	return rows[:min(len(rows), r.Limit)]
}
