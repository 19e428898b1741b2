package sqlite_test

import (
	"testing"

	"github.com/freehold-dev/freehold/internal/servicetest/rules"
)

func TestService(t *testing.T) { rules.Run(t, onSQLite) }
