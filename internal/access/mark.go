package access

import "slices"

// Mark represents a change in a transaction whose end nobody reports. As long as the cache has the mark, it
// keeps nothing that the mark's key covers. So checks read the store, and see the change from the commit on.
type Mark struct {
	// Key is what the change may have altered.
	Key Key
	// By is the transaction that made the change, compared with ==; nil if the mark represents several
	// transactions.
	By any
	// Change names the change, so that the caller can look for it in the store; zero if the mark represents
	// several transactions.
	Change [16]byte
	// After is the last position of the caller's log before the change.
	After int64

	serial uint64 // tells equal marks apart
}

// maxMarks is the greatest number of marks. With one more, a single mark replaces all of them.
const maxMarks = 1_000

// Mark adds a mark and drops what its key covers. Call it before the transaction can commit. A mark replaces an
// earlier one of the same transaction with the same key, because a transaction becomes visible as a whole. A
// transaction with too many marks gets one mark that covers everything. If there are too many marks of many
// transactions, one mark with the largest After replaces all of them.
func (c *Cache[P, B]) Mark(m Mark) { c.Publish(c.add(m)) }

// add adds a mark and returns its final key.
func (c *Cache[P, B]) add(m Mark) Key {
	c.mu.Lock()
	defer c.mu.Unlock()
	ofSame := func(other Mark) bool { return other.By == m.By }
	if slices.ContainsFunc(c.marks, func(other Mark) bool { return ofSame(other) && other.Key == Key{} }) {
		m.Key = Key{}
	}
	c.marks = slices.DeleteFunc(c.marks, func(other Mark) bool { return ofSame(other) && other.Key == m.Key })
	if len(c.marks) >= maxMarks {
		m.Key = Key{}
		c.marks = slices.DeleteFunc(c.marks, ofSame)
	}
	if len(c.marks) >= maxMarks {
		for _, other := range c.marks {
			m.After = max(m.After, other.After)
		}
		m.Change, m.By, c.marks = [16]byte{}, nil, nil
	}
	c.serial++
	m.serial = c.serial
	c.marks = append(c.marks, m)
	c.open.Store(int64(len(c.marks)))
	return m.Key
}

// marked reports whether a mark covers a pair.
func (c *Cache[P, B]) marked(pair Key) bool {
	if c.open.Load() == 0 {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.ContainsFunc(c.marks, func(m Mark) bool { return m.Key.covers(pair) })
}

// MarksOn returns the marks that cover a pair.
func (c *Cache[P, B]) MarksOn(pair Key) []Mark {
	if c.open.Load() == 0 {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(c.marks), func(m Mark) bool { return !m.Key.covers(pair) })
}

// Settle removes the marks whose transactions have ended, as ended reports. It drops what
// they cover once more before it removes them: a load that read the store before the end
// must find the publication or the mark. The cache holds its lock while ended runs, so ended
// must not call back.
func (c *Cache[P, B]) Settle(ended func(Mark) bool) {
	if c.open.Load() == 0 {
		return
	}
	settled := map[uint64]bool{}
	var keys []Key
	c.mu.Lock()
	for _, m := range c.marks {
		if ended(m) {
			settled[m.serial] = true
			keys = append(keys, m.Key)
		}
	}
	c.mu.Unlock()
	if len(keys) == 0 {
		return
	}
	c.Publish(keys...)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.marks = slices.DeleteFunc(c.marks, func(m Mark) bool { return settled[m.serial] })
	c.open.Store(int64(len(c.marks)))
}
