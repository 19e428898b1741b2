package servicetest

import (
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/freehold-dev/freehold/tenancy"
)

// change moves a session to an organization, or to none.
func (w *world) change(token tenancy.Token, org tenancy.OrganizationID) (tenancy.StartedSession, error) {
	return w.svc.Sessions.Switch(w.ctx, token.Reveal(), org)
}

func switchSession(w *world) {
	ada := w.user("ada")
	acme, beta := w.owned("Acme", ada), w.owned("Beta", ada)
	w.lasting(beta, 0, 20*day)
	first := w.session(ada, acme.ID)
	w.clock.advance(time.Hour)
	was := first
	for _, to := range []tenancy.OrganizationID{beta.ID, beta.ID, nowhereYet, acme.ID} {
		w.clock.advance(time.Hour)
		var next tenancy.StartedSession
		told := []event{some(tenancy.EventSessionSwitched)}
		if left := was.Session.OrganizationID; !left.IsZero() && left != to {
			told = append(told, some(tenancy.EventSessionSwitched)) // where it was, first
		}
		got := w.emits(func() (err error) { next, err = w.change(was.Token, to); return err }, told...)
		if len(got) > 1 {
			w.Equal(was.Session.OrganizationID, got[0].OrganizationID)
			w.NotContains(string(got[0].Data), "organization_id")
		}
		w.tells(got[len(got)-1], event{
			kind: tenancy.EventSessionSwitched, org: to, user: ada.ID, subject: first.Session.ID.String(), data: next.Session, previous: anything,
		}.by(ada))
		w.Equal(first.Session.ID.String(), got[0].Through) // G12
		w.NotEqual(was.Token.Reveal(), next.Token.Reveal())
		w.ended(was.Token, tenancy.ErrSessionEnded, "token_replaced") // dead at once
		for _, call := range w.byToken(was.Token.Reveal()) {
			w.refuses(tenancy.ErrSessionEnded, "token", call) // a replay does nothing
		}
		found := w.lives(next.Token)
		w.Equal(next.Session, found.Session)
		w.Equal(to, found.Organization.ID)
		w.Equal(first.Session.ID, found.Session.ID)
		w.Equal(first.Session.CreatedAt, found.Session.CreatedAt)
		w.Equal(w.clock.at, found.Session.SelectedAt)
		longest := 30 * day
		if to == beta.ID {
			longest = 20 * day
		}
		w.Equal(first.Session.CreatedAt.Add(longest), found.Session.ExpiresAt)
		if !to.IsZero() {
			w.Equal(ada.ID, found.Member.UserID)
			w.Equal(w.clock.at, found.Member.LastSignInAt)
		}
		was = next
	}
	w.ended(first.Token, tenancy.ErrSessionEnded, "token_replaced")
}

func switchRefused(w *world) {
	ada, bob := w.user("ada"), w.user("bob")
	acme, beta, other := w.owned("Acme", ada), w.owned("Beta", bob), w.owned("Other", bob)
	shut, stored, strict := w.owned("Shut", ada), w.owned("Stored", ada), w.owned("Strict", ada)
	w.add(beta, ada)
	w.deactivate(beta, ada)
	w.lasting(strict, 0, time.Hour)
	started := w.session(ada, acme.ID)
	_, err := w.svc.Organizations.Suspend(w.ctx, shut.ID)
	w.NoError(err)
	w.archive(stored)
	w.clock.advance(time.Hour)
	for name, c := range map[string]struct {
		org  tenancy.OrganizationID
		code tenancy.Code
	}{
		"inactive": {beta.ID, tenancy.ErrNotFound}, "no member": {other.ID, tenancy.ErrNotFound}, "nowhere": {nowhere, tenancy.ErrNotFound},
		"suspended": {shut.ID, tenancy.ErrOrganizationClosed}, "archived": {stored.ID, tenancy.ErrNotFound},
		"older than it lets any get": {strict.ID, tenancy.ErrSignInRefused},
	} {
		w.each(name, func(w *world) {
			w.refuses(c.code, "", func() error { _, err := w.change(started.Token, c.org); return err })
			w.lives(started.Token)
		})
	}
	// G7: where they are no member, and where there is nothing.
	_, foreign := w.change(started.Token, other.ID)
	_, absent := w.change(started.Token, nowhere)
	told, untold := w.failed(foreign, tenancy.ErrNotFound, ""), w.failed(absent, tenancy.ErrNotFound, "")
	w.Equal(other.ID.String(), told.Key)
	told.Key, untold.Key, told.Err, untold.Err = "", "", nil, nil
	w.Equal(untold, told)
}

func confinedSession(w *world) {
	ada := w.user("ada")
	acme, beta := w.owned("Acme", ada), w.owned("Beta", ada)
	in := starting(ada.ID, acme.ID)
	in.Confined = true
	started, err := w.svc.Sessions.Start(w.ctx, in)
	w.NoError(err)
	for _, to := range []tenancy.OrganizationID{beta.ID, nowhereYet} {
		w.refuses(tenancy.ErrSignInRefused, "", func() error { _, err := w.change(started.Token, to); return err })
	}
	started, err = w.change(started.Token, acme.ID) // where it is
	w.NoError(err)
	w.True(w.lives(started.Token).Session.Confined)
}

// switchRace: of 64 who switch by one token at once, one does.
func switchRace(w *world) {
	w.svc = w.another(func(c *tenancy.Config) { c.Rand = nil }) // the seeded one is for one goroutine
	r := &race{Assertions: w.Assertions, ctx: w.ctx, svc: w.svc}
	ada := w.user("ada")
	orgs := []tenancy.Organization{w.owned("Acme", ada), w.owned("Beta", ada)}
	for range 3 {
		token := w.session(ada, nowhereYet).Token
		var mu sync.Mutex
		var won []tenancy.Token
		codes := r.together(repeat(64, func(i int) error {
			started, err := w.change(token, orgs[i%2].ID)
			if err == nil {
				mu.Lock()
				defer mu.Unlock()
				won = append(won, started.Token)
			}
			return err
		})...)
		w.Equal(1, count(codes, ""))
		w.Equal(63, count(codes, tenancy.ErrSessionEnded))
		w.Len(won, 1)
		w.lives(won[0])
	}
}

// sessionRace: once a call that ends a session has returned, no token of it is any
// good, whatever went on beside it.
func sessionRace(w *world) {
	w.svc = w.another(func(c *tenancy.Config) { c.Rand = nil }) // the seeded one is for one goroutine
	r := &race{Assertions: w.Assertions, ctx: w.ctx, svc: w.svc}
	owner := w.user("owner")
	acme, beta := w.owned("Acme", owner), w.owned("Beta", owner)
	for n := range 12 {
		user := w.user(fmt.Sprintf("racer%d", n))
		w.add(acme, user)
		w.add(beta, user)
		started := w.session(user, acme.ID)
		var mu sync.Mutex
		tokens := []tenancy.Token{started.Token}
		ends := []func() error{
			func() error { return w.svc.Sessions.Revoke(w.ctx, started.Session.ID) },
			func() error { return w.svc.Sessions.RevokeAll(w.ctx, user.ID) },
			func() error { _, err := w.svc.Users.Suspend(w.ctx, user.ID); return err },
			func() error { return w.svc.Users.Delete(w.ctx, user.ID) },
		}
		calls := repeat(6, func(int) error { _, err := w.svc.Sessions.Authenticate(w.ctx, started.Token.Reveal()); return err })
		calls = append(calls, ends[n%len(ends)], func() error {
			_, err := w.svc.Memberships.Deactivate(w.ctx, acme.ID, user.ID)
			return err
		}, func() error {
			next, err := w.change(started.Token, beta.ID)
			if err == nil {
				mu.Lock()
				defer mu.Unlock()
				tokens = append(tokens, next.Token)
			}
			return err
		})
		r.together(calls...)
		for _, token := range tokens {
			_, err := w.svc.Sessions.Authenticate(w.ctx, token.Reveal())
			w.Contains([]tenancy.Code{tenancy.ErrSessionEnded, tenancy.ErrInvalidToken}, tenancy.CodeOf(err), "round %d", n)
		}
	}
}

// switchTells: who runs an organization hears that a session came or left, and nothing of
// where else the person is, or by whose connection they came.
func switchTells(d *door) {
	bob := d.newUser(tenancy.NewUser{Email: "bob@acme.example", EmailVerified: true})
	gamma := d.owned("Gamma", bob)
	d.add(d.acme, bob)
	d.admitting()
	_, err := d.svc.Organizations.Update(d.ctx, d.acme.ID, tenancy.OrganizationUpdate{SessionFor: ptr(20 * day)})
	d.NoError(err)
	got := d.enters(to(d.acme, through(d.okta, "s-1", "bob@acme.example")))
	d.clock.advance(time.Hour)
	next, err := d.change(got.Token, gamma.ID)
	d.NoError(err)
	d.Equal(d.okta.ID, next.Session.ConnectionID)
	_, err = d.change(next.Token, d.acme.ID)
	d.NoError(err)
	for there, secrets := range map[tenancy.OrganizationID][]string{
		gamma.ID:  {d.acme.ID.String(), d.member(d.acme, bob).ID.String(), d.okta.ID.String(), d.identities(bob)[0].ID.String()},
		d.acme.ID: {gamma.ID.String(), d.member(gamma, bob).ID.String()},
	} {
		page, err := d.svc.Events.List(d.ctx, tenancy.EventQuery{OrganizationID: there})
		d.NoError(err)
		text, err := json.Marshal(page)
		d.NoError(err)
		for _, secret := range secrets {
			d.NotContains(string(text), secret)
		}
		switches := 0
		for _, e := range page.Items {
			switches += btoi(e.Type == tenancy.EventSessionSwitched)
		}
		d.Equal(2, switches) // it came, and it left
	}
}
