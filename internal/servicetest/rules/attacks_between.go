package rules

import (
	"context"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/tenancy"
)

// betweenAttacks come between the transactions of a call that goes in steps.
func betweenAttacks() []rule {
	return []rule{
		{"G18 P9 attack: people sign in through a connection while it is deleted in steps", atDoor(cameBetween)},
		{"G18 P3 a connection that a policy requires meanwhile is deleted no further", atDoor(requiredBetween)},
		{"G18 D5 attack: people join by a domain while it is released in steps", atDoor(joinedBetween)},
		{"G18 D8 a domain on which a policy depends meanwhile is released no further", atDoor(boundBetween)},
		{"G18 R5 attack: a role comes to people while it is replaced in steps", atDoor(gotBetween)},
		{"G18 R5 whose role extends one that goes may replace that", atDoor(extendsWhatGoes)},
		{"G18 P9 who came by a connection may delete that", atDoor(cameBySame)},
		{"G18 I4 an inviter who goes while their role is replaced has no successor", atDoor(inviterBetween)},
	}
}

// several is more than one transaction changes of a call that goes in steps.
const several = 50

// gap is a store that does something after one of its transactions.
type gap struct {
	store.Store
	after, updates int
	then           func()
}

func (s *gap) Update(ctx context.Context, fn func(store.Rows) error) error {
	err := s.Store.Update(ctx, fn)
	if s.updates++; err == nil && s.updates == s.after {
		s.then()
	}
	return err
}

// between is a Service on the same rows with which something happens after its first transaction, in
// which a call that goes in steps asks and prepares.
func (w *world) between(then func()) *tenancy.Service { return w.afterSome(1, then) }

// afterSome is between for another number of transactions.
func (w *world) afterSome(n int, then func()) *tenancy.Service {
	w.T.Helper()
	happened := false
	w.T.Cleanup(func() { w.True(happened, "the call was one transaction") })
	return w.Another(func(c *tenancy.Config) {
		c.Store = &gap{Store: w.Store, after: n, then: func() { happened = true; then() }}
	})
}

func cameBetween(d *door) {
	d.admitting()
	few := d.Svc.As(tenancy.ServicePrincipal("few", d.acme.ID, rbac.WriteConnections))
	users := d.holders(several, d.acme, rbac.Guest)
	d.cameBy(d.okta, users)
	session := d.enters(servicetest.To(d.acme, servicetest.Through(d.okta, "ann", "ann@acme.example")))
	d.True(d.stands(session))
	d.given(d.acme, users[:1], rbac.Admin, tenancy.RoleSingleSignOn, d.okta.ID.String())
	d.refuses(tenancy.ErrForbidden, "roles", func() error { return few.Connections.Delete(d.Ctx, d.acme.ID, d.okta.ID) })
	svc := d.afterSome(2, func() {
		okta, err := d.Svc.Connections.Get(d.Ctx, d.acme.ID, d.okta.ID)
		d.NoError(err)
		d.Equal(tenancy.ConnectionInactive, okta.State)
		d.Equal(d.okta.SessionsEpoch+1, okta.SessionsEpoch)
		d.ended(session.Token, tenancy.ErrSessionEnded, string(tenancy.EndedConnection))
		_, err = d.Svc.SignIn(d.Ctx, servicetest.To(d.acme, servicetest.Through(okta, "bob", "bob@acme.example")))
		d.Equal(tenancy.ErrNotFound, tenancy.CodeOf(err))
		// Somebody switches it on again, and so it goes on.
		_, err = d.Svc.Connections.Update(d.Ctx, d.acme.ID, d.okta.ID, tenancy.ConnectionUpdate{State: servicetest.Ptr(tenancy.ConnectionActive)})
		d.NoError(err)
	})
	d.NoError(svc.Connections.Delete(d.Ctx, d.acme.ID, d.okta.ID))
	d.Empty(d.identitiesAt(d.okta))
	d.consistent()
}

// identitiesAt are the identities that are left at a connection.
func (w *world) identitiesAt(c tenancy.Connection) (list []tenancy.Identity) {
	for _, i := range w.Dump().Identities {
		if i.Provider == c.ID.String() {
			list = append(list, i)
		}
	}
	return list
}

func requiredBetween(d *door) {
	d.cameBy(d.okta, d.holders(several, d.acme, rbac.Guest))
	svc := d.between(func() {
		_, err := d.Svc.Connections.Update(d.Ctx, d.acme.ID, d.okta.ID, tenancy.ConnectionUpdate{State: servicetest.Ptr(tenancy.ConnectionActive)})
		d.NoError(err)
		d.demand(d.acme, tenancy.PolicyUpdate{Organization: &tenancy.OrganizationPolicy{ConnectionID: d.okta.ID, SingleSignOn: true}})
	})
	d.Failed(svc.Connections.Delete(d.Ctx, d.acme.ID, d.okta.ID), tenancy.ErrConnectionInUse, "")
	d.Len(d.identitiesAt(d.okta), several)
}

func joinedBetween(d *door) {
	d.joining(tenancy.JoiningAuto, "")
	d.given(d.acme, d.holders(several, d.acme, rbac.Guest), rbac.Admin, tenancy.RoleDomain, d.domain.ID.String())
	few := d.Svc.As(tenancy.ServicePrincipal("few", d.acme.ID, rbac.WriteDomains, rbac.WriteConnections))
	d.refuses(tenancy.ErrForbidden, "roles", func() error { return few.Domains.Release(d.Ctx, d.acme.ID, d.domain.ID) })
	svc := d.afterSome(2, func() {
		claim, err := d.Svc.Domains.Get(d.Ctx, d.acme.ID, d.domain.ID)
		d.NoError(err)
		d.Equal(tenancy.JoiningOff, claim.Joining)
		d.False(d.isMember(d.acme, d.enters(servicetest.ByMail("ann@acme.example")).User))
	})
	d.NoError(svc.Domains.Release(d.Ctx, d.acme.ID, d.domain.ID))
	d.consistent()
}

func boundBetween(d *door) {
	d.given(d.acme, d.holders(several, d.acme, rbac.Guest), rbac.Member, tenancy.RoleDomain, d.domain.ID.String())
	few := tenancy.ServicePrincipal("few", d.acme.ID, rbac.WriteDomains, rbac.WriteConnections, rbac.ReadMembers)
	svc := d.between(func() {
		d.demand(d.acme, tenancy.PolicyUpdate{Domain: &tenancy.DomainPolicy{ConnectionID: d.okta.ID}})
	})
	d.Failed(svc.As(few).Domains.Release(d.Ctx, d.acme.ID, d.domain.ID), tenancy.ErrForbidden, "domain")
	claim, err := d.Svc.Domains.Get(d.Ctx, d.acme.ID, d.domain.ID)
	d.NoError(err)
	d.Equal(tenancy.DomainVerified, claim.State)
	gave := 0
	for _, a := range d.Dump().RoleAssignments {
		if a.Source == tenancy.RoleDomain {
			gave++
		}
	}
	d.Equal(several, gave)
}

func gotBetween(d *door) {
	d.Role(d.acme.ID, "org-x", "")
	d.Role(d.acme.ID, "org-under", "org-x")
	d.holders(several, d.acme, "org-x")
	d.joining(tenancy.JoiningAuto, "org-x")
	d.Maps(d.okta, map[string]string{"staff": "org-x"})
	_, err := d.Svc.Organizations.Update(d.Ctx, d.acme.ID, tenancy.OrganizationUpdate{DefaultRole: servicetest.Ptr("org-x")})
	d.NoError(err)
	svc := d.between(func() {
		ann := d.enters(servicetest.ByMail("ann@acme.example")).User
		d.Equal([]string{rbac.Guest}, d.Member(d.acme, ann).Roles)
		bob := d.User("bob")
		d.Add(d.acme, bob)
		d.Equal([]string{rbac.Guest}, d.Member(d.acme, bob).Roles)
		under, err := d.Svc.Roles.Get(d.Ctx, d.acme.ID, "org-under")
		d.NoError(err)
		d.Equal("org-x", under.Extends) // which others have still
	})
	d.NoError(svc.Roles.Delete(d.Ctx, d.acme.ID, "org-x", rbac.Guest))
	_, err = d.Svc.Roles.Get(d.Ctx, d.acme.ID, "org-x")
	d.Equal(tenancy.ErrUnknownRole, tenancy.CodeOf(err))
	d.consistent()
}

// extendsWhatGoes: who may delete a role by one that extends it may do so to the end.
func extendsWhatGoes(d *door) {
	d.Role(d.acme.ID, "org-x", rbac.Admin)
	d.Role(d.acme.ID, "org-lead", "org-x")
	d.holders(several, d.acme, "org-x")
	ada := d.User("ada")
	d.Add(d.acme, ada, "org-lead")
	d.NoError(d.asUser(ada).Roles.Delete(d.Ctx, d.acme.ID, "org-x", rbac.Guest))
	lead, err := d.Svc.Roles.Get(d.Ctx, d.acme.ID, "org-lead")
	d.NoError(err)
	d.Equal(rbac.Guest, lead.Extends)
	d.consistent()
}

// cameBySame: who signed in by a connection may delete it to the end, with which they are signed out.
func cameBySame(d *door) {
	d.cameBy(d.okta, d.holders(several, d.acme, rbac.Guest))
	d.admitting()
	got := d.enters(servicetest.To(d.acme, servicetest.Through(d.okta, "ann", "ann@acme.example")))
	_, err := d.Svc.Memberships.SetRoles(d.Ctx, d.acme.ID, got.User.ID, rbac.Owner)
	d.NoError(err)
	d.True(d.stands(got))
	d.NoError(d.asSession(got.Session).Connections.Delete(d.Ctx, d.acme.ID, d.okta.ID))
	d.Empty(d.identitiesAt(d.okta))
	d.False(d.stands(got))
	d.consistent()
}

// inviterBetween: what they promised is void with them, and not the actor's to stand for.
func inviterBetween(d *door) {
	d.Role(d.acme.ID, "org-x", rbac.Admin)
	ada := d.User("ada")
	d.Add(d.acme, ada, "org-x")
	d.holders(several, d.acme, "org-x")
	sent := d.InviteBy(d.Svc.As(tenancy.UserPrincipal(ada.ID)), d.acme, "new@acme.example", "org-x")
	svc := d.between(func() { d.remove(d.acme, ada) })
	d.NoError(svc.As(tenancy.UserPrincipal(d.owner.ID)).Roles.Delete(d.Ctx, d.acme.ID, "org-x", rbac.Guest))
	d.Equal(ada.ID, d.invitation(sent.ID).InviterID)
	d.consistent()
}
