package rules

import (
	"slices"
	"testing"
	"time"

	"github.com/freehold-dev/freehold/internal/servicetest"
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
	w.T.Helper()
	owner := w.User("owner")
	c := sessionCast{acme: w.Owned("Acme", owner), beta: w.Owned("Beta", owner), ada: w.User("ada"), other: w.User("other")}
	w.Add(c.acme, c.ada)
	w.Add(c.beta, c.ada)
	w.Add(c.acme, c.other)
	c.here, c.there, c.none = w.Session(c.ada, c.acme.ID), w.Session(c.ada, c.beta.ID), w.Session(c.ada, servicetest.NowhereYet)
	var err error
	c.moved, err = w.change(w.Session(c.ada, c.beta.ID).Token, c.acme.ID) // entered acme later, which is current
	w.NoError(err)
	c.left, err = w.change(w.Session(c.ada, c.acme.ID).Token, c.beta.ID) // is here, too, and beta is current
	w.NoError(err)
	c.others = w.Session(c.other, c.acme.ID)
	w.Clock.Advance(time.Second)
	return c
}

func (c sessionCast) all() map[string]tenancy.StartedSession {
	return map[string]tenancy.StartedSession{
		"here": c.here, "there": c.there, "none": c.none, "moved": c.moved, "left": c.left, "others": c.others,
	}
}

var (
	atAcme   = []string{"here"}
	everyone = []string{"here", "others"}
	allOfAda = []string{"here", "there", "none", "moved", "left"}
	// twice are the sessions with an entry into beta, too: they go on without the one into acme.
	twice = []string{"moved", "left"}
)

// ending is a change, the sessions of a sessionCast that it ends, and why.
type ending struct {
	name string
	do   func(w *world, c sessionCast) error
	ends []string
	why  tenancy.EndReason // "" = nothing is left that could say so
}

// loses reports whether a session goes on without its entry into acme (rule M17).
func (e ending) loses(name string) bool {
	return slices.Contains(e.ends, "here") && !slices.Contains(e.ends, name) && slices.Contains(twice, name) && e.why != tenancy.EndedRevoked
}

func endingsTable() []ending {
	member := func(call func(w *world, org tenancy.OrganizationID, user tenancy.UserID) error) func(*world, sessionCast) error {
		return func(w *world, c sessionCast) error { return call(w, c.acme.ID, c.ada.ID) }
	}
	return []ending{
		{"Deactivate", member(func(w *world, o tenancy.OrganizationID, u tenancy.UserID) error { // M4
			_, err := w.Svc.Memberships.Deactivate(w.Ctx, o, u)
			return err
		}), atAcme, tenancy.EndedDeactivated},
		{"Remove", member(func(w *world, o tenancy.OrganizationID, u tenancy.UserID) error { // M6
			return w.Svc.Memberships.Remove(w.Ctx, o, u)
		}), atAcme, tenancy.EndedRemoved},
		{"Leave", member(func(w *world, o tenancy.OrganizationID, u tenancy.UserID) error { // M6
			return w.Svc.Memberships.Leave(w.Ctx, o, u)
		}), atAcme, tenancy.EndedRemoved},
		{"Organizations.Suspend", member(func(w *world, o tenancy.OrganizationID, _ tenancy.UserID) error { // O2
			_, err := w.Svc.Organizations.Suspend(w.Ctx, o)
			return err
		}), everyone, tenancy.EndedOrganization},
		{"Organizations.Archive", member(func(w *world, o tenancy.OrganizationID, _ tenancy.UserID) error { // O2
			_, err := w.Svc.Organizations.Archive(w.Ctx, o)
			return err
		}), everyone, tenancy.EndedOrganization},
		{"Organizations.Delete", member(func(w *world, o tenancy.OrganizationID, _ tenancy.UserID) error { // O2
			return w.Svc.Organizations.Delete(w.Ctx, o)
		}), everyone, tenancy.EndedOrganization},
		{"RevokeByOrganization", member(func(w *world, o tenancy.OrganizationID, _ tenancy.UserID) error {
			return w.Svc.Sessions.RevokeByOrganization(w.Ctx, o)
		}), everyone, tenancy.EndedOrganization},
		{"Users.Suspend", member(func(w *world, _ tenancy.OrganizationID, u tenancy.UserID) error { // U8
			_, err := w.Svc.Users.Suspend(w.Ctx, u)
			return err
		}), allOfAda, tenancy.EndedUser},
		{"Users.Merge, away", func(w *world, c sessionCast) error { // U6
			_, err := w.Svc.Users.Merge(w.Ctx, c.ada.ID, c.other.ID)
			return err
		}, allOfAda, tenancy.EndedMerged},
		{"Users.Merge, of an inactive member into one", func(w *world, c sessionCast) error { // U6
			w.Deactivate(c.acme, c.other)
			_, err := w.Svc.Users.Merge(w.Ctx, c.other.ID, c.ada.ID)
			return err
		}, append([]string{"others"}, atAcme...), tenancy.EndedDeactivated},
		{"Users.Delete", member(func(w *world, _ tenancy.OrganizationID, u tenancy.UserID) error { // U7
			return w.Svc.Users.Delete(w.Ctx, u)
		}), allOfAda, ""},
		{"Users.Erase", member(func(w *world, _ tenancy.OrganizationID, u tenancy.UserID) error { // U7
			return w.Svc.Users.Erase(w.Ctx, u)
		}), allOfAda, ""},
		{"RevokeAll", member(func(w *world, _ tenancy.OrganizationID, u tenancy.UserID) error {
			return w.Svc.Sessions.RevokeAll(w.Ctx, u)
		}), allOfAda, tenancy.EndedRevoked},
		{"RevokeAll but this", func(w *world, c sessionCast) error {
			return w.Svc.Sessions.RevokeAll(w.Ctx, c.ada.ID, c.here.Session.ID, c.others.Session.ID)
		}, []string{"there", "none", "moved", "left"}, tenancy.EndedRevoked},
		{"Revoke", func(w *world, c sessionCast) error {
			return w.Svc.Sessions.Revoke(w.Ctx, c.here.Session.ID)
		}, []string{"here"}, tenancy.EndedRevoked},
		{"SignOut", func(w *world, c sessionCast) error {
			return w.Svc.Sessions.SignOut(w.Ctx, c.moved.Token.Reveal())
		}, []string{"moved"}, tenancy.EndedSignOut},
		{"SetRoles", member(func(w *world, o tenancy.OrganizationID, u tenancy.UserID) error {
			_, err := w.Svc.Memberships.SetRoles(w.Ctx, o, u, rbac.Admin)
			return err
		}), nil, ""},
		{"TransferOwnership", member(func(w *world, o tenancy.OrganizationID, u tenancy.UserID) error {
			return w.Svc.Memberships.TransferOwnership(w.Ctx, o, w.ownerOf(o), u, "")
		}), nil, ""},
		{"Users.Update", member(func(w *world, _ tenancy.OrganizationID, u tenancy.UserID) error {
			_, err := w.Svc.Users.Update(w.Ctx, u, tenancy.UserUpdate{DisplayName: servicetest.Ptr("A")})
			return err
		}), nil, ""},
	}
}

// endings: S2, for every change and every session near it. What has ended stays so,
// though the change be taken back.
func endings(w *world) {
	for _, e := range endingsTable() {
		w.T.Run(e.name, func(t *testing.T) { // each in rows of its own
			w := w.under(t)
			c := newSessionCast(w)
			last, err := w.Svc.Events.Last(w.Ctx)
			w.NoError(err)
			w.NoError(e.do(w, c))
			w.Equal(e.told(), w.endedSince(last))
			check := func() {
				w.T.Helper()
				for name, s := range c.all() {
					if !slices.Contains(e.ends, name) {
						w.outlasts(c, s, e.loses(name))
						continue
					}
					_, err := w.Svc.Sessions.Authenticate(w.Ctx, s.Token.Reveal(), servicetest.NowhereYet)
					if e.why == "" {
						w.Failed(err, tenancy.ErrInvalidToken, "token")
					} else {
						w.Failed(err, tenancy.ErrSessionEnded, "token")
					}
					_, err = w.change(s.Token, servicetest.NowhereYet)
					w.Error(err, name)
				}
			}
			check()
			w.Clock.Advance(time.Second)
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
	told := len(e.ends)
	for _, name := range twice {
		told += btoi(slices.Contains(e.ends, name) || e.loses(name))
	}
	return told
}

// outlasts checks a session that lives. One that loses its entry into acme has no organization
// then, or goes on in beta; nothing but a new entry brings it back to acme.
func (w *world) outlasts(c sessionCast, s tenancy.StartedSession, loses bool) {
	w.T.Helper()
	found := w.lives(s.Token)
	if !loses {
		w.Equal(s.Session.OrganizationID, found.Session.OrganizationID)
		return
	}
	want := c.beta.ID
	if s.Session.OrganizationID == c.acme.ID {
		want = servicetest.NowhereYet
	}
	w.Equal(want, found.Session.OrganizationID)
	w.Equal(want, found.Organization.ID)
	_, err := w.Svc.Sessions.Authenticate(w.Ctx, s.Token.Reveal(), c.acme.ID)
	w.Failed(err, tenancy.ErrNotFound, "")
	there, err := w.Svc.Sessions.Authenticate(w.Ctx, s.Token.Reveal(), c.beta.ID)
	w.NoError(err)
	w.Equal(c.beta.ID, there.Organization.ID)
}

// endedSince counts the sessions that ended after a position.
func (w *world) endedSince(position tenancy.Position) (n int) {
	w.T.Helper()
	for _, event := range w.since(position) {
		if event.Type == tenancy.EventSessionEnded {
			n++
		}
	}
	return n
}

// takeBack makes everybody and everything active again.
func (w *world) takeBack(c sessionCast) {
	w.T.Helper()
	_, _ = w.Svc.Organizations.Resume(w.Ctx, c.acme.ID)
	_, _ = w.Svc.Organizations.Restore(w.Ctx, c.acme.ID)
	_, _ = w.Svc.Users.Unsuspend(w.Ctx, c.ada.ID)
	_, _ = w.Svc.Memberships.Reactivate(w.Ctx, c.acme.ID, c.ada.ID)
	_, _ = w.Svc.Memberships.Add(w.Ctx, servicetest.Adding(c.acme, c.ada))
}

// why: what is kept of the sessions says how they ended.
func (w *world) why(e ending, c sessionCast) {
	w.T.Helper()
	if e.why == "" {
		return
	}
	for name, s := range c.all() {
		if !slices.Contains(e.ends, name) || name == "others" && e.why != tenancy.EndedOrganization {
			continue
		}
		_, err := w.Svc.Sessions.Authenticate(w.Ctx, s.Token.Reveal(), servicetest.NowhereYet)
		w.Equal(string(e.why), w.Failed(err, tenancy.ErrSessionEnded, "token").Reason, name)
	}
}

func (w *world) clean(c sessionCast) {
	w.T.Helper()
	_ = w.Svc.Organizations.Delete(w.Ctx, c.acme.ID)
	_ = w.Svc.Organizations.Delete(w.Ctx, c.beta.ID)
	for _, local := range []string{"owner", "ada", "other"} {
		if user, err := w.Svc.Users.GetByEmail(w.Ctx, local+"@acme.example"); err == nil {
			w.NoError(w.Svc.Users.Delete(w.Ctx, user.ID))
		}
	}
}
