package typedtest

import (
	"errors"
	"sync/atomic"

	"github.com/freehold-dev/freehold/tenancy"
)

// raceRules are about transactions at the same time, without a Lock. Run them under
// the race detector.
func raceRules() []rule {
	return []rule{
		{"race/no_conflict", "Updates that have nothing in common all come through.", raceNoConflict},
		{"race/unique_key", "of those who want the same unique key at once, one gets it.", raceUniqueKey},
		{"race/version", "of those who update the same Version at once, one does, and no update is lost.", raceVersion},
		{"race/delete", "of those who delete the same row at once, one does.", raceDelete},
		{"race/rollback", "transactions that fail leave nothing among those that do not.", raceRollback},
	}
}

func raceNoConflict(c *check) {
	c.together(racers, func(i int) {
		for n := range laps {
			c.contend(func(tx tenancy.Tx) error {
				if err := add(c, tx, i*laps+n); err != nil {
					return err
				}
				return tx.Events().Append(c.ctx, event(i*laps+n))
			})
		}
	})
	all := c.state()
	c.equal(len(all.rows["organization"]), racers*laps, "organizations")
	c.equal(len(all.events), racers*laps, "events")
}

func raceUniqueKey(c *check) {
	for round := range 10 {
		var won atomic.Int32
		c.together(racers, func(i int) {
			v := fullOrganization(round*racers + i)
			v.Slug = fullOrganization(1000 + round).Slug
			c.wins(&won, c.try(func(tx tenancy.Tx) error { return tx.Organizations().Insert(c.ctx, v) }), tenancy.ErrAlreadyExists)
		})
		c.equal(won.Load(), int32(1), "how many got the key")
	}
	c.equal(len(c.state().rows["organization"]), 10, "organizations")
}

func raceVersion(c *check) {
	c.update(func(tx tenancy.Tx) { put(c, tx, 1) })
	for round := range 10 {
		var won atomic.Int32
		v := fullOrganization(1)
		v.Version = int64(round + 2)
		c.together(racers, func(i int) {
			v := v
			v.DisplayName = name(2 * i)
			c.wins(&won, c.try(func(tx tenancy.Tx) error { return tx.Organizations().Update(c.ctx, v) }), tenancy.ErrConflict)
		})
		c.equal(won.Load(), int32(1), "how many updated the Version")
	}
}

func raceDelete(c *check) {
	for round := range 10 {
		c.update(func(tx tenancy.Tx) { put(c, tx, round) })
		var won atomic.Int32
		c.together(racers, func(int) {
			c.wins(&won, c.try(func(tx tenancy.Tx) error {
				return tx.Organizations().Delete(c.ctx, fullOrganization(round).ID)
			}), tenancy.ErrNotFound)
		})
		c.equal(won.Load(), int32(1), "how many deleted it")
	}
}

func raceRollback(c *check) {
	c.together(racers, func(i int) {
		for n := range laps {
			err := c.try(func(tx tenancy.Tx) error {
				if err := add(c, tx, i*laps+n); err != nil {
					return err
				}
				if err := tx.Events().Append(c.ctx, event(i*laps+n)); err != nil || n%2 != 0 {
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
	all := c.state()
	c.equal(len(all.rows["organization"]), racers*(laps/2), "organizations")
	c.equal(len(all.events), racers*(laps/2), "events")
}

// wins counts those who got what all of them wanted; for the rest it was lost.
func (c *check) wins(won *atomic.Int32, err error, lost tenancy.Code) {
	switch {
	case err == nil:
		won.Add(1)
	case !errors.Is(err, lost):
		c.failf("Update: got error %v, want nil or code %s", err, lost)
	}
}
