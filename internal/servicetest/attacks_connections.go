package servicetest

import (
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
	w.t.Helper()
	p := idp{world: w, boss: w.newUser(tenancy.NewUser{Email: "boss@gmail.com", EmailVerified: true}), mallory: w.person("mallory")}
	p.acme = w.owned("Acme", p.boss)
	w.role(p.acme.ID, "org-idp", "", "tenancy:connections:read", "tenancy:connections:write")
	w.add(p.acme, p.mallory, "org-idp")
	p.okta = w.turned(w.connect(p.acme, "Okta"), tenancy.ConnectionUpdate{
		Issuer: ptr("https://idp.acme.example"), Settings: tenancy.Patch{"client_id": ptr("real")}, Groups: &map[string]string{"admins": rbac.Admin},
	})
	for _, who := range []tenancy.User{p.boss, p.mallory} {
		w.enters(proving(who.Email, through(p.okta, "s-"+who.Email, who.Email)))
	}
	return p
}

// turns is mallory's change of a connection.
func (p idp) turns(c tenancy.Connection, in tenancy.ConnectionUpdate) func() error {
	return func() error {
		_, err := p.asUser(p.mallory).Connections.Update(p.ctx, p.acme.ID, c.ID, in)
		return err
	}
}

var elsewhere = tenancy.ConnectionUpdate{Issuer: ptr("https://idp.evil.example")}

func turnsConnection(w *world) {
	p := newIDP(w)
	for name, in := range map[string]tenancy.ConnectionUpdate{
		"the issuer":                 elsewhere,
		"the provider":               {Provider: ptr("evil")},
		"the settings":               {Settings: tenancy.Patch{"client_id": ptr("evil"), "jwks_uri": ptr("https://evil.example/keys")}},
		"a setting taken away":       {Settings: tenancy.Patch{"client_id": nil}},
		"off":                        {State: ptr(tenancy.ConnectionInactive)},
		"the issuer, with no groups": {Issuer: elsewhere.Issuer, Groups: &map[string]string{}},
	} {
		p.each(name, func(w *world) { w.refuses(tenancy.ErrForbidden, "roles", p.turns(p.okta, in)) })
	}
	remove := func() error { return p.asUser(p.mallory).Connections.Delete(p.ctx, p.acme.ID, p.okta.ID) }
	p.refuses(tenancy.ErrForbidden, "roles", remove)
	// Without the group the owner's identity is still above her, also while it is off.
	p.okta = p.turned(p.okta, tenancy.ConnectionUpdate{Groups: &map[string]string{}, State: ptr(tenancy.ConnectionInactive)})
	p.refuses(tenancy.ErrForbidden, "roles", p.turns(p.okta, elsewhere))
	p.refuses(tenancy.ErrForbidden, "roles", p.turns(p.okta, tenancy.ConnectionUpdate{State: ptr(tenancy.ConnectionActive)}))
	p.refuses(tenancy.ErrForbidden, "roles", remove)
	// She may change what says nothing about trust, and what reaches nobody above her.
	p.NoError(p.turns(p.okta, tenancy.ConnectionUpdate{Name: ptr("Okta 2")})())
	p.NoError(p.turns(p.connect(p.acme, "Spare"), elsewhere)())
	_, err := p.asUser(p.boss).Connections.Update(p.ctx, p.acme.ID, p.okta.ID, elsewhere)
	p.NoError(err)
}

// turnedGroups: mallory's own mailbox, and a provider that says what she likes.
func turnedGroups(w *world) {
	p := newIDP(w)
	p.Error(p.turns(p.okta, elsewhere)())
	p.enters(through(p.fresh(p.okta), "s-"+p.mallory.Email, p.mallory.Email))
	p.Equal([]string{"org-idp"}, p.rolesAt(p.acme, p.mallory))
	// One of her own maps only to what she has.
	spare := p.connect(p.acme, "Spare")
	p.NoError(p.turns(spare, elsewhere)())
	p.refuses(tenancy.ErrForbidden, "roles", p.turns(spare, tenancy.ConnectionUpdate{Groups: &map[string]string{"admins": rbac.Admin}}))
	p.NoError(p.turns(spare, tenancy.ConnectionUpdate{Groups: &map[string]string{"admins": "org-idp"}})())
	p.enters(proving(p.mallory.Email, through(p.fresh(spare), "fresh", p.mallory.Email, "admins")))
	p.Equal([]string{"org-idp"}, p.rolesAt(p.acme, p.mallory))
}

// turnedOwner: her own provider asserts the subject of the owner.
func turnedOwner(w *world) {
	p := newIDP(w)
	p.Error(p.turns(p.okta, elsewhere)())
	p.Equal(p.okta, p.fresh(p.okta))
	spare := p.connect(p.acme, "Spare")
	p.NoError(p.turns(spare, elsewhere)())
	for _, in := range []tenancy.Attempt{
		through(p.fresh(spare), "s-"+p.boss.Email, ""), through(p.fresh(spare), "s-"+p.boss.Email, p.boss.Email),
		through(p.fresh(spare), p.okta.ID.String()+"/s-"+p.boss.Email, p.boss.Email),
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
			_, err := as.Connections.Create(d.ctx, tenancy.NewConnection{
				OrganizationID: d.acme.ID, Protocol: tenancy.ProtocolOIDC, Name: "Mine", Issuer: "https://evil.example", State: state,
			})
			return err
		}
	}
	d.refuses(tenancy.ErrForbidden, "roles", own(tenancy.ConnectionActive))
	d.NoError(own(tenancy.ConnectionInactive)())
	var mine tenancy.Connection
	for c, err := range d.svc.Connections.All(d.ctx, d.acme.ID, tenancy.ConnectionQuery{State: tenancy.ConnectionInactive}) {
		d.NoError(err)
		mine = c
	}
	d.refuses(tenancy.ErrForbidden, "roles", func() error {
		_, err := as.Connections.Update(d.ctx, d.acme.ID, mine.ID, tenancy.ConnectionUpdate{State: ptr(tenancy.ConnectionActive)})
		return err
	})
	d.refuses(tenancy.ErrNotFound, "", func() error {
		_, err := d.svc.SignIn(d.ctx, through(mine, "anything", d.owner.Email))
		return err
	})
	d.Empty(d.identities(d.owner))
	// The organization may verify the domain again, so it makes no difference that it is gone.
	d.NoError(d.svc.Domains.Release(d.ctx, d.acme.ID, d.domain.ID))
	d.refuses(tenancy.ErrForbidden, "roles", own(tenancy.ConnectionActive))
	// Where the provider could come as nobody above the member, they may make a connection.
	d.NoError(d.moves(d.owner, d.proof(d.owner, "owner@gmail.com")))
	d.NoError(own(tenancy.ConnectionActive)())
}

func switchedOn(w *world) {
	p := newIDP(w)
	mapped := p.turned(p.connect(p.acme, "Mapped"), tenancy.ConnectionUpdate{
		Groups: &map[string]string{"admins": rbac.Admin}, State: ptr(tenancy.ConnectionInactive),
	})
	p.refuses(tenancy.ErrForbidden, "roles", p.turns(mapped, tenancy.ConnectionUpdate{State: ptr(tenancy.ConnectionActive)}))
	p.refuses(tenancy.ErrForbidden, "roles", p.turns(mapped, elsewhere)) // point it elsewhere first, then wait
	p.refuses(tenancy.ErrForbidden, "roles", func() error {
		_, err := p.asUser(p.mallory).Connections.Create(p.ctx, tenancy.NewConnection{
			OrganizationID: p.acme.ID, Protocol: tenancy.ProtocolOIDC, Name: "Mine", Groups: map[string]string{"admins": rbac.Admin},
		})
		return err
	})
}

func movesAddresses(w *world) {
	p := newIDP(w)
	p.refuses(tenancy.ErrForbidden, "roles", p.turns(p.okta, tenancy.ConnectionUpdate{UpdatesEmail: ptr(true)}))
	p.refuses(tenancy.ErrForbidden, "roles", p.turns(p.okta, tenancy.ConnectionUpdate{UpdatesEmail: ptr(true), Groups: &map[string]string{}}))
	p.False(p.fresh(p.okta).UpdatesEmail)
}

// formerSubject: the organization moves to another provider, whose subjects are others.
func formerSubject(w *world) {
	p := newIDP(w)
	for name, in := range map[string]tenancy.ConnectionUpdate{
		"another issuer": {Issuer: ptr("https://new.acme.example")}, "another provider": {Provider: ptr("entra")},
	} {
		p.each(name, func(w *world) {
			now := w.turned(p.okta, in)
			w.halts(tenancy.DecisionInvitationNeeded, "", through(now, "s-"+p.boss.Email, ""))
			// The address leads to the account, and the mailbox opens it.
			w.halts(tenancy.DecisionVerifyEmail, "", through(now, "s-"+p.boss.Email, p.boss.Email))
			got := w.enters(proving(p.boss.Email, through(now, "n-"+p.boss.Email, p.boss.Email)))
			w.Equal(p.boss.ID, got.User.ID)
			w.True(got.Linked)
			w.NoError(w.svc.Identities.Unlink(w.ctx, p.boss.ID, got.Session.IdentityID))
		})
	}
}

func formerAnswer(w *world) {
	p := newIDP(w)
	before := through(p.okta, "s-"+p.boss.Email, p.boss.Email)
	p.turned(p.okta, tenancy.ConnectionUpdate{Issuer: ptr("https://new.acme.example")})
	for _, in := range []tenancy.Attempt{
		before, proving(p.boss.Email, before), twice(before), through(tenancy.Connection{ID: p.okta.ID}, "s-"+p.boss.Email, p.boss.Email),
		through(tenancy.Connection{ID: p.okta.ID, Epoch: 99}, "s-"+p.boss.Email, p.boss.Email),
	} {
		p.refuses(tenancy.ErrConflict, "version", func() error { _, err := p.svc.SignIn(p.ctx, in); return err })
	}
}

func formerSession(w *world) {
	p := newIDP(w)
	got := p.enters(through(p.okta, "s-"+p.boss.Email, ""))
	p.turned(p.okta, tenancy.ConnectionUpdate{Name: ptr("Renamed"), Settings: tenancy.Patch{"client_id": ptr("rotated")}})
	p.True(p.stands(got)) // it is the same provider
	p.turned(p.okta, tenancy.ConnectionUpdate{Issuer: ptr("https://new.acme.example")})
	p.ended(got.Token, tenancy.ErrSessionEnded, string(tenancy.EndedConnection))
	p.turned(p.okta, tenancy.ConnectionUpdate{Issuer: ptr("https://idp.acme.example")}) // and back
	p.ended(got.Token, tenancy.ErrSessionEnded, string(tenancy.EndedConnection))
	_, err := p.svc.Sessions.Switch(p.ctx, got.Token.Reveal(), p.acme.ID)
	p.failed(err, tenancy.ErrSessionEnded, "token")
	p.halts(tenancy.DecisionInvitationNeeded, "", through(p.fresh(p.okta), "s-"+p.boss.Email, ""))
}

// closedConnection: also where the session has moved to another organization since.
func closedConnection(d *door) {
	bob := d.user("bob")
	d.add(d.acme, bob)
	d.add(d.beta, bob)
	for name, end := range map[string]func(w *world, c tenancy.Connection){
		"off": func(w *world, c tenancy.Connection) {
			w.turned(c, tenancy.ConnectionUpdate{State: ptr(tenancy.ConnectionInactive)})
		},
		"off and on again": func(w *world, c tenancy.Connection) {
			w.turned(c, tenancy.ConnectionUpdate{State: ptr(tenancy.ConnectionInactive)})
			w.turned(c, tenancy.ConnectionUpdate{State: ptr(tenancy.ConnectionActive)})
		},
		"deleted": func(w *world, c tenancy.Connection) {
			w.NoError(w.svc.Connections.Delete(w.ctx, c.OrganizationID, c.ID))
		},
	} {
		d.each(name, func(w *world) {
			c := w.connect(d.acme, name)
			here, mail := w.enters(to(d.acme, through(c, "s-"+name, bob.Email))), w.enters(to(d.acme, byMail(bob.Email)))
			there, err := w.change(w.enters(to(d.acme, through(c, "s-"+name, bob.Email))).Token, d.beta.ID)
			w.NoError(err)
			end(w, c)
			w.ended(here.Token, tenancy.ErrSessionEnded, string(tenancy.EndedConnection))
			w.ended(there.Token, tenancy.ErrSessionEnded, string(tenancy.EndedConnection))
			w.True(w.stands(mail))
			for s, err := range w.svc.Sessions.AllByUser(w.ctx, bob.ID, tenancy.SessionQuery{}) { // the live ones
				w.NoError(err)
				w.NotEqual(c.ID, s.ConnectionID)
			}
			_, err = w.svc.Sessions.Claims(w.ctx, here.Session.ID, tenancy.ClaimsQuery{})
			w.failed(err, tenancy.ErrSessionEnded, "token")
		})
	}
}

func unlinkedSession(d *door) {
	bob := d.user("bob")
	d.add(d.acme, bob)
	google, okta := d.enters(by(byGoogle, "g-1", bob.Email, true)), d.enters(through(d.okta, "s-1", bob.Email))
	mail, me := d.enters(byMail(bob.Email)), d.asUser(bob)
	d.NoError(me.Identities.Unlink(d.ctx, bob.ID, google.Session.IdentityID))
	d.ended(google.Token, tenancy.ErrSessionEnded, string(tenancy.EndedUnlinked))
	d.True(d.stands(okta))
	// Also the session in which they do it.
	d.NoError(d.asSession(okta.Session).Identities.Unlink(d.ctx, bob.ID, okta.Session.IdentityID))
	d.ended(okta.Token, tenancy.ErrSessionEnded, string(tenancy.EndedUnlinked))
	d.True(d.stands(mail))
}

// staleIdentities: a subject of the provider now takes the place of the same one before,
// with the sessions that came by that.
func staleIdentities(d *door) {
	d.admitting()
	old := d.enters(through(d.okta, "s-1", "bob@acme.example"))
	cyd := d.enters(through(d.okta, "s-2", "cyd@acme.example")).User
	d.okta = d.turned(d.okta, tenancy.ConnectionUpdate{Provider: ptr("entra")})
	d.Len(d.identities(old.User), 1) // it is there, and opens nothing

	// The subject is cyd's at the new provider.
	got := d.enters(through(d.okta, "s-1", "cyd@acme.example"))
	d.Equal(cyd.ID, got.User.ID)
	d.True(got.Linked)
	d.Empty(d.identities(old.User))
	var subjects []string
	for _, i := range d.identities(cyd) {
		subjects = append(subjects, i.Subject)
	}
	d.ElementsMatch([]string{"s-1", "s-2"}, subjects) // and her old one conflicts with nothing
	// Bob's is another one, and he comes by his address.
	d.Equal(old.User.ID, d.enters(through(d.okta, "s-3", "bob@acme.example")).User.ID)
	// The host's Link and LinkTo replace an old identity as well.
	before := d.identities(old.User)[0]
	d.okta = d.turned(d.okta, tenancy.ConnectionUpdate{Provider: ptr("okta")})
	now := d.link(old.User, tenancy.NewIdentity{Provider: d.okta.ID.String(), Subject: "s-3"})
	d.NotEqual(before.ID, now.ID)
	d.Equal([]tenancy.Identity{now}, d.identities(old.User))
	d.Equal(old.User.ID, d.enters(through(d.okta, "s-3", "")).User.ID)
	d.okta = d.turned(d.okta, tenancy.ConnectionUpdate{Provider: ptr("entra")})
	linked := d.tries(linkingTo(d.enters(byMail("cyd@acme.example")), through(d.okta, "s-3", "x@mail.example")))
	d.Equal(tenancy.DecisionLinked, linked.Kind)
	d.Equal(cyd.ID, linked.User.ID)
	d.Empty(d.identities(old.User))
}

func epochs(d *door) {
	expect := func(in tenancy.ConnectionUpdate, epoch, sessions int64) {
		d.t.Helper()
		d.okta = d.turned(d.okta, in)
		d.Equal([2]int64{epoch, sessions}, [2]int64{d.okta.Epoch, d.okta.SessionsEpoch})
	}
	d.Equal([2]int64{1, 1}, [2]int64{d.okta.Epoch, d.okta.SessionsEpoch})
	expect(tenancy.ConnectionUpdate{Name: ptr("New"), Settings: tenancy.Patch{"k": ptr("v")}, Groups: &map[string]string{"g": rbac.Guest}, UpdatesEmail: ptr(true)}, 1, 1)
	expect(tenancy.ConnectionUpdate{Issuer: ptr("https://a.example")}, 2, 2)
	expect(tenancy.ConnectionUpdate{Issuer: ptr("https://a.example")}, 2, 2) // what it was
	expect(tenancy.ConnectionUpdate{Provider: ptr("okta"), Issuer: ptr("https://b.example")}, 3, 3)
	expect(tenancy.ConnectionUpdate{State: ptr(tenancy.ConnectionInactive)}, 3, 4)
	expect(tenancy.ConnectionUpdate{State: ptr(tenancy.ConnectionActive)}, 3, 4)
	expect(tenancy.ConnectionUpdate{State: ptr(tenancy.ConnectionInactive), Provider: ptr("entra")}, 4, 5)
	expect(tenancy.ConnectionUpdate{Issuer: ptr("https://c.example")}, 5, 6) // while it is off
}
