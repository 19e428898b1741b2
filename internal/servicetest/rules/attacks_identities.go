package rules

import (
	"github.com/freehold-dev/freehold/internal/servicetest"
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
	d.T.Helper()
	got := d.tries(linkingTo(session, in))
	d.Equal(tenancy.DecisionLinked, got.Kind, "code %q", got.Code)
	d.Equal(session.User.ID, got.User.ID)
	d.True(got.Token.IsZero())
	d.Zero(got.Session)
	d.True(d.stands(session))
	return got
}

func conflicts(d *door, in tenancy.Attempt) {
	d.T.Helper()
	d.halts(tenancy.DecisionIdentityConflict, tenancy.ErrIdentityConflict, in)
}

// nextWithAddress: a provider gives an address that somebody had to the next person.
func nextWithAddress(d *door) {
	d.admitting()
	jo := d.enters(servicetest.ByProvider(servicetest.Google, "g-old", "jo@mail.example", true)).User
	conflicts(d, servicetest.ByProvider(servicetest.Google, "g-new", "jo@mail.example", true))
	conflicts(d, servicetest.To(d.beta, servicetest.ByProvider(servicetest.Google, "g-new", "jo@mail.example", true)))
	// Also where the mailbox was opened: the next person can do that.
	conflicts(d, servicetest.Proving("jo@mail.example", servicetest.ByProvider(servicetest.Google, "g-new", "jo@mail.example", false)))
	d.refuses(tenancy.ErrIdentityConflict, "subject", func() error {
		_, err := d.Svc.Identities.Resolve(d.Ctx, google("g-new", "jo@mail.example", true))
		return err
	})
	d.Len(d.identities(jo), 1)
	ann := d.enters(servicetest.Through(d.okta, "s-old", "ann@acme.example")).User
	conflicts(d, servicetest.Through(d.okta, "s-new", "ann@acme.example"))
	d.Len(d.identities(ann), 1)
	d.Equal(ann.ID, d.enters(servicetest.Through(d.okta, "s-old", "")).User.ID)
	// The host frees it, and then it is linked.
	d.NoError(d.Svc.Identities.Unlink(d.Ctx, ann.ID, d.identities(ann)[0].ID))
	d.True(d.enters(servicetest.Through(d.okta, "s-new", "ann@acme.example")).Linked)
}

func claimedSubject(d *door) {
	mallory := d.person("mallory")
	for _, svc := range []*tenancy.Service{d.asUser(mallory), d.asSession(d.enters(servicetest.ByMail(mallory.Email)).Session)} {
		for _, in := range []tenancy.NewIdentity{
			google("g-victim", "", false), google("g-victim", mallory.Email, true),
			{Provider: "password", Subject: "1001"},
			{Provider: d.okta.ID.String(), Subject: "s-victim"},
		} {
			d.refuses(tenancy.ErrForbidden, "", func() error { _, err := svc.Identities.Link(d.Ctx, mallory.ID, in); return err })
		}
	}
	d.Empty(d.identities(mallory))
	victim := d.enters(servicetest.ByProvider(servicetest.Google, "g-victim", "victim@mail.example", true))
	d.NotEqual(mallory.ID, victim.User.ID)
	d.Link(victim.User, tenancy.NewIdentity{Provider: "password", Subject: "1001"}) // the host's next credential
	d.Equal(victim.User.ID, d.enters(servicetest.ByPassword("1001", "")).User.ID)
}

func toldSubjects(d *door) {
	d.enters(servicetest.ByProvider(servicetest.Google, "g-known", "jo@mail.example", true))
	mallory := d.person("mallory")
	link := func(subject string) error {
		_, err := d.asUser(mallory).Identities.Link(d.Ctx, mallory.ID, google(subject, "", false))
		return err
	}
	known, unknown := d.Failed(link("g-known"), tenancy.ErrForbidden, ""), d.Failed(link("g-unknown"), tenancy.ErrForbidden, "")
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
		"none yet":                            {false, nil, servicetest.ByProvider(servicetest.Google, "g-new", address, true), tenancy.DecisionSignedIn},
		"another subject there":               {false, has(old), servicetest.ByProvider(servicetest.Google, "g-new", address, true), tenancy.DecisionIdentityConflict},
		"the same subject":                    {false, has(old), servicetest.ByProvider(servicetest.Google, "g-old", address, true), tenancy.DecisionSignedIn},
		"the same subject in another case":    {false, has(old), servicetest.ByProvider(servicetest.Google, "G-OLD", address, true), tenancy.DecisionIdentityConflict},
		"another provider":                    {false, has(old), servicetest.ByProvider(servicetest.Github, "g-new", address, true), tenancy.DecisionSignedIn},
		"a password there, another password":  {false, has(tenancy.NewIdentity{Provider: "password", Subject: "c-1"}), servicetest.Proving(address, servicetest.ByPassword("c-2", "")), tenancy.DecisionSignedIn},
		"a second subject, nothing proved":    {false, has(old), servicetest.ByProvider(servicetest.Google, "g-new", address, false), tenancy.DecisionVerifyEmail},
		"a second subject, and the mailbox":   {false, has(old), servicetest.Proving(address, servicetest.ByProvider(servicetest.Google, "g-new", "", nil)), tenancy.DecisionIdentityConflict},
		"the mailbox alone":                   {false, has(old), servicetest.ByMail(address), tenancy.DecisionSignedIn},
		"nobody had proved it: a takeover":    {true, has(old), servicetest.ByProvider(servicetest.Google, "g-new", address, true), tenancy.DecisionSignedIn},
		"nobody had proved it, nothing shown": {true, has(old), servicetest.ByProvider(servicetest.Google, "g-new", address, false), tenancy.DecisionVerifyEmail},
	} {
		d.each(name, func(w *world) {
			user := w.NewUser(tenancy.NewUser{Email: address, EmailVerified: !c.unproved})
			for _, in := range c.has {
				w.Link(user, in)
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
			w.NoError(w.Svc.Users.Delete(w.Ctx, user.ID))
		})
	}
}

// linkTo: no address is compared, for the person has shown both.
func linkTo(d *door) {
	ann := d.person("ann")
	session := d.enters(servicetest.ByMail(ann.Email))
	user := tenancy.Actor{Kind: tenancy.ActorUser, ID: ann.ID.String()}
	events := d.emits(func() error {
		d.links(session, servicetest.ByProvider(servicetest.Google, "g-1", "other@mail.example", true))
		return nil
	}, some(tenancy.EventIdentityLinked))
	d.Equal(user, events[0].Actor)
	d.Equal(session.Session.ID.String(), events[0].Through) // G12
	d.True(d.identities(ann)[0].EmailVerified)
	d.Equal("ann@mail.example", d.getUser(ann.ID).Email)
	d.True(d.links(session, servicetest.ByProvider(servicetest.Github, "h-1", "", nil)).Linked)
	d.True(d.links(session, servicetest.ByPassword("c-1", "")).Linked)
	// A second subject of one provider is the person's own wish.
	d.True(d.links(session, servicetest.ByProvider(servicetest.Google, "g-2", ann.Email, true)).Linked)
	for _, in := range []tenancy.Attempt{
		servicetest.ByProvider(servicetest.Google, "g-1", "", nil), servicetest.ByProvider(servicetest.Google, "g-2", "", nil),
		servicetest.ByProvider(servicetest.Github, "h-1", "", nil), servicetest.ByPassword("c-1", ""),
	} {
		d.Equal(ann.ID, d.enters(in).User.ID)
	}
	// An identity that they have takes the address of now, and is not new.
	d.False(d.links(session, servicetest.ByProvider(servicetest.Google, "g-1", "third@mail.example", false)).Linked)
	d.Equal("third@mail.example", d.identities(ann)[0].Email)
	d.silent(func() error {
		d.links(session, servicetest.ByProvider(servicetest.Google, "g-1", "third@mail.example", false))
		return nil
	})
	// Another user's stays theirs, and so do their address and account.
	bob := d.person("bob")
	d.Link(bob, google("g-bob", "", false))
	conflicts(d, linkingTo(session, servicetest.ByProvider(servicetest.Google, "g-bob", ann.Email, true)))
	d.True(d.links(session, servicetest.ByProvider(servicetest.Google, "g-3", bob.Email, true)).Linked)
	d.Equal(bob.ID, d.enters(servicetest.ByMail(bob.Email)).User.ID)
	d.Len(d.identities(bob), 1)
	// No membership and no invitation comes with it, and a dead one does not spoil it (I6).
	token := d.invites(d.beta, ann.Email)
	d.links(session, bringing(token, servicetest.To(d.beta, servicetest.ByProvider(servicetest.Google, "g-3", ann.Email, true))))
	d.False(d.isMember(d.beta, ann) && d.Member(d.beta, ann).Status == tenancy.MembershipActive)
	dead := d.links(session, bringing("invitation_x", servicetest.ByProvider(servicetest.Google, "g-3", "", nil)))
	d.Equal(tenancy.ErrInvalidToken, dead.InvitationCode)
	_, err := d.Svc.SignIn(d.Ctx, linkingTo(session, servicetest.ByMail(ann.Email)))
	d.Failed(err, tenancy.ErrInvalid, "evidence")
	_, err = d.Svc.SignIn(d.Ctx, linkingTo(session, tenancy.Attempt{}))
	d.Failed(err, tenancy.ErrInvalid, "evidence")
	few := d.Another(func(c *tenancy.Config) { c.Limits.UserIdentities = 5 })
	d.unchanged(func() {
		_, err := few.SignIn(d.Ctx, linkingTo(session, servicetest.ByProvider(servicetest.Github, "h-2", "", nil)))
		d.Failed(err, tenancy.ErrInvalid, "user")
	})
}

func linkToRefused(d *door) {
	ann := d.visitor(d.acme, "ann@mail.example")
	live := d.enters(servicetest.ByMail(ann.Email))
	confined := d.enters(servicetest.Proving(ann.Email, servicetest.Through(d.okta, "s-ann", ann.Email)))
	d.True(confined.Session.Confined)
	signedOut, old := d.enters(servicetest.ByMail(ann.Email)), d.enters(servicetest.ByMail(ann.Email))
	d.NoError(d.Svc.Sessions.SignOut(d.Ctx, signedOut.Token.Reveal()))
	d.enters(servicetest.Within(old.Token, servicetest.ByMail(ann.Email)))
	barred := d.enters(servicetest.ByMail(d.person("barred").Email))
	_, err := d.Svc.Users.Suspend(d.Ctx, barred.User.ID)
	d.NoError(err)
	in := servicetest.ByProvider(servicetest.Google, "g-evil", "evil@evil.example", true)
	for name, token := range map[string]string{
		"confined": confined.Token.Reveal(), "confined by the host": d.confinedBy(ann, d.acme).Token.Reveal(), "signed out": signedOut.Token.Reveal(), "replaced": old.Token.Reveal(),
		"of a suspended user": barred.Token.Reveal(), "nonsense": "session_x", "the id of a live one": live.Session.ID.String(),
	} {
		d.each(name, func(w *world) {
			in := in
			in.LinkTo = token
			w.refuses(tenancy.ErrSignInRequired, "session", func() error { _, err := w.Svc.SignIn(w.Ctx, in); return err })
		})
	}
	d.Clock.Advance(15 * servicetest.Day)
	d.refuses(tenancy.ErrSignInRequired, "session", func() error { _, err := d.Svc.SignIn(d.Ctx, linkingTo(live, in)); return err })
}

// linkToPolicy: bob's domain demands its connection, also of an identity that he adds.
func linkToPolicy(d *door) {
	bob, session := d.boundByOkta()
	d.links(session, servicetest.ByProvider(servicetest.Google, "g-1", "bob@mail.example", true))
	for _, in := range []tenancy.Attempt{
		servicetest.ByProvider(servicetest.Google, "g-1", "bob@mail.example", true),
		servicetest.ByProvider(servicetest.Google, "g-1", "", nil),
		servicetest.To(d.acme, servicetest.Twice(servicetest.ByProvider(servicetest.Google, "g-1", "", nil))),
	} {
		d.Equal(views(d.okta), d.halts(tenancy.DecisionUseSingleSignOn, "", in).Connections)
	}
	// The organization's own as well.
	cyd := d.enters(servicetest.ByMail(d.visitor(d.acme, "cyd@mail.example").Email))
	d.demand(d.acme, tenancy.PolicyUpdate{Organization: &tenancy.OrganizationPolicy{SingleSignOn: true}})
	d.links(cyd, servicetest.ByProvider(servicetest.Github, "h-cyd", "", nil))
	d.halts(tenancy.DecisionUseSingleSignOn, "", servicetest.To(d.acme, servicetest.ByProvider(servicetest.Github, "h-cyd", "", nil)))
	d.Equal(bob.ID, d.enters(servicetest.Through(d.okta, "s-1", "")).User.ID)
}

// linkToConnection: a connection links nobody who is neither on its organization's domains
// nor a member there.
func linkToConnection(d *door) {
	ann := d.visitor(d.beta, "ann@mail.example")
	session := d.enters(servicetest.ByMail(ann.Email))
	for _, email := range []string{"", ann.Email, "owner@acme.example", "new@acme.example"} {
		d.halts(tenancy.DecisionInvitationNeeded, "", linkingTo(session, servicetest.Through(d.okta, "s-ann", email)))
		d.halts(tenancy.DecisionInvitationNeeded, "", linkingTo(session, servicetest.Proving(ann.Email, servicetest.Through(d.okta, "s-ann", email))))
	}
	d.Empty(d.identities(ann))
	d.links(session, servicetest.Through(d.entra, "e-ann", "")) // she is beta's
	got := d.enters(servicetest.Through(d.entra, "e-ann", ""))
	d.True(got.Session.Confined) // as by every address that it cannot verify
	d.Equal(d.beta.ID, got.OrganizationID)
	d.halts(tenancy.DecisionNotMember, "", servicetest.To(d.acme, servicetest.Through(d.entra, "e-ann", "")))
	bob := d.User("bob") // on acme's domain, and a member of beta alone
	d.Add(d.beta, bob, rbac.Admin)
	of := d.enters(servicetest.ByMail(bob.Email))
	d.links(of, servicetest.Through(d.okta, "s-bob", ""))
	d.False(d.enters(servicetest.To(d.beta, servicetest.Through(d.okta, "s-bob", ""))).Session.Confined)
	d.refuses(tenancy.ErrConflict, "version", func() error {
		_, err := d.Svc.SignIn(d.Ctx, linkingTo(of, servicetest.Through(tenancy.Connection{ID: d.okta.ID, Epoch: 7}, "s-2", "")))
		return err
	})
}
