package sqlitetest_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/store/sqlite/sqlitetest"
	"github.com/freehold-dev/freehold/tenancy"
	"github.com/freehold-dev/freehold/tenancytest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A world of package tenancytest on SQLite is one line away, and each is on a file of its own.
func TestWorldOnSQLite(t *testing.T) {
	onSQLite := func(c *tenancy.Config) { c.Store = sqlitetest.New(t) }
	w, other := tenancytest.New(t, onSQLite), tenancytest.New(t, onSQLite)
	for _, state := range tenancytest.States() {
		acme := w.Organization("Acme", "ada")
		eve := w.MemberIn(state, acme.ID, "eve-"+string(state), rbac.Admin)
		may, err := w.Service.Can(t.Context(), eve.ID, acme.ID, rbac.ReadMembers)
		require.NoError(t, err)
		require.Equal(t, state == tenancytest.Active, may, state)
	}
	w.RequireEvent(tenancy.EventMembershipRemoved)
	other.RequireNoEvent(tenancy.EventUserCreated)
}
