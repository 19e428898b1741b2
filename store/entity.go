package store

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/freehold-dev/freehold/internal/typeid"
	"github.com/freehold-dev/freehold/tenancy"
)

// Entity binds a [Table] to the Go type whose values lie in it, and to that type's
// filter.
type Entity[V tenancy.Entity, F any] struct {
	Table
	bind  []binding[V]
	where func(*conds, F)
}

// binding moves one field between a value and a row.
type binding[V any] struct {
	get func(*V, *Value)
	set func(*V, *Value)
}

// Write puts v into row, which has a place for each column.
func (e *Entity[V, F]) Write(v *V, row Row) {
	for i := range e.bind {
		row[i] = Value{}
		e.bind[i].get(v, &row[i])
	}
}

// Read is the value that row holds.
func (e *Entity[V, F]) Read(row Row) V {
	var v V
	for i := range e.bind {
		if !row[i].Null {
			e.bind[i].set(&v, &row[i])
		}
	}
	return v
}

// Where turns a filter into conditions. none says that nothing can match.
func (e *Entity[V, F]) Where(filter F) (list []Cond, none bool) {
	c := conds{table: &e.Table}
	e.where(&c, filter)
	return c.list, c.none
}

// field is a column together with its binding, while an entity is described.
type field[V any] struct {
	Column
	binding[V]
}

// orNull makes the zero value of the field a null.
func (f field[V]) orNull() field[V] {
	f.Null = true
	get := f.get
	f.get = func(v *V, x *Value) {
		get(v, x)
		if *x == (Value{}) {
			x.Null = true
		}
	}
	return f
}

func describe[V tenancy.Entity, F any](name, kind string, fields ...field[V]) *Entity[V, F] {
	e := &Entity[V, F]{Table: Table{Name: name, Kind: kind, Orders: map[tenancy.Order]int{tenancy.ByID: 0}}}
	for _, f := range fields {
		e.Columns = append(e.Columns, f.Column)
		e.bind = append(e.bind, f.binding)
	}
	return e
}

func (e *Entity[V, F]) unique(field string, columns ...string) *Entity[V, F] {
	e.Unique = append(e.Unique, Key{Field: field, Columns: e.columns(columns...)})
	return e
}

func (e *Entity[V, F]) index(columns ...string) *Entity[V, F] {
	e.Indexes = append(e.Indexes, e.columns(columns...))
	return e
}

func (e *Entity[V, F]) order(by tenancy.Order, column string) *Entity[V, F] {
	e.Orders[by] = e.columns(column)[0]
	return e
}

func (e *Entity[V, F]) touch(column string) *Entity[V, F] {
	e.Touch = e.columns(column)[0]
	return e
}

func (e *Entity[V, F]) filter(where func(*conds, F)) *Entity[V, F] {
	e.where = where
	return e
}

func id[V any, K tenancy.Entity](name string, at func(*V) *tenancy.ID[K]) field[V] {
	return field[V]{Column{Name: name, Type: ID, Prefix: tenancy.ID[K]{}.Prefix()}, binding[V]{
		get: func(v *V, x *Value) { x.ID = *at(v) },
		set: func(v *V, x *Value) { *at(v) = x.ID },
	}}
}

func text[V any, S ~string](name string, at func(*V) *S) field[V] {
	return field[V]{Column{Name: name, Type: Text}, binding[V]{
		get: func(v *V, x *Value) { x.Text = string(*at(v)) },
		set: func(v *V, x *Value) { *at(v) = S(x.Text) },
	}}
}

func integer[V any, I ~int | ~int64](name string, at func(*V) *I) field[V] {
	return field[V]{Column{Name: name, Type: Int}, binding[V]{
		get: func(v *V, x *Value) { x.Int = int64(*at(v)) },
		set: func(v *V, x *Value) { *at(v) = I(x.Int) },
	}}
}

// seconds keeps a duration, of which what is below a second is lost.
func seconds[V any](name string, at func(*V) *time.Duration) field[V] {
	return field[V]{Column{Name: name, Type: Int}, binding[V]{
		get: func(v *V, x *Value) { x.Int = int64(*at(v) / time.Second) },
		set: func(v *V, x *Value) { *at(v) = time.Duration(x.Int) * time.Second },
	}}
}

func flag[V any](name string, at func(*V) *bool) field[V] {
	return field[V]{Column{Name: name, Type: Bool}, binding[V]{
		get: func(v *V, x *Value) {
			if *at(v) {
				x.Int = 1
			}
		},
		set: func(v *V, x *Value) { *at(v) = x.Int != 0 },
	}}
}

func instant[V any](name string, at func(*V) *time.Time) field[V] {
	return field[V]{Column{Name: name, Type: Time}, binding[V]{
		get: func(v *V, x *Value) { x.Int = at(v).UnixMicro() },
		set: func(v *V, x *Value) { *at(v) = time.UnixMicro(x.Int).UTC() },
	}}
}

// moment is an instant that may not have come: the zero time is kept as null.
func moment[V any](name string, at func(*V) *time.Time) field[V] {
	f := instant(name, at)
	f.Null = true
	f.get = func(v *V, x *Value) {
		if t := *at(v); t.IsZero() {
			x.Null = true
		} else {
			x.Int = t.UnixMicro()
		}
	}
	return f
}

// dictionary keeps a map as a JSON object, keys in order; an empty map reads back
// as nil.
func dictionary[V any, E string | bool](name string, at func(*V) *map[string]E) field[V] {
	f := field[V]{Column{Name: name, Type: JSON}, binding[V]{
		get: func(v *V, x *Value) {
			if m := *at(v); len(m) > 0 {
				text, _ := json.Marshal(m) // a map of strings to strings or booleans always marshals
				x.Text = string(text)
			}
		},
		set: func(v *V, x *Value) {
			_ = json.Unmarshal([]byte(x.Text), at(v)) // what get wrote
		},
	}}
	return f.orNull()
}

// object keeps a struct as a JSON object, of which the zero value writes no field and
// is kept as null.
func object[V, S any](name string, at func(*V) *S) field[V] {
	f := field[V]{Column{Name: name, Type: JSON}, binding[V]{
		get: func(v *V, x *Value) {
			if text, _ := json.Marshal(at(v)); string(text) != "{}" { // texts, ids and flags always marshal
				x.Text = string(text)
			}
		},
		set: func(v *V, x *Value) {
			_ = json.Unmarshal([]byte(x.Text), at(v)) // what get wrote
		},
	}}
	return f.orNull()
}

// list keeps texts, or ids as such, as a JSON array; an empty one reads back as nil.
func list[V any, S ~string | tenancy.UserID](name string, at func(*V) *[]S) field[V] {
	return field[V]{Column{Name: name, Type: JSON}, binding[V]{
		get: func(v *V, x *Value) {
			x.Text = "[]"
			if l := *at(v); len(l) > 0 {
				text, _ := json.Marshal(l) // texts always marshal
				x.Text = string(text)
			}
		},
		set: func(v *V, x *Value) {
			if x.Text != "[]" {
				_ = json.Unmarshal([]byte(x.Text), at(v)) // what get wrote
			}
		},
	}}
}

// derived is a column that follows from other fields, kept for a unique key. With
// orNull, the rows for which it gives "" hold no key.
func derived[V any](name string, of func(*V) string) field[V] {
	return field[V]{Column{Name: name, Type: Text}, binding[V]{
		get: func(v *V, x *Value) { x.Text = of(v) },
		set: func(*V, *Value) {},
	}}
}

// when is a text that holds under a condition alone, for derived columns.
func when(holds bool, text string) string {
	if holds {
		return text
	}
	return ""
}

func document[V any](name string, at func(*V) *json.RawMessage) field[V] {
	f := field[V]{Column{Name: name, Type: JSON}, binding[V]{
		get: func(v *V, x *Value) { x.Text = string(*at(v)) },
		set: func(v *V, x *Value) { *at(v) = json.RawMessage(x.Text) },
	}}
	return f.orNull()
}

// actor keeps who did it in one text, "user:usr_...", "service:import" or "host",
// that a person can read and a query can match.
func actor[V any](name string, at func(*V) *tenancy.Actor) field[V] {
	return field[V]{Column{Name: name, Type: Text}, binding[V]{
		get: func(v *V, x *Value) { x.Text = actorText(*at(v)) },
		set: func(v *V, x *Value) {
			kind, id, _ := strings.Cut(x.Text, ":")
			*at(v) = tenancy.Actor{Kind: tenancy.ActorKind(kind), ID: id}
		},
	}}
}

func actorText(a tenancy.Actor) string {
	if a.ID == "" {
		return string(a.Kind)
	}
	return string(a.Kind) + ":" + a.ID
}

func typeidString(prefix string, id [16]byte) string { return typeid.String(prefix, id) }
