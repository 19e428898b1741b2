package tenancy_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/tenancy"
)

// The page on access has the one table of methods, word for word (A1).
func TestMethodsPage(t *testing.T) {
	var b strings.Builder
	b.WriteString("| method | what an actor needs |\n|---|---|\n")
	for _, m := range tenancy.Methods() {
		fmt.Fprintf(&b, "| `%s` | %s |\n", m.Name, needs(m))
	}
	page, err := os.ReadFile("../docs/access.md")
	require.NoError(t, err)
	require.Contains(t, string(page), b.String(), "put this table into docs/access.md:\n%s", b.String())
}

func needs(m tenancy.Method) string {
	var ways []string
	if m.Anyone {
		ways = append(ways, "nothing")
	}
	if m.Permission != "" {
		ways = append(ways, "`"+string(m.Permission)+"`")
	}
	if m.Oneself {
		ways = append(ways, "be the person concerned")
	}
	if m.HostOnly() {
		return "only the host"
	}
	return strings.Join(ways, ", or ")
}

// The page on sessions tells every claim that Claims makes (S3).
func TestClaimsPage(t *testing.T) {
	page, err := os.ReadFile("../docs/sessions.md")
	require.NoError(t, err)
	for _, claim := range []string{
		tenancy.ClaimSubject, tenancy.ClaimSession, tenancy.ClaimExternalID, tenancy.ClaimMetadata, tenancy.ClaimOrganization,
		tenancy.ClaimOrganizationExternal, tenancy.ClaimOrganizationMetadata, tenancy.ClaimMemberMetadata, tenancy.ClaimRole,
		tenancy.ClaimRoles, tenancy.ClaimPermissions, tenancy.ClaimMethods, tenancy.ClaimConfined,
	} {
		require.Contains(t, string(page), "\n| `"+claim+"` | ")
	}
}
