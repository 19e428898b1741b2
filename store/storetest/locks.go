package storetest

import (
	"runtime"
	"sync"
	"time"

	"github.com/freehold-dev/freehold/store"
)

// lockRules are about Lock.
func (s *suite) lockRules() []rule {
	all := []rule{
		{name: "lock/count_then_insert", why: "what is counted under a Lock stays true until the end: no more go in than fit.", run: s.countThenInsert},
		{name: "lock/version", why: "under a common Lock, read and update never conflict.", run: s.lockedVersion},
		{name: "lock/any_keys", why: "Lock takes no key, one twice, one already held, and several in any order.", run: s.lockAnyKeys},
		{name: "lock/released", why: "a Lock ends with its transaction, however that ends.", run: s.lockReleased},
		{name: "lock/outlives_savepoint", why: "a Lock taken in a savepoint that fails is held to the end of the transaction.", run: s.lockOutlivesSavepoint},
		{name: "lock/across_values", why: "locks on many keys in ascending order go along without a deadlock.", run: s.lockAcrossValues},
		{name: "lock/deadlock", why: "a deadlock across two calls of Lock is resolved: every Update comes through.", run: func(c *check) {
			s.deadlock(c, func(tx store.Rows, n int) error { return tx.Lock(c.ctx, lockKey([]string{"a", "b", "c"}[n])) })
		}},
	}
	if s.touched == nil {
		return all
	}
	return append(
		all,
		rule{name: "lock/lost_update", why: "transactions under a common Lock run as if one after the other: no update is lost.", run: s.lostUpdate},
		rule{name: "lock/deadlock_of_rows", why: "a deadlock over rows written in different order is resolved: every Update comes through.", run: func(c *check) {
			x := s.touched
			c.update(func(tx store.Rows) { x.insert(c, tx, x.full(1000), x.full(1001), x.full(1002)) })
			s.deadlock(c, func(tx store.Rows, n int) error { return tx.Touch(c.ctx, x.table, newID(1000+n), clock(n)) })
		}},
	)
}

func (s *suite) lockAnyKeys(c *check) {
	a, b := lockKey("a"), lockKey("b")
	lower := store.LockKey{Class: 1, Value: "z"}
	c.update(func(tx store.Rows) {
		c.ok(tx.Lock(c.ctx), "Lock of nothing")
		keys := []store.LockKey{b, a, b, lower}
		c.ok(tx.Lock(c.ctx, keys...), "Lock")
		c.equal(keys, []store.LockKey{b, a, b, lower}, "the caller's keys")
		c.ok(tx.Lock(c.ctx, a), "Lock of what is held")
		s.put(c, tx, 1)
	})
	s.kept(c, 1)
}

func (s *suite) lockReleased(c *check) {
	ends := []func() error{
		func() error { return nil },
		func() error { return errOurs },
		func() error { panic(errOurs) },
		func() error {
			runtime.Goexit()
			return nil
		},
	}
	for _, end := range ends {
		c.elsewhere(func() {
			defer func() { _ = recover() }()
			_ = c.try(func(tx store.Rows) error {
				c.ok(tx.Lock(c.ctx, lockKey("a")), "Lock")
				return end()
			})
		})
	}
	c.elsewhere(func() {
		c.update(func(tx store.Rows) { c.ok(tx.Lock(c.ctx, lockKey("a")), "Lock") })
	})
}

func (s *suite) lockAcrossValues(c *check) {
	c.together(4, func(i int) {
		for n := range 10 {
			c.contend(func(tx store.Rows) error {
				if err := tx.Lock(c.ctx, lockKey("a")); err != nil {
					return err
				}
				if err := tx.Lock(c.ctx, lockKey("b"), store.LockKey{Class: 5, Value: "a"}); err != nil {
					return err
				}
				return s.add(c, tx, i*10+n)
			})
		}
	})
	c.view(func(tx store.Rows) { c.equal(s.main.count(c, tx), 40, "rows") })
}

// The size of a race: large enough for conflicts, and still short.
const (
	racers = 8
	laps   = 25
)

// lostUpdate increments a column that no version protects.
func (s *suite) lostUpdate(c *check) {
	x := s.touched
	c.update(func(tx store.Rows) {
		x.insert(c, tx, x.full(1))
		c.ok(tx.Touch(c.ctx, x.table, newID(1), clock(0)), "Touch")
	})
	c.together(racers, func(int) {
		for range laps {
			c.contend(func(tx store.Rows) error {
				if err := tx.Lock(c.ctx, lockKey("counter")); err != nil {
					return err
				}
				row := make(store.Row, len(x.columns()))
				if err := tx.Get(c.ctx, x.table, newID(1), row); err != nil {
					return err
				}
				return tx.Touch(c.ctx, x.table, newID(1), row[x.table.Touch].Int+1)
			})
		}
	})
	c.view(func(tx store.Rows) {
		c.equal(x.get(c, tx, newID(1))[x.table.Touch].Int-clock(0), int64(racers*laps), "how often it was counted")
	})
}

// countThenInsert counts the rows of a version, of which none exist at first.
func (s *suite) countThenInsert(c *check) {
	const fit = 5
	x := s.main
	for round := range 5 {
		seats := one(1, store.Value{Int: int64(round) + 1})
		c.together(racers, func(i int) {
			c.contend(func(tx store.Rows) error {
				if err := tx.Lock(c.ctx, lockKey("seats")); err != nil {
					return err
				}
				n, err := tx.Count(c.ctx, x.table, []store.Cond{seats})
				if err != nil || n >= fit {
					return err
				}
				return x.put(c, tx, withVersion(x.full(round*racers+i), int64(round)+1))
			})
		})
		c.view(func(tx store.Rows) { c.equal(x.count(c, tx, seats), fit, "how many went in") })
	}
}

func (s *suite) lockedVersion(c *check) {
	x := s.main
	c.update(func(tx store.Rows) { s.put(c, tx, 1) })
	c.together(racers, func(int) {
		for range laps {
			c.contend(func(tx store.Rows) error {
				if err := tx.Lock(c.ctx, lockKey("counter")); err != nil {
					return err
				}
				row := make(store.Row, len(x.columns()))
				if err := tx.Get(c.ctx, x.table, newID(1), row); err != nil {
					return err
				}
				return x.replace(c, tx, withVersion(row, row[1].Int+1))
			})
		}
	})
	c.view(func(tx store.Rows) { c.equal(x.get(c, tx, newID(1))[1].Int, int64(racers*laps+1), "the version") })
}

func (s *suite) lockOutlivesSavepoint(c *check) {
	var mu sync.Mutex
	var order []string
	mark := func(what string) {
		mu.Lock()
		defer mu.Unlock()
		order = append(order, what)
	}
	var second <-chan struct{}
	c.update(func(tx store.Rows) {
		c.fails(tx, func() { c.ok(tx.Lock(c.ctx, lockKey("a")), "Lock") })
		second = c.start(func() {
			c.contend(func(tx store.Rows) error {
				err := tx.Lock(c.ctx, lockKey("a"))
				mark("second")
				return err
			})
		})
		select {
		case <-second:
		case <-time.After(glance): // it should not come further than this
		}
		mark("first")
	})
	c.wait(second)
	c.equal(order, []string{"first", "second"}, "who held the lock first")
}

// deadlock lets three goroutines take three things in orders that form a circle.
func (s *suite) deadlock(c *check, take func(tx store.Rows, n int) error) {
	const rounds = 20
	before := 0
	c.view(func(tx store.Rows) { before = s.main.count(c, tx) })
	c.together(3, func(i int) {
		for n := range rounds {
			c.contend(func(tx store.Rows) error {
				for step := range 3 {
					if err := take(tx, (i+step)%3); err != nil {
						return err
					}
					runtime.Gosched()
				}
				return s.add(c, tx, i*rounds+n)
			})
		}
	})
	c.view(func(tx store.Rows) { c.equal(s.main.count(c, tx), before+3*rounds, "how many came through") })
}
