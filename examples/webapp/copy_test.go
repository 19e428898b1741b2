package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The directory can be copied whole into a module of one's own, as README.md says: nothing in it is
// reachable only from this repository.
func TestCopies(t *testing.T) {
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	module := t.TempDir()
	require.NoError(t, os.CopyFS(module, os.DirFS(".")))
	requires, err := os.ReadFile(filepath.Join(root, "go.mod"))
	require.NoError(t, err)
	_, rest, found := strings.Cut(string(requires), "\n") // all but its name
	require.True(t, found)
	mod := "module app.example/webapp\n" + rest +
		"\nrequire github.com/freehold-dev/freehold v0.0.0\n\nreplace github.com/freehold-dev/freehold => " + root + "\n"
	require.NoError(t, os.WriteFile(filepath.Join(module, "go.mod"), []byte(mod), 0o600))
	sums, err := os.ReadFile(filepath.Join(root, "go.sum"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(module, "go.sum"), sums, 0o600))
	for _, args := range [][]string{{"build", "-o", os.DevNull, "."}, {"vet", "."}} { // vet reads the tests, too
		command := exec.CommandContext(t.Context(), "go", args...)
		command.Dir = module
		command.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off")
		out, err := command.CombinedOutput()
		require.NoError(t, err, "go %v: %s", args, out)
	}
}
