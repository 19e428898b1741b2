package hygiene

import (
	"io/fs"
	"maps"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// readAll reads every file of the repository with an extension, by its path from the root. Nested
// modules are read, too; directories that begin with a dot, and testdata, are not.
func readAll(t *testing.T, extension string) map[string]string {
	t.Helper()
	all := map[string]string{}
	tree := os.DirFS(root)
	require.NoError(t, fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && name != "." && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "testdata"):
			return fs.SkipDir
		case entry.IsDir() || path.Ext(name) != extension:
			return nil
		}
		text, err := fs.ReadFile(tree, name)
		all[name] = string(text)
		return err
	}))
	require.NotEmpty(t, all)
	return all
}

var pageLink = regexp.MustCompile(`\]\(([^)\s#]+)`)

// Every page can be reached from the README, by links.
func TestPagesAreReached(t *testing.T) {
	pages := readAll(t, ".md")
	reached, next := map[string]bool{"README.md": true}, []string{"README.md"}
	for len(next) > 0 {
		name := next[0]
		next = next[1:]
		for _, found := range pageLink.FindAllStringSubmatch(pages[name], -1) {
			file := path.Join(path.Dir(name), found[1])
			if _, isPage := pages[file]; isPage && !reached[file] {
				reached[file] = true
				next = append(next, file)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(pages)) {
		assert.True(t, reached[name], "no link leads from README.md, over other pages, to %s", name)
	}
}

var (
	goBlock   = regexp.MustCompile("(?ms)^ *```go\n(.*?)^ *```$")
	goComment = regexp.MustCompile(`(^|\s)//.*`)
	goBlanks  = regexp.MustCompile(`\s+`)
)

// codeLines are the lines of a text without indentation, comments and empty lines, so that a part of
// a function can be compared with one that stands by itself.
func codeLines(text string) string {
	var b strings.Builder
	b.WriteByte('\n')
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(goBlanks.ReplaceAllString(goComment.ReplaceAllString(line, ""), " "))
		if line != "" {
			b.WriteString(line + "\n")
		}
	}
	return b.String()
}

// Go in a page is Go that compiles: its lines stand, one after the other, in a Go file of this
// repository. Comments may differ.
func TestGoBlocksCompile(t *testing.T) {
	var sources []string
	for _, text := range readAll(t, ".go") {
		sources = append(sources, codeLines(text))
	}
	blocks := 0
	for name, page := range readAll(t, ".md") {
		for _, found := range goBlock.FindAllStringSubmatch(page, -1) {
			blocks++
			block := codeLines(found[1])
			there := slices.ContainsFunc(sources, func(source string) bool { return strings.Contains(source, block) })
			assert.True(t, there, "%s: no Go file has these lines:\n%s", name, found[1])
		}
	}
	require.Greater(t, blocks, 20)
}
