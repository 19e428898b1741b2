package servicetest

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/freehold-dev/freehold/tenancy"
)

func eventRules() []rule {
	return []rule{
		{"E1 one order, by position", on(eventOrder)},
		{"E1 filters", on(eventFilters)},
		{"E1 pages by cursor, up and down", on(eventPages)},
		{"E1 a reader who follows misses nothing", on(follow)},
		{"E1 nothing of a transaction that failed", on(failedEvents)},
		{"E3 prune", on(prune)},
	}
}

func eventOrder(w *world) {
	last, err := w.svc.Events.Last(w.ctx)
	w.NoError(err)
	w.Zero(last)
	newCast(w)
	events := w.since(0)
	names := map[tenancy.EventID]bool{}
	for i, e := range events {
		if i > 0 {
			w.Greater(e.Position, events[i-1].Position)
		}
		w.Positive(e.Position)
		w.False(names[e.ID])
		names[e.ID] = true
		w.Regexp(`^[a-z_]+\.[a-z_]+$`, string(e.Type)) // E2
	}
	last, err = w.svc.Events.Last(w.ctx)
	w.NoError(err)
	w.Equal(events[len(events)-1].Position, last)
}

func eventFilters(w *world) {
	start := w.clock.at
	ada := w.user("ada")
	w.clock.advance(time.Hour)
	acme, other := w.owned("Acme", ada), w.org("Other")
	w.clock.advance(time.Hour)
	m := w.add(other, ada)
	for name, c := range map[string]struct {
		q tenancy.EventQuery
		n int
	}{
		"all":                 {tenancy.EventQuery{}, 5},
		"a type":              {tenancy.EventQuery{Types: []tenancy.EventType{tenancy.EventUserCreated}}, 1},
		"two types":           {tenancy.EventQuery{Types: []tenancy.EventType{tenancy.EventUserCreated, tenancy.EventMembershipCreated}}, 3},
		"no such type":        {tenancy.EventQuery{Types: []tenancy.EventType{"no.such"}}, 0},
		"an organization":     {tenancy.EventQuery{OrganizationID: acme.ID}, 2},
		"no organization":     {tenancy.EventQuery{OrganizationID: nowhere}, 0},
		"the person":          {tenancy.EventQuery{UserID: ada.ID}, 3},
		"the person there":    {tenancy.EventQuery{UserID: ada.ID, OrganizationID: acme.ID}, 1},
		"a subject":           {tenancy.EventQuery{Subject: m.ID.String()}, 1},
		"the host":            {tenancy.EventQuery{Actor: tenancy.Actor{Kind: tenancy.ActorHost}}, 5},
		"somebody else":       {tenancy.EventQuery{Actor: tenancy.Actor{Kind: tenancy.ActorUser, ID: ada.ID.String()}}, 0},
		"since":               {tenancy.EventQuery{Since: start.Add(time.Hour)}, 4},
		"since a moment late": {tenancy.EventQuery{Since: start.Add(time.Hour + time.Microsecond)}, 1},
		"until":               {tenancy.EventQuery{Until: start.Add(time.Hour)}, 1},
		"until a moment late": {tenancy.EventQuery{Until: start.Add(time.Hour + time.Microsecond)}, 4},
		"in between":          {tenancy.EventQuery{Since: start.Add(time.Hour), Until: start.Add(2 * time.Hour)}, 3},
		"an empty time":       {tenancy.EventQuery{Since: start.Add(time.Hour), Until: start}, 0},
	} {
		w.each(name, func(w *world) {
			var up, down []tenancy.Position
			for e, err := range w.svc.Events.All(w.ctx, c.q) {
				w.NoError(err)
				up = append(up, e.Position)
			}
			c.q.Descending, c.q.Limit = true, 1
			for e, err := range w.svc.Events.All(w.ctx, c.q) {
				w.NoError(err)
				down = append(down, e.Position)
			}
			slices.Reverse(down)
			w.Len(up, c.n)
			w.Equal(up, down)
		})
	}
}

func eventPages(w *world) {
	for i := range 7 {
		w.org(fmt.Sprint("Org ", i))
	}
	for _, desc := range []bool{false, true} {
		for _, limit := range []int{1, 2, 3, 7, 8} {
			var got []tenancy.Position
			q := tenancy.EventQuery{Limit: limit, Descending: desc}
			for range 20 {
				page, err := w.svc.Events.List(w.ctx, q)
				w.NoError(err)
				w.LessOrEqual(len(page.Items), limit)
				for _, e := range page.Items {
					got = append(got, e.Position)
				}
				q.After = page.Next
				if page.Done {
					break
				}
			}
			w.Len(got, 7)
			w.True(slices.IsSortedFunc(got, func(a, b tenancy.Position) int {
				if desc {
					a, b = b, a
				}
				return int(a - b)
			}))
		}
	}
}

// follow reads as a consumer does, from where it was, while others write.
func follow(w *world) {
	var seen []string
	var at tenancy.Position
	read := func() {
		for range 10 {
			page, err := w.svc.Events.List(w.ctx, tenancy.EventQuery{After: at, Limit: 2})
			w.NoError(err)
			for _, e := range page.Items {
				seen = append(seen, e.Subject)
			}
			at = page.Next
			if page.Done {
				return
			}
		}
	}
	var want []string
	for i := range 5 {
		read()
		w.Equal(want, seen)
		for j := range i {
			want = append(want, w.org(fmt.Sprint(i, j)).ID.String())
		}
	}
	read()
	read()
	w.Equal(want, seen)
	for _, err := range w.svc.Events.All(w.ctx, tenancy.EventQuery{After: at}) {
		w.NoError(err)
		w.Fail("an event beyond the end")
	}
}

func failedEvents(w *world) {
	w.org("Before")
	last, err := w.svc.Events.Last(w.ctx)
	w.NoError(err)
	w.Equal(errStop, w.svc.Transact(w.ctx, func(ctx context.Context, tx *tenancy.Service) error {
		for range 3 {
			_, err := tx.Organizations.Create(ctx, tenancy.NewOrganization{DisplayName: "Gone"})
			w.NoError(err)
		}
		return errStop
	}))
	now, err := w.svc.Events.Last(w.ctx)
	w.NoError(err)
	w.Equal(last, now)
	after := w.org("After") // positions of what failed may come again
	events := w.since(last)
	w.Len(events, 1)
	w.Equal(after.ID, events[0].OrganizationID)
}

func prune(w *world) {
	var cut tenancy.Position
	for i := range 6 {
		w.org(fmt.Sprint("Org ", i))
		w.clock.advance(time.Hour)
	}
	all := w.since(0)
	cut = all[3].Position
	before := all[4].Time
	n := 0
	do := func(before time.Time) func() error {
		return func() (err error) { n, err = w.svc.Events.Prune(w.ctx, before); return err }
	}
	w.NoError(do(before)())
	w.Equal(4, n)
	w.silent(do(before))
	w.Zero(n)
	w.Equal(all[4:], w.since(cut)) // at the floor nothing is missed
	for _, after := range []tenancy.Position{0, cut - 1} {
		_, err := w.svc.Events.List(w.ctx, tenancy.EventQuery{After: after})
		if after == 0 { // from the oldest that there is
			w.NoError(err)
			continue
		}
		w.failed(err, tenancy.ErrEventsPruned, "")
	}
	page, err := w.svc.Events.List(w.ctx, tenancy.EventQuery{Descending: true})
	w.NoError(err)
	w.Len(page.Items, 2)
	w.True(page.Done)
	last, err := w.svc.Events.Last(w.ctx)
	w.NoError(err)
	w.NoError(do(w.clock.at)())
	w.Equal(2, n)
	now, err := w.svc.Events.Last(w.ctx) // never moves back
	w.NoError(err)
	w.Equal(last, now)
	w.Empty(w.since(now))
	w.Len(w.dump().Organizations, 6)
	next := w.org("Next")
	w.Equal(next.ID.String(), w.since(now)[0].Subject)
	w.Greater(w.since(now)[0].Position, now)
}
