package typed

import (
	"time"

	"github.com/freehold-dev/freehold/store"
)

// In is a constraint of a filter: a set of values of which one must match. The zero In constrains nothing. [Of]
// without values matches nothing, so that an empty slice never means everything.
type In[T comparable] struct {
	set    bool
	values []T
}

// Of is the constraint "one of these".
func Of[T comparable](values ...T) In[T] { return In[T]{set: true, values: values} }

// IsSet reports whether the field constrains.
func (in In[T]) IsSet() bool { return in.set }

// Values returns the allowed values; do not change them.
func (in In[T]) Values() []T { return in.values }

// Conds collects the conditions of one filter.
type Conds struct {
	table  *store.Table
	list   []store.Cond
	values []store.Value // of the list, one after the other

	// Room for most filters, so that one costs a single allocation.
	someConds  [4]store.Cond
	someValues [4]store.Value
}

// Add adds a condition on a column.
func (c *Conds) Add(column string, op store.Op, values ...store.Value) {
	at := c.table.Index(column)
	if at < 0 {
		panic("typed: table " + c.table.Name + " has no column " + column)
	}
	c.list = append(c.list, store.Cond{Column: at, Op: op, Values: values})
}

// OneOf constrains a column to a set; value converts each member.
func OneOf[T comparable](c *Conds, column string, in In[T], value func(T) store.Value) {
	if !in.set {
		return
	}
	first := len(c.values)
	for _, x := range in.values {
		c.values = append(c.values, value(x))
	}
	c.Add(column, store.OneOf, c.values[first:len(c.values):len(c.values)]...)
}

// OneID constrains a column of ids.
func OneID[K Key](c *Conds, column string, in In[K]) {
	OneOf(c, column, in, func(id K) store.Value { return store.Value{ID: id} })
}

// OneText constrains a column of texts.
func OneText[S ~string](c *Conds, column string, in In[S]) {
	OneOf(c, column, in, func(s S) store.Value { return store.Value{Text: string(s)} })
}

// NoneText excludes texts; an empty list excludes nothing.
func NoneText[S ~string](c *Conds, column string, out []S) {
	if len(out) == 0 {
		return
	}
	values := make([]store.Value, len(out))
	for i, s := range out {
		values[i].Text = string(s)
	}
	c.Add(column, store.NoneOf, values...)
}

// OneFlag constrains a column of flags.
func OneFlag(c *Conds, column string, in In[bool]) {
	OneOf(c, column, in, func(yes bool) store.Value {
		if yes {
			return store.Value{Int: 1}
		}
		return store.Value{}
	})
}

// Present constrains whether a column is null or not.
func Present(c *Conds, column string, in In[bool]) {
	var yes, no bool
	for _, want := range in.values {
		yes, no = yes || want, no || !want
	}
	switch {
	case !in.set || yes && no:
	case yes:
		c.Add(column, store.NotNull)
	case no:
		c.Add(column, store.IsNull)
	default:
		c.Add(column, store.OneOf)
	}
}

// Begins constrains a text to a beginning; "" constrains nothing.
func Begins(c *Conds, column, start string) {
	if start != "" {
		c.Add(column, store.Prefix, store.Value{Text: start})
	}
}

// Before constrains a time to before t; the zero time constrains nothing.
func Before(c *Conds, column string, t time.Time) {
	if !t.IsZero() {
		c.Add(column, store.Less, store.Value{Int: t.UnixMicro()})
	}
}

// Since constrains a time to t or later; the zero time constrains nothing.
func Since(c *Conds, column string, t time.Time) {
	if !t.IsZero() {
		c.Add(column, store.AtLeast, store.Value{Int: t.UnixMicro()})
	}
}

// After constrains a time to after t; the zero time constrains nothing.
func After(c *Conds, column string, t time.Time) {
	if !t.IsZero() {
		c.Add(column, store.AtLeast, store.Value{Int: t.UnixMicro() + 1})
	}
}
