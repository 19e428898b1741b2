package tenancy

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"hash/fnv"
	"iter"
	"slices"

	"github.com/freehold-dev/freehold/store/typed"
)

// Limits of a list (rule G6).
const (
	DefaultLimit = 50   // where a query has Limit 0
	MaxLimit     = 1000 // the most that a query may ask for
)

// walkLimit is how many rows a rule reads at a time when it must see them all.
const walkLimit = 1000

// Page is a part of a list. Next is the cursor of the part after it, "" at the end.
type Page[T any] struct {
	Items []T    `json:"items"`          // in the order of the list
	Next  string `json:"next,omitempty"` // Cursor of the next page; "" = there is none
}

// paging is what every query says about its page.
type paging struct {
	order  Order
	desc   bool
	limit  int
	cursor string
}

// along is the order of a list of what begins with a text: along that text, where no other is asked for.
// By id all that begin so would have to be sorted for each page.
func along(order Order, name, email string) Order {
	switch {
	case order != ByID:
		return order
	case name != "":
		return ByName
	case email != "":
		return ByEmail
	}
	return ByID
}

// span checks a query's page and finds its place. The query's own conditions go
// into the cursor's fingerprint, so that a cursor fits no other query.
func (p paging) span(query ...any) (listSpan, uint64, error) {
	h := fnv.New64a()
	_, _ = fmt.Fprintf(h, "%d %t %#v", p.order, p.desc, query) // in which nil and empty differ
	print := h.Sum64()
	limit := p.limit
	switch {
	case limit == 0:
		limit = DefaultLimit
	case limit < 0 || limit > MaxLimit:
		return listSpan{}, 0, invalid("limit", fmt.Sprintf("is %d, want 1 to %d", limit, MaxLimit))
	}
	span := listSpan{Order: p.order, Desc: p.desc, Limit: limit}
	if p.cursor != "" {
		key, err := decodeCursor(p.cursor, print)
		if err != nil {
			return listSpan{}, 0, err
		}
		span.After = &key
	}
	return span, print, nil
}

// someOf is the constraint that ids given by name make; nil makes none.
func someOf[T comparable](field string, ids []T) (typed.In[T], error) {
	switch {
	case ids == nil:
		return typed.In[T]{}, nil
	case len(ids) > MaxLimit:
		return typed.In[T]{}, invalid(field, fmt.Sprintf("are %d, at most %d", len(ids), MaxLimit))
	}
	return typed.Of(slices.Clone(ids)...), nil
}

// listPage reads one page: one row more than asked for says whether there is a next.
func listPage[V Entity, F any](ctx context.Context, t table[V, F], filter F, p paging, key func(*V, Order) typed.Place, query ...any) (Page[V], error) {
	span, print, err := p.span(query...)
	if err != nil {
		return Page[V]{}, err
	}
	limit := span.Limit
	span.Limit++
	items, err := t.List(ctx, filter, span)
	if err != nil {
		return Page[V]{}, err
	}
	page := Page[V]{Items: items}
	if len(items) > limit {
		page.Items = items[:limit]
		page.Next = encodeCursor(key(&items[limit-1], p.order), print)
	}
	return page, nil
}

// keyByID is the key of a list that has no order but [ByID].
func keyByID[V Entity](v *V, _ Order) typed.Place { return typed.Place{ID: (*v).rowID()} }

// walk calls fn for every row that passes the filter, by id, reading a bounded
// number at a time. fn may delete rows.
func walk[V Entity, F any](ctx context.Context, t table[V, F], filter F, fn func(V) error) error {
	span := listSpan{Limit: walkLimit}
	for {
		items, err := t.List(ctx, filter, span)
		if err != nil {
			return err
		}
		for _, item := range items {
			if err := fn(item); err != nil {
				return err
			}
		}
		if len(items) < walkLimit {
			return nil
		}
		span.After = &typed.Place{ID: items[len(items)-1].rowID()}
	}
}

// collect is [walk] into a slice.
func collect[V Entity, F any](ctx context.Context, t table[V, F], filter F) ([]V, error) {
	var all []V
	err := walk(ctx, t, filter, func(v V) error {
		all = append(all, v)
		return nil
	})
	return all, err
}

// pages walks a list page by page. No transaction is open while the caller has an
// item, so a change meanwhile may be seen (rule G6).
func pages[T any](next func(cursor string) (Page[T], error), cursor string) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		at := cursor
		for {
			page, err := next(at)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, item := range page.Items {
				if !yield(item, nil) {
					return
				}
			}
			if page.Next == "" {
				return
			}
			at = page.Next
		}
	}
}

const cursorVersion = 1

// encodeCursor writes a place in a list: version, fingerprint of the query, sort
// number, id, sort text, checksum.
func encodeCursor(key typed.Place, print uint64) string {
	b := []byte{cursorVersion}
	b = binary.BigEndian.AppendUint64(b, print)
	b = binary.BigEndian.AppendUint64(b, uint64(key.Int))
	b = append(b, key.ID[:]...)
	b = append(b, key.Text...)
	b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
	return base64.RawURLEncoding.EncodeToString(b)
}

// decodeCursor reads what encodeCursor wrote for the same query. A cursor grants
// nothing, so it needs no seal: whoever forges one starts elsewhere in a list that
// they may read anyway.
func decodeCursor(cursor string, print uint64) (typed.Place, error) {
	const fixed = 1 + 8 + 8 + 16
	malformed := &Error{Code: ErrInvalidCursor, Field: "cursor", Reason: "is malformed"}
	b, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil || len(b) < fixed+crc32.Size || b[0] != cursorVersion {
		return typed.Place{}, malformed
	}
	b, sum := b[:len(b)-crc32.Size], b[len(b)-crc32.Size:]
	if binary.BigEndian.Uint32(sum) != crc32.ChecksumIEEE(b) {
		return typed.Place{}, malformed
	}
	if binary.BigEndian.Uint64(b[1:]) != print {
		return typed.Place{}, &Error{Code: ErrInvalidCursor, Field: "cursor", Reason: "is of another query"}
	}
	key := typed.Place{Int: int64(binary.BigEndian.Uint64(b[9:])), Text: string(b[fixed:])}
	copy(key.ID[:], b[17:])
	return key, nil
}

// exactlyOne is the one row of a list, or missing. A row that is asked for by its id and by whose
// it is costs the same where nobody has it and where somebody else does (rule G7).
func exactlyOne[T any](found []T, err, missing error) (T, error) {
	var none T
	switch {
	case err != nil:
		return none, err
	case len(found) == 0:
		return none, missing
	}
	return found[0], nil
}
