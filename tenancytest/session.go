package tenancytest

import (
	"net/http"
	"net/http/httptest"

	"github.com/freehold-dev/freehold/tenancy"
	"github.com/freehold-dev/freehold/tenancyhttp"
)

// Session starts a session of a user at an organization, or at none with the zero id, as after a sign-in by
// password and a second factor. A client sends its Token. Before the start, each function of change can alter
// the [tenancy.NewSession] for [tenancy.Sessions.Start], for another kind of sign-in:
//
//	w.Session(bob.ID, acme.ID, w.Through(connection)) // single sign-on
//	w.Session(bob.ID, acme.ID, func(s *tenancy.NewSession) { s.SecondFactor = false })
//
// It ends the test if the organization refuses the person or the sign-in: for example a person who is not an
// active member, or a password where a policy requires single sign-on.
func (w *World) Session(user tenancy.UserID, organization tenancy.OrganizationID, change ...func(*tenancy.NewSession)) tenancy.StartedSession {
	w.Helper()
	in := tenancy.NewSession{UserID: user, OrganizationID: organization, Method: tenancy.MethodPassword, SecondFactor: true}
	for _, c := range change {
		c(&in)
	}
	started, err := w.Service.Sessions.Start(w.Context(), in)
	w.must(err)
	return started
}

// Through makes a session one of single sign-on through a connection, without a second factor. Use it with
// [World.Session], [World.Cookie] and [World.Bearer]:
//
//	r.AddCookie(w.Cookie(sessions, bob.ID, acme.ID, w.Through(connection)))
//
// As after [tenancy.Service.SignIn], the session is confined to the organization if the person's address is not
// on a domain that the connection's organization has verified. If the connection is not active, or does not
// exist, Through ends the test.
func (w *World) Through(connection tenancy.Connection) func(*tenancy.NewSession) {
	return func(in *tenancy.NewSession) {
		w.Helper()
		user, err := w.Service.Users.Get(w.Context(), in.UserID)
		w.must(err)
		holder, err := w.Service.Domains.Owner(w.Context(), user.Email)
		if tenancy.CodeOf(err) != tenancy.ErrNotFound {
			w.must(err)
		}
		in.Method, in.ConnectionID, in.SecondFactor = tenancy.MethodSingleSignOn, connection.ID, false
		in.Confined = holder.OrganizationID != connection.OrganizationID
	}
}

// Connection makes an active OpenID Connect connection of an organization, with a provider at
// https://sso.example. The connection alone admits nobody: add members with [World.Member].
func (w *World) Connection(organization tenancy.OrganizationID) tenancy.Connection {
	w.Helper()
	c, err := w.Service.Connections.Create(w.Context(), tenancy.NewConnection{
		OrganizationID: organization, Protocol: tenancy.ProtocolOIDC, Name: "Single sign-on", Issuer: "https://sso.example",
		State: tenancy.ConnectionActive,
	})
	w.must(err)
	return c
}

// Cookie starts a [World.Session] and returns the cookie that a browser then has, for requests to handlers
// behind a [tenancyhttp.Guard] with these sessions. For change, see [World.Session].
//
//	r := httptest.NewRequest("GET", "/documents", nil)
//	r.AddCookie(w.Cookie(sessions, ada.ID, acme.ID))
func (w *World) Cookie(sessions *tenancyhttp.Sessions, user tenancy.UserID, organization tenancy.OrganizationID,
	change ...func(*tenancy.NewSession),
) *http.Cookie {
	w.Helper()
	answer := httptest.NewRecorder()
	sessions.Set(answer, w.Session(user, organization, change...))
	return answer.Result().Cookies()[0]
}

// Bearer starts a [World.Session] and returns the value of an Authorization header with its token, for clients
// that are not browsers. For change, see [World.Session].
//
//	r.Header.Set("Authorization", w.Bearer(ada.ID, acme.ID))
func (w *World) Bearer(user tenancy.UserID, organization tenancy.OrganizationID, change ...func(*tenancy.NewSession)) string {
	w.Helper()
	return "Bearer " + w.Session(user, organization, change...).Token.Reveal()
}
