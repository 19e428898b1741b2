package rules

import (
	"hash/fnv"
	"strings"
	"testing"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/tenancy"
)

// world is a World with what only the rules ask of it.
type world struct{ *servicetest.World }

func newWorld(t *testing.T, open servicetest.Opener, configure func(*tenancy.Config)) *world {
	t.Helper()
	return &world{servicetest.NewWorld(t, open, configure)}
}

// under is w in a subtest.
func (w *world) under(t *testing.T) *world { return &world{w.Under(t)} }

// each runs a subtest in w.
func (w *world) each(name string, check func(w *world)) {
	w.Each(name, func(sub *servicetest.World) { check(&world{sub}) })
}

// leaves reports whether a matrix leaves out a cell: where statements cost, it runs one in so
// many, chosen by a hash of the name, so the same ones each time.
func (w *world) leaves(most uint32, cell ...string) bool {
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(strings.Join(cell, " "))) // cannot fail
	return w.Sampled && hash.Sum32()%most > 0
}

// pend puts a pending membership straight into the store: its invitation is not
// part of this Service yet.
func (w *world) pend(org tenancy.Organization, user tenancy.User) tenancy.Membership {
	w.T.Helper()
	m := tenancy.Membership{
		ID: w.Config.NewID(), Version: 1, OrganizationID: org.ID, UserID: user.ID, Status: tenancy.MembershipPending,
		JoinedVia: tenancy.JoinedInvitation, JoinedAt: w.Clock.At, CreatedAt: w.Clock.At, UpdatedAt: w.Clock.At,
		NameKey: user.NameKey, EmailKey: user.EmailKey,
	}
	w.NoError(w.Store.Update(w.Ctx, func(rows store.Rows) error { return servicetest.InsertRow(w.Ctx, rows, m) }))
	return m
}

// owners are the active owners of an organization.
func (w *world) owners(org tenancy.Organization) []tenancy.UserID {
	w.T.Helper()
	var owners []tenancy.UserID
	for m, err := range w.Svc.Memberships.All(w.Ctx, org.ID, tenancy.MemberQuery{}) {
		w.NoError(err)
		for _, role := range m.Roles {
			if role == rbac.Owner {
				owners = append(owners, m.UserID)
			}
		}
	}
	return owners
}
