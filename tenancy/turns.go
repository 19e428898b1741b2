package tenancy

import (
	"context"
	"fmt"
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
)

// turns lets others write where one transaction writes at a time, beside somebody who makes long
// writes without end: after one that took longer than Config.HeavyWrite its share waits before
// it gets the writer again, as long as anybody else writes, and has one write under way at a
// time. So most writes of others meet none of them. What was under way before the first long one
// had ended is not held up, nor is what the host does by itself.
type turns struct {
	mu    sync.Mutex
	rests map[string]*rest // of a share that rests; see Service.share
	last  [2]turnTaken     // the last write, and the last of another share than that
}

type rest struct {
	until  time.Time
	inside int // writes under way
}

// turnTaken is when somebody of a share wanted to write.
type turnTaken struct {
	share string
	at    time.Time
}

// may reports whether a share may write now, and otherwise how long to sleep before asking
// again; slept is for how long it did. counted says that ended is to be told of it.
func (t *turns) may(now time.Time, share string, slept time.Duration) (wait time.Duration, counted bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.last[0].share != share {
		t.last[1] = t.last[0]
	}
	t.last[0] = turnTaken{share, now}
	r := t.rests[share]
	if r == nil {
		return 0, false
	}
	left := r.until.Sub(now)
	if slept >= restAll { // whatever the clock says
		left = 0
	}
	others := !t.last[1].at.IsZero() && now.Sub(t.last[1].at) <= restOthers
	if others && (left > 0 || r.inside > 0) {
		return min(max(left, time.Millisecond), restAgain), false
	}
	r.inside++
	return 0, true
}

// ended notes that a write of a share has ended, and how much longer it took than an ordinary
// one; 0: it did not.
func (t *turns) ended(now time.Time, share string, longer time.Duration, counted bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.rests[share]
	if r != nil && counted {
		r.inside = max(0, r.inside-1)
	}
	if longer > 0 {
		if len(t.rests) >= restShares || t.rests == nil {
			t.rests = map[string]*rest{}
		}
		if r == nil || t.rests[share] == nil {
			r = &rest{until: now}
			t.rests[share] = r
		}
		if r.until.Before(now) {
			r.until = now
		}
		r.until = r.until.Add(min(restMost, restFor*longer))
		if most := now.Add(restAll); r.until.After(most) {
			r.until = most
		}
		return
	}
	if r != nil && r.inside == 0 && !now.Before(r.until) {
		delete(t.rests, share)
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
	counted bool
	began   time.Time
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
		wait, counted := s.instance.turns.may(config.Now(), t.share, slept)
		if wait == 0 {
			t.counted = counted
			break
		}
		if config.WriteWait > 0 && slept >= config.WriteWait {
			return nil, &Error{Code: ErrBusy, Reason: fmt.Sprintf("no turn at the database within %s, after long writes beside others'", config.WriteWait)}
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil, &Error{Code: ErrCanceled, Err: ctx.Err()}
		}
		slept += wait
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

// ends notes that it has ended, or could not begin.
func (t *turn) ends() {
	if t == nil {
		return
	}
	now, longer := t.service.instance.config.Now(), time.Duration(0)
	if !t.began.IsZero() {
		longer = max(0, now.Sub(t.began)-t.service.instance.config.HeavyWrite)
	}
	t.service.instance.turns.ended(now, t.share, longer, t.counted)
}
