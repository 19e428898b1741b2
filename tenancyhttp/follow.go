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

// Follow is the middleware for pages that links lead to, in front of [Guard.Member] or
// [Guard.Require] (rule S1):
//
//	mux.Handle("GET /orgs/{org}/documents", guard.Follow(guard.Require("documents:read")(list)))
//
// Where a GET or HEAD request selects an organization that the session has no entry into, it adds
// one ([tenancy.Sessions.Enter]) and goes on. Where the organization wants another sign-in,
// Config.SignIn answers. The current organization stays what it is. A link of another site may be followed, too:
// the person is a member, and can do there what they could. Where the session has 20 entries, or the user
// Limits.UserSessions, the least recently used entry of the same session ends for it.
//
// All other requests go on as they are: nobody's, of a person who is no member there, with an
// unsafe method, with a selector that fails, and with Config.User. What stands behind answers them.
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

// follow enters the organization that a request selects. The zero Decision says that there is
// nothing to do.
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
		return tenancy.Decision{}, nil // nobody waits for the writer for what is not theirs
	}
	d, err := s.config.Service.Sessions.Enter(r.Context(), c.token, id)
	forget(r)
	switch tenancy.CodeOf(err) {
	case tenancy.ErrNotFound, tenancy.ErrOrganizationClosed, tenancy.ErrInvalidToken, tenancy.ErrSessionEnded, tenancy.ErrSessionExpired:
		return tenancy.Decision{}, nil
	}
	return d, err
}

// wanted is the error of a Decision that is no sign-in.
func wanted(op string, d tenancy.Decision) error {
	return &tenancy.Error{Code: ErrSignInWanted, Op: op, Reason: string(d.Kind)}
}

// Fresh is the middleware, behind [Guard.Member] or [Guard.Require], for what a person should have
// signed in for just now (docs/sessions.md says what a provider has to be asked), such as deleting an organization (rule S4). It looks at the ProvedAt of
// the entry into the organization: a sign-in with [tenancy.Attempt].Session, in the same
// organization, makes it new.
//
//	mux.Handle("POST /orgs/{org}/delete", guard.Require(p)(guard.Fresh(10*time.Minute)(remove)))
//
// Refused: evidence that is older than d with 403 and [ErrStepUp]; everything with 500 where
// no Member or Require of this Guard stands in front, or the Guard has no Sessions: that is a
// mistake in the program.
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

// fresh reports whether a sign-in of an age is new enough. One from the future is from a clock that was
// set back, and tells nothing, beyond what clocks of two machines differ by.
func fresh(age, most time.Duration) bool { return age <= most && age > -time.Minute }
