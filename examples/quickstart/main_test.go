package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestSecondRunChangesNothing(t *testing.T) {
	db := filepath.Join(t.TempDir(), "app.db")
	var first, second bytes.Buffer
	require.NoError(t, run(t.Context(), &first, db, ""))
	require.NoError(t, run(t.Context(), &second, db, ""))
	for _, line := range []string{
		"line 5 is left out", "line 8 is left out: add member \"superuser\": unknown_role", "line 12 is left out",
		"Ada Lovelace is in:", "Globex as guest",
		"rosalind@initech.example: committed, both are there", "barbara@initech.example: rolled back, neither is there",
	} {
		require.Contains(t, first.String(), line)
	}
	require.Contains(t, second.String(), "nothing changed")
	require.Contains(t, second.String(), "rosalind@initech.example: there since the first run")
}

func TestRosterOfOnesOwn(t *testing.T) {
	dir := t.TempDir()
	roster := filepath.Join(dir, "roster.csv")
	require.NoError(t, os.WriteFile(roster, []byte("external,name,domains,email,given,family,role\n"+
		"crm-1003,Initech,,ann@initech.example,Ann,Example,owner\nshort,row\n"), 0o600))
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), &out, filepath.Join(dir, "app.db"), roster))
	require.Contains(t, out.String(), "Ann Example")
	require.Contains(t, out.String(), "line 3 is left out")
	require.Error(t, run(t.Context(), &out, filepath.Join(dir, "app.db"), filepath.Join(dir, "none.csv")))
}
