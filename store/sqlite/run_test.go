package sqlite_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/internal/rowtest"
	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/sqlite"
)

// TestOddTexts: texts are kept and found byte for byte, one and many at a time, and
// the beginning of a text is bytes too.
func TestOddTexts(t *testing.T) {
	st := open(t)
	odd := []string{"a\"b", `a\b`, "a\x00b", "a\x01\x1f\x7f", "a\xff", "a\xff\xffz", "a\u2028", "a'b", "ä", "\xff\xff", "\xff", " a "}
	put(t, st, func(ctx context.Context, tx store.Rows) error {
		for n, text := range odd {
			require.NoError(t, tx.Insert(ctx, userTable, rowtest.With(userTable, user(n), map[string]any{"external_id": text, "name_key": text})))
		}
		return nil
	})
	find := func(where ...store.Cond) (found []string) {
		require.NoError(t, st.View(t.Context(), func(tx store.Rows) error {
			list, err := rowtest.List(t.Context(), tx, userTable, where, store.Range{Limit: 50})
			for _, u := range list {
				found = append(found, rowtest.At(userTable, u, "external_id").Text)
			}
			return err
		}))
		return found
	}
	require.Equal(t, odd, find(rowtest.OneOf(userTable, "external_id", anys(odd)...)))
	for _, text := range odd {
		require.Equal(t, []string{text}, find(rowtest.OneOf(userTable, "external_id", text)))
	}
	require.Equal(t, []string{"a\xff", "a\xff\xffz"}, find(rowtest.Cond(userTable, "name_key", store.Prefix, "a\xff")))
	require.Equal(t, []string{"\xff\xff", "\xff"}, find(rowtest.Cond(userTable, "name_key", store.Prefix, "\xff")))
}

func anys(texts []string) (list []any) {
	for _, text := range texts {
		list = append(list, text)
	}
	return list
}

// TestListMayCallBack: whoever is given rows may list and write meanwhile, which
// changes nothing about what comes.
func TestListMayCallBack(t *testing.T) {
	st := open(t)
	putUsers(t, st, 1, 2, 3)
	table := userTable
	put(t, st, func(ctx context.Context, tx store.Rows) error {
		rows, ok := store.Underlying(tx)
		require.True(t, ok)
		nothing := func(store.Row) error { return nil }
		require.NoError(t, rows.List(ctx, table, nil, store.Range{Limit: 10}, nothing))
		var seen []string
		err := rows.List(ctx, table, nil, store.Range{Limit: 10}, func(row store.Row) error {
			seen = append(seen, row[2].Text)
			require.NoError(t, tx.Insert(ctx, userTable, user(10+len(seen))))
			return rows.List(ctx, table, nil, store.Range{Limit: 10, Desc: true}, nothing)
		})
		require.Equal(t, []string{email(1), email(2), email(3)}, seen)
		return err
	})
}

// TestStatementsAreLearned: a statement that was new is prepared once, and there is a
// bound to how many are.
func TestStatementsAreLearned(t *testing.T) {
	st := open(t)
	before := sqlite.Prepared(st)
	for range 3 {
		put(t, st, func(ctx context.Context, tx store.Rows) error {
			_, err := tx.Count(ctx, userTable, []store.Cond{rowtest.Cond(userTable, "name_key", store.Prefix, "a")})
			return err
		})
		require.Equal(t, before+1, sqlite.Prepared(st))
	}
	for n := range 300 {
		text := fmt.Sprintf("SELECT %d FROM tenancy_users", n)
		for _, run := range []func(context.Context, func(store.Rows) error) error{st.View, st.Update} {
			require.NoError(t, run(t.Context(), func(tx store.Rows) error {
				rows, _ := store.Underlying(tx)
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
	require.NoError(t, st.View(t.Context(), func(tx store.Rows) error {
		_, err := rowtest.Get(t.Context(), tx, userTable, id(1))
		require.NoError(t, err)
		rows, _ := store.Underlying(tx)
		return sqlite.Exec(t.Context(), rows, `ROLLBACK`)
	}))
	require.Zero(t, sqlite.OpenReaders(st))
	require.True(t, hasUser(t, st, 1))
	require.NoError(t, st.Close())
	_, err := os.Stat(path + "-wal")
	require.ErrorIs(t, err, os.ErrNotExist)
}
