package sqlite_test

import (
	"testing"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/store"
)

func TestService(t *testing.T) {
	servicetest.Run(t, func(t *testing.T) store.Store { return open(t) })
}
