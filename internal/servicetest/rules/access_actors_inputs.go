package rules

import (
	"context"
	"time"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

func boundTransact(w *world) {
	h := newHouse(w)
	w.unchanged(func() {
		err := h.as("member").Transact(w.Ctx, func(ctx context.Context, tx *tenancy.Service) error {
			w.Equal(tenancy.ErrForbidden, tenancy.CodeOf(tx.Users.Erase(ctx, h.at.member)))
			_, err := tx.Rows()
			w.Equal(tenancy.ErrForbidden, tenancy.CodeOf(err))
			_, err = tx.Memberships.SetRoles(ctx, h.at.org, h.at.member, rbac.Guest)
			w.Equal(tenancy.ErrForbidden, tenancy.CodeOf(err))
			_, err = tx.As(tenancy.UserPrincipal(h.at.owner)).Memberships.List(ctx, h.at.org, tenancy.MemberQuery{})
			w.Equal(tenancy.ErrForbidden, tenancy.CodeOf(err))
			return nil
		})
		w.NoError(err)
	})
	// The actor's own access is read in the transaction: what it did there counts.
	w.NoError(h.as("admin").Transact(w.Ctx, func(ctx context.Context, tx *tenancy.Service) error {
		_, err := tx.Memberships.SetRoles(ctx, h.at.org, h.people["admin"].ID, rbac.Guest)
		w.NoError(err)
		_, err = tx.Memberships.List(ctx, h.at.org, tenancy.MemberQuery{})
		w.Equal(tenancy.ErrForbidden, tenancy.CodeOf(err))
		return nil
	}))
}

func eventActors(w *world) {
	h := newHouse(w)
	id := h.people["admin"].ID
	for _, by := range []struct {
		svc  *tenancy.Service
		want tenancy.Actor
		name string
	}{
		{h.as("admin"), tenancy.Actor{Kind: tenancy.ActorUser, ID: id.String()}, "A"},
		{w.Svc.As(tenancy.ServicePrincipal("import", h.at.org, "*", "tenancy:*")), tenancy.Actor{Kind: tenancy.ActorService, ID: "import"}, "B"},
	} {
		last, err := w.Svc.Events.Last(w.Ctx)
		w.NoError(err)
		_, err = by.svc.Memberships.Update(w.Ctx, h.at.org, h.at.member, tenancy.MembershipUpdate{DisplayName: &by.name})
		w.NoError(err)
		w.NoError(by.svc.Transact(w.Ctx, func(ctx context.Context, tx *tenancy.Service) error {
			_, err := tx.Roles.Create(ctx, h.at.org, tenancy.NewRole{Slug: "org-by-" + by.want.ID[:3]})
			return err
		}))
		events := w.since(last)
		w.Len(events, 2)
		for _, e := range events {
			w.Equal(by.want, e.Actor)
		}
	}
}

func serviceAccounts(w *world) {
	h := newHouse(w)
	read := func(p tenancy.Principal) error {
		_, err := w.Svc.As(p).Memberships.List(w.Ctx, h.at.org, tenancy.MemberQuery{})
		return err
	}
	w.NoError(read(tenancy.ServicePrincipal("import", h.at.org, "tenancy:members:read")))
	w.NoError(read(tenancy.ServiceEverywhere("import", "tenancy:members:*")))
	w.Failed(read(tenancy.ServiceEverywhere("import", "*")), tenancy.ErrForbidden, "")
	w.Failed(read(tenancy.ServiceEverywhere("", "tenancy:*")), tenancy.ErrInvalid, "name")
	w.Failed(read(tenancy.ServicePrincipal("import", h.at.org, "*")), tenancy.ErrForbidden, "") // R1: never tenancy:
	w.Failed(read(tenancy.ServicePrincipal("import", h.at.org, "tenancy:mem*")), tenancy.ErrInvalid, "grants")
	for _, name := range []string{"", "a\nb", "\xff"} {
		w.Failed(read(tenancy.ServicePrincipal(name, h.at.org, "tenancy:*")), tenancy.ErrInvalid, "name")
	}
	w.Failed(read(tenancy.Principal{}), tenancy.ErrForbidden, "")
	// It gives no more than it has, and is no owner whatever it has (R6).
	few := w.Svc.As(tenancy.ServicePrincipal("few", h.at.org, "tenancy:members:write", "documents:read"))
	_, err := few.Memberships.SetRoles(w.Ctx, h.at.org, h.people["guest"].ID, servicetest.Helper)
	w.NoError(err)
	w.refuses(tenancy.ErrForbidden, "roles", func() error {
		_, err := few.Memberships.SetRoles(w.Ctx, h.at.org, h.people["guest"].ID, servicetest.Editor)
		return err
	})
	all := w.Svc.As(tenancy.ServicePrincipal("all", h.at.org, "*", "tenancy:*"))
	w.refuses(tenancy.ErrForbidden, "roles", func() error {
		_, err := all.Memberships.SetRoles(w.Ctx, h.at.org, h.at.member, rbac.Owner)
		return err
	})
	w.refuses(tenancy.ErrForbidden, "roles", func() error { _, err := all.Memberships.Deactivate(w.Ctx, h.at.org, h.at.owner); return err })
	// M14: into a suspended organization nobody gets but by the host.
	_, err = w.Svc.Organizations.Suspend(w.Ctx, h.at.org)
	w.NoError(err)
	w.unchanged(func() {
		_, err = all.Memberships.Reactivate(w.Ctx, h.at.org, h.at.resting)
		w.Error(err)
	})
}

func endedActor(w *world) {
	h := newHouse(w)
	admin, id := h.as("admin"), h.people["admin"].ID
	act := func() error {
		_, err := admin.Memberships.Update(w.Ctx, h.at.org, h.at.member, tenancy.MembershipUpdate{Attributes: tenancy.Patch{"n": servicetest.Ptr(w.Clock.At.String())}})
		return err
	}
	ends := map[string]struct {
		end, begin func() error
		code       tenancy.Code
	}{
		"deactivated": {
			func() error { _, err := w.Svc.Memberships.Deactivate(w.Ctx, h.at.org, id); return err },
			func() error { _, err := w.Svc.Memberships.Reactivate(w.Ctx, h.at.org, id); return err }, tenancy.ErrNotFound,
		},
		"demoted": {
			func() error { _, err := w.Svc.Memberships.SetRoles(w.Ctx, h.at.org, id, rbac.Guest); return err },
			func() error { _, err := w.Svc.Memberships.SetRoles(w.Ctx, h.at.org, id, rbac.Admin); return err }, tenancy.ErrForbidden,
		},
		"suspended": {
			func() error { _, err := w.Svc.Users.Suspend(w.Ctx, id); return err },
			func() error { _, err := w.Svc.Users.Unsuspend(w.Ctx, id); return err }, tenancy.ErrForbidden,
		},
		"removed": {
			func() error { return w.Svc.Memberships.Remove(w.Ctx, h.at.org, id) },
			func() error { w.Add(h.acme, h.people["admin"], rbac.Admin); return nil }, tenancy.ErrNotFound,
		},
	}
	for name, change := range ends {
		w.each(name, func(w *world) {
			w.Clock.Advance(1_000_000)
			w.NoError(act())
			w.NoError(change.end())
			w.refuses(change.code, "", act)
			w.NoError(change.begin())
		})
	}
}

func oneself(w *world) {
	h := newHouse(w)
	me, id := h.as("member"), h.people["member"].ID
	_, err := me.Users.Update(w.Ctx, id, tenancy.UserUpdate{DisplayName: servicetest.Ptr("Me")})
	w.NoError(err)
	linked, err := w.Svc.Identities.Link(w.Ctx, id, tenancy.NewIdentity{Provider: "github", Subject: "me"})
	w.NoError(err)
	w.NoError(me.Identities.Unlink(w.Ctx, id, linked.ID))
	page, err := me.Memberships.ListByUser(w.Ctx, id, tenancy.MemberQuery{})
	w.NoError(err)
	w.Len(page.Items, 1)
	w.NoError(me.Memberships.Leave(w.Ctx, h.at.org, id))
	org, err := me.Organizations.Create(w.Ctx, tenancy.NewOrganization{DisplayName: "Mine", Slug: "mine", Owner: id})
	w.NoError(err)
	ok, err := me.Can(w.Ctx, id, org.ID, rbac.DeleteOrganization)
	w.NoError(err)
	w.True(ok)
}

func selfServed(w *world) {
	h := newHouse(w) // Config.SelfServe is off
	w.refuses(tenancy.ErrForbidden, "", func() error {
		_, err := h.as("member").Organizations.Create(w.Ctx, tenancy.NewOrganization{DisplayName: "Mine", Owner: h.people["member"].ID})
		return err
	})
}

func otherPeople(w *world) {
	h := newHouse(w)
	admin := h.as("admin")
	_, err := admin.Users.Get(w.Ctx, h.at.member)
	w.Failed(err, tenancy.ErrForbidden, "")
	_, err = admin.Memberships.ListByUser(w.Ctx, h.at.member, tenancy.MemberQuery{})
	w.Failed(err, tenancy.ErrForbidden, "")
	page, err := admin.Memberships.List(w.Ctx, h.at.org, tenancy.MemberQuery{Statuses: []tenancy.MembershipStatus{tenancy.MembershipActive, tenancy.MembershipInactive}})
	w.NoError(err)
	w.Len(page.Items, 9)
	for _, m := range page.Items {
		w.NotEqual(h.people["outsider"].ID, m.UserID)
	}
	// M2: a pending one is there for oneself only.
	for call, do := range map[string]func() error{
		"Get":    func() error { _, err := admin.Memberships.Get(w.Ctx, h.at.org, h.people["pending"].ID); return err },
		"Remove": func() error { return admin.Memberships.Remove(w.Ctx, h.at.org, h.people["pending"].ID) },
		"SetRoles": func() error {
			_, err := admin.Memberships.SetRoles(w.Ctx, h.at.org, h.people["pending"].ID, rbac.Guest)
			return err
		},
	} {
		w.each(call, func(w *world) { w.refuses(tenancy.ErrNotFound, "", do) })
	}
	before := h.people["member"]
	w.Equal(before, w.getUser(before.ID)) // no actor of an organization's wrote a User
}

// hostInputs: A4, each with the field named and nothing changed.
func hostInputs(w *world) {
	h := newHouse(w)
	owner, id := h.as("owner"), h.at.owner
	create := func(change func(*tenancy.NewOrganization)) func() error {
		in := tenancy.NewOrganization{DisplayName: "Mine", Owner: id}
		change(&in)
		return func() error { _, err := owner.Organizations.Create(w.Ctx, in); return err }
	}
	update := func(in tenancy.OrganizationUpdate) func() error {
		return func() error { _, err := owner.Organizations.Update(w.Ctx, h.at.org, in); return err }
	}
	for name, input := range map[string]struct {
		field string
		call  func() error
	}{
		"a chosen id":      {"id", create(func(in *tenancy.NewOrganization) { in.ID = servicetest.Nowhere })},
		"another owner":    {"owner", create(func(in *tenancy.NewOrganization) { in.Owner = h.at.member })},
		"no owner":         {"owner", create(func(in *tenancy.NewOrganization) { in.Owner = tenancy.UserID{} })},
		"an external id":   {"external_id", create(func(in *tenancy.NewOrganization) { in.ExternalID = "crm-9" })},
		"a seat limit":     {"seat_limit", create(func(in *tenancy.NewOrganization) { in.Settings.SeatLimit = 5 })},
		"its external id":  {"external_id", update(tenancy.OrganizationUpdate{ExternalID: servicetest.Ptr("crm-9")})},
		"its seat limit":   {"seat_limit", update(tenancy.OrganizationUpdate{SeatLimit: servicetest.Ptr(0)})},
		"its features":     {"features", update(tenancy.OrganizationUpdate{Features: map[string]*bool{"sso": servicetest.Ptr(true)}})},
		"when it was made": {"created_at", create(func(in *tenancy.NewOrganization) { in.CreatedAt = time.Unix(1, 0) })},
		"metadata":         {"metadata", create(func(in *tenancy.NewOrganization) { in.Metadata = map[string]string{"plan": "pro"} })},
		"its metadata":     {"metadata", update(tenancy.OrganizationUpdate{Metadata: tenancy.Patch{"plan": servicetest.Ptr("pro")}})},
		"one's address true": {"email_verified", func() error {
			_, err := owner.Users.Update(w.Ctx, id, tenancy.UserUpdate{EmailVerified: servicetest.Ptr(true)})
			return err
		}},
		"one's external id": {"external_id", func() error {
			_, err := owner.Users.Update(w.Ctx, id, tenancy.UserUpdate{ExternalID: servicetest.Ptr("hr-9")})
			return err
		}},
		"pending ones": {"statuses", func() error {
			_, err := owner.Memberships.List(w.Ctx, h.at.org, tenancy.MemberQuery{Statuses: []tenancy.MembershipStatus{tenancy.MembershipPending}})
			return err
		}},
		"one's own pending ones": {"statuses", func() error {
			_, err := owner.Memberships.ListByUser(w.Ctx, id, tenancy.MemberQuery{Statuses: allStatuses()})
			return err
		}},
	} {
		w.each(name, func(w *world) { w.refuses(tenancy.ErrForbidden, input.field, input.call) })
	}
}
