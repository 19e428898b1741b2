// Package model compares [tenancy.Service] with a second one that is nothing but maps and
// the rules, over random sequences of operations.
package model

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/tenancy"
)

// Run sends random operations to the Service and to a second one that is nothing
// but maps and the rules, and compares what each says, every event, and from time to
// time everything that there is to read. It makes about steps operations, and at most
// 10,000 under the race detector.
func Run(t *testing.T, open servicetest.Opener, steps int) {
	t.Helper()
	RunObserved(t, open, steps, nil)
}

// RunObserved is [Run] before the eyes of an observer. It ends with the first case that
// comes to steps operations.
func RunObserved(t *testing.T, open servicetest.Opener, steps int, observe servicetest.Observe) {
	t.Helper()
	begins()
	done, cases, start := 0, 0, time.Now()
	rapid.Check(t, func(rt *rapid.T) {
		if observe != nil && done >= steps { // done counts cases that passed, so a failure repeats itself
			return
		}
		m := newMachine(t, rt, open)
		if observe != nil {
			m.observer = observe(servicetest.Observed{Ctx: m.ctx, Svc: m.outer, Store: m.store, Now: m.clock.Now})
		}
		cases++
		for range repeats(steps, observe) {
			rt.Repeat(m.actions())
		}
		m.check(rt)
		if m.observer != nil {
			m.observer.End(rt)
		}
		done += m.done
	})
	t.Logf("figures: model: %d operations in %d cases, no difference, %v", done, cases, time.Since(start).Round(time.Millisecond))
}

// repeats is how many Repeats a case has. Before an observer it is one more, so that the cases
// come to the steps that were asked for, and the last ones need not play.
func repeats(steps int, observe servicetest.Observe) int {
	n := min(steps, servicetest.MostOperations) / modelCases / modelRun
	if observe != nil {
		return n + 1
	}
	return max(1, n)
}

// What rapid does by default, whose flags may say otherwise: it plays modelCases
// cases, and a Repeat makes modelRun operations on average.
const (
	modelCases = 100
	modelRun   = 30
)

// machine plays operations on the Service and on the model.
type machine struct {
	rt    *rapid.T
	ctx   context.Context
	clock *servicetest.Clock
	store store.Store
	outer *tenancy.Service // not in a transaction
	svc   *tenancy.Service // the one to call now
	s     *modelState
	depth int // of transactions that run
	done  int // operations made

	joins []tenancy.Join // what OnJoin was asked in this operation
	known int            // how many events of s.log were read back
	last  tenancy.Position

	observer servicetest.Observer // nil: none
}

// Limits that are low enough to be met.
const (
	modelDeleteLimit = 4
	modelIdentities  = 3
	modelProofFor    = time.Hour
	modelMails       = 3
	// Erasing a person forgets the mails to addresses that they once proved, which the model does not
	// follow: this limit is out of reach here, and the model of signing in meets it.
	modelAddressMails = 10_000
)

var errVeto = errors.New("not in here")

func newMachine(t *testing.T, rt *rapid.T, open servicetest.Opener) *machine {
	m := &machine{
		rt: rt, ctx: t.Context(), store: open(t),
		clock: &servicetest.Clock{At: time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)},
	}
	single := rapid.Bool().Draw(rt, "single organization")
	m.s = newModelState(single)
	source := &servicetest.Source{}
	var err error
	m.outer, err = tenancy.New(tenancy.Config{
		Store: m.store, Now: m.clock.Now, NewID: source.NewID, Rand: source,
		SingleOrganization: single, OnJoin: m.onJoin, EmailProofFor: modelProofFor, DeleteLimit: modelDeleteLimit,
		Limits: tenancy.Limits{UserIdentities: modelIdentities, Mails: modelMails, AddressMails: modelAddressMails},
	})
	require.NoError(rt, err)
	m.svc = m.outer
	return m
}

// onJoin vetoes by marks on the user and the organization, and hears every join.
func (m *machine) onJoin(ctx context.Context, tx *tenancy.Service, join tenancy.Join) error {
	m.joins = append(m.joins, join)
	if _, err := tx.Organizations.Get(ctx, join.Organization.ID); err != nil {
		return fmt.Errorf("the hook cannot see the organization: %w", err)
	}
	if vetoed(join.Organization, join.User) {
		return errVeto
	}
	return nil
}

func vetoed(org tenancy.Organization, user tenancy.User) bool {
	return org.DisplayName == "Closed" || user.Metadata["a"] == "veto"
}

// actions are the operations by name; the name also says how often one is drawn.
func (m *machine) actions() map[string]func(*rapid.T) {
	all := map[string]func(*rapid.T){"": func(rt *rapid.T) { m.settle(rt) }}
	for name, op := range m.operations() {
		for i := range op.weight {
			all[fmt.Sprintf("%s%d", name, i)] = func(rt *rapid.T) {
				m.play(rt, op)
				if m.observer != nil {
					m.observer.After(rt)
				}
			}
		}
	}
	return all
}

// operation is something to do, and how often.
type operation struct {
	weight int
	do     func()
	alone  bool // not inside a transaction
}

func (m *machine) play(rt *rapid.T, op operation) {
	m.rt = rt
	m.done++
	if m.rarely("much later", 300) {
		m.clock.Advance(modelRemembered)
	}
	m.clock.Advance(rapid.SampledFrom([]time.Duration{time.Millisecond, time.Second, 40 * time.Minute}).Draw(rt, "later"))
	if m.depth == 0 {
		m.s.now = m.clock.At
	}
	m.joins, m.s.joins = nil, nil
	op.do()
}

// settle compares what the last operation left: its events, and now and then all.
func (m *machine) settle(rt *rapid.T) {
	m.rt = rt
	m.checkEvents()
	if m.done%16 == 0 {
		m.s.now = m.clock.At // later than the transaction, if time went by in it
		m.check(rt)
	}
}

// refused compares an error with the reasons to refuse that the model has: without
// one, the call must succeed.
func (m *machine) refused(err error, reasons ...tenancy.Code) bool {
	m.rt.Helper()
	if len(reasons) == 0 {
		require.NoError(m.rt, err)
		require.Equal(m.rt, joinTexts(m.s.joins), joinTexts(m.joins)) // M11
		return false
	}
	require.Error(m.rt, err, "want one of %v", reasons)
	require.Contains(m.rt, reasons, tenancy.CodeOf(err))
	m.s.joins = nil
	return true
}

// joinTexts is what OnJoin must be told.
func joinTexts(joins []tenancy.Join) []string {
	texts := make([]string, len(joins))
	for i, j := range joins {
		texts[i] = fmt.Sprint(j.Organization.ID, j.User.ID, j.Roles, j.Reactivated)
	}
	return texts
}
