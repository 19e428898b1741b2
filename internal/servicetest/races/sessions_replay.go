package races

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/freehold-dev/freehold/tenancy"
)

// raceReplay is the state that the events of a round lead to, one after the other in the
// order of commits. At each it holds the event against the rules and the state so far.
type raceReplay struct {
	*sessionRound
	users       map[tenancy.UserID]tenancy.User
	members     map[tenancy.MembershipID]tenancy.Membership
	identities  map[tenancy.IdentityID]tenancy.Identity
	connections map[tenancy.ConnectionID]tenancy.Connection
	policies    map[tenancy.OrganizationID]tenancy.Policy
	sessions    map[tenancy.SessionID]*raceSession
	issued      map[raceIssue]*raceToken
	causes      map[raceCause]bool
}

// raceSession is a session as the log has it, with what only the program was told.
type raceSession struct {
	tenancy.Session
	begun  int64             // when the call that started it began
	at     tenancy.Position  // of the event that placed it where it is
	placed time.Time         // the instant of that
	doomed tenancy.EventType // what ends it, in a transaction that has to say so; "": nothing
	ended  time.Time         // the instant of the event of its end
}

func (s *raceSession) live() bool { return s.ended.IsZero() }

// raceIssue names an entry.
type raceIssue struct {
	session tenancy.SessionID
	version int64
}

// raceCause is a change that ends sessions: its type, what changed, and the instant, which
// all events of a transaction have in common (G2).
type raceCause struct {
	kind    tenancy.EventType
	subject string
	at      time.Time
}

func (r *sessionRound) replay() *raceReplay {
	p := &raceReplay{
		sessionRound: r,
		users:        map[tenancy.UserID]tenancy.User{}, members: map[tenancy.MembershipID]tenancy.Membership{},
		identities: map[tenancy.IdentityID]tenancy.Identity{}, connections: map[tenancy.ConnectionID]tenancy.Connection{},
		policies: map[tenancy.OrganizationID]tenancy.Policy{}, sessions: map[tenancy.SessionID]*raceSession{},
		issued: map[raceIssue]*raceToken{}, causes: map[raceCause]bool{},
	}
	for _, t := range r.tokens {
		key := raceIssue{t.session.ID, t.session.Version}
		if p.issued[key] != nil {
			r.finds(raceIllegal, "two entries of one name: %v", key)
		}
		p.issued[key] = t
	}
	q := tenancy.EventQuery{After: r.begun, Limit: tenancy.MaxLimit}
	for {
		page, err := r.svc.Events.List(r.ctx, q)
		r.NoError(err)
		for _, e := range page.Items {
			p.causes[raceCause{e.Type, e.Subject, e.Time}] = true
			p.apply(e)
		}
		if q.After = page.Next; page.Done {
			break
		}
	}
	p.checkEnds()
	return p
}

func replayed[T any](p *raceReplay, e tenancy.Event) (v T) {
	p.NoError(json.Unmarshal(e.Data, &v))
	return v
}

func (p *raceReplay) apply(e tenancy.Event) {
	thing, _, _ := strings.Cut(string(e.Type), ".")
	switch thing {
	case "user":
		p.applyUser(e, replayed[tenancy.User](p, e))
	case "membership":
		if e.Type != tenancy.EventMembershipEmailChanged && strings.HasPrefix(e.Subject, "mem_") { // else it is about a removal
			p.applyMember(e, replayed[tenancy.Membership](p, e))
		}
	case "identity":
		p.applyIdentity(e, replayed[tenancy.Identity](p, e))
	case "connection":
		p.applyConnection(replayed[tenancy.Connection](p, e))
	case "policy":
		p.applyPolicy(replayed[tenancy.Policy](p, e))
	case "session":
		p.applySession(e, replayed[tenancy.Session](p, e))
	}
}

// doom notes that the sessions that pass have to end in the transaction of an event.
func (p *raceReplay) doom(e tenancy.Event, pass func(*raceSession) bool) {
	for _, s := range p.sessions {
		if s.live() && pass(s) {
			s.doomed = e.Type
		}
	}
}

// applyUser: a takeover ends all sessions of an account, and a change of address all but
// the one in which it was made; so does a first proof (U4, U5). That session is the one
// by which the event was made.
func (p *raceReplay) applyUser(e tenancy.Event, user tenancy.User) {
	before, known := p.users[user.ID]
	p.users[user.ID] = user
	switch {
	case !known:
		return
	case e.Type == tenancy.EventUserSuspended:
		p.doom(e, func(s *raceSession) bool { return s.UserID == user.ID })
		return
	case before.EmailVerifiedAt.IsZero() && !user.EmailVerifiedAt.IsZero():
		p.checkTakeover(e, user.ID)
		p.doom(e, func(s *raceSession) bool { return s.UserID == user.ID && s.ID.String() != e.Through })
	case e.Type == tenancy.EventUserEmailChanged:
		kept := p.clientOf(e.Through)
		p.doom(e, func(s *raceSession) bool { return s.UserID == user.ID && (s.ClientID != kept || kept.IsZero()) })
	}
}

// clientOf is the client of the session through which something was done; zero: none.
func (p *raceReplay) clientOf(through string) (client tenancy.SessionID) {
	for _, s := range p.sessions {
		if s.ID.String() == through {
			client = s.ClientID
		}
	}
	return client
}

// checkTakeover: of the identities from before, that by which the proof came may stay.
func (p *raceReplay) checkTakeover(e tenancy.Event, user tenancy.UserID) {
	var left []tenancy.IdentityID
	for _, i := range p.identities {
		if i.UserID == user {
			left = append(left, i.ID)
		}
	}
	if len(left) == 0 {
		return
	}
	for _, s := range p.sessions {
		if s.ID.String() == e.Through && len(left) == 1 && s.IdentityID == left[0] {
			return
		}
	}
	if e.Through == "" || len(left) > 1 {
		p.finds(raceUndead, "the identities %v of a user whose account was taken over", left)
	}
}

// applyMember: a membership that goes takes its sessions and its exemption along (M16, S2).
func (p *raceReplay) applyMember(e tenancy.Event, m tenancy.Membership) {
	p.members[m.ID] = m
	if e.Type != tenancy.EventMembershipDeactivated && e.Type != tenancy.EventMembershipRemoved {
		return
	}
	m.Status = tenancy.MembershipInactive
	p.members[m.ID] = m
	if slices.Contains(p.policies[m.OrganizationID].Exempt, m.UserID) {
		p.finds(raceUndead, "the exemption of %s after %s", m.UserID, e.Type)
	}
	p.doom(e, func(s *raceSession) bool { return s.MembershipID == m.ID })
}

// applyIdentity: an identity is of the epoch that its connection has, and takes its
// sessions along (U4, P9).
func (p *raceReplay) applyIdentity(e tenancy.Event, i tenancy.Identity) {
	if e.Type == tenancy.EventIdentityUnlinked {
		delete(p.identities, i.ID)
		p.doom(e, func(s *raceSession) bool { return s.IdentityID == i.ID })
		return
	}
	for _, c := range p.connections {
		if i.Provider == c.ID.String() && i.Epoch != c.Epoch {
			p.finds(raceIllegal, "%s of epoch %d at a connection of epoch %d", e.Type, i.Epoch, c.Epoch)
		}
	}
	for _, other := range p.identities {
		if other.ID != i.ID && other.Provider == i.Provider && other.Subject == i.Subject {
			p.finds(raceIllegal, "%s and %s of one subject", other.ID, i.ID)
		}
	}
	p.identities[i.ID] = i
}

// applyConnection: another issuer raises both epochs, switching off that of sessions (P9).
func (p *raceReplay) applyConnection(c tenancy.Connection) {
	before, known := p.connections[c.ID]
	p.connections[c.ID] = c
	if !known {
		return
	}
	if c.Issuer != before.Issuer {
		before.Epoch++
	}
	if c.Issuer != before.Issuer || before.State == tenancy.ConnectionActive && c.State != tenancy.ConnectionActive {
		before.SessionsEpoch++
	}
	if c.Epoch != before.Epoch || c.SessionsEpoch != before.SessionsEpoch {
		p.finds(raceIllegal, "%s has epochs %d and %d, and should have %d and %d", c.ID, c.Epoch, c.SessionsEpoch, before.Epoch, before.SessionsEpoch)
	}
}

// applyPolicy: only active members are exempt (M16).
func (p *raceReplay) applyPolicy(policy tenancy.Policy) {
	p.policies[policy.OrganizationID] = policy
	for _, user := range policy.Exempt {
		if !p.active(policy.OrganizationID, user) {
			p.finds(raceUndead, "an exemption of %s, who is no active member", user)
		}
	}
}

func (p *raceReplay) active(org tenancy.OrganizationID, user tenancy.UserID) bool {
	for _, m := range p.members {
		if m.OrganizationID == org && m.UserID == user && m.Status == tenancy.MembershipActive {
			return true
		}
	}
	return false
}
