package sqlite_test

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestLibcIsTheDriversOwn: modernc.org/libc must be exactly the version that
// modernc.org/sqlite was made with; with another one it may misbehave silently.
func TestLibcIsTheDriversOwn(t *testing.T) {
	type module struct{ Version, GoMod string }
	list := func(args ...string) []byte {
		command := exec.Command("go", append([]string{"list", "-m"}, args...)...)
		command.Env = append(command.Environ(), "GOPROXY=off")
		var told bytes.Buffer
		command.Stderr = &told
		out, err := command.Output()
		require.NoError(t, err, told.String())
		return out
	}
	var driver, libc module
	require.NoError(t, json.Unmarshal(list("-json", "modernc.org/sqlite"), &driver))
	require.NoError(t, json.Unmarshal(list("-json", "modernc.org/libc"), &libc))
	var wants struct {
		Require []struct{ Path, Version string }
	}
	out, err := exec.Command("go", "mod", "edit", "-json", driver.GoMod).Output()
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(out, &wants))
	for _, r := range wants.Require {
		if r.Path == "modernc.org/libc" {
			require.Equal(t, r.Version, libc.Version)
			return
		}
	}
	t.Fatal("modernc.org/sqlite no longer names modernc.org/libc")
}
