package rules

import (
	"cmp"
	"encoding/json"

	"github.com/freehold-dev/freehold/tenancy"
)

// unchanged checks that fn leaves the store as it was, events included (G8, G9).
func (w *world) unchanged(fn func()) {
	w.T.Helper()
	before := w.Dump()
	fn()
	w.Equal(before, w.Dump())
}

// silent checks that fn succeeds, writes nothing and emits nothing (G8).
func (w *world) silent(fn func() error) {
	w.T.Helper()
	w.unchanged(func() { w.NoError(fn()) })
}

// refuses checks that fn is refused, and that nothing is written (G9).
func (w *world) refuses(code tenancy.Code, field string, fn func() error) *tenancy.Error {
	w.T.Helper()
	var refusal *tenancy.Error
	w.unchanged(func() { refusal = w.Failed(fn(), code, field) })
	return refusal
}

// event is what an event must say. Everything that it does not name is the same for
// all: the actor, the time and a name of its own.
type event struct {
	kind     tenancy.EventType
	org      tenancy.OrganizationID
	user     tenancy.UserID
	subject  string
	data     any           // the thing after the change; nil = not looked at
	previous string        // JSON; "" = none, any = not looked at
	actor    tenancy.Actor // the zero one: the host
}

// by is e as a user did it.
func (e event) by(user tenancy.User) event {
	e.actor = tenancy.Actor{Kind: tenancy.ActorUser, ID: user.ID.String()}
	return e
}

const (
	anything = "any" // for previous
	later    = "later"
)

// some is an event to be looked at later, when what it is about is known.
func some(kind tenancy.EventType) event { return event{kind: kind, subject: later} }

// emits checks that fn succeeds with exactly these events (G8, E1).
func (w *world) emits(fn func() error, want ...event) []tenancy.Event {
	w.T.Helper()
	last, err := w.Svc.Events.Last(w.Ctx)
	w.NoError(err)
	w.NoError(fn())
	got := w.since(last)
	var kinds, wanted []tenancy.EventType
	for _, e := range got {
		kinds = append(kinds, e.Type)
	}
	for _, e := range want {
		wanted = append(wanted, e.kind)
	}
	w.Equal(wanted, kinds)
	for i := range want {
		if want[i].subject != later {
			w.tells(got[i], want[i])
		}
	}
	return got
}

// tells checks one event against what it must say.
func (w *world) tells(got tenancy.Event, want event) {
	w.T.Helper()
	w.Equal(want.org, got.OrganizationID, "organization of %s", got.Type)
	w.Equal(want.user, got.UserID, "user of %s", got.Type)
	w.Equal(want.subject, got.Subject, "subject of %s", got.Type)
	w.Equal(cmp.Or(want.actor, tenancy.Actor{Kind: tenancy.ActorHost}), got.Actor, "actor of %s", got.Type)
	w.Equal(w.Clock.At.Truncate(1000).UTC(), got.Time)
	w.False(got.ID.IsZero())
	w.False(got.Redacted)
	if want.data != nil {
		w.JSONEq(w.json(want.data), string(got.Data), "data of %s", got.Type)
	}
	switch want.previous {
	case anything:
	case "":
		w.Empty(string(got.Previous), "previous of %s", got.Type)
	default:
		w.JSONEq(want.previous, string(got.Previous), "previous of %s", got.Type)
	}
}

func (w *world) json(v any) string {
	w.T.Helper()
	text, err := json.Marshal(v)
	w.NoError(err)
	return string(text)
}

// since reads the events after a position.
func (w *world) since(position tenancy.Position) []tenancy.Event {
	w.T.Helper()
	var events []tenancy.Event
	for e, err := range w.Svc.Events.All(w.Ctx, tenancy.EventQuery{After: position}) {
		w.NoError(err)
		events = append(events, e)
	}
	return events
}

// about is an event of a member's.
func about(kind tenancy.EventType, m tenancy.Member) event {
	return event{kind: kind, org: m.OrganizationID, user: m.UserID, subject: m.ID.String(), data: portrait{m.Membership, append([]string{}, m.Roles...), false}}
}

// portrait is a membership as its events show it.
type portrait struct {
	tenancy.Membership
	Roles []string `json:"roles"`
	Left  bool     `json:"left,omitempty"`
}

// was is e with previous values.
func (e event) was(previous string) event {
	e.previous = previous
	return e
}

func ofOrg(kind tenancy.EventType, org tenancy.Organization, previous string) event {
	return event{kind: kind, org: org.ID, subject: org.ID.String(), data: org, previous: previous}
}

func ofUser(kind tenancy.EventType, user tenancy.User, previous string) event {
	return event{kind: kind, user: user.ID, subject: user.ID.String(), data: user, previous: previous}
}

func ofIdentity(kind tenancy.EventType, i tenancy.Identity, previous string) event {
	return event{kind: kind, user: i.UserID, subject: i.ID.String(), data: i, previous: previous}
}
