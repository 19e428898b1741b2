package tenancy_test

//lint:file-ignore SA4006 the pages leave out what a program does with an error

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/store/memory"
	"github.com/freehold-dev/freehold/tenancy"
)

// The functions of this file have the Go of docs/access.md, docs/errors.md and docs/sessions.md, where
// internal/hygiene looks for it.

func declareOnPage(ctx context.Context, svc *tenancy.Service) (err error) {
	const ReadDocuments rbac.Permission = "documents:read" // the program's own constants need no conversion

	err = svc.Declare(ctx, 1, tenancy.Schema{
		Permissions: []tenancy.PermissionSpec{{Slug: ReadDocuments}, {Slug: "documents:write"}},
		Roles: []tenancy.RoleSpec{
			{Slug: "member", Grants: []rbac.Grant{ReadDocuments}},
			{Slug: "editor", Extends: "member", Grants: []rbac.Grant{"documents:*"}},
		},
	})
	return err
}

func leanSchemaOnPage() tenancy.Schema {
	schema := tenancy.Schema{BuiltIns: []string{rbac.Owner, rbac.Admin, rbac.Member}}
	return schema
}

func checkOnPage(ctx context.Context, svc *tenancy.Service, acme tenancy.Organization, bob tenancy.User) (bool, tenancy.Explanation, error) {
	ok, err := svc.Can(ctx, bob.ID, acme.ID, "documents:write")      // yes or no
	err = svc.Check(ctx, bob.ID, acme.ID, "documents:write")         // nil, forbidden or not_found: for guards
	why, err := svc.Explain(ctx, bob.ID, acme.ID, "documents:write") // which role, through which parents, by which grant
	return ok, why, err
}

func actOnPage(svc *tenancy.Service, ada tenancy.User) *tenancy.Service {
	mine := svc.As(tenancy.UserPrincipal(ada.ID)) // hand this to the handlers of Ada's request
	return mine
}

func claimsOnPage(ctx context.Context, svc *tenancy.Service, session tenancy.Session) (map[string]any, error) {
	claims, err := svc.As(tenancy.SessionPrincipal(session)).Sessions.Claims(ctx, session.ID, tenancy.ClaimsQuery{
		Metadata: []string{"plan"}, Extra: map[string]any{"iss": "https://app.example"},
	})
	return claims, err
}

func sessionOnPage(ctx context.Context, svc *tenancy.Service, bob tenancy.User, acme, beta tenancy.Organization) (tenancy.Decision, tenancy.Authenticated, error) {
	started, err := svc.Sessions.Start(ctx, tenancy.NewSession{UserID: bob.ID, OrganizationID: acme.ID, Method: "password"})
	token := started.Token.Reveal()
	d, err := svc.Sessions.Enter(ctx, token, beta.ID)            // a second entry: signed_in, or which sign-in beta wants
	found, err := svc.Sessions.Authenticate(ctx, token, beta.ID) // on each request in beta
	d, err = svc.Sessions.Switch(ctx, token, beta.ID)            // beta is the current one, for requests that name none
	err = svc.Sessions.SignOut(ctx, token)                       // all entries
	return d, found, err
}

func errorOnPage(err error) string {
	var e *tenancy.Error
	switch {
	case errors.Is(err, tenancy.ErrSeatLimit): // one code
		return "Every seat is taken."
	case errors.As(err, &e): // Field, IDs, Counts, Reason and RetryAfter say more
		return string(e.Code) + " " + e.Field
	}
	return string(tenancy.CodeOf(err)) // "" for nil
}

func TestPages(t *testing.T) {
	ctx := t.Context()
	svc, acme, ada, bob, _ := office()
	require.NoError(t, declareOnPage(ctx, svc))
	ok, why, err := checkOnPage(ctx, svc, acme, bob)
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, "editor", why.Role)
	_, err = actOnPage(svc, ada).Organizations.Get(ctx, acme.ID)
	require.NoError(t, err)

	_, err = svc.Users.Create(ctx, tenancy.NewUser{Email: "no address"})
	require.Equal(t, "invalid email", errorOnPage(err))

	lean := must(tenancy.New(tenancy.Config{Store: memory.New()}))
	require.NoError(t, lean.Declare(ctx, 1, leanSchemaOnPage()))
	owner := must(lean.Users.Create(ctx, tenancy.NewUser{Email: "ada@acme.example"}))
	home := must(lean.Organizations.Create(ctx, tenancy.NewOrganization{DisplayName: "Acme", Owner: owner.ID}))
	_, err = lean.Memberships.AddRole(ctx, home.ID, owner.ID, rbac.Guest)
	require.ErrorIs(t, err, tenancy.ErrUnknownRole)

	beta := must(svc.Organizations.Create(ctx, tenancy.NewOrganization{DisplayName: "Beta", Owner: bob.ID}))
	d, found, err := sessionOnPage(ctx, svc, bob, acme, beta)
	require.NoError(t, err)
	require.Equal(t, tenancy.DecisionSignedIn, d.Kind)
	require.Equal(t, beta.ID, found.Session.OrganizationID)

	started := must(svc.Sessions.Start(ctx, tenancy.NewSession{UserID: bob.ID, OrganizationID: acme.ID, Method: "password"}))
	claims, err := claimsOnPage(ctx, svc, started.Session)
	require.NoError(t, err)
	require.Equal(t, acme.ID.String(), claims[tenancy.ClaimOrganization])
}
