package bench

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	_ "modernc.org/sqlite"

	"github.com/freehold-dev/freehold/store/sqlite"
	"github.com/freehold-dev/freehold/tenancy"
)

// world is a file with organizations of ten members each.
type world struct {
	path  string
	store *sqlite.Store
	svc   *tenancy.Service
	orgs  []tenancy.OrganizationID
	users []tenancy.UserID // ten for each organization, in order
}

func openWorld(tb testing.TB) *world {
	tb.Helper()
	w := &world{path: filepath.Join(tb.TempDir(), "app.db")}
	var err error
	if w.store, err = (sqlite.Options{Synchronous: sqlite.Normal}).Open(tb.Context(), w.path); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = w.store.Close() })
	if w.svc, err = tenancy.New(tenancy.Config{Store: w.store}); err != nil {
		tb.Fatal(err)
	}
	return w
}

func (w *world) load(ctx context.Context, orgs, members, batch int) error {
	next := 0
	for next < orgs*members {
		err := w.svc.Import(ctx, func(ctx context.Context, tx *tenancy.Service) error {
			for range batch {
				if next == orgs*members {
					return nil
				}
				if err := w.one(ctx, tx, next, members); err != nil {
					return err
				}
				next++
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *world) one(ctx context.Context, tx *tenancy.Service, i, members int) error {
	if i%members == 0 {
		org, err := tx.Organizations.Create(ctx, tenancy.NewOrganization{
			DisplayName: fmt.Sprintf("Organization %d", i/members), ExternalID: fmt.Sprint("crm-", i/members),
		})
		if err != nil {
			return err
		}
		w.orgs = append(w.orgs, org.ID)
	}
	user, err := tx.Users.Create(ctx, tenancy.NewUser{
		Email: fmt.Sprintf("person%d@example%d.com", i, i/members), GivenName: "Person", FamilyName: fmt.Sprint(i),
	})
	if err != nil {
		return err
	}
	w.users = append(w.users, user.ID)
	role := "member"
	if i%members == 0 {
		role = "owner"
	}
	_, err = tx.Memberships.Add(ctx, tenancy.NewMembership{
		OrganizationID: w.orgs[len(w.orgs)-1], UserID: user.ID, Roles: []string{role},
	})
	return err
}

// size is the bytes of the database and its log.
func (w *world) size() int64 {
	var total int64
	for _, suffix := range []string{"", "-wal"} {
		if info, err := os.Stat(w.path + suffix); err == nil {
			total += info.Size()
		}
	}
	return total
}

// raw opens another handle on a file, as the Store sets its own.
func raw(tb testing.TB, path string) *sql.DB {
	tb.Helper()
	db, err := sql.Open("sqlite", "file:"+path+
		"?_txlock=immediate&_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_pragma=foreign_keys(1)")
	if err != nil {
		tb.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	tb.Cleanup(func() { _ = db.Close() })
	return db
}

func prepare(tb testing.TB, db *sql.DB, text string) *sql.Stmt {
	tb.Helper()
	stmt, err := db.Prepare(text)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = stmt.Close() })
	return stmt
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}
