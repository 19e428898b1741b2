package rules

import (
	"fmt"
	"time"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/tenancy"
)

// denialAttacks hide a refusal behind others.
func denialAttacks() []rule {
	return []rule{
		{"A5 attack: made-up ids use up the room for the denials of all organizations", on(madeUpIDs)},
		{"A5 attack: a member's refusals hide those of others", on(drownedDenials).in(servicetest.Memory)},
		{"A5 attack: strangers hide what an organization's people are refused", on(strangersDrown).in(servicetest.Memory)},
		{"A5 attack: thousands of kinds of refusals in one transaction", on(denialFlood).in(servicetest.Memory, servicetest.Weak)},
		{"A5 attack: the time of a refusal tells whether an organization exists", on(denialTiming)},
	}
}

// later lets the minute pass and has everything written that was counted in it.
func (h *house) later() {
	h.T.Helper()
	h.Clock.Advance(time.Minute)
	h.Error(h.listing(h.Svc.As(tenancy.UserPrincipal(h.people["stranger"].ID))))
}

func madeUp(i int) tenancy.OrganizationID {
	return tenancy.OrganizationID{1, 14: byte(i >> 8), 15: byte(i)}
}

func madeUpIDs(w *world) {
	h := newHouse(w)
	w.Clock.At = w.Clock.At.Truncate(time.Minute)
	stranger := h.as("stranger")
	const made = 300
	for i := range made {
		_, err := stranger.Organizations.Get(w.Ctx, madeUp(i))
		w.Error(err)
	}
	h.refused("guest", 1, h.removing) // in the same second
	w.Len(h.denials(tenancy.DenialQuery{OrganizationID: h.at.org, Method: "Memberships.Remove"}), 1)
	h.later()
	rows := h.denials(tenancy.DenialQuery{Method: "Organizations.Get"})
	w.Len(rows, 1)
	w.Zero(rows[0].OrganizationID)
	w.Equal(made, rows[0].Count)
}

// drownedDenials: a member is refused all the time, by all methods. Another member of the same
// organization, and one of another organization, are refused in the same minute.
func drownedDenials(w *world) {
	h := newHouse(w)
	w.Clock.At = w.Clock.At.Truncate(time.Hour)
	total := 0
	for range 6 {
		total += h.refusedByAll(h.as("guest"))
		w.Clock.Advance(time.Minute)
	}
	h.refused("member", 1, h.removing)
	elsewhere := func(s *tenancy.Service) error { return s.Memberships.Remove(w.Ctx, h.beta.ID, h.at.owner) }
	w.Add(h.beta, h.people["member"], "guest")
	h.refused("member", 1, elsewhere)
	h.later()
	guest := tenancy.Actor{Kind: tenancy.ActorUser, ID: h.people["guest"].ID.String()}
	member := tenancy.Actor{Kind: tenancy.ActorUser, ID: h.people["member"].ID.String()}
	w.Len(h.denials(tenancy.DenialQuery{OrganizationID: h.at.org, Actor: member}), 1)
	w.Len(h.denials(tenancy.DenialQuery{OrganizationID: h.beta.ID, Actor: member}), 1)
	w.Len(h.denials(tenancy.DenialQuery{OrganizationID: h.at.org, Actor: guest, Limit: tenancy.MaxLimit}), 60)
	counted, beyond := 0, 0
	for _, d := range h.denials(tenancy.DenialQuery{OrganizationID: h.at.org, Limit: tenancy.MaxLimit}) {
		switch d.Actor {
		case guest:
			counted += d.Count
		case tenancy.Actor{}:
			w.Empty(d.Method)
			counted, beyond = counted+d.Count, beyond+1
		}
	}
	w.Equal(total, counted) // nothing is lost
	w.Positive(beyond)
	w.LessOrEqual(beyond, 6)
	w.Clock.Advance(time.Hour) // and there is room again
	h.refused("guest", 1, h.listing)
	w.Len(h.denials(tenancy.DenialQuery{Actor: guest, Since: w.Clock.At.Truncate(time.Minute)}), 1)
}

func strangersDrown(w *world) {
	h := newHouse(w)
	w.Clock.At = w.Clock.At.Truncate(time.Hour)
	const strangers = 700
	for i := range strangers {
		user := w.NewUser(tenancy.NewUser{Email: fmt.Sprintf("s%d@mail.example", i), EmailVerified: true})
		w.Error(h.removing(w.Svc.As(tenancy.UserPrincipal(user.ID))))
	}
	h.refused("guest", 1, h.removing)
	h.later()
	for range strangers / 200 { // a second for each 200 rows
		w.Clock.Advance(time.Second)
		_, err := h.as("stranger").Organizations.Get(w.Ctx, h.beta.ID)
		w.Error(err)
	}
	guest := tenancy.Actor{Kind: tenancy.ActorUser, ID: h.people["guest"].ID.String()}
	w.Len(h.denials(tenancy.DenialQuery{OrganizationID: h.at.org, Actor: guest}), 1)
	rows := h.denials(tenancy.DenialQuery{OrganizationID: h.at.org, Limit: tenancy.MaxLimit})
	w.Len(rows, 1+600+1)
	total := 0
	for _, d := range rows {
		total += d.Count
	}
	w.Equal(strangers+1, total)
}

// denialTiming compares the transactions of a stranger's first refusals at an organization that
// exists and at one that does not, after others at both kinds.
func denialTiming(w *world) {
	h := newHouse(w)
	w.Clock.At = w.Clock.At.Truncate(time.Minute)
	store := w.counted()
	stranger := w.Svc.As(tenancy.UserPrincipal(h.people["stranger"].ID))
	costs := func(id tenancy.OrganizationID) int64 {
		before := store.updates.Load()
		_, err := stranger.Organizations.Get(w.Ctx, id)
		w.Equal(tenancy.ErrNotFound, tenancy.CodeOf(err))
		w.Clock.Advance(time.Second)
		return store.updates.Load() - before
	}
	for _, id := range []tenancy.OrganizationID{madeUp(1), madeUp(2), h.at.org, h.beta.ID, h.at.org, madeUp(3)} {
		w.Zero(costs(id))
	}
	w.Clock.Advance(time.Minute)
	w.Equal(int64(1), costs(h.beta.ID)) // the minute that is over
}
