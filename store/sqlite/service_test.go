package sqlite_test

import (
	"testing"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/tenancy"
)

func TestService(t *testing.T) {
	servicetest.Run(t, func(t *testing.T) tenancy.Store { return open(t) })
}
