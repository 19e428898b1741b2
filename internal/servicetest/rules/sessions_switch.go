package rules

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// change makes an organization, or none, the current one of a session. A decision that is no
// sign-in is an error.
func (w *world) change(token tenancy.Token, org tenancy.OrganizationID) (tenancy.StartedSession, error) {
	d, err := w.Svc.Sessions.Switch(w.Ctx, token.Reveal(), org)
	return tenancy.StartedSession{Session: d.Session, Token: token}, servicetest.Refusal(d, err)
}

func switchSession(w *world) {
	ada := w.User("ada")
	acme, beta := w.Owned("Acme", ada), w.Owned("Beta", ada)
	w.lasting(beta, 0, 20*servicetest.Day)
	first := w.Session(ada, acme.ID)
	w.Clock.Advance(time.Hour)
	at := w.Clock.At

	// The first time there is an entry, from the evidence that the session has.
	var next tenancy.StartedSession
	got := w.emits(func() (err error) { next, err = w.change(first.Token, beta.ID); return err }, some(tenancy.EventSessionEntered))
	w.tells(got[0], event{
		kind: tenancy.EventSessionEntered, org: beta.ID, user: ada.ID, subject: next.Session.ID.String(), data: next.Session,
	}.by(ada))
	w.Equal(next.Session.ID.String(), got[0].Through) // G12, G7
	w.NotEqual(first.Session.ID, next.Session.ID)
	found := w.lives(first.Token)
	w.Equal(next.Session, found.Session)
	w.Equal(first.Session.ClientID, found.Session.ClientID)
	w.Equal(beta.ID, found.Organization.ID)
	w.Equal(ada.ID, found.Member.UserID)
	w.Equal(at, found.Member.LastSignInAt)
	w.Equal(at, found.Session.SelectedAt)
	w.Equal(at, found.Session.CreatedAt)
	w.Equal(first.Session.ProvedAt, found.Session.ProvedAt)
	w.Equal(first.Session.ProvedAt.Add(20*servicetest.Day), found.Session.ExpiresAt) // O3: not from now on

	// From then on a switch changes nothing but what is current.
	for _, to := range []tenancy.OrganizationID{acme.ID, beta.ID, beta.ID, servicetest.NowhereYet, acme.ID} {
		w.Clock.Advance(time.Hour)
		w.emits(func() (err error) { next, err = w.change(first.Token, to); return err })
		found := w.lives(first.Token)
		w.Equal(to, found.Organization.ID)
		w.Equal(to, next.Session.OrganizationID)
		w.Equal(to, found.Session.OrganizationID)
		w.Equal(to, found.Member.OrganizationID)
		for _, in := range []tenancy.Organization{acme, beta} { // the other tab
			found, err := w.Svc.Sessions.Authenticate(w.Ctx, first.Token.Reveal(), in.ID)
			w.NoError(err)
			w.Equal(in.ID, found.Organization.ID)
			w.Equal(in.ID, found.Session.OrganizationID)
		}
	}
	w.Len(w.live(ada), 2)
}

// live are the live sessions of a user.
func (w *world) live(user tenancy.User) []tenancy.Session {
	w.T.Helper()
	page, err := w.Svc.Sessions.ListByUser(w.Ctx, user.ID, tenancy.SessionQuery{})
	w.NoError(err)
	return page.Items
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
	w.refuses(tenancy.ErrSignInRefused, "", func() error { _, err := w.change(started.Token, beta.ID); return err })
	_, err = w.change(started.Token, acme.ID) // where it is
	w.NoError(err)
	w.True(w.lives(started.Token).Session.Confined)

	// Without an organization it does nothing at all.
	nowhere, err := w.change(started.Token, servicetest.NowhereYet)
	w.NoError(err)
	w.True(nowhere.Session.Confined)
	w.refuses(tenancy.ErrForbidden, "", func() error { _, err := w.asSession(nowhere.Session).Users.Get(w.Ctx, ada.ID); return err })
	w.refuses(tenancy.ErrNotFound, "", func() error {
		_, err := w.asSession(nowhere.Session).Memberships.List(w.Ctx, acme.ID, tenancy.MemberQuery{})
		return err
	})
}

// switchRace: 64 who enter by one token at once make one entry into each organization.
func switchRace(w *world) {
	w.Svc = w.Another(func(c *tenancy.Config) { c.Rand = nil }) // the seeded one is for one goroutine
	r := &servicetest.Race{Assertions: w.Assertions, Ctx: w.Ctx, Svc: w.Svc}
	ada := w.User("ada")
	orgs := []tenancy.Organization{w.Owned("Acme", ada), w.Owned("Beta", ada)}
	for range 3 {
		started := w.Session(ada, servicetest.NowhereYet)
		codes := r.Together(servicetest.Repeat(64, func(i int) error {
			call := w.Svc.Sessions.Switch
			if i%4 > 1 {
				call = w.Svc.Sessions.Enter
			}
			return servicetest.Refusal(call(w.Ctx, started.Token.Reveal(), orgs[i%2].ID))
		})...)
		w.Equal(64, servicetest.Count(codes, ""))
		var at []tenancy.OrganizationID
		for _, s := range w.live(ada) {
			if s.ClientID == started.Session.ClientID {
				at = append(at, s.OrganizationID)
			}
		}
		w.ElementsMatch([]tenancy.OrganizationID{servicetest.NowhereYet, orgs[0].ID, orgs[1].ID}, at)
		w.False(w.lives(started.Token).Organization.ID.IsZero())
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
		ends := []func() error{
			func() error { return w.Svc.Sessions.Revoke(w.Ctx, started.Session.ID) },
			func() error { return w.Svc.Sessions.RevokeAll(w.Ctx, user.ID) },
			func() error { _, err := w.Svc.Users.Suspend(w.Ctx, user.ID); return err },
			func() error { return w.Svc.Users.Delete(w.Ctx, user.ID) },
		}
		calls := servicetest.Repeat(6, func(int) error {
			_, err := w.Svc.Sessions.Authenticate(w.Ctx, started.Token.Reveal(), servicetest.NowhereYet)
			return err
		})
		calls = append(calls, ends[n%len(ends)], func() error {
			_, err := w.Svc.Memberships.Deactivate(w.Ctx, acme.ID, user.ID)
			return err
		}, func() error { _, err := w.change(started.Token, beta.ID); return err })
		r.Together(calls...)
		for _, in := range []tenancy.OrganizationID{servicetest.NowhereYet, acme.ID, beta.ID} {
			_, err := w.Svc.Sessions.Authenticate(w.Ctx, started.Token.Reveal(), in)
			w.Contains([]tenancy.Code{tenancy.ErrSessionEnded, tenancy.ErrInvalidToken}, tenancy.CodeOf(err), "round %d", n)
		}
	}
}

// switchTells: who runs an organization sees that a session came, and nothing of where else the
// person is, or by whose connection they came.
func switchTells(d *door) {
	bob := d.NewUser(tenancy.NewUser{Email: "bob@acme.example", EmailVerified: true})
	gamma := d.Owned("Gamma", bob)
	d.Add(d.acme, bob)
	d.admitting()
	_, err := d.Svc.Organizations.Update(d.Ctx, d.acme.ID, tenancy.OrganizationUpdate{SessionFor: servicetest.Ptr(20 * servicetest.Day)})
	d.NoError(err)
	got := d.enters(servicetest.To(d.acme, servicetest.Through(d.okta, "s-1", "bob@acme.example")))
	d.Clock.Advance(time.Hour)
	there := d.enters(servicetest.To(gamma, servicetest.Within(got.Token, servicetest.Through(d.okta, "s-1", "bob@acme.example"))))
	d.Equal(d.okta.ID, there.Session.ConnectionID)
	d.Equal(got.Session.ClientID, there.Session.ClientID)
	_, err = d.change(there.Token, d.acme.ID)
	d.NoError(err)
	_, err = d.asUser(bob).Sessions.Get(d.Ctx, there.Session.ID)
	d.NoError(err)
	seen, err := d.asUser(d.owner).Sessions.Get(d.Ctx, got.Session.ID)
	d.NoError(err)
	d.Zero(seen.ClientID)
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
		started := 0
		for _, e := range page.Items {
			started += btoi(e.Type == tenancy.EventSessionStarted)
		}
		d.Equal(1, started)
	}
}

// throughElsewhere: the events of an organization do not name a session that is in another one.
func throughElsewhere(d *door) {
	d.Declare()
	ann := d.NewUser(tenancy.NewUser{Email: "ann@acme.example", EmailVerified: true})
	d.Add(d.acme, ann)
	d.Add(d.beta, ann)
	d.Maps(d.okta, map[string]string{"adm": rbac.Admin, "clk": servicetest.Clerk})
	through := func(kind tenancy.EventType, events []tenancy.Event) string {
		d.T.Helper()
		for _, e := range events {
			if e.Type == kind {
				return e.Through
			}
		}
		d.Fail("no event " + string(kind))
		return ""
	}
	var got tenancy.Decision
	signIn := func(to tenancy.Organization, group string) []tenancy.Event {
		d.T.Helper()
		last, err := d.Svc.Events.Last(d.Ctx)
		d.NoError(err)
		got = d.enters(servicetest.To(to, servicetest.Through(d.okta, "s-1", ann.Email, group)))
		return d.since(last)
	}
	// The provider of acme changes a role there, on the way to beta, and on the way to acme.
	away := signIn(d.beta, "adm")
	d.Empty(through(tenancy.EventMembershipRolesChanged, away))
	d.Equal(got.Session.ID.String(), through(tenancy.EventSessionStarted, away))
	home := signIn(d.acme, "clk")
	d.Equal(got.Session.ID.String(), through(tenancy.EventMembershipRolesChanged, home))

	// An entry into beta stands in where no organization is chosen.
	gamma := d.NewOrg(tenancy.NewOrganization{DisplayName: "Gamma", Settings: tenancy.Settings{JoinRequests: true}})
	started := d.Session(ann, d.acme.ID)
	_, err := d.enter(started.Token, d.beta)
	d.NoError(err)
	d.Deactivate(d.acme, ann)
	found := d.lives(started.Token).Session
	d.Zero(found.OrganizationID)
	last, err := d.Svc.Events.Last(d.Ctx)
	d.NoError(err)
	svc := d.asSession(found)
	_, err = svc.JoinRequests.Create(d.Ctx, gamma.ID, ann.ID, "please")
	d.NoError(err)
	_, err = svc.Users.Update(d.Ctx, ann.ID, tenancy.UserUpdate{DisplayName: servicetest.Ptr("Ann")})
	d.NoError(err)
	events := d.since(last)
	d.Empty(through(tenancy.EventJoinRequestCreated, events))
	d.Equal(found.ID.String(), through(tenancy.EventUserUpdated, events)) // which is the person's own
}
