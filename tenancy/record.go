package tenancy

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"

	"github.com/freehold-dev/freehold/internal/access"
)

// newEvent is an event before the transaction gives it what all events have.
type newEvent struct {
	kind         EventType
	organization OrganizationID
	user         UserID
	subject      string
	data         any // nil: none
	previous     json.RawMessage
	people       []UserID
	person       EventPerson // of user, if known; zero: read it
	called       string      // the name of user there; "" = their own
	redacted     bool        // it tells nothing about the person, and never did
	through      string      // by which session, if that is not the call's
}

// throughOf is by which session something was done, as the organization where it was may know: a
// session elsewhere is not told there (rule G7).
func (c *call) throughOf(n newEvent) string {
	elsewhere := !c.client.IsZero() || !c.throughAt.IsZero() && c.throughAt != n.organization
	switch {
	case n.through != "":
		return n.through
	case elsewhere && !n.organization.IsZero():
		return ""
	}
	return c.through
}

// personOf is what the person whom an event concerns is called now (rule G12).
func (c *call) personOf(ctx context.Context, n newEvent) (EventPerson, error) {
	if n.user.IsZero() || n.redacted {
		return EventPerson{}, nil
	}
	p := n.person
	if p == (EventPerson{}) {
		user, err := c.tx.Users().Get(ctx, n.user)
		if err != nil && CodeOf(err) != ErrNotFound {
			return EventPerson{}, err
		}
		p = user.person()
	}
	p.Name = cmp.Or(n.called, p.Name)
	return p, nil
}

func (u User) person() EventPerson { return EventPerson{u.Name(), u.Email} }

// record writes an event in the transaction that made the change (rule G8).
func (c *call) record(ctx context.Context, n newEvent) error {
	e := Event{
		ID: c.instance.config.NewID(), Type: n.kind, OrganizationID: n.organization, UserID: n.user, Subject: n.subject,
		Actor: c.actor, Through: c.throughOf(n), Time: c.now, Previous: n.previous, People: n.people, Redacted: n.redacted,
	}
	var err error
	if e.Data, err = marshal(n.data); err != nil {
		return err
	}
	if e.Person, err = c.personOf(ctx, n); err != nil {
		return err
	}
	if err := c.tx.Events().Append(ctx, e); err != nil {
		return err
	}
	if key, alters := keyOf(e.Type, e.OrganizationID, e.UserID); alters {
		if key == (cacheKey{}) { // what is declared
			c.declared.changed, c.declarations = true, nil
		}
		return c.changed(ctx, key, e.ID)
	}
	return nil
}

// changed notes a key for the cache: to be published once the transaction is over,
// or, in a host's, to be marked now.
func (c *call) changed(ctx context.Context, key cacheKey, event EventID) error {
	if c.changes.host == nil {
		c.changes.keys = append(c.changes.keys, key)
		return nil
	}
	last, err := c.tx.Events().Last(ctx)
	if err != nil {
		return err
	}
	c.changes.host.Mark(access.Mark{Key: key, Change: event, After: int64(last), By: c.changes})
	return nil
}

func marshal(v any) (json.RawMessage, error) {
	if v == nil {
		return nil, nil
	}
	return json.Marshal(v)
}

// previous gives the old values of the fields that differ between two states of a
// thing, or nil where none does. Stamps do not count. It compares what events show: the
// data of an event is JSON that hosts read for years, so its names and what it leaves out
// are a public format. What is stored does not depend on it: see unchanged.
func previous(before, after any) (json.RawMessage, error) {
	old, err := fields(before)
	if err != nil {
		return nil, err
	}
	now, err := fields(after)
	if err != nil {
		return nil, err
	}
	for name, value := range old {
		if bytes.Equal(value, now[name]) {
			delete(old, name)
		}
		delete(now, name)
	}
	for name := range now {
		old[name] = json.RawMessage("null")
	}
	delete(old, "version")
	delete(old, "updated_at")
	if len(old) == 0 {
		return nil, nil
	}
	return json.Marshal(old)
}

func fields(v any) (map[string]json.RawMessage, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	var m map[string]json.RawMessage
	if err := json.Unmarshal(text, &m); err != nil {
		return nil, err
	}
	return m, nil
}
