// Package tenancyhttp puts a [tenancy.Service] in front of HTTP handlers: who makes a
// request, which organization it is about, and whether they may.
//
// For most uses, make one [Guard] and wrap handlers in its middlewares:
//
//	guard, err := tenancyhttp.New(tenancyhttp.Config{
//		Service:      svc,
//		Sessions:     sessions, // from NewSessions; or User, for sessions of the host's own
//		Organization: tenancyhttp.PathValue("org"),
//	})
//	mux.Handle("GET /account", guard.SignedIn(account))
//	mux.Handle("GET /orgs/{org}/documents", guard.Require("documents:read")(list))
//	mux.Handle("POST /orgs/{org}/documents", guard.Require("documents:write")(create))
//
// Inside, a handler asks the request's context:
//
//	user := tenancyhttp.User(r.Context())         // who
//	org := tenancyhttp.Organization(r.Context())  // where; put it into every query
//	svc := tenancyhttp.Service(r.Context())       // the Service, bound to that user
//
// # What a request can choose
//
// A request selects an organization, by path, subdomain, header or session; it never
// says that it belongs there. Membership decides, and is looked up each time. Who is
// no active member of the organization gets the same 404, byte for byte and after the
// same reads, as for one that is not there. An active member without the permission
// gets 403, and a request by nobody 401.
//
// The Service that handlers are handed is bound to the user ([tenancy.Service.As]);
// the host's own, which is trusted with everything, cannot be had from a context.
//
// # Routers
//
// A middleware is a func(http.Handler) http.Handler, which [http.ServeMux], chi and
// most others take. [PathValue] is known only behind the router that matched the path:
// wrap the handler, not the mux. A router that keeps parameters elsewhere needs one
// function in Config.Organization.
//
// # Routes of the program's own
//
// The pages for signing in and signing up call the unbound Service. Wrap them in
// [Guard.Public], so that sessions show where a request came from:
//
//	mux.Handle("POST /sign-in", guard.Public(signIn))
//
// Behind any other middleware the context is marked ([tenancy.Guarded]), and the unbound
// Service neither writes nor lists: it may do everything, in every organization, so a
// call in a handler is nearly always a mistake (rule G13).
//
// A handler that writes rows of the program's own and ours in one transaction begins it on the
// unbound Service, by [tenancy.Trusted], and binds that inside: see [Principal].
//
// # What is left to the host
//
// Sign-in, and its protection against forms of other sites: [Guard.Public] does not
// check the origin. The Guard checks it for requests that carry the cookie of
// [Sessions]; for Config.User only where Config.CrossOrigin is set, so put
// [http.CrossOriginProtection] in front of the whole if your sessions are cookies.
//
// Also forwarded addresses, which only Config.ClientAddress reads, and X-Forwarded-Host
// and its like, which this package never reads.
//
// # Rules
//
// Numbers in brackets, such as (rule P3), are rules. They are defined in
// https://github.com/freehold-dev/freehold/blob/main/docs/rules.md.
package tenancyhttp
