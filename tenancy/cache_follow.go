package tenancy

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/freehold-dev/freehold/store"
)

// follower polls the event log, so that the cache drops what other processes change in
// the same store (rule R8).
type follower struct {
	live    atomic.Bool               // the last poll succeeded, and polls go on
	running atomic.Int64              // calls of Run under way, which do the polling
	polled  atomic.Pointer[time.Time] // when the last poll that succeeded began

	mu   sync.Mutex // one poll at a time
	seen Position   // events up to here are applied
	once bool       // a poll has succeeded
}

// maxBehind is how many events are applied one by one. From further behind it is cheaper
// to drop everything.
const maxBehind = 10_000

// poll applies what was committed since the last poll. If it fails, checks go to the store
// until one succeeds. The caller holds the follower's lock.
func (s *Service) poll(ctx context.Context) error {
	c := s.instance.cache
	f := &c.fresh
	began := s.instance.config.Now()
	err := s.instance.store.View(ctx, func(rows store.Rows) error {
		tx := newTxn(rows)
		last, err := tx.Events().Last(ctx)
		if err != nil || f.once && last == f.seen {
			return err
		}
		if s.instance.singleWriter {
			c.settleBefore(last)
		}
		return c.apply(ctx, tx.Events(), last)
	})
	if err == nil {
		err = ctx.Err() // a poll that comes back late shows what was, not what is
	}
	if err == nil {
		f.once = true
		f.polled.Store(&began)
	}
	f.live.Store(err == nil)
	return err
}

// apply drops what the events up to last name: everything, if they are too many or no
// longer there.
func (c *cache) apply(ctx context.Context, log eventTable, last Position) error {
	f := &c.fresh
	anew := !f.once || f.seen == 0 || last < f.seen || last-f.seen > maxBehind
	for !anew && f.seen < last {
		events, next, done, err := log.Read(ctx, eventFilter{}, logSpan{After: f.seen, Limit: MaxLimit})
		if CodeOf(err) == ErrEventsPruned {
			anew = true
			break
		}
		if err != nil {
			return err
		}
		var keys []cacheKey
		for _, e := range events {
			if key, alters := keyOf(e.Type, e.OrganizationID, e.UserID); alters {
				keys = append(keys, key)
			}
		}
		c.Publish(keys...)
		f.seen = next
		if done {
			return nil
		}
	}
	if anew {
		c.Publish(cacheKey{})
		f.seen = last
	}
	return nil
}

// ready reports whether the cache may be asked. Without a Run, it polls itself when a poll
// is due. A check that meets another one polling goes to the store instead of waiting.
func (s *Service) ready(ctx context.Context) bool {
	f := &s.instance.cache.fresh
	if s.current() {
		return true
	}
	if f.running.Load() > 0 || !f.mu.TryLock() {
		return false
	}
	defer f.mu.Unlock()
	return s.current() || s.poll(ctx) == nil
}

// current reports whether the last poll is recent enough: Run says so, or, without one,
// the clock. Where Config.Now is time.Now, a clock that was set back does not prolong it.
func (s *Service) current() bool {
	f, staleness := &s.instance.cache.fresh, s.instance.config.Staleness
	if staleness < 0 || !f.live.Load() {
		return false
	}
	if f.running.Load() > 0 {
		return true
	}
	ago := s.instance.config.Now().Sub(*f.polled.Load())
	return 0 <= ago && ago < staleness
}

// Run does what has to go on in the background, until ctx ends, and then returns its
// error: it polls what others commit to the same store, so that checks here do
// not poll for themselves (rule R8), writes down the denials that were counted (rule
// A5) and forgets those older than [Config].KeepDenials, forgets events older than [Config].KeepEvents, marks invitations that ran out,
// sends mails that waited (rule I12), goes on with deletions that did not end (rule G18),
// writes the words by which members are found whose rows are from before there were any (rule G17),
// removes sessions that ended long ago and former slugs that are reserved no longer (rule O5), rechecks domains (rule D5) and looks for the proofs of pending claims (rule D3). One Run for
// each Service made by New is enough. If the store cannot be
// read, or not in time, checks go to the store until it can.
func (s *Service) Run(ctx context.Context) error {
	if s.principal != nil || s.txn != nil {
		if s.principal != nil {
			s.refused(ctx, refusal{s.actor, serviceRun.Name, OrganizationID{}, false})
		}
		return explain(forbidden(""), serviceRun.op, "")
	}
	if err := s.tripwire(ctx, serviceRun, true); err != nil {
		return explain(err, serviceRun.op, "")
	}
	var following sync.WaitGroup
	defer following.Wait()
	if s.instance.config.Staleness > 0 { // else each check polls for itself
		following.Go(func() { s.follow(ctx) })
	}
	following.Go(func() { s.chore(ctx, "sweep invitations", sweepEvery, s.Invitations.sweep) })
	following.Go(func() { s.chore(ctx, "finish deletions", deletionsEvery, s.Organizations.finishDeletions) })
	following.Go(func() { s.chore(ctx, "send mails that waited", mailsEvery, s.Invitations.sendWaiting) })
	following.Go(func() { s.chore(ctx, "sweep sessions", sweepEvery, s.Sessions.Sweep) })
	following.Go(func() { s.chore(ctx, "sweep proofs", sweepEvery, s.Proofs.Sweep) })
	following.Go(func() { s.chore(ctx, "write the words of members", wordsEvery, s.Memberships.writeWords) })
	following.Go(func() { s.chore(ctx, "forget slugs", sweepEvery, s.Organizations.forgetSlugs) })
	following.Go(func() { s.chore(ctx, "forget denials", sweepEvery, s.Events.forgetDenials) })
	following.Go(func() { s.chore(ctx, "forget events", sweepEvery, s.Events.forgetOld) })
	following.Go(func() { s.chore(ctx, "look for the proofs of domains", recheckEvery, s.Domains.Recheck) })
	return every(ctx, time.Second, func() { s.flushDenials(ctx) })
}

// follow polls four times in the time that a check may be behind. It shares no goroutine
// with what writes, which may have to wait for a lock. If a poll itself is late, the timer
// takes the cache out of use.
func (s *Service) follow(ctx context.Context) {
	f, staleness := &s.instance.cache.fresh, s.instance.config.Staleness
	late := time.AfterFunc(staleness, func() { f.live.Store(false) })
	f.live.Store(false) // the last poll may be long ago
	f.running.Add(1)
	defer func() {
		late.Stop()
		f.live.Store(false)
		f.running.Add(-1)
	}()
	failing := false
	_ = every(ctx, max(staleness/4, time.Millisecond), func() {
		polling, cancel := context.WithTimeout(ctx, staleness/2)
		defer cancel()
		f.mu.Lock()
		err := s.poll(polling)
		f.mu.Unlock()
		if err == nil {
			late.Reset(staleness / 2) // it took no longer than the other half
		} else if !failing && ctx.Err() == nil {
			s.instance.config.Logger.ErrorContext(ctx, "freehold: cannot follow the store; checks go to it", "error", err)
		}
		failing = err != nil
	})
}

// every calls fn at once and then at each interval, until ctx ends.
func every(ctx context.Context, interval time.Duration, fn func()) error {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		fn()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}
