package typedtest

import (
	"errors"
	"slices"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/tenancy"
)

var errOurs = errors.New("storetest: an error of the caller's own")

// keyRules are about the unique keys that the entity is described with.
func (s *subject[V, F]) keyRules() []rule {
	var all []rule
	for i, key := range s.entity.Table.Unique {
		called := s.keyName(i)
		rule := func(name, why string, run func(c *check, key store.Key)) {
			all = append(all, s.rule("unique_"+called+"/"+name, "the unique key "+key.Field+": "+why, func(c *check) { run(c, key) }))
		}
		rule("insert", "Insert of a taken one is already_exists with the Field; the transaction goes on.", s.keyInsert)
		rule("update", "Update to a taken one is already_exists with the Field; a row's own is not taken.", s.keyUpdate)
		rule("freed", "it is free after Delete, DeleteAll and Update, at once and in later transactions.", s.keyFreed)
		rule("rollback", "what a rollback undoes neither takes nor frees it.", s.keyRollback)
		rule("savepoint", "what a failed savepoint undoes neither takes nor frees it.", s.keySavepoint)
		if s.nullable(key) {
			rule("null", "rows without one do not collide.", s.keyNull)
		}
		if s.keyText(key) >= 0 {
			rule("exact", "keys that differ in case, form or trailing space are different keys.", s.keyExact)
		}
	}
	return all
}

// keyName is the Field of a key, or, where an earlier one has that, its last column.
func (s *subject[V, F]) keyName(i int) string {
	key := s.entity.Table.Unique[i]
	if slices.ContainsFunc(s.entity.Table.Unique[:i], func(k store.Key) bool { return k.Field == key.Field }) {
		return s.entity.Table.Columns[key.Columns[len(key.Columns)-1]].Name
	}
	return key.Field
}

// withKey gives v the key of another row, and that key alone.
func (s *subject[V, F]) withKey(v, of V, key store.Key) V {
	if s.release != nil && !s.conditional(key) {
		s.release(&v)
	}
	from := s.row(of)
	return s.edit(v, func(row store.Row) {
		for _, column := range key.Columns {
			row[column] = from[column]
			if source := s.source(column); source >= 0 {
				row[source] = from[source]
			}
		}
	})
}

// source is the column that a derived one follows from, or -1.
func (s *subject[V, F]) source(column int) int {
	name, ok := s.derived[s.entity.Table.Columns[column].Name]
	if !ok {
		return -1
	}
	return slices.IndexFunc(s.entity.Table.Columns, func(c store.Column) bool { return c.Name == name })
}

func (s *subject[V, F]) nullable(key store.Key) bool {
	return slices.ContainsFunc(key.Columns, func(i int) bool { return s.entity.Table.Columns[i].Null })
}

// conditional reports whether rows of some state hold no such key.
func (s *subject[V, F]) conditional(key store.Key) bool {
	return slices.ContainsFunc(key.Columns, func(i int) bool { return s.source(i) >= 0 && s.entity.Table.Columns[i].Null })
}

// keyText finds a column of the key, or one that it follows from, that any text may
// stand in, or gives -1.
func (s *subject[V, F]) keyText(key store.Key) int {
	for _, i := range key.Columns {
		if source := s.source(i); source >= 0 {
			i = source
		}
		if column := s.entity.Table.Columns[i]; column.Type == store.Text && !slices.Contains(s.closed, column.Name) {
			return i
		}
	}
	return -1
}

func (s *subject[V, F]) keyInsert(c *check, key store.Key) {
	v := s.full(1)
	s.prepare(c, v)
	mine, again, other := s.full(2), s.withKey(s.full(3), s.full(2), key), s.full(4)
	c.update(func(tx tenancy.Tx) {
		c.taken(s.table(tx).Insert(c.ctx, s.withKey(mine, v, key)), key.Field, "Insert")
		s.holds(c, tx, "after a refused Insert", v)
		s.insert(c, tx, mine)
		c.taken(s.table(tx).Insert(c.ctx, again), key.Field, "Insert of a key taken in this transaction")
		s.insert(c, tx, other)
	})
	s.keeps(c, "afterwards", v, mine, other)
}

func (s *subject[V, F]) keyUpdate(c *check, key store.Key) {
	a, b := s.full(1), s.full(2)
	s.prepare(c, a, b)
	own := s.withKey(s.next(b, s.full(3)), b, key)
	c.update(func(tx tenancy.Tx) {
		c.taken(s.table(tx).Update(c.ctx, s.next(b, s.withKey(b, a, key))), key.Field, "Update")
		s.holds(c, tx, "after a refused Update", a, b)
		c.ok(s.table(tx).Update(c.ctx, own), "Update that keeps the row's own key")
	})
	s.keeps(c, "afterwards", a, s.stored(b, own))
}

func (s *subject[V, F]) keyFreed(c *check, key store.Key) {
	v := s.full(1)
	s.prepare(c, v)
	next := s.withKey(s.full(2), v, key)
	c.update(func(tx tenancy.Tx) {
		c.ok(s.table(tx).Delete(c.ctx, s.id(v)), "Delete")
		s.insert(c, tx, next)
		c.taken(s.table(tx).Insert(c.ctx, v), key.Field, "Insert of a key that was freed and taken again")
	})
	c.update(func(tx tenancy.Tx) {
		c.taken(s.table(tx).Insert(c.ctx, v), key.Field, "Insert")
		moved := s.next(next, s.full(3))
		c.ok(s.table(tx).Update(c.ctx, moved), "Update to another key")
		s.insert(c, tx, v)
		var f F
		s.fields[0].probes([]V{v}, []V{s.full(41)})[1].apply(&f)
		n, err := s.table(tx).DeleteAll(c.ctx, f)
		c.ok(err, "DeleteAll")
		c.equal(n, 1, "how many DeleteAll took")
		s.insert(c, tx, s.withID(v, s.id(s.full(4))))
		next = s.stored(next, moved)
	})
	s.keeps(c, "afterwards", next, s.withID(v, s.id(s.full(4))))
	c.update(func(tx tenancy.Tx) { c.ok(s.table(tx).Delete(c.ctx, s.id(s.full(4))), "Delete") })
	c.update(func(tx tenancy.Tx) { s.insert(c, tx, v) })
	s.keeps(c, "after Delete and Insert in different transactions", next, v)
}

func (s *subject[V, F]) keyRollback(c *check, key store.Key) {
	a, b := s.full(1), s.full(2)
	s.prepare(c, a)
	err := c.try(func(tx tenancy.Tx) error {
		s.insert(c, tx, b)
		c.ok(s.table(tx).Delete(c.ctx, s.id(a)), "Delete")
		return errOurs
	})
	c.same(err, errOurs, "Update's error")
	c.update(func(tx tenancy.Tx) {
		c.taken(s.table(tx).Insert(c.ctx, s.withKey(s.full(3), a, key)), key.Field, "Insert of a key whose deletion was undone")
		s.insert(c, tx, s.withKey(s.full(4), b, key))
	})
	s.keeps(c, "afterwards", a, s.withKey(s.full(4), b, key))
}

func (s *subject[V, F]) keySavepoint(c *check, key store.Key) {
	a, b := s.full(1), s.full(2)
	s.prepare(c, a)
	moved := s.next(a, s.full(5))
	c.update(func(tx tenancy.Tx) {
		err := tx.Savepoint(c.ctx, func(tx tenancy.Tx) error {
			s.insert(c, tx, b)
			c.ok(s.table(tx).Update(c.ctx, moved), "Update")
			return errOurs
		})
		c.same(err, errOurs, "Savepoint's error")
		c.taken(s.table(tx).Insert(c.ctx, s.withKey(s.full(3), a, key)), key.Field, "Insert of a key whose change was undone")
		s.insert(c, tx, s.withKey(s.full(4), b, key), s.withKey(s.full(6), moved, key))
	})
	s.keeps(c, "afterwards", a, s.withKey(s.full(4), b, key), s.withKey(s.full(6), moved, key))
}

func (s *subject[V, F]) keyNull(c *check, key store.Key) {
	null := func(v V) V {
		if s.conditional(key) {
			s.release(&v)
			return v
		}
		return s.edit(v, func(row store.Row) {
			for _, i := range key.Columns {
				if s.entity.Table.Columns[i].Null {
					row[i] = store.Value{Null: true}
				}
			}
		})
	}
	a, b, v := null(s.full(1)), null(s.withKey(s.full(2), s.full(1), key)), s.full(3)
	s.prepare(c, a, b, v)
	c.update(func(tx tenancy.Tx) { c.ok(s.table(tx).Update(c.ctx, null(s.next(v, v))), "Update to no key") })
	s.keeps(c, "afterwards", a, b, s.stored(v, null(s.next(v, v))))
}

func (s *subject[V, F]) keyExact(c *check, key store.Key) {
	column := s.keyText(key)
	texts := []string{"Acme", "acme", "ACME", "acme ", " acme", "acm", "acme\u0301", "acmé", "ａｃｍｅ", "acme\n", "аcme", "\u212A", "K", "ss", "ß"}
	var rows []V
	for i, text := range texts {
		rows = append(rows, s.edit(s.withKey(s.full(i), s.full(0), key), func(row store.Row) { row[column].Text = text }))
	}
	s.prepare(c, rows...)
	s.keeps(c, "rows whose keys look alike", rows...)
	c.update(func(tx tenancy.Tx) {
		for i, v := range rows {
			c.taken(s.table(tx).Insert(c.ctx, s.withKey(s.full(i+50), v, key)), key.Field, "Insert of the same key")
		}
	})
}
