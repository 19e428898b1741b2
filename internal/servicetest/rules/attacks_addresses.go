package rules

import (
	"slices"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// mailboxAttacks move an address, or take an account over, for the wrong person.
func mailboxAttacks() []rule {
	selfServe := func(c *tenancy.Config) { c.SelfServe = true }
	single := func(c *tenancy.Config) { c.SelfServe, c.SingleOrganization, c.MailOnly = true, true, true }
	return []rule{
		{"U5 attack: a takeover puts the victim into the squatter's organization", atDoorWith(selfServe, squatted)},
		{"U5 attack: a squatter's organization keeps the victim out of their own", atDoorWith(single, squattedSingle)},
		{"U5 attack: a squatter's request to join lets the victim in", atDoor(squattedRequests)},
		{"U5 a takeover archives what the account founded alone, and keeps what it joined", atDoorWith(selfServe, squattedFoundings)},
		{"U9 attack: a member moves their address off the domain whose policy binds them", atDoor(movesOff)},
		{"U9 what a managed address may do", atDoor(managedAddresses)},
		{"U10 attack: a customer's provider claims a consultant's address", atDoor(consultant)},
		{"U10 attack: a provider moves an address that it never proved", atDoor(neverProved)},
		{"U10 who proved an address", atDoor(provedBy)},
		{"U10 a connection moves the addresses that it proved, where it may", atDoor(updatesEmail)},
		{"U11 the mailbox is told what was done to the account", atDoor(notices)},
	}
}

// squat makes an account for a victim's address, and an organization of its own with an
// accomplice in it.
func squat(d *door) (victim tenancy.User, trap tenancy.Organization) {
	d.T.Helper()
	victim = d.NewUser(tenancy.NewUser{Email: "victim@mail.example"})
	d.Link(victim, tenancy.NewIdentity{Provider: "password", Subject: "c-evil"})
	trap, err := d.asUser(victim).Organizations.Create(d.Ctx, tenancy.NewOrganization{DisplayName: "Acme Inc", Owner: victim.ID})
	d.NoError(err)
	d.Add(trap, d.NewUser(tenancy.NewUser{Email: "evil@evil.example", EmailVerified: true}), rbac.Owner)
	return victim, trap
}

// squatted: the person who takes the account over chose none of its organizations.
func squatted(d *door) {
	victim, trap := squat(d)
	evil := d.enters(servicetest.ByPassword("c-evil", ""))
	d.Equal(trap.ID, evil.OrganizationID)
	got := d.enters(servicetest.ByMail("victim@mail.example"))
	d.True(got.TookOver)
	d.Equal(victim.ID, got.User.ID)
	d.True(got.OrganizationID.IsZero())
	d.Len(got.Choices, 1)
	d.Equal(trap.ID, got.Choices[0].OrganizationID)
	d.Equal(tenancy.JoinedCreated, got.Choices[0].JoinedVia)
	d.False(d.stands(evil))
	d.halts(tenancy.DecisionVerifyEmail, "", servicetest.ByPassword("c-evil", "victim@mail.example"))
	// The person gets there by choosing it.
	moved, err := d.Svc.Sessions.Switch(d.Ctx, got.Token.Reveal(), trap.ID)
	d.NoError(err)
	d.Equal(trap.ID, moved.Session.OrganizationID)
	d.Empty(d.enters(servicetest.ByMail("victim@mail.example")).Choices) // from now on it is theirs
}

// squattedSingle: where everybody is in one organization, the squatter's does not count.
func squattedSingle(d *door) {
	squat(d)
	sent := d.invites(d.beta, "victim@mail.example")
	got := d.enters(bringing(sent, servicetest.ByMail("victim@mail.example")))
	d.True(got.TookOver)
	d.Equal(d.beta.ID, got.OrganizationID)
	// The same by the mailed token alone, and by the organization of their domain.
	other := d.NewUser(tenancy.NewUser{Email: "other@mail.example"})
	_, err := d.asUser(other).Organizations.Create(d.Ctx, tenancy.NewOrganization{DisplayName: "Trap", Owner: other.ID})
	d.NoError(err)
	d.Add(d.mustOrg(other), d.person("accomplice"), rbac.Owner)
	d.Equal(d.beta.ID, d.enters(tenancy.Attempt{Invitation: d.invites(d.beta, other.Email)}).OrganizationID)
	d.joining(tenancy.JoiningAuto, "")
	third := d.NewUser(tenancy.NewUser{Email: "third@acme.example"})
	_, err = d.asUser(third).Organizations.Create(d.Ctx, tenancy.NewOrganization{DisplayName: "Trap", Owner: third.ID})
	d.NoError(err)
	d.Add(d.mustOrg(third), d.person("second"), rbac.Owner)
	got = d.enters(servicetest.To(d.acme, servicetest.ByMail(third.Email)))
	d.True(got.TookOver)
	d.Equal(tenancy.JoinedDomain, got.Member.JoinedVia)
}

// mustOrg is the one organization of a user.
func (w *world) mustOrg(user tenancy.User) tenancy.Organization {
	w.T.Helper()
	page, err := w.Svc.Memberships.ListByUser(w.Ctx, user.ID, tenancy.MemberQuery{})
	w.NoError(err)
	w.Len(page.Items, 1)
	return w.getOrg(page.Items[0].OrganizationID)
}

func squattedRequests(d *door) {
	victim := d.person("victim")
	asked, err := d.Svc.JoinRequests.Create(d.Ctx, d.beta.ID, victim.ID, "let me in")
	d.NoError(err)
	_, err = d.Svc.Users.Update(d.Ctx, victim.ID, tenancy.UserUpdate{EmailVerified: servicetest.Ptr(false)})
	d.NoError(err)
	d.True(d.enters(servicetest.ByMail(victim.Email)).TookOver)
	d.refuses(tenancy.ErrJoinRequestDecided, "", func() error { _, err := d.Svc.JoinRequests.Approve(d.Ctx, asked.ID); return err })
	d.False(d.isMember(d.beta, victim))
}

// squattedFoundings: an organization that the account made while nobody had proved it is
// archived, unless somebody else is active in it.
func squattedFoundings(d *door) {
	for name, proves := range map[string]func(w *world, victim tenancy.User){
		"by mail": func(w *world, v tenancy.User) { w.True(w.enters(servicetest.ByMail(v.Email)).TookOver) },
		"by a provider": func(w *world, v tenancy.User) {
			w.True(w.enters(servicetest.ByProvider(servicetest.Google, "g-"+v.Email, v.Email, true)).TookOver)
		},
		"by Resolve":      func(w *world, v tenancy.User) { w.resolves(google("g-"+v.Email, v.Email, true)) },
		"by ConfirmEmail": func(w *world, v tenancy.User) { w.NoError(w.confirm(w.proof(v, v.Email).Token.Reveal())) },
	} {
		d.each(name, func(w *world) {
			v := w.NewUser(tenancy.NewUser{Email: slugged(name) + "@mail.example"})
			founded, err := w.asUser(v).Organizations.Create(w.Ctx, tenancy.NewOrganization{DisplayName: "Founded", Owner: v.ID})
			w.NoError(err)
			joined := w.Org("Joined")
			w.Add(joined, v, rbac.Admin)
			shared, err := w.asUser(v).Organizations.Create(w.Ctx, tenancy.NewOrganization{DisplayName: "Shared", Owner: v.ID})
			w.NoError(err)
			w.Add(shared, w.person("friend-"+slugged(name)))
			last := w.last()
			proves(w, v)
			w.False(w.getOrg(founded.ID).ArchivedAt.IsZero())
			w.True(w.getOrg(joined.ID).ArchivedAt.IsZero())
			w.True(w.getOrg(shared.ID).ArchivedAt.IsZero())
			w.Equal([]string{rbac.Admin}, w.rolesAt(joined, v))
			w.Equal([]string{rbac.Owner}, w.rolesAt(shared, v))
			w.Equal(1, w.count(last, tenancy.EventOrganizationArchived))
			w.restore(founded) // the host may
		})
	}
	// An account that was proved once has founded in its own name.
	v := d.person("proved")
	own, err := d.asUser(v).Organizations.Create(d.Ctx, tenancy.NewOrganization{DisplayName: "Own", Owner: v.ID})
	d.NoError(err)
	_, err = d.Svc.Users.Update(d.Ctx, v.ID, tenancy.UserUpdate{EmailVerified: servicetest.Ptr(false)})
	d.NoError(err)
	d.True(d.enters(servicetest.ByMail(v.Email)).TookOver)
	d.True(d.getOrg(own.ID).ArchivedAt.IsZero())
}

func (w *world) resolves(in tenancy.NewIdentity) tenancy.Resolution {
	w.T.Helper()
	found, err := w.Svc.Identities.Resolve(w.Ctx, in)
	w.NoError(err)
	return found
}

// last is the position of the newest event.
func (w *world) last() tenancy.Position {
	w.T.Helper()
	last, err := w.Svc.Events.Last(w.Ctx)
	w.NoError(err)
	return last
}

// count counts the events of a kind after a position.
func (w *world) count(since tenancy.Position, kind tenancy.EventType) (n int) {
	w.T.Helper()
	for _, e := range w.since(since) {
		n += btoi(e.Type == kind)
	}
	return n
}

// movesOff: bob would sign in by mail, once his address is on nobody's domain.
func movesOff(d *door) {
	bob, session := d.boundByOkta()
	for _, me := range []*tenancy.Service{d.asSession(session.Session), d.asUser(bob)} {
		for _, address := range []string{"bob@mail.example", "bob@beta.example", "bob@sub.acme.example"} {
			d.refuses(tenancy.ErrEmailManaged, "email", func() error { _, err := me.Users.ChangeEmail(d.Ctx, bob.ID, address); return err })
		}
	}
	d.halts(tenancy.DecisionUseSingleSignOn, "", servicetest.To(d.acme, servicetest.ByMail(bob.Email)))
	// A proof that he asked for before the policy bound him comes too late.
	cyd := d.User("cyd")
	d.demand(d.acme, tenancy.PolicyUpdate{Domain: &tenancy.DomainPolicy{}})
	me := d.asUser(cyd)
	proof, err := me.Users.ChangeEmail(d.Ctx, cyd.ID, "cyd@mail.example")
	d.NoError(err)
	d.demand(d.acme, tenancy.PolicyUpdate{Domain: &tenancy.DomainPolicy{SecondFactor: true}})
	d.refuses(tenancy.ErrEmailManaged, "email", func() error { return d.moves(cyd, proof) })
	// Once the policy binds nobody, the proof works.
	d.demand(d.acme, tenancy.PolicyUpdate{Domain: &tenancy.DomainPolicy{}})
	d.NoError(d.moves(cyd, proof))
}

// managedAddresses: within the organization's domains, by the host, and while the policy
// rests, an address moves.
func managedAddresses(d *door) {
	d.vouched(d.acme.ID, "acme2.example")
	bob, session := d.boundByOkta()
	me := d.asSession(session.Session)
	proof, err := me.Users.ChangeEmail(d.Ctx, bob.ID, "robert@acme.example")
	d.NoError(err)
	_, err = me.Users.ConfirmEmail(d.Ctx, tenancy.EmailConfirmation{Token: proof.Token.Reveal()})
	d.NoError(err)
	proof, err = me.Users.ChangeEmail(d.Ctx, bob.ID, "bob@acme2.example")
	d.NoError(err)
	_, err = me.Users.ConfirmEmail(d.Ctx, tenancy.EmailConfirmation{Token: proof.Token.Reveal()})
	d.NoError(err)
	d.Equal(emailProof{"bob@acme2.example", tenancy.EmailProvedByMail}, d.proofOf(bob))
	// The host moves it off, and the organization has an event of it.
	last := d.last()
	proof = d.proof(bob, "bob@mail.example")
	d.NoError(d.moves(bob, proof))
	d.Equal(1, d.count(last, tenancy.EventMembershipEmailChanged))
	page, err := d.asUser(d.owner).Events.List(d.Ctx, tenancy.EventQuery{OrganizationID: d.acme.ID, Descending: true, Limit: 1})
	d.NoError(err)
	d.Equal(tenancy.EventMembershipEmailChanged, page.Items[0].Type)
	d.Contains(string(page.Items[0].Previous), "bob@acme2.example")
	// No address is managed by a policy that demands nothing, or that rests.
	cyd := d.User("cyd")
	ask := func() error { _, err := d.asUser(cyd).Users.ChangeEmail(d.Ctx, cyd.ID, "cyd@mail.example"); return err }
	d.refuses(tenancy.ErrEmailManaged, "email", ask)
	d.suspend(d.acme)
	d.NoError(ask())
	_, err = d.Svc.Organizations.Resume(d.Ctx, d.acme.ID)
	d.NoError(err)
	d.refuses(tenancy.ErrEmailManaged, "email", ask)
	d.demand(d.acme, tenancy.PolicyUpdate{Domain: &tenancy.DomainPolicy{}, Organization: &tenancy.OrganizationPolicy{SecondFactor: true}})
	d.NoError(ask())
}

// emailProof is a user's address, and what proved it last.
type emailProof struct{ email, by string }

func (w *world) proofOf(user tenancy.User) emailProof {
	w.T.Helper()
	user = w.getUser(user.ID)
	return emailProof{user.Email, user.EmailProvedBy}
}

// consultant: carl works for two customers, by an address of his own.
func consultant(d *door) {
	carl := d.visitor(d.acme, "carl@consult.example")
	d.Add(d.beta, carl, rbac.Admin)
	d.okta = d.turned(d.okta, tenancy.ConnectionUpdate{UpdatesEmail: servicetest.Ptr(true)})
	d.True(d.enters(servicetest.Proving(carl.Email, servicetest.Through(d.okta, "s-carl", carl.Email))).Session.Confined)
	// Acme's provider claims that he is carl@acme.example.
	claimed := servicetest.Through(d.okta, "s-carl", "carl@acme.example")
	got := d.enters(claimed)
	d.True(got.Session.Confined)
	d.Equal(d.acme.ID, got.OrganizationID)
	d.halts(tenancy.DecisionNotMember, "", servicetest.To(d.beta, claimed))
	_, err := d.change(got.Token, d.beta.ID)
	d.Failed(err, tenancy.ErrSignInRefused, "")
	d.refuses(tenancy.ErrForbidden, "", func() error {
		_, err := d.asSession(got.Session).Users.ChangeEmail(d.Ctx, carl.ID, "carl@evil.example")
		return err
	})
	d.Equal(emailProof{"carl@consult.example", tenancy.EmailProvedByHost}, d.proofOf(carl))
	for _, i := range d.identities(carl) {
		d.False(i.EmailVerified)
	}
	// Nor does it get in as him after he left.
	d.NoError(d.Svc.Memberships.Remove(d.Ctx, d.acme.ID, carl.ID))
	d.halts(tenancy.DecisionNotMember, "", claimed)
}

// neverProved: the stored address counts, and only what this connection proved it moves.
func neverProved(d *door) {
	d.admitting()
	d.okta = d.turned(d.okta, tenancy.ConnectionUpdate{UpdatesEmail: servicetest.Ptr(true)})
	second := d.turned(d.Connect(d.acme, "Second"), tenancy.ConnectionUpdate{UpdatesEmail: servicetest.Ptr(true)})
	ann := d.enters(servicetest.Through(d.okta, "s-1", "ann@acme.example")).User
	d.enters(servicetest.Through(second, "t-1", "ann@acme.example")) // of the same organization
	d.Link(ann, google("g-ann", "", false))
	stays := func(in tenancy.Attempt) {
		d.T.Helper()
		got := d.enters(in)
		d.Equal(ann.ID, got.User.ID)
		d.False(got.Session.Confined) // for the stored address is on the domain
		d.Equal("ann@acme.example", d.getUser(ann.ID).Email)
	}
	stays(servicetest.Through(second, "t-1", "lee@acme.example"))                        // another connection proved it
	stays(servicetest.Through(d.okta, "s-1", "ann@mail.example"))                        // on nobody's domain
	stays(servicetest.Through(d.okta, "s-1", "ann@beta.example"))                        // on another organization's
	stays(servicetest.Through(d.okta, "s-1", "owner@acme.example"))                      // another user's
	stays(doubting(d.okta, "s-1", "lee@acme.example"))                                   // it says no
	stays(servicetest.Through(d.okta, "s-1", ""))                                        // it says nothing
	stays(servicetest.ByProvider(servicetest.Google, "g-ann", "lee@acme.example", true)) // no connection at all
	d.NoError(d.moves(ann, d.proof(ann, "Ann@acme.example")))                            // by mail from now on
	d.Equal(d.getUser(ann.ID).EmailProvedBy, tenancy.EmailProvedByMail)
	d.Equal(ann.ID, d.enters(servicetest.Through(d.okta, "s-1", "lee@acme.example")).User.ID)
	d.Equal("Ann@acme.example", d.getUser(ann.ID).Email)
	// Off: the address asserted counts for the entitlement, and moves nothing.
	d.okta = d.turned(d.okta, tenancy.ConnectionUpdate{UpdatesEmail: servicetest.Ptr(false)})
	bob := d.enters(servicetest.Through(d.okta, "s-2", "bob@acme.example")).User
	d.False(d.enters(servicetest.Through(d.okta, "s-2", "robert@acme.example")).Session.Confined)
	d.Equal("bob@acme.example", d.getUser(bob.ID).Email)
}

// provedBy: every proof says by what.
func provedBy(d *door) {
	d.admitting()
	d.Equal(tenancy.EmailProvedByHost, d.person("host").EmailProvedBy)
	d.Empty(d.NewUser(tenancy.NewUser{Email: "claimed@mail.example"}).EmailProvedBy)
	d.Equal(tenancy.EmailProvedByMail, d.enters(servicetest.ByMail("mail@mail.example")).User.EmailProvedBy)
	d.Equal("google", d.enters(servicetest.ByProvider(servicetest.Google, "g-1", "google@mail.example", true)).User.EmailProvedBy)
	d.Equal(d.okta.ID.String(), d.enters(servicetest.Through(d.okta, "s-1", "okta@acme.example")).User.EmailProvedBy)
	d.Equal(tenancy.EmailProvedByMail, d.enters(servicetest.Proving("both@acme.example", servicetest.Through(d.okta, "s-2", "both@acme.example"))).User.EmailProvedBy)
	d.Equal(tenancy.EmailProvedByMail, d.enters(servicetest.Proving("pw@mail.example", servicetest.ByPassword("c-1", ""))).User.EmailProvedBy)
	trap := d.NewUser(tenancy.NewUser{Email: "trap@acme.example"})
	d.Equal(d.okta.ID.String(), d.enters(servicetest.Through(d.okta, "s-3", trap.Email)).User.EmailProvedBy)
	second := d.NewUser(tenancy.NewUser{Email: "second@mail.example"})
	d.NoError(d.confirm(d.proof(second, second.Email).Token.Reveal()))
	d.Equal(tenancy.EmailProvedByMail, d.getUser(second.ID).EmailProvedBy)
	third := d.NewUser(tenancy.NewUser{Email: "third@mail.example"})
	_, err := d.Svc.Users.Update(d.Ctx, third.ID, tenancy.UserUpdate{EmailVerified: servicetest.Ptr(true)})
	d.NoError(err)
	d.Equal(tenancy.EmailProvedByHost, d.getUser(third.ID).EmailProvedBy)
	// A sign-in does not change who proved it, and the last proof counts.
	d.enters(servicetest.ByMail("google@mail.example"))
	d.Equal("google", d.mustFind("google@mail.example").EmailProvedBy)
	d.NoError(d.confirm(d.proof(d.mustFind("google@mail.example"), "google@mail.example").Token.Reveal()))
	d.Equal(tenancy.EmailProvedByMail, d.mustFind("google@mail.example").EmailProvedBy)
	// A confined connection proves nothing, whatever it asserts.
	token := d.invites(d.acme, "guest@mail.example")
	got := d.enters(bringing(token, servicetest.Proving("guest@mail.example", servicetest.Through(d.okta, "s-4", "guest@mail.example"))))
	d.True(got.Session.Confined)
	d.Equal(tenancy.EmailProvedByMail, got.User.EmailProvedBy)
}

// updatesEmail: an employee is renamed at the provider that proved their address.
func updatesEmail(d *door) {
	d.admitting()
	d.vouched(d.acme.ID, "acme2.example")
	ann := d.enters(servicetest.Through(d.okta, "s-1", "ann@acme.example")).User
	renamed := servicetest.Through(d.okta, "s-1", "ann.lee@acme2.example")
	d.False(d.enters(renamed).Session.Confined)
	d.Equal("ann@acme.example", d.getUser(ann.ID).Email) // it is off by default
	d.okta = d.turned(d.okta, tenancy.ConnectionUpdate{UpdatesEmail: servicetest.Ptr(true)})
	var got tenancy.Decision
	events := d.emits(func() error { got = d.tries(servicetest.Through(d.okta, "s-1", "ann.lee@acme2.example")); return nil },
		some(tenancy.EventUserEmailChanged), some(tenancy.EventMembershipEmailChanged), some(tenancy.EventSessionStarted))
	d.Equal(tenancy.Actor{Kind: tenancy.ActorUser, ID: ann.ID.String()}, events[0].Actor)
	d.Equal("ann.lee@acme2.example", got.User.Email)
	d.Equal(d.acme.ID, events[1].OrganizationID)
	d.Equal(emailProof{"ann.lee@acme2.example", d.okta.ID.String()}, d.proofOf(ann))
	d.Equal("ann.lee@acme2.example", d.Member(d.acme, ann).Email)
	d.True(d.identities(ann)[0].EmailVerified)
	d.enters(servicetest.Through(d.okta, "s-1", "ann@acme.example")) // and back
	d.Equal("ann@acme.example", d.getUser(ann.ID).Email)
	d.True(slices.ContainsFunc(d.identities(ann), func(i tenancy.Identity) bool { return i.Email == "ann@acme.example" }))
}

// notices: without a token, to the mailbox that somebody may have lost control of.
func notices(d *door) {
	ann, trap := d.person("ann"), d.NewUser(tenancy.NewUser{Email: "trap@mail.example"})
	box := d.mailbox()
	told := func(do func()) []tenancy.Message {
		d.T.Helper()
		box.sent = nil
		do()
		var seen []tenancy.Message
		for _, m := range box.sent {
			if m.Kind != tenancy.MessageEmailProof && m.Kind != tenancy.MessageInvitation {
				d.True(m.Token.IsZero())
				seen = append(seen, m)
			}
		}
		return seen
	}
	notice := func(kind tenancy.MessageKind, to string, user tenancy.User) []tenancy.Message {
		return []tenancy.Message{{Kind: kind, To: to, Subject: user.ID.String(), Label: tenancy.Label{Singular: "team", Plural: "teams"}}}
	}
	d.Equal(notice(tenancy.MessageEmailChanged, "ann@mail.example", ann), told(func() {
		d.proof(ann, "ann@new.example")
		_, err := d.asUser(ann).Users.ConfirmEmail(d.Ctx, tenancy.EmailConfirmation{Token: box.sent[0].Token.Reveal()})
		d.NoError(err)
	}))
	session := d.enters(servicetest.ByMail("ann@new.example"))
	d.Equal(notice(tenancy.MessageIdentityLinked, "ann@new.example", ann), told(func() { d.links(session, servicetest.ByProvider(servicetest.Github, "h-1", "", nil)) }))
	d.Equal(notice(tenancy.MessageIdentityLinked, "ann@new.example", ann), told(func() { d.enters(servicetest.ByProvider(servicetest.Google, "g-1", "ann@new.example", true)) }))
	d.Equal(notice(tenancy.MessageTakenOver, "trap@mail.example", trap), told(func() { d.enters(servicetest.ByMail("trap@mail.example")) }))
	for name, quiet := range map[string]func(){
		"a known identity":     func() { d.enters(servicetest.ByProvider(servicetest.Google, "g-1", "", nil)) },
		"somebody new":         func() { d.enters(servicetest.ByProvider(servicetest.Google, "g-2", "new@mail.example", true)) },
		"a refused conflict":   func() { d.tries(servicetest.ByProvider(servicetest.Google, "g-3", "ann@new.example", true)) },
		"what the host links":  func() { d.Link(ann, tenancy.NewIdentity{Provider: "password", Subject: "c-1"}) },
		"the address as it is": func() { d.proof(ann, "ann@new.example"); d.NoError(d.confirm(box.sent[0].Token.Reveal())) },
	} {
		d.each(name, func(w *world) { w.Empty(told(quiet)) })
	}
	// A notice that cannot be sent fails no call.
	box.fails = servicetest.ErrStop
	d.links(session, servicetest.ByProvider(servicetest.Github, "h-2", "", nil))
}
