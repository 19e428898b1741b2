package tenancyhttp

import (
	"errors"
	"log/slog"
	"net/http"
	"net/netip"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// Config is what [New] needs. Set Service, and either Sessions or User.
type Config struct {
	// Service is the trusted Service. It must not be bound.
	Service *tenancy.Service
	// Sessions finds the user of a request by the session token in its cookie or its Bearer token (rules P3,
	// P6, S1, S6). It gives a request only the organizations that the session has entered: the request runs in
	// the entry for the organization that it selects. If the session has no entry there, the Guard answers as
	// if the organization did not exist, until [Guard.Follow] or [Sessions.Switch] enters it.
	Sessions *Sessions
	// User returns the user of a request, for a host with its own sessions. The zero id, or an error that is
	// [ErrUnauthenticated], means that nobody is signed in. Your function decides whether a session or token is
	// valid and whether it has ended. The Guard answers any other error as [ProblemOf] says: 500 for an error
	// from outside of package tenancy.
	User func(*http.Request) (tenancy.UserID, error)
	// Organization says which organization a request selects. Default: with Sessions, the session's current
	// one. That one changes when the person switches in another tab while a form is open. So select by the
	// path, by the host, or by [Sessions.FormField]. It may also be nil for a Guard whose only middleware in
	// use is [Guard.SignedIn].
	Organization Selector
	// CrossOrigin says from which other sites a browser may send a request with an unsafe method. The Guard
	// answers requests from other sites with 403. With Sessions it checks each request that carries the cookie;
	// default: only the site itself may send one. A request with a Bearer token needs no check, because no
	// other site can make a browser send one.
	//
	// With User it checks every request, because the Guard does not know what carries the user. Default: no
	// check, and you protect the handlers yourself.
	//
	// GET, HEAD and OPTIONS pass. A handler that changes something by GET, or opens a WebSocket, must check the
	// origin itself.
	CrossOrigin *http.CrossOriginProtection
	// ClientAddress returns the address that a request comes from, for sessions (rule G11); the zero Addr means
	// unknown. Default: the address in the [tenancy.Request] that the context already carries, else the address
	// of the connection. Behind a proxy, that is the proxy's address: read the header here that your proxy
	// always overwrites. This package reads no forwarded address itself. The Guard may call the function
	// several times for one request.
	ClientAddress func(*http.Request) netip.Addr
	// RequestID returns the program's own name for a request, for its logs ([tenancy.Request]). The store keeps
	// the first 256 characters. Default: the ID in the [tenancy.Request] that the context already carries, else
	// none. The Guard may call the function several times for one request, and it must return the same name
	// each time.
	RequestID func(*http.Request) string
	// SignIn answers a link that [Guard.Follow] cannot follow, because the organization demands another
	// sign-in. For example, it redirects to the page for that sign-in, where the program calls SignIn with
	// [tenancy.Attempt].Session. The Decision says which sign-in is needed. Default: Error with
	// [ErrSignInWanted].
	SignIn func(http.ResponseWriter, *http.Request, tenancy.Decision)
	// Error answers a request that was refused or has failed; default: [WriteError]. For an error that is
	// [tenancy.ErrNotFound], its answer must depend only on the request. It may call WriteError.
	Error func(http.ResponseWriter, *http.Request, error)
	// Logger logs every error that the Guard answers with 500 or above, because the answer does not explain it.
	// Default: no logging.
	Logger *slog.Logger
}

// Guard makes middlewares. It is immutable and safe for concurrent use.
//
// Each middleware except [Guard.Public] first checks two things. It refuses a request with two carriers with
// 400, and an unsafe request from another site with 403, as Config.CrossOrigin says.
//
// A handler behind a middleware finds the [tenancy.Request] in its context, and the mark of [tenancy.Guarded]:
// with that context, calls of the trusted Service that write or list fail with [tenancy.ErrUnboundInRequest]
// (rule G13). The functions of Config get a context without the mark.
//
// The answers carry "Cache-Control: private, no-cache" and "Vary: Cookie, Authorization", so that no shared
// cache keeps them. A handler may set something stricter. If Config.User reads another header, the handler must
// add it to Vary. Answers to refused requests carry "no-store".
type Guard struct{ config Config }

// New makes a Guard.
//
// Errors: [tenancy.ErrInvalid] with the field "service" if Service is missing or bound, and with the field
// "user" if neither User nor Sessions is set, or both are.
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

// SignedIn is the middleware for pages outside of any organization, such as an account page or an organization
// switcher. It selects no organization: behind SignedIn alone, [Organization] is zero. It reads the user once a
// request.
//
// It refuses a request without a signed-in user, or of a user who no longer exists, with 401, and a suspended
// user with 403 (rule U8).
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

// Member is the middleware for pages that every active member of the selected organization may use.
//
// It refuses a request without a signed-in user with 401, and a request that selects no organization with 400.
// A user who is not an active member gets 404, whether or not the organization exists. A member who is
// suspended, or whose organization is suspended, gets 403. With [Config.Sessions] they get 401, because their session is
// not valid there.
func (g *Guard) Member(next http.Handler) http.Handler {
	return g.middleware(next, func(r *http.Request) (*access, error) {
		// Every permission that is always declared serves: the check only has to find the membership.
		held, err := g.enter(r, rbac.ReadOrganization)
		var e *tenancy.Error
		if errors.As(err, &e) && e.Code == tenancy.ErrForbidden && e.Reason == string(tenancy.ReasonNotGranted) {
			return held, nil
		}
		return held, g.refused(r, held, rbac.ReadOrganization, err)
	})
}

// Require is the middleware for pages that need a permission in the selected organization. It answers from
// compiled access that the Service keeps fresh: see [tenancy.Service.Can]. Each refusal is a denial of the
// method Check (rule A5).
//
// It refuses what [Guard.Member] refuses, and a member without the permission with 403. If the permission is
// not declared, or is a wildcard, that is a mistake in the program: every signed-in user who selects an
// organization gets 500.
func (g *Guard) Require(permission rbac.Permission) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return g.middleware(next, func(r *http.Request) (*access, error) {
			held, err := g.enter(r, permission)
			return held, g.refused(r, held, permission, err)
		})
	}
}

// Error answers a request as Config.Error says. It logs the error if the answer is 500 or above and the client
// still waits for it. Handlers call it, so that they fail as the middlewares do.
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
