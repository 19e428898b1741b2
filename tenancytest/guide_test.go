package tenancytest_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
	"github.com/freehold-dev/freehold/tenancyhttp"
	"github.com/freehold-dev/freehold/tenancytest"
)

func TestInvitation(t *testing.T) {
	w := tenancytest.New(t)
	acme, bob := w.Organization("Acme", "ada"), w.User("bob@mail.example")
	_, err := w.Service.Invitations.Send(t.Context(), tenancy.NewInvitation{OrganizationID: acme.ID, Email: "bob@mail.example"})
	require.NoError(t, err)

	token := w.Mailbox.Token(t, "bob@mail.example")
	w.Clock.Advance(8 * 24 * time.Hour) // an invitation is valid for 7 days
	_, err = w.Service.Invitations.Accept(t.Context(), token, bob.ID)
	require.ErrorIs(t, err, tenancy.ErrInvitationExpired)
	w.RequireEvent(tenancy.EventInvitationSent, acme.ID)
	w.RequireNoEvent(tenancy.EventMembershipCreated, acme.ID, bob.ID)
}

func TestOnlyActiveMembersRead(t *testing.T) {
	for _, state := range tenancytest.States() {
		t.Run(string(state), func(t *testing.T) {
			w := tenancytest.New(t)
			acme := w.Organization("Acme", "ada")
			eve := w.MemberIn(state, acme.ID, "eve", rbac.Admin)
			may, err := w.Service.Can(t.Context(), eve.ID, acme.ID, rbac.ReadMembers)
			require.NoError(t, err)
			require.Equal(t, state == tenancytest.Active, may)
		})
	}
}

// handler makes the application under test, behind its Guard.
func handler(t *testing.T, w *tenancytest.World) (http.Handler, *tenancyhttp.Sessions) {
	sessions, err := tenancyhttp.NewSessions(tenancyhttp.SessionsConfig{Service: w.Service, Now: w.Clock.Now})
	require.NoError(t, err)
	guard, err := tenancyhttp.New(tenancyhttp.Config{Service: w.Service, Sessions: sessions})
	require.NoError(t, err)
	return guard.Member(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})), sessions
}

func TestSignedIn(t *testing.T) {
	w := tenancytest.New(t)
	app, sessions := handler(t, w)
	acme := w.Organization("Acme", "ada")
	bob := w.Member(acme.ID, "bob")
	send := func(sign func(r *http.Request)) int {
		r, answer := httptest.NewRequest(http.MethodGet, "https://app.example/", nil), httptest.NewRecorder()
		sign(r)
		app.ServeHTTP(answer, r)
		return answer.Code
	}
	cookie, bearer := w.Cookie(sessions, bob.UserID, acme.ID), w.Bearer(bob.UserID, acme.ID)
	browser := func(r *http.Request) { r.AddCookie(cookie) }
	client := func(r *http.Request) { r.Header.Set("Authorization", bearer) }
	require.Equal(t, http.StatusUnauthorized, send(func(*http.Request) {}))
	require.Equal(t, http.StatusOK, send(browser))
	require.Equal(t, http.StatusOK, send(client))
	require.NoError(t, w.Service.Memberships.Remove(t.Context(), acme.ID, bob.UserID))
	require.Equal(t, http.StatusUnauthorized, send(browser))
	require.Equal(t, http.StatusUnauthorized, send(client))
}

func TestSingleSignOn(t *testing.T) {
	w := tenancytest.New(t)
	app, sessions := handler(t, w)
	acme := w.Organization("Acme", "ada")
	bob, connection := w.Member(acme.ID, "bob"), w.Connection(acme.ID)
	_, err := w.Service.Policies.Set(t.Context(), acme.ID, tenancy.PolicyUpdate{
		Organization: &tenancy.OrganizationPolicy{SingleSignOn: true},
	})
	require.NoError(t, err)

	r, answer := httptest.NewRequest(http.MethodGet, "https://app.example/", nil), httptest.NewRecorder()
	r.AddCookie(w.Cookie(sessions, bob.UserID, acme.ID, w.Through(connection)))
	app.ServeHTTP(answer, r)
	require.Equal(t, http.StatusOK, answer.Code)
}

// documents is a table of the application.
type documents []document

type document struct {
	Organization tenancy.OrganizationID
	Title, Text  string
}

// titled gives the documents of an organization that have a title.
func (d documents) titled(organization tenancy.OrganizationID, title string) (found documents) {
	for _, doc := range d {
		if doc.Organization == organization && doc.Title == title {
			found = append(found, doc)
		}
	}
	return found
}

func TestDocumentsDoNotLeak(t *testing.T) {
	var docs documents
	tenancytest.Leaks(tenancytest.New(t), func(t *tenancytest.Tenant) tenancytest.Queries {
		docs = append(docs, document{t.Organization.ID, "Plan", t.Mark})
		return tenancytest.Queries{
			"by title": func() (any, error) { return docs.titled(t.Organization.ID, "Plan"), nil },
		}
	})
}
