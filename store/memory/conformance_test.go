package memory_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/internal/rowtest"
	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/memory"
	"github.com/freehold-dev/freehold/store/storetest"
	"github.com/freehold-dev/freehold/tenancy"
)

func TestConformance(t *testing.T) {
	open := func(t *testing.T) store.Store {
		s := memory.New()
		t.Cleanup(func() { require.NoError(t, s.Close()) })
		return s
	}
	t.Run("tenancy", func(t *testing.T) {
		storetest.Run(t, open, storetest.Schema{Tables: tenancy.Tables(), Logs: []*store.Log{tenancy.EventLog()}})
	})
	t.Run("notes", func(t *testing.T) {
		storetest.Run(t, open, storetest.Schema{Tables: rowtest.NotesTables(), Logs: rowtest.NotesLogs()})
	})
}
