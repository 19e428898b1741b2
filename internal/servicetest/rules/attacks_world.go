package rules

import (
	"slices"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// The files attacks_*.go hold attacks that once worked. Each rule plays one attack to its
// end, and checks that the attacker has gained nothing.

// attackRules lists them by what they attack.
func attackRules() []rule {
	return slices.Concat(proofAttacks(), mailboxAttacks(), connectionAttacks(), ownerAttacks(), identityAttacks(), policyAttacks(),
		sessionAttacks(), viewAttacks(), growthAttacks(), hostAttacks(), eventAttacks(),
		denialAttacks(), nameAttacks(), metadataAttacks(), budgetAttacks(), domainAttacks(), heavyAttacks(),
		removalAttacks(), addressAttacks(), codeAttacks(), takeUpAttacks(), ownAttacks(), joiningAttacks(), stepAttacks(), writerAttacks(), betweenAttacks(), erasureAttacks())
}

// tries is a sign-in of which any decision may come.
func (w *world) tries(in tenancy.Attempt) tenancy.Decision {
	w.T.Helper()
	d, err := w.Svc.SignIn(w.Ctx, in)
	w.NoError(err)
	return d
}

// asUser is the Service bound to a user whose sessions the host keeps.
func (w *world) asUser(user tenancy.User) *tenancy.Service {
	return w.Svc.As(tenancy.UserPrincipal(user.ID))
}

// asSession is the Service bound to a session.
func (w *world) asSession(s tenancy.Session) *tenancy.Service {
	return w.Svc.As(tenancy.SessionPrincipal(s))
}

// isMember reports whether a user has a membership in an organization, in any status.
func (w *world) isMember(org tenancy.Organization, user tenancy.User) bool {
	w.T.Helper()
	_, err := w.Svc.Memberships.Get(w.Ctx, org.ID, user.ID)
	if err != nil {
		w.ErrorIs(err, tenancy.ErrNotFound)
	}
	return err == nil
}

// person makes a user with a proved address outside the domains of all organizations.
func (w *world) person(local string) tenancy.User {
	w.T.Helper()
	return w.NewUser(tenancy.NewUser{Email: local + "@mail.example", EmailVerified: true})
}

// boundByOkta makes acme's domain demand its connection. It gives bob, whom that binds,
// signed in as it demands.
func (d *door) boundByOkta() (bob tenancy.User, session tenancy.Decision) {
	d.T.Helper()
	bob = d.User("bob")
	d.Add(d.acme, bob)
	d.demand(d.acme, tenancy.PolicyUpdate{Domain: &tenancy.DomainPolicy{ConnectionID: d.okta.ID}})
	d.halts(tenancy.DecisionUseSingleSignOn, "", servicetest.ByMail(bob.Email))
	return bob, d.enters(servicetest.Through(d.okta, "s-1", bob.Email))
}

// custom gives a member of acme a role of their own with these grants, instead of what
// they had.
func (d *door) custom(member tenancy.User, slug string, grants ...rbac.Grant) *tenancy.Service {
	d.T.Helper()
	d.Role(d.acme.ID, slug, "", grants...)
	_, err := d.Svc.Memberships.SetRoles(d.Ctx, d.acme.ID, member.ID, slug)
	d.NoError(err)
	return d.asUser(member)
}

// fresh reads a connection again, as a program does before it checks an answer.
func (w *world) fresh(c tenancy.Connection) tenancy.Connection {
	w.T.Helper()
	c, err := w.Svc.Connections.GetByID(w.Ctx, c.ID)
	w.NoError(err)
	return c
}

// turned changes a connection by the host's word.
func (w *world) turned(c tenancy.Connection, in tenancy.ConnectionUpdate) tenancy.Connection {
	w.T.Helper()
	c, err := w.Svc.Connections.Update(w.Ctx, c.OrganizationID, c.ID, in)
	w.NoError(err)
	return c
}

// confinedBy is a session that the host starts, confined to an organization.
func (w *world) confinedBy(user tenancy.User, org tenancy.Organization) tenancy.StartedSession {
	w.T.Helper()
	started, err := w.Svc.Sessions.Start(w.Ctx, tenancy.NewSession{
		UserID: user.ID, OrganizationID: org.ID, Method: tenancy.MethodPassword, Confined: true,
	})
	w.NoError(err)
	return started
}
