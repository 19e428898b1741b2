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
)

// login sends a person to the provider that is to say who they are. All of the query
// may be left out: their address, the provider that they want to go by, the organization
// that they want to, the token of an invitation.
func (a *app) login(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	t := trip{State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(), Invitation: q.Get("invitation")}
	if err := t.Organization.UnmarshalText([]byte(q.Get("organization"))); err != nil {
		a.fail(w, r, err)
		return
	}
	p, err := a.lead(r.Context(), q.Get("email"), q.Get("with"), t.Organization)
	if err == nil {
		t.Provider = p.name
		err = a.remember(w, t)
	}
	if err != nil {
		a.fail(w, r, err)
		return
	}
	there := p.oauth.AuthCodeURL(t.State, oidc.Nonce(t.Nonce), oauth2.S256ChallengeOption(t.Verifier))
	http.Redirect(w, r, there, http.StatusFound)
}

// lead finds the provider for a person: the one they want to go by, else the one that
// their organization or their address leads to, else the program's own.
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
		return a.enterprise(ctx, c)
	case slices.Contains(route.Methods, social):
		return a.social(ctx)
	}
	return nil, &tenancy.Error{Code: tenancy.ErrSignInRefused}
}

// callback takes a person back from their provider, and leaves it to Freehold what their
// coming is good for.
func (a *app) callback(w http.ResponseWriter, r *http.Request) {
	ctx, q := r.Context(), r.URL.Query()
	t, err := a.recall(w, r)
	if err != nil || r.PathValue("provider") != t.Provider || subtle.ConstantTimeCompare([]byte(q.Get("state")), []byte(t.State)) != 1 {
		a.fail(w, r, errors.New("an answer that this browser did not ask for"))
		return
	}
	p, err := a.lead(ctx, "", t.Provider, tenancy.OrganizationID{})
	if err == nil && p.name != t.Provider {
		err = errors.New("the provider is not there any more")
	}
	if err != nil {
		a.fail(w, r, err)
		return
	}
	claims, err := p.redeem(oidc.ClientContext(ctx, a.client), q.Get("code"), t)
	if err != nil {
		a.fail(w, r, fmt.Errorf("%s (the provider says %q)", err, q.Get("error")))
		return
	}
	decision, err := a.service.SignIn(ctx, tenancy.Attempt{
		Evidence: p.evidence(claims), Invitation: t.Invitation, OrganizationID: t.Organization,
	})
	if err != nil {
		a.fail(w, r, err)
		return
	}
	a.answer(w, r, t, decision)
}

// answer tells a browser what was decided. The provider's code is spent by now, so what
// is wanted goes with the person on another trip.
func (a *app) answer(w http.ResponseWriter, r *http.Request, t trip, d tenancy.Decision) {
	if d.Kind == tenancy.DecisionSignedIn {
		a.sessions.Set(w, d.Started())
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(http.StatusForbidden)
	if err := refusal.Execute(w, refused{d, t}); err != nil {
		a.log.ErrorContext(r.Context(), "a page", "error", err)
	}
}
