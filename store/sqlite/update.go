package sqlite

import (
	"context"
	"hash/maphash"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/internal/sqlrows"
)

// seen remembers what the indexed columns contained in rows that a transaction has read or written. It only
// decides which of two updates to try first: both check everything that they need. A row that it does not know
// gets the full update.
type seen struct {
	keys map[seenRow]uint64 // a hash of version and indexed columns
	seed maphash.Seed
}

type seenRow struct {
	table *store.Table
	id    [16]byte
}

// mostSeen limits the remembered rows. fewRows is the length of the longest list whose rows are remembered.
const (
	mostSeen = 256
	fewRows  = 50
)

func newSeen() *seen { return &seen{seed: maphash.MakeSeed()} }

func (s *seen) forget() {
	if s != nil {
		clear(s.keys)
	}
}

// of returns a hash of the indexed columns of a row and of its version.
func (s *seen) of(keyed []int, row store.Row, version int64) uint64 {
	var h maphash.Hash
	h.SetSeed(s.seed)
	maphash.WriteComparable(&h, version)
	for _, i := range keyed {
		maphash.WriteComparable(&h, row[i])
	}
	return h.Sum64()
}

// saw remembers a row that was read or written.
func (r *rows) saw(t *store.Table, row store.Row) {
	if r.seen == nil {
		return
	}
	keyed := sqlrows.Of(t).Keyed
	if len(keyed) == 0 {
		return
	}
	if r.seen.keys == nil || len(r.seen.keys) >= mostSeen {
		r.seen.keys = make(map[seenRow]uint64, 8)
	}
	r.seen.keys[seenRow{t, row[0].ID}] = r.seen.of(keyed, row, row[1].Int)
}

// narrowUpdate updates a row whose indexed columns do not change, and so writes no index: one page of the file,
// not one more for each index. done is false if an indexed column changes.
func (r *rows) narrowUpdate(ctx context.Context, t *store.Table, row store.Row) (done bool, err error) {
	s := sqlrows.Of(t)
	if s.Narrow == "" || r.seen == nil {
		return false, nil
	}
	if was, known := r.seen.keys[seenRow{t, row[0].ID}]; !known || was != r.seen.of(s.Keyed, row, row[1].Int-1) {
		return false, nil
	}
	args := make([]any, 0, len(row)+1)
	for _, i := range s.Rest {
		args = append(args, sqlrows.Bind(t.Columns, i, &row[i]))
	}
	args = append(args, sqlrows.Bind(t.Columns, 0, &row[0]), row[1].Int-1)
	for _, i := range s.Keyed {
		args = append(args, sqlrows.Bind(t.Columns, i, &row[i]))
	}
	n, err := r.exec(ctx, s.Narrow, args...)
	if err != nil {
		return false, r.refused(ctx, t, row, false, err)
	}
	if n > 0 {
		r.saw(t, row)
	}
	return n > 0, nil
}
