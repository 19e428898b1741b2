package tenancyhttp

import (
	"errors"
	"net/http"
	"time"

	"github.com/freehold-dev/freehold/tenancy"
)

const (
	opFollow = "follow"
	opFresh  = "check how fresh the sign-in is"
)

// Follow is the middleware for pages that people reach by links, in front of [Guard.Member] or [Guard.Require]
// (rule S1):
//
//	mux.Handle("GET /orgs/{org}/documents", guard.Follow(guard.Require("documents:read")(list)))
//
// When a GET or HEAD request selects an organization that the session has no entry into, Follow adds an entry
// ([tenancy.Sessions.Enter]) and calls the next handler. If the organization demands another sign-in,
// Config.SignIn answers. The session's current organization does not change. Follow also accepts links from
// other sites, because the person is a member and gets no more access than they already have. If the session
// has 20 entries already, or the user has as many as Limits.UserSessions allows, the session's least recently
// used entry ends.
//
// Follow passes all other requests on unchanged, and the next handler answers them: requests without a
// signed-in user, of a person who is not a member there, with an unsafe method, with a selector that fails, and
// all requests with Config.User.
func (g *Guard) Follow(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r = r.WithContext(remembering(r.Context()))
		d, err := g.follow(g.describe(unmarked(r)))
		switch {
		case err != nil:
			private(w.Header(), r)
			g.Error(w, r, err)
		case d.Kind != "" && d.Kind != tenancy.DecisionSignedIn:
			private(w.Header(), r)
			w.Header().Set("Cache-Control", "no-store")
			g.config.SignIn(w, unmarked(r), d)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// follow enters the organization that a request selects. It returns the zero Decision when there is nothing to
// do.
func (g *Guard) follow(r *http.Request) (tenancy.Decision, error) {
	s := g.config.Sessions
	if s == nil || r.Method != http.MethodGet && r.Method != http.MethodHead {
		return tenancy.Decision{}, nil
	}
	c, err := s.carried(r)
	if err != nil || c.token == "" {
		return tenancy.Decision{}, nil
	}
	id, err := g.selected(r)
	if err != nil {
		return tenancy.Decision{}, nil
	}
	if _, err := s.entered(r, id); !errors.Is(err, tenancy.ErrNotFound) {
		return tenancy.Decision{}, nil
	}
	if found, err := s.Authenticate(r); err != nil {
		return tenancy.Decision{}, nil
	} else if _, err := s.config.Service.Memberships.Get(r.Context(), id, found.User.ID); err != nil {
		return tenancy.Decision{}, nil // a person who is not a member must not wait for the store's writer
	}
	d, err := s.config.Service.Sessions.Enter(r.Context(), c.token, id)
	forget(r)
	switch tenancy.CodeOf(err) {
	case tenancy.ErrNotFound, tenancy.ErrOrganizationClosed, tenancy.ErrInvalidToken, tenancy.ErrSessionEnded, tenancy.ErrSessionExpired:
		return tenancy.Decision{}, nil
	}
	return d, err
}

// wanted returns the error of a Decision that did not sign the person in.
func wanted(op string, d tenancy.Decision) error {
	return &tenancy.Error{Code: ErrSignInWanted, Op: op, Reason: string(d.Kind)}
}

// Fresh is the middleware for actions that need a recent sign-in, such as deleting an organization (rule S4).
// Put it behind [Guard.Member] or [Guard.Require]. It compares d with the ProvedAt of the entry into the
// organization. A sign-in with [tenancy.Attempt].Session, in the same organization, renews ProvedAt.
// docs/sessions.md says what to ask a provider for.
//
//	mux.Handle("POST /orgs/{org}/delete", guard.Require(p)(guard.Fresh(10*time.Minute)(remove)))
//
// It refuses evidence older than d with 403 and [ErrStepUp]. It answers everything with 500 if no Member or
// Require of this Guard stands in front, or if the Guard has no Sessions: that is a mistake in the program.
func (g *Guard) Fresh(d time.Duration) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			held := from(r.Context())
			switch {
			case held == nil || held.guard != g || held.session == nil || held.organization.IsZero():
				g.Error(w, r, &tenancy.Error{Code: tenancy.ErrInternal, Op: opFresh, Reason: "stands behind no Member or Require with Sessions"})
			case !fresh(g.config.Sessions.config.Now().Sub(held.session.ProvedAt), d):
				g.Error(w, r, &tenancy.Error{Code: ErrStepUp, Op: opFresh, Reason: "the sign-in is too long ago"})
			default:
				next.ServeHTTP(w, r)
			}
		})
	}
}

// fresh reports whether a sign-in of the given age is recent enough. A negative age means that a clock was set
// back; the age then proves nothing. One minute is allowed, because the clocks of two machines may differ.
func fresh(age, most time.Duration) bool { return age <= most && age > -time.Minute }
