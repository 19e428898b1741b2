package main

import (
	"context"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// The permissions for documents.
const (
	readDocuments   rbac.Permission = "documents:read"
	writeDocuments  rbac.Permission = "documents:write"
	deleteDocuments rbac.Permission = "documents:delete"
)

// editor is this program's own role, in addition to owner, admin, member and guest.
const editor = "editor"

// revision is the number of this schema. Raise it with each change of declare.
const revision = 1

// declare declares the permissions and the roles at each start. Owners and administrators hold all permissions
// of this program without a declaration.
func declare(ctx context.Context, svc *tenancy.Service) error {
	return svc.Declare(ctx, revision, tenancy.Schema{
		Permissions: []tenancy.PermissionSpec{
			{Slug: readDocuments, Description: "See the organization's documents"},
			{Slug: writeDocuments, Description: "Write and change them"},
			{Slug: deleteDocuments, Description: "Delete them"},
		},
		Roles: []tenancy.RoleSpec{
			{Slug: rbac.Member, Grants: []rbac.Grant{readDocuments, rbac.ReadMembers}},
			{Slug: editor, Name: "Editor", Extends: rbac.Member, Grants: []rbac.Grant{writeDocuments}},
		},
	})
}

// seed puts two organizations into an empty database.
func (a *app) seed(ctx context.Context) error {
	users, err := a.service.Users.List(ctx, tenancy.UserQuery{Limit: 1})
	if err != nil || len(users.Items) > 0 {
		return err
	}
	err = a.service.Transact(ctx, func(ctx context.Context, tx *tenancy.Service) error {
		if err := office(ctx, tx, "Acme", "ada@acme.example", map[string]string{
			"bob@acme.example": rbac.Member, "cyd@acme.example": rbac.Admin, "eli@acme.example": editor,
		}); err != nil {
			return err
		}
		return office(ctx, tx, "Initech", "ida@initech.example", map[string]string{"joe@initech.example": rbac.Member})
	})
	if err == nil {
		a.log.Info("two organizations to play with", "sign in as", "ada@acme.example, bob@acme.example or ida@initech.example")
	}
	return err
}

// office makes an organization with an owner and members.
func office(ctx context.Context, tx *tenancy.Service, name, owner string, roles map[string]string) error {
	first, err := tx.Users.Create(ctx, tenancy.NewUser{Email: owner, EmailVerified: true})
	if err != nil {
		return err
	}
	org, err := tx.Organizations.Create(ctx, tenancy.NewOrganization{DisplayName: name, Owner: first.ID})
	if err != nil {
		return err
	}
	for email, role := range roles {
		user, err := tx.Users.Create(ctx, tenancy.NewUser{Email: email, EmailVerified: true})
		if err != nil {
			return err
		}
		_, err = tx.Memberships.Add(ctx, tenancy.NewMembership{OrganizationID: org.ID, UserID: user.ID, Roles: []string{role}})
		if err != nil {
			return err
		}
	}
	return nil
}
