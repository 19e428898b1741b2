package sqlite_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	modernc "modernc.org/sqlite"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/sqlite"
)

// odd is how a driver differs from what it should be. What is nil does not.
type odd struct {
	exec  func(text string) string // what is run in place of a text
	query func(text string) string
	fails func(error) error
	begin func(driver.TxOptions) (driver.TxOptions, error)
}

type oddConnector struct {
	driver.Connector
	odd odd
}

func (c oddConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &oddConn{conn.(fullConn), c.odd}, nil
}

type oddConn struct {
	fullConn
	odd odd
}

func (c *oddConn) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	if c.odd.exec != nil {
		text = c.odd.exec(text)
	}
	result, err := c.fullConn.ExecContext(ctx, text, args)
	if err != nil && c.odd.fails != nil {
		err = c.odd.fails(err)
	}
	return result, err
}

func (c *oddConn) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	if c.odd.query != nil {
		text = c.odd.query(text)
	}
	return c.fullConn.QueryContext(ctx, text, args)
}

func (c *oddConn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	if c.odd.begin != nil {
		var err error
		if opts, err = c.odd.begin(opts); err != nil {
			return nil, err
		}
	}
	return c.fullConn.BeginTx(ctx, opts)
}

func oddHandle(t *testing.T, o odd) *sql.DB {
	t.Helper()
	connector, err := modernc.NewConnector(fmt.Sprintf(dsn, filepath.Join(t.TempDir(), "odd.db")) + "&_txlock=immediate")
	require.NoError(t, err)
	db := sql.OpenDB(oddConnector{connector, o})
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

func replacing(old, with string) func(string) string {
	return func(text string) string { return strings.Replace(text, old, with, 1) }
}

// plainError keeps no more of a result code than its first byte.
type plainError struct{ Code uint8 }

func (plainError) Error() string { return "UNIQUE constraint failed" }

// TestDriversThatDoNotBehave: what a driver does not do is found before anything is kept, and said.
func TestDriversThatDoNotBehave(t *testing.T) {
	none := errors.New("sql: driver does not support read-only transactions")
	for name, c := range map[string]struct {
		odd      odd
		migrates bool // for what only reads and writes of a Store ask for
		want     string
	}{
		"old": {odd{query: replacing("sqlite_version()", "'3.36.9'")}, false, "the handle's SQLite is 3.36.9, and 3.37 has the first strict tables"},
		"4":   {odd{query: replacing("sqlite_version()", "'4.0.0'")}, false, "the handle's driver is none of SQLite 3 but of 4.0.0"},
		"no JSON": {
			odd{query: func(text string) string {
				return strings.NewReplacer("sqlite_version()", "'3.37.0'", "json_valid('", "no_json_valid('").Replace(text)
			}},
			false,
			"the handle's SQLite 3.37.0 has no JSON, or not that of newer versions, in which json_valid(NULL) is null",
		},
		"old JSON": {
			odd{query: func(text string) string {
				return strings.NewReplacer("sqlite_version()", "'3.37.0'", "json_valid(NULL)", "0").Replace(text)
			}},
			false,
			"the handle's SQLite 3.37.0 has no JSON, or not that of newer versions, in which json_valid(NULL) is null",
		},
		"no codes": {
			odd{fails: func(error) error { return errors.New("no") }},
			false,
			"the errors of the handle's driver do not tell the extended result codes of SQLite",
		},
		"short codes": {
			odd{fails: func(error) error { return plainError{1} }},
			false,
			"the errors of the handle's driver do not tell the extended result codes of SQLite",
		},
		"texts as bytes": {
			odd{query: replacing("'text'", "CAST('text' AS BLOB)")},
			false,
			"the handle's driver reads a number, a text and null as int64, []uint8 and <nil>, and not as int64, string and nil",
		},
		"one statement of several": {
			odd{exec: func(text string) string { first, _, _ := strings.Cut(text, ";\n"); return first }},
			false,
			"the handle's driver runs but a part of a text with several statements",
		},
		"locking reads": {
			odd{begin: func(o driver.TxOptions) (driver.TxOptions, error) { o.ReadOnly = false; return o, nil }},
			true,
			"the handle's driver takes the write lock for transactions that only read: leave _txlock out of the DSN",
		},
		"no reads": {
			odd{begin: func(o driver.TxOptions) (driver.TxOptions, error) {
				if o.ReadOnly {
					return o, none
				}
				return o, nil
			}},
			true,
			"the handle's driver begins no transaction that only reads",
		},
	} {
		t.Run(name, func(t *testing.T) {
			db := oddHandle(t, c.odd)
			err := sqlite.Migrate(t.Context(), db)
			if c.migrates {
				require.NoError(t, err)
				_, err = sqlite.New(t.Context(), db)
			}
			require.ErrorIs(t, err, store.ErrInvalid)
			require.EqualError(t, err, "invalid: db: "+c.want)
			var tables int
			require.NoError(t, db.QueryRow(`SELECT count(*) FROM sqlite_master`).Scan(&tables))
			require.Equal(t, c.migrates, tables > 0)
		})
	}
	ctx, stop := context.WithCancel(t.Context())
	failing := oddHandle(t, odd{fails: func(err error) error { stop(); return errors.New("no") }})
	require.ErrorIs(t, sqlite.Migrate(ctx, failing), store.ErrCanceled)
}

// TestNewLeavesTheHandle: what New tries on a connection is undone, and what the host set stays.
func TestNewLeavesTheHandle(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.db")
	openAt(t, path)
	for want, parameter := range []string{"_query_only=0", "_query_only=1"} {
		db := handle(t, path, parameter)
		db.SetMaxOpenConns(1)
		_, err := sqlite.New(t.Context(), db)
		require.NoError(t, err)
		var has int
		require.NoError(t, db.QueryRow(`PRAGMA query_only`).Scan(&has))
		require.Equal(t, want, has)
	}
}

// Errors as drivers have them: a struct with fields, and a pointer with methods whose results have
// names of their own.
type (
	short       uint8
	long        uint16
	fieldsError struct {
		Code         int
		ExtendedCode long
	}
	methodsError struct{ code long }
	textError    struct{ Code string }
	codeError    struct{ code int }
	nilError     struct{ *fields }
	fields       struct{ Code int }
)

func (long) Error() string                   { return "" }
func (e long) Code() short                   { return short(e) }
func (fieldsError) Error() string            { return "" }
func (*methodsError) Error() string          { return "" }
func (e *methodsError) Code() short          { return short(e.code) }
func (e *methodsError) ExtendedCode() long   { return e.code }
func (nilError) Error() string               { return "" }
func (textError) Error() string              { return "" }
func (textError) ExtendedCode(int) int       { return 5 }
func (codeError) Error() string              { return "" }
func (e codeError) Code() int                { return e.code }
func (codeError) ExtendedCode() (int, error) { return 5, nil }

// TestResultsOfDrivers: the code is found in what each kind of error has, and in what it wraps.
func TestResultsOfDrivers(t *testing.T) {
	const unique = 2067
	for _, c := range []struct {
		err  error
		want int
	}{
		{fieldsError{19, unique}, unique},
		{&fieldsError{19, unique}, unique},
		{fieldsError{Code: 14}, 14},
		{fieldsError{}, 0},
		{&methodsError{unique}, unique},
		{(*methodsError)(nil), 0},
		{codeError{unique}, unique},
		{errors.Join(long(unique)), unique},
		{textError{"23505"}, 0},
		{nilError{}, 0},
		{fmt.Errorf("traced: %w", &methodsError{unique}), unique},
		{errors.Join(errors.New("no"), fmt.Errorf("traced: %w", fieldsError{19, unique})), unique},
		{errors.New("no"), 0},
		{nil, 0},
	} {
		got, ok := sqlite.ResultOf(c.err)
		require.Equal(t, c.want, got, "%#v", c.err)
		require.Equal(t, c.want != 0, ok, "%#v", c.err)
	}
}
