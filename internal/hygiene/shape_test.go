package hygiene

import (
	"go/ast"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	maxFile     = 500 // lines
	maxMedian   = 200
	maxFunction = 80
)

func TestFilesAreShort(t *testing.T) {
	var lines []int
	for _, s := range sources(t) {
		assert.LessOrEqual(t, s.lines, maxFile, s.path)
		lines = append(lines, s.lines)
	}
	slices.Sort(lines)
	require.Less(t, lines[len(lines)/2], maxMedian, "the median file")
}

func TestFunctionsAreShort(t *testing.T) {
	for _, s := range sources(t) {
		for _, decl := range s.file.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok {
				lines := s.set.Position(fn.End()).Line - s.set.Position(fn.Pos()).Line + 1
				assert.LessOrEqual(t, lines, maxFunction, "%s %s", s.at(fn.Pos()), fn.Name.Name)
			}
		}
	}
}

// isProof: packages that only tests import may start goroutines and draw at random.
func isProof(s source) bool {
	proofs := []string{"store/storetest", "internal/servicetest", "internal/dnstest", "internal/smtptest"}
	return s.isTest() || slices.Contains(proofs, s.dir()) || strings.HasPrefix(s.dir(), "internal/servicetest/")
}

// Nothing starts a goroutine behind the host's back.
func TestNoGoroutines(t *testing.T) {
	for _, s := range sources(t) {
		if isProof(s) || isProgram(s.dir()+"/") {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if start, ok := n.(*ast.GoStmt); ok {
				assert.Fail(t, "a goroutine", s.at(start.Pos()))
			}
			return true
		})
	}
}

// The order in which Go reads x and calls f in "return x, f(&x)" is not specified: the
// caller may get x as it was before the call.
func TestNothingIsReturnedBesideTheCallThatFillsIt(t *testing.T) {
	for _, s := range sources(t) {
		if s.isTest() {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if ret, ok := n.(*ast.ReturnStmt); ok {
				for _, name := range filledBeside(ret) {
					assert.Fail(t, "return "+name+" beside a call that takes its address", s.at(ret.Pos()))
				}
			}
			return true
		})
	}
}

// filledBeside gives the variables that a statement returns and whose address, or that of
// a part of them, one of its calls takes.
func filledBeside(ret *ast.ReturnStmt) []string {
	var returned, filled []string
	for _, result := range ret.Results {
		if name, ok := result.(*ast.Ident); ok {
			returned = append(returned, name.Name)
		}
	}
	for _, result := range ret.Results {
		ast.Inspect(result, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			for _, arg := range call.Args {
				if name, ok := addressee(arg); ok && slices.Contains(returned, name) {
					filled = append(filled, name)
				}
			}
			return true
		})
	}
	return filled
}

// addressee is the variable whose address an argument is, such as x of &x and &x.y.
func addressee(arg ast.Expr) (string, bool) {
	address, ok := arg.(*ast.UnaryExpr)
	if !ok || address.Op != token.AND {
		return "", false
	}
	for x := address.X; ; {
		switch part := x.(type) {
		case *ast.Ident:
			return part.Name, true
		case *ast.SelectorExpr:
			x = part.X
		case *ast.IndexExpr:
			x = part.X
		case *ast.ParenExpr:
			x = part.X
		default:
			return "", false
		}
	}
}

// injected are what Config gives: nothing below it reads them by itself.
var injected = map[string][]string{
	"time":                   {"Now", "Since", "Until"},
	"math/rand":              nil, // all of it
	"math/rand/v2":           nil,
	"crypto/rand":            nil,
	"github.com/google/uuid": {"New", "NewString", "NewRandom", "NewUUID", "NewV6", "NewV7", "Must", "EnableRandPool"},
}

func TestClockIdsAndRandomnessAreInjected(t *testing.T) {
	for _, s := range sources(t) {
		inside := s.dir() == "tenancy" || s.dir() == "store" || strings.HasPrefix(s.dir(), "store/")
		switch {
		case !inside, isProof(s), s.path == filepath.Join("tenancy", "config.go"):
			continue
		case s.path == filepath.Join("store", "sqlite", "stats.go"): // what is told of, and decides nothing
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			selector, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			path, ok := imported(s, selector.X)
			names, watched := injected[path]
			if ok && watched && (names == nil || slices.Contains(names, selector.Sel.Name)) {
				assert.Fail(t, path+"."+selector.Sel.Name, s.at(n.Pos()))
			}
			return true
		})
	}
}

// imported is the path of the package that an expression names.
func imported(s source, x ast.Expr) (string, bool) {
	name, ok := x.(*ast.Ident)
	if !ok {
		return "", false
	}
	for _, spec := range s.file.Imports {
		path := strings.Trim(spec.Path.Value, `"`)
		local := strings.TrimSuffix(path, "/v2")
		local = local[strings.LastIndex(local, "/")+1:]
		if spec.Name != nil {
			local = spec.Name.Name
		}
		if local == name.Name {
			return path, true
		}
	}
	return "", false
}

// Every fuzz target has seeds in the repository.
func TestFuzzCorpora(t *testing.T) {
	targets := 0
	for _, s := range sources(t) {
		for _, decl := range s.file.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if !ok || !s.isTest() || fn.Recv != nil || !strings.HasPrefix(fn.Name.Name, "Fuzz") {
				continue
			}
			targets++
			seeds, err := os.ReadDir(filepath.Join(root, s.dir(), "testdata", "fuzz", fn.Name.Name))
			assert.NoError(t, err)
			assert.NotEmpty(t, seeds, "%s has no seeds", fn.Name.Name)
		}
	}
	require.Positive(t, targets)
}

// Every package with tests looks for goroutines left behind; storetest has the
// standard library alone.
func TestGoleakEverywhere(t *testing.T) {
	checked := map[string]bool{}
	for _, s := range sources(t) {
		if !s.isTest() || s.dir() == "store/storetest" {
			continue
		}
		checked[s.dir()] = checked[s.dir()] || slices.ContainsFunc(s.file.Decls, func(decl ast.Decl) bool {
			fn, ok := decl.(*ast.FuncDecl)
			return ok && fn.Name.Name == "TestMain"
		})
	}
	for dir, ok := range checked {
		assert.True(t, ok, "%s has no TestMain with goleak", dir)
	}
}
