package tenancy_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/internal/servicetest/rules"
)

// The page on states has the table of domains that the suite checks, word for word
// (D3, D5, O2).
func TestDomainStatesPage(t *testing.T) {
	page, err := os.ReadFile("../docs/states.md")
	require.NoError(t, err)
	require.Contains(t, string(page), rules.DomainStates(), "put this table into docs/states.md:\n%s", rules.DomainStates())
}
