package tenancytest_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var codeBlock = regexp.MustCompile("(?s)\n```go\n(.*?)```")

// The guide is guide_test.go, word for word, behind its imports.
func TestGuidePage(t *testing.T) {
	page, err := os.ReadFile("../docs/guides/testing.md")
	require.NoError(t, err)
	source, err := os.ReadFile("guide_test.go")
	require.NoError(t, err)
	_, code, found := strings.Cut(string(source), "\n)\n")
	require.True(t, found)
	var shown strings.Builder
	for _, block := range codeBlock.FindAllStringSubmatch(string(page), -1) {
		shown.WriteString("\n" + block[1])
	}
	require.Equal(t, code, shown.String())
}
