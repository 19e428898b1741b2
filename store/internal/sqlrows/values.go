package sqlrows

import (
	"time"

	"github.com/freehold-dev/freehold/internal/typeid"
	"github.com/freehold-dev/freehold/store"
)

// ID returns an id in the form of the column.
func ID(t *store.Table, column int, id [16]byte) string {
	return typeid.String(t.Columns[column].Prefix, id)
}

// Bind returns a value in the form of the column.
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

// Fill reads the cells of a scanned row, in the order of the columns. Errors name kind.
func Fill(kind string, columns []store.Column, row store.Row, cells []any) error {
	for i := range row {
		row[i] = store.Value{}
		if !value(&columns[i], &row[i], cells[i]) {
			return &store.Error{Code: store.ErrCorrupt, Kind: kind, Field: columns[i].Name}
		}
	}
	return nil
}

// value reads one cell. The tables are strict, so only a damaged or manipulated database contains a value that
// does not fit.
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
	case time.Time: // some drivers turn the text of an expression into a time, if formatting that time gives the text back
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

// Number returns a count or a position, 0 for null.
func Number(cell any) int64 {
	n, _ := cell.(int64)
	return n
}
