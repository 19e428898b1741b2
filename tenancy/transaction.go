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
// given: a call on another Service of the instance with that ctx answers
// [ErrInTransaction] at once, where it would wait for itself.
//
// What Config.Mailer has to send goes out after the end; [ErrMailFailed] then means
// that everything is kept and the mails about what IDs names are not sent.
//
// Errors besides those of fn: [ErrInvalid] with the field "fn" where it is nil.
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
	if err := s.rejectNested(ctx); err != nil {
		return explain(err, op, "")
	}
	if err := s.tripwire(ctx, method, true); err != nil {
		return explain(err, op, "")
	}
	if s.principal != nil && method.HostOnly() {
		s.refused(ctx, refusal{s.actor, method.Name, OrganizationID{}, false})
		return explain(forbidden(""), op, "")
	}
	if fn == nil {
		return explain(invalid("fn", "is nil"), op, "")
	}
	mail, err := s.together(ctx, method, fn, parts)
	if err != nil {
		return err
	}
	return explain(s.sendMail(ctx, mail), op, "")
}

// together is transact from the beginning of the transaction to its end. It gives
// what is to be mailed after it.
func (s *Service) together(ctx context.Context, method *Method, fn func(ctx context.Context, tx *Service) error,
	parts func(store.Rows) (store.Store, func() error),
) ([]outgoing, error) {
	op := method.op
	turn, err := s.takeTurn(ctx)
	if err != nil {
		return nil, explain(err, op, "")
	}
	defer turn.ends() // whatever fn does
	keys := s.changes()
	var inner *Service
	var result error // what fn said, to tell it from what the store says
	outermost := s.txn == nil
	if outermost {
		s.instance.cache.transacting.Add(1)
	}
	defer func() {
		if outermost {
			s.instance.cache.transacting.Add(-1)
		}
		s.settle(keys)
		if inner != nil {
			s.refused(ctx, inner.txn.denied...)
		}
	}()
	err = s.updating(store.For(ctx, op), func(rows store.Rows) error {
		turn.begins()
		s.begun(keys)
		var failed func() error
		inner = s.inside(rows, keys)
		inner.txn.importing = method == serviceImport || s.importing()
		inner.store, failed = parts(rows)
		if result = fn(s.mark(ctx), inner); result == nil {
			result = failed()
		}
		return result
	})
	turn.ends()
	switch {
	case err == nil:
		return inner.txn.mail, nil
	case result != nil:
		return nil, err
	}
	return nil, explain(err, op, "")
}

// Join is this Service inside a transaction that the host has begun and ends:
//
//	tx, err := db.BeginTx(ctx, nil)
//	inTx, in, err := svc.Join(ctx, st.InTx(tx))
//	_, err = in.Memberships.Add(inTx, ...)
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
	if !ok || from.Root() != store.Innermost(s.instance.store) {
		return ctx, nil, explain(invalid("store", "is not joined from this service's store"), op, "")
	}
	if s.txn != nil {
		return ctx, nil, explain(&Error{Code: ErrInTransaction}, op, "")
	}
	s.instance.cache.transacting.Add(1) // and never less: nobody says when the host's transaction ends
	return s.mark(ctx), s.derive(func(in *Service) {
		in.store, in.txn = joined, &inTransaction{changes: &changes{host: s.instance.cache}}
	}), nil
}

// Rows is the transaction that this Service works in, from [Service.Transact], for tables
// of the host's own on the same store, and for backends that show what lies under it.
//
// Errors: [ErrInvalid] elsewhere; [ErrForbidden] on a bound Service.
func (s *Service) Rows() (store.Rows, error) {
	op := serviceRows.op
	if s.principal != nil {
		refused := &Error{Code: ErrForbidden, Reason: "a bound Service has no rows: begin on the host's own, and bind it inside with As"}
		return nil, explain(refused, op, "")
	}
	if s.txn == nil || s.txn.rows == nil {
		return nil, explain(invalid("service", "is not in a transaction of its own"), op, "")
	}
	return s.txn.rows, nil
}

// inside is s in the running transaction.
func (s *Service) inside(rows store.Rows, keys *changes) *Service {
	return s.derive(func(in *Service) {
		in.store, in.txn = nested{rows}, &inTransaction{rows: rows, changes: keys}
		in.txn.now(s.now)
	})
}

// trusted is s as the host itself, for the host's own code inside a transaction.
func (s *Service) trusted() *Service {
	return s.derive(func(host *Service) { host.principal, host.actor = nil, Actor{Kind: ActorHost} })
}

// mark makes ctx the context of a running transaction of the instance.
func (s *Service) mark(ctx context.Context) context.Context {
	return context.WithValue(ctx, s.instance, true)
}

func (s *Service) rejectNested(ctx context.Context) error {
	if s.txn == nil && ctx.Value(s.instance) != nil {
		return &Error{Code: ErrInTransaction, Reason: "use the transaction's own service"}
	}
	return nil
}

func (s *Service) now() time.Time {
	if s.txn != nil {
		return s.txn.now(s.instance.now)
	}
	return s.instance.now()
}

func (f *instance) now() time.Time { return f.config.Now().UTC().Truncate(time.Microsecond) }

// nested is the Store of a Service in a running transaction.
type nested struct{ rows store.Rows }

func (n nested) View(_ context.Context, fn func(store.Rows) error) error { return fn(n.rows) }

func (n nested) Update(ctx context.Context, fn func(store.Rows) error) error {
	return n.rows.Savepoint(ctx, func() error { return fn(n.rows) })
}

// call is what one method call has of a transaction: the tables, the instant, and the
// service and method that it runs for. Unexported methods do the rules on it, so
// that they compose in one transaction.
type call struct {
	tx        txn
	instance  *instance
	service   *Service
	method    *Method
	now       time.Time
	changes   *changes
	actor     Actor          // who does it, for the events (rule G12)
	through   string         // by which session; "" = none
	throughAt OrganizationID // where that is; zero: nowhere, or not known
	client    SessionID      // whose entries through is one of, where a token was presented

	asked        bool       // authorize was
	scope        scope      // about what
	denied       []refusal  // what authorize refused
	mail         []outgoing // what is to be sent after the commit
	declarations *declarations
	declared     declarationState
	held         map[OrganizationID]powers       // what the actor holds
	homes        map[ConnectionID]OrganizationID // of connections that were read
	freed        UserID                          // of an account that was taken over in this call
	trial        *trial                          // not nil: what it does is undone
}

// read runs fn over a snapshot. On an error its result is the zero value.
func read[T any](ctx context.Context, s *Service, method *Method, key string, fn func(ctx context.Context, c *call) (T, error)) (T, error) {
	var result, zero T
	_, err := s.run(ctx, method, key, nil, s.viewing, func(ctx context.Context, c *call) (err error) {
		result, err = fn(ctx, c)
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
func write[T any](ctx context.Context, s *Service, method *Method, key string, fn func(ctx context.Context, c *call) (T, error)) (T, error) {
	var result, zero T
	err := exec(ctx, s, method, key, func(ctx context.Context, c *call) (err error) {
		result, err = fn(ctx, c)
		return err
	})
	if !isKept(err) {
		return zero, err
	}
	return result, err
}

// exec is write for a method without a result.
func exec(ctx context.Context, s *Service, method *Method, key string, fn func(ctx context.Context, c *call) error) error {
	mail, err := s.commit(ctx, method, key, fn)
	if err != nil {
		return err
	}
	return explain(s.sendMail(ctx, mail), method.op, key)
}

// commit is exec without what is to be mailed, which it gives.
func (s *Service) commit(ctx context.Context, method *Method, key string, fn func(ctx context.Context, c *call) error) ([]outgoing, error) {
	keys := s.changes()
	defer s.settle(keys)
	turn, err := s.takeTurn(ctx)
	if err != nil {
		return nil, explain(err, method.op, key)
	}
	defer turn.ends() // if it does not come to write
	updating := func(ctx context.Context, fn func(store.Rows) error) error {
		defer turn.ends()
		return s.updating(store.For(ctx, method.op), func(rows store.Rows) error {
			turn.begins()
			return fn(rows)
		})
	}
	c, err := s.run(ctx, method, key, keys, updating, fn)
	if err != nil {
		return nil, err
	}
	return c.mail, nil
}

func (s *Service) run(ctx context.Context, method *Method, key string, keys *changes,
	open func(context.Context, func(store.Rows) error) error, fn func(ctx context.Context, c *call) error,
) (*call, error) {
	if err := s.rejectNested(ctx); err != nil {
		return nil, explain(err, method.op, key)
	}
	if err := s.tripwire(ctx, method, keys != nil); err != nil {
		return nil, explain(err, method.op, key)
	}
	var c *call
	err := open(ctx, func(rows store.Rows) error {
		s.begun(keys)
		if keys != nil {
			rows = remember(rows, s.instance.singleWriter)
		}
		c = &call{tx: txn{border: border{rows}}, instance: s.instance, service: s, method: method, now: s.now(), changes: keys, actor: s.actor}
		if p := s.principal; p != nil && p.session != nil {
			c.through, c.throughAt = p.session.ID.String(), p.session.OrganizationID
		}
		if err := c.open(); err != nil {
			return err
		}
		if err := fn(ctx, c); err != nil {
			return err
		}
		if err := c.remarkDeclarations(ctx); err != nil {
			return err
		}
		return c.close()
	})
	if c != nil {
		s.refused(ctx, c.denied...)
	}
	return c, explain(err, method.op, key)
}

// savepoint runs fn as a part of the call that is undone by itself where it fails. What is to
// be mailed goes with it; what was refused is known all the same.
func (c *call) savepoint(ctx context.Context, fn func(part *call) error) error {
	part := *c
	err := c.tx.Savepoint(ctx, func() error { return fn(&part) })
	c.denied = part.denied
	if err == nil {
		c.mail, c.declared.changed = part.mail, part.declared.changed
	}
	return err
}

// open refuses at once what no reading is needed for.
func (c *call) open() error {
	p := c.service.principal
	switch {
	case p == nil:
		return nil
	case p.err != nil:
		return p.err
	case p.nobody || c.method.HostOnly():
		return c.access().deny(scope{}, forbidden(""))
	}
	return nil
}

// close makes a bound call that was never authorized come to nothing.
func (c *call) close() error {
	if c.service.principal != nil && !c.asked {
		return &Error{Code: ErrInternal, Reason: "the method did not authorize its actor"}
	}
	return nil
}

// changes collects the keys that a transaction changed, for the cache. In a
// transaction of the host's own, whose end nobody tells us, each is marked at once.
type changes struct {
	keys []cacheKey
	host *cache // not nil: a host's transaction
}

// changes is where a transaction on s collects its keys.
func (s *Service) changes() *changes {
	if s.txn != nil {
		return s.txn.changes
	}
	return &changes{}
}

// begun is told that a transaction of ours has the store; where there is one writer,
// every host transaction from before has ended.
func (s *Service) begun(keys *changes) {
	if keys != nil && s.txn == nil && s.instance.singleWriter {
		s.instance.cache.settleAll()
	}
}

// settle publishes what a transaction changed, once it is over.
func (s *Service) settle(keys *changes) {
	if s.txn == nil {
		s.instance.cache.Publish(keys.keys...)
	}
}

func newID[T Entity](c *call, chosen ID[T]) ID[T] {
	if chosen.IsZero() {
		return c.instance.config.NewID()
	}
	return chosen
}
