package store

import (
	"time"

	"github.com/freehold-dev/freehold/tenancy"
)

// conds gathers the conditions of one filter.
type conds struct {
	table *Table
	list  []Cond
	none  bool
}

func (c *conds) add(column string, op Op, values ...Value) {
	c.list = append(c.list, Cond{Column: c.table.columns(column)[0], Op: op, Values: values})
}

func oneOf[T comparable](c *conds, column string, in tenancy.In[T], value func(T) Value) {
	if !in.IsSet() {
		return
	}
	if len(in.Values()) == 0 {
		c.none = true
		return
	}
	values := make([]Value, len(in.Values()))
	for i, x := range in.Values() {
		values[i] = value(x)
	}
	c.add(column, OneOf, values...)
}

func ids[K tenancy.Entity](c *conds, column string, in tenancy.In[tenancy.ID[K]]) {
	oneOf(c, column, in, func(id tenancy.ID[K]) Value { return Value{ID: id} })
}

func texts[S ~string](c *conds, column string, in tenancy.In[S]) {
	oneOf(c, column, in, func(s S) Value { return Value{Text: string(s)} })
}

func flags(c *conds, column string, in tenancy.In[bool]) {
	oneOf(c, column, in, func(b bool) Value {
		if b {
			return Value{Int: 1}
		}
		return Value{}
	})
}

// present constrains whether a nullable column holds anything.
func present(c *conds, column string, in tenancy.In[bool]) {
	var yes, no bool
	for _, want := range in.Values() {
		yes, no = yes || want, no || !want
	}
	switch {
	case !in.IsSet() || yes && no:
	case yes:
		c.add(column, NotNull)
	case no:
		c.add(column, IsNull)
	default:
		c.none = true
	}
}

func prefix(c *conds, column, start string) {
	if start != "" {
		c.add(column, Prefix, Value{Text: start})
	}
}

func before(c *conds, column string, t time.Time) {
	if !t.IsZero() {
		c.add(column, Less, Value{Int: t.UnixMicro()})
	}
}

func since(c *conds, column string, t time.Time) {
	if !t.IsZero() {
		c.add(column, AtLeast, Value{Int: t.UnixMicro()})
	}
}

func after(c *conds, column string, t time.Time) {
	if !t.IsZero() {
		c.add(column, AtLeast, Value{Int: t.UnixMicro() + 1})
	}
}
