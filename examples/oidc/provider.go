package main

import (
	"context"
	"crypto/subtle"
	"errors"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/freehold-dev/freehold/tenancy"
)

// social is the program's own provider, which anybody may have an account with.
const social tenancy.SignInMethod = "google"

// provider is somebody who says who people are: the program's own, or the one behind
// an organization's connection.
type provider struct {
	name       string               // in paths: the method, or the connection's id
	connection tenancy.ConnectionID // zero: the program's own
	oauth      oauth2.Config
	verifier   *oidc.IDTokenVerifier
}

func (a *app) social(ctx context.Context) (*provider, error) {
	return a.provider(ctx, string(social), a.own)
}

// enterprise is the provider of a connection. What the client is called there is in its
// settings; its secret is not, for events show those.
func (a *app) enterprise(ctx context.Context, c tenancy.Connection) (*provider, error) {
	p, err := a.provider(ctx, c.ID.String(), client{c.Issuer, c.Settings["client_id"], a.secret(c.ID)})
	if err == nil {
		p.connection = c.ID
	}
	return p, err
}

// client is what the program is to an issuer.
type client struct{ issuer, id, secret string }

func (a *app) provider(ctx context.Context, name string, c client) (*provider, error) {
	issuer, err := a.discover(ctx, c.issuer)
	if err != nil {
		return nil, err
	}
	return &provider{
		name: name,
		oauth: oauth2.Config{
			ClientID: c.id, ClientSecret: c.secret, Endpoint: issuer.Endpoint(),
			// Each provider has a path of its own to come back by, so that none can pass a
			// person on to another and have the answer taken for its own.
			RedirectURL: a.url + "/callback/" + name,
			Scopes:      []string{oidc.ScopeOpenID, "email", "profile"},
		},
		verifier: issuer.Verifier(&oidc.Config{ClientID: c.id}),
	}, nil
}

// discover reads what an issuer publishes of itself, once.
func (a *app) discover(ctx context.Context, issuer string) (*oidc.Provider, error) {
	if known, ok := a.issuers.Load(issuer); ok {
		return known.(*oidc.Provider), nil
	}
	found, err := oidc.NewProvider(oidc.ClientContext(ctx, a.client), issuer)
	if err == nil {
		a.issuers.Store(issuer, found)
	}
	return found, err
}

// claims are what a provider says of a person.
type claims struct {
	Subject string `json:"sub"`
	Email   string `json:"email"`
	// EmailVerified is read as it comes: a library that takes the text "true" for a yes,
	// as oidc.UserInfo does, takes it from whoever can write that text.
	EmailVerified any      `json:"email_verified"`
	Groups        []string `json:"groups"`
	Name          string   `json:"name"`
	GivenName     string   `json:"given_name"`
	FamilyName    string   `json:"family_name"`
	Picture       string   `json:"picture"`
	Locale        string   `json:"locale"`
}

// redeem trades a code for the claims that it stands for. The token is from this issuer
// and for this client, which its verifier sees to, and an answer to this very trip.
func (p *provider) redeem(ctx context.Context, code string, t trip) (c claims, err error) {
	tokens, err := p.oauth.Exchange(ctx, code, oauth2.VerifierOption(t.Verifier))
	if err != nil {
		return c, err
	}
	raw, ok := tokens.Extra("id_token").(string)
	if !ok {
		return c, errors.New("no id token")
	}
	token, err := p.verifier.Verify(ctx, raw)
	if err != nil {
		return c, err
	}
	if subtle.ConstantTimeCompare([]byte(token.Nonce), []byte(t.Nonce)) != 1 {
		return c, errors.New("an id token for another sign-in")
	}
	return c, token.Claims(&c)
}

// attempt is what Freehold wants to know. An organization's provider is believed about
// addresses, for Freehold believes it on the organization's own domains alone (rule P6);
// everybody's provider has to say that it has verified one.
func (p *provider) attempt(c claims) tenancy.Attempt {
	in := tenancy.Attempt{Method: social, Subject: c.Subject, Email: c.Email, EmailVerified: tenancy.VerifiedClaim(c.EmailVerified)}
	if !p.connection.IsZero() {
		in.Method, in.ConnectionID = tenancy.MethodSingleSignOn, p.connection
		in.EmailVerified, in.Groups = c.Email != "", c.Groups
	}
	in.Profile = tenancy.Profile{
		DisplayName: c.Name, GivenName: c.GivenName, FamilyName: c.FamilyName, Picture: c.Picture, Locale: c.Locale,
	}
	return in
}
