package sqlrows

import (
	"slices"
	"strings"

	"github.com/freehold-dev/freehold/store"
)

// Count counts the rows that pass the filter.
func Count(t *store.Table, where []store.Cond) *Query {
	q := &Query{}
	q.add("SELECT count(*) FROM " + t.Name + indexedBy(t, narrowest(t, where)))
	q.where(t, where)
	return q
}

// CountTo counts the rows that pass the filter, and stops at limit. The plus hides the limit from SQLite: see
// page.
func CountTo(t *store.Table, where []store.Cond, limit int) *Query {
	q := &Query{}
	q.add("SELECT count(*) FROM (SELECT 1 FROM " + t.Name + indexedBy(t, narrowest(t, where)))
	q.where(t, where)
	q.add(" LIMIT +?)", int64(limit))
	return q
}

// UpdateAll sets columns of the rows that pass the filter and have another value there.
func UpdateAll(t *store.Table, where []store.Cond, set []store.Set) *Query {
	q := &Query{}
	q.add("UPDATE " + t.Name + indexedBy(t, narrowest(t, where)) + " SET ")
	if t.Versioned(set) {
		q.add("version = version + 1, ")
	}
	values := make([]any, len(set))
	for i := range set {
		if i > 0 {
			q.add(", ")
		}
		values[i] = Bind(t.Columns, set[i].Column, &set[i].Value)
		q.add(t.Columns[set[i].Column].Name+" = ?", values[i])
	}
	q.where(t, where)
	for i := range set {
		word := " OR +"
		if i == 0 {
			word = " AND (+" // the plus keeps SQLite from searching an index
		}
		q.add(word+t.Columns[set[i].Column].Name+" IS NOT ?", values[i])
	}
	q.add(")")
	return q
}

// DeleteAll removes the rows that pass the filter.
func DeleteAll(t *store.Table, where []store.Cond) *Query {
	q := &Query{}
	q.add("DELETE FROM " + t.Name + indexedBy(t, narrowest(t, where)))
	q.where(t, where)
	return q
}

// List reads a range of the rows that pass the filter.
func List(t *store.Table, where []store.Cond, span store.Range) *Query {
	q := &Query{Args: make([]any, 0, len(where)+4)}
	index, fixed := ordered(t, where, span.Sort)
	parts := combinations(where, fixed)
	if len(parts) > 1 {
		q.merge(t, index, parts, span)
		return q
	}
	where = parts[0]
	q.hides = index == nil && goesAlong(t, where, span.Sort)
	q.add("SELECT " + Of(t).Columns + " FROM " + t.Name + indexedBy(t, index))
	q.where(t, where)
	q.page(t, span, len(where) > 0)
	return q
}

// merge reads a range of rows whose columns have one of several values. It reads one range for each combination, in
// the order of the index, and of all of them together the first rows. Each range has the list's limit, so SQLite
// sorts few rows.
func (q *Query) merge(t *store.Table, index *store.Index, parts [][]store.Cond, span store.Range) {
	q.add("SELECT * FROM (")
	for i, where := range parts {
		if i > 0 {
			q.add(" UNION ALL ")
		}
		q.add("SELECT * FROM (SELECT " + Of(t).Columns + " FROM " + t.Name + indexedBy(t, index))
		q.where(t, where)
		q.page(t, span, true)
		q.add(")")
	}
	q.add(")")
	span.After = nil
	q.page(t, span, false)
}

// page adds the place where the list begins, its order and its length. A column with unique values needs no id
// to order equal values, and its index has none. The plus hides the limit from SQLite, which would otherwise
// plan again for each bound value.
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

// mostParts limits the combinations from which a list is merged. It is the greatest number of states of any
// entity, which an invitation has. Each number of combinations is its own statement, and a store keeps some
// hundreds of statements. With more combinations, SQLite may walk along all ids, past the rows of all other
// organizations.
const mostParts = 6

// ordered returns the index that has the order of a list for the columns that the filter fixes. With it, a page
// costs the same wherever it is, and whatever SQLite's statistics say. Of several such indexes it returns the
// one that fixes most columns. fixed are its columns that the filter fixes. It returns nil if SQLite may
// choose: no column is fixed, a unique key leaves few rows, or the beginning of another column narrows better.
func ordered(t *store.Table, where []store.Cond, sort int) (best *store.Index, fixed []int) {
	if narrows(t, where, sort) {
		return nil, nil
	}
	most := 0
	for i := range t.Indexes { // each one ends with the id
		x := &t.Indexes[i]
		columns := x.Columns
		if sort != 0 {
			last := len(columns) - 1
			if last < 0 || columns[last] != sort {
				continue
			}
			columns = columns[:last]
		}
		weight := len(columns) + x.Narrows()
		if weight > most && x.Serves(where) && combined(where, columns) <= mostParts {
			best, fixed, most = x, columns, weight
		}
	}
	return best, fixed
}

// narrowest returns the index of which the filter fixes most columns, from the first on, for statements that
// need no order. It returns nil if the filter names ids or a unique key, or fixes nothing.
func narrowest(t *store.Table, where []store.Cond) (best *store.Index) {
	if named(t, where) {
		return nil
	}
	most := 0
	for i := range t.Indexes {
		x := &t.Indexes[i]
		weight, all := 4*x.Narrows(), true
		for _, column := range x.Columns {
			if condOn(where, column, store.OneOf) == nil {
				if slices.ContainsFunc(where, func(c store.Cond) bool { return c.Column == column && c.Op != store.IsNull && c.Op != store.NoneOf }) {
					weight += 3 // a range of the column
				}
				all = false
				break
			}
			weight += 4
		}
		if all {
			weight++
		}
		if weight > most && x.Serves(where) {
			best, most = x, weight
		}
	}
	return best
}

// combined returns how many combinations of values the filter allows for columns. If it does not fix one of
// them, the result is too many.
func combined(where []store.Cond, columns []int) int {
	n := 1
	for _, column := range columns {
		c := condOn(where, column, store.OneOf)
		if c == nil || len(c.Values) > mostParts {
			return mostParts + 1
		}
		n *= len(c.Values)
	}
	return n
}

// combinations returns the filters, one for each combination of values of the columns.
func combinations(where []store.Cond, columns []int) [][]store.Cond {
	parts := [][]store.Cond{where}
	for _, column := range columns {
		at := slices.IndexFunc(where, func(c store.Cond) bool { return c.Column == column && c.Op == store.OneOf })
		if len(where[at].Values) == 1 {
			continue
		}
		var more [][]store.Cond
		for _, part := range parts {
			for i, value := range where[at].Values {
				if slices.Contains(where[at].Values[:i], value) {
					continue
				}
				one := slices.Clone(part)
				one[at].Values = where[at].Values[i : i+1]
				more = append(more, one)
			}
		}
		parts = more
	}
	return parts
}

// goesAlong reports whether a list is best read in the order of its sort column, because nothing else leaves
// few rows. SQLite wrongly assumes that a test for null on another column leaves few.
func goesAlong(t *store.Table, where []store.Cond, sort int) bool {
	if narrows(t, where, sort) || slices.ContainsFunc(where, func(c store.Cond) bool { return c.Op == store.OneOf }) {
		return false
	}
	return sort == 0 || isUnique(t, sort) || slices.ContainsFunc(t.Indexes, func(x store.Index) bool {
		return len(x.Columns) > 0 && x.Columns[0] == sort && x.Serves(where)
	})
}

// indexedBy makes SQLite use an index; for nil SQLite chooses.
func indexedBy(t *store.Table, index *store.Index) string {
	if index == nil {
		return ""
	}
	return " INDEXED BY " + IndexName(t, index)
}

// IndexName returns the name of an index in SQL.
func IndexName(t *store.Table, x *store.Index) string {
	name := t.Name
	for _, i := range x.Columns {
		name += "_" + t.Columns[i].Name
	}
	for _, i := range x.Null {
		name += "_null_" + t.Columns[i].Name
	}
	for _, i := range x.NotNull {
		if !slices.Contains(x.Columns, i) {
			name += "_set_" + t.Columns[i].Name
		}
	}
	return name
}

// CreateIndex returns the statement that makes an index. If last is not empty, it is the index's last column.
func CreateIndex(t *store.Table, x *store.Index, last string) string {
	var columns, only []string
	for _, i := range x.Columns {
		columns = append(columns, t.Columns[i].Name)
	}
	if last != "" {
		columns = append(columns, last)
	}
	for _, i := range x.Null {
		only = append(only, t.Columns[i].Name+" IS NULL")
	}
	for _, i := range x.NotNull {
		only = append(only, t.Columns[i].Name+" IS NOT NULL")
	}
	text := "CREATE INDEX " + IndexName(t, x) + " ON " + t.Name + " (" + strings.Join(columns, ", ") + ")"
	if len(only) > 0 {
		text += " WHERE " + strings.Join(only, " AND ")
	}
	return text
}

// narrows reports whether the filter names ids, all columns of a unique key, or the beginning of a column other
// than the sort column.
func narrows(t *store.Table, where []store.Cond, sort int) bool {
	for i := range where {
		if where[i].Op == store.Prefix && where[i].Column != sort {
			return true
		}
	}
	return named(t, where)
}

// named reports whether the filter names ids, or all columns of a unique key.
func named(t *store.Table, where []store.Cond) bool {
	if condOn(where, 0, store.OneOf) != nil {
		return true
	}
	for _, key := range t.Unique {
		if !slices.ContainsFunc(key.Columns, func(column int) bool { return condOn(where, column, store.OneOf) == nil }) {
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
