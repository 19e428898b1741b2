package servicetest

import (
	"encoding/json"

	"github.com/freehold-dev/freehold/tenancy"
)

// Link gives a user an identity.
func (w *World) Link(user tenancy.User, in tenancy.NewIdentity) tenancy.Identity {
	w.T.Helper()
	identity, err := w.Svc.Identities.Link(w.Ctx, user.ID, in)
	w.NoError(err)
	return identity
}

// Starting is a sign-in by password, at an organization or at none.
func Starting(user tenancy.UserID, org tenancy.OrganizationID) tenancy.NewSession {
	return tenancy.NewSession{
		UserID: user, OrganizationID: org, Method: "password",
	}
}

// Session starts a session.
func (w *World) Session(user tenancy.User, org tenancy.OrganizationID) tenancy.StartedSession {
	w.T.Helper()
	started, err := w.Svc.Sessions.Start(w.Ctx, Starting(user.ID, org))
	w.NoError(err)
	return started
}

// NowhereYet is where a session is that is at no organization.
var NowhereYet tenancy.OrganizationID

// Providers that programs let people sign in by.
const (
	Google tenancy.SignInMethod = "google"
	Github tenancy.SignInMethod = "github"
)

// Connect makes an active connection.
func (w *World) Connect(org tenancy.Organization, name string) tenancy.Connection {
	w.T.Helper()
	c, err := w.Svc.Connections.Create(w.Ctx, tenancy.NewConnection{
		OrganizationID: org.ID, Protocol: tenancy.ProtocolOIDC, Name: name, State: tenancy.ConnectionActive,
	})
	w.NoError(err)
	return c
}

// Maps makes a connection map groups to roles.
func (w *World) Maps(c tenancy.Connection, groups map[string]string) {
	w.T.Helper()
	_, err := w.Svc.Connections.Update(w.Ctx, c.OrganizationID, c.ID, tenancy.ConnectionUpdate{Groups: &groups})
	w.NoError(err)
}

// ByMail is an attempt by a link in a mail.
func ByMail(email string) tenancy.Attempt {
	return tenancy.Attempt{Evidence: tenancy.MailboxEvidence(email)}
}

// ByPassword is an attempt by a password.
func ByPassword(credential, email string) tenancy.Attempt {
	return tenancy.Attempt{Evidence: tenancy.PasswordEvidence(credential, email)}
}

// ByProvider is an attempt with the claims of a provider, of which verified is email_verified.
func ByProvider(method tenancy.SignInMethod, subject, email string, verified any) tenancy.Attempt {
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

// Through is an attempt by a connection that asserts exactly these groups.
func Through(c tenancy.Connection, subject, email string, groups ...string) tenancy.Attempt {
	return Asserting(c, tenancy.Assertion{Subject: subject, Email: email, Groups: append([]string{}, groups...)})
}

// Asserting is an attempt by a connection that asserts a.
func Asserting(c tenancy.Connection, a tenancy.Assertion) tenancy.Attempt {
	return tenancy.Attempt{Evidence: tenancy.ConnectionEvidence(c, a)}
}

// Proving is an attempt of somebody who has proved a mailbox, too.
func Proving(email string, in tenancy.Attempt) tenancy.Attempt {
	in.Evidence = in.Evidence.WithMailbox(email)
	return in
}

// To is an attempt that names an organization.
func To(org tenancy.Organization, in tenancy.Attempt) tenancy.Attempt {
	in.OrganizationID = org.ID
	return in
}

// Twice is an attempt with a second factor.
func Twice(in tenancy.Attempt) tenancy.Attempt {
	in.Evidence = in.Evidence.WithSecondFactor()
	return in
}

// Within is an attempt that adds its evidence to the session of a token.
func Within(token tenancy.Token, in tenancy.Attempt) tenancy.Attempt {
	in.Session = token.Reveal()
	return in
}

// Refusal is the error of a call, or one for a decision that is no sign-in.
func Refusal(d tenancy.Decision, err error) error {
	if err == nil && d.Kind != tenancy.DecisionSignedIn {
		err = &tenancy.Error{Code: tenancy.ErrSignInRefused, Op: "enter organization", Reason: string(d.Kind)}
	}
	return err
}
