package servicetest

import (
	"context"

	"github.com/freehold-dev/freehold/tenancy"
)

// growthAttacks make a call cost more by calling it often.
func growthAttacks() []rule {
	return []rule{
		{"G9 attack: a change of address costs more with each request before it", on(askedAgain)},
		{"G9 attack: a switch costs more with each switch before it", on(switchedAgain)},
		{"G9 attack: signing out costs more with each switch before it", on(signedOutAfter)},
	}
}

// secretRows is a store that counts the rows of secrets and sessions that calls read.
type secretRows struct {
	tenancy.Store
	rows int
}

// counts gives w a Service over a store that counts.
func (w *world) counts() *secretRows {
	s := &secretRows{Store: w.store}
	w.svc = w.another(func(c *tenancy.Config) { c.Store = s })
	return s
}

// during is how many rows a call reads.
func (s *secretRows) during(call func()) int {
	s.rows = 0
	call()
	return s.rows
}

func (s *secretRows) View(ctx context.Context, fn func(tenancy.Tx) error) error {
	return s.Store.View(ctx, func(tx tenancy.Tx) error { return fn(secretTx{tx, s}) })
}

func (s *secretRows) Update(ctx context.Context, fn func(tenancy.Tx) error) error {
	return s.Store.Update(ctx, func(tx tenancy.Tx) error { return fn(secretTx{tx, s}) })
}

type secretTx struct {
	tenancy.Tx
	store *secretRows
}

func (t secretTx) Secrets() tenancy.Table[tenancy.Secret, tenancy.SecretFilter] {
	return countedTable[tenancy.Secret, tenancy.SecretFilter]{t.Tx.Secrets(), t.store}
}

func (t secretTx) Sessions() tenancy.Table[tenancy.Session, tenancy.SessionFilter] {
	return countedTable[tenancy.Session, tenancy.SessionFilter]{t.Tx.Sessions(), t.store}
}

func (t secretTx) Savepoint(ctx context.Context, fn func(tenancy.Tx) error) error {
	return t.Tx.Savepoint(ctx, func(tx tenancy.Tx) error { return fn(secretTx{tx, t.store}) })
}

type countedTable[V tenancy.Entity, F any] struct {
	tenancy.Table[V, F]
	store *secretRows
}

func (t countedTable[V, F]) Get(ctx context.Context, id tenancy.ID[V]) (V, error) {
	t.store.rows++
	return t.Table.Get(ctx, id)
}

func (t countedTable[V, F]) List(ctx context.Context, filter F, span tenancy.Span) ([]V, error) {
	rows, err := t.Table.List(ctx, filter, span)
	t.store.rows += len(rows)
	return rows, err
}

func (t countedTable[V, F]) Count(ctx context.Context, filter F) (int, error) {
	n, err := t.Table.Count(ctx, filter)
	t.store.rows += n
	return n, err
}

func (t countedTable[V, F]) DeleteAll(ctx context.Context, filter F) (int, error) {
	n, err := t.Table.DeleteAll(ctx, filter)
	t.store.rows += n
	return n, err
}

const often = 120

func askedAgain(w *world) {
	ada := w.user("ada")
	store := w.counts()
	ask := func() { w.proof(ada, "new@mail.example") }
	ask()
	first := store.during(ask)
	for range often {
		ask()
	}
	w.Equal(first, store.during(ask))
	w.Equal(first, store.during(func() { _, err := w.svc.Users.CancelEmailChange(w.ctx, ada.ID); w.NoError(err) }))
}

// switcher is a session that goes to and fro between two organizations.
type switcher struct {
	*world
	orgs [2]tenancy.OrganizationID
	in   tenancy.StartedSession
	at   int
}

func newSwitcher(w *world) *switcher {
	ada := w.user("ada")
	s := &switcher{world: w, orgs: [2]tenancy.OrganizationID{w.owned("Acme", ada).ID, w.owned("Beta", ada).ID}}
	s.in = w.session(ada, s.orgs[0])
	return s
}

func (s *switcher) move() {
	s.at++
	var err error
	s.in, err = s.change(s.in.Token, s.orgs[s.at%2])
	s.NoError(err)
}

func switchedAgain(w *world) {
	s := newSwitcher(w)
	store := w.counts()
	s.move()
	s.move()
	first := store.during(s.move)
	for range often {
		s.move()
	}
	w.Equal(first, store.during(s.move))
}

func signedOutAfter(w *world) {
	s := newSwitcher(w)
	store := w.counts()
	after := func(moves int) int {
		s.in = w.session(w.mustFind("ada@acme.example"), s.orgs[s.at%2])
		for range moves {
			s.move()
		}
		return store.during(func() { w.NoError(w.svc.Sessions.SignOut(w.ctx, s.in.Token.Reveal())) })
	}
	w.Equal(after(2), after(often))
}
