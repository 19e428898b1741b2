package model

import (
	"encoding/binary"
	"maps"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// operations is everything that the model does.
func (m *machine) operations() map[string]operation {
	all := map[string]operation{
		"transact": {weight: 2, do: m.transact},
		"prune":    {weight: 1, do: m.prune, alone: true},
		"pend":     {weight: 1, do: m.pend, alone: true},
	}
	for _, group := range []map[string]operation{
		m.orgOperations(), m.userOperations(), m.identityOperations(), m.memberOperations(),
	} {
		maps.Copy(all, group)
	}
	if m.observer != nil {
		delete(all, "pend") // which writes past the Service, and so without an event
	}
	return all
}

// draw takes one of some values; most often the first ones mean well.
func draw[T any](m *machine, what string, from ...T) T {
	return rapid.SampledFrom(from).Draw(m.rt, what)
}

// rarely is true once in n times.
func (m *machine) rarely(what string, n int) bool {
	return rapid.IntRange(1, n).Draw(m.rt, what) == n
}

// anyOrg takes an organization that is there, or sometimes none.
func (m *machine) anyOrg() tenancy.OrganizationID {
	ids := []tenancy.OrganizationID{servicetest.Nowhere}
	for _, org := range sorted(m.s.orgs, orgID, all) {
		ids = append(ids, org.ID)
	}
	return m.pickOrg(ids)
}

func (m *machine) pickOrg(ids []tenancy.OrganizationID) tenancy.OrganizationID {
	if len(ids) == 1 || m.rarely("no organization", 20) {
		return ids[0]
	}
	return draw(m, "organization", ids[1:]...)
}

func all[T any](T) bool { return true }

// anyUser takes a user that is there, perhaps merged, or sometimes none.
func (m *machine) anyUser() tenancy.UserID {
	ids := []tenancy.UserID{}
	for _, user := range sorted(m.s.users, userID, all) {
		ids = append(ids, user.ID)
	}
	if len(ids) == 0 || m.rarely("no user", 20) {
		return servicetest.Nobody
	}
	return draw(m, "user", ids...)
}

// anyPair takes a membership that is there, or sometimes a pair that need not be one.
func (m *machine) anyPair() modelPair {
	members := m.s.membersWhere(all)
	if len(members) == 0 || m.rarely("any pair", 8) {
		return modelPair{m.anyOrg(), m.anyUser()}
	}
	member := draw(m, "membership", members...)
	return modelPair{member.OrganizationID, member.UserID}
}

// chosen draws an id for something new: none, one before or behind those that the
// Service makes, or one that is in use. None is ever used again (G1).
func (m *machine) chosen(inUse func() [16]byte) (id [16]byte) {
	switch rapid.IntRange(0, 20).Draw(m.rt, "chosen id") {
	case 0:
		id[0] = 0xf0
	case 1:
		id[5] = 1
	case 2:
		return inUse()
	default:
		return id
	}
	id[6], id[8] = 0x70, 0x80
	binary.BigEndian.PutUint32(id[12:], uint32(m.done))
	return id
}

// name draws a display name and says whether it is one (G5).
func (m *machine) name(what string) (string, bool) {
	if m.rarely("bad "+what, 25) {
		return draw(m, what, "bad\u202ename", "line\u2028break", strings.Repeat("x", 201), " "), false
	}
	return draw(m, what, "Acme", "beta", "Ümlaut", "Acme Two", "Closed", strings.Repeat("ü", 200)), true
}

// slug draws a slug (G5).
func (m *machine) slug() (string, bool) {
	if m.rarely("bad slug", 25) {
		return draw(m, "slug", "Upper", "admin", "-a", "a-", "xn--a", "a.b", strings.Repeat("s", 64)), false
	}
	return draw(m, "slug", "", "", "acme", "beta", "a-1", "a-2", "a-3"), true
}

// externalID draws an external id (G4).
func (m *machine) externalID() (string, bool) {
	if m.rarely("bad external id", 25) {
		return draw(m, "external id", "a\nb", strings.Repeat("e", 256)), false
	}
	return draw(m, "external id", "", "", "x-1", "X-1", "ü 2"), true
}

// email draws an address (U1): few, in several spellings, so that they meet.
func (m *machine) email() (string, bool) {
	if m.rarely("bad email", 25) {
		return draw(m, "email", "", "nobody", "a@b@acme.example", "a b@acme.example", "a@", ".a@acme.example"), false
	}
	return draw(m, "email", "ada@acme.example", "Ada@ACME.example", "bob@acme.example", "bob+tag@acme.example",
		"cyd@acme.example", "dan@acme.example", "eve@acme.example", "EVE@acme.example", "fay@beta.example"), true
}

// patch draws a change of metadata (G3).
func (m *machine) patch(what string) (tenancy.Patch, bool) {
	if m.rarely("bad "+what, 25) {
		return tenancy.Patch{strings.Repeat("k", 41): servicetest.Ptr("v")}, false
	}
	p := tenancy.Patch{}
	for range rapid.IntRange(0, 2).Draw(m.rt, what) {
		p[draw(m, "key", "a", "b", "ü")] = draw(m, "value", nil, servicetest.Ptr(""), servicetest.Ptr("1"), servicetest.Ptr("2"), servicetest.Ptr("veto"))
	}
	return p, true
}

func patched(m map[string]string, p tenancy.Patch) map[string]string {
	after := map[string]string{}
	maps.Copy(after, m)
	for key, value := range p {
		if delete(after, key); value != nil {
			after[key] = *value
		}
	}
	if len(after) == 0 {
		return nil
	}
	return after
}

// whole is a patch as the map that it makes of nothing.
func whole(p tenancy.Patch) map[string]string { return patched(nil, p) }

// roles draws roles for a member, perhaps none, and says whether they exist.
func (m *machine) roles() ([]string, bool) {
	if m.rarely("unknown role", 25) {
		return []string{rbac.Member, "king"}, false
	}
	return draw(m, "roles", nil, []string{rbac.Owner}, []string{rbac.Owner}, []string{rbac.Member},
		[]string{rbac.Guest, rbac.Admin, rbac.Guest}, []string{rbac.Member, rbac.Owner}), true
}

// optional turns a field into a change of it, or into none.
func optional[T any](m *machine, what string, value T) *T {
	if rapid.Bool().Draw(m.rt, "change "+what) {
		return &value
	}
	return nil
}

// version draws the Version that an update names, and says whether it is stale (G11).
func (m *machine) version(stored int64) (named int64, stale bool) {
	switch rapid.IntRange(0, 9).Draw(m.rt, "version") {
	case 0:
		return stored + 1, true
	case 1, 2:
		return stored, stored < 1
	}
	return 0, false
}

func without[T comparable](list []T, gone T) []T {
	return slices.DeleteFunc(slices.Clone(list), func(x T) bool { return x == gone })
}
