package bench

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/freehold-dev/freehold/store/sqlite"
	"github.com/freehold-dev/freehold/tenancy"
)

// TestBackups makes a copy a second while eight write. Each is whole, opens as any file does, and holds what was
// committed before the copy began and nothing from after it.
func TestBackups(t *testing.T) {
	span := long(t)
	dir := t.TempDir()
	m := openMix(t, filepath.Join(dir, "app.db"), sqlite.Normal)
	m.fill(t, 100, 10)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var alone, beside spreads
	alone, err := m.work(ctx, 0, 8, span/10)
	must(t, err)
	worked := make(chan error, 1)
	go func() {
		var err error
		beside, err = m.work(ctx, 8, 8, span)
		worked <- err
	}()
	var took spread
	var size int64
	for begun := time.Now(); time.Since(begun) < span; {
		at := time.Now()
		bytes, copying := m.copies(t, filepath.Join(dir, "copy.db"))
		took.note(copying)
		size = bytes
		time.Sleep(time.Until(at.Add(min(time.Second, span/3))))
	}
	must(t, <-worked)
	m.whole(t)
	figure(t, "backup", took.calls(), "0", megabytes(size), took.at(0.5), took.Longest, alone.of("change").at(0.5), beside.of("change").at(0.5), beside.of("change").at(0.99))
}

// copies makes a copy and looks at it. It gives its size, and how long making it took.
func (m *mix) copies(t *testing.T, path string) (size int64, took time.Duration) {
	t.Helper()
	before, err := m.svc.Events.Last(t.Context())
	must(t, err)
	begun := time.Now()
	must(t, m.store.Backup(t.Context(), path))
	took = time.Since(begun)
	after, err := m.svc.Events.Last(t.Context())
	must(t, err)
	info, err := os.Stat(path)
	must(t, err)
	st, err := sqlite.Open(t.Context(), path)
	must(t, err)
	svc, err := tenancy.New(tenancy.Config{Store: st})
	must(t, err)
	last, err := svc.Events.Last(t.Context())
	must(t, err)
	if last < before || last > after {
		t.Fatalf("the log of the copy ends at %d; it was at %d before and at %d after", last, before, after)
	}
	whole(t, st.DB())
	must(t, st.Close())
	must(t, os.Remove(path))
	return info.Size(), took
}
