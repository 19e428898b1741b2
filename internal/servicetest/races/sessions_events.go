package races

import (
	"slices"
	"strings"

	"github.com/freehold-dev/freehold/tenancy"
)

// applySession follows a session through its versions. What the log withholds from an
// organization comes from what the program was told.
func (p *raceReplay) applySession(e tenancy.Event, told tenancy.Session) {
	s := p.sessions[told.ID]
	if s != nil && !s.live() {
		p.finds(raceUndead, "%s of %s, which had ended: %s", e.Type, s.ID, s.EndReason)
		return
	}
	switch e.Type {
	case tenancy.EventSessionStarted, tenancy.EventSessionEntered:
		p.placed(e, told, s)
	case tenancy.EventSessionEnded:
		p.ended(e, told, s)
	}
}

// placed: an entry is made, by a sign-in or from the evidence of another one.
func (p *raceReplay) placed(e tenancy.Event, told tenancy.Session, before *raceSession) {
	t := p.issued[raceIssue{told.ID, told.Version}]
	started := e.Type == tenancy.EventSessionStarted
	if t == nil || before != nil {
		p.finds(raceIllegal, "%s of %s, version %d, which nobody was told", e.Type, told.ID, told.Version)
		return
	}
	s := &raceSession{Session: t.session, begun: t.call, at: e.Position, placed: e.Time}
	if !started {
		p.checkEvidence(e, s)
	}
	for _, other := range p.sessions {
		if other.live() && other.ClientID == s.ClientID && other.OrganizationID == s.OrganizationID {
			p.finds(raceIllegal, "two entries of %s into %s", s.ClientID, s.OrganizationID)
		}
	}
	p.sessions[s.ID] = s
	p.checkPlace(e, s, started)
	if n := p.liveOf(s.UserID); n > raceSessions {
		p.finds(raceUndead, "%d sessions of %s, at most %d", n, s.UserID, raceSessions)
	}
}

// checkEvidence: an entry that no sign-in made has the evidence of one that lived, was not confined, and
// of which a connection was that of this organization (S1, P6).
func (p *raceReplay) checkEvidence(e tenancy.Event, s *raceSession) {
	if s.Confined || !s.ConnectionID.IsZero() && p.connections[s.ConnectionID].OrganizationID != s.OrganizationID {
		p.finds(raceIllegal, "%s of %s by evidence that counts elsewhere", e.Type, s.ID)
	}
	for _, from := range p.sessions {
		ended := from.ended.Equal(e.Time) // in the same transaction: it was replaced, or made room
		if from.ClientID == s.ClientID && from.doomed == "" && (from.live() || ended) && !from.Confined && from.IdentityID == s.IdentityID &&
			from.Method == s.Method && from.ConnectionID == s.ConnectionID && from.SecondFactor == s.SecondFactor && from.ProvedAt.Equal(s.ProvedAt) {
			return
		}
	}
	p.finds(raceUndead, "%s of %s from no entry that lives", e.Type, s.ID)
}

// checkPlace holds a session against what it rests on. Sign-in has the locks of the user,
// of the connection's organization, of the domain's and of the one that is chosen; Enter
// those of the user and of the one that is entered. Only what a lock keeps still is in the
// order of commits.
func (p *raceReplay) checkPlace(e tenancy.Event, s *raceSession, started bool) {
	user, c := p.users[s.UserID], p.connections[s.ConnectionID]
	locked := func(org tenancy.OrganizationID) bool { return started || org == s.OrganizationID }
	if !user.SuspendedAt.IsZero() {
		p.finds(raceUndead, "%s of a suspended user", e.Type)
	}
	if i, linked := p.identities[s.IdentityID]; !s.IdentityID.IsZero() && (!linked || i.UserID != s.UserID) {
		p.finds(raceUndead, "%s by %s, which is not linked", e.Type, s.IdentityID)
	}
	if !s.ConnectionID.IsZero() && locked(c.OrganizationID) && (c.State != tenancy.ConnectionActive || c.SessionsEpoch != s.ConnectionEpoch) {
		p.finds(raceUndead, "%s through %s of epoch %d, which is %s and of epoch %d", e.Type, c.ID, s.ConnectionEpoch, c.State, c.SessionsEpoch)
	}
	if s.Confined && s.OrganizationID != c.OrganizationID {
		p.finds(raceIllegal, "%s of a confined session outside its organization", e.Type)
	}
	if m := p.members[s.MembershipID]; !s.OrganizationID.IsZero() &&
		(m.Status != tenancy.MembershipActive || m.UserID != s.UserID || m.OrganizationID != s.OrganizationID) {
		p.finds(raceUndead, "%s where the user is no active member", e.Type)
	}
	if !s.OrganizationID.IsZero() && !p.satisfiesOrganization(s) {
		p.finds(raceUndead, "%s against the policy of the organization", e.Type)
	}
	_, domain, _ := strings.Cut(strings.ToLower(user.Email), "@")
	if holder := p.domains[domain]; !holder.IsZero() && locked(holder) && !p.satisfiesDomain(holder, s) {
		p.finds(raceUndead, "%s against the policy of the domain", e.Type)
	}
}

// satisfiesOrganization is P3.
func (p *raceReplay) satisfiesOrganization(s *raceSession) bool {
	policy, c := p.policies[s.OrganizationID], p.connections[s.ConnectionID]
	rule := policy.Organization
	own := c.OrganizationID == s.OrganizationID && c.State == tenancy.ConnectionActive
	return !rule.SingleSignOn && (!rule.SecondFactor || s.SecondFactor) || own ||
		slices.Contains(policy.Exempt, s.UserID)
}

// satisfiesDomain is P2.
func (p *raceReplay) satisfiesDomain(holder tenancy.OrganizationID, s *raceSession) bool {
	policy, c := p.policies[holder], p.connections[s.ConnectionID]
	rule := policy.Domain
	method := len(rule.Methods) == 0 || slices.Contains(rule.Methods, s.Method) &&
		(s.Method != tenancy.MethodSingleSignOn || c.OrganizationID == holder)
	return method && (rule.ConnectionID.IsZero() || rule.ConnectionID == s.ConnectionID) ||
		slices.Contains(policy.Exempt, s.UserID)
}

// ended: a session ends, once.
func (p *raceReplay) ended(e tenancy.Event, told tenancy.Session, s *raceSession) {
	if s == nil || told.Version != s.Version+1 || told.OrganizationID != s.OrganizationID {
		p.finds(raceIllegal, "%s of %s, version %d, which is not there", e.Type, told.ID, told.Version)
		return
	}
	if told.EndReason == tenancy.EndedTooMany && p.liveOf(s.UserID) < raceSessions {
		p.finds(raceLost, "%s had to make room, of %d", s.ID, p.liveOf(s.UserID))
	}
	s.Version, s.EndReason, s.ended = told.Version, told.EndReason, e.Time
}

// liveOf counts the sessions of a user that no event has ended.
func (p *raceReplay) liveOf(user tenancy.UserID) (n int) {
	for _, s := range p.sessions {
		if s.live() && s.UserID == user {
			n++
		}
	}
	return n
}

// checkEnds: what had to end a session did, and nothing else.
func (p *raceReplay) checkEnds() {
	for _, s := range p.sessions {
		switch {
		case s.live() && s.doomed != "":
			p.finds(raceUndead, "%s after %s", s.ID, s.doomed)
		case !s.live() && !p.explained(s):
			p.finds(raceLost, "%s: %s", s.ID, s.EndReason)
		}
	}
}

// explained reports whether the end of a session has its cause: an event of the same
// transaction, or a call.
func (p *raceReplay) explained(s *raceSession) bool {
	var cause raceCause
	switch s.EndReason {
	case tenancy.EndedTooMany:
		return true // looked at when it happened
	case tenancy.EndedReplaced:
		for _, by := range p.sessions {
			if by.ID != s.ID && by.ClientID == s.ClientID && by.OrganizationID == s.OrganizationID && by.placed.Equal(s.ended) {
				return true
			}
		}
		return false
	case tenancy.EndedSignOut, tenancy.EndedRevoked:
		return p.excused(s)
	case tenancy.EndedDeactivated:
		cause = raceCause{tenancy.EventMembershipDeactivated, s.MembershipID.String(), s.ended}
	case tenancy.EndedRemoved:
		cause = raceCause{tenancy.EventMembershipRemoved, s.MembershipID.String(), s.ended}
	case tenancy.EndedUnlinked:
		cause = raceCause{tenancy.EventIdentityUnlinked, s.IdentityID.String(), s.ended}
	case tenancy.EndedUser:
		cause = raceCause{tenancy.EventUserSuspended, s.UserID.String(), s.ended}
	case tenancy.EndedTakenOver:
		cause = raceCause{tenancy.EventUserEmailVerified, s.UserID.String(), s.ended}
	case tenancy.EndedEmailChanged:
		cause = raceCause{tenancy.EventUserEmailChanged, s.UserID.String(), s.ended}
	}
	return p.causes[cause]
}
