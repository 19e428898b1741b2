package sqlite_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/store/sqlite"
	"github.com/freehold-dev/freehold/tenancy"
)

// frame is what a page takes in the log: a header, and SQLite's page.
const frame = 24 + 4096

// TestPagesWritten holds calls to the pages that they write: what an index holds and does not
// change is left alone. Five or six of the pages are the event's.
func TestPagesWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pages.db")
	st, err := sqlite.Open(t.Context(), path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, st.Close()) })
	svc, err := tenancy.New(tenancy.Config{Store: st, MailOnly: true})
	require.NoError(t, err)
	ctx := t.Context()
	ann, err := svc.Users.Create(ctx, tenancy.NewUser{Email: "ann@acme.example", EmailVerified: true})
	require.NoError(t, err)
	acme, err := svc.Organizations.Create(ctx, tenancy.NewOrganization{DisplayName: "Acme", Owner: ann.ID})
	require.NoError(t, err)
	populate(t, svc, acme.ID)
	bob, err := svc.Users.Create(ctx, tenancy.NewUser{Email: "bob@acme.example", EmailVerified: true})
	require.NoError(t, err)
	_, err = svc.Memberships.Add(ctx, tenancy.NewMembership{OrganizationID: acme.ID, UserID: bob.ID})
	require.NoError(t, err)
	value := "x"
	var started tenancy.StartedSession
	for _, c := range []struct {
		name string
		most int
		call func() error
	}{
		{"metadata of a member", 10, func() error {
			_, err := svc.Memberships.Update(ctx, acme.ID, bob.ID, tenancy.MembershipUpdate{Metadata: tenancy.Patch{"a": &value}})
			return err
		}},
		{"phone of a user", 7, func() error {
			_, err := svc.Users.Update(ctx, bob.ID, tenancy.UserUpdate{Phone: &value})
			return err
		}},
		{"settings of an organization", 7, func() error {
			_, err := svc.Organizations.Update(ctx, acme.ID, tenancy.OrganizationUpdate{Metadata: tenancy.Patch{"a": &value}})
			return err
		}},
		{"create a user", 17, func() error {
			_, err := svc.Users.Create(ctx, tenancy.NewUser{Email: "cyd@acme.example"})
			return err
		}},
		{"sign in", 24, func() error {
			_, err := svc.SignIn(ctx, tenancy.Attempt{Evidence: tenancy.MailboxEvidence("bob@acme.example")})
			return err
		}},
		{"start a session", 24, func() (err error) {
			started, err = svc.Sessions.Start(ctx, tenancy.NewSession{UserID: bob.ID, OrganizationID: acme.ID, Method: "password"})
			return err
		}},
		{"end it", 21, func() error { return svc.Sessions.Revoke(ctx, started.Session.ID) }},
		{"invite", 28, func() error {
			_, err := svc.Invitations.Send(ctx, tenancy.NewInvitation{OrganizationID: acme.ID, Email: "dan@acme.example"})
			return err
		}},
		{"deactivate", 48, func() error { _, err := svc.Memberships.Deactivate(ctx, acme.ID, bob.ID); return err }},
	} {
		_, err := st.DB().ExecContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`)
		require.NoError(t, err)
		require.NoError(t, c.call(), c.name)
		log, err := os.Stat(path + "-wal")
		require.NoError(t, err)
		pages := int(log.Size() / frame)
		t.Logf("figures: pages written: %s: %d", c.name, pages)
		require.LessOrEqual(t, pages, c.most, c.name)
	}
}

// populate fills tables, so that an index is not one page.
func populate(t *testing.T, svc *tenancy.Service, id tenancy.OrganizationID) {
	t.Helper()
	require.NoError(t, svc.Import(t.Context(), func(ctx context.Context, tx *tenancy.Service) error {
		for i := range 500 {
			u, err := tx.Users.Create(ctx, tenancy.NewUser{Email: fmt.Sprintf("m%d@acme.example", i)})
			if err != nil {
				return err
			}
			if _, err := tx.Memberships.Add(ctx, tenancy.NewMembership{OrganizationID: id, UserID: u.ID}); err != nil {
				return err
			}
		}
		return nil
	}))
}
