package rules

import (
	"context"
	"time"

	"github.com/freehold-dev/freehold/internal/servicetest"
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
	d.T.Helper()
	ada, bob = d.User("ada"), d.User("bob")
	org = d.Owned("Gamma", ada)
	d.Add(org, bob, rbac.Owner)
	d.demand(org, tenancy.PolicyUpdate{
		Organization: &tenancy.OrganizationPolicy{SecondFactor: true}, BindsOwners: servicetest.Ptr(true), Exempt: &[]tenancy.UserID{ada.ID},
	})
	return org, ada, bob
}

func lastWayIn(d *door) {
	org, ada, bob := d.bound()
	by := d.Svc.As(tenancy.UserPrincipal(ada.ID))
	ways := map[string]func() error{
		"leave":  func() error { return by.Memberships.Leave(d.Ctx, org.ID, ada.ID) },
		"remove": func() error { return by.Memberships.Remove(d.Ctx, org.ID, ada.ID) },
		"deactivate": func() error {
			_, err := by.Memberships.Deactivate(d.Ctx, org.ID, ada.ID)
			return err
		},
		"roles": func() error {
			_, err := by.Memberships.SetRoles(d.Ctx, org.ID, ada.ID, rbac.Admin)
			return err
		},
		"transfer": func() error { return by.Memberships.TransferOwnership(d.Ctx, org.ID, ada.ID, bob.ID, rbac.Admin) },
	}
	for name, way := range ways {
		d.each(name, func(w *world) { w.refuses(tenancy.ErrWouldLockOut, "", way) })
	}
	s, err := d.Svc.Sessions.Start(d.Ctx, tenancy.NewSession{
		UserID: bob.ID, OrganizationID: org.ID, Method: tenancy.MethodPassword, SecondFactor: true,
	})
	d.NoError(err)
	d.lives(s.Token)
	d.NoError(ways["leave"]())
}

func limitedOwners(w *world) {
	ada, eve := w.User("ada"), w.User("eve")
	org := w.Owned("Acme", ada)
	w.Add(org, eve, rbac.Admin)
	limit := func() error {
		_, err := w.Svc.As(tenancy.UserPrincipal(eve.ID)).Organizations.Update(w.Ctx, org.ID, tenancy.OrganizationUpdate{SessionIdle: servicetest.Ptr(time.Minute)})
		return err
	}
	w.demand(org, tenancy.PolicyUpdate{BindsOwners: servicetest.Ptr(true)})
	w.refuses(tenancy.ErrForbidden, "binds_owners", limit)
	w.demand(org, tenancy.PolicyUpdate{BindsOwners: servicetest.Ptr(false)})
	w.NoError(limit())
}

func renamedConnection(d *door) {
	manager := d.User("manager")
	org, _, _ := d.bound()
	d.Add(org, manager, rbac.Admin)
	c := d.Connect(org, "Okta")
	d.demand(org, tenancy.PolicyUpdate{Exempt: &[]tenancy.UserID{}}) // no owner could sign in
	_, err := d.Svc.As(tenancy.UserPrincipal(manager.ID)).Connections.Update(d.Ctx, org.ID, c.ID, tenancy.ConnectionUpdate{Name: servicetest.Ptr("Entra")})
	d.NoError(err)
}

func parkedSession(w *world) {
	ada := w.User("ada")
	acme, beta := w.Owned("Acme", ada), w.Owned("Beta", ada)
	parked := w.Session(ada, servicetest.NowhereYet)
	_, err := w.change(parked.Token, acme.ID)
	w.NoError(err)
	_, err = w.change(parked.Token, servicetest.NowhereYet)
	w.NoError(err)
	w.Clock.Advance(time.Second)
	w.NoError(w.Svc.Sessions.RevokeByOrganization(w.Ctx, acme.ID))
	w.Clock.Advance(time.Second)
	w.unchanged(func() {
		_, err = w.change(parked.Token, acme.ID)
		w.Failed(err, tenancy.ErrSignInRefused, "")
	})
	fresh := w.Session(ada, servicetest.NowhereYet)
	_, err = w.change(fresh.Token, acme.ID)
	w.NoError(err)

	w.lasting(beta, time.Hour, 0)
	idle, used := w.Session(ada, servicetest.NowhereYet), w.Session(ada, servicetest.NowhereYet)
	w.Clock.Advance(time.Hour)
	w.lives(used.Token)
	w.Clock.Advance(2 * time.Minute)
	w.unchanged(func() {
		_, err = w.change(idle.Token, beta.ID)
		w.Failed(err, tenancy.ErrSignInRefused, "")
	})
	_, err = w.change(used.Token, beta.ID)
	w.NoError(err)
}

func madeUpSession(w *world) {
	ada, eve := w.User("ada"), w.User("eve")
	acme, beta := w.Owned("Acme", ada), w.Owned("Beta", eve)
	own := w.Session(eve, beta.ID).Session
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
				_, err := w.Svc.As(tenancy.SessionPrincipal(made)).Organizations.Get(w.Ctx, made.OrganizationID)
				w.Failed(err, tenancy.ErrSessionEnded, "token")
			})
		})
	}
}

func resolveTells(d *door) {
	box := d.mailbox()
	d.Session(d.person("ann"), servicetest.NowhereYet)
	d.resolves(google("g-1", "ann@mail.example", true))
	d.True(len(box.sent) == 1 && box.sent[0].Kind == tenancy.MessageIdentityLinked)
}

func inactiveTold(d *door) {
	d.joining(tenancy.JoiningAuto, "")
	bob := d.enters(servicetest.ByMail("bob@acme.example")).User
	d.Deactivate(d.acme, bob)
	got := d.enters(servicetest.ByMail("bob@acme.example"))
	d.True(got.JoinRefused != nil && got.JoinRefused.Code == tenancy.ErrMembershipInactive)
}

func suspendedTold(d *door) {
	d.joining(tenancy.JoiningAuto, "")
	d.suspend(d.acme)
	got := d.enters(servicetest.ByMail("new@acme.example"))
	d.True(got.JoinRefused != nil && got.JoinRefused.Code == tenancy.ErrOrganizationClosed)
}

func choresGuarded(d *door) {
	guarded, cancel := context.WithTimeout(tenancy.Guarded(d.Ctx), 50*time.Millisecond)
	defer cancel()
	_, recheck := d.Svc.Domains.Recheck(guarded)
	run := d.Svc.Run(guarded)
	d.True(tenancy.CodeOf(recheck) == tenancy.ErrUnboundInRequest && tenancy.CodeOf(run) == tenancy.ErrUnboundInRequest)
}
