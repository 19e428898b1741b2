package sqlite_test

import (
	"testing"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/internal/servicetest/model"
	"github.com/freehold-dev/freehold/internal/servicetest/projection"
)

func TestProjection(t *testing.T) { projection.Run(t, openStore, servicetest.Soak(10_000, 500)) }

func TestProjectionOfModel(t *testing.T) {
	model.RunObserved(t, openStore, servicetest.Soak(10_000, 500), projection.Observe)
}

func TestProjectionOfSignInModel(t *testing.T) {
	model.SignInObserved(t, openStore, servicetest.Soak(10_000, 300), projection.Observe)
}
