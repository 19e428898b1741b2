package memory_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/internal/rowtest"
	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/memory"
)

// BenchmarkStore measures on a store of a million memberships.
func BenchmarkStore(b *testing.B) {
	w := newWorld()
	s := w.fill(b, members)
	ids := sample(b, s)

	b.Run("view", func(b *testing.B) {
		for range b.N {
			_ = s.View(b.Context(), func(store.Rows) error { return nil })
		}
	})
	b.Run("get/any", func(b *testing.B) { gets(b, s, ids) })
	b.Run("get/hundred", func(b *testing.B) { gets(b, s, ids[:100]) })
	first := store.Range{Limit: 50}
	last := store.Range{Limit: 50, After: &store.Place{ID: ids[len(ids)-2]}}
	b.Run("page/first", func(b *testing.B) { pages(b, s, nil, first) })
	b.Run("page/last", func(b *testing.B) { pages(b, s, nil, last) })
	one := []store.Cond{rowtest.OneOf(membershipTable, "organization_id", w.orgs[17]), rowtest.OneOf(membershipTable, "status", "active")}
	b.Run("page/organization/id", func(b *testing.B) { pages(b, s, one, first) })
	b.Run("page/organization/name", func(b *testing.B) { pages(b, s, one, store.Range{Limit: 50, Sort: membershipTable.Index("name_key")}) })
	b.Run("count/owners", func(b *testing.B) {
		is := func(name string, value any) store.Cond { return rowtest.OneOf(assignmentTable, name, value) }
		owners := []store.Cond{is("organization_id", w.orgs[17]), is("role", "owner"), is("active", true)}
		view(b, s, func(ctx context.Context, tx store.Rows) error {
			for range b.N {
				if _, err := tx.Count(ctx, assignmentTable, owners); err != nil {
					return err
				}
			}
			return nil
		})
	})
	n := members
	b.Run("insert/batch", func(b *testing.B) {
		update(b, s, func(ctx context.Context, tx store.Rows) error {
			for range b.N {
				if n++; w.add(ctx, tx, n) != nil {
					return errors.New("not added")
				}
			}
			return nil
		})
	})
	b.Run("insert/single", func(b *testing.B) {
		for range b.N {
			n++
			require.NoError(b, s.Update(b.Context(), func(tx store.Rows) error { return w.add(b.Context(), tx, n) }))
		}
	})
	b.Run("touch", func(b *testing.B) {
		update(b, s, func(ctx context.Context, tx store.Rows) error {
			for i := range b.N {
				if err := tx.Touch(ctx, membershipTable, ids[i*7919%len(ids)], w.now.UnixMicro()); err != nil {
					return err
				}
			}
			return nil
		})
	})
	b.Run("savepoint", func(b *testing.B) {
		update(b, s, func(ctx context.Context, tx store.Rows) error {
			for range b.N {
				if err := tx.Savepoint(ctx, func() error { return nil }); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

// sample gives every hundredth membership, and the last.
func sample(b *testing.B, s *memory.Store) (ids [][16]byte) {
	view(b, s, func(ctx context.Context, tx store.Rows) error {
		all, err := rowtest.List(ctx, tx, membershipTable, nil, store.Range{Limit: members})
		for i, m := range all {
			if i%100 == 0 || i == members-60 || i == members-1 {
				ids = append(ids, m[0].ID)
			}
		}
		return err
	})
	return ids
}

// gets reads single rows, in no order.
func gets(b *testing.B, s *memory.Store, ids [][16]byte) {
	view(b, s, func(ctx context.Context, tx store.Rows) error {
		for i := range b.N {
			if _, err := rowtest.Get(ctx, tx, membershipTable, ids[i*7919%len(ids)]); err != nil {
				return err
			}
		}
		return nil
	})
}

func pages(b *testing.B, s *memory.Store, where []store.Cond, span store.Range) {
	view(b, s, func(ctx context.Context, tx store.Rows) error {
		for range b.N {
			if list, err := rowtest.List(ctx, tx, membershipTable, where, span); err != nil || len(list) != 50 {
				return errors.Join(err, errors.New("not a page"))
			}
		}
		return nil
	})
}

func view(b *testing.B, s *memory.Store, fn func(context.Context, store.Rows) error) {
	b.ReportAllocs()
	b.ResetTimer()
	require.NoError(b, s.View(b.Context(), func(tx store.Rows) error { return fn(b.Context(), tx) }))
}

// update measures in one transaction that is undone at the end.
func update(b *testing.B, s *memory.Store, fn func(context.Context, store.Rows) error) {
	b.ReportAllocs()
	b.ResetTimer()
	undo := errors.New("undo")
	require.ErrorIs(b, s.Update(b.Context(), func(tx store.Rows) error {
		if err := fn(b.Context(), tx); err != nil {
			return err
		}
		return undo
	}), undo)
}
