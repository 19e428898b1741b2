package servicetest

import (
	"context"
	"time"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

func reviewedSessionRules() []rule {
	return []rule{
		{"P3 attack: the last owner who can sign in, taken away by a membership", atDoor(lastWayIn)},
		{"P3 attack: owners who are bound, cut off by the limits of their sessions", on(limitedOwners)},
		{"P3 what changes no trust asks for no way in", atDoor(renamedConnection)},
		{"S2 attack: a session parked elsewhere while all in an organization end", on(parkedSession)},
		{"S2 attack: a session that a decoder made up", on(madeUpSession)},
		{"U11 a way of signing in that Resolve links is told to the person", atDoor(resolveTells)},
		{"P5 a domain that lets people in says why not an inactive member", atDoor(inactiveTold)},
		{"P5 a domain that lets people in says that its organization is suspended", atDoor(suspendedTold)},
		{"G13 Recheck and Run refuse a guarded context before they begin", atDoor(choresGuarded)},
	}
}

// bound is an organization whose policy wants a second factor of its owners too: ada, who is
// exempt, and bob, who has none.
func (d *door) bound() (org tenancy.Organization, ada, bob tenancy.User) {
	d.t.Helper()
	ada, bob = d.user("ada"), d.user("bob")
	org = d.owned("Gamma", ada)
	d.add(org, bob, rbac.Owner)
	d.demand(org, tenancy.PolicyUpdate{
		Organization: &tenancy.OrganizationPolicy{SecondFactor: true}, BindsOwners: ptr(true), Exempt: &[]tenancy.UserID{ada.ID},
	})
	return org, ada, bob
}

func lastWayIn(d *door) {
	org, ada, bob := d.bound()
	by := d.svc.As(tenancy.UserPrincipal(ada.ID))
	ways := map[string]func() error{
		"leave":  func() error { return by.Memberships.Leave(d.ctx, org.ID, ada.ID) },
		"remove": func() error { return by.Memberships.Remove(d.ctx, org.ID, ada.ID) },
		"deactivate": func() error {
			_, err := by.Memberships.Deactivate(d.ctx, org.ID, ada.ID)
			return err
		},
		"roles": func() error {
			_, err := by.Memberships.SetRoles(d.ctx, org.ID, ada.ID, rbac.Admin)
			return err
		},
		"transfer": func() error { return by.Memberships.TransferOwnership(d.ctx, org.ID, ada.ID, bob.ID, rbac.Admin) },
	}
	for name, way := range ways {
		d.each(name, func(w *world) { w.refuses(tenancy.ErrWouldLockOut, "", way) })
	}
	s, err := d.svc.Sessions.Start(d.ctx, tenancy.NewSession{
		UserID: bob.ID, OrganizationID: org.ID, Method: tenancy.MethodPassword, SecondFactor: true,
	})
	d.NoError(err)
	d.lives(s.Token)
	d.NoError(ways["leave"]())
}

func limitedOwners(w *world) {
	ada, eve := w.user("ada"), w.user("eve")
	org := w.owned("Acme", ada)
	w.add(org, eve, rbac.Admin)
	limit := func() error {
		_, err := w.svc.As(tenancy.UserPrincipal(eve.ID)).Organizations.Update(w.ctx, org.ID, tenancy.OrganizationUpdate{SessionIdle: ptr(time.Minute)})
		return err
	}
	w.demand(org, tenancy.PolicyUpdate{BindsOwners: ptr(true)})
	w.refuses(tenancy.ErrForbidden, "binds_owners", limit)
	w.demand(org, tenancy.PolicyUpdate{BindsOwners: ptr(false)})
	w.NoError(limit())
}

func renamedConnection(d *door) {
	manager := d.user("manager")
	org, _, _ := d.bound()
	d.add(org, manager, rbac.Admin)
	c := d.connect(org, "Okta")
	d.demand(org, tenancy.PolicyUpdate{Exempt: &[]tenancy.UserID{}}) // no owner could sign in
	_, err := d.svc.As(tenancy.UserPrincipal(manager.ID)).Connections.Update(d.ctx, org.ID, c.ID, tenancy.ConnectionUpdate{Name: ptr("Entra")})
	d.NoError(err)
}

func parkedSession(w *world) {
	ada := w.user("ada")
	acme, beta := w.owned("Acme", ada), w.owned("Beta", ada)
	first := w.session(ada, acme.ID)
	parked, err := w.change(first.Token, nowhereYet)
	w.NoError(err)
	w.clock.advance(time.Second)
	w.NoError(w.svc.Sessions.RevokeByOrganization(w.ctx, acme.ID))
	w.clock.advance(time.Second)
	w.unchanged(func() {
		_, err = w.change(parked.Token, acme.ID)
		w.failed(err, tenancy.ErrSignInRefused, "")
	})
	fresh := w.session(ada, nowhereYet)
	_, err = w.change(fresh.Token, acme.ID)
	w.NoError(err)

	w.lasting(beta, time.Hour, 0)
	idle, used := w.session(ada, nowhereYet), w.session(ada, nowhereYet)
	w.clock.advance(time.Hour)
	w.lives(used.Token)
	w.clock.advance(2 * time.Minute)
	w.unchanged(func() {
		_, err = w.change(idle.Token, beta.ID)
		w.failed(err, tenancy.ErrSignInRefused, "")
	})
	_, err = w.change(used.Token, beta.ID)
	w.NoError(err)
}

func madeUpSession(w *world) {
	ada, eve := w.user("ada"), w.user("eve")
	acme, beta := w.owned("Acme", ada), w.owned("Beta", eve)
	own := w.session(eve, beta.ID).Session
	for name, change := range map[string]func(s *tenancy.Session){
		"user":         func(s *tenancy.Session) { s.UserID = ada.ID },
		"organization": func(s *tenancy.Session) { s.OrganizationID = acme.ID },
		"confined":     func(s *tenancy.Session) { s.Confined = true },
		"version":      func(s *tenancy.Session) { s.Version++ },
	} {
		made := own
		change(&made)
		w.each(name, func(w *world) {
			w.unchanged(func() {
				_, err := w.svc.As(tenancy.SessionPrincipal(made)).Organizations.Get(w.ctx, made.OrganizationID)
				w.failed(err, tenancy.ErrSessionEnded, "token")
			})
		})
	}
}

func resolveTells(d *door) {
	box := d.mailbox()
	d.session(d.person("ann"), nowhereYet)
	d.resolves(google("g-1", "ann@mail.example", true))
	d.True(len(box.sent) == 1 && box.sent[0].Kind == tenancy.MessageIdentityLinked)
}

func inactiveTold(d *door) {
	d.joining(tenancy.JoiningAuto, "")
	bob := d.enters(byMail("bob@acme.example")).User
	d.deactivate(d.acme, bob)
	got := d.enters(byMail("bob@acme.example"))
	d.True(got.JoinRefused != nil && got.JoinRefused.Code == tenancy.ErrMembershipInactive)
}

func suspendedTold(d *door) {
	d.joining(tenancy.JoiningAuto, "")
	d.suspend(d.acme)
	got := d.enters(byMail("new@acme.example"))
	d.True(got.JoinRefused != nil && got.JoinRefused.Code == tenancy.ErrOrganizationClosed)
}

func choresGuarded(d *door) {
	guarded, cancel := context.WithTimeout(tenancy.Guarded(d.ctx), 50*time.Millisecond)
	defer cancel()
	_, recheck := d.svc.Domains.Recheck(guarded)
	run := d.svc.Run(guarded)
	d.True(tenancy.CodeOf(recheck) == tenancy.ErrUnboundInRequest && tenancy.CodeOf(run) == tenancy.ErrUnboundInRequest)
}
