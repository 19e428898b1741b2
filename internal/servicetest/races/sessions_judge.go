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

// checkToken asks the Service about a token, and compares that with what the log says
// of its session, and of what that rests on.
func (r *sessionRound) checkToken(p *raceReplay, t *raceToken) bool {
	s := p.sessions[t.session.ID]
	if s == nil {
		r.finds(raceIllegal, "the session %s is not in the log", t.session.ID)
		return false
	}
	c := p.connections[s.ConnectionID]
	org, err := r.organization(s.OrganizationID)
	r.NoError(err)
	home, err := r.organization(c.OrganizationID)
	r.NoError(err)
	away := !s.ConnectionID.IsZero() && c.OrganizationID != s.OrganizationID
	speaks := r.domains[servicetest.DomainOf(p.users[s.UserID].Email)] == c.OrganizationID // P6
	var want tenancy.EndReason
	switch {
	case !s.live():
		want = s.EndReason
	case s.Version != t.session.Version:
		want = "token_replaced"
	case !p.users[s.UserID].SuspendedAt.IsZero():
		want = tenancy.EndedUser
	case !s.ConnectionID.IsZero() && (c.State != tenancy.ConnectionActive || c.SessionsEpoch != s.ConnectionEpoch):
		want = tenancy.EndedConnection
	case away && (!speaks || !t.session.SelectedAt.After(home.SessionsEndedAt)):
		want = tenancy.EndedConnection
	case !s.OrganizationID.IsZero() && !t.session.SelectedAt.After(org.SessionsEndedAt):
		want = tenancy.EndedOrganization
		r.checkRevoked(t)
	}
	_, err = r.svc.Sessions.Authenticate(r.ctx, t.raw)
	got, why := tenancy.CodeOf(err), toldReason(err)
	switch {
	case want == "" && got != "":
		r.finds(raceLost, "%s, version %d: %v", s.ID, t.session.Version, err)
	case want != "" && got == "":
		r.finds(raceUndead, "%s, version %d, which should be %s", s.ID, t.session.Version, want)
	case want != "" && (got != tenancy.ErrSessionEnded || why != string(want)):
		r.finds(raceIllegal, "%s, version %d: %v, and should be %s", s.ID, t.session.Version, err, want)
	}
	return got == ""
}

// checkRevoked: the instant at which an organization ended its sessions is on its row.
// It ends only those that were there before the call returned.
func (r *sessionRound) checkRevoked(t *raceToken) {
	if !slices.ContainsFunc(r.acts, func(a raceAct) bool {
		return a.op.name == "revoke by organization" && a.code == "" && a.ret > t.call && a.ends(t)
	}) {
		r.finds(raceLost, "%s, version %d, of an organization that ended none since", t.session.ID, t.session.Version)
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
			r.finds(raceUndead, "%q finds good what %q had ended: %s, version %d", a.op.name, why.op.name, t.session.ID, t.session.Version)
		}
	}
}

// good reports whether a call found the session good that it brought. Switch does also
// where it is refused for the place, and SignOut never looks.
func (a raceAct) good() bool {
	switch a.op.name {
	case "sign out":
		return false
	case "switch":
		return a.code != tenancy.ErrSessionEnded
	}
	return a.code == ""
}

// checkSeen reports tokens that were dead once and good later: nothing brings one back.
func (r *sessionRound) checkSeen() {
	for _, a := range r.acts {
		if a.shown != nil && a.code == tenancy.ErrSessionEnded {
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
			return a.op.name == "sign out" && a.shown.session.ID == s.ID
		case tenancy.EndedRevoked:
			return a.op.name == "revoke all" && a.user == s.UserID && a.kept != s.ID
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
