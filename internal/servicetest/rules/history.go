package rules

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

func historyRules() []rule {
	return []rule{
		{"G19 an import keeps when people came, and its events are dated now", on(keptHistory)},
		{"G19 a history is for Import alone", over(historyElsewhere)},
		{"G19 nothing that is imported lies in the future", on(futureHistory)},
		{"G19 somebody who is imported inactive takes no seat and passes no gate", over(inactiveHistory)},
		{"G19 M5 somebody who is imported inactive is kept out as one who became so", on(inactiveKeptOut)},
		{"G19 M2 an invited person is imported", on(invitedHistory)},
		{"G19 a history is of what was not there before", on(historyOfMembers)},
		{"G19 U8 somebody who is imported suspended has no access", on(suspendedHistory)},
		{"G19 G12 a sign-in elsewhere counts where it is later", on(signInElsewhere)},
		{"G19 an import answers what its function says of a row", on(namedRow)},
	}
}

// rowError is an error of a program's own about a row of what it imports.
type rowError struct {
	row int
	err error
}

func (e *rowError) Error() string { return fmt.Sprintf("row %d: %v", e.row, e.err) }
func (e *rowError) Unwrap() error { return e.err }

func namedRow(w *world) {
	w.unchanged(func() {
		err := w.imports(func(ctx context.Context, tx *tenancy.Service) error {
			for i, email := range []string{"ada@acme.example", "bob@@acme.example", "cyd@acme.example"} {
				if _, err := tx.Users.Create(ctx, tenancy.NewUser{Email: email}); err != nil {
					return &rowError{i, err}
				}
			}
			return nil
		})
		w.Failed(err, tenancy.ErrInvalid, "email")
		var of *rowError
		w.True(errors.As(err, &of))
		w.Equal(1, of.row)
	})
}

// imports runs fn in an import.
func (w *world) imports(fn func(ctx context.Context, tx *tenancy.Service) error) error {
	return w.Svc.Import(w.Ctx, fn)
}

// past are some instants before the world's present, in microseconds.
func past() (made, joined, seen, out time.Time) {
	made = time.Date(2019, 3, 4, 5, 6, 7, 8000, time.UTC)
	return made, made.AddDate(1, 0, 0), made.AddDate(2, 0, 0), made.AddDate(3, 0, 0)
}

func keptHistory(w *world) {
	made, joined, seen, out := past()
	east := time.FixedZone("east", 3600)
	var org tenancy.Organization
	var ada, bob tenancy.User
	events := w.emits(func() error {
		return w.imports(func(ctx context.Context, tx *tenancy.Service) (err error) {
			if org, err = tx.Organizations.Create(ctx, tenancy.NewOrganization{DisplayName: "Acme", CreatedAt: made.In(east).Add(time.Nanosecond)}); err != nil {
				return err
			}
			history := tenancy.UserHistory{CreatedAt: made.In(east), LastSignInAt: seen}
			if ada, err = tx.Users.Create(ctx, tenancy.NewUser{Email: "ada@acme.example", History: history}); err != nil {
				return err
			}
			if bob, err = tx.Users.Create(ctx, tenancy.NewUser{Email: "bob@acme.example"}); err != nil {
				return err
			}
			in := servicetest.Adding(org, ada, rbac.Owner)
			in.History = tenancy.MembershipHistory{JoinedAt: joined, LastSignInAt: seen}
			if _, err = tx.Memberships.Add(ctx, in); err != nil {
				return err
			}
			in = servicetest.Adding(org, bob, rbac.Guest)
			in.History = tenancy.MembershipHistory{Status: tenancy.MembershipInactive, JoinedAt: joined, DeactivatedAt: out}
			_, err = tx.Memberships.Add(ctx, in)
			return err
		})
	}, some(tenancy.EventOrganizationCreated), some(tenancy.EventUserCreated), some(tenancy.EventUserCreated),
		some(tenancy.EventMembershipCreated), some(tenancy.EventMembershipCreated))
	now := w.Clock.At.UTC().Truncate(time.Microsecond)
	for _, e := range events {
		w.Equal(now, e.Time)
	}
	org, err := w.Svc.Organizations.Get(w.Ctx, org.ID)
	w.NoError(err)
	w.Equal(made, org.CreatedAt)
	w.Equal(now, org.UpdatedAt)
	w.tells(events[0], event{kind: tenancy.EventOrganizationCreated, org: org.ID, subject: org.ID.String(), data: org})
	ada, err = w.Svc.Users.Get(w.Ctx, ada.ID)
	w.NoError(err)
	w.Equal([]time.Time{made, seen, now}, []time.Time{ada.CreatedAt, ada.LastSignInAt, ada.UpdatedAt})
	m := w.Member(org, ada)
	w.Equal([]time.Time{joined, seen, now, now}, []time.Time{m.JoinedAt, m.LastSignInAt, m.CreatedAt, m.UpdatedAt})
	w.Zero(m.DeactivatedAt)
	m = w.Member(org, bob)
	w.Equal(tenancy.MembershipInactive, m.Status)
	w.Equal([]time.Time{joined, out}, []time.Time{m.JoinedAt, m.DeactivatedAt})
	w.Zero(m.LastSignInAt)
	w.Equal([]string{rbac.Guest}, m.Roles)
	w.Equal(now, w.Clock.At.UTC().Truncate(time.Microsecond))

	// One who is inactive since nobody knows when is so from now on.
	cleo := w.User("cleo")
	w.NoError(w.imports(func(ctx context.Context, tx *tenancy.Service) error {
		in := servicetest.Adding(org, cleo)
		in.History.Status = tenancy.MembershipInactive
		_, err := tx.Memberships.Add(ctx, in)
		return err
	}))
	m = w.Member(org, cleo)
	w.Equal([]time.Time{now, now}, []time.Time{m.JoinedAt, m.DeactivatedAt})
}

// historyCall brings one time, or a status, from before.
type historyCall struct {
	field string
	call  func(ctx context.Context, s *tenancy.Service, at time.Time) error
}

// historyCalls are all ways to bring one, about acme, its member ada, and bob, who is in none.
func historyCalls(acme tenancy.Organization, ada, bob tenancy.User) map[string]historyCall {
	user := func(set func(h *tenancy.UserHistory, at time.Time)) func(context.Context, *tenancy.Service, time.Time) error {
		return func(ctx context.Context, s *tenancy.Service, at time.Time) error {
			in := tenancy.NewUser{Email: "new@acme.example"}
			set(&in.History, at)
			_, err := s.Users.Create(ctx, in)
			return err
		}
	}
	member := func(set func(h *tenancy.MembershipHistory, at time.Time)) func(context.Context, *tenancy.Service, time.Time) error {
		return func(ctx context.Context, s *tenancy.Service, at time.Time) error {
			in := servicetest.Adding(acme, bob)
			set(&in.History, at)
			_, err := s.Memberships.Add(ctx, in)
			return err
		}
	}
	return map[string]historyCall{
		"an organization's creation": {"created_at", func(ctx context.Context, s *tenancy.Service, at time.Time) error {
			_, err := s.Organizations.Create(ctx, tenancy.NewOrganization{DisplayName: "New", CreatedAt: at})
			return err
		}},
		"a user's creation":   {"created_at", user(func(h *tenancy.UserHistory, at time.Time) { h.CreatedAt = at })},
		"a user's sign-in":    {"last_sign_in_at", user(func(h *tenancy.UserHistory, at time.Time) { h.LastSignInAt = at })},
		"a user's suspension": {"suspended_at", user(func(h *tenancy.UserHistory, at time.Time) { h.SuspendedAt = at })},
		"a member's joining":  {"joined_at", member(func(h *tenancy.MembershipHistory, at time.Time) { h.JoinedAt = at })},
		"a member's sign-in":  {"last_sign_in_at", member(func(h *tenancy.MembershipHistory, at time.Time) { h.LastSignInAt = at })},
		"a member's end": {"deactivated_at", member(func(h *tenancy.MembershipHistory, at time.Time) {
			h.Status, h.DeactivatedAt = tenancy.MembershipInactive, at
		})},
		"a later user sign-in": {"last_sign_in_at", func(ctx context.Context, s *tenancy.Service, at time.Time) error {
			_, err := s.Users.Update(ctx, ada.ID, tenancy.UserUpdate{LastSignInAt: at})
			return err
		}},
		"a later member sign-in": {"last_sign_in_at", func(ctx context.Context, s *tenancy.Service, at time.Time) error {
			_, err := s.Memberships.Update(ctx, acme.ID, ada.ID, tenancy.MembershipUpdate{LastSignInAt: at})
			return err
		}},
	}
}

// historyElsewhere: outside of an import, in a transaction, in a hook of an import, and bound to an actor.
func historyElsewhere(t *testing.T, open servicetest.Opener) {
	w, hook := withHook(t, open)
	ada, bob := w.User("ada"), w.User("bob")
	acme := w.Owned("Acme", ada)
	_, _, seen, _ := past()
	for name, h := range historyCalls(acme, ada, bob) {
		w.each(name, func(w *world) {
			field := h.field
			if name == "a member's joining" || name == "a member's sign-in" || name == "a member's end" {
				field = "history"
			}
			w.refuses(tenancy.ErrInvalid, field, func() error { return h.call(w.Ctx, w.Svc, seen) })
			w.NoError(w.Svc.Transact(w.Ctx, func(ctx context.Context, tx *tenancy.Service) error {
				w.Failed(h.call(ctx, tx, seen), tenancy.ErrInvalid, field)
				bound := tx.Import(ctx, func(ctx context.Context, in *tenancy.Service) error {
					return h.call(ctx, in.As(tenancy.UserPrincipal(ada.ID)), seen)
				})
				w.Equal(tenancy.ErrForbidden, tenancy.CodeOf(bound))
				return nil
			}))
			stop := w.imports(func(ctx context.Context, tx *tenancy.Service) error {
				w.NoError(tx.Transact(ctx, func(ctx context.Context, part *tenancy.Service) error { return h.call(ctx, part, seen) }))
				return servicetest.ErrStop
			})
			w.Equal(servicetest.ErrStop, stop)
			hook.say = func(ctx context.Context, tx *tenancy.Service, j tenancy.Join) error {
				hook.say = nil
				w.Failed(h.call(ctx, tx, seen), tenancy.ErrInvalid, field)
				return servicetest.ErrStop
			}
			cleo := w.NewUser(tenancy.NewUser{Email: "cleo@acme.example"})
			w.Failed(w.imports(func(ctx context.Context, tx *tenancy.Service) error {
				_, err := tx.Memberships.Add(ctx, servicetest.Adding(acme, cleo))
				return err
			}), tenancy.ErrJoinRefused, "")
			w.NoError(w.Svc.Users.Delete(w.Ctx, cleo.ID))
		})
	}
	for name, h := range map[string]tenancy.MembershipHistory{
		"pending":                {Status: tenancy.MembershipPending},
		"expired":                {Status: tenancy.MembershipInvitationExpired},
		"unknown":                {Status: "asleep"},
		"active and with an end": {Status: tenancy.MembershipActive, DeactivatedAt: seen},
	} {
		w.each(name, func(w *world) {
			field := "status"
			if !h.DeactivatedAt.IsZero() {
				field = "deactivated_at"
			}
			w.refuses(tenancy.ErrInvalid, field, func() error {
				return w.imports(func(ctx context.Context, tx *tenancy.Service) error {
					in := servicetest.Adding(acme, bob)
					in.History = h
					_, err := tx.Memberships.Add(ctx, in)
					return err
				})
			})
		})
	}
}

func futureHistory(w *world) {
	ada, bob := w.User("ada"), w.User("bob")
	acme := w.Owned("Acme", ada)
	now := w.Clock.At
	try := func(w *world, h historyCall, at time.Time) error {
		return w.imports(func(ctx context.Context, tx *tenancy.Service) error {
			if err := h.call(ctx, tx, at); err != nil {
				return err
			}
			return servicetest.ErrStop
		})
	}
	for name, h := range historyCalls(acme, ada, bob) {
		w.each(name, func(w *world) {
			w.Equal(servicetest.ErrStop, try(w, h, now))
			w.Equal(servicetest.ErrStop, try(w, h, time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC)))
			w.refuses(tenancy.ErrInvalid, h.field, func() error { return try(w, h, now.Add(time.Microsecond)) })
			w.refuses(tenancy.ErrInvalid, h.field, func() error { return try(w, h, now.AddDate(5000, 0, 0)) })
			w.refuses(tenancy.ErrInvalid, h.field, func() error { return try(w, h, time.Date(1969, 12, 31, 23, 59, 59, 0, time.UTC)) })
		})
	}
}

// reads reports whether a user may see the members of an organization, as an administrator may.
func (w *world) reads(user tenancy.User, org tenancy.Organization) bool {
	w.T.Helper()
	can, err := w.Svc.Can(w.Ctx, user.ID, org.ID, rbac.ReadMembers)
	w.NoError(err)
	return can
}

// inactively adds somebody in an import who is inactive from the beginning.
func (w *world) inactively(svc *tenancy.Service, org tenancy.Organization, user tenancy.User) error {
	_, _, _, out := past()
	return svc.Import(w.Ctx, func(ctx context.Context, tx *tenancy.Service) error {
		in := servicetest.Adding(org, user, rbac.Admin)
		in.History = tenancy.MembershipHistory{Status: tenancy.MembershipInactive, DeactivatedAt: out}
		_, err := tx.Memberships.Add(ctx, in)
		return err
	})
}

func inactiveHistory(t *testing.T, open servicetest.Opener) {
	hook := &joinHook{}
	w := newWorld(t, open, func(c *tenancy.Config) { c.OnJoin, c.SingleOrganization = hook.on, true })
	ada, bob := w.User("ada"), w.User("bob")
	acme := w.NewOrg(tenancy.NewOrganization{DisplayName: "Acme", Owner: ada.ID, Settings: tenancy.Settings{SeatLimit: 1}})
	w.Owned("Other", bob)
	hook.asked = nil
	w.NoError(w.inactively(w.Svc, acme, bob))
	w.Empty(hook.asked)
	w.Dump() // which counts the seats
	w.False(w.reads(bob, acme))
	reactivate := func() error {
		_, err := w.Svc.Memberships.Reactivate(w.Ctx, acme.ID, bob.ID)
		return err
	}
	w.refuses(tenancy.ErrSeatLimit, "", reactivate)
	w.limit(acme, 2)
	w.refuses(tenancy.ErrAlreadyMemberElsewhere, "", reactivate)

	cleo := w.User("cleo")
	w.NoError(w.inactively(w.Svc, acme, cleo))
	hook.asked = nil
	_, err := w.Svc.Memberships.Reactivate(w.Ctx, acme.ID, cleo.ID)
	w.NoError(err)
	w.True(w.reads(cleo, acme))
	w.Len(hook.asked, 1)
	w.True(hook.asked[0].Reactivated)
	w.Dump()
}

// inactiveKeptOut: an invitation that stands to them is revoked, what they asked for is canceled, and no other
// account with their address gets in.
func inactiveKeptOut(w *world) {
	ada := w.User("ada")
	acme := w.Owned("Acme", ada)
	_, err := w.Svc.Organizations.Update(w.Ctx, acme.ID, tenancy.OrganizationUpdate{JoinRequests: servicetest.Ptr(true)})
	w.NoError(err)
	bob := w.NewUser(tenancy.NewUser{Email: "bob@acme.example", EmailVerified: true})
	request, err := w.Svc.JoinRequests.Create(w.Ctx, acme.ID, bob.ID, "")
	w.NoError(err)
	sent := w.Invite(acme, "bob@acme.example")
	w.NoError(w.inactively(w.Svc, acme, bob))
	got, err := w.Svc.Invitations.Get(w.Ctx, sent.Invitation.ID)
	w.NoError(err)
	w.Equal(tenancy.InvitationRevoked, got.State)
	decided, err := w.Svc.JoinRequests.Get(w.Ctx, request.ID)
	w.NoError(err)
	w.Equal(tenancy.JoinRequestCanceled, decided.State)

	other := w.NewUser(tenancy.NewUser{Email: "bob+again@acme.example", EmailVerified: true})
	code := w.Code(acme)
	_, err = w.Svc.JoinCodes.Use(w.Ctx, code.Token.Reveal(), other.ID)
	w.Failed(err, tenancy.ErrMembershipInactive, "")
	_, err = w.Svc.JoinCodes.Use(w.Ctx, code.Token.Reveal(), bob.ID)
	w.Failed(err, tenancy.ErrMembershipInactive, "")
}

func invitedHistory(w *world) {
	_, joined, seen, out := past()
	acme := w.Owned("Acme", w.User("ada"))
	for name, h := range map[string]tenancy.MembershipHistory{
		"active":   {JoinedAt: joined, LastSignInAt: seen},
		"inactive": {Status: tenancy.MembershipInactive, JoinedAt: joined, LastSignInAt: seen, DeactivatedAt: out},
	} {
		w.each(name, func(w *world) {
			user := w.NewUser(tenancy.NewUser{Email: name + "@acme.example", EmailVerified: true})
			sent := w.Invite(acme, user.Email)
			w.Equal(tenancy.MembershipPending, w.Member(acme, user).Status)
			in := servicetest.Adding(acme, user, rbac.Guest)
			in.History = h
			if h.Status == tenancy.MembershipInactive { // an invitation is for those who come in
				in.InvitationID = sent.Invitation.ID
				w.refuses(tenancy.ErrInvalid, "status", func() error {
					return w.imports(func(ctx context.Context, tx *tenancy.Service) error {
						_, err := tx.Memberships.Add(ctx, in)
						return err
					})
				})
				in.InvitationID = tenancy.InvitationID{}
			}
			w.NoError(w.imports(func(ctx context.Context, tx *tenancy.Service) error {
				_, err := tx.Memberships.Add(ctx, in)
				return err
			}))
			m := w.Member(acme, user)
			w.Equal(tenancy.MembershipStatus(name), m.Status)
			w.Equal([]time.Time{joined, seen, h.DeactivatedAt}, []time.Time{m.JoinedAt, m.LastSignInAt, m.DeactivatedAt})
			got, err := w.Svc.Invitations.Get(w.Ctx, sent.Invitation.ID)
			w.NoError(err)
			w.Equal(tenancy.InvitationRevoked, got.State)
			w.Dump()
		})
	}
}

func historyOfMembers(w *world) {
	_, joined, _, _ := past()
	ada, bob := w.User("ada"), w.User("bob")
	acme := w.Owned("Acme", ada)
	w.Add(acme, bob)
	w.Deactivate(acme, bob)
	add := func(user tenancy.User) func() error {
		return func() error {
			return w.imports(func(ctx context.Context, tx *tenancy.Service) error {
				in := servicetest.Adding(acme, user)
				in.History.JoinedAt = joined
				_, err := tx.Memberships.Add(ctx, in)
				return err
			})
		}
	}
	w.refuses(tenancy.ErrInvalid, "history", add(bob))
	w.refuses(tenancy.ErrAlreadyMember, "", add(ada))
}

func suspendedHistory(w *world) {
	_, _, _, out := past()
	acme := w.NewOrg(tenancy.NewOrganization{DisplayName: "Acme", Owner: w.User("ada").ID, Settings: tenancy.Settings{SeatLimit: 2}})
	var bob tenancy.User
	w.NoError(w.imports(func(ctx context.Context, tx *tenancy.Service) (err error) {
		bob, err = tx.Users.Create(ctx, tenancy.NewUser{
			Email: "bob@acme.example", History: tenancy.UserHistory{SuspendedAt: out},
			Memberships: []tenancy.NewMembership{{OrganizationID: acme.ID, Roles: []string{rbac.Admin}}},
		})
		return err
	}))
	w.Equal(out, bob.SuspendedAt)
	w.False(w.reads(bob, acme))
	_, err := w.Svc.Sessions.Start(w.Ctx, tenancy.NewSession{UserID: bob.ID, Method: tenancy.MethodPassword})
	w.Failed(err, tenancy.ErrForbidden, "")
	w.Add(acme, w.User("cleo")) // the one who is suspended holds no seat
	_, err = w.Svc.Users.Unsuspend(w.Ctx, bob.ID)
	w.NoError(err)
	w.True(w.reads(bob, acme))
}

func signInElsewhere(w *world) {
	made, _, seen, out := past()
	ada := w.User("ada")
	acme := w.Owned("Acme", ada)
	signed := func(at time.Time) func() error {
		return func() error {
			return w.imports(func(ctx context.Context, tx *tenancy.Service) error {
				user, err := tx.Users.Update(ctx, ada.ID, tenancy.UserUpdate{LastSignInAt: at})
				if err != nil {
					return err
				}
				w.False(user.LastSignInAt.Before(at))
				m, err := tx.Memberships.Update(ctx, acme.ID, ada.ID, tenancy.MembershipUpdate{LastSignInAt: at})
				w.False(m.LastSignInAt.Before(at))
				return err
			})
		}
	}
	before, was := w.Member(acme, ada), ada
	w.emits(signed(seen)) // nothing
	after, err := w.Svc.Users.Get(w.Ctx, ada.ID)
	w.NoError(err)
	m := w.Member(acme, ada)
	w.Equal([]time.Time{seen, seen}, []time.Time{after.LastSignInAt, m.LastSignInAt})
	w.Equal([]int64{was.Version, before.Version}, []int64{after.Version, m.Version})
	w.Equal([]time.Time{was.UpdatedAt, before.UpdatedAt}, []time.Time{after.UpdatedAt, m.UpdatedAt})
	w.silent(func() error {
		return w.imports(func(ctx context.Context, tx *tenancy.Service) error {
			for _, at := range []time.Time{made, seen} {
				if _, err := tx.Users.Update(ctx, ada.ID, tenancy.UserUpdate{LastSignInAt: at}); err != nil {
					return err
				}
				if _, err := tx.Memberships.Update(ctx, acme.ID, ada.ID, tenancy.MembershipUpdate{LastSignInAt: at}); err != nil {
					return err
				}
			}
			return nil
		})
	})
	w.emits(signed(out))
	w.Equal(out, w.Member(acme, ada).LastSignInAt)
}
