package memory_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/memory"
	"github.com/freehold-dev/freehold/tenancy"
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
	first := tenancy.Span{Limit: 50}
	last := tenancy.Span{Limit: 50, After: &tenancy.Key{ID: ids[len(ids)-2]}}
	b.Run("page/first", func(b *testing.B) { pages(b, s, tenancy.MembershipFilter{}, first) })
	b.Run("page/last", func(b *testing.B) { pages(b, s, tenancy.MembershipFilter{}, last) })
	one := tenancy.MembershipFilter{OrganizationID: tenancy.Of(w.orgs[17]), Status: tenancy.Of(tenancy.MembershipActive)}
	b.Run("page/organization/id", func(b *testing.B) { pages(b, s, one, first) })
	b.Run("page/organization/name", func(b *testing.B) { pages(b, s, one, tenancy.Span{Limit: 50, Order: tenancy.ByName}) })
	b.Run("count/owners", func(b *testing.B) {
		owners := tenancy.RoleAssignmentFilter{OrganizationID: one.OrganizationID, Role: tenancy.Of("owner"), Active: tenancy.Of(true)}
		view(b, s, func(ctx context.Context, tx tenancy.Tx) error {
			for range b.N {
				if _, err := tx.RoleAssignments().Count(ctx, owners); err != nil {
					return err
				}
			}
			return nil
		})
	})
	n := members
	b.Run("insert/batch", func(b *testing.B) {
		update(b, s, func(ctx context.Context, tx tenancy.Tx) error {
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
			require.NoError(b, tenancy.Typed(s).Update(b.Context(), func(tx tenancy.Tx) error { return w.add(b.Context(), tx, n) }))
		}
	})
	b.Run("touch", func(b *testing.B) {
		update(b, s, func(ctx context.Context, tx tenancy.Tx) error {
			for i := range b.N {
				if err := tx.Memberships().Touch(ctx, ids[i*7919%len(ids)], w.now); err != nil {
					return err
				}
			}
			return nil
		})
	})
	b.Run("savepoint", func(b *testing.B) {
		update(b, s, func(ctx context.Context, tx tenancy.Tx) error {
			for range b.N {
				if err := tx.Savepoint(ctx, func(tenancy.Tx) error { return nil }); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

// sample gives every hundredth membership, and the last.
func sample(b *testing.B, s *memory.Store) (ids []tenancy.MembershipID) {
	view(b, s, func(ctx context.Context, tx tenancy.Tx) error {
		all, err := tx.Memberships().List(ctx, tenancy.MembershipFilter{}, tenancy.Span{Limit: members})
		for i, m := range all {
			if i%100 == 0 || i == members-60 || i == members-1 {
				ids = append(ids, m.ID)
			}
		}
		return err
	})
	return ids
}

// gets reads single rows, in no order.
func gets(b *testing.B, s *memory.Store, ids []tenancy.MembershipID) {
	view(b, s, func(ctx context.Context, tx tenancy.Tx) error {
		for i := range b.N {
			if _, err := tx.Memberships().Get(ctx, ids[i*7919%len(ids)]); err != nil {
				return err
			}
		}
		return nil
	})
}

func pages(b *testing.B, s *memory.Store, filter tenancy.MembershipFilter, span tenancy.Span) {
	view(b, s, func(ctx context.Context, tx tenancy.Tx) error {
		for range b.N {
			if list, err := tx.Memberships().List(ctx, filter, span); err != nil || len(list) != 50 {
				return errors.Join(err, errors.New("not a page"))
			}
		}
		return nil
	})
}

func view(b *testing.B, s *memory.Store, fn func(context.Context, tenancy.Tx) error) {
	b.ReportAllocs()
	b.ResetTimer()
	require.NoError(b, tenancy.Typed(s).View(b.Context(), func(tx tenancy.Tx) error { return fn(b.Context(), tx) }))
}

// update measures in one transaction that is undone at the end.
func update(b *testing.B, s *memory.Store, fn func(context.Context, tenancy.Tx) error) {
	b.ReportAllocs()
	b.ResetTimer()
	undo := errors.New("undo")
	require.ErrorIs(b, tenancy.Typed(s).Update(b.Context(), func(tx tenancy.Tx) error {
		if err := fn(b.Context(), tx); err != nil {
			return err
		}
		return undo
	}), undo)
}
