package rules

import (
	"context"
	"time"

	"github.com/freehold-dev/freehold/domains"
	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

func walkService() map[string]walkCall {
	return map[string]walkCall{
		"Transact": func(ctx context.Context, s *tenancy.Service, _ *callKeys) (any, error) {
			return nil, s.Transact(ctx, nothingAtAll)
		},
		"Declare": func(ctx context.Context, s *tenancy.Service, _ *callKeys) (any, error) {
			return nil, s.Declare(ctx, 2, tenancy.Schema{Permissions: []tenancy.PermissionSpec{{Slug: "dishes:wash"}}, Roles: []tenancy.RoleSpec{{Slug: "cook"}}})
		},
		"Import": func(ctx context.Context, s *tenancy.Service, _ *callKeys) (any, error) {
			return nil, s.Import(ctx, nothingAtAll)
		},
		"Run": func(ctx context.Context, s *tenancy.Service, _ *callKeys) (any, error) { return nil, s.Run(ctx) },
		"As": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.As(tenancy.UserPrincipal(k.user())).Users.Get(ctx, k.user())
		},
		"Join": func(ctx context.Context, s *tenancy.Service, _ *callKeys) (any, error) {
			_, _, err := s.Join(ctx, servicetest.Joined{})
			return nil, err
		},
		"Rows": func(_ context.Context, s *tenancy.Service, _ *callKeys) (any, error) {
			_, err := s.Rows()
			return nil, err
		},
		"Can": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.Can(ctx, k.self, k.org(), servicetest.ReadDocs)
		},
		"Can: somebody": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.Can(ctx, k.user(), k.org(), servicetest.ReadDocs)
		},
		"Check": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return nil, s.Check(ctx, k.self, k.org(), servicetest.ReadDocs)
		},
		"Check: somebody": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return nil, s.Check(ctx, k.user(), k.org(), servicetest.ReadDocs)
		},
		"Explain": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.Explain(ctx, k.self, k.org(), servicetest.ReadDocs)
		},
		"Explain: somebody": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.Explain(ctx, k.user(), k.org(), servicetest.ReadDocs)
		},
		"MembersWith": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return paged(func(cursor string) (tenancy.Page[tenancy.Member], error) {
				return s.MembersWith(ctx, k.org(), servicetest.ReadDocs, tenancy.MemberQuery{Limit: 2, Cursor: cursor})
			})
		},
		"SignIn": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.SignIn(ctx, servicetest.ByMail(k.text("email")))
		},
		"Route": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.Route(ctx, k.text("email"), tenancy.RouteHints{OrganizationID: k.org(), ConnectionID: k.connection()})
		},
	}
}

func walkOrganizations() map[string]walkCall {
	named := func(call func(tenancy.Organizations, context.Context, tenancy.OrganizationID) (tenancy.Organization, error)) walkCall {
		return func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return call(s.Organizations, ctx, k.org())
		}
	}
	update := func(in func(k *callKeys) tenancy.OrganizationUpdate) walkCall {
		return func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.Organizations.Update(ctx, k.org(), in(k))
		}
	}
	return map[string]walkCall{
		"Organizations.Create": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.Organizations.Create(ctx, tenancy.NewOrganization{DisplayName: "New", Owner: k.self, Slug: k.text("slug")})
		},
		"Organizations.Create: for another": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.Organizations.Create(ctx, tenancy.NewOrganization{DisplayName: "New", Owner: k.user()})
		},
		"Organizations.Create: with a domain": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.Organizations.Create(ctx, tenancy.NewOrganization{
				DisplayName: "New", Owner: k.self, Domains: []tenancy.NewDomain{{Name: k.text("name")}},
			})
		},
		"Organizations.Get": named(tenancy.Organizations.Get),
		"Organizations.Seats": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.Organizations.Seats(ctx, k.org())
		},
		"Organizations.GetBySlug": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.Organizations.GetBySlug(ctx, k.text("slug"))
		},
		"Organizations.GetByFormerSlug": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.Organizations.GetByFormerSlug(ctx, k.text("former slug"))
		},
		"Organizations.ReleaseSlug": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return nil, s.Organizations.ReleaseSlug(ctx, k.text("former slug"))
		},
		"Organizations.GetByExternalID": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.Organizations.GetByExternalID(ctx, k.text("external id"))
		},
		"Organizations.Update": update(func(*callKeys) tenancy.OrganizationUpdate {
			return tenancy.OrganizationUpdate{DisplayName: servicetest.Ptr("Renamed")}
		}),
		"Organizations.Update: slug": update(func(k *callKeys) tenancy.OrganizationUpdate {
			return tenancy.OrganizationUpdate{Slug: servicetest.Ptr(k.text("slug"))}
		}),
		"Organizations.Update: former slug": update(func(k *callKeys) tenancy.OrganizationUpdate {
			return tenancy.OrganizationUpdate{Slug: servicetest.Ptr(k.text("former slug"))}
		}),
		"Organizations.Update: roles": update(func(k *callKeys) tenancy.OrganizationUpdate {
			return tenancy.OrganizationUpdate{DefaultRole: servicetest.Ptr(k.text("role")), CreatorRole: servicetest.Ptr(k.text("role"))}
		}),
		"Organizations.Update: domains": update(func(k *callKeys) tenancy.OrganizationUpdate {
			return tenancy.OrganizationUpdate{AllowedDomains: &[]string{k.text("name")}}
		}),
		"Organizations.List": func(ctx context.Context, s *tenancy.Service, _ *callKeys) (any, error) {
			return s.Organizations.List(ctx, tenancy.OrganizationQuery{})
		},
		"Organizations.Suspend": named(tenancy.Organizations.Suspend),
		"Organizations.Resume":  named(tenancy.Organizations.Resume),
		"Organizations.Archive": named(tenancy.Organizations.Archive),
		"Organizations.Restore": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.Organizations.Restore(ctx, k.org())
		},
		"Organizations.Delete": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return nil, s.Organizations.Delete(ctx, k.org())
		},
		"Organizations.Purge": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.Organizations.Purge(ctx, k.org(), 1)
		},
	}
}

func walkRoles() map[string]walkCall {
	return map[string]walkCall{
		"Roles.Get": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.Roles.Get(ctx, k.org(), k.text("role"))
		},
		"Roles.Effective": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.Roles.Effective(ctx, k.org(), k.text("role"))
		},
		"Roles.Holders": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.Roles.Holders(ctx, k.org(), k.text("role"), tenancy.MemberQuery{})
		},
		"Roles.List": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.Roles.List(ctx, k.org())
		},
		"Roles.Create": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.Roles.Create(ctx, k.org(), tenancy.NewRole{Slug: k.text("role")})
		},
		"Roles.Create: extending": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.Roles.Create(ctx, k.org(), tenancy.NewRole{Slug: "org-new", Extends: k.text("role")})
		},
		"Roles.Update": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.Roles.Update(ctx, k.org(), k.text("role"), tenancy.RoleUpdate{Name: servicetest.Ptr("Renamed")})
		},
		"Roles.Reorder": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return nil, s.Roles.Reorder(ctx, k.org(), k.text("role")+"-2", k.text("role"))
		},
		"Roles.Delete": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return nil, s.Roles.Delete(ctx, k.org(), k.text("role"), rbac.Member)
		},
		"Roles.Delete: in use": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return nil, s.Roles.Delete(ctx, k.org(), k.text("role"), "")
		},
		"Roles.Delete: of the application": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return nil, s.Roles.Delete(ctx, k.org(), servicetest.Auditor, "")
		},
		"Permissions.Delete": func(ctx context.Context, s *tenancy.Service, _ *callKeys) (any, error) {
			return nil, s.Permissions.Delete(ctx, servicetest.Billing)
		},
		"Permissions.List": func(ctx context.Context, s *tenancy.Service, _ *callKeys) (any, error) {
			return s.Permissions.List(ctx)
		},
		"Permissions.Of": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.Permissions.Of(ctx, k.self, k.org())
		},
		"Permissions.Of: somebody": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.Permissions.Of(ctx, k.user(), k.org())
		},
	}
}

func walkConnections() map[string]walkCall {
	return map[string]walkCall{
		"Connections.Create": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.Connections.Create(ctx, tenancy.NewConnection{
				OrganizationID: k.org(), Protocol: tenancy.ProtocolOIDC, Name: "New", Groups: k.groups(),
			})
		},
		"Connections.Get": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.Connections.Get(ctx, k.org(), k.connection())
		},
		"Connections.GetByID": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.Connections.GetByID(ctx, k.connection())
		},
		"Connections.List": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return paged(func(cursor string) (tenancy.Page[tenancy.Connection], error) {
				return s.Connections.List(ctx, k.org(), tenancy.ConnectionQuery{Limit: 1, Cursor: cursor})
			})
		},
		"Connections.Update": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.Connections.Update(ctx, k.org(), k.connection(), tenancy.ConnectionUpdate{Groups: servicetest.Ptr(k.groups())})
		},
		"Connections.Delete": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return nil, s.Connections.Delete(ctx, k.org(), k.connection())
		},
		"Policies.Get": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.Policies.Get(ctx, k.org())
		},
		"Policies.Set": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.Policies.Set(ctx, k.org(), tenancy.PolicyUpdate{
				Domain: &tenancy.DomainPolicy{ConnectionID: k.connection(), SecondFactor: true},
			})
		},
		"Policies.Set: of the organization": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.Policies.Set(ctx, k.org(), tenancy.PolicyUpdate{
				Organization: &tenancy.OrganizationPolicy{SingleSignOn: true, ConnectionID: k.connection()},
			})
		},
		"Policies.Set: exempt": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.Policies.Set(ctx, k.org(), tenancy.PolicyUpdate{Exempt: &[]tenancy.UserID{k.user()}})
		},
	}
}

func walkDomains() map[string]walkCall {
	one := func(call func(tenancy.Domains, context.Context, tenancy.OrganizationID, tenancy.DomainID) (tenancy.Domain, error)) walkCall {
		return func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return call(s.Domains, ctx, k.org(), k.domain())
		}
	}
	return map[string]walkCall{
		"Domains.Claim": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.Domains.Claim(ctx, tenancy.NewDomain{OrganizationID: k.org(), Name: k.text("name"), Role: k.text("role")})
		},
		"Domains.Get": one(tenancy.Domains.Get),
		"Domains.List": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return paged(func(cursor string) (tenancy.Page[tenancy.Domain], error) {
				return s.Domains.List(ctx, k.org(), tenancy.DomainQuery{Limit: 2, Cursor: cursor})
			})
		},
		"Domains.Challenge": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.Domains.Challenge(ctx, k.org(), k.domain())
		},
		"Domains.Update": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.Domains.Update(ctx, k.org(), k.domain(), tenancy.DomainUpdate{Joining: servicetest.Ptr(tenancy.JoiningAuto), Role: servicetest.Ptr(k.text("role"))})
		},
		"Domains.Verify": one(func(g tenancy.Domains, ctx context.Context, org tenancy.OrganizationID, id tenancy.DomainID) (tenancy.Domain, error) {
			return g.Verify(ctx, org, id, domains.MethodDNS)
		}),
		"Domains.Verify: disputed": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.Domains.Verify(ctx, k.org(), k.disputed, domains.MethodDNS)
		},
		"Domains.VerifySubdomains": one(tenancy.Domains.VerifySubdomains),
		"Domains.MarkVerified":     one(tenancy.Domains.MarkVerified),
		"Domains.Release": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return nil, s.Domains.Release(ctx, k.org(), k.domain())
		},
		"Domains.Owner": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.Domains.Owner(ctx, "somebody@"+k.text("name"))
		},
		"Domains.Recheck": func(ctx context.Context, s *tenancy.Service, _ *callKeys) (any, error) { return s.Domains.Recheck(ctx) },
	}
}

func walkEvents() map[string]walkCall {
	list := func(query func(k *callKeys) tenancy.EventQuery) walkCall {
		return func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			q := query(k)
			q.OrganizationID, q.Limit = k.org(), 100
			var all []tenancy.EventPage
			for {
				page, err := s.Events.List(ctx, q)
				if err != nil {
					return nil, err
				}
				all = append(all, page)
				if q.After, q.AfterEvent = page.Next, page.NextEvent; page.Done {
					return all, nil
				}
			}
		}
	}
	denials := func(query func(k *callKeys) tenancy.DenialQuery) walkCall {
		return func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return paged(func(cursor string) (tenancy.Page[tenancy.Denial], error) {
				q := query(k)
				q.OrganizationID, q.Limit, q.Cursor = k.org(), 20, cursor
				return s.Events.Denials(ctx, q)
			})
		}
	}
	return map[string]walkCall{
		"Events.List":             list(func(*callKeys) tenancy.EventQuery { return tenancy.EventQuery{} }),
		"Events.List: descending": list(func(*callKeys) tenancy.EventQuery { return tenancy.EventQuery{Descending: true} }),
		"Events.List: of a user":  list(func(k *callKeys) tenancy.EventQuery { return tenancy.EventQuery{UserID: k.user()} }),
		"Events.List: by a user":  list(func(k *callKeys) tenancy.EventQuery { return tenancy.EventQuery{Actor: k.actor()} }),
		"Events.List: of a thing": list(func(k *callKeys) tenancy.EventQuery {
			return tenancy.EventQuery{Subject: k.connection().String()}
		}),
		"Events.Last": func(ctx context.Context, s *tenancy.Service, _ *callKeys) (any, error) { return s.Events.Last(ctx) },
		"Events.Prune": func(ctx context.Context, s *tenancy.Service, _ *callKeys) (any, error) {
			return s.Events.Prune(ctx, time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC))
		},
		"Events.Denials":            denials(func(*callKeys) tenancy.DenialQuery { return tenancy.DenialQuery{} }),
		"Events.Denials: of a user": denials(func(k *callKeys) tenancy.DenialQuery { return tenancy.DenialQuery{Actor: k.actor()} }),
	}
}
