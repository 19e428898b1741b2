package tenancy

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/typed"
)

// eventFilter selects events. Fields are joined by and.
type eventFilter struct {
	ID             typed.In[EventID]
	Type           typed.In[EventType]
	NotType        []EventType
	OrganizationID typed.In[OrganizationID]
	UserID         typed.In[UserID]
	Subject        typed.In[string]
	Actor          typed.In[Actor]
	Since          time.Time // at this instant or later
	Until          time.Time // before this instant
}

// storedPerson is the form of an EventPerson in the row of an event.
type storedPerson struct {
	Name  string `json:"name,omitempty"`
	Email string `json:"email,omitempty"`
}

// eventRows describes the row of an event.
var eventRows = typed.Describe[Event, eventFilter](
	"tenancy_events", "event",
	typed.ID("id", func(v *Event) *EventID { return &v.ID }),
	typed.Text("type", func(v *Event) *EventType { return &v.Type }),
	typed.ID("organization_id", func(v *Event) *OrganizationID { return &v.OrganizationID }).OrNull(),
	typed.ID("user_id", func(v *Event) *UserID { return &v.UserID }).OrNull(),
	typed.Text("subject", func(v *Event) *string { return &v.Subject }),
	actorField("actor", func(v *Event) *Actor { return &v.Actor }),
	typed.Instant("time", func(v *Event) *time.Time { return &v.Time }),
	typed.Document("data", func(v *Event) *json.RawMessage { return &v.Data }),
	typed.Document("previous", func(v *Event) *json.RawMessage { return &v.Previous }),
	typed.Flag("redacted", func(v *Event) *bool { return &v.Redacted }),
	typed.Text("through", func(v *Event) *string { return &v.Through }).OrNull(),
	typed.Object("person", func(v *Event) storedPerson { return storedPerson(v.Person) }, func(v *Event, p storedPerson) { v.Person = EventPerson(p) }),
).
	Index("id").
	Index("organization_id").
	Index("user_id").
	Where(func(c *typed.Conds, f eventFilter) {
		typed.OneID(c, "id", f.ID)
		typed.OneText(c, "type", f.Type)
		typed.NoneText(c, "type", f.NotType)
		typed.OneID(c, "organization_id", f.OrganizationID)
		typed.OneID(c, "user_id", f.UserID)
		typed.OneText(c, "subject", f.Subject)
		typed.OneOf(c, "actor", f.Actor, func(a Actor) store.Value { return store.Value{Text: actorText(a)} })
		typed.Since(c, "time", f.Since)
		typed.Before(c, "time", f.Until)
	})

// eventLog is the log that has the rows of events.
var eventLog = func() *store.Log {
	t := eventRows.Table
	return &store.Log{
		Table: *t, People: "tenancy_event_people", Floor: "tenancy_event_floor",
		Time: t.Index("time"), Person: t.Index("user_id"), Redacted: t.Index("redacted"), Blank: t.Places("data", "previous", "person"),
	}
}()

// logSpan selects events by position: at most Limit of those beyond After. An After of 0 means from the
// start, or from the end if Desc.
type logSpan struct {
	After Position
	Limit int
	Desc  bool
}

// eventTable is the log of events in a transaction, in the order of their commits (rule E1).
type eventTable struct{ tx *txn }

// Append adds an event. Read and Last see it only after the commit.
func (l eventTable) Append(ctx context.Context, e Event) error {
	people := make([][16]byte, len(e.People))
	for i, person := range e.People {
		people[i] = person
	}
	row := l.tx.blank(len(eventRows.Table.Columns))
	eventRows.Write(&e, row)
	return l.tx.border.Append(ctx, eventLog, row, people)
}

// Read returns up to span.Limit events that pass the filter, and the position from which to go on: see
// [store.Rows.Events].
func (l eventTable) Read(ctx context.Context, filter eventFilter, span logSpan) (list []Event, next Position, done bool, err error) {
	at, done, err := l.tx.border.Events(ctx, eventLog, eventRows.Conds(filter),
		store.LogSpan{After: int64(span.After), Limit: span.Limit, Desc: span.Desc},
		func(position int64, row store.Row) error {
			e := eventRows.Read(row)
			e.Position = Position(position)
			list = append(list, e)
			return nil
		})
	if err != nil {
		return nil, 0, false, err
	}
	return list, Position(at), done, nil
}

// Last returns the position of the newest committed event, 0 before the first.
func (l eventTable) Last(ctx context.Context) (Position, error) {
	last, err := l.tx.border.Last(ctx, eventLog)
	return Position(last), err
}

// Prune deletes up to limit of the oldest events from before a time.
func (l eventTable) Prune(ctx context.Context, before time.Time, limit int) (int, error) {
	return l.tx.border.Prune(ctx, eventLog, before.UnixMicro(), limit)
}

// Redact empties Data, Previous and Person of up to limit events after a position that list the person.
// next is the position from which to go on; 0: there are no more.
func (l eventTable) Redact(ctx context.Context, person UserID, after Position, limit int) (n int, next Position, err error) {
	n, at, err := l.tx.border.Redact(ctx, eventLog, person, int64(after), limit)
	return n, Position(at), err
}

// actorField stores an actor as one text, such as "user:usr_...", "service:import" or "host". A person can
// read the text, and a query can match it.
func actorField[V any](name string, at func(*V) *Actor) typed.Field[V] {
	return typed.Custom(store.Column{Name: name, Type: store.Text},
		func(v *V, x *store.Value) { x.Text = actorText(*at(v)) },
		func(v *V, x *store.Value) {
			kind, id, _ := strings.Cut(x.Text, ":")
			*at(v) = Actor{Kind: ActorKind(kind), ID: id}
		})
}

func actorText(a Actor) string {
	if a.ID == "" {
		return string(a.Kind)
	}
	return string(a.Kind) + ":" + a.ID
}

// when returns text if holds, and otherwise "". It is for derived columns.
func when(holds bool, text string) string {
	if holds {
		return text
	}
	return ""
}

func (t *txn) Events() eventTable { return eventTable{t} }
