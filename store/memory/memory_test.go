package memory_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/memory"
	"github.com/freehold-dev/freehold/tenancy"
)

func user(n int) tenancy.User {
	return tenancy.User{ID: tenancy.UserID{byte(n >> 8), byte(n)}, Version: 1, NameKey: fmt.Sprint(n)}
}

func count(t *testing.T, s store.Store) (n int) {
	t.Helper()
	require.NoError(t, tenancy.Typed(s).View(t.Context(), func(tx tenancy.Tx) (err error) {
		n, err = tx.Users().Count(t.Context(), tenancy.UserFilter{})
		return err
	}))
	return n
}

func TestAClosedStore(t *testing.T) {
	s := memory.New()
	nothing := func(tenancy.Tx) error { return nil }
	err := tenancy.Typed(s).View(t.Context(), func(view tenancy.Tx) error {
		err := tenancy.Typed(s).Update(t.Context(), func(tx tenancy.Tx) error {
			require.NoError(t, s.Close())
			return tx.Users().Insert(t.Context(), user(1))
		})
		require.ErrorIs(t, err, tenancy.ErrClosed) // the commit came too late
		_, err = view.Users().Count(t.Context(), tenancy.UserFilter{})
		return err // a view that runs is not cut off
	})
	require.NoError(t, err)
	require.ErrorIs(t, tenancy.Typed(s).View(t.Context(), nothing), tenancy.ErrClosed)
	require.ErrorIs(t, tenancy.Typed(s).Update(t.Context(), nothing), tenancy.ErrClosed)
	require.NoError(t, s.Close())
}

func TestWaitingForTheWriterEndsWithTheContext(t *testing.T) {
	s := memory.New()
	err := tenancy.Typed(s).Update(t.Context(), func(tenancy.Tx) error {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		return tenancy.Typed(s).Update(ctx, func(tenancy.Tx) error { panic("not its turn") })
	})
	require.ErrorIs(t, err, tenancy.ErrCanceled)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.NoError(t, tenancy.Typed(s).Update(t.Context(), func(tenancy.Tx) error { return nil })) // the turn was given back
}

func TestACommitNeedsALivingContext(t *testing.T) {
	s := memory.New()
	ctx, cancel := context.WithCancel(t.Context())
	err := tenancy.Typed(s).Update(ctx, func(tx tenancy.Tx) error {
		defer cancel()
		return tx.Users().Insert(ctx, user(1))
	})
	require.ErrorIs(t, err, tenancy.ErrCanceled)
	require.ErrorIs(t, err, context.Canceled)
	require.Zero(t, count(t, s))
}

func TestAPanicGivesTheTurnBack(t *testing.T) {
	s := memory.New()
	require.PanicsWithValue(t, "oops", func() {
		_ = tenancy.Typed(s).Update(t.Context(), func(tx tenancy.Tx) error {
			require.NoError(t, tx.Users().Insert(t.Context(), user(1)))
			panic("oops")
		})
	})
	require.Zero(t, count(t, s))
	require.NoError(t, tenancy.Typed(s).Update(t.Context(), func(tx tenancy.Tx) error {
		return tx.Users().Insert(t.Context(), user(1))
	}))
}

// A long scan notices that nobody waits for it any more.
func TestScansLookAtTheContext(t *testing.T) {
	s := memory.New()
	require.NoError(t, tenancy.Typed(s).Update(t.Context(), func(tx tenancy.Tx) error {
		for i := range 3000 {
			require.NoError(t, tx.Users().Insert(t.Context(), user(i)))
		}
		return nil
	}))
	suspended := tenancy.UserFilter{Suspended: tenancy.Of(true)} // nobody is, and no index knows
	require.NoError(t, tenancy.Typed(s).View(t.Context(), func(tx tenancy.Tx) error {
		ctx := &endsLater{Context: t.Context()}
		_, err := tx.Users().Count(ctx, suspended)
		require.ErrorIs(t, err, tenancy.ErrCanceled)
		ctx.asked = 0
		_, err = tx.Users().List(ctx, suspended, tenancy.Span{Limit: 1})
		require.ErrorIs(t, err, tenancy.ErrCanceled)
		return nil
	}))
}

// endsLater is a context that is alive when it is first asked.
type endsLater struct {
	context.Context
	asked int
}

func (c *endsLater) Err() error {
	if c.asked++; c.asked > 1 {
		return context.Canceled
	}
	return nil
}

// Readers see each commit whole, while a writer keeps changing rows, undoing, and
// making garbage enough to be collected.
func TestSnapshotsAreWholeUnderAWriter(t *testing.T) {
	s := memory.New()
	const n = 60
	require.NoError(t, tenancy.Typed(s).Update(t.Context(), func(tx tenancy.Tx) error { return setAll(t.Context(), tx, n, 0) }))

	done := make(chan struct{})
	var readers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			for !closed(done) {
				if err := tenancy.Typed(s).View(t.Context(), func(tx tenancy.Tx) error { return allAlike(t.Context(), tx, n) }); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	undo := errors.New("undo")
	rounds := 300
	if testing.Short() {
		rounds = 60
	}
	for round := 1; round <= rounds; round++ {
		err := tenancy.Typed(s).Update(t.Context(), func(tx tenancy.Tx) error {
			if err := tx.Savepoint(t.Context(), func(tx tenancy.Tx) error {
				return errors.Join(setAll(t.Context(), tx, n, -round), undo)
			}); !errors.Is(err, undo) || errors.Is(err, tenancy.ErrConflict) {
				return err
			}
			if err := setAll(t.Context(), tx, n, round); err != nil || round%3 != 0 {
				return err
			}
			return undo
		})
		if round%3 == 0 {
			require.ErrorIs(t, err, undo)
		} else {
			require.NoError(t, err)
		}
	}
	close(done)
	readers.Wait()
}

func closed(done chan struct{}) bool {
	select {
	case <-done:
		return true
	default:
		return false
	}
}

// setAll gives users 0 to n the same name, and long texts.
func setAll(ctx context.Context, tx tenancy.Tx, n, name int) error {
	for i := range n {
		u, err := tx.Users().Get(ctx, user(i).ID)
		write := tx.Users().Update
		if errors.Is(err, tenancy.ErrNotFound) {
			u, write, err = user(i), tx.Users().Insert, nil
			u.Version = 0
		}
		if err != nil {
			return err
		}
		u.Version++
		u.NameKey = fmt.Sprintf("%080d", name)
		u.DisplayName = u.NameKey
		if err := write(ctx, u); err != nil {
			return err
		}
	}
	return tx.Events().Append(ctx, tenancy.Event{Type: tenancy.EventUserUpdated, Subject: fmt.Sprintf("%080d", name)})
}

// allAlike checks that every way to read tells of the same commit.
func allAlike(ctx context.Context, tx tenancy.Tx, n int) error {
	last, err := tx.Events().Last(ctx)
	if err != nil {
		return err
	}
	events, _, _, err := tx.Events().Read(ctx, tenancy.EventFilter{}, tenancy.LogSpan{Desc: true, Limit: 1})
	if err != nil {
		return err
	}
	list, err := tx.Users().List(ctx, tenancy.UserFilter{}, tenancy.Span{Limit: 2 * n, Order: tenancy.ByName})
	if err != nil {
		return err
	}
	if len(list) != n || len(events) != 1 || events[0].Position != last {
		return fmt.Errorf("%d users, events %v, last %d", len(list), events, last)
	}
	for _, u := range list {
		if u.NameKey != events[0].Subject || u.DisplayName != u.NameKey {
			return fmt.Errorf("user %q beside event %q", u.NameKey, events[0].Subject)
		}
	}
	alike, err := tx.Users().Count(ctx, tenancy.UserFilter{NamePrefix: list[0].NameKey})
	if err != nil || alike != n {
		return fmt.Errorf("%d users of one name: %w", alike, err)
	}
	return nil
}
