package memory

import (
	"slices"

	"github.com/freehold-dev/freehold/store"
)

// schema is what all versions of a table share.
type schema struct {
	*layout
	source  *store.Table // the table in calls of Rows; nil for a table of this package
	indexes []index      // the first holds each row, by its primary key
	empty   *table       // the table's first version
}

// index describes one order in which a table's rows are kept.
type index struct {
	field   string // the name in errors if the index is unique
	columns []int  // the described columns
	parts   []int  // columns, and the columns of the primary key that are not among them
	compare []int  // columns that distinguish two rows: columns if unique, else parts
	skips   []int  // a row with a null in one of these is not in the index
	nulls   []int  // nor is a row with another value in one of these
	narrows int    // how many of those two are conditions beyond "not null" of the columns
}

// learn adds the schemas of a table at its first use, and returns the place of the first.
func (s *Store) learn(source *store.Table, describe func() []*schema) int {
	s.learning.Lock()
	defer s.learning.Unlock()
	known := *s.schemas.Load()
	for i, other := range known {
		if other.source == source {
			return i
		}
	}
	more := slices.Concat(known, describe())
	for _, fresh := range more[len(known):] {
		fresh.empty = newTable(fresh, &s.probes)
	}
	s.schemas.Store(&more)
	return len(known)
}

// table returns the i-th table of a state.
func (s *state) table(i int, schemas []*schema) *table {
	if i < len(s.tables) && s.tables[i] != nil {
		return s.tables[i]
	}
	return schemas[i].empty
}

// newSchema describes t, with the given primary key, for statements on source.
func newSchema(source, t *store.Table, primary ...int) *schema {
	s := &schema{source: source}
	s.add(index{field: t.Columns[0].Name, columns: primary, compare: primary}, primary)
	for _, key := range t.Unique {
		x := index{field: key.Field, columns: key.Columns, compare: key.Columns}
		for _, c := range key.Columns {
			if t.Columns[c].Null {
				x.skips = append(x.skips, c)
			}
		}
		s.add(x, primary)
	}
	for _, x := range t.Indexes {
		s.add(index{columns: x.Columns, nulls: x.Null, skips: x.NotNull, narrows: x.Narrows()}, primary)
	}
	var indexed []int
	for _, x := range s.indexes {
		indexed = append(indexed, x.parts...)
	}
	s.layout = newLayout(t.Columns, indexed)
	return s
}

func (s *schema) add(x index, primary []int) {
	x.parts = slices.Clone(x.columns)
	for _, c := range primary {
		if !slices.Contains(x.parts, c) {
			x.parts = append(x.parts, c)
		}
	}
	if x.compare == nil {
		x.compare = x.parts
	}
	s.indexes = append(s.indexes, x)
}

// unique reports whether no two rows may have the same values in the columns.
func (x *index) unique() bool { return x.field != "" }

// holds reports whether a record belongs in the index.
func (s *schema) holds(x *index, rec []byte) bool {
	for _, c := range x.skips {
		if s.columns[c].isNull(rec) {
			return false
		}
	}
	for _, c := range x.nulls {
		if !s.columns[c].isNull(rec) {
			return false
		}
	}
	return true
}

// order compares two records by an index's key.
func (s *schema) order(x *index, a, b []byte) int {
	for _, c := range x.compare {
		if n := s.compare(&s.columns[c], a, b); n != 0 {
			return n
		}
	}
	return 0
}
