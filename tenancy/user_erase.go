package tenancy

import (
	"context"
	"errors"
	"math"
	"slices"

	"github.com/freehold-dev/freehold/store/typed"
)

// Erase is Delete, and also takes what events hold about the person, and about those
// who were merged into them (rule U7): the events stay, with Data, Previous and Person
// emptied, and so do the invitations to their addresses, without those and their
// metadata: what still stands of them is revoked, and so is what ran out, for it cannot
// be sent again. Their addresses are the one they have and those that events show as
// proved by them, but for one that is somebody else's by now. An invitation to somebody
// else that they accepted stays, without them and its metadata, and one to them that somebody
// else accepted still names who did. It works on a user
// deleted before, too; where there is nothing left to erase it changes nothing.
//
// It is one transaction. What strangers made of rows about the person goes before, as in Delete; and where
// over 200 events tell of the person, those beyond that are emptied after, up to 200 in a transaction (rule
// G18): if the call fails after the first, call it again. In a transaction of the caller's all is one.
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
	case errors.Is(err, errCrowded): // and so nothing is empty yet
		e.addresses = after.addresses
	}
	return err
}

// errCrowded undoes an erasure in which so many events tell of an address that those have to go before:
// what shows whose it is goes with the person.
var errCrowded = errors.New("too many events tell of an address")

// erasure is one Erase on its way.
type erasure struct {
	c         *call
	id        UserID
	known     siege // what there was before, in a snapshot
	left      int   // how many events the transaction may empty yet
	emptied   int   // how many have been
	missing   error // that there is no such user
	addresses []string
	person    UserID   // of whom, or of whose address, not all events are empty
	after     Position // and those behind this one may not be
	more      bool     // another transaction has to go on
	isTold    bool
}

// whole is all of an erasure; where more events tell of the person than one transaction empties
// there is more to do.
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

// makeRoom empties events that tell of the addresses of somebody who is not erased yet.
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

// rest empties what events tell of the person, and of those who were merged into them, who are
// forgotten one by one: as long as they are there a call that failed can go on.
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

// told tells of the erasure, once, with the first that is emptied: what fails after that may have
// nothing left to do the next time.
func (e *erasure) told(ctx context.Context) error {
	if e.emptied == 0 || e.isTold {
		return nil
	}
	e.isTold = true
	return e.c.record(ctx, newEvent{kind: EventUserErased, user: e.id, subject: e.id.String(), redacted: true})
}

// empty empties events that tell of somebody, as many as the transaction may, and reports whether
// that is all of them.
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

// mostPages is how often one transaction looks for events that are not empty yet.
const mostPages = 50

// wereMerged are those who were merged into a user.
func (us userRules) wereMerged(ctx context.Context, id UserID) (people []UserID, err error) {
	err = walk(ctx, us.c.tx.Users(), userFilter{MergedInto: typed.Of(id)}, func(u User) error {
		people = append(people, u.ID)
		return nil
	})
	return people, err
}

// mine reports whether an address is nobody's but these people's.
func (us userRules) mine(ctx context.Context, key string, people ...UserID) (bool, error) {
	holder, err := us.c.invitations().userAt(ctx, key)
	return err == nil && (holder.ID.IsZero() || slices.Contains(people, holder.ID)), err
}

// knownOnce gives missing back if no event tells of the user either.
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
