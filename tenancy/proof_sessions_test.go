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
	servicetest.SessionRaces(t, openWeak, servicetest.Soak(500, 32))
}

// The race must be one: without Lock some sessions outlive what ends them, and others
// end without a cause.
func TestSessionRacesNeedLock(t *testing.T) {
	got := servicetest.RaceSessions(t, openLockless, servicetest.Soak(200, 8))
	t.Logf("figures: race: sessions without Lock: %v", got)
	require.Positive(t, got.Undead())
}
