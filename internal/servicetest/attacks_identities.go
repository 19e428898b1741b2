package servicetest

import (
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// identityAttacks claim an account by a subject that is not its owner's, or a subject for
// an account.
func identityAttacks() []rule {
	return []rule{
		{"U4 attack: the next person with an address gets the account of the one before", atDoor(nextWithAddress)},
		{"U4 attack: a person claims a stranger's subject by their own word", atDoor(claimedSubject)},
		{"U4 attack: linking tells which subjects somebody has", atDoor(toldSubjects)},
		{"U4 every case of identity and second subject", atDoor(secondSubjects)},
		{"U4 a signed-in person adds a way of signing in", atDoor(linkTo)},
		{"U4 attack: a session that does not stand adds a way of signing in", atDoor(linkToRefused)},
		{"U4 attack: a way of signing in that was added passes a policy by", atDoor(linkToPolicy)},
		{"P6 attack: a stranger's connection is added as a way of signing in", atDoor(linkToConnection)},
	}
}

// linkingTo is an attempt to add a way of signing in to the account of a session.
func linkingTo(session tenancy.Decision, in tenancy.Attempt) tenancy.Attempt {
	in.LinkTo = session.Token.Reveal()
	return in
}

// links checks that an attempt adds an identity to a user, whose session goes on.
func (d *door) links(session tenancy.Decision, in tenancy.Attempt) tenancy.Decision {
	d.t.Helper()
	got := d.tries(linkingTo(session, in))
	d.Equal(tenancy.DecisionLinked, got.Kind, "code %q", got.Code)
	d.Equal(session.User.ID, got.User.ID)
	d.True(got.Token.IsZero())
	d.Zero(got.Session)
	d.True(d.stands(session))
	return got
}

func conflicts(d *door, in tenancy.Attempt) {
	d.t.Helper()
	d.halts(tenancy.DecisionIdentityConflict, tenancy.ErrIdentityConflict, in)
}

// nextWithAddress: a provider gives an address that somebody had to the next person.
func nextWithAddress(d *door) {
	d.admitting()
	jo := d.enters(by(byGoogle, "g-old", "jo@mail.example", true)).User
	conflicts(d, by(byGoogle, "g-new", "jo@mail.example", true))
	conflicts(d, to(d.beta, by(byGoogle, "g-new", "jo@mail.example", true)))
	// Also where the mailbox was opened: the next person can do that.
	conflicts(d, proving("jo@mail.example", by(byGoogle, "g-new", "jo@mail.example", false)))
	d.refuses(tenancy.ErrIdentityConflict, "subject", func() error {
		_, err := d.svc.Identities.Resolve(d.ctx, google("g-new", "jo@mail.example", true))
		return err
	})
	d.Len(d.identities(jo), 1)
	ann := d.enters(through(d.okta, "s-old", "ann@acme.example")).User
	conflicts(d, through(d.okta, "s-new", "ann@acme.example"))
	d.Len(d.identities(ann), 1)
	d.Equal(ann.ID, d.enters(through(d.okta, "s-old", "")).User.ID)
	// The host frees it, and then it is linked.
	d.NoError(d.svc.Identities.Unlink(d.ctx, ann.ID, d.identities(ann)[0].ID))
	d.True(d.enters(through(d.okta, "s-new", "ann@acme.example")).Linked)
}

func claimedSubject(d *door) {
	mallory := d.person("mallory")
	for _, svc := range []*tenancy.Service{d.asUser(mallory), d.asSession(d.enters(byMail(mallory.Email)).Session)} {
		for _, in := range []tenancy.NewIdentity{
			google("g-victim", "", false), google("g-victim", mallory.Email, true),
			{Provider: "password", Subject: "1001"},
			{Provider: d.okta.ID.String(), Subject: "s-victim"},
		} {
			d.refuses(tenancy.ErrForbidden, "", func() error { _, err := svc.Identities.Link(d.ctx, mallory.ID, in); return err })
		}
	}
	d.Empty(d.identities(mallory))
	victim := d.enters(by(byGoogle, "g-victim", "victim@mail.example", true))
	d.NotEqual(mallory.ID, victim.User.ID)
	d.link(victim.User, tenancy.NewIdentity{Provider: "password", Subject: "1001"}) // the host's next credential
	d.Equal(victim.User.ID, d.enters(byPassword("1001", "")).User.ID)
}

func toldSubjects(d *door) {
	d.enters(by(byGoogle, "g-known", "jo@mail.example", true))
	mallory := d.person("mallory")
	link := func(subject string) error {
		_, err := d.asUser(mallory).Identities.Link(d.ctx, mallory.ID, google(subject, "", false))
		return err
	}
	known, unknown := d.failed(link("g-known"), tenancy.ErrForbidden, ""), d.failed(link("g-unknown"), tenancy.ErrForbidden, "")
	d.Equal(known.Error(), unknown.Error())
}

// secondSubjects is U4 as a table: what the user with the address has, and what another
// subject then gets.
func secondSubjects(d *door) {
	const address = "ann@mail.example"
	has := func(identities ...tenancy.NewIdentity) []tenancy.NewIdentity { return identities }
	old := tenancy.NewIdentity{Provider: "google", Subject: "g-old"}
	for name, c := range map[string]struct {
		unproved bool // the address of the user
		has      []tenancy.NewIdentity
		in       tenancy.Attempt
		kind     tenancy.DecisionKind
	}{
		"none yet":                            {false, nil, by(byGoogle, "g-new", address, true), tenancy.DecisionSignedIn},
		"another subject there":               {false, has(old), by(byGoogle, "g-new", address, true), tenancy.DecisionIdentityConflict},
		"the same subject":                    {false, has(old), by(byGoogle, "g-old", address, true), tenancy.DecisionSignedIn},
		"the same subject in another case":    {false, has(old), by(byGoogle, "G-OLD", address, true), tenancy.DecisionIdentityConflict},
		"another provider":                    {false, has(old), by(byGithub, "g-new", address, true), tenancy.DecisionSignedIn},
		"a password there, another password":  {false, has(tenancy.NewIdentity{Provider: "password", Subject: "c-1"}), proving(address, byPassword("c-2", "")), tenancy.DecisionSignedIn},
		"a second subject, nothing proved":    {false, has(old), by(byGoogle, "g-new", address, false), tenancy.DecisionVerifyEmail},
		"a second subject, and the mailbox":   {false, has(old), proving(address, by(byGoogle, "g-new", "", nil)), tenancy.DecisionIdentityConflict},
		"the mailbox alone":                   {false, has(old), byMail(address), tenancy.DecisionSignedIn},
		"nobody had proved it: a takeover":    {true, has(old), by(byGoogle, "g-new", address, true), tenancy.DecisionSignedIn},
		"nobody had proved it, nothing shown": {true, has(old), by(byGoogle, "g-new", address, false), tenancy.DecisionVerifyEmail},
	} {
		d.each(name, func(w *world) {
			user := w.newUser(tenancy.NewUser{Email: address, EmailVerified: !c.unproved})
			for _, in := range c.has {
				w.link(user, in)
			}
			if c.kind == tenancy.DecisionSignedIn {
				got := w.enters(c.in)
				w.Equal(user.ID, got.User.ID)
				w.Equal(c.unproved, got.TookOver)
			} else {
				code := tenancy.Code("")
				if c.kind == tenancy.DecisionIdentityConflict {
					code = tenancy.ErrIdentityConflict
				}
				w.halts(c.kind, code, c.in)
				w.Len(w.identities(user), len(c.has))
			}
			w.NoError(w.svc.Users.Delete(w.ctx, user.ID))
		})
	}
}

// linkTo: no address is compared, for the person has shown both.
func linkTo(d *door) {
	ann := d.person("ann")
	session := d.enters(byMail(ann.Email))
	user := tenancy.Actor{Kind: tenancy.ActorUser, ID: ann.ID.String()}
	events := d.emits(func() error { d.links(session, by(byGoogle, "g-1", "other@mail.example", true)); return nil }, some(tenancy.EventIdentityLinked))
	d.Equal(user, events[0].Actor)
	d.Equal(session.Session.ID.String(), events[0].Through) // G12
	d.True(d.identities(ann)[0].EmailVerified)
	d.Equal("ann@mail.example", d.getUser(ann.ID).Email)
	d.True(d.links(session, by(byGithub, "h-1", "", nil)).Linked)
	d.True(d.links(session, byPassword("c-1", "")).Linked)
	// A second subject of one provider is the person's own wish.
	d.True(d.links(session, by(byGoogle, "g-2", ann.Email, true)).Linked)
	for _, in := range []tenancy.Attempt{by(byGoogle, "g-1", "", nil), by(byGoogle, "g-2", "", nil), by(byGithub, "h-1", "", nil), byPassword("c-1", "")} {
		d.Equal(ann.ID, d.enters(in).User.ID)
	}
	// An identity that they have takes the address of now, and is not new.
	d.False(d.links(session, by(byGoogle, "g-1", "third@mail.example", false)).Linked)
	d.Equal("third@mail.example", d.identities(ann)[0].Email)
	d.silent(func() error { d.links(session, by(byGoogle, "g-1", "third@mail.example", false)); return nil })
	// Another user's stays theirs, and so do their address and account.
	bob := d.person("bob")
	d.link(bob, google("g-bob", "", false))
	conflicts(d, linkingTo(session, by(byGoogle, "g-bob", ann.Email, true)))
	d.True(d.links(session, by(byGoogle, "g-3", bob.Email, true)).Linked)
	d.Equal(bob.ID, d.enters(byMail(bob.Email)).User.ID)
	d.Len(d.identities(bob), 1)
	// No membership and no invitation comes with it, and a dead one does not spoil it (I6).
	token := d.invites(d.beta, ann.Email)
	d.links(session, bringing(token, to(d.beta, by(byGoogle, "g-3", ann.Email, true))))
	d.False(d.isMember(d.beta, ann) && d.member(d.beta, ann).Status == tenancy.MembershipActive)
	dead := d.links(session, bringing("invitation_x", by(byGoogle, "g-3", "", nil)))
	d.Equal(tenancy.ErrInvalidToken, dead.InvitationCode)
	_, err := d.svc.SignIn(d.ctx, linkingTo(session, byMail(ann.Email)))
	d.failed(err, tenancy.ErrInvalid, "evidence")
	_, err = d.svc.SignIn(d.ctx, linkingTo(session, tenancy.Attempt{}))
	d.failed(err, tenancy.ErrInvalid, "evidence")
	few := d.another(func(c *tenancy.Config) { c.Limits.UserIdentities = 5 })
	d.unchanged(func() {
		_, err := few.SignIn(d.ctx, linkingTo(session, by(byGithub, "h-2", "", nil)))
		d.failed(err, tenancy.ErrInvalid, "user")
	})
}

func linkToRefused(d *door) {
	ann := d.visitor(d.acme, "ann@mail.example")
	live := d.enters(byMail(ann.Email))
	confined := d.enters(proving(ann.Email, through(d.okta, "s-ann", ann.Email)))
	d.True(confined.Session.Confined)
	signedOut, old := d.enters(byMail(ann.Email)), d.enters(byMail(ann.Email))
	d.NoError(d.svc.Sessions.SignOut(d.ctx, signedOut.Token.Reveal()))
	_, err := d.svc.Sessions.Switch(d.ctx, old.Token.Reveal(), nowhereYet)
	d.NoError(err)
	barred := d.enters(byMail(d.person("barred").Email))
	_, err = d.svc.Users.Suspend(d.ctx, barred.User.ID)
	d.NoError(err)
	in := by(byGoogle, "g-evil", "evil@evil.example", true)
	for name, token := range map[string]string{
		"confined": confined.Token.Reveal(), "confined by the host": d.confinedBy(ann, d.acme).Token.Reveal(), "signed out": signedOut.Token.Reveal(), "replaced": old.Token.Reveal(),
		"of a suspended user": barred.Token.Reveal(), "nonsense": "session_x", "the id of a live one": live.Session.ID.String(),
	} {
		d.each(name, func(w *world) {
			in := in
			in.LinkTo = token
			w.refuses(tenancy.ErrSignInRequired, "session", func() error { _, err := w.svc.SignIn(w.ctx, in); return err })
		})
	}
	d.clock.advance(15 * day)
	d.refuses(tenancy.ErrSignInRequired, "session", func() error { _, err := d.svc.SignIn(d.ctx, linkingTo(live, in)); return err })
}

// linkToPolicy: bob's domain demands its connection, also of an identity that he adds.
func linkToPolicy(d *door) {
	bob, session := d.boundByOkta()
	d.links(session, by(byGoogle, "g-1", "bob@mail.example", true))
	for _, in := range []tenancy.Attempt{by(byGoogle, "g-1", "bob@mail.example", true), by(byGoogle, "g-1", "", nil), to(d.acme, twice(by(byGoogle, "g-1", "", nil)))} {
		d.Equal(views(d.okta), d.halts(tenancy.DecisionUseSingleSignOn, "", in).Connections)
	}
	// The organization's own as well.
	cyd := d.enters(byMail(d.visitor(d.acme, "cyd@mail.example").Email))
	d.demand(d.acme, tenancy.PolicyUpdate{Organization: &tenancy.OrganizationPolicy{SingleSignOn: true}})
	d.links(cyd, by(byGithub, "h-cyd", "", nil))
	d.halts(tenancy.DecisionUseSingleSignOn, "", to(d.acme, by(byGithub, "h-cyd", "", nil)))
	d.Equal(bob.ID, d.enters(through(d.okta, "s-1", "")).User.ID)
}

// linkToConnection: a connection links nobody who is neither on its organization's domains
// nor a member there.
func linkToConnection(d *door) {
	ann := d.visitor(d.beta, "ann@mail.example")
	session := d.enters(byMail(ann.Email))
	for _, email := range []string{"", ann.Email, "owner@acme.example", "new@acme.example"} {
		d.halts(tenancy.DecisionInvitationNeeded, "", linkingTo(session, through(d.okta, "s-ann", email)))
		d.halts(tenancy.DecisionInvitationNeeded, "", linkingTo(session, proving(ann.Email, through(d.okta, "s-ann", email))))
	}
	d.Empty(d.identities(ann))
	d.links(session, through(d.entra, "e-ann", "")) // she is beta's
	got := d.enters(through(d.entra, "e-ann", ""))
	d.True(got.Session.Confined) // as by every address that it cannot verify
	d.Equal(d.beta.ID, got.OrganizationID)
	d.halts(tenancy.DecisionNotMember, "", to(d.acme, through(d.entra, "e-ann", "")))
	bob := d.user("bob") // on acme's domain, and a member of beta alone
	d.add(d.beta, bob, rbac.Admin)
	of := d.enters(byMail(bob.Email))
	d.links(of, through(d.okta, "s-bob", ""))
	d.False(d.enters(to(d.beta, through(d.okta, "s-bob", ""))).Session.Confined)
	d.refuses(tenancy.ErrConflict, "version", func() error {
		_, err := d.svc.SignIn(d.ctx, linkingTo(of, through(tenancy.Connection{ID: d.okta.ID, Epoch: 7}, "s-2", "")))
		return err
	})
}
