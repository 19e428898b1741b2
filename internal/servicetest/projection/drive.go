package projection

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/tenancy"
)

// Run plays about steps random operations of every kind, as far as the models do not, and has
// a reader follow. Each world has some hundred operations and a seed, which a failure names.
func Run(t *testing.T, open servicetest.Opener, steps int) {
	t.Helper()
	start, seed := time.Now(), servicetest.Seed()
	done, refused, worlds, types := 0, 0, 0, map[tenancy.EventType]int{}
	for ; done < steps; seed++ {
		d := newDriver(t, open, seed)
		d.reader.types = types
		for range min(stepsAWorld, steps-done) {
			d.step()
		}
		d.reader.End(d)
		done, refused, worlds = done+d.done, refused+d.refused, worlds+1
	}
	t.Logf("figures: projection: %d operations in %d worlds, %d of them refused, %d types of events, no difference, %v",
		done, worlds, refused, len(types), time.Since(start).Round(time.Millisecond))
}

const stepsAWorld = 250

// driver plays operations in a small world.
type driver struct {
	t       *testing.T
	seed    uint64
	what    string // the operation that runs
	r       *rand.Rand
	ctx     context.Context
	clock   *servicetest.Clock
	prover  *servicetest.Prover
	outer   *tenancy.Service
	svc     *tenancy.Service // the one to call now
	reader  *Projection
	nested  bool
	done    int
	refused int

	mailed map[string]string // the last token of each thing that was mailed, by its id
	// Tokens, the last few.
	invitations, proofs, codes, sessions []string
}

// operation is something to do, and how often.
type operation struct {
	weight int
	do     func(d *driver) error
}

func newDriver(t *testing.T, open servicetest.Opener, seed uint64) *driver {
	t.Helper()
	d := &driver{
		t: t, seed: seed, r: rand.New(rand.NewPCG(seed, 1)), ctx: t.Context(), prover: servicetest.NewProver(), what: "New", mailed: map[string]string{},
		clock: &servicetest.Clock{At: time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)},
	}
	config := tenancy.Config{
		Store: open(t), Now: d.clock.Now, NewID: servicetest.Counter(), Rand: rand.NewChaCha8([32]byte{1}), Prover: d.prover,
		Mailer: d, MailEvery: -1, SingleOrganization: d.rarely(2), SelfServe: true,
		SignInMethods: []tenancy.SignInMethod{tenancy.MethodPassword, tenancy.MethodMagicLink, servicetest.Google},
		Limits:        tenancy.Limits{UserSessions: 3, AddressMails: 1 + d.r.IntN(3), UserIdentities: 4},
	}
	if d.rarely(3) {
		config.Registration = tenancy.RegistrationClosed
	}
	svc, err := tenancy.New(config)
	require.NoError(d, err)
	d.outer, d.svc = svc, svc
	d.reader = read(servicetest.Observed{Ctx: d.ctx, Svc: svc, Store: config.Store, Now: d.clock.Now})
	for range 12 {
		d.play(operation{do: (*driver).createUser})
	}
	for range 3 {
		d.play(operation{do: (*driver).createOrganization})
	}
	d.play(operation{do: (*driver).declare})
	return d
}

// Errorf says where a failure was, for it to be repeated.
func (d *driver) Errorf(format string, args ...any) {
	d.t.Helper()
	d.t.Logf("FREEHOLD_SEED=%d, operation %d: %s", d.seed, d.done, d.what)
	d.t.Errorf(format, args...)
}

// FailNow ends the test.
func (d *driver) FailNow() { d.t.FailNow() }

// Mail keeps the token of a message.
func (d *driver) Mail(_ context.Context, m tenancy.Message) error {
	d.mailed[m.Subject] = m.Token.Reveal()
	switch m.Kind {
	case tenancy.MessageInvitation:
		keep(&d.invitations, m.Token)
	case tenancy.MessageEmailProof:
		keep(&d.proofs, m.Token)
	}
	return nil
}

// keep adds a token to the last few.
func keep(tokens *[]string, token tenancy.Token) {
	if !token.IsZero() {
		*tokens = append((*tokens)[max(0, len(*tokens)-7):], token.Reveal())
	}
}

func (d *driver) rarely(n int) bool { return d.r.IntN(n) == 0 }

// step plays one operation, and has the reader look.
func (d *driver) step() {
	d.clock.Advance(one(d, time.Millisecond, time.Second, time.Minute, 10*time.Minute))
	if d.rarely(15) {
		d.clock.Advance(one(d, time.Hour, 5*time.Hour, 26*time.Hour))
	}
	if d.rarely(100) {
		d.clock.Advance(one(d, 8*servicetest.Day, 31*servicetest.Day))
	}
	at := d.r.IntN(allWeights)
	for _, name := range operationNames {
		if at -= operations[name].weight; at < 0 {
			d.what = name
			d.play(operations[name])
			return
		}
	}
}

// play makes an operation. What is refused adds no event.
func (d *driver) play(op operation) {
	last, err := d.outer.Events.Last(d.ctx)
	require.NoError(d, err)
	refusal := op.do(d)
	d.done++
	if refusal != nil {
		d.refused++
		require.NotContains(d, []tenancy.Code{"", tenancy.ErrInternal, tenancy.ErrReferenced, tenancy.ErrBusy}, tenancy.CodeOf(refusal), "%v", refusal)
		now, err := d.outer.Events.Last(d.ctx)
		require.NoError(d, err)
		require.Equal(d, last, now, "an event of what was refused: %v", refusal)
	}
	d.reader.After(d)
}

// errUndo is why a transaction is rolled back. It has a code, as refusals have.
var errUndo = &tenancy.Error{Code: tenancy.ErrConflict, Reason: "undo it"}

// transact makes a few operations one transaction.
func (d *driver) transact() error {
	undo := d.rarely(4)
	err := d.outer.Transact(d.ctx, func(ctx context.Context, tx *tenancy.Service) error {
		d.svc, d.ctx, d.nested = tx, ctx, true
		name := ""
		for range 2 + d.r.IntN(3) {
			if name == "" || !d.rarely(3) { // else the same again, to somebody else
				name = operationNames[d.r.IntN(len(operationNames))]
			}
			if name == "transact" || name == "prove" {
				continue
			}
			d.what += ", " + name
			_ = operations[name].do(d) // what is refused undoes only itself
		}
		if undo {
			return errUndo
		}
		return nil
	})
	d.svc, d.ctx, d.nested = d.outer, d.t.Context(), false
	if undo && errors.Is(err, errUndo) {
		return errUndo
	}
	return err
}

// one takes one of some values.
func one[T any](d *driver, from ...T) T { return from[d.r.IntN(len(from))] }

// some takes up to n of some values.
func some[T any](d *driver, n int, from ...T) (list []T) {
	for range d.r.IntN(n + 1) {
		list = append(list, one(d, from...))
	}
	return list
}

// pick takes one thing that there is, and the zero value where there is none, and sometimes
// otherwise.
func pick[K ~[16]byte, V any](d *driver, from map[K]V) (v V) {
	if len(from) == 0 || d.rarely(40) {
		return v
	}
	return from[one(d, inOrder(from)...)]
}

// token takes one of some tokens, most often the last.
func (d *driver) token(tokens []string) string {
	if len(tokens) == 0 || d.rarely(30) {
		return "nothing"
	}
	if d.rarely(3) {
		return one(d, tokens...)
	}
	return tokens[len(tokens)-1]
}

// maybe is a change to v, or none.
func maybe[T any](d *driver, v T) *T {
	if d.rarely(2) {
		return nil
	}
	return &v
}
