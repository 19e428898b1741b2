package sqlrows

import (
	"slices"

	"github.com/freehold-dev/freehold/store"
)

// Count counts the rows that pass the filter.
func Count(t *store.Table, where []store.Cond) *Query {
	q := &Query{}
	q.add("SELECT count(*) FROM " + t.Name)
	q.where(t, where)
	return q
}

// DeleteAll removes the rows that pass the filter.
func DeleteAll(t *store.Table, where []store.Cond) *Query {
	q := &Query{}
	q.add("DELETE FROM " + t.Name)
	q.where(t, where)
	return q
}

// List reads a range of the rows that pass the filter.
func List(t *store.Table, where []store.Cond, span store.Range) *Query {
	q := &Query{Args: make([]any, 0, len(where)+4)}
	q.add("SELECT " + Of(t).Columns + " FROM " + t.Name)
	index := orderIndex(t, where, span.Sort)
	if index != "" {
		q.add(" INDEXED BY " + index)
	}
	q.hides = index == "" && goesAlong(t, where, span.Sort)
	q.where(t, where)
	q.page(t, span, len(where) > 0)
	return q
}

// page adds where the list begins, its order and its length. A column whose values
// are unique needs no id to settle ties, and its index has none. The plus hides the
// limit from SQLite, which else plans anew for every value that is bound to it.
func (q *Query) page(t *store.Table, span store.Range, more bool) {
	sort, direction, beyond := t.Columns[span.Sort].Name, "", " > "
	if span.Desc {
		direction, beyond = " DESC", " < "
	}
	alone := span.Sort == 0 || isUnique(t, span.Sort)
	if span.After != nil {
		if more {
			q.add(" AND ")
		} else {
			q.add(" WHERE ")
		}
		switch id := ID(t, 0, span.After.ID); {
		case span.Sort == 0:
			q.add("id"+beyond+"?", id)
		case alone:
			q.add(sort+beyond+"?", Bind(t.Columns, span.Sort, &span.After.Sort))
		default:
			q.add("("+sort+", id)"+beyond+"(?, ?)", Bind(t.Columns, span.Sort, &span.After.Sort), id)
		}
	}
	q.add(" ORDER BY " + sort + direction)
	if !alone {
		q.add(", id" + direction)
	}
	q.add(" LIMIT +?", int64(span.Limit))
}

// orderIndex names the index that gives the order of a list within what the filter
// fixes, so that a page costs the same wherever it lies and whatever SQLite's
// statistics say: of those that do, the one that fixes most. It is "" where SQLite may
// choose: no column is fixed, a unique key leaves few rows, or the beginning of another
// column narrows better.
func orderIndex(t *store.Table, where []store.Cond, sort int) string {
	if narrows(t, where, sort) {
		return ""
	}
	best, most := "", 0
	for _, columns := range t.Indexes { // each ends with the id
		fixed := columns
		if sort != 0 {
			last := len(columns) - 1
			if columns[last] != sort {
				continue
			}
			fixed = columns[:last]
		}
		if len(fixed) > most && allFixed(where, fixed) {
			best, most = indexName(t, columns), len(fixed)
		}
	}
	return best
}

// goesAlong reports whether a list is best read along the column that it is sorted by, because nothing else
// leaves few rows: not even that another column is null, of which SQLite thinks so.
func goesAlong(t *store.Table, where []store.Cond, sort int) bool {
	if sort == 0 || narrows(t, where, sort) || slices.ContainsFunc(where, func(c store.Cond) bool { return c.Op == store.OneOf }) {
		return false
	}
	return isUnique(t, sort) || slices.ContainsFunc(t.Indexes, func(columns []int) bool { return columns[0] == sort })
}

func indexName(t *store.Table, columns []int) string {
	name := t.Name
	for _, i := range columns {
		name += "_" + t.Columns[i].Name
	}
	return name
}

func allFixed(where []store.Cond, columns []int) bool {
	for _, column := range columns {
		if c := condOn(where, column, store.OneOf); c == nil || len(c.Values) > 1 {
			return false
		}
	}
	return true
}

// narrows reports whether the filter names ids, all columns of a unique key, or the
// beginning of a column other than the one sorted by.
func narrows(t *store.Table, where []store.Cond, sort int) bool {
	if condOn(where, 0, store.OneOf) != nil {
		return true
	}
	for i := range where {
		if where[i].Op == store.Prefix && where[i].Column != sort {
			return true
		}
	}
	for _, key := range t.Unique {
		named := 0
		for _, column := range key.Columns {
			if condOn(where, column, store.OneOf) != nil {
				named++
			}
		}
		if named == len(key.Columns) {
			return true
		}
	}
	return false
}

func condOn(where []store.Cond, column int, op store.Op) *store.Cond {
	for i := range where {
		if where[i].Column == column && where[i].Op == op {
			return &where[i]
		}
	}
	return nil
}

func isUnique(t *store.Table, column int) bool {
	for _, key := range t.Unique {
		if len(key.Columns) == 1 && key.Columns[0] == column {
			return true
		}
	}
	return false
}
