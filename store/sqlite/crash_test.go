package sqlite_test

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/store/sqlite"
)

// A process that is killed while it commits loses nothing that it acknowledged and
// leaves nothing half done. This shows what a crash of the process does; what a loss
// of power does is for Full alone to promise.
func TestCrash(t *testing.T) {
	for _, level := range []sqlite.Synchronous{sqlite.Full, sqlite.Normal} {
		t.Run([]string{"full", "normal"}[level], func(t *testing.T) {
			kills, start, acknowledged, kept := servicetest.Soak(200, 3), time.Now(), 0, 0
			var path string
			for n := range kills {
				if n%crashesPerFile == 0 {
					path = filepath.Join(t.TempDir(), "app.db")
				}
				before := crashRows(t, path)
				told := kill(t, path, level)
				after := crashRows(t, path)
				require.GreaterOrEqual(t, after, told, "acknowledged and lost")
				require.LessOrEqual(t, after, max(before, told)+1, "more than one commit that nobody was told of")
				acknowledged += max(0, told-before)
				kept += after - before
			}
			t.Logf("figures: crash: %d kills, %d commits acknowledged, %d kept, 0 lost, 0 torn, %v",
				kills, acknowledged, kept, time.Since(start).Round(time.Millisecond))
		})
	}
}

// crashesPerFile is how many processes in a row die over one file.
const crashesPerFile = 20

// Names of the variables that make a process of this test the one to be killed.
const (
	crashFile  = "FREEHOLD_CRASH_FILE"
	crashLevel = "FREEHOLD_CRASH_LEVEL"
)

// TestCrashChild is not a test of its own: it is what TestCrash kills. It commits
// until then, and says the number of each commit once it is one.
func TestCrashChild(t *testing.T) {
	path := os.Getenv(crashFile)
	if path == "" {
		return
	}
	level, err := strconv.Atoi(os.Getenv(crashLevel))
	require.NoError(t, err)
	w := newCrashWriter(t, path, sqlite.Synchronous(level))
	for n := w.next(); ; n++ {
		w.commit(n)
		fmt.Printf("%s%d\n", crashAck, n)
	}
}

const crashAck = "committed "

// kill runs a child on the file, kills it at a random moment and gives the number of
// the last commit that it told of, 0 for none.
func kill(t *testing.T, path string, level sqlite.Synchronous) (last int) {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestCrashChild$")
	child.Env = append(os.Environ(), crashFile+"="+path, fmt.Sprintf("%s=%d", crashLevel, level))
	out, err := child.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, child.Start())
	lines := bufio.NewScanner(out)
	// The first commit says that the child is at work; one in ten dies before it.
	if rand.IntN(10) > 0 {
		require.True(t, lines.Scan(), "the child ended by itself")
		last = told(t, lines.Text())
	}
	timer := time.AfterFunc(time.Duration(rand.IntN(30_000))*time.Microsecond, func() { _ = child.Process.Kill() })
	defer timer.Stop()
	for lines.Scan() {
		last = told(t, lines.Text())
	}
	require.Error(t, child.Wait(), "the child was to be killed")
	return last
}

func told(t *testing.T, line string) int {
	t.Helper()
	var n int
	_, err := fmt.Sscanf(line, crashAck+"%d", &n)
	require.NoError(t, err, "the child says %q", line)
	return n
}
