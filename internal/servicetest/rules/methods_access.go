package rules

import (
	"context"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

func roleMethods() map[string]method {
	return map[string]method{
		"Get": reads(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Roles.Get(ctx, c.org, rbac.Admin)
			return err
		}, noOrg()),
		"List": reads(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Roles.List(ctx, c.org)
			return err
		}, noOrg()),
		"Effective": reads(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Roles.Effective(ctx, c.org, rbac.Admin)
			return err
		}, noOrg()),
		"Holders": reads(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Roles.Holders(ctx, c.org, rbac.Admin, tenancy.MemberQuery{})
			return err
		}, noOrg()),
		"Create": writes(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Roles.Create(ctx, c.org, tenancy.NewRole{Slug: "org-new", Grants: []rbac.Grant{"documents:read"}})
			return err
		}, noOrg()),
		"Update": writes(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Roles.Update(ctx, c.org, servicetest.Editor, tenancy.RoleUpdate{Name: servicetest.Ptr("Writer")})
			return err
		}, noOrg()),
		"Reorder": writes(func(ctx context.Context, s *tenancy.Service, c cast) error {
			return s.Roles.Reorder(ctx, c.org, servicetest.Helper, servicetest.Editor)
		}, noOrg()),
		"Delete": writes(func(ctx context.Context, s *tenancy.Service, c cast) error {
			return s.Roles.Delete(ctx, c.org, servicetest.Editor, servicetest.Helper)
		}, map[string]func(*cast){"unknown organization": func(c *cast) { c.org = servicetest.Nowhere }}),
	}
}

func permissionMethods() map[string]method {
	return map[string]method{
		"Delete": writes(func(ctx context.Context, s *tenancy.Service, _ cast) error {
			return s.Permissions.Delete(ctx, servicetest.WriteDocs)
		}),
		"List": reads(func(ctx context.Context, s *tenancy.Service, _ cast) error {
			_, err := s.Permissions.List(ctx)
			return err
		}),
		"Of": reads(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Permissions.Of(ctx, c.member, c.org)
			return err
		}),
	}
}

func denialMethod() method {
	return reads(func(ctx context.Context, s *tenancy.Service, c cast) error {
		_, err := s.Events.Denials(ctx, tenancy.DenialQuery{OrganizationID: c.org})
		return err
	})
}
