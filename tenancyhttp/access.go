package tenancyhttp

import (
	"context"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// access is what a middleware found out about a request.
type access struct {
	guard        *Guard
	user         tenancy.UserID
	organization tenancy.OrganizationID
	principal    tenancy.Principal
	service      *tenancy.Service // bound to it
	session      *tenancy.Session // nil: the host's own
	member       *tenancy.Member  // where the session is at; nil: the host's own
}

type contextKey struct{}

func (g *Guard) hold(user tenancy.UserID, as tenancy.Principal) *access {
	return &access{guard: g, user: user, principal: as, service: g.config.Service.As(as)}
}

func (a *access) in(ctx context.Context) context.Context {
	return context.WithValue(ctx, contextKey{}, a)
}

func from(ctx context.Context) *access {
	a, _ := ctx.Value(contextKey{}).(*access)
	return a
}

// User is who makes the request. Without a middleware of this package in front it is
// zero, which names nobody.
func User(ctx context.Context) tenancy.UserID {
	if a := from(ctx); a != nil {
		return a.user
	}
	return tenancy.UserID{}
}

// Organization is the one that the request selected and the user is an active member
// of. Put it into the WHERE clause of every query of the host's. Behind
// [Guard.SignedIn], or without a middleware, it is zero: NULL in SQL, which equals
// nothing.
func Organization(ctx context.Context) tenancy.OrganizationID {
	if a := from(ctx); a != nil {
		return a.organization
	}
	return tenancy.OrganizationID{}
}

// Member is the user's membership in the request's organization, with name, address and roles. With
// [Config].Sessions it is what was read when the request came in, and costs nothing; with Config.User each
// call reads it.
//
// Errors: [tenancy.ErrNotFound] behind [Guard.SignedIn] and without a middleware, and where they
// are no member any more; those of a store.
func Member(ctx context.Context) (tenancy.Member, error) {
	a := from(ctx)
	switch {
	case a == nil || a.organization.IsZero():
		return tenancy.Member{}, &tenancy.Error{Code: tenancy.ErrNotFound, Op: "get member", Kind: "membership"}
	case a.member != nil:
		return *a.member, nil
	}
	return a.service.Memberships.Get(ctx, a.organization, a.user)
}

// Principal is who makes the request, for [tenancy.Service.As]: a handler that writes its own rows and
// ours in one transaction begins it on the host's Service, and binds that inside.
//
//	err := sqlite.Transact(tenancy.Trusted(ctx), svc, func(ctx context.Context, in *tenancy.Service, tx *sql.Tx) error {
//		in = in.As(tenancyhttp.Principal(ctx)) // their limits hold, and events name them
//		...
//	})
//
// Without a middleware of this package in front it names nobody, who may do nothing.
func Principal(ctx context.Context) tenancy.Principal {
	if a := from(ctx); a != nil {
		return a.principal
	}
	return tenancy.UserPrincipal(tenancy.UserID{})
}

// Service is the Service bound to the user, or to their session (rule A1): it refuses what they may not
// do, and writes them into every event. Without a middleware it is nil.
func Service(ctx context.Context) *tenancy.Service {
	if a := from(ctx); a != nil {
		return a.service
	}
	return nil
}

// Can reports whether the user has a permission in the request's organization, as
// [tenancy.Service.Can] does, from the same compiled access as the middlewares: for
// pages that show a button only to those whom it serves. Behind [Guard.SignedIn], or
// without a middleware, it is false.
//
// Errors: [tenancy.ErrUnknownPermission], [tenancy.ErrInvalid] for a wildcard.
func Can(ctx context.Context, permission rbac.Permission) (bool, error) {
	a := from(ctx)
	if a == nil || a.organization.IsZero() {
		return false, nil
	}
	return a.guard.config.Service.Can(ctx, a.user, a.organization, permission)
}
