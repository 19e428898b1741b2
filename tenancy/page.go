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
	MaxLimit     = 1000 // the largest Limit of a query
)

// walkLimit is how many rows a rule that must see all rows reads at a time.
const walkLimit = 1000

// Page is one page of a list. Next is the cursor of the following page, or "" at the end of the list.
type Page[T any] struct {
	Items []T    `json:"items"`          // in the order of the list
	Next  string `json:"next,omitempty"` // Cursor of the next page; "" = there is none
}

// paging is the part of a query that describes its page.
type paging struct {
	order  Order
	desc   bool
	limit  int
	cursor string
}

// along returns the order of a list with a prefix: by the prefixed text, unless the query asks for another
// order. By id, each page would have to sort all matching rows.
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

// span checks a query's page and decodes its cursor. The fingerprint of a cursor covers the query's own
// conditions, so that a cursor works with the same query only.
func (p paging) span(query ...any) (listSpan, uint64, error) {
	h := fnv.New64a()
	_, _ = fmt.Fprintf(h, "%d %t %#v", p.order, p.desc, query) // this distinguishes nil from empty
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

// someOf returns the constraint that a list of ids makes; nil makes none.
func someOf[T comparable](field string, ids []T) (typed.In[T], error) {
	switch {
	case ids == nil:
		return typed.In[T]{}, nil
	case len(ids) > MaxLimit:
		return typed.In[T]{}, invalid(field, fmt.Sprintf("are %d, at most %d", len(ids), MaxLimit))
	}
	return typed.Of(slices.Clone(ids)...), nil
}

// listPage reads one page. It reads one row more than the limit, to know whether there is a next page.
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

// keyByID returns the sort key of a list whose only order is [ByID].
func keyByID[V Entity](v *V, _ Order) typed.Place { return typed.Place{ID: (*v).rowID()} }

// walk calls fn for every row that passes the filter, by id. It reads a bounded number at a time. fn may delete
// rows.
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

// collect returns the rows of [walk] as a slice.
func collect[V Entity, F any](ctx context.Context, t table[V, F], filter F) ([]V, error) {
	var all []V
	err := walk(ctx, t, filter, func(v V) error {
		all = append(all, v)
		return nil
	})
	return all, err
}

// pages walks a list page by page. No transaction is open while the caller handles an item, so the walk may see
// a change that is made meanwhile (rule G6).
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

// encodeCursor encodes a place in a list: version, fingerprint of the query, sort number, id, sort text,
// checksum.
func encodeCursor(key typed.Place, print uint64) string {
	b := []byte{cursorVersion}
	b = binary.BigEndian.AppendUint64(b, print)
	b = binary.BigEndian.AppendUint64(b, uint64(key.Int))
	b = append(b, key.ID[:]...)
	b = append(b, key.Text...)
	b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
	return base64.RawURLEncoding.EncodeToString(b)
}

// decodeCursor decodes a cursor that encodeCursor wrote for the same query. A cursor needs no signature,
// because it grants nothing: a forged one only starts at another place of a list that the caller may read
// anyway.
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

// exactlyOne returns the one row of a list, or the error missing. A query by id and owner costs the same where
// the row does not exist and where it belongs to somebody else (rule G7).
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
