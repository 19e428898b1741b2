package bench

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/freehold-dev/freehold/store/sqlite"
)

// torn counts what there is of a commit without the rest of it, or what does not agree with the log of events.
var torn = map[string]string{
	"a complaint of SQLite's own check": `SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'`,
	"a row that refers to none":         `SELECT count(*) FROM pragma_foreign_key_check`,
	"an organization without an owner": `SELECT count(*) FROM tenancy_organizations WHERE id NOT IN (
		SELECT organization_id FROM tenancy_role_assignments WHERE role = 'owner' AND active)`,
	"an active membership without a role": `SELECT count(*) FROM tenancy_memberships WHERE status = 'active' AND id NOT IN (
		SELECT membership_id FROM tenancy_role_assignments WHERE active)`,
	"a role that is active where the membership is not, or of another person": `SELECT count(*) FROM tenancy_role_assignments a
		JOIN tenancy_memberships m ON m.id = a.membership_id
		WHERE a.active <> (m.status = 'active') OR a.user_id <> m.user_id OR a.organization_id <> m.organization_id`,
	"an invitation that was accepted, by nobody who is a member": `SELECT count(*) FROM tenancy_invitations i WHERE state = 'accepted' AND NOT EXISTS (
		SELECT 1 FROM tenancy_memberships m WHERE m.organization_id = i.organization_id AND m.user_id = i.user_id)`,
	"a session at an organization without the membership": `SELECT count(*) FROM tenancy_sessions WHERE ended_at IS NULL
		AND organization_id IS NOT NULL AND membership_id NOT IN (SELECT id FROM tenancy_memberships)`,
	"an event without what it tells of": `SELECT count(*) FROM tenancy_events WHERE subject NOT IN (
		SELECT id FROM tenancy_organizations UNION ALL SELECT id FROM tenancy_users UNION ALL SELECT id FROM tenancy_memberships
		UNION ALL SELECT id FROM tenancy_invitations UNION ALL SELECT id FROM tenancy_sessions UNION ALL SELECT id FROM tenancy_roles
		UNION ALL SELECT id FROM tenancy_permissions UNION ALL SELECT id FROM tenancy_identities)`,
}

// told are tables whose rows have the version that the last event about them tells.
var told = []string{"tenancy_organizations", "tenancy_users", "tenancy_memberships", "tenancy_invitations", "tenancy_sessions"}

// whole fails where a file holds a commit in part. It is for files in which nothing was deleted or erased.
func (m *mix) whole(t *testing.T) {
	t.Helper()
	whole(t, m.store.DB())
}

func whole(t *testing.T, db querier) {
	t.Helper()
	if found := complaints(t, db); len(found) > 0 {
		t.Fatal(found)
	}
}

type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func complaints(t *testing.T, db querier) (found []string) {
	t.Helper()
	count := func(what, query string) {
		var n int
		if err := db.QueryRowContext(t.Context(), query).Scan(&n); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if n != 0 {
			found = append(found, fmt.Sprint(n, " of ", what))
		}
	}
	for what, query := range torn {
		count(what, query)
	}
	for _, table := range told {
		count(table+", of another version than the log tells", `WITH last AS (
			SELECT subject, max(position) AS position FROM tenancy_events GROUP BY subject)
			SELECT count(*) FROM `+table+` r LEFT JOIN last ON last.subject = r.id LEFT JOIN tenancy_events e ON e.position = last.position
			WHERE json_extract(e.data, '$.version') IS NOT r.version`)
	}
	return found
}

// TestWhole damages a file in ways that a lost or a torn commit would, and has each found.
func TestWhole(t *testing.T) {
	m := openMix(t, filepath.Join(t.TempDir(), "app.db"), sqlite.Normal)
	m.fill(t, 2, 3)
	_, err := m.work(t.Context(), 0, 2, 300*time.Millisecond)
	must(t, err)
	m.whole(t)
	for _, damage := range []string{
		`DELETE FROM tenancy_role_assignments WHERE rowid = (SELECT max(rowid) FROM tenancy_role_assignments)`,
		`DELETE FROM tenancy_role_assignments WHERE role = 'owner'`,
		`DELETE FROM tenancy_events WHERE position = (SELECT max(position) FROM tenancy_events)`,
		`DELETE FROM tenancy_sessions WHERE rowid = (SELECT max(rowid) FROM tenancy_sessions)`,
		`DELETE FROM tenancy_invitations WHERE rowid = (SELECT max(rowid) FROM tenancy_invitations)`,
		`UPDATE tenancy_memberships SET version = version - 1 WHERE version > 1`,
		`UPDATE tenancy_memberships SET status = 'inactive' WHERE rowid = 1`,
	} {
		tx, err := m.store.DB().BeginTx(t.Context(), nil)
		must(t, err)
		if _, err := tx.ExecContext(t.Context(), `PRAGMA defer_foreign_keys = 1`); err != nil {
			t.Fatal(err)
		}
		result, err := tx.ExecContext(t.Context(), damage)
		must(t, err)
		if n, err := result.RowsAffected(); n == 0 || err != nil {
			t.Errorf("%s: changes %d rows: %v", damage, n, err)
		}
		if len(complaints(t, tx)) == 0 {
			t.Errorf("not found: %s", damage)
		}
		must(t, tx.Rollback())
	}
	m.whole(t)
}
