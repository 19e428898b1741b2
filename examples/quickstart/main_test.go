package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A run that leaves rows out never says that nothing changed.
func TestSecondRunChangesNothing(t *testing.T) {
	dir := t.TempDir()
	db := filepath.Join(dir, "app.db")
	var first, second bytes.Buffer
	require.NoError(t, run(t.Context(), &first, db, ""))
	require.NoError(t, run(t.Context(), &second, db, ""))
	for _, line := range []string{
		"The plan: 8 created, 0 changed, 0 unchanged, 3 refused.",
		"left out: line 5", "left out: line 8, column \"role\": add member \"superuser\": unknown_role", "left out: line 12",
		"Ada Lovelace is in:", "Globex as guest",
		"rosalind@initech.example: committed, both are there", "barbara@initech.example: rolled back, neither is there",
	} {
		require.Contains(t, first.String(), line)
	}
	require.Contains(t, second.String(), "The plan: 0 created, 0 changed, 8 unchanged, 3 refused.")
	require.NotContains(t, second.String(), "nothing changed")
	require.Contains(t, second.String(), "3 rows are left out")
	require.Contains(t, second.String(), "rosalind@initech.example: there since the first run")

	var mended []string
	for i, line := range strings.SplitAfter(sample, "\n") {
		if !slices.Contains([]int{5, 8, 12}, i+1) {
			mended = append(mended, line)
		}
	}
	file := filepath.Join(dir, "mended.csv")
	require.NoError(t, os.WriteFile(file, []byte(strings.Join(mended, "")), 0o600))
	var third bytes.Buffer
	require.NoError(t, run(t.Context(), &third, db, file))
	require.Contains(t, third.String(), "nothing changed")
}

func TestRosterOfOnesOwn(t *testing.T) {
	dir := t.TempDir()
	roster := filepath.Join(dir, "roster.csv")
	require.NoError(t, os.WriteFile(roster, []byte("organization_external_id,organization_name,domains,email,given_name,family_name,role\n"+
		"crm-1003,Initech,,ann@initech.example,Ann,Example,owner\nshort,row\n"), 0o600))
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), &out, filepath.Join(dir, "app.db"), roster))
	require.Contains(t, out.String(), "Ann Example")
	require.Contains(t, out.String(), "left out: line 3: has 2 cells, and the header has 7")
	require.Error(t, run(t.Context(), &out, filepath.Join(dir, "app.db"), filepath.Join(dir, "none.csv")))
}
