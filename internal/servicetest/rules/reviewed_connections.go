package rules

import (
	"time"

	"github.com/freehold-dev/freehold/domains"
	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

func reviewedConnectionRules() []rule {
	return []rule{
		{"U10 attack: a domain's former holder speaks for the people on it", atDoor(formerHolder)},
		{"U10 attack: an address that was proved by mail since is moved by a connection", atDoor(provedSince)},
		{"U5 U10 an address that a connection moved leaves no proof behind", atDoor(movedMeanwhile)},
		{"U4 to link once more keeps the address that an identity has", atDoor(linkedTwice)},
		{"R6 attack: a connection first, and the domain that it speaks for afterwards", atDoor(connectionFirst)},
		{"P3 attack: a second factor met by a connection of one's own", atDoor(ownFactor)},
		{"P8 groups are followed wherever the person signs in", atDoor(groupsElsewhere)},
		{"M10 attack: unlinking, to have a higher role", atDoor(raisedByUnlinking)},
		{"S1 attack: a provider signs in over and over, to end a person's other sessions", atDoorWith(fewSessions, crowdedOut)},
		{"P6 attack: a session outlives what its connection could say", atDoor(spokeOnce)},
	}
}

// moving makes acme's connection one that moves addresses, and gives it as it is now.
func (d *door) moving() tenancy.Connection {
	d.T.Helper()
	c, err := d.Svc.Connections.Update(d.Ctx, d.acme.ID, d.okta.ID, tenancy.ConnectionUpdate{UpdatesEmail: servicetest.Ptr(true)})
	d.NoError(err)
	return c
}

func formerHolder(d *door) {
	okta := d.moving()
	d.vouched(d.acme.ID, "acme.test")
	d.admitting()
	jo := d.enters(servicetest.Through(okta, "s-1", "jo@acme.example")).User
	d.NoError(d.Svc.Domains.Release(d.Ctx, d.acme.ID, d.domain.ID))
	other := d.Org("Other")
	d.vouched(other.ID, "acme.example")
	d.Add(other, jo)
	d.halts(tenancy.DecisionNotMember, "", servicetest.To(other, servicetest.Through(okta, "s-1", "jo@acme.test")))
	got := d.enters(servicetest.Through(okta, "s-1", "jo@acme.test"))
	d.True(got.Session.Confined)
	d.Equal("jo@acme.example", d.getUser(jo.ID).Email)
}

func provedSince(d *door) {
	okta := d.moving()
	d.admitting()
	jo := d.enters(servicetest.Through(okta, "s-1", "jo@acme.example")).User
	d.Equal(okta.ID.String(), jo.EmailProvedBy)
	d.Equal(tenancy.EmailProvedByMail, d.enters(servicetest.ByMail("jo@acme.example")).User.EmailProvedBy)
	d.Equal("jo@acme.example", d.enters(servicetest.Through(okta, "s-1", "jo.new@acme.example")).User.Email)
	d.Equal(tenancy.EmailProvedByMail, d.getUser(jo.ID).EmailProvedBy) // to come by the connection proves nothing new

	al := d.enters(servicetest.Through(okta, "s-2", "al@acme.example")).User
	d.Equal("al@acme.example", d.enters(servicetest.Proving("al@acme.example", servicetest.Through(okta, "s-2", "al.new@acme.example"))).User.Email)
	d.Equal(tenancy.EmailProvedByMail, d.getUser(al.ID).EmailProvedBy)

	bo := d.enters(servicetest.Through(okta, "s-3", "bo@acme.example")).User
	for _, verified := range []bool{false, true} { // the host's word is the last
		_, err := d.Svc.Users.Update(d.Ctx, bo.ID, tenancy.UserUpdate{EmailVerified: &verified})
		d.NoError(err)
		d.Equal(tenancy.EmailProvedByHost, d.getUser(bo.ID).EmailProvedBy)
	}
	d.Equal("bo@acme.example", d.enters(servicetest.Through(okta, "s-3", "bo.new@acme.example")).User.Email)
	cy := d.enters(servicetest.Through(okta, "s-4", "cy@acme.example")).User
	d.Equal("cy.new@acme.example", d.enters(servicetest.Through(okta, "s-4", "cy.new@acme.example")).User.Email)
	d.Equal(cy.ID, d.mustFind("cy.new@acme.example").ID)
}

func movedMeanwhile(d *door) {
	okta := d.moving()
	d.admitting()
	in := d.enters(servicetest.Through(okta, "s-1", "jo@acme.example"))
	proof := d.proof(in.User, "jo@mail.example")
	d.Equal("jo.new@acme.example", d.enters(servicetest.Through(okta, "s-1", "jo.new@acme.example")).User.Email)
	_, err := d.Svc.Users.ConfirmEmail(d.Ctx, tenancy.EmailConfirmation{Token: proof.Token.Reveal(), Session: in.Token.Reveal()})
	d.Failed(err, tenancy.ErrTokenUsed, "token")
	d.Equal("jo.new@acme.example", d.getUser(in.User.ID).Email)
}

func connectionFirst(d *door) {
	boss := d.NewUser(tenancy.NewUser{Email: "boss@gamma.example", EmailVerified: true})
	gamma, manager := d.Owned("Gamma", boss), d.User("manager")
	d.Add(gamma, manager, rbac.Admin)
	by := d.Svc.As(tenancy.UserPrincipal(manager.ID))
	in := tenancy.NewConnection{OrganizationID: gamma.ID, Protocol: tenancy.ProtocolOIDC, Name: "Theirs", State: tenancy.ConnectionActive}
	create := func() error {
		_, err := by.Connections.Create(d.Ctx, in)
		return err
	}
	d.refuses(tenancy.ErrForbidden, "roles", create) // gamma may verify gamma.example yet
	in.State = tenancy.ConnectionInactive
	c, err := by.Connections.Create(d.Ctx, in)
	d.NoError(err)
	d.refuses(tenancy.ErrForbidden, "roles", func() error {
		_, err := by.Connections.Update(d.Ctx, gamma.ID, c.ID, tenancy.ConnectionUpdate{State: servicetest.Ptr(tenancy.ConnectionActive)})
		return err
	})

	// Where the owners' addresses are on nobody's domain, or on another's, a connection
	// reaches nobody; and then none of the domain's names is to be had by who is below them.
	holder := d.Org("Holder")
	held := d.vouched(holder.ID, "gamma.example")
	in.State = tenancy.ConnectionActive
	d.NoError(create())
	d.NoError(d.Svc.Domains.Release(d.Ctx, holder.ID, held.ID))
	claim := d.Claim(gamma.ID, "gamma.example")
	d.refuses(tenancy.ErrForbidden, "roles", func() error {
		_, err := by.Domains.Verify(d.Ctx, gamma.ID, claim.ID, domains.MethodDNS)
		return err
	})
	_, err = d.Svc.As(tenancy.UserPrincipal(boss.ID)).Domains.Verify(d.Ctx, gamma.ID, claim.ID, domains.MethodDNS)
	d.NoError(err)
	_, err = by.Domains.Verify(d.Ctx, gamma.ID, claim.ID, domains.MethodDNS) // to look again changes nothing
	d.NoError(err)
	d.Add(gamma, d.NewUser(tenancy.NewUser{Email: "other@sub.gamma.example", EmailVerified: true}), rbac.Owner)
	d.refuses(tenancy.ErrForbidden, "roles", func() error {
		_, err := by.Domains.VerifySubdomains(d.Ctx, gamma.ID, claim.ID)
		return err
	})
	_, err = d.Svc.As(tenancy.UserPrincipal(boss.ID)).Domains.VerifySubdomains(d.Ctx, gamma.ID, claim.ID)
	d.NoError(err)

	free := d.NewUser(tenancy.NewUser{Email: "free@gmail.com", EmailVerified: true})
	in.OrganizationID = d.Owned("Delta", free).ID // nobody's domain ever
	d.Add(tenancy.Organization{ID: in.OrganizationID}, manager, rbac.Admin)
	d.NoError(create())
}

func ownFactor(d *door) {
	manager := d.User("manager")
	role := d.Role(d.acme.ID, "org-sso", "", "tenancy:connections:read", "tenancy:connections:write")
	d.NoError(d.Svc.Domains.Release(d.Ctx, d.acme.ID, d.domain.ID))
	d.Add(d.acme, manager, role.Slug)
	by := d.Svc.As(tenancy.UserPrincipal(manager.ID))
	create := func() error {
		_, err := by.Connections.Create(d.Ctx, tenancy.NewConnection{
			OrganizationID: d.acme.ID, Protocol: tenancy.ProtocolOIDC, Name: "Theirs", State: tenancy.ConnectionActive,
		})
		return err
	}
	free := d.NewUser(tenancy.NewUser{Email: "owner@gmail.com", EmailVerified: true})
	d.Add(d.acme, free, rbac.Owner)
	d.NoError(d.Svc.Memberships.Remove(d.Ctx, d.acme.ID, d.owner.ID))
	for _, p := range []tenancy.PolicyUpdate{
		{Organization: &tenancy.OrganizationPolicy{SecondFactor: true}, Domain: &tenancy.DomainPolicy{}},
		{Organization: &tenancy.OrganizationPolicy{}, Domain: &tenancy.DomainPolicy{SecondFactor: true}},
		{Organization: &tenancy.OrganizationPolicy{}, Domain: &tenancy.DomainPolicy{
			Methods: []tenancy.SignInMethod{tenancy.MethodSingleSignOn, tenancy.MethodMagicLink},
		}},
	} {
		d.demand(d.acme, p)
		d.refuses(tenancy.ErrForbidden, "policy", create)
	}
	d.demand(d.acme, tenancy.PolicyUpdate{BindsOwners: servicetest.Ptr(true)})
	d.refuses(tenancy.ErrForbidden, "binds_owners", create)
	d.demand(d.acme, tenancy.PolicyUpdate{BindsOwners: servicetest.Ptr(false), Domain: &tenancy.DomainPolicy{}})
	d.NoError(create())
}

func groupsElsewhere(d *door) {
	d.Maps(d.okta, map[string]string{"admins": rbac.Admin})
	d.admitting()
	ann := d.enters(servicetest.Through(d.okta, "s-1", "ann@acme.example", "admins"))
	d.Equal([]string{rbac.Admin}, d.rolesAt(d.acme, ann.User))
	d.Add(d.beta, ann.User)
	gone := d.enters(servicetest.To(d.beta, servicetest.Through(d.okta, "s-1", "ann@acme.example")))
	d.Equal(d.beta.ID, gone.Session.OrganizationID)
	d.Equal([]string{rbac.Member}, d.rolesAt(d.acme, ann.User))
}

func raisedByUnlinking(d *door) {
	d.Declare()
	writer := d.Role(d.acme.ID, "org-writer", "", servicetest.ReadDocs).Slug
	lead := d.Role(d.acme.ID, "org-lead", writer).Slug
	_, err := d.Svc.Organizations.Update(d.Ctx, d.acme.ID, tenancy.OrganizationUpdate{DefaultRole: &writer})
	d.NoError(err)
	d.Maps(d.okta, map[string]string{"contractors": rbac.Guest, "leads": lead})
	d.admitting()
	bob := d.enters(servicetest.Through(d.okta, "s-1", "bob@acme.example", "contractors"))
	unlink := func() {
		d.NoError(d.Svc.As(tenancy.UserPrincipal(bob.User.ID)).Identities.Unlink(d.Ctx, bob.User.ID, d.identities(bob.User)[0].ID))
	}
	unlink()
	d.Equal([]string{rbac.Guest}, d.rolesAt(d.acme, bob.User))
	d.enters(servicetest.Through(d.okta, "s-1", "bob@acme.example", "leads"))
	d.Equal([]string{lead}, d.rolesAt(d.acme, bob.User))
	unlink()
	d.Equal([]string{writer}, d.rolesAt(d.acme, bob.User)) // less, until the provider says more
	d.enters(servicetest.Through(d.okta, "s-1", "bob@acme.example", "contractors"))
	d.Equal([]string{rbac.Guest}, d.rolesAt(d.acme, bob.User))
	d.NoError(d.Svc.Connections.Delete(d.Ctx, d.acme.ID, d.okta.ID))
	d.Equal([]string{rbac.Guest}, d.rolesAt(d.acme, bob.User))
	d.Equal(tenancy.RoleManual, d.Member(d.acme, bob.User).Assignments[0].Source)
}

func fewSessions(c *tenancy.Config) { c.Limits.UserSessions = 3 }

func crowdedOut(d *door) {
	vera := d.visitor(d.acme, "vera@mail.example")
	d.Add(d.beta, vera)
	own := d.Session(vera, d.beta.ID)
	d.Clock.Advance(time.Second)
	d.enters(servicetest.Proving("vera@mail.example", servicetest.Through(d.okta, "vera", "vera@mail.example")))
	var last tenancy.Decision
	for range 5 {
		d.Clock.Advance(time.Second)
		last = d.enters(servicetest.Through(d.okta, "vera", "vera@mail.example"))
		d.True(last.Session.Confined)
	}
	d.lives(own.Token)
	d.lives(last.Token)
	d.Clock.Advance(time.Second)
	one, two := d.Session(vera, d.beta.ID), d.Session(vera, d.beta.ID)
	d.False(d.stands(last)) // one's own come first
	for _, mine := range []tenancy.StartedSession{own, one, two} {
		d.lives(mine.Token)
	}
	d.Session(vera, d.beta.ID)
	d.ended(own.Token, tenancy.ErrSessionEnded, string(tenancy.EndedTooMany)) // the oldest
}

func spokeOnce(d *door) {
	d.admitting()
	ann := d.enters(servicetest.Through(d.okta, "s-1", "ann@acme.example"))
	d.Add(d.beta, ann.User)
	there := d.enters(servicetest.To(d.beta, servicetest.Through(d.okta, "s-1", "ann@acme.example")))
	bound := d.Svc.As(tenancy.SessionPrincipal(ann.Session))
	rename := func() error {
		_, err := bound.Users.Update(d.Ctx, ann.User.ID, tenancy.UserUpdate{DisplayName: servicetest.Ptr("Ann")})
		return err
	}
	linking := servicetest.ByProvider(servicetest.Github, "gh-1", "", nil)
	linking.LinkTo = ann.Token.Reveal()
	d.NoError(rename())
	d.NoError(d.Svc.Domains.Release(d.Ctx, d.acme.ID, d.domain.ID))
	d.ended(there.Token, tenancy.ErrSessionEnded, string(tenancy.EndedConnection))
	d.lives(ann.Token) // at acme
	page, err := d.Svc.Sessions.ListByUser(d.Ctx, ann.User.ID, tenancy.SessionQuery{})
	d.NoError(err)
	d.Len(page.Items, 1)
	d.Equal(ann.Session.ID, page.Items[0].ID)
	d.refuses(tenancy.ErrForbidden, "", rename)
	_, err = d.Svc.SignIn(d.Ctx, linking)
	d.Failed(err, tenancy.ErrSignInRequired, "session")
	_, err = bound.Memberships.ListByUser(d.Ctx, ann.User.ID, tenancy.MemberQuery{})
	d.Failed(err, tenancy.ErrForbidden, "")
	_, err = bound.Memberships.Get(d.Ctx, d.acme.ID, ann.User.ID) // what is theirs at acme
	d.NoError(err)
}

func linkedTwice(d *door) {
	bob := d.enters(servicetest.ByMail("bob@mail.example"))
	linking := servicetest.ByProvider(servicetest.Github, "gh-1", "bob@work.example", true)
	linking.LinkTo = bob.Token.Reveal()
	for _, in := range []tenancy.Attempt{linking, {Evidence: servicetest.ByProvider(servicetest.Github, "gh-1", "", nil).Evidence, LinkTo: linking.LinkTo}} {
		got, err := d.Svc.SignIn(d.Ctx, in)
		d.NoError(err)
		d.Equal(tenancy.DecisionLinked, got.Kind)
		d.Equal("bob@work.example", d.identities(bob.User)[0].Email)
	}
}
