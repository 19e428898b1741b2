package tenancytest

import (
	"net/http"
	"net/http/httptest"

	"github.com/freehold-dev/freehold/tenancy"
	"github.com/freehold-dev/freehold/tenancyhttp"
)

// Session starts a session of somebody at an organization, or at none with the zero id, as after a
// sign-in by password and a second factor. Its Token is what the bearer shows. Where the organization would refuse
// them, such as a person who is no active member, it ends the test.
func (w *World) Session(user tenancy.UserID, organization tenancy.OrganizationID) tenancy.StartedSession {
	w.Helper()
	started, err := w.Service.Sessions.Start(w.Context(), tenancy.NewSession{
		UserID: user, OrganizationID: organization, Method: tenancy.MethodPassword, SecondFactor: true,
	})
	w.must(err)
	return started
}

// Cookie starts a [World.Session] and gives the cookie that a browser has then, for requests to handlers behind a
// [tenancyhttp.Guard] with these sessions:
//
//	r := httptest.NewRequest("GET", "/documents", nil)
//	r.AddCookie(w.Cookie(sessions, ada.ID, acme.ID))
func (w *World) Cookie(sessions *tenancyhttp.Sessions, user tenancy.UserID, organization tenancy.OrganizationID) *http.Cookie {
	w.Helper()
	answer := httptest.NewRecorder()
	sessions.Set(answer, w.Session(user, organization))
	return answer.Result().Cookies()[0]
}

// Bearer starts a [World.Session] and gives the header Authorization with its token, for clients that are no
// browser:
//
//	r.Header.Set("Authorization", w.Bearer(ada.ID, acme.ID))
func (w *World) Bearer(user tenancy.UserID, organization tenancy.OrganizationID) string {
	w.Helper()
	return "Bearer " + w.Session(user, organization).Token.Reveal()
}
