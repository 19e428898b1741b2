// Package drivers tests that store/sqlite keeps its contract on handles of other SQLite drivers than its own.
// Each driver has its own package, and so its own process: the drivers register under the same name, and two
// drivers must never open the same file in one process.
//
// For most uses, one test is enough:
//
//	func TestDriver(t *testing.T) { drivers.Run(t, drivers.Driver{...}) }
package drivers

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/internal/rowtest"
	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/internal/servicetest/rules"
	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/internal/sqlrows"
	"github.com/freehold-dev/freehold/store/sqlite"
	"github.com/freehold-dev/freehold/store/storetest"
	"github.com/freehold-dev/freehold/tenancy"
)

// Driver is a driver under test. It is registered as "sqlite3".
type Driver struct {
	// DSN is the DSN from docs/sqlite.md, with %s for the path of the file.
	DSN string
	// Hasty is the parameter with which commits do not wait for the disk.
	Hasty string
	// QueryOnly is the parameter with which connections cannot write.
	QueryOnly string
	// LocksReads says that with _txlock=immediate even a transaction that only reads takes the write lock.
	// [sqlite.New] then refuses the handle.
	LocksReads bool
	// Refused are DSNs that [sqlite.New] refuses, with %s for the path of the file, each with a part of the
	// error's text.
	Refused map[string]string
}

// Run runs the suite: the contract of a store, the rules of the Service, and what depends on how a driver
// reports errors. A normal run plays one rule in four, and with -short one in ten.
func Run(t *testing.T, d Driver) {
	t.Run("conformance", d.conformance)
	every := 4
	if testing.Short() {
		every = 10
	}
	fresh := d.blank(t)
	open := func(t *testing.T) store.Store { return d.store(t, d.handle(t, fresh(t), d.Hasty)) }
	t.Run("rules", func(t *testing.T) {
		rules.Run(t, servicetest.Backend{Open: open, Kind: servicetest.SQL, Every: every})
	})
	for name, check := range map[string]func(*testing.T, place){
		"refused": refused, "immediate": immediate, "left alone": leftAlone, "closed": closed, "schema": schema,
		"joined": joined, "joined deferred": joinedDeferred, "joined ended": joinedEnded, "one connection": oneConnection, "backup": backup,
		"parents": parents, "keys": keys, "canceled": canceled, "canceled read": canceledRead, "busy": busy,
		"full": full, "read only": readOnly, "not a database": notADatabase, "corrupt": corrupt,
		"times as texts": timesAsTexts, "read ended": readEnded, "long wait": longWait,
	} {
		t.Run(name, func(t *testing.T) { check(t, place{d, fresh(t)}) })
	}
}

// place is where a check runs: a driver, and a file with empty tables.
type place struct {
	Driver
	path string
}

// open makes a handle and a Store on it.
func (p place) open(t *testing.T, more ...string) (*sql.DB, *sqlite.Store) {
	t.Helper()
	db := p.handle(t, p.path, append(more, p.Hasty)...)
	return db, p.store(t, db)
}

// handle opens a handle in the way of a host.
func (d Driver) handle(t *testing.T, path string, more ...string) *sql.DB {
	t.Helper()
	name := fmt.Sprintf(d.DSN, path)
	for _, parameter := range more {
		name += "&" + parameter
	}
	return dial(t, name)
}

func dial(t *testing.T, name string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite3", name)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

func (d Driver) store(t *testing.T, db *sql.DB) *sqlite.Store {
	t.Helper()
	st, err := sqlite.New(t.Context(), db)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, st.Close()) })
	return st
}

// blank returns paths of files that the driver has migrated. They have the tables of rowtest beside those of
// tenancy, and no rows.
func (d Driver) blank(t *testing.T) func(*testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "blank.db")
	db, err := sql.Open("sqlite3", fmt.Sprintf(d.DSN, path))
	require.NoError(t, err)
	require.NoError(t, sqlite.Migrate(t.Context(), db))
	for _, text := range rowtest.NotesSQL(sqlrows.CreateIndex) {
		_, err := db.Exec(text)
		require.NoError(t, err)
	}
	require.NoError(t, db.Close())
	file, err := os.ReadFile(path)
	require.NoError(t, err)
	return func(t *testing.T) string {
		t.Helper()
		fresh := filepath.Join(t.TempDir(), "app.db")
		require.NoError(t, os.WriteFile(fresh, file, 0o600))
		return fresh
	}
}

func (d Driver) conformance(t *testing.T) {
	fresh := d.blank(t)
	open := func(t *testing.T) store.Store { return d.store(t, d.handle(t, fresh(t), d.Hasty)) }
	some := 4 // the other statements are made in the same way
	if testing.Short() {
		some = 1
	}
	ours := storetest.Schema{Tables: tenancy.Tables()[:some], Logs: []*store.Log{tenancy.EventLog()}}
	notes := storetest.Schema{Tables: rowtest.NotesTables(), Logs: rowtest.NotesLogs()}
	t.Run("tenancy", func(t *testing.T) { storetest.Run(t, open, ours) })
	t.Run("joined", func(t *testing.T) { storetest.RunJoined(t, open, join, notes) })
	if !testing.Short() {
		t.Run("notes", func(t *testing.T) { storetest.Run(t, open, notes) })
	}
}

// join begins a host's transaction on the handle of a Store.
func join(t *testing.T, root store.Store) storetest.Host {
	t.Helper()
	st := root.(*sqlite.Store)
	tx, err := st.DB().BeginTx(context.WithoutCancel(t.Context()), nil)
	require.NoError(t, err)
	return storetest.Host{Joined: st.InTx(tx), End: func(commit bool) error {
		if commit {
			return tx.Commit()
		}
		return tx.Rollback()
	}}
}
