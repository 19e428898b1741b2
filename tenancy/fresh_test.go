package tenancy_test

import (
	"testing"

	"github.com/freehold-dev/freehold/internal/servicetest"
)

func TestFresh(t *testing.T) { servicetest.Fresh(t, onMemory, servicetest.NestedHost) }

// TestFreshOnWeak: also where transactions see each other's commits, and nobody says
// that there is one writer.
func TestFreshOnWeak(t *testing.T) { servicetest.Fresh(t, onWeak, servicetest.NestedHost) }

func TestFreshUnderLoad(t *testing.T) {
	servicetest.FreshUnderLoad(t, openMemory, servicetest.NestedHost, servicetest.Soak(100_000, 1_000))
}

func TestFollow(t *testing.T) { servicetest.Follow(t, openMemory) }

func TestFollowFromEmpty(t *testing.T) { servicetest.FollowFromEmpty(t, openMemory) }

func TestCheckInOnJoin(t *testing.T) { servicetest.CheckInOnJoin(t, openMemory) }

func TestBigHost(t *testing.T) {
	servicetest.BigHost(t, openMemory, servicetest.NestedHost)
	servicetest.BigHost(t, openWeak, servicetest.NestedHost)
}
