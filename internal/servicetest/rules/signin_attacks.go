package rules

import (
	"encoding/json"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// hijackRules are attacks by name, each turned away with nothing left behind.
func hijackRules() []rule {
	return []rule{
		{"U4 account pre-hijacking: the five variants, through SignIn", atDoor(preHijackSignIn)},
		{"U4 attack: linking by an address that nobody verified", atDoor(unverifiedLinking)},
		{"U4 attack: email_verified as a text", with(func(c *tenancy.Config) { c.SignInMethods = []tenancy.SignInMethod{servicetest.Google} }, textClaims)},
		{"U4 attack: claims that can be read in two ways", atDoor(twofoldClaims)},
		{"P6 attack: a provider of one organization asserts an address of another", atDoor(crossTenantProvider)},
		{"P6 attack: a provider asserts a free-mail address", atDoor(freeMailProvider)},
		{"P6 attack: a provider starts the sign-in without an invitation", atDoor(idpInitiated)},
		{"P2 attack: passing a policy by by choosing another organization", atDoor(policyBypass)},
		{"P1 attack: the subject of another connection", atDoor(subjectReplay)},
		{"U1 attack: split and look-alike addresses reach nobody", atDoor(splitSignIns)},
	}
}

// preHijackSignIn plays the five variants of Sudhodanan and Paverd: somebody makes an
// account with the victim's address, unproved as it is, and waits for the victim.
func preHijackSignIn(d *door) {
	const victim, evil = "victim@mail.example", "evil@evil.example"
	for name, attack := range map[string]func(w *world, trap tenancy.User) (comeBack func() bool){
		"classic, federated merge: a password from before": func(w *world, trap tenancy.User) func() bool {
			w.Link(trap, tenancy.NewIdentity{Provider: "password", Subject: "c-evil"})
			return func() bool { return w.reaches(trap, servicetest.ByPassword("c-evil", victim)) }
		},
		"unexpired session: one that was started before": func(w *world, trap tenancy.User) func() bool {
			w.Link(trap, tenancy.NewIdentity{Provider: "password", Subject: "c-evil"})
			old := w.enters(servicetest.ByPassword("c-evil", ""))
			return func() bool { return w.stands(old) }
		},
		"trojan identifier: another sign-in of the attacker's": func(w *world, trap tenancy.User) func() bool {
			w.Link(trap, tenancy.NewIdentity{Provider: "github", Subject: "evil", Email: evil, EmailVerified: true})
			w.enters(servicetest.ByProvider(servicetest.Github, "evil", evil, true))
			return func() bool { return w.reaches(trap, servicetest.ByProvider(servicetest.Github, "evil", evil, true)) }
		},
		"unexpired email change: a proof mailed to the attacker": func(w *world, trap tenancy.User) func() bool {
			proof := w.proof(trap, evil)
			return func() bool { return w.moves(trap, proof) == nil }
		},
		"non-verifying provider: the victim's address, unproved": func(w *world, trap tenancy.User) func() bool {
			w.Link(trap, tenancy.NewIdentity{Provider: "github", Subject: "lax", Email: victim})
			w.enters(servicetest.ByProvider(servicetest.Github, "lax", victim, false))
			return func() bool {
				return w.reaches(trap, servicetest.ByProvider(servicetest.Github, "lax", victim, false))
			}
		},
	} {
		for how, arrives := range map[string]tenancy.Attempt{"by a provider": servicetest.ByProvider(servicetest.Google, "g-victim", victim, true), "by mail": servicetest.ByMail(victim)} {
			d.each(name+", "+how, func(w *world) {
				trap := w.NewUser(tenancy.NewUser{Email: victim})
				comeBack := attack(w, trap)
				got := w.enters(arrives)
				w.True(got.TookOver)
				w.Equal(trap.ID, got.User.ID)
				w.Empty(w.getUser(trap.ID).PendingEmail)
				w.Len(w.identities(trap), btoi(how == "by a provider"))
				w.False(comeBack())
				w.True(w.stands(got))
				w.NoError(w.Svc.Users.Delete(w.Ctx, trap.ID))
				for page, err := range w.Svc.Users.All(w.Ctx, tenancy.UserQuery{EmailPrefix: "evil@"}) {
					w.NoError(err)
					w.NoError(w.Svc.Users.Delete(w.Ctx, page.ID))
				}
			})
		}
	}
}

// reaches reports whether an attempt signs in as a user.
func (w *world) reaches(user tenancy.User, in tenancy.Attempt) bool {
	w.T.Helper()
	d, err := w.Svc.SignIn(w.Ctx, in)
	w.NoError(err)
	return d.Kind == tenancy.DecisionSignedIn && d.User.ID == user.ID
}

func unverifiedLinking(d *door) {
	victim := d.User("victim")
	for _, in := range []tenancy.Attempt{
		servicetest.ByProvider(servicetest.Google, "evil", "victim@acme.example", false), servicetest.ByProvider(servicetest.Google, "evil", "VICTIM@acme.example", nil),
		servicetest.ByPassword("c-evil", "victim@acme.example"),
		servicetest.ByProvider(servicetest.Google, "evil", "victim@acme.example", "true"), servicetest.ByProvider(servicetest.Google, "evil", "victim@acme.example", 1),
	} {
		d.halts(tenancy.DecisionVerifyEmail, "", in)
	}
	// An invitation to the victim that the attacker has seen proves no mailbox (I4).
	token := d.invites(d.beta, "victim@acme.example", rbac.Admin)
	d.halts(tenancy.DecisionVerifyEmail, "", bringing(token, servicetest.ByPassword("c-evil", "victim@acme.example")))
	d.Empty(d.identities(victim))
	// An identity of the attacker's own that changes its address to the victim's.
	d.enters(servicetest.ByProvider(servicetest.Google, "evil", "evil@evil.example", true))
	got := d.enters(servicetest.ByProvider(servicetest.Google, "evil", "victim@acme.example", true))
	d.NotEqual(victim.ID, got.User.ID)
}

func textClaims(w *world) {
	const address = "ann@mail.example"
	enters := func(claims string) bool {
		in := tenancy.Attempt{Evidence: tenancy.ClaimsEvidence("google", json.RawMessage(claims))}
		got, err := w.Svc.SignIn(w.Ctx, in)
		w.NoError(err)
		return got.Kind == tenancy.DecisionSignedIn
	}
	w.False(enters(`{"sub":"g-1","email":"` + address + `"}`))
	for _, claim := range []string{`null`, `false`, `"true"`, `"True"`, `"1"`, `1`, `1.0`, `[true]`, `{"email_verified":true}`} {
		w.False(enters(`{"sub":"g-1","email":"`+address+`","email_verified":`+claim+`}`), claim)
	}
	// Names match byte for byte: who may set one may not set the other.
	for _, name := range []string{"Email_Verified", "EMAIL_VERIFIED", "emailVerified", "email_ver\u0131fied"} {
		w.False(enters(`{"sub":"g-1","email":"`+address+`","`+name+`":true}`), name)
	}
	w.True(enters(`{"sub":"g-1","email":"` + address + `","email_verified":true}`))
}

// twofoldClaims: what encoding/json makes one of two, or takes the last of, is no evidence.
func twofoldClaims(d *door) {
	const address = `"email":"ann@mail.example"`
	for name, claims := range map[string]string{
		"half a surrogate pair in sub":     `{"sub":"a\ud800",` + address + `}`,
		"the other half":                   `{"sub":"a\udc00",` + address + `}`,
		"invalid UTF-8 in sub":             "{\"sub\":\"a\xff\"," + address + "}",
		"invalid UTF-8 elsewhere":          "{\"sub\":\"a\"," + address + ",\"x\":\"\xff\"}",
		"half a surrogate pair in email":   `{"sub":"a","email":"ann\ud800@mail.example"}`,
		"sub twice":                        `{"sub":"a",` + address + `,"sub":"b"}`,
		"sub twice, once escaped":          `{"sub":"a",` + address + `,"s\u0075b":"b"}`,
		"email_verified twice":             `{"sub":"a",` + address + `,"email_verified":false,"email_verified":true}`,
		"groups twice":                     `{"sub":"a",` + address + `,"groups":[],"groups":["x"]}`,
		"the same name twice, to the same": `{"sub":"a","sub":"a",` + address + `}`,
	} {
		raw := json.RawMessage(claims)
		d.Equal(tenancy.Assertion{}, tenancy.AssertionFromClaims(raw), name)
		for _, evidence := range []tenancy.Evidence{
			tenancy.ClaimsEvidence("google", raw), tenancy.ConnectionEvidence(d.okta, tenancy.AssertionFromClaims(raw)),
		} {
			d.refuses(tenancy.ErrInvalid, "evidence", func() error {
				_, err := d.Svc.SignIn(d.Ctx, tenancy.Attempt{Evidence: evidence})
				return err
			})
		}
	}
	// A subject that the program has read by itself, and lost a part of.
	d.refuses(tenancy.ErrInvalid, "subject", func() error { _, err := d.Svc.SignIn(d.Ctx, servicetest.Through(d.okta, "a\ufffd", "")); return err })
	// What has one reading is read: a whole pair, nested names, groups without what was lost.
	read := tenancy.AssertionFromClaims(json.RawMessage(`{"sub":"\ud83d\ude00","x":{"a":1,"a":2},"groups":["x","y\ud800"]}`))
	d.Equal(tenancy.Assertion{Subject: "\U0001f600", Groups: []string{"x"}}, read)
}

func crossTenantProvider(d *door) {
	d.admitting()
	boss := d.NewUser(tenancy.NewUser{Email: "boss@beta.example", EmailVerified: true})
	d.Add(d.beta, boss, rbac.Owner)
	evil := servicetest.Through(d.okta, "evil", "boss@beta.example")
	d.halts(tenancy.DecisionInvitationNeeded, "", evil)
	d.halts(tenancy.DecisionInvitationNeeded, "", servicetest.To(d.beta, evil))
	// Acme's administrator invites the boss, and shows himself the token.
	token := d.invites(d.acme, "boss@beta.example")
	d.halts(tenancy.DecisionVerifyEmail, "", bringing(token, evil))
	d.refuses(tenancy.ErrInvalid, "organization_id", func() error {
		_, err := d.Svc.SignIn(d.Ctx, servicetest.To(d.beta, bringing(token, evil)))
		return err
	})
	// Even where the boss takes part, acme's provider gets no further than acme.
	got := d.enters(bringing(token, servicetest.Proving("boss@beta.example", evil)))
	d.True(got.Session.Confined)
	d.halts(tenancy.DecisionNotMember, "", servicetest.To(d.beta, evil))
	d.Equal(d.acme.ID, d.enters(evil).OrganizationID)
}

func freeMailProvider(d *door) {
	d.admitting()
	victim := d.NewUser(tenancy.NewUser{Email: "victim@gmail.com", EmailVerified: true})
	unproved := d.NewUser(tenancy.NewUser{Email: "unproved@gmail.com"})
	for _, email := range []string{"victim@gmail.com", "unproved@gmail.com", "nobody@gmail.com"} {
		d.halts(tenancy.DecisionInvitationNeeded, "", servicetest.Through(d.okta, "evil", email))
	}
	d.Empty(d.identities(victim))
	d.Empty(d.identities(unproved))
}

// idpInitiated: a sign-in that a provider starts is worth no more than another.
func idpInitiated(d *door) {
	d.halts(tenancy.DecisionNotMember, "", servicetest.Through(d.okta, "s-1", "ann@acme.example"))
	d.halts(tenancy.DecisionInvitationNeeded, "", servicetest.Through(d.okta, "s-1", "ann@mail.example"))
	none := servicetest.Through(d.okta, "s-1", "")
	d.halts(tenancy.DecisionInvitationNeeded, "", none)
}

func policyBypass(d *door) {
	bob := d.User("bob")
	d.Add(d.acme, bob)
	d.Add(d.beta, bob)
	gamma := d.Owned("Gamma", bob) // of his own
	d.demand(d.acme, tenancy.PolicyUpdate{
		Domain: &tenancy.DomainPolicy{ConnectionID: d.okta.ID}, Organization: &tenancy.OrganizationPolicy{SingleSignOn: true},
	})
	d.Link(bob, tenancy.NewIdentity{Provider: "password", Subject: "c-1"})
	for _, in := range []tenancy.Attempt{
		servicetest.ByPassword("c-1", ""), servicetest.To(d.beta, servicetest.ByPassword("c-1", "")),
		servicetest.To(gamma, servicetest.ByPassword("c-1", "")), servicetest.To(gamma, servicetest.ByPassword("c-1", "bob@mail.example")),
		bringing(d.invites(gamma, "other@mail.example"), servicetest.ByPassword("c-1", "")), servicetest.To(gamma, servicetest.ByMail("bob@acme.example")),
	} {
		d.halts(tenancy.DecisionUseSingleSignOn, "", in)
	}
	// A claim that waits captures nobody (D3): the squatter's policy binds no one.
	d.Claim(gamma.ID, "mail.example")
	own := d.Connect(gamma, "Own")
	d.demand(gamma, tenancy.PolicyUpdate{Domain: &tenancy.DomainPolicy{ConnectionID: own.ID}})
	d.enters(servicetest.ByMail("victim@mail.example"))
}

// subjectReplay: a subject is a name at one provider, and nowhere else.
func subjectReplay(d *door) {
	d.admitting()
	ann := d.enters(servicetest.Through(d.okta, "s-1", "ann@acme.example")).User
	second := d.Connect(d.acme, "Second")
	for _, in := range []tenancy.Attempt{
		servicetest.Through(d.entra, "s-1", ""), servicetest.Through(second, "s-1", ""), servicetest.Through(d.okta, "S-1", ""), servicetest.ByProvider(servicetest.Google, "s-1", "", nil),
	} {
		got, err := d.Svc.SignIn(d.Ctx, in)
		d.NoError(err)
		d.NotEqual(tenancy.DecisionSignedIn, got.Kind)
	}
	d.Len(d.identities(ann), 1)
}

func splitSignIns(d *door) {
	for _, email := range []string{
		`"a@evil.example"@acme.example`, "owner@acme.example@evil.example", "owner\uff20acme.example", "owner@acme.example\x00@evil.example",
		"owner @acme.example", "=?utf-8?q?owner?=@acme.example>", "o\u212aner@acme.example", "owner(c)@acme.example",
	} {
		d.refuses(tenancy.ErrInvalid, "email", func() error { _, err := d.Svc.SignIn(d.Ctx, servicetest.ByMail(email)); return err })
		d.refuses(tenancy.ErrInvalid, "email", func() error { _, err := d.Svc.Route(d.Ctx, email, tenancy.RouteHints{}); return err })
	}
}
