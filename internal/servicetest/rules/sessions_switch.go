package rules

import (
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/tenancy"
)

// change moves a session to an organization, or to none.
func (w *world) change(token tenancy.Token, org tenancy.OrganizationID) (tenancy.StartedSession, error) {
	return w.Svc.Sessions.Switch(w.Ctx, token.Reveal(), org)
}

func switchSession(w *world) {
	ada := w.User("ada")
	acme, beta := w.Owned("Acme", ada), w.Owned("Beta", ada)
	w.lasting(beta, 0, 20*servicetest.Day)
	first := w.Session(ada, acme.ID)
	w.Clock.Advance(time.Hour)
	was := first
	for _, to := range []tenancy.OrganizationID{beta.ID, beta.ID, servicetest.NowhereYet, acme.ID} {
		w.Clock.Advance(time.Hour)
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
		w.Equal(w.Clock.At, found.Session.SelectedAt)
		longest := 30 * servicetest.Day
		if to == beta.ID {
			longest = 20 * servicetest.Day
		}
		w.Equal(first.Session.CreatedAt.Add(longest), found.Session.ExpiresAt)
		if !to.IsZero() {
			w.Equal(ada.ID, found.Member.UserID)
			w.Equal(w.Clock.At, found.Member.LastSignInAt)
		}
		was = next
	}
	w.ended(first.Token, tenancy.ErrSessionEnded, "token_replaced")
}

func switchRefused(w *world) {
	ada, bob := w.User("ada"), w.User("bob")
	acme, beta, other := w.Owned("Acme", ada), w.Owned("Beta", bob), w.Owned("Other", bob)
	shut, stored, strict := w.Owned("Shut", ada), w.Owned("Stored", ada), w.Owned("Strict", ada)
	w.Add(beta, ada)
	w.Deactivate(beta, ada)
	w.lasting(strict, 0, time.Hour)
	started := w.Session(ada, acme.ID)
	_, err := w.Svc.Organizations.Suspend(w.Ctx, shut.ID)
	w.NoError(err)
	w.Archive(stored)
	w.Clock.Advance(time.Hour)
	for name, c := range map[string]struct {
		org  tenancy.OrganizationID
		code tenancy.Code
	}{
		"inactive": {beta.ID, tenancy.ErrNotFound}, "no member": {other.ID, tenancy.ErrNotFound}, "nowhere": {servicetest.Nowhere, tenancy.ErrNotFound},
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
	_, absent := w.change(started.Token, servicetest.Nowhere)
	told, untold := w.Failed(foreign, tenancy.ErrNotFound, ""), w.Failed(absent, tenancy.ErrNotFound, "")
	w.Equal(other.ID.String(), told.Key)
	told.Key, untold.Key, told.Err, untold.Err = "", "", nil, nil
	w.Equal(untold, told)
}

func confinedSession(w *world) {
	ada := w.User("ada")
	acme, beta := w.Owned("Acme", ada), w.Owned("Beta", ada)
	in := servicetest.Starting(ada.ID, acme.ID)
	in.Confined = true
	started, err := w.Svc.Sessions.Start(w.Ctx, in)
	w.NoError(err)
	for _, to := range []tenancy.OrganizationID{beta.ID, servicetest.NowhereYet} {
		w.refuses(tenancy.ErrSignInRefused, "", func() error { _, err := w.change(started.Token, to); return err })
	}
	started, err = w.change(started.Token, acme.ID) // where it is
	w.NoError(err)
	w.True(w.lives(started.Token).Session.Confined)
}

// switchRace: of 64 who switch by one token at once, one does.
func switchRace(w *world) {
	w.Svc = w.Another(func(c *tenancy.Config) { c.Rand = nil }) // the seeded one is for one goroutine
	r := &servicetest.Race{Assertions: w.Assertions, Ctx: w.Ctx, Svc: w.Svc}
	ada := w.User("ada")
	orgs := []tenancy.Organization{w.Owned("Acme", ada), w.Owned("Beta", ada)}
	for range 3 {
		token := w.Session(ada, servicetest.NowhereYet).Token
		var mu sync.Mutex
		var won []tenancy.Token
		codes := r.Together(servicetest.Repeat(64, func(i int) error {
			started, err := w.change(token, orgs[i%2].ID)
			if err == nil {
				mu.Lock()
				defer mu.Unlock()
				won = append(won, started.Token)
			}
			return err
		})...)
		w.Equal(1, servicetest.Count(codes, ""))
		w.Equal(63, servicetest.Count(codes, tenancy.ErrSessionEnded))
		w.Len(won, 1)
		w.lives(won[0])
	}
}

// sessionRace: once a call that ends a session has returned, no token of it is any
// good, whatever went on beside it.
func sessionRace(w *world) {
	w.Svc = w.Another(func(c *tenancy.Config) { c.Rand = nil }) // the seeded one is for one goroutine
	r := &servicetest.Race{Assertions: w.Assertions, Ctx: w.Ctx, Svc: w.Svc}
	owner := w.User("owner")
	acme, beta := w.Owned("Acme", owner), w.Owned("Beta", owner)
	for n := range 12 {
		user := w.User(fmt.Sprintf("racer%d", n))
		w.Add(acme, user)
		w.Add(beta, user)
		started := w.Session(user, acme.ID)
		var mu sync.Mutex
		tokens := []tenancy.Token{started.Token}
		ends := []func() error{
			func() error { return w.Svc.Sessions.Revoke(w.Ctx, started.Session.ID) },
			func() error { return w.Svc.Sessions.RevokeAll(w.Ctx, user.ID) },
			func() error { _, err := w.Svc.Users.Suspend(w.Ctx, user.ID); return err },
			func() error { return w.Svc.Users.Delete(w.Ctx, user.ID) },
		}
		calls := servicetest.Repeat(6, func(int) error { _, err := w.Svc.Sessions.Authenticate(w.Ctx, started.Token.Reveal()); return err })
		calls = append(calls, ends[n%len(ends)], func() error {
			_, err := w.Svc.Memberships.Deactivate(w.Ctx, acme.ID, user.ID)
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
		r.Together(calls...)
		for _, token := range tokens {
			_, err := w.Svc.Sessions.Authenticate(w.Ctx, token.Reveal())
			w.Contains([]tenancy.Code{tenancy.ErrSessionEnded, tenancy.ErrInvalidToken}, tenancy.CodeOf(err), "round %d", n)
		}
	}
}

// switchTells: who runs an organization hears that a session came or left, and nothing of
// where else the person is, or by whose connection they came.
func switchTells(d *door) {
	bob := d.NewUser(tenancy.NewUser{Email: "bob@acme.example", EmailVerified: true})
	gamma := d.Owned("Gamma", bob)
	d.Add(d.acme, bob)
	d.admitting()
	_, err := d.Svc.Organizations.Update(d.Ctx, d.acme.ID, tenancy.OrganizationUpdate{SessionFor: servicetest.Ptr(20 * servicetest.Day)})
	d.NoError(err)
	got := d.enters(servicetest.To(d.acme, servicetest.Through(d.okta, "s-1", "bob@acme.example")))
	d.Clock.Advance(time.Hour)
	next, err := d.change(got.Token, gamma.ID)
	d.NoError(err)
	d.Equal(d.okta.ID, next.Session.ConnectionID)
	_, err = d.change(next.Token, d.acme.ID)
	d.NoError(err)
	for there, secrets := range map[tenancy.OrganizationID][]string{
		gamma.ID:  {d.acme.ID.String(), d.Member(d.acme, bob).ID.String(), d.okta.ID.String(), d.identities(bob)[0].ID.String()},
		d.acme.ID: {gamma.ID.String(), d.Member(gamma, bob).ID.String()},
	} {
		page, err := d.Svc.Events.List(d.Ctx, tenancy.EventQuery{OrganizationID: there})
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
