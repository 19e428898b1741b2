package servicetest

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/tenancy"
)

func denialRules() []rule {
	return []rule{
		{"A5 a row for each actor, method, organization and minute", on(denialRows)},
		{"A5 denials of a Transact are kept after its end", on(denialsWithin)},
		{"A5 denials in a host's transaction go to the Logger", on(denialsOfHost)},
		{"A5 at most 10 denials are written a second", on(denialRate)},
		{"A5 who may read which denials", on(denialReaders)},
	}
}

// refused makes an actor of the house be refused n times by one method.
func (h *house) refused(local string, n int, call func(s *tenancy.Service) error) {
	h.t.Helper()
	for range n {
		h.Error(call(h.as(local)))
	}
}

func (h *house) denials(q tenancy.DenialQuery) []tenancy.Denial {
	h.t.Helper()
	page, err := h.svc.Events.Denials(h.ctx, q)
	h.NoError(err)
	return page.Items
}

func (h *house) listing(s *tenancy.Service) error {
	_, err := s.Events.Denials(h.ctx, tenancy.DenialQuery{OrganizationID: h.at.org})
	return err
}

func (h *house) removing(s *tenancy.Service) error {
	return s.Memberships.Remove(h.ctx, h.at.org, h.at.member)
}

func denialRows(w *world) {
	h := newHouse(w)
	w.clock.at = w.clock.at.Truncate(time.Minute)
	minute := w.clock.at
	before := w.dump()
	h.refused("guest", 3, h.removing)
	h.refused("guest", 1, h.listing)
	h.refused("stranger", 2, h.removing) // not_found is a denial too
	w.Equal(before, w.dump())            // and no event
	member := tenancy.Actor{Kind: tenancy.ActorUser, ID: h.people["guest"].ID.String()}
	rows := h.denials(tenancy.DenialQuery{Actor: member, Method: "Memberships.Remove"})
	w.Len(rows, 1)
	w.Equal(tenancy.Denial{
		ID: rows[0].ID, Version: 1, Actor: member, Method: "Memberships.Remove", OrganizationID: h.at.org, Minute: minute, Count: 1,
	}, rows[0])
	w.Len(h.denials(tenancy.DenialQuery{}), 3)
	w.clock.advance(59 * time.Second)
	h.refused("guest", 1, h.removing)
	w.Len(h.denials(tenancy.DenialQuery{}), 3)
	w.clock.advance(time.Second) // the next minute: what was counted is added
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
	w.clock.advance(time.Hour)
	h.refused("owner", 1, func(s *tenancy.Service) error {
		_, err := s.Organizations.Update(w.ctx, h.at.org, tenancy.OrganizationUpdate{SeatLimit: ptr(3)})
		return err
	})
	rows = h.denials(tenancy.DenialQuery{Method: "Organizations.Update"})
	w.Len(rows, 1)
	w.Equal(h.at.org, rows[0].OrganizationID)
}

func denialsWithin(w *world) {
	h := newHouse(w)
	for name, fails := range map[string]error{"committed": nil, "undone": errStop} {
		w.each(name, func(w *world) {
			w.clock.advance(time.Minute)
			since := w.clock.at.Truncate(time.Minute)
			w.Equal(fails, h.as("guest").Transact(w.ctx, func(ctx context.Context, tx *tenancy.Service) error {
				w.Error(tx.Memberships.Remove(ctx, h.at.org, h.at.member))
				w.Error(tx.Transact(ctx, func(ctx context.Context, part *tenancy.Service) error {
					w.Error(part.Memberships.Leave(ctx, h.at.org, h.at.member))
					return errStop
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
	err = h.store.View(h.ctx, func(rows store.Rows) error {
		denials, _, _ := tenancy.RowsOf[tenancy.Denial]()
		n, err = rows.Count(h.ctx, denials, []store.Cond{{
			Column: denials.Index("minute"), Op: store.AtLeast,
			Values: []store.Value{{Int: h.clock.at.Truncate(time.Minute).UnixMicro()}},
		}})
		return err
	})
	return n, err
}

func denialsOfHost(w *world) {
	var log bytes.Buffer
	w.svc = w.another(func(c *tenancy.Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	h := newHouse(w)
	w.NoError(w.store.Update(w.ctx, func(rows store.Rows) error {
		_, in, err := w.svc.Join(w.ctx, joined{rows, w.store})
		w.NoError(err)
		w.Error(in.As(tenancy.UserPrincipal(h.people["guest"].ID)).Memberships.Remove(w.ctx, h.at.org, h.at.member))
		return nil
	}))
	w.Empty(h.denials(tenancy.DenialQuery{}))
	w.Equal(1, strings.Count(log.String(), "Memberships.Remove"))
	w.Contains(log.String(), h.people["guest"].ID.String())
}

func denialRate(w *world) {
	var log bytes.Buffer
	w.svc = w.another(func(c *tenancy.Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	h := newHouse(w)
	w.clock.at = w.clock.at.Truncate(time.Minute)
	guest := w.svc.As(tenancy.UserPrincipal(h.people["guest"].ID))
	refused := 0
	for _, m := range tenancy.Methods() {
		if m.Permission == "" || m.Oneself || !strings.Contains(m.Name, ".") || m.Name == "Events.Denials" {
			continue
		}
		refused++
		w.Error(actorCalls()[m.Name](w.ctx, guest, h.at), m.Name)
	}
	w.Greater(refused, 15)
	w.Len(h.denials(tenancy.DenialQuery{}), 10)
	w.Equal(refused-10, strings.Count(log.String(), "freehold: denied"))
	w.clock.advance(time.Second)
	h.refused("guest", 1, h.listing)
	w.Len(h.denials(tenancy.DenialQuery{}), 11)
}

func denialReaders(w *world) {
	h := newHouse(w)
	h.refused("guest", 1, h.removing)
	h.refused("elsewhere", 1, func(s *tenancy.Service) error { return s.Memberships.Remove(w.ctx, h.beta.ID, h.at.owner) })
	page, err := h.as("admin").Events.Denials(w.ctx, tenancy.DenialQuery{OrganizationID: h.at.org})
	w.NoError(err)
	w.Len(page.Items, 1)
	w.Equal("Memberships.Remove", page.Items[0].Method)
	w.refuses(tenancy.ErrForbidden, "", func() error {
		_, err := h.as("owner").Events.Denials(w.ctx, tenancy.DenialQuery{})
		return err
	})
	w.refuses(tenancy.ErrNotFound, "", func() error {
		_, err := h.as("owner").Events.Denials(w.ctx, tenancy.DenialQuery{OrganizationID: h.beta.ID})
		return err
	})
	w.refuses(tenancy.ErrForbidden, "", func() error {
		_, err := w.svc.As(tenancy.ServicePrincipal("x", h.at.org, rbac.Grant(rbac.ReadMembers))).Events.Denials(w.ctx, tenancy.DenialQuery{OrganizationID: h.at.org})
		return err
	})
}
