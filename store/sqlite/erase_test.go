package sqlite_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/store/sqlite"
	"github.com/freehold-dev/freehold/tenancy"
)

// What was erased is not to be read from the file either (U7).
func TestErasedIsGoneFromTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.db")
	st, err := sqlite.Open(t.Context(), path)
	require.NoError(t, err)
	svc, err := tenancy.New(tenancy.Config{Store: st})
	require.NoError(t, err)
	org, err := svc.Organizations.Create(t.Context(), tenancy.NewOrganization{DisplayName: "Acme"})
	require.NoError(t, err)
	other, err := svc.Organizations.Create(t.Context(), tenancy.NewOrganization{DisplayName: "Beta"})
	require.NoError(t, err)
	user, err := svc.Users.Create(t.Context(), tenancy.NewUser{Email: "xeraserx@acme.example", DisplayName: "Xeraserx"})
	require.NoError(t, err)
	_, err = svc.Memberships.Add(t.Context(), tenancy.NewMembership{OrganizationID: org.ID, UserID: user.ID, DisplayName: "Xeraserx II"})
	require.NoError(t, err)
	_, err = svc.Invitations.Send(t.Context(), tenancy.NewInvitation{OrganizationID: other.ID, Email: "Xeraserx@acme.example"})
	require.NoError(t, err)
	require.NotZero(t, listed(t, st))
	require.NoError(t, svc.Users.Erase(t.Context(), user.ID))
	require.Zero(t, listed(t, st), "a hash of the address is left")
	require.NoError(t, st.Close()) // which puts the log into the file

	file, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NotContains(t, string(bytes.ToLower(file)), "xeraserx")
}

// listed counts the people whom events list. Those who have no account are listed by a hash
// of their address.
func listed(t *testing.T, st *sqlite.Store) (n int) {
	t.Helper()
	require.NoError(t, st.DB().QueryRowContext(t.Context(), `SELECT count(*) FROM tenancy_event_people`).Scan(&n))
	return n
}
