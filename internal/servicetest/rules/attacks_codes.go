package rules

import (
	"time"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

func codeAttacks() []rule {
	few := func(c *tenancy.Config) { c.Limits.JoinCodes = 2 }
	return []rule{
		{"I7 attack: a join code that outlives the rights of who made it", on(codesOutliving)},
		{"I7 attack: join codes of somebody who is gone keep others from making one", with(few, voidCodesCounted)},
		{"M6 attack: a join code tells of an address what became of its owner", on(codesTelling)},
		{"I7 U6 join codes of people who are merged", on(codesMerged)},
	}
}

// codeBy is a join code that somebody makes.
func (w *world) codeBy(user tenancy.User, org tenancy.Organization, role string) tenancy.IssuedJoinCode {
	w.T.Helper()
	code, err := w.asUser(user).JoinCodes.Create(w.Ctx, tenancy.NewJoinCode{OrganizationID: org.ID, Role: role})
	w.NoError(err)
	return code
}

// void reports whether a join code is void, as all ways of reading it say.
func (w *world) void(code tenancy.IssuedJoinCode) bool {
	w.T.Helper()
	got, err := w.Svc.JoinCodes.Get(w.Ctx, code.ID)
	w.NoError(err)
	for listed, err := range w.Svc.JoinCodes.All(w.Ctx, code.OrganizationID, tenancy.JoinCodeQuery{}) {
		w.NoError(err)
		if listed.ID == code.ID {
			w.Equal(got, listed)
		}
	}
	return got.Void
}

func codesOutliving(w *world) {
	w.Declare()
	owner, boss := w.User("owner"), w.User("boss")
	acme := w.Owned("Acme", owner)
	back := func() {
		if w.isMember(acme, boss) {
			_, err := w.Svc.Users.Unsuspend(w.Ctx, boss.ID)
			w.NoError(err)
			w.reactivated(acme, boss)
			_, err = w.Svc.Memberships.SetRoles(w.Ctx, acme.ID, boss.ID, rbac.Admin)
			w.NoError(err)
			return
		}
		w.Add(acme, boss, rbac.Admin)
	}
	back()
	code, plain, hosts := w.codeBy(boss, acme, rbac.Guest), w.codeBy(boss, acme, ""), w.Code(acme)
	for name, end := range map[string]func(){
		"removed":   func() { w.remove(acme, boss) },
		"left":      func() { w.NoError(w.asUser(boss).Memberships.Leave(w.Ctx, acme.ID, boss.ID)) },
		"inactive":  func() { w.Deactivate(acme, boss) },
		"suspended": func() { _, err := w.Svc.Users.Suspend(w.Ctx, boss.ID); w.NoError(err) },
		"demoted": func() {
			_, err := w.Svc.Memberships.SetRoles(w.Ctx, acme.ID, boss.ID, rbac.Member)
			w.NoError(err)
		},
	} {
		back()
		w.False(w.void(code), name)
		w.NoError(w.using(code, w.User("before-"+name))())
		end()
		w.True(w.void(code), name)
		w.True(w.void(plain), name)
		w.False(w.void(hosts), name)
		out := w.User("after-" + name)
		w.refuses(tenancy.ErrJoinCodeRevoked, "", w.using(code, out))
		w.refuses(tenancy.ErrJoinCodeRevoked, "", w.using(plain, out))
		w.refuses(tenancy.ErrAlreadyMember, "", w.using(code, w.mustFind("before-"+name+"@acme.example")))
		w.NoError(w.using(hosts, out)())
	}
	// It is the role of the code that counts, as it is by now.
	back()
	w.Role(acme.ID, "org-inviter", "", rbac.WriteInvitations)
	w.Role(acme.ID, "org-reader", "", servicetest.ReadDocs)
	few := w.User("few")
	w.Add(acme, few, "org-inviter", "org-reader")
	reader := w.codeBy(few, acme, "org-reader")
	w.False(w.void(reader))
	_, err := w.Svc.Memberships.SetRoles(w.Ctx, acme.ID, few.ID, "org-inviter")
	w.NoError(err)
	w.True(w.void(reader))
	w.refuses(tenancy.ErrJoinCodeRevoked, "", w.using(reader, w.User("reader")))
	// What ended is not void besides, and an organization that is shut is nobody's fault.
	w.remove(acme, boss)
	_, err = w.Svc.JoinCodes.Revoke(w.Ctx, code.ID)
	w.NoError(err)
	w.False(w.void(code))
	w.True(w.void(plain))
	w.suspend(acme)
	w.False(w.void(plain))
	w.refuses(tenancy.ErrOrganizationClosed, "", w.using(plain, w.User("late")))
}

func voidCodesCounted(w *world) {
	owner, boss := w.User("owner"), w.User("boss")
	acme := w.Owned("Acme", owner)
	w.Add(acme, boss, rbac.Admin)
	w.codeBy(boss, acme, "")
	w.codeBy(boss, acme, rbac.Guest)
	more := func() error {
		_, err := w.asUser(owner).JoinCodes.Create(w.Ctx, tenancy.NewJoinCode{OrganizationID: acme.ID})
		return err
	}
	w.refuses(tenancy.ErrInvalid, "organization", more)
	w.remove(acme, boss)
	w.NoError(more())
	w.NoError(more())
	w.refuses(tenancy.ErrInvalid, "organization", more)
}

// codesTelling: somebody who wrote a stranger's address down hears the same whatever the
// organization remembers of that stranger.
func codesTelling(w *world) {
	acme := w.Org("Acme")
	code := w.Code(acme)
	for name, end := range map[string]func(tenancy.User){
		"never":    nil,
		"member":   func(tenancy.User) {},
		"removed":  func(u tenancy.User) { w.remove(acme, u) },
		"left":     func(u tenancy.User) { w.NoError(w.asUser(u).Memberships.Leave(w.Ctx, acme.ID, u.ID)) },
		"inactive": func(u tenancy.User) { w.Deactivate(acme, u) },
		"invited":  func(u tenancy.User) { w.remove(acme, u); w.Invite(acme, u.Email) },
	} {
		if end != nil {
			user := w.User(name)
			w.Add(acme, user)
			end(user)
		}
		liar := w.NewUser(tenancy.NewUser{Email: name + "+liar@acme.example"})
		w.refuses(tenancy.ErrEmailNotVerified, "", w.using(code, liar))
		w.refuses(tenancy.ErrEmailNotVerified, "", w.asks(acme, liar))
	}
	// Their own account tells them no more, until they prove the address.
	liar := w.NewUser(tenancy.NewUser{Email: "liar@acme.example"})
	w.Add(acme, liar)
	w.refuses(tenancy.ErrAlreadyMember, "", w.using(code, liar))
	w.remove(acme, liar)
	w.refuses(tenancy.ErrEmailNotVerified, "", w.using(code, liar))
}

func codesMerged(w *world) {
	from, into := w.User("from"), w.User("into")
	acme := w.Owned("Acme", w.User("owner"))
	w.Add(acme, from, rbac.Admin)
	code := w.codeBy(from, acme, "")
	w.Clock.Advance(time.Hour)
	_, err := w.merge(from, into)
	w.NoError(err)
	w.False(w.void(code))
	got, err := w.Svc.JoinCodes.Get(w.Ctx, code.ID)
	w.NoError(err)
	w.Equal(into.ID, got.CreatorID)
	w.NoError(w.using(code, w.User("bob"))())
	w.consistent()
}
