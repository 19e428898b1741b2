package sqlite_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"modernc.org/libc"
	modernc "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/store/sqlite"
	"github.com/freehold-dev/freehold/tenancy"
)

// statements hears of every statement that SQLite runs, but for those that begin, end
// or divide transactions, or take the write lock in one of a host's handle.
type statements struct {
	mu    sync.Mutex
	list  []string
	steps int // of SQLite's machine, over all of them
	by    map[string]int
}

func (s *statements) ran(text string) {
	for _, control := range []string{"BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "PRAGMA", "DELETE FROM TENANCY_SCHEMA WHERE 0"} {
		if strings.HasPrefix(strings.ToUpper(strings.TrimSpace(text)), control) {
			return
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = append(s.list, text)
}

// during gives the statements that fn runs.
func (s *statements) during(fn func()) []string {
	s.mu.Lock()
	s.list, s.steps, s.by = nil, 0, map[string]int{}
	s.mu.Unlock()
	fn()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.list
}

// counting opens a Store whose statements are heard of.
func counting(t *testing.T) (*sqlite.Store, *statements) {
	t.Helper()
	connector, err := modernc.NewConnector(fmt.Sprintf(dsn, filepath.Join(t.TempDir(), "counted.db")))
	require.NoError(t, err)
	heard := &statements{by: map[string]int{}}
	db := sql.OpenDB(countingConnector{connector, heard})
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	require.NoError(t, sqlite.Migrate(t.Context(), db))
	st, err := sqlite.New(t.Context(), db)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, st.Close()) })
	return st, heard
}

type countingConnector struct {
	driver.Connector
	heard *statements
}

func (c countingConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &countingConn{conn.(fullConn), c.heard}, nil
}

// fullConn is what the driver's connections can do, and the wrapper so can.
type fullConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

type countingConn struct {
	fullConn
	heard *statements
}

// ExecContext has every statement prepared, for only those count their steps.
func (c *countingConn) ExecContext(context.Context, string, []driver.NamedValue) (driver.Result, error) {
	return nil, driver.ErrSkip
}

func (c *countingConn) QueryContext(context.Context, string, []driver.NamedValue) (driver.Rows, error) {
	return nil, driver.ErrSkip
}

func (c *countingConn) PrepareContext(ctx context.Context, text string) (driver.Stmt, error) {
	stmt, err := c.fullConn.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	return &countingStmt{stmt.(fullStmt), text, c.heard}, nil
}

type fullStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

type countingStmt struct {
	fullStmt
	text  string
	heard *statements
}

func (s *countingStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	s.heard.ran(s.text)
	defer s.stepped()
	return s.fullStmt.ExecContext(ctx, args)
}

func (s *countingStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	s.heard.ran(s.text)
	rows, err := s.fullStmt.QueryContext(ctx, args)
	if err != nil {
		return nil, err
	}
	return &countingRows{rows, s}, nil
}

// stepped adds the steps that the statement has taken. The driver tells nobody its handles,
// so they are read from its fields.
func (s *countingStmt) stepped() {
	stmt := reflect.ValueOf(s.fullStmt).Elem()
	handle := uintptr(stmt.FieldByName("pstmt").Uint())
	if handle == 0 { // a script
		return
	}
	tls := (*libc.TLS)(stmt.FieldByName("c").Elem().FieldByName("tls").UnsafePointer())
	steps := sqlite3.Xsqlite3_stmt_status(tls, handle, sqlite3.SQLITE_STMTSTATUS_VM_STEP, 1)
	s.heard.mu.Lock()
	defer s.heard.mu.Unlock()
	s.heard.steps += int(steps)
	s.heard.by[s.text] += int(steps)
}

type countingRows struct {
	driver.Rows
	of *countingStmt
}

func (r *countingRows) Close() error {
	defer r.of.stepped()
	return r.Rows.Close()
}

// TestSessionStatements holds sessions to their statements: what a request costs, and
// what starting and switching do (S1).
func TestSessionStatements(t *testing.T) {
	st, heard := counting(t)
	svc, err := tenancy.New(tenancy.Config{Store: st})
	require.NoError(t, err)
	ctx := t.Context()
	ada, err := svc.Users.Create(ctx, tenancy.NewUser{Email: "ada@acme.example"})
	require.NoError(t, err)
	acme, err := svc.Organizations.Create(ctx, tenancy.NewOrganization{DisplayName: "Acme", Owner: ada.ID})
	require.NoError(t, err)
	_, err = svc.Roles.Create(ctx, acme.ID, tenancy.NewRole{Slug: "org-own"})
	require.NoError(t, err)
	_, err = svc.Memberships.SetRoles(ctx, acme.ID, ada.ID, rbac.Owner, "org-own")
	require.NoError(t, err)
	var started tenancy.StartedSession
	for _, c := range []struct {
		name string
		most int
		call func() error
	}{
		{"start", 8, func() (err error) {
			started, err = svc.Sessions.Start(ctx, tenancy.NewSession{UserID: ada.ID, OrganizationID: acme.ID, Method: "password"})
			return err
		}},
		{"authenticate", 2, func() error {
			_, err := svc.Sessions.Authenticate(ctx, started.Token.Reveal(), tenancy.OrganizationID{})
			return err
		}},
		{"claims", 6, func() error {
			_, err := svc.Sessions.Claims(ctx, started.Session.ID, tenancy.ClaimsQuery{})
			return err
		}},
		{"switch", 10, func() error { _, err := svc.Sessions.Switch(ctx, started.Token.Reveal(), acme.ID); return err }},
	} {
		ran := heard.during(func() { require.NoError(t, c.call(), c.name) })
		require.NotEmpty(t, ran)
		require.LessOrEqual(t, len(ran), c.most, "%s:\n%s", c.name, strings.Join(ran, "\n"))
		t.Logf("figures: statements: %s: %d", c.name, len(ran))
	}
}
