package rowtest_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/freehold-dev/freehold/internal/rowtest"
	"github.com/freehold-dev/freehold/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestRow(t *testing.T) {
	tags := rowtest.Table(rowtest.NotesTables(), "app_tags")
	row := rowtest.Row(tags, map[string]any{"id": [16]byte{1}, "name": "red", "rank": 7, "pinned": true})
	require.Equal(t, store.Row{{ID: [16]byte{1}}, {Int: 1}, {Text: "red"}, {Null: true}, {Int: 7}, {Int: 1}, {Null: true}, {Null: true}}, row)
	changed := rowtest.With(tags, row, map[string]any{"name": "blue", "used_at": int64(5)})
	require.Equal(t, store.Value{Text: "red"}, rowtest.At(tags, row, "name"), "a copy is changed")
	require.Equal(t, store.Value{Text: "blue"}, rowtest.At(tags, changed, "name"))
	require.Equal(t, store.Value{Int: 5}, rowtest.At(tags, changed, "used_at"))
	require.Panics(t, func() { rowtest.Row(tags, map[string]any{"no_such": 1}) })
	require.Panics(t, func() { rowtest.Row(tags, map[string]any{"name": 1.5}) })
	require.Panics(t, func() { rowtest.Table(rowtest.NotesTables(), "app_nothing") })
}

func TestConditions(t *testing.T) {
	tags := rowtest.Table(rowtest.NotesTables(), "app_tags")
	require.Equal(t, store.Cond{Column: 2, Op: store.OneOf, Values: []store.Value{{Text: "a"}, {Null: true}}}, rowtest.OneOf(tags, "name", "a", nil))
	require.Equal(t, store.Cond{Column: 4, Op: store.Less, Values: []store.Value{{Int: 3}}}, rowtest.Cond(tags, "rank", store.Less, 3))
	require.Equal(t, store.Cond{Column: 3, Op: store.IsNull}, rowtest.Cond(tags, "color", store.IsNull))
}
