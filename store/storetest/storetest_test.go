package storetest

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/freehold-dev/freehold/internal/rowtest"
	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/tenancy"
)

// tenancySchema and notesSchema are what the tests of this package run the suite over.
func tenancySchema() Schema {
	return Schema{Tables: tenancy.Tables(), Logs: []*store.Log{tenancy.EventLog()}}
}

func notesSchema() Schema {
	return Schema{Tables: rowtest.NotesTables(), Logs: rowtest.NotesLogs()}
}

func suites(t *testing.T) map[string]*suite {
	t.Helper()
	return map[string]*suite{"tenancy": suiteOf(t, tenancySchema()), "notes": suiteOf(t, notesSchema())}
}

func TestWeakKeepsTheContract(t *testing.T) {
	open := func(*testing.T) store.Store { return NewWeak() }
	t.Run("tenancy", func(t *testing.T) { Run(t, open, tenancySchema()) })
	t.Run("notes", func(t *testing.T) { Run(t, open, notesSchema()) })
}

func TestLinearKeepsTheContract(t *testing.T) {
	if testing.Short() {
		t.Skip("the linear store has one goroutine: nothing for the race detector")
	}
	open := func(*testing.T) store.Store { return newLinear() }
	t.Run("tenancy", func(t *testing.T) { Run(t, open, tenancySchema()) })
	t.Run("notes", func(t *testing.T) { Run(t, open, notesSchema()) })
}

// A third backend is small.
func TestLinearIsSmall(t *testing.T) {
	source, err := os.ReadFile("linear_test.go")
	if err != nil {
		t.Fatal(err)
	}
	const most = 345
	lines := bytes.Count(source, []byte("\n"))
	t.Logf("the linear store has %d lines", lines)
	if lines > most {
		t.Errorf("the linear store has %d lines, want at most %d", lines, most)
	}
}

// The samples reach every column: full rows set all, bare ones no more than they must,
// and every column has values that differ and values that come again, where keys allow.
func TestSamplesReachEveryColumn(t *testing.T) {
	for _, s := range suites(t) {
		for _, x := range s.subjects {
			reaches(t, x)
		}
		for _, l := range s.logs {
			reaches(t, l.subject)
		}
	}
}

func reaches(t *testing.T, x *subject) {
	t.Helper()
	var full []store.Row
	for n := range keyRows {
		full = append(full, x.full(n))
		for i, bare := range x.bare(n) {
			if column := x.columns()[i]; full[n][i].Null || column.Null != bare.Null {
				t.Errorf("%s %d: full has %s = %+v, bare %+v", x.table.Kind, n, column.Name, full[n][i], bare)
			}
		}
	}
	for i, column := range x.columns() {
		values := distinct(full, i)
		if version := i == 1 && !x.event; !version && len(values) < 2 {
			t.Errorf("%s: %s is always %+v", x.table.Kind, column.Name, values)
		}
		again := len(distinct(full[:many], i)) < many
		mustDiffer := i == 0 || x.unique[i] || x.cycle[i] > many || column.References == x.table
		if again == mustDiffer && column.Type != store.JSON && x.cycle[i] <= many {
			t.Errorf("%s: the first samples have %s in common: %v", x.table.Kind, column.Name, again)
		}
	}
}

// The suite is as large as it says, each rule has a name of its own and says what
// it is about.
func TestRulesAreNamedAndExplained(t *testing.T) {
	for name, s := range suites(t) {
		for what, rules := range map[string][]rule{"rules": s.rules(), "rules of joined stores": s.joinedRules()} {
			seen := map[string]bool{}
			for _, r := range rules {
				if seen[r.name] || strings.ContainsAny(r.name, " #") {
					t.Errorf("the name %q is taken, or would be changed", r.name)
				}
				if !strings.HasSuffix(r.why, ".") {
					t.Errorf("%s: no explanation: %q", r.name, r.why)
				}
				seen[r.name] = true
			}
			if len(seen) < 150 {
				t.Errorf("%s: %d %s, want at least 150", name, len(seen), what)
			}
			t.Logf("%s: %d %s", name, len(seen), what)
		}
	}
}

// Each table is under test with all kinds of rules, and each of its columns and keys is.
func TestEveryTableColumnAndKeyHasItsRules(t *testing.T) {
	for _, s := range suites(t) {
		var names []string
		for _, r := range s.rules() {
			names = append(names, r.name)
		}
		has := func(name string) {
			if !slices.Contains(names, name) {
				t.Errorf("there is no rule %s", name)
			}
		}
		for _, x := range s.subjects {
			for _, column := range x.columns() {
				has(x.kind + "/filter_" + column.Name)
			}
			for _, sort := range x.sorts() {
				has(x.kind + "/page_" + x.columns()[sort].Name + "_desc_walk")
			}
			for i := range x.table.Unique {
				has(x.kind + "/unique_" + x.keyName(i) + "/savepoint")
			}
		}
		for _, l := range s.logs {
			for _, column := range l.columns() {
				has(l.prefix + "log/filter_" + column.Name)
			}
		}
	}
}

// A schema that the suite cannot be run over is refused with words.
func TestBadSchemas(t *testing.T) {
	notes, logs := rowtest.NotesTables(), rowtest.NotesLogs()
	flags := *notes[1]
	flags.Unique = []store.Key{{Field: "open", Columns: flags.Places("open")}}
	for want, schema := range map[string]Schema{
		"not listed before it":     {Tables: []*store.Table{notes[2], notes[0]}, Logs: logs},
		"takes a log":              {Tables: notes},
		"refers to no other":       {Logs: logs},
		"with different keys open": {Tables: []*store.Table{&flags}, Logs: logs},
	} {
		if _, err := newSuite(schema); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got error %v, want one that says %q", err, want)
		}
	}
}
