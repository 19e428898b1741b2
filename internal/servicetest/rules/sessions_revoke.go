package rules

import (
	"fmt"
	"time"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// revokesReplaced: the people of an organization see an entry that a newer sign-in replaced, and end the newer.
func revokesReplaced(d *door) {
	bob, admin := d.visitor(d.acme, "bob@mail.example"), d.visitor(d.acme, "admin@mail.example")
	_, err := d.Svc.Memberships.SetRoles(d.Ctx, d.acme.ID, admin.ID, rbac.Admin)
	d.NoError(err)
	d.Add(d.beta, bob)
	in := servicetest.To(d.acme, servicetest.ByMail(bob.Email))
	old, elsewhere := d.enters(in), d.enters(in)
	_, err = d.enter(old.Token, d.beta)
	d.NoError(err)
	next := d.enters(servicetest.Within(old.Token, in))
	revoke := func(by tenancy.User, id tenancy.SessionID) func() error {
		return func() error { return d.asUser(by).Sessions.Revoke(d.Ctx, id) }
	}
	got := d.emits(revoke(admin, old.Session.ID), some(tenancy.EventSessionEnded))
	d.Equal(next.Session.ID.String(), got[0].Subject)
	d.lacks(next.Token, d.acme)
	d.in(next.Token, d.beta)
	d.in(elsewhere.Token, d.acme)
	d.refuses(tenancy.ErrSignInRefused, "", func() error { _, err := d.enter(next.Token, d.acme); return err })
	d.silent(revoke(admin, old.Session.ID))

	// Nor does that reach whom the actor may not touch (R6).
	boss := servicetest.To(d.acme, servicetest.ByMail(d.owner.Email))
	first := d.enters(boss)
	d.enters(servicetest.Within(first.Token, boss))
	d.refuses(tenancy.ErrForbidden, "roles", revoke(admin, first.Session.ID))
	d.Len(d.live(d.owner), 1)
	d.NoError(d.Svc.Memberships.Leave(d.Ctx, d.acme.ID, bob.ID)) // nothing is in its place
	d.silent(revoke(admin, old.Session.ID))
}

func revokeSession(w *world) {
	ada := w.User("ada")
	acme := w.Owned("Acme", ada)
	started := w.Session(ada, acme.ID)
	w.Clock.Advance(time.Hour)
	revoke := func() error { return w.Svc.Sessions.Revoke(w.Ctx, started.Session.ID) }
	got := w.emits(revoke, some(tenancy.EventSessionEnded))
	kept, err := w.Svc.Sessions.Get(w.Ctx, started.Session.ID)
	w.NoError(err)
	w.Equal(w.Clock.At, kept.EndedAt)
	w.Equal(w.Clock.At, kept.ExpiresAt)
	w.Equal(tenancy.EndedRevoked, kept.EndReason)
	w.tells(got[0], event{
		kind: tenancy.EventSessionEnded, org: acme.ID, user: ada.ID, subject: kept.ID.String(), data: kept,
		previous: w.json(map[string]any{"ended_at": nil, "end_reason": nil, "expires_at": started.Session.ExpiresAt}),
	})
	w.silent(revoke)
	w.silent(func() error { return w.Svc.Sessions.RevokeAll(w.Ctx, ada.ID) })
	w.NotZero(w.Dump().Secrets[0].SpentAt)

	// What ran out has no need to end.
	w.Session(ada, acme.ID)
	w.Clock.Advance(30 * servicetest.Day)
	w.silent(func() error { return w.Svc.Sessions.RevokeAll(w.Ctx, ada.ID) })
}

func revokeByOrganization(w *world) {
	ada := w.User("ada")
	acme, beta := w.Owned("Acme", ada), w.Owned("Beta", ada)
	here, there := w.Session(ada, acme.ID), w.Session(ada, beta.ID)
	revoke := func() error { return w.Svc.Sessions.RevokeByOrganization(w.Ctx, acme.ID) }
	got := w.emits(revoke, some(tenancy.EventOrganizationSessionsEnded))
	after := w.getOrg(acme.ID)
	w.tells(got[0], ofOrg(tenancy.EventOrganizationSessionsEnded, after, ""))
	w.Equal(acme.Version+1, after.Version)
	w.ended(here.Token, tenancy.ErrSessionEnded, string(tenancy.EndedOrganization))
	w.lives(there.Token)
	kept, err := w.Svc.Sessions.Get(w.Ctx, here.Session.ID) // told, though the row does not say it
	w.NoError(err)
	w.Equal(w.Clock.At, kept.EndedAt)
	w.Equal(tenancy.EndedOrganization, kept.EndReason)

	// What begins or comes there afterwards lives, though the clock stand still or be
	// set back, and ends with the next.
	for _, step := range []time.Duration{0, -time.Hour, time.Hour} {
		w.Clock.Advance(step)
		begun, parked := w.Session(ada, acme.ID), w.Session(ada, servicetest.NowhereYet)
		w.lives(begun.Token)
		w.NoError(revoke())
		w.ended(begun.Token, tenancy.ErrSessionEnded, string(tenancy.EndedOrganization))
		_, err := w.change(parked.Token, acme.ID) // what was shown before, as far as a clock tells
		w.Failed(err, tenancy.ErrSignInRefused, "")
	}
}

func revokeAsActor(w *world) {
	h := newHouse(w)
	by := func(local string) tenancy.SessionID { return w.Session(h.people[local], h.acme.ID).Session.ID }
	revoke := func(local string, id tenancy.SessionID) func() error {
		return func() error { return h.as(local).Sessions.Revoke(w.Ctx, id) }
	}
	w.NoError(revoke("member", by("member"))())
	w.NoError(revoke("admin", by("member"))())
	w.NoError(revoke("owner", by("admin"))())
	w.refuses(tenancy.ErrForbidden, "", revoke("member", by("guest")))
	w.refuses(tenancy.ErrForbidden, "roles", revoke("admin", by("owner"))) // R6
	w.refuses(tenancy.ErrNotFound, "", revoke("elsewhere", by("member")))
	none := w.Session(h.people["member"], servicetest.NowhereYet).Session.ID
	w.refuses(tenancy.ErrNotFound, "", revoke("owner", none)) // in no organization: nobody's to see
	w.NoError(revoke("member", none)())
	there := w.Session(h.people["elsewhere"], h.beta.ID).Session.ID
	w.refuses(tenancy.ErrNotFound, "", revoke("owner", there))
	for _, get := range []string{"owner", "stranger"} {
		_, foreign := h.as(get).Sessions.Get(w.Ctx, there)
		_, absent := h.as(get).Sessions.Get(w.Ctx, tenancy.SessionID(servicetest.Nobody))
		told, untold := w.Failed(foreign, tenancy.ErrNotFound, ""), w.Failed(absent, tenancy.ErrNotFound, "")
		told.Key, untold.Key, told.Err, untold.Err = "", "", nil, nil
		w.Equal(untold, told) // G7
	}
	w.NoError(h.as("member").Sessions.RevokeAll(w.Ctx, h.people["member"].ID))
	w.refuses(tenancy.ErrForbidden, "", func() error { return h.as("owner").Sessions.RevokeAll(w.Ctx, h.people["member"].ID) })
	w.NoError(h.as("admin").Sessions.RevokeByOrganization(w.Ctx, h.acme.ID))
}

func sessionLists(w *world) {
	ada, bob := w.User("ada"), w.User("bob")
	acme, beta := w.Owned("Acme", ada), w.Owned("Beta", ada)
	w.Add(acme, bob)
	var mine, here []tenancy.SessionID
	for i := range 7 {
		at := []tenancy.OrganizationID{acme.ID, beta.ID, servicetest.NowhereYet}[i%3]
		s := w.Session(ada, at).Session
		mine = append(mine, s.ID)
		if at == acme.ID {
			here = append(here, s.ID)
		}
	}
	here = append(here, w.Session(bob, acme.ID).Session.ID)
	ended := w.Session(ada, acme.ID)
	w.NoError(w.Svc.Sessions.Revoke(w.Ctx, ended.Session.ID))
	old := w.Another(func(c *tenancy.Config) { c.SessionFor = time.Second })
	short, err := old.Sessions.Start(w.Ctx, servicetest.Starting(ada.ID, acme.ID))
	w.NoError(err)
	w.Clock.Advance(time.Second)
	for _, limit := range []int{1, 2, 50} {
		for _, desc := range []bool{false, true} {
			q := tenancy.SessionQuery{Limit: limit, Descending: desc}
			w.Equal(turned(mine, desc), w.ids(w.Svc.Sessions.AllByUser(w.Ctx, ada.ID, q)))
			w.Equal(turned(here, desc), w.ids(w.Svc.Sessions.All(w.Ctx, acme.ID, q)))
			q.Ended = true
			w.Len(w.ids(w.Svc.Sessions.AllByUser(w.Ctx, ada.ID, q)), len(mine)+2)
			w.Equal(turned(append(here[:len(here):len(here)], ended.Session.ID, short.Session.ID), desc), w.ids(w.Svc.Sessions.All(w.Ctx, acme.ID, q)))
		}
	}
	// What the organization ended at once is not live, nor what it lets get no older.
	w.NoError(w.Svc.Sessions.RevokeByOrganization(w.Ctx, beta.ID))
	w.lasting(acme, time.Minute, 0)
	w.Clock.Advance(time.Minute)
	w.Equal([]tenancy.SessionID{mine[2], mine[5]}, w.ids(w.Svc.Sessions.AllByUser(w.Ctx, ada.ID, tenancy.SessionQuery{})))
	w.Empty(w.ids(w.Svc.Sessions.All(w.Ctx, acme.ID, tenancy.SessionQuery{})))
	page, err := w.Svc.Sessions.List(w.Ctx, beta.ID, tenancy.SessionQuery{Ended: true})
	w.NoError(err)
	for _, s := range page.Items {
		w.Equal(tenancy.EndedOrganization, s.EndReason)
	}
	_, err = w.Svc.Sessions.ListByUser(w.Ctx, ada.ID, tenancy.SessionQuery{Cursor: w.cursor(acme.ID)})
	w.Failed(err, tenancy.ErrInvalidCursor, "cursor")
}

// cursor is one of an organization's list.
func (w *world) cursor(org tenancy.OrganizationID) string {
	w.T.Helper()
	page, err := w.Svc.Sessions.List(w.Ctx, org, tenancy.SessionQuery{Limit: 1, Ended: true})
	w.NoError(err)
	w.NotEmpty(page.Next)
	return page.Next
}

func (w *world) ids(all func(yield func(tenancy.Session, error) bool)) []tenancy.SessionID {
	w.T.Helper()
	var ids []tenancy.SessionID
	for s, err := range all {
		w.NoError(err)
		ids = append(ids, s.ID)
	}
	return ids
}

// turned is a copy of a list, the other way round if desc.
func turned(ids []tenancy.SessionID, desc bool) []tenancy.SessionID {
	list := make([]tenancy.SessionID, len(ids))
	for i, id := range ids {
		if desc {
			list[len(ids)-1-i] = id
		} else {
			list[i] = id
		}
	}
	return list
}

func sweepSessions(w *world) {
	ada := w.User("ada")
	acme, gone := w.Owned("Acme", ada), w.Owned("Gone", ada)
	expired := w.Session(ada, acme.ID) // until day 30
	w.Session(ada, gone.ID)
	w.NoError(w.Svc.Organizations.Delete(w.Ctx, gone.ID)) // its token stays until day 60
	revoked := w.Session(ada, acme.ID)
	w.NoError(w.Svc.Sessions.Revoke(w.Ctx, revoked.Session.ID)) // on day 0
	w.Clock.Advance(30 * servicetest.Day)
	live := w.Session(ada, acme.ID)
	sweep := func(want int) {
		w.T.Helper()
		w.emits(func() error {
			n, err := w.Svc.Sessions.Sweep(w.Ctx)
			w.Equal(want, n)
			return err
		}) // no event: what goes has ended long ago
	}
	sweep(0)
	w.ended(revoked.Token, tenancy.ErrSessionEnded, string(tenancy.EndedRevoked)) // it says so for 30 days
	w.Clock.Advance(time.Microsecond)
	sweep(1) // the session revoked; its token ran out with the others
	w.ended(expired.Token, tenancy.ErrSessionExpired, "")
	w.Clock.Advance(30*servicetest.Day - time.Microsecond)
	sweep(0)
	w.Clock.Advance(time.Microsecond)
	sweep(4) // the session that ran out, and three tokens
	_, err := w.Svc.Sessions.Get(w.Ctx, expired.Session.ID)
	w.Failed(err, tenancy.ErrNotFound, "")
	_, err = w.Svc.Sessions.Authenticate(w.Ctx, expired.Token.Reveal(), servicetest.NowhereYet)
	w.Failed(err, tenancy.ErrInvalidToken, "token")
	w.Equal(live.Session.ID, w.Dump().Sessions[0].ID)
	w.Len(w.Dump().Secrets, 1)
	sweep(0)

	// Bounded: nobody waits for more than some of each.
	many := w.Another(func(c *tenancy.Config) { c.Limits.UserSessions, c.SessionFor = 2000, time.Second })
	for range 501 {
		_, err := many.Sessions.Start(w.Ctx, servicetest.Starting(ada.ID, servicetest.NowhereYet))
		w.NoError(err)
	}
	w.Clock.Advance(61 * servicetest.Day)
	sweep(1000)
	sweep(4) // and the live one from before
	sweep(0)
	w.Empty(w.Dump().Sessions)
	w.Empty(w.Dump().Secrets)
}

// takeOverSessions: whoever made an account with an address that was not theirs has no
// session left once its owner has come.
func takeOverSessions(w *world) {
	trap := w.NewUser(tenancy.NewUser{Email: "victim@acme.example"})
	acme := w.Org("Acme")
	w.Add(acme, trap)
	traps := []tenancy.StartedSession{w.Session(trap, servicetest.NowhereYet), w.Session(trap, acme.ID)}
	victim := google("victim", "victim@acme.example", true)
	found, err := w.Svc.Identities.Resolve(w.Ctx, victim)
	w.NoError(err)
	w.True(found.TookOver)
	for _, s := range traps {
		w.ended(s.Token, tenancy.ErrSessionEnded, string(tenancy.EndedTakenOver))
	}
	// Once it is proved, signing in ends nobody's.
	own := w.Session(trap, acme.ID)
	_, err = w.Svc.Identities.Resolve(w.Ctx, victim)
	w.NoError(err)
	w.lives(own.Token)
}

func eraseSessions(w *world) {
	w.User("owner")
	ada, twin := w.User("ada"), w.User("twin")
	acme := w.Owned("Acme", w.mustFind("owner@acme.example"))
	w.Add(acme, ada)
	for i, user := range []tenancy.User{ada, twin} {
		from := tenancy.WithRequest(w.Ctx, tenancy.Request{UserAgent: fmt.Sprint("Telltale", i)})
		_, err := w.Svc.Sessions.Start(from, servicetest.Starting(user.ID, servicetest.NowhereYet))
		w.NoError(err)
	}
	_, err := w.Svc.Users.Merge(w.Ctx, twin.ID, ada.ID)
	w.NoError(err)
	w.Contains(w.Dump().String(), "Telltale1")
	w.NoError(w.Svc.Users.Erase(w.Ctx, ada.ID))
	d := w.Dump()
	w.Empty(d.Sessions)
	w.Empty(d.Secrets)
	w.NotContains(d.String(), "elltale")
}

// sessionSecrets: the raw token is nowhere but in the hand of whoever got it.
func sessionSecrets(w *world) {
	ada := w.User("ada")
	acme := w.Owned("Acme", ada)
	w.Add(acme, w.User("bob"), rbac.Admin)
	first := w.Session(ada, acme.ID)
	next, err := w.change(first.Token, servicetest.NowhereYet)
	w.NoError(err)
	found := w.lives(next.Token)
	claims, err := w.Svc.Sessions.Claims(w.Ctx, next.Session.ID, tenancy.ClaimsQuery{})
	w.NoError(err)
	page, err := w.Svc.Sessions.ListByUser(w.Ctx, ada.ID, tenancy.SessionQuery{})
	w.NoError(err)
	_, dead := w.Svc.Sessions.Authenticate(w.Ctx, first.Token.Reveal(), servicetest.NowhereYet)
	w.NoError(w.Svc.Sessions.SignOut(w.Ctx, next.Token.Reveal()))
	_, over := w.Svc.Sessions.Authenticate(w.Ctx, next.Token.Reveal(), servicetest.NowhereYet)
	d := w.Dump()
	shown := d.String() + w.json(d.Events) + w.json(found) + w.json(claims) + w.json(page) + w.json(next) +
		fmt.Sprintf("%v %+v %#v %v %v", next, next, first, dead, over)
	for _, token := range []tenancy.Token{first.Token, next.Token} {
		w.NotContains(shown, token.Reveal())
		w.NotContains(shown, token.Reveal()[len("session_"):])
	}
	for _, s := range d.Secrets { // nor its hash outside the table of secrets
		w.NotContains(w.json(d.Events)+w.json(found)+w.json(page), s.Hash)
	}
}
