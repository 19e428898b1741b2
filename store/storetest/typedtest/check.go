package typedtest

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
	"github.com/freehold-dev/freehold/tenancy"
)

// patience ends the context of a rule: a store that waits for ever and heeds its
// context fails its rule instead of the whole run.
const patience = time.Minute

// errStop is what a check panics with once a failure is on record, so that a rule
// ends where it failed. It goes through the store's own rollback on its way.
var errStop = errors.New("storetest: the rule failed")

// check is one rule being run on one store. It may be used by several goroutines.
type check struct {
	ctx   context.Context // the life of a check is one call
	store store.Store

	mu       sync.Mutex
	failures []string
}

// check runs the rule and tells how the store broke it.
func (r rule) check(s store.Store) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c := &check{ctx: ctx, store: s}
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

// code wants an error of this code, with everything that goes with it.
func (c *check) code(err error, want tenancy.Code, what string) {
	if !errors.Is(err, want) || tenancy.CodeOf(err) != want {
		c.failf("%s: got error %v, want code %s", what, err, want)
	}
}

// taken wants the error of a unique key.
func (c *check) taken(err error, field, what string) {
	c.code(err, tenancy.ErrAlreadyExists, what)
	var e *tenancy.Error
	if !errors.As(err, &e) || e.Field != field {
		c.failf("%s: got error %v, want Field %q", what, err, field)
	}
}

// same wants the very error that fn returned, not one made of it.
func (c *check) same(got, want error, what string) {
	if got != want { // the value itself has to come through
		c.failf("%s: got %v, want %v itself", what, got, want)
	}
}

func (c *check) equal(got, want any, what string) {
	if !reflect.DeepEqual(got, want) {
		c.failf("%s:\n got %s\nwant %s", what, brief(got), brief(want))
	}
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

// update runs fn in a transaction that has to commit.
func (c *check) update(fn func(tx tenancy.Tx)) {
	c.ok(c.try(func(tx tenancy.Tx) error {
		fn(tx)
		return nil
	}), "Update")
}

// contend is update for an fn that meets others: it has to hand on the errors of its
// statements, by which a store may tell that fn is to run again.
func (c *check) contend(fn func(tx tenancy.Tx) error) { c.ok(c.try(fn), "Update") }

// try runs fn in a transaction and gives what Update answers.
func (c *check) try(fn func(tx tenancy.Tx) error) error {
	return tenancy.Typed(c.store).Update(c.ctx, fn)
}

// view runs fn over a snapshot.
func (c *check) view(fn func(tx tenancy.Tx)) {
	c.ok(tenancy.Typed(c.store).View(c.ctx, func(tx tenancy.Tx) error {
		fn(tx)
		return nil
	}), "View")
}

// elsewhere runs fn in another goroutine and waits for it: where that waits for the
// caller, the rule fails.
func (c *check) elsewhere(fn func()) {
	done := c.start(fn)
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

// state is all that a store holds, to compare before and after.
type state struct {
	rows   map[string][]any
	events []tenancy.Event
	last   tenancy.Position
}

func (c *check) state() (all state) {
	c.view(func(tx tenancy.Tx) { all = stateOf(c, tx) })
	return all
}

func stateOf(c *check, tx tenancy.Tx) state {
	all := state{rows: map[string][]any{}, events: events(c, tx), last: last(c, tx)}
	for _, e := range subjects() {
		all.rows[e.kind()] = e.dump(c, tx)
	}
	return all
}

// unchanged wants the store to hold after fn what it held before.
func (c *check) unchanged(fn func()) {
	before := c.state()
	fn()
	c.equal(c.state(), before, "what the store holds afterwards")
}
