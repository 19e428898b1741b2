package storetest

import (
	"context"
	"fmt"
	"strings"

	"github.com/freehold-dev/freehold/store"
)

// These are the things that a transaction can hold until its end, besides a [store.LockKey]: a row, a unique
// key (whether or not a row has it), and the right to prune and redact.
type (
	weakRowID struct {
		table *store.Table
		id    [16]byte
	}
	weakKey struct {
		table *store.Table
		field string
		value string
	}
	weakLogID struct{ log *store.Log }
)

// weakKeys lists the unique keys that a row has.
func weakKeys(table *store.Table, row store.Row) []any {
	var list []any
	for _, key := range table.Unique {
		var value strings.Builder
		null := false
		for _, i := range key.Columns {
			null = null || row[i].Null
			fmt.Fprintf(&value, "%x %d %q,", row[i].ID, row[i].Int, row[i].Text)
		}
		if !null {
			list = append(list, weakKey{table, key.Field, value.String()})
		}
	}
	return list
}

// statement runs step under the mutex. If step returns a transaction that is in its way, step has done nothing.
// statement runs it again after that transaction has ended.
func (t *weakTx) statement(ctx context.Context, step func() (*weakTx, error)) error {
	if t.snapshot != nil {
		_, err := step() // a View shares nothing that changes
		return err
	}
	t.weak.yield()
	for {
		other, err := t.try(step)
		if other == nil {
			return err
		}
		select {
		case <-other.ended:
		case <-t.beaten:
		case <-ctx.Done():
		}
		if err := t.waited(ctx); err != nil {
			return err
		}
	}
}

// waited ends a wait.
func (t *weakTx) waited(ctx context.Context) error {
	t.weak.mu.Lock()
	defer t.weak.mu.Unlock()
	t.waits = nil
	t.weak.waiting--
	if err := ctx.Err(); err != nil {
		return canceled(err)
	}
	return nil
}

func (t *weakTx) try(step func() (*weakTx, error)) (*weakTx, error) {
	t.weak.mu.Lock()
	defer t.weak.mu.Unlock()
	if t.winner != nil {
		return nil, errDeadlock()
	}
	other, err := step()
	if other != nil {
		t.waits = other
		t.weak.waiting++
		t.resolve()
	}
	return other, err
}

// resolve checks whether t, which is about to wait, closes a circle of transactions that wait for each other.
// The youngest of them loses.
func (t *weakTx) resolve() {
	oldest, youngest := t, t
	for next := t.waits; next != t; next = next.waits {
		if next == nil {
			return
		}
		if next.age < oldest.age {
			oldest = next
		}
		if next.age > youngest.age {
			youngest = next
		}
	}
	youngest.winner = oldest
	close(youngest.beaten)
	youngest.release()
}

// blocker returns the transaction that holds one of the things, or nil.
func (t *weakTx) blocker(things []any) *weakTx {
	for _, thing := range things {
		if other := t.weak.holder[thing]; other != nil && other != t {
			return other
		}
	}
	return nil
}

// hold takes things that no other transaction holds.
func (t *weakTx) hold(things []any) {
	for _, thing := range things {
		if t.weak.holder[thing] == nil {
			t.weak.holder[thing] = t
			t.held = append(t.held, thing)
		}
	}
}

// end releases everything.
func (t *weakTx) end() {
	t.weak.mu.Lock()
	defer t.weak.mu.Unlock()
	if t.winner == nil {
		t.release()
	}
}

// release wakes the transactions that wait for t. It runs once: at the end of t, or when t loses a deadlock.
func (t *weakTx) release() {
	for _, thing := range t.held {
		delete(t.weak.holder, thing)
	}
	t.held, t.waits = nil, nil
	close(t.ended)
}
