package sqlite_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/sqlite"
	"github.com/freehold-dev/freehold/tenancy"
)

// TestOddTexts: texts are kept and found byte for byte, one and many at a time, and
// the beginning of a text is bytes too.
func TestOddTexts(t *testing.T) {
	st := open(t)
	odd := []string{"a\"b", `a\b`, "a\x00b", "a\x01\x1f\x7f", "a\xff", "a\xff\xffz", "a\u2028", "a'b", "ä", "\xff\xff", "\xff", " a "}
	put(t, st, func(ctx context.Context, tx tenancy.Tx) error {
		for n, text := range odd {
			u := user(n)
			u.ExternalID, u.NameKey = text, text
			require.NoError(t, tx.Users().Insert(ctx, u))
		}
		return nil
	})
	find := func(f tenancy.UserFilter) (found []string) {
		require.NoError(t, tenancy.Typed(st).View(t.Context(), func(tx tenancy.Tx) error {
			list, err := tx.Users().List(t.Context(), f, tenancy.Span{Limit: 50})
			for _, u := range list {
				found = append(found, u.ExternalID)
			}
			return err
		}))
		return found
	}
	require.Equal(t, odd, find(tenancy.UserFilter{ExternalID: tenancy.Of(odd...)}))
	for _, text := range odd {
		require.Equal(t, []string{text}, find(tenancy.UserFilter{ExternalID: tenancy.Of(text)}))
	}
	require.Equal(t, []string{"a\xff", "a\xff\xffz"}, find(tenancy.UserFilter{NamePrefix: "a\xff"}))
	require.Equal(t, []string{"\xff\xff", "\xff"}, find(tenancy.UserFilter{NamePrefix: "\xff"}))
}

// TestListMayCallBack: whoever is given rows may list and write meanwhile, which
// changes nothing about what comes.
func TestListMayCallBack(t *testing.T) {
	st := open(t)
	putUsers(t, st, 1, 2, 3)
	table := tenancy.Describe().Users.Table
	put(t, st, func(ctx context.Context, tx tenancy.Tx) error {
		rows, ok := store.Underlying(tx.Raw())
		require.True(t, ok)
		nothing := func(store.Row) error { return nil }
		require.NoError(t, rows.List(ctx, table, nil, store.Range{Limit: 10}, nothing))
		var seen []string
		err := rows.List(ctx, table, nil, store.Range{Limit: 10}, func(row store.Row) error {
			seen = append(seen, row[2].Text)
			require.NoError(t, tx.Users().Insert(ctx, user(10+len(seen))))
			return rows.List(ctx, table, nil, store.Range{Limit: 10, Desc: true}, nothing)
		})
		require.Equal(t, []string{user(1).Email, user(2).Email, user(3).Email}, seen)
		return err
	})
}

// TestStatementsAreLearned: a statement that was new is prepared once, and there is a
// bound to how many are.
func TestStatementsAreLearned(t *testing.T) {
	st := open(t)
	before := sqlite.Prepared(st)
	for range 3 {
		put(t, st, func(ctx context.Context, tx tenancy.Tx) error {
			_, err := tx.Users().Count(ctx, tenancy.UserFilter{NamePrefix: "a"})
			return err
		})
		require.Equal(t, before+1, sqlite.Prepared(st))
	}
	for n := range 300 {
		text := fmt.Sprintf("SELECT %d FROM tenancy_users", n)
		for _, run := range []func(context.Context, func(tenancy.Tx) error) error{tenancy.Typed(st).View, tenancy.Typed(st).Update} {
			require.NoError(t, run(t.Context(), func(tx tenancy.Tx) error {
				rows, _ := store.Underlying(tx.Raw())
				return sqlite.Exec(t.Context(), rows, text)
			}))
		}
	}
	require.Equal(t, sqlite.MostPrepared, sqlite.Prepared(st))
	putUsers(t, st, 1)
	require.True(t, hasUser(t, st, 1))
}

// TestLostReader: a reader whose transaction SQLite has ended is replaced, and
// nothing of it is left over.
func TestLostReader(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.db")
	st := openAt(t, path)
	putUsers(t, st, 1)
	require.NoError(t, tenancy.Typed(st).View(t.Context(), func(tx tenancy.Tx) error {
		_, err := tx.Users().Get(t.Context(), id(1))
		require.NoError(t, err)
		rows, _ := store.Underlying(tx.Raw())
		return sqlite.Exec(t.Context(), rows, `ROLLBACK`)
	}))
	require.Zero(t, sqlite.OpenReaders(st))
	require.True(t, hasUser(t, st, 1))
	require.NoError(t, st.Close())
	_, err := os.Stat(path + "-wal")
	require.ErrorIs(t, err, os.ErrNotExist)
}
