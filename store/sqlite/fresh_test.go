package sqlite_test

import (
	"context"
	"testing"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/internal/servicetest/fresh"
	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/sqlite"
)

// inHost runs fn in a transaction of the host's own.
func inHost(ctx context.Context, st store.Store, fn func(joined store.Store) error) error {
	store := st.(*sqlite.Store)
	tx, err := store.DB().BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := fn(store.InTx(tx)); err != nil {
		if undone := tx.Rollback(); undone != nil {
			return undone
		}
		return err
	}
	return tx.Commit()
}

func TestFresh(t *testing.T) {
	fresh.Run(t, onSQLite, inHost)
}

func TestFreshUnderLoad(t *testing.T) {
	fresh.UnderLoad(t, func(t *testing.T) store.Store { return open(t) }, inHost, servicetest.Soak(30_000, 1_000))
}

func TestFollow(t *testing.T) {
	fresh.Follow(t, func(t *testing.T) store.Store { return open(t) })
}

func TestFollowFromEmpty(t *testing.T) {
	fresh.FollowFromEmpty(t, func(t *testing.T) store.Store { return open(t) })
}
