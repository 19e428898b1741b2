package sqlite_test

import (
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/store/sqlite"
	"github.com/freehold-dev/freehold/tenancy"
)

// TestEntryPlans: a request in an organization begins with its token, with statistics and without,
// and never with the sessions of the organization, of which there may be a million.
func TestEntryPlans(t *testing.T) {
	st, heard := counting(t)
	svc, started, beta := inTwo(t, st)
	check := func(name string) {
		for in, index := range map[tenancy.OrganizationID]string{{}: "sqlite_autoindex_tenancy_sessions_1", beta: "tenancy_sessions_client_id_null_ended_at"} {
			ran := heard.during(func() {
				_, err := svc.Sessions.Authenticate(t.Context(), started.Token.Reveal(), in)
				require.NoError(t, err)
			})
			require.NotEmpty(t, ran)
			rows, err := st.DB().Query(`EXPLAIN QUERY PLAN `+ran[0], make([]any, map[bool]int{true: 1, false: 3}[in.IsZero()])...)
			require.NoError(t, err)
			p := planOf(t, rows)
			require.Contains(t, p, "SEARCH x USING INDEX sqlite_autoindex_tenancy_secrets_1", name)
			require.Equal(t, 2, strings.Count(p, "SEARCH s USING INDEX "+index), "%s: %s", name, p)
		}
	}
	check("without statistics")
	for range 40 { // of one person in one organization
		_, err := svc.Sessions.Start(t.Context(), tenancy.NewSession{UserID: started.Session.UserID, OrganizationID: beta, Method: "password"})
		require.NoError(t, err)
	}
	fill(t, st)
	check("with some")
}

// inTwo is a person with a session in one organization and an entry into another.
func inTwo(t *testing.T, st *sqlite.Store) (*tenancy.Service, tenancy.StartedSession, tenancy.OrganizationID) {
	t.Helper()
	ctx := t.Context()
	svc, err := tenancy.New(tenancy.Config{Store: st})
	require.NoError(t, err)
	ada, err := svc.Users.Create(ctx, tenancy.NewUser{Email: "ada@acme.example", EmailVerified: true})
	require.NoError(t, err)
	var orgs []tenancy.OrganizationID
	for _, name := range []string{"Acme", "Beta"} {
		org, err := svc.Organizations.Create(ctx, tenancy.NewOrganization{DisplayName: name, Owner: ada.ID})
		require.NoError(t, err)
		orgs = append(orgs, org.ID)
	}
	started, err := svc.Sessions.Start(ctx, tenancy.NewSession{UserID: ada.ID, OrganizationID: orgs[0], Method: "password"})
	require.NoError(t, err)
	d, err := svc.Sessions.Enter(ctx, started.Token.Reveal(), orgs[1])
	require.NoError(t, servicetest.Refusal(d, err))
	return svc, started, orgs[1]
}

// TestMigrateSessions: a session from before entries is a client of its own, lives on, and gets
// entries (S1).
func TestMigrateSessions(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.db")
	before := openAt(t, path)
	_, started, beta := inTwo(t, before)
	require.NoError(t, before.Close())
	db := handle(t, path)
	for _, back := range []string{
		`DELETE FROM tenancy_sessions WHERE id != client_id`, // the entry, which there could not be
		`DROP INDEX tenancy_sessions_client_id_null_ended_at`,
		`DROP INDEX tenancy_sessions_client_id_organization_id_set_ended_at`,
		`ALTER TABLE tenancy_sessions DROP COLUMN client_id`,
		`ALTER TABLE tenancy_sessions DROP COLUMN proved_at`,
		`ALTER TABLE tenancy_secrets DROP COLUMN session_id`,
		`DELETE FROM tenancy_schema WHERE version = 22`,
	} {
		_, err := db.Exec(back)
		require.NoError(t, err, back)
	}
	script, err := fs.ReadFile(sqlite.Migrations(), "0022_entries.sql")
	require.NoError(t, err)
	_, err = db.Exec(string(script))
	require.NoError(t, err)
	st, err := sqlite.New(t.Context(), db)
	require.NoError(t, err)
	defer func() { require.NoError(t, st.Close()) }()
	svc, err := tenancy.New(tenancy.Config{Store: st})
	require.NoError(t, err)
	found, err := svc.Sessions.Authenticate(t.Context(), started.Token.Reveal(), tenancy.OrganizationID{})
	require.NoError(t, err)
	require.Equal(t, started.Session.ID, found.Session.ID)
	require.Equal(t, started.Session.ID, found.Session.ClientID)
	require.Equal(t, started.Session.CreatedAt, found.Session.ProvedAt)
	d, err := svc.Sessions.Switch(t.Context(), started.Token.Reveal(), beta)
	require.NoError(t, servicetest.Refusal(d, err))
	found, err = svc.Sessions.Authenticate(t.Context(), started.Token.Reveal(), tenancy.OrganizationID{})
	require.NoError(t, err)
	require.Equal(t, beta, found.Organization.ID)
	require.NoError(t, svc.Sessions.SignOut(t.Context(), started.Token.Reveal()))
}
