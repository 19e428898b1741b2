package rules

import (
	"context"
	"errors"
	"testing"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

func vetoRules() []rule {
	return []rule{
		{"M11 OnJoin may veto every way in", over(vetoes)},
		{"M11 OnJoin works inside the transaction", over(joinWrites)},
		{"M11 OnJoin is asked once for each membership, and for nothing else", over(joinCounts)},
		{"M14 OnJoin comes after the other gates", over(joinOrder)},
		{"M9 M13 OnJoin cannot fill the seat or the person's place meanwhile", over(busyHost)},
	}
}

// errHostVeto is the host's reason.
var errHostVeto = errors.New("not on a Friday")

// joinHook is an OnJoin that can be switched, and what it was asked.
type joinHook struct {
	asked []tenancy.Join
	say   func(ctx context.Context, tx *tenancy.Service, j tenancy.Join) error
}

func (h *joinHook) on(ctx context.Context, tx *tenancy.Service, j tenancy.Join) error {
	h.asked = append(h.asked, j)
	if h.say == nil {
		return nil
	}
	return h.say(ctx, tx, j)
}

func withHook(t *testing.T, open servicetest.Opener) (*world, *joinHook) {
	h := &joinHook{}
	return newWorld(t, open, func(c *tenancy.Config) { c.OnJoin = h.on }), h
}

// waysIn are all ways into an organization that there are so far.
func waysIn(w *world, acme tenancy.Organization, ada tenancy.User) map[string]func() (tenancy.Join, error) {
	join := func(via tenancy.JoinedVia, again bool, roles ...string) tenancy.Join {
		return tenancy.Join{Organization: acme, User: ada, Via: via, Roles: roles, Reactivated: again}
	}
	inactive := func() {
		w.Add(acme, ada, rbac.Guest)
		w.Deactivate(acme, ada)
	}
	return map[string]func() (tenancy.Join, error){
		"created": func() (tenancy.Join, error) {
			id := tenancy.OrganizationID(w.Config.NewID())
			_, err := w.Svc.Organizations.Create(w.Ctx, tenancy.NewOrganization{ID: id, DisplayName: "New", Owner: ada.ID})
			j := join(tenancy.JoinedCreated, false, rbac.Owner)
			j.Organization = tenancy.Organization{ID: id}
			return j, err
		},
		"added": func() (tenancy.Join, error) {
			_, err := w.Svc.Memberships.Add(w.Ctx, servicetest.Adding(acme, ada))
			return join(tenancy.JoinedAdded, false, rbac.Member), err
		},
		"imported": func() (tenancy.Join, error) {
			in := servicetest.Adding(acme, ada, rbac.Guest, rbac.Admin)
			in.JoinedVia = tenancy.JoinedInvitation
			_, err := w.Svc.Memberships.Add(w.Ctx, in)
			return join(tenancy.JoinedInvitation, false, rbac.Admin, rbac.Guest), err
		},
		"added again": func() (tenancy.Join, error) {
			inactive()
			_, err := w.Svc.Memberships.Add(w.Ctx, servicetest.Adding(acme, ada, rbac.Admin))
			return join(tenancy.JoinedAdded, true, rbac.Admin), err
		},
		"reactivated": func() (tenancy.Join, error) {
			inactive()
			_, err := w.Svc.Memberships.Reactivate(w.Ctx, acme.ID, ada.ID)
			return join(tenancy.JoinedAdded, true, rbac.Guest), err
		},
		"merged": func() (tenancy.Join, error) {
			other := w.User("other")
			w.Add(acme, other, rbac.Admin)
			_, err := w.merge(other, ada)
			return join(tenancy.JoinedMerged, false, rbac.Admin), err
		},
	}
}

func vetoes(t *testing.T, open servicetest.Opener) {
	for _, name := range []string{"created", "added", "imported", "added again", "reactivated", "merged"} {
		t.Run(name, func(t *testing.T) {
			w, h := withHook(t, open)
			acme, ada := w.Org("Acme"), w.User("ada")
			var before servicetest.Dump
			h.say = func(_ context.Context, _ *tenancy.Service, j tenancy.Join) error {
				if j.User.ID != ada.ID || len(h.asked) == 1 && (name == "added again" || name == "reactivated") {
					return nil // the way there
				}
				before = w.Dump() // what is committed
				return errHostVeto
			}
			want, err := waysIn(w, acme, ada)[name]()
			w.Failed(err, tenancy.ErrJoinRefused, "")
			w.ErrorIs(err, errHostVeto)
			w.NotContains(err.Error(), errHostVeto.Error()) // behind Unwrap
			got := h.asked[len(h.asked)-1]
			w.Equal(want.Organization.ID, got.Organization.ID)
			got.Organization, want.Organization = tenancy.Organization{}, tenancy.Organization{}
			w.Equal(want, got)
			w.Equal(before, w.Dump())
		})
	}
}

func joinWrites(t *testing.T, open servicetest.Opener) {
	w, h := withHook(t, open)
	acme, ada := w.Org("Acme"), w.User("ada")
	var outer error
	h.say = func(ctx context.Context, tx *tenancy.Service, j tenancy.Join) error {
		_, outer = w.Svc.Users.Get(ctx, j.User.ID) // the outer Service, with the ctx of the transaction
		if _, err := tx.Organizations.Get(ctx, j.Organization.ID); err != nil {
			return err
		}
		if _, err := tx.Users.Create(ctx, tenancy.NewUser{Email: "ada@acme.example"}); !errors.Is(err, tenancy.ErrAlreadyExists) {
			return errors.New("a failing call of OnJoin's is its own affair")
		}
		_, err := tx.Organizations.Update(ctx, j.Organization.ID, tenancy.OrganizationUpdate{Metadata: tenancy.Patch{"joined": servicetest.Ptr("ada")}})
		return err
	}
	w.emits(func() error { _, err := w.Svc.Memberships.Add(w.Ctx, servicetest.Adding(acme, ada)); return err },
		some(tenancy.EventOrganizationUpdated), some(tenancy.EventMembershipCreated))
	w.Failed(outer, tenancy.ErrInTransaction, "")
	w.Equal("ada", w.getOrg(acme.ID).Metadata["joined"])

	// What it wrote goes with the rest.
	bob := w.User("bob")
	h.say = func(ctx context.Context, tx *tenancy.Service, j tenancy.Join) error {
		_, err := tx.Organizations.Update(ctx, j.Organization.ID, tenancy.OrganizationUpdate{Metadata: tenancy.Patch{"joined": servicetest.Ptr("bob")}})
		w.NoError(err)
		return errHostVeto
	}
	w.refuses(tenancy.ErrJoinRefused, "", func() error { _, err := w.Svc.Memberships.Add(w.Ctx, servicetest.Adding(acme, bob)); return err })
	// Also inside Transact, where the rest of the transaction goes on.
	w.NoError(w.Svc.Transact(w.Ctx, func(ctx context.Context, tx *tenancy.Service) error {
		_, err := tx.Users.Update(ctx, bob.ID, tenancy.UserUpdate{Phone: servicetest.Ptr("1")})
		w.NoError(err)
		_, err = tx.Memberships.Add(ctx, servicetest.Adding(acme, bob))
		w.Failed(err, tenancy.ErrJoinRefused, "")
		return nil
	}))
	w.Equal("1", w.getUser(bob.ID).Phone)
	w.Equal("ada", w.getOrg(acme.ID).Metadata["joined"])
	// A panic of the host's passes, and nothing is left.
	h.say = func(context.Context, *tenancy.Service, tenancy.Join) error { panic("host") }
	w.unchanged(func() {
		w.PanicsWithValue("host", func() { _, _ = w.Svc.Memberships.Add(w.Ctx, servicetest.Adding(acme, bob)) })
	})
}

func joinCounts(t *testing.T, open servicetest.Opener) {
	w, h := withHook(t, open)
	ada, bob := w.User("ada"), w.User("bob")
	acme := w.Owned("Acme", ada)
	w.Len(h.asked, 1)
	w.Add(acme, bob)
	w.Len(h.asked, 2)
	for _, silent := range []func() error{
		func() error { _, err := w.Svc.Memberships.Reactivate(w.Ctx, acme.ID, bob.ID); return err },
		func() error { _, err := w.Svc.Memberships.SetRoles(w.Ctx, acme.ID, bob.ID, rbac.Owner); return err },
		func() error { _, err := w.Svc.Memberships.Deactivate(w.Ctx, acme.ID, bob.ID); return err },
		func() error { _, err := w.Svc.Organizations.Archive(w.Ctx, acme.ID); return err },
		func() error { _, err := w.Svc.Organizations.Restore(w.Ctx, acme.ID); return err }, // M14: no way in
		func() error { _, err := w.merge(bob, w.User("third")); return err },               // inactive moves
	} {
		w.NoError(silent())
		w.Len(h.asked, 2)
	}
	// Two that become one: nobody comes in.
	eve, fourth := w.User("eve"), w.User("fourth")
	w.Add(acme, eve)
	w.Add(acme, fourth)
	w.Len(h.asked, 4)
	_, err := w.merge(fourth, eve)
	w.NoError(err)
	w.Len(h.asked, 4)
}

func joinOrder(t *testing.T, open servicetest.Opener) {
	w, h := withHook(t, open)
	acme := w.NewOrg(tenancy.NewOrganization{DisplayName: "Acme", Settings: tenancy.Settings{SeatLimit: 1}})
	w.Add(acme, w.User("ada"))
	bob := w.User("bob")
	asked := len(h.asked)
	w.refuses(tenancy.ErrSeatLimit, "", func() error { _, err := w.Svc.Memberships.Add(w.Ctx, servicetest.Adding(acme, bob)); return err })
	w.refuses(tenancy.ErrUnknownRole, "roles", func() error {
		_, err := w.Svc.Memberships.Add(w.Ctx, servicetest.Adding(acme, bob, "king"))
		return err
	})
	w.Len(h.asked, asked)
}

// busyHost is an OnJoin that lets somebody in itself.
func busyHost(t *testing.T, open servicetest.Opener) {
	for _, limits := range []struct {
		name   string
		single bool
		code   tenancy.Code
	}{{"seats", false, tenancy.ErrSeatLimit}, {"single organization", true, tenancy.ErrAlreadyMemberElsewhere}} {
		t.Run(limits.name, func(t *testing.T) {
			var also func(ctx context.Context, tx *tenancy.Service) error
			w := newWorld(t, open, func(c *tenancy.Config) {
				c.SingleOrganization = limits.single
				c.OnJoin = func(ctx context.Context, tx *tenancy.Service, _ tenancy.Join) error {
					if also == nil {
						return nil
					}
					once := also
					also = nil
					return once(ctx, tx)
				}
			})
			acme, ada, bob := w.Org("Acme"), w.User("ada"), w.User("bob")
			other := w.Org("Other")
			one := 1
			_, err := w.Svc.Organizations.Update(w.Ctx, acme.ID, tenancy.OrganizationUpdate{SeatLimit: &one})
			w.NoError(err)
			w.refuses(limits.code, "", func() error {
				also = func(ctx context.Context, tx *tenancy.Service) error {
					in := tenancy.NewMembership{OrganizationID: acme.ID, UserID: bob.ID}
					if limits.single {
						in = tenancy.NewMembership{OrganizationID: other.ID, UserID: ada.ID}
					}
					_, err := tx.Memberships.Add(ctx, in)
					return err
				}
				_, err := w.Svc.Memberships.Add(w.Ctx, tenancy.NewMembership{OrganizationID: acme.ID, UserID: ada.ID})
				return err
			})
		})
	}
}
