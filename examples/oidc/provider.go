package main

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/freehold-dev/freehold/tenancy"
)

// social is the program's own provider, where everybody may have an account.
const social tenancy.SignInMethod = "google"

// provider is a service that says who people are: the program's own, or that of an organization's connection.
type provider struct {
	name       string             // in paths: the method, or the connection's id
	connection tenancy.Connection // zero for the program's own provider
	oauth      oauth2.Config
	verifier   *oidc.IDTokenVerifier
}

// client is the program's registration at an issuer.
type client struct{ issuer, id, secret string }

func (a *app) provider(ctx context.Context, name string, c client, behind tenancy.Connection) (*provider, error) {
	issuer, err := a.discover(ctx, c.issuer)
	if err != nil {
		return nil, err
	}
	return &provider{
		name: name, connection: behind,
		oauth: oauth2.Config{
			ClientID: c.id, ClientSecret: c.secret, Endpoint: issuer.Endpoint(),
			// Each provider has its own callback path. So a provider cannot send a person's answer on and have
			// it taken for another provider's.
			RedirectURL: a.url + "/callback/" + name,
			Scopes:      []string{oidc.ScopeOpenID, "email", "profile"},
		},
		verifier: issuer.Verifier(&oidc.Config{ClientID: c.id}),
	}, nil
}

// discover reads an issuer's published configuration, once.
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

// redeem exchanges a code for claims. The verifier checks that the token is from this issuer and for this
// client; redeem checks that it answers this trip.
func (p *provider) redeem(ctx context.Context, code string, t trip) (json.RawMessage, error) {
	tokens, err := p.oauth.Exchange(ctx, code, oauth2.VerifierOption(t.Verifier))
	if err != nil {
		return nil, err
	}
	raw, ok := tokens.Extra("id_token").(string)
	if !ok {
		return nil, errors.New("no id token")
	}
	token, err := p.verifier.Verify(ctx, raw)
	if err != nil {
		return nil, err
	}
	if subtle.ConstantTimeCompare([]byte(token.Nonce), []byte(t.Nonce)) != 1 {
		return nil, errors.New("an id token for another sign-in")
	}
	var claims json.RawMessage
	return claims, token.Claims(&claims)
}

// evidence turns the claims into evidence. Freehold reads email_verified from the claims itself, and believes
// an organization's provider only on that organization's own domains (rule P6).
func (p *provider) evidence(claims json.RawMessage) tenancy.Evidence {
	if p.connection.ID.IsZero() {
		return tenancy.ClaimsEvidence(p.name, claims)
	}
	return tenancy.ConnectionEvidence(p.connection, tenancy.AssertionFromClaims(claims))
}
