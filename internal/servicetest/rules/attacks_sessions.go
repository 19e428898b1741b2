package rules

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// sessionAttacks go on by a session that is over.
func sessionAttacks() []rule {
	selfServe := func(c *tenancy.Config) { c.SelfServe = true }
	return []rule{
		{"S2 attack: a bound Service outlives its session", with(selfServe, outlived)},
		{"S2 attack: a bound Service stays at the organization that its session has left", on(outlivedSwitch)},
		{"S2 attack: a session that ended calls every method", with(selfServe, endedEverywhere)},
		{"S2 attack: a thief who was thrown out enters, asks and changes the address", on(thrownOut)},
		{"S2 a bound Service in a transaction sees the end of its session", on(endedInside)},
	}
}

// slugged is a name as it can stand in an address.
func slugged(name string) string {
	return strings.ToLower(strings.NewReplacer(" ", "-", ".", "-").Replace(name))
}

// adminAt is an administrator of an organization, and the Service bound to a session of theirs.
type adminAt struct {
	*world
	user tenancy.User
	org  tenancy.Organization
	in   tenancy.StartedSession
	svc  *tenancy.Service
}

func (w *world) adminAt(name string) adminAt {
	w.T.Helper()
	b := adminAt{world: w, user: w.person(slugged(name)), org: w.Owned(name, w.person("owner-of-"+slugged(name)))}
	w.Add(b.org, b.user, rbac.Admin)
	b.in = w.Session(b.user, b.org.ID)
	b.svc = w.asSession(w.lives(b.in.Token).Session)
	w.Clock.Advance(time.Second) // so that nothing happens at the instant of the start
	return b
}

// calls are what a bound Service is for: reading, writing, the account, and a check.
func (b adminAt) calls() map[string]func() error {
	return map[string]func() error{
		"reads": func() error { _, err := b.svc.Memberships.List(b.Ctx, b.org.ID, tenancy.MemberQuery{}); return err },
		"writes": func() error {
			_, err := b.svc.Organizations.Update(b.Ctx, b.org.ID, tenancy.OrganizationUpdate{DisplayName: servicetest.Ptr("Pwned")})
			return err
		},
		"writes the account": func() error {
			_, err := b.svc.Users.Update(b.Ctx, b.user.ID, tenancy.UserUpdate{GivenName: servicetest.Ptr("Pwned")})
			return err
		},
		"reads the account": func() error { _, err := b.svc.Users.Get(b.Ctx, b.user.ID); return err },
		"checks":            func() error { _, err := b.svc.Can(b.Ctx, b.user.ID, b.org.ID, rbac.ReadMembers); return err },
		"founds": func() error {
			_, err := b.svc.Organizations.Create(b.Ctx, tenancy.NewOrganization{DisplayName: "Pwned", Owner: b.user.ID})
			return err
		},
	}
}

// over checks that every call is refused, with this reason.
func (b adminAt) over(reason string) {
	b.T.Helper()
	for name, call := range b.calls() {
		refusal := b.refuses(tenancy.ErrSessionEnded, "token", call)
		b.Equal(reason, refusal.Reason, name)
	}
}

func outlived(w *world) {
	for name, c := range map[string]struct {
		ends   func(b adminAt) error
		reason string
	}{
		"SignOut":    {func(b adminAt) error { return b.world.Svc.Sessions.SignOut(b.Ctx, b.in.Token.Reveal()) }, string(tenancy.EndedSignOut)},
		"Revoke":     {func(b adminAt) error { return b.world.Svc.Sessions.Revoke(b.Ctx, b.in.Session.ID) }, string(tenancy.EndedRevoked)},
		"RevokeAll":  {func(b adminAt) error { return b.world.Svc.Sessions.RevokeAll(b.Ctx, b.user.ID) }, string(tenancy.EndedRevoked)},
		"themselves": {func(b adminAt) error { return b.svc.Sessions.Revoke(b.Ctx, b.in.Session.ID) }, string(tenancy.EndedRevoked)},
		"RevokeByOrganization": {func(b adminAt) error {
			return b.world.Svc.Sessions.RevokeByOrganization(b.Ctx, b.org.ID)
		}, string(tenancy.EndedOrganization)},
		"Remove": {func(b adminAt) error { return b.world.Svc.Memberships.Remove(b.Ctx, b.org.ID, b.user.ID) }, string(tenancy.EndedRemoved)},
		"Deactivate": {func(b adminAt) error {
			_, err := b.world.Svc.Memberships.Deactivate(b.Ctx, b.org.ID, b.user.ID)
			return err
		}, string(tenancy.EndedDeactivated)},
		"Suspend": {func(b adminAt) error {
			_, err := b.world.Svc.Organizations.Suspend(b.Ctx, b.org.ID)
			return err
		}, string(tenancy.EndedOrganization)},
		"Users.Suspend": {func(b adminAt) error { _, err := b.world.Svc.Users.Suspend(b.Ctx, b.user.ID); return err }, string(tenancy.EndedUser)},
		"idle":          {func(b adminAt) error { b.Clock.Advance(15 * servicetest.Day); return nil }, "expired"},
		"old": {func(b adminAt) error {
			for range 4 {
				b.Clock.Advance(10 * servicetest.Day)
				_, _ = b.world.Svc.Sessions.Authenticate(b.Ctx, b.in.Token.Reveal(), servicetest.NowhereYet)
			}
			return nil
		}, "expired"},
		"swept": {func(b adminAt) error {
			b.Clock.Advance(90 * servicetest.Day)
			_, err := b.world.Svc.Sessions.Sweep(b.Ctx)
			return err
		}, string(tenancy.EndedOrganization)},
		"deleted": {func(b adminAt) error { return b.world.Svc.Organizations.Delete(b.Ctx, b.org.ID) }, string(tenancy.EndedOrganization)},
		"too many": {func(b adminAt) error {
			svc := b.Another(func(c *tenancy.Config) { c.Limits.UserSessions = 1 })
			_, err := svc.Sessions.Start(b.Ctx, servicetest.Starting(b.user.ID, servicetest.NowhereYet))
			return err
		}, string(tenancy.EndedTooMany)},
	} {
		w.each(name, func(w *world) {
			b := w.adminAt(name)
			for _, call := range b.calls() {
				w.NoError(call())
			}
			w.NoError(c.ends(b))
			b.over(c.reason)
		})
	}
}

// outlivedSwitch: a Service that is bound to one entry goes on there when another one becomes
// current, and reaches no other organization.
func outlivedSwitch(w *world) {
	b := w.adminAt("Acme")
	other := w.Owned("Other", b.user)
	moved, err := w.change(b.in.Token, other.ID)
	w.NoError(err)
	for _, call := range []string{"reads", "writes", "writes the account", "checks"} {
		w.NoError(b.calls()[call]())
	}
	w.refuses(tenancy.ErrNotFound, "", func() error { _, err := b.svc.Memberships.List(w.Ctx, other.ID, tenancy.MemberQuery{}); return err })
	now := w.asSession(moved.Session)
	_, err = now.Memberships.List(w.Ctx, other.ID, tenancy.MemberQuery{})
	w.NoError(err)
	w.refuses(tenancy.ErrNotFound, "", func() error { _, err := now.Memberships.List(w.Ctx, b.org.ID, tenancy.MemberQuery{}); return err })
	again, err := w.change(moved.Token, other.ID) // also to where it is
	w.NoError(err)
	w.Equal(moved.Session.ID, again.Session.ID)
	_, err = now.Users.Get(w.Ctx, b.user.ID)
	w.NoError(err)
}

// endedEverywhere: each method that an actor may call asks for the session.
func endedEverywhere(w *world) {
	h := newHouse(w)
	owner := h.session("owner", false)
	in := w.asSession(owner)
	w.NoError(w.Svc.Sessions.RevokeAll(w.Ctx, owner.UserID))
	before := w.Dump()
	for _, m := range tenancy.Methods() {
		if m.HostOnly() || m.Name == "Transact" {
			continue
		}
		self := h.at
		self.owner, self.member, self.resting, self.outsider, self.barred = owner.UserID, owner.UserID, owner.UserID, owner.UserID, owner.UserID
		for _, c := range []cast{h.at, self} {
			if m.Name == "Organizations.Create" && c.outsider != owner.UserID || m.Name == "Memberships.TransferOwnership" && c.member == owner.UserID {
				continue // refused before anything is read: to found for another person, to hand over to oneself
			}
			w.Equal(tenancy.ErrSessionEnded, tenancy.CodeOf(actorCalls()[m.Name](w.Ctx, in, c)), m.Name)
		}
	}
	w.Equal(before, w.Dump())
}

// thrownOut: after RevokeAll the thief's bound Service leaves nothing behind by which to
// come back.
func thrownOut(w *world) {
	b := w.adminAt("Acme")
	gamma, delta, epsilon := w.Org("Gamma"), w.Org("Delta"), w.Org("Epsilon")
	code, sent := w.Code(gamma), w.Invite(delta, b.user.Email)
	w.NoError(w.Svc.Sessions.RevokeAll(w.Ctx, b.user.ID))
	for name, call := range map[string]func() error{
		"a join code":   func() error { _, err := b.svc.JoinCodes.Use(w.Ctx, code.Token.Reveal(), b.user.ID); return err },
		"an invitation": func() error { _, err := b.svc.Invitations.Accept(w.Ctx, sent.Token.Reveal(), b.user.ID); return err },
		"a request":     func() error { _, err := b.svc.JoinRequests.Create(w.Ctx, epsilon.ID, b.user.ID, ""); return err },
		"an address":    func() error { _, err := b.svc.Users.ChangeEmail(w.Ctx, b.user.ID, "thief@evil.example"); return err },
		"a removal":     func() error { return b.svc.Memberships.Leave(w.Ctx, b.org.ID, b.user.ID) },
		"a new role": func() error {
			_, err := b.svc.Roles.Create(w.Ctx, b.org.ID, tenancy.NewRole{Slug: "org-back", Name: "Back"})
			return err
		},
	} {
		w.each(name, func(w *world) { w.refuses(tenancy.ErrSessionEnded, "token", call) })
	}
}

func endedInside(w *world) {
	b := w.adminAt("Acme")
	w.Equal(servicetest.ErrStop, w.Svc.Transact(w.Ctx, func(ctx context.Context, tx *tenancy.Service) error {
		in := tx.As(tenancy.SessionPrincipal(b.in.Session))
		_, err := in.Users.Get(ctx, b.user.ID)
		w.NoError(err)
		w.NoError(tx.Sessions.RevokeAll(ctx, b.user.ID))
		_, err = in.Users.Get(ctx, b.user.ID)
		w.Failed(err, tenancy.ErrSessionEnded, "token")
		return servicetest.ErrStop
	}))
	_, err := b.svc.Users.Get(w.Ctx, b.user.ID)
	w.NoError(err)
	// Of 64 calls at the same time, none writes after the end.
	done := make(chan error, 64)
	for i := range cap(done) {
		go func() {
			_, err := b.svc.Users.Update(w.Ctx, b.user.ID, tenancy.UserUpdate{GivenName: servicetest.Ptr(fmt.Sprint("N", i))})
			done <- err
		}()
	}
	w.NoError(w.Svc.Sessions.RevokeAll(w.Ctx, b.user.ID))
	name := w.getUser(b.user.ID).GivenName
	for range cap(done) {
		if err := <-done; err != nil {
			w.ErrorIs(err, tenancy.ErrSessionEnded)
		}
	}
	w.Equal(name, w.getUser(b.user.ID).GivenName)
}
