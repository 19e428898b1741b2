package memory

import (
	"slices"

	"github.com/freehold-dev/freehold/store"
)

// conditions returns a filter in the form that plans and row checks need: sorted values without duplicates for
// OneOf and NoneOf, and a test for null as equality with null.
func conditions(s *schema, where []store.Cond) []store.Cond {
	list := slices.Clone(where)
	for i := range list {
		c := &list[i]
		if c.Op == store.IsNull {
			c.Op, c.Values = store.OneOf, []store.Value{{Null: true}}
		}
		if (c.Op == store.OneOf || c.Op == store.NoneOf) && len(c.Values) > 1 {
			kind := s.columns[c.Column].kind
			c.Values = slices.SortedFunc(slices.Values(c.Values), func(a, b store.Value) int {
				return compareValues(kind, &a, &b)
			})
			c.Values = slices.Compact(c.Values)
		}
	}
	return list
}

// passes reports whether a record passes all conditions.
func (l *layout) passes(rec []byte, where []store.Cond) bool {
	for i := range where {
		if !l.pass(rec, &where[i]) {
			return false
		}
	}
	return true
}

func (l *layout) pass(rec []byte, cond *store.Cond) bool {
	c := &l.columns[cond.Column]
	if cond.Op == store.OneOf {
		return l.among(c, rec, cond.Values)
	}
	if c.isNull(rec) {
		return false
	}
	switch cond.Op {
	case store.Prefix:
		return comparePrefix(l.text(rec, c.at), cond.Values[0].Text) == 0
	case store.Less:
		return l.compareTo(c, rec, &cond.Values[0]) < 0
	case store.AtLeast:
		return l.compareTo(c, rec, &cond.Values[0]) >= 0
	case store.NoneOf:
		return !l.among(c, rec, cond.Values)
	default:
		return true
	}
}

// among looks a record's value up in a sorted set.
func (l *layout) among(c *column, rec []byte, values []store.Value) bool {
	if len(values) == 1 {
		return l.compareTo(c, rec, &values[0]) == 0
	}
	_, found := slices.BinarySearchFunc(values, rec, func(v store.Value, rec []byte) int {
		return -l.compareTo(c, rec, &v)
	})
	return found
}

// excludesNull reports whether some condition excludes null in a column.
func excludesNull(where []store.Cond, column int) bool {
	return slices.ContainsFunc(where, func(c store.Cond) bool {
		return c.Column == column && !(c.Op == store.OneOf && c.Values[0].Null)
	})
}
