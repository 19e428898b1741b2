package tenancy

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/store/memory"
)

// G9: who wrote for too long rests while others write, and nobody else does.
func TestTurns(t *testing.T) {
	var all turns
	now := time.Unix(1e9, 0)
	const ms = time.Millisecond
	goes := func(at time.Time, share string) bool {
		wait, _ := all.may(at, share, 0)
		if wait == 0 && share != "" {
			all.ended(at, share, 0)
		}
		return wait == 0
	}
	all.ended(now, "acme", 10*ms)
	require.True(t, goes(now, "beta"))
	require.True(t, goes(now, ""))
	require.False(t, goes(now, "acme"))
	require.False(t, goes(now.Add(39*ms), "acme"))
	wait, _ := all.may(now.Add(39*ms), "acme", restAll)
	require.Zero(t, wait, "nobody waits for ever, whatever the clock says")
	all.ended(now.Add(39*ms), "acme", 0)
	require.True(t, goes(now.Add(40*ms), "acme"), "it is over")

	// What is under way side by side adds up, and one at a time goes.
	for range 3 {
		all.ended(now, "acme", 10*ms)
	}
	require.True(t, goes(now, ""))
	require.False(t, goes(now.Add(119*ms), "acme"))
	later := now.Add(120 * ms)
	wait, _ = all.may(later, "acme", 0)
	require.Zero(t, wait)
	wait, _ = all.may(later, "acme", 0)
	require.Positive(t, wait, "one is under way")
	all.ended(later, "acme", 10*ms)
	require.False(t, goes(later, "acme"))
	require.True(t, goes(later.Add(40*ms), "acme"))
	require.Empty(t, all.shares)

	// A single one counts for a second at most, and all for ten.
	all.ended(now, "beta", time.Hour)
	require.True(t, goes(now, ""))
	require.False(t, goes(now.Add(restMost-1), "beta"))
	require.True(t, goes(now.Add(restMost), "beta"))
	for range 30 {
		all.ended(now, "beta", time.Hour)
	}
	require.Equal(t, now.Add(restAll), all.shares["beta"].until)
	require.True(t, goes(now.Add(2*time.Second), "beta"), "the others have stopped")

	for i := range 3 * restShares {
		all.ended(now, string(rune(i)), ms)
	}
	require.LessOrEqual(t, len(all.shares), restShares)
}

// G9: of a burst of writes few are under way beside those of others, before anybody knows how
// long they take.
func TestTurnsOfABurst(t *testing.T) {
	var all turns
	now := time.Unix(1e9, 0)
	may := func(share string) bool {
		wait, _ := all.may(now, share, 0)
		return wait == 0
	}
	for range 9 {
		require.True(t, may("acme"), "nobody else writes")
	}
	require.True(t, may("beta"))
	require.False(t, may("acme"))
	for range 8 {
		all.ended(now, "acme", 0)
	}
	require.True(t, may("acme"))
	_, ended := all.may(now, "acme", 0)
	require.NotEmpty(t, ended) // of those before
	<-ended
	require.False(t, may("acme"))
	all.ended(now, "acme", 0)
	<-ended
	require.True(t, may("acme"))
	for range 20 {
		require.True(t, may(""), "the host is not held up")
	}
}

// G9: whose people rest together.
func TestShares(t *testing.T) {
	svc, err := New(Config{Store: memory.New()})
	require.NoError(t, err)
	acme, beta, ada := OrganizationID{1}, OrganizationID{2}, UserID{3}
	share := func(p Principal) string { return svc.As(p).share() }
	require.Empty(t, svc.share())
	require.Equal(t, acme.String(), share(ServicePrincipal("billing", acme)))
	require.Equal(t, beta.String(), share(ServicePrincipal("billing", beta)))
	require.Equal(t, acme.String(), share(SessionPrincipal(Session{UserID: ada, OrganizationID: acme})))
	require.Equal(t, "user "+ada.String(), share(UserPrincipal(ada)))
	require.Equal(t, share(UserPrincipal(ada)), share(SessionPrincipal(Session{UserID: ada})))
	require.NotEmpty(t, share(ServiceEverywhere("billing")))
	require.Equal(t, "user "+ada.String(), svc.As(UserPrincipal(ada)).derive(func(s *Service) { s.principal = nil }).share())
}

// G9: who rests can give up, and is not refused otherwise; the host does not rest.
func TestTurnsGivenUp(t *testing.T) {
	svc, err := New(Config{Store: memory.New()})
	require.NoError(t, err)
	ada, err := svc.Users.Create(t.Context(), NewUser{Email: "ada@mail.example"})
	require.NoError(t, err)
	bound := svc.As(UserPrincipal(ada.ID))
	rest := func(longer time.Duration) {
		svc.instance.turns.ended(time.Now(), bound.share(), longer)
		_, err := svc.Users.Update(t.Context(), ada.ID, UserUpdate{}) // another writes
		require.NoError(t, err)
	}
	name := func(ctx context.Context, s string) error {
		_, err := bound.Users.Update(ctx, ada.ID, UserUpdate{DisplayName: &s})
		return err
	}
	rest(time.Hour)
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	require.Equal(t, ErrCanceled, CodeOf(name(ctx, "Ada")))
	got, err := svc.Users.Get(t.Context(), ada.ID)
	require.NoError(t, err)
	require.Empty(t, got.DisplayName)

	svc.instance.turns.shares = nil
	rest(5 * time.Millisecond)
	begun := time.Now()
	require.NoError(t, name(t.Context(), "Ada"))
	require.GreaterOrEqual(t, time.Since(begun), 10*time.Millisecond)

	// A transaction of theirs rests, too, and a call that would wait for itself does not.
	rest(time.Hour)
	ctx, cancel = context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	nothing := func(context.Context, *Service) error { return nil }
	require.Equal(t, ErrCanceled, CodeOf(bound.Transact(ctx, nothing)))
	err = svc.Transact(t.Context(), func(ctx context.Context, _ *Service) error {
		begun = time.Now()
		return name(ctx, "Eve")
	})
	require.Equal(t, ErrInTransaction, CodeOf(err))
	require.Less(t, time.Since(begun), 500*time.Millisecond)

	busy, err := New(Config{Store: svc.instance.store, WriteWait: 20 * time.Millisecond})
	require.NoError(t, err)
	busy.instance.turns.ended(time.Now(), bound.share(), time.Hour)
	_, err = busy.Users.Update(t.Context(), ada.ID, UserUpdate{})
	require.NoError(t, err)
	_, err = busy.As(UserPrincipal(ada.ID)).Users.Update(t.Context(), ada.ID, UserUpdate{DisplayName: new(string)})
	require.Equal(t, ErrBusy, CodeOf(err))
}

// G9: what ends in a panic has ended.
func TestTurnsOfAPanic(t *testing.T) {
	svc, err := New(Config{Store: memory.New()})
	require.NoError(t, err)
	bound := svc.As(UserPrincipal(UserID{1}))
	for range 3 {
		require.Panics(t, func() {
			_ = bound.Transact(t.Context(), func(context.Context, *Service) error { panic("the host's") })
		})
	}
	for _, share := range svc.instance.turns.shares {
		require.Zero(t, share.inside)
	}
}

// G9: to have written for too long once is forgotten, also where somebody always waits.
func TestTurnsForgive(t *testing.T) {
	var all turns
	now := time.Unix(1e9, 0)
	all.may(now, "beta", 0)
	all.may(now, "acme", 0)
	all.ended(now, "acme", time.Millisecond)
	now = now.Add(time.Second)
	all.may(now, "beta", 0)
	all.may(now, "acme", 0)
	wait, _ := all.may(now, "acme", 0)
	require.Positive(t, wait)
	all.ended(now, "acme", 0)
	for range 2 {
		wait, _ = all.may(now, "acme", 0)
		require.Zero(t, wait)
	}
}

// G9: what is long is what takes much longer than the writes of others.
func TestPaces(t *testing.T) {
	var all turns
	const ms = time.Millisecond
	require.Zero(t, all.longer("acme", time.Hour, ms), "nobody else writes")
	require.Zero(t, all.longer("beta", 10*ms, ms), "the only other is slower")
	require.Zero(t, all.longer("gamma", 10*ms, ms))
	require.Equal(t, 30*ms, all.longer("acme", 40*ms, ms))
	require.Zero(t, all.longer("acme", 30*ms, ms), "three times as long is not long")
	require.Zero(t, all.longer("beta", 10*ms, ms), "a disk that takes 10 ms makes nobody rest")
	for range 20 {
		require.Zero(t, all.longer("beta", ms/10, ms))
		require.Zero(t, all.longer("gamma", ms/10, ms))
	}
	require.Zero(t, all.longer("beta", ms, ms), "so long anybody may take")
	require.Positive(t, all.longer("beta", 9*ms, ms))
	for i := range 100 {
		all.longer(string(rune(i)), ms, ms)
	}
	require.Len(t, all.paces, paceShares)
}
