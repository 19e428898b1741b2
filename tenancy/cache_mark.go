package tenancy

import (
	"context"
	"slices"
)

// mark stands for a change in a transaction of the host's, whose end nobody tells
// us: while it stands, nothing that it covers is kept, so checks go to the store and
// see the change from its commit on.
type mark struct {
	key   cacheKey
	event EventID
	after Position // the last event committed when the change was made
	by    *ring    // the transaction; nil: several
}

// maxMarks is how many marks stand at most: beyond that, one stands for all.
const maxMarks = 1_000

// mark notes a change that a host's transaction made, and drops what it covers. A
// transaction is seen whole, so its last event speaks for the ones before; and as soon
// as it has made too many changes, one mark of its own stands for them all.
func (c *cache) mark(m mark) {
	c.mu.Lock()
	of := func(other mark) bool { return other.by == m.by }
	if slices.ContainsFunc(c.marks, func(other mark) bool { return of(other) && other.key == (cacheKey{}) }) {
		m.key = cacheKey{}
	}
	c.marks = slices.DeleteFunc(c.marks, func(other mark) bool { return of(other) && other.key == m.key })
	if len(c.marks) >= maxMarks {
		m.key = cacheKey{}
		c.marks = slices.DeleteFunc(c.marks, of)
	}
	if len(c.marks) >= maxMarks {
		for _, other := range c.marks {
			m.after = max(m.after, other.after)
		}
		m.event, m.by, c.marks = EventID{}, nil, nil
	}
	c.marks = append(c.marks, m)
	c.open.Store(int64(len(c.marks)))
	c.mu.Unlock()
	c.publish(m.key)
}

// marked reports whether a mark covers a pair.
func (c *cache) marked(pair cacheKey) bool {
	if c.open.Load() == 0 {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.ContainsFunc(c.marks, func(m mark) bool { return m.key.covers(pair) })
}

// settle takes away the marks whose transactions have ended. What they cover is
// dropped once more before they go: a load that read the store before the end must
// find that something was published, or the mark.
func (c *cache) settle(ended func(mark) bool) {
	if c.open.Load() == 0 {
		return
	}
	gone := map[mark]bool{}
	var keys []cacheKey
	c.mu.Lock()
	for _, m := range c.marks {
		if ended(m) {
			gone[m] = true
			keys = append(keys, m.key)
		}
	}
	c.mu.Unlock()
	if len(gone) == 0 {
		return
	}
	c.publish(keys...)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.marks = slices.DeleteFunc(c.marks, func(m mark) bool { return gone[m] })
	c.open.Store(int64(len(c.marks)))
}

// settleAll takes every mark away, once all the transactions that made them must
// have ended.
func (c *cache) settleAll() { c.settle(func(mark) bool { return true }) }

// settleBefore takes away the marks older than the last event of a snapshot. It is
// for stores with one writer: as long as that was the transaction with the mark,
// nobody else committed an event.
func (c *cache) settleBefore(last Position) { c.settle(func(m mark) bool { return m.after < last }) }

// settleSeen takes away the marks that cover a pair and whose transactions have
// ended, as a snapshot shows.
func (w *work) settleSeen(ctx context.Context, c *cache, pair cacheKey) error {
	if !c.marked(pair) {
		return nil
	}
	if w.singleWriter {
		last, err := w.Events().Last(ctx)
		if err == nil {
			c.settleBefore(last)
		}
		return err
	}
	c.mu.Lock()
	mine := slices.DeleteFunc(slices.Clone(c.marks), func(m mark) bool { return !m.key.covers(pair) })
	c.mu.Unlock()
	for _, m := range mine {
		seen, err := shows(ctx, w.Events(), m)
		if err != nil {
			return err
		}
		if seen {
			c.settle(func(other mark) bool { return other == m })
		}
	}
	return nil
}

// shows reports whether a snapshot of the log has the event of a mark.
func shows(ctx context.Context, log eventTable, m mark) (bool, error) {
	if m.event.IsZero() {
		return false, nil // it stands for too many
	}
	filter := EventFilter{}
	if !m.key.organization.IsZero() {
		filter.OrganizationID = Of(m.key.organization)
	} else if !m.key.user.IsZero() {
		filter.UserID = Of(m.key.user)
	}
	span := LogSpan{After: m.after, Limit: MaxLimit}
	for {
		events, next, done, err := log.Read(ctx, filter, span)
		if CodeOf(err) == ErrEventsPruned {
			return true, nil // whatever came before the floor was committed or is gone
		}
		if err != nil {
			return false, err
		}
		if slices.ContainsFunc(events, func(e Event) bool { return e.ID == m.event }) {
			return true, nil
		}
		if done {
			return false, nil
		}
		span.After = next
	}
}
