package servicetest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// Races sets goroutines on the same rows at the same instant, rounds times where two
// owners leave and fewer times where more take part, and looks whether what each was
// told and what is left behind can both be true. No call may answer busy.
func Races(t *testing.T, open Opener, rounds int) {
	t.Helper()
	few := max(3, rounds/20)
	for _, race := range []struct {
		name   string
		rounds int
		round  func(r *race, n int) bool
	}{
		{"two owners go at once", rounds, ownersGo},                         // M7
		{"two owners are deleted at once", few, ownersDeleted},              // U7
		{"more are added than seats", few, seatsFill},                       // M9
		{"two users are merged into each other", few, mergeBoth},            // U6
		{"three users are merged in a ring", few, mergeRing},                // U6
		{"a user is deleted and added", few, deleteAndAdd},                  // U7
		{"one email, 64 users", few, oneEmail},                              // U1
		{"one identity, many users", few, oneIdentity},                      // U4
		{"one proof, confirmed by many", few, oneProof},                     // U5
		{"restored while they join elsewhere", max(64, rounds/4), restored}, // M13
		{"one invitation, 64 accept", max(8, rounds/5), oneInvitation},      // I4
		{"accepted, revoked and resent at once", few, acceptOrRevoke},       // I5
		{"invitations and members on few seats", few, invitedSeats},         // M9
		{"invited while the address is proved", few, provedMeanwhile},       // I2
		{"one join code, more than it lets in", few, oneCode},               // I7
		{"an inviter goes while they are believed", few, demotedMeanwhile},  // I4
		{"one domain, 32 organizations", few, oneDomain},                    // D3
		{"a domain is woken and verified", few, woken},                      // O2
		{"a domain is verified and archived", few, archivedMeanwhile},       // O2
		{"a domain is rechecked by several", few, recheckedByMany},          // D5
	} {
		t.Run(race.name, func(t *testing.T) {
			start := time.Now()
			wrong := newRace(t, open).run(race.rounds, race.round)
			t.Logf("figures: race: %s: %d rounds, %d wrong, %v", race.name, race.rounds, wrong, time.Since(start).Round(time.Millisecond))
			require.Zero(t, wrong)
		})
	}
}

// OwnersLost runs the race of two owners who go at once, and counts the rounds that
// went wrong: for a store whose locks are known not to work.
func OwnersLost(t *testing.T, open Opener, rounds int) int {
	t.Helper()
	return newRace(t, open).run(rounds, ownersGo)
}

// race is a Service under concurrent use. Unlike a world, its clock runs.
type race struct {
	*require.Assertions
	ctx    context.Context
	svc    *tenancy.Service
	single *tenancy.Service // where one organization is all that anyone may have
	later  *tenancy.Service // whose clock is two months ahead
}

func newRace(t *testing.T, open Opener) *race {
	t.Helper()
	st := open(t)
	svc, err := tenancy.New(tenancy.Config{Store: st, Prover: newProver()})
	require.NoError(t, err)
	single, err := tenancy.New(tenancy.Config{Store: st, SingleOrganization: true})
	require.NoError(t, err)
	ahead := func() time.Time { return time.Now().Add(2 * month) }
	later, err := tenancy.New(tenancy.Config{Store: st, Prover: newProver(), Now: ahead})
	require.NoError(t, err)
	return &race{require.New(t), t.Context(), svc, single, later}
}

// run plays rounds and counts those that went wrong.
func (r *race) run(rounds int, round func(r *race, n int) bool) (wrong int) {
	for n := range rounds {
		if !round(r, n) {
			wrong++
		}
	}
	return wrong
}

// together makes all calls at once and gives the code of each. A call that fails for
// want of the store, not for a rule, is no outcome of a race.
func (r *race) together(calls ...func() error) []tenancy.Code {
	codes := make([]tenancy.Code, len(calls))
	var ready, done sync.WaitGroup
	start := make(chan struct{})
	ready.Add(len(calls))
	for i, call := range calls {
		done.Go(func() {
			ready.Done()
			<-start
			codes[i] = tenancy.CodeOf(call())
		})
	}
	ready.Wait()
	close(start)
	done.Wait()
	for _, code := range codes {
		r.NotContains([]tenancy.Code{tenancy.ErrBusy, tenancy.ErrInternal, tenancy.ErrCanceled}, code)
	}
	return codes
}

// repeat is n times the same call.
func repeat(n int, call func(i int) error) []func() error {
	calls := make([]func() error, n)
	for i := range calls {
		calls[i] = func() error { return call(i) }
	}
	return calls
}

func count(codes []tenancy.Code, want tenancy.Code) (n int) {
	for _, code := range codes {
		if code == want {
			n++
		}
	}
	return n
}

func (r *race) user(local string, n int) tenancy.User {
	user, err := r.svc.Users.Create(r.ctx, tenancy.NewUser{
		Email: fmt.Sprintf("%s%d@race.example", local, n), EmailVerified: true,
	})
	r.NoError(err)
	return user
}

// org makes an organization that the users own.
func (r *race) org(owners ...tenancy.User) tenancy.Organization {
	org, err := r.svc.Organizations.Create(r.ctx, tenancy.NewOrganization{DisplayName: "Race", Owner: owners[0].ID})
	r.NoError(err)
	for _, owner := range owners[1:] {
		_, err := r.svc.Memberships.Add(r.ctx, adding(org, owner, rbac.Owner))
		r.NoError(err)
	}
	return org
}

// active counts the active members of an organization, and the owners among them.
func (r *race) active(org tenancy.Organization) (members, owners int) {
	for m, err := range r.svc.Memberships.All(r.ctx, org.ID, tenancy.MemberQuery{}) {
		r.NoError(err)
		members++
		if m.Roles[0] == rbac.Owner {
			owners++
		}
	}
	return members, owners
}
