package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/freehold-dev/freehold/store"
)

//go:embed migrations/*.sql
var embedded embed.FS

// Migrations are the files that make the tables, 0001_tenancy.sql and so on. Other tools than [Migrate] can run
// them, too: each once, in its own transaction, in their order. Each file records in tenancy_schema that it
// ran.
func Migrations() fs.FS {
	sub, err := fs.Sub(embedded, "migrations")
	if err != nil {
		panic("sqlite: " + err.Error()) // cannot happen: the name is a constant
	}
	return sub
}

// Migrate brings the tables up to date, each step in its own transaction. If they are up to date, it does
// nothing. Several processes may run it at once. [Open] calls it; for a handle given to [New], the host must.
// It waits for other writers for 10 seconds.
//
// Errors: [store.ErrSchema] for tables of a newer program; [store.ErrBusy] after the wait; [store.ErrInvalid]
// with the field "db" for a driver that does not behave, as for [New].
func Migrate(ctx context.Context, db *sql.DB) error {
	if db == nil {
		return invalid("db", "is nil")
	}
	defaults, err := Options{}.withDefaults()
	if err != nil {
		return err
	}
	return onConn(ctx, db, func(conn *sql.Conn) error {
		if err := behaves(ctx, conn); err != nil {
			return err
		}
		return migrate(ctx, conn, defaults.BusyTimeout)
	})
}

// onConn runs fn with a connection of db's.
func onConn(ctx context.Context, db *sql.DB, fn func(*sql.Conn) error) error {
	conn, err := db.Conn(ctx)
	if err != nil {
		return translate(ctx, err)
	}
	defer func() { _ = conn.Close() }()
	return fn(conn)
}

func migrate(ctx context.Context, conn *sql.Conn, patience time.Duration) error {
	steps, err := steps()
	if err != nil {
		return err
	}
	for {
		version, err := schemaVersion(ctx, conn)
		if err == nil {
			err = notNewer(version, len(steps))
		}
		if err != nil || version == len(steps) {
			return err
		}
		err = persist(ctx, patience, func() error { return apply(ctx, conn, version, steps[version]) })
		if err != nil {
			return err
		}
	}
}

// apply runs the step after version, unless another process has run it meanwhile.
func apply(ctx context.Context, conn *sql.Conn, version int, script string) error {
	if err := ctx.Err(); err != nil {
		return translate(ctx, err)
	}
	ctx = context.WithoutCancel(ctx)
	if _, err := conn.ExecContext(ctx, `BEGIN IMMEDIATE`); err != nil {
		return translate(ctx, err)
	}
	err := func() error {
		now, err := schemaVersion(ctx, conn)
		if err != nil || now > version {
			return err
		}
		if _, err = conn.ExecContext(ctx, script); err != nil {
			return err
		}
		if now, err = schemaVersion(ctx, conn); err == nil && now <= version { // the last statement of each step writes it
			err = lacking("the handle's driver runs but a part of a text with several statements", nil)
		}
		return err
	}()
	if err == nil {
		_, err = conn.ExecContext(ctx, `COMMIT`)
	}
	if err != nil {
		_, _ = conn.ExecContext(ctx, `ROLLBACK`)
	}
	return translate(ctx, err)
}

// steps are the scripts in order; the first one leads to version 1.
func steps() ([]string, error) {
	files, err := fs.ReadDir(embedded, "migrations")
	if err != nil {
		return nil, translate(context.Background(), err)
	}
	scripts := make([]string, len(files))
	for i, file := range files {
		number, _, _ := strings.Cut(file.Name(), "_")
		if n, err := strconv.Atoi(number); err != nil || n != i+1 {
			return nil, &store.Error{Code: store.ErrInternal, Reason: "migration " + file.Name() + " is out of order"}
		}
		script, err := embedded.ReadFile(path.Join("migrations", file.Name()))
		if err != nil {
			return nil, translate(context.Background(), err)
		}
		scripts[i] = string(script)
	}
	return scripts, nil
}

// querier is a *sql.Conn or a *sql.DB.
type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// schemaVersion returns the version of the tables, or 0 if there are none.
func schemaVersion(ctx context.Context, db querier) (int, error) {
	var there, version int
	err := db.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'tenancy_schema'`).Scan(&there)
	if err == nil && there > 0 {
		err = db.QueryRowContext(ctx, `SELECT coalesce(max(version), 0) FROM tenancy_schema`).Scan(&version)
	}
	return version, translate(ctx, err)
}

func notNewer(version, known int) error {
	if version <= known {
		return nil
	}
	return &store.Error{
		Code:   store.ErrSchema,
		Reason: fmt.Sprintf("the tables are at version %d, newer than the %d of this program", version, known),
	}
}
