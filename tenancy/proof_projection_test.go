package tenancy_test

import (
	"testing"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/internal/servicetest/model"
	"github.com/freehold-dev/freehold/internal/servicetest/projection"
)

// Replaying the log gives every list, after each of so many random operations of each kind.

func TestProjectionOnMemory(t *testing.T) {
	projection.Run(t, openMemory, servicetest.Soak(10_000, 2000))
}

func TestProjectionOnWeak(t *testing.T) { projection.Run(t, openWeak, servicetest.Soak(10_000, 2000)) }

func TestProjectionOfModelOnMemory(t *testing.T) {
	model.RunObserved(t, openMemory, servicetest.Soak(10_000, 2000), projection.Observe)
}

func TestProjectionOfModelOnWeak(t *testing.T) {
	model.RunObserved(t, openWeak, servicetest.Soak(10_000, 2000), projection.Observe)
}

func TestProjectionOfSignInModelOnMemory(t *testing.T) {
	model.SignInObserved(t, openMemory, servicetest.Soak(10_000, 800), projection.Observe)
}

func TestProjectionOfSignInModelOnWeak(t *testing.T) {
	model.SignInObserved(t, openWeak, servicetest.Soak(10_000, 800), projection.Observe)
}
