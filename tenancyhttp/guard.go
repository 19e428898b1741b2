package tenancyhttp

import (
	"errors"
	"log/slog"
	"net/http"
	"net/netip"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// Config is what [New] needs. Service must be set, and either Sessions or User.
type Config struct {
	// Service is the host's own, not bound to anybody.
	Service *tenancy.Service
	// Sessions says who makes a request, by the session token in its cookie or its Bearer
	// token, and holds them to the organizations that the session has entered (rules P3, P6, S1,
	// S6): a request is made by the entry into the organization that it selects. One that selects
	// another organization is answered as if that were not there, until [Guard.Follow] or
	// [Sessions.Switch] enters it.
	Sessions *Sessions
	// User says who makes a request where the host keeps sessions of its own; the zero id, or an error that is
	// [ErrUnauthenticated], is nobody. What a session or token is worth is the host's
	// matter, and so is whether it has ended. Any other error is answered as
	// [ProblemOf] says: 500 for one that is not of package tenancy.
	User func(*http.Request) (tenancy.UserID, error)
	// Organization says which organization a request selects; default: with Sessions the
	// current one of the session. That changes under a form which is open in another tab: select
	// by the path, by the host, or by [Sessions.FormField]. It may be nil, too, for a Guard of which only [Guard.SignedIn] is used.
	Organization Selector
	// CrossOrigin says from which other sites a browser may send a request with an unsafe
	// method; others are answered with 403. With Sessions it checks each request that
	// carries the cookie; default: only the site itself may. A request with a Bearer token
	// needs no check, because no other site can make a browser send one.
	//
	// With User it checks every request, as the Guard does not know what carries the
	// user; default: no check, and the protection is yours.
	//
	// GET, HEAD and OPTIONS pass. A handler that changes something by GET, or opens a
	// WebSocket, has to look at the origin by itself.
	CrossOrigin *http.CrossOriginProtection
	// ClientAddress says which address a request comes from, for sessions (rule
	// G11); the zero Addr: unknown. Default: the address in the [tenancy.Request] that the
	// context carries already, else that of the connection. Behind a proxy that is the
	// proxy's: read the header here that your proxy always overwrites. This package reads
	// no forwarded address by itself. It may be called more than once a request.
	ClientAddress func(*http.Request) netip.Addr
	// RequestID gives the program's own name for a request, for its logs ([tenancy.Request]); the first 256
	// characters count. Default: the ID in the [tenancy.Request] that the context carries
	// already, else none. It may be called more than once a request, and must give the
	// same each time.
	RequestID func(*http.Request) string
	// SignIn answers a link that [Guard.Follow] cannot follow, because the organization wants
	// another sign-in: with a redirect to the page for that, say, where the program signs in with
	// [tenancy.Attempt].Session. The Decision says which. Default: Error with [ErrSignInWanted].
	SignIn func(http.ResponseWriter, *http.Request, tenancy.Decision)
	// Error answers a request that is refused or has failed; default: [WriteError].
	// What it writes for an error that is [tenancy.ErrNotFound] must not depend on
	// anything but the request. It may fall back on WriteError.
	Error func(http.ResponseWriter, *http.Request, error)
	// Logger hears of every error that is answered with 500 or above, which the
	// answer does not explain; default: nobody does.
	Logger *slog.Logger
}

// Guard makes middlewares. It is immutable and safe for concurrent use.
//
// Each of them but [Guard.Public] first refuses a request with two carriers with 400, and
// an unsafe request from another site, as Config.CrossOrigin says, with 403.
//
// A handler behind one finds in its context the [tenancy.Request], and the mark of
// [tenancy.Guarded]: calls of the unbound Service that write or list fail there with
// [tenancy.ErrUnboundInRequest] (rule G13). The functions of Config get a context without
// the mark.
//
// Its answers carry "Cache-Control: private, no-cache" and "Vary: Cookie, Authorization",
// so that no shared cache keeps them; a handler may set something stricter. Where
// Config.User reads another header, the handler adds it to Vary. Answers to refused
// requests carry "no-store".
type Guard struct{ config Config }

// New makes a Guard.
//
// Errors: [tenancy.ErrInvalid] with the field "service" where it is missing or bound to
// an actor, and with the field "user" where neither User nor Sessions is set, or both are.
func New(config Config) (*Guard, error) {
	const op = "new guard"
	switch {
	case config.Service == nil:
		return nil, &tenancy.Error{Code: tenancy.ErrInvalid, Op: op, Field: "service", Reason: "is nil"}
	case config.Service.Actor().Kind != tenancy.ActorHost:
		return nil, &tenancy.Error{Code: tenancy.ErrInvalid, Op: op, Field: "service", Reason: "is bound to an actor"}
	case (config.User == nil) == (config.Sessions == nil):
		return nil, &tenancy.Error{Code: tenancy.ErrInvalid, Op: op, Field: "user", Reason: "is one of User and Sessions"}
	}
	switch {
	case config.Organization != nil:
	case config.Sessions != nil:
		config.Organization = config.Sessions.organization
	default:
		config.Organization = func(*http.Request) (string, error) { return "", nil }
	}
	if config.CrossOrigin == nil && config.Sessions != nil {
		config.CrossOrigin = http.NewCrossOriginProtection()
	}
	if config.Error == nil {
		config.Error = func(w http.ResponseWriter, _ *http.Request, err error) { WriteError(w, err) }
	}
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	g := &Guard{config}
	if g.config.SignIn == nil {
		g.config.SignIn = func(w http.ResponseWriter, r *http.Request, d tenancy.Decision) { g.Error(w, r, wanted(opFollow, d)) }
	}
	return g, nil
}

// SignedIn is the middleware for what a person does outside any organization: an
// account page, an organization switcher. It selects none: behind it alone
// [Organization] is zero. It reads the user once a request.
//
// Refused: nobody, and a user who is not there any more, with 401; a suspended user
// with 403 (rule U8).
func (g *Guard) SignedIn(next http.Handler) http.Handler {
	return g.middleware(next, func(r *http.Request) (*access, error) {
		held, err := g.signedIn(r)
		if err != nil {
			return nil, err
		}
		user, err := g.config.Service.Users.Get(r.Context(), held.user)
		switch {
		case errors.Is(err, tenancy.ErrNotFound), errors.Is(err, tenancy.ErrMerged):
			return nil, unauthenticated()
		case err != nil:
			return nil, err
		case !user.SuspendedAt.IsZero():
			return nil, &tenancy.Error{Code: tenancy.ErrForbidden, Op: opEnter, Reason: string(tenancy.ReasonUserSuspended)}
		}
		return held, nil
	})
}

// Member is the middleware for whatever any active member of the selected
// organization may do.
//
// Refused: nobody with 401; a request that selects no organization with 400; who is
// not an active member with 404, whether or not the organization is there; a member
// who is suspended, or whose organization is, with 403.
func (g *Guard) Member(next http.Handler) http.Handler {
	return g.middleware(next, func(r *http.Request) (*access, error) {
		// Any permission that is always declared tells members from others.
		held, err := g.enter(r, rbac.ReadOrganization)
		var e *tenancy.Error
		if errors.As(err, &e) && e.Code == tenancy.ErrForbidden && e.Reason == string(tenancy.ReasonNotGranted) {
			return held, nil
		}
		return held, g.refused(r, held, rbac.ReadOrganization, err)
	})
}

// Require is the middleware for what takes a permission in the selected organization.
// It answers from compiled access that is kept fresh: see [tenancy.Service.Can]. What it
// refuses is a denial of the method Check (rule A5).
//
// Refused: as by [Guard.Member], and a member without the permission with 403. A
// permission that was not declared, or a wildcard, is a mistake in the program and
// answered with 500 to everybody who is signed in and selects an organization.
func (g *Guard) Require(permission rbac.Permission) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return g.middleware(next, func(r *http.Request) (*access, error) {
			held, err := g.enter(r, permission)
			return held, g.refused(r, held, permission, err)
		})
	}
}

// Error answers a request as Config.Error says, and tells the Logger where the answer
// is 500 or above and somebody is still there to hear it. It is for handlers, which thus fail as the middlewares do.
func (g *Guard) Error(w http.ResponseWriter, r *http.Request, err error) {
	answer(g.config.Logger, g.config.Error, w, r, err)
}

func answer(logger *slog.Logger, write func(http.ResponseWriter, *http.Request, error), w http.ResponseWriter, r *http.Request, err error) {
	if ProblemOf(err).Status >= http.StatusInternalServerError && r.Context().Err() == nil {
		logger.ErrorContext(r.Context(), "tenancyhttp: request failed", "method", r.Method, "error", err)
	}
	w.Header().Set("Cache-Control", "no-store")
	write(w, unmarked(r), err)
}

func (g *Guard) middleware(next http.Handler, admit func(*http.Request) (*access, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r = g.describe(r.WithContext(tenancy.Trusted(remembering(r.Context()))))
		held, err := admit(r)
		private(w.Header(), r)
		if err != nil {
			g.Error(w, r, err)
			return
		}
		next.ServeHTTP(w, r.WithContext(tenancy.Guarded(held.in(r.Context()))))
	})
}
