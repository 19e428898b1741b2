package rules

import (
	"fmt"
	"time"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

func sessionEntryRules() []rule {
	return []rule{
		{"S1 an entry has the evidence of another one, and leaves the current one", on(entersOrganization)},
		{"S1 at most 20 entries, of which the least recently used ends", on(tooManyEntries)},
		{"S1 an entry counts for the sessions of a user, and spares its own client", on(entriesOfUser)},
		{"G7 G12 attack: learning of a session elsewhere by the events here", atDoor(throughElsewhere)},
		{"M17 of several organizations one is lost, and not the session", on(losesEntry)},
		{"M17 the last entry takes the session along", on(losesLast)},
		{"S1 a sign-in adds its evidence to the session, and replaces the token", atDoor(addsEvidence)},
		{"S1 attack: a sign-in into a session of somebody else, or a dead one", atDoor(addsToForeign)},
		{"P6 attack: the evidence of a connection, or of a confined entry, for another organization", atDoor(entersByConnection)},
		{"S2 attack: a revoked entry is made again from evidence of before", on(entersAfterRevoked)},
		{"S2 the people of an organization end the entry there, the person all of them", on(revokesEntry)},
		{"S2 attack: an entry that was revoked under a clock that was set back", on(entersAfterSetBack)},
		{"S2 R6 attack: a revoked entry lives on in the one that replaced it", atDoor(revokesReplaced)},
		{"S2 all but this session keeps its entries", on(keepsClient)},
		{"P3 a policy that has changed is asked again, and another entry may satisfy it", atDoor(entersByOther)},
		{"U5 attack: a takeover leaves no other entry of the same client", atDoor(takenOverEntries)},
		{"S3 claims of a session without an organization say none", on(nowhereClaims)},
		{"S2 an old entry runs out by its own limits", on(entryLimits)},
	}
}

// enter is [tenancy.Sessions.Enter], with an error for a decision that is no sign-in.
func (w *world) enter(token tenancy.Token, org tenancy.Organization) (tenancy.Session, error) {
	d, err := w.Svc.Sessions.Enter(w.Ctx, token.Reveal(), org.ID)
	return d.Session, servicetest.Refusal(d, err)
}

// in is the entry of a session into an organization.
func (w *world) in(token tenancy.Token, org tenancy.Organization) tenancy.Session {
	w.T.Helper()
	found, err := w.Svc.Sessions.Authenticate(w.Ctx, token.Reveal(), org.ID)
	w.NoError(err)
	w.Equal(org.ID, found.Session.OrganizationID)
	return found.Session
}

// lacks checks that a session lives, and has no entry into an organization.
func (w *world) lacks(token tenancy.Token, org tenancy.Organization) {
	w.T.Helper()
	w.lives(token)
	_, err := w.Svc.Sessions.Authenticate(w.Ctx, token.Reveal(), org.ID)
	w.Failed(err, tenancy.ErrNotFound, "")
}

func entersOrganization(w *world) {
	ada := w.User("ada")
	acme, beta := w.Owned("Acme", ada), w.Owned("Beta", ada)
	from := tenancy.WithRequest(w.Ctx, tenancy.Request{UserAgent: "Firefox"})
	tablet := tenancy.WithRequest(w.Ctx, tenancy.Request{UserAgent: "Firefox 2"})
	started, err := w.Svc.Sessions.Start(from, servicetest.Starting(ada.ID, acme.ID))
	w.NoError(err)
	w.lacks(started.Token, beta)
	w.Clock.Advance(time.Hour)
	var d tenancy.Decision
	w.emits(func() (err error) { d, err = w.Svc.Sessions.Enter(tablet, started.Token.Reveal(), beta.ID); return err }, some(tenancy.EventSessionEntered))
	w.Equal(tenancy.DecisionSignedIn, d.Kind)
	w.True(d.Token.IsZero())
	want := started.Session
	want.UserAgent = "Firefox 2"
	want.ID, want.OrganizationID, want.MembershipID = d.Session.ID, beta.ID, w.Member(beta, ada).ID
	want.CreatedAt, want.UpdatedAt, want.SelectedAt, want.LastSeenAt = w.Clock.At, w.Clock.At, w.Clock.At, w.Clock.At
	w.Equal(want, d.Session)
	w.Equal(d.Session, w.in(started.Token, beta))
	w.Equal(acme.ID, w.lives(started.Token).Organization.ID) // it is still current

	// Entered already: the same one.
	w.emits(func() error {
		again, err := w.enter(started.Token, beta)
		w.Equal(d.Session, again)
		return err
	})
	w.refuses(tenancy.ErrInvalid, "organization", func() error {
		_, err := w.Svc.Sessions.Enter(w.Ctx, started.Token.Reveal(), servicetest.NowhereYet)
		return err
	})
	// Each tab does what it may in its own organization, and not in the other.
	for _, tab := range [][2]tenancy.Organization{{acme, beta}, {beta, acme}} {
		here, there := tab[0], tab[1]
		svc := w.asSession(w.in(started.Token, here))
		_, err := svc.Memberships.List(w.Ctx, here.ID, tenancy.MemberQuery{})
		w.NoError(err)
		w.refuses(tenancy.ErrNotFound, "", func() error { _, err := svc.Memberships.List(w.Ctx, there.ID, tenancy.MemberQuery{}); return err })
	}
}

func tooManyEntries(w *world) {
	ada := w.User("ada")
	first := w.Owned("First", ada)
	started := w.Session(ada, first.ID)
	var orgs []tenancy.Organization
	for i := range 20 {
		orgs = append(orgs, w.Owned(fmt.Sprint("Org", i), ada))
		w.Clock.Advance(time.Minute)
		if i == 19 {
			w.in(started.Token, orgs[0]) // used just now
			w.Clock.Advance(time.Minute)
		}
		_, err := w.enter(started.Token, orgs[i])
		w.NoError(err)
	}
	w.Equal(first.ID, w.lives(started.Token).Organization.ID) // the current one stays, however long unused
	w.in(started.Token, orgs[0])
	w.lacks(started.Token, orgs[1])
	w.Len(w.live(ada), 20)
}

func entriesOfUser(w *world) {
	w.Svc = w.Another(func(c *tenancy.Config) { c.Limits.UserSessions = 3 })
	ada := w.User("ada")
	acme, beta, gamma := w.Owned("Acme", ada), w.Owned("Beta", ada), w.Owned("Gamma", ada)
	mine, other := w.Session(ada, acme.ID), w.Session(ada, acme.ID)
	_, err := w.enter(mine.Token, beta)
	w.NoError(err)
	_, err = w.enter(mine.Token, gamma) // in the place of another of its own, and not of the current one
	w.NoError(err)
	w.lacks(mine.Token, beta)
	w.in(mine.Token, gamma)
	w.Equal(acme.ID, w.lives(mine.Token).Organization.ID)
	w.in(other.Token, acme)
	w.Session(ada, acme.ID) // of a new client, in the place of the oldest
	w.lacks(mine.Token, acme)
	_, err = w.enter(other.Token, beta) // it has no other of its own to spare
	w.NoError(err)
	w.ended(mine.Token, tenancy.ErrSessionEnded, string(tenancy.EndedTooMany))
	w.Equal(acme.ID, w.lives(other.Token).Organization.ID)
}

func losesEntry(w *world) {
	ada, owner := w.User("ada"), w.User("owner")
	acme, beta := w.Owned("Acme", owner), w.Owned("Beta", owner)
	w.Add(acme, ada)
	w.Add(beta, ada, rbac.Admin)
	started := w.Session(ada, acme.ID)
	_, err := w.enter(started.Token, beta)
	w.NoError(err)
	here, there := w.asSession(w.in(started.Token, acme)), w.asSession(w.in(started.Token, beta))
	w.Deactivate(acme, ada)
	w.lacks(started.Token, acme)
	found := w.lives(started.Token)
	w.Zero(found.Organization)
	w.Zero(found.Session.OrganizationID)
	w.Zero(found.Session.MembershipID)
	_, err = here.Users.Get(w.Ctx, ada.ID)
	w.Failed(err, tenancy.ErrSessionEnded, "token")
	_, err = there.Organizations.Get(w.Ctx, beta.ID)
	w.NoError(err)
	nowhere := w.asSession(found.Session) // the account, and no organization
	_, err = nowhere.Users.Get(w.Ctx, ada.ID)
	w.NoError(err)
	w.refuses(tenancy.ErrNotFound, "", func() error { _, err := nowhere.Organizations.Get(w.Ctx, beta.ID); return err })

	w.refuses(tenancy.ErrNotFound, "", func() error { _, err := w.enter(started.Token, acme); return err })
	_, err = w.change(started.Token, beta.ID)
	w.NoError(err)
	w.Equal(beta.ID, w.lives(started.Token).Organization.ID)
}

func losesLast(w *world) {
	ada, owner := w.User("ada"), w.User("owner")
	acme, beta := w.Owned("Acme", owner), w.Owned("Beta", owner)
	w.Add(acme, ada)
	w.Add(beta, ada)
	for name, c := range map[string]struct {
		to     tenancy.OrganizationID
		reason tenancy.EndReason
	}{
		"the current one": {beta.ID, tenancy.EndedDeactivated}, "none is current": {servicetest.NowhereYet, tenancy.EndedNoEntry},
	} {
		w.each(name, func(w *world) {
			started := w.Session(ada, acme.ID)
			_, err := w.enter(started.Token, beta)
			w.NoError(err)
			_, err = w.change(started.Token, c.to)
			w.NoError(err)
			bound := w.asSession(w.lives(started.Token).Session)
			w.NoError(w.Svc.Memberships.Leave(w.Ctx, acme.ID, ada.ID))
			w.lives(started.Token)
			w.Deactivate(beta, ada)
			w.ended(started.Token, tenancy.ErrSessionEnded, string(c.reason))
			for _, call := range w.byToken(started.Token.Reveal()) {
				w.refuses(tenancy.ErrSessionEnded, "token", call)
			}
			_, err = w.Svc.Sessions.Authenticate(w.Ctx, started.Token.Reveal(), beta.ID)
			w.Equal(string(c.reason), w.Failed(err, tenancy.ErrSessionEnded, "token").Reason)
			_, err = bound.Users.Get(w.Ctx, ada.ID)
			w.Failed(err, tenancy.ErrSessionEnded, "token")
			for _, s := range w.Dump().Secrets {
				w.NotZero(s.SpentAt)
			}
			w.Add(acme, ada)
			_, err = w.Svc.Memberships.Reactivate(w.Ctx, beta.ID, ada.ID)
			w.NoError(err)
			w.ended(started.Token, tenancy.ErrSessionEnded, string(c.reason))
		})
	}
}

func addsEvidence(d *door) {
	bob := d.visitor(d.acme, "bob@mail.example")
	d.Add(d.beta, bob)
	d.demand(d.beta, tenancy.PolicyUpdate{Organization: &tenancy.OrganizationPolicy{SecondFactor: true}})
	byMail := servicetest.To(d.acme, servicetest.ByMail("bob@mail.example"))
	first := d.enters(byMail)
	d.Clock.Advance(time.Hour)
	twice := servicetest.To(d.beta, servicetest.Twice(servicetest.ByMail("bob@mail.example")))
	next := d.enters(servicetest.Within(first.Token, twice))
	d.Equal(first.Session.ClientID, next.Session.ClientID)
	d.ended(first.Token, tenancy.ErrSessionEnded, "token_replaced")
	d.Equal(d.beta.ID, d.lives(next.Token).Organization.ID) // it is current
	d.Equal(d.Clock.At, next.Session.ProvedAt)
	d.Equal(first.Session, d.seenAs(d.in(next.Token, d.acme), first.Session))

	// Into the same organization: in place of the entry there, which is fresh then.
	d.Clock.Advance(time.Hour)
	again := d.enters(servicetest.Within(next.Token, byMail))
	d.NotEqual(first.Session.ID, again.Session.ID)
	d.Equal(d.Clock.At, d.in(again.Token, d.acme).ProvedAt)
	d.Len(d.live(bob), 2)
	old, err := d.Svc.Sessions.Get(d.Ctx, first.Session.ID)
	d.NoError(err)
	d.Equal(tenancy.EndedReplaced, old.EndReason)
	d.in(again.Token, d.beta)
	d.NoError(d.Svc.Sessions.SignOut(d.Ctx, again.Token.Reveal()))
	d.Empty(d.live(bob))
}

// seenAs is a session with what the last use of another one has noted.
func (w *world) seenAs(s, other tenancy.Session) tenancy.Session {
	s.LastSeenAt = other.LastSeenAt
	return s
}

func addsToForeign(d *door) {
	bob, eve := d.visitor(d.acme, "bob@mail.example"), d.visitor(d.acme, "eve@mail.example")
	in := servicetest.To(d.acme, servicetest.ByMail(bob.Email))
	foreign, over, held := d.enters(servicetest.ByMail(eve.Email)), d.enters(in), d.enters(in)
	d.NoError(d.Svc.Sessions.SignOut(d.Ctx, over.Token.Reveal()))
	d.enters(servicetest.Within(held.Token, in)) // replaced
	for name, token := range map[string]string{
		"another person's": foreign.Token.Reveal(), "signed out": over.Token.Reveal(), "replaced": held.Token.Reveal(),
		"nonsense": "session_x", "an id": foreign.Session.ID.String(),
	} {
		in := in
		in.Session = token
		got := d.enters(in)
		d.Equal(got.Session.ID, got.Session.ClientID, name) // a session of its own
		d.Equal(bob.ID, got.User.ID)
	}
	d.Equal(eve.ID, d.lives(foreign.Token).User.ID) // and theirs is as it was
	d.Len(d.live(eve), 1)
}

func entersByConnection(d *door) {
	bob := d.NewUser(tenancy.NewUser{Email: "bob@acme.example", EmailVerified: true})
	guest := d.visitor(d.acme, "guest@mail.example")
	d.Add(d.acme, bob)
	d.Add(d.beta, bob)
	d.Add(d.beta, guest)
	own, confined := d.enters(servicetest.Through(d.okta, "s-bob", bob.Email)), d.enters(servicetest.Proving(guest.Email, servicetest.Through(d.okta, "s-guest", guest.Email)))
	d.False(own.Session.Confined)
	d.True(confined.Session.Confined)
	for _, got := range []tenancy.Decision{own, confined} {
		d.unchanged(func() {
			wanted, err := d.Svc.Sessions.Enter(d.Ctx, got.Token.Reveal(), d.beta.ID)
			d.NoError(err)
			d.Equal(tenancy.Decision{Kind: tenancy.DecisionSignInAgain, OrganizationID: d.beta.ID}, wanted)
		})
	}
	// A sign-in for it counts there; and back in the connection's own organization the entry counts.
	there := d.enters(servicetest.To(d.beta, servicetest.Within(own.Token, servicetest.Through(d.okta, "s-bob", bob.Email))))
	d.in(there.Token, d.acme)
	away := d.enters(servicetest.To(d.beta, servicetest.Through(d.okta, "s-bob", bob.Email)))
	_, err := d.enter(away.Token, d.acme)
	d.NoError(err)
	// Beta wants its own connection: the decision says which.
	c := d.Connect(d.beta, "Entra")
	d.demand(d.beta, tenancy.PolicyUpdate{Organization: &tenancy.OrganizationPolicy{SingleSignOn: true, ConnectionID: c.ID}})
	wanted, err := d.Svc.Sessions.Enter(d.Ctx, confined.Token.Reveal(), d.beta.ID)
	d.NoError(err)
	d.Equal(tenancy.DecisionUseSingleSignOn, wanted.Kind)
	d.Len(wanted.Connections, 1)
	d.Equal(c.ID, wanted.Connections[0].ID)
}

func entersAfterRevoked(w *world) {
	owner, ada := w.User("owner"), w.User("ada")
	acme, beta := w.Owned("Acme", owner), w.Owned("Beta", owner)
	w.Add(acme, ada)
	w.Add(beta, ada)
	started := w.Session(ada, beta.ID)
	w.Clock.Advance(time.Minute)
	entry, err := w.enter(started.Token, acme)
	w.NoError(err)
	w.NoError(w.asUser(owner).Sessions.Revoke(w.Ctx, entry.ID))
	w.Clock.Advance(29 * time.Hour)
	w.unchanged(func() {
		for _, call := range []func() error{
			func() error { _, err := w.enter(started.Token, acme); return err },
			func() error { _, err := w.change(started.Token, acme.ID); return err },
		} {
			w.Equal(string(tenancy.DecisionSignInAgain), w.Failed(call(), tenancy.ErrSignInRefused, "").Reason)
		}
	})
	w.in(started.Token, beta) // which is none of acme's business
	fresh := w.Session(ada, beta.ID)
	_, err = w.enter(fresh.Token, acme)
	w.NoError(err)
	// However long sessions last, and whatever was swept.
	w.Svc = w.Another(func(c *tenancy.Config) { c.SessionFor, c.SessionIdle = 365*servicetest.Day, 365*servicetest.Day })
	long := w.Session(ada, beta.ID)
	entry, err = w.enter(long.Token, acme)
	w.NoError(err)
	w.NoError(w.asUser(owner).Sessions.Revoke(w.Ctx, entry.ID))
	w.Clock.Advance(300 * servicetest.Day)
	_, err = w.Svc.Sessions.Sweep(w.Ctx)
	w.NoError(err)
	w.refuses(tenancy.ErrSignInRefused, "", func() error { _, err := w.enter(long.Token, acme); return err })
}

// entersAfterSetBack: the instant of the end is before that of the evidence, which is older all the same.
func entersAfterSetBack(w *world) {
	owner, ada := w.User("owner"), w.User("ada")
	acme, beta := w.Owned("Acme", owner), w.Owned("Beta", owner)
	w.Add(acme, ada)
	w.Add(beta, ada)
	started := w.Session(ada, beta.ID)
	w.Clock.Advance(time.Minute)
	entry, err := w.enter(started.Token, acme)
	w.NoError(err)
	w.Clock.Advance(-time.Hour)
	w.NoError(w.asUser(owner).Sessions.Revoke(w.Ctx, entry.ID))
	enter := func() error { _, err := w.enter(started.Token, acme); return err }
	w.refuses(tenancy.ErrSignInRefused, "", enter)
	w.Clock.Advance(2 * time.Hour)
	w.refuses(tenancy.ErrSignInRefused, "", enter)
	w.in(started.Token, beta)
}

func revokesEntry(w *world) {
	owner, ada := w.User("owner"), w.User("ada")
	acme, beta := w.Owned("Acme", owner), w.Owned("Beta", owner)
	w.Add(acme, ada)
	w.Add(beta, ada)
	both := func() (tenancy.StartedSession, tenancy.Session) {
		started := w.Session(ada, acme.ID)
		entry, err := w.enter(started.Token, beta)
		w.NoError(err)
		return started, entry
	}
	started, entry := both()
	w.NoError(w.asUser(owner).Sessions.Revoke(w.Ctx, entry.ID))
	w.lacks(started.Token, beta)
	w.in(started.Token, acme)
	for _, svc := range []*tenancy.Service{w.Svc, w.asUser(ada)} {
		started, entry := both()
		w.emits(func() error { return svc.Sessions.Revoke(w.Ctx, entry.ID) }, some(tenancy.EventSessionEnded), some(tenancy.EventSessionEnded))
		w.ended(started.Token, tenancy.ErrSessionEnded, string(tenancy.EndedRevoked))
	}
	w.silent(func() error { return w.asUser(owner).Sessions.Revoke(w.Ctx, entry.ID) })
	w.in(started.Token, acme)
	w.NoError(w.Svc.Sessions.Revoke(w.Ctx, entry.ID)) // it has ended; the session has not
	w.ended(started.Token, tenancy.ErrSessionEnded, string(tenancy.EndedRevoked))
}

func keepsClient(w *world) {
	owner, ada := w.User("owner"), w.User("ada")
	acme, beta := w.Owned("Acme", owner), w.Owned("Beta", owner)
	w.Add(acme, ada)
	w.Add(beta, ada)
	this, other := w.Session(ada, acme.ID), w.Session(ada, acme.ID)
	for _, s := range []tenancy.StartedSession{this, other} {
		_, err := w.enter(s.Token, beta)
		w.NoError(err)
	}
	w.NoError(w.asUser(ada).Sessions.RevokeAll(w.Ctx, ada.ID, this.Session.ID))
	w.ended(other.Token, tenancy.ErrSessionEnded, string(tenancy.EndedRevoked))
	w.in(this.Token, acme)
	w.in(this.Token, beta)
	// Also where the one that is named has ended.
	w.Deactivate(acme, ada)
	w.NoError(w.Svc.Sessions.RevokeAll(w.Ctx, ada.ID, this.Session.ID))
	w.in(this.Token, beta)
}

func entersByOther(d *door) {
	bob := d.visitor(d.acme, "bob@mail.example")
	d.Add(d.beta, bob)
	weak := servicetest.To(d.acme, servicetest.ByMail(bob.Email))
	first := d.enters(weak)
	both := d.enters(servicetest.To(d.beta, servicetest.Within(first.Token, servicetest.Twice(servicetest.ByMail(bob.Email)))))
	d.demand(d.acme, tenancy.PolicyUpdate{Organization: &tenancy.OrganizationPolicy{SecondFactor: true}})
	alone := d.Session(bob, d.beta.ID)
	d.refuses(tenancy.ErrSignInRefused, "", func() error { _, err := d.enter(alone.Token, d.acme); return err })
	entry, err := d.enter(both.Token, d.acme)
	d.NoError(err)
	d.True(entry.SecondFactor)
	d.Equal(entry.ID, d.in(both.Token, d.acme).ID)
	old, err := d.Svc.Sessions.Get(d.Ctx, first.Session.ID)
	d.NoError(err)
	d.Equal(tenancy.EndedReplaced, old.EndReason)
}

func takenOverEntries(d *door) {
	trap := d.NewUser(tenancy.NewUser{Email: "trap@mail.example"})
	d.Add(d.acme, trap)
	d.Add(d.beta, trap)
	d.Link(trap, tenancy.NewIdentity{Provider: "password", Subject: "c-trap"})
	mine := d.Session(trap, d.acme.ID)
	_, err := d.enter(mine.Token, d.beta)
	d.NoError(err)
	proof := d.proof(trap, trap.Email)
	_, err = d.Svc.Users.ConfirmEmail(d.Ctx, tenancy.EmailConfirmation{Token: proof.Token.Reveal(), Session: mine.Token.Reveal()})
	d.NoError(err)
	d.in(mine.Token, d.acme) // in which it was shown
	d.lacks(mine.Token, d.beta)
}

func nowhereClaims(w *world) {
	ada := w.User("ada")
	acme := w.Owned("Acme", ada)
	started := w.Session(ada, acme.ID)
	_, err := w.change(started.Token, servicetest.NowhereYet)
	w.NoError(err)
	found := w.lives(started.Token)
	w.Equal(started.Session.ID, found.Session.ID)
	claims, err := w.asSession(found.Session).Sessions.Claims(w.Ctx, found.Session.ID, tenancy.ClaimsQuery{})
	w.NoError(err)
	w.Equal(found.Session.ID.String(), claims[tenancy.ClaimSession])
	w.NotContains(claims, tenancy.ClaimOrganization)
	w.NotContains(claims, tenancy.ClaimPermissions)
}

func entryLimits(w *world) {
	ada := w.User("ada")
	acme, beta := w.Owned("Acme", ada), w.Owned("Beta", ada)
	w.lasting(beta, time.Hour, 2*time.Hour)
	started := w.Session(ada, acme.ID)
	w.Clock.Advance(30 * time.Minute)
	entry, err := w.enter(started.Token, beta)
	w.NoError(err)
	w.Equal(started.Session.ProvedAt.Add(2*time.Hour), entry.ExpiresAt)
	w.Clock.Advance(50 * time.Minute)
	w.in(started.Token, acme)
	w.Clock.Advance(10 * time.Minute)
	w.lacks(started.Token, beta) // unused for an hour, however much the other entry was used
	w.in(started.Token, acme)
	w.refuses(tenancy.ErrSignInRefused, "", func() error { _, err := w.enter(started.Token, beta); return err })

	used := w.Session(ada, acme.ID)
	_, err = w.enter(used.Token, beta)
	w.NoError(err)
	for range 3 {
		w.in(used.Token, beta)
		w.Clock.Advance(35 * time.Minute)
	}
	w.in(used.Token, acme)
	w.Clock.Advance(15 * time.Minute)
	w.lacks(used.Token, beta) // two hours after the sign-in
	w.refuses(tenancy.ErrSignInRefused, "", func() error { _, err := w.enter(used.Token, beta); return err })
	w.in(used.Token, acme)
}
