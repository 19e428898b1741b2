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

// patience ends the context of a rule. A store that waits forever, but obeys its context, then fails only its
// rule and not the whole run.
const patience = time.Minute

// glance is how long a rule waits for something that must not happen.
const glance = 20 * time.Millisecond

var (
	// errOurs is the error with which the functions of rules fail.
	errOurs = errors.New("storetest: an error of the caller's own")
	// errStop is the value of a panic after a failure was recorded. It ends the rule, and passes through the
	// store's own rollback.
	errStop = errors.New("storetest: the rule failed")
)

// check is one rule being run on one store. It may be used by several goroutines.
type check struct {
	ctx   context.Context // a check lives for one call only
	store store.Store
	join  func() Host // nil except in the rules of joined stores

	mu       sync.Mutex
	failures []string
}

// check runs the rule and returns how the store broke it.
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

// failf records a failure and ends the rule.
func (c *check) failf(format string, args ...any) {
	c.note(format, args...)
	panic(errStop)
}

func (c *check) ok(err error, what string) {
	if err != nil {
		c.failf("%s: %v", what, err)
	}
}

// code checks for an error of the store with this code.
func (c *check) code(err error, want store.Code, what string) {
	if e, ok := err.(*store.Error); !ok || e.Code != want || !errors.Is(err, want) {
		c.failf("%s: got error %v (%T), want a *store.Error with code %s", what, err, err, want)
	}
}

// refused checks for an error that says about the row what one of wants says.
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

// invalid checks for a refusal that names this field, or any field if it is "".
func (c *check) invalid(err error, field, what string) {
	c.code(err, store.ErrInvalid, what)
	if e := err.(*store.Error); field != "" && e.Field != field {
		c.failf("%s: got error %v, want Field %q", what, err, field)
	}
}

// canceled checks for the error of a context that has ended.
func (c *check) canceled(err error, ctx context.Context, what string) { // the error comes first, as in code
	c.code(err, store.ErrCanceled, what)
	if !errors.Is(err, ctx.Err()) {
		c.failf("%s: got error %v, want one that wraps %v", what, err, ctx.Err())
	}
}

// same checks for the error that fn returned itself, not a copy or a wrapper.
func (c *check) same(got, want error, what string) {
	if got != want { // compared with ==, because the value itself must be returned
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

// difference returns the first place at which lists of rows differ.
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

// brief returns a value in the form for failures, shortened if it is long.
func brief(v any) string {
	const most = 2000
	s := fmt.Sprintf("%+v", v)
	if len(s) > most {
		return s[:most] + fmt.Sprintf("... (%d bytes)", len(s))
	}
	return s
}

// panics checks that fn panics with errOurs itself.
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

// update runs fn in a transaction that must commit.
func (c *check) update(fn func(tx store.Rows)) {
	c.ok(c.try(func(tx store.Rows) error {
		fn(tx)
		return nil
	}), "Update")
}

// contend is update for an fn that competes with others. fn must return the errors of its statements: they tell
// a store that fn must run again.
func (c *check) contend(fn func(tx store.Rows) error) { c.ok(c.try(fn), "Update") }

// try runs fn in a transaction and returns the error of Update.
func (c *check) try(fn func(tx store.Rows) error) error { return c.store.Update(c.ctx, fn) }

// view runs fn on a snapshot.
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

// nest runs fn in a savepoint that succeeds.
func (c *check) nest(tx store.Rows, fn func()) {
	c.ok(tx.Savepoint(c.ctx, func() error {
		fn()
		return nil
	}), "Savepoint")
}

// elsewhere runs fn in another goroutine and waits for it. If fn waits for the caller, the rule fails.
func (c *check) elsewhere(fn func()) { c.wait(c.start(fn)) }

// wait waits for what start started.
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

// start runs fn in another goroutine, and returns a channel that is closed when fn is done.
func (c *check) start(fn func()) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.guard(fn)
	}()
	return done
}

// together runs fn in n goroutines at once and waits for all of them.
func (c *check) together(n int, fn func(i int)) {
	c.elsewhere(func() {
		var all sync.WaitGroup
		for i := range n {
			all.Go(func() { c.guard(func() { fn(i) }) })
		}
		all.Wait()
	})
}
