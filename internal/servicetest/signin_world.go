package servicetest

import (
	"encoding/json"

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

const (
	byGoogle tenancy.SignInMethod = "google"
	byGithub tenancy.SignInMethod = "github"
)

// atDoor makes a check of one that signs people in.
func atDoor(fn func(d *door)) check {
	return atDoorWith(func(*tenancy.Config) {}, fn)
}

func atDoorWith(configure func(*tenancy.Config), fn func(d *door)) check {
	return with(func(c *tenancy.Config) {
		c.SignInMethods = []tenancy.SignInMethod{tenancy.MethodPassword, tenancy.MethodMagicLink, byGoogle, byGithub}
		configure(c)
	}, func(w *world) { fn(newDoor(w)) })
}

func newDoor(w *world) *door {
	w.t.Helper()
	d := &door{world: w, owner: w.user("owner")}
	d.acme, d.beta = w.owned("Acme", d.owner), w.org("Beta")
	d.domain = w.vouched(d.acme.ID, "acme.example")
	w.vouched(d.beta.ID, "beta.example")
	d.okta, d.entra = w.connect(d.acme, "Okta"), w.connect(d.beta, "Entra")
	return d
}

// connect makes an active connection.
func (w *world) connect(org tenancy.Organization, name string) tenancy.Connection {
	w.t.Helper()
	c, err := w.svc.Connections.Create(w.ctx, tenancy.NewConnection{
		OrganizationID: org.ID, Protocol: tenancy.ProtocolOIDC, Name: name, State: tenancy.ConnectionActive,
	})
	w.NoError(err)
	return c
}

// maps makes a connection map groups to roles.
func (w *world) maps(c tenancy.Connection, groups map[string]string) {
	w.t.Helper()
	_, err := w.svc.Connections.Update(w.ctx, c.OrganizationID, c.ID, tenancy.ConnectionUpdate{Groups: &groups})
	w.NoError(err)
}

// demand sets what an organization demands of sign-ins.
func (w *world) demand(org tenancy.Organization, in tenancy.PolicyUpdate) tenancy.Policy {
	w.t.Helper()
	p, err := w.svc.Policies.Set(w.ctx, org.ID, in)
	w.NoError(err)
	return p
}

// joining says what acme's domain does for who is on it.
func (d *door) joining(j tenancy.DomainJoining, role string) {
	d.t.Helper()
	_, err := d.svc.Domains.Update(d.ctx, d.acme.ID, d.domain.ID, tenancy.DomainUpdate{Joining: &j, Role: &role})
	d.NoError(err)
}

// admitting makes acme let in who comes through its connection.
func (d *door) admitting() {
	d.t.Helper()
	_, err := d.svc.Organizations.Update(d.ctx, d.acme.ID, tenancy.OrganizationUpdate{SingleSignOnJoins: ptr(true)})
	d.NoError(err)
}

// The attempts: by a link in a mail, by a password, by a provider, by a connection.
func byMail(email string) tenancy.Attempt {
	return tenancy.Attempt{Evidence: tenancy.MailboxEvidence(email)}
}

func byPassword(credential, email string) tenancy.Attempt {
	return tenancy.Attempt{Evidence: tenancy.PasswordEvidence(credential, email)}
}

// by is an attempt with the claims of a provider, of which verified is email_verified.
func by(method tenancy.SignInMethod, subject, email string, verified any) tenancy.Attempt {
	claims := map[string]any{"sub": subject}
	if email != "" {
		claims["email"] = email
	}
	if verified != nil {
		claims["email_verified"] = verified
	}
	raw, err := json.Marshal(claims)
	if err != nil {
		panic(err) // the claims are those of a check
	}
	return tenancy.Attempt{Evidence: tenancy.ClaimsEvidence(string(method), raw)}
}

// through is an attempt by a connection that asserts exactly these groups.
func through(c tenancy.Connection, subject, email string, groups ...string) tenancy.Attempt {
	return asserting(c, tenancy.Assertion{Subject: subject, Email: email, Groups: append([]string{}, groups...)})
}

// doubting is through where the provider says that the address is not verified.
func doubting(c tenancy.Connection, subject, email string) tenancy.Attempt {
	return asserting(c, tenancy.Assertion{Subject: subject, Email: email, EmailVerified: ptr(false), Groups: []string{}})
}

func asserting(c tenancy.Connection, a tenancy.Assertion) tenancy.Attempt {
	return tenancy.Attempt{Evidence: tenancy.ConnectionEvidence(c, a)}
}

// proving is an attempt of somebody who has proved a mailbox, too.
func proving(email string, in tenancy.Attempt) tenancy.Attempt {
	in.Evidence = in.Evidence.WithMailbox(email)
	return in
}

// to is an attempt that names an organization.
func to(org tenancy.Organization, in tenancy.Attempt) tenancy.Attempt {
	in.OrganizationID = org.ID
	return in
}

// bringing is an attempt with the token of an invitation.
func bringing(token string, in tenancy.Attempt) tenancy.Attempt {
	in.Invitation = token
	return in
}

// twice is an attempt with a second factor.
func twice(in tenancy.Attempt) tenancy.Attempt {
	in.Evidence = in.Evidence.WithSecondFactor()
	return in
}

// enters checks that an attempt is let through, with a session that stands.
func (w *world) enters(in tenancy.Attempt) tenancy.Decision {
	w.t.Helper()
	d, err := w.svc.SignIn(w.ctx, in)
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
	_, err := w.svc.Sessions.Authenticate(w.ctx, d.Token.Reveal())
	return err == nil
}

// halts checks that an attempt is not let through, and leaves nothing behind (P5).
func (w *world) halts(kind tenancy.DecisionKind, code tenancy.Code, in tenancy.Attempt) tenancy.Decision {
	w.t.Helper()
	var d tenancy.Decision
	w.unchanged(func() {
		var err error
		d, err = w.svc.SignIn(w.ctx, in)
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
	w.t.Helper()
	d := w.enters(in)
	w.Equal(code, d.InvitationCode)
	return d
}

// invite sends an invitation and gives its token.
func (w *world) invites(org tenancy.Organization, email string, roles ...string) string {
	w.t.Helper()
	sent, err := w.svc.Invitations.Send(w.ctx, tenancy.NewInvitation{OrganizationID: org.ID, Email: email, Roles: roles})
	w.NoError(err)
	return sent.Token.Reveal()
}

// rolesAt are the roles of a user in an organization.
func (w *world) rolesAt(org tenancy.Organization, user tenancy.User) []string {
	w.t.Helper()
	return w.member(org, user).Roles
}

func (w *world) suspend(org tenancy.Organization) {
	w.t.Helper()
	_, err := w.svc.Organizations.Suspend(w.ctx, org.ID)
	w.NoError(err)
}

// guest adds a member whose address is on nobody's domain.
func (w *world) visitor(org tenancy.Organization, email string) tenancy.User {
	w.t.Helper()
	user := w.newUser(tenancy.NewUser{Email: email, EmailVerified: true})
	w.add(org, user, rbac.Guest)
	return user
}
