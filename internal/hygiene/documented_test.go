package hygiene

import (
	"cmp"
	"go/ast"
	"go/token"
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// share counts what is documented of the names, fields and methods that a package exports,
// and which are not.
type share struct {
	documented, all int
	missing         []string
}

func (s *share) count(name, doc string) {
	s.all++
	if doc == "" {
		s.missing = append(s.missing, name)
		return
	}
	s.documented++
}

// Every exported name of a public package is documented, every constant and every field of a
// struct by itself. A field is documented by a comment of its own, or by one of the same
// struct, or of the struct, that names it.
func TestExportedFieldsAreDocumented(t *testing.T) {
	shares, lines, comments := map[string]*share{}, map[string]int{}, map[string]int{}
	var dirs []string
	for _, s := range sources(t) {
		if s.isTest() || !isPublic(s.dir()) {
			continue
		}
		if shares[s.dir()] == nil {
			shares[s.dir()] = &share{}
			dirs = append(dirs, s.dir())
		}
		lines[s.dir()] += s.lines
		for _, group := range s.file.Comments {
			comments[s.dir()] += s.set.Position(group.End()).Line - s.set.Position(group.Pos()).Line + 1
		}
		for _, decl := range s.file.Decls {
			shares[s.dir()].declaration(decl)
		}
	}
	require.Greater(t, len(dirs), 10)
	for _, dir := range slices.Sorted(slices.Values(dirs)) {
		of := shares[dir]
		t.Logf("%-25s %4d of %4d names and fields are documented; %2d %% of %5d lines have comments", dir, of.documented, of.all, 100*comments[dir]/lines[dir], lines[dir])
		assert.Empty(t, of.missing, "%s: without a comment", dir)
	}
}

func (s *share) declaration(decl ast.Decl) {
	if fn, ok := decl.(*ast.FuncDecl); ok && fn.Name.IsExported() && exportedReceiver(fn) {
		s.count(fn.Name.Name, fn.Doc.Text())
	}
	group, ok := decl.(*ast.GenDecl)
	if !ok || group.Tok == token.IMPORT {
		return
	}
	for _, spec := range group.Specs {
		switch spec := spec.(type) {
		case *ast.ValueSpec:
			doc := spec.Doc.Text() + spec.Comment.Text()
			if !group.Lparen.IsValid() {
				doc += group.Doc.Text()
			}
			for _, name := range spec.Names {
				if name.IsExported() {
					s.count(name.Name, cmp.Or(doc, groupSays(group, name.Name)))
				}
			}
		case *ast.TypeSpec:
			if !spec.Name.IsExported() {
				continue
			}
			doc := group.Doc.Text() + spec.Doc.Text()
			s.count(spec.Name.Name, doc)
			switch kind := spec.Type.(type) {
			case *ast.StructType:
				s.fields(spec.Name.Name, doc, kind.Fields.List)
			case *ast.InterfaceType:
				s.fields(spec.Name.Name, doc, kind.Methods.List)
			}
		}
	}
}

// fields counts the exported fields of a struct, or the methods of an interface; doc is the
// comment of the type. An embedded one has its comment at its own type.
func (s *share) fields(kind, doc string, all []*ast.Field) {
	said := doc
	for _, field := range all {
		said += "\n" + field.Doc.Text()
	}
	for _, field := range all {
		for _, name := range field.Names {
			if name.IsExported() {
				s.count(kind+"."+name.Name, cmp.Or(field.Doc.Text()+field.Comment.Text(), naming(said, name.Name)))
			}
		}
	}
}

// groupSays is what the comments of other constants of a group say, if they name this one.
func groupSays(group *ast.GenDecl, name string) string {
	said := ""
	for _, spec := range group.Specs {
		if value, ok := spec.(*ast.ValueSpec); ok {
			said += value.Doc.Text()
		}
	}
	return naming(said, name)
}

// naming is text if the name is a word of it, "" else.
func naming(text, name string) string {
	if regexp.MustCompile(`\b` + name + `\b`).MatchString(text) {
		return text
	}
	return ""
}
