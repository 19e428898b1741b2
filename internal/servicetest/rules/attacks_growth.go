package rules

import (
	"context"

	"github.com/freehold-dev/freehold/store"
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
	store.Store
	rows int
}

// counts gives w a Service over a store that counts.
func (w *world) counts() *secretRows {
	s := &secretRows{Store: w.Store}
	w.Svc = w.Another(func(c *tenancy.Config) { c.Store = s })
	return s
}

// during is how many rows a call reads.
func (s *secretRows) during(call func()) int {
	s.rows = 0
	call()
	return s.rows
}

func (s *secretRows) View(ctx context.Context, fn func(store.Rows) error) error {
	return s.Store.View(ctx, func(rows store.Rows) error { return fn(countedRows{rows, s}) })
}

func (s *secretRows) Update(ctx context.Context, fn func(store.Rows) error) error {
	return s.Store.Update(ctx, func(rows store.Rows) error { return fn(countedRows{rows, s}) })
}

// countedRows counts the rows of secrets and sessions that are read or deleted.
type countedRows struct {
	store.Rows
	store *secretRows
}

func (r countedRows) count(t *store.Table, n int) {
	if t.Kind == "secret" || t.Kind == "session" {
		r.store.rows += n
	}
}

func (r countedRows) Get(ctx context.Context, t *store.Table, id [16]byte, row store.Row) error {
	r.count(t, 1)
	return r.Rows.Get(ctx, t, id, row)
}

func (r countedRows) List(ctx context.Context, t *store.Table, where []store.Cond, span store.Range, yield func(store.Row) error) error {
	return r.Rows.List(ctx, t, where, span, func(row store.Row) error {
		r.count(t, 1)
		return yield(row)
	})
}

func (r countedRows) Count(ctx context.Context, t *store.Table, where []store.Cond) (int, error) {
	n, err := r.Rows.Count(ctx, t, where)
	r.count(t, n)
	return n, err
}

func (r countedRows) UpdateAll(ctx context.Context, t *store.Table, where []store.Cond, set []store.Set) (int, error) {
	n, err := r.Rows.UpdateAll(ctx, t, where, set)
	r.count(t, n)
	return n, err
}

func (r countedRows) DeleteAll(ctx context.Context, t *store.Table, where []store.Cond) (int, error) {
	n, err := r.Rows.DeleteAll(ctx, t, where)
	r.count(t, n)
	return n, err
}

const often = 120

func askedAgain(w *world) {
	ada := w.User("ada")
	store := w.counts()
	ask := func() { w.proof(ada, "new@mail.example") }
	ask()
	first := store.during(ask)
	for range often {
		ask()
	}
	w.Equal(first, store.during(ask))
	w.Equal(first, store.during(func() { _, err := w.Svc.Users.CancelEmailChange(w.Ctx, ada.ID); w.NoError(err) }))
}

// switcher is a session that goes to and fro between two organizations.
type switcher struct {
	*world
	orgs [2]tenancy.OrganizationID
	in   tenancy.StartedSession
	at   int
}

func newSwitcher(w *world) *switcher {
	ada := w.User("ada")
	s := &switcher{world: w, orgs: [2]tenancy.OrganizationID{w.Owned("Acme", ada).ID, w.Owned("Beta", ada).ID}}
	s.in = w.Session(ada, s.orgs[0])
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
		s.in = w.Session(w.mustFind("ada@acme.example"), s.orgs[s.at%2])
		for range moves {
			s.move()
		}
		return store.during(func() { w.NoError(w.Svc.Sessions.SignOut(w.Ctx, s.in.Token.Reveal())) })
	}
	w.Equal(after(2), after(often))
}
