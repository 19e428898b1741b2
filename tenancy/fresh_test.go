package tenancy_test

import (
	"testing"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/internal/servicetest/fresh"
)

func TestFresh(t *testing.T) { fresh.Run(t, onMemory, fresh.NestedHost) }

// TestFreshOnWeak: also where transactions see each other's commits, and nobody says
// that there is one writer.
func TestFreshOnWeak(t *testing.T) { fresh.Run(t, onWeak, fresh.NestedHost) }

func TestFreshUnderLoad(t *testing.T) {
	fresh.UnderLoad(t, openMemory, fresh.NestedHost, servicetest.Soak(100_000, 1_000))
}

func TestFollow(t *testing.T) { fresh.Follow(t, openMemory) }

func TestFollowFromEmpty(t *testing.T) { fresh.FollowFromEmpty(t, openMemory) }

func TestCheckInOnJoin(t *testing.T) { fresh.CheckInOnJoin(t, openMemory) }

func TestBigHost(t *testing.T) {
	fresh.BigHost(t, openMemory, fresh.NestedHost)
	fresh.BigHost(t, openWeak, fresh.NestedHost)
}
