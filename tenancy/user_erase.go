package tenancy

import (
	"context"
	"errors"
	"math"
	"slices"

	"github.com/freehold-dev/freehold/store/typed"
)

// Erase deletes a user as Delete does, and also erases the personal data in events and invitations (rule U7).
// That includes the data of users who were merged into this one. Erase also works on a user who was deleted
// before. Where nothing is left to erase, it changes nothing.
//
// Events about the person stay, with Data, Previous and Person emptied. Invitations to the person's addresses
// stay, without the address and the metadata; pending and expired ones are revoked, because they cannot be sent
// again. The person's addresses are the present one, and those that events show as proved by them, except an
// address that another user has by now. An invitation to somebody else that the person accepted stays,
// without the person and its metadata. An invitation to the person that another user accepted still names that
// user.
//
// Erase is one transaction, with two exceptions (rule G18). It removes what strangers may have made in large
// numbers first, as Delete does. And if more than 200 events are about the person, it empties the others
// afterwards, up to 200 in a transaction; if the call fails after the first transaction, call it again. In a
// transaction of the caller's, everything is in that transaction.
//
// Errors: as for Delete; [ErrNotFound] where there is neither a user nor an event.
func (g Users) Erase(ctx context.Context, id UserID) error {
	known, err := g.shed(ctx, usersErase, id, true)
	if err != nil {
		return err
	}
	e := &erasure{id: id, known: known}
	for {
		err := g.erase(ctx, e, (*erasure).whole)
		switch {
		case errors.Is(err, errCrowded):
			for e.more = true; e.more; {
				if err := g.erase(ctx, e, (*erasure).makeRoom); err != nil {
					return err
				}
			}
			continue
		case err != nil:
			return err
		}
		for e.more {
			if err := g.erase(ctx, e, (*erasure).rest); err != nil {
				return err
			}
		}
		return nil
	}
}

// erase runs a part of an erasure in a transaction.
func (g Users) erase(ctx context.Context, e *erasure, part func(e *erasure, ctx context.Context) error) error {
	var after erasure
	err := exec(ctx, g.s, usersErase, e.id.String(), func(ctx context.Context, c *call) error {
		after = *e
		after.c, after.left = c, sweepLimit
		if g.s.txn != nil {
			after.left = math.MaxInt
		}
		if err := c.lock(ctx, lockUser(e.id)); err != nil {
			return err
		}
		if err := c.access().authorize(ctx, scope{}); err != nil {
			return err
		}
		return part(&after, ctx)
	})
	switch {
	case err == nil:
		*e = after
	case errors.Is(err, errCrowded): // so nothing is emptied yet
		e.addresses = after.addresses
	}
	return err
}

// errCrowded rolls an erasure back because too many events contain an address of the person. These events must
// be emptied first: the rows that show whose address it is are deleted with the person.
var errCrowded = errors.New("too many events tell of an address")

// erasure is the state of one Erase.
type erasure struct {
	c         *call
	id        UserID
	known     siege // what a snapshot showed before
	left      int   // how many more events the transaction may empty
	emptied   int   // how many events were emptied
	missing   error // the error if the user does not exist
	addresses []string
	person    UserID   // events about this person, or with their address, are left
	after     Position // events after this position may not be emptied yet
	more      bool     // another transaction must go on
	isTold    bool
}

// whole does the whole erasure. If more events are about the person than one transaction may empty, more is
// set.
func (e *erasure) whole(ctx context.Context) error {
	us := e.c.users()
	user, err := e.c.tx.Users().Get(ctx, e.id)
	if err == nil {
		err = us.deleteUser(ctx, e.id)
	}
	if err != nil && CodeOf(err) != ErrNotFound {
		return err
	}
	e.missing = err
	people, err := us.wereMerged(ctx, e.id)
	if err != nil {
		return err
	}
	people = append(people, e.id)
	if e.addresses, err = us.addressesOf(ctx, e.known, user.EmailKey, people...); err != nil {
		return err
	}
	if err := e.c.invitations().forget(ctx, e.addresses, people...); err != nil {
		return err
	}
	for _, key := range e.addresses {
		if done, err := e.empty(ctx, addressee(key)); err != nil {
			return err
		} else if !done {
			return errCrowded
		}
	}
	return e.rest(ctx)
}

// makeRoom empties events with the addresses of a person who is not erased yet.
func (e *erasure) makeRoom(ctx context.Context) error {
	if err := e.c.users().mayShed(ctx, e.id); err != nil {
		return err
	}
	mine, err := e.c.users().ofTheseMine(ctx, e.id, e.addresses)
	if err != nil {
		return err
	}
	for _, key := range mine {
		if done, err := e.empty(ctx, addressee(key)); err != nil || !done {
			return err
		}
	}
	e.more = false
	return nil
}

// rest empties the remaining events about the person and about the users who were merged into them. It deletes
// the rows of merged users one by one: as long as these exist, a call that failed can go on.
func (e *erasure) rest(ctx context.Context) error {
	merged, err := e.c.users().wereMerged(ctx, e.id)
	if err != nil {
		return err
	}
	for _, person := range append(merged, e.id) {
		done, err := e.empty(ctx, person)
		if err != nil {
			return err
		}
		if e.more = !done; e.more {
			return e.told(ctx)
		}
		if person == e.id {
			break
		}
		if _, err := e.c.tx.Sessions().DeleteAll(ctx, sessionFilter{UserID: typed.Of(person)}); err != nil {
			return err
		}
		if _, err := e.c.tx.Secrets().DeleteAll(ctx, secretFilter{UserID: typed.Of(person)}); err != nil {
			return err
		}
		if err := e.c.tx.Users().Delete(ctx, person); err != nil {
			return err
		}
	}
	if e.emptied == 0 {
		return e.c.users().knownOnce(ctx, e.id, e.missing)
	}
	return e.told(ctx)
}

// told writes the event about the erasure, once, together with the first event that is emptied. A later call
// may find nothing left to do, and would write none.
func (e *erasure) told(ctx context.Context) error {
	if e.emptied == 0 || e.isTold {
		return nil
	}
	e.isTold = true
	return e.c.record(ctx, newEvent{kind: EventUserErased, user: e.id, subject: e.id.String(), redacted: true})
}

// empty empties events about a person, as many as the transaction may, and reports whether none is left.
func (e *erasure) empty(ctx context.Context, person UserID) (done bool, err error) {
	if e.person != person {
		e.person, e.after = person, 0
	}
	for page := 0; e.left > 0 && page < mostPages; page++ { // some may be empty already, from a call that failed
		n, next, err := e.c.tx.Events().Redact(ctx, person, e.after, e.left)
		if err != nil {
			return false, err
		}
		e.emptied, e.left, e.after = e.emptied+n, e.left-n, max(next, e.after)
		if next == 0 {
			return true, nil
		}
	}
	return false, nil
}

// mostPages is how often one transaction looks for events that are not emptied yet.
const mostPages = 50

// wereMerged returns the users who were merged into a user.
func (us userRules) wereMerged(ctx context.Context, id UserID) (people []UserID, err error) {
	err = walk(ctx, us.c.tx.Users(), userFilter{MergedInto: typed.Of(id)}, func(u User) error {
		people = append(people, u.ID)
		return nil
	})
	return people, err
}

// mine reports whether no other user has an address.
func (us userRules) mine(ctx context.Context, key string, people ...UserID) (bool, error) {
	holder, err := us.c.invitations().userAt(ctx, key)
	return err == nil && (holder.ID.IsZero() || slices.Contains(people, holder.ID)), err
}

// knownOnce returns missing if there is no event about the user either.
func (us userRules) knownOnce(ctx context.Context, id UserID, missing error) error {
	if missing == nil {
		return nil
	}
	span := logSpan{Limit: 1, Desc: true}
	for {
		events, next, done, err := us.c.tx.Events().Read(ctx, eventFilter{UserID: typed.Of(id)}, span)
		switch {
		case err != nil:
			return err
		case len(events) > 0:
			return nil
		case done:
			return missing
		}
		span.After = next
	}
}
