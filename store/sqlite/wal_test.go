package sqlite_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/store/sqlite"
	"github.com/freehold-dev/freehold/tenancy"
)

// Whatever happens to the write-ahead log, a database opens with some of its commits,
// from the first one on and each of them whole, or not at all and says why.
func TestDamagedLog(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	images, opened, most, start := servicetest.Soak(500, 20), 0, 0, time.Now()
	whole := logImages(t)
	for n := range images {
		image := whole[n%len(whole)]
		commits, ok := image.damaged(t, random)
		if ok {
			opened++
			require.LessOrEqual(t, commits, image.commits)
			require.GreaterOrEqual(t, commits, image.settled)
			most = max(most, commits)
		}
	}
	t.Logf("figures: log: %d images cut or flipped, %d opened with 0 to %d whole commits, %d refused with a typed error, %v",
		images, opened, most, images-opened, time.Since(start).Round(time.Millisecond))
}

// logImage is a database and its log, as they lie while a process is at work.
type logImage struct {
	file, log []byte
	commits   int // made
	settled   int // of them in the file already
}

// logImages are one whose log has all there is, the schema included; one whose file
// has the schema; and one whose file has some of the commits.
func logImages(t *testing.T) []logImage {
	t.Helper()
	const commits = 20
	path := filepath.Join(t.TempDir(), "app.db")
	var images []logImage
	take := func(made, settled int) {
		file, err := os.ReadFile(path)
		require.NoError(t, err)
		log, err := os.ReadFile(path + "-wal")
		require.NoError(t, err)
		images = append(images, logImage{file, log, made, settled})
	}
	w := newCrashWriter(t, path, sqlite.Normal)
	work := func(from int) {
		for n := from; n < from+commits; n++ {
			w.commit(n)
		}
	}
	settle := func() {
		_, err := w.st.DB().ExecContext(t.Context(), `PRAGMA wal_checkpoint(TRUNCATE)`)
		require.NoError(t, err)
	}
	work(1)
	take(commits, 0)
	settle()
	work(1 + commits)
	take(2*commits, commits)
	_, err := w.st.DB().ExecContext(t.Context(), `PRAGMA wal_checkpoint(RESTART)`)
	require.NoError(t, err)
	work(1 + 2*commits) // over the old log, of which the end still lies behind it
	take(3*commits, 2*commits)
	return images
}

// damaged opens a copy whose log is cut or has bytes that are not its own, and gives
// the number of commits in it; ok is false if it does not open.
func (i logImage) damaged(t *testing.T, random *rand.Rand) (commits int, ok bool) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "app.db")
	log := append([]byte(nil), i.log...)
	at := random.IntN(len(log))
	switch random.IntN(4) {
	case 0:
		log = log[:at]
	case 1:
		log[at] ^= 1 << random.IntN(8)
	case 2:
		clear(log[at:min(len(log), at+4096)])
	case 3:
		log[random.IntN(64)] ^= 1 << random.IntN(8) // the header, or the first frame's
	}
	require.NoError(t, os.WriteFile(path, i.file, 0o600))
	require.NoError(t, os.WriteFile(path+"-wal", log, 0o600))
	st, err := sqlite.Open(t.Context(), path)
	if err != nil {
		require.Contains(t, []tenancy.Code{tenancy.ErrCorrupt, tenancy.ErrNotADatabase, tenancy.ErrSchema}, tenancy.CodeOf(err))
		return 0, false
	}
	defer func() { require.NoError(t, st.Close()) }()
	return wholeRows(t, st), true
}
