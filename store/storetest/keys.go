package storetest

import (
	"slices"

	"github.com/freehold-dev/freehold/store"
)

// keyRules are about the unique keys of the table.
func (s *subject) keyRules() []rule {
	var all []rule
	for i, key := range s.table.Unique {
		called := s.keyName(i)
		rule := func(name, why string, run func(c *check, key store.Key)) {
			all = append(all, s.rule("unique_"+called+"/"+name, "the unique key "+key.Field+": "+why, func(c *check) { run(c, key) }))
		}
		rule("insert", "Insert of a taken one is already_exists with the Field; the transaction goes on.", s.keyInsert)
		rule("update", "Update to a taken one is already_exists with the Field; a row's own is not taken.", s.keyUpdate)
		rule("freed", "it is free after Delete, DeleteAll and Update, at once and in later transactions.", s.keyFreed)
		rule("rollback", "what a rollback undoes neither takes nor frees it.", s.keyRollback)
		rule("savepoint", "what a failed savepoint undoes neither takes nor frees it.", s.keySavepoint)
		if slices.ContainsFunc(key.Columns, func(i int) bool { return s.columns()[i].Null }) {
			rule("null", "rows with a null in it do not collide.", s.keyNull)
		}
		if s.keyText(key) >= 0 {
			rule("exact", "keys that differ in case, form or trailing space are different keys.", s.keyExact)
		}
		if len(key.Columns) > 1 {
			rule("whole", "rows that differ in one of its columns do not collide.", s.keyWhole)
		}
	}
	return all
}

// keyName returns the Field of a key. If an earlier key has the same Field, it returns the key's last column.
func (s *subject) keyName(i int) string {
	key := s.table.Unique[i]
	if slices.ContainsFunc(s.table.Unique[:i], func(k store.Key) bool { return k.Field == key.Field }) {
		return s.columns()[key.Columns[len(key.Columns)-1]].Name
	}
	return key.Field
}

// withKey returns a row with the key of another.
func (s *subject) withKey(row, of store.Row, key store.Key) store.Row {
	return s.edit(row, func(row store.Row) {
		for _, i := range key.Columns {
			row[i] = of[i]
		}
	})
}

// taken checks for the refusal of a row that has this key. Another key of which all columns are in this one may
// be reported, too.
func (s *subject) taken(c *check, err error, key store.Key, what string) {
	var wants []error
	for _, k := range s.table.Unique {
		if !slices.ContainsFunc(k.Columns, func(i int) bool { return !slices.Contains(key.Columns, i) }) {
			wants = append(wants, s.table.Taken(k.Field))
		}
	}
	c.refused(err, what, wants...)
}

// keyText returns a column of the key that may contain any text, or -1.
func (s *subject) keyText(key store.Key) int {
	for _, i := range slices.Backward(key.Columns) {
		if s.open(i, store.Text) {
			return i
		}
	}
	return -1
}

func (s *subject) keyInsert(c *check, key store.Key) {
	row := s.full(1)
	s.prepare(c, row)
	mine, again, other := s.full(2), s.withKey(s.full(3), s.full(2), key), s.full(4)
	c.update(func(tx store.Rows) {
		s.taken(c, s.put(c, tx, s.withKey(mine, row, key)), key, "Insert")
		s.holds(c, tx, "after a refused Insert", row)
		s.insert(c, tx, mine)
		s.taken(c, s.put(c, tx, again), key, "Insert of a key taken in this transaction")
		s.insert(c, tx, other)
	})
	s.keeps(c, "afterwards", row, mine, other)
}

func (s *subject) keyUpdate(c *check, key store.Key) {
	a, b := s.full(1), s.full(2)
	s.prepare(c, a, b)
	own := s.withKey(s.next(b, s.full(3)), b, key)
	c.update(func(tx store.Rows) {
		s.taken(c, s.replace(c, tx, s.next(b, s.withKey(b, a, key))), key, "Update")
		s.holds(c, tx, "after a refused Update", a, b)
		s.update(c, tx, own)
	})
	s.keeps(c, "after an update that keeps the row's own key", a, s.stored(b, own))
}

func (s *subject) keyFreed(c *check, key store.Key) {
	row := s.full(1)
	s.prepare(c, row)
	next := s.withKey(s.full(2), row, key)
	other := s.withID(row, newID(4))
	c.update(func(tx store.Rows) {
		s.remove(c, tx, row)
		s.insert(c, tx, next)
		s.taken(c, s.put(c, tx, s.withKey(s.full(5), row, key)), key, "Insert of a key that was freed and taken again")
	})
	moved := s.next(next, s.full(3))
	c.update(func(tx store.Rows) {
		s.taken(c, s.put(c, tx, s.withKey(s.full(5), row, key)), key, "Insert")
		s.update(c, tx, moved)
		s.insert(c, tx, row)
		c.equal(s.deleteAll(c, tx, byID(row)), 1, "how many DeleteAll took")
		s.insert(c, tx, other)
	})
	next = s.stored(next, moved)
	s.keeps(c, "afterwards", next, other)
	c.update(func(tx store.Rows) { s.remove(c, tx, other) })
	c.update(func(tx store.Rows) { s.insert(c, tx, row) })
	s.keeps(c, "after Delete and Insert in different transactions", next, row)
}

func (s *subject) keyRollback(c *check, key store.Key) {
	a, b := s.full(1), s.full(2)
	s.prepare(c, a)
	c.same(c.try(func(tx store.Rows) error {
		s.insert(c, tx, b)
		s.remove(c, tx, a)
		return errOurs
	}), errOurs, "Update's error")
	c.update(func(tx store.Rows) {
		s.taken(c, s.put(c, tx, s.withKey(s.full(3), a, key)), key, "Insert of a key whose deletion was undone")
		s.insert(c, tx, s.withKey(s.full(4), b, key))
	})
	s.keeps(c, "afterwards", a, s.withKey(s.full(4), b, key))
}

func (s *subject) keySavepoint(c *check, key store.Key) {
	a, b := s.full(1), s.full(2)
	s.prepare(c, a)
	moved := s.next(a, s.full(5))
	c.update(func(tx store.Rows) {
		c.fails(tx, func() {
			s.insert(c, tx, b)
			s.update(c, tx, moved)
		})
		s.taken(c, s.put(c, tx, s.withKey(s.full(3), a, key)), key, "Insert of a key whose change was undone")
		s.insert(c, tx, s.withKey(s.full(4), b, key), s.withKey(s.full(6), moved, key))
	})
	s.keeps(c, "afterwards", a, s.withKey(s.full(4), b, key), s.withKey(s.full(6), moved, key))
}

// keyNull tries rows whose keys are equal, but have a null in one column.
func (s *subject) keyNull(c *check, key store.Key) {
	s.prepare(c)
	var all []store.Row
	for _, i := range key.Columns {
		if !s.columns()[i].Null {
			continue
		}
		n := len(all)
		null := func(row store.Row) store.Row {
			return s.edit(s.withKey(row, s.full(n), key), func(row store.Row) { row[i] = store.Value{Null: true} })
		}
		old := s.full(n + 2)
		changed := null(s.next(old, old))
		c.update(func(tx store.Rows) {
			s.insert(c, tx, null(s.full(n)), null(s.full(n+1)), old)
			s.update(c, tx, changed)
		})
		all = append(all, null(s.full(n)), null(s.full(n+1)), s.stored(old, changed))
		s.keeps(c, "with "+s.columns()[i].Name+" null", all...)
	}
}

func (s *subject) keyExact(c *check, key store.Key) {
	column := s.keyText(key)
	texts := []string{"Acme", "acme", "ACME", "acme ", " acme", "acm", "acme\u0301", "acmé", "ａｃｍｅ", "acme\n", "аcme", "\u212A", "K", "ss", "ß", ""}
	var rows []store.Row
	for i, text := range texts {
		rows = append(rows, s.edit(s.withKey(s.full(i), s.full(0), key), func(row store.Row) { row[column].Text = text }))
	}
	s.prepare(c, rows...)
	s.keeps(c, "rows whose keys look alike", rows...)
	c.update(func(tx store.Rows) {
		for i, row := range rows {
			s.taken(c, s.put(c, tx, s.withKey(s.full(i+50), row, key)), key, "Insert of the same key")
		}
	})
}

// keyWhole tries rows that have the first row's values in all columns of the key except one.
func (s *subject) keyWhole(c *check, key store.Key) {
	first := s.full(1)
	rows := []store.Row{first}
	n := 1
	for _, i := range key.Columns {
		for n++; n < keyRows; n++ {
			other := s.full(n)
			mixed := s.edit(s.withKey(other, first, key), func(row store.Row) { row[i] = other[i] })
			if other[i] != first[i] && !s.collides(mixed, rows) {
				rows = append(rows, mixed)
				break
			}
		}
	}
	s.prepare(c, rows...)
	s.keeps(c, "what was inserted", rows...)
}

// collides reports whether another row has one of the keys of row.
func (s *subject) collides(row store.Row, rows []store.Row) bool {
	for _, key := range s.table.Unique {
		for _, other := range rows {
			same := !slices.ContainsFunc(key.Columns, func(i int) bool { return row[i].Null || row[i] != other[i] })
			if same && other[0].ID != row[0].ID {
				return true
			}
		}
	}
	return false
}
