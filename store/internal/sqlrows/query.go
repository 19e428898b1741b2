package sqlrows

import (
	"strconv"
	"strings"

	"github.com/freehold-dev/freehold/store"
)

// Query is a statement that is being built, with its arguments. Its text depends only on the shape of a filter,
// never on a value. The one exception is a list that is merged from ranges: its text depends on their number.
type Query struct {
	strings.Builder
	// Args are the values for its question marks.
	Args []any
	// hides keeps SQLite from choosing an index for a test for null, with a plus before the column.
	hides bool
}

func (q *Query) add(text string, args ...any) {
	q.WriteString(text)
	q.Args = append(q.Args, args...)
}

// where adds the conditions, each after a WHERE or an AND.
func (q *Query) where(t *store.Table, conds []store.Cond) {
	word := " WHERE "
	for i := range conds {
		q.WriteString(word)
		q.cond(t, &conds[i])
		word = " AND "
	}
}

func (q *Query) cond(t *store.Table, c *store.Cond) {
	name := t.Columns[c.Column].Name
	switch c.Op {
	case store.OneOf:
		q.oneOf(t, c)
	case store.Prefix:
		q.prefix(name, c.Values[0].Text)
	case store.Less:
		q.add(name+" < ?", Bind(t.Columns, c.Column, &c.Values[0]))
	case store.AtLeast:
		q.add(name+" >= ?", Bind(t.Columns, c.Column, &c.Values[0]))
	case store.IsNull:
		q.add(q.hidden() + name + " IS NULL")
	case store.NotNull:
		q.add(q.hidden() + name + " IS NOT NULL")
	case store.NoneOf:
		if t.Columns[c.Column].Null { // SQLite does not conclude this itself, and needs it to use an index
			q.add(q.hidden() + name + " IS NOT NULL AND ")
		}
		q.add(name+" NOT IN (SELECT value FROM json_each(?))", valueList(t, c))
	}
}

func (q *Query) hidden() string {
	if q.hides {
		return "+"
	}
	return ""
}

// oneOf passes many values as one JSON array.
func (q *Query) oneOf(t *store.Table, c *store.Cond) {
	name := t.Columns[c.Column].Name
	if len(c.Values) == 1 {
		q.add(name+" = ?", Bind(t.Columns, c.Column, &c.Values[0]))
		return
	}
	q.add(name+" IN (SELECT value FROM json_each(?))", valueList(t, c))
}

// valueList returns the values of a condition as one JSON array.
func valueList(t *store.Table, c *store.Cond) string {
	list := []byte{'['}
	for i := range c.Values {
		if i > 0 {
			list = append(list, ',')
		}
		list = appendJSON(list, Bind(t.Columns, c.Column, &c.Values[i]))
	}
	return string(append(list, ']'))
}

// prefix writes a range, which an index serves: from start up to the smallest text that is greater than all
// texts with this beginning. To find that text, it removes bytes 0xff from the end and raises the last byte by one.
func (q *Query) prefix(name, start string) {
	q.add(name+" >= ?", start)
	above := []byte(start)
	for len(above) > 0 && above[len(above)-1] == 0xff {
		above = above[:len(above)-1]
	}
	if len(above) > 0 {
		above[len(above)-1]++
		q.add(" AND "+name+" < ?", string(above))
	}
}

// appendJSON writes a bound value for json_each, byte for byte: encoding/json would replace bytes that are not
// UTF-8.
func appendJSON(dst []byte, v any) []byte {
	switch x := v.(type) {
	case int64:
		return strconv.AppendInt(dst, x, 10)
	case string:
		dst = append(dst, '"')
		for i := range len(x) {
			dst = appendByte(dst, x[i])
		}
		return append(dst, '"')
	default:
		return append(dst, "null"...)
	}
}

func appendByte(dst []byte, c byte) []byte {
	const hex = "0123456789abcdef"
	switch {
	case c == '"' || c == '\\':
		return append(dst, '\\', c)
	case c < 0x20:
		return append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
	default:
		return append(dst, c)
	}
}
