package sqlite_test

import (
	"testing"

	"github.com/freehold-dev/freehold/internal/servicetest"
)

func TestService(t *testing.T) { servicetest.Run(t, onSQLite) }
