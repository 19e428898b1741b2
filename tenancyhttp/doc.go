// Package tenancyhttp puts a [tenancy.Service] in front of HTTP handlers. It finds out which user makes a request,
// which organization the request is about, and whether the user may make it.
//
// For most uses, make one [Guard] and wrap handlers in its middlewares:
//
//	guard, err := tenancyhttp.New(tenancyhttp.Config{
//		Service:      svc,
//		Sessions:     sessions, // from NewSessions; or User, if the host has its own sessions
//		Organization: tenancyhttp.PathValue("org"),
//	})
//	mux.Handle("GET /account", guard.SignedIn(account))
//	mux.Handle("GET /orgs/{org}/documents", guard.Require("documents:read")(list))
//	mux.Handle("POST /orgs/{org}/documents", guard.Require("documents:write")(create))
//
// Inside, a handler asks the request's context:
//
//	user := tenancyhttp.User(r.Context())         // who makes the request
//	org := tenancyhttp.Organization(r.Context())  // in which organization; put it into every query
//	svc := tenancyhttp.Service(r.Context())       // the Service, bound to that user
//
// # What a request can choose
//
// A request selects an organization by path, subdomain, header or session. The selection proves nothing: each time,
// the Guard looks up whether the user is a member. A user who is not an active member of the organization gets a
// 404. It is the same 404, byte for byte and after the same reads, as for an organization that does not exist. An
// active member without the permission gets 403. A request without a signed-in user gets 401.
//
// Handlers get a Service that is bound to the user ([tenancy.Service.As]). No context contains the trusted Service,
// which may do everything.
//
// # Routers
//
// A middleware is a func(http.Handler) http.Handler. [http.ServeMux], chi and most other routers take that.
// [PathValue] works only behind the router that matched the path, so wrap the handler and not the mux. For a router
// that keeps parameters elsewhere, write one function for Config.Organization.
//
// # Routes that call the trusted Service
//
// The pages for signing in and signing up call the trusted Service. Wrap them in [Guard.Public], so that sessions
// show where a request came from:
//
//	mux.Handle("POST /sign-in", guard.Public(signIn))
//
// Every other middleware marks the context ([tenancy.Guarded]). With a marked context the trusted Service neither
// writes nor lists. It may do everything in every organization, so a call of it in a handler is nearly always a
// mistake (rule G13).
//
// A handler that writes the host's rows and Freehold's in one transaction begins the transaction on the trusted
// Service, with [tenancy.Trusted], and binds the Service inside: see [Principal].
//
// # What is left to the host
//
// The host signs people in, and protects its sign-in forms against other sites: [Guard.Public] does not check the
// origin. The Guard checks the origin of requests that carry the cookie of [Sessions]. With Config.User, it checks
// only if Config.CrossOrigin is set, so put [http.CrossOriginProtection] in front of all handlers if your sessions
// are cookies.
//
// The host also decides about forwarded addresses: only Config.ClientAddress reads them. This package never reads
// X-Forwarded-Host and similar headers.
//
// # Rules
//
// Numbers in brackets, such as (rule P3), are rules. They are defined in
// https://github.com/freehold-dev/freehold/blob/main/docs/rules.md.
package tenancyhttp
