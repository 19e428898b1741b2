package storetest

import (
	"errors"
	"sync/atomic"

	"github.com/freehold-dev/freehold/store"
)

// raceRules are about concurrent transactions without a Lock. Run them under the race detector.
func (s *suite) raceRules() []rule {
	all := []rule{
		{name: "race/no_conflict", why: "Updates that have nothing in common all come through.", run: s.raceNoConflict},
		{name: "race/version", why: "of those who update the same version at once, one does, and no update is lost.", run: s.raceVersion},
		{name: "race/delete", why: "of those who delete the same row at once, one does.", run: s.raceDelete},
		{name: "race/rollback", why: "transactions that fail leave nothing among those that do not.", run: s.raceRollback},
	}
	for _, l := range s.logs {
		all = append(all, l.rule("log/follows", "a reader that goes on from where it was gets every event once, however commits interleave.",
			func(c *check) { s.logFollows(c, l) }))
	}
	if s.keyed != nil {
		all = append(all, rule{name: "race/unique_key", why: "of those who want the same unique key at once, one gets it.", run: s.raceUniqueKey})
	}
	return all
}

func (s *suite) raceNoConflict(c *check) {
	l := s.logs[0]
	c.together(racers, func(i int) {
		for n := range laps {
			c.contend(func(tx store.Rows) error {
				if err := s.add(c, tx, i*laps+n); err != nil {
					return err
				}
				return l.try(c, tx, l.event(i*laps+n))
			})
		}
	})
	c.view(func(tx store.Rows) {
		c.equal(s.main.count(c, tx), racers*laps, "rows")
		c.equal(len(l.events(c, tx)), racers*laps, "events")
	})
}

func (s *suite) raceUniqueKey(c *check) {
	x := s.keyed
	for round := range 10 {
		var won atomic.Int32
		c.together(racers, func(i int) {
			row := x.withKey(x.full(round*racers+i), x.full(1000+round), x.table.Unique[0])
			c.wins(&won, c.try(func(tx store.Rows) error { return x.put(c, tx, row) }), store.ErrAlreadyExists)
		})
		c.equal(won.Load(), int32(1), "how many got the key")
	}
	c.view(func(tx store.Rows) { c.equal(x.count(c, tx), 10, "rows") })
}

func (s *suite) raceVersion(c *check) {
	x := s.main
	c.update(func(tx store.Rows) { s.put(c, tx, 1) })
	for round := range 10 {
		var won atomic.Int32
		c.together(racers, func(i int) {
			row := withVersion(x.withID(x.full(2+i), newID(1)), int64(round+2))
			c.wins(&won, c.try(func(tx store.Rows) error { return x.replace(c, tx, row) }), store.ErrConflict)
		})
		c.equal(won.Load(), int32(1), "how many updated the version")
	}
	c.view(func(tx store.Rows) { c.equal(x.get(c, tx, newID(1))[1].Int, int64(11), "the version") })
}

func (s *suite) raceDelete(c *check) {
	for round := range 10 {
		c.update(func(tx store.Rows) { s.put(c, tx, round) })
		var won atomic.Int32
		c.together(racers, func(int) {
			err := c.try(func(tx store.Rows) error { return tx.Delete(c.ctx, s.main.table, newID(round)) })
			c.wins(&won, err, store.ErrNotFound)
		})
		c.equal(won.Load(), int32(1), "how many deleted it")
	}
}

func (s *suite) raceRollback(c *check) {
	l := s.logs[0]
	c.together(racers, func(i int) {
		for n := range laps {
			err := c.try(func(tx store.Rows) error {
				if err := s.add(c, tx, i*laps+n); err != nil {
					return err
				}
				if err := l.try(c, tx, l.event(i*laps+n)); err != nil || n%2 != 0 {
					return err
				}
				return errOurs
			})
			if n%2 == 0 {
				c.same(err, errOurs, "Update")
			} else {
				c.ok(err, "Update")
			}
		}
	})
	c.view(func(tx store.Rows) {
		c.equal(s.main.count(c, tx), racers*(laps/2), "rows")
		c.equal(len(l.events(c, tx)), racers*(laps/2), "events")
	})
}

// wins counts the goroutines that got what all of them wanted. All others must get the code lost.
func (c *check) wins(won *atomic.Int32, err error, lost store.Code) {
	switch {
	case err == nil:
		won.Add(1)
	case !errors.Is(err, lost):
		c.failf("Update: got error %v, want nil or code %s", err, lost)
	}
}

// logFollows has writers whose transactions overlap, and a reader that remembers its place: it would miss an
// event that became visible before that place.
func (s *suite) logFollows(c *check, l *logbook) {
	const writers, writes = 4, 15
	done := make(chan struct{})
	var got []event
	reading := c.start(func() {
		var at int64
		for finished := false; !finished; {
			select {
			case <-done:
				finished = true // one more read finds the rest
			default:
			}
			c.view(func(tx store.Rows) {
				page := l.walkLog(c, tx, nil, store.LogSpan{After: at, Limit: 7})
				if len(page) > 0 {
					at = page[len(page)-1].at
				}
				c.equal(l.last(c, tx), at, "Last, against the end of the log")
				got = append(got, page...)
			})
		}
	})
	func() {
		defer close(done)
		c.together(writers, func(i int) {
			for n := i * writes; n < (i+1)*writes; n++ {
				c.contend(func(tx store.Rows) error {
					if err := l.try(c, tx, l.event(n)); err != nil {
						return err
					}
					if err := s.add(c, tx, n); err != nil {
						return err
					}
					return l.try(c, tx, l.event(n))
				})
			}
		})
	}()
	c.wait(reading)
	c.equal(got, l.committed(c), "what the reader got")
	c.equal(len(got), 2*writers*writes, "how many events it got")
	for i := 0; i < len(got); i += 2 {
		c.equal(got[i].row, got[i+1].row, "the events of one transaction stand together")
	}
}
