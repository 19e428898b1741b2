package sqlite_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/internal/servicetest/faults"
	"github.com/freehold-dev/freehold/internal/servicetest/history"
	"github.com/freehold-dev/freehold/internal/servicetest/model"
	"github.com/freehold-dev/freehold/internal/servicetest/races"
	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/sqlite"
	"github.com/freehold-dev/freehold/tenancy"
)

func openStore(t *testing.T) store.Store { return open(t) }

var onSQLite = servicetest.Backend{Open: openStore, Kind: servicetest.SQL, Copy: copyFile}

// copyFile keeps the bytes of a store's file, which open opened.
func copyFile(t *testing.T, st store.Store) servicetest.Opener {
	t.Helper()
	db := st.(*sqlite.Store).DB()
	var busy, inLog, moved int
	require.NoError(t, db.QueryRow(`PRAGMA wal_checkpoint(TRUNCATE)`).Scan(&busy, &inLog, &moved))
	require.Zero(t, busy)
	file, err := os.ReadFile(column(t, db, `SELECT file FROM pragma_database_list WHERE name = 'main'`)[0])
	require.NoError(t, err)
	return func(t *testing.T) store.Store {
		t.Helper()
		path := filepath.Join(t.TempDir(), "app.db")
		require.NoError(t, os.WriteFile(path, file, 0o600))
		return openAt(t, path)
	}
}

func TestModel(t *testing.T) { model.Run(t, openStore, servicetest.Soak(100_000, 3000)) }

func TestSignInModel(t *testing.T) {
	model.SignIn(t, openStore, servicetest.Soak(100_000, 800))
}

func TestDomainHistories(t *testing.T) {
	history.Domains(t, openStore, servicetest.Soak(200, 4), 200)
}

func TestInvitationHistories(t *testing.T) {
	history.Invitations(t, openStore, servicetest.Soak(200, 4), 200)
}

func TestHistories(t *testing.T) { history.Run(t, openStore, servicetest.Soak(200, 4), 200) }

func TestSessionHistories(t *testing.T) {
	history.Sessions(t, openStore, servicetest.Soak(200, 12), 200)
}

func TestRaces(t *testing.T) { races.Run(t, openStore, servicetest.Soak(1000, 48)) }

func TestSessionRaces(t *testing.T) {
	races.Sessions(t, openStore, servicetest.Soak(200, 8))
}

func TestFaults(t *testing.T) { faults.Run(t, onSQLite) }

// A second handle on the file sees what is committed, at once, and nothing else.
func TestSecondHandle(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.db")
	one, err := tenancy.New(tenancy.Config{Store: openAt(t, path)})
	require.NoError(t, err)
	other, err := tenancy.New(tenancy.Config{Store: openAt(t, path)})
	require.NoError(t, err)
	ctx := t.Context()
	ada, err := one.Users.Create(ctx, tenancy.NewUser{Email: "ada@acme.example"})
	require.NoError(t, err)
	got, err := other.Users.Get(ctx, ada.ID)
	require.NoError(t, err)
	require.Equal(t, ada, got)
	before, err := other.Events.Last(ctx)
	require.NoError(t, err)
	require.NoError(t, one.Transact(ctx, func(inside context.Context, tx *tenancy.Service) error {
		_, err := tx.Users.Suspend(inside, ada.ID)
		require.NoError(t, err)
		got, err := other.Users.Get(ctx, ada.ID)
		require.NoError(t, err)
		require.Zero(t, got.SuspendedAt, "seen before it is committed")
		return nil
	}))
	got, err = other.Users.Get(ctx, ada.ID)
	require.NoError(t, err)
	require.NotZero(t, got.SuspendedAt)
	after, err := other.Events.Last(ctx)
	require.NoError(t, err)
	require.Greater(t, after, before) // E1
	_, err = other.Users.Unsuspend(ctx, ada.ID)
	require.NoError(t, err)
	got, err = one.Users.Get(ctx, ada.ID)
	require.NoError(t, err)
	require.Zero(t, got.SuspendedAt)
}

// The raw token is nowhere but in the hands of whom ChangeEmail gave it to (G10).
func TestTokenIsNowhere(t *testing.T) {
	dir, ctx := t.TempDir(), t.Context()
	var said bytes.Buffer
	svc, err := tenancy.New(tenancy.Config{
		Store:  openAt(t, filepath.Join(dir, "app.db")),
		Logger: slog.New(slog.NewTextHandler(&said, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	require.NoError(t, err)
	ada, err := svc.Users.Create(ctx, tenancy.NewUser{Email: "ada@acme.example"})
	require.NoError(t, err)
	proof, err := svc.Users.ChangeEmail(ctx, ada.ID, "ada@beta.example")
	require.NoError(t, err)
	raw := proof.Token.Reveal()
	seen := func() {
		user, err := svc.Users.Get(ctx, ada.ID)
		require.NoError(t, err)
		page, err := svc.Users.List(ctx, tenancy.UserQuery{})
		require.NoError(t, err)
		events, err := svc.Events.List(ctx, tenancy.EventQuery{})
		require.NoError(t, err)
		asJSON, err := json.Marshal([]any{proof, user, page, events})
		require.NoError(t, err)
		said.Write(asJSON)
		fmt.Fprintf(&said, "%v %+v %#v %v", proof, proof, proof.Token, events)
		slog.New(slog.NewJSONHandler(&said, nil)).Info("proof", "token", proof.Token, "proof", proof)
	}
	seen()
	requireUnsaid(t, raw, said.String())
	require.Positive(t, scan(t, dir, raw))
	_, err = svc.Users.ConfirmEmail(ctx, tenancy.EmailConfirmation{Token: raw[:len(raw)-1] + "_"})
	require.ErrorIs(t, err, tenancy.ErrInvalidToken)
	said.WriteString(err.Error())
	_, err = svc.As(tenancy.UserPrincipal(ada.ID)).Users.ConfirmEmail(ctx, tenancy.EmailConfirmation{Token: raw})
	require.NoError(t, err)
	_, err = svc.Users.ConfirmEmail(ctx, tenancy.EmailConfirmation{Token: raw})
	require.ErrorIs(t, err, tenancy.ErrTokenUsed)
	said.WriteString(err.Error())
	seen()
	requireUnsaid(t, raw, said.String())
	scan(t, dir, raw)
}

// requireUnsaid looks for a token and for the part of it that is secret.
func requireUnsaid(t *testing.T, raw, text string) {
	t.Helper()
	_, secret, ok := strings.Cut(raw, "_")
	require.True(t, ok)
	require.NotContains(t, text, secret[:20])
}

// scan looks for a token in each file of a directory, and says in how many bytes.
func scan(t *testing.T, dir, raw string) (size int) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(files), 2, "the database and its log")
	for _, file := range files {
		content, err := os.ReadFile(file)
		require.NoError(t, err)
		requireUnsaid(t, raw, string(content))
		size += len(content)
	}
	t.Logf("figures: secrets: no token in %d files, %d bytes", len(files), size)
	return size
}
