package memory

import (
	"encoding/binary"
	"slices"

	"github.com/freehold-dev/freehold/store"
)

// layout says how a row is encoded: a bitmap of nulls, the values of fixed width, then the texts, each after
// its length as a varint. Texts that indexes compare come first, so that little is skipped to reach them.
type layout struct {
	columns []column
	order   []int // the columns of the texts, in the order of the record
	bitmap  int   // bytes of nulls
	texts   int   // where the texts begin
}

type column struct {
	kind store.Type
	at   int // offset of a fixed value, or number of a text
	null int // its bit in the bitmap, or -1
}

// newLayout makes the layout of columns; indexes compare the columns in indexed.
func newLayout(columns []store.Column, indexed []int) *layout {
	l := &layout{columns: make([]column, len(columns))}
	nulls := 0
	for i, c := range columns {
		l.columns[i] = column{kind: c.Type, null: -1}
		if c.Null {
			l.columns[i].null = nulls
			nulls++
		}
	}
	l.bitmap = (nulls + 7) / 8
	l.texts = l.bitmap
	for i := range l.columns {
		if width := l.columns[i].width(); width > 0 {
			l.columns[i].at = l.texts
			l.texts += width
		}
	}
	l.addTexts(indexed)
	for i := range l.columns {
		l.addTexts([]int{i})
	}
	return l
}

func (l *layout) addTexts(columns []int) {
	for _, i := range columns {
		if l.columns[i].width() == 0 && !slices.Contains(l.order, i) {
			l.columns[i].at = len(l.order)
			l.order = append(l.order, i)
		}
	}
}

// width returns the bytes of a value of fixed width, and 0 for a text.
func (c *column) width() int {
	switch c.kind {
	case store.ID:
		return 16
	case store.Int, store.Time:
		return 8
	case store.Bool:
		return 1
	default:
		return 0
	}
}

// size returns the bytes that a row needs.
func (l *layout) size(row store.Row) int {
	size := l.texts
	for _, i := range l.order {
		n := len(row[i].Text)
		size += varintSize(n) + n
	}
	return size
}

func varintSize(n int) int {
	size := 1
	for ; n >= 0x80; n >>= 7 {
		size++
	}
	return size
}

// encode writes row to rec, which has at least the size that size returned.
func (l *layout) encode(rec []byte, row store.Row) {
	clear(rec[:l.bitmap])
	for i := range l.columns {
		l.columns[i].set(rec, &row[i])
	}
	at := l.texts
	for _, i := range l.order {
		at += binary.PutUvarint(rec[at:], uint64(len(row[i].Text)))
		at += copy(rec[at:], row[i].Text)
	}
}

// set writes a value of fixed width, and the null bit of any value.
func (c *column) set(rec []byte, v *store.Value) {
	if c.null >= 0 {
		bit := byte(1) << (c.null & 7)
		rec[c.null>>3] &^= bit
		if v.Null {
			rec[c.null>>3] |= bit
		}
	}
	switch c.kind {
	case store.ID:
		copy(rec[c.at:], v.ID[:])
	case store.Int, store.Time:
		binary.LittleEndian.PutUint64(rec[c.at:], uint64(v.Int))
	case store.Bool:
		rec[c.at] = byte(v.Int)
	}
}

// get reads a value of fixed width, and the null bit of any value.
func (c *column) get(rec []byte) store.Value {
	v := store.Value{Null: c.isNull(rec)}
	if v.Null {
		return v
	}
	switch c.kind {
	case store.ID:
		copy(v.ID[:], rec[c.at:])
	case store.Int, store.Time:
		v.Int = c.int(rec)
	case store.Bool:
		v.Int = int64(rec[c.at])
	}
	return v
}

func (c *column) int(rec []byte) int64 {
	return int64(binary.LittleEndian.Uint64(rec[c.at:]))
}

func (c *column) isNull(rec []byte) bool {
	return c.null >= 0 && rec[c.null>>3]>>(c.null&7)&1 != 0
}

// decode fills row. It copies all texts out of the slab at once.
func (l *layout) decode(rec []byte, row store.Row) {
	for i := range l.columns {
		row[i] = l.columns[i].get(rec)
	}
	texts := string(rec[l.texts:l.end(rec)])
	at := l.texts
	for _, i := range l.order {
		n, width := length(rec[at:])
		at += width
		if !row[i].Null {
			row[i].Text = texts[at-l.texts : at-l.texts+n]
		}
		at += n
	}
}

// text returns the n-th text without a copy.
func (l *layout) text(rec []byte, n int) []byte {
	at := l.texts
	for ; n > 0; n-- {
		size, width := length(rec[at:])
		at += width + size
	}
	size, width := length(rec[at:])
	return rec[at+width : at+width+size]
}

// end returns the size of a record.
func (l *layout) end(rec []byte) int {
	at := l.texts
	for range l.order {
		size, width := length(rec[at:])
		at += width + size
	}
	return at
}

// length reads the length of a text, and returns the number of bytes that it took.
func length(rec []byte) (size, width int) {
	if rec[0] < 0x80 {
		return int(rec[0]), 1
	}
	long, width := binary.Uvarint(rec)
	return int(long), width
}
