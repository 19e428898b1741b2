package memory

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"strings"

	"github.com/freehold-dev/freehold/store"
)

// Values compare as store.Type says; null is before all other values.

// compare orders two records by one column.
func (l *layout) compare(c *column, a, b []byte) int {
	if c.null >= 0 {
		if x, y := c.isNull(a), c.isNull(b); x || y {
			return compareNull(x, y)
		}
	}
	switch c.kind {
	case store.ID:
		return compareID(a[c.at:], b[c.at:])
	case store.Int, store.Time:
		return cmp.Compare(c.int(a), c.int(b))
	case store.Bool:
		return cmp.Compare(a[c.at], b[c.at])
	default:
		return bytes.Compare(l.text(a, c.at), l.text(b, c.at))
	}
}

// compareTo orders a record and a value by one column.
func (l *layout) compareTo(c *column, rec []byte, v *store.Value) int {
	if null := c.isNull(rec); null || v.Null {
		return compareNull(null, v.Null)
	}
	switch c.kind {
	case store.ID:
		return compareID(rec[c.at:], v.ID[:])
	case store.Int, store.Time:
		return cmp.Compare(c.int(rec), v.Int)
	case store.Bool:
		return cmp.Compare(int64(rec[c.at]), v.Int)
	default:
		return compareText(l.text(rec, c.at), v.Text)
	}
}

// compareValues orders two values of one type.
func compareValues(kind store.Type, a, b *store.Value) int {
	if a.Null || b.Null {
		return compareNull(a.Null, b.Null)
	}
	switch kind {
	case store.ID:
		return compareID(a.ID[:], b.ID[:])
	case store.Int, store.Time, store.Bool:
		return cmp.Compare(a.Int, b.Int)
	default:
		return strings.Compare(a.Text, b.Text)
	}
}

func compareNull(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	default:
		return 1
	}
}

func compareID(a, b []byte) int {
	x, y := binary.BigEndian.Uint64(a), binary.BigEndian.Uint64(b)
	if x == y {
		x, y = binary.BigEndian.Uint64(a[8:]), binary.BigEndian.Uint64(b[8:])
	}
	return cmp.Compare(x, y)
}

// compareText is bytes.Compare without converting the arguments: Go does not allocate for conversions inside a
// comparison.
func compareText(a []byte, b string) int {
	switch {
	case string(a) == b:
		return 0
	case string(a) < b:
		return -1
	default:
		return 1
	}
}

// comparePrefix compares a text with all texts that begin with start: 0 if it is one of them.
func comparePrefix(text []byte, start string) int {
	if len(text) >= len(start) && string(text[:len(start)]) == start {
		return 0
	}
	return compareText(text, start)
}
