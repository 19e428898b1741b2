package rules

import (
	"time"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

func ownerRules() []rule {
	return []rule{
		{"M7 the last owner, by every way out", on(lastOwner)},
		{"M7 attack: the last owner who can act leaves the organization to one who is suspended", on(lastActor)},
		{"M9 attack: a suspended user is let in", on(suspendedOut)},
		{"M7 an organization without an owner stays free of the rule", on(ownerless)},
		{"M8 transfer ownership", on(transfer)},
		{"M8 who may not", on(transferRefused)},
	}
}

// lastOwner: every way by which an owner stops being one.
func lastOwner(w *world) {
	s := w.Svc
	ways := map[string]func(org tenancy.OrganizationID, owner, other tenancy.UserID) error{
		"SetRoles": func(org tenancy.OrganizationID, owner, _ tenancy.UserID) error {
			_, err := s.Memberships.SetRoles(w.Ctx, org, owner, rbac.Admin)
			return err
		},
		"Deactivate": func(org tenancy.OrganizationID, owner, _ tenancy.UserID) error {
			_, err := s.Memberships.Deactivate(w.Ctx, org, owner)
			return err
		},
		"Remove": func(org tenancy.OrganizationID, owner, _ tenancy.UserID) error {
			return s.Memberships.Remove(w.Ctx, org, owner)
		},
		"Leave": func(org tenancy.OrganizationID, owner, _ tenancy.UserID) error {
			return s.Memberships.Leave(w.Ctx, org, owner)
		},
		"Users.Delete": func(_ tenancy.OrganizationID, owner, _ tenancy.UserID) error {
			return s.Users.Delete(w.Ctx, owner)
		},
		"Users.Erase": func(_ tenancy.OrganizationID, owner, _ tenancy.UserID) error { return s.Users.Erase(w.Ctx, owner) },
		"Users.Merge": func(_ tenancy.OrganizationID, owner, other tenancy.UserID) error {
			_, err := s.Users.Merge(w.Ctx, owner, other) // into an inactive member
			return err
		},
	}
	for name, leave := range ways {
		w.each(name, func(w *world) {
			ada, bob, eve, idle := w.User("ada"), w.User("bob"), w.User("eve"), w.User("idle")
			acme := w.Owned("Acme", ada)
			w.Add(acme, bob)
			w.Add(acme, eve, rbac.Owner)
			w.Add(acme, idle)
			w.Deactivate(acme, idle)
			w.Deactivate(acme, eve) // an owner who is inactive is none
			w.pend(acme, w.User("pending"))
			e := w.refuses(tenancy.ErrLastOwner, "", func() error { return leave(acme.ID, ada.ID, idle.ID) })
			w.Equal([]string{acme.ID.String()}, e.IDs)
			w.Add(acme, eve)
			w.NoError(leave(acme.ID, ada.ID, idle.ID))
			w.Equal([]tenancy.UserID{eve.ID}, w.owners(acme))
			w.NoError(w.Svc.Organizations.Delete(w.Ctx, acme.ID))
			for _, local := range []string{"ada", "bob", "eve", "idle", "pending"} {
				if user, err := s.Users.GetByEmail(w.Ctx, local+"@acme.example"); err == nil {
					w.NoError(s.Users.Delete(w.Ctx, user.ID))
				}
			}
		})
	}
}

func ownerless(w *world) {
	acme, ada := w.Org("Acme"), w.User("ada")
	w.Add(acme, ada, rbac.Admin)
	w.Deactivate(acme, ada)
	_, err := w.Svc.Memberships.SetRoles(w.Ctx, acme.ID, ada.ID, rbac.Owner)
	w.NoError(err) // inactive: still no owner
	w.Empty(w.owners(acme))
	_, err = w.Svc.Memberships.SetRoles(w.Ctx, acme.ID, ada.ID, rbac.Guest)
	w.NoError(err)
	w.NoError(w.Svc.Memberships.Remove(w.Ctx, acme.ID, ada.ID))

	// Two sources of one ownership are one owner.
	bob := w.User("bob")
	other := w.Owned("Other", bob)
	w.Assign(w.Member(other, bob), rbac.Owner, "directory", "group-1")
	w.refuses(tenancy.ErrLastOwner, "", func() error { return w.Svc.Memberships.Leave(w.Ctx, other.ID, bob.ID) })
	_, err = w.Svc.Memberships.SetRoles(w.Ctx, other.ID, bob.ID, rbac.Member)
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
			acme := w.NewOrg(tenancy.NewOrganization{DisplayName: "Acme", Settings: tenancy.Settings{DefaultRole: c.defaults}})
			ada, bob := w.User("ada"), w.User("bob")
			before := w.Add(acme, ada, append([]string{rbac.Owner}, c.also...)...)
			w.Add(acme, bob, rbac.Member)
			w.Assign(before, rbac.Owner, "directory", "group-1") // goes as well, whatever its source
			w.Clock.Advance(time.Second)
			got := w.emits(func() error { return w.Svc.Memberships.TransferOwnership(w.Ctx, acme.ID, ada.ID, bob.ID, c.keep) },
				some(tenancy.EventMembershipRolesChanged), some(tenancy.EventMembershipRolesChanged), event{
					kind: tenancy.EventOwnershipTransferred, org: acme.ID, user: bob.ID, subject: acme.ID.String(),
					data: map[string]string{"from": ada.ID.String(), "to": bob.ID.String()},
				})
			from, to := w.Member(acme, ada), w.Member(acme, bob)
			w.tells(got[0], about(tenancy.EventMembershipRolesChanged, from).was(w.json(map[string][]string{"roles": before.Roles})))
			w.tells(got[1], about(tenancy.EventMembershipRolesChanged, to).was(`{"roles":["member"]}`))
			w.Equal(c.from, from.Roles)
			w.Equal(c.into, to.Roles)
			w.Equal(tenancy.RoleManual, to.Assignments[len(to.Assignments)-1].Source)
			w.Equal([]tenancy.UserID{bob.ID}, w.owners(acme))
			w.consistent()
			w.NoError(w.Svc.Organizations.Delete(w.Ctx, acme.ID))
			w.NoError(w.Svc.Users.Delete(w.Ctx, ada.ID))
			w.NoError(w.Svc.Users.Delete(w.Ctx, bob.ID))
		})
	}
}

func transferRefused(w *world) {
	ada, bob, idle, barred, pending, member := w.User("ada"), w.User("bob"), w.User("idle"), w.User("barred"), w.User("pending"), w.User("member")
	acme := w.Owned("Acme", ada)
	w.Add(acme, idle)
	w.Deactivate(acme, idle)
	w.Add(acme, barred)
	_, err := w.Svc.Users.Suspend(w.Ctx, barred.ID)
	w.NoError(err)
	w.pend(acme, pending)
	w.Add(acme, member)
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
				return w.Svc.Memberships.TransferOwnership(w.Ctx, acme.ID, c.from.ID, c.to.ID, "")
			})
		})
	}
	// To an owner, of whom there are two then: from goes, to stays.
	w.Add(acme, bob, rbac.Owner)
	w.emits(func() error { return w.Svc.Memberships.TransferOwnership(w.Ctx, acme.ID, ada.ID, bob.ID, "") },
		some(tenancy.EventMembershipRolesChanged), some(tenancy.EventOwnershipTransferred))
	w.Equal([]tenancy.UserID{bob.ID}, w.owners(acme))
}

// lastActor: an owner whom the host suspended counts for nothing as another one goes.
func lastActor(w *world) {
	ada, eve := w.User("ada"), w.User("eve")
	acme := w.Owned("Acme", ada)
	w.Add(acme, eve, rbac.Owner, rbac.Guest)
	_, err := w.Svc.Users.Suspend(w.Ctx, eve.ID)
	w.NoError(err)
	members := w.Svc.As(tenancy.UserPrincipal(ada.ID)).Memberships
	for name, leave := range map[string]func() error{
		"Leave":      func() error { return members.Leave(w.Ctx, acme.ID, ada.ID) },
		"Remove":     func() error { return members.Remove(w.Ctx, acme.ID, ada.ID) },
		"Deactivate": func() error { _, err := members.Deactivate(w.Ctx, acme.ID, ada.ID); return err },
		"SetRoles":   func() error { _, err := members.SetRoles(w.Ctx, acme.ID, ada.ID, rbac.Guest); return err },
	} {
		w.each(name, func(w *world) { w.refuses(tenancy.ErrLastOwner, "", leave) })
	}
	_, err = w.Svc.Memberships.RemoveRole(w.Ctx, acme.ID, eve.ID, rbac.Owner) // she could not act
	w.NoError(err)
	_, err = w.Svc.Memberships.AddRole(w.Ctx, acme.ID, eve.ID, rbac.Owner)
	w.NoError(err)
	_, err = w.Svc.Users.Unsuspend(w.Ctx, eve.ID)
	w.NoError(err)
	w.NoError(members.Leave(w.Ctx, acme.ID, ada.ID))
	w.Equal([]tenancy.UserID{eve.ID}, w.owners(acme))
}

// suspendedOut: nobody but the host lets in whom the host suspended.
func suspendedOut(w *world) {
	acme, eve := w.Owned("Acme", w.User("ada")), w.User("eve")
	sent, err := w.Svc.Invitations.Send(w.Ctx, tenancy.NewInvitation{OrganizationID: acme.ID, Email: eve.Email})
	w.NoError(err)
	code, err := w.Svc.JoinCodes.Create(w.Ctx, tenancy.NewJoinCode{OrganizationID: acme.ID})
	w.NoError(err)
	request, err := w.Svc.JoinRequests.Create(w.Ctx, acme.ID, eve.ID, "")
	w.NoError(err)
	_, err = w.Svc.Users.Suspend(w.Ctx, eve.ID)
	w.NoError(err)
	for name, enter := range map[string]func() error{
		"Accept":  func() error { _, err := w.Svc.Invitations.Accept(w.Ctx, sent.Token.Reveal(), eve.ID); return err },
		"Use":     func() error { _, err := w.Svc.JoinCodes.Use(w.Ctx, code.Token.Reveal(), eve.ID); return err },
		"Approve": func() error { _, err := w.Svc.JoinRequests.Approve(w.Ctx, request.ID); return err },
	} {
		w.each(name, func(w *world) { w.refuses(tenancy.ErrUserSuspended, "", enter) })
	}
	_, err = w.Svc.Users.Unsuspend(w.Ctx, eve.ID)
	w.NoError(err)
	_, err = w.Svc.Invitations.Accept(w.Ctx, sent.Token.Reveal(), eve.ID)
	w.NoError(err)
}
