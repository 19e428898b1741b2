package sqlrows

import (
	"time"

	"github.com/freehold-dev/freehold/internal/typeid"
	"github.com/freehold-dev/freehold/store"
)

// ID is an id as the column holds it.
func ID(t *store.Table, column int, id [16]byte) string {
	return typeid.String(t.Columns[column].Prefix, id)
}

// Bind is a value as the column holds it.
func Bind(columns []store.Column, i int, v *store.Value) any {
	if v.Null {
		return nil
	}
	switch c := &columns[i]; c.Type {
	case store.ID:
		return typeid.String(c.Prefix, v.ID)
	case store.Int, store.Bool, store.Time:
		return v.Int
	default:
		return v.Text
	}
}

// Fill reads the cells of a row that was scanned, in the order of the columns. kind is for
// errors.
func Fill(kind string, columns []store.Column, row store.Row, cells []any) error {
	for i := range row {
		row[i] = store.Value{}
		if !value(&columns[i], &row[i], cells[i]) {
			return &store.Error{Code: store.ErrCorrupt, Kind: kind, Field: columns[i].Name}
		}
	}
	return nil
}

// value reads one cell. The tables are strict, so only a damaged or a doctored
// database holds what does not fit.
func value(c *store.Column, v *store.Value, cell any) bool {
	switch x := cell.(type) {
	case nil:
		v.Null = true
		return true
	case int64:
		v.Int = x
		return c.Type == store.Int || c.Type == store.Bool || c.Type == store.Time
	case string:
		if c.Type != store.ID {
			v.Text = x
			return c.Type == store.Text || c.Type == store.JSON
		}
		return parseID(c.Prefix, x, &v.ID)
	case time.Time: // a driver makes one of a text of an expression's, if this gives the same text back
		v.Text = x.Format(time.RFC3339Nano)
		return c.Type == store.Text
	default:
		return false
	}
}

func parseID(prefix, text string, id *[16]byte) bool {
	start := len(prefix) + 1
	if len(text) <= start || text[:start-1] != prefix || text[start-1] != '_' {
		return false
	}
	parsed, err := typeid.ParseSuffix(text[start:])
	*id = parsed
	return err == nil
}

// Number is a count or a position, 0 for null.
func Number(cell any) int64 {
	n, _ := cell.(int64)
	return n
}
