package hygiene

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"go/ast"
	"go/importer"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the files of api/ anew")

// The exported names of each public package, with their types, are the lines of a file of
// api/. A change of the API is a change of that file, which a reviewer sees. Write the files
// anew with
//
//	go test ./internal/hygiene -run TestAPI -update
func TestAPI(t *testing.T) {
	checker := newChecker(t)
	written := map[string]bool{}
	for _, dir := range checker.dirs {
		if !isPublic(dir) {
			continue
		}
		name := strings.ReplaceAll(dir, "/", "_") + ".txt"
		written[name] = true
		p, err := checker.Import(module + "/" + dir)
		require.NoError(t, err)
		lines := apiOf(p)
		for _, line := range lines {
			assert.NotContains(t, line, "invalid type", "%s shows a type of a module that it does not know", dir)
		}
		path, text := filepath.Join(root, "api", name), strings.Join(lines, "\n")+"\n"
		if *update {
			require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o777))
			require.NoError(t, os.WriteFile(path, []byte(text), 0o666))
			continue
		}
		kept, err := os.ReadFile(path)
		require.NoError(t, err, "write it with: go test ./internal/hygiene -run TestAPI -update")
		gone, added := difference(strings.Split(strings.TrimSuffix(string(kept), "\n"), "\n"), lines)
		assert.True(t, string(kept) == text, "api/%s is not as the package is. If the change is meant: go test ./internal/hygiene -run TestAPI -update\n%s",
			name, strings.Join(append(prefixed("- ", gone), prefixed("+ ", added)...), "\n"))
	}
	require.Greater(t, len(written), 10)
	files, err := os.ReadDir(filepath.Join(root, "api"))
	require.NoError(t, err)
	for _, file := range files {
		assert.True(t, written[file.Name()], "api/%s is of no public package", file.Name())
	}
}

// isPublic: other modules may import the package, and are meant to.
func isPublic(dir string) bool {
	return !strings.HasPrefix(dir, "internal/") && !strings.Contains(dir, "/internal/") && !isProgram(dir)
}

// difference gives the lines that only a has, and those that only b has.
func difference(a, b []string) (onlyA, onlyB []string) {
	without := func(lines, others []string) (only []string) {
		for _, line := range lines {
			if !slices.Contains(others, line) {
				only = append(only, line)
			}
		}
		return only
	}
	return without(a, b), without(b, a)
}

func prefixed(prefix string, lines []string) (all []string) {
	for _, line := range lines {
		all = append(all, prefix+line)
	}
	return all
}

// checker type-checks the declarations of this module's packages, from their sources. It
// reads the standard library as the compiler left it. What another module declares is
// unknown to it: it costs seconds to compile, and no public name may show it.
type checker struct {
	dirs     []string // of packages, sorted
	files    map[string][]source
	packages map[string]*types.Package
	standard types.Importer
}

func newChecker(t *testing.T) *checker {
	t.Helper()
	c := &checker{files: map[string][]source{}, packages: map[string]*types.Package{}}
	imports := map[string]bool{}
	var set *token.FileSet // of all files
	for _, s := range sources(t) {
		if s.isTest() {
			continue
		}
		set = s.set
		if c.files[s.dir()] == nil {
			c.dirs = append(c.dirs, s.dir())
		}
		c.files[s.dir()] = append(c.files[s.dir()], s)
		for _, spec := range s.file.Imports {
			if path := strings.Trim(spec.Path.Value, `"`); isStandard(path) {
				imports[path] = true
			}
		}
	}
	slices.Sort(c.dirs)
	exports := exportData(t, imports)
	c.standard = importer.ForCompiler(set, "gc", func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) })
	return c
}

func isStandard(path string) bool { return !strings.Contains(strings.Split(path, "/")[0], ".") }

// exportData finds what the compiler wrote of packages of the standard library, and of those
// that they import.
func exportData(t *testing.T, paths map[string]bool) map[string]string {
	t.Helper()
	args := []string{"list", "-deps", "-export", "-json=ImportPath,Export"}
	for path := range paths {
		args = append(args, path)
	}
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = root
	out, err := cmd.Output()
	require.NoError(t, err)
	exports := map[string]string{}
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct{ ImportPath, Export string }
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return exports
		} else {
			require.NoError(t, err)
		}
		exports[p.ImportPath] = p.Export
	}
}

var errForeign = errors.New("a package of another module")

// Import gives a package of this module or of the standard library.
func (c *checker) Import(path string) (*types.Package, error) {
	dir := ours(path)
	switch {
	case path == "unsafe":
		return types.Unsafe, nil
	case c.packages[path] != nil:
		return c.packages[path], nil
	case dir == "" && !isStandard(path):
		return nil, errForeign
	case dir == "":
		return c.standard.Import(path)
	}
	var files []*ast.File
	for _, s := range c.files[dir] {
		files = append(files, s.file)
	}
	if files == nil {
		return nil, fmt.Errorf("no package %s", path)
	}
	// Errors are what comes of foreign packages. One in an exported declaration shows as an invalid type.
	config := types.Config{Importer: c, IgnoreFuncBodies: true, Error: func(error) {}}
	p, _ := config.Check(path, c.files[dir][0].set, files, nil)
	c.packages[path] = p
	return p, nil
}

// apiOf gives a line for each exported name of a package: constants with their values,
// variables, functions, types, their fields with tags, and their methods.
func apiOf(p *types.Package) (lines []string) {
	q := func(other *types.Package) string {
		if other == p {
			return ""
		}
		return other.Name()
	}
	for _, name := range p.Scope().Names() {
		object := p.Scope().Lookup(name)
		if !object.Exported() {
			continue
		}
		kind := types.TypeString(unnamed(object.Type()), q)
		switch o := object.(type) {
		case *types.Const:
			lines = append(lines, fmt.Sprintf("const %s %s = %s", name, kind, o.Val().ExactString()))
		case *types.Var:
			lines = append(lines, fmt.Sprintf("var %s %s", name, kind))
		case *types.Func:
			lines = append(lines, "func "+name+parameters(o.Signature().TypeParams(), q)+strings.TrimPrefix(kind, "func"))
		case *types.TypeName:
			lines = append(lines, typeLines(o, q)...)
		}
	}
	slices.SortFunc(lines, func(a, b string) int { return cmp.Compare(a, b) })
	return slices.Compact(lines)
}

// typeLines are those of a type: itself, the fields of a struct or the methods of an
// interface, and its methods, those that an unexported field brings among them.
func typeLines(o *types.TypeName, q types.Qualifier) (lines []string) {
	if alias, ok := o.Type().(*types.Alias); ok {
		return []string{"type " + o.Name() + parameters(alias.TypeParams(), q) + " = " + types.TypeString(unnamed(alias.Rhs()), q)}
	}
	named, ok := o.Type().(*types.Named)
	if !ok {
		return nil
	}
	head := "type " + o.Name() + parameters(named.TypeParams(), q)
	switch u := named.Underlying().(type) {
	case *types.Struct:
		lines = append(lines, head+" struct")
		lines = append(lines, fieldLines(head+" struct, ", u, q)...)
	case *types.Interface:
		return interfaceLines(head+" interface", u, q)
	default:
		lines = append(lines, head+" "+types.TypeString(unnamed(u), q))
	}
	receivers := []types.Type{named, types.NewPointer(named)}
	for i, set := range []*types.MethodSet{types.NewMethodSet(named), types.NewMethodSet(receivers[1])} {
		for selection := range set.Methods() {
			fn := selection.Obj().(*types.Func)
			byExported := len(selection.Index()) > 1 && named.Underlying().(*types.Struct).Field(selection.Index()[0]).Exported()
			if !fn.Exported() || byExported || (i == 1 && types.NewMethodSet(named).Lookup(fn.Pkg(), fn.Name()) != nil) {
				continue
			}
			signature := strings.TrimPrefix(types.TypeString(unnamed(selection.Type()), q), "func")
			lines = append(lines, fmt.Sprintf("method (%s) %s%s", types.TypeString(receivers[i], q), fn.Name(), signature))
		}
	}
	return lines
}

// fieldLines are those of the exported fields, and of the fields that an unexported
// embedded struct brings.
func fieldLines(head string, u *types.Struct, q types.Qualifier) (lines []string) {
	for i := range u.NumFields() {
		field := u.Field(i)
		inner, isStruct := field.Type().Underlying().(*types.Struct)
		switch {
		case field.Embedded() && !field.Exported() && isStruct:
			lines = append(lines, fieldLines(head, inner, q)...)
		case !field.Exported():
		default:
			line := head + field.Name() + " " + types.TypeString(unnamed(field.Type()), q)
			if field.Embedded() {
				line = head + "embedded " + types.TypeString(field.Type(), q)
			}
			if u.Tag(i) != "" {
				line += " `" + u.Tag(i) + "`"
			}
			lines = append(lines, line)
		}
	}
	return lines
}

func interfaceLines(head string, u *types.Interface, q types.Qualifier) []string {
	lines, closed := []string{head}, false
	for i := range u.NumMethods() {
		method := u.Method(i)
		closed = closed || !method.Exported()
		if method.Exported() {
			lines = append(lines, head+", "+method.Name()+strings.TrimPrefix(types.TypeString(unnamed(method.Type()), q), "func"))
		}
	}
	if closed {
		lines = append(lines, head+", unexported methods")
	}
	for i := range u.NumEmbeddeds() {
		if union, ok := u.EmbeddedType(i).(*types.Union); ok {
			lines = append(lines, head+", "+types.TypeString(union, q))
		}
	}
	return lines
}

// parameters are the type parameters of a function or type, in brackets, or "".
func parameters(list *types.TypeParamList, q types.Qualifier) string {
	var all []string
	for p := range list.TypeParams() {
		all = append(all, p.Obj().Name()+" "+types.TypeString(p.Constraint(), q))
	}
	if all == nil {
		return ""
	}
	return "[" + strings.Join(all, ", ") + "]"
}

// unnamed is a type without the names of parameters: a new name for one breaks nobody.
func unnamed(t types.Type) types.Type {
	switch t := t.(type) {
	case *types.Pointer:
		return types.NewPointer(unnamed(t.Elem()))
	case *types.Slice:
		return types.NewSlice(unnamed(t.Elem()))
	case *types.Array:
		return types.NewArray(unnamed(t.Elem()), t.Len())
	case *types.Map:
		return types.NewMap(unnamed(t.Key()), unnamed(t.Elem()))
	case *types.Chan:
		return types.NewChan(t.Dir(), unnamed(t.Elem()))
	case *types.Signature:
		return types.NewSignatureType(nil, nil, nil, unnamedTuple(t.Params()), unnamedTuple(t.Results()), t.Variadic())
	}
	return t
}

func unnamedTuple(tuple *types.Tuple) *types.Tuple {
	var all []*types.Var
	for v := range tuple.Variables() {
		all = append(all, types.NewParam(v.Pos(), v.Pkg(), "", unnamed(v.Type())))
	}
	return types.NewTuple(all...)
}
