package rules

import (
	"strings"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// viewAttacks read what belongs to another organization.
func viewAttacks() []rule {
	return []rule{
		{"P11 attack: an administrator reads through which other organization a member came", atDoor(sessionsOfOthers)},
		{"P11 attack: events tell an administrator through which other organization a member came", atDoor(sessionEventsOfOthers)},
		{"P11 attack: a stranger reads what a connection is made of", atDoor(connectionsOfStrangers)},
		{"P11 attack: a stranger reads what an organization is made of", atDoor(organizationsOfStrangers)},
		{"P1 the program reads a connection by its id alone", atDoor(connectionByID)},
	}
}

// throughAcme is bob at beta, through acme's connection, and an administrator of beta's.
func throughAcme(d *door) (bob tenancy.Decision, admin *tenancy.Service) {
	d.T.Helper()
	user, boss := d.User("bob"), d.NewUser(tenancy.NewUser{Email: "boss@beta.example", EmailVerified: true})
	d.Add(d.acme, user)
	d.Add(d.beta, user)
	d.Add(d.beta, boss, rbac.Admin)
	return d.enters(servicetest.To(d.beta, servicetest.Through(d.okta, "s-1", user.Email))), d.asUser(boss)
}

func sessionsOfOthers(d *door) {
	bob, admin := throughAcme(d)
	hidden := func(s tenancy.Session) {
		d.T.Helper()
		d.Equal(bob.Session.ID, s.ID)
		d.Zero(s.ConnectionID)
		d.Zero(s.ConnectionEpoch)
		d.Zero(s.IdentityID)
		d.Equal(tenancy.MethodSingleSignOn, s.Method)
		d.NotContains(d.json(s), d.okta.ID.String())
	}
	page, err := admin.Sessions.List(d.Ctx, d.beta.ID, tenancy.SessionQuery{})
	d.NoError(err)
	d.Len(page.Items, 1)
	hidden(page.Items[0])
	for s, err := range admin.Sessions.All(d.Ctx, d.beta.ID, tenancy.SessionQuery{}) {
		d.NoError(err)
		hidden(s)
	}
	s, err := admin.Sessions.Get(d.Ctx, bob.Session.ID)
	d.NoError(err)
	hidden(s)
	d.NoError(d.Svc.Sessions.Revoke(d.Ctx, bob.Session.ID))
	page, err = admin.Sessions.List(d.Ctx, d.beta.ID, tenancy.SessionQuery{Ended: true})
	d.NoError(err)
	hidden(page.Items[0])
	// Bob sees his own, acme's owner sees acme's sessions, and the host sees all.
	mine, err := d.asSession(d.enters(byMailAt(d.beta, bob.User)).Session).Sessions.Get(d.Ctx, bob.Session.ID)
	d.NoError(err)
	d.Equal(d.okta.ID, mine.ConnectionID)
	here := d.enters(servicetest.To(d.acme, servicetest.Through(d.okta, "s-1", bob.User.Email)))
	theirs, err := d.asUser(d.owner).Sessions.Get(d.Ctx, here.Session.ID)
	d.NoError(err)
	d.Equal(here.Session.ConnectionID, theirs.ConnectionID)
	d.Equal(here.Session.IdentityID, theirs.IdentityID)
	all, err := d.Svc.Sessions.Get(d.Ctx, bob.Session.ID)
	d.NoError(err)
	d.Equal(bob.Session.IdentityID, all.IdentityID)
	// An identity at a provider of the application's is left out for everybody else.
	google := d.enters(servicetest.To(d.acme, servicetest.ByProvider(servicetest.Google, "g-1", bob.User.Email, true)))
	theirs, err = d.asUser(d.owner).Sessions.Get(d.Ctx, google.Session.ID)
	d.NoError(err)
	d.Zero(theirs.IdentityID)
}

func byMailAt(org tenancy.Organization, user tenancy.User) tenancy.Attempt {
	return servicetest.To(org, servicetest.ByMail(user.Email))
}

// sessionEventsOfOthers: one that starts at beta and ends there, and an entry there beside one into
// acme.
func sessionEventsOfOthers(d *door) {
	bob, admin := throughAcme(d)
	last := d.last()
	here := d.enters(servicetest.To(d.acme, servicetest.Through(d.okta, "s-1", bob.User.Email)))
	d.enters(servicetest.To(d.beta, servicetest.Within(here.Token, servicetest.Through(d.okta, "s-1", bob.User.Email))))
	d.NoError(d.Svc.Sessions.Revoke(d.Ctx, bob.Session.ID))
	seen := 0
	for e, err := range admin.Events.All(d.Ctx, tenancy.EventQuery{OrganizationID: d.beta.ID}) {
		d.NoError(err)
		for _, other := range []string{d.okta.ID.String(), d.acme.ID.String(), here.Session.IdentityID.String(), d.domain.ID.String()} {
			d.NotContains(d.json(e), other, "%s", e.Type)
		}
		seen += btoi(strings.HasPrefix(string(e.Type), "session."))
	}
	d.Equal(3, seen) // started, started, ended
	d.NotEmpty(d.since(last))
}

const confidential = "9f1c-confidential"

// confide puts a text into everything of acme's that is nobody else's to see.
func (d *door) confide() {
	d.T.Helper()
	d.okta = d.turned(d.okta, tenancy.ConnectionUpdate{
		Issuer: servicetest.Ptr("https://" + confidential), Settings: tenancy.Patch{"certificate": servicetest.Ptr(confidential)},
		Groups: &map[string]string{confidential: rbac.Admin},
	})
	_, err := d.Svc.Organizations.Update(d.Ctx, d.acme.ID, tenancy.OrganizationUpdate{
		Metadata:   tenancy.Patch{"plan": servicetest.Ptr(confidential)},
		ExternalID: servicetest.Ptr(confidential), SeatLimit: servicetest.Ptr(77),
	})
	d.NoError(err)
}

// viewed checks that something tells of acme and its connection no more than their views.
func (d *door) viewed(v any) {
	d.T.Helper()
	text := d.json(v)
	for _, secret := range []string{confidential, "seat_limit\":", ":77", "epoch", "issuer", "settings", "groups", "version", "created_at"} {
		d.NotContains(text, secret)
	}
}

func connectionsOfStrangers(d *door) {
	d.confide()
	for name, route := range map[string]tenancy.Route{
		"by address":      d.routed("anybody@acme.example", tenancy.RouteHints{}),
		"by organization": d.routed("", tenancy.RouteHints{OrganizationID: d.acme.ID}),
		"by connection":   d.routed("", tenancy.RouteHints{ConnectionID: d.okta.ID}),
	} {
		d.each(name, func(w *world) {
			w.Equal(views(d.okta), route.Connections)
			d.viewed(route)
		})
	}
	d.demand(d.acme, tenancy.PolicyUpdate{Domain: &tenancy.DomainPolicy{ConnectionID: d.okta.ID}})
	got := d.halts(tenancy.DecisionUseSingleSignOn, "", servicetest.ByPassword("c", "anybody@acme.example"))
	d.Equal(views(d.okta), got.Connections)
	d.viewed(got)
	d.viewed(d.routed("anybody@acme.example", tenancy.RouteHints{}))
	d.demand(d.acme, tenancy.PolicyUpdate{Domain: &tenancy.DomainPolicy{Methods: []tenancy.SignInMethod{servicetest.Google, tenancy.MethodSingleSignOn}}})
	d.viewed(d.halts(tenancy.DecisionUseOtherMethod, "", servicetest.ByMail("anybody@acme.example")))
	visitor := d.visitor(d.beta, "visitor@mail.example")
	d.demand(d.beta, tenancy.PolicyUpdate{Organization: &tenancy.OrganizationPolicy{SingleSignOn: true}})
	d.viewed(d.halts(tenancy.DecisionUseSingleSignOn, "", servicetest.ByMail(visitor.Email)))
}

func organizationsOfStrangers(d *door) {
	d.confide()
	view := tenancy.OrganizationView{ID: d.acme.ID, DisplayName: "Acme"}
	d.joining(tenancy.JoiningSuggest, "")
	got := d.enters(servicetest.ByMail("new@acme.example"))
	d.Equal([]tenancy.OrganizationView{view}, got.Suggested)
	d.viewed(got.Suggested)
	d.joining(tenancy.JoiningAuto, "")
	d.limitSeats(1)
	got = d.enters(servicetest.ByMail("late@acme.example"))
	d.Equal(&tenancy.JoinRefusal{Organization: view, Code: tenancy.ErrSeatLimit}, got.JoinRefused)
	d.viewed(got.JoinRefused)
}

// connectionByID is for the program itself, when somebody comes back from their provider.
func connectionByID(d *door) {
	got, err := d.Svc.Connections.GetByID(d.Ctx, d.okta.ID)
	d.NoError(err)
	d.Equal(d.okta, got)
	d.refuses(tenancy.ErrNotFound, "", func() error {
		_, err := d.Svc.Connections.GetByID(d.Ctx, tenancy.ConnectionID(servicetest.Nowhere))
		return err
	})
	for _, svc := range []*tenancy.Service{
		d.asUser(d.owner), d.asSession(d.enters(servicetest.To(d.acme, servicetest.ByMail(d.owner.Email))).Session),
		d.Svc.As(tenancy.ServicePrincipal("robot", d.acme.ID, "*")), d.Svc.As(tenancy.Principal{}),
	} {
		for _, id := range []tenancy.ConnectionID{d.okta.ID, d.entra.ID, tenancy.ConnectionID(servicetest.Nowhere)} {
			d.refuses(tenancy.ErrForbidden, "", func() error { _, err := svc.Connections.GetByID(d.Ctx, id); return err })
		}
	}
	// What is off or shut is there too, so that the program can say so; SignIn refuses it.
	off := d.turned(d.okta, tenancy.ConnectionUpdate{State: servicetest.Ptr(tenancy.ConnectionInactive)})
	d.Equal(off, d.fresh(d.okta))
	d.suspend(d.beta)
	d.Equal(d.entra, d.fresh(d.entra))
	d.Archive(d.beta)
	d.Equal(d.entra, d.fresh(d.entra))
	d.NoError(d.Svc.Organizations.Delete(d.Ctx, d.beta.ID))
	d.refuses(tenancy.ErrNotFound, "", func() error { _, err := d.Svc.Connections.GetByID(d.Ctx, d.entra.ID); return err })
}
