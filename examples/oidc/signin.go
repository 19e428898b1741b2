package main

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/freehold-dev/freehold/tenancy"
	"github.com/freehold-dev/freehold/tenancyhttp"
)

// loginPage asks first: a stranger may have made the link, so a link alone signs nobody in.
func (a *app) loginPage(w http.ResponseWriter, r *http.Request) error {
	return show(w, http.StatusOK, page{Query: r.URL.Query()})
}

// login sends a person to the provider that will say who they are. All fields of the form are optional: the
// address, the provider, the organization, and the token of an invitation.
func (a *app) login(w http.ResponseWriter, r *http.Request) error {
	t := trip{State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(), Invitation: r.PostFormValue("invitation")}
	if err := t.Organization.UnmarshalText([]byte(r.PostFormValue("organization"))); err != nil {
		return err
	}
	p, err := a.lead(r.Context(), r.PostFormValue("email"), r.PostFormValue("with"), t.Organization)
	if err != nil {
		return err
	}
	t.Provider = p.name
	a.remember(w, t)
	http.Redirect(w, r, p.oauth.AuthCodeURL(t.State, oidc.Nonce(t.Nonce), oauth2.S256ChallengeOption(t.Verifier)), http.StatusSeeOther)
	return nil
}

// lead finds the provider for a person: the one that they chose, else that of their organization or address,
// else the program's own.
func (a *app) lead(ctx context.Context, email, with string, to tenancy.OrganizationID) (*provider, error) {
	hints := tenancy.RouteHints{OrganizationID: to}
	if with != "" && with != string(social) {
		if err := hints.ConnectionID.UnmarshalText([]byte(with)); err != nil {
			return nil, err
		}
	}
	route, err := a.service.Route(ctx, email, hints)
	switch {
	case err != nil:
		return nil, err
	case with != string(social) && len(route.Connections) > 0:
		c, err := a.service.Connections.GetByID(ctx, route.Connections[0].ID)
		if err != nil {
			return nil, err
		}
		// The settings contain the client id. They do not contain its secret, because events show settings.
		return a.provider(ctx, c.ID.String(), client{c.Issuer, c.Settings["client_id"], a.secret(c.ID)}, c)
	case slices.Contains(route.Methods, social):
		return a.provider(ctx, string(social), a.own, tenancy.Connection{})
	}
	return nil, &tenancy.Error{Code: tenancy.ErrSignInRefused}
}

// callback receives a person from their provider, and lets Freehold decide what happens.
func (a *app) callback(w http.ResponseWriter, r *http.Request) error {
	ctx, q := r.Context(), r.URL.Query()
	t, err := a.recall(w, r)
	if err != nil || r.PathValue("provider") != t.Provider || subtle.ConstantTimeCompare([]byte(q.Get("state")), []byte(t.State)) != 1 {
		return errors.New("an answer that this browser did not ask for")
	}
	p, err := a.lead(ctx, "", t.Provider, tenancy.OrganizationID{})
	if err == nil && p.name != t.Provider {
		err = errors.New("the provider is not there any more")
	}
	if err != nil {
		return err
	}
	claims, err := p.redeem(oidc.ClientContext(ctx, a.client), q.Get("code"), t)
	if err != nil {
		return fmt.Errorf("%s (the provider says %q)", err, q.Get("error"))
	}
	d, err := a.service.SignIn(ctx, tenancy.Attempt{Evidence: p.evidence(claims), Invitation: t.Invitation, OrganizationID: t.Organization})
	switch {
	case err != nil:
		return err
	case d.Kind == tenancy.DecisionSignedIn:
		return a.enter(w, r, t, d)
	}
	// The provider's code is used up by now, so the person gets another trip for the next step.
	return show(w, http.StatusForbidden, page{Decision: d, Trip: t})
}

// enter gives the session to the browser, unless another person is signed in there. A stranger may have led the
// person to the stranger's account, so the person must sign out themselves first.
func (a *app) enter(w http.ResponseWriter, r *http.Request, t trip, d tenancy.Decision) error {
	here, err := a.sessions.Authenticate(r)
	switch {
	case err == nil && here.User.ID != d.User.ID:
		if err := a.service.Sessions.SignOut(r.Context(), d.Token.Reveal()); err != nil {
			return err
		}
		return show(w, http.StatusConflict, page{Decision: d, Trip: t, Here: here.User.Email})
	case err != nil && tenancy.CodeOf(err) != tenancyhttp.ErrUnauthenticated:
		return err
	}
	a.sessions.Set(w, d.Started())
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}
