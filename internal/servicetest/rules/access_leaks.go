package rules

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/tenancy"
)

// leakRules are what actors must not learn, and ways around the rules that were found
// open once.
func leakRules() []rule {
	return []rule{
		{"A3, G7, M2 Explain tells an actor no more than that somebody is no member", on(explainTells)},
		{"A1 a declared role is refused to actors before anything is read", on(deleteDeclared)},
		{"R6 the default that holds where none is set is given and taken, too", on(clearedDefaults)},
		{"G7 a slug that is taken costs what a free one costs", on(slugTiming)},
		{"M2, M8 ownership offered to an invited person tells nothing", on(transferTells)},
		{"M5 a member who was made inactive cannot leave by themselves", on(leavingInactive)},
		{"U2 when they last signed in is not for actors", on(lastSignInHidden)},
		{"A1 a Service says whom it works for", on(actorNamed)},
		{"A5 denials name the actor, also inside the host's Transact and OnJoin", on(denialActors)},
		{"A5 what was counted in a minute is one write", on(denialBurst)},
		{"A5 a refusal does not wait for a writer", on(denialPatient)},
		{"A5, E3 Prune takes the denials from before along", on(prunedDenials)},
		{"A5 a bound Check that is refused is a denial", on(checkDenied)},
	}
}

func explainTells(w *world) {
	h := newHouse(w)
	gone := w.Org("Gone")
	w.NoError(w.Svc.Organizations.Delete(w.Ctx, gone.ID))
	told := func(s *tenancy.Service, user tenancy.UserID, org tenancy.OrganizationID) tenancy.Reason {
		e, err := s.Explain(w.Ctx, user, org, servicetest.ReadDocs)
		w.NoError(err)
		return e.Reason
	}
	stranger := h.people["stranger"].ID
	for _, org := range []tenancy.OrganizationID{h.at.org, h.at.stored, gone.ID} {
		w.Equal(tenancy.ReasonNotAMember, told(h.as("stranger"), stranger, org))
	}
	for _, user := range []tenancy.UserID{h.at.outsider, h.people["pending"].ID, w.Config.NewID()} {
		w.Equal(tenancy.ReasonNotAMember, told(h.as("admin"), user, h.at.org))
	}
	w.Equal(tenancy.ReasonMembershipPending, told(h.as("pending"), h.people["pending"].ID, h.at.org))
	w.Equal(tenancy.ReasonMembershipPending, told(w.Svc, h.people["pending"].ID, h.at.org))
	w.Equal(tenancy.ReasonNoOrganization, told(w.Svc, stranger, gone.ID))
}

func deleteDeclared(w *world) {
	w.Svc = w.Another(func(c *tenancy.Config) { c.DeleteLimit = 1 })
	h := newHouse(w)
	for _, local := range []string{"admin", "member"} {
		_, err := w.Svc.Memberships.SetRoles(w.Ctx, h.at.org, h.people[local].ID, servicetest.Clerk)
		w.NoError(err)
	}
	w.refuses(tenancy.ErrTooLarge, "", func() error {
		return w.Svc.Roles.Delete(w.Ctx, tenancy.OrganizationID{}, servicetest.Clerk, servicetest.Auditor)
	})
	for _, local := range []string{"stranger", "owner"} {
		w.refuses(tenancy.ErrForbidden, "", func() error {
			return h.as(local).Roles.Delete(w.Ctx, tenancy.OrganizationID{}, servicetest.Clerk, servicetest.Auditor)
		})
	}
}

func clearedDefaults(w *world) {
	h := newHouse(w)
	w.Role(h.at.org, "org-setter", "", rbac.UpdateOrganization)
	_, err := w.Svc.Memberships.SetRoles(w.Ctx, h.at.org, h.people["member"].ID, "org-setter")
	w.NoError(err)
	w.NoError(w.Svc.Declare(w.Ctx, 2, tenancy.Schema{Roles: []tenancy.RoleSpec{{Slug: rbac.Member, Grants: []rbac.Grant{servicetest.WriteDocs}}}}))
	set := func(s *tenancy.Service, in tenancy.OrganizationUpdate) error {
		_, err := s.Organizations.Update(w.Ctx, h.at.org, in)
		return err
	}
	w.NoError(set(w.Svc, tenancy.OrganizationUpdate{DefaultRole: servicetest.Ptr(rbac.Guest), CreatorRole: servicetest.Ptr(rbac.Guest)}))
	for _, in := range []tenancy.OrganizationUpdate{
		{DefaultRole: servicetest.Ptr(rbac.Member)}, {DefaultRole: servicetest.Ptr("")}, {CreatorRole: servicetest.Ptr("")},
	} {
		w.refuses(tenancy.ErrForbidden, "roles", func() error { return set(h.as("member"), in) })
	}
	w.NoError(set(h.as("owner"), tenancy.OrganizationUpdate{DefaultRole: servicetest.Ptr(""), CreatorRole: servicetest.Ptr("")}))
}

// counting is a store that counts its transactions.
type counting struct {
	store.Store
	views, updates atomic.Int64
}

func (c *counting) View(ctx context.Context, fn func(store.Rows) error) error {
	c.views.Add(1)
	return c.Store.View(ctx, fn)
}

func (c *counting) Update(ctx context.Context, fn func(store.Rows) error) error {
	c.updates.Add(1)
	return c.Store.Update(ctx, fn)
}

func (w *world) counted() *counting {
	store := &counting{Store: w.Store}
	w.Svc = w.Another(func(c *tenancy.Config) { c.Store = store })
	return store
}

func slugTiming(w *world) {
	h := newHouse(w)
	store := w.counted()
	svc := w.Svc.As(tenancy.UserPrincipal(h.people["stranger"].ID))
	costs := func(slug string) int64 {
		before := store.updates.Load()
		_, err := svc.Organizations.GetBySlug(w.Ctx, slug)
		w.Equal(tenancy.ErrNotFound, tenancy.CodeOf(err))
		return store.updates.Load() - before
	}
	costs("warm-up")
	w.Equal(costs("free"), costs(h.acme.Slug))
}

func transferTells(w *world) {
	h := newHouse(w)
	hand := func(s *tenancy.Service, from, to tenancy.UserID) error {
		return s.Memberships.TransferOwnership(w.Ctx, h.at.org, from, to, "")
	}
	pending := h.people["pending"].ID
	w.refuses(tenancy.ErrNotFound, "", func() error { return hand(h.as("owner"), h.at.owner, pending) })
	w.refuses(tenancy.ErrPendingMembership, "", func() error { return hand(w.Svc, h.at.owner, pending) })
	w.Role(h.at.org, "org-heir", "", rbac.TransferOwnership)
	member := h.people["member"].ID
	_, err := w.Svc.Memberships.SetRoles(w.Ctx, h.at.org, member, "org-heir")
	w.NoError(err)
	for _, to := range []tenancy.UserID{pending, h.at.outsider, h.at.resting, h.at.member} {
		w.refuses(tenancy.ErrForbidden, "from", func() error { return hand(h.as("member"), member, to) })
	}
}

func leavingInactive(w *world) {
	h := newHouse(w)
	leave := func(s *tenancy.Service) error { return s.Memberships.Leave(w.Ctx, h.at.org, h.at.resting) }
	w.refuses(tenancy.ErrMembershipInactive, "", func() error { return leave(h.as("resting")) })
	w.NoError(leave(w.Svc))
}

func lastSignInHidden(w *world) {
	h := newHouse(w)
	member := h.people["member"].ID
	w.NoError(w.Svc.Users.RecordSignIn(w.Ctx, member, h.at.org))
	seen, err := w.Svc.Users.Get(w.Ctx, member)
	w.NoError(err)
	w.Equal(w.Clock.At, seen.LastSignInAt)
	seen, err = h.as("member").Users.Get(w.Ctx, member)
	w.NoError(err)
	w.Zero(seen.LastSignInAt)
	seen, err = h.as("member").Users.Update(w.Ctx, member, tenancy.UserUpdate{GivenName: servicetest.Ptr("M")})
	w.NoError(err)
	w.Zero(seen.LastSignInAt)
}

func actorNamed(w *world) {
	id := w.User("ada").ID
	w.Equal(tenancy.Actor{Kind: tenancy.ActorHost}, w.Svc.Actor())
	w.Equal(tenancy.Actor{Kind: tenancy.ActorUser, ID: id.String()}, w.Svc.As(tenancy.UserPrincipal(id)).Actor())
	nobody := w.Svc.As(tenancy.Principal{})
	_, err := nobody.Permissions.List(w.Ctx) // what anyone may
	w.Failed(err, tenancy.ErrForbidden, "")
}

func denialActors(w *world) {
	h := newHouse(w)
	guest := tenancy.UserPrincipal(h.people["guest"].ID)
	actor := tenancy.Actor{Kind: tenancy.ActorUser, ID: h.people["guest"].ID.String()}
	w.NoError(w.Svc.Transact(w.Ctx, func(ctx context.Context, tx *tenancy.Service) error {
		w.Error(tx.As(guest).Memberships.Remove(ctx, h.at.org, h.at.member))
		return nil
	}))
	w.Len(h.denials(tenancy.DenialQuery{Actor: actor, Method: "Memberships.Remove"}), 1)
	w.Svc = w.Another(func(c *tenancy.Config) {
		c.OnJoin = func(ctx context.Context, tx *tenancy.Service, _ tenancy.Join) error {
			_, err := tx.As(guest).Organizations.Update(ctx, h.at.org, tenancy.OrganizationUpdate{})
			w.Error(err)
			return nil
		}
	})
	w.Add(h.acme, w.User("new"))
	w.Len(h.denials(tenancy.DenialQuery{Actor: actor, Method: "Organizations.Update"}), 1)
	for _, call := range []func(*tenancy.Service) error{
		func(s *tenancy.Service) error { return s.Run(w.Ctx) },
		func(s *tenancy.Service) error { return s.Import(w.Ctx, nil) },
	} {
		w.Clock.Advance(time.Second)
		w.Failed(call(w.Svc.As(guest)), tenancy.ErrForbidden, "")
	}
	w.Len(h.denials(tenancy.DenialQuery{Actor: actor}), 4)
}

func denialBurst(w *world) {
	h := newHouse(w)
	w.Clock.At = w.Clock.At.Truncate(time.Minute)
	store := w.counted()
	guest := w.Svc.As(tenancy.UserPrincipal(h.people["guest"].ID))
	for i := range 40 {
		made := tenancy.OrganizationID{1, 15: byte(i + 1)}
		for range 2 {
			_, err := guest.Organizations.Get(w.Ctx, made)
			w.Error(err)
		}
		w.Clock.Advance(time.Second)
	}
	w.Clock.Advance(time.Minute)
	before := store.updates.Load()
	_, err := guest.Organizations.Get(w.Ctx, tenancy.OrganizationID{2})
	w.Error(err)
	w.Equal(int64(1), store.updates.Load()-before) // the minute that is over
	rows := h.denials(tenancy.DenialQuery{Limit: 1000})
	w.Len(rows, 1) // ids that do not exist share it
	w.Zero(rows[0].OrganizationID)
	total := 0
	for _, d := range rows {
		total += d.Count
	}
	w.Equal(2*40, total)
}

func denialPatient(w *world) {
	h := newHouse(w)
	writing, done := make(chan struct{}), make(chan struct{})
	ended := make(chan error)
	go func() {
		ended <- w.Svc.Import(w.Ctx, func(context.Context, *tenancy.Service) error {
			close(writing)
			<-done
			return nil
		})
	}()
	<-writing
	h.refused("stranger", 1, func(s *tenancy.Service) error { // ends, though the writer does not
		_, err := s.Organizations.Get(w.Ctx, h.at.org)
		return err
	})
	close(done)
	w.NoError(<-ended)
}

func prunedDenials(w *world) {
	h := newHouse(w)
	h.refused("guest", 1, h.removing)
	w.Clock.Advance(time.Hour)
	h.refused("guest", 1, h.removing)
	_, err := w.Svc.Events.Prune(w.Ctx, w.Clock.At.Add(-time.Minute))
	w.NoError(err)
	left := h.denials(tenancy.DenialQuery{})
	w.Len(left, 1)
	w.Equal(w.Clock.At.Truncate(time.Minute), left[0].Minute)
}

func checkDenied(w *world) {
	h := newHouse(w)
	guest := h.people["guest"].ID
	check := func(s *tenancy.Service, org tenancy.OrganizationID) error {
		return s.Check(w.Ctx, guest, org, servicetest.WriteDocs)
	}
	w.Failed(check(h.as("guest"), h.at.org), tenancy.ErrForbidden, "")
	w.Failed(check(h.as("guest"), h.beta.ID), tenancy.ErrNotFound, "")
	w.Failed(check(w.Svc, h.at.org), tenancy.ErrForbidden, "") // the host's own question
	w.Len(h.denials(tenancy.DenialQuery{Method: "Check"}), 1)
	h.later()
	w.Len(h.denials(tenancy.DenialQuery{Method: "Check"}), 2)
}
