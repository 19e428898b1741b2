package hygiene

import (
	"go/ast"
	"go/token"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestPackagesAreDocumented(t *testing.T) {
	documented := map[string]bool{}
	for _, s := range sources(t) {
		if !s.isTest() {
			documented[s.dir()] = documented[s.dir()] || s.file.Doc.Text() != ""
		}
	}
	for dir, ok := range documented {
		assert.True(t, ok, "package %s has no doc comment", dir)
	}
}

func TestExportedNamesAreDocumented(t *testing.T) {
	for _, s := range sources(t) {
		if s.isTest() || s.file.Name.Name == "main" {
			continue
		}
		for _, decl := range s.file.Decls {
			for name, doc := range undocumented(decl) {
				assert.NotEmpty(t, doc, "%s: %s has no doc comment", s.at(decl.Pos()), name)
			}
		}
	}
}

// undocumented gives the exported names of a declaration with what is said of each.
func undocumented(decl ast.Decl) map[string]string {
	said := map[string]string{}
	switch d := decl.(type) {
	case *ast.FuncDecl:
		if d.Name.IsExported() && exportedReceiver(d) {
			said[d.Name.Name] = d.Doc.Text()
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				if spec.Name.IsExported() {
					said[spec.Name.Name] = d.Doc.Text() + spec.Doc.Text()
					interfaceMethods(spec, said)
				}
			case *ast.ValueSpec:
				for _, name := range spec.Names {
					if name.IsExported() && d.Tok != token.IMPORT {
						said[name.Name] = d.Doc.Text() + spec.Doc.Text() + spec.Comment.Text()
					}
				}
			}
		}
	}
	return said
}

// interfaceMethods are documented as those of a type are; one that only opens a table
// is told by its name and its type.
func interfaceMethods(spec *ast.TypeSpec, said map[string]string) {
	in, ok := spec.Type.(*ast.InterfaceType)
	if !ok {
		return
	}
	for _, method := range in.Methods.List {
		fn, ok := method.Type.(*ast.FuncType)
		for _, name := range method.Names {
			if ok && name.IsExported() && len(fn.Params.List) > 0 {
				said[spec.Name.Name+"."+name.Name] = method.Doc.Text() + method.Comment.Text()
			}
		}
	}
}

func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	kind := d.Recv.List[0].Type
	for {
		switch k := kind.(type) {
		case *ast.StarExpr:
			kind = k.X
		case *ast.IndexExpr:
			kind = k.X
		case *ast.IndexListExpr:
			kind = k.X
		case *ast.Ident:
			return k.IsExported()
		default:
			return false
		}
	}
}

// What is unfinished is not here, and nobody's machine is.
func TestCommentsAreClean(t *testing.T) {
	for _, s := range sources(t) {
		if s.dir() == "internal/hygiene" {
			continue
		}
		for _, group := range s.file.Comments {
			for _, bad := range []string{"TODO", "FIXME", "XXX", "HACK", "/work/", "/root/", "/home/"} {
				assert.NotContains(t, group.Text(), bad, "%s", s.at(group.Pos()))
			}
			first, _, _ := strings.Cut(group.Text(), "\n")
			assert.NotRegexp(t, `^(if|for|return|func) .*[{;]$`, first, "code in a comment at %s", s.at(group.Pos()))
		}
	}
}
