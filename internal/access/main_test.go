package access

import (
	"encoding/binary"
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// testProfile says for which pair it was read, and which version of it.
type testProfile struct {
	pair    Key
	version int
}

type testBase struct{ made int }

type testCache = Cache[testProfile, testBase]

// soak is long where FREEHOLD_SOAK=1 asks for the long counts.
func soak[T any](long, short T) T {
	if os.Getenv("FREEHOLD_SOAK") == "1" {
		return long
	}
	return short
}

// idOf returns an id that differs for each n.
func idOf(n uint64) (id [16]byte) {
	binary.BigEndian.PutUint64(id[:8], n*0x9e3779b97f4a7c15)
	binary.BigEndian.PutUint64(id[8:], n)
	return id
}

// colliding returns n ids whose hashes begin with the same six bits: pairs of them with one
// subject have the same slots, and in a small cache they share an epoch.
func colliding(n int) (ids [][16]byte) {
	for i := uint64(1); len(ids) < n; i++ {
		if id := idOf(i); wordsOf(id).hash()>>58 == 0 {
			ids = append(ids, id)
		}
	}
	return ids
}
