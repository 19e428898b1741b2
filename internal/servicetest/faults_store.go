package servicetest

import (
	"context"
	"encoding/binary"
	"errors"
	"time"

	"github.com/freehold-dev/freehold/tenancy"
)

// faultStore is a store whose transactions and statements meet hooks first, so
// that a test decides which of them fails, and how.
type faultStore struct {
	inner     tenancy.Store
	statement func() error // before each statement; its error is the statement's
	commit    func() error // before each commit; its error rolls back
	repeat    bool         // rolls the first attempt of each Update back and runs it again
	begin     func()       // before each attempt
}

var _ tenancy.Store = (*faultStore)(nil)

func (s *faultStore) View(ctx context.Context, fn func(tenancy.Tx) error) error {
	return s.inner.View(ctx, func(tx tenancy.Tx) error { return fn(faultTx{tx, s}) })
}

func (s *faultStore) Update(ctx context.Context, fn func(tenancy.Tx) error) error {
	attempt := func(commit func() error) error {
		return s.inner.Update(ctx, func(tx tenancy.Tx) error {
			s.begin()
			if err := fn(faultTx{tx, s}); err != nil {
				return err
			}
			return commit()
		})
	}
	if s.repeat {
		if err := attempt(func() error { return errRepeat }); !errors.Is(err, errRepeat) {
			return err
		}
	}
	return attempt(s.commit)
}

// errRepeat rolls back an attempt that is to be made again.
const errRepeat = tenancy.Code("repeat")

// faultTx is a transaction of a faultStore.
type faultTx struct {
	tenancy.Tx
	store *faultStore
}

func (t faultTx) Organizations() tenancy.Table[tenancy.Organization, tenancy.OrganizationFilter] {
	return faultTable[tenancy.Organization, tenancy.OrganizationFilter]{t.Tx.Organizations(), t.store}
}

func (t faultTx) Users() tenancy.Table[tenancy.User, tenancy.UserFilter] {
	return faultTable[tenancy.User, tenancy.UserFilter]{t.Tx.Users(), t.store}
}

func (t faultTx) Identities() tenancy.Table[tenancy.Identity, tenancy.IdentityFilter] {
	return faultTable[tenancy.Identity, tenancy.IdentityFilter]{t.Tx.Identities(), t.store}
}

func (t faultTx) Memberships() tenancy.Table[tenancy.Membership, tenancy.MembershipFilter] {
	return faultTable[tenancy.Membership, tenancy.MembershipFilter]{t.Tx.Memberships(), t.store}
}

func (t faultTx) RoleAssignments() tenancy.Table[tenancy.RoleAssignment, tenancy.RoleAssignmentFilter] {
	return faultTable[tenancy.RoleAssignment, tenancy.RoleAssignmentFilter]{t.Tx.RoleAssignments(), t.store}
}

func (t faultTx) Secrets() tenancy.Table[tenancy.Secret, tenancy.SecretFilter] {
	return faultTable[tenancy.Secret, tenancy.SecretFilter]{t.Tx.Secrets(), t.store}
}

func (t faultTx) Events() tenancy.Log { return faultLog{t.Tx.Events(), t.store} }

func (t faultTx) Lock(ctx context.Context, keys ...tenancy.LockKey) error {
	if err := t.store.statement(); err != nil {
		return err
	}
	return t.Tx.Lock(ctx, keys...)
}

func (t faultTx) Savepoint(ctx context.Context, fn func(tenancy.Tx) error) error {
	if err := t.store.statement(); err != nil {
		return err
	}
	return t.Tx.Savepoint(ctx, func(tx tenancy.Tx) error { return fn(faultTx{tx, t.store}) })
}

type faultTable[V tenancy.Entity, F any] struct {
	inner tenancy.Table[V, F]
	store *faultStore
}

func (t faultTable[V, F]) Get(ctx context.Context, id tenancy.ID[V]) (V, error) {
	if err := t.store.statement(); err != nil {
		var none V
		return none, err
	}
	return t.inner.Get(ctx, id)
}

func (t faultTable[V, F]) List(ctx context.Context, filter F, span tenancy.Span) ([]V, error) {
	if err := t.store.statement(); err != nil {
		return nil, err
	}
	return t.inner.List(ctx, filter, span)
}

func (t faultTable[V, F]) Count(ctx context.Context, filter F) (int, error) {
	if err := t.store.statement(); err != nil {
		return 0, err
	}
	return t.inner.Count(ctx, filter)
}

func (t faultTable[V, F]) Insert(ctx context.Context, v V) error {
	if err := t.store.statement(); err != nil {
		return err
	}
	return t.inner.Insert(ctx, v)
}

func (t faultTable[V, F]) Update(ctx context.Context, v V) error {
	if err := t.store.statement(); err != nil {
		return err
	}
	return t.inner.Update(ctx, v)
}

func (t faultTable[V, F]) Touch(ctx context.Context, id tenancy.ID[V], at time.Time) error {
	if err := t.store.statement(); err != nil {
		return err
	}
	return t.inner.Touch(ctx, id, at)
}

func (t faultTable[V, F]) Delete(ctx context.Context, id tenancy.ID[V]) error {
	if err := t.store.statement(); err != nil {
		return err
	}
	return t.inner.Delete(ctx, id)
}

func (t faultTable[V, F]) DeleteAll(ctx context.Context, filter F) (int, error) {
	if err := t.store.statement(); err != nil {
		return 0, err
	}
	return t.inner.DeleteAll(ctx, filter)
}

type faultLog struct {
	tenancy.Log
	store *faultStore
}

func (l faultLog) Append(ctx context.Context, e tenancy.Event) error {
	if err := l.store.statement(); err != nil {
		return err
	}
	return l.Log.Append(ctx, e)
}

func (l faultLog) Prune(ctx context.Context, before time.Time, limit int) (int, error) {
	if err := l.store.statement(); err != nil {
		return 0, err
	}
	return l.Log.Prune(ctx, before, limit)
}

func (l faultLog) Redact(ctx context.Context, person tenancy.UserID) (int, error) {
	if err := l.store.statement(); err != nil {
		return 0, err
	}
	return l.Log.Redact(ctx, person)
}

// faultSource gives ids and randomness that repeat themselves when it is set back,
// so that two runs of one call can be compared.
type faultSource struct{ n uint64 }

func (s *faultSource) id() [16]byte {
	s.n++
	var id [16]byte
	id[6], id[8] = 0x70, 0x80
	binary.BigEndian.PutUint64(id[8:], s.n|1<<63)
	return id
}

func (s *faultSource) Read(p []byte) (int, error) {
	for i := range p {
		s.n++
		p[i] = byte(s.n * 151 >> 3)
	}
	return len(p), nil
}
