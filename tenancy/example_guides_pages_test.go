package tenancy_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var (
	codeBlock   = regexp.MustCompile("(?s)\n```go\n(.*?)```")
	codeLine    = regexp.MustCompile(`(?m)^.`)
	exampleHead = regexp.MustCompile(`(?s)^package tenancy_test\n\nimport \([^)]*\)\n$`)
	exampleFunc = regexp.MustCompile(`(?m)^func Example_\w+\(\) \{\n`)
)

// A page of the guides is its example, word for word: the functions, then what the
// example does. Nothing is in the one that is not in the other.
func TestGuidePages(t *testing.T) {
	examples, err := filepath.Glob("example_guides_*_test.go")
	require.NoError(t, err)
	pages, err := filepath.Glob("../docs/guides/*.md")
	require.NoError(t, err)
	pages = slices.DeleteFunc(pages, func(path string) bool { return filepath.Base(path) == "testing.md" }) // tenancytest has its code
	require.Len(t, examples, len(pages), "a page and an example for each guide, and one index and one test")
	index, err := os.ReadFile("../docs/guides/README.md")
	require.NoError(t, err)
	for _, path := range pages {
		name := filepath.Base(path)
		if name == "README.md" {
			continue
		}
		require.Contains(t, string(index), "]("+name+")")
		page, err := os.ReadFile(path)
		require.NoError(t, err)
		source, err := os.ReadFile("example_guides_" + strings.TrimSuffix(name, ".md") + "_test.go")
		require.NoError(t, err)
		head, rest, found := strings.Cut(string(source), "\n)\n")
		require.True(t, found)
		require.Regexp(t, exampleHead, head+"\n)\n")
		require.Equal(t, rest, shown(t, string(source), string(page)), "%s has not the code of its example", name)
	}
}

// shown is the code of a page as it stands in a source file.
func shown(t *testing.T, source, page string) string {
	t.Helper()
	blocks := codeBlock.FindAllStringSubmatch(page, -1)
	require.NotEmpty(t, blocks)
	var b strings.Builder
	for _, block := range blocks[:len(blocks)-1] {
		b.WriteString("\n" + block[1])
	}
	last := blocks[len(blocks)-1][1]
	require.Contains(t, last, "// Output:\n")
	b.WriteString("\n" + exampleFunc.FindString(source) + codeLine.ReplaceAllString(last, "\t$0") + "}\n")
	return b.String()
}

var routeLine = regexp.MustCompile(`(?m)^    (r\..*)$`)

// The guide to net/http shows lines of examples/todo, which is on chi.
func TestGuideToChi(t *testing.T) {
	page, err := os.ReadFile("../docs/guides/http.md")
	require.NoError(t, err)
	source, err := os.ReadFile("../examples/todo/main.go")
	require.NoError(t, err)
	lines := routeLine.FindAllStringSubmatch(string(page), -1)
	require.NotEmpty(t, lines)
	for _, line := range lines {
		require.Contains(t, string(source), "\t"+line[1]+"\n")
	}
}
