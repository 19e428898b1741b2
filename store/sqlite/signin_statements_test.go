package sqlite_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/tenancy"
)

// TestSignInStatements holds sign-ins to their statements (P5): that of a known user
// with one organization to 10, also through a connection, whose groups count anew (P8); a
// first one to 11, to 18 with a membership, and to 19 by invitation.
func TestSignInStatements(t *testing.T) {
	st, heard := counting(t)
	svc, err := tenancy.New(tenancy.Config{Store: st, MailOnly: true, AllowTestDomains: true})
	require.NoError(t, err)
	ctx := t.Context()
	acme, err := svc.Organizations.Create(ctx, tenancy.NewOrganization{
		DisplayName: "Acme", Settings: tenancy.Settings{SingleSignOnJoins: true},
		Domains: []tenancy.NewDomain{{Name: "acme.example", Verified: true, Joining: tenancy.JoiningAuto}},
	})
	require.NoError(t, err)
	okta, err := svc.Connections.Create(ctx, tenancy.NewConnection{
		OrganizationID: acme.ID, Protocol: tenancy.ProtocolOIDC, Name: "Okta", State: tenancy.ConnectionActive,
		Groups: map[string]string{"eng": "guest"},
	})
	require.NoError(t, err)
	_, err = svc.Policies.Set(ctx, acme.ID, tenancy.PolicyUpdate{Domain: &tenancy.DomainPolicy{SecondFactor: true}})
	require.NoError(t, err)
	sent, err := svc.Invitations.Send(ctx, tenancy.NewInvitation{OrganizationID: acme.ID, Email: "cyd@mail.example"})
	require.NoError(t, err)
	password := tenancy.Attempt{Evidence: tenancy.PasswordEvidence("c-1", "ann@acme.example").WithMailbox("ann@acme.example").WithSecondFactor()}
	sso := tenancy.Attempt{Evidence: tenancy.ConnectionEvidence(okta, tenancy.Assertion{
		Subject: "s-1", Email: "bob@acme.example", Groups: []string{"eng"},
	}).WithSecondFactor()}
	for _, c := range []struct {
		name string
		most int
		in   tenancy.Attempt
	}{
		{"first, on nobody's domain", 11, tenancy.Attempt{Evidence: tenancy.PasswordEvidence("c-0", "eve@mail.example").WithMailbox("eve@mail.example")}},
		{"first, let in by a domain", 18, password},
		{"first, let in by a connection", 17, sso},
		{"first, by invitation", 19, tenancy.Attempt{
			Evidence: tenancy.PasswordEvidence("c-2", "cyd@mail.example"), Invitation: sent.Token.Reveal(),
		}},
		{"known, by an identity", 10, password},
		{"known, by the mailbox", 10, tenancy.Attempt{Evidence: tenancy.MailboxEvidence("ann@acme.example").WithSecondFactor()}},
		{"known, through a connection", 10, sso},
	} {
		var got tenancy.Decision
		ran := heard.during(func() {
			got, err = svc.SignIn(ctx, c.in)
			require.NoError(t, err, c.name)
		})
		require.Equal(t, tenancy.DecisionSignedIn, got.Kind, c.name)
		require.Equal(t, strings.HasPrefix(c.name, "first"), got.Created, c.name)
		t.Logf("figures: statements: sign-in, %s: %d", c.name, len(ran))
		require.LessOrEqual(t, len(ran), c.most, "%s:\n%s", c.name, strings.Join(ran, "\n"))
	}
}

// TestStatementsOfChanges holds what an administrator does with one member to its
// statements: a row that a call needs twice is read once. Deactivate looks which addresses
// of the member are remembered, and adds the one that they have (M6).
func TestStatementsOfChanges(t *testing.T) {
	st, heard := counting(t)
	svc, err := tenancy.New(tenancy.Config{Store: st})
	require.NoError(t, err)
	ctx := t.Context()
	user := func(email string) tenancy.User {
		u, err := svc.Users.Create(ctx, tenancy.NewUser{Email: email, EmailVerified: true})
		require.NoError(t, err)
		return u
	}
	ann, bob := user("ann@acme.example"), user("bob@acme.example")
	acme, err := svc.Organizations.Create(ctx, tenancy.NewOrganization{DisplayName: "Acme", Owner: ann.ID})
	require.NoError(t, err)
	byAnn := svc.As(tenancy.UserPrincipal(ann.ID))
	var sent tenancy.SentInvitation
	for _, c := range []struct {
		name string
		most int
		do   func() error
	}{
		{"invite", 19, func() (err error) { // and reads what is declared, once in a process: three of them
			sent, err = byAnn.Invitations.Send(ctx, tenancy.NewInvitation{OrganizationID: acme.ID, Email: bob.Email})
			return err
		}},
		{"accept", 15, func() error { _, err := svc.Invitations.Accept(ctx, sent.Token.Reveal(), bob.ID); return err }},
		{"deactivate", 18, func() error { _, err := byAnn.Memberships.Deactivate(ctx, acme.ID, bob.ID); return err }},
		{"reactivate", 11, func() error { _, err := byAnn.Memberships.Reactivate(ctx, acme.ID, bob.ID); return err }},
	} {
		ran := heard.during(func() { require.NoError(t, c.do(), c.name) })
		t.Logf("figures: statements: %s: %d", c.name, len(ran))
		require.LessOrEqual(t, len(ran), c.most, "%s:\n%s", c.name, strings.Join(ran, "\n"))
	}
}
