package sqlite_test

import (
	"os"
	"runtime"
	"strconv"
	"testing"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/internal/servicetest/rules"
	"github.com/stretchr/testify/require"
)

// TestGrowth holds every method of the table to what it costs in a small store, however large
// the store is along any axis: statements, steps of SQLite's machine, allocations. It measures no
// time. What may cost more is named with its reason, in package rules. FREEHOLD_GROWTH is how
// much a large store has.
func TestGrowth(t *testing.T) {
	if testing.Short() {
		t.Skip("the growth sweep runs in the plain run and in the long counts")
	}
	open := func(t *testing.T) rules.Metered {
		st, heard := counting(t)
		return rules.Metered{Store: st, During: func(fn func()) rules.Cost {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			ran := heard.during(fn)
			runtime.ReadMemStats(&after)
			return rules.Cost{Statements: len(ran), Steps: heard.steps, Allocations: int(after.Mallocs - before.Mallocs)}
		}, Analyze: func() {
			_, err := st.DB().ExecContext(t.Context(), `ANALYZE`)
			if err != nil {
				t.Error(err)
			}
		}}
	}
	size := servicetest.Soak(1_000, 300)
	if text := os.Getenv("FREEHOLD_GROWTH"); text != "" {
		var err error
		size, err = strconv.Atoi(text)
		require.NoError(t, err)
	}
	for _, g := range rules.Sweep(t, open, size) {
		ok, why := g.Fits()
		if !ok {
			t.Errorf("%s grows with %s: from %+v to %+v", g.Call, g.Axis, g.Small, g.Large)
		}
		if why != "" {
			t.Logf("figures: growth: %s | %s | %d / %d | %d / %d | %.1f | %s", g.Call, g.Axis, g.Small.Statements, g.Small.Steps,
				g.Large.Statements, g.Large.Steps, float64(g.Large.Steps)/float64(g.Small.Steps), why)
		}
	}
}
