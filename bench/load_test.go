package bench

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/freehold-dev/freehold/store/sqlite"
)

const atOnce = 64 // workers

// TestLoad has 64 goroutines work at once on one file, in one process and in two. No call fails.
func TestLoad(t *testing.T) {
	span := long(t)
	for _, c := range []struct {
		name  string
		level sqlite.Synchronous
	}{{"NORMAL", sqlite.Normal}, {"FULL", sqlite.Full}} {
		t.Run(c.name, func(t *testing.T) {
			m := openMix(t, filepath.Join(t.TempDir(), "app.db"), c.level)
			m.fill(t, 100, 10)
			log := watchLog(m.path)
			took, err := m.work(t.Context(), 0, atOnce, span)
			log.tell(t, c.name+", 64 goroutines", span, took, err)
			m.whole(t)
		})
	}
	t.Run("two processes", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "app.db")
		m := openMix(t, path, sqlite.Normal)
		m.fill(t, 100, 10)
		log := watchLog(path)
		var children [2]*loadChild
		for i := range children {
			children[i] = startLoad(t, path, i*atOnce/2, span)
		}
		took := spreads{}
		var failed []error
		for _, child := range children {
			part, err := child.ends()
			took.merge(part)
			failed = append(failed, err)
		}
		log.tell(t, "NORMAL, two processes of 32", span, took, errors.Join(failed...))
		m.whole(t)
	})
}

// Names of the variables that make a process of this test one of two at work.
const (
	loadFile = "FREEHOLD_LOAD_FILE"
	loadFrom = "FREEHOLD_LOAD_FROM"
)

// loadChild is a process at work.
type loadChild struct {
	cmd *exec.Cmd
	out strings.Builder
}

func startLoad(t *testing.T, path string, from int, span time.Duration) *loadChild {
	t.Helper()
	c := &loadChild{cmd: exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestLoadChild$")}
	c.cmd.Env = append(os.Environ(), loadFile+"="+path, fmt.Sprint(loadFrom, "=", from), fmt.Sprint("FREEHOLD_SECONDS=", span.Seconds()))
	c.cmd.Stdout, c.cmd.Stderr = &c.out, &c.out
	must(t, c.cmd.Start())
	return c
}

// loadTook is what a child says before it tells how long its calls took, in one line.
const loadTook = "took "

func (c *loadChild) ends() (took spreads, err error) {
	if err := c.cmd.Wait(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, c.out.String())
	}
	_, text, _ := strings.Cut(c.out.String(), loadTook)
	line, _, _ := strings.Cut(text, "\n")
	err = json.Unmarshal([]byte(line), &took)
	return took, err
}

// TestLoadChild is not a test of its own: it is what TestLoad runs twice at once.
func TestLoadChild(t *testing.T) {
	path := os.Getenv(loadFile)
	if path == "" {
		return
	}
	m := openMix(t, path, sqlite.Normal)
	took, err := m.work(t.Context(), int(number(t, loadFrom, 0)), atOnce/2, long(t))
	must(t, err)
	text, err := json.Marshal(took)
	must(t, err)
	fmt.Printf("%s%s\n", loadTook, text)
}

// logWatch looks at the size of a write-ahead log until it is told to stop.
type logWatch struct {
	stop chan struct{}
	size chan [2]int64 // at the end, and the most
}

func watchLog(path string) *logWatch {
	w := &logWatch{stop: make(chan struct{}), size: make(chan [2]int64, 1)}
	go func() {
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		var size [2]int64
		for {
			if info, err := os.Stat(path + "-wal"); err == nil {
				size = [2]int64{info.Size(), max(size[1], info.Size())}
			}
			select {
			case <-w.stop:
				w.size <- size
				return
			case <-tick.C:
			}
		}
	}()
	return w
}

// tell prints what a load came to, and fails where a call did.
func (w *logWatch) tell(t *testing.T, name string, span time.Duration, took spreads, failed error) {
	t.Helper()
	close(w.stop)
	size := <-w.size
	for _, kind := range took.kinds() {
		of := took[kind]
		figure(t, "load", name, kind, fmt.Sprintf("%.0f", float64(of.calls())/span.Seconds()), of.at(0.5), of.at(0.99), of.Longest)
	}
	must(t, failed)
	figure(t, "log", name, "0", megabytes(size[0]), megabytes(size[1]))
}
