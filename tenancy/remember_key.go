package tenancy

import (
	"bytes"
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/freehold-dev/freehold/store"
)

// keyText returns a unique key together with values for its columns, as one text.
func keyText(t *store.Table, key *store.Key, value func(i int) *store.Value) string {
	var text strings.Builder
	text.WriteString(key.Field)
	for i, column := range key.Columns {
		v := value(i)
		text.WriteByte(0)
		switch t.Columns[column].Type {
		case store.ID:
			text.Write(v.ID[:])
		case store.Text, store.JSON:
			text.WriteString(strconv.Itoa(len(v.Text)) + " " + v.Text)
		default:
			text.WriteString(strconv.FormatInt(v.Int, 10))
		}
	}
	return text.String()
}

// heldBy returns the text of the unique key that a row holds.
func heldBy(t *store.Table, key *store.Key, row store.Row) string {
	return keyText(t, key, func(i int) *store.Value { return &row[key.Columns[i]] })
}

// byKey returns the unique key that a list asks for, and the texts of the values. It returns none if the list
// has further conditions, or if its span may cut the result. A key of one column may be asked for by several
// values.
func (r *remembering) byKey(t *store.Table, where []store.Cond, span store.Range) (*store.Key, []string) {
	if !r.remembers(t) || span.After != nil || span.Sort != 0 || span.Desc {
		return nil, nil
	}
	for i := range t.Unique {
		if asked := askedBy(t, &t.Unique[i], where); len(asked) > 0 && len(asked) <= span.Limit {
			return &t.Unique[i], asked
		}
	}
	return nil, nil
}

func askedBy(t *store.Table, key *store.Key, where []store.Cond) []string {
	if len(where) != len(key.Columns) {
		return nil
	}
	values := make([]*store.Cond, len(where))
	for i, column := range key.Columns {
		at := slices.IndexFunc(where, func(c store.Cond) bool {
			return c.Column == column && c.Op == store.OneOf && (len(c.Values) == 1 || len(where) == 1)
		})
		if at < 0 {
			return nil
		}
		values[i] = &where[at]
	}
	var asked []string
	for n := range values[0].Values {
		text := keyText(t, key, func(i int) *store.Value { return &values[i].Values[n] })
		if !slices.Contains(asked, text) {
			asked = append(asked, text)
		}
	}
	return asked
}

// listByKey lists rows by a unique key, from memory if that suffices.
func (r *remembering) listByKey(ctx context.Context, t *store.Table, key *store.Key, asked []string,
	where []store.Cond, span store.Range, yield func(store.Row) error,
) error {
	found, known := r.holders(t, asked)
	if known {
		if err := canceled(ctx); err != nil {
			return err
		}
	} else {
		found = nil
		err := r.Rows.List(ctx, t, where, span, func(row store.Row) error {
			found = append(found, slices.Clone(row))
			return nil
		})
		if err != nil {
			return err
		}
		for _, text := range asked {
			r.answer(t, text, nil)
		}
		for _, row := range found {
			r.answer(t, heldBy(t, key, row), row)
		}
	}
	for _, row := range found {
		if err := yield(row); err != nil {
			return err
		}
	}
	return nil
}

// holders returns the rows that hold unique keys, by id, and whether the memory knows the answer for each key.
func (r *remembering) holders(t *store.Table, asked []string) (found []store.Row, known bool) {
	for _, text := range asked {
		id, is := r.answers[t][text]
		if !is {
			return nil, false
		}
		if id == [16]byte{} {
			continue
		}
		row := r.known[rowID{t, id}]
		if row == nil {
			return nil, false
		}
		found = append(found, slices.Clone(row))
	}
	slices.SortFunc(found, func(a, b store.Row) int { return bytes.Compare(a[0].ID[:], b[0].ID[:]) })
	return found, true
}

// answer remembers which row holds a unique key; nil: none does.
func (r *remembering) answer(t *store.Table, text string, row store.Row) {
	if r.answers == nil {
		r.answers = map[*store.Table]map[string][16]byte{}
	}
	if r.answers[t] == nil || len(r.answers[t]) >= mostRemembered {
		r.answers[t] = map[string][16]byte{}
	}
	if row == nil {
		r.answers[t][text] = [16]byte{}
		return
	}
	r.know(t, row)
	r.answers[t][text] = row[0].ID
}
