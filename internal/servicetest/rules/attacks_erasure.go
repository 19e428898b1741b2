package rules

import (
	"context"
	"errors"
	"fmt"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/tenancy"
)

// erasureAttacks are about people of whom so much is kept that to take it all at once would make
// others wait.
func erasureAttacks() []rule {
	return []rule{
		{"G18 U7 a person of whom many events tell is erased, and others wait", on(muchTold)},
		{"G18 U7 an erasure that was broken off goes on", on(brokenErasure)},
		{"G18 U7 an erasure that is broken off again and again comes to its end", on(brokenAgain)},
		{"G18 U7 a person of whose address nearly too many events tell is erased", on(nearlyTooMany)},
		{"G18 U7 in a transaction of the caller's a person is erased whole", on(erasedWhole)},
		{"G18 U7 who may not go keeps what events tell", on(erasedNot)},
		{"G18 U7 attack: sessions that are over, and to delete their user others wait", on(manySessions)},
	}
}

// told is how many events tell of somebody below: more than two transactions of a step empty.
func told() int { return servicetest.Soak(1_000, 450) }

// tellOf makes events about a user.
func (w *world) tellOf(user tenancy.User, n int) {
	w.T.Helper()
	w.NoError(w.Svc.Import(w.Ctx, func(ctx context.Context, tx *tenancy.Service) error {
		for i := range n {
			if _, err := tx.Users.Update(ctx, user.ID, tenancy.UserUpdate{GivenName: servicetest.Ptr(fmt.Sprint("Name ", i))}); err != nil {
				return err
			}
		}
		return nil
	}))
}

// muchOf is a user of whom events tell much, as they do of one who was merged into them, and of an
// address that they had.
func (w *world) muchOf(name string) (user, merged tenancy.User) {
	w.T.Helper()
	user, merged = w.User(name), w.User(name+"-before")
	w.tellOf(user, told())
	w.tellOf(merged, told())
	for i := range told() / 4 {
		sent := w.Invite(w.Org(fmt.Sprintf("Stranger %d of %s", i, name)), merged.Email)
		_, err := w.Svc.Invitations.Revoke(w.Ctx, sent.ID)
		w.NoError(err)
	}
	into, err := w.merge(merged, user)
	w.NoError(err)
	return into.User, merged
}

// forgotten checks that nothing is told of people any more.
func (w *world) forgotten(people ...tenancy.User) {
	w.T.Helper()
	d := w.Dump()
	for _, person := range people {
		for _, e := range d.Events {
			if e.UserID == person.ID {
				w.True(e.Redacted, e.Type)
			}
			w.NotContains(string(e.Data), person.Email)
			w.NotContains(string(e.Previous), person.Email)
			w.NotEqual(person.Email, e.Person.Email)
		}
		for _, user := range d.Users {
			w.NotEqual(person.ID, user.ID)
		}
		for _, inv := range d.Invitations {
			w.NotEqual(person.EmailKey, inv.EmailKey)
		}
	}
	w.consistent()
}

func muchTold(w *world) {
	ada, before := w.muchOf("ada")
	w.bounded(func(svc *tenancy.Service) error { return svc.Users.Erase(w.Ctx, ada.ID) })
	w.forgotten(ada, before)
	w.emits(func() error { return w.Svc.Users.Erase(w.Ctx, ada.ID) }) // nothing is left
}

// broken is a Service of which every commit after the first n fails.
func (w *world) broken(n int) (svc *tenancy.Service, breaks error) {
	w.T.Helper()
	breaks = errors.New("the power goes")
	commits := 0
	faulty := &servicetest.FaultStore{Inner: w.Store, Statement: servicetest.Fine, Begin: func() {}, Commit: func() error {
		if commits++; commits > n {
			return breaks
		}
		return nil
	}}
	return w.Another(func(c *tenancy.Config) { c.Store = faulty }), breaks
}

func brokenErasure(w *world) {
	ada, before := w.muchOf("ada")
	for n := 1; ; n++ {
		svc, breaks := w.broken(n)
		err := svc.Users.Erase(w.Ctx, ada.ID)
		if err == nil {
			w.Greater(n, 2)
			break
		}
		w.ErrorIs(err, breaks)
	}
	w.forgotten(ada, before)
	w.erasedOnce(ada)
}

// erasedOnce checks that the log tells of an erasure.
func (w *world) erasedOnce(user tenancy.User) {
	w.T.Helper()
	told := 0
	for _, e := range w.Dump().Events {
		if e.Type == tenancy.EventUserErased && e.UserID == user.ID {
			told++
		}
	}
	w.Positive(told)
}

func brokenAgain(w *world) {
	ada := w.User("ada")
	w.tellOf(ada, told())
	for n := 0; ; n++ {
		svc, breaks := w.broken(2)
		err := svc.Users.Erase(w.Ctx, ada.ID)
		if err == nil {
			break
		}
		w.ErrorIs(err, breaks)
		w.Less(n, told())
	}
	w.forgotten(ada)
	w.erasedOnce(ada)
}

// nearlyTooMany: what ends with the person makes more events, in the same transaction.
func nearlyTooMany(w *world) {
	for _, more := range []int{60, 90, 110, 130, 150} {
		user := w.User(fmt.Sprint("user", more))
		var sent tenancy.SentInvitation
		for i := range 38 {
			sent = w.Invite(w.Org(fmt.Sprintf("Stranger %d of %d", i, more)), user.Email)
		}
		for range more {
			sent = w.resent(sent)
		}
		w.NoError(w.Svc.Users.Erase(w.Ctx, user.ID))
		w.forgotten(user)
	}
}

func erasedWhole(w *world) {
	ada, before := w.muchOf("ada")
	w.NoError(w.inOne(func(ctx context.Context, tx *tenancy.Service) error { return tx.Users.Erase(ctx, ada.ID) })())
	w.forgotten(ada, before)
}

func erasedNot(w *world) {
	ada := w.User("ada")
	w.Owned("Acme", ada)
	sent := w.Invite(w.Org("Stranger"), ada.Email)
	for range 210 { // few invitations, of which much is told
		sent = w.resent(sent)
	}
	w.refuses(tenancy.ErrLastOwner, "", func() error { return w.Svc.Users.Erase(w.Ctx, ada.ID) })
}

func manySessions(w *world) {
	into, merged := w.User("into"), w.User("merged")
	_, err := w.merge(merged, into)
	w.NoError(err)
	w.ranOut(tenancy.Member{Membership: tenancy.Membership{UserID: merged.ID}}, 250)
	w.refuses(tenancy.ErrMerged, "", func() error { return w.Svc.Users.Delete(w.Ctx, merged.ID) })
	w.NoError(w.Svc.Users.Erase(w.Ctx, into.ID))
	for name, end := range map[string]func(svc *tenancy.Service, user tenancy.User) error{
		"delete": func(svc *tenancy.Service, user tenancy.User) error { return svc.Users.Delete(w.Ctx, user.ID) },
		"erase":  func(svc *tenancy.Service, user tenancy.User) error { return svc.Users.Erase(w.Ctx, user.ID) },
	} {
		user := w.User(name)
		acme := w.Org("Acme " + name)
		w.Add(acme, user)
		w.ranOut(w.Member(acme, user), servicetest.Soak(5_000, 700))
		sole := w.Owned("Sole of "+name, user)
		w.refuses(tenancy.ErrLastOwner, "", func() error { return end(w.Svc, user) })
		w.NoError(w.Svc.Organizations.Delete(w.Ctx, sole.ID))
		w.bounded(func(svc *tenancy.Service) error { return end(svc, user) })
		w.Empty(w.Dump().Sessions)
	}
	w.consistent()
}
