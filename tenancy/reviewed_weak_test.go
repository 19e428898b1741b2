package tenancy_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/store/storetest"
	"github.com/freehold-dev/freehold/tenancy"
)

// U4: of many first sign-ins of one subject, each with another address, one makes the
// user, and the others are that user's.
func TestFirstSignInsOfOneSubject(t *testing.T) {
	svc, err := tenancy.New(tenancy.Config{Store: storetest.NewWeak(), SignInMethods: []tenancy.SignInMethod{"google"}})
	require.NoError(t, err)
	var wg sync.WaitGroup
	users := make([]tenancy.UserID, 16)
	failed := make([]error, len(users))
	for i := range users {
		wg.Go(func() {
			claims := fmt.Appendf(nil, `{"sub":"one","email":"a%d@mail.example","email_verified":true}`, i)
			d, err := svc.SignIn(t.Context(), tenancy.Attempt{Evidence: tenancy.ClaimsEvidence("google", claims)})
			users[i], failed[i] = d.User.ID, err
		})
	}
	wg.Wait()
	for i := range users {
		require.NoError(t, failed[i])
		require.Equal(t, users[0], users[i])
	}
}

// P9: Switch holds the lock of the organization whose connection the session came through.
// Otherwise all sessions there end while one moves on, and that one lives.
func TestSwitchAsAllSessionsEnd(t *testing.T) {
	for k := int32(0); ; k++ {
		c := newCut()
		var now atomic.Int64
		svc, err := tenancy.New(tenancy.Config{Store: c.weak, AllowTestDomains: true, Now: func() time.Time { return time.Unix(1_900_000_000+now.Load(), 0) }})
		require.NoError(t, err)
		ctx := t.Context()
		ann, err := svc.Users.Create(ctx, tenancy.NewUser{Email: "ann@acme.example", EmailVerified: true})
		require.NoError(t, err)
		acme, err := svc.Organizations.Create(ctx, tenancy.NewOrganization{
			DisplayName: "Acme", Owner: ann.ID, Domains: []tenancy.NewDomain{{Name: "acme.example", Verified: true}},
		})
		require.NoError(t, err)
		beta, err := svc.Organizations.Create(ctx, tenancy.NewOrganization{DisplayName: "Beta", Owner: ann.ID})
		require.NoError(t, err)
		okta, err := svc.Connections.Create(ctx, tenancy.NewConnection{
			OrganizationID: acme.ID, Protocol: tenancy.ProtocolOIDC, Name: "Okta", State: tenancy.ConnectionActive,
		})
		require.NoError(t, err)
		in, err := svc.SignIn(ctx, tenancy.Attempt{
			Evidence:       tenancy.ConnectionEvidence(okta, tenancy.Assertion{Subject: "ann", Email: "ann@acme.example"}),
			OrganizationID: beta.ID,
		})
		require.NoError(t, err)
		require.Equal(t, tenancy.DecisionSignedIn, in.Kind)
		now.Store(2)
		var moved error
		cut := c.run(k, func() { _, moved = svc.Sessions.Switch(ctx, in.Token.Reveal(), beta.ID) }, func() {
			now.Store(1) // as if it had begun before, and waited
			_ = svc.Sessions.RevokeByOrganization(ctx, acme.ID)
			now.Store(2)
		})
		if !cut {
			require.Positive(t, k)
			return
		}
		if c.first && moved == nil {
			_, err = svc.Sessions.Authenticate(ctx, in.Token.Reveal(), tenancy.OrganizationID{})
			require.ErrorIs(t, err, tenancy.ErrSessionEnded, "before statement %d", k)
		}
	}
}
