package main

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The first screen of the README is this program and what it prints.
func TestReadme(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	source, err := os.ReadFile("main.go")
	require.NoError(t, err)
	_, program, _ := strings.Cut(string(source), "\npackage main")
	require.Contains(t, string(readme), "```go\npackage main"+program+"```")

	stdout := os.Stdout
	r, w, err := os.Pipe()
	require.NoError(t, err)
	os.Stdout = w
	main()
	os.Stdout = stdout
	require.NoError(t, w.Close())
	printed := make([]byte, 4096)
	n, err := r.Read(printed)
	require.NoError(t, err)
	require.Contains(t, string(readme), "```\n"+string(printed[:n])+"```")
}
