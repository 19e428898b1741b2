package model

import (
	"slices"
	"time"

	"github.com/freehold-dev/freehold/tenancy"
)

// modelPending is a sign-in that needs one more thing (P5).
type modelPending struct {
	raw      string
	in       modelAttempt // what was shown, and where to
	user     tenancy.UserID
	identity tenancy.IdentityID
	epoch    int64 // of the connection's sessions
	failures int
	expires  time.Time
	made     time.Time
	gone     bool
}

// Limits of pending sign-ins, as the rule has them.
const (
	modelPendingFor      = 10 * time.Minute
	modelPendingFailures = 5
	modelPendingOfPerson = 5
)

// resumes is the attempt that one by a pending sign-in is left of.
func (p modelPending) resumes(in modelAttempt) modelAttempt {
	again := p.in
	again.pending, again.later, again.within = in.pending, in.later, in.within
	again.second = p.in.second || in.second
	if !in.org.IsZero() {
		again.org = in.org
	}
	return again
}

// person notes whom the attempt is of, before anything is changed. One by a pending sign-in is of
// the same person, by the same identity and connection.
func (n *modelSignIn) person() bool {
	n.shown = (n.known || n.proves(n.in.email)) && n.user.SuspendedAt.IsZero()
	n.whom = modelPending{user: n.user.ID, epoch: n.c.SessionsEpoch}
	if n.known {
		n.whom.identity = n.identity.ID
	}
	if n.in.pending == 0 {
		return true
	}
	p := n.pendings[n.in.pending-1]
	if p.user == n.whom.user && p.identity == n.whom.identity && p.epoch == n.whom.epoch {
		return true
	}
	return n.stops(modelOutcome{err: tenancy.ErrInvalidToken})
}

// settles does what a decision means for pending sign-ins.
func (n *modelSignIn) settles(out modelOutcome, after *signInState) (modelOutcome, *signInState) {
	pends := n.shown && (out.kind == tenancy.DecisionChooseOrganization || out.kind == tenancy.DecisionSecondFactor)
	if out.err != "" || !pends && n.in.pending == 0 {
		return out, after
	}
	after = after.clone()
	next := n.whom
	next.in, next.made, next.expires = n.in, n.now, n.now.Add(modelPendingFor)
	next.in.pending, next.in.later = 0, false
	if n.in.pending > 0 {
		p := &after.pendings[n.in.pending-1]
		next.expires, next.failures = p.expires, p.failures
		if out.kind == tenancy.DecisionSignedIn || pends {
			p.gone = true
		} else if p.failures++; p.failures >= modelPendingFailures {
			p.gone = true
		}
	}
	if pends {
		out.pending = true
		after.makeRoomForPending(next)
		after.pendings = append(after.pendings, next)
	}
	return out, after
}

// makeRoomForPending ends the oldest of the person where one more would be too many.
func (s *signInState) makeRoomForPending(coming modelPending) {
	var own []int
	for i, p := range s.pendings {
		if !p.gone && p.user == coming.user && (!p.user.IsZero() || p.in.email == coming.in.email) {
			own = append(own, i)
		}
	}
	if len(own) >= modelPendingOfPerson {
		s.pendings[own[0]].gone = true
	}
}

// voidPendings ends those of a user.
func (s *signInState) voidPendings(user tenancy.UserID) {
	for i := range s.pendings {
		if s.pendings[i].user == user {
			s.pendings[i].gone = true
		}
	}
}

// goOn makes an attempt by one of the last pending sign-ins: most often by one that is good.
func (m *signInMachine) goOn() {
	if len(m.s.pendings) == 0 {
		return
	}
	from := make([]int, len(m.s.pendings))
	for i := range from {
		from[i] = i + 1
	}
	if !m.rarely("any pending sign-in", 4) {
		good := slices.DeleteFunc(slices.Clone(from), func(i int) bool {
			p := m.s.pendings[i-1]
			return p.gone || !m.s.now.Before(p.expires)
		})
		if len(good) > 0 {
			from = good
		}
	}
	in := modelAttempt{pending: pick(m, "pending sign-in", from[max(0, len(from)-8):]...), second: m.rarely("a second factor", 2), later: m.rarely("choose later", 6)}
	if !m.rarely("nowhere else", 3) {
		in.org = m.drawOrg()
	}
	e := tenancy.PendingEvidence(m.s.pendings[in.pending-1].raw)
	if in.second {
		e = e.WithSecondFactor()
	}
	if m.rarely("into a session", 3) {
		in.within = m.drawToken().raw
	}
	m.attempt(tenancy.Attempt{Evidence: e, OrganizationID: in.org, ChooseLater: in.later, Session: in.within}, in)
}
