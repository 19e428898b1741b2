package hygiene

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What go test ./... may take, in seconds, on a quiet machine with two cores. A test that
// needs more belongs to the long counts, in part or as a whole.
const (
	maxTest    = 12.0 // a top-level test
	maxPackage = 40.0
)

// elapsed is how long a test took, or a package if test is empty.
type elapsed struct {
	Package, Test string
	Elapsed       float64 // seconds
}

// tooSlow reads what go test -json wrote and gives all elapsed times, the longest first, and
// those that are too long. The bounds are multiplied by factor.
func tooSlow(log io.Reader, factor float64) (all []elapsed, slow []string, err error) {
	for decoder := json.NewDecoder(log); ; {
		var event struct {
			elapsed
			Action string
		}
		err := decoder.Decode(&event)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, nil, err
		}
		if (event.Action == "pass" || event.Action == "fail") && !strings.Contains(event.Test, "/") {
			all = append(all, event.elapsed)
		}
	}
	slices.SortFunc(all, func(a, b elapsed) int { return cmp.Compare(b.Elapsed, a.Elapsed) })
	for _, e := range all {
		switch {
		case e.Test == "" && e.Elapsed > maxPackage*factor:
			slow = append(slow, fmt.Sprintf("package %s takes %.1f s, more than %g s", e.Package, e.Elapsed, maxPackage*factor))
		case e.Test != "" && e.Elapsed > maxTest*factor:
			slow = append(slow, fmt.Sprintf("%s of %s takes %.1f s, more than %g s", e.Test, e.Package, e.Elapsed, maxTest*factor))
		}
	}
	return all, slow, nil
}

// The quick run stays quick. FREEHOLD_TEST_LOG names a file with what go test -json wrote;
// without it there is nothing to look at. On a machine that is slower or shared,
// FREEHOLD_TEST_FACTOR multiplies the bounds.
func TestTestsAreQuick(t *testing.T) {
	path := os.Getenv("FREEHOLD_TEST_LOG")
	if path == "" {
		return
	}
	factor := 1.0
	if text := os.Getenv("FREEHOLD_TEST_FACTOR"); text != "" {
		var err error
		factor, err = strconv.ParseFloat(text, 64)
		require.NoError(t, err)
	}
	log, err := os.ReadFile(path)
	require.NoError(t, err)
	all, slow, err := tooSlow(bytes.NewReader(log), factor)
	require.NoError(t, err)
	require.Greater(t, len(all), 100, "%s holds no run of all tests", path)
	for _, e := range all[:15] {
		t.Logf("%6.1f s  %s %s", e.Elapsed, e.Package, e.Test)
	}
	for _, what := range slow {
		assert.Fail(t, what)
	}
}

func TestSlowTestsAreNamed(t *testing.T) {
	const log = `{"Action":"start","Package":"a"}
{"Action":"pass","Package":"a","Test":"TestLong/part","Elapsed":99}
{"Action":"output","Package":"a","Test":"TestLong","Output":"--- PASS: TestLong (12.10s)\n"}
{"Action":"pass","Package":"a","Test":"TestLong","Elapsed":12.1}
{"Action":"pass","Package":"a","Test":"TestShort","Elapsed":12}
{"Action":"fail","Package":"a","Elapsed":40.5}
{"Action":"pass","Package":"b","Elapsed":40}
`
	all, slow, err := tooSlow(strings.NewReader(log), 1)
	require.NoError(t, err)
	require.Len(t, all, 4)
	require.Equal(t, []string{"package a takes 40.5 s, more than 40 s", "TestLong of a takes 12.1 s, more than 12 s"}, slow)
	_, slow, err = tooSlow(strings.NewReader(log), 2)
	require.NoError(t, err)
	require.Empty(t, slow)
	_, _, err = tooSlow(strings.NewReader("ok  \ta\t1.0s\n"), 1)
	require.Error(t, err)
}
