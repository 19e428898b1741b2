package tenancy

import (
	"context"
	"time"

	"github.com/freehold-dev/freehold/store"
)

// Transact makes several calls one transaction: what fn does through tx is kept
// together, or not at all if fn returns an error or panics, which is passed on as
// it is. A call through tx that fails undoes only itself.
//
// fn may run again from the start where the store has to repeat a transaction, so
// it must do nothing that cannot be done twice. Inside it pass on the ctx it is
// given: a call on another Service of the family with that ctx answers
// [ErrInTransaction] at once, where it would wait for itself.
//
// What Config.Mailer has to send goes out after the end; [ErrMailFailed] then means
// that everything is kept and the mails about what IDs names are not sent.
func (s *Service) Transact(ctx context.Context, fn func(ctx context.Context, tx *Service) error) error {
	return s.transact(ctx, serviceTransact, fn, func(rows store.Rows) (store.Store, func() error) {
		return nested{rows}, func() error { return nil }
	})
}

// transact runs fn in one transaction. parts is how single calls take part in it, and
// what speaks against keeping them all.
func (s *Service) transact(ctx context.Context, method *Method, fn func(ctx context.Context, tx *Service) error,
	parts func(store.Rows) (store.Store, func() error),
) error {
	op := method.op
	if err := s.enter(ctx); err != nil {
		return explain(err, op, "")
	}
	if err := s.tripwire(ctx, method, true); err != nil {
		return explain(err, op, "")
	}
	if s.principal != nil && method.HostOnly() {
		s.refused(ctx, refusal{s.actor, method.Name, OrganizationID{}})
		return explain(forbidden(""), op, "")
	}
	mail, err := s.together(ctx, op, fn, parts)
	if err != nil {
		return err
	}
	return explain(s.post(ctx, mail), op, "")
}

// together is transact from the beginning of the transaction to its end. It gives
// what is to be mailed after it.
func (s *Service) together(ctx context.Context, op string, fn func(ctx context.Context, tx *Service) error,
	parts func(store.Rows) (store.Store, func() error),
) ([]letter, error) {
	keys := s.ring()
	var inner *Service
	var told error // what fn said, to tell it from what the store says
	outermost := s.within == nil
	if outermost {
		s.family.cache.transacting.Add(1)
	}
	defer func() {
		if outermost {
			s.family.cache.transacting.Add(-1)
		}
		s.settle(keys)
		if inner != nil {
			s.refused(ctx, inner.within.denied...)
		}
	}()
	err := s.updating(ctx, func(rows store.Rows) error {
		s.begun(keys)
		var failed func() error
		inner = s.inside(rows, keys)
		inner.store, failed = parts(rows)
		if told = fn(s.mark(ctx), inner); told == nil {
			told = failed()
		}
		return told
	})
	switch {
	case err == nil:
		return inner.within.mail, nil
	case told != nil:
		return nil, err
	}
	return nil, explain(err, op, "")
}

// Join is this Service inside a transaction that the host has begun and ends:
//
//	tx, err := db.BeginTx(ctx, nil)
//	in, svc, err := svc.Join(ctx, st.InTx(tx))
//	_, err = svc.Memberships.Add(in, ...)
//	err = tx.Commit()
//
// Rows and events of Freehold and the host's own rows are committed or undone
// together. A call that fails undoes only itself. What it changes is seen by checks
// from the commit on (rule R8); until then they go to the store.
//
// Pass on the context that it gives for as long as the transaction is open, and no
// longer: with it, a call on a Service outside this transaction answers
// [ErrInTransaction] at once, where it would wait for itself (rule G13).
//
// The joined store may be wrapped, and so may the Service's own: see
// [store.Unwrapper].
//
// Errors: [ErrInvalid] for a store that was not joined from this Service's own;
// [ErrInTransaction] inside another transaction; [ErrForbidden] on a bound Service.
func (s *Service) Join(ctx context.Context, joined store.Store) (context.Context, *Service, error) {
	op := serviceJoin.op
	if s.principal != nil {
		return ctx, nil, explain(forbidden(""), op, "")
	}
	from, ok := store.As[store.Joined](joined)
	if !ok || from.Root() != store.Innermost(s.family.store) {
		return ctx, nil, explain(invalid("store", "is not joined from this service's store"), op, "")
	}
	if s.within != nil {
		return ctx, nil, explain(&Error{Code: ErrInTransaction}, op, "")
	}
	return s.mark(ctx), s.derive(func(in *Service) {
		in.store, in.within = joined, &within{ring: &ring{host: s.family.cache}}
	}), nil
}

// Rows is the transaction that this Service works in, from [Service.Transact], for tables
// of the host's own on the same store, and for backends that show what lies under it.
//
// Errors: [ErrInvalid] elsewhere; [ErrForbidden] on a bound Service.
func (s *Service) Rows() (store.Rows, error) {
	op := serviceRows.op
	if s.principal != nil {
		return nil, explain(forbidden(""), op, "")
	}
	if s.within == nil || s.within.rows == nil {
		return nil, explain(invalid("service", "is not in a transaction of its own"), op, "")
	}
	return s.within.rows, nil
}

// inside is s in the running transaction.
func (s *Service) inside(rows store.Rows, keys *ring) *Service {
	return s.derive(func(in *Service) {
		in.store, in.within = nested{rows}, &within{rows: rows, ring: keys}
		in.within.now(s.now)
	})
}

// trusted is s as the host itself, for the host's own code inside a transaction.
func (s *Service) trusted() *Service {
	return s.derive(func(host *Service) { host.principal, host.actor = nil, Actor{Kind: ActorHost} })
}

// mark makes ctx the context of a running transaction of the family.
func (s *Service) mark(ctx context.Context) context.Context {
	return context.WithValue(ctx, s.family, true)
}

func (s *Service) enter(ctx context.Context) error {
	if s.within == nil && ctx.Value(s.family) != nil {
		return &Error{Code: ErrInTransaction, Reason: "use the transaction's own service"}
	}
	return nil
}

func (s *Service) now() time.Time {
	if s.within != nil {
		return s.within.now(s.family.now)
	}
	return s.family.now()
}

func (f *family) now() time.Time { return f.config.Now().UTC().Truncate(time.Microsecond) }

// nested is the Store of a Service in a running transaction.
type nested struct{ rows store.Rows }

func (n nested) View(_ context.Context, fn func(store.Rows) error) error { return fn(n.rows) }

func (n nested) Update(ctx context.Context, fn func(store.Rows) error) error {
	return n.rows.Savepoint(ctx, func() error { return fn(n.rows) })
}

// work is one call's share of a transaction: the tables, the instant, and the
// service and method that it runs for. Unexported methods do the rules on it, so
// that they compose in one transaction.
type work struct {
	txn
	*family
	service *Service
	method  *Method
	now     time.Time
	ring    *ring
	actor   Actor  // who does it, for the events (rule G12)
	through string // by which session; "" = none

	asked  bool      // authorize was
	scope  scope     // about what
	denied []refusal // what authorize refused
	mail   []letter  // what is to be sent after the commit
	book   *rulebook
	held   map[OrganizationID]powers       // what the actor holds
	homes  map[ConnectionID]OrganizationID // of connections that were read
	freed  UserID                          // of an account that was taken over in this call
}

// read runs fn over a snapshot. On an error its result is the zero value.
func read[T any](ctx context.Context, s *Service, method *Method, key string, fn func(ctx context.Context, w *work) (T, error)) (T, error) {
	var result, zero T
	_, err := s.run(ctx, method, key, nil, s.viewing, func(ctx context.Context, w *work) (err error) {
		result, err = fn(ctx, w)
		return err
	})
	if err != nil {
		return zero, err
	}
	return result, nil
}

// write runs fn in a transaction, perhaps more than once. What it changed is told
// to the cache whatever the commit returned: it may have happened all the same. On an
// error its result is the zero value, unless everything is kept and only a mail failed.
func write[T any](ctx context.Context, s *Service, method *Method, key string, fn func(ctx context.Context, w *work) (T, error)) (T, error) {
	var result, zero T
	err := exec(ctx, s, method, key, func(ctx context.Context, w *work) (err error) {
		result, err = fn(ctx, w)
		return err
	})
	if !done(err) {
		return zero, err
	}
	return result, err
}

// exec is write for a method without a result.
func exec(ctx context.Context, s *Service, method *Method, key string, fn func(ctx context.Context, w *work) error) error {
	mail, err := s.commit(ctx, method, key, fn)
	if err != nil {
		return err
	}
	return explain(s.post(ctx, mail), method.op, key)
}

// commit is exec without what is to be mailed, which it gives.
func (s *Service) commit(ctx context.Context, method *Method, key string, fn func(ctx context.Context, w *work) error) ([]letter, error) {
	keys := s.ring()
	defer s.settle(keys)
	w, err := s.run(ctx, method, key, keys, s.updating, fn)
	if err != nil {
		return nil, err
	}
	return w.mail, nil
}

func (s *Service) run(ctx context.Context, method *Method, key string, keys *ring,
	open func(context.Context, func(store.Rows) error) error, fn func(ctx context.Context, w *work) error,
) (*work, error) {
	if err := s.enter(ctx); err != nil {
		return nil, explain(err, method.op, key)
	}
	if err := s.tripwire(ctx, method, keys != nil); err != nil {
		return nil, explain(err, method.op, key)
	}
	var w *work
	err := open(ctx, func(rows store.Rows) error {
		s.begun(keys)
		w = &work{txn: txn{border: border{rows}}, family: s.family, service: s, method: method, now: s.now(), ring: keys, actor: s.actor}
		if p := s.principal; p != nil && p.session != nil {
			w.through = p.session.ID.String()
		}
		if err := w.open(); err != nil {
			return err
		}
		if err := fn(ctx, w); err != nil {
			return err
		}
		return w.close()
	})
	if w != nil {
		s.refused(ctx, w.denied...)
	}
	return w, explain(err, method.op, key)
}

// apart runs fn as a part of the call that is undone by itself where it fails. What is to
// be mailed goes with it; what was refused is known all the same.
func (w *work) apart(ctx context.Context, fn func(part *work) error) error {
	part := *w
	err := w.Savepoint(ctx, func() error { return fn(&part) })
	w.denied = part.denied
	if err == nil {
		w.mail = part.mail
	}
	return err
}

// open refuses at once what no reading is needed for.
func (w *work) open() error {
	p := w.service.principal
	switch {
	case p == nil:
		return nil
	case p.err != nil:
		return p.err
	case p.nobody || w.method.HostOnly():
		return w.deny(scope{}, forbidden(""))
	}
	return nil
}

// close makes a bound call that was never authorized come to nothing.
func (w *work) close() error {
	if w.service.principal != nil && !w.asked {
		return &Error{Code: ErrInternal, Reason: "the method did not authorize its actor"}
	}
	return nil
}

// ring collects the keys that a transaction changed, for the cache. In a
// transaction of the host's own, whose end nobody tells us, each is marked at once.
type ring struct {
	keys []cacheKey
	host *cache // not nil: a host's transaction
}

// ring is where a transaction on s collects its keys.
func (s *Service) ring() *ring {
	if s.within != nil {
		return s.within.ring
	}
	return &ring{}
}

// begun is told that a transaction of ours has the store; where there is one writer,
// every host transaction from before has ended.
func (s *Service) begun(keys *ring) {
	if keys != nil && s.within == nil && s.family.singleWriter {
		s.family.cache.settleAll()
	}
}

// settle publishes what a transaction changed, once it is over.
func (s *Service) settle(keys *ring) {
	if s.within == nil {
		s.family.cache.Publish(keys.keys...)
	}
}

func newID[T Entity](w *work, chosen ID[T]) ID[T] {
	if chosen.IsZero() {
		return w.config.NewID()
	}
	return chosen
}
