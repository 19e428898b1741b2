package servicetest

import (
	"slices"
	"testing"
	"time"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// sessionCast are sessions of all kinds around one member of one organization.
type sessionCast struct {
	acme, beta                             tenancy.Organization
	ada, other                             tenancy.User // ada is a member of acme and beta; other of acme
	here, there, none, moved, left, others tenancy.StartedSession
}

func newSessionCast(w *world) sessionCast {
	w.t.Helper()
	owner := w.user("owner")
	c := sessionCast{acme: w.owned("Acme", owner), beta: w.owned("Beta", owner), ada: w.user("ada"), other: w.user("other")}
	w.add(c.acme, c.ada)
	w.add(c.beta, c.ada)
	w.add(c.acme, c.other)
	c.here, c.there, c.none = w.session(c.ada, c.acme.ID), w.session(c.ada, c.beta.ID), w.session(c.ada, nowhereYet)
	var err error
	c.moved, err = w.change(w.session(c.ada, c.beta.ID).Token, c.acme.ID) // came here later
	w.NoError(err)
	c.left, err = w.change(w.session(c.ada, c.acme.ID).Token, c.beta.ID) // was here once
	w.NoError(err)
	c.others = w.session(c.other, c.acme.ID)
	w.clock.advance(time.Second)
	return c
}

func (c sessionCast) all() map[string]tenancy.StartedSession {
	return map[string]tenancy.StartedSession{
		"here": c.here, "there": c.there, "none": c.none, "moved": c.moved, "left": c.left, "others": c.others,
	}
}

var (
	atAcme   = []string{"here", "moved"}
	everyone = []string{"here", "moved", "others"}
	allOfAda = []string{"here", "there", "none", "moved", "left"}
)

// ending is a change, the sessions of a sessionCast that it ends, and why.
type ending struct {
	name string
	do   func(w *world, c sessionCast) error
	ends []string
	why  tenancy.EndReason // "" = nothing is left that could say so
}

func endingsTable() []ending {
	member := func(call func(w *world, org tenancy.OrganizationID, user tenancy.UserID) error) func(*world, sessionCast) error {
		return func(w *world, c sessionCast) error { return call(w, c.acme.ID, c.ada.ID) }
	}
	return []ending{
		{"Deactivate", member(func(w *world, o tenancy.OrganizationID, u tenancy.UserID) error { // M4
			_, err := w.svc.Memberships.Deactivate(w.ctx, o, u)
			return err
		}), atAcme, tenancy.EndedDeactivated},
		{"Remove", member(func(w *world, o tenancy.OrganizationID, u tenancy.UserID) error { // M6
			return w.svc.Memberships.Remove(w.ctx, o, u)
		}), atAcme, tenancy.EndedRemoved},
		{"Leave", member(func(w *world, o tenancy.OrganizationID, u tenancy.UserID) error { // M6
			return w.svc.Memberships.Leave(w.ctx, o, u)
		}), atAcme, tenancy.EndedRemoved},
		{"Organizations.Suspend", member(func(w *world, o tenancy.OrganizationID, _ tenancy.UserID) error { // O2
			_, err := w.svc.Organizations.Suspend(w.ctx, o)
			return err
		}), everyone, tenancy.EndedOrganization},
		{"Organizations.Archive", member(func(w *world, o tenancy.OrganizationID, _ tenancy.UserID) error { // O2
			_, err := w.svc.Organizations.Archive(w.ctx, o)
			return err
		}), everyone, tenancy.EndedOrganization},
		{"Organizations.Delete", member(func(w *world, o tenancy.OrganizationID, _ tenancy.UserID) error { // O2
			return w.svc.Organizations.Delete(w.ctx, o)
		}), everyone, tenancy.EndedOrganization},
		{"RevokeByOrganization", member(func(w *world, o tenancy.OrganizationID, _ tenancy.UserID) error {
			return w.svc.Sessions.RevokeByOrganization(w.ctx, o)
		}), everyone, tenancy.EndedOrganization},
		{"Users.Suspend", member(func(w *world, _ tenancy.OrganizationID, u tenancy.UserID) error { // U8
			_, err := w.svc.Users.Suspend(w.ctx, u)
			return err
		}), allOfAda, tenancy.EndedUser},
		{"Users.Merge, away", func(w *world, c sessionCast) error { // U6
			_, err := w.svc.Users.Merge(w.ctx, c.ada.ID, c.other.ID)
			return err
		}, allOfAda, tenancy.EndedMerged},
		{"Users.Merge, of an inactive member into one", func(w *world, c sessionCast) error { // U6
			w.deactivate(c.acme, c.other)
			_, err := w.svc.Users.Merge(w.ctx, c.other.ID, c.ada.ID)
			return err
		}, append([]string{"others"}, atAcme...), tenancy.EndedDeactivated},
		{"Users.Delete", member(func(w *world, _ tenancy.OrganizationID, u tenancy.UserID) error { // U7
			return w.svc.Users.Delete(w.ctx, u)
		}), allOfAda, ""},
		{"Users.Erase", member(func(w *world, _ tenancy.OrganizationID, u tenancy.UserID) error { // U7
			return w.svc.Users.Erase(w.ctx, u)
		}), allOfAda, ""},
		{"RevokeAll", member(func(w *world, _ tenancy.OrganizationID, u tenancy.UserID) error {
			return w.svc.Sessions.RevokeAll(w.ctx, u)
		}), allOfAda, tenancy.EndedRevoked},
		{"RevokeAll but this", func(w *world, c sessionCast) error {
			return w.svc.Sessions.RevokeAll(w.ctx, c.ada.ID, c.here.Session.ID, c.others.Session.ID)
		}, []string{"there", "none", "moved", "left"}, tenancy.EndedRevoked},
		{"Revoke", func(w *world, c sessionCast) error {
			return w.svc.Sessions.Revoke(w.ctx, c.here.Session.ID)
		}, []string{"here"}, tenancy.EndedRevoked},
		{"SignOut", func(w *world, c sessionCast) error {
			return w.svc.Sessions.SignOut(w.ctx, c.moved.Token.Reveal())
		}, []string{"moved"}, tenancy.EndedSignOut},
		{"SetRoles", member(func(w *world, o tenancy.OrganizationID, u tenancy.UserID) error {
			_, err := w.svc.Memberships.SetRoles(w.ctx, o, u, rbac.Admin)
			return err
		}), nil, ""},
		{"TransferOwnership", member(func(w *world, o tenancy.OrganizationID, u tenancy.UserID) error {
			return w.svc.Memberships.TransferOwnership(w.ctx, o, w.ownerOf(o), u, "")
		}), nil, ""},
		{"Users.Update", member(func(w *world, _ tenancy.OrganizationID, u tenancy.UserID) error {
			_, err := w.svc.Users.Update(w.ctx, u, tenancy.UserUpdate{DisplayName: ptr("A")})
			return err
		}), nil, ""},
	}
}

// endings: S2, for every change and every session near it. What has ended stays so,
// though the change be taken back.
func endings(w *world) {
	for _, e := range endingsTable() {
		w.t.Run(e.name, func(t *testing.T) { // each in rows of its own
			w := w.under(t)
			c := newSessionCast(w)
			last, err := w.svc.Events.Last(w.ctx)
			w.NoError(err)
			w.NoError(e.do(w, c))
			w.Equal(e.told(), w.endedSince(last))
			check := func() {
				w.t.Helper()
				for name, s := range c.all() {
					if !slices.Contains(e.ends, name) {
						w.lives(s.Token)
						continue
					}
					_, err := w.svc.Sessions.Authenticate(w.ctx, s.Token.Reveal())
					if e.why == "" {
						w.failed(err, tenancy.ErrInvalidToken, "token")
					} else {
						w.failed(err, tenancy.ErrSessionEnded, "token")
					}
					_, err = w.change(s.Token, nowhereYet)
					w.Error(err, name)
				}
			}
			check()
			w.clock.advance(time.Second)
			w.takeBack(c)
			check()
			w.why(e, c)
			w.clean(c)
		})
	}
}

// told is how many events the endings of a change are: one each, unless they go with an
// organization or with their user.
func (e ending) told() int {
	if e.why == "" || e.why == tenancy.EndedOrganization {
		return 0
	}
	return len(e.ends)
}

// endedSince counts the sessions that ended after a position.
func (w *world) endedSince(position tenancy.Position) (n int) {
	w.t.Helper()
	for _, event := range w.since(position) {
		if event.Type == tenancy.EventSessionEnded {
			n++
		}
	}
	return n
}

// takeBack makes everybody and everything active again.
func (w *world) takeBack(c sessionCast) {
	w.t.Helper()
	_, _ = w.svc.Organizations.Resume(w.ctx, c.acme.ID)
	_, _ = w.svc.Organizations.Restore(w.ctx, c.acme.ID)
	_, _ = w.svc.Users.Unsuspend(w.ctx, c.ada.ID)
	_, _ = w.svc.Memberships.Reactivate(w.ctx, c.acme.ID, c.ada.ID)
	_, _ = w.svc.Memberships.Add(w.ctx, adding(c.acme, c.ada))
}

// why: what is kept of the sessions says how they ended.
func (w *world) why(e ending, c sessionCast) {
	w.t.Helper()
	if e.why == "" {
		return
	}
	for name, s := range c.all() {
		if !slices.Contains(e.ends, name) || name == "others" && e.why != tenancy.EndedOrganization {
			continue
		}
		_, err := w.svc.Sessions.Authenticate(w.ctx, s.Token.Reveal())
		w.Equal(string(e.why), w.failed(err, tenancy.ErrSessionEnded, "token").Reason, name)
	}
}

func (w *world) clean(c sessionCast) {
	w.t.Helper()
	_ = w.svc.Organizations.Delete(w.ctx, c.acme.ID)
	_ = w.svc.Organizations.Delete(w.ctx, c.beta.ID)
	for _, local := range []string{"owner", "ada", "other"} {
		if user, err := w.svc.Users.GetByEmail(w.ctx, local+"@acme.example"); err == nil {
			w.NoError(w.svc.Users.Delete(w.ctx, user.ID))
		}
	}
}
