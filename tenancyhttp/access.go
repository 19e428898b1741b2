package tenancyhttp

import (
	"context"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// access is what a middleware knows about a request.
type access struct {
	guard        *Guard
	user         tenancy.UserID
	organization tenancy.OrganizationID
	principal    tenancy.Principal
	service      *tenancy.Service // bound to the user or their session
	session      *tenancy.Session // nil with Config.User
	member       *tenancy.Member  // the member at the session's organization; nil with Config.User
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

// User returns the user who makes the request. Without a middleware of this package in front, it returns the
// zero id, which no user has.
func User(ctx context.Context) tenancy.UserID {
	if a := from(ctx); a != nil {
		return a.user
	}
	return tenancy.UserID{}
}

// Organization returns the organization that the request selected. The user is an active member there. Put it
// into the WHERE clause of every query of the host. Behind [Guard.SignedIn], or without a middleware, it is
// zero: NULL in SQL, which equals nothing.
func Organization(ctx context.Context) tenancy.OrganizationID {
	if a := from(ctx); a != nil {
		return a.organization
	}
	return tenancy.OrganizationID{}
}

// Member returns the user's membership in the request's organization, with name, address and roles. With
// [Config].Sessions, the Guard read it when the request came in, so a call costs nothing. With Config.User,
// each call reads it from the store.
//
// Errors: [tenancy.ErrNotFound] behind [Guard.SignedIn], without a middleware, and when the user is no longer a
// member; the errors of the store.
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

// Principal returns the user or the session that makes the request, for [tenancy.Service.As]. A handler that
// writes its own rows and Freehold's in one transaction needs it: the handler begins the transaction on the
// trusted Service, and binds the Service inside.
//
//	err := sqlite.Transact(tenancy.Trusted(ctx), svc, func(ctx context.Context, in *tenancy.Service, tx *sql.Tx) error {
//		in = in.As(tenancyhttp.Principal(ctx)) // the user's limits hold, and events name the user
//		...
//	})
//
// Without a middleware of this package in front, the principal is zero, and a Service bound to it refuses
// everything.
func Principal(ctx context.Context) tenancy.Principal {
	if a := from(ctx); a != nil {
		return a.principal
	}
	return tenancy.UserPrincipal(tenancy.UserID{})
}

// Service returns the Service that is bound to the user or to their session (rule A1). It refuses what the user
// may not do, and every event that it writes names the user. Without a middleware it is nil.
func Service(ctx context.Context) *tenancy.Service {
	if a := from(ctx); a != nil {
		return a.service
	}
	return nil
}

// Can reports whether the user has a permission in the request's organization, as [tenancy.Service.Can] does.
// Use it in pages that show a button only to users who may press it. It answers from the compiled access that
// the middlewares use, too. Behind [Guard.SignedIn], or without a middleware, it is false.
//
// Errors: [tenancy.ErrUnknownPermission], [tenancy.ErrInvalid] for a wildcard.
func Can(ctx context.Context, permission rbac.Permission) (bool, error) {
	a := from(ctx)
	if a == nil || a.organization.IsZero() {
		return false, nil
	}
	return a.guard.config.Service.Can(ctx, a.user, a.organization, permission)
}
