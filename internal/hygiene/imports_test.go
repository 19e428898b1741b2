package hygiene

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// floors says which of our packages each of them may import: those of lower floors
// only. A package that is not here fails the test. Programs import what they like.
var floors = map[string][]string{
	"rbac":                            {},
	"domains":                         {},
	"domains/prove":                   {"domains"},
	"internal/dnstest":                {},
	"internal/smtptest":               {},
	"internal/access":                 {},
	"internal/typeid":                 {},
	"internal/hygiene":                {},
	"tenancy":                         {"rbac", "domains", "store", "store/typed", "internal/access", "internal/typeid"},
	"tenancy/roster":                  {"tenancy"},
	"store":                           {"internal/typeid"},
	"store/typed":                     {"store"},
	"internal/servicetest":            {"tenancy", "rbac", "domains", "store"},
	"internal/servicetest/rules":      {"internal/servicetest", "tenancy", "rbac", "domains", "store"},
	"internal/servicetest/model":      {"internal/servicetest", "tenancy", "rbac", "store"},
	"internal/servicetest/history":    {"internal/servicetest", "tenancy", "rbac", "domains"},
	"internal/servicetest/races":      {"internal/servicetest", "tenancy", "rbac", "domains"},
	"internal/servicetest/faults":     {"internal/servicetest", "tenancy", "rbac", "domains"},
	"internal/servicetest/fresh":      {"internal/servicetest", "tenancy", "rbac", "store"},
	"internal/servicetest/projection": {"internal/servicetest", "tenancy", "rbac", "domains", "store"},
	"store/storetest":                 {"store"},
	"internal/rowtest":                {"store"},
	"tenancyhttp":                     {"tenancy", "rbac"},
	"tenancysmtp":                     {"tenancy", "domains"},
	"tenancytest":                     {"tenancyhttp", "tenancy", "domains", "store", "store/memory"},
	"store/memory":                    {"store", "internal/typeid"},
	"store/sqlite":                    {"store", "store/internal/sqlrows"},
	"store/sqlite/sqlitetest":         {"store/sqlite"},
	"store/internal/sqlrows":          {"store", "internal/typeid"},
}

func isProgram(path string) bool {
	return strings.HasPrefix(path, "cmd/") || strings.HasPrefix(path, "examples/")
}

func TestImportGraph(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range list(t, "./...") {
		path := ours(p.ImportPath)
		seen[path] = true
		allowed, known := floors[path]
		require.True(t, known || isProgram(path), "%s has no floor", path)
		for _, imported := range p.Imports {
			in := ours(imported)
			if in == "" || isProgram(path) {
				continue
			}
			require.Contains(t, allowed, in, "%s imports %s", path, in)
		}
	}
	for path := range floors {
		require.True(t, seen[path], "%s is gone", path)
	}
}

// linked are the modules that a host with tenancy and the memory store has.
var linked = []string{module, "github.com/google/uuid", "golang.org/x/net", "golang.org/x/text", "github.com/tidwall/btree"}

func TestHostLinksLittle(t *testing.T) {
	for _, p := range list(t, "-deps", "./tenancy", "./store/memory") {
		within := func(m string) bool { return p.ImportPath == m || strings.HasPrefix(p.ImportPath, m+"/") }
		if !p.Standard {
			require.True(t, slices.ContainsFunc(linked, within), "a host links %s", p.ImportPath)
		}
		require.NotEqual(t, "database/sql", p.ImportPath)
		require.NotEqual(t, "testing", p.ImportPath)
	}
}

// The roster reads files, and nothing of it is linked by who does not import it.
func TestRosterStandsAlone(t *testing.T) {
	for _, p := range list(t, "./tenancy/roster") {
		for _, imported := range p.Imports {
			standard := !strings.Contains(strings.Split(imported, "/")[0], ".")
			require.True(t, standard || ours(imported) == "tenancy" || strings.HasPrefix(imported, "golang.org/x/text/"), imported)
			require.NotContains(t, []string{"os", "net", "net/http", "database/sql"}, imported)
		}
	}
	for _, p := range list(t, "-deps", "./tenancy", "./store/memory", "./store/sqlite", "./tenancyhttp", "./tenancysmtp") {
		require.NotEqual(t, "tenancy/roster", ours(p.ImportPath))
		require.NotEqual(t, "encoding/csv", p.ImportPath)
	}
}

// What the tests of an application import brings no module that the application has not.
func TestTenancytestLinksLittle(t *testing.T) {
	for _, p := range list(t, "-deps", "./tenancytest") {
		within := func(m string) bool { return p.ImportPath == m || strings.HasPrefix(p.ImportPath, m+"/") }
		require.True(t, p.Standard || slices.ContainsFunc(linked, within), "a test links %s", p.ImportPath)
		require.NotEqual(t, "database/sql", p.ImportPath)
	}
}

// wires are packages that reach out, or read what came from outside, with those of ours
// that may import them.
var wires = map[string][]string{
	"code.dny.dev/ssrf":               {"domains/prove"},
	"golang.org/x/net/html":           {"domains/prove"},
	"golang.org/x/net/html/atom":      {"domains/prove"},
	"golang.org/x/net/dns/dnsmessage": {"internal/dnstest"},
}

// Safe dialling and HTML have one room, and what fakes a name server is for tests and
// examples.
func TestWiresHaveTheirRooms(t *testing.T) {
	for _, p := range list(t, "./...") {
		path := ours(p.ImportPath)
		for _, imported := range p.Imports {
			rooms, watched := wires[imported]
			require.True(t, !watched || slices.Contains(rooms, path), "%s imports %s", path, imported)
		}
	}
	for _, p := range list(t, "-deps", "./domains", "./tenancy") {
		_, watched := wires[p.ImportPath]
		require.False(t, watched, "%s is linked", p.ImportPath)
	}
}

// The rules know no wire. (publicsuffix brings net/http along, for its cookie jar.)
func TestRulesImportNoWire(t *testing.T) {
	for _, p := range list(t, "./tenancy", "./rbac", "./domains", "./store", "./store/memory") {
		for _, wire := range []string{"net/http", "net", "database/sql", "os", "os/exec"} {
			require.NotContains(t, p.Imports, wire, p.ImportPath)
		}
	}
}

// Else every host's go mod tidy fetches a SQL driver for nothing.
func TestTenancyTestsWithoutSQL(t *testing.T) {
	for _, p := range list(t, "-deps", "-test", "./tenancy", "./store/memory", "./rbac", "./domains") {
		path, _, _ := strings.Cut(p.ImportPath, " ")
		require.False(t, strings.HasPrefix(path, "modernc.org/"), path)
		require.NotEqual(t, "store/sqlite", ours(path))
	}
}

// The conformance suite needs the standard library alone.
func TestStoretestImportsStandardLibrary(t *testing.T) {
	for _, p := range list(t, "./store/storetest") {
		for _, imported := range p.Imports {
			standard := !strings.Contains(strings.Split(imported, "/")[0], ".")
			require.True(t, standard || ours(imported) != "", imported)
		}
	}
}
