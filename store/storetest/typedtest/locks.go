package typedtest

import (
	"runtime"
	"sync"
	"time"

	"github.com/freehold-dev/freehold/tenancy"
)

// lockRules are about Lock.
func lockRules() []rule {
	return []rule{
		{"lock/lost_update", "transactions under a common Lock run as if one after the other: no update is lost.", lostUpdate},
		{"lock/count_then_insert", "what is counted under a Lock stays true until the end: no more go in than fit.", countThenInsert},
		{"lock/version", "under a common Lock, read and update never conflict.", lockedVersion},
		{"lock/any_keys", "Lock takes no key, one twice, one already held, and several in any order.", lockAnyKeys},
		{"lock/released", "a Lock ends with its transaction, however that ends.", lockReleased},
		{"lock/outlives_savepoint", "a Lock taken in a savepoint that fails is held to the end of the transaction.", lockOutlivesSavepoint},
		{"lock/across_values", "locks on many keys in ascending order go along without a deadlock.", lockAcrossValues},
		{"lock/deadlock", "a deadlock across two calls of Lock is resolved: every Update comes through.", func(c *check) {
			deadlock(c, func(tx tenancy.Tx, n int) error { return tx.Lock(c.ctx, lockKey([]string{"a", "b", "c"}[n])) })
		}},
		{"lock/deadlock_of_rows", "a deadlock over rows written in different order is resolved: every Update comes through.", func(c *check) {
			c.update(func(tx tenancy.Tx) { people(c, tx) })
			deadlock(c, func(tx tenancy.Tx, n int) error { return tx.Users().Touch(c.ctx, newID[tenancy.User](n), clock(n)) })
		}},
	}
}

func lockAnyKeys(c *check) {
	a, b := lockKey("a"), lockKey("b")
	roles := tenancy.LockKey{Class: tenancy.LockRoles}
	c.update(func(tx tenancy.Tx) {
		c.ok(tx.Lock(c.ctx), "Lock of nothing")
		c.ok(tx.Lock(c.ctx, b, a, b, roles), "Lock")
		c.ok(tx.Lock(c.ctx, a), "Lock of what is held")
		put(c, tx, 1)
	})
	kept(c, 1)
}

func lockReleased(c *check) {
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
			_ = c.try(func(tx tenancy.Tx) error {
				c.ok(tx.Lock(c.ctx, lockKey("a")), "Lock")
				return end()
			})
		})
	}
	c.elsewhere(func() {
		c.update(func(tx tenancy.Tx) { c.ok(tx.Lock(c.ctx, lockKey("a")), "Lock") })
	})
}

func lockAcrossValues(c *check) {
	c.together(4, func(i int) {
		for n := range 10 {
			c.contend(func(tx tenancy.Tx) error {
				if err := tx.Lock(c.ctx, lockKey("a")); err != nil {
					return err
				}
				if err := tx.Lock(c.ctx, lockKey("b"), tenancy.LockKey{Class: tenancy.LockOrganization, Value: "a"}); err != nil {
					return err
				}
				return add(c, tx, i*10+n)
			})
		}
	})
	c.equal(len(c.state().rows["organization"]), 40, "organizations")
}

// The size of a race: enough to meet, and done in a moment.
const (
	racers = 8
	laps   = 25
)

// lostUpdate counts in a column that no Version guards.
func lostUpdate(c *check) {
	user := bareUser(1)
	c.update(func(tx tenancy.Tx) {
		c.ok(tx.Users().Insert(c.ctx, user), "Insert")
		c.ok(tx.Users().Touch(c.ctx, user.ID, clock(0)), "Touch")
	})
	c.together(racers, func(int) {
		for range laps {
			c.contend(func(tx tenancy.Tx) error {
				if err := tx.Lock(c.ctx, lockKey("counter")); err != nil {
					return err
				}
				v, err := tx.Users().Get(c.ctx, user.ID)
				if err != nil {
					return err
				}
				return tx.Users().Touch(c.ctx, user.ID, v.LastSignInAt.Add(time.Microsecond))
			})
		}
	})
	c.view(func(tx tenancy.Tx) {
		v, err := tx.Users().Get(c.ctx, user.ID)
		c.ok(err, "Get")
		c.equal(v.LastSignInAt.Sub(clock(0)).Microseconds(), int64(racers*laps), "how often it was counted")
	})
}

func countThenInsert(c *check) {
	const fit = 5
	for round := range 5 {
		from := round * racers
		filter := tenancy.OrganizationFilter{NamePrefix: name(0)}
		c.together(racers, func(i int) {
			c.contend(func(tx tenancy.Tx) error {
				if err := tx.Lock(c.ctx, lockKey("seats")); err != nil {
					return err
				}
				n, err := tx.Organizations().Count(c.ctx, filter)
				if err != nil || n >= (round+1)*fit {
					return err
				}
				v := fullOrganization(from + i)
				v.NameKey = name(0)
				return tx.Organizations().Insert(c.ctx, v)
			})
		})
		c.view(func(tx tenancy.Tx) {
			c.equal(organizations().count(c, tx, filter), (round+1)*fit, "how many went in")
		})
	}
}

func lockedVersion(c *check) {
	c.update(func(tx tenancy.Tx) { put(c, tx, 1) })
	id := fullOrganization(1).ID
	c.together(racers, func(int) {
		for range laps {
			c.contend(func(tx tenancy.Tx) error {
				if err := tx.Lock(c.ctx, lockKey("counter")); err != nil {
					return err
				}
				v, err := tx.Organizations().Get(c.ctx, id)
				if err != nil {
					return err
				}
				v.Version++
				return tx.Organizations().Update(c.ctx, v)
			})
		}
	})
	c.view(func(tx tenancy.Tx) {
		c.equal(organizations().get(c, tx, id).Version, int64(racers*laps+1), "Version")
	})
}

func lockOutlivesSavepoint(c *check) {
	var mu sync.Mutex
	var order []string
	mark := func(what string) {
		mu.Lock()
		defer mu.Unlock()
		order = append(order, what)
	}
	var second <-chan struct{}
	c.update(func(tx tenancy.Tx) {
		fails(c, tx, func(tx tenancy.Tx) { c.ok(tx.Lock(c.ctx, lockKey("a")), "Lock") })
		second = c.start(func() {
			c.contend(func(tx tenancy.Tx) error {
				err := tx.Lock(c.ctx, lockKey("a"))
				mark("second")
				return err
			})
		})
		select {
		case <-second:
		case <-time.After(20 * time.Millisecond): // as far as it should come
		}
		mark("first")
	})
	<-second
	c.equal(order, []string{"first", "second"}, "who held the lock first")
}

// deadlock has three goroutines take three things in orders that form a circle.
func deadlock(c *check, take func(tx tenancy.Tx, n int) error) {
	const rounds = 20
	c.together(3, func(i int) {
		for n := range rounds {
			c.contend(func(tx tenancy.Tx) error {
				for step := range 3 {
					if err := take(tx, (i+step)%3); err != nil {
						return err
					}
					runtime.Gosched()
				}
				return add(c, tx, i*rounds+n)
			})
		}
	})
	c.equal(len(c.state().rows["organization"]), 3*rounds, "how many came through")
}
