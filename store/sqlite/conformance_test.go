package sqlite_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/internal/rowtest"
	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/internal/sqlrows"
	"github.com/freehold-dev/freehold/store/sqlite"
	"github.com/freehold-dev/freehold/store/storetest"
	"github.com/freehold-dev/freehold/tenancy"
)

var (
	tenancySchema = storetest.Schema{Tables: tenancy.Tables(), Logs: []*store.Log{tenancy.EventLog()}}
	notesSchema   = storetest.Schema{Tables: rowtest.NotesTables(), Logs: rowtest.NotesLogs()}
)

// blank gives paths of migrated files without rows: making one anew for each of
// hundreds of cases would take most of their time.
func blank(t *testing.T) func(*testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "blank.db")
	st, err := sqlite.Open(t.Context(), path)
	require.NoError(t, err)
	for _, text := range rowtest.NotesSQL(sqlrows.CreateIndex) {
		_, err := st.DB().Exec(text)
		require.NoError(t, err)
	}
	require.NoError(t, st.Close())
	file, err := os.ReadFile(path)
	require.NoError(t, err)
	return func(t *testing.T) string {
		t.Helper()
		fresh := filepath.Join(t.TempDir(), "app.db")
		require.NoError(t, os.WriteFile(fresh, file, 0o600))
		return fresh
	}
}

func TestConformance(t *testing.T) {
	fresh := blank(t)
	open := func(t *testing.T) store.Store {
		st := openAt(t, fresh(t))
		_, err := st.DB().Exec(`PRAGMA synchronous = OFF`) // it has one connection
		require.NoError(t, err)
		return st
	}
	schema := tenancySchema
	if servicetest.Soak(1, 0) == 0 {
		schema.Tables = schema.Tables[:4] // the statements of the others are made the same way
	}
	if testing.Short() {
		schema.Tables = schema.Tables[:1] // under the race detector it is the rules on what is joined that tell
	}
	t.Run("tenancy", func(t *testing.T) { storetest.Run(t, open, schema) })
	if servicetest.Soak(1, 0) == 0 {
		return // TestConformanceOfHost runs one of those, and what is joined
	}
	t.Run("notes", func(t *testing.T) { storetest.Run(t, open, notesSchema) })
	t.Run("joined", func(t *testing.T) { storetest.RunJoined(t, open, join, notesSchema) })
}

// TestConformanceOfHost is the same on a host's handle, which begins deferred. How rows
// are kept does not depend on that, so one table is enough.
func TestConformanceOfHost(t *testing.T) {
	fresh := blank(t)
	open := func(t *testing.T) store.Store {
		st, err := sqlite.New(t.Context(), handle(t, fresh(t), "_pragma=synchronous(OFF)"))
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, st.Close()) })
		return st
	}
	schema := notesSchema
	if servicetest.Soak(1, 0) == 0 {
		schema.Tables = schema.Tables[:1]
	}
	if !testing.Short() {
		t.Run("notes", func(t *testing.T) { storetest.Run(t, open, schema) })
	}
	t.Run("joined", func(t *testing.T) { storetest.RunJoined(t, open, join, notesSchema) })
}

// join begins a transaction of a host's on the handle of a Store.
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
