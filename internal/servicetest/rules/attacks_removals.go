package rules

import (
	"fmt"
	"time"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

func removalAttacks() []rule {
	return []rule{
		{"M6 attack: a removal undone by a way that asks nobody", atDoor(removalUndone)},
		{"M6 attack: a removal undone by another account of the same person", atDoor(removalOtherAccount)},
		{"M6 attack: a removal undone by an invitation to somebody else, or from before", atDoor(removalInvited)},
		{"M6 attack: a stranger is removed under a victim's address", atDoor(removalOfSquatter)},
		{"M6 attack: removals pushed out by accounts that come and go", on(removalsFull)},
		{"M16 attack: a join request from before the removal", on(removalRequest)},
		{"M16 who comes in waits no more", on(requestSettled)},
		{"M5 M6 who left may ask, and is not fetched back", atDoor(leftAndBack)},
		{"M6 what ends a removal", on(removalEnds)},
		{"M6 U6 removals of people who are merged", on(removalMerged)},
		{"M6 U7 removals of people who are erased", on(removalErased)},
		{"M6 what makes no removal", on(removalNone)},
	}
}

// removed are the people whose removal an organization remembers.
func (w *world) removed(org tenancy.Organization) []tenancy.UserID {
	w.T.Helper()
	var people []tenancy.UserID
	for r, err := range w.Svc.Memberships.AllRemoved(w.Ctx, org.ID, tenancy.RemovalQuery{Limit: 2}) {
		w.NoError(err)
		people = append(people, r.UserID)
	}
	return people
}

func (w *world) remove(org tenancy.Organization, user tenancy.User) {
	w.T.Helper()
	w.NoError(w.Svc.Memberships.Remove(w.Ctx, org.ID, user.ID))
}

// asks is a request to join.
func (w *world) asks(org tenancy.Organization, user tenancy.User) func() error {
	return func() error {
		_, err := w.asUser(user).JoinRequests.Create(w.Ctx, org.ID, user.ID, "")
		return err
	}
}

func removalUndone(d *door) {
	d.admitting()
	d.joining(tenancy.JoiningAuto, "")
	code := d.Code(d.acme)
	byDomain, through := servicetest.ByMail("bob@acme.example"), servicetest.Through(d.okta, "s-1", "bob@acme.example")
	bob := d.enters(byDomain).User
	boss := d.asUser(d.owner)
	d.NoError(boss.Memberships.Remove(d.Ctx, d.acme.ID, bob.ID))
	page, err := boss.Memberships.Removed(d.Ctx, d.acme.ID, tenancy.RemovalQuery{})
	d.NoError(err)
	d.Len(page.Items, 1)
	d.Equal(tenancy.Removal{
		ID: page.Items[0].ID, Version: 1, OrganizationID: d.acme.ID, UserID: bob.ID, Name: bob.Name(), Email: bob.Email,
		RemoverID: d.owner.ID, RemovedAt: d.Clock.At,
	}, page.Items[0])
	outside := func() {
		d.T.Helper()
		got := d.enters(byDomain)
		d.Equal(&tenancy.JoinRefusal{Organization: got.JoinRefused.Organization, Code: tenancy.ErrMembershipRemoved}, got.JoinRefused)
		d.Empty(got.Suggested)
		d.halts(tenancy.DecisionNotMember, tenancy.ErrMembershipRemoved, servicetest.To(d.acme, byDomain))
		d.halts(tenancy.DecisionNotMember, tenancy.ErrMembershipRemoved, servicetest.To(d.acme, through))
		d.refuses(tenancy.ErrMembershipRemoved, "", d.using(code, bob))
		d.refuses(tenancy.ErrMembershipRemoved, "", d.asks(d.acme, bob))
		d.False(d.isMember(d.acme, bob))
	}
	outside()
	d.Clock.Advance(400 * 24 * time.Hour)
	code = d.Code(d.acme)
	outside()
	d.joining(tenancy.JoiningRequest, "")
	got := d.halts(tenancy.DecisionNotMember, tenancy.ErrMembershipRemoved, servicetest.To(d.acme, byDomain))
	d.Nil(got.Request)
	d.joining(tenancy.JoiningAuto, "")
	d.NoError(boss.Memberships.Readmit(d.Ctx, d.acme.ID, bob.ID))
	d.Empty(d.removed(d.acme))
	d.silent(func() error { return boss.Memberships.Readmit(d.Ctx, d.acme.ID, bob.ID) })
	d.Equal(d.acme.ID, d.enters(byDomain).OrganizationID)
}

func removalOtherAccount(d *door) {
	code := d.Code(d.acme)
	bob := d.User("bob")
	d.Add(d.acme, bob)
	d.remove(d.acme, bob)
	again := d.NewUser(tenancy.NewUser{Email: "bob+1@acme.example", EmailVerified: true})
	d.refuses(tenancy.ErrMembershipRemoved, "", d.using(code, again))
	d.refuses(tenancy.ErrMembershipRemoved, "", d.asks(d.acme, again))
	d.joining(tenancy.JoiningAuto, "")
	d.Equal(tenancy.ErrMembershipRemoved, d.enters(servicetest.ByMail("bob+2@acme.example")).JoinRefused.Code)
	// By another address it is the same person.
	d.changesEmail(bob, "robert@acme.example")
	d.refuses(tenancy.ErrMembershipRemoved, "", d.using(code, bob))
	// The account is gone, and the mailbox is not.
	d.NoError(d.Svc.Users.Delete(d.Ctx, bob.ID))
	d.refuses(tenancy.ErrMembershipRemoved, "", d.using(code, d.User("bob")))
	d.NoError(d.using(code, d.User("bobby"))())
	// To let one in says that the person may.
	d.Add(d.acme, again)
	d.Empty(d.removed(d.acme))
}

// removalOfSquatter: an account with a victim's address and a tag, which it did not prove, is removed; one
// with the address itself leaves. The owner of the address still gets in.
func removalOfSquatter(d *door) {
	d.joining(tenancy.JoiningAuto, "")
	for i, email := range []string{"victim+x@acme.example", "victim@acme.example"} {
		squatter := d.NewUser(tenancy.NewUser{Email: email})
		d.Add(d.acme, squatter)
		if i == 0 {
			d.remove(d.acme, squatter)
		} else {
			d.NoError(d.asUser(squatter).Memberships.Leave(d.Ctx, d.acme.ID, squatter.ID))
		}
	}
	got := d.enters(servicetest.ByMail("victim@acme.example"))
	d.True(got.TookOver)
	d.Nil(got.JoinRefused)
	d.True(d.isMember(d.acme, got.User))
}

func removalInvited(d *door) {
	_, err := d.Svc.Organizations.Update(d.Ctx, d.acme.ID, tenancy.OrganizationUpdate{AcceptOnDomains: servicetest.Ptr(true)})
	d.NoError(err)
	bob := d.User("bob")
	d.Add(d.acme, bob)
	before := d.Invite(d.acme, "ann@acme.example")
	d.Clock.Advance(time.Hour)
	d.remove(d.acme, bob)
	d.refuses(tenancy.ErrMembershipRemoved, "", d.accepting(before, bob))
	d.Clock.Advance(time.Hour)
	since := d.Invite(d.acme, "cyd@acme.example")
	d.refuses(tenancy.ErrMembershipRemoved, "", d.accepting(since, bob))
	own := d.Invite(d.acme, bob.Email)
	d.NoError(d.accepting(own, bob)())
	d.Empty(d.removed(d.acme))
}

func removalsFull(w *world) {
	acme, bob := w.Org("Acme"), w.User("bob")
	w.Add(acme, bob)
	w.remove(acme, bob)
	full := servicetest.Soak(10_000, 0)
	if full == 0 {
		return // ten thousand rows, for the long counts
	}
	code := w.Code(acme)
	for i := range full {
		eve := w.User(fmt.Sprintf("eve%d", i))
		w.NoError(w.using(code, eve)())
		w.NoError(w.asUser(eve).Memberships.Leave(w.Ctx, acme.ID, eve.ID))
	}
	w.Len(w.removed(acme), full)
	w.refuses(tenancy.ErrMembershipRemoved, "", w.using(code, bob))
}

func removalRequest(w *world) {
	acme, bob := w.Org("Acme"), w.User("bob")
	req, err := w.Svc.JoinRequests.Create(w.Ctx, acme.ID, bob.ID, "")
	w.NoError(err)
	w.Add(acme, bob) // in by another way
	w.remove(acme, bob)
	w.refuses(tenancy.ErrJoinRequestDecided, "", func() error { _, err := w.Svc.JoinRequests.Approve(w.Ctx, req.ID); return err })
	// By a second account, which asked before.
	again := w.NewUser(tenancy.NewUser{Email: "cyd+1@acme.example", EmailVerified: true})
	req, err = w.Svc.JoinRequests.Create(w.Ctx, acme.ID, again.ID, "")
	w.NoError(err)
	cyd := w.User("cyd")
	w.Add(acme, cyd)
	w.remove(acme, cyd)
	w.refuses(tenancy.ErrMembershipRemoved, "", func() error { _, err := w.Svc.JoinRequests.Approve(w.Ctx, req.ID); return err })
}

func requestSettled(w *world) {
	acme := w.Org("Acme")
	code := w.Code(acme)
	for name, enter := range map[string]func(user tenancy.User) error{
		"added": func(user tenancy.User) error { w.Add(acme, user); return nil },
		"code":  func(user tenancy.User) error { return w.using(code, user)() },
		"invited": func(user tenancy.User) error {
			return w.accepting(w.Invite(acme, user.Email), user)()
		},
	} {
		user := w.User(name)
		req, err := w.Svc.JoinRequests.Create(w.Ctx, acme.ID, user.ID, "")
		w.NoError(err)
		w.NoError(enter(user))
		got, err := w.Svc.JoinRequests.Get(w.Ctx, req.ID)
		w.NoError(err)
		w.Equal(tenancy.JoinRequestApproved, got.State, name)
	}
	// Who is removed while an invitation waits for them waits no more either.
	user := w.User("pending")
	w.pend(acme, user)
	req, err := w.Svc.JoinRequests.Create(w.Ctx, acme.ID, user.ID, "")
	w.NoError(err)
	w.remove(acme, user)
	got, err := w.Svc.JoinRequests.Get(w.Ctx, req.ID)
	w.NoError(err)
	w.Equal(tenancy.JoinRequestCanceled, got.State)
	w.Empty(w.removed(acme))
}

func leftAndBack(d *door) {
	d.joining(tenancy.JoiningAuto, "")
	byDomain := servicetest.ByMail("bob@acme.example")
	bob := d.enters(byDomain).User
	leave := func() { d.NoError(d.asUser(bob).Memberships.Leave(d.Ctx, d.acme.ID, bob.ID)) }
	leave()
	got := d.enters(byDomain)
	d.Nil(got.JoinRefused)
	d.Len(got.Suggested, 1)
	d.Equal(d.acme.ID, got.Suggested[0].ID)
	d.halts(tenancy.DecisionNotMember, tenancy.ErrMembershipRemoved, servicetest.To(d.acme, byDomain))
	d.NoError(d.using(d.Code(d.acme), bob)())
	d.Empty(d.removed(d.acme))
	leave()
	req, err := d.asUser(bob).JoinRequests.Create(d.Ctx, d.acme.ID, bob.ID, "")
	d.NoError(err)
	_, err = d.Svc.JoinRequests.Approve(d.Ctx, req.ID)
	d.NoError(err)
	d.Empty(d.removed(d.acme))
	// To be removed after that binds more than to have left.
	leave()
	d.Add(d.acme, bob)
	d.remove(d.acme, bob)
	d.refuses(tenancy.ErrMembershipRemoved, "", d.asks(d.acme, bob))
}

func removalEnds(w *world) {
	acme, bob := w.Org("Acme"), w.User("bob")
	for name, ends := range map[string]func(){
		"Add":     func() { w.Add(acme, bob) },
		"invited": func() { w.NoError(w.accepting(w.Invite(acme, bob.Email), bob)()) },
	} {
		w.Add(acme, bob)
		w.remove(acme, bob)
		w.Equal([]tenancy.UserID{bob.ID}, w.removed(acme), name)
		w.Clock.Advance(time.Hour)
		ends()
		w.Empty(w.removed(acme), name)
		w.Deactivate(acme, bob)
		w.remove(acme, bob) // an inactive one, too
		w.Equal([]tenancy.UserID{bob.ID}, w.removed(acme), name)
		w.emits(func() error { return w.Svc.Memberships.Readmit(w.Ctx, acme.ID, bob.ID) },
			event{kind: tenancy.EventMembershipReadmitted, org: acme.ID, user: bob.ID, subject: later})
	}
	boss, few := w.User("boss"), w.User("few")
	w.Add(acme, boss, rbac.Owner)
	w.Add(acme, few)
	for _, as := range []tenancy.User{few, w.User("stranger")} {
		_, err := w.asUser(as).Memberships.Removed(w.Ctx, acme.ID, tenancy.RemovalQuery{})
		w.Error(err)
		w.Error(w.asUser(as).Memberships.Readmit(w.Ctx, acme.ID, bob.ID))
	}
}

func removalMerged(w *world) {
	acme, beta, gamma := w.Org("Acme"), w.Org("Beta"), w.Org("Gamma")
	from, into := w.User("from"), w.User("into")
	for _, org := range []tenancy.Organization{acme, beta, gamma} {
		w.Add(org, from)
	}
	w.remove(acme, from)
	w.remove(beta, from)
	w.Add(beta, into)
	w.Add(gamma, into)
	w.remove(gamma, into)
	_, err := w.merge(from, into)
	w.NoError(err)
	w.Equal([]tenancy.UserID{into.ID}, w.removed(acme))
	w.Empty(w.removed(beta))  // where the other is a member
	w.Empty(w.removed(gamma)) // where they are one now
	w.refuses(tenancy.ErrMembershipRemoved, "", w.using(w.Code(acme), into))
}

func removalErased(w *world) {
	acme, bob, ann := w.Org("Acme"), w.User("bob"), w.NewUser(tenancy.NewUser{Email: "bob+ann@acme.example", EmailVerified: true})
	w.Add(acme, bob)
	w.Add(acme, ann)
	w.remove(acme, bob)
	w.remove(acme, ann)
	w.NoError(w.Svc.Users.Delete(w.Ctx, bob.ID))
	w.Equal([]tenancy.UserID{bob.ID, ann.ID}, w.removed(acme))
	w.NoError(w.Svc.Users.Erase(w.Ctx, bob.ID))
	w.Equal([]tenancy.UserID{ann.ID}, w.removed(acme)) // who is there, and somebody else
	w.NoError(w.Svc.Users.Erase(w.Ctx, ann.ID))
	w.Empty(w.removed(acme))
	w.NoError(w.Svc.Organizations.Delete(w.Ctx, acme.ID))
}

func removalNone(w *world) {
	acme, bob, cyd := w.Org("Acme"), w.User("bob"), w.User("cyd")
	w.Add(acme, bob)
	w.Add(acme, cyd)
	w.pend(acme, w.User("pending"))
	w.remove(acme, w.mustFind("pending@acme.example"))
	w.NoError(w.Svc.Users.Delete(w.Ctx, cyd.ID))
	w.Archive(acme)
	_, err := w.Svc.Organizations.Purge(w.Ctx, acme.ID, 10)
	w.NoError(err)
	w.Empty(w.removed(acme))
}
