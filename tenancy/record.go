package tenancy

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"

	"github.com/freehold-dev/freehold/internal/access"
)

// newEvent is the part of an event that its caller sets; record adds the rest.
type newEvent struct {
	kind         EventType
	organization OrganizationID
	user         UserID
	subject      string
	data         any // nil: none
	previous     json.RawMessage
	people       []UserID
	person       EventPerson // of user, if the caller has it; zero: record reads it
	called       string      // the user's name in the organization; "" = their own
	redacted     bool        // the event says nothing about the person, and never did
	through      string      // the session that it was done by, if that is not the call's
}

// throughOf returns the session by which something was done, if the event's organization may see it: a session
// in another organization is not shown (rule G7).
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

// personOf returns the current name and address of the person that an event concerns (rule G12).
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
		if key == (cacheKey{}) { // the declarations
			c.declared.changed, c.declarations = true, nil
		}
		return c.changed(ctx, key, e.ID)
	}
	return nil
}

// changed notes a key for the cache. The key is published after the transaction; in a transaction of the host's
// own it is marked at once.
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

// previous returns the old values of the fields that differ between two states of an object, or nil where none
// differs. It ignores version and update time. It compares the JSON that events show. Hosts read that JSON for
// years, so its names and its omissions are a public format. What is stored does not depend on it: see
// unchanged.
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
