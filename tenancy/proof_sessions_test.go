package tenancy_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/internal/servicetest/history"
	"github.com/freehold-dev/freehold/internal/servicetest/model"
	"github.com/freehold-dev/freehold/internal/servicetest/races"
)

func TestSessionRacesOnMemory(t *testing.T) {
	races.Sessions(t, openMemory, servicetest.Soak(500, 32))
}

func TestSessionRacesOnWeak(t *testing.T) {
	races.Sessions(t, openWeak, servicetest.Soak(500, 64))
}

// The race must be one: without Lock some sessions outlive what ends them, and others
// end without a cause.
func TestSessionRacesNeedLock(t *testing.T) {
	got := races.PlaySessions(t, openLockless, servicetest.Soak(200, 8))
	t.Logf("figures: race: sessions without Lock: %v", got)
	require.Positive(t, got.Undead())
}

func TestSessionHistoriesOnMemory(t *testing.T) {
	history.Sessions(t, openMemory, servicetest.Soak(200, 24), 200)
}

func TestSessionHistoriesOnWeak(t *testing.T) {
	history.Sessions(t, openWeak, servicetest.Soak(200, 24), 200)
}

// Without Lock, sessions live on after what ended them (S2, P9).
func TestSessionHistoriesNeedLock(t *testing.T) {
	n := servicetest.Soak(200, 16)
	illegal := history.IllegalSessions(t, openLockless, n, 200)
	t.Logf("figures: histories of sessions without Lock: %d of %d illegal", illegal, n)
	require.Positive(t, illegal)
}

func TestSignInModelOnMemory(t *testing.T) {
	model.SignIn(t, openMemory, servicetest.Soak(100_000, 6000))
}

func TestSignInModelOnWeak(t *testing.T) {
	model.SignIn(t, openWeak, servicetest.Soak(100_000, 6000))
}
