package typed

import (
	"encoding/json"
	"time"

	"github.com/freehold-dev/freehold/store"
)

// Field is a column, with functions that move its value between a V and a row.
type Field[V any] struct {
	column store.Column
	get    func(*V, *store.Value) // into a zero Value
	set    func(*V, *store.Value) // into a zero V; not called for null
}

// OrNull stores the zero value of the field as null.
func (f Field[V]) OrNull() Field[V] {
	f.column.Null = true
	get := f.get
	f.get = func(v *V, x *store.Value) {
		get(v, x)
		if *x == (store.Value{}) {
			x.Null = true
		}
	}
	return f
}

// References names the table whose id the column holds, if the row must not exist without that other row.
func (f Field[V]) References(parent *store.Table) Field[V] {
	f.column.References = parent
	return f
}

// Custom is a field with its own functions. get fills a zero Value of the column's type. set fills a zero V
// from a value that is not null; it is nil if the column follows from other fields.
func Custom[V any](column store.Column, get, set func(*V, *store.Value)) Field[V] {
	if set == nil {
		set = func(*V, *store.Value) {}
	}
	return Field[V]{column: column, get: get, set: set}
}

// ID is a field that holds an id.
func ID[V any, K Key](name string, at func(*V) *K) Field[V] {
	var key K
	return Field[V]{
		column: store.Column{Name: name, Type: store.ID, Prefix: key.Prefix()},
		get:    func(v *V, x *store.Value) { x.ID = *at(v) },
		set:    func(v *V, x *store.Value) { *at(v) = x.ID },
	}
}

// Text is a field that holds a text.
func Text[V any, S ~string](name string, at func(*V) *S) Field[V] {
	return Field[V]{
		column: store.Column{Name: name, Type: store.Text},
		get:    func(v *V, x *store.Value) { x.Text = string(*at(v)) },
		set:    func(v *V, x *store.Value) { *at(v) = S(x.Text) },
	}
}

// Derived is a text that follows from other fields, for a unique key or an index. With OrNull, rows for which
// it is "" have no key.
func Derived[V any](name string, of func(*V) string) Field[V] {
	return Custom(store.Column{Name: name, Type: store.Text, Derived: true}, func(v *V, x *store.Value) { x.Text = of(v) }, nil)
}

// Filled is a text, or null, that [Entity.Fill] writes. A [Table.UpdateAll] of only such columns does not
// change the version.
func Filled[V any](name string) Field[V] {
	return Custom(store.Column{Name: name, Type: store.Text, Null: true, Derived: true}, func(_ *V, x *store.Value) { x.Null = true }, nil)
}

// Integer is a field that holds a number.
func Integer[V any, I ~int | ~int64](name string, at func(*V) *I) Field[V] {
	return Field[V]{
		column: store.Column{Name: name, Type: store.Int},
		get:    func(v *V, x *store.Value) { x.Int = int64(*at(v)) },
		set:    func(v *V, x *store.Value) { *at(v) = I(x.Int) },
	}
}

// Seconds is a field that holds a duration in whole seconds; fractions are lost.
func Seconds[V any](name string, at func(*V) *time.Duration) Field[V] {
	return Field[V]{
		column: store.Column{Name: name, Type: store.Int},
		get:    func(v *V, x *store.Value) { x.Int = int64(*at(v) / time.Second) },
		set:    func(v *V, x *store.Value) { *at(v) = time.Duration(x.Int) * time.Second },
	}
}

// Flag is a field that holds a boolean.
func Flag[V any](name string, at func(*V) *bool) Field[V] {
	return Field[V]{
		column: store.Column{Name: name, Type: store.Bool},
		get: func(v *V, x *store.Value) {
			if *at(v) {
				x.Int = 1
			}
		},
		set: func(v *V, x *store.Value) { *at(v) = x.Int != 0 },
	}
}

// Instant is a field that holds a time in microseconds, UTC.
func Instant[V any](name string, at func(*V) *time.Time) Field[V] {
	return Field[V]{
		column: store.Column{Name: name, Type: store.Time},
		get:    func(v *V, x *store.Value) { x.Int = at(v).UnixMicro() },
		set:    func(v *V, x *store.Value) { *at(v) = time.UnixMicro(x.Int).UTC() },
	}
}

// Moment is an Instant that may be unset: the zero time is stored as null.
func Moment[V any](name string, at func(*V) *time.Time) Field[V] {
	f := Instant(name, at)
	f.column.Null = true
	f.get = func(v *V, x *store.Value) {
		if t := *at(v); t.IsZero() {
			x.Null = true
		} else {
			x.Int = t.UnixMicro()
		}
	}
	return f
}

// Dictionary is a field that holds a map, as a JSON object with its keys in order. An empty map is stored as
// null and read back as nil.
func Dictionary[V any, E string | bool](name string, at func(*V) *map[string]E) Field[V] {
	f := Field[V]{
		column: store.Column{Name: name, Type: store.JSON},
		get: func(v *V, x *store.Value) {
			if m := *at(v); len(m) > 0 {
				text, _ := json.Marshal(m) // a map of strings to strings or booleans always marshals
				x.Text = string(text)
			}
		},
		set: func(v *V, x *store.Value) {
			_ = json.Unmarshal([]byte(x.Text), at(v)) // the text that get wrote
		},
	}
	return f.OrNull()
}

// List is a field that holds texts, as a JSON array. An empty list is read back as nil.
func List[V any, S ~string](name string, at func(*V) *[]S) Field[V] {
	return Field[V]{
		column: store.Column{Name: name, Type: store.JSON},
		get:    func(v *V, x *store.Value) { x.Text = arrayOf(*at(v)) },
		set:    func(v *V, x *store.Value) { fillArray(x.Text, at(v)) },
	}
}

// IDs is a List of ids, each as its TypeID.
func IDs[V any, K interface {
	Key
	String() string
}](name string, at func(*V) *[]K, parse func(string) (K, error),
) Field[V] {
	return Field[V]{
		column: store.Column{Name: name, Type: store.JSON},
		get: func(v *V, x *store.Value) {
			texts := make([]string, len(*at(v)))
			for i, id := range *at(v) {
				texts[i] = id.String()
			}
			x.Text = arrayOf(texts)
		},
		set: func(v *V, x *store.Value) {
			var texts []string
			fillArray(x.Text, &texts)
			for _, text := range texts {
				if id, err := parse(text); err == nil { // the text that get wrote
					*at(v) = append(*at(v), id)
				}
			}
		},
	}
}

func arrayOf[S ~string](list []S) string {
	if len(list) == 0 {
		return "[]"
	}
	text, _ := json.Marshal(list) // texts always marshal
	return string(text)
}

func fillArray[S ~string](text string, list *[]S) {
	if text != "[]" {
		_ = json.Unmarshal([]byte(text), list) // the text that arrayOf wrote
	}
}

// Document is a field that holds a JSON document unchanged.
func Document[V any](name string, at func(*V) *json.RawMessage) Field[V] {
	f := Field[V]{
		column: store.Column{Name: name, Type: store.JSON},
		get:    func(v *V, x *store.Value) { x.Text = string(*at(v)) },
		set:    func(v *V, x *store.Value) { *at(v) = json.RawMessage(x.Text) },
	}
	return f.OrNull()
}

// Object is a field that holds a struct, as a JSON object. S is a type only for the stored form, so that no
// other use of a type changes what is stored. The zero value of S must marshal to {}, and is stored as null.
func Object[V, S any](name string, get func(*V) S, set func(*V, S)) Field[V] {
	f := Field[V]{
		column: store.Column{Name: name, Type: store.JSON},
		get: func(v *V, x *store.Value) {
			if text, _ := json.Marshal(get(v)); string(text) != "{}" { // texts, flags and lists always marshal
				x.Text = string(text)
			}
		},
		set: func(v *V, x *store.Value) {
			var s S
			if json.Unmarshal([]byte(x.Text), &s) == nil { // the text that get wrote
				set(v, s)
			}
		},
	}
	return f.OrNull()
}
