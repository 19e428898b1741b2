package memory

import (
	"context"
	"math"
	"slices"

	"github.com/freehold-dev/freehold/store"
)

// List implements [store.Rows]. It finds all its rows before the first call of yield, so that yield may write.
func (t *tx) List(ctx context.Context, of *store.Table, where []store.Cond, r store.Range, yield func(store.Row) error) error {
	tab := t.table(t.place(of))
	q := &query{where: conditions(tab.schema, where), sort: r.Sort, desc: r.Desc}
	if r.After != nil {
		if r.Sort != 0 {
			q.after = append(q.after, r.After.Sort)
		}
		q.after = append(q.after, store.Value{ID: r.After.ID})
	}
	refs, err := t.page(ctx, tab, q, r.Limit)
	if err != nil {
		return err
	}
	row := make(store.Row, len(tab.columns))
	for _, r := range refs {
		tab.decode(tab.at(r), row)
		if err := yield(row); err != nil {
			return err
		}
	}
	return nil
}

// page returns the first rows of a query, in order.
func (t *tx) page(ctx context.Context, tab *table, q *query, limit int) ([]ref, error) {
	narrow, ordered := tab.plans(q)
	if narrow.sorted {
		refs, _, err := t.walk(ctx, tab, &narrow, q, limit, math.MaxInt)
		return refs, err
	}
	// There may be two plans. One has rows in the right order, of which some do not pass. The other has only
	// rows that pass, but needs all of them, to sort them. The first is better unless few rows pass.
	if ordered != nil && len(ordered.equal) > 0 {
		refs, done, err := t.walk(ctx, tab, ordered, q, limit, 256+4*min(limit, 1000))
		if err != nil || done {
			return refs, err
		}
	}
	return t.gather(ctx, tab, &narrow, q, limit)
}

// walk returns the first rows of a sorted plan; done is false if it would have to look at more than the allowed
// number of rows.
func (t *tx) walk(ctx context.Context, tab *table, p *plan, q *query, limit, allowed int) (refs []ref, done bool, err error) {
	c := t.cursor(tab, p, q)
	for len(refs) < limit {
		r, ok, err := c.next(ctx, allowed)
		if err != nil || !ok {
			return refs, c.steps <= allowed, err
		}
		refs = append(refs, r)
	}
	return refs, true, nil
}

// gather sorts the rows of any plan and returns the first.
func (t *tx) gather(ctx context.Context, tab *table, p *plan, q *query, limit int) (refs []ref, err error) {
	cut := func() {
		slices.SortFunc(refs, func(a, b ref) int { return q.rank(tab, a, b) })
		refs = refs[:min(limit, len(refs))]
	}
	err = t.visit(ctx, tab, p, q, func(r ref) {
		if refs = append(refs, r); len(refs) >= 1024 && len(refs)/2 >= limit {
			cut() // a row after the first limit rows cannot move before them later
		}
	})
	cut()
	return refs, err
}

// Count implements [store.Rows].
func (t *tx) Count(ctx context.Context, of *store.Table, where []store.Cond) (int, error) {
	tab := t.table(t.place(of))
	if len(where) == 0 {
		return tab.trees[0].Len(), nil
	}
	n := 0
	err := t.each(ctx, tab, where, func(ref) { n++ })
	return n, err
}

// CountTo implements [store.LimitedCounter].
func (t *tx) CountTo(ctx context.Context, of *store.Table, where []store.Cond, limit int) (int, error) {
	tab := t.table(t.place(of))
	q := &query{where: conditions(tab.schema, where)}
	p, _ := tab.plans(q)
	p.sorted = false
	c := t.cursor(tab, &p, q)
	for n := range limit {
		if _, ok, err := c.next(ctx, math.MaxInt); err != nil || !ok {
			return n, err
		}
	}
	return limit, nil
}

// all returns the rows that pass, in no particular order.
func (t *tx) all(ctx context.Context, tab *table, where []store.Cond) (refs []ref, err error) {
	err = t.each(ctx, tab, where, func(r ref) { refs = append(refs, r) })
	return refs, err
}

// each calls fn for each row that passes, in no particular order.
func (t *tx) each(ctx context.Context, tab *table, where []store.Cond, fn func(ref)) error {
	q := &query{where: conditions(tab.schema, where)}
	p, _ := tab.plans(q)
	return t.visit(ctx, tab, &p, q, fn)
}

// visit calls fn for each row of a plan that passes, in no particular order.
func (t *tx) visit(ctx context.Context, tab *table, p *plan, q *query, fn func(ref)) error {
	unsorted := *p
	unsorted.sorted = false
	c := t.cursor(tab, &unsorted, q)
	for {
		r, ok, err := c.next(ctx, math.MaxInt)
		if err != nil || !ok {
			return err
		}
		fn(r)
	}
}
