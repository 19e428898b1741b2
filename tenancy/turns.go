package tenancy

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"
)

// How those rest who write heavily where one transaction writes at a time (rule G9).
const (
	restFor    = 4                     // times what a write took too long
	restMost   = time.Second           // for one write
	restAll    = 10 * time.Second      // for many
	restOthers = time.Second           // since a write of somebody else: else nobody waits for it
	restAgain  = 20 * time.Millisecond // how long somebody who waits sleeps at a time
	restShares = 10_000                // that are remembered
	inTurn     = 2                     // writes of a share that are under way while others write
	heavyTimes = 3                     // as long as writes of others usually take is long
	paceShares = 15                    // whose pace is known, of those who wrote last
)

// turns lets others write where one transaction writes at a time, beside somebody who makes long
// writes without end, or many at once. A share has few writes under way as long as anybody else
// writes; and after one that took much longer than those of others do it waits before it gets the writer
// again, and has one under way at a time. So most writes of others meet none of them. What the host
// does by itself is not held up.
type turns struct {
	mu     sync.Mutex
	shares map[string]*shareTurns // that rest or write; see Service.share
	last   [2]turnTaken           // the last write, and the last of another share than that
	paces  []pace                 // of those who wrote last, the last one at the end
}

// pace is how long the writes of a share usually take.
type pace struct {
	share   string
	average time.Duration
}

type shareTurns struct {
	heavy  bool          // and so it rests
	until  time.Time     // this
	inside int           // writes under way
	ended  chan struct{} // wakes one of those who wait, when one has ended
	waited time.Time     // when somebody did last
}

// turnTaken is when somebody of a share wanted to write.
type turnTaken struct {
	share string
	at    time.Time
}

// may reports whether a share may write now, and otherwise how long to sleep at most before asking
// again, or until a write of the share has ended; slept is for how long it did. If it may, ended is
// to be told of it, but for the host.
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
	if slept >= restAll { // whatever the clock says
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

// of is what is known of a share.
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

// longer notes how long a write of a share took, and gives how much longer that is than writes of others
// usually are, if it is over what anybody may take; 0: it is not.
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

// usual is how long the writes of other shares usually take, if there are any: the lower median.
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

// wrote is ended for a write that took so long; to take as long as may is nobody's fault.
func (t *turns) wrote(now time.Time, share string, took, may time.Duration) {
	t.mu.Lock()
	longer := t.longer(share, took, may)
	t.mu.Unlock()
	t.ended(now, share, longer)
}

// ended notes that a write of a share has ended, and how much longer it took than an ordinary
// one; 0: it did not.
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

// share is what a Service writes for: the organization that its principal is bound to, or else
// the actor, and "" for the host.
func (s *Service) share() string {
	p := s.principal
	switch {
	case p == nil && s.actor.Kind == ActorHost:
		return ""
	case p == nil: // what goes on in steps for somebody
	case p.session != nil && !p.session.OrganizationID.IsZero():
		return p.session.OrganizationID.String()
	case !p.organization.IsZero():
		return p.organization.String()
	}
	return string(s.actor.Kind) + " " + s.actor.ID
}

// turn is one write of a share that may have to rest after it; nil: it does not.
type turn struct {
	service *Service
	share   string
	began   time.Time
	over    bool
}

// takeTurn waits until a Service may write, where there is one writer.
//
// Errors: [ErrInTransaction], [ErrCanceled]; [ErrBusy] after Config.WriteWait.
func (s *Service) takeTurn(ctx context.Context) (*turn, error) {
	config := &s.instance.config
	if s.txn != nil || !s.instance.singleWriter || config.HeavyWrite < 0 {
		return nil, nil
	}
	if err := s.rejectNested(ctx); err != nil { // who waits for themselves is not to sleep first
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

// begins notes that the transaction has begun.
func (t *turn) begins() {
	if t != nil {
		t.began = t.service.instance.config.Now()
	}
}

// ends notes that it has ended, or could not begin. Ending again does nothing.
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
