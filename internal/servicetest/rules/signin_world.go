package rules

import (
	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// door is a world to sign in to: acme holds acme.example and has a connection, beta
// holds beta.example and has one too.
type door struct {
	*world
	owner       tenancy.User // of acme
	acme, beta  tenancy.Organization
	domain      tenancy.Domain // acme's
	okta, entra tenancy.Connection
}

// atDoor makes a check of one that signs people in.
func atDoor(fn func(d *door)) check {
	return atDoorWith(func(*tenancy.Config) {}, fn)
}

func atDoorWith(configure func(*tenancy.Config), fn func(d *door)) check {
	return with(func(c *tenancy.Config) {
		c.SignInMethods = []tenancy.SignInMethod{tenancy.MethodPassword, tenancy.MethodMagicLink, servicetest.Google, servicetest.Github}
		configure(c)
	}, func(w *world) { fn(newDoor(w)) })
}

func newDoor(w *world) *door {
	w.T.Helper()
	d := &door{world: w, owner: w.User("owner")}
	d.acme, d.beta = w.Owned("Acme", d.owner), w.Org("Beta")
	d.domain = w.vouched(d.acme.ID, "acme.example")
	w.vouched(d.beta.ID, "beta.example")
	d.okta, d.entra = w.Connect(d.acme, "Okta"), w.Connect(d.beta, "Entra")
	return d
}

// demand sets what an organization demands of sign-ins.
func (w *world) demand(org tenancy.Organization, in tenancy.PolicyUpdate) tenancy.Policy {
	w.T.Helper()
	p, err := w.Svc.Policies.Set(w.Ctx, org.ID, in)
	w.NoError(err)
	return p
}

// joining says what acme's domain does for who is on it.
func (d *door) joining(j tenancy.DomainJoining, role string) {
	d.T.Helper()
	_, err := d.Svc.Domains.Update(d.Ctx, d.acme.ID, d.domain.ID, tenancy.DomainUpdate{Joining: &j, Role: &role})
	d.NoError(err)
}

// admitting makes acme let in who comes through its connection.
func (d *door) admitting() {
	d.T.Helper()
	_, err := d.Svc.Organizations.Update(d.Ctx, d.acme.ID, tenancy.OrganizationUpdate{SingleSignOnJoins: servicetest.Ptr(true)})
	d.NoError(err)
}

// doubting is through where the provider says that the address is not verified.
func doubting(c tenancy.Connection, subject, email string) tenancy.Attempt {
	return servicetest.Asserting(c, tenancy.Assertion{Subject: subject, Email: email, EmailVerified: servicetest.Ptr(false), Groups: []string{}})
}

// bringing is an attempt with the token of an invitation.
func bringing(token string, in tenancy.Attempt) tenancy.Attempt {
	in.Invitation = token
	return in
}

// enters checks that an attempt is let through, with a session that stands.
func (w *world) enters(in tenancy.Attempt) tenancy.Decision {
	w.T.Helper()
	d, err := w.Svc.SignIn(w.Ctx, in)
	w.NoError(err)
	w.Equal(tenancy.DecisionSignedIn, d.Kind, "code %q", d.Code)
	w.False(d.Token.IsZero())
	w.Equal(d.User.ID, d.Session.UserID)
	w.Equal(d.OrganizationID, d.Session.OrganizationID)
	w.True(w.stands(d))
	return d
}

// stands reports whether the session of a sign-in is good.
func (w *world) stands(d tenancy.Decision) bool {
	_, err := w.Svc.Sessions.Authenticate(w.Ctx, d.Token.Reveal(), servicetest.NowhereYet)
	return err == nil
}

// halts checks that an attempt is not let through, and leaves nothing behind (P5).
func (w *world) halts(kind tenancy.DecisionKind, code tenancy.Code, in tenancy.Attempt) tenancy.Decision {
	w.T.Helper()
	var d tenancy.Decision
	w.unchanged(func() {
		var err error
		d, err = w.Svc.SignIn(w.Ctx, in)
		w.NoError(err)
	})
	w.Equal(kind, d.Kind, "code %q", d.Code)
	w.Equal(code, d.Code)
	w.True(d.Token.IsZero())
	w.Zero(d.Session)
	w.Zero(d.User)
	w.Nil(d.Member)
	w.False(d.Created || d.Linked || d.TookOver)
	return d
}

// goesOn checks that an attempt is let through although its invitation is of no use (I6).
func (w *world) goesOn(code tenancy.Code, in tenancy.Attempt) tenancy.Decision {
	w.T.Helper()
	d := w.enters(in)
	w.Equal(code, d.InvitationCode)
	return d
}

// invite sends an invitation and gives its token.
func (w *world) invites(org tenancy.Organization, email string, roles ...string) string {
	w.T.Helper()
	sent, err := w.Svc.Invitations.Send(w.Ctx, tenancy.NewInvitation{OrganizationID: org.ID, Email: email, Roles: roles})
	w.NoError(err)
	return sent.Token.Reveal()
}

// rolesAt are the roles of a user in an organization.
func (w *world) rolesAt(org tenancy.Organization, user tenancy.User) []string {
	w.T.Helper()
	return w.Member(org, user).Roles
}

func (w *world) suspend(org tenancy.Organization) {
	w.T.Helper()
	_, err := w.Svc.Organizations.Suspend(w.Ctx, org.ID)
	w.NoError(err)
}

// guest adds a member whose address is on nobody's domain.
func (w *world) visitor(org tenancy.Organization, email string) tenancy.User {
	w.T.Helper()
	user := w.NewUser(tenancy.NewUser{Email: email, EmailVerified: true})
	w.Add(org, user, rbac.Guest)
	return user
}
