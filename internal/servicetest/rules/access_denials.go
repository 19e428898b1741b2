package rules

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/tenancy"
)

func denialRules() []rule {
	return []rule{
		{"A5 a row for each actor, method, organization and minute", on(denialRows)},
		{"A5 denials of a Transact are kept after its end", on(denialsWithin)},
		{"A5 denials in a host's transaction go to the Logger", on(denialsOfHost)},
		{"A5 the first denials of a second are one write", on(denialRate)},
		{"E3 Run forgets events after Config.KeepEvents", with(func(c *tenancy.Config) { c.KeepEvents = time.Hour }, eventsForgotten)},
		{"A5 Run forgets denials after Config.KeepDenials", with(func(c *tenancy.Config) { c.KeepDenials = time.Hour }, denialsForgotten).in(servicetest.Memory)},
		{"A5 who may read which denials", on(denialReaders)},
	}
}

// refused makes an actor of the house be refused n times by one method.
func (h *house) refused(local string, n int, call func(s *tenancy.Service) error) {
	h.T.Helper()
	for range n {
		h.Error(call(h.as(local)))
	}
}

func (h *house) denials(q tenancy.DenialQuery) []tenancy.Denial {
	h.T.Helper()
	page, err := h.Svc.Events.Denials(h.Ctx, q)
	h.NoError(err)
	return page.Items
}

func (h *house) listing(s *tenancy.Service) error {
	_, err := s.Events.Denials(h.Ctx, tenancy.DenialQuery{OrganizationID: h.at.org})
	return err
}

func (h *house) removing(s *tenancy.Service) error {
	return s.Memberships.Remove(h.Ctx, h.at.org, h.at.member)
}

func denialRows(w *world) {
	h := newHouse(w)
	w.Clock.At = w.Clock.At.Truncate(time.Minute)
	minute := w.Clock.At
	before := w.Dump()
	h.refused("guest", 3, h.removing)
	h.refused("guest", 1, h.listing)
	h.refused("stranger", 2, h.removing) // not_found is a denial too, once the minute is over
	w.Equal(before, w.Dump())            // and no event
	member := tenancy.Actor{Kind: tenancy.ActorUser, ID: h.people["guest"].ID.String()}
	rows := h.denials(tenancy.DenialQuery{Actor: member, Method: "Memberships.Remove"})
	w.Len(rows, 1)
	w.Equal(tenancy.Denial{
		ID: rows[0].ID, Version: 1, Actor: member, Method: "Memberships.Remove", OrganizationID: h.at.org, Minute: minute, Count: 1,
	}, rows[0])
	w.Len(h.denials(tenancy.DenialQuery{}), 1) // the other first ones wait for the next second
	w.Clock.Advance(59 * time.Second)
	h.refused("guest", 1, h.removing)
	w.Len(h.denials(tenancy.DenialQuery{}), 2)
	w.Clock.Advance(time.Second) // the next minute: what was counted is added
	h.refused("guest", 1, h.removing)
	rows = h.denials(tenancy.DenialQuery{Actor: member, Method: "Memberships.Remove"})
	w.Len(rows, 2)
	w.Equal([]int{4, 1}, []int{rows[0].Count, rows[1].Count})
	w.Equal([]time.Time{minute, minute.Add(time.Minute)}, []time.Time{rows[0].Minute, rows[1].Minute})
	rows = h.denials(tenancy.DenialQuery{Method: "Memberships.Remove", Until: minute.Add(time.Second), Descending: true})
	w.Len(rows, 2)
	w.Equal(6, rows[0].Count+rows[1].Count)
	w.Empty(h.denials(tenancy.DenialQuery{Since: minute.Add(2 * time.Minute)}))
	// What refuses an input, too, is told with the organization that was named.
	w.Clock.Advance(time.Hour)
	h.refused("owner", 1, func(s *tenancy.Service) error {
		_, err := s.Organizations.Update(w.Ctx, h.at.org, tenancy.OrganizationUpdate{SeatLimit: servicetest.Ptr(3)})
		return err
	})
	rows = h.denials(tenancy.DenialQuery{Method: "Organizations.Update"})
	w.Len(rows, 1)
	w.Equal(h.at.org, rows[0].OrganizationID)
}

func denialsWithin(w *world) {
	h := newHouse(w)
	for name, fails := range map[string]error{"committed": nil, "undone": servicetest.ErrStop} {
		w.each(name, func(w *world) {
			w.Clock.Advance(time.Minute)
			since := w.Clock.At.Truncate(time.Minute)
			w.Equal(fails, h.as("guest").Transact(w.Ctx, func(ctx context.Context, tx *tenancy.Service) error {
				w.Error(tx.Memberships.Remove(ctx, h.at.org, h.at.member))
				w.Error(tx.Transact(ctx, func(ctx context.Context, part *tenancy.Service) error {
					w.Error(part.Memberships.Leave(ctx, h.at.org, h.at.member))
					return servicetest.ErrStop
				}))
				host, err := h.count(ctx)
				w.NoError(err)
				w.Zero(host)
				return fails
			}))
			w.Len(h.denials(tenancy.DenialQuery{Since: since}), 2)
		})
	}
}

// count counts the denials of the running minute from outside of a transaction.
func (h *house) count(context.Context) (n int, err error) {
	err = h.Store.View(h.Ctx, func(rows store.Rows) error {
		denials, _, _ := tenancy.RowsOf[tenancy.Denial]()
		n, err = rows.Count(h.Ctx, denials, []store.Cond{{
			Column: denials.Index("minute"), Op: store.AtLeast,
			Values: []store.Value{{Int: h.Clock.At.Truncate(time.Minute).UnixMicro()}},
		}})
		return err
	})
	return n, err
}

func denialsOfHost(w *world) {
	var log bytes.Buffer
	w.Svc = w.Another(func(c *tenancy.Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	h := newHouse(w)
	w.NoError(w.Store.Update(w.Ctx, func(rows store.Rows) error {
		_, in, err := w.Svc.Join(w.Ctx, servicetest.Joined{Rows: rows, Over: w.Store})
		w.NoError(err)
		w.Error(in.As(tenancy.UserPrincipal(h.people["guest"].ID)).Memberships.Remove(w.Ctx, h.at.org, h.at.member))
		return nil
	}))
	w.Empty(h.denials(tenancy.DenialQuery{}))
	w.Equal(1, strings.Count(log.String(), "Memberships.Remove"))
	w.Contains(log.String(), h.people["guest"].ID.String())
}

// refusedByAll makes a guest be refused by methods that take a permission, and returns how many
// those are.
func (h *house) refusedByAll(guest *tenancy.Service) int {
	h.T.Helper()
	refused := 0
	for _, m := range tenancy.Methods() {
		if m.Permission == "" || m.Oneself || !strings.Contains(m.Name, ".") || m.Name == "Events.Denials" {
			continue
		}
		refused++
		h.Error(actorCalls()[m.Name](h.Ctx, guest, h.at), m.Name)
		if refused == 40 {
			break // an actor has no more than 60 rows, and a page has 50
		}
	}
	h.Greater(refused, 15)
	return refused
}

func denialRate(w *world) {
	store := w.counted()
	h := newHouse(w)
	w.Clock.At = w.Clock.At.Truncate(time.Minute)
	before := store.updates.Load()
	w.Error(h.listing(h.as("guest")))
	w.Equal(int64(1), store.updates.Load()-before)
	w.Len(h.denials(tenancy.DenialQuery{}), 1)
	refused := h.refusedByAll(w.Svc.As(tenancy.UserPrincipal(h.people["guest"].ID)))
	w.Len(h.denials(tenancy.DenialQuery{}), 1)
	w.Clock.Advance(time.Second)
	before = store.updates.Load()
	h.refused("guest", 1, h.listing)
	w.Equal(int64(1), store.updates.Load()-before)
	w.Len(h.denials(tenancy.DenialQuery{}), 1+refused)
}

// eventsForgotten are those that are too old; what was refused is kept for as long as before.
func eventsForgotten(w *world) {
	h := newHouse(w)
	h.refused("guest", 1, h.removing)
	w.tellOf(w.User("known"), 520) // more than one transaction takes
	w.Clock.Advance(time.Hour + time.Second)
	w.Org("Kept")
	h.refused("guest", 1, h.removing) // which writes down what was counted before
	denials := len(h.denials(tenancy.DenialQuery{}))
	w.runUntil(func() bool { return len(w.Dump().Events) < 9 })
	for _, e := range w.Dump().Events {
		w.False(e.Time.Before(w.Clock.At.Add(-time.Hour)), e.Type)
	}
	w.NotEmpty(w.Dump().Events)
	w.Len(h.denials(tenancy.DenialQuery{}), denials)
}

func denialsForgotten(w *world) {
	h := newHouse(w)
	h.refused("guest", 1, h.removing)
	w.Clock.Advance(time.Hour)
	h.refused("guest", 1, h.removing)
	w.Clock.Advance(time.Minute)
	runs, stop := context.WithCancel(w.Ctx)
	ended := make(chan error)
	go func() { ended <- w.Svc.Run(runs) }()
	for len(h.denials(tenancy.DenialQuery{})) == 2 {
		time.Sleep(time.Millisecond)
	}
	stop()
	w.ErrorIs(<-ended, context.Canceled)
	left := h.denials(tenancy.DenialQuery{})
	w.Len(left, 1)
	w.Equal(w.Clock.At.Add(-time.Minute).Truncate(time.Minute), left[0].Minute)
}

func denialReaders(w *world) {
	h := newHouse(w)
	h.refused("guest", 1, h.removing)
	h.refused("elsewhere", 1, func(s *tenancy.Service) error { return s.Memberships.Remove(w.Ctx, h.beta.ID, h.at.owner) })
	page, err := h.as("admin").Events.Denials(w.Ctx, tenancy.DenialQuery{OrganizationID: h.at.org})
	w.NoError(err)
	w.Len(page.Items, 1)
	w.Equal("Memberships.Remove", page.Items[0].Method)
	w.refuses(tenancy.ErrForbidden, "", func() error {
		_, err := h.as("owner").Events.Denials(w.Ctx, tenancy.DenialQuery{})
		return err
	})
	w.refuses(tenancy.ErrNotFound, "", func() error {
		_, err := h.as("owner").Events.Denials(w.Ctx, tenancy.DenialQuery{OrganizationID: h.beta.ID})
		return err
	})
	w.refuses(tenancy.ErrForbidden, "", func() error {
		_, err := w.Svc.As(tenancy.ServicePrincipal("x", h.at.org, rbac.ReadMembers)).Events.Denials(w.Ctx, tenancy.DenialQuery{OrganizationID: h.at.org})
		return err
	})
}
