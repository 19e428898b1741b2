package sqlite_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/sqlite"
	"github.com/freehold-dev/freehold/tenancy"
)

// desk is a file in which Bob may write, and a Service on it.
type desk struct {
	path string
	st   *sqlite.Store
	svc  *tenancy.Service
	org  tenancy.OrganizationID
	bob  tenancy.UserID
}

const write rbac.Permission = "documents:write"

func newDesk(t *testing.T) desk {
	t.Helper()
	ctx, path := t.Context(), filepath.Join(t.TempDir(), "app.db")
	d := desk{path: path, st: openAt(t, path)}
	d.svc = deskService(t, d.st)
	require.NoError(t, d.svc.Declare(ctx, 1, tenancy.Schema{Permissions: []tenancy.PermissionSpec{{Slug: write}}, Roles: []tenancy.RoleSpec{{Slug: rbac.Member, Grants: []rbac.Grant{write}}}}))
	bob, err := d.svc.Users.Create(ctx, tenancy.NewUser{Email: "bob@acme.example"})
	require.NoError(t, err)
	org, err := d.svc.Organizations.Create(ctx, tenancy.NewOrganization{DisplayName: "Acme"})
	require.NoError(t, err)
	_, err = d.svc.Memberships.Add(ctx, tenancy.NewMembership{OrganizationID: org.ID, UserID: bob.ID})
	require.NoError(t, err)
	d.org, d.bob = org.ID, bob.ID
	d.says(t, d.svc, true)
	d.says(t, d.svc, true)
	return d
}

const deskStaleness = 50 * time.Millisecond

func deskService(t *testing.T, st store.Store) *tenancy.Service {
	t.Helper()
	svc, err := tenancy.New(tenancy.Config{Store: st, Staleness: deskStaleness})
	require.NoError(t, err)
	return svc
}

func (d desk) says(t *testing.T, svc *tenancy.Service, want bool) {
	t.Helper()
	for range 2 {
		got, err := svc.Can(t.Context(), d.bob, d.org, write)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
}

// soon waits until a Service says what is so, and tells how long that took.
func (d desk) soon(t *testing.T, svc *tenancy.Service, want bool) {
	t.Helper()
	began := time.Now()
	require.Eventually(t, func() bool {
		got, err := svc.Can(t.Context(), d.bob, d.org, write)
		return err == nil && got == want
	}, testPatience, time.Millisecond)
	t.Logf("seen after %v, within %v", time.Since(began).Round(time.Millisecond), deskStaleness)
}

func (d desk) in(t *testing.T, joined store.Store) *tenancy.Service {
	t.Helper()
	_, in, err := d.svc.Join(t.Context(), joined)
	require.NoError(t, err)
	return in
}

func run(t *testing.T, svc *tenancy.Service) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = svc.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
}

// TestFreshHostTransactions: two transactions of the host's open on the same member,
// one that is abandoned, and many of which nothing but a check ever hears.
func TestFreshHostTransactions(t *testing.T) { // R8
	d := newDesk(t)
	own := handle(t, d.path)
	second, err := own.Begin()
	require.NoError(t, err)
	inSecond := d.in(t, d.st.InTx(second))
	d.says(t, inSecond, true)

	first, err := handle(t, d.path).Begin()
	require.NoError(t, err)
	_, err = d.in(t, d.st.InTx(first)).Memberships.Deactivate(t.Context(), d.org, d.bob)
	require.NoError(t, err)
	d.says(t, d.svc, true)
	require.NoError(t, first.Commit())
	d.says(t, d.svc, false)
	d.says(t, inSecond, true) // its snapshot is from before
	_, err = inSecond.Memberships.Reactivate(t.Context(), d.org, d.bob)
	require.ErrorIs(t, err, tenancy.ErrBusy)
	d.says(t, d.svc, false)
	require.NoError(t, second.Rollback())
	d.says(t, d.svc, false)

	ctx, abandon := context.WithCancel(t.Context())
	third, err := own.BeginTx(ctx, nil)
	require.NoError(t, err)
	_, err = d.in(t, d.st.InTx(third)).Memberships.Reactivate(t.Context(), d.org, d.bob)
	require.NoError(t, err)
	d.says(t, d.svc, false)
	abandon()
	d.says(t, d.svc, false)
	_ = third.Rollback() // if the end of its context has not done so yet

	for n := range 20 { // no write of ours in between
		err := inHost(t.Context(), d.st, func(joined store.Store) error {
			in := d.in(t, joined)
			if n%2 == 0 {
				_, err := in.Memberships.Reactivate(t.Context(), d.org, d.bob)
				return err
			}
			_, err := in.Memberships.Deactivate(t.Context(), d.org, d.bob)
			return err
		})
		require.NoError(t, err)
		d.says(t, d.svc, n%2 == 0)
	}
}

// TestFreshBigHostTransaction: more changes than are marked one by one.
func TestFreshBigHostTransaction(t *testing.T) { // R8
	d := newDesk(t)
	change := func(end error) error {
		return inHost(t.Context(), d.st, func(joined store.Store) error {
			in := d.in(t, joined)
			for range 600 {
				_, err := in.Memberships.Deactivate(t.Context(), d.org, d.bob)
				require.NoError(t, err)
				_, err = in.Memberships.Reactivate(t.Context(), d.org, d.bob)
				require.NoError(t, err)
			}
			_, err := in.Memberships.Deactivate(t.Context(), d.org, d.bob)
			require.NoError(t, err)
			d.says(t, d.svc, true)
			return end
		})
	}
	require.ErrorIs(t, change(io.EOF), io.EOF)
	d.says(t, d.svc, true)
	require.NoError(t, change(nil))
	d.says(t, d.svc, false)
}

// TestFreshHandles: a second handle on the file sees a change within Staleness, and is
// seen.
func TestFreshHandles(t *testing.T) { // R8
	for _, running := range []bool{true, false} {
		d := newDesk(t)
		other := deskService(t, openAt(t, d.path))
		if running {
			run(t, d.svc)
			run(t, other)
		}
		d.says(t, other, true)
		_, err := d.svc.Memberships.Deactivate(t.Context(), d.org, d.bob)
		require.NoError(t, err)
		d.soon(t, other, false)
		_, err = other.Memberships.Reactivate(t.Context(), d.org, d.bob)
		require.NoError(t, err)
		d.says(t, other, true)
		d.soon(t, d.svc, true)
	}
}

const (
	freshFile = "FREEHOLD_FRESH_FILE"
	freshWho  = "FREEHOLD_FRESH_WHO"
)

// TestFreshProcess: the same for a second process.
func TestFreshProcess(t *testing.T) { // R8
	d := newDesk(t)
	run(t, d.svc)
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestFreshChild$") //nolint:gosec // this very binary
	child.Env = append(os.Environ(), freshFile+"="+d.path, freshWho+"="+d.org.String()+" "+d.bob.String())
	in, err := child.StdinPipe()
	require.NoError(t, err)
	out, err := child.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, child.Start())
	lines := bufio.NewScanner(out)
	ask := func(command string) string {
		_, err := fmt.Fprintln(in, command)
		require.NoError(t, err)
		require.True(t, lines.Scan())
		return lines.Text()
	}
	require.Equal(t, "true <nil>", ask("check"))
	require.Equal(t, "<nil>", ask("rest"))
	require.Equal(t, "false <nil>", ask("check"))
	d.soon(t, d.svc, false)
	_, err = d.svc.Memberships.Reactivate(t.Context(), d.org, d.bob)
	require.NoError(t, err)
	d.says(t, d.svc, true)
	require.Eventually(t, func() bool { return ask("check") == "true <nil>" }, testPatience, time.Millisecond)
	require.NoError(t, in.Close())
	require.NoError(t, child.Wait())
}

// TestFreshChild is not a test of its own: it is the other process of
// TestFreshProcess, and does what it is told.
func TestFreshChild(t *testing.T) {
	path := os.Getenv(freshFile)
	if path == "" {
		return
	}
	who := strings.Fields(os.Getenv(freshWho))
	org, err := tenancy.ParseOrganizationID(who[0])
	require.NoError(t, err)
	bob, err := tenancy.ParseUserID(who[1])
	require.NoError(t, err)
	svc := deskService(t, openAt(t, path))
	run(t, svc)
	for commands := bufio.NewScanner(os.Stdin); commands.Scan(); {
		switch commands.Text() {
		case "check":
			fmt.Println(svc.Can(t.Context(), bob, org, write))
		case "rest":
			_, err := svc.Memberships.Deactivate(t.Context(), org, bob)
			fmt.Println(err)
		}
	}
}
