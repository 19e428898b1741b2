package sqlite_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/store/sqlite"
	"github.com/freehold-dev/freehold/tenancy"
)

// shortly is a Config.WriteWait for tests, and soon is well beyond it.
const (
	shortly = 50 * time.Millisecond
	soon    = testPatience
)

// hasty is handle with a short busy timeout: before that is over a writer of a host's
// handle does not notice that its context has ended.
func hasty(t *testing.T, path, more string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", fmt.Sprintf(strings.Replace(dsn, "=5000", "=20", 1), path)+more)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

// hastyHost is host with such a handle.
func hastyHost(t *testing.T, more string) (*sql.DB, *sqlite.Store) {
	t.Helper()
	db := hasty(t, filepath.Join(t.TempDir(), "host.db"), more)
	require.NoError(t, sqlite.Migrate(t.Context(), db))
	st, err := sqlite.New(t.Context(), db)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, st.Close()) })
	return db, st
}

// G13 attack: a call outside the caller's own transaction waits for that, and so for
// itself. The caller hears so, on each kind of handle.
func TestOuterCallInBeginTx(t *testing.T) {
	for name, c := range map[string]struct {
		open      func(t *testing.T) (*sql.DB, *sqlite.Store)
		readsWait bool // there is no second connection to read by
	}{
		"an opened store": {func(t *testing.T) (*sql.DB, *sqlite.Store) {
			st := open(t)
			return st.DB(), st
		}, false},
		"an opened store, another handle": {func(t *testing.T) (*sql.DB, *sqlite.Store) {
			path := filepath.Join(t.TempDir(), "app.db")
			st := openAt(t, path)
			return hasty(t, path, "&_txlock=immediate"), st
		}, false},
		"the host's handle":           {func(t *testing.T) (*sql.DB, *sqlite.Store) { return hastyHost(t, "&_txlock=immediate") }, false},
		"the host's handle, deferred": {func(t *testing.T) (*sql.DB, *sqlite.Store) { return hastyHost(t, "") }, false},
		"the host's handle, one connection": {func(t *testing.T) (*sql.DB, *sqlite.Store) {
			db, st := hastyHost(t, "&_txlock=immediate")
			db.SetMaxOpenConns(1)
			return db, st
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			db, st := c.open(t)
			svc, err := tenancy.New(tenancy.Config{Store: st, WriteWait: shortly})
			require.NoError(t, err)
			acme, err := svc.Organizations.Create(t.Context(), tenancy.NewOrganization{DisplayName: "Acme"})
			require.NoError(t, err)
			tx := begin(t, db)
			_, in, err := svc.Join(t.Context(), st.InTx(tx))
			require.NoError(t, err)
			renamed := "Inside"
			_, err = in.Organizations.Update(t.Context(), acme.ID, tenancy.OrganizationUpdate{DisplayName: &renamed})
			require.NoError(t, err)

			for call, do := range outerCalls(svc, acme.ID) {
				ctx, stop := context.WithTimeout(t.Context(), soon)
				err := do(ctx)
				require.NoError(t, ctx.Err(), "%s waited until its context ended", call)
				stop()
				if call == "a read" && !c.readsWait {
					require.NoError(t, err)
					continue
				}
				var refusal *tenancy.Error
				require.ErrorAs(t, err, &refusal, call)
				require.Equal(t, tenancy.ErrBusy, refusal.Code, call)
				require.Contains(t, refusal.Reason, "is a transaction of the caller's own open?", call)
				require.Contains(t, refusal.Reason, "Service.Join", call)
			}
			// The transaction itself goes on, and after it the calls do.
			_, err = in.Organizations.Get(t.Context(), acme.ID)
			require.NoError(t, err)
			require.NoError(t, tx.Commit())
			for call, do := range outerCalls(svc, acme.ID) {
				require.NoError(t, do(t.Context()), call)
			}
		})
	}
}

// outerCalls are calls on the Service that is not joined.
func outerCalls(svc *tenancy.Service, org tenancy.OrganizationID) map[string]func(context.Context) error {
	name := "Outside"
	update := tenancy.OrganizationUpdate{DisplayName: &name}
	return map[string]func(context.Context) error{
		"a read":  func(ctx context.Context) error { _, err := svc.Organizations.Get(ctx, org); return err },
		"a write": func(ctx context.Context) error { _, err := svc.Organizations.Update(ctx, org, update); return err },
		"a sign-in": func(ctx context.Context) error {
			_, err := svc.SignIn(ctx, tenancy.Attempt{Evidence: tenancy.MailboxEvidence("ann@mail.example")})
			return err
		},
		"Transact": func(ctx context.Context) error {
			return svc.Transact(ctx, func(ctx context.Context, tx *tenancy.Service) error {
				_, err := tx.Organizations.Update(ctx, org, update)
				return err
			})
		},
	}
}

// G13: the caller's own context still ends a call, and a negative WriteWait lets it wait.
func TestOuterCallWithoutPatience(t *testing.T) {
	st := open(t)
	svc, err := tenancy.New(tenancy.Config{Store: st, WriteWait: -1})
	require.NoError(t, err)
	tx := begin(t, st.DB())
	putUsers(t, st.InTx(tx), 1)
	ctx, stop := context.WithTimeout(t.Context(), shortly)
	defer stop()
	_, err = svc.Users.Create(ctx, tenancy.NewUser{Email: "ann@mail.example"})
	require.ErrorIs(t, err, tenancy.ErrCanceled)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.NoError(t, tx.Rollback())
	svc, err = tenancy.New(tenancy.Config{Store: st, WriteWait: soon})
	require.NoError(t, err)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = svc.Users.Create(ended, tenancy.NewUser{Email: "ann@mail.example"})
	require.ErrorIs(t, err, tenancy.ErrCanceled)
}
