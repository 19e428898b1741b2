package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/store/sqlite"
	"github.com/freehold-dev/freehold/tenancy"
)

// The doc's example begins below this line.

// openApp opens the program's own handle, with its tables and ours.
func openApp(ctx context.Context, path string) (*sql.DB, *tenancy.Service, error) {
	// A new file is readable by its owner alone. SQLite gives the two files beside it the same mode.
	if file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600); err == nil {
		_ = file.Close()
	}
	db, err := sql.Open("sqlite", "file:"+path+
		"?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=foreign_keys(1)&_pragma=secure_delete(1)&_txlock=immediate")
	if err != nil {
		return nil, nil, err
	}
	if err := sqlite.Migrate(ctx, db); err != nil { // makes and changes tables called tenancy_..., and no others
		return nil, nil, err
	}
	_, err = db.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS projects (
		id              INTEGER PRIMARY KEY,
		organization_id TEXT NOT NULL REFERENCES tenancy_organizations (id),
		name            TEXT NOT NULL)`)
	if err != nil {
		return nil, nil, err
	}
	st, err := sqlite.New(ctx, db)
	if err != nil {
		return nil, nil, err
	}
	svc, err := tenancy.New(tenancy.Config{Store: st})
	return db, svc, err
}

// signUp makes a customer, its owner and its first project: all three, or nothing.
func signUp(ctx context.Context, svc *tenancy.Service, email, company, project string) (tenancy.Organization, error) {
	var acme tenancy.Organization
	err := sqlite.Transact(ctx, svc, func(ctx context.Context, in *tenancy.Service, tx *sql.Tx) error {
		owner, err := in.Users.Create(ctx, tenancy.NewUser{Email: email})
		if err != nil {
			return err
		}
		acme, err = in.Organizations.Create(ctx, tenancy.NewOrganization{DisplayName: company, Owner: owner.ID})
		if err != nil {
			return err
		}
		if project == "" {
			return errors.New("a project needs a name") // undoes the user and the organization, too
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO projects (organization_id, name) VALUES (?, ?)`, acme.ID, project)
		return err
	})
	return acme, err
}

// The doc's example ends above this line.

// A program that has an *sql.DB and tables of its own keeps its rows and ours in one transaction.
func ExampleTransact() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	db, svc, err := openApp(ctx, filepath.Join(dir, "app.db"))
	if err != nil {
		panic(err)
	}
	defer func() { _ = db.Close() }()

	count := func() (users, projects int) {
		if err := db.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM tenancy_users), (SELECT count(*) FROM projects)`).Scan(&users, &projects); err != nil {
			panic(err)
		}
		return users, projects
	}
	_, err = signUp(ctx, svc, "ada@acme.example", "Acme", "Engine")
	fmt.Println(err)
	fmt.Println(count())
	_, err = signUp(ctx, svc, "bob@bolt.example", "Bolt", "")
	fmt.Println(err)
	fmt.Println(count())
	// Output:
	// <nil>
	// 1 1
	// a project needs a name
	// 1 1
}

// The file of openApp, and those beside it, are for their owner alone.
func TestAppIsPrivate(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("has no such modes")
	}
	path := filepath.Join(t.TempDir(), "app.db")
	db, svc, err := openApp(t.Context(), path)
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	_, err = signUp(t.Context(), svc, "ada@acme.example", "Acme", "Engine")
	require.NoError(t, err)
	for _, beside := range []string{"", "-wal", "-shm"} {
		file, err := os.Stat(path + beside)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), file.Mode().Perm(), file.Name())
	}
}

// docs/sqlite.md has the functions above, word for word.
func TestDocsOfTransact(t *testing.T) {
	source, err := os.ReadFile("example_transact_test.go")
	require.NoError(t, err)
	_, rest, ok := strings.Cut(string(source), "// The doc's example begins below this line.\n\n")
	require.True(t, ok)
	example, _, ok := strings.Cut(rest, "\n// The doc's example ends above this line.")
	require.True(t, ok)
	page, err := os.ReadFile("../../docs/sqlite.md")
	require.NoError(t, err)
	require.Contains(t, string(page), "```go\n"+example+"```\n")
}

var hostTable = regexp.MustCompile("(?m)^\\| `(tenancy_[a-z_]+)` \\| [^|]+ \\| ([^|]+) \\|$")

// docs/sqlite.md names tables and columns that a host may rely on: they are there.
func TestDocsOfTables(t *testing.T) {
	page, err := os.ReadFile("../../docs/sqlite.md")
	require.NoError(t, err)
	rows := hostTable.FindAllStringSubmatch(string(page), -1)
	require.Len(t, rows, 5)
	db, _ := host(t)
	for _, row := range rows {
		there := column(t, db, `SELECT name FROM pragma_table_info(?)`, row[1])
		for _, name := range strings.Split(row[2], ", ") {
			require.Contains(t, there, strings.Trim(name, "`"), row[1])
		}
	}
}
