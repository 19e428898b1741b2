package rules

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"sync"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

func signInRules() []rule {
	closed := func(c *tenancy.Config) { c.Registration = tenancy.RegistrationClosed }
	return slices.Concat([]rule{
		{"P5 a first sign-in makes the user, a second finds them", atDoor(firstSignIn)},
		{"P5 one transaction, its events, and nothing twice", atDoor(signInEvents)},
		{"P5 first sign-ins at once make one user and one membership", atDoor(signInTogether)},
		{"P5 inside Transact and Import a refusal undoes only itself", atDoor(signInWithin)},
		{"P5 what an attempt names and is not there", atDoor(badAttempts)},
		{"P5 what does not fit a profile is left out", atDoor(profiles)},
		{"U4 every case of identity and address", atDoor(identityCases)},
		{"U4 ConfirmEmail spares what the proof came through", atDoor(confirmThrough)},
		{"U8 a suspended user", atDoor(suspendedUser)},
		{"P7 one organization is chosen, of several the person chooses", atDoor(pickOrganization)},
		{"P7 an organization where they are no active member", atDoor(notMember)},
		{"P5 closed registration", atDoorWith(closed, closedRegistration)},
		{"M13 single organization", atDoorWith(func(c *tenancy.Config) { c.SingleOrganization = true }, singleSignIn)},
	}, joiningRules(), singleSignOnRules(), signInPolicyRules(), hijackRules(), gapRules(),
		pendingSignInRules(), pendingAttackRules(), signInFoundingRules())
}

func firstSignIn(d *door) {
	in := servicetest.ByMail("Ann@mail.example")
	in.Profile = tenancy.Profile{GivenName: "Ann", Picture: "https://pictures.example/ann"}
	first := d.enters(in)
	d.True(first.Created)
	d.False(first.Linked)
	d.Equal("Ann@mail.example", first.User.Email)
	d.Equal("Ann", first.User.GivenName)
	d.False(first.User.EmailVerifiedAt.IsZero())
	d.True(first.OrganizationID.IsZero())
	d.Empty(d.identities(first.User))
	second := d.enters(servicetest.ByMail("ann@MAIL.example"))
	d.False(second.Created)
	d.Equal(first.User.ID, second.User.ID)
	d.NotEqual(first.Session.ID, second.Session.ID)

	linked := d.enters(servicetest.ByProvider(servicetest.Google, "g-1", "ann@mail.example", true))
	d.True(linked.Linked)
	d.Equal(first.User.ID, linked.User.ID)
	d.Equal(d.identities(first.User)[0].ID, linked.Session.IdentityID)
	again := d.enters(servicetest.ByProvider(servicetest.Google, "g-1", "", nil)) // the identity alone
	d.False(again.Linked)
	d.Equal(first.User.ID, again.User.ID)
	d.Equal("ann@mail.example", d.identities(first.User)[0].Email)
}

func signInEvents(d *door) {
	d.joining(tenancy.JoiningAuto, "")
	d.emits(func() error {
		_, err := d.Svc.SignIn(d.Ctx, servicetest.ByProvider(servicetest.Google, "g-1", "ann@acme.example", true))
		return err
	},
		some(tenancy.EventUserCreated), some(tenancy.EventIdentityLinked), some(tenancy.EventMembershipCreated), some(tenancy.EventSessionStarted))
	in := servicetest.ByProvider(servicetest.Google, "g-1", "ann@acme.example", true)
	from := tenancy.WithRequest(d.Ctx, tenancy.Request{UserAgent: "Mozilla/5.0", Address: netip.MustParseAddr("192.0.2.1")})
	d.emits(func() error {
		got, err := d.Svc.SignIn(from, servicetest.Twice(in))
		d.Equal("Mozilla/5.0", got.Session.UserAgent)
		d.Equal("192.0.2.1", got.Session.Address)
		d.Equal(servicetest.Google, got.Session.Method)
		d.True(got.Session.SecondFactor)
		d.Equal(d.Clock.At, d.Member(d.acme, got.User).LastSignInAt) // G12
		return err
	}, some(tenancy.EventSessionStarted))
}

func signInTogether(d *door) {
	d.joining(tenancy.JoiningAuto, "")
	var wg sync.WaitGroup
	decisions := make([]tenancy.Decision, 16)
	for i := range decisions {
		wg.Go(func() {
			in := servicetest.Proving("ann@acme.example", servicetest.ByPassword(fmt.Sprint("c-", i/2), "ann@acme.example")) // each credential twice
			decisions[i], _ = d.Svc.SignIn(d.Ctx, in)
		})
	}
	wg.Wait()
	created := 0
	for _, got := range decisions {
		d.Equal(tenancy.DecisionSignedIn, got.Kind)
		d.Equal(decisions[0].User.ID, got.User.ID)
		created += btoi(got.Created)
	}
	d.Equal(1, created)
	d.Len(d.identities(decisions[0].User), 8)
	d.Equal([]string{rbac.Member}, d.rolesAt(d.acme, decisions[0].User))
}

func signInWithin(d *door) {
	refused, fine := servicetest.ByProvider(servicetest.Google, "g-1", "ann@acme.example", "true"), servicetest.ByProvider(servicetest.Google, "g-1", "ann@acme.example", true)
	for name, run := range map[string]func(context.Context, func(context.Context, *tenancy.Service) error) error{
		"Transact": d.Svc.Transact, "Import": d.Svc.Import,
	} {
		d.each(name, func(w *world) {
			w.unchanged(func() {
				w.NoError(run(w.Ctx, func(ctx context.Context, tx *tenancy.Service) error {
					got, err := tx.SignIn(ctx, refused)
					w.NoError(err)
					w.Equal(tenancy.DecisionVerifyEmail, got.Kind)
					return nil
				}))
				w.Equal(servicetest.ErrStop, run(w.Ctx, func(ctx context.Context, tx *tenancy.Service) error {
					_, err := tx.SignIn(ctx, refused)
					w.NoError(err)
					got, err := tx.SignIn(ctx, fine)
					w.NoError(err)
					w.Equal(tenancy.DecisionSignedIn, got.Kind)
					return servicetest.ErrStop
				}))
			})
		})
	}
}

func badAttempts(d *door) {
	good := func() tenancy.Attempt { return servicetest.ByMail("owner@acme.example") }
	nothing := tenancy.ConnectionID(servicetest.Nowhere)
	idle, err := d.Svc.Connections.Create(d.Ctx, tenancy.NewConnection{OrganizationID: d.acme.ID, Protocol: tenancy.ProtocolSAML, Name: "Idle"})
	d.NoError(err)
	stored := d.Org("Stored")
	theirs := d.Connect(stored, "Theirs")
	d.Archive(stored)
	token := d.invites(d.beta, "owner@acme.example")
	for name, bad := range map[string]struct {
		change func(in *tenancy.Attempt)
		code   tenancy.Code
		field  string
	}{
		"no evidence":    {func(in *tenancy.Attempt) { in.Evidence = tenancy.Evidence{} }, tenancy.ErrInvalid, "evidence"},
		"unknown method": {func(in *tenancy.Attempt) { *in = servicetest.ByProvider("magic-link", "s", "", nil) }, tenancy.ErrInvalid, "evidence"},
		"no method":      {func(in *tenancy.Attempt) { *in = servicetest.ByProvider("", "s", "", nil) }, tenancy.ErrInvalid, "evidence"},
		"claims as of single sign-on": {func(in *tenancy.Attempt) {
			*in = servicetest.ByProvider(tenancy.MethodSingleSignOn, "s", "owner@acme.example", true)
		}, tenancy.ErrInvalid, "evidence"},
		"claims as of an invitation": {func(in *tenancy.Attempt) {
			*in = servicetest.ByProvider(tenancy.MethodInvitation, "s", "owner@acme.example", true)
		}, tenancy.ErrInvalid, "evidence"},
		"single sign-on of nowhere": {func(in *tenancy.Attempt) { *in = servicetest.Through(tenancy.Connection{}, "s", "owner@acme.example") }, tenancy.ErrInvalid, "evidence"},
		"single sign-on of nobody":  {func(in *tenancy.Attempt) { *in = servicetest.Through(d.okta, "", "owner@acme.example") }, tenancy.ErrInvalid, "evidence"},
		"claims about nobody": {func(in *tenancy.Attempt) {
			*in = servicetest.ByProvider(servicetest.Google, "", "owner@acme.example", true)
		}, tenancy.ErrInvalid, "evidence"},
		"no credential":                 {func(in *tenancy.Attempt) { *in = servicetest.ByPassword("", "owner@acme.example") }, tenancy.ErrInvalid, "evidence"},
		"no mailbox":                    {func(in *tenancy.Attempt) { *in = servicetest.ByMail("") }, tenancy.ErrInvalid, "evidence"},
		"two addresses in one":          {func(in *tenancy.Attempt) { *in = servicetest.ByMail("a@evil.example\"@acme.example") }, tenancy.ErrInvalid, "email"},
		"a subject that does not print": {func(in *tenancy.Attempt) { *in = servicetest.ByProvider(servicetest.Google, "a\nb", "", nil) }, tenancy.ErrInvalid, "subject"},
		"unknown organization":          {func(in *tenancy.Attempt) { in.OrganizationID = servicetest.Nowhere }, tenancy.ErrNotFound, ""},
		"archived organization":         {func(in *tenancy.Attempt) { in.OrganizationID = stored.ID }, tenancy.ErrNotFound, ""},
		"unknown connection": {func(in *tenancy.Attempt) {
			*in = servicetest.Through(tenancy.Connection{ID: nothing, Epoch: 1}, "s", "")
		}, tenancy.ErrNotFound, ""},
		"connection that is not active": {func(in *tenancy.Attempt) { *in = servicetest.Through(idle, "s", "owner@acme.example") }, tenancy.ErrNotFound, ""},
		"connection of the archive":     {func(in *tenancy.Attempt) { *in = servicetest.Through(theirs, "s", "owner@acme.example") }, tenancy.ErrNotFound, ""},
		"another than the invitation's": {func(in *tenancy.Attempt) { in.OrganizationID, in.Invitation = d.acme.ID, token }, tenancy.ErrInvalid, "organization_id"},
	} {
		d.each(name, func(w *world) {
			in := good()
			bad.change(&in)
			w.refuses(bad.code, bad.field, func() error { _, err := w.Svc.SignIn(w.Ctx, in); return err })
		})
	}
}

func profiles(d *door) {
	in := servicetest.ByMail("ann@mail.example")
	in.Profile = tenancy.Profile{GivenName: "A\u202enn", FamilyName: "Lee", Picture: "http://x.example/p", Locale: "not a tag", DisplayName: "\xff"}
	got := d.enters(in).User
	d.Equal("Lee", got.Name())
	d.Empty(got.GivenName + got.DisplayName + got.Picture + got.Locale)
}

// identityCases is U4 as a table: what comes in, what is stored, and what follows.
func identityCases(d *door) {
	const address = "ann@mail.example"
	verified := func(w *world) tenancy.User { return w.NewUser(tenancy.NewUser{Email: address, EmailVerified: true}) }
	unproved := func(w *world) tenancy.User { return w.NewUser(tenancy.NewUser{Email: address}) }
	for name, c := range map[string]struct {
		stored   func(w *world) tenancy.User // nil: nobody
		in       tenancy.Attempt
		kind     tenancy.DecisionKind
		tookOver bool
	}{
		"nobody, unproved":                 {nil, servicetest.ByProvider(servicetest.Google, "g", address, false), tenancy.DecisionVerifyEmail, false},
		"nobody, proved":                   {nil, servicetest.ByProvider(servicetest.Google, "g", address, true), tenancy.DecisionSignedIn, false},
		"nobody, no address":               {nil, servicetest.ByProvider(servicetest.Google, "g", "", nil), tenancy.DecisionVerifyEmail, false},
		"verified, unproved":               {verified, servicetest.ByProvider(servicetest.Google, "g", address, false), tenancy.DecisionVerifyEmail, false},
		"verified, a text for a boolean":   {verified, servicetest.ByProvider(servicetest.Google, "g", address, "true"), tenancy.DecisionVerifyEmail, false},
		"verified, a number for a boolean": {verified, servicetest.ByProvider(servicetest.Google, "g", address, 1), tenancy.DecisionVerifyEmail, false},
		"verified, proved":                 {verified, servicetest.ByProvider(servicetest.Google, "g", address, true), tenancy.DecisionSignedIn, false},
		"verified, another password":       {verified, servicetest.ByPassword("c", address), tenancy.DecisionVerifyEmail, false},
		"stored unproved, unproved":        {unproved, servicetest.ByProvider(servicetest.Google, "g", address, false), tenancy.DecisionVerifyEmail, false},
		"stored unproved, proved":          {unproved, servicetest.ByProvider(servicetest.Google, "g", address, true), tenancy.DecisionSignedIn, true},
		"stored unproved, by mail":         {unproved, servicetest.ByMail(address), tenancy.DecisionSignedIn, true},
		"no address, no one":               {verified, servicetest.ByProvider(servicetest.Google, "g", "", nil), tenancy.DecisionVerifyEmail, false},
	} {
		d.each(name, func(w *world) {
			var user tenancy.User
			if c.stored != nil {
				user = c.stored(w)
				w.Link(user, tenancy.NewIdentity{Provider: "github", Subject: "old"})
			}
			if c.kind != tenancy.DecisionSignedIn {
				w.halts(c.kind, "", c.in)
			} else {
				got := w.enters(c.in)
				w.Equal(c.tookOver, got.TookOver)
				w.Equal(c.stored == nil, got.Created)
				if c.stored != nil {
					w.Equal(user.ID, got.User.ID)
				}
				w.False(w.getUser(got.User.ID).EmailVerifiedAt.IsZero())
				want := 0
				for _, counts := range []bool{c.stored != nil && !c.tookOver, !slices.Contains([]string{"stored unproved, by mail"}, name)} {
					want += btoi(counts)
				}
				w.Len(w.identities(got.User), want)
				user = got.User
			}
			if !user.ID.IsZero() {
				w.NoError(w.Svc.Users.Delete(w.Ctx, user.ID))
			}
		})
	}
}

// confirmThrough: the proof of an address that nobody had proved is a takeover, by
// whatever way it comes.
func confirmThrough(d *door) {
	trap := d.NewUser(tenancy.NewUser{Email: "ann@mail.example"})
	mine := d.Link(trap, tenancy.NewIdentity{Provider: "password", Subject: "c-1"})
	d.Link(trap, tenancy.NewIdentity{Provider: "github", Subject: "evil"})
	other, here := d.enters(servicetest.ByProvider(servicetest.Github, "evil", "", nil)), d.enters(servicetest.ByPassword("c-1", ""))
	stranger := d.enters(servicetest.ByMail("eve@mail.example"))
	proof := d.proof(trap, "ann@mail.example")
	for name, c := range map[string]struct {
		by   string
		left []tenancy.Identity
	}{
		"nowhere":              {"", nil},
		"a stranger's session": {stranger.Token.Reveal(), nil},
		"no session":           {"session_x", nil},
		"their own":            {here.Token.Reveal(), []tenancy.Identity{mine}},
	} {
		d.each(name, func(w *world) {
			w.Equal(servicetest.ErrStop, w.Svc.Transact(w.Ctx, func(ctx context.Context, tx *tenancy.Service) error {
				user, err := tx.Users.ConfirmEmail(ctx, tenancy.EmailConfirmation{Token: proof.Token.Reveal(), Session: c.by})
				w.NoError(err)
				w.False(user.EmailVerifiedAt.IsZero())
				w.Equal(tenancy.EmailProvedByMail, user.EmailProvedBy)
				left, err := tx.Identities.List(ctx, trap.ID)
				w.NoError(err)
				w.Equal(append([]tenancy.Identity{}, c.left...), left)
				_, err = tx.Sessions.Authenticate(ctx, other.Token.Reveal(), servicetest.NowhereYet)
				w.Equal(tenancy.ErrSessionEnded, tenancy.CodeOf(err))
				_, err = tx.Sessions.Authenticate(ctx, here.Token.Reveal(), servicetest.NowhereYet)
				w.Equal(c.left != nil, err == nil)
				return servicetest.ErrStop
			}))
		})
	}
	// Once it is proved, another proof takes nothing.
	_, err := d.Svc.Users.ConfirmEmail(d.Ctx, tenancy.EmailConfirmation{Token: proof.Token.Reveal(), Session: here.Token.Reveal()})
	d.NoError(err)
	d.NoError(d.confirm(d.proof(trap, "ann@mail.example").Token.Reveal()))
	d.Equal([]tenancy.Identity{mine}, d.identities(trap))
	d.True(d.stands(here))
}

func suspendedUser(d *door) {
	ann := d.User("ann")
	d.Link(ann, google("g-1", "", false))
	_, err := d.Svc.Users.Suspend(d.Ctx, ann.ID)
	d.NoError(err)
	d.halts(tenancy.DecisionSuspended, "", servicetest.ByProvider(servicetest.Google, "g-1", "", nil))
	d.halts(tenancy.DecisionSuspended, "", servicetest.ByMail("ann@acme.example"))
	d.halts(tenancy.DecisionVerifyEmail, "", servicetest.ByProvider(servicetest.Google, "g-2", "ann@acme.example", false)) // who has proved nothing hears nothing
}

func pickOrganization(d *door) {
	ann := d.visitor(d.beta, "ann@mail.example")
	in := servicetest.ByMail("ann@mail.example")
	d.Equal(d.beta.ID, d.enters(in).OrganizationID)
	gamma := d.Org("Gamma")
	d.Add(gamma, ann)
	choice := d.halts(tenancy.DecisionChooseOrganization, "", in)
	d.Len(choice.Choices, 2)
	d.Equal([]string{"Beta", "Gamma"}, []string{choice.Choices[0].OrganizationName, choice.Choices[1].OrganizationName})
	d.Equal([]string{rbac.Guest}, choice.Choices[0].Roles)
	d.Equal(gamma.ID, d.enters(servicetest.To(gamma, in)).OrganizationID)
	// What is shut, or was left, is nothing to choose.
	delta := d.Org("Delta")
	d.Add(delta, ann)
	d.Archive(delta)
	d.Len(d.halts(tenancy.DecisionChooseOrganization, "", in).Choices, 2)
	d.suspend(gamma)
	d.Equal(d.beta.ID, d.enters(in).OrganizationID)
	d.halts(tenancy.DecisionSuspended, "", servicetest.To(gamma, in))
	d.Deactivate(d.beta, ann)
	d.halts(tenancy.DecisionSuspended, "", in)
	d.Archive(gamma)
	d.True(d.enters(in).OrganizationID.IsZero())
}

func notMember(d *door) {
	d.visitor(d.beta, "ann@mail.example")
	in := servicetest.ByMail("ann@mail.example")
	d.Equal(d.acme.ID, d.halts(tenancy.DecisionNotMember, "", servicetest.To(d.acme, in)).OrganizationID)
	d.halts(tenancy.DecisionNotMember, "", servicetest.To(d.acme, servicetest.ByMail("new@mail.example"))) // and no user is left of it
	ann, err := d.Svc.Users.GetByEmail(d.Ctx, "ann@mail.example")
	d.NoError(err)
	d.Deactivate(d.beta, ann)
	d.halts(tenancy.DecisionNotMember, tenancy.ErrMembershipInactive, servicetest.To(d.beta, in))
	token := d.invites(d.acme, "ann@mail.example")
	d.halts(tenancy.DecisionNotMember, tenancy.ErrPendingMembership, servicetest.To(d.acme, in))
	d.Equal(d.acme.ID, d.enters(bringing(token, in)).OrganizationID)
}

func closedRegistration(d *door) {
	d.halts(tenancy.DecisionInvitationNeeded, "", servicetest.ByMail("ann@mail.example"))
	d.halts(tenancy.DecisionInvitationNeeded, "", servicetest.To(d.beta, servicetest.ByMail("ann@mail.example")))
	d.Equal(d.acme.ID, d.enters(servicetest.ByMail("owner@acme.example")).OrganizationID) // who is a user stays one
	d.True(d.enters(bringing(d.invites(d.beta, "ann@mail.example"), servicetest.ByMail("ann@mail.example"))).Created)
	app := bringing(d.invites(tenancy.Organization{}, "app@mail.example"), servicetest.ByMail("app@mail.example"))
	d.True(d.enters(app).Created)
	d.halts(tenancy.DecisionInvitationNeeded, "", servicetest.ByMail("bob@acme.example"))
	d.joining(tenancy.JoiningRequest, "")
	d.halts(tenancy.DecisionInvitationNeeded, "", servicetest.ByMail("bob@acme.example"))
	d.joining(tenancy.JoiningAuto, "")
	d.Equal(d.acme.ID, d.enters(servicetest.ByMail("bob@acme.example")).OrganizationID)
	d.joining(tenancy.JoiningOff, "")
	d.halts(tenancy.DecisionInvitationNeeded, "", servicetest.Through(d.okta, "s-1", "cyd@acme.example"))
	d.admitting()
	d.Equal(d.acme.ID, d.enters(servicetest.Through(d.okta, "s-1", "cyd@acme.example")).OrganizationID)
}

func singleSignIn(d *door) {
	d.joining(tenancy.JoiningAuto, "")
	d.admitting()
	user := d.User("ann")
	d.Add(d.beta, user)
	in := servicetest.ByMail("ann@acme.example")
	d.Equal(d.beta.ID, d.enters(in).OrganizationID) // they are not held up
	d.halts(tenancy.DecisionNotMember, tenancy.ErrAlreadyMemberElsewhere, servicetest.To(d.acme, in))
	d.halts(tenancy.DecisionNotMember, tenancy.ErrAlreadyMemberElsewhere, servicetest.Through(d.okta, "s-1", "ann@acme.example"))
	token := d.invites(d.acme, "ann@acme.example")
	d.halts(tenancy.DecisionInvitationRefused, tenancy.ErrAlreadyMemberElsewhere, bringing(token, in))
	d.NoError(d.Svc.Memberships.Leave(d.Ctx, d.beta.ID, user.ID))
	d.Equal(d.acme.ID, d.enters(bringing(token, in)).OrganizationID) // nothing was spent
}
