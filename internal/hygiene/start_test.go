package hygiene

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The page for beginners has the whole program: who pastes its blocks one after the other has the
// code of examples/todo. Comments may differ.
func TestGettingStarted(t *testing.T) {
	page := paper(t, "docs/getting-started.md")
	var pasted strings.Builder
	for _, found := range goBlock.FindAllStringSubmatch(page, -1) {
		pasted.WriteString(found[1])
	}
	lines := func(text string) []string { return slices.Sorted(strings.Lines(codeLines(text))) }
	require.True(t, strings.HasPrefix(codeLines(pasted.String()), "\npackage main\n"))
	require.Equal(t, lines(paper(t, "examples/todo/main.go")), lines(pasted.String()))
	require.Contains(t, page, "\n//go:embed pages.html\nvar pagesText string\n") // a comment that counts
	require.Contains(t, page, "\n```html\n"+paper(t, "examples/todo/pages.html")+"```\n")
}
