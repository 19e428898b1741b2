package tenancy

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"
)

// How long callers with heavy writes pause on a store where one transaction writes at a time (rule G9).
const (
	restFor    = 4                     // times the excess of a write
	restMost   = time.Second           // the longest pause for one write
	restAll    = 10 * time.Second      // the longest pause for many writes
	restOthers = time.Second           // after the last write of another share; later nobody is waiting
	restAgain  = 20 * time.Millisecond // how long a waiting call sleeps at a time
	restShares = 10_000                // the most shares that are remembered
	inTurn     = 2                     // writes of one share in progress while others write
	heavyTimes = 3                     // a write is heavy from so many times the usual time on
	paceShares = 15                    // the last shares whose pace is known
)

// turns shares the single writer of a store fairly. Without it, one caller with endless long writes, or with
// many writes at once, would hold up all others. Calls are counted by share: see Service.share. While other
// shares write, a share has at most two writes in progress. After a write that took much longer than writes of
// others usually take, the share pauses before its next write, and has only one write in progress. So most
// writes of others meet none of its writes. The host's own writes are never held up.
type turns struct {
	mu     sync.Mutex
	shares map[string]*shareTurns // shares that pause or write; see Service.share
	last   [2]turnTaken           // the last write, and the last one of another share
	paces  []pace                 // of the last shares that wrote, the last one at the end
}

// pace is how long the writes of a share usually take, as a moving average.
type pace struct {
	share   string
	average time.Duration
}

type shareTurns struct {
	heavy  bool          // it wrote heavily, and pauses
	until  time.Time     // the end of the pause
	inside int           // its writes in progress
	ended  chan struct{} // wakes one waiting call when a write has ended
	waited time.Time     // when a call last had to wait
}

// turnTaken is when a share last wanted to write.
type turnTaken struct {
	share string
	at    time.Time
}

// may reports whether a share may write now. If wait is 0, it may; the caller must then report the end of the
// write to t.ended, unless the share is the host's. Otherwise the caller sleeps for wait, or until the channel
// ended says that a write of the share has ended, and asks again. slept is how long the caller has slept so
// far.
func (t *turns) may(now time.Time, share string, slept time.Duration) (wait time.Duration, ended <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.last[0].share != share {
		t.last[1] = t.last[0]
	}
	t.last[0] = turnTaken{share, now}
	if share == "" {
		return 0, nil
	}
	s := t.of(now, share)
	left := s.until.Sub(now)
	if slept >= restAll { // even if the clock was set back
		left = 0
	}
	others := !t.last[1].at.IsZero() && now.Sub(t.last[1].at) <= restOthers
	switch {
	case others && left > 0:
		return min(left, restAgain), nil
	case others && (s.inside >= inTurn || s.heavy && s.inside > 0):
		s.waited = now
		return restAgain, s.ended
	}
	s.inside++
	return 0, nil
}

// of returns the state of a share, and makes it if there is none.
func (t *turns) of(now time.Time, share string) *shareTurns {
	s := t.shares[share]
	if s != nil {
		return s
	}
	if len(t.shares) >= restShares {
		maps.DeleteFunc(t.shares, func(_ string, s *shareTurns) bool { return s.inside == 0 })
	}
	if t.shares == nil {
		t.shares = map[string]*shareTurns{}
	}
	s = &shareTurns{until: now, ended: make(chan struct{}, inTurn)}
	t.shares[share] = s
	return s
}

// longer records how long a write of a share took. It returns how much longer that is than the usual write of
// other shares, if it took longer than may and is heavy; else 0.
func (t *turns) longer(share string, took, may time.Duration) time.Duration {
	usual, known := time.Duration(0), false
	if took > may {
		usual, known = t.usual(share)
	}
	own := pace{share, took}
	t.paces = slices.DeleteFunc(t.paces, func(p pace) bool {
		if p.share == share {
			own.average = p.average + (took-p.average)/8
		}
		return p.share == share
	})
	if len(t.paces) >= paceShares {
		t.paces = slices.Delete(t.paces, 0, 1)
	}
	t.paces = append(t.paces, own)
	if !known || took <= heavyTimes*usual {
		return 0
	}
	return took - usual
}

// usual returns how long the writes of other shares usually take (the lower median), and whether there are any.
func (t *turns) usual(share string) (time.Duration, bool) {
	others := make([]time.Duration, 0, paceShares)
	for _, p := range t.paces {
		if p.share != share {
			others = append(others, p.average)
		}
	}
	if len(others) == 0 {
		return 0, false
	}
	slices.Sort(others)
	return others[(len(others)-1)/2], true
}

// wrote does ended for a write that took so long. A write that took no longer than may does not make its share
// pause.
func (t *turns) wrote(now time.Time, share string, took, may time.Duration) {
	t.mu.Lock()
	longer := t.longer(share, took, may)
	t.mu.Unlock()
	t.ended(now, share, longer)
}

// ended records that a write of a share has ended. longer is how much longer it took than a usual one; 0: it
// was not heavy.
func (t *turns) ended(now time.Time, share string, longer time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.of(now, share)
	s.inside = max(0, s.inside-1)
	select {
	case s.ended <- struct{}{}:
	default:
	}
	if longer > 0 {
		s.heavy = true
		if s.until.Before(now) {
			s.until = now
		}
		s.until = s.until.Add(min(restMost, restFor*longer))
		if most := now.Add(restAll); s.until.After(most) {
			s.until = most
		}
		return
	}
	if !now.Before(s.until) {
		s.heavy = false
	}
	if s.inside == 0 && !now.Before(s.until) && now.Sub(s.waited) > restAgain {
		delete(t.shares, share)
	}
}

// share returns the key by which a Service's writes are counted: the organization that its principal is bound
// to, else the actor; "" for the host.
func (s *Service) share() string {
	p := s.principal
	switch {
	case p == nil && s.actor.Kind == ActorHost:
		return ""
	case p == nil: // a step of a longer call counts for its actor
	case p.session != nil && !p.session.OrganizationID.IsZero():
		return p.session.OrganizationID.String()
	case !p.organization.IsZero():
		return p.organization.String()
	}
	return string(s.actor.Kind) + " " + s.actor.ID
}

// turn is one write of a share that may have to pause after it; nil: it never pauses.
type turn struct {
	service *Service
	share   string
	began   time.Time
	over    bool
}

// takeTurn waits until a Service may write, on a store with a single writer.
//
// Errors: [ErrInTransaction], [ErrCanceled]; [ErrBusy] after Config.WriteWait.
func (s *Service) takeTurn(ctx context.Context) (*turn, error) {
	config := &s.instance.config
	if s.txn != nil || !s.instance.singleWriter || config.HeavyWrite < 0 {
		return nil, nil
	}
	if err := s.rejectNested(ctx); err != nil { // a call that waits for itself must fail before it sleeps
		return nil, err
	}
	t := &turn{service: s, share: s.share()}
	for slept := time.Duration(0); ; {
		wait, ended := s.instance.turns.may(config.Now(), t.share, slept)
		if wait == 0 {
			break
		}
		if config.WriteWait > 0 && slept >= config.WriteWait {
			return nil, &Error{Code: ErrBusy, Reason: fmt.Sprintf("no turn at the database within %s, after long writes beside others'", config.WriteWait)}
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
			slept += wait
		case <-ended:
			timer.Stop()
			slept += time.Millisecond
		case <-ctx.Done():
			timer.Stop()
			return nil, &Error{Code: ErrCanceled, Err: ctx.Err()}
		}
	}
	if t.share == "" {
		return nil, nil
	}
	return t, nil
}

// begins records that the transaction has begun.
func (t *turn) begins() {
	if t != nil {
		t.began = t.service.instance.config.Now()
	}
}

// ends records that the transaction has ended, or could not begin. A second call does nothing.
func (t *turn) ends() {
	if t == nil || t.over {
		return
	}
	t.over = true
	now := t.service.instance.config.Now()
	if t.began.IsZero() {
		t.service.instance.turns.ended(now, t.share, 0)
		return
	}
	t.service.instance.turns.wrote(now, t.share, now.Sub(t.began), t.service.instance.config.HeavyWrite)
}
