package storetest

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/freehold-dev/freehold/store"
)

// The guards are proved by their absence: what needs a Lock fails on a Weak that
// has none, at the first try.
func TestWeakWithoutLocksIsCaught(t *testing.T) {
	s := suiteOf(t, notesSchema())
	for _, name := range []string{"lock/lost_update", "lock/count_then_insert", "lock/version", "lock/outlives_savepoint"} {
		w := NewWeak()
		w.NoLocks = true
		if err := ruleNamed(t, s, name).check(w); err == nil {
			t.Errorf("%s passes on a store without locks", name)
		} else {
			t.Logf("%s: %v", name, err)
		}
	}
}

func ruleNamed(t *testing.T, s *suite, name string) rule {
	t.Helper()
	for _, r := range s.rules() {
		if r.name == name {
			return r
		}
	}
	t.Fatalf("there is no rule %q", name)
	return rule{}
}

// on runs fn as a rule is run.
func on(t *testing.T, w *Weak, fn func(c *check, s *suite)) {
	t.Helper()
	s := suiteOf(t, notesSchema())
	if err := (rule{run: func(c *check) { fn(c, s) }}).check(w); err != nil {
		t.Error(err)
	}
}

func TestWeakSeesOthersCommits(t *testing.T) {
	on(t, NewWeak(), func(c *check, s *suite) {
		c.update(func(tx store.Rows) {
			s.has(c, tx)
			c.elsewhere(func() { c.update(func(tx store.Rows) { s.put(c, tx, 1) }) })
			s.has(c, tx, 1)
			s.put(c, tx, 2)
			s.has(c, tx, 1, 2)
			c.elsewhere(func() { s.kept(c, 1) })
		})
	})
}

// A writer of the same key waits for the first to end, and then goes by how it did.
func TestWeakWaitsForTheFirstWriter(t *testing.T) {
	for end, want := range map[error]store.Code{nil: store.ErrAlreadyExists, errOurs: ""} {
		w := NewWeak()
		on(t, w, func(c *check, s *suite) {
			var second <-chan struct{}
			err := c.try(func(tx store.Rows) error {
				s.put(c, tx, 1)
				second = c.start(func() {
					if err := c.try(func(tx store.Rows) error { return s.add(c, tx, 1) }); store.CodeOf(err) != want {
						c.failf("the second writer got %v, want code %q", err, want)
					}
				})
				w.waitFor(t, 1)
				return end
			})
			c.same(err, end, "Update")
			<-second
			s.kept(c, 1)
		})
	}
}

// waitFor returns when so many transactions wait for another.
func (w *Weak) waitFor(t *testing.T, want int) {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); w.yield() {
		w.mu.Lock()
		n := w.waiting
		w.mu.Unlock()
		if n == want {
			return
		}
	}
	t.Fatalf("no %d transactions came to wait", want)
}

// Of two in a deadlock the younger begins again, once, after the older has ended.
func TestWeakDeadlockYoungestLoses(t *testing.T) {
	w := NewWeak()
	on(t, w, func(c *check, s *suite) {
		var runs [2]int
		var order []string
		var younger <-chan struct{}
		c.contend(func(tx store.Rows) error {
			runs[0]++
			c.ok(tx.Lock(c.ctx, lockKey("a")), "Lock of the older")
			holds := make(chan struct{})
			younger = c.start(func() {
				c.contend(func(tx store.Rows) error {
					runs[1]++
					if err := tx.Lock(c.ctx, lockKey("b")); err != nil {
						return err
					}
					if runs[1] == 1 {
						close(holds)
					}
					err := tx.Lock(c.ctx, lockKey("a"))
					if err == nil {
						order = append(order, "younger")
					}
					return err
				})
			})
			<-holds
			w.waitFor(t, 1)
			err := tx.Lock(c.ctx, lockKey("b"))
			order = append(order, "older")
			return err
		})
		<-younger
		c.equal(runs, [2]int{1, 2}, "how often each ran")
		c.equal(order, []string{"older", "younger"}, "who came through first")
	})
	if len(w.holder) > 0 || w.waiting > 0 {
		t.Errorf("%d things are held and %d wait, want none", len(w.holder), w.waiting)
	}
}

// A loser whose fn hides the deadlock is undone and begins again all the same.
func TestWeakDeadlockHiddenByFn(t *testing.T) {
	on(t, NewWeak(), func(c *check, s *suite) {
		var hidden atomic.Int32
		s.deadlock(c, func(tx store.Rows, n int) error {
			err := tx.Lock(c.ctx, lockKey(fmt.Sprint(n)))
			if errors.Is(err, store.ErrBusy) {
				hidden.Add(1)
				return nil
			}
			return err
		})
		t.Logf("%d deadlocks hidden", hidden.Load())
	})
}

func TestWeakYields(t *testing.T) {
	var yields atomic.Int32
	w := NewWeak()
	w.Yield = func() { yields.Add(1) }
	on(t, w, func(c *check, s *suite) {
		c.update(func(tx store.Rows) {
			s.put(c, tx, 1)
			s.main.count(c, tx)
			c.ok(tx.Lock(c.ctx, lockKey("a")), "Lock")
			s.logs[0].last(c, tx)
		})
	})
	if got := yields.Load(); got != 5 {
		t.Errorf("yielded %d times, want before each of four statements and the commit", got)
	}
}

// A Weak makes use of what the contract leaves open.
func TestWeakLogHasGapsAndSmallReads(t *testing.T) {
	on(t, NewWeak(), func(c *check, s *suite) {
		l := s.logs[0]
		all := l.samples(c, 2*weakExamined)
		c.equal(all[1].at-all[0].at > 1, true, "a gap between positions")
		c.view(func(tx store.Rows) {
			page, next, done, err := l.read(c, tx, []store.Cond{one(0, store.Value{})}, store.LogSpan{Limit: 10})
			c.ok(err, "Events")
			c.equal(len(page) == 0 && next == all[weakExamined-1].at && !done, true, "an empty page that is not the last")
		})
	})
}

// A clone and its original share what neither of them has written to, and nothing else.
func TestWeakClonesGoTheirOwnWays(t *testing.T) {
	schema := notesSchema()
	table, log := schema.Tables[0], schema.Logs[0]
	writes := func(w *Weak, n int) { // and reads nothing, which would part them
		on(t, w, func(c *check, s *suite) {
			c.update(func(tx store.Rows) {
				c.ok(tx.Insert(c.ctx, table, s.subjects[0].full(n)), "Insert")
				c.ok(tx.Append(c.ctx, log, s.logs[0].event(n), nil), "Append")
			})
		})
	}
	for _, first := range []int{0, 1} {
		pair := [2]*Weak{NewWeak()}
		pair[0].NoLocks = true
		writes(pair[0], 1)
		pair[1] = pair[0].Clone()
		if !pair[1].NoLocks {
			t.Error("the clone has locks")
		}
		for _, w := range []int{first, 1 - first} {
			writes(pair[w], 2+w)
		}
		for w := range pair {
			on(t, pair[w], func(c *check, s *suite) {
				c.view(func(tx store.Rows) {
					row := make(store.Row, len(table.Columns))
					for n := 1; n <= 3; n++ {
						err := tx.Get(c.ctx, table, s.subjects[0].full(n)[0].ID, row)
						c.equal(err == nil, n == 1 || n == 2+w, "the rows of one store")
					}
					var events [][16]byte
					_, _, err := tx.Events(c.ctx, log, nil, store.LogSpan{Limit: 9}, func(_ int64, event store.Row) error {
						events = append(events, event[0].ID)
						return nil
					})
					c.ok(err, "Events")
					c.equal(events, [][16]byte{s.logs[0].event(1)[0].ID, s.logs[0].event(2 + w)[0].ID}, "events")
				})
			})
		}
	}
}

// Suites read all rows again where the snapshot has moved.
func TestWeakSnapshotsMoveWithCommits(t *testing.T) {
	w := NewWeak()
	on(t, w, func(c *check, s *suite) {
		is := func() (is any) {
			c.view(func(tx store.Rows) {
				rows, _ := store.Underlying(tx)
				is = rows.(*weakTx).Snapshot()
			})
			return is
		}
		put := func(tx store.Rows) error { return tx.Insert(c.ctx, s.subjects[0].table, s.subjects[0].full(1)) }
		before := is()
		c.same(c.store.Update(c.ctx, func(tx store.Rows) error {
			c.ok(put(tx), "Insert")
			return errOurs
		}), errOurs, "Update")
		c.equal(is() == before, true, "the same after a rollback")
		c.ok(c.store.Update(c.ctx, put), "Update")
		c.equal(is() == before, false, "the same after a commit")
	})
}
