package rules

import (
	"slices"
	"time"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/tenancy"
)

// eventAttacks read in one's own events what happens elsewhere.
func eventAttacks() []rule {
	return []rule{
		{"G14 attack: positions of events tell who is registered", on(positionsTell)},
		{"G14 attack: positions of events tell what other organizations do", on(positionsOfOthers)},
		{"G14 attack: an event of another organization as a cursor", on(foreignCursor)},
		{"G14 an actor goes on from the last event that was read", on(eventCursors)},
		{"G14 a cursor whose event was pruned", on(prunedCursor)},
	}
}

// positionsTell: an invitation of somebody registered has one event more, which nobody in the
// organization sees.
func positionsTell(w *world) {
	owner, ada := w.User("owner"), w.User("ada")
	acme := w.Owned("Acme", owner)
	svc := w.asUser(owner)
	seen := func(email string) []tenancy.Position {
		sent := w.InviteBy(svc, acme, email)
		_, err := svc.Invitations.Revoke(w.Ctx, sent.ID)
		w.NoError(err)
		page, err := svc.Events.List(w.Ctx, tenancy.EventQuery{OrganizationID: acme.ID})
		w.NoError(err)
		w.True(page.Done)
		w.NotContains(w.json(page), `position`)
		w.NotContains(w.json(page), `"next":`)
		n := len(page.Items)
		return []tenancy.Position{page.Items[n-1].Position - page.Items[n-2].Position, page.Next}
	}
	w.Equal(seen("who@acme.example"), seen(ada.Email))
	for e, err := range svc.Events.All(w.Ctx, tenancy.EventQuery{OrganizationID: acme.ID}) {
		w.NoError(err)
		w.Zero(e.Position)
	}
	w.refuses(tenancy.ErrForbidden, "after", func() error { // else a search finds each position
		_, err := svc.Events.List(w.Ctx, tenancy.EventQuery{OrganizationID: acme.ID, After: 1})
		return err
	})
}

func positionsOfOthers(w *world) {
	owner := w.User("owner")
	acme := w.Owned("Acme", owner)
	svc := w.asUser(owner)
	for _, desc := range []bool{false, true} {
		read := func() string {
			page, err := svc.Events.List(w.Ctx, tenancy.EventQuery{OrganizationID: acme.ID, Descending: desc})
			w.NoError(err)
			return w.json(page)
		}
		before := read()
		w.Org("Beta")
		w.Equal(before, read())
	}
}

func foreignCursor(w *world) {
	owner := w.User("owner")
	acme, beta := w.Owned("Acme", owner), w.Org("Beta")
	theirs, err := w.Svc.Events.List(w.Ctx, tenancy.EventQuery{OrganizationID: beta.ID, Limit: 1})
	w.NoError(err)
	for _, id := range []tenancy.EventID{theirs.Items[0].ID, tenancy.EventID(servicetest.Nowhere)} {
		w.refuses(tenancy.ErrEventsPruned, "after_event", func() error {
			_, err := w.asUser(owner).Events.List(w.Ctx, tenancy.EventQuery{OrganizationID: acme.ID, AfterEvent: id})
			return err
		})
	}
}

// eventCursors reads all of an organization's events page by page, as the host and as an actor.
func eventCursors(w *world) {
	owner := w.User("owner")
	acme := w.Owned("Acme", owner)
	svc := w.asUser(owner)
	for i := range 4 {
		w.Add(acme, w.User(string(rune('a'+i))))
		w.Org("Other " + string(rune('a'+i)))
		w.InviteBy(svc, acme, string(rune('p'+i))+"@acme.example")
	}
	for _, types := range [][]tenancy.EventType{nil, {tenancy.EventMembershipCreated}, {tenancy.EventUserErased}} {
		for _, desc := range []bool{false, true} {
			for _, limit := range []int{1, 2, 3, 50} {
				q := tenancy.EventQuery{OrganizationID: acme.ID, Types: types, Descending: desc, Limit: limit}
				var want, got []tenancy.EventID
				for e, err := range w.Svc.Events.All(w.Ctx, q) {
					w.NoError(err)
					want = append(want, e.ID)
				}
				for e, err := range svc.Events.All(w.Ctx, q) {
					w.NoError(err)
					got = append(got, e.ID)
				}
				w.Equal(want, got)
			}
		}
	}
	// The cursor is the last event read, also where the query wants others.
	all, err := svc.Events.List(w.Ctx, tenancy.EventQuery{OrganizationID: acme.ID})
	w.NoError(err)
	none, err := svc.Events.List(w.Ctx, tenancy.EventQuery{OrganizationID: acme.ID, Types: []tenancy.EventType{tenancy.EventUserErased}})
	w.NoError(err)
	w.Empty(none.Items)
	w.Equal(all.NextEvent, none.NextEvent)
	w.Equal(all.Items[len(all.Items)-1].ID, all.NextEvent)
	none, err = svc.Events.List(w.Ctx, tenancy.EventQuery{OrganizationID: acme.ID, AfterEvent: all.NextEvent})
	w.NoError(err)
	w.Equal(tenancy.EventPage{NextEvent: all.NextEvent, Done: true}, none)
	down, err := svc.Events.List(w.Ctx, tenancy.EventQuery{
		OrganizationID: acme.ID, Descending: true, Types: []tenancy.EventType{tenancy.EventUserErased},
	})
	w.NoError(err)
	w.Equal(all.Items[0].ID, down.NextEvent)
	// The host may go on from an event, too.
	rest, err := w.Svc.Events.List(w.Ctx, tenancy.EventQuery{OrganizationID: acme.ID, AfterEvent: all.Items[2].ID})
	w.NoError(err)
	w.Equal(len(all.Items)-3, len(rest.Items))
	w.True(slices.IsSortedFunc(rest.Items, func(a, b tenancy.Event) int { return int(a.Position - b.Position) }))
}

func prunedCursor(w *world) {
	owner := w.User("owner")
	acme := w.Owned("Acme", owner)
	svc := w.asUser(owner)
	page, err := svc.Events.List(w.Ctx, tenancy.EventQuery{OrganizationID: acme.ID})
	w.NoError(err)
	w.Clock.Advance(time.Hour)
	w.InviteBy(svc, acme, "who@acme.example")
	_, err = w.Svc.Events.Prune(w.Ctx, w.Clock.At)
	w.NoError(err)
	_, err = svc.Events.List(w.Ctx, tenancy.EventQuery{OrganizationID: acme.ID, AfterEvent: page.NextEvent})
	w.Failed(err, tenancy.ErrEventsPruned, "after_event")
}
