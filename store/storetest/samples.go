package storetest

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"time"

	"github.com/freehold-dev/freehold/store"
)

// mentioned is the number from which on ids name no row. A row may mention such an id.
const mentioned = 7000

// newID returns the n-th id. The order of ids is not that of n, and ids use all sixteen bytes.
func newID(n int) (id [16]byte) {
	const odd = 0x9E3779B97F4A7C15 // gives a different product for each n
	binary.BigEndian.PutUint64(id[:8], uint64(n+1)*odd)
	binary.LittleEndian.PutUint64(id[8:], uint64(n+1))
	return id
}

// clock returns the n-th time in ascending order, in microseconds.
func clock(n int) int64 {
	begin := time.Date(2024, time.May, 17, 8, 30, 0, 123_456_000, time.UTC)
	return begin.Add(time.Duration(n) * 61 * time.Minute).UnixMicro()
}

// names are texts that are often sorted wrongly: case, accents, prefixes, and characters outside of the basic
// plane, which UTF-16 sorts before U+FFFD.
var names = [...]string{
	"zoe", "ada", "Ada", "äda", "ad", "adam", "_x", "%y", "\uFFFD", "\U0001F600", "b c", "b-c", "É", "E\u0301",
}

// name returns the n-th name; neighbours have the same one.
func name(n int) string { return names[n/2%len(names)] }

// document returns the n-th JSON document. Go would write it in another form.
func document(n int) string {
	return fmt.Sprintf(`{"plan": %d, "näme \"%%_\\":%s, "list":[1,"",{}] , "empty":""}`, n, quoted(name(n)))
}

func quoted(text string) string {
	b, _ := json.Marshal(text) // a text can always be marshaled
	return string(b)
}

// value returns the value of column i in the n-th full row. If unique is set, no two rows have the same value
// there; otherwise some have.
func value(column *store.Column, unique bool, i, n int) store.Value {
	some := n
	if !unique {
		some = (n + i) / 2
	}
	switch column.Type {
	case store.ID:
		if !unique {
			some %= 4
		}
		return store.Value{ID: newID(mentioned + some)}
	case store.Text:
		if !unique {
			return store.Value{Text: name(n + i)}
		}
		return store.Value{Text: fmt.Sprintf("%s.%d", name(n+i), n)}
	case store.Int:
		return store.Value{Int: int64(some) - 5}
	case store.Bool:
		return store.Value{Int: int64(n+i) % 2}
	case store.Time:
		return store.Value{Int: clock(some)}
	default:
		return store.Value{Text: document(n + i)}
	}
}

// unknown returns the n-th value that no row has in a column of this type; for a flag there is none.
func unknown(kind store.Type, n int) (v store.Value, ok bool) {
	const far = 1_000_000
	switch kind {
	case store.ID:
		return store.Value{ID: newID(far + n)}, true
	case store.Text:
		return store.Value{Text: fmt.Sprintf("unknown %d", n)}, true
	case store.Int:
		return store.Value{Int: far + int64(n)}, true
	case store.Time:
		return store.Value{Int: clock(far + n)}, true
	default:
		return store.Value{}, false
	}
}
