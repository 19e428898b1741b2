package tenancyhttp

import (
	"net/http"
	"time"

	"github.com/freehold-dev/freehold/tenancy"
)

// pendingFor is how long a browser keeps the token of a pending sign-in. It is the longest time that such a
// token is valid.
const pendingFor = 10 * time.Minute

// SetPending keeps the token in a browser that the next step of a sign-in needs. Call it with each decision of
// SignIn, before the handler writes the answer:
//
//	d, err := svc.SignIn(ctx, tenancy.Attempt{Evidence: tenancy.PendingEvidence(sessions.Pending(r)), OrganizationID: chosen})
//	...
//	sessions.SetPending(w, d)
//
// If the decision has a Pending token, SetPending sets a cookie with that token. If the decision is signed_in,
// it removes the cookie. Otherwise the cookie stays, and the person can try again.
//
// The name of the cookie is that of the session's cookie with "-pending" after it. It is HttpOnly,
// SameSite=Lax, Secure unless Insecure is set, valid for the whole site and for 10 minutes. The browser sends
// it only to the host that set it, even if SessionsConfig.Domain is set.
func (s *Sessions) SetPending(w http.ResponseWriter, d tenancy.Decision) {
	switch {
	case !d.Pending.IsZero():
		s.pendingCookie(w, d.Pending.Reveal(), int(pendingFor/time.Second))
	case d.Kind == tenancy.DecisionSignedIn:
		s.ClearPending(w)
	}
}

// Pending returns the token of the pending sign-in that a request carries, for [tenancy.PendingEvidence]. It
// returns "" if the request carries no such token, or more than one.
//
// The token signs nobody in by itself: the person still needs what the decision demanded. Check that a request
// that uses it comes from your own site, as for signing in; [http.CrossOriginProtection] does that.
func (s *Sessions) Pending(r *http.Request) string {
	cookies := r.CookiesNamed(s.pendingName())
	if len(cookies) != 1 {
		return ""
	}
	return cookies[0].Value
}

// ClearPending removes the pending sign-in from a browser, for a person who begins again. The token itself
// stays valid until it expires.
func (s *Sessions) ClearPending(w http.ResponseWriter) { s.pendingCookie(w, "", -1) }

func (s *Sessions) pendingName() string { return s.config.Name + "-pending" }

func (s *Sessions) pendingCookie(w http.ResponseWriter, value string, seconds int) {
	w.Header().Set("Cache-Control", "no-store")
	http.SetCookie(w, &http.Cookie{
		Name: s.pendingName(), Value: value, Path: "/", MaxAge: seconds,
		HttpOnly: true, Secure: !s.config.Insecure, SameSite: http.SameSiteLaxMode,
	})
}
