package tenancy

import (
	"context"
	"time"
)

// Import is Transact for filling a store: no call that writes can fail alone. The
// first such that fails ends it, every later one answers the same error, and nothing
// is kept, whatever fn returns. For that price a call costs about half of what it does in
// Transact, where each can be undone by itself. For most imports, some thousand
// people to one Import are best.
func (s *Service) Import(ctx context.Context, fn func(ctx context.Context, tx *Service) error) error {
	return s.transact(ctx, "Import", fn, func(tx Tx) (Store, func() error) {
		all := &whole{tx: tx}
		if s.family.config.OnJoin == nil { // which is given what it could change
			all.tx = remember(tx)
		}
		return all, func() error { return all.failed }
	})
}

// whole is the Store of a Service in a transaction of which no part can fail alone.
type whole struct {
	tx     Tx
	failed error
}

func (w *whole) View(_ context.Context, fn func(Tx) error) error { return fn(w.tx) }

func (w *whole) Update(_ context.Context, fn func(Tx) error) error {
	if w.failed == nil {
		w.failed = fn(w.tx)
	}
	return w.failed
}

// remembering is a transaction that knows the organizations and users it has just
// written or read, and which users are too new to be members: an import asks for that
// with every member.
type remembering struct {
	Tx
	organizations remembered[Organization, OrganizationFilter]
	users         remembered[User, UserFilter]
	memberships   newcomers
}

func remember(tx Tx) *remembering {
	return &remembering{
		Tx:          tx,
		memberships: newcomers{Table: tx.Memberships(), fresh: map[UserID]bool{}},
		organizations: remembered[Organization, OrganizationFilter]{
			Table: tx.Organizations(), rows: map[OrganizationID]Organization{}, id: func(o *Organization) OrganizationID { return o.ID },
		},
		users: remembered[User, UserFilter]{
			Table: tx.Users(), rows: map[UserID]User{}, id: func(u *User) UserID { return u.ID },
		},
	}
}

func (r *remembering) Organizations() Table[Organization, OrganizationFilter] {
	return &r.organizations
}

func (r *remembering) Users() Table[User, UserFilter] { return &arrivals{&r.users, &r.memberships} }

func (r *remembering) Memberships() Table[Membership, MembershipFilter] { return &r.memberships }

// Savepoint forgets everything: what happens inside goes past here, and may be undone.
func (r *remembering) Savepoint(ctx context.Context, fn func(Tx) error) error {
	clear(r.organizations.rows)
	clear(r.users.rows)
	clear(r.memberships.fresh)
	return r.Tx.Savepoint(ctx, fn)
}

// arrivals are the users of a transaction that tells who is new.
type arrivals struct {
	*remembered[User, UserFilter]
	memberships *newcomers
}

func (a *arrivals) Insert(ctx context.Context, u User) error {
	err := a.remembered.Insert(ctx, u)
	if err == nil {
		a.memberships.arrived(u.ID)
	}
	return err
}

// newcomers are the memberships of a transaction that knows who cannot have one yet.
type newcomers struct {
	Table[Membership, MembershipFilter]
	fresh map[UserID]bool
}

func (n *newcomers) arrived(id UserID) {
	if len(n.fresh) >= mostRemembered {
		clear(n.fresh)
	}
	n.fresh[id] = true
}

func (n *newcomers) List(ctx context.Context, filter MembershipFilter, span Span) ([]Membership, error) {
	if ids := filter.UserID.Values(); len(ids) == 1 && n.fresh[ids[0]] {
		return nil, ctx.Err()
	}
	return n.Table.List(ctx, filter, span)
}

func (n *newcomers) Insert(ctx context.Context, m Membership) error {
	delete(n.fresh, m.UserID)
	return n.Table.Insert(ctx, m)
}

func (n *newcomers) Update(ctx context.Context, m Membership) error {
	delete(n.fresh, m.UserID)
	return n.Table.Update(ctx, m)
}

// remembered is a table of which some rows are known. The rules never change a row
// in place, so what is handed out stays as it is.
type remembered[V Entity, F any] struct {
	Table[V, F]
	rows map[ID[V]]V
	id   func(*V) ID[V]
}

const mostRemembered = 1000

func (r *remembered[V, F]) know(v V) {
	if len(r.rows) >= mostRemembered {
		clear(r.rows)
	}
	r.rows[r.id(&v)] = v
}

func (r *remembered[V, F]) Get(ctx context.Context, id ID[V]) (V, error) {
	if v, ok := r.rows[id]; ok {
		return v, ctx.Err()
	}
	v, err := r.Table.Get(ctx, id)
	if err == nil {
		r.know(v)
	}
	return v, err
}

func (r *remembered[V, F]) Insert(ctx context.Context, v V) error {
	err := r.Table.Insert(ctx, v)
	if err == nil {
		r.know(v)
	}
	return err
}

func (r *remembered[V, F]) Update(ctx context.Context, v V) error {
	delete(r.rows, r.id(&v))
	return r.Table.Update(ctx, v)
}

func (r *remembered[V, F]) Touch(ctx context.Context, id ID[V], at time.Time) error {
	delete(r.rows, id)
	return r.Table.Touch(ctx, id, at)
}

func (r *remembered[V, F]) Delete(ctx context.Context, id ID[V]) error {
	delete(r.rows, id)
	return r.Table.Delete(ctx, id)
}

func (r *remembered[V, F]) DeleteAll(ctx context.Context, filter F) (int, error) {
	clear(r.rows)
	return r.Table.DeleteAll(ctx, filter)
}
