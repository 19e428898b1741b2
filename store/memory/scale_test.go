package memory_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/internal/rowtest"
	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/memory"
)

const (
	organizations = 10_000
	members       = 1_000_000
)

// world makes rows as the Service would: ids rise with time and end in random bits.
type world struct {
	random *rand.Rand
	now    time.Time
	orgs   [][16]byte
}

func newWorld() *world {
	return &world{random: rand.New(rand.NewPCG(1, 2)), now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
}

func (w *world) id() (id [16]byte) {
	w.now = w.now.Add(50 * time.Microsecond)
	binary.BigEndian.PutUint64(id[:], uint64(w.now.UnixMilli())<<16|7<<12|w.random.Uint64()&0xfff)
	binary.BigEndian.PutUint64(id[8:], w.random.Uint64())
	return id
}

func (w *world) organization(n int) store.Row {
	name := fmt.Sprintf("company %d", n)
	return rowtest.Row(organizationTable, map[string]any{
		"id": w.id(), "display_name": name, "name_key": name, "allowed_domains": "[]", "blocked_domains": "[]",
		"created_at": w.now.UnixMicro(), "updated_at": w.now.UnixMicro(),
	})
}

// member is one membership and its one role.
func (w *world) member(n int) (membership, role store.Row) {
	now := w.now.UnixMicro()
	membership = rowtest.Row(membershipTable, map[string]any{
		"id": w.id(), "organization_id": w.orgs[n%len(w.orgs)], "user_id": w.id(), "status": "active", "joined_via": "added",
		"joined_at": now, "created_at": now, "updated_at": now,
		"name_key": fmt.Sprintf("person %d", n*7919%members), "email_key": fmt.Sprintf("person.%d@example.com", n*7919%members),
	})
	at := membershipTable.Places("id", "organization_id", "user_id")
	return membership, rowtest.Row(assignmentTable, map[string]any{
		"id": w.id(), "membership_id": membership[at[0]].ID, "organization_id": membership[at[1]].ID, "user_id": membership[at[2]].ID,
		"role": "member", "source": "manual", "active": true, "created_at": now,
	})
}

// fill gives a store n memberships, added in batches as an import would.
func (w *world) fill(t testing.TB, n int) *memory.Store {
	return w.fillOrganizations(t, n, organizations)
}

func (w *world) fillOrganizations(t testing.TB, n, organizations int) *memory.Store {
	s := memory.New()
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	require.NoError(t, s.Update(t.Context(), func(tx store.Rows) error {
		for i := range organizations {
			o := w.organization(i)
			w.orgs = append(w.orgs, o[0].ID)
			if err := tx.Insert(t.Context(), organizationTable, o); err != nil {
				return err
			}
		}
		return nil
	}))
	const batch = 10_000
	for from := 0; from < n; from += batch {
		require.NoError(t, s.Update(t.Context(), func(tx store.Rows) error {
			for i := range min(batch, n-from) {
				if err := w.add(t.Context(), tx, from+i); err != nil {
					return err
				}
			}
			return nil
		}))
	}
	return s
}

func (w *world) add(ctx context.Context, tx store.Rows, n int) error {
	m, role := w.member(n)
	if err := tx.Insert(ctx, membershipTable, m); err != nil {
		return err
	}
	return tx.Insert(ctx, assignmentTable, role)
}

// Memberships take at most 405 bytes each (the aim is 400; they have an index more than then), with their role and all indexes: a million of
// them where FREEHOLD_SOAK=1 asks for it, else 100,000, in a tenth as many organizations.
// What a full collection takes is printed: its bar, 50 ms for the million, is for a quiet
// machine.
func TestAMillionMembershipsFit(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	members, organizations := members/10, organizations/10
	if os.Getenv("FREEHOLD_SOAK") == "1" {
		members, organizations = 10*members, 10*organizations
	}
	before := heap()
	begin := time.Now()
	s := newWorld().fillOrganizations(t, members, organizations)
	took := time.Since(begin)
	bytes := float64(heap()-before) / float64(members)

	pause := time.Hour
	for range 5 {
		begin := time.Now()
		runtime.GC()
		pause = min(pause, time.Since(begin))
	}
	runtime.KeepAlive(s)
	t.Logf("figures: memory: %d | %.0f B | %v | %v | at most 405 B", members, bytes, pause.Round(10*time.Microsecond), (took / time.Duration(members)).Round(10*time.Nanosecond))
	require.LessOrEqual(t, bytes, 405.0)
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
