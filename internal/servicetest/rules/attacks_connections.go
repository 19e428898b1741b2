package rules

import (
	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// connectionAttacks point a connection to another provider, or use what it let in before
// that, or before it was switched off.
func connectionAttacks() []rule {
	return []rule{
		{"R6 attack: a member points the owners' connection to another provider", on(turnsConnection)},
		{"R6 attack: a member becomes an administrator by the groups of a connection", on(turnedGroups)},
		{"R6 attack: a member signs in as the owner by the owner's subject", on(turnedOwner)},
		{"R6 attack: a member signs in as the owner by a connection of their own", atDoor(ownConnection)},
		{"R6 attack: a member switches on a connection that maps a group above them", on(switchedOn)},
		{"R6 attack: a member lets a provider move addresses", on(movesAddresses)},
		{"U4 attack: a subject of the former provider opens the account", on(formerSubject)},
		{"U4 attack: an answer of the former provider is used after the change", on(formerAnswer)},
		{"P9 attack: a session by the former provider goes on", on(formerSession)},
		{"P9 attack: a session goes on after its connection was switched off or deleted", atDoor(closedConnection)},
		{"P9 attack: a session goes on after its identity was unlinked", atDoor(unlinkedSession)},
		{"U4 an identity of an earlier epoch is replaced, also another user's", atDoor(staleIdentities)},
		{"U4 P9 what raises the epochs of a connection, and what does not", atDoor(epochs)},
	}
}

// idp is an organization without a domain. Its members sign in by a connection that maps a
// group to admin. Mallory may read and write connections, and nothing else. The owner's
// address is one that no organization can ever hold.
type idp struct {
	*world
	acme          tenancy.Organization
	boss, mallory tenancy.User
	okta          tenancy.Connection
}

func newIDP(w *world) idp {
	w.T.Helper()
	p := idp{world: w, boss: w.NewUser(tenancy.NewUser{Email: "boss@gmail.com", EmailVerified: true}), mallory: w.person("mallory")}
	p.acme = w.Owned("Acme", p.boss)
	w.Role(p.acme.ID, "org-idp", "", "tenancy:connections:read", "tenancy:connections:write")
	w.Add(p.acme, p.mallory, "org-idp")
	p.okta = w.turned(w.Connect(p.acme, "Okta"), tenancy.ConnectionUpdate{
		Issuer: servicetest.Ptr("https://idp.acme.example"), Settings: tenancy.Patch{"client_id": servicetest.Ptr("real")}, Groups: &map[string]string{"admins": rbac.Admin},
	})
	for _, who := range []tenancy.User{p.boss, p.mallory} {
		w.enters(servicetest.Proving(who.Email, servicetest.Through(p.okta, "s-"+who.Email, who.Email)))
	}
	return p
}

// turns is mallory's change of a connection.
func (p idp) turns(c tenancy.Connection, in tenancy.ConnectionUpdate) func() error {
	return func() error {
		_, err := p.asUser(p.mallory).Connections.Update(p.Ctx, p.acme.ID, c.ID, in)
		return err
	}
}

var elsewhere = tenancy.ConnectionUpdate{Issuer: servicetest.Ptr("https://idp.evil.example")}

func turnsConnection(w *world) {
	p := newIDP(w)
	for name, in := range map[string]tenancy.ConnectionUpdate{
		"the issuer":                 elsewhere,
		"the provider":               {Provider: servicetest.Ptr("evil")},
		"the settings":               {Settings: tenancy.Patch{"client_id": servicetest.Ptr("evil"), "jwks_uri": servicetest.Ptr("https://evil.example/keys")}},
		"a setting taken away":       {Settings: tenancy.Patch{"client_id": nil}},
		"off":                        {State: servicetest.Ptr(tenancy.ConnectionInactive)},
		"the issuer, with no groups": {Issuer: elsewhere.Issuer, Groups: &map[string]string{}},
	} {
		p.each(name, func(w *world) { w.refuses(tenancy.ErrForbidden, "roles", p.turns(p.okta, in)) })
	}
	remove := func() error { return p.asUser(p.mallory).Connections.Delete(p.Ctx, p.acme.ID, p.okta.ID) }
	p.refuses(tenancy.ErrForbidden, "roles", remove)
	// Without the group the owner's identity is still above her, also while it is off.
	p.okta = p.turned(p.okta, tenancy.ConnectionUpdate{Groups: &map[string]string{}, State: servicetest.Ptr(tenancy.ConnectionInactive)})
	p.refuses(tenancy.ErrForbidden, "roles", p.turns(p.okta, elsewhere))
	p.refuses(tenancy.ErrForbidden, "roles", p.turns(p.okta, tenancy.ConnectionUpdate{State: servicetest.Ptr(tenancy.ConnectionActive)}))
	p.refuses(tenancy.ErrForbidden, "roles", remove)
	// She may change what says nothing about trust, and what reaches nobody above her.
	p.NoError(p.turns(p.okta, tenancy.ConnectionUpdate{Name: servicetest.Ptr("Okta 2")})())
	p.NoError(p.turns(p.Connect(p.acme, "Spare"), elsewhere)())
	_, err := p.asUser(p.boss).Connections.Update(p.Ctx, p.acme.ID, p.okta.ID, elsewhere)
	p.NoError(err)
}

// turnedGroups: mallory's own mailbox, and a provider that says what she likes.
func turnedGroups(w *world) {
	p := newIDP(w)
	p.Error(p.turns(p.okta, elsewhere)())
	p.enters(servicetest.Through(p.fresh(p.okta), "s-"+p.mallory.Email, p.mallory.Email))
	p.Equal([]string{"org-idp"}, p.rolesAt(p.acme, p.mallory))
	// One of her own maps only to what she has.
	spare := p.Connect(p.acme, "Spare")
	p.NoError(p.turns(spare, elsewhere)())
	p.refuses(tenancy.ErrForbidden, "roles", p.turns(spare, tenancy.ConnectionUpdate{Groups: &map[string]string{"admins": rbac.Admin}}))
	p.NoError(p.turns(spare, tenancy.ConnectionUpdate{Groups: &map[string]string{"admins": "org-idp"}})())
	p.enters(servicetest.Proving(p.mallory.Email, servicetest.Through(p.fresh(spare), "fresh", p.mallory.Email, "admins")))
	p.Equal([]string{"org-idp"}, p.rolesAt(p.acme, p.mallory))
}

// turnedOwner: her own provider asserts the subject of the owner.
func turnedOwner(w *world) {
	p := newIDP(w)
	p.Error(p.turns(p.okta, elsewhere)())
	p.Equal(p.okta, p.fresh(p.okta))
	spare := p.Connect(p.acme, "Spare")
	p.NoError(p.turns(spare, elsewhere)())
	for _, in := range []tenancy.Attempt{
		servicetest.Through(p.fresh(spare), "s-"+p.boss.Email, ""), servicetest.Through(p.fresh(spare), "s-"+p.boss.Email, p.boss.Email),
		servicetest.Through(p.fresh(spare), p.okta.ID.String()+"/s-"+p.boss.Email, p.boss.Email),
	} {
		got := p.tries(in)
		p.NotEqual(tenancy.DecisionSignedIn, got.Kind)
	}
	p.Len(p.identities(p.boss), 1)
}

// ownConnection: with a verified domain, a connection speaks for everyone on it.
func ownConnection(d *door) {
	m := d.visitor(d.acme, "m@mail.example")
	as := d.custom(m, "org-idp", "tenancy:connections:read", "tenancy:connections:write")
	own := func(state tenancy.ConnectionState) func() error {
		return func() error {
			_, err := as.Connections.Create(d.Ctx, tenancy.NewConnection{
				OrganizationID: d.acme.ID, Protocol: tenancy.ProtocolOIDC, Name: "Mine", Issuer: "https://evil.example", State: state,
			})
			return err
		}
	}
	d.refuses(tenancy.ErrForbidden, "roles", own(tenancy.ConnectionActive))
	d.NoError(own(tenancy.ConnectionInactive)())
	var mine tenancy.Connection
	for c, err := range d.Svc.Connections.All(d.Ctx, d.acme.ID, tenancy.ConnectionQuery{State: tenancy.ConnectionInactive}) {
		d.NoError(err)
		mine = c
	}
	d.refuses(tenancy.ErrForbidden, "roles", func() error {
		_, err := as.Connections.Update(d.Ctx, d.acme.ID, mine.ID, tenancy.ConnectionUpdate{State: servicetest.Ptr(tenancy.ConnectionActive)})
		return err
	})
	d.refuses(tenancy.ErrNotFound, "", func() error {
		_, err := d.Svc.SignIn(d.Ctx, servicetest.Through(mine, "anything", d.owner.Email))
		return err
	})
	d.Empty(d.identities(d.owner))
	// The organization may verify the domain again, so it makes no difference that it is gone.
	d.NoError(d.Svc.Domains.Release(d.Ctx, d.acme.ID, d.domain.ID))
	d.refuses(tenancy.ErrForbidden, "roles", own(tenancy.ConnectionActive))
	// Where the provider could come as nobody above the member, they may make a connection.
	d.NoError(d.moves(d.owner, d.proof(d.owner, "owner@gmail.com")))
	d.NoError(own(tenancy.ConnectionActive)())
}

func switchedOn(w *world) {
	p := newIDP(w)
	mapped := p.turned(p.Connect(p.acme, "Mapped"), tenancy.ConnectionUpdate{
		Groups: &map[string]string{"admins": rbac.Admin}, State: servicetest.Ptr(tenancy.ConnectionInactive),
	})
	p.refuses(tenancy.ErrForbidden, "roles", p.turns(mapped, tenancy.ConnectionUpdate{State: servicetest.Ptr(tenancy.ConnectionActive)}))
	p.refuses(tenancy.ErrForbidden, "roles", p.turns(mapped, elsewhere)) // point it elsewhere first, then wait
	p.refuses(tenancy.ErrForbidden, "roles", func() error {
		_, err := p.asUser(p.mallory).Connections.Create(p.Ctx, tenancy.NewConnection{
			OrganizationID: p.acme.ID, Protocol: tenancy.ProtocolOIDC, Name: "Mine", Groups: map[string]string{"admins": rbac.Admin},
		})
		return err
	})
}

func movesAddresses(w *world) {
	p := newIDP(w)
	p.refuses(tenancy.ErrForbidden, "roles", p.turns(p.okta, tenancy.ConnectionUpdate{UpdatesEmail: servicetest.Ptr(true)}))
	p.refuses(tenancy.ErrForbidden, "roles", p.turns(p.okta, tenancy.ConnectionUpdate{UpdatesEmail: servicetest.Ptr(true), Groups: &map[string]string{}}))
	p.False(p.fresh(p.okta).UpdatesEmail)
}

// formerSubject: the organization moves to another provider, whose subjects are others.
func formerSubject(w *world) {
	p := newIDP(w)
	for name, in := range map[string]tenancy.ConnectionUpdate{
		"another issuer": {Issuer: servicetest.Ptr("https://new.acme.example")}, "another provider": {Provider: servicetest.Ptr("entra")},
	} {
		p.each(name, func(w *world) {
			now := w.turned(p.okta, in)
			w.halts(tenancy.DecisionInvitationNeeded, "", servicetest.Through(now, "s-"+p.boss.Email, ""))
			// The address leads to the account, and the mailbox opens it.
			w.halts(tenancy.DecisionVerifyEmail, "", servicetest.Through(now, "s-"+p.boss.Email, p.boss.Email))
			got := w.enters(servicetest.Proving(p.boss.Email, servicetest.Through(now, "n-"+p.boss.Email, p.boss.Email)))
			w.Equal(p.boss.ID, got.User.ID)
			w.True(got.Linked)
			w.NoError(w.Svc.Identities.Unlink(w.Ctx, p.boss.ID, got.Session.IdentityID))
		})
	}
}

func formerAnswer(w *world) {
	p := newIDP(w)
	before := servicetest.Through(p.okta, "s-"+p.boss.Email, p.boss.Email)
	p.turned(p.okta, tenancy.ConnectionUpdate{Issuer: servicetest.Ptr("https://new.acme.example")})
	for _, in := range []tenancy.Attempt{
		before, servicetest.Proving(p.boss.Email, before), servicetest.Twice(before), servicetest.Through(tenancy.Connection{ID: p.okta.ID}, "s-"+p.boss.Email, p.boss.Email),
		servicetest.Through(tenancy.Connection{ID: p.okta.ID, Epoch: 99}, "s-"+p.boss.Email, p.boss.Email),
	} {
		p.refuses(tenancy.ErrConflict, "version", func() error { _, err := p.Svc.SignIn(p.Ctx, in); return err })
	}
}

func formerSession(w *world) {
	p := newIDP(w)
	got := p.enters(servicetest.Through(p.okta, "s-"+p.boss.Email, ""))
	p.turned(p.okta, tenancy.ConnectionUpdate{Name: servicetest.Ptr("Renamed"), Settings: tenancy.Patch{"client_id": servicetest.Ptr("rotated")}})
	p.True(p.stands(got)) // it is the same provider
	p.turned(p.okta, tenancy.ConnectionUpdate{Issuer: servicetest.Ptr("https://new.acme.example")})
	p.ended(got.Token, tenancy.ErrSessionEnded, string(tenancy.EndedConnection))
	p.turned(p.okta, tenancy.ConnectionUpdate{Issuer: servicetest.Ptr("https://idp.acme.example")}) // and back
	p.ended(got.Token, tenancy.ErrSessionEnded, string(tenancy.EndedConnection))
	_, err := p.Svc.Sessions.Switch(p.Ctx, got.Token.Reveal(), p.acme.ID)
	p.Failed(err, tenancy.ErrSessionEnded, "token")
	p.halts(tenancy.DecisionInvitationNeeded, "", servicetest.Through(p.fresh(p.okta), "s-"+p.boss.Email, ""))
}

// closedConnection: also where the session is at another organization.
func closedConnection(d *door) {
	bob := d.User("bob")
	d.Add(d.acme, bob)
	d.Add(d.beta, bob)
	for name, end := range map[string]func(w *world, c tenancy.Connection){
		"off": func(w *world, c tenancy.Connection) {
			w.turned(c, tenancy.ConnectionUpdate{State: servicetest.Ptr(tenancy.ConnectionInactive)})
		},
		"off and on again": func(w *world, c tenancy.Connection) {
			w.turned(c, tenancy.ConnectionUpdate{State: servicetest.Ptr(tenancy.ConnectionInactive)})
			w.turned(c, tenancy.ConnectionUpdate{State: servicetest.Ptr(tenancy.ConnectionActive)})
		},
		"deleted": func(w *world, c tenancy.Connection) {
			w.NoError(w.Svc.Connections.Delete(w.Ctx, c.OrganizationID, c.ID))
		},
	} {
		d.each(name, func(w *world) {
			c := w.Connect(d.acme, name)
			here, mail := w.enters(servicetest.To(d.acme, servicetest.Through(c, "s-"+name, bob.Email))), w.enters(servicetest.To(d.acme, servicetest.ByMail(bob.Email)))
			there := w.enters(servicetest.To(d.beta, servicetest.Through(c, "s-"+name, bob.Email)))
			end(w, c)
			w.ended(here.Token, tenancy.ErrSessionEnded, string(tenancy.EndedConnection))
			w.ended(there.Token, tenancy.ErrSessionEnded, string(tenancy.EndedConnection))
			w.True(w.stands(mail))
			for s, err := range w.Svc.Sessions.AllByUser(w.Ctx, bob.ID, tenancy.SessionQuery{}) { // the live ones
				w.NoError(err)
				w.NotEqual(c.ID, s.ConnectionID)
			}
			_, err := w.Svc.Sessions.Claims(w.Ctx, here.Session.ID, tenancy.ClaimsQuery{})
			w.Failed(err, tenancy.ErrSessionEnded, "token")
		})
	}
}

func unlinkedSession(d *door) {
	bob := d.User("bob")
	d.Add(d.acme, bob)
	google, okta := d.enters(servicetest.ByProvider(servicetest.Google, "g-1", bob.Email, true)), d.enters(servicetest.Through(d.okta, "s-1", bob.Email))
	mail, me := d.enters(servicetest.ByMail(bob.Email)), d.asUser(bob)
	d.NoError(me.Identities.Unlink(d.Ctx, bob.ID, google.Session.IdentityID))
	d.ended(google.Token, tenancy.ErrSessionEnded, string(tenancy.EndedUnlinked))
	d.True(d.stands(okta))
	// Also the session in which they do it.
	d.NoError(d.asSession(okta.Session).Identities.Unlink(d.Ctx, bob.ID, okta.Session.IdentityID))
	d.ended(okta.Token, tenancy.ErrSessionEnded, string(tenancy.EndedUnlinked))
	d.True(d.stands(mail))
}

// staleIdentities: a subject of the provider now takes the place of the same one before,
// with the sessions that came by that.
func staleIdentities(d *door) {
	d.admitting()
	old := d.enters(servicetest.Through(d.okta, "s-1", "bob@acme.example"))
	cyd := d.enters(servicetest.Through(d.okta, "s-2", "cyd@acme.example")).User
	d.okta = d.turned(d.okta, tenancy.ConnectionUpdate{Provider: servicetest.Ptr("entra")})
	d.Len(d.identities(old.User), 1) // it is there, and opens nothing

	// The subject is cyd's at the new provider.
	got := d.enters(servicetest.Through(d.okta, "s-1", "cyd@acme.example"))
	d.Equal(cyd.ID, got.User.ID)
	d.True(got.Linked)
	d.Empty(d.identities(old.User))
	var subjects []string
	for _, i := range d.identities(cyd) {
		subjects = append(subjects, i.Subject)
	}
	d.ElementsMatch([]string{"s-1", "s-2"}, subjects) // and her old one conflicts with nothing
	// Bob's is another one, and he comes by his address.
	d.Equal(old.User.ID, d.enters(servicetest.Through(d.okta, "s-3", "bob@acme.example")).User.ID)
	// The host's Link and LinkTo replace an old identity as well.
	before := d.identities(old.User)[0]
	d.okta = d.turned(d.okta, tenancy.ConnectionUpdate{Provider: servicetest.Ptr("okta")})
	now := d.Link(old.User, tenancy.NewIdentity{Provider: d.okta.ID.String(), Subject: "s-3"})
	d.NotEqual(before.ID, now.ID)
	d.Equal([]tenancy.Identity{now}, d.identities(old.User))
	d.Equal(old.User.ID, d.enters(servicetest.Through(d.okta, "s-3", "")).User.ID)
	d.okta = d.turned(d.okta, tenancy.ConnectionUpdate{Provider: servicetest.Ptr("entra")})
	linked := d.tries(linkingTo(d.enters(servicetest.ByMail("cyd@acme.example")), servicetest.Through(d.okta, "s-3", "x@mail.example")))
	d.Equal(tenancy.DecisionLinked, linked.Kind)
	d.Equal(cyd.ID, linked.User.ID)
	d.Empty(d.identities(old.User))
}

func epochs(d *door) {
	expect := func(in tenancy.ConnectionUpdate, epoch, sessions int64) {
		d.T.Helper()
		d.okta = d.turned(d.okta, in)
		d.Equal([2]int64{epoch, sessions}, [2]int64{d.okta.Epoch, d.okta.SessionsEpoch})
	}
	d.Equal([2]int64{1, 1}, [2]int64{d.okta.Epoch, d.okta.SessionsEpoch})
	expect(tenancy.ConnectionUpdate{
		Name: servicetest.Ptr("New"), Settings: tenancy.Patch{"k": servicetest.Ptr("v")},
		Groups: &map[string]string{"g": rbac.Guest}, UpdatesEmail: servicetest.Ptr(true),
	}, 1, 1)
	expect(tenancy.ConnectionUpdate{Issuer: servicetest.Ptr("https://a.example")}, 2, 2)
	expect(tenancy.ConnectionUpdate{Issuer: servicetest.Ptr("https://a.example")}, 2, 2) // what it was
	expect(tenancy.ConnectionUpdate{Provider: servicetest.Ptr("okta"), Issuer: servicetest.Ptr("https://b.example")}, 3, 3)
	expect(tenancy.ConnectionUpdate{State: servicetest.Ptr(tenancy.ConnectionInactive)}, 3, 4)
	expect(tenancy.ConnectionUpdate{State: servicetest.Ptr(tenancy.ConnectionActive)}, 3, 4)
	expect(tenancy.ConnectionUpdate{State: servicetest.Ptr(tenancy.ConnectionInactive), Provider: servicetest.Ptr("entra")}, 4, 5)
	expect(tenancy.ConnectionUpdate{Issuer: servicetest.Ptr("https://c.example")}, 5, 6) // while it is off
}
