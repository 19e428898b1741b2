package races

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/tenancy"
)

const (
	raceClients  = 64 // goroutines of a round
	raceCalls    = 3  // of each goroutine
	raceShared   = 8  // rounds on one store
	raceSessions = 9  // most live sessions of a user
	raceShown    = 5  // findings that a failure prints
)

// Sessions lets 64 goroutines at once sign in, switch, and change what sessions
// depend on. When all is quiet it decides for every token that was issued whether it must
// be good, and asks the Service (U4, U5, P3, P9, M16, S1, S2).
func Sessions(t *testing.T, open servicetest.Opener, rounds int) {
	t.Helper()
	start := time.Now()
	got := PlaySessions(t, open, rounds)
	t.Logf("figures: race: sessions: %v, %v", got, time.Since(start).Round(time.Millisecond))
	require.Zero(t, got.Wrong, "%s", got.Shown)
	require.Positive(t, got.Alive, "no session outlived its round")
}

// SessionTally counts what [PlaySessions] saw.
type SessionTally struct {
	Rounds, Wrong        int // Wrong are the rounds with a finding
	Calls, Tokens, Alive int // Alive are the tokens that were good in the end
	Findings             map[string]int
	Shown                []string // the first findings
}

// Undead counts the findings of sessions that live and should not.
func (s SessionTally) Undead() int { return s.Findings[raceUndead] }

// String shows the counts, not the findings.
func (s SessionTally) String() string {
	text := fmt.Sprintf("%d rounds of %d goroutines, %d calls, %d tokens, %d of them good in the end, %d rounds wrong",
		s.Rounds, raceClients, s.Calls, s.Tokens, s.Alive, s.Wrong)
	for _, kind := range slices.Sorted(maps.Keys(s.Findings)) {
		text += fmt.Sprintf(", %s %d", kind, s.Findings[kind])
	}
	return text
}

// PlaySessions plays rounds and counts what is wrong. It fails no test for that, so that
// it can run on a store whose locks do nothing.
func PlaySessions(t *testing.T, open servicetest.Opener, rounds int) SessionTally {
	t.Helper()
	tally := SessionTally{Findings: map[string]int{}}
	for first := 0; first < rounds; first += raceShared {
		t.Run(fmt.Sprintf("from round %d", first), func(t *testing.T) { // closes its store
			config := tenancy.Config{
				Store: open(t), Registration: tenancy.RegistrationClosed, Limits: tenancy.Limits{UserSessions: raceSessions},
				SignInMethods: []tenancy.SignInMethod{tenancy.MethodPassword, tenancy.MethodMagicLink},
			}
			servicetest.MailsFreely(&config)
			servicetest.ProvesFreely(&config)
			svc, err := tenancy.New(config)
			require.NoError(t, err)
			for n := first; n < min(first+raceShared, rounds); n++ {
				r := &sessionRound{Assertions: require.New(t), ctx: t.Context(), svc: svc, n: n}
				r.play(&tally)
			}
		})
	}
	return tally
}

// sessionRound is one round: four people, three organizations, two connections.
type sessionRound struct {
	*require.Assertions
	ctx context.Context
	svc *tenancy.Service
	n   int

	orgs    []tenancy.OrganizationID
	domains map[string]tenancy.OrganizationID // verified, to their organizations
	people  []tenancy.User
	through []tenancy.Connection
	begun   tenancy.Position // the last event before the round

	clock    atomic.Int64
	mu       sync.Mutex
	tokens   []*raceToken
	replaced map[string]string // tokens, by those that they replace
	acts     []raceAct
	found    []raceFinding
}

// raceToken is an entry with the token by which it was made. call and ret are the instants between
// which that happened first.
type raceToken struct {
	raw       string // by the lock of the round, as call, ret and dead are
	session   tenancy.Session
	call, ret int64
	dead      bool // somebody heard that it is
}

// raceAct is one call, and what it was told.
type raceAct struct {
	op        *raceOp
	call, ret int64
	code      tenancy.Code
	ends      func(*raceToken) bool // which tokens from before are dead after it; nil: none
	shown     *raceToken            // the entry that it looked at; nil: none
	issued    *raceToken            // the entry that it gave; nil: none
	replaced  string                // the token that issued replaces; "": none
	user      tenancy.UserID        // whose sessions a RevokeAll or ConfirmEmail was about
	kept      tenancy.SessionID     // the session that stays with it
	client    tenancy.SessionID     // the client of that, or the one that signs out
}

// raceFinding is something that should not be.
type raceFinding struct{ kind, text string }

// The kinds of findings.
const (
	raceUndead  = "alive and should not be"
	raceLost    = "ended without a cause"
	raceIllegal = "against the rules in the log"
	raceCode    = "unexpected codes"
)

func (r *sessionRound) finds(kind, format string, args ...any) {
	r.found = append(r.found, raceFinding{kind, fmt.Sprintf("round %d: %s: ", r.n, kind) + fmt.Sprintf(format, args...)})
}

func (r *sessionRound) play(tally *SessionTally) {
	r.settle()
	r.run()
	alive := r.judge()
	tally.Rounds++
	tally.Calls += len(r.acts)
	tally.Tokens += len(r.tokens)
	tally.Alive += alive
	if len(r.found) > 0 {
		tally.Wrong++
	}
	for _, f := range r.found {
		tally.Findings[f.kind]++
		if len(tally.Shown) < raceShown {
			tally.Shown = append(tally.Shown, f.text)
		}
	}
}

// settle makes what the round changes. Of the people, two have proved their addresses,
// on the domains of the first two organizations. The other two have not, so that their
// accounts can be taken over.
func (r *sessionRound) settle() {
	var err error
	r.begun, err = r.svc.Events.Last(r.ctx)
	r.NoError(err)
	r.domains, r.replaced = map[string]tenancy.OrganizationID{}, map[string]string{}
	for i, name := range []string{"acme", "beta", "gamma"} {
		owner, err := r.svc.Users.Create(r.ctx, tenancy.NewUser{Email: fmt.Sprintf("owner@%s%d.example", name, r.n), EmailVerified: true})
		r.NoError(err)
		in := tenancy.NewOrganization{DisplayName: name, Owner: owner.ID, Settings: tenancy.Settings{SingleSignOnJoins: i == 0}}
		domain := fmt.Sprintf("%s%d.example", name, r.n)
		if i < 2 {
			in.Domains = []tenancy.NewDomain{{Name: domain, Verified: true}}
		}
		org, err := r.svc.Organizations.Create(r.ctx, in)
		r.NoError(err)
		r.orgs = append(r.orgs, org.ID)
		if i == 2 {
			continue
		}
		r.domains[domain] = org.ID
		c, err := r.svc.Connections.Create(r.ctx, tenancy.NewConnection{
			OrganizationID: org.ID, Protocol: tenancy.ProtocolOIDC, Name: name, State: tenancy.ConnectionActive,
		})
		r.NoError(err)
		r.through = append(r.through, c)
	}
	for i, address := range []string{"ann@acme", "bob@beta", "dan@acme", "eve@mail"} {
		user, err := r.svc.Users.Create(r.ctx, tenancy.NewUser{Email: fmt.Sprintf("%s%d.example", address, r.n), EmailVerified: i < 2})
		r.NoError(err)
		r.people = append(r.people, user)
		_, err = r.svc.Identities.Link(r.ctx, user.ID, tenancy.NewIdentity{Provider: "password", Subject: r.credential(i)})
		r.NoError(err)
		for _, org := range r.orgs {
			_, err = r.svc.Memberships.Add(r.ctx, tenancy.NewMembership{OrganizationID: org, UserID: user.ID})
			r.NoError(err)
		}
		var a raceAct
		r.NoError(r.signsIn(&a, servicetest.To(tenancy.Organization{ID: r.orgs[i%3]}, servicetest.ByPassword(r.credential(i), ""))))
		r.tokens = append(r.tokens, a.issued)
	}
}

// credential is the fixed name of a person, by number, at each provider.
func (r *sessionRound) credential(i int) string { return fmt.Sprintf("c%d-%d", r.n, i) }

// run lets the goroutines loose.
func (r *sessionRound) run() {
	var ready, done sync.WaitGroup
	start := make(chan struct{})
	ready.Add(raceClients)
	for client := range raceClients {
		done.Go(func() {
			random := rand.New(rand.NewPCG(uint64(r.n), uint64(client)))
			ready.Done()
			<-start
			for range raceCalls {
				r.call(random)
			}
		})
	}
	ready.Wait()
	close(start)
	done.Wait()
}

// call makes one call and notes what came of it.
func (r *sessionRound) call(random *rand.Rand) {
	a := raceAct{op: drawRaceOp(random), call: r.clock.Add(1)}
	err := a.op.do(r, random, &a)
	a.code, a.ret = tenancy.CodeOf(err), r.clock.Add(1)
	r.mu.Lock()
	defer r.mu.Unlock()
	if !slices.Contains(a.op.codes, a.code) {
		r.finds(raceCode, "%s: %v", a.op.name, err)
	}
	if a.code != "" {
		a.ends = nil
	}
	if a.shown != nil && a.code != "" {
		a.shown.dead = true
	}
	r.note(a)
	r.acts = append(r.acts, a)
}

// note keeps the entry that a call gave, if it is a new one, and the token that came with it.
func (r *sessionRound) note(a raceAct) {
	if a.issued == nil {
		return
	}
	a.issued.call, a.issued.ret = a.call, a.ret
	if a.replaced != "" {
		r.replaced[a.replaced] = a.issued.raw
		for _, t := range r.tokens {
			if t.raw == a.replaced {
				t.raw = a.issued.raw
			}
		}
	}
	for next := r.replaced[a.issued.raw]; next != ""; next = r.replaced[next] {
		a.issued.raw = next // another call has replaced it, and was noted first
	}
	known := slices.IndexFunc(r.tokens, func(t *raceToken) bool { return t.session.ID == a.issued.session.ID })
	if known < 0 {
		r.tokens = append(r.tokens, a.issued)
		return
	}
	r.tokens[known].call = min(r.tokens[known].call, a.call)
	r.tokens[known].ret = min(r.tokens[known].ret, a.ret)
}

// recent is one of the last tokens, so that several goroutines bring the same. Most
// often it is one that is not known to be dead. raw is what its holder has now, which
// another call may replace.
func (r *sessionRound) recent(random *rand.Rand) (t *raceToken, raw string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if random.IntN(8) == 0 {
		t = r.tokens[random.IntN(len(r.tokens))]
		return t, t.raw
	}
	var last []*raceToken
	for i := len(r.tokens) - 1; i >= 0 && len(last) < 8; i-- {
		if !r.tokens[i].dead {
			last = append(last, r.tokens[i])
		}
	}
	if len(last) == 0 {
		last = r.tokens
	}
	t = last[random.IntN(len(last))]
	return t, t.raw
}
