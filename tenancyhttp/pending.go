package tenancyhttp

import (
	"net/http"
	"time"

	"github.com/freehold-dev/freehold/tenancy"
)

// pendingFor is how long a browser keeps the token of a pending sign-in, which is as long as it
// can be good.
const pendingFor = 10 * time.Minute

// SetPending keeps in a browser what a decision of SignIn needs for the next step. Call it with
// each decision, before the answer is written:
//
//	d, err := svc.SignIn(ctx, tenancy.Attempt{Evidence: tenancy.PendingEvidence(sessions.Pending(r)), OrganizationID: chosen})
//	...
//	sessions.SetPending(w, d)
//
// Where the decision has a Pending token, it sets a cookie with that; where it is signed_in, it
// takes the cookie away; otherwise the cookie stays, for the person to try again.
//
// The cookie has the name of the session's and "-pending" behind it. It is HttpOnly,
// SameSite=Lax, Secure unless Insecure, for the whole site and for 10 minutes. It goes back only
// to the host that has set it, also where SessionsConfig.Domain is set.
func (s *Sessions) SetPending(w http.ResponseWriter, d tenancy.Decision) {
	switch {
	case !d.Pending.IsZero():
		s.pendingCookie(w, d.Pending.Reveal(), int(pendingFor/time.Second))
	case d.Kind == tenancy.DecisionSignedIn:
		s.ClearPending(w)
	}
}

// Pending is the token of the pending sign-in that a request carries, for
// [tenancy.PendingEvidence]; "" where it carries none, or more than one.
//
// It is no sign-in: whoever has it still needs what the decision wanted. Check that a request
// that uses it comes from the site itself, as for signing in; [http.CrossOriginProtection] does.
func (s *Sessions) Pending(r *http.Request) string {
	cookies := r.CookiesNamed(s.pendingName())
	if len(cookies) != 1 {
		return ""
	}
	return cookies[0].Value
}

// ClearPending takes the pending sign-in from a browser, for a person who begins anew. The token
// goes on until it has run out.
func (s *Sessions) ClearPending(w http.ResponseWriter) { s.pendingCookie(w, "", -1) }

func (s *Sessions) pendingName() string { return s.config.Name + "-pending" }

func (s *Sessions) pendingCookie(w http.ResponseWriter, value string, seconds int) {
	w.Header().Set("Cache-Control", "no-store")
	http.SetCookie(w, &http.Cookie{
		Name: s.pendingName(), Value: value, Path: "/", MaxAge: seconds,
		HttpOnly: true, Secure: !s.config.Insecure, SameSite: http.SameSiteLaxMode,
	})
}
