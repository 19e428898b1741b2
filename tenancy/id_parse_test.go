package tenancy_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/tenancy"
)

// parsed checks that a kind's function reads its ids, and nobody else's.
func parsed[T tenancy.Entity](t *testing.T, prefix string, parse func(string) (tenancy.ID[T], error)) {
	t.Helper()
	id := tenancy.ID[T](uuid.Must(uuid.NewV7()))
	require.Equal(t, prefix, id.Prefix())
	got, err := parse(id.String())
	require.NoError(t, err)
	require.Equal(t, id, got)
	for _, bad := range []string{"", "x", prefix, prefix + "_", "no" + id.String(), id.String() + "0"} {
		got, err := parse(bad)
		require.Equal(t, tenancy.ErrInvalid, tenancy.CodeOf(err), bad)
		require.Zero(t, got)
	}
}

func TestParseEveryID(t *testing.T) {
	parsed(t, "org", tenancy.ParseOrganizationID)
	parsed(t, "usr", tenancy.ParseUserID)
	parsed(t, "mem", tenancy.ParseMembershipID)
	parsed(t, "idn", tenancy.ParseIdentityID)
	parsed(t, "inv", tenancy.ParseInvitationID)
	parsed(t, "jcd", tenancy.ParseJoinCodeID)
	parsed(t, "jrq", tenancy.ParseJoinRequestID)
	parsed(t, "dom", tenancy.ParseDomainID)
	parsed(t, "con", tenancy.ParseConnectionID)
	parsed(t, "pol", tenancy.ParsePolicyID)
	parsed(t, "ses", tenancy.ParseSessionID)
	parsed(t, "role", tenancy.ParseRoleID)
	parsed(t, "ras", tenancy.ParseRoleAssignmentID)
	parsed(t, "prm", tenancy.ParsePermissionID)
	parsed(t, "rmv", tenancy.ParseRemovalID)
	parsed(t, "evt", tenancy.ParseEventID)
	parsed(t, "den", tenancy.ParseDenialID)
}
