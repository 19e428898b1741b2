package servicetest

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/tenancy"
)

// world is a Service over a fresh store, with what a check needs to reach around
// it: the store itself, the clock and the configuration.
type world struct {
	*require.Assertions
	t       *testing.T
	ctx     context.Context
	store   store.Store
	config  tenancy.Config
	svc     *tenancy.Service
	clock   *clock
	prover  *prover
	read    *reading
	sampled bool         // a matrix runs in part: see [world.leaves]
	source  *faultSource // of ids and randomness; nil in most worlds, which are not laid twice
}

// patience is how long a check may take, so that one that waits for itself fails.
const patience = 3 * time.Minute

func newWorld(t *testing.T, open Opener, configure func(*tenancy.Config)) *world {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	w := &world{
		Assertions: require.New(t), t: t, ctx: ctx, store: open(t),
		clock:  &clock{at: time.Date(2030, 1, 2, 3, 4, 5, 678901000, time.UTC)},
		prover: newProver(), read: &reading{},
	}
	w.config = tenancy.Config{
		Store: w.store, Now: w.clock.now, NewID: counter(), Rand: rand.NewChaCha8([32]byte{1}), Prover: w.prover,
	}
	configure(&w.config)
	w.svc = w.another(func(*tenancy.Config) {})
	return w
}

// another is a second Service over the same store.
func (w *world) another(configure func(*tenancy.Config)) *tenancy.Service {
	config := w.config
	configure(&config)
	svc, err := tenancy.New(config)
	w.NoError(err)
	return svc
}

// under is w in a subtest.
func (w *world) under(t *testing.T) *world {
	sub := *w
	sub.Assertions, sub.t = require.New(t), t
	return &sub
}

// leaves reports whether a matrix leaves out a cell: where statements cost, it runs one in so
// many, chosen by a hash of the name, so the same ones each time.
func (w *world) leaves(most uint32, cell ...string) bool {
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(strings.Join(cell, " "))) // cannot fail
	return w.sampled && hash.Sum32()%most > 0
}

// each runs a subtest in w.
func (w *world) each(name string, check func(w *world)) {
	w.t.Run(name, func(t *testing.T) { check(w.under(t)) })
}

// clock is a clock that stands still until it is advanced.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func (c *clock) advance(d time.Duration) { c.at = c.at.Add(d) }

// counter makes ids that look like version 7 UUIDs and grow.
func counter() func() [16]byte {
	var n atomic.Uint64
	return func() [16]byte {
		id := [16]byte{0x01, 0x90, 6: 0x70, 8: 0x80}
		binary.BigEndian.PutUint32(id[12:], uint32(n.Add(1)))
		return id
	}
}

// nobody and nowhere are ids of things that are not there.
var (
	nobody  = tenancy.UserID{0x01, 0xff, 6: 0x70, 8: 0x80, 15: 1}
	nowhere = tenancy.OrganizationID{0x01, 0xff, 6: 0x70, 8: 0x80, 15: 2}
	nothing = tenancy.IdentityID{0x01, 0xff, 6: 0x70, 8: 0x80, 15: 3}
)

// user makes a user with a verified address, local@acme.example.
func (w *world) user(local string) tenancy.User {
	w.t.Helper()
	return w.newUser(tenancy.NewUser{
		Email: local + "@acme.example", EmailVerified: true, DisplayName: strings.ToUpper(local[:1]) + local[1:],
	})
}

func (w *world) newUser(in tenancy.NewUser) tenancy.User {
	w.t.Helper()
	user, err := w.svc.Users.Create(w.ctx, in)
	w.NoError(err)
	return user
}

// org makes an organization with nobody in it.
func (w *world) org(name string) tenancy.Organization {
	w.t.Helper()
	return w.newOrg(tenancy.NewOrganization{DisplayName: name})
}

// owned makes an organization with an owner.
func (w *world) owned(name string, owner tenancy.User) tenancy.Organization {
	w.t.Helper()
	return w.newOrg(tenancy.NewOrganization{DisplayName: name, Owner: owner.ID})
}

func (w *world) newOrg(in tenancy.NewOrganization) tenancy.Organization {
	w.t.Helper()
	org, err := w.svc.Organizations.Create(w.ctx, in)
	w.NoError(err)
	return org
}

// add makes a user a member.
func (w *world) add(org tenancy.Organization, user tenancy.User, roles ...string) tenancy.Member {
	w.t.Helper()
	member, err := w.svc.Memberships.Add(w.ctx, adding(org, user, roles...))
	w.NoError(err)
	return member
}

// members makes n users of an organization, member0 and on.
func (w *world) members(org tenancy.Organization, n int) []tenancy.User {
	w.t.Helper()
	users := make([]tenancy.User, n)
	for i := range users {
		users[i] = w.user(fmt.Sprintf("member%d", i))
		w.add(org, users[i])
	}
	return users
}

func adding(org tenancy.Organization, user tenancy.User, roles ...string) tenancy.NewMembership {
	return tenancy.NewMembership{OrganizationID: org.ID, UserID: user.ID, Roles: roles}
}

func (w *world) deactivate(org tenancy.Organization, user tenancy.User) tenancy.Member {
	w.t.Helper()
	member, err := w.svc.Memberships.Deactivate(w.ctx, org.ID, user.ID)
	w.NoError(err)
	return member
}

func (w *world) archive(org tenancy.Organization) tenancy.Organization {
	w.t.Helper()
	archived, err := w.svc.Organizations.Archive(w.ctx, org.ID)
	w.NoError(err)
	return archived
}

// pend puts a pending membership straight into the store: its invitation is not
// part of this Service yet.
func (w *world) pend(org tenancy.Organization, user tenancy.User) tenancy.Membership {
	w.t.Helper()
	m := tenancy.Membership{
		ID: w.config.NewID(), Version: 1, OrganizationID: org.ID, UserID: user.ID, Status: tenancy.MembershipPending,
		JoinedVia: tenancy.JoinedInvitation, JoinedAt: w.clock.at, CreatedAt: w.clock.at, UpdatedAt: w.clock.at,
		NameKey: user.NameKey, EmailKey: user.EmailKey,
	}
	w.NoError(w.store.Update(w.ctx, func(rows store.Rows) error { return insertRow(w.ctx, rows, m) }))
	return m
}

// assign puts a role from another source than a person straight into the store.
func (w *world) assign(m tenancy.Member, role string, source tenancy.RoleSource, sourceID string) {
	w.t.Helper()
	a := tenancy.RoleAssignment{
		ID: w.config.NewID(), Version: 1, OrganizationID: m.OrganizationID, MembershipID: m.ID, UserID: m.UserID,
		Role: role, Source: source, SourceID: sourceID, Active: m.Status == tenancy.MembershipActive, CreatedAt: w.clock.at,
	}
	w.NoError(w.store.Update(w.ctx, func(rows store.Rows) error { return insertRow(w.ctx, rows, a) }))
}

// member reads a membership back.
func (w *world) member(org tenancy.Organization, user tenancy.User) tenancy.Member {
	w.t.Helper()
	member, err := w.svc.Memberships.Get(w.ctx, org.ID, user.ID)
	w.NoError(err)
	return member
}

// owners are the active owners of an organization.
func (w *world) owners(org tenancy.Organization) []tenancy.UserID {
	w.t.Helper()
	var owners []tenancy.UserID
	for m, err := range w.svc.Memberships.All(w.ctx, org.ID, tenancy.MemberQuery{}) {
		w.NoError(err)
		for _, role := range m.Roles {
			if role == rbac.Owner {
				owners = append(owners, m.UserID)
			}
		}
	}
	return owners
}

func ptr[T any](v T) *T { return &v }
