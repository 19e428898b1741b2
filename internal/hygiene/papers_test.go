package hygiene

import (
	"fmt"
	"go/ast"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/tenancy"
	"github.com/freehold-dev/freehold/tenancyhttp"
)

func paper(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	require.NoError(t, err)
	return string(text)
}

// The page on errors has every code with what the sources say of it (G7).
func TestErrorsPage(t *testing.T) {
	var b strings.Builder
	b.WriteString("| code | status | means |\n|---|---|---|\n")
	for _, file := range []string{"tenancy/errors.go", "tenancyhttp/status.go"} {
		for _, c := range codes(t, file) {
			w := httptest.NewRecorder()
			tenancyhttp.WriteError(w, &tenancy.Error{Code: c.code})
			fmt.Fprintf(&b, "| `%s` | %d | %s |\n", c.code, w.Code, c.means)
		}
	}
	require.Contains(t, paper(t, "docs/errors.md"), b.String(), "put this table into docs/errors.md:\n%s", b.String())
}

type code struct {
	name  string
	code  tenancy.Code
	means string
}

// codes are the constants of a file whose names begin with Err, as their comments say.
func codes(t *testing.T, path string) (all []code) {
	t.Helper()
	for _, s := range sources(t) {
		if filepath.ToSlash(s.path) != path {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || !strings.HasPrefix(spec.Names[0].Name, "Err") {
				return true
			}
			value, err := "", error(nil)
			switch x := spec.Values[0].(type) {
			case *ast.BasicLit:
				value, err = strconv.Unquote(x.Value)
			case *ast.SelectorExpr: // one of package store
				for _, c := range codes(t, "store/errors.go") {
					if c.name == x.Sel.Name {
						value = string(c.code)
					}
				}
			}
			require.NoError(t, err)
			require.NotEmpty(t, value, spec.Names[0].Name)
			means, ok := strings.CutPrefix(spec.Doc.Text(), spec.Names[0].Name+": ")
			require.True(t, ok, spec.Names[0].Name)
			all = append(all, code{spec.Names[0].Name, tenancy.Code(value), strings.Join(strings.Fields(means), " ")})
			return true
		})
	}
	require.NotEmpty(t, all)
	return all
}

var (
	threatRow = regexp.MustCompile(`(?m)^\| ([^|]+) \| ([^|]+) \| ([^|]+) \|$`)
	named     = regexp.MustCompile("`([^`]+)`")
	ruleName  = regexp.MustCompile(`^[A-Z][0-9]+ `)
)

// Every row of the threat table names tests that are there, and every attack that is
// played by the Service's suite has its row.
func TestThreatTable(t *testing.T) {
	there, attacks := tests(t)
	told := map[string]bool{}
	rows := threatRow.FindAllStringSubmatch(paper(t, "SECURITY.md"), -1)
	require.Greater(t, len(rows), 40)
	for _, row := range rows {
		if row[3] == "shown by" { // the heads
			continue
		}
		shown := named.FindAllStringSubmatch(row[3], -1)
		assert.NotEmpty(t, shown, "nothing shows: %s", row[1])
		for _, name := range shown {
			assert.True(t, there[name[1]], "no test %q, for: %s", name[1], row[1])
			told[name[1]] = true
		}
	}
	for _, attack := range attacks {
		assert.True(t, told[attack], "SECURITY.md does not name the test %q", attack)
	}
}

// tests are the names of all tests of the module, as package.TestName, and those of the
// rules of the Service's suite; attacks are the rules that are called so.
func tests(t *testing.T) (there map[string]bool, attacks []string) {
	t.Helper()
	there = map[string]bool{}
	for _, s := range sources(t) {
		for _, decl := range s.file.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			switch {
			case !ok || fn.Recv != nil:
			case s.isTest() && (strings.HasPrefix(fn.Name.Name, "Test") || strings.HasPrefix(fn.Name.Name, "Fuzz")):
				there[s.dir()+"."+fn.Name.Name] = true
			case s.dir() == "internal/servicetest/rules":
				for _, name := range rulesOf(t, fn) {
					there[name] = true
					if strings.Contains(name, " attack: ") {
						attacks = append(attacks, name)
					}
				}
			}
		}
	}
	require.NotEmpty(t, attacks)
	return there, attacks
}

// rulesOf are the names of the rules that a function lists.
func rulesOf(t *testing.T, fn *ast.FuncDecl) (names []string) {
	t.Helper()
	ast.Inspect(fn, func(n ast.Node) bool {
		pair, ok := n.(*ast.CompositeLit)
		if !ok || len(pair.Elts) != 2 {
			return true
		}
		if first, ok := pair.Elts[0].(*ast.BasicLit); ok {
			name, err := strconv.Unquote(first.Value)
			if err == nil && ruleName.MatchString(name) {
				names = append(names, name)
			}
		}
		return true
	})
	return names
}
