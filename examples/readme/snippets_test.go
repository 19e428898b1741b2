package main

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/store/sqlite"
	"github.com/freehold-dev/freehold/tenancy"
)

// permit is the README on permissions; internal/hygiene finds its lines here.
func permit(ctx context.Context, svc *tenancy.Service, acme tenancy.Organization, bob tenancy.User) (bool, error) {
	err := svc.Declare(ctx, 1, tenancy.Schema{ // at every start; raise the revision, 1, with each change
		Permissions: []tenancy.PermissionSpec{{Slug: "documents:read"}, {Slug: "documents:write"}},
		Roles: []tenancy.RoleSpec{
			{Slug: "member", Grants: []rbac.Grant{"documents:read"}},
			{Slug: "editor", Extends: "member", Grants: []rbac.Grant{"documents:*"}},
		},
	})
	if err != nil {
		return false, err
	}
	return svc.Can(ctx, bob.ID, acme.ID, "documents:write")
}

// seat is the README on transactions.
func seat(ctx context.Context, svc *tenancy.Service, acme tenancy.Organization, bob tenancy.User) error {
	return sqlite.Transact(ctx, svc, func(ctx context.Context, in *tenancy.Service, tx *sql.Tx) error {
		m, err := in.Memberships.Add(ctx, tenancy.NewMembership{OrganizationID: acme.ID, UserID: bob.ID})
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO desks (membership, number) VALUES (?, 12)`, m.ID)
		return err // nil keeps both rows; an error keeps neither
	})
}

func TestSnippets(t *testing.T) {
	ctx := t.Context()
	st, err := sqlite.Open(ctx, filepath.Join(t.TempDir(), "app.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, st.Close()) })
	svc := must(tenancy.New(tenancy.Config{Store: st}))
	ada := must(svc.Users.Create(ctx, tenancy.NewUser{Email: "ada@acme.example"}))
	bob := must(svc.Users.Create(ctx, tenancy.NewUser{Email: "bob@acme.example"}))
	acme := must(svc.Organizations.Create(ctx, tenancy.NewOrganization{DisplayName: "Acme", Owner: ada.ID}))

	require.Error(t, seat(ctx, svc, acme, bob), "there is no table of desks yet")
	_, err = svc.Memberships.Get(ctx, acme.ID, bob.ID)
	require.True(t, errors.Is(err, tenancy.ErrNotFound), "the membership is undone with the row")

	require.NoError(t, sqlite.Transact(ctx, svc, func(ctx context.Context, _ *tenancy.Service, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `CREATE TABLE desks (membership TEXT PRIMARY KEY, number INTEGER NOT NULL)`)
		return err
	}))
	require.NoError(t, seat(ctx, svc, acme, bob))
	ok, err := permit(ctx, svc, acme, bob)
	require.NoError(t, err)
	require.False(t, ok)
	must(svc.Memberships.SetRoles(ctx, acme.ID, bob.ID, "editor"))
	ok, err = permit(ctx, svc, acme, bob)
	require.NoError(t, err)
	require.True(t, ok)
}
