package tenancy_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/internal/servicetest"
)

func TestSessionRacesOnMemory(t *testing.T) {
	servicetest.SessionRaces(t, openMemory, servicetest.Soak(500, 32))
}

func TestSessionRacesOnWeak(t *testing.T) {
	servicetest.SessionRaces(t, openWeak, servicetest.Soak(500, 64))
}

// The race must be one: without Lock some sessions outlive what ends them, and others
// end without a cause.
func TestSessionRacesNeedLock(t *testing.T) {
	got := servicetest.RaceSessions(t, openLockless, servicetest.Soak(200, 8))
	t.Logf("figures: race: sessions without Lock: %v", got)
	require.Positive(t, got.Undead())
}

func TestSessionHistoriesOnMemory(t *testing.T) {
	servicetest.SessionHistories(t, openMemory, servicetest.Soak(200, 24), 200)
}

func TestSessionHistoriesOnWeak(t *testing.T) {
	servicetest.SessionHistories(t, openWeak, servicetest.Soak(200, 24), 200)
}

// Without Lock, sessions live on after what ended them (S2, P9).
func TestSessionHistoriesNeedLock(t *testing.T) {
	n := servicetest.Soak(200, 16)
	illegal := servicetest.IllegalSessionHistories(t, openLockless, n, 200)
	t.Logf("figures: histories of sessions without Lock: %d of %d illegal", illegal, n)
	require.Positive(t, illegal)
}

func TestSignInModelOnMemory(t *testing.T) {
	servicetest.SignInModel(t, openMemory, servicetest.Soak(100_000, 6000))
}

func TestSignInModelOnWeak(t *testing.T) {
	servicetest.SignInModel(t, openWeak, servicetest.Soak(100_000, 6000))
}
