package rules

import (
	"context"
	"fmt"
	"time"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// axes are what a store may have much of.
var axes = map[string]func(g *growing, n int){
	"members":                 growMembers,
	"organizations of a user": growPlaces,
	"organizations":           growOrganizations,
	"own roles":               growRoles,
	"declared permissions":    growPermissions,
	"sessions":                growSessions,
	"events":                  growEvents,
	"invitations":             growInvitations,
}

// imports runs fn for each of n, some in a transaction.
func (g *growing) imports(n int, fn func(ctx context.Context, tx *tenancy.Service, i int) error) {
	g.T.Helper()
	const each = 2000
	for from := 0; from < n; from += each {
		g.NoError(g.Svc.Import(g.Ctx, func(ctx context.Context, tx *tenancy.Service) error {
			for i := from; i < min(n, from+each); i++ {
				if err := fn(ctx, tx, i); err != nil {
					return err
				}
			}
			return nil
		}))
	}
}

func growMembers(g *growing, n int) {
	g.imports(n, func(ctx context.Context, tx *tenancy.Service, i int) error {
		user, err := tx.Users.Create(ctx, tenancy.NewUser{Email: fmt.Sprintf("m%d@acme.example", i), EmailVerified: true, DisplayName: fmt.Sprintf("Member %d", i)})
		if err != nil {
			return err
		}
		_, err = tx.Memberships.Add(ctx, tenancy.NewMembership{OrganizationID: g.at.org, UserID: user.ID, Roles: []string{rbac.Member}})
		return err
	})
}

func growPlaces(g *growing, n int) {
	g.imports(n, func(ctx context.Context, tx *tenancy.Service, i int) error {
		org, err := tx.Organizations.Create(ctx, tenancy.NewOrganization{DisplayName: fmt.Sprintf("Place %d", i), Owner: g.people["stranger"].ID})
		if err != nil {
			return err
		}
		_, err = tx.Memberships.Add(ctx, tenancy.NewMembership{OrganizationID: org.ID, UserID: g.at.member, Roles: []string{rbac.Member}})
		return err
	})
}

func growOrganizations(g *growing, n int) {
	g.imports(n, func(ctx context.Context, tx *tenancy.Service, i int) error {
		owner, err := tx.Users.Create(ctx, tenancy.NewUser{Email: fmt.Sprintf("o%d@mail.example", i), EmailVerified: true, DisplayName: fmt.Sprintf("Owner %d", i)})
		if err != nil {
			return err
		}
		org, err := tx.Organizations.Create(ctx, tenancy.NewOrganization{
			DisplayName: fmt.Sprintf("Other %d", i), Owner: owner.ID,
			Domains: []tenancy.NewDomain{{Name: fmt.Sprintf("other%d.example", i), Verified: true}},
		})
		if err != nil {
			return err
		}
		_, err = tx.Roles.Create(ctx, org.ID, tenancy.NewRole{Slug: fmt.Sprintf("org-other-%d", i), Grants: []rbac.Grant{servicetest.ReadDocs}, Extends: rbac.Member})
		return err
	})
}

func growRoles(g *growing, n int) {
	g.imports(min(n, 400), func(ctx context.Context, tx *tenancy.Service, i int) error {
		_, err := tx.Roles.Create(ctx, g.at.org, tenancy.NewRole{Slug: fmt.Sprintf("org-own-%d", i), Grants: []rbac.Grant{servicetest.ReadDocs}})
		return err
	})
}

func growPermissions(g *growing, n int) {
	declared := []tenancy.PermissionSpec{{Slug: servicetest.ReadDocs}, {Slug: servicetest.WriteDocs}, {Slug: servicetest.Billing}}
	for i := range min(n, 300) {
		declared = append(declared, tenancy.PermissionSpec{Slug: rbac.Permission(fmt.Sprintf("things%d:read", i))})
	}
	g.NoError(g.Svc.Declare(g.Ctx, 2, tenancy.Schema{Permissions: declared}))
}

func growSessions(g *growing, n int) {
	g.imports(n, func(ctx context.Context, tx *tenancy.Service, _ int) error {
		started, err := tx.Sessions.Start(ctx, tenancy.NewSession{UserID: g.at.member, OrganizationID: g.at.org, Method: "password"})
		if err != nil {
			return err
		}
		return tx.Sessions.Revoke(ctx, started.Session.ID)
	})
}

// growEvents writes at several instants: those of one transaction have the same. Most of the
// events lie before the last two, and those of other axes behind.
func growEvents(g *growing, n int) {
	const instants = 20
	for at := range instants {
		g.Clock.Advance(time.Millisecond)
		g.late = [2]time.Time{g.late[1], g.Clock.At}
		g.imports(n/instants, func(ctx context.Context, tx *tenancy.Service, i int) error {
			_, err := tx.Memberships.Update(ctx, g.at.org, g.at.member, tenancy.MembershipUpdate{Metadata: tenancy.Patch{"n": servicetest.Ptr(fmt.Sprint(at, i))}})
			return err
		})
	}
}

func growInvitations(g *growing, n int) {
	g.imports(n, func(ctx context.Context, tx *tenancy.Service, i int) error {
		sent, err := tx.Invitations.Send(ctx, tenancy.NewInvitation{OrganizationID: g.at.org, Email: fmt.Sprintf("i%d@mail.example", i)})
		if err != nil || i < 20 {
			return err
		}
		_, err = tx.Invitations.Revoke(ctx, sent.Invitation.ID)
		return err
	})
}
