package tenancyhttp_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/tenancy"
	"github.com/freehold-dev/freehold/tenancyhttp"
)

// P5: what a sign-in needs for its next step lies in a cookie of its own.
func TestPending(t *testing.T) {
	w := newWorld(t)
	verified := true
	w.add(w.evil, w.bob)
	must(w.svc.Users.Update(w.ctx, w.bob.ID, tenancy.UserUpdate{EmailVerified: &verified}))(t)
	signIn := func(in tenancy.Attempt) tenancy.Decision { return must(w.svc.SignIn(w.ctx, in))(t) }
	for name, change := range map[string]func(*tenancyhttp.SessionsConfig){
		"__Host-session-pending":   func(*tenancyhttp.SessionsConfig) {},
		"session-pending":          func(c *tenancyhttp.SessionsConfig) { c.Insecure = true },
		"__Secure-session-pending": func(c *tenancyhttp.SessionsConfig) { c.Domain = "app.example" },
		"sid-pending":              func(c *tenancyhttp.SessionsConfig) { c.Name = "sid" },
	} {
		t.Run(name, func(t *testing.T) {
			s := w.sessions(change)
			d := signIn(tenancy.Attempt{Evidence: tenancy.MailboxEvidence(w.bob.Email)})
			require.Equal(t, tenancy.DecisionChooseOrganization, d.Kind)
			rec := httptest.NewRecorder()
			s.SetPending(rec, d)
			require.Equal(t, "no-store", rec.Header().Get("Cache-Control"))
			cookies := rec.Result().Cookies()
			require.Len(t, cookies, 1)
			require.Equal(t, http.Cookie{
				Name: name, Value: d.Pending.Reveal(), Path: "/", MaxAge: 600, HttpOnly: true, Secure: name != "session-pending",
				SameSite: http.SameSiteLaxMode, Raw: cookies[0].Raw,
			}, *cookies[0])

			r := httptest.NewRequestWithContext(w.ctx, http.MethodPost, "/", nil)
			require.Empty(t, s.Pending(r))
			r.AddCookie(cookies[0])
			require.Equal(t, d.Pending.Reveal(), s.Pending(r))
			require.Empty(t, s.Token(r), "it is no session")

			rec = httptest.NewRecorder()
			s.SetPending(rec, tenancy.Decision{Kind: tenancy.DecisionNotMember})
			require.Empty(t, rec.Header(), "the person may try again")
			d = signIn(tenancy.Attempt{Evidence: tenancy.PendingEvidence(s.Pending(r)), OrganizationID: w.acme.ID})
			require.Equal(t, tenancy.DecisionSignedIn, d.Kind)
			s.SetPending(rec, d)
			require.Negative(t, rec.Result().Cookies()[0].MaxAge)
			require.Equal(t, name, rec.Result().Cookies()[0].Name)

			r.AddCookie(&http.Cookie{Name: name, Value: "another"})
			require.Empty(t, s.Pending(r), "nobody makes two")
			rec = httptest.NewRecorder()
			s.ClearPending(rec)
			require.Negative(t, rec.Result().Cookies()[0].MaxAge)
		})
	}
}
