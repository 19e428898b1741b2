package typed_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/memory"
	"github.com/freehold-dev/freehold/store/typed"
)

type kind string

type thing struct {
	ID       NoteID
	Version  int64
	Kind     kind
	Count    int
	For      time.Duration
	Done     bool
	At       time.Time
	Ended    time.Time
	Labels   map[string]string
	Flags    map[string]bool
	Names    []kind
	Document json.RawMessage
	Inner    inner
	Other    NoteID
}

// inner has JSON names that storage must not follow.
type inner struct {
	A string `json:"renamed"`
}

type storedInner struct {
	A string `json:"a,omitempty"`
}

type thingFilter struct {
	Kind   typed.In[kind]
	Done   typed.In[bool]
	Ended  typed.In[bool]
	Prefix string
	From   time.Time
	To     time.Time
	Past   time.Time
}

const byAt typed.Order = 3

func things() *typed.Entity[thing, thingFilter] {
	return typed.Describe[thing, thingFilter]("app_things", "thing",
		typed.ID("id", func(v *thing) *NoteID { return &v.ID }),
		typed.Integer("version", func(v *thing) *int64 { return &v.Version }),
		typed.Text("kind", func(v *thing) *kind { return &v.Kind }),
		typed.Integer("count", func(v *thing) *int { return &v.Count }).OrNull(),
		typed.Seconds("for_seconds", func(v *thing) *time.Duration { return &v.For }),
		typed.Flag("done", func(v *thing) *bool { return &v.Done }),
		typed.Instant("at", func(v *thing) *time.Time { return &v.At }),
		typed.Moment("ended_at", func(v *thing) *time.Time { return &v.Ended }),
		typed.Dictionary("labels", func(v *thing) *map[string]string { return &v.Labels }),
		typed.Dictionary("flags", func(v *thing) *map[string]bool { return &v.Flags }),
		typed.List("names", func(v *thing) *[]kind { return &v.Names }),
		typed.Document("document", func(v *thing) *json.RawMessage { return &v.Document }),
		typed.Object("inner_json", func(v *thing) storedInner { return storedInner{v.Inner.A} }, func(v *thing, s storedInner) { v.Inner.A = s.A }),
		typed.Derived("first", func(v *thing) string { return string(v.Kind[:1]) }),
		typed.ID("other_id", func(v *thing) *NoteID { return &v.Other }).OrNull(),
	).
		Index("at").Order(byAt, "at").
		Touch("ended_at").
		Where(func(c *typed.Conds, f thingFilter) {
			typed.OneText(c, "kind", f.Kind)
			typed.OneFlag(c, "done", f.Done)
			typed.Present(c, "ended_at", f.Ended)
			typed.Begins(c, "kind", f.Prefix)
			typed.Since(c, "at", f.From)
			typed.Before(c, "at", f.To)
			typed.After(c, "at", f.Past)
		})
}

var noon = time.Date(2030, 1, 2, 12, 0, 0, 0, time.UTC)

func full() thing {
	return thing{
		ID: NoteID{1}, Version: 1, Kind: "book", Count: 3, For: time.Minute, Done: true, At: noon, Ended: noon.Add(time.Hour),
		Labels: map[string]string{"b": "2", "a": "1"}, Flags: map[string]bool{"x": false}, Names: []kind{"p", "q"},
		Document: json.RawMessage(`{"z":1}`), Inner: inner{"deep"}, Other: NoteID{9},
	}
}

// TestRoundTrip: a value reads back as it was, and what is empty is null where the column may be.
func TestRoundTrip(t *testing.T) {
	e := things()
	row := make(store.Row, len(e.Table.Columns))
	for _, v := range []thing{full(), {ID: NoteID{2}, Version: 1, Kind: "a", At: noon}} {
		e.Write(&v, row)
		require.Equal(t, v, e.Read(row))
	}
	for _, name := range []string{"count", "ended_at", "labels", "flags", "document", "inner_json", "other_id"} {
		require.True(t, row[e.Table.Index(name)].Null, name)
		require.True(t, e.Table.Columns[e.Table.Index(name)].Null, name)
	}
	v := full()
	e.Write(&v, row)
	require.Equal(t, `{"a":"1","b":"2"}`, row[e.Table.Index("labels")].Text)
	require.Equal(t, `{"a":"deep"}`, row[e.Table.Index("inner_json")].Text)
	require.Equal(t, "b", row[e.Table.Index("first")].Text)
}

// TestFill: columns that follow from other fields are written with each row, and read into none.
func TestFill(t *testing.T) {
	e := typed.Describe[thing, thingFilter]("app_filled", "thing",
		typed.ID("id", func(v *thing) *NoteID { return &v.ID }),
		typed.Integer("version", func(v *thing) *int64 { return &v.Version }),
		typed.Filled[thing]("first"),
		typed.Text("kind", func(v *thing) *kind { return &v.Kind }),
	).Fill(func(v *thing, row store.Row) {
		if v.Kind != "" && row[3].Text == string(v.Kind) {
			row[2] = store.Value{Text: string(v.Kind[:1])}
		}
	})
	row := make(store.Row, len(e.Table.Columns))
	for text, value := range map[kind]store.Value{"book": {Text: "b"}, "": {Null: true}} {
		v := thing{ID: NoteID{1}, Version: 1, Kind: text}
		e.Write(&v, row)
		require.Equal(t, value, row[2])
		require.Equal(t, v, e.Read(row))
	}
	require.True(t, e.Table.Columns[2].Null)
}

// TestFilters: the zero constraint does not constrain, the empty one lets nothing pass.
func TestFilters(t *testing.T) {
	e := things()
	require.Empty(t, e.Conds(thingFilter{}))
	for name, c := range map[string]struct {
		filter thingFilter
		op     store.Op
		values int
	}{
		"one of two":       {thingFilter{Kind: typed.Of[kind]("a", "b")}, store.OneOf, 2},
		"one of none":      {thingFilter{Kind: typed.Of[kind]()}, store.OneOf, 0},
		"a flag":           {thingFilter{Done: typed.Of(true)}, store.OneOf, 1},
		"there":            {thingFilter{Ended: typed.Of(true)}, store.NotNull, 0},
		"not there":        {thingFilter{Ended: typed.Of(false)}, store.IsNull, 0},
		"there or not: no": {thingFilter{Ended: typed.Of[bool]()}, store.OneOf, 0},
		"a beginning":      {thingFilter{Prefix: "b"}, store.Prefix, 1},
		"since":            {thingFilter{From: noon}, store.AtLeast, 1},
		"before":           {thingFilter{To: noon}, store.Less, 1},
		"after":            {thingFilter{Past: noon}, store.AtLeast, 1},
	} {
		conds := e.Conds(c.filter)
		require.Len(t, conds, 1, name)
		require.Equal(t, c.op, conds[0].Op, name)
		require.Len(t, conds[0].Values, c.values, name)
	}
	require.Empty(t, e.Conds(thingFilter{Ended: typed.Of(true, false)}))
	require.Equal(t, noon.UnixMicro()+1, e.Conds(thingFilter{Past: noon})[0].Values[0].Int)
}

// TestTable: every statement of a table, on a store that has never met it.
func TestTable(t *testing.T) {
	e := things()
	ctx := t.Context()
	require.NoError(t, memory.New().Update(ctx, func(rows store.Rows) error {
		table := typed.Bind(rows, e)
		v := full()
		require.NoError(t, table.Insert(ctx, v))
		require.ErrorIs(t, table.Insert(ctx, v), store.ErrAlreadyExists)
		later := thing{ID: NoteID{2}, Version: 1, Kind: "card", At: noon.Add(time.Minute)}
		require.NoError(t, table.Insert(ctx, later))
		v.Count, v.Version = 4, 2
		require.NoError(t, table.Update(ctx, v))
		require.ErrorIs(t, table.Update(ctx, v), store.ErrConflict)
		require.NoError(t, table.Touch(ctx, v.ID, noon.Add(2*time.Hour)))
		v.Ended = noon.Add(2 * time.Hour)
		got, err := table.Get(ctx, v.ID)
		require.NoError(t, err)
		require.Equal(t, v, got)
		list, err := table.List(ctx, thingFilter{}, typed.Span{Limit: 5, Order: byAt, Desc: true})
		require.NoError(t, err)
		require.Equal(t, []thing{later, v}, list)
		list, err = table.List(ctx, thingFilter{}, typed.Span{Limit: 5, Order: byAt, After: &typed.Place{Int: noon.UnixMicro(), ID: v.ID}})
		require.NoError(t, err)
		require.Equal(t, []thing{later}, list)
		_, err = table.List(ctx, thingFilter{}, typed.Span{Limit: 5, Order: 1})
		require.ErrorIs(t, err, store.ErrInvalid)
		n, err := table.Count(ctx, thingFilter{Kind: typed.Of[kind]()})
		require.NoError(t, err)
		require.Zero(t, n)
		_, err = table.DeleteAll(ctx, thingFilter{})
		require.ErrorIs(t, err, store.ErrInvalid)
		n, err = table.DeleteAll(ctx, thingFilter{Kind: typed.Of[kind]("card")})
		require.NoError(t, err)
		require.Equal(t, 1, n)
		require.NoError(t, table.Delete(ctx, v.ID))
		_, err = table.Get(ctx, v.ID)
		require.ErrorIs(t, err, store.ErrNotFound)
		return nil
	}))
}

// TestMistakesPanic: a description that names a column that is not there is caught when the
// program starts, or at its first filter.
func TestMistakesPanic(t *testing.T) {
	require.Panics(t, func() { things().Index("nowhere") })
	wrong := typed.Describe[thing, thingFilter]("t", "thing", typed.ID("id", func(v *thing) *NoteID { return &v.ID })).
		Where(func(c *typed.Conds, _ thingFilter) { c.Add("nowhere", store.IsNull) })
	require.Panics(t, func() { wrong.Conds(thingFilter{}) })
}
