package tenancytest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/freehold-dev/freehold/tenancy"
)

// RequireEvent returns the newest event of a type that names each of the given ids, as its organization, user,
// subject or actor. If there is none, it ends the test and lists the events that exist.
//
//	w.RequireEvent(tenancy.EventMembershipCreated, acme.ID, ada.ID)
func (w *World) RequireEvent(kind tenancy.EventType, names ...fmt.Stringer) tenancy.Event {
	w.Helper()
	found := w.eventsOf(kind, names)
	if len(found) == 0 {
		w.Fatalf("tenancytest: no %s of %v; the last events are%s", kind, names, w.lastEvents())
	}
	return found[len(found)-1]
}

// RequireNoEvent ends the test if there is an event that [World.RequireEvent] would return.
func (w *World) RequireNoEvent(kind tenancy.EventType, names ...fmt.Stringer) {
	w.Helper()
	if found := w.eventsOf(kind, names); len(found) > 0 {
		w.Fatalf("tenancytest: %d %s of %v; the last events are%s", len(found), kind, names, w.lastEvents())
	}
}

// Events calls do and returns the events that it caused, the oldest first.
func (w *World) Events(do func()) []tenancy.Event {
	w.Helper()
	last, err := w.Service.Events.Last(w.Context())
	w.must(err)
	do()
	return w.read(tenancy.EventQuery{After: last})
}

func (w *World) eventsOf(kind tenancy.EventType, names []fmt.Stringer) []tenancy.Event {
	w.Helper()
	return slices.DeleteFunc(w.read(tenancy.EventQuery{Types: []tenancy.EventType{kind}}), func(e tenancy.Event) bool {
		has := []string{e.OrganizationID.String(), e.UserID.String(), e.Subject, e.Actor.ID}
		return slices.ContainsFunc(names, func(id fmt.Stringer) bool { return !slices.Contains(has, id.String()) })
	})
}

func (w *World) read(q tenancy.EventQuery) []tenancy.Event {
	w.Helper()
	var events []tenancy.Event
	for e, err := range w.Service.Events.All(w.Context(), q) {
		w.must(err)
		events = append(events, e)
	}
	return events
}

// lastEvents lists the newest events, one a line.
func (w *World) lastEvents() string {
	w.Helper()
	page, err := w.Service.Events.List(w.Context(), tenancy.EventQuery{Descending: true, Limit: 10})
	w.must(err)
	var b strings.Builder
	for _, e := range slices.Backward(page.Items) {
		fmt.Fprintf(&b, "\n\t%s of %s, in %s, about %s, by %s %s", e.Type, e.Subject, e.OrganizationID, e.UserID, e.Actor.Kind, e.Actor.ID)
	}
	return b.String()
}
