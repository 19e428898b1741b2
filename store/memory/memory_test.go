package memory_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/internal/rowtest"
	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/memory"
	"github.com/freehold-dev/freehold/tenancy"
)

// Tables and the log of package tenancy, for rows by the names of their columns.
var (
	organizationTable = rowtest.Table(tenancy.Tables(), "tenancy_organizations")
	userTable         = rowtest.Table(tenancy.Tables(), "tenancy_users")
	membershipTable   = rowtest.Table(tenancy.Tables(), "tenancy_memberships")
	assignmentTable   = rowtest.Table(tenancy.Tables(), "tenancy_role_assignments")
	eventLog          = tenancy.EventLog()
)

func userID(n int) [16]byte { return [16]byte{byte(n >> 8), byte(n)} }

func user(n int) store.Row {
	return rowtest.Row(userTable, map[string]any{"id": userID(n), "name_key": fmt.Sprint(n)})
}

func count(t *testing.T, s store.Store) (n int) {
	t.Helper()
	require.NoError(t, s.View(t.Context(), func(tx store.Rows) (err error) {
		n, err = tx.Count(t.Context(), userTable, nil)
		return err
	}))
	return n
}

func TestAClosedStore(t *testing.T) {
	s := memory.New()
	nothing := func(store.Rows) error { return nil }
	err := s.View(t.Context(), func(view store.Rows) error {
		err := s.Update(t.Context(), func(tx store.Rows) error {
			require.NoError(t, s.Close())
			return tx.Insert(t.Context(), userTable, user(1))
		})
		require.ErrorIs(t, err, store.ErrClosed) // the commit came too late
		_, err = view.Count(t.Context(), userTable, nil)
		return err // a view that runs is not cut off
	})
	require.NoError(t, err)
	require.ErrorIs(t, s.View(t.Context(), nothing), store.ErrClosed)
	require.ErrorIs(t, s.Update(t.Context(), nothing), store.ErrClosed)
	require.NoError(t, s.Close())
}

func TestWaitingForTheWriterEndsWithTheContext(t *testing.T) {
	s := memory.New()
	err := s.Update(t.Context(), func(store.Rows) error {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		return s.Update(ctx, func(store.Rows) error { panic("not its turn") })
	})
	require.ErrorIs(t, err, store.ErrCanceled)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.NoError(t, s.Update(t.Context(), func(store.Rows) error { return nil })) // the turn was given back
}

func TestACommitNeedsALivingContext(t *testing.T) {
	s := memory.New()
	ctx, cancel := context.WithCancel(t.Context())
	err := s.Update(ctx, func(tx store.Rows) error {
		defer cancel()
		return tx.Insert(ctx, userTable, user(1))
	})
	require.ErrorIs(t, err, store.ErrCanceled)
	require.ErrorIs(t, err, context.Canceled)
	require.Zero(t, count(t, s))
}

func TestAPanicGivesTheTurnBack(t *testing.T) {
	s := memory.New()
	require.PanicsWithValue(t, "oops", func() {
		_ = s.Update(t.Context(), func(tx store.Rows) error {
			require.NoError(t, tx.Insert(t.Context(), userTable, user(1)))
			panic("oops")
		})
	})
	require.Zero(t, count(t, s))
	require.NoError(t, s.Update(t.Context(), func(tx store.Rows) error {
		return tx.Insert(t.Context(), userTable, user(1))
	}))
}

// A long scan notices that nobody waits for it any more.
func TestScansLookAtTheContext(t *testing.T) {
	s := memory.New()
	require.NoError(t, s.Update(t.Context(), func(tx store.Rows) error {
		for i := range 3000 {
			require.NoError(t, tx.Insert(t.Context(), userTable, user(i)))
		}
		return nil
	}))
	pictured := []store.Cond{rowtest.Cond(userTable, "picture", store.NotNull)} // nobody is, and no index knows
	require.NoError(t, s.View(t.Context(), func(tx store.Rows) error {
		ctx := &endsLater{Context: t.Context()}
		_, err := tx.Count(ctx, userTable, pictured)
		require.ErrorIs(t, err, store.ErrCanceled)
		ctx.asked = 0
		_, err = rowtest.List(ctx, tx, userTable, pictured, store.Range{Limit: 1})
		require.ErrorIs(t, err, store.ErrCanceled)
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
	require.NoError(t, s.Update(t.Context(), func(tx store.Rows) error { return setAll(t.Context(), tx, n, 0) }))

	done := make(chan struct{})
	var readers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			for !closed(done) {
				if err := s.View(t.Context(), func(tx store.Rows) error { return allAlike(t.Context(), tx, n) }); err != nil {
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
		err := s.Update(t.Context(), func(tx store.Rows) error {
			if err := tx.Savepoint(t.Context(), func() error {
				return errors.Join(setAll(t.Context(), tx, n, -round), undo)
			}); !errors.Is(err, undo) || errors.Is(err, store.ErrConflict) {
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
func setAll(ctx context.Context, tx store.Rows, n, name int) error {
	text := fmt.Sprintf("%080d", name)
	for i := range n {
		u, err := rowtest.Get(ctx, tx, userTable, userID(i))
		write := tx.Update
		if errors.Is(err, store.ErrNotFound) {
			u, write, err = user(i), tx.Insert, nil
			u[1].Int = 0
		}
		if err != nil {
			return err
		}
		u[1].Int++
		if err := write(ctx, userTable, rowtest.With(userTable, u, map[string]any{"name_key": text, "display_name": text})); err != nil {
			return err
		}
	}
	return tx.Append(ctx, eventLog, rowtest.Row(&eventLog.Table, map[string]any{"type": "user.updated", "subject": text}), nil)
}

// allAlike checks that every way to read tells of the same commit.
func allAlike(ctx context.Context, tx store.Rows, n int) error {
	last, err := tx.Last(ctx, eventLog)
	if err != nil {
		return err
	}
	events, _, _, err := rowtest.Events(ctx, tx, eventLog, nil, store.LogSpan{Desc: true, Limit: 1})
	if err != nil {
		return err
	}
	name := userTable.Index("name_key")
	list, err := rowtest.List(ctx, tx, userTable, nil, store.Range{Limit: 2 * n, Sort: name})
	if err != nil {
		return err
	}
	if len(list) != n || len(events) != 1 || events[0].Position != last {
		return fmt.Errorf("%d users, events %v, last %d", len(list), events, last)
	}
	subject := rowtest.At(&eventLog.Table, events[0].Row, "subject").Text
	for _, u := range list {
		if u[name].Text != subject || rowtest.At(userTable, u, "display_name") != u[name] {
			return fmt.Errorf("user %q beside event %q", u[name].Text, subject)
		}
	}
	alike, err := tx.Count(ctx, userTable, []store.Cond{rowtest.Cond(userTable, "name_key", store.Prefix, list[0][name].Text)})
	if err != nil || alike != n {
		return fmt.Errorf("%d users of one name: %w", alike, err)
	}
	return nil
}
