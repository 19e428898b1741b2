package tenancy

import (
	"context"
	"sync"
	"time"
)

// Service is the whole of Freehold to a host: the rules, over a [Store]. Its
// methods stand in groups, one an entity.
//
// Every method that writes is one transaction: all of it is kept, with its events,
// or nothing. A Service is safe for concurrent use; one that works in a transaction
// (from [Service.Transact] or [Service.WithStore]) is for one goroutine.
//
// This Service is the host itself and is trusted with everything.
type Service struct {
	Organizations Organizations
	Users         Users
	Identities    Identities
	Memberships   Memberships
	Events        Events

	family *family
	store  Store
	within *within // the transaction that this Service works in; nil outside one
	actor  Actor
}

// family is what a Service shares with all that are derived from it. Its address
// is the key under which a context is marked.
type family struct {
	config Config
	store  Store
}

// within is the transaction of a Service from Transact or WithStore: one instant
// for all that happens in it (rule G2).
type within struct {
	tx     Tx // nil: a host's own, met anew by each call
	once   sync.Once
	moment time.Time
}

func (w *within) now(read func() time.Time) time.Time {
	w.once.Do(func() { w.moment = read() })
	return w.moment
}

// New makes a Service.
//
// Errors: [ErrInvalid] with the field for a Config without a Store, with a negative
// number, or with a default role that manages the organization (rule R3);
// [ErrUnknownRole].
func New(config Config) (*Service, error) {
	if err := config.check(); err != nil {
		return nil, explain(err, "new service", "")
	}
	config = config.withDefaults()
	for field, role := range map[string]string{"default_role": config.DefaultRole, "creator_role": config.CreatorRole} {
		if !knownRole(role) {
			return nil, explain(&Error{Code: ErrUnknownRole, Field: field, Key: role}, "new service", "")
		}
	}
	if _, err := defaultRole("default_role", config.DefaultRole); err != nil {
		return nil, explain(err, "new service", "")
	}
	return derive(&Service{
		family: &family{config: config, store: config.Store},
		store:  config.Store,
		actor:  Actor{Kind: ActorHost},
	}), nil
}

// derive gives the groups of s their way back to it.
func derive(s *Service) *Service {
	s.Organizations = Organizations{s}
	s.Users = Users{s}
	s.Identities = Identities{s}
	s.Memberships = Memberships{s}
	s.Events = Events{s}
	return s
}

// Transact makes several calls one transaction: what fn does through tx is kept
// together, or not at all if fn returns an error or panics, which is passed on as
// it is. A call through tx that fails undoes only itself.
//
// fn may run again from the start where the store has to repeat a transaction, so
// it must do nothing that cannot be done twice. Inside it pass on the ctx it is
// given: a call on another Service of the family with that ctx answers
// [ErrInTransaction] at once, where it would wait for itself.
func (s *Service) Transact(ctx context.Context, fn func(ctx context.Context, tx *Service) error) error {
	return s.transact(ctx, "transact", fn, func(tx Tx) (Store, func() error) {
		return nested{tx}, func() error { return nil }
	})
}

// transact runs fn in one transaction. parts is how single calls take part in it, and
// what speaks against keeping them all.
func (s *Service) transact(ctx context.Context, op string, fn func(ctx context.Context, tx *Service) error,
	parts func(Tx) (Store, func() error),
) error {
	if err := s.enter(ctx); err != nil {
		return explain(err, op, "")
	}
	var told error // what fn said, to tell it from what the store says
	err := s.store.Update(ctx, func(tx Tx) error {
		inner := s.inside(tx)
		var failed func() error
		inner.store, failed = parts(tx)
		if told = fn(s.mark(ctx), inner); told == nil {
			told = failed()
		}
		return told
	})
	if err == nil || told != nil {
		return err
	}
	return explain(err, op, "")
}

// WithStore is this Service inside a transaction of the host's own:
//
//	tx, err := db.BeginTx(ctx, nil)
//	in, err := svc.WithStore(st.InTx(tx))
//	_, err = in.Memberships.Add(ctx, ...)
//	err = tx.Commit()
//
// Rows and events of Freehold and the host's own rows are committed or undone
// together. A call that fails undoes only itself. A store that was not joined from
// this Service's own is [ErrInvalid].
func (s *Service) WithStore(joined Store) (*Service, error) {
	const op = "with store"
	from, ok := joined.(interface{ Root() Store })
	if !ok || from.Root() != s.family.store {
		return nil, explain(invalid("store", "is not joined from this service's store"), op, "")
	}
	if s.within != nil {
		return nil, explain(&Error{Code: ErrInTransaction}, op, "")
	}
	return derive(&Service{family: s.family, store: joined, within: &within{}, actor: s.actor}), nil
}

// Tx is the transaction that this Service works in, from [Service.Transact], for
// backends that show what lies under it; elsewhere [ErrInvalid].
func (s *Service) Tx() (Tx, error) {
	if s.within == nil || s.within.tx == nil {
		return nil, explain(invalid("service", "is not in a transaction of its own"), "get transaction", "")
	}
	return s.within.tx, nil
}

// Label is the application's word for an organization (rule O4).
func (s *Service) Label() Label { return s.family.config.Label }

// inside is s in the running transaction tx.
func (s *Service) inside(tx Tx) *Service {
	in := &within{tx: tx}
	in.now(s.now)
	return derive(&Service{family: s.family, store: nested{tx}, within: in, actor: s.actor})
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
type nested struct{ tx Tx }

func (n nested) View(_ context.Context, fn func(Tx) error) error { return fn(n.tx) }

func (n nested) Update(ctx context.Context, fn func(Tx) error) error {
	return n.tx.Savepoint(ctx, fn)
}

// work is one call's share of a transaction: the tables, the instant and the
// service that it runs for. Unexported methods do the rules on it, so that they
// compose in one transaction.
type work struct {
	Tx
	*family
	service *Service
	now     time.Time
}

// view runs fn over a snapshot.
func (s *Service) view(ctx context.Context, op, key string, fn func(ctx context.Context, w *work) error) error {
	if err := s.enter(ctx); err != nil {
		return explain(err, op, key)
	}
	return explain(s.store.View(ctx, func(tx Tx) error {
		return fn(ctx, s.work(tx))
	}), op, key)
}

// update runs fn in a transaction, perhaps more than once.
func (s *Service) update(ctx context.Context, op, key string, fn func(ctx context.Context, w *work) error) error {
	if err := s.enter(ctx); err != nil {
		return explain(err, op, key)
	}
	return explain(s.store.Update(ctx, func(tx Tx) error {
		return fn(ctx, s.work(tx))
	}), op, key)
}

func (s *Service) work(tx Tx) *work {
	return &work{Tx: tx, family: s.family, service: s, now: s.now()}
}

func newID[T Entity](w *work, chosen ID[T]) ID[T] {
	if chosen.IsZero() {
		return w.config.NewID()
	}
	return chosen
}
