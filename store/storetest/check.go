package storetest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/freehold-dev/freehold/store"
)

// patience ends the context of a rule: a store that waits for ever and heeds its
// context fails its rule instead of the whole run.
const patience = time.Minute

// glance is how long a rule waits for what must not happen.
const glance = 20 * time.Millisecond

var (
	// errOurs is what the functions of rules fail with.
	errOurs = errors.New("storetest: an error of the caller's own")
	// errStop is what a check panics with once a failure is on record, so that a rule
	// ends where it failed. It goes through the store's own rollback on its way.
	errStop = errors.New("storetest: the rule failed")
)

// check is one rule being run on one store. It may be used by several goroutines.
type check struct {
	ctx   context.Context // the life of a check is one call
	store store.Store
	join  func() Host // nil but for the rules of joined stores

	mu       sync.Mutex
	failures []string
}

// check runs the rule and tells how the store broke it.
func (r rule) check(s store.Store) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c := &check{ctx: ctx, store: s, join: r.join}
	c.guard(func() { r.run(c) })
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.failures) == 0 {
		return nil
	}
	return errors.New(strings.Join(c.failures, "\n"))
}

// guard runs fn to its end or to its first failure.
func (c *check) guard(fn func()) {
	defer func() {
		if x := recover(); x != nil && x != any(errStop) {
			c.note("panic: %v\n%s", x, debug.Stack())
		}
	}()
	fn()
}

func (c *check) note(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failures = append(c.failures, fmt.Sprintf(format, args...))
}

// failf puts a failure on record and ends the rule.
func (c *check) failf(format string, args ...any) {
	c.note(format, args...)
	panic(errStop)
}

func (c *check) ok(err error, what string) {
	if err != nil {
		c.failf("%s: %v", what, err)
	}
}

// code wants an error of the store, of this code.
func (c *check) code(err error, want store.Code, what string) {
	if e, ok := err.(*store.Error); !ok || e.Code != want || !errors.Is(err, want) {
		c.failf("%s: got error %v (%T), want a *store.Error with code %s", what, err, err, want)
	}
}

// refused wants an error that says of the row what one of these says.
func (c *check) refused(err error, what string, wants ...error) {
	got, ok := err.(*store.Error)
	for _, want := range wants {
		want := want.(*store.Error)
		if ok && got.Code == want.Code && got.Kind == want.Kind && got.Key == want.Key && got.Field == want.Field {
			return
		}
	}
	c.failf("%s: got error %v, want %v", what, err, wants)
}

// invalid wants a refusal that names this field, or any if it is "".
func (c *check) invalid(err error, field, what string) {
	c.code(err, store.ErrInvalid, what)
	if e := err.(*store.Error); field != "" && e.Field != field {
		c.failf("%s: got error %v, want Field %q", what, err, field)
	}
}

// canceled wants the error of a context that has ended.
func (c *check) canceled(err error, ctx context.Context, what string) { // the error comes first, as in code
	c.code(err, store.ErrCanceled, what)
	if !errors.Is(err, ctx.Err()) {
		c.failf("%s: got error %v, want one that wraps %v", what, err, ctx.Err())
	}
}

// same wants the very error that fn returned, not one made of it.
func (c *check) same(got, want error, what string) {
	if got != want { // the value itself has to come through
		c.failf("%s: got %v, want %v itself", what, got, want)
	}
}

func (c *check) equal(got, want any, what string) {
	if reflect.DeepEqual(got, want) {
		return
	}
	x, isRows := got.([]store.Row)
	y, areRows := want.([]store.Row)
	if isRows && areRows {
		c.failf("%s: %s", what, difference(x, y))
	}
	c.failf("%s:\n got %s\nwant %s", what, brief(got), brief(want))
}

// difference names the first place at which lists of rows differ.
func difference(got, want []store.Row) string {
	text := fmt.Sprintf("got %d rows, want %d", len(got), len(want))
	for n := range min(len(got), len(want)) {
		for i := range got[n] {
			if x, y := got[n][i], want[n][i]; x != y {
				return text + fmt.Sprintf("; row %d has in column %d\n got %s\nwant %s", n, i, shown(x), shown(y))
			}
		}
	}
	return text + ", the same as far as they go"
}

func shown(x store.Value) string {
	return brief(fmt.Sprintf("null %v, %d, %q, %x", x.Null, x.Int, x.Text, x.ID))
}

// brief is a value as a failure shows it; no use in a megabyte of it.
func brief(v any) string {
	const most = 2000
	s := fmt.Sprintf("%+v", v)
	if len(s) > most {
		return s[:most] + fmt.Sprintf("... (%d bytes)", len(s))
	}
	return s
}

// panics wants fn to panic with errOurs itself.
func (c *check) panics(fn func()) {
	defer func() {
		switch x := recover(); x {
		case any(errOurs):
		case any(errStop):
			panic(errStop)
		default:
			c.failf("got panic %v, want the one that fn raised", x)
		}
	}()
	fn()
	c.failf("fn's panic was swallowed")
}

// update runs fn in a transaction that has to commit.
func (c *check) update(fn func(tx store.Rows)) {
	c.ok(c.try(func(tx store.Rows) error {
		fn(tx)
		return nil
	}), "Update")
}

// contend is update for an fn that meets others: it has to hand on the errors of its
// statements, by which a store may tell that fn is to run again.
func (c *check) contend(fn func(tx store.Rows) error) { c.ok(c.try(fn), "Update") }

// try runs fn in a transaction and gives what Update answers.
func (c *check) try(fn func(tx store.Rows) error) error { return c.store.Update(c.ctx, fn) }

// view runs fn over a snapshot.
func (c *check) view(fn func(tx store.Rows)) {
	c.ok(c.store.View(c.ctx, func(tx store.Rows) error {
		fn(tx)
		return nil
	}), "View")
}

// fails runs fn in a savepoint that fails.
func (c *check) fails(tx store.Rows, fn func()) {
	c.same(tx.Savepoint(c.ctx, func() error {
		fn()
		return errOurs
	}), errOurs, "Savepoint")
}

// nest runs fn in a savepoint that goes well.
func (c *check) nest(tx store.Rows, fn func()) {
	c.ok(tx.Savepoint(c.ctx, func() error {
		fn()
		return nil
	}), "Savepoint")
}

// elsewhere runs fn in another goroutine and waits for it: where that waits for the
// caller, the rule fails.
func (c *check) elsewhere(fn func()) { c.wait(c.start(fn)) }

// wait waits for what start has started.
func (c *check) wait(done <-chan struct{}) {
	select {
	case <-done:
	case <-c.ctx.Done():
		c.failf("still waiting after %v", patience)
	}
	c.mu.Lock()
	failed := len(c.failures) > 0
	c.mu.Unlock()
	if failed {
		panic(errStop)
	}
}

// start runs fn in another goroutine; the channel is closed when it is done.
func (c *check) start(fn func()) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.guard(fn)
	}()
	return done
}

// together runs fn in n goroutines at once and waits for all.
func (c *check) together(n int, fn func(i int)) {
	c.elsewhere(func() {
		var all sync.WaitGroup
		for i := range n {
			all.Go(func() { c.guard(func() { fn(i) }) })
		}
		all.Wait()
	})
}
