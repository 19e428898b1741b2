package hygiene

import (
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// files reads every file of the repository with an extension, by its path from the root. Nested
// modules are read, too; directories that begin with a dot, and testdata, are not.
func files(t *testing.T, extension string) map[string]string {
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

var (
	fence   = regexp.MustCompile("(?ms)^ *```.*?^ *```$")
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ +(.*)$`)
	// noAnchor is what a heading's anchor leaves out.
	noAnchor = regexp.MustCompile(`[^\p{L}\p{N}\- _]`)
)

// anchors are the names by which a page's headings are linked to.
func anchors(page string) map[string]bool {
	found := map[string]bool{}
	for _, h := range heading.FindAllStringSubmatch(fence.ReplaceAllString(page, ""), -1) {
		title := link.ReplaceAllString(h[1], "")
		name := noAnchor.ReplaceAllString(strings.ToLower(title), "")
		found[strings.ReplaceAll(name, " ", "-")] = true
	}
	return found
}

// A relative link in a page leads to a file that is there, and to a heading that it has.
func TestLinksLead(t *testing.T) {
	pages, checked := files(t, ".md"), 0
	for name, page := range pages {
		for _, found := range link.FindAllStringSubmatch(fence.ReplaceAllString(page, ""), -1) {
			target, anchor, _ := strings.Cut(found[1], "#")
			if strings.Contains(target, "://") {
				continue
			}
			checked++
			file := name
			if target != "" {
				file = path.Join(path.Dir(name), target)
			}
			_, err := os.Stat(filepath.Join(root, file))
			assert.NoError(t, err, "%s links to %s", name, found[1])
			if text, isPage := pages[file]; isPage && anchor != "" {
				assert.True(t, anchors(text)[anchor], "%s links to %s, which has no such heading", name, found[1])
			}
		}
	}
	require.Greater(t, checked, 100)
}

// Every page is reached by links from the README.
func TestPagesAreReached(t *testing.T) {
	pages := files(t, ".md")
	reached, next := map[string]bool{"README.md": true}, []string{"README.md"}
	for len(next) > 0 {
		name := next[0]
		next = next[1:]
		for _, found := range link.FindAllStringSubmatch(pages[name], -1) {
			target, _, _ := strings.Cut(found[1], "#")
			file := path.Join(path.Dir(name), target)
			if _, isPage := pages[file]; isPage && !reached[file] {
				reached[file] = true
				next = append(next, file)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(pages)) {
		assert.True(t, reached[name], "no way leads from README.md to %s", name)
	}
}

var goBlock = regexp.MustCompile("(?ms)^ *```go\n(.*?)^ *```$")

var (
	comment = regexp.MustCompile(`(^|\s)//.*`)
	blanks  = regexp.MustCompile(`\s+`)
)

// codeLines are the lines of a text without indentation, comments and empty lines, so that a part of
// a function can be compared with one that stands by itself.
func codeLines(text string) string {
	var b strings.Builder
	b.WriteByte('\n')
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(blanks.ReplaceAllString(comment.ReplaceAllString(line, ""), " "))
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
	for _, text := range files(t, ".go") {
		sources = append(sources, codeLines(text))
	}
	blocks := 0
	for name, page := range files(t, ".md") {
		for _, found := range goBlock.FindAllStringSubmatch(page, -1) {
			blocks++
			block := codeLines(found[1])
			there := slices.ContainsFunc(sources, func(source string) bool { return strings.Contains(source, block) })
			assert.True(t, there, "%s: no Go file has these lines:\n%s", name, found[1])
		}
	}
	require.Greater(t, blocks, 20)
}
