package rules

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/tenancy"
)

// denialStore is a store that counts the rows of denials in a transaction, or keeps none.
type denialStore struct {
	store.Store
	most   int // in one transaction
	failed error
}

func (s *denialStore) Update(ctx context.Context, fn func(store.Rows) error) error {
	n := 0
	err := s.Store.Update(ctx, func(rows store.Rows) error {
		n = 0
		return fn(countedDenials{rows, s, &n})
	})
	s.most = max(s.most, n)
	return err
}

type countedDenials struct {
	store.Rows
	store *denialStore
	n     *int
}

func (r countedDenials) Insert(ctx context.Context, t *store.Table, row store.Row) error {
	if t.Kind == "denial" {
		if *r.n++; r.store.failed != nil {
			return r.store.failed
		}
	}
	return r.Rows.Insert(ctx, t, row)
}

// denialFlood: thousands of kinds of refusals in one second, in as many organizations as it
// takes. Nobody who writes waits for them, and those of others are kept.
func denialFlood(w *world) {
	w.Clock.At = w.Clock.At.Truncate(time.Hour)
	counted := &denialStore{Store: w.Store}
	w.Svc = w.Another(func(c *tenancy.Config) { c.Store = counted })
	victim := w.Org("Victim")
	total := 0
	refused := func(org tenancy.Organization, name string) {
		total++
		_, err := w.Svc.As(tenancy.ServicePrincipal(name, org.ID)).Roles.List(w.Ctx, org.ID)
		w.Failed(err, tenancy.ErrForbidden, "")
	}
	for i := range 4 {
		org := w.Org(fmt.Sprintf("Acme %d", i))
		for n := range 500 {
			refused(org, fmt.Sprintf("job %d", n))
		}
	}
	refused(victim, "sync")
	counted.failed = errors.New("disk full")
	w.Clock.Advance(time.Second)
	refused(victim, "sync") // and what could not be written is not lost
	counted.failed = nil
	for range 15 {
		w.Clock.Advance(time.Second)
		refused(victim, "sync")
	}
	w.Positive(counted.most)
	w.LessOrEqual(counted.most, 200)
	own := func() (n int) {
		page, err := w.Svc.Events.Denials(w.Ctx, tenancy.DenialQuery{OrganizationID: victim.ID})
		w.NoError(err)
		for _, d := range page.Items {
			n += d.Count
		}
		return n
	}
	w.Positive(own(), "within seconds")
	w.Clock.Advance(time.Minute)
	refused(victim, "sync")
	w.Clock.Advance(time.Minute)
	refused(victim, "sync")
	w.Equal(19, own())
	written := 0
	q := tenancy.DenialQuery{Limit: tenancy.MaxLimit}
	for {
		page, err := w.Svc.Events.Denials(w.Ctx, q)
		w.NoError(err)
		for _, d := range page.Items {
			written += d.Count
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			break
		}
	}
	w.Equal(total, written)
}
