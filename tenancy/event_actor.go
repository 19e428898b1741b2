package tenancy

import (
	"cmp"
	"context"

	"github.com/freehold-dev/freehold/store/typed"
)

// nameActors fills in the ActorPerson of the events on a page. It costs two statements, and one more for
// each actor who is not a member any more. It gives no name that the organization's log does not show to
// its readers anyway.
func (c *call) nameActors(ctx context.Context, events []Event, in OrganizationID) error {
	actors := map[UserID]EventPerson{}
	var ids []UserID // in the order of the page, so that the same page always names the same people
	for i := range events {
		id, ok := events[i].Actor.user()
		if _, known := actors[id]; ok && !known {
			actors[id], ids = EventPerson{}, append(ids, id)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	there, err := c.namesThere(ctx, ids, in)
	if err != nil {
		return err
	}
	users, err := c.tx.Users().List(ctx, userFilter{ID: typed.Of(ids...)}, listSpan{Limit: len(ids)})
	if err != nil {
		return err
	}
	for i := range users {
		u := &users[i]
		name, member := there[u.ID]
		if in.IsZero() || member {
			actors[u.ID] = EventPerson{Name: cmp.Or(name, u.Name()), Email: u.Email}
		}
	}
	if err := c.nameAway(ctx, actors, ids, there, in); err != nil {
		return err
	}
	for i := range events {
		if id, ok := events[i].Actor.user(); ok {
			events[i].ActorPerson = actors[id]
		}
	}
	return nil
}

// awayNamed is how many people who are not members a page of events names.
const awayNamed = 50

// nameAway names actors who are not members of the organization, with one statement each.
func (c *call) nameAway(ctx context.Context, actors map[UserID]EventPerson, ids []UserID, there map[UserID]string, in OrganizationID) (err error) {
	left := awayNamed
	for _, id := range ids {
		if _, member := there[id]; member || in.IsZero() || left == 0 {
			continue
		}
		left--
		if actors[id], err = c.lastCalled(ctx, id, in); err != nil {
			return err
		}
	}
	return nil
}

// namesThere returns the names that people have as members of an organization; "" = the user's own name.
func (c *call) namesThere(ctx context.Context, ids []UserID, in OrganizationID) (map[UserID]string, error) {
	names := map[UserID]string{}
	if in.IsZero() {
		return names, nil
	}
	filter := membershipFilter{OrganizationID: typed.Of(in), UserID: typed.Of(ids...)}
	members, err := c.tx.Memberships().List(ctx, filter, listSpan{Limit: len(ids)})
	for i := range members {
		if members[i].Status != MembershipPending {
			names[members[i].UserID] = members[i].DisplayName
		}
	}
	return names, err
}

// lastCalled returns what the last event of an organization about a person calls them. The organization may
// know no more of a person who is not a member: their name of today does not concern it.
func (c *call) lastCalled(ctx context.Context, id UserID, in OrganizationID) (EventPerson, error) {
	filter := eventFilter{OrganizationID: typed.Of(in), UserID: typed.Of(id)}
	last, _, _, err := c.tx.Events().Read(ctx, filter, logSpan{Limit: 1, Desc: true})
	if err != nil || len(last) == 0 {
		return EventPerson{}, err
	}
	return last[0].Person, nil
}

// user returns the actor's user id; false if the actor is not a person.
func (a Actor) user() (UserID, bool) {
	if a.Kind != ActorUser {
		return UserID{}, false
	}
	id, err := ParseID[User](a.ID)
	return id, err == nil
}
