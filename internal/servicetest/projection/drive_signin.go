package projection

import (
	"fmt"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// signInOperations are those on connections, policies, identities and sessions.
var signInOperations = map[string]operation{
	"connect":           {4, (*driver).connect},
	"update connection": {5, (*driver).updateConnection},
	"disconnect": {1, func(d *driver) error {
		c := pick(d, d.reader.connections)
		return d.svc.Connections.Delete(d.ctx, c.OrganizationID, c.ID)
	}},
	"policy": {5, (*driver).policy},
	"link": {3, func(d *driver) error {
		in := tenancy.NewIdentity{Provider: one(d, "google", "password", pick(d, d.reader.connections).ID.String()), Subject: d.subject()}
		_, err := d.svc.Identities.Link(d.ctx, d.user(), in)
		return err
	}},
	"resolve": {2, func(d *driver) error {
		_, err := d.svc.Identities.Resolve(d.ctx, tenancy.NewIdentity{Provider: "google", Subject: d.subject(), Email: d.address(), EmailVerified: true})
		return err
	}},
	"unlink": {2, func(d *driver) error {
		i := pick(d, d.reader.identities)
		return d.svc.Identities.Unlink(d.ctx, i.UserID, i.ID)
	}},
	"sign in": {16, (*driver).signIn},
	"start": {3, func(d *driver) error {
		started, err := d.svc.Sessions.Start(d.ctx, tenancy.NewSession{UserID: d.user(), OrganizationID: one(d, d.org(), tenancy.OrganizationID{}), Method: tenancy.MethodPassword})
		keep(&d.sessions, started.Token)
		return err
	}},
	"start at own": {4, func(d *driver) error {
		m := d.member()
		started, err := d.svc.Sessions.Start(d.ctx, servicetest.Starting(m.UserID, m.OrganizationID))
		keep(&d.sessions, started.Token)
		return err
	}},
	"switch": {8, func(d *driver) error {
		_, err := d.svc.Sessions.Switch(d.ctx, d.token(d.sessions), one(d, d.org(), d.org(), tenancy.OrganizationID{}))
		return err
	}},
	"enter": {6, func(d *driver) error { _, err := d.svc.Sessions.Enter(d.ctx, d.token(d.sessions), d.org()); return err }},
	"authenticate": {3, func(d *driver) error {
		_, err := d.svc.Sessions.Authenticate(d.ctx, d.token(d.sessions), servicetest.NowhereYet)
		return err
	}},
	"sign out":       {1, func(d *driver) error { return d.svc.Sessions.SignOut(d.ctx, d.token(d.sessions)) }},
	"revoke session": {2, func(d *driver) error { return d.svc.Sessions.Revoke(d.ctx, pick(d, d.reader.sessions).ID) }},
	"revoke all":     {1, func(d *driver) error { return d.svc.Sessions.RevokeAll(d.ctx, d.user()) }},
	"revoke there":   {1, func(d *driver) error { return d.svc.Sessions.RevokeByOrganization(d.ctx, d.org()) }},
	"sweep sessions": {2, func(d *driver) error { _, err := d.svc.Sessions.Sweep(d.ctx); return err }},
}

func (d *driver) subject() string { return one(d, "1", "2", "3", "4") }

func (d *driver) groups() map[string]string {
	groups := map[string]string{}
	for _, group := range some(d, 3, "g1", "g2", "g3") {
		groups[group] = one(d, rbac.Guest, rbac.Admin, servicetest.Auditor, servicetest.Clerk, "org-a", "org-b")
	}
	return groups
}

func (d *driver) connect() error {
	id := d.org()
	_, err := d.svc.Connections.Create(d.ctx, tenancy.NewConnection{
		OrganizationID: id, Protocol: tenancy.ProtocolOIDC, Name: d.name(), State: one(d, tenancy.ConnectionActive, tenancy.ConnectionActive, tenancy.ConnectionInactive),
		Groups: d.groups(), UpdatesEmail: d.rarely(2),
	})
	return err
}

func (d *driver) updateConnection() error {
	c := pick(d, d.reader.connections)
	var in tenancy.ConnectionUpdate
	switch d.r.IntN(5) {
	case 0:
		in.State = servicetest.Ptr(one(d, tenancy.ConnectionActive, tenancy.ConnectionActive, tenancy.ConnectionInactive))
	case 1:
		in.Issuer = servicetest.Ptr(fmt.Sprintf("https://idp%d.example", d.r.IntN(3)))
	case 2:
		in.UpdatesEmail = maybe(d, d.rarely(2))
		in.Settings = tenancy.Patch{"certificate": one(d, nil, servicetest.Ptr("x"))}
	default:
		in.Groups, in.Name = servicetest.Ptr(d.groups()), maybe(d, d.name())
	}
	_, err := d.svc.Connections.Update(d.ctx, c.OrganizationID, c.ID, in)
	return err
}

func (d *driver) policy() error {
	id := d.org()
	var in tenancy.PolicyUpdate
	switch d.r.IntN(5) {
	case 0:
		in.Domain = &tenancy.DomainPolicy{SecondFactor: d.rarely(3), Methods: some(d, 2, servicetest.Google, tenancy.MethodSingleSignOn, tenancy.MethodMagicLink)}
	case 1:
		in.Organization = &tenancy.OrganizationPolicy{SingleSignOn: d.rarely(2), SecondFactor: d.rarely(3)}
	case 2:
		in.Domain, in.Organization = &tenancy.DomainPolicy{}, &tenancy.OrganizationPolicy{}
	default:
		var exempt []tenancy.UserID
		for _, mid := range inOrder(d.reader.memberships) {
			if m := d.reader.memberships[mid]; m.OrganizationID == id && m.Status == tenancy.MembershipActive && d.rarely(2) {
				exempt = append(exempt, m.UserID)
			}
		}
		in.Exempt, in.BindsOwners = &exempt, maybe(d, d.rarely(2))
	}
	_, err := d.svc.Policies.Set(d.ctx, id, in)
	return err
}

func (d *driver) signIn() error {
	var in tenancy.Attempt
	email, c := d.address(), pick(d, d.reader.connections)
	if id := d.user(); !d.rarely(3) && d.reader.users[id].Email != "" {
		email = d.reader.users[id].Email
	}
	kind := d.r.IntN(6)
	if c.ID.IsZero() {
		kind = d.r.IntN(3)
	}
	switch kind {
	case 0:
		in = servicetest.ByMail(email)
	case 1:
		in = servicetest.ByPassword(d.subject(), email)
	case 2:
		in = servicetest.ByProvider(servicetest.Google, d.subject(), email, !d.rarely(3))
	case 3:
		in = servicetest.Through(c, d.subject(), email)
	default:
		in = servicetest.Through(c, d.subject(), email, some(d, 3, "g1", "g2", "g3")...)
	}
	if d.rarely(3) {
		in = servicetest.Proving(email, in)
	}
	if d.rarely(3) {
		in = servicetest.Twice(in)
	}
	if d.rarely(3) {
		in.OrganizationID = d.org()
	}
	if d.rarely(6) {
		in.Invitation = d.token(d.invitations)
	}
	if d.rarely(10) {
		in.LinkTo = d.token(d.sessions)
	}
	if d.rarely(3) {
		in.Session = d.token(d.sessions)
	}
	decision, err := d.svc.SignIn(d.ctx, in)
	keep(&d.sessions, decision.Token)
	return err
}
