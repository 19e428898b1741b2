package rules

import (
	"fmt"
	"slices"
	"time"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/tenancy"
)

func addressAttacks() []rule {
	return []rule{
		{"M5 attack: another account of a member who is inactive", atDoor(inactiveOtherAccount)},
		{"M6 attack: an address that was moved away before or after a removal", atDoor(removalMovedAddress)},
		{"M5 M6 attack: what is remembered of a person, pushed out by their own addresses", on(addressesPushedOut)},
		{"M6 attack: a removal hidden among accounts of the same mailbox", on(removalHidden).in(servicetest.Memory)},
		{"M6 what an organization remembers of addresses", on(addressesRemembered)},
		{"M6 U6 U7 addresses of people who are merged, deleted or erased", atDoor(addressesEnd)},
		{"M6 U5 attack: who was removed with an unproved address proves it", atDoor(provedAfter)},
	}
}

// addresses are those that an organization remembers of a person, in order.
func (w *world) addresses(org tenancy.Organization, user tenancy.User) (list []string) {
	w.T.Helper()
	for _, a := range w.Dump().MemberAddresses {
		if a.OrganizationID == org.ID && a.UserID == user.ID {
			list = append(list, a.Address)
		}
	}
	slices.Sort(list)
	return list
}

// outside checks that an account is kept out of acme by every way that asks nobody there.
func (d *door) outside(code tenancy.Code, email string) {
	d.T.Helper()
	d.joining(tenancy.JoiningAuto, "")
	d.admitting()
	got := d.enters(servicetest.ByMail(email))
	d.NotNil(got.JoinRefused)
	d.Equal(code, got.JoinRefused.Code)
	d.Empty(got.Suggested)
	d.halts(tenancy.DecisionNotMember, code, servicetest.To(d.acme, servicetest.ByMail(email)))
	d.halts(tenancy.DecisionNotMember, code, servicetest.To(d.acme, servicetest.Through(d.okta, email, email)))
	d.refuses(code, "", d.using(d.Code(d.acme), got.User))
	d.refuses(code, "", d.asks(d.acme, got.User))
	d.False(d.isMember(d.acme, got.User))
}

func inactiveOtherAccount(d *door) {
	bob := d.User("bob")
	d.Add(d.acme, bob)
	other := d.NewUser(tenancy.NewUser{Email: "bob+0@acme.example", EmailVerified: true})
	req, err := d.Svc.JoinRequests.Create(d.Ctx, d.acme.ID, other.ID, "")
	d.NoError(err)
	before := d.Invite(d.acme, "bob+2@acme.example")
	d.Clock.Advance(time.Hour)
	d.Deactivate(d.acme, bob)
	d.outside(tenancy.ErrMembershipInactive, "bob+1@acme.example")
	d.refuses(tenancy.ErrMembershipInactive, "", func() error { _, err := d.Svc.JoinRequests.Approve(d.Ctx, req.ID); return err })
	d.Empty(d.removed(d.acme)) // he was not
	second := d.NewUser(tenancy.NewUser{Email: "bob+2@acme.example", EmailVerified: true})
	d.refuses(tenancy.ErrMembershipInactive, "", d.accepting(before, second))
	// A word about that account since lets it in, and no other.
	d.Clock.Advance(time.Hour)
	d.NoError(d.accepting(d.resent(before), second)())
	d.remove(d.acme, second)
	d.NoError(d.Svc.Memberships.Readmit(d.Ctx, d.acme.ID, second.ID))
	d.Deactivate(d.acme, d.reactivated(d.acme, bob))
	d.outside(tenancy.ErrMembershipInactive, "bob+3@acme.example")
	// To be back is to be back.
	d.reactivated(d.acme, bob)
	d.NoError(d.using(d.Code(d.acme), d.NewUser(tenancy.NewUser{Email: "bob+4@acme.example", EmailVerified: true}))())
}

// reactivated is a member who was inactive.
func (w *world) reactivated(org tenancy.Organization, user tenancy.User) tenancy.User {
	w.T.Helper()
	_, err := w.Svc.Memberships.Reactivate(w.Ctx, org.ID, user.ID)
	w.NoError(err)
	return user
}

// resent is an invitation that was sent once more.
func (w *world) resent(sent tenancy.SentInvitation) tenancy.SentInvitation {
	w.T.Helper()
	again, err := w.Svc.Invitations.Resend(w.Ctx, sent.ID)
	w.NoError(err)
	return again
}

func removalMovedAddress(d *door) {
	for name, end := range map[string]struct {
		code tenancy.Code
		end  func(tenancy.User)
	}{
		"removed":  {tenancy.ErrMembershipRemoved, func(u tenancy.User) { d.remove(d.acme, u) }},
		"inactive": {tenancy.ErrMembershipInactive, func(u tenancy.User) { d.Deactivate(d.acme, u) }},
		"back and inactive again": {tenancy.ErrMembershipInactive, func(u tenancy.User) {
			d.Deactivate(d.acme, u)
			d.Deactivate(d.acme, d.reactivated(d.acme, u))
		}},
		"back and removed again": {tenancy.ErrMembershipRemoved, func(u tenancy.User) {
			d.remove(d.acme, u)
			d.Add(d.acme, u)
			d.remove(d.acme, u)
		}},
		"unproved and removed": {tenancy.ErrMembershipRemoved, func(u tenancy.User) {
			_, err := d.Svc.Users.Update(d.Ctx, u.ID, tenancy.UserUpdate{EmailVerified: servicetest.Ptr(false)})
			d.NoError(err)
			d.remove(d.acme, u)
		}},
	} {
		name = name[:4] + fmt.Sprint(len(name))
		bob := d.User(name)
		d.Add(d.acme, bob)
		d.changesEmail(bob, name+"-two@acme.example") // moves away first
		end.end(bob)
		d.changesEmail(bob, name+"-three@acme.example") // and once more, after
		for _, email := range []string{name, name + "+again", name + "-two", name + "-two+again", name + "-three+again"} {
			d.outside(end.code, email+"@acme.example")
		}
		d.NoError(d.using(d.Code(d.acme), d.User(name+"-four"))())
	}
}

// addressesPushedOut: ten addresses are kept. Who is kept out adds none beyond, and a member who
// moves on loses the oldest.
func addressesPushedOut(w *world) {
	acme, bob := w.Org("Acme"), w.User("bob")
	code := w.Code(acme)
	w.Add(acme, bob)
	w.Deactivate(acme, bob)
	for i := range 12 {
		w.Clock.Advance(time.Hour)
		bob = w.changesEmail(bob, fmt.Sprintf("bob%d@acme.example", i))
	}
	w.Len(w.addresses(acme, bob), 10)
	w.refuses(tenancy.ErrMembershipInactive, "", w.using(code, w.User("bob")))
	w.reactivated(acme, bob)
	for i := range 3 {
		w.Clock.Advance(time.Hour)
		bob = w.changesEmail(bob, fmt.Sprintf("rob%d@acme.example", i))
	}
	w.remove(acme, bob)
	w.Len(w.addresses(acme, bob), 10)
	for _, name := range []string{"rob0", "rob1", "rob2+"} {
		again := w.NewUser(tenancy.NewUser{Email: name + "@acme.example", EmailVerified: true})
		w.refuses(tenancy.ErrMembershipRemoved, "", w.using(code, again))
	}
}

func removalHidden(w *world) {
	acme, bob := w.Org("Acme"), w.User("bob")
	code := w.Code(acme)
	w.Add(acme, bob)
	var crowd []tenancy.User
	for i := range 200 {
		eve := w.NewUser(tenancy.NewUser{Email: fmt.Sprintf("bob+%d@acme.example", i), EmailVerified: true})
		w.NoError(w.using(code, eve)())
		crowd = append(crowd, eve)
	}
	for _, eve := range crowd { // at once: who comes in makes the others be forgotten who left
		w.NoError(w.asUser(eve).Memberships.Leave(w.Ctx, acme.ID, eve.ID))
	}
	w.remove(acme, bob)
	last := w.NewUser(tenancy.NewUser{Email: "bob+last@acme.example", EmailVerified: true})
	w.refuses(tenancy.ErrMembershipRemoved, "", w.using(code, last))
	w.NoError(w.accepting(w.Invite(acme, last.Email), last)())
}

func addressesRemembered(w *world) {
	acme, bob := w.Org("Acme"), w.User("bob")
	w.Add(acme, bob)
	w.Empty(w.addresses(acme, bob)) // of a member it is the one that they have
	bob = w.changesEmail(bob, "bob+tag@acme.example")
	w.Empty(w.addresses(acme, bob)) // the same mailbox
	bob = w.changesEmail(bob, "rob@acme.example")
	w.Equal([]string{"bob@acme.example", "rob@acme.example"}, w.addresses(acme, bob))
	again := w.User("bob") // who is somebody else by now
	code := w.Code(acme)
	w.NoError(w.using(code, again)())
	w.remove(acme, again)
	w.Equal([]string{"bob@acme.example"}, w.addresses(acme, again))
	w.remove(acme, bob)
	w.refuses(tenancy.ErrMembershipRemoved, "", w.using(code, again))
	w.NoError(w.Svc.Memberships.Readmit(w.Ctx, acme.ID, bob.ID))
	w.Empty(w.addresses(acme, bob))
	w.NoError(w.Svc.Memberships.Readmit(w.Ctx, acme.ID, again.ID))
	w.NoError(w.using(code, again)())
	// Of an account that nobody proved nothing is kept, until somebody does.
	liar := w.NewUser(tenancy.NewUser{Email: "liar@acme.example"})
	w.Add(acme, liar)
	w.Deactivate(acme, liar)
	w.Empty(w.addresses(acme, liar))
	_, err := w.Svc.Users.Update(w.Ctx, liar.ID, tenancy.UserUpdate{EmailVerified: servicetest.Ptr(true)})
	w.NoError(err)
	w.Equal([]string{"liar@acme.example"}, w.addresses(acme, liar))
	w.NoError(w.Svc.Organizations.Delete(w.Ctx, acme.ID))
	w.Empty(w.Dump().MemberAddresses)
}

func addressesEnd(d *door) {
	from, into, beta := d.User("from"), d.User("into"), d.beta
	d.Add(d.acme, from)
	d.changesEmail(from, "from-two@acme.example")
	d.Add(beta, from)
	d.remove(beta, from)
	d.Add(d.acme, into)
	d.remove(d.acme, into)
	_, err := d.merge(from, into)
	d.NoError(err)
	all := []string{"from-two@acme.example", "from@acme.example", "into@acme.example"}
	d.Equal(all, d.addresses(d.acme, into))
	d.Equal(all[:0:0], append(all[:0:0], d.addresses(d.acme, from)...))
	d.Equal([]string{"from-two@acme.example", "into@acme.example"}, d.addresses(beta, into))
	d.remove(d.acme, into)
	d.outside(tenancy.ErrMembershipRemoved, "from@acme.example")
	d.outside(tenancy.ErrMembershipRemoved, "from-two+again@acme.example")
	// A deleted user is remembered where they had been removed, and nowhere else.
	d.Add(beta, into)
	d.Deactivate(beta, into)
	d.NoError(d.Svc.Users.Delete(d.Ctx, into.ID))
	d.Equal(all, d.addresses(d.acme, into))
	d.Empty(d.addresses(beta, into))
	d.NoError(d.Svc.Users.Erase(d.Ctx, into.ID))
	d.Empty(d.Dump().MemberAddresses)
	d.Empty(d.removed(d.acme))
}

// provedAfter was added with an address that nobody had proved, and proves it when they are out.
func provedAfter(d *door) {
	for local, code := range map[string]tenancy.Code{"gone": tenancy.ErrMembershipRemoved, "off": tenancy.ErrMembershipInactive, "left": ""} {
		user := d.NewUser(tenancy.NewUser{Email: local + "@acme.example"})
		d.Add(d.acme, user)
		switch local {
		case "gone":
			d.remove(d.acme, user)
		case "off":
			d.Deactivate(d.acme, user)
		default:
			d.NoError(d.asUser(user).Memberships.Leave(d.Ctx, d.acme.ID, user.ID))
		}
		d.joining(tenancy.JoiningAuto, "")
		got := d.enters(servicetest.ByMail(user.Email))
		d.True(got.TookOver)
		if local == "left" { // they did not
			d.True(d.isMember(d.acme, user))
			d.Empty(d.addresses(d.acme, user))
			continue
		}
		d.Equal(local == "off", d.isMember(d.acme, user)) // an inactive one
		d.Equal([]string{user.Email}, d.addresses(d.acme, user))
		d.refuses(code, "", d.using(d.Code(d.acme), got.User))
		d.outside(code, local+"+1@acme.example") // the same person, by another account
	}
	// What was remembered of who had the account of a member before is not the new one's.
	held := d.User("held")
	d.Add(d.acme, held)
	_, err := d.Svc.Users.Update(d.Ctx, held.ID, tenancy.UserUpdate{EmailVerified: servicetest.Ptr(false)})
	d.NoError(err)
	d.NotEmpty(d.addresses(d.acme, held))
	d.True(d.enters(servicetest.ByMail(held.Email)).TookOver)
	d.Empty(d.addresses(d.acme, held))
}
