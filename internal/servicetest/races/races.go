// Package races sets goroutines on the same rows of [tenancy.Service] at the same instant.
package races

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/internal/servicetest"
)

// Run sets goroutines on the same rows at the same instant, rounds times where two
// owners leave and fewer times where more take part, and looks whether what each was
// told and what is left behind can both be true. No call may answer busy.
func Run(t *testing.T, open servicetest.Opener, rounds int) {
	t.Helper()
	few := max(3, rounds/20)
	for _, race := range []struct {
		name   string
		rounds int
		round  func(r *race, n int) bool
	}{
		{"two owners go at once", rounds, ownersGo},                                  // M7
		{"two owners are deleted at once", few, ownersDeleted},                       // U7
		{"more are added than seats", few, seatsFill},                                // M9
		{"two users are merged into each other", few, mergeBoth},                     // U6
		{"three users are merged in a ring", few, mergeRing},                         // U6
		{"a user is deleted and added", few, deleteAndAdd},                           // U7
		{"one email, 64 users", few, oneEmail},                                       // U1
		{"one identity, many users", few, oneIdentity},                               // U4
		{"one proof, confirmed by many", few, oneProof},                              // U5
		{"restored while they join elsewhere", max(64, rounds/4), restored},          // M13
		{"one invitation, 64 accept", max(8, rounds/5), oneInvitation},               // I4
		{"accepted, revoked and resent at once", few, acceptOrRevoke},                // I5
		{"one invitation, accepted and declined", max(8, rounds/5), acceptOrDecline}, // I9
		{"one slug, 32 founding invitations", few, foundingSlug},                     // I13
		{"invitations and members on few seats", few, invitedSeats},                  // M9
		{"invited while the address is proved", few, provedMeanwhile},                // I2
		{"one pending sign-in, 64 use it", max(8, rounds/5), onePending},             // P5
		{"a pending sign-in, used and voided", few, voidedMeanwhile},                 // P5
		{"one join code, more than it lets in", few, oneCode},                        // I7
		{"an inviter goes while they are believed", few, demotedMeanwhile},           // I4
		{"one domain, 32 organizations", few, oneDomain},                             // D3
		{"a domain is woken and verified", few, woken},                               // O2
		{"a domain is verified and archived", few, archivedMeanwhile},                // O2
		{"a domain is rechecked by several", few, recheckedByMany},                   // D5
		{"a claim is looked at by several", few, soughtByMany},                       // D3
		{"more claims than an hour has", few, manyClaims},                            // D3
		{"one claim, verified by many", few, manyVerify},                             // D3
		{"wrong codes at one handle", few, wrongCodes},                               // U12
		{"a proof is finished and opened by many", few, finishAndOpen},               // U12
		{"one client starts more proofs than it may", few, manyStarts},               // U12
		{"one address, proofs of many clients", few, manyCodes},                      // U12
		{"a slug is given up, and 64 want it", few, slugGivenUp},                     // O5
		{"a slug is free again, and 64 want it", few, slugFree},                      // O5
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
func OwnersLost(t *testing.T, open servicetest.Opener, rounds int) int {
	t.Helper()
	return newRace(t, open).run(rounds, ownersGo)
}

// race is a Race with what only the rounds ask of it.
type race struct{ *servicetest.Race }

func newRace(t *testing.T, open servicetest.Opener) *race {
	t.Helper()
	return &race{servicetest.NewRace(t, open)}
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
