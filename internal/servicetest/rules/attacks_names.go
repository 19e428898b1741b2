package rules

import (
	"context"
	"strings"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// nameAttacks write a name, an address or a domain so that a rule about it does not hold.
func nameAttacks() []rule {
	return []rule{
		{"O3 attack: an address below a blocked domain comes in", atDoor(belowBlocked)},
		{"O3 attack: a free-mail domain lets everybody in", on(freeMailAllowed)},
		{"O3 an allow-list is exact", on(allowedIsExact)},
		{"U1 a domain in capitals beyond ASCII is the same domain", on(capitalDomains)},
		{"G5 attack: a name that shows nothing", on(namesOfNothing).in(servicetest.Memory)},
		{"G5 attack: a name that differs from another by what nobody sees", on(hiddenInNames).in(servicetest.Memory)},
		{"G5 names of all scripts, with what joins them", on(joinedNames).in(servicetest.Memory)},
		{"G5 attack: an address on a domain that looks like another", on(lookAlikeAddress)},
		{"G16 white space around an address, a name and a token is no part of it", on(surroundingSpace)},
	}
}

// belowBlocked: who may register one name below the blocked one may register as many as
// they like, so a list of exact names never ends.
func belowBlocked(d *door) {
	_, err := d.Svc.Organizations.Update(d.Ctx, d.acme.ID, tenancy.OrganizationUpdate{BlockedDomains: &[]string{"spam.example"}})
	d.NoError(err)
	code := d.Code(d.acme)
	for _, domain := range []string{"spam.example", "1.spam.example", "a.b.spam.example"} {
		d.each(domain, func(w *world) {
			address := "eve@" + domain
			w.refuses(tenancy.ErrEmailDomainNotAllowed, "email", func() error {
				_, err := w.Svc.Invitations.Send(w.Ctx, servicetest.Asking(d.acme, address))
				return err
			})
			eve := w.NewUser(tenancy.NewUser{Email: address, EmailVerified: true})
			w.refuses(tenancy.ErrEmailDomainNotAllowed, "email", w.using(code, eve))
			w.refuses(tenancy.ErrEmailDomainNotAllowed, "email", func() error {
				_, err := w.Svc.JoinRequests.Create(w.Ctx, d.acme.ID, eve.ID, "")
				return err
			})
		})
	}
	for _, domain := range []string{"notspam.example", "spam.example.org"} {
		d.NoError(d.using(code, d.NewUser(tenancy.NewUser{Email: "ada@" + domain, EmailVerified: true}))())
	}
	d.vouchedWithin(d.acme.ID, "blocked.example")
	_, err = d.Svc.Organizations.Update(d.Ctx, d.acme.ID, tenancy.OrganizationUpdate{BlockedDomains: &[]string{"blocked.example"}})
	d.NoError(err)
	d.halts(tenancy.DecisionNotMember, tenancy.ErrEmailDomainNotAllowed, servicetest.To(d.acme, servicetest.ByMail("eve@x.blocked.example")))
}

// vouchedWithin is a verified domain with its subdomains, whose people come in.
func (w *world) vouchedWithin(org tenancy.OrganizationID, name string) {
	w.T.Helper()
	_, err := w.Svc.Domains.Claim(w.Ctx, tenancy.NewDomain{
		OrganizationID: org, Name: name, Verified: true, Subdomains: true, Joining: tenancy.JoiningAuto,
	})
	w.NoError(err)
}

// freeMailAllowed: anybody gets an address there, so such a list lets in anybody.
func freeMailAllowed(w *world) {
	acme := w.Org("Acme")
	for _, name := range []string{"gmail.com", "GMail.com", "vip.163.com"} {
		w.refuses(tenancy.ErrPublicEmailDomain, "allowed_domains", func() error {
			_, err := w.Svc.Organizations.Update(w.Ctx, acme.ID, tenancy.OrganizationUpdate{AllowedDomains: &[]string{"corp.example", name}})
			return err
		})
		w.refuses(tenancy.ErrPublicEmailDomain, "allowed_domains", func() error {
			_, err := w.Svc.Organizations.Create(w.Ctx, tenancy.NewOrganization{
				DisplayName: "Beta", Settings: tenancy.Settings{AllowedDomains: []string{name}},
			})
			return err
		})
		w.refuses(tenancy.ErrPublicEmailDomain, "allowed_domains", func() error {
			_, err := w.Svc.JoinCodes.Create(w.Ctx, tenancy.NewJoinCode{OrganizationID: acme.ID, AllowedDomains: []string{name}})
			return err
		})
	}
	updated, err := w.Svc.Organizations.Update(w.Ctx, acme.ID, tenancy.OrganizationUpdate{BlockedDomains: &[]string{"gmail.com"}})
	w.NoError(err) // a deny-list is what they are for
	w.Equal([]string{"gmail.com"}, updated.Settings.BlockedDomains)
}

func allowedIsExact(w *world) {
	acme := w.Org("Acme")
	_, err := w.Svc.Organizations.Update(w.Ctx, acme.ID, tenancy.OrganizationUpdate{AllowedDomains: &[]string{"corp.example"}})
	w.NoError(err)
	w.refuses(tenancy.ErrEmailDomainNotAllowed, "email", func() error {
		_, err := w.Svc.Invitations.Send(w.Ctx, servicetest.Asking(acme, "eve@guest.corp.example"))
		return err
	})
	w.Invite(acme, "ada@corp.example")
}

func capitalDomains(w *world) {
	acme := w.Org("Acme")
	ada := w.NewUser(tenancy.NewUser{Email: "Ada@EXÄMPLE.example", EmailVerified: true})
	w.Equal("Ada@EXÄMPLE.example", ada.Email)
	for _, same := range []string{"ada@exämple.example", "ADA@XN--EXMPLE-CUA.EXAMPLE", "ada@exÄmple.Example"} {
		found, err := w.Svc.Users.GetByEmail(w.Ctx, same)
		w.NoError(err, same)
		w.Equal(ada.ID, found.ID)
		w.refuses(tenancy.ErrAlreadyExists, "email", func() error {
			_, err := w.Svc.Users.Create(w.Ctx, tenancy.NewUser{Email: same})
			return err
		})
	}
	w.vouched(acme.ID, "EXÄMPLE.example")
	owner, err := w.Svc.Domains.Owner(w.Ctx, "info@exÄmple.example")
	w.NoError(err)
	w.Equal("xn--exmple-cua.example", owner.Name)
}

// surroundingSpace: a copied text brings white space along.
func surroundingSpace(w *world) {
	around := func(s string) string { return " \t" + s + "\u00a0\r\n" }
	acme, err := w.Svc.Organizations.Create(w.Ctx, tenancy.NewOrganization{DisplayName: around("Acme")})
	w.NoError(err)
	w.Equal("Acme", acme.DisplayName)
	ada := w.NewUser(tenancy.NewUser{Email: around("Ada@acme.example"), EmailVerified: true, GivenName: around("Ada")})
	w.Equal("Ada@acme.example", ada.Email)
	w.Equal("Ada", ada.GivenName)
	found, err := w.Svc.Users.GetByEmail(w.Ctx, around("ada@acme.example"))
	w.NoError(err)
	w.Equal(ada.ID, found.ID)
	identity := w.Link(ada, tenancy.NewIdentity{Provider: "google", Subject: "g-1", Email: around("ada@mail.example")})
	w.Equal("ada@mail.example", identity.Email)
	w.Equal("corp.example", w.vouched(acme.ID, around("Corp.example")).Name)

	sent := w.Invite(acme, around("bob@acme.example"), rbac.Guest)
	w.Equal("bob@acme.example", sent.Email)
	_, err = w.Svc.Invitations.Preview(w.Ctx, around(sent.Token.Reveal()))
	w.NoError(err)
	bob := w.NewUser(tenancy.NewUser{Email: "bob@acme.example", EmailVerified: true})
	_, err = w.Svc.Invitations.Accept(w.Ctx, around(sent.Token.Reveal()), bob.ID)
	w.NoError(err)
	code := w.Code(acme)
	_, err = w.Svc.JoinCodes.Use(w.Ctx, around(code.Token.Reveal()), ada.ID)
	w.NoError(err)

	changed, err := w.Svc.Users.ChangeEmail(w.Ctx, ada.ID, around("ada@corp.example"))
	w.NoError(err)
	session := w.Session(ada, acme.ID)
	moved, err := w.Svc.Users.ConfirmEmail(w.Ctx, tenancy.EmailConfirmation{Token: around(changed.Token.Reveal()), Session: around(session.Token.Reveal())})
	w.NoError(err)
	w.Equal("ada@corp.example", moved.Email)
	came, err := w.Svc.SignIn(context.WithoutCancel(w.Ctx), servicetest.ByMail(around("new@acme.example")))
	w.NoError(err)
	w.Equal("new@acme.example", came.User.Email)
	again, err := w.Svc.Sessions.Authenticate(w.Ctx, around(came.Token.Reveal()), servicetest.NowhereYet)
	w.NoError(err)
	w.Equal(came.Session.ID, again.Session.ID)
}

// naming are all ways of giving something a name that people choose it by.
func (w *world) naming() map[string]func(name string) error {
	w.T.Helper()
	acme, ada := w.Owned("Acme", w.User("owner")), w.User("ada")
	w.Add(acme, ada)
	connection, stranger := w.Connect(acme, "Okta"), w.User("stranger")
	user := func(in tenancy.UserUpdate) error { _, err := w.Svc.Users.Update(w.Ctx, ada.ID, in); return err }
	return map[string]func(name string) error{
		"display_name": func(name string) error {
			_, err := w.Svc.Organizations.Update(w.Ctx, acme.ID, tenancy.OrganizationUpdate{DisplayName: &name})
			return err
		},
		"display_name of a user": func(name string) error { return user(tenancy.UserUpdate{DisplayName: &name}) },
		"given_name":             func(name string) error { return user(tenancy.UserUpdate{GivenName: &name}) },
		"family_name":            func(name string) error { return user(tenancy.UserUpdate{FamilyName: &name}) },
		"display_name of a member": func(name string) error {
			_, err := w.Svc.Memberships.Update(w.Ctx, acme.ID, ada.ID, tenancy.MembershipUpdate{DisplayName: &name})
			return err
		},
		"name of a connection": func(name string) error {
			_, err := w.Svc.Connections.Update(w.Ctx, acme.ID, connection.ID, tenancy.ConnectionUpdate{Name: &name})
			return err
		},
		"name of a role": func(name string) error {
			_, err := w.Svc.Roles.Create(w.Ctx, acme.ID, tenancy.NewRole{Slug: "org-new", Name: name})
			return err
		},
		"note": func(name string) error {
			_, err := w.Svc.JoinRequests.Create(w.Ctx, acme.ID, stranger.ID, name)
			return err
		},
	}
}

func (w *world) refusesNames(names ...string) {
	w.T.Helper()
	for what, call := range w.naming() {
		field, _, _ := strings.Cut(what, " ")
		for _, name := range names {
			w.refuses(tenancy.ErrInvalid, field, func() error { return call(name) })
		}
	}
}

// namesOfNothing: nobody can be told from their neighbor by such a name.
func namesOfNothing(w *world) {
	w.refusesNames("\u200b", "\u200d\u200c", "\u00ad", "\u2800 \u2800", "\u3164", "\u115f\u1160", "\uffa0", "\u034f", "\ufe0f",
		"\U000e0041\U000e007f", "\U000e0100", "\u2060\u2061", "\u180e", "\u00a0\u2003\u200b", "\U0001d173")
}

// hiddenInNames: Ac me with something between is not what it looks like.
func hiddenInNames(w *world) {
	w.refusesNames("Ac\u200bme", "Ac\u200dme", "Ac\u00adme", "Acme\u2060", "\u2063Acme", "Ac\ufe0fme", "Acme\U000e0041\U000e007f", "Ac\u034fme",
		"Ac\u3164me", "Аc\u200cме", "会\u200d社", "\u200cمی", "7\ufe0f", "Acme \ufe0f")
}

func joinedNames(w *world) {
	for what, call := range w.naming() {
		for _, name := range []string{
			"می\u200cخواهم", "क्\u200dष", "\U0001f469\u200d\U0001f4bb Ada", "\u2764\ufe0f\u200d\U0001f525", "7\ufe0f\u20e3", "葛\U000e0100城", "Zoë O’Neill", "김 철수",
		} {
			w.Equal(servicetest.ErrStop, w.Svc.Transact(w.Ctx, func(ctx context.Context, tx *tenancy.Service) error {
				outer, svc := w.Ctx, w.Svc
				w.Ctx, w.Svc = ctx, tx
				defer func() { w.Ctx, w.Svc = outer, svc }()
				w.NoError(call(name), "%s: %q", what, name)
				return servicetest.ErrStop
			}))
		}
	}
}

// lookAlikeAddress: with a Cyrillic letter the domain is somebody else's, and looks the same.
func lookAlikeAddress(w *world) {
	const sly, shown = "ceo@\u0430cme.example", "ceo@xn--cme-5cd.example"
	acme := w.Org("Acme")
	eve := w.NewUser(tenancy.NewUser{Email: sly, EmailVerified: true})
	_, err := w.Svc.JoinRequests.Create(w.Ctx, acme.ID, eve.ID, "")
	w.NoError(err)
	asking, err := w.Svc.JoinRequests.List(w.Ctx, acme.ID, tenancy.JoinRequestQuery{})
	w.NoError(err)
	w.Equal(sly, asking.Items[0].Email)
	w.Equal(shown, asking.Items[0].EmailASCII)
	beta := w.Org("Beta")
	sent := w.Invite(beta, sly)
	invited, err := w.Svc.Invitations.List(w.Ctx, beta.ID, tenancy.InvitationQuery{})
	w.NoError(err)
	w.Equal(shown, invited.Items[0].EmailASCII)
	w.Equal(shown, w.invitation(sent.ID).EmailASCII)
	gamma := w.Org("Gamma")
	w.Equal(shown, w.Add(gamma, eve).EmailASCII)
	w.Equal(shown, w.Member(gamma, eve).EmailASCII)
	w.Equal("xn--cme-5cd.example", w.vouched(gamma.ID, "\u0430cme.example").Name)
	ada := w.User("ada")
	w.Empty(w.Add(gamma, ada).EmailASCII) // says nothing more
}
