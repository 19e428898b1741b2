package main

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/freehold-dev/freehold/tenancy"
	"github.com/freehold-dev/freehold/tenancytest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is the program on a server, with the two organizations of seed in it.
type world struct {
	*testing.T
	*app
	server *httptest.Server
	mails  *tenancytest.Mailbox
	dns    *toyDNS
	acme   place
	init   place
}

// place is an organization, with one of each thing that it has.
type place struct {
	org        tenancy.OrganizationID
	doc        string
	invitation tenancy.InvitationID
	domain     tenancy.DomainID
	users      map[string]tenancy.UserID // by name: ada, bob, ...
}

func start(t *testing.T) *world {
	t.Helper()
	w := &world{T: t, mails: tenancytest.NewMailbox(), dns: newToyDNS()}
	var err error
	w.app, err = open(t.Context(), options{
		path: filepath.Join(t.TempDir(), "webapp.db"), log: slog.New(slog.DiscardHandler),
		mailer: w.mails, demo: w.dns, mailEvery: -1,
	})
	require.NoError(t, err)
	t.Cleanup(w.close)
	w.server = httptest.NewServer(w.handler())
	t.Cleanup(w.server.Close)
	return w
}

// The file, and those beside it, are for their owner alone.
func TestFileIsPrivate(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("has no such modes")
	}
	path := filepath.Join(t.TempDir(), "webapp.db")
	a, err := open(t.Context(), options{path: path, log: slog.New(slog.DiscardHandler), mailer: tenancytest.NewMailbox(), demo: newToyDNS()})
	require.NoError(t, err)
	t.Cleanup(a.close)
	for _, beside := range []string{"", "-wal", "-shm"} {
		file, err := os.Stat(path + beside)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), file.Mode().Perm(), file.Name())
	}
}

func startSeeded(t *testing.T) *world {
	t.Helper()
	w := start(t)
	require.NoError(t, w.seed(t.Context()))
	for org, err := range w.service.Organizations.All(t.Context(), tenancy.OrganizationQuery{}) {
		require.NoError(t, err)
		p := place{org: org.ID, users: map[string]tenancy.UserID{}}
		for m, err := range w.service.Memberships.All(t.Context(), org.ID, tenancy.MemberQuery{}) {
			require.NoError(t, err)
			name, _, _ := strings.Cut(m.Email, "@")
			p.users[name] = m.UserID
		}
		done, err := w.db.ExecContext(t.Context(), insertDocument, org.ID, nil, "Plans of "+org.DisplayName, "secret", 0)
		require.NoError(t, err)
		id, err := done.LastInsertId()
		require.NoError(t, err)
		p.doc = fmt.Sprint(id)
		w.furnish(&p, "late@"+strings.ToLower(org.DisplayName)+".example")
		if org.DisplayName == "Acme" {
			w.acme = p
		} else {
			w.init = p
		}
	}
	return w
}

// furnish gives an organization an invitation that waits, and a claim whose proof is
// published: it would be verified if somebody got to ask for it.
func (w *world) furnish(p *place, email string) {
	w.Helper()
	ctx := w.Context()
	sent, err := w.service.Invitations.Send(ctx, tenancy.NewInvitation{OrganizationID: p.org, Email: email})
	require.NoError(w, err)
	_, name, _ := strings.Cut(email, "@")
	claimed, err := w.service.Domains.Claim(ctx, tenancy.NewDomain{OrganizationID: p.org, Name: name})
	require.NoError(w, err)
	proof, err := w.service.Domains.Challenge(ctx, p.org, claimed.ID)
	require.NoError(w, err)
	w.dns.publish(proof.TXTName(), proof.TXTValue())
	p.invitation, p.domain = sent.ID, claimed.ID
}

// code is the last one mailed to an address.
func (w *world) code(email string) string {
	w.Helper()
	return w.mails.Message(w, email, tenancy.MessageMailboxProof).Code.Reveal()
}

// link is that of the last mail to an address, and its token.
func (w *world) link(email string) (path, token string) {
	w.Helper()
	all := w.mails.Messages(email)
	require.NotEmpty(w, all)
	last := all[len(all)-1]
	return linkTo(last), last.Token.Reveal()
}

// dump is every row of every table but those that a refused request may write.
func (w *world) dump() string {
	w.Helper()
	ctx := context.WithoutCancel(w.Context())
	var out strings.Builder
	tables := w.column(ctx, `SELECT name FROM sqlite_master WHERE type = 'table'
		AND name NOT IN ('tenancy_mailbox_proofs', 'tenancy_proof_counts', 'tenancy_pending_sign_ins', 'tenancy_denials') ORDER BY name`)
	for _, table := range tables {
		rows, err := w.db.QueryContext(ctx, `SELECT * FROM `+table)
		require.NoError(w, err)
		columns, err := rows.Columns()
		require.NoError(w, err)
		for rows.Next() {
			cells, into := make([]sql.NullString, len(columns)), make([]any, len(columns))
			for i := range cells {
				into[i] = &cells[i]
			}
			require.NoError(w, rows.Scan(into...))
			fmt.Fprintln(&out, table, cells)
		}
		require.NoError(w, rows.Close())
	}
	return out.String()
}

func (w *world) column(ctx context.Context, query string, args ...any) []string {
	w.Helper()
	rows, err := w.db.QueryContext(ctx, query, args...)
	require.NoError(w, err)
	defer rows.Close()
	var found []string
	for rows.Next() {
		var cell string
		require.NoError(w, rows.Scan(&cell))
		found = append(found, cell)
	}
	return found
}
