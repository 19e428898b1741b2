package rules

import (
	"fmt"
	"strings"
	"time"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/tenancy"
)

// pendingSignInRules are about sign-ins that need one more thing (rule P5).
func pendingSignInRules() []rule {
	return []rule{
		{"P5 a choice is made with what was proved before", atDoor(pendingChoice)},
		{"P5 a second factor is added to what was proved before", atDoor(pendingFactor)},
		{"P5 a pending sign-in leads to the next, and ends with the first", atDoor(pendingChain)},
		{"P5 a pending sign-in is given only after something was proved", atDoor(pendingProved)},
		{"P5 a pending sign-in is good for ten minutes", atDoor(pendingTime)},
		{"P5 five failures end a pending sign-in", atDoor(pendingFails)},
		{"P5 a person has five pending sign-ins at most", atDoor(pendingSixth)},
		{"P5 what was wanted is kept, and what is named goes before it", atDoor(pendingWishes)},
		{"P5 the invitation that somebody new brought is kept", atDoorWith(func(c *tenancy.Config) { c.MailOnly = true }, pendingInvitation)},
		{"P5 a request that is filed keeps the pending sign-in", atDoor(pendingRequest)},
		{"P5 what a pending sign-in says is told through the connection", atDoor(pendingThrough)},
		{"P5 G9 what is kept of an attempt is bounded", atDoor(pendingBounded)},
		{"P5 a person who chooses later is not led anywhere", atDoor(chooseLater)},
		{"P5 U5 a person who takes an account over and chooses later is told so", atDoorWith(func(c *tenancy.Config) { c.SelfServe = true }, seizedLater)},
		{"P5 U7 what somebody new has shown goes with them when they are erased", atDoor(pendingErased)},
	}
}

// waits checks that an attempt is to go on with one more thing, and gives the token for it.
func (w *world) waits(kind tenancy.DecisionKind, in tenancy.Attempt) (tenancy.Decision, string) {
	w.T.Helper()
	d := w.halts(kind, "", in)
	w.False(d.Pending.IsZero())
	return d, d.Pending.Reveal()
}

// resuming is an attempt that goes on with an earlier one.
func resuming(token string) tenancy.Attempt {
	return tenancy.Attempt{Evidence: tenancy.PendingEvidence(token)}
}

// isVoid checks that a token is not good for anything, however it is used.
func (w *world) isVoid(token string) {
	w.T.Helper()
	for _, in := range []tenancy.Attempt{resuming(token), servicetest.Twice(resuming(token))} {
		w.refuses(tenancy.ErrInvalidToken, "evidence", func() error { _, err := w.Svc.SignIn(w.Ctx, in); return err })
	}
}

// pendingRows is how many pending sign-ins there are.
func (w *world) pendingRows() int { return w.RowsOf("pending_sign_in") }

// twofold is a user who is a member of acme and of beta, and so has to choose.
func (d *door) twofold(local string) tenancy.User {
	d.T.Helper()
	user := d.NewUser(tenancy.NewUser{Email: local + "@mail.example", EmailVerified: true})
	d.Add(d.acme, user)
	d.Add(d.beta, user)
	return user
}

// careful makes an organization want a second factor of everybody.
func (w *world) careful(org tenancy.Organization) {
	w.T.Helper()
	w.demand(org, tenancy.PolicyUpdate{Organization: &tenancy.OrganizationPolicy{SecondFactor: true}, BindsOwners: servicetest.Ptr(true)})
}

func pendingChoice(d *door) {
	user := d.twofold("ann")
	d.Link(user, tenancy.NewIdentity{Provider: "password", Subject: "c-1"})
	got, token := d.waits(tenancy.DecisionChooseOrganization, servicetest.ByPassword("c-1", ""))
	d.Len(got.Choices, 2)
	d.Equal(1, d.pendingRows())
	d.NotContains(fmt.Sprintf("%+v %v", got, resuming(token)), token)

	in := d.enters(servicetest.To(d.beta, resuming(token)))
	d.Equal(user.ID, in.User.ID)
	d.Equal(d.beta.ID, in.OrganizationID)
	d.Equal(tenancy.MethodPassword, in.Session.Method)
	d.Equal(d.identities(user)[0].ID, in.Session.IdentityID)
	d.False(in.Session.SecondFactor)
	d.Zero(d.pendingRows())
	d.isVoid(token) // once

	for _, bad := range []string{"x", "pending_x", in.Token.Reveal(), token[:len(token)-1]} {
		d.isVoid(bad)
	}
	d.refuses(tenancy.ErrInvalid, "evidence", func() error { _, err := d.Svc.SignIn(d.Ctx, resuming("")); return err })
	_, token = d.waits(tenancy.DecisionChooseOrganization, servicetest.ByPassword("c-1", ""))
	link := resuming(token)
	link.LinkTo = in.Token.Reveal()
	d.refuses(tenancy.ErrInvalid, "link_to", func() error { _, err := d.Svc.SignIn(d.Ctx, link); return err })
	d.enters(servicetest.To(d.acme, resuming(" "+token+"\n"))) // G16
}

func pendingFactor(d *door) {
	d.careful(d.acme)
	user := d.User("ann")
	d.Add(d.acme, user)
	before := servicetest.ByMail(user.Email)
	got, token := d.waits(tenancy.DecisionSecondFactor, before)
	d.Equal(d.acme.ID, got.OrganizationID)
	in := d.enters(servicetest.Twice(resuming(token)))
	d.True(in.Session.SecondFactor)
	d.Equal(d.acme.ID, in.OrganizationID)
	d.Equal(tenancy.MethodMagicLink, in.Session.Method)

	// Without it, the next token is given for the same thing.
	_, first := d.waits(tenancy.DecisionSecondFactor, before)
	_, second := d.waits(tenancy.DecisionSecondFactor, resuming(first))
	d.isVoid(first)
	d.enters(servicetest.Twice(resuming(second)))
}

func pendingChain(d *door) {
	d.careful(d.beta)
	user := d.twofold("ann")
	_, first := d.waits(tenancy.DecisionChooseOrganization, servicetest.ByMail(user.Email))
	d.Clock.Advance(9 * time.Minute)
	_, second := d.waits(tenancy.DecisionSecondFactor, servicetest.To(d.beta, resuming(first)))
	d.isVoid(first)
	d.Equal(1, d.pendingRows())
	d.Clock.Advance(59 * time.Second)
	d.Equal(d.beta.ID, d.enters(servicetest.Twice(resuming(second))).OrganizationID)
	_, first = d.waits(tenancy.DecisionChooseOrganization, servicetest.Twice(servicetest.ByMail(user.Email))) // both at once
	d.True(d.enters(servicetest.To(d.beta, resuming(first))).Session.SecondFactor)

	_, first = d.waits(tenancy.DecisionChooseOrganization, servicetest.ByMail(user.Email))
	d.Clock.Advance(9 * time.Minute)
	_, second = d.waits(tenancy.DecisionSecondFactor, servicetest.To(d.beta, resuming(first)))
	d.Clock.Advance(time.Minute)
	d.refuses(tenancy.ErrTokenExpired, "evidence", func() error { _, err := d.Svc.SignIn(d.Ctx, servicetest.Twice(resuming(second))); return err })
}

func pendingProved(d *door) {
	d.demand(d.acme, tenancy.PolicyUpdate{Domain: &tenancy.DomainPolicy{SecondFactor: true}})
	for name, in := range map[string]tenancy.Attempt{
		"an unknown password": servicetest.ByPassword("c-1", "ann@acme.example"),
		"an unverified claim": servicetest.ByProvider(servicetest.Google, "g-1", "ann@acme.example", false),
		"a doubting provider": doubting(d.okta, "s-1", "ann@acme.example"),
	} {
		d.each(name, func(w *world) {
			w.True(w.halts(tenancy.DecisionSecondFactor, "", in).Pending.IsZero())
			w.Zero(w.pendingRows())
		})
	}
	_, token := d.waits(tenancy.DecisionSecondFactor, servicetest.ByMail("ann@acme.example")) // of somebody new
	in := d.enters(servicetest.Twice(resuming(token)))
	d.True(in.Created)
	d.Equal("ann@acme.example", in.User.Email)
	d.Equal(tenancy.EmailProvedByMail, in.User.EmailProvedBy)

	_, err := d.Svc.Users.Suspend(d.Ctx, in.User.ID)
	d.NoError(err)
	d.True(d.halts(tenancy.DecisionSecondFactor, "", servicetest.ByMail("ann@acme.example")).Pending.IsZero())

	// Other decisions have none: they want another proof, and not one more thing.
	d.demand(d.acme, tenancy.PolicyUpdate{Domain: &tenancy.DomainPolicy{ConnectionID: d.okta.ID}})
	d.True(d.halts(tenancy.DecisionUseSingleSignOn, "", servicetest.ByMail("bob@acme.example")).Pending.IsZero())
}

func pendingTime(d *door) {
	user := d.twofold("ann")
	_, token := d.waits(tenancy.DecisionChooseOrganization, servicetest.ByMail(user.Email))
	d.Clock.Advance(10*time.Minute - time.Microsecond)
	n, err := d.Svc.Sessions.Sweep(d.Ctx)
	d.NoError(err)
	d.Zero(n)
	d.Clock.Advance(time.Microsecond)
	late := func() error { _, err := d.Svc.SignIn(d.Ctx, servicetest.To(d.acme, resuming(token))); return err }
	d.refuses(tenancy.ErrTokenExpired, "evidence", late)
	n, err = d.Svc.Sessions.Sweep(d.Ctx)
	d.NoError(err)
	d.Equal(1, n)
	d.Zero(d.pendingRows())
	d.refuses(tenancy.ErrInvalidToken, "evidence", late)
}

func pendingFails(d *door) {
	d.careful(d.beta)
	user, foreign := d.twofold("ann"), d.Org("Gamma")
	_, token := d.waits(tenancy.DecisionChooseOrganization, servicetest.ByMail(user.Email))
	fails := func(token string) {
		d.True(d.halts(tenancy.DecisionNotMember, "", servicetest.To(foreign, resuming(token))).Pending.IsZero())
	}
	for range 3 {
		fails(token)
	}
	for range 10 { // an error is no failure: nothing was decided
		d.refuses(tenancy.ErrNotFound, "", func() error {
			in := resuming(token)
			in.OrganizationID = servicetest.Nowhere
			_, err := d.Svc.SignIn(d.Ctx, in)
			return err
		})
	}
	_, next := d.waits(tenancy.DecisionSecondFactor, servicetest.To(d.beta, resuming(token)))
	fails(next) // the fourth of this sign-in
	d.Equal(1, d.pendingRows())
	fails(next)
	d.Zero(d.pendingRows())
	d.isVoid(next)

	_, token = d.waits(tenancy.DecisionChooseOrganization, servicetest.ByMail(user.Email))
	for range 4 {
		fails(token)
	}
	d.enters(servicetest.To(d.acme, resuming(token)))
}

func pendingSixth(d *door) {
	user := d.twofold("ann")
	later := servicetest.ByMail("new@mail.example")
	later.ChooseLater = true
	for name, in := range map[string]tenancy.Attempt{"a user": servicetest.ByMail(user.Email), "somebody new": later} {
		d.each(name, func(w *world) {
			before := w.pendingRows()
			var tokens []string
			for range 7 {
				w.Clock.Advance(time.Second)
				_, token := w.waits(tenancy.DecisionChooseOrganization, in)
				tokens = append(tokens, token)
			}
			w.Equal(before+5, w.pendingRows())
			w.isVoid(tokens[0])
			w.isVoid(tokens[1])
			if name == "a user" {
				for _, token := range tokens[2:] {
					w.enters(servicetest.To(d.acme, resuming(token)))
				}
			}
		})
	}
}

func pendingWishes(d *door) {
	d.careful(d.acme)
	user := d.twofold("ann")
	in := servicetest.To(d.acme, servicetest.ByMail(user.Email))
	_, token := d.waits(tenancy.DecisionSecondFactor, in)
	d.Equal(d.acme.ID, d.enters(servicetest.Twice(resuming(token))).OrganizationID)
	_, token = d.waits(tenancy.DecisionSecondFactor, in)
	d.Equal(d.beta.ID, d.enters(servicetest.To(d.beta, resuming(token))).OrganizationID)

	d.demand(d.acme, tenancy.PolicyUpdate{Domain: &tenancy.DomainPolicy{SecondFactor: true}})
	fresh := servicetest.ByProvider(servicetest.Google, "g-1", "bob@acme.example", true)
	fresh.Profile = tenancy.Profile{GivenName: "Bob", Locale: "de"}
	_, token = d.waits(tenancy.DecisionSecondFactor, fresh)
	named := servicetest.Twice(resuming(token))
	named.Profile.GivenName = "Robert"
	got := d.enters(named)
	d.Equal("Robert", got.User.GivenName)
	d.Equal("de", got.User.Locale)
	d.Equal(servicetest.Google, got.Session.Method)
	d.Equal("google", got.User.EmailProvedBy)
	d.Len(d.identities(got.User), 1)
}

func pendingInvitation(d *door) {
	d.demand(d.acme, tenancy.PolicyUpdate{Domain: &tenancy.DomainPolicy{SecondFactor: true}})
	sends := func(email string, roles ...string) tenancy.SentInvitation {
		sent, err := d.Svc.Invitations.Send(d.Ctx, tenancy.NewInvitation{OrganizationID: d.acme.ID, Email: email, Roles: roles})
		d.NoError(err)
		return sent
	}
	alone := func(sent tenancy.SentInvitation) tenancy.Attempt {
		return tenancy.Attempt{Invitation: sent.Token.Reveal()}
	}
	revokes := func(sent tenancy.SentInvitation) {
		_, err := d.Svc.Invitations.Revoke(d.Ctx, sent.ID)
		d.NoError(err)
	}
	_, token := d.waits(tenancy.DecisionSecondFactor, alone(sends("ann@acme.example", rbac.Admin)))
	in := d.enters(servicetest.Twice(resuming(token)))
	d.True(in.Created)
	d.Equal("ann@acme.example", in.User.Email)
	d.Equal([]string{rbac.Admin}, in.Member.Roles)
	d.Equal(tenancy.MethodInvitation, in.Session.Method)

	bob := sends("bob@acme.example")
	_, token = d.waits(tenancy.DecisionSecondFactor, alone(bob))
	revokes(bob)
	d.halts(tenancy.DecisionInvitationRefused, tenancy.ErrInvitationRevoked, servicetest.Twice(resuming(token)))

	// With evidence of their own the person goes on without it (I6).
	cyd := sends("cyd@acme.example")
	_, token = d.waits(tenancy.DecisionSecondFactor, bringing(cyd.Token.Reveal(), servicetest.ByMail("cyd@acme.example")))
	revokes(cyd)
	d.goesOn(tenancy.ErrInvitationRevoked, servicetest.Twice(resuming(token)))
}

func pendingRequest(d *door) {
	d.joining(tenancy.JoiningRequest, "")
	in := servicetest.ByMail("ann@acme.example")
	in.ChooseLater, in.Note = true, "hello"
	got, token := d.waits(tenancy.DecisionChooseOrganization, in)
	d.Empty(got.Choices)
	d.Equal(d.acme.ID, got.Suggested[0].ID)
	d.Empty(d.Dump().JoinRequests)

	filed, err := d.Svc.SignIn(d.Ctx, servicetest.To(d.acme, resuming(token)))
	d.NoError(err)
	d.Equal(tenancy.DecisionRequestFiled, filed.Kind)
	d.Equal("hello", filed.Request.Note)
	_, err = d.Svc.JoinRequests.Approve(d.Ctx, filed.Request.ID)
	d.NoError(err)
	d.Equal(filed.User.ID, d.enters(servicetest.To(d.acme, resuming(token))).User.ID)
}

func pendingThrough(d *door) {
	d.admitting()
	d.careful(d.acme)
	d.Maps(d.okta, map[string]string{"admins": rbac.Admin})
	through := servicetest.Through(d.okta, "s-1", "ann@acme.example", "admins")
	d.demand(d.acme, tenancy.PolicyUpdate{Domain: &tenancy.DomainPolicy{SecondFactor: true}, Organization: &tenancy.OrganizationPolicy{}})
	_, token := d.waits(tenancy.DecisionSecondFactor, through)
	in := d.enters(servicetest.Twice(resuming(token)))
	d.Equal(d.okta.ID, in.Session.ConnectionID)
	d.Equal([]string{rbac.Admin}, in.Member.Roles)
	for groups, roles := range map[string][]string{"null": {rbac.Admin}, "[]": {rbac.Member}} { // P8: told none, and told that there are none
		a := tenancy.Assertion{Subject: "s-1", Email: "ann@acme.example"}
		if groups == "[]" {
			a.Groups = []string{}
		}
		d.each(groups, func(w *world) {
			w.enters(servicetest.Twice(servicetest.Through(d.okta, "s-1", "ann@acme.example", "admins")))
			_, token := w.waits(tenancy.DecisionSecondFactor, servicetest.Asserting(d.okta, a))
			w.enters(servicetest.Twice(resuming(token)))
			w.Equal(roles, w.rolesAt(d.acme, in.User))
		})
	}
}

// pendingBounded: what can make no difference takes no room.
func pendingBounded(d *door) {
	d.admitting()
	d.Maps(d.okta, map[string]string{"admins": rbac.Admin})
	d.demand(d.acme, tenancy.PolicyUpdate{Domain: &tenancy.DomainPolicy{SecondFactor: true}})
	long := strings.Repeat("x", 1<<20)
	groups := []string{"admins"}
	for i := range 900 {
		groups = append(groups, fmt.Sprint(long[:1000], i))
	}
	in := servicetest.Through(d.okta, "s-1", "ann@acme.example", groups...)
	in.Note, in.Profile = long, tenancy.Profile{GivenName: "Ann", FamilyName: long, DisplayName: long, Picture: long, Locale: long}
	_, token := d.waits(tenancy.DecisionSecondFactor, in)
	size := 0
	for _, table := range tenancy.Tables() {
		if table.Name != "tenancy_pending_sign_ins" {
			continue
		}
		d.NoError(d.Store.View(d.Ctx, func(rows store.Rows) error {
			return rows.List(d.Ctx, table, nil, store.Range{Limit: 10}, func(row store.Row) error {
				for _, cell := range row {
					size += len(cell.Text)
				}
				return nil
			})
		}))
	}
	d.Positive(size)
	d.Less(size, 2000)
	got := d.enters(servicetest.Twice(resuming(token)))
	d.Equal("Ann", got.User.GivenName)
	d.Equal([]string{rbac.Admin}, got.Member.Roles)
}

func chooseLater(d *door) {
	later := func(in tenancy.Attempt) tenancy.Attempt { in.ChooseLater = true; return in }
	user := d.NewUser(tenancy.NewUser{Email: "ann@mail.example", EmailVerified: true})
	got, token := d.waits(tenancy.DecisionChooseOrganization, later(servicetest.ByMail(user.Email)))
	d.Empty(got.Choices)
	d.True(d.enters(resuming(token)).OrganizationID.IsZero()) // without it, as without a choice

	d.Add(d.acme, user)
	got, token = d.waits(tenancy.DecisionChooseOrganization, later(servicetest.ByMail(user.Email)))
	d.Len(got.Choices, 1)
	_, token = d.waits(tenancy.DecisionChooseOrganization, later(resuming(token)))
	d.Equal(d.acme.ID, d.enters(servicetest.To(d.acme, resuming(token))).OrganizationID)
	d.Equal(d.acme.ID, d.enters(servicetest.To(d.acme, later(servicetest.ByMail(user.Email)))).OrganizationID)

	d.suspend(d.acme)
	got, _ = d.waits(tenancy.DecisionChooseOrganization, later(servicetest.ByMail(user.Email)))
	d.Empty(got.Choices)

	// What the domain offers can be chosen, and is not taken before.
	d.joining(tenancy.JoiningAuto, "")
	_, err := d.Svc.Organizations.Resume(d.Ctx, d.acme.ID)
	d.NoError(err)
	got, token = d.waits(tenancy.DecisionChooseOrganization, later(servicetest.ByMail("bob@acme.example")))
	d.Equal(d.acme.ID, got.Choices[0].OrganizationID)
	in := d.enters(servicetest.To(d.acme, resuming(token)))
	d.True(in.Created)
	d.Equal(d.acme.ID, in.Member.OrganizationID)
}

// seizedLater: a page must not lead somebody into the only organization of an account that a stranger
// had made for them.
func seizedLater(d *door) {
	victim, trap := squat(d)
	in := servicetest.ByMail(victim.Email)
	in.ChooseLater = true
	got, err := d.Svc.SignIn(d.Ctx, in)
	d.NoError(err)
	d.Equal(tenancy.DecisionChooseOrganization, got.Kind)
	d.True(got.TookOver)
	d.Len(got.Choices, 1)
	d.Equal(trap.ID, got.Choices[0].OrganizationID)
	d.True(d.enters(resuming(got.Pending.Reveal())).OrganizationID.IsZero())
}

func pendingErased(d *door) {
	in := servicetest.ByMail("ann@mail.example")
	in.ChooseLater = true
	_, token := d.waits(tenancy.DecisionChooseOrganization, in)
	_, other := d.waits(tenancy.DecisionChooseOrganization, func() tenancy.Attempt {
		in := servicetest.ByMail("bob@mail.example")
		in.ChooseLater = true
		return in
	}())
	ann := d.enters(servicetest.ByMail("ann@mail.example")).User // in another tab, meanwhile
	d.NoError(d.Svc.Users.Erase(d.Ctx, ann.ID))
	d.Equal(1, d.pendingRows())
	d.isVoid(token)
	d.enters(resuming(other))
}
