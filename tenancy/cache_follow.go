package tenancy

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/freehold-dev/freehold/store"
)

// follower polls the event log, so that the cache drops what other processes change in the same store (rule
// R8).
type follower struct {
	live    atomic.Bool               // the last poll succeeded, and polling continues
	running atomic.Int64              // running calls of Run, which poll
	polled  atomic.Pointer[time.Time] // start time of the last successful poll

	mu   sync.Mutex // allows one poll at a time
	seen Position   // events up to here were applied
	once bool       // a poll has succeeded
}

// maxBehind is how many events are applied one by one. If there are more, dropping everything is cheaper.
const maxBehind = 10_000

// poll applies what was committed since the last poll. It notes the time before it reads, so that the cache
// never counts as fresher than what poll has read. If it fails, checks read the store until a poll
// succeeds. The caller holds the follower's lock.
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
		err = ctx.Err() // a poll that returns late shows an old state
	}
	if err == nil {
		f.once = true
		f.polled.Store(&began)
	}
	f.live.Store(err == nil)
	return err
}

// apply drops from the cache what the events up to last may have changed. It drops everything if there are
// too many events, or if they were pruned.
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

// ready reports whether checks may use the cache. If Run is not running, ready polls when a poll is due. A
// check that meets another check polling reads the store instead of waiting.
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

// current reports whether the last poll is recent enough. While Run is running, Run keeps that up to date;
// otherwise the clock decides. If Config.Now is time.Now, its monotonic time keeps a clock that was set
// back from prolonging this.
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

// Run does the background work until ctx ends, and then returns the error of ctx. One Run for each Service
// made by New is enough. It does these things, each at its own interval:
//
//   - It polls the changes of other processes, so that checks need not poll (rule R8). If a poll fails or is
//     late, checks read the store until one succeeds.
//   - It stores the denials that were counted, and deletes those older than [Config].KeepDenials (rule A5).
//   - It deletes events older than [Config].KeepEvents (rule E3).
//   - It marks expired invitations (rule I3), and sends mails that waited (rule I12).
//   - It continues deletions that did not end (rule G18).
//   - It writes the search words of members whose rows are older than the search (rule G17).
//   - It deletes sessions that ended long ago, expired proofs, and former slugs that are not reserved any
//     more (rule O5).
//   - It rechecks domains (rule D5), and looks for the proofs of pending claims (rule D3).
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
	if s.instance.config.Staleness > 0 { // otherwise each check polls
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

// follow polls four times within Config.Staleness. It has a goroutine of its own, because the chores that
// write may have to wait for a lock. If a poll is late, the timer takes the cache out of use.
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
			late.Reset(staleness / 2) // the poll itself took at most the other half
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
