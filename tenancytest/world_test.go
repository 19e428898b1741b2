package tenancytest_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/domains"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/store/memory"
	"github.com/freehold-dev/freehold/store/storetest"
	"github.com/freehold-dev/freehold/tenancy"
	"github.com/freehold-dev/freehold/tenancyhttp"
	"github.com/freehold-dev/freehold/tenancytest"
)

// Two worlds that are filled in the same way are the same, tokens included.
func TestWorldsRepeatThemselves(t *testing.T) {
	fill := func() (any, string) {
		w := tenancytest.New(t)
		acme := w.Organization("Acme", "ada")
		w.MemberIn(tenancytest.Pending, acme.ID, "bob", rbac.Guest)
		w.VerifiedDomain(acme.ID, "acme.example")
		return w.Events(func() { w.Member(acme.ID, "eve") }), w.Mailbox.Token(t, "bob@mail.example")
	}
	first, firstToken := fill()
	second, secondToken := fill()
	require.Equal(t, first, second)
	require.Equal(t, firstToken, secondToken)
}

// What the test sets in the Config holds.
func TestConfigured(t *testing.T) {
	mine := tenancytest.NewMailbox()
	weak := storetest.NewWeak()
	w := tenancytest.New(t, func(c *tenancy.Config) { c.SelfServe = true }, func(c *tenancy.Config) { c.Mailer, c.Store = mine, weak })
	ada := w.User("Ada@acme.example")
	require.Equal(t, "Ada@acme.example", ada.Email)
	require.Equal(t, ada, w.User("ada@acme.example"))
	org, err := w.Service.As(tenancy.UserPrincipal(ada.ID)).Organizations.Create(t.Context(), tenancy.NewOrganization{DisplayName: "Mine", Owner: ada.ID})
	require.NoError(t, err)
	w.MemberIn(tenancytest.Pending, org.ID, "bob")
	require.Len(t, mine.Messages("BOB@mail.example"), 1)
	require.Empty(t, w.Mailbox.Messages(""))
	fails(t, "can be cloned", func(v testing.TB) { w.Clone(v) })
	fails(t, "store", func(v testing.TB) { tenancytest.New(v, func(c *tenancy.Config) { c.Store = nil }) })
}

// A clone has all that there is, and goes its own way.
func TestClone(t *testing.T) {
	w := tenancytest.New(t, func(c *tenancy.Config) { c.SelfServe = true })
	acme := w.Organization("Acme", "ada")
	w.MemberIn(tenancytest.Pending, acme.ID, "bob")
	w.VerifiedDomain(acme.ID, "acme.example")
	w.Clock.Advance(time.Hour)
	c := w.Clone(t)
	require.Equal(t, w.Clock.Now(), c.Clock.Now())
	require.True(t, c.Config.SelfServe)
	require.Equal(t, w.Mailbox.Messages(""), c.Mailbox.Messages(""))
	require.NotSame(t, w.Service, c.Service)
	_, err := c.Service.Invitations.Accept(t.Context(), w.Mailbox.Token(t, "bob@mail.example"), c.User("bob").ID)
	require.NoError(t, err)
	c.RequireEvent(tenancy.EventMembershipCreated, acme.ID, c.User("bob").ID)
	w.RequireNoEvent(tenancy.EventMembershipCreated, acme.ID, c.User("bob").ID)
	require.NotEqual(t, acme.ID, c.Organization("Beta", "").ID, "ids go on")
	c.MemberIn(tenancytest.Pending, acme.ID, "eve")
	w.MemberIn(tenancytest.Pending, acme.ID, "eve")
	require.NotEqual(t, c.Mailbox.Token(t, "eve@mail.example"), w.Mailbox.Token(t, "bob@mail.example"))
}

// A World of an application that makes its Service by itself.
func TestLiteral(t *testing.T) {
	mailbox, clock := tenancytest.NewMailbox(), tenancytest.NewClock(tenancytest.Start)
	svc, err := tenancy.New(tenancy.Config{Store: memory.New(), Mailer: mailbox, Now: clock.Now})
	require.NoError(t, err)
	w := &tenancytest.World{TB: t, Service: svc, Mailbox: mailbox}
	acme := w.Organization("Acme", "ada")
	w.MemberIn(tenancytest.Pending, acme.ID, "bob")
	require.Equal(t, "Acme", mailbox.Message(t, "bob@mail.example", tenancy.MessageInvitation).Organization)
	fails(t, "can be cloned", func(v testing.TB) { w.In(v).Clone(v) })
}

// MemberIn leads where it says.
func TestMemberIn(t *testing.T) {
	statuses := map[tenancytest.State]tenancy.MembershipStatus{
		tenancytest.Active: tenancy.MembershipActive, tenancytest.Pending: tenancy.MembershipPending, tenancytest.Inactive: tenancy.MembershipInactive,
		tenancytest.UserSuspended: tenancy.MembershipActive, tenancytest.OrganizationSuspended: tenancy.MembershipActive,
		tenancytest.OrganizationArchived: tenancy.MembershipActive,
	}
	for _, state := range tenancytest.States() {
		w := tenancytest.New(t)
		acme := w.Organization("Acme", "ada")
		eve := w.MemberIn(state, acme.ID, "eve", rbac.Guest)
		m, err := w.Service.Memberships.Get(t.Context(), acme.ID, eve.ID)
		require.Equal(t, statuses[state], m.Status, state)
		require.Equal(t, statuses[state] == "", tenancy.CodeOf(err) == tenancy.ErrNotFound, state)
		require.Equal(t, state == tenancytest.UserSuspended, !w.User("eve").SuspendedAt.IsZero())
		removed, err := w.Service.Memberships.Removed(t.Context(), acme.ID, tenancy.RemovalQuery{})
		require.NoError(t, err)
		require.Equal(t, state == tenancytest.Removed || state == tenancytest.Left, len(removed.Items) == 1, state)
		require.Equal(t, state == tenancytest.Pending, len(w.Mailbox.Messages(eve.Email)) == 1, state)
	}
	w := tenancytest.New(t)
	acme := w.Organization("Acme", "ada")
	fails(t, `no state "gone"`, func(v testing.TB) { w.In(v).MemberIn("gone", acme.ID, "eve") })
	fails(t, "last_owner", func(v testing.TB) { // Ada is Acme's only one
		in := w.In(v)
		in.MemberIn(tenancytest.Removed, in.Organization("Beta", "").ID, "bob", rbac.Owner)
	})
}

func TestEvents(t *testing.T) {
	w := tenancytest.New(t)
	acme, beta := w.Organization("Acme", "ada"), w.Organization("Beta", "ada")
	var bob tenancy.Member
	events := w.Events(func() { bob = w.Member(acme.ID, "bob") })
	require.Equal(t, []tenancy.EventType{tenancy.EventUserCreated, tenancy.EventMembershipCreated}, []tenancy.EventType{events[0].Type, events[1].Type})
	require.Equal(t, events[1], w.RequireEvent(tenancy.EventMembershipCreated, acme.ID, bob.UserID, bob.ID))
	require.Equal(t, events[1], w.RequireEvent(tenancy.EventMembershipCreated), "the newest")
	w.RequireNoEvent(tenancy.EventMembershipCreated, beta.ID, bob.UserID)
	fails(t, "membership.created of "+bob.ID.String(), func(v testing.TB) { w.In(v).RequireEvent(tenancy.EventMembershipCreated, beta.ID, bob.UserID) })
	fails(t, "1 membership.created", func(v testing.TB) { w.In(v).RequireNoEvent(tenancy.EventMembershipCreated, acme.ID, bob.UserID) })
	require.NoError(t, w.Service.As(tenancy.UserPrincipal(bob.UserID)).Memberships.Leave(t.Context(), acme.ID, bob.UserID))
	require.Equal(t, bob.UserID.String(), w.RequireEvent(tenancy.EventMembershipRemoved, bob.UserID).Actor.ID)
}

func TestMailbox(t *testing.T) {
	w := tenancytest.New(t)
	acme := w.Organization("Acme", "ada")
	fails(t, "no message with a token to bob@mail.example, but 0 others", func(v testing.TB) { w.Mailbox.Token(v, "bob@mail.example") })
	w.MemberIn(tenancytest.Pending, acme.ID, "bob")
	token := w.Mailbox.Token(t, "Bob@mail.example")
	fails(t, "no email_changed message to bob@mail.example, but 1 others", func(v testing.TB) {
		w.Mailbox.Message(v, "bob@mail.example", tenancy.MessageEmailChanged)
	})
	w.Mailbox.Fail(errors.New("down"))
	_, err := w.Service.Invitations.Send(t.Context(), tenancy.NewInvitation{OrganizationID: acme.ID, Email: "eve@mail.example"})
	require.ErrorIs(t, err, tenancy.ErrMailFailed)
	w.Mailbox.Fail(nil)
	require.Empty(t, w.Mailbox.Messages("eve@mail.example"))
	require.Equal(t, token, w.Mailbox.Token(t, "bob@mail.example"))
	w.Mailbox.Clear()
	require.Empty(t, w.Mailbox.Messages(""))
}

func TestProver(t *testing.T) {
	w := tenancytest.New(t, func(c *tenancy.Config) { c.VerifyEvery = -1 })
	acme := w.Organization("Acme", "ada")
	claim, err := w.Service.Domains.Claim(t.Context(), tenancy.NewDomain{OrganizationID: acme.ID, Name: "acme.example"})
	require.NoError(t, err)
	verify := func() error {
		_, err := w.Service.Domains.Verify(t.Context(), acme.ID, claim.ID, domains.MethodDNS)
		return err
	}
	require.ErrorIs(t, verify(), tenancy.ErrDomainNotVerified)
	challenge, err := w.Service.Domains.Challenge(t.Context(), acme.ID, claim.ID)
	require.NoError(t, err)
	other := challenge
	other.Token = "0123456789abcdefghij"
	w.Prover.Publish(other)
	require.ErrorIs(t, verify(), tenancy.ErrDomainNotVerified)
	w.Prover.Publish(challenge)
	w.Prover.Fail(errors.New("down"))
	require.Error(t, verify())
	w.Prover.Fail(nil)
	w.Prover.Remove(challenge)
	require.ErrorIs(t, verify(), tenancy.ErrDomainNotVerified)
	w.Prover.Publish(challenge)
	require.NoError(t, verify())
	require.Equal(t, tenancy.DomainVerified, w.VerifiedDomain(acme.ID, "second.example").State)
}

// A Service may be called by many goroutines of a handler's.
func TestConcurrentUse(t *testing.T) {
	w := tenancytest.New(t)
	acme := w.Organization("Acme", "ada")
	var calls sync.WaitGroup
	failed := make(chan error, 16)
	for i := range 16 {
		calls.Go(func() {
			w.Clock.Advance(time.Second)
			_, err := w.Service.Invitations.Send(context.Background(), tenancy.NewInvitation{OrganizationID: acme.ID, Email: string(rune('a'+i)) + "@mail.example"})
			failed <- err
		})
	}
	calls.Wait()
	close(failed)
	for err := range failed {
		require.NoError(t, err)
	}
	tokens := map[string]bool{}
	for _, m := range w.Mailbox.Messages("") {
		tokens[m.Token.Reveal()] = true
	}
	require.Len(t, tokens, 16)
}

// Somebody who may not be there cannot be signed in there.
func TestSessionRefused(t *testing.T) {
	w := tenancytest.New(t)
	acme, eve := w.Organization("Acme", "ada"), w.User("eve")
	fails(t, "not_found", func(v testing.TB) { w.In(v).Bearer(eve.ID, acme.ID) })
	sessions, err := tenancyhttp.NewSessions(tenancyhttp.SessionsConfig{Service: w.Service, Now: w.Clock.Now, Domain: "app.example"})
	require.NoError(t, err)
	cookie := w.Cookie(sessions, eve.ID, tenancy.OrganizationID{})
	require.Equal(t, "app.example", cookie.Domain)
	found, err := w.Service.Sessions.Authenticate(t.Context(), cookie.Value, tenancy.OrganizationID{})
	require.NoError(t, err)
	require.Equal(t, eve.ID, found.User.ID)
}

// A session through a connection is one of single sign-on, which policies and the end of the connection see.
func TestThrough(t *testing.T) {
	w := tenancytest.New(t)
	acme := w.Organization("Acme", "ada@acme.example")
	w.VerifiedDomain(acme.ID, "acme.example")
	connection := w.Connection(acme.ID)
	bob, guest := w.Member(acme.ID, "bob@acme.example"), w.Member(acme.ID, "guest")
	_, err := w.Service.Policies.Set(t.Context(), acme.ID, tenancy.PolicyUpdate{Organization: &tenancy.OrganizationPolicy{SingleSignOn: true}})
	require.NoError(t, err)
	fails(t, "sign_in_refused", func(v testing.TB) { w.In(v).Session(bob.UserID, acme.ID) })

	started := w.Session(bob.UserID, acme.ID, w.Through(connection))
	require.Equal(t, tenancy.MethodSingleSignOn, started.Session.Method)
	require.Equal(t, connection.ID, started.Session.ConnectionID)
	require.False(t, started.Session.SecondFactor)
	require.False(t, started.Session.Confined)
	require.True(t, w.Session(guest.UserID, acme.ID, w.Through(connection)).Session.Confined, "an address on another domain")
	factor := func(in *tenancy.NewSession) { in.SecondFactor = true }
	require.True(t, w.Session(bob.UserID, acme.ID, w.Through(connection), factor).Session.SecondFactor)

	bearer := strings.TrimPrefix(w.Bearer(bob.UserID, acme.ID, w.Through(connection)), "Bearer ")
	sessions, err := tenancyhttp.NewSessions(tenancyhttp.SessionsConfig{Service: w.Service, Now: w.Clock.Now})
	require.NoError(t, err)
	cookie := w.Cookie(sessions, bob.UserID, acme.ID, w.Through(connection))
	_, err = w.Service.Policies.Set(t.Context(), acme.ID, tenancy.PolicyUpdate{Organization: &tenancy.OrganizationPolicy{}})
	require.NoError(t, err)
	off := tenancy.ConnectionInactive
	_, err = w.Service.Connections.Update(t.Context(), acme.ID, connection.ID, tenancy.ConnectionUpdate{State: &off})
	require.NoError(t, err)
	for _, token := range []string{started.Token.Reveal(), bearer, cookie.Value} {
		_, err = w.Service.Sessions.Authenticate(t.Context(), token, acme.ID)
		require.ErrorIs(t, err, tenancy.ErrSessionEnded)
	}
	fails(t, "not_found", func(v testing.TB) { w.In(v).Session(bob.UserID, acme.ID, w.In(v).Through(connection)) })
	fails(t, "not_found", func(v testing.TB) { w.In(v).Connection(tenancy.OrganizationID{0: 1}) })
}
