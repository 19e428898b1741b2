package servicetest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/tenancy"
)

// World is a Service over a fresh store, with what a check needs to reach around
// it: the store itself, the clock and the configuration. A package with helpers of its own
// embeds it in a type of its own.
type World struct {
	*require.Assertions
	T       *testing.T
	Ctx     context.Context
	Store   store.Store
	Config  tenancy.Config
	Svc     *tenancy.Service
	Clock   *Clock
	Prover  *Prover
	read    *reading
	Sampled bool    // a matrix runs in part, since statements cost
	Source  *Source // of ids and randomness; nil in most worlds, which are not laid twice
}

// Patience is how long a check may take, so that one that waits for itself fails.
const Patience = 3 * time.Minute

// NewWorld makes a world over a store of open's. Its configuration is the same each time, as
// configure alters it.
func NewWorld(t *testing.T, open Opener, configure func(*tenancy.Config)) *World {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), Patience)
	t.Cleanup(cancel)
	w := &World{
		Assertions: require.New(t), T: t, Ctx: ctx, Store: open(t),
		Clock:  &Clock{At: time.Date(2030, 1, 2, 3, 4, 5, 678901000, time.UTC)},
		Prover: NewProver(), read: &reading{},
	}
	w.Config = tenancy.Config{
		Store: w.Store, Now: w.Clock.Now, NewID: Counter(), Rand: rand.NewChaCha8([32]byte{1}), Prover: w.Prover,
	}
	MailsFreely(&w.Config)
	ProvesFreely(&w.Config)
	configure(&w.Config)
	w.Svc = w.Another(func(*tenancy.Config) {})
	t.Cleanup(func() { noOrphans(t, w.Store) })
	return w
}

// noOrphans fails where a row refers to one that is gone. Databases see to that themselves;
// memory and Weak do not.
func noOrphans(t *testing.T, st store.Store) {
	if _, sql := st.(interface{ DB() *sql.DB }); sql || t.Failed() {
		return
	}
	ctx := context.WithoutCancel(t.Context())
	err := st.View(ctx, func(rows store.Rows) error {
		for _, table := range tenancy.Tables() {
			err := eachRow(ctx, rows, table, func(row store.Row) {
				for i, column := range table.Columns {
					parent := column.References
					if parent == nil || row[i].Null {
						continue
					}
					if err := rows.Get(ctx, parent, row[i].ID, make(store.Row, len(parent.Columns))); err != nil {
						t.Errorf("a %s is left whose %s is gone: %v", table.Kind, column.Name, err)
					}
				}
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil && tenancy.CodeOf(err) != tenancy.ErrClosed {
		t.Error(err)
	}
}

// MailsFreely lifts the limits on mails, for what sends many to one address while the clock
// stands still. The rules about those limits take their own Service.
func MailsFreely(c *tenancy.Config) {
	c.MailEvery, c.Limits.Mails, c.Limits.AddressMails = -1, 1_000_000, 1_000_000
}

// ProvesFreely lets test domains be claimed, and lifts the limits on claims, on looks at
// their proofs, and on what one person founds, for what makes many while the clock stands
// still. The rules about those limits take their own Service.
func ProvesFreely(c *tenancy.Config) {
	c.AllowTestDomains, c.VerifyEvery, c.Limits.NewClaims, c.Limits.UserOrganizations = true, -1, 1_000_000, 1_000_000
}

// Another is a second Service over the same store.
func (w *World) Another(configure func(*tenancy.Config)) *tenancy.Service {
	config := w.Config
	configure(&config)
	svc, err := tenancy.New(config)
	w.NoError(err)
	return svc
}

// Under is w in a subtest: a copy, whose checks fail that one.
func (w *World) Under(t *testing.T) *World {
	sub := *w
	sub.Assertions, sub.T = require.New(t), t
	return &sub
}

// Each runs a subtest in w.
func (w *World) Each(name string, check func(w *World)) {
	w.T.Run(name, func(t *testing.T) { check(w.Under(t)) })
}

// Day and Month are what checks move the clock by.
const (
	Day   = 24 * time.Hour
	Month = 30 * Day
)

// Clock is a clock that stands still until it is advanced.
type Clock struct{ At time.Time }

// Now is what a Config wants: where the clock stands.
func (c *Clock) Now() time.Time { return c.At }

// Advance moves the clock, back if d is negative.
func (c *Clock) Advance(d time.Duration) { c.At = c.At.Add(d) }

// Nobody, Nowhere and Nothing are ids of things that are not there.
var (
	Nobody  = tenancy.UserID{0x01, 0xff, 6: 0x70, 8: 0x80, 15: 1}
	Nowhere = tenancy.OrganizationID{0x01, 0xff, 6: 0x70, 8: 0x80, 15: 2}
	Nothing = tenancy.IdentityID{0x01, 0xff, 6: 0x70, 8: 0x80, 15: 3}
)

// User makes a user with a verified address, local@acme.example.
func (w *World) User(local string) tenancy.User {
	w.T.Helper()
	return w.NewUser(tenancy.NewUser{
		Email: local + "@acme.example", EmailVerified: true, DisplayName: strings.ToUpper(local[:1]) + local[1:],
	})
}

// NewUser makes a user as in says.
func (w *World) NewUser(in tenancy.NewUser) tenancy.User {
	w.T.Helper()
	user, err := w.Svc.Users.Create(w.Ctx, in)
	w.NoError(err)
	return user
}

// Org makes an organization with nobody in it, which takes requests to join.
func (w *World) Org(name string) tenancy.Organization {
	w.T.Helper()
	return w.NewOrg(tenancy.NewOrganization{DisplayName: name, Settings: tenancy.Settings{JoinRequests: true}})
}

// Owned makes an organization with an owner, which takes requests to join.
func (w *World) Owned(name string, owner tenancy.User) tenancy.Organization {
	w.T.Helper()
	return w.NewOrg(tenancy.NewOrganization{DisplayName: name, Owner: owner.ID, Settings: tenancy.Settings{JoinRequests: true}})
}

// NewOrg makes an organization as in says.
func (w *World) NewOrg(in tenancy.NewOrganization) tenancy.Organization {
	w.T.Helper()
	org, err := w.Svc.Organizations.Create(w.Ctx, in)
	w.NoError(err)
	return org
}

// Add makes a user a member.
func (w *World) Add(org tenancy.Organization, user tenancy.User, roles ...string) tenancy.Member {
	w.T.Helper()
	member, err := w.Svc.Memberships.Add(w.Ctx, Adding(org, user, roles...))
	w.NoError(err)
	return member
}

// Members makes n users of an organization, member0 and on.
func (w *World) Members(org tenancy.Organization, n int) []tenancy.User {
	w.T.Helper()
	users := make([]tenancy.User, n)
	for i := range users {
		users[i] = w.User(fmt.Sprintf("member%d", i))
		w.Add(org, users[i])
	}
	return users
}

// Adding is the input that makes a user a member.
func Adding(org tenancy.Organization, user tenancy.User, roles ...string) tenancy.NewMembership {
	return tenancy.NewMembership{OrganizationID: org.ID, UserID: user.ID, Roles: roles}
}

// Deactivate takes a member's access, and keeps the membership.
func (w *World) Deactivate(org tenancy.Organization, user tenancy.User) tenancy.Member {
	w.T.Helper()
	member, err := w.Svc.Memberships.Deactivate(w.Ctx, org.ID, user.ID)
	w.NoError(err)
	return member
}

// Archive stores an organization away.
func (w *World) Archive(org tenancy.Organization) tenancy.Organization {
	w.T.Helper()
	archived, err := w.Svc.Organizations.Archive(w.Ctx, org.ID)
	w.NoError(err)
	return archived
}

// Assign puts a role from another source than a person straight into the store.
func (w *World) Assign(m tenancy.Member, role string, source tenancy.RoleSource, sourceID string) {
	w.T.Helper()
	a := tenancy.RoleAssignment{
		ID: w.Config.NewID(), Version: 1, OrganizationID: m.OrganizationID, MembershipID: m.ID, UserID: m.UserID,
		Role: role, Source: source, SourceID: sourceID, Active: m.Status == tenancy.MembershipActive, CreatedAt: w.Clock.At,
	}
	w.NoError(w.Store.Update(w.Ctx, func(rows store.Rows) error { return InsertRow(w.Ctx, rows, a) }))
}

// Failed checks a refusal: its code, and the field that it names.
func (w *World) Failed(err error, code tenancy.Code, field string) *tenancy.Error {
	w.T.Helper()
	w.ErrorIs(err, code)
	var e *tenancy.Error
	w.True(errors.As(err, &e), "%v is no *tenancy.Error", err) // G7
	w.NotEmpty(e.Op, "%v does not say what was asked", err)
	w.Equal(field, e.Field, "the field of %v", err)
	return e
}

// Member reads a membership back.
func (w *World) Member(org tenancy.Organization, user tenancy.User) tenancy.Member {
	w.T.Helper()
	member, err := w.Svc.Memberships.Get(w.Ctx, org.ID, user.ID)
	w.NoError(err)
	return member
}

// Ptr is the address of a copy of v, for optional fields.
func Ptr[T any](v T) *T { return &v }
