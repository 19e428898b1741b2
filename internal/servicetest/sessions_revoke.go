package servicetest

import (
	"fmt"
	"time"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

func revokeSession(w *world) {
	ada := w.user("ada")
	acme := w.owned("Acme", ada)
	started := w.session(ada, acme.ID)
	w.clock.advance(time.Hour)
	revoke := func() error { return w.svc.Sessions.Revoke(w.ctx, started.Session.ID) }
	got := w.emits(revoke, some(tenancy.EventSessionEnded))
	kept, err := w.svc.Sessions.Get(w.ctx, started.Session.ID)
	w.NoError(err)
	w.Equal(w.clock.at, kept.EndedAt)
	w.Equal(w.clock.at, kept.ExpiresAt)
	w.Equal(tenancy.EndedRevoked, kept.EndReason)
	w.tells(got[0], event{
		kind: tenancy.EventSessionEnded, org: acme.ID, user: ada.ID, subject: kept.ID.String(), data: kept,
		previous: w.json(map[string]any{"ended_at": nil, "end_reason": nil, "expires_at": started.Session.ExpiresAt}),
	})
	w.silent(revoke)
	w.silent(func() error { return w.svc.Sessions.RevokeAll(w.ctx, ada.ID) })
	w.NotZero(w.dump().Secrets[0].SpentAt)

	// What ran out has no need to end.
	w.session(ada, acme.ID)
	w.clock.advance(30 * day)
	w.silent(func() error { return w.svc.Sessions.RevokeAll(w.ctx, ada.ID) })
}

func revokeByOrganization(w *world) {
	ada := w.user("ada")
	acme, beta := w.owned("Acme", ada), w.owned("Beta", ada)
	here, there := w.session(ada, acme.ID), w.session(ada, beta.ID)
	revoke := func() error { return w.svc.Sessions.RevokeByOrganization(w.ctx, acme.ID) }
	got := w.emits(revoke, some(tenancy.EventOrganizationSessionsEnded))
	after := w.getOrg(acme.ID)
	w.tells(got[0], ofOrg(tenancy.EventOrganizationSessionsEnded, after, ""))
	w.Equal(acme.Version+1, after.Version)
	w.ended(here.Token, tenancy.ErrSessionEnded, string(tenancy.EndedOrganization))
	w.lives(there.Token)
	kept, err := w.svc.Sessions.Get(w.ctx, here.Session.ID) // told, though the row does not say it
	w.NoError(err)
	w.Equal(w.clock.at, kept.EndedAt)
	w.Equal(tenancy.EndedOrganization, kept.EndReason)

	// What begins or comes there afterwards lives, though the clock stand still or be
	// set back, and ends with the next.
	for _, step := range []time.Duration{0, -time.Hour, time.Hour} {
		w.clock.advance(step)
		begun, came := w.session(ada, acme.ID), w.session(ada, nowhereYet)
		came, err := w.change(came.Token, acme.ID)
		w.NoError(err)
		w.lives(begun.Token)
		w.lives(came.Token)
		w.NoError(revoke())
		w.ended(begun.Token, tenancy.ErrSessionEnded, string(tenancy.EndedOrganization))
		w.ended(came.Token, tenancy.ErrSessionEnded, string(tenancy.EndedOrganization))
	}
}

func revokeAsActor(w *world) {
	h := newHouse(w)
	by := func(local string) tenancy.SessionID { return w.session(h.people[local], h.acme.ID).Session.ID }
	revoke := func(local string, id tenancy.SessionID) func() error {
		return func() error { return h.as(local).Sessions.Revoke(w.ctx, id) }
	}
	w.NoError(revoke("member", by("member"))())
	w.NoError(revoke("admin", by("member"))())
	w.NoError(revoke("owner", by("admin"))())
	w.refuses(tenancy.ErrForbidden, "", revoke("member", by("guest")))
	w.refuses(tenancy.ErrForbidden, "roles", revoke("admin", by("owner"))) // R6
	w.refuses(tenancy.ErrNotFound, "", revoke("elsewhere", by("member")))
	none := w.session(h.people["member"], nowhereYet).Session.ID
	w.refuses(tenancy.ErrNotFound, "", revoke("owner", none)) // in no organization: nobody's to see
	w.NoError(revoke("member", none)())
	there := w.session(h.people["elsewhere"], h.beta.ID).Session.ID
	w.refuses(tenancy.ErrNotFound, "", revoke("owner", there))
	for _, get := range []string{"owner", "stranger"} {
		_, foreign := h.as(get).Sessions.Get(w.ctx, there)
		_, absent := h.as(get).Sessions.Get(w.ctx, tenancy.SessionID(nobody))
		told, untold := w.failed(foreign, tenancy.ErrNotFound, ""), w.failed(absent, tenancy.ErrNotFound, "")
		told.Key, untold.Key, told.Err, untold.Err = "", "", nil, nil
		w.Equal(untold, told) // G7
	}
	w.NoError(h.as("member").Sessions.RevokeAll(w.ctx, h.people["member"].ID))
	w.refuses(tenancy.ErrForbidden, "", func() error { return h.as("owner").Sessions.RevokeAll(w.ctx, h.people["member"].ID) })
	w.NoError(h.as("admin").Sessions.RevokeByOrganization(w.ctx, h.acme.ID))
}

func sessionLists(w *world) {
	ada, bob := w.user("ada"), w.user("bob")
	acme, beta := w.owned("Acme", ada), w.owned("Beta", ada)
	w.add(acme, bob)
	var mine, here []tenancy.SessionID
	for i := range 7 {
		at := []tenancy.OrganizationID{acme.ID, beta.ID, nowhereYet}[i%3]
		s := w.session(ada, at).Session
		mine = append(mine, s.ID)
		if at == acme.ID {
			here = append(here, s.ID)
		}
	}
	here = append(here, w.session(bob, acme.ID).Session.ID)
	ended, err := w.change(w.session(ada, nowhereYet).Token, acme.ID)
	w.NoError(err)
	w.NoError(w.svc.Sessions.Revoke(w.ctx, ended.Session.ID))
	old := w.another(func(c *tenancy.Config) { c.SessionFor = time.Second })
	short, err := old.Sessions.Start(w.ctx, starting(ada.ID, acme.ID))
	w.NoError(err)
	w.clock.advance(time.Second)
	for _, limit := range []int{1, 2, 50} {
		for _, desc := range []bool{false, true} {
			q := tenancy.SessionQuery{Limit: limit, Descending: desc}
			w.Equal(turned(mine, desc), w.ids(w.svc.Sessions.AllByUser(w.ctx, ada.ID, q)))
			w.Equal(turned(here, desc), w.ids(w.svc.Sessions.All(w.ctx, acme.ID, q)))
			q.Ended = true
			w.Len(w.ids(w.svc.Sessions.AllByUser(w.ctx, ada.ID, q)), len(mine)+2)
			w.Equal(turned(append(here[:len(here):len(here)], ended.Session.ID, short.Session.ID), desc), w.ids(w.svc.Sessions.All(w.ctx, acme.ID, q)))
		}
	}
	// What the organization ended at once is not live, nor what it lets get no older.
	w.NoError(w.svc.Sessions.RevokeByOrganization(w.ctx, beta.ID))
	w.lasting(acme, time.Minute, 0)
	w.clock.advance(time.Minute)
	w.Equal([]tenancy.SessionID{mine[2], mine[5]}, w.ids(w.svc.Sessions.AllByUser(w.ctx, ada.ID, tenancy.SessionQuery{})))
	w.Empty(w.ids(w.svc.Sessions.All(w.ctx, acme.ID, tenancy.SessionQuery{})))
	page, err := w.svc.Sessions.List(w.ctx, beta.ID, tenancy.SessionQuery{Ended: true})
	w.NoError(err)
	for _, s := range page.Items {
		w.Equal(tenancy.EndedOrganization, s.EndReason)
	}
	_, err = w.svc.Sessions.ListByUser(w.ctx, ada.ID, tenancy.SessionQuery{Cursor: w.cursor(acme.ID)})
	w.failed(err, tenancy.ErrInvalidCursor, "cursor")
}

// cursor is one of an organization's list.
func (w *world) cursor(org tenancy.OrganizationID) string {
	w.t.Helper()
	page, err := w.svc.Sessions.List(w.ctx, org, tenancy.SessionQuery{Limit: 1, Ended: true})
	w.NoError(err)
	w.NotEmpty(page.Next)
	return page.Next
}

func (w *world) ids(all func(yield func(tenancy.Session, error) bool)) []tenancy.SessionID {
	w.t.Helper()
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
	ada := w.user("ada")
	acme, gone := w.owned("Acme", ada), w.owned("Gone", ada)
	expired := w.session(ada, acme.ID) // until day 30
	w.session(ada, gone.ID)
	w.NoError(w.svc.Organizations.Delete(w.ctx, gone.ID)) // its token stays until day 60
	revoked := w.session(ada, acme.ID)
	w.NoError(w.svc.Sessions.Revoke(w.ctx, revoked.Session.ID)) // on day 0
	w.clock.advance(30 * day)
	live := w.session(ada, acme.ID)
	sweep := func(want int) {
		w.t.Helper()
		w.emits(func() error {
			n, err := w.svc.Sessions.Sweep(w.ctx)
			w.Equal(want, n)
			return err
		}) // no event: what goes has ended long ago
	}
	sweep(0)
	w.ended(revoked.Token, tenancy.ErrSessionEnded, string(tenancy.EndedRevoked)) // it says so for 30 days
	w.clock.advance(time.Microsecond)
	sweep(1) // the session revoked; its token ran out with the others
	w.ended(expired.Token, tenancy.ErrSessionExpired, "")
	w.clock.advance(30*day - time.Microsecond)
	sweep(0)
	w.clock.advance(time.Microsecond)
	sweep(4) // the session that ran out, and three tokens
	_, err := w.svc.Sessions.Get(w.ctx, expired.Session.ID)
	w.failed(err, tenancy.ErrNotFound, "")
	_, err = w.svc.Sessions.Authenticate(w.ctx, expired.Token.Reveal())
	w.failed(err, tenancy.ErrInvalidToken, "token")
	w.Equal(live.Session.ID, w.dump().Sessions[0].ID)
	w.Len(w.dump().Secrets, 1)
	sweep(0)

	// Bounded: nobody waits for more than some of each.
	many := w.another(func(c *tenancy.Config) { c.Limits.UserSessions, c.SessionFor = 2000, time.Second })
	for range 501 {
		_, err := many.Sessions.Start(w.ctx, starting(ada.ID, nowhereYet))
		w.NoError(err)
	}
	w.clock.advance(61 * day)
	sweep(1000)
	sweep(4) // and the live one from before
	sweep(0)
	w.Empty(w.dump().Sessions)
	w.Empty(w.dump().Secrets)
}

// takeOverSessions: whoever made an account with an address that was not theirs has no
// session left once its owner has come.
func takeOverSessions(w *world) {
	trap := w.newUser(tenancy.NewUser{Email: "victim@acme.example"})
	acme := w.org("Acme")
	w.add(acme, trap)
	traps := []tenancy.StartedSession{w.session(trap, nowhereYet), w.session(trap, acme.ID)}
	victim := google("victim", "victim@acme.example", true)
	found, err := w.svc.Identities.Resolve(w.ctx, victim)
	w.NoError(err)
	w.True(found.TookOver)
	for _, s := range traps {
		w.ended(s.Token, tenancy.ErrSessionEnded, string(tenancy.EndedTakenOver))
	}
	// Once it is proved, signing in ends nobody's.
	own := w.session(trap, acme.ID)
	_, err = w.svc.Identities.Resolve(w.ctx, victim)
	w.NoError(err)
	w.lives(own.Token)
}

func eraseSessions(w *world) {
	w.user("owner")
	ada, twin := w.user("ada"), w.user("twin")
	acme := w.owned("Acme", w.mustFind("owner@acme.example"))
	w.add(acme, ada)
	for i, user := range []tenancy.User{ada, twin} {
		from := tenancy.WithRequest(w.ctx, tenancy.Request{UserAgent: fmt.Sprint("Telltale", i)})
		_, err := w.svc.Sessions.Start(from, starting(user.ID, nowhereYet))
		w.NoError(err)
	}
	_, err := w.svc.Users.Merge(w.ctx, twin.ID, ada.ID)
	w.NoError(err)
	w.Contains(w.dump().String(), "Telltale1")
	w.NoError(w.svc.Users.Erase(w.ctx, ada.ID))
	d := w.dump()
	w.Empty(d.Sessions)
	w.Empty(d.Secrets)
	w.NotContains(d.String(), "elltale")
}

// sessionSecrets: the raw token is nowhere but in the hand of whoever got it.
func sessionSecrets(w *world) {
	ada := w.user("ada")
	acme := w.owned("Acme", ada)
	w.add(acme, w.user("bob"), rbac.Admin)
	first := w.session(ada, acme.ID)
	next, err := w.change(first.Token, nowhereYet)
	w.NoError(err)
	found := w.lives(next.Token)
	claims, err := w.svc.Sessions.Claims(w.ctx, next.Session.ID, tenancy.ClaimsQuery{})
	w.NoError(err)
	page, err := w.svc.Sessions.ListByUser(w.ctx, ada.ID, tenancy.SessionQuery{})
	w.NoError(err)
	_, dead := w.svc.Sessions.Authenticate(w.ctx, first.Token.Reveal())
	w.NoError(w.svc.Sessions.SignOut(w.ctx, next.Token.Reveal()))
	_, over := w.svc.Sessions.Authenticate(w.ctx, next.Token.Reveal())
	d := w.dump()
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
