package storetest

import (
	"context"
	"maps"
	"runtime"
	"slices"
	"sync"

	"github.com/freehold-dev/freehold/store"
)

// Weak is a store in memory that gives what [store.Store] promises and no more, so that a test on it finds
// mistakes that a stronger store hides. Each statement is atomic and sees what others have committed by then,
// so two reads of one Update may differ. Writers wait for each other only over the same row, the same unique
// key and Lock. Positions have gaps. A read of the log examines few rows. Weak behaves as PostgreSQL does at
// READ COMMITTED. It is slow: each list looks at every row.
//
// Set the fields before the first use. A Weak is safe for concurrent use.
type Weak struct {
	// NoLocks makes Lock do nothing. Code that relies on a Lock must fail then: run the same test with and
	// without NoLocks.
	NoLocks bool
	// Yield is called before every statement of an Update and before its commit, in its goroutine, to let other
	// goroutines run; nil is [runtime.Gosched].
	Yield func()

	mu      sync.Mutex
	kept    weakState
	shared  map[*store.Table]bool // a View may be reading this map of kept: copy it before a change
	holder  map[any]*weakTx       // the holder of each thing that is held; see weaklocks.go
	waiting int                   // number of statements that wait for another transaction
	begun   int64                 // number of transactions so far; it is the age of the newest
}

// weakState is everything committed. If a View keeps one, maps and slices are copied before they are changed.
// Rows are never changed.
type weakState struct {
	tables map[*store.Table]weakRows
	logs   map[*store.Log]weakEvents
	number int // of this commit
}

// weakEvents is the committed part of one log.
type weakEvents struct {
	list  []weakEvent
	last  int64
	floor int64 // position of the last event pruned
}

type weakRows map[[16]byte]store.Row

// NewWeak makes an empty store.
func NewWeak() *Weak {
	w := &Weak{
		kept:   weakState{tables: map[*store.Table]weakRows{}, logs: map[*store.Log]weakEvents{}},
		shared: map[*store.Table]bool{},
		holder: map[any]*weakTx{},
	}
	return w
}

// Clone returns a second store with what is committed in w now, and with its fields. Afterwards the two are
// independent. It takes almost no time: the two share maps until one of them writes. You may call it at any
// time.
func (w *Weak) Clone() *Weak {
	clone := NewWeak()
	clone.NoLocks, clone.Yield = w.NoLocks, w.Yield
	w.mu.Lock()
	defer w.mu.Unlock()
	clone.kept = w.kept
	clone.kept.tables = maps.Clone(w.kept.tables)
	clone.kept.logs = maps.Clone(w.kept.logs)
	for l, kept := range clone.kept.logs {
		kept.list = slices.Clip(kept.list) // so that an append copies
		clone.kept.logs[l] = kept
	}
	for t := range w.kept.tables {
		w.shared[t], clone.shared[t] = true, true
	}
	return clone
}

// View implements [store.Store].
func (w *Weak) View(ctx context.Context, fn func(store.Rows) error) error {
	if err := ctx.Err(); err != nil {
		return canceled(err)
	}
	w.mu.Lock()
	snapshot := w.kept
	snapshot.tables, snapshot.logs = maps.Clone(w.kept.tables), maps.Clone(w.kept.logs)
	for t := range snapshot.tables {
		w.shared[t] = true
	}
	w.mu.Unlock()
	t := &weakTx{weak: w, snapshot: &snapshot}
	return t.guard.Run(t, true, fn)
}

// weakAttempts limits how often an Update that loses deadlocks begins again. It waits for the winner each time,
// and becomes older in comparison with the others. So this is far more than it needs.
const weakAttempts = 1000

// Update implements [store.Store]. In a deadlock the youngest transaction loses: it releases everything, and
// begins again after the oldest has ended.
func (w *Weak) Update(ctx context.Context, fn func(store.Rows) error) error {
	w.mu.Lock()
	w.begun++
	age := w.begun
	w.mu.Unlock()
	for range weakAttempts {
		if err := ctx.Err(); err != nil {
			return canceled(err)
		}
		t := &weakTx{weak: w, age: age, own: map[*store.Table]weakRows{}, logs: map[*store.Log]*weakLog{}, ended: make(chan struct{}), beaten: make(chan struct{})}
		err := t.run(ctx, fn)
		if t.winner == nil {
			return err
		}
		select {
		case <-t.winner.ended:
		case <-ctx.Done():
		}
	}
	return errDeadlock()
}

// run runs fn and commits.
func (t *weakTx) run(ctx context.Context, fn func(store.Rows) error) error {
	defer t.end() // in all cases: return, panic, and exit of the goroutine
	if err := t.guard.Run(t, false, fn); err != nil {
		return err
	}
	t.weak.yield()
	if err := ctx.Err(); err != nil {
		return canceled(err)
	}
	t.weak.mu.Lock()
	defer t.weak.mu.Unlock()
	if t.winner == nil {
		t.commit()
	}
	return nil
}

// commit makes what t wrote visible, all at once, and numbers its events.
func (t *weakTx) commit() {
	w := t.weak
	w.kept.number++
	for table, rows := range t.own {
		if w.kept.tables[table] == nil {
			w.kept.tables[table] = weakRows{}
		}
		if w.shared[table] {
			w.kept.tables[table], w.shared[table] = maps.Clone(w.kept.tables[table]), false
		}
		for id, row := range rows {
			if row == nil {
				delete(w.kept.tables[table], id)
			} else {
				w.kept.tables[table][id] = row
			}
		}
	}
	for l := range t.logs {
		t.commitLog(l)
	}
}

func (w *Weak) yield() {
	if w.Yield != nil {
		w.Yield()
		return
	}
	runtime.Gosched()
}

func canceled(err error) error { return &store.Error{Code: store.ErrCanceled, Err: err} }

func errDeadlock() error {
	return &store.Error{Code: store.ErrBusy, Reason: "deadlock: the transaction was undone to begin again"}
}
