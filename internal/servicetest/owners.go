package servicetest

import (
	"time"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

func ownerRules() []rule {
	return []rule{
		{"M7 the last owner, by every way out", on(lastOwner)},
		{"M7 an organization without an owner stays free of the rule", on(ownerless)},
		{"M8 transfer ownership", on(transfer)},
		{"M8 who may not", on(transferRefused)},
	}
}

// lastOwner: every way by which an owner stops being one.
func lastOwner(w *world) {
	s := w.svc
	ways := map[string]func(org tenancy.OrganizationID, owner, other tenancy.UserID) error{
		"SetRoles": func(org tenancy.OrganizationID, owner, _ tenancy.UserID) error {
			_, err := s.Memberships.SetRoles(w.ctx, org, owner, rbac.Admin)
			return err
		},
		"Deactivate": func(org tenancy.OrganizationID, owner, _ tenancy.UserID) error {
			_, err := s.Memberships.Deactivate(w.ctx, org, owner)
			return err
		},
		"Remove": func(org tenancy.OrganizationID, owner, _ tenancy.UserID) error {
			return s.Memberships.Remove(w.ctx, org, owner)
		},
		"Leave": func(org tenancy.OrganizationID, owner, _ tenancy.UserID) error {
			return s.Memberships.Leave(w.ctx, org, owner)
		},
		"Users.Delete": func(_ tenancy.OrganizationID, owner, _ tenancy.UserID) error {
			return s.Users.Delete(w.ctx, owner)
		},
		"Users.Erase": func(_ tenancy.OrganizationID, owner, _ tenancy.UserID) error { return s.Users.Erase(w.ctx, owner) },
		"Users.Merge": func(_ tenancy.OrganizationID, owner, other tenancy.UserID) error {
			_, err := s.Users.Merge(w.ctx, owner, other) // into an inactive member
			return err
		},
	}
	for name, leave := range ways {
		w.each(name, func(w *world) {
			ada, bob, eve, idle := w.user("ada"), w.user("bob"), w.user("eve"), w.user("idle")
			acme := w.owned("Acme", ada)
			w.add(acme, bob)
			w.add(acme, eve, rbac.Owner)
			w.add(acme, idle)
			w.deactivate(acme, idle)
			w.deactivate(acme, eve) // an owner who is inactive is none
			w.pend(acme, w.user("pending"))
			e := w.refuses(tenancy.ErrLastOwner, "", func() error { return leave(acme.ID, ada.ID, idle.ID) })
			w.Equal([]string{acme.ID.String()}, e.IDs)
			w.add(acme, eve)
			w.NoError(leave(acme.ID, ada.ID, idle.ID))
			w.Equal([]tenancy.UserID{eve.ID}, w.owners(acme))
			w.NoError(w.svc.Organizations.Delete(w.ctx, acme.ID))
			for _, local := range []string{"ada", "bob", "eve", "idle", "pending"} {
				if user, err := s.Users.GetByEmail(w.ctx, local+"@acme.example"); err == nil {
					w.NoError(s.Users.Delete(w.ctx, user.ID))
				}
			}
		})
	}
}

func ownerless(w *world) {
	acme, ada := w.org("Acme"), w.user("ada")
	w.add(acme, ada, rbac.Admin)
	w.deactivate(acme, ada)
	_, err := w.svc.Memberships.SetRoles(w.ctx, acme.ID, ada.ID, rbac.Owner)
	w.NoError(err) // inactive: still no owner
	w.Empty(w.owners(acme))
	_, err = w.svc.Memberships.SetRoles(w.ctx, acme.ID, ada.ID, rbac.Guest)
	w.NoError(err)
	w.NoError(w.svc.Memberships.Remove(w.ctx, acme.ID, ada.ID))

	// Two sources of one ownership are one owner.
	bob := w.user("bob")
	other := w.owned("Other", bob)
	w.assign(w.member(other, bob), rbac.Owner, "directory", "group-1")
	w.refuses(tenancy.ErrLastOwner, "", func() error { return w.svc.Memberships.Leave(w.ctx, other.ID, bob.ID) })
	_, err = w.svc.Memberships.SetRoles(w.ctx, other.ID, bob.ID, rbac.Member)
	w.NoError(err) // the directory's stays
	w.Equal([]tenancy.UserID{bob.ID}, w.owners(other))
}

func transfer(w *world) {
	for _, c := range []struct {
		name       string
		also       []string // other roles of from
		defaults   string   // of the organization
		keep       string
		from, into []string // roles afterwards
	}{
		{"the application's default is left", nil, "", "", []string{rbac.Member}, []string{rbac.Owner, rbac.Member}},
		{"the organization's default is left", nil, rbac.Guest, "", []string{rbac.Guest}, []string{rbac.Owner, rbac.Member}},
		{"keep is left", nil, rbac.Guest, rbac.Admin, []string{rbac.Admin}, []string{rbac.Owner, rbac.Member}},
		{"other roles are left", []string{rbac.Guest}, "", rbac.Admin, []string{rbac.Guest}, []string{rbac.Owner, rbac.Member}},
	} {
		w.each(c.name, func(w *world) {
			acme := w.newOrg(tenancy.NewOrganization{DisplayName: "Acme", Settings: tenancy.Settings{DefaultRole: c.defaults}})
			ada, bob := w.user("ada"), w.user("bob")
			before := w.add(acme, ada, append([]string{rbac.Owner}, c.also...)...)
			w.add(acme, bob, rbac.Member)
			w.assign(before, rbac.Owner, "directory", "group-1") // goes as well, whatever its source
			w.clock.advance(time.Second)
			got := w.emits(func() error { return w.svc.Memberships.TransferOwnership(w.ctx, acme.ID, ada.ID, bob.ID, c.keep) },
				some(tenancy.EventMembershipRolesChanged), some(tenancy.EventMembershipRolesChanged), event{
					kind: tenancy.EventOwnershipTransferred, org: acme.ID, user: bob.ID, subject: acme.ID.String(),
					data: map[string]string{"from": ada.ID.String(), "to": bob.ID.String()},
				})
			from, to := w.member(acme, ada), w.member(acme, bob)
			w.tells(got[0], about(tenancy.EventMembershipRolesChanged, from).was(w.json(map[string][]string{"roles": before.Roles})))
			w.tells(got[1], about(tenancy.EventMembershipRolesChanged, to).was(`{"roles":["member"]}`))
			w.Equal(c.from, from.Roles)
			w.Equal(c.into, to.Roles)
			w.Equal(tenancy.RoleManual, to.Assignments[len(to.Assignments)-1].Source)
			w.Equal([]tenancy.UserID{bob.ID}, w.owners(acme))
			w.consistent()
			w.NoError(w.svc.Organizations.Delete(w.ctx, acme.ID))
			w.NoError(w.svc.Users.Delete(w.ctx, ada.ID))
			w.NoError(w.svc.Users.Delete(w.ctx, bob.ID))
		})
	}
}

func transferRefused(w *world) {
	ada, bob, idle, barred, pending, member := w.user("ada"), w.user("bob"), w.user("idle"), w.user("barred"), w.user("pending"), w.user("member")
	acme := w.owned("Acme", ada)
	w.add(acme, idle)
	w.deactivate(acme, idle)
	w.add(acme, barred)
	_, err := w.svc.Users.Suspend(w.ctx, barred.ID)
	w.NoError(err)
	w.pend(acme, pending)
	w.add(acme, member)
	for name, c := range map[string]struct {
		from, to tenancy.User
		code     tenancy.Code
		field    string
	}{
		"to oneself":         {ada, ada, tenancy.ErrInvalid, "to"},
		"to an outsider":     {ada, bob, tenancy.ErrNotFound, ""},
		"to an inactive one": {ada, idle, tenancy.ErrMembershipInactive, ""},
		"to a pending one":   {ada, pending, tenancy.ErrPendingMembership, ""},
		"to a suspended one": {ada, barred, tenancy.ErrInvalid, "to"},
		"from a member":      {member, ada, tenancy.ErrInvalid, "from"},
		"from an outsider":   {bob, member, tenancy.ErrNotFound, ""},
		"from a pending one": {pending, member, tenancy.ErrInvalid, "from"},
	} {
		w.each(name, func(w *world) {
			w.refuses(c.code, c.field, func() error {
				return w.svc.Memberships.TransferOwnership(w.ctx, acme.ID, c.from.ID, c.to.ID, "")
			})
		})
	}
	// To an owner, of whom there are two then: from goes, to stays.
	w.add(acme, bob, rbac.Owner)
	w.emits(func() error { return w.svc.Memberships.TransferOwnership(w.ctx, acme.ID, ada.ID, bob.ID, "") },
		some(tenancy.EventMembershipRolesChanged), some(tenancy.EventOwnershipTransferred))
	w.Equal([]tenancy.UserID{bob.ID}, w.owners(acme))
}
