package races

import (
	"errors"
	"slices"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/tenancy"
)

// judge looks for what is wrong, now that all is quiet, and counts the tokens that are
// good. It rests on three orders, none of which is a guess: that of commits, which the
// log has; that of calls of which one returned before the other began; and that of a
// session's versions.
func (r *sessionRound) judge() (alive int) {
	p := r.replay()
	r.checkOrder()
	r.checkSeen()
	for _, t := range r.tokens {
		if r.checkToken(p, t) {
			alive++
		}
	}
	return alive
}

// checkToken asks the Service about an entry and about its token, and compares that with what the
// log says of the entry, and of what that rests on.
func (r *sessionRound) checkToken(p *raceReplay, t *raceToken) bool {
	s := p.sessions[t.session.ID]
	if s == nil {
		r.finds(raceIllegal, "the session %s is not in the log", t.session.ID)
		return false
	}
	want := r.due(p, s)
	_, err := r.svc.Sessions.Claims(r.ctx, s.ID, tenancy.ClaimsQuery{})
	got, why := tenancy.CodeOf(err), toldReason(err)
	switch {
	case want == "" && got != "":
		r.finds(raceLost, "%s: %v", s.ID, err)
	case want != "" && got == "":
		r.finds(raceUndead, "%s, which should be %s", s.ID, want)
	case want != "" && (got != tenancy.ErrSessionEnded || why != string(want)):
		r.finds(raceIllegal, "%s: %v, and should be %s", s.ID, err, want)
	}
	if want == tenancy.EndedOrganization && s.live() {
		r.checkRevoked(t)
	}
	r.checkOpens(p, t, want)
	return got == ""
}

// due is why an entry has to have ended; "": it has not.
func (r *sessionRound) due(p *raceReplay, s *raceSession) tenancy.EndReason {
	c := p.connections[s.ConnectionID]
	org, err := r.organization(s.OrganizationID)
	r.NoError(err)
	home, err := r.organization(c.OrganizationID)
	r.NoError(err)
	away := !s.ConnectionID.IsZero() && c.OrganizationID != s.OrganizationID
	speaks := r.domains[servicetest.DomainOf(p.users[s.UserID].Email)] == c.OrganizationID // P6
	switch {
	case !s.live():
		return s.EndReason
	case !p.users[s.UserID].SuspendedAt.IsZero():
		return tenancy.EndedUser
	case !s.ConnectionID.IsZero() && (c.State != tenancy.ConnectionActive || c.SessionsEpoch != s.ConnectionEpoch):
		return tenancy.EndedConnection
	case away && (!speaks || !s.SelectedAt.After(home.SessionsEndedAt)):
		return tenancy.EndedConnection
	case !s.OrganizationID.IsZero() && !s.SelectedAt.After(org.SessionsEndedAt):
		return tenancy.EndedOrganization
	}
	return ""
}

// checkOpens: the token of a client opens each of its entries that lives, and nothing else (M17).
func (r *sessionRound) checkOpens(p *raceReplay, t *raceToken, want tenancy.EndReason) {
	any := false
	for _, s := range p.sessions {
		any = any || s.ClientID == t.session.ClientID && r.due(p, s) == ""
	}
	_, err := r.svc.Sessions.Authenticate(r.ctx, t.raw, servicetest.NowhereYet)
	if any != (err == nil) {
		r.finds(raceLost, "the token of %s, of which an entry lives (%t): %v", t.session.ClientID, any, err)
	}
	if t.session.OrganizationID.IsZero() {
		return
	}
	got, err := r.svc.Sessions.Authenticate(r.ctx, t.raw, t.session.OrganizationID)
	switch opens := err == nil && got.Session.ID == t.session.ID; {
	case opens && want != "":
		r.finds(raceUndead, "the token opens %s, which should be %s", t.session.ID, want)
	case !opens && want == "":
		r.finds(raceLost, "the token does not open %s: %v", t.session.ID, err)
	case err == nil && got.Session.ClientID != t.session.ClientID:
		r.finds(raceIllegal, "the token of %s opens an entry of %s", t.session.ClientID, got.Session.ClientID)
	}
}

// checkRevoked: the instant at which an organization ended its sessions is on its row.
// It ends only those that were there before the call returned.
func (r *sessionRound) checkRevoked(t *raceToken) {
	if !slices.ContainsFunc(r.acts, func(a raceAct) bool {
		return a.op.name == "revoke by organization" && a.code == "" && a.ret > t.call && a.ends(t)
	}) {
		r.finds(raceLost, "%s, of an organization that ended none since", t.session.ID)
	}
}

func (r *sessionRound) organization(id tenancy.OrganizationID) (tenancy.Organization, error) {
	if id.IsZero() {
		return tenancy.Organization{}, nil
	}
	return r.svc.Organizations.Get(r.ctx, id)
}

// checkOrder holds what was seen of tokens against the calls that had ended them: if a
// token is from before such a call, a later call finds it dead.
func (r *sessionRound) checkOrder() {
	for _, end := range r.acts {
		if end.ends == nil {
			continue
		}
		for _, t := range r.tokens {
			if t.ret < end.call && end.ends(t) {
				r.deadFrom(t, end, end.ret)
			}
		}
	}
}

// deadFrom reports every call after an instant to which a token was good.
func (r *sessionRound) deadFrom(t *raceToken, why raceAct, instant int64) {
	for _, a := range r.acts {
		if a.shown == t && a.call > instant && a.good() {
			r.finds(raceUndead, "%q finds good what %q had ended: %s", a.op.name, why.op.name, t.session.ID)
		}
	}
}

// good reports whether a call found the entry good that it looked at.
func (a raceAct) good() bool { return a.code == "" }

// checkSeen reports tokens that were dead once and good later: nothing brings one back.
func (r *sessionRound) checkSeen() {
	for _, a := range r.acts {
		if a.shown != nil && a.code != "" {
			r.deadFrom(a.shown, a, a.ret)
		}
	}
}

// excused reports whether a call explains the end of a session that no other event does:
// its bearer signed out, or all of the user's were revoked. The call must not have
// returned before the session was there.
func (r *sessionRound) excused(s *raceSession) bool {
	return slices.ContainsFunc(r.acts, func(a raceAct) bool {
		if a.code != "" || a.ret < s.begun {
			return false
		}
		switch s.EndReason {
		case tenancy.EndedSignOut:
			return a.op.name == "sign out" && a.client == s.ClientID
		case tenancy.EndedRevoked:
			return a.op.name == "revoke all" && a.user == s.UserID && a.client != s.ClientID
		}
		return false
	})
}

// toldReason is the Reason of an error of the library's.
func toldReason(err error) string {
	var e *tenancy.Error
	if errors.As(err, &e) {
		return e.Reason
	}
	return ""
}
