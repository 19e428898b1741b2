package rules

import (
	"context"
	"iter"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// drain walks a list to its end or its error.
func drain[T any](seq iter.Seq2[T, error]) error {
	for _, err := range seq {
		if err != nil {
			return err
		}
	}
	return nil
}

func userMethods() map[string]method {
	one := func(call func(tenancy.Users, context.Context, tenancy.UserID) (tenancy.User, error), which func(cast) tenancy.UserID,
	) func(context.Context, *tenancy.Service, cast) error {
		return func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := call(s.Users, ctx, which(c))
			return err
		}
	}
	member := func(c cast) tenancy.UserID { return c.member }
	all := map[string]method{
		"Get":               reads(one(tenancy.Users.Get, member), noUser()),
		"Suspend":           writes(one(tenancy.Users.Suspend, member), noUser()),
		"Unsuspend":         writes(one(tenancy.Users.Unsuspend, func(c cast) tenancy.UserID { return c.barred }), noUser()),
		"CancelEmailChange": writes(one(tenancy.Users.CancelEmailChange, member), noUser()),
		"GetByEmail": reads(func(ctx context.Context, s *tenancy.Service, _ cast) error {
			_, err := s.Users.GetByEmail(ctx, "member@acme.example")
			return err
		}),
		"GetByExternalID": reads(func(ctx context.Context, s *tenancy.Service, _ cast) error {
			_, err := s.Users.GetByExternalID(ctx, "hr-1")
			return err
		}),
		"List": reads(func(ctx context.Context, s *tenancy.Service, _ cast) error {
			_, err := s.Users.List(ctx, tenancy.UserQuery{})
			return err
		}),
		"All": reads(func(ctx context.Context, s *tenancy.Service, _ cast) error {
			return drain(s.Users.All(ctx, tenancy.UserQuery{Limit: 1}))
		}),
	}
	for name, m := range userWrites() {
		all[name] = m
	}
	return all
}

func userWrites() map[string]method {
	return map[string]method{
		"Create": writes(func(ctx context.Context, s *tenancy.Service, _ cast) error {
			_, err := s.Users.Create(ctx, tenancy.NewUser{Email: "new@acme.example"})
			return err
		}),
		"Update": writes(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Users.Update(ctx, c.member, tenancy.UserUpdate{DisplayName: servicetest.Ptr("Renamed")})
			return err
		}, noUser()),
		"RecordSignIn": writes(func(ctx context.Context, s *tenancy.Service, c cast) error {
			return s.Users.RecordSignIn(ctx, c.member, c.org)
		}, noUser(), noMember(), map[string]func(*cast){"unknown organization": func(c *cast) { c.org = servicetest.Nowhere }}),
		"Delete": writes(func(ctx context.Context, s *tenancy.Service, c cast) error {
			return s.Users.Delete(ctx, c.member)
		}, noUser()),
		"Erase": writes(func(ctx context.Context, s *tenancy.Service, c cast) error {
			return s.Users.Erase(ctx, c.member)
		}, noUser()),
		"Merge": writes(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Users.Merge(ctx, c.member, c.outsider)
			return err
		}, map[string]func(*cast){
			"unknown from": func(c *cast) { c.member = servicetest.Nobody },
			"unknown into": func(c *cast) { c.outsider = servicetest.Nobody },
		}),
		"ChangeEmail": writes(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Users.ChangeEmail(ctx, c.outsider, "elsewhere@acme.example")
			return err
		}, noUser()),
		"SendVerification": writes(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Users.SendVerification(ctx, c.unproved)
			return err
		}, noUser()),
		"ConfirmEmail": writes(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Users.ConfirmEmail(ctx, tenancy.EmailConfirmation{Token: c.token, Session: c.bearer})
			return err
		}),
	}
}

func membershipMethods() map[string]method {
	all := map[string]method{
		"Get": reads(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Memberships.Get(ctx, c.org, c.member)
			return err
		}, noOrg(), noUser(), noMember()),
		"List": reads(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Memberships.List(ctx, c.org, tenancy.MemberQuery{})
			return err
		}, noOrg()),
		"Count": reads(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Memberships.Count(ctx, c.org, tenancy.MemberQuery{})
			return err
		}, noOrg()),
		"Removed": reads(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Memberships.Removed(ctx, c.org, tenancy.RemovalQuery{})
			return err
		}, noOrg()),
		"AllRemoved": reads(func(ctx context.Context, s *tenancy.Service, c cast) error {
			return drain(s.Memberships.AllRemoved(ctx, c.org, tenancy.RemovalQuery{Limit: 1}))
		}, noOrg()),
		"All": reads(func(ctx context.Context, s *tenancy.Service, c cast) error {
			return drain(s.Memberships.All(ctx, c.org, tenancy.MemberQuery{Limit: 1}))
		}, noOrg()),
		"ListByUser": reads(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Memberships.ListByUser(ctx, c.member, tenancy.MemberQuery{})
			return err
		}, noUser()),
		"AllByUser": reads(func(ctx context.Context, s *tenancy.Service, c cast) error {
			return drain(s.Memberships.AllByUser(ctx, c.member, tenancy.MemberQuery{Limit: 1}))
		}, noUser()),
	}
	for name, m := range membershipWrites() {
		all[name] = m
	}
	return all
}

func membershipWrites() map[string]method {
	strangers := func() map[string]func(*cast) { return join([]map[string]func(*cast){noOrg(), noUser(), noMember()}) }
	return map[string]method{
		"Add": writes(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Memberships.Add(ctx, tenancy.NewMembership{OrganizationID: c.org, UserID: c.outsider})
			return err
		}, noOrg(), noUser()),
		"Update": writes(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Memberships.Update(ctx, c.org, c.member, tenancy.MembershipUpdate{DisplayName: servicetest.Ptr("Boss")})
			return err
		}, strangers()),
		"SetRoles": writes(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Memberships.SetRoles(ctx, c.org, c.member, rbac.Guest)
			return err
		}, strangers()),
		"AddRole": writes(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Memberships.AddRole(ctx, c.org, c.member, rbac.Member)
			return err
		}, strangers()),
		"RemoveRole": writes(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Memberships.RemoveRole(ctx, c.org, c.member, rbac.Guest)
			return err
		}, strangers()),
		"Deactivate": writes(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Memberships.Deactivate(ctx, c.org, c.member)
			return err
		}, strangers()),
		"Reactivate": writes(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Memberships.Reactivate(ctx, c.org, c.resting)
			return err
		}, strangers()),
		"Remove": writes(func(ctx context.Context, s *tenancy.Service, c cast) error {
			return s.Memberships.Remove(ctx, c.org, c.member)
		}, strangers()),
		"Readmit": writes(func(ctx context.Context, s *tenancy.Service, c cast) error {
			return s.Memberships.Readmit(ctx, c.org, c.gone)
		}, noOrg()),
		"Leave": writes(func(ctx context.Context, s *tenancy.Service, c cast) error {
			return s.Memberships.Leave(ctx, c.org, c.member)
		}, strangers()),
		"TransferOwnership": writes(func(ctx context.Context, s *tenancy.Service, c cast) error {
			return s.Memberships.TransferOwnership(ctx, c.org, c.owner, c.member, "")
		}, noOrg(), map[string]func(*cast){
			"from nobody":                   func(c *cast) { c.owner = servicetest.Nobody },
			"from an outsider":              func(c *cast) { c.owner = c.outsider },
			"to nobody":                     func(c *cast) { c.member = servicetest.Nobody },
			"to an outsider":                func(c *cast) { c.member = c.outsider },
			"another organization's people": func(c *cast) { c.org = c.shut },
		}),
	}
}
