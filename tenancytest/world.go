package tenancytest

import (
	"encoding/binary"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/freehold-dev/freehold/domains"
	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/memory"
	"github.com/freehold-dev/freehold/tenancy"
)

// Start is the first time that the clock of a World shows.
var Start = time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)

// World is a Service for one test, with a clock, a mailbox and a prover. It is also the test's [testing.TB]: a
// method that fails ends the test. Call its methods from the goroutine of the test; its fields are safe for
// concurrent use.
//
// [New] makes a World. An application that makes its Service itself can write a literal. The methods then need
// TB and Service, and those that say so need Mailbox or Prover:
//
//	w := &tenancytest.World{TB: t, Service: app.Service, Mailbox: mailbox}
type World struct {
	testing.TB
	// Service is the trusted Service: it may do everything.
	Service *tenancy.Service
	// Config is the configuration of Service, for a second Service over the same rows.
	Config tenancy.Config
	// Clock is the clock of Service. It stands still until the test moves it.
	Clock *Clock
	// Mailbox keeps the mails of Service.
	Mailbox *Mailbox
	// Prover finds the proofs of domains that the test has published.
	Prover *Prover

	configure []func(*tenancy.Config)
	ids       *atomic.Uint64
}

// New makes a World over an empty [memory.Store], at [Start]. Each configure function can change the Config
// before New makes the Service, for instance to set another Store or SelfServe. AllowTestDomains is true,
// because tests use names such as acme.example. Everything else has the defaults of [tenancy.Config], including
// the limits on mails: move the Clock to send another mail to the same address.
//
// New counts ids, and draws tokens from a fixed seed, so that each run is the same and a failure repeats.
func New(t testing.TB, configure ...func(*tenancy.Config)) *World {
	t.Helper()
	return newWorld(t, configure, &World{Clock: NewClock(Start), Mailbox: NewMailbox(), Prover: NewProver(), ids: &atomic.Uint64{}}, nil)
}

// newWorld completes a World, over copied if that is set.
func newWorld(t testing.TB, configure []func(*tenancy.Config), w *World, copied *memory.Store) *World {
	t.Helper()
	w.TB, w.configure = t, configure
	st := copied
	if st == nil {
		st = memory.New()
	}
	t.Cleanup(func() { _ = st.Close() })
	w.Config = tenancy.Config{
		Store: st, Now: w.Clock.Now, Mailer: w.Mailbox, Prover: w.Prover, AllowTestDomains: true, NewID: counted(w.ids),
		Rand: &seeded{from: rand.NewChaCha8(seedOf(w.ids.Load()))},
	}
	for _, change := range configure {
		change(&w.Config)
	}
	if copied != nil {
		w.Config.Store = copied
	}
	var err error
	w.Service, err = tenancy.New(w.Config)
	w.must(err)
	return w
}

// Clone makes a World for another test that begins where w is now: with the same rows, ids, mails and published
// proofs, at the same time, and with the same configuration. Afterwards the two are independent. So the tests
// of a package can share a World that takes long to fill. w must come from [New] and use its store in memory;
// otherwise Clone ends the test.
func (w *World) Clone(t testing.TB) *World {
	t.Helper()
	st, ok := store.As[interface {
		store.Store
		Clone() *memory.Store
	}](w.Config.Store)
	if !ok || w.ids == nil {
		t.Fatal("tenancytest: only a World from New on its store in memory can be cloned")
	}
	ids := &atomic.Uint64{}
	ids.Store(w.ids.Load())
	return newWorld(t, w.configure, &World{Clock: NewClock(w.Clock.Now()), Mailbox: w.Mailbox.clone(), Prover: w.Prover.clone(), ids: ids}, st.Clone())
}

// In returns w for a subtest: everything is the same, but a failure fails t.
func (w *World) In(t testing.TB) *World {
	in := *w
	in.TB = t
	return &in
}

// User returns the user with an address. If there is none, it makes one: with that address verified, and named
// after the part before the at-sign. A name without an at-sign is an address at mail.example.
func (w *World) User(address string) tenancy.User {
	w.Helper()
	local, domain, _ := strings.Cut(address, "@")
	if domain == "" {
		domain = "mail.example"
	}
	email := local + "@" + domain
	user, err := w.Service.Users.GetByEmail(w.Context(), email)
	if tenancy.CodeOf(err) == tenancy.ErrNotFound {
		user, err = w.Service.Users.Create(w.Context(), tenancy.NewUser{Email: email, EmailVerified: true, DisplayName: local})
	}
	w.must(err)
	return user
}

// Organization makes an organization. [World.User] finds or makes its owner; with owner "" it has no members.
func (w *World) Organization(name, owner string) tenancy.Organization {
	w.Helper()
	in := tenancy.NewOrganization{DisplayName: name}
	if owner != "" {
		in.Owner = w.User(owner).ID
	}
	org, err := w.Service.Organizations.Create(w.Context(), in)
	w.must(err)
	return org
}

// Member adds a person as an active member. [World.User] finds or makes the person. Without roles they get the
// default one.
func (w *World) Member(organization tenancy.OrganizationID, address string, roles ...string) tenancy.Member {
	w.Helper()
	m, err := w.Service.Memberships.Add(w.Context(), tenancy.NewMembership{OrganizationID: organization, UserID: w.User(address).ID, Roles: roles})
	w.must(err)
	return m
}

// VerifiedDomain claims a domain for an organization, publishes the proof with w.Prover, and verifies it.
func (w *World) VerifiedDomain(organization tenancy.OrganizationID, name string) tenancy.Domain {
	w.Helper()
	claimed, err := w.Service.Domains.Claim(w.Context(), tenancy.NewDomain{OrganizationID: organization, Name: name})
	w.must(err)
	challenge, err := w.Service.Domains.Challenge(w.Context(), organization, claimed.ID)
	w.must(err)
	w.Prover.Publish(challenge)
	verified, err := w.Service.Domains.Verify(w.Context(), organization, claimed.ID, domains.MethodDNS)
	w.must(err)
	return verified
}

// must ends the test at an error.
func (w *World) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatalf("tenancytest: %v", err)
	}
}

// counted makes ids that look like version 7 UUIDs and grow.
func counted(n *atomic.Uint64) func() [16]byte {
	return func() [16]byte {
		id := [16]byte{0x01, 0xb7, 6: 0x70, 8: 0x80}
		binary.BigEndian.PutUint32(id[12:], uint32(n.Add(1)))
		return id
	}
}

// seedOf gives the tokens of a clone another seed than those of its original World.
func seedOf(n uint64) (seed [32]byte) {
	binary.BigEndian.PutUint64(seed[:], n)
	return seed
}

// seeded is a source of randomness that repeats itself. Several goroutines can use it.
type seeded struct {
	mu   sync.Mutex
	from *rand.ChaCha8
}

func (s *seeded) Read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.from.Read(p)
}
