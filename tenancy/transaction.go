package tenancy

import (
	"context"
	"time"

	"github.com/freehold-dev/freehold/store"
)

// Transact runs fn in one transaction. The calls that fn makes through tx are committed together. If fn returns
// an error or panics, all of them are rolled back, and Transact passes the error or the panic on. A call
// through tx that fails rolls back only itself.
//
// The store may have to repeat a transaction, and fn then runs again from the start. So fn must do nothing that
// cannot be done twice. Inside fn use the ctx that it gets: a call with that ctx on another Service of the
// instance answers [ErrInTransaction] at once; with another ctx it would wait for its own transaction.
//
// Config.Mailer gets the messages after the commit. [ErrMailFailed] then means that everything is committed,
// and that the mails about the objects in IDs were not sent.
//
// Errors, in addition to those of fn: [ErrInvalid] with the field "fn" where it is nil.
func (s *Service) Transact(ctx context.Context, fn func(ctx context.Context, tx *Service) error) error {
	return s.transact(ctx, serviceTransact, fn, func(rows store.Rows) (store.Store, func() error) {
		return nested{rows}, func() error { return nil }
	})
}

// transact runs fn in one transaction. parts says how single calls take part in it, and when they must not all
// be kept.
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

// together is transact from the beginning of the transaction to its end. It returns the messages to send after
// it.
func (s *Service) together(ctx context.Context, method *Method, fn func(ctx context.Context, tx *Service) error,
	parts func(store.Rows) (store.Store, func() error),
) ([]outgoing, error) {
	op := method.op
	turn, err := s.takeTurn(ctx)
	if err != nil {
		return nil, explain(err, op, "")
	}
	defer turn.ends() // however fn ends
	keys := s.changes()
	var inner *Service
	var result error // the error of fn, to distinguish it from errors of the store
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

// Join returns a Service that works in a transaction which the host has begun and will end:
//
//	tx, err := db.BeginTx(ctx, nil)
//	inTx, in, err := svc.Join(ctx, st.InTx(tx))
//	_, err = in.Memberships.Add(inTx, ...)
//	err = tx.Commit()
//
// Freehold's rows and events and the host's own rows are committed or rolled back together. A call that fails
// rolls back only itself. Checks of permissions see its changes from the commit on; until then they read the
// store instead of the cache (rule R8).
//
// Use the context that Join returns while the transaction is open, and not after it: a call with it on a
// Service outside this transaction answers [ErrInTransaction] at once; with another context it would wait for
// its own transaction (rule G13).
//
// The joined store may be wrapped, and so may the Service's own: see [store.Unwrapper].
//
// Errors: [ErrInvalid] for a store that was not joined from this Service's own; [ErrInTransaction] inside
// another transaction; [ErrForbidden] on a bound Service.
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

// Rows returns the transaction that this Service works in, from [Service.Transact]. It is for the host's own
// tables on the same store, and for backends that give access to their underlying transaction.
//
// Errors: [ErrInvalid] outside such a transaction; [ErrForbidden] on a bound Service.
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

// inside returns s in the running transaction.
func (s *Service) inside(rows store.Rows, keys *changes) *Service {
	return s.derive(func(in *Service) {
		in.store, in.txn = nested{rows}, &inTransaction{rows: rows, changes: keys}
		in.txn.now(s.now)
	})
}

// trusted returns s as a trusted Service, for the host's own code inside a transaction.
func (s *Service) trusted() *Service {
	return s.derive(func(host *Service) { host.principal, host.actor = nil, Actor{Kind: ActorHost} })
}

// mark marks ctx as the context of a running transaction of the instance.
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

// call is the state of one method call in a transaction: the tables, the time, and the service and the method
// that it runs for. Unexported methods apply the rules to it, so that several of them can run in one
// transaction.
type call struct {
	tx        txn
	instance  *instance
	service   *Service
	method    *Method
	now       time.Time
	changes   *changes
	actor     Actor          // the actor that events record (rule G12)
	through   string         // the actor's session; "" = none
	throughAt OrganizationID // that session's organization; zero: none, or not known
	client    SessionID      // the client of that session, where a token was presented

	asked        bool       // authorize was called
	scope        scope      // the scope that it was called with
	denied       []refusal  // the refusals of authorize
	mail         []outgoing // messages to send after the commit
	declarations *declarations
	declared     declarationState
	held         map[OrganizationID]powers       // the actor's grants
	homes        map[ConnectionID]OrganizationID // the organizations of the connections that were read
	freed        UserID                          // the user of an account that this call took over
	trial        *trial                          // not nil: the call's changes are rolled back
}

// read runs fn on a snapshot. On an error its result is the zero value.
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

// write runs fn in a transaction, perhaps more than once. It reports the changed keys to the cache even if the
// commit fails: the commit may have happened all the same. On an error its result is the zero value, unless
// everything is committed and only a mail failed.
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

// commit is exec, but returns the messages instead of sending them.
func (s *Service) commit(ctx context.Context, method *Method, key string, fn func(ctx context.Context, c *call) error) ([]outgoing, error) {
	keys := s.changes()
	defer s.settle(keys)
	turn, err := s.takeTurn(ctx)
	if err != nil {
		return nil, explain(err, method.op, key)
	}
	defer turn.ends() // if it does not get to the write
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

// savepoint runs fn as a part of the call, which is rolled back by itself if it fails. Its messages are dropped
// then; its refusals are kept.
func (c *call) savepoint(ctx context.Context, fn func(part *call) error) error {
	part := *c
	err := c.tx.Savepoint(ctx, func() error { return fn(&part) })
	c.denied = part.denied
	if err == nil {
		c.mail, c.declared.changed = part.mail, part.declared.changed
	}
	return err
}

// open refuses a call that can be refused without reading the store.
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

// close fails a bound call that was never authorized.
func (c *call) close() error {
	if c.service.principal != nil && !c.asked {
		return &Error{Code: ErrInternal, Reason: "the method did not authorize its actor"}
	}
	return nil
}

// changes collects the keys that a transaction changed, for the cache. In a transaction of the host's own it
// marks each key at once, because the library does not learn when that transaction ends.
type changes struct {
	keys []cacheKey
	host *cache // not nil: the transaction is the host's own
}

// changes returns the collector for the keys that a transaction on s changes.
func (s *Service) changes() *changes {
	if s.txn != nil {
		return s.txn.changes
	}
	return &changes{}
}

// begun records that a transaction of ours has begun on the store. With a single writer, all earlier
// transactions of the host's own have ended by then.
func (s *Service) begun(keys *changes) {
	if keys != nil && s.txn == nil && s.instance.singleWriter {
		s.instance.cache.settleAll()
	}
}

// settle publishes the changed keys of a transaction that has ended.
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
