package tenancy_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/store/storetest"
	"github.com/freehold-dev/freehold/tenancy"
)

// cut is a store where only locks exclude, on which something comes between two
// statements of a call.
type cut struct {
	weak  *storetest.Weak
	armed atomic.Bool // the call runs, and nothing has come between yet
	left  atomic.Int32
	other func()
	done  chan struct{}
	first bool // it was over before the call went on
}

func newCut() *cut {
	c := &cut{weak: storetest.NewWeak(), done: make(chan struct{})}
	c.weak.Yield = func() {
		if !c.armed.Load() || c.left.Add(-1) >= 0 || !c.armed.CompareAndSwap(true, false) {
			return
		}
		go func() {
			defer close(c.done)
			c.other()
		}()
		select {
		case <-c.done:
			c.first = true
		case <-time.After(20 * time.Millisecond): // it waits for a lock of the call's
		}
	}
	return c
}

// run lets other in before the k-th statement of call; false where that has fewer.
func (c *cut) run(k int32, call, other func()) bool {
	c.left.Store(k)
	c.other = other
	c.armed.Store(true)
	call()
	if c.armed.Swap(false) {
		return false
	}
	<-c.done
	return true
}

// signsIn plays a sign-in once for each of its statements, with something that comes
// before that. Where it was over by then, the sign-in has to be turned away.
func signsIn(t *testing.T, set func(t *testing.T, svc *tenancy.Service) (in tenancy.Attempt, other func() error), refused tenancy.DecisionKind) {
	t.Helper()
	turned := 0
	for k := int32(0); ; k++ {
		c := newCut()
		svc, err := tenancy.New(tenancy.Config{Store: c.weak, Registration: tenancy.RegistrationClosed, MailEvery: -1, AllowTestDomains: true})
		require.NoError(t, err)
		in, other := set(t, svc)
		var got tenancy.Decision
		var failed, wrong error
		if !c.run(k, func() { got, failed = svc.SignIn(t.Context(), in) }, func() { wrong = other() }) {
			break
		}
		require.NoError(t, failed)
		if c.first {
			require.NoError(t, wrong)
			require.Equal(t, refused, got.Kind, "before statement %d", k)
			turned++
		}
	}
	require.Greater(t, turned, 2)
}

// P2, D7: the domain, and the policy that binds, are those of the address that the user
// has under the lock.
func TestSignInAsTheAddressMoves(t *testing.T) {
	signsIn(t, func(t *testing.T, svc *tenancy.Service) (tenancy.Attempt, func() error) {
		t.Helper()
		ctx := t.Context()
		verified := func(name string) []tenancy.NewDomain { return []tenancy.NewDomain{{Name: name, Verified: true}} }
		_, err := svc.Organizations.Create(ctx, tenancy.NewOrganization{DisplayName: "Acme", Domains: verified("acme.example")})
		require.NoError(t, err)
		beta, err := svc.Organizations.Create(ctx, tenancy.NewOrganization{DisplayName: "Beta", Domains: verified("beta.example")})
		require.NoError(t, err)
		c, err := svc.Connections.Create(ctx, tenancy.NewConnection{
			OrganizationID: beta.ID, Protocol: tenancy.ProtocolOIDC, Name: "Entra", State: tenancy.ConnectionActive,
		})
		require.NoError(t, err)
		_, err = svc.Policies.Set(ctx, beta.ID, tenancy.PolicyUpdate{Domain: &tenancy.DomainPolicy{ConnectionID: c.ID}})
		require.NoError(t, err)
		bob, err := svc.Users.Create(ctx, tenancy.NewUser{Email: "bob@acme.example", EmailVerified: true})
		require.NoError(t, err)
		_, err = svc.Identities.Link(ctx, bob.ID, tenancy.NewIdentity{Provider: "password", Subject: "c1"})
		require.NoError(t, err)
		proof, err := svc.Users.ChangeEmail(ctx, bob.ID, "bob@beta.example")
		require.NoError(t, err)
		return tenancy.Attempt{Evidence: tenancy.PasswordEvidence("c1", "")}, func() error {
			as := svc.As(tenancy.UserPrincipal(bob.ID))
			_, err := as.Users.ConfirmEmail(ctx, tenancy.EmailConfirmation{Token: proof.Token.Reveal()})
			return err
		}
	}, tenancy.DecisionUseSingleSignOn)
}

// I4: a token that Resend has replaced lets nobody in, however late that was.
func TestSignInAsTheTokenIsReplaced(t *testing.T) {
	signsIn(t, func(t *testing.T, svc *tenancy.Service) (tenancy.Attempt, func() error) {
		t.Helper()
		ctx := t.Context()
		acme, err := svc.Organizations.Create(ctx, tenancy.NewOrganization{DisplayName: "Acme"})
		require.NoError(t, err)
		sent, err := svc.Invitations.Send(ctx, tenancy.NewInvitation{OrganizationID: acme.ID, Email: "bob@mail.example"})
		require.NoError(t, err)
		in := tenancy.Attempt{Evidence: tenancy.MailboxEvidence("bob@mail.example"), Invitation: sent.Token.Reveal()}
		return in, func() error {
			_, err := svc.Invitations.Resend(ctx, sent.ID)
			return err
		}
	}, tenancy.DecisionInvitationRefused)
}

// P3: the policy of the organization is read under that organization's lock. Otherwise a
// session by mail starts, and lives, although its organization demanded single sign-on and
// then ended all of its sessions.
func TestSignInAsThePolicyIsSet(t *testing.T) {
	for name, named := range map[string]bool{"the organization is named": true, "it is the only one": false} {
		t.Run(name, func(t *testing.T) {
			signsIn(t, func(t *testing.T, svc *tenancy.Service) (tenancy.Attempt, func() error) {
				t.Helper()
				ctx := t.Context()
				bob, err := svc.Users.Create(ctx, tenancy.NewUser{Email: "bob@mail.example", EmailVerified: true})
				require.NoError(t, err)
				acme, err := svc.Organizations.Create(ctx, tenancy.NewOrganization{DisplayName: "Acme"})
				require.NoError(t, err)
				_, err = svc.Memberships.Add(ctx, tenancy.NewMembership{OrganizationID: acme.ID, UserID: bob.ID})
				require.NoError(t, err)
				_, err = svc.Connections.Create(ctx, tenancy.NewConnection{
					OrganizationID: acme.ID, Protocol: tenancy.ProtocolOIDC, Name: "Okta", State: tenancy.ConnectionActive,
				})
				require.NoError(t, err)
				in := tenancy.Attempt{Evidence: tenancy.MailboxEvidence("bob@mail.example")}
				if named {
					in.OrganizationID = acme.ID
				}
				return in, func() error {
					_, err := svc.Policies.Set(ctx, acme.ID, tenancy.PolicyUpdate{Organization: &tenancy.OrganizationPolicy{SingleSignOn: true}})
					if err != nil {
						return err
					}
					return svc.Sessions.RevokeByOrganization(ctx, acme.ID)
				}
			}, tenancy.DecisionUseSingleSignOn)
		})
	}
}
