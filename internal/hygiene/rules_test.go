package hygiene

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	rulesPage = "docs/rules.md"
	rulesURL  = "https://github.com/freehold-dev/freehold/blob/main/" + rulesPage
)

var (
	ruleNumber = regexp.MustCompile(`\b[A-Z][1-9][0-9]?\b`)
	ruleRow    = regexp.MustCompile(`(?m)^- <a id="([^"]*)"></a>(\*\*)?([A-Z][1-9][0-9]?) (.*)$`)
	// caseName is the name of a case: the rules that it proves, and then what it shows.
	caseName  = regexp.MustCompile(`^([A-Z][1-9][0-9]?(?:(?:,? |-)[A-Z][1-9][0-9]?)*) [^ ]`)
	bareRules = regexp.MustCompile(`^\(?(rules? )?[A-Z][1-9][0-9]?((, | and )[A-Z][1-9][0-9]?)*\)?\.?$`)
	codeFence = regexp.MustCompile("(?ms)^```.*?^```")
)

// rulebook is docs/rules.md: the numbers of the rules that are built, and of those that are not yet.
type rulebook struct{ built, planned map[string]bool }

func readRules(t *testing.T) rulebook {
	t.Helper()
	book := rulebook{map[string]bool{}, map[string]bool{}}
	for _, row := range ruleRow.FindAllStringSubmatch(paper(t, rulesPage), -1) {
		number := row[3]
		assert.Equal(t, strings.ToLower(number), row[1], "the anchor of rule %s in %s", number, rulesPage)
		assert.False(t, book.built[number] || book.planned[number], "rule %s is there twice in %s", number, rulesPage)
		if row[2] != "" {
			book.built[number] = true
		} else {
			book.planned[number] = true
		}
	}
	require.Greater(t, len(book.built), 100)
	return book
}

// cited asserts that a number which a text cites is a rule, and one that is built.
func (b rulebook) cited(t *testing.T, number, where string) {
	t.Helper()
	switch {
	case b.planned[number]:
		assert.Fail(t, "cited before it is built", "%s cites rule %s, which %s says is not built yet: move it into its subject there", where, number, rulesPage)
	case !b.built[number]:
		assert.Fail(t, "cited and not defined", "%s cites %s, which %s does not define: add the rule, or write what is no rule in another way", where, number, rulesPage)
	}
}

// allSources are all Go files of the repository, those of nested modules too.
func allSources(t *testing.T) []source {
	t.Helper()
	all, err := parseAll()
	require.NoError(t, err)
	return all
}

var parseAll = sync.OnceValues(func() (all []source, err error) {
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && path != root && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "testdata") {
			return filepath.SkipDir
		}
		if filepath.Ext(path) != ".go" {
			return nil
		}
		s := source{set: token.NewFileSet()}
		if s.path, err = filepath.Rel(root, path); err != nil {
			return err
		}
		s.file, err = parser.ParseFile(s.set, path, nil, parser.ParseComments|parser.SkipObjectResolution)
		all = append(all, s)
		return err
	})
	return all, err
})

// caseNames are the texts of a file of tests that name a case, with where they stand.
func caseNames(s source) map[string]token.Pos {
	names := map[string]token.Pos{}
	ast.Inspect(s.file, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			if text, err := strconv.Unquote(lit.Value); err == nil && caseName.MatchString(text) {
				names[text] = lit.Pos()
			}
		}
		return true
	})
	return names
}

// Every rule that a comment, the name of a case or a document cites is defined on the page of the rules.
func TestRulesAreDefined(t *testing.T) {
	book := readRules(t)
	for _, s := range allSources(t) {
		for _, group := range s.file.Comments {
			for _, number := range ruleNumber.FindAllString(group.Text(), -1) {
				book.cited(t, number, s.at(group.Pos()))
			}
		}
		for name, pos := range caseNames(s) {
			for _, number := range ruleNumber.FindAllString(caseName.FindStringSubmatch(name)[1], -1) {
				book.cited(t, number, s.at(pos))
			}
		}
	}
	require.NoError(t, filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".md" || filepath.ToSlash(path) == root+"/"+rulesPage {
			return err
		}
		text, err := os.ReadFile(path)
		for _, number := range ruleNumber.FindAllString(codeFence.ReplaceAllString(string(text), ""), -1) {
			book.cited(t, number, path)
		}
		return err
	}))
	page := ruleRow.ReplaceAllString(paper(t, rulesPage), "$4") // what rules say of one another
	for _, number := range ruleNumber.FindAllString(page, -1) {
		assert.True(t, book.built[number] || book.planned[number] || number == "S5", "%s cites %s", rulesPage, number)
	}
}

// Every rule on the page is proved by a case that names it: one of a suite, or a test whose comment does.
func TestRulesAreProved(t *testing.T) {
	proved := map[string]bool{}
	for _, s := range allSources(t) {
		if !s.isTest() && !strings.HasPrefix(filepath.ToSlash(s.path), "internal/servicetest/") {
			continue
		}
		for name := range caseNames(s) {
			for _, number := range ruleNumber.FindAllString(caseName.FindStringSubmatch(name)[1], -1) {
				proved[number] = true
			}
		}
		for _, number := range ruleNumber.FindAllString(commentsOfTests(s), -1) {
			proved[number] = true
		}
	}
	for number := range readRules(t).built {
		assert.True(t, proved[number], "no case names rule %s of %s", number, rulesPage)
	}
}

// commentsOfTests are the comments above the tests of a file, and behind their first lines.
func commentsOfTests(s source) string {
	first := map[int]bool{}
	var b strings.Builder
	for _, decl := range s.file.Decls {
		fn, ok := decl.(*ast.FuncDecl)
		if ok && fn.Recv == nil && (strings.HasPrefix(fn.Name.Name, "Test") || strings.HasPrefix(fn.Name.Name, "Fuzz")) {
			b.WriteString(fn.Doc.Text())
			first[s.set.Position(fn.Pos()).Line] = true
		}
	}
	for _, group := range s.file.Comments {
		if first[s.set.Position(group.Pos()).Line] {
			b.WriteString(group.Text())
		}
	}
	return b.String()
}

// isPage reports whether people read the comments of a file as documentation.
func isPage(s source) bool {
	first, _, _ := strings.Cut(s.dir(), "/")
	return !s.isTest() && !slices.Contains([]string{"internal", "examples", "bench"}, first) && !strings.Contains(s.dir(), "/internal")
}

// A comment that people read says its rule in words, and the number behind, in brackets. The documentation of a
// package that cites rules says where they are.
func TestRulesAreCitedInWords(t *testing.T) {
	cites, says := map[string]bool{}, map[string]bool{}
	for _, s := range allSources(t) {
		if !isPage(s) {
			continue
		}
		says[s.dir()] = says[s.dir()] || strings.Contains(s.file.Doc.Text(), rulesURL)
		for _, group := range s.file.Comments {
			text := strings.Join(strings.Fields(group.Text()), " ")
			assert.NotRegexp(t, bareRules, text, "%s: say what the rule is", s.at(group.Pos()))
			for _, at := range ruleNumber.FindAllStringIndex(text, -1) {
				cites[s.dir()] = true
				before := text[:at[0]]
				inBrackets := strings.LastIndex(before, "(") > strings.LastIndex(before, ")")
				assert.True(t, inBrackets, "%s: cite %s in brackets", s.at(group.Pos()), text[at[0]:at[1]])
			}
		}
	}
	for _, dir := range slices.Sorted(maps.Keys(cites)) {
		assert.True(t, says[dir], "the documentation of package %s does not say where its rules are: %s", dir, rulesURL)
	}
}

var seeNames = regexp.MustCompile("`((?:[a-z]+\\.)?[A-Z][A-Za-z]*(?:\\.[A-Z][A-Za-z]*)?)`")

// Every name on the page of the rules is one that a program can use.
func TestRulesNameWhatIsThere(t *testing.T) {
	exported := map[string]bool{}
	for _, s := range allSources(t) {
		if isPage(s) {
			exportedNames(s, exported)
		}
	}
	for _, row := range strings.Split(paper(t, rulesPage), "\n- ") {
		_, see, ok := strings.Cut(strings.Join(strings.Fields(row), " "), " See ")
		assert.Equal(t, strings.Contains(row, "</a>**"), ok, "a rule has a See: %.60s", row)
		for _, name := range seeNames.FindAllStringSubmatch(see, -1) {
			full := name[1]
			if full[0] >= 'A' && full[0] <= 'Z' {
				full = "tenancy." + full
			}
			assert.True(t, exported[full], "%s names %s, which is not there: %.60s", rulesPage, name[1], row)
		}
	}
}

// exportedNames adds those of a file, as package.Name and package.Type.Name of a method or a field.
func exportedNames(s source, names map[string]bool) {
	pkg := s.file.Name.Name + "."
	for _, decl := range s.file.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil {
				names[pkg+d.Name.Name] = true
			} else if recv := receiver(d.Recv.List[0].Type); recv != "" {
				names[pkg+recv+"."+d.Name.Name] = true
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				specNames(spec, pkg, names)
			}
		}
	}
}

func specNames(spec ast.Spec, pkg string, names map[string]bool) {
	switch spec := spec.(type) {
	case *ast.ValueSpec:
		for _, name := range spec.Names {
			names[pkg+name.Name] = true
		}
	case *ast.TypeSpec:
		names[pkg+spec.Name.Name] = true
		if fields, ok := spec.Type.(*ast.StructType); ok {
			for _, field := range fields.Fields.List {
				for _, name := range field.Names {
					names[pkg+spec.Name.Name+"."+name.Name] = true
				}
			}
		}
	}
}

// receiver is the name of a method's type.
func receiver(of ast.Expr) string {
	switch k := of.(type) {
	case *ast.StarExpr:
		return receiver(k.X)
	case *ast.IndexExpr:
		return receiver(k.X)
	case *ast.Ident:
		return k.Name
	}
	return ""
}
