package projection

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/tenancy"
)

// dropWhere drops what passes.
func dropWhere[K comparable, V any](m map[K]V, pass func(V) bool) {
	maps.DeleteFunc(m, func(_ K, v V) bool { return pass(v) })
}

// dropOrganization takes along what was in an organization (O2).
func (p *Projection) dropOrganization(id tenancy.OrganizationID) {
	for _, c := range p.connections {
		if c.OrganizationID != id {
			continue
		}
		dropWhere(p.identities, func(i tenancy.Identity) bool { return i.Provider == c.ID.String() })
		p.close(func(s session) bool { return s.known && s.ConnectionID == c.ID })
	}
	delete(p.organizations, id)
	delete(p.policies, id)
	dropWhere(p.memberships, func(m member) bool { return m.OrganizationID == id })
	dropWhere(p.roles, func(r tenancy.Role) bool { return r.OrganizationID == id })
	dropWhere(p.invitations, func(i tenancy.Invitation) bool { return i.OrganizationID == id })
	dropWhere(p.joinCodes, func(c tenancy.JoinCode) bool { return c.OrganizationID == id })
	dropWhere(p.joinRequests, func(r tenancy.JoinRequest) bool { return r.OrganizationID == id })
	dropWhere(p.removals, func(r tenancy.Removal) bool { return r.OrganizationID == id })
	dropWhere(p.domains, func(d tenancy.Domain) bool { return d.OrganizationID == id })
	dropWhere(p.connections, func(c tenancy.Connection) bool { return c.OrganizationID == id })
	dropWhere(p.sessions, func(s session) bool { return s.OrganizationID == id })
}

// purge looks which rows of an organization are left: the event says only how many went.
func (p *Projection) purge(id tenancy.OrganizationID) {
	memberships := byKey(p.rows.memberships, func(m tenancy.Membership) tenancy.MembershipID { return m.ID })
	invitations := byKey(p.rows.invitations, func(i tenancy.Invitation) tenancy.InvitationID { return i.ID })
	codes := byKey(p.rows.joinCodes, func(c tenancy.JoinCode) tenancy.JoinCodeID { return c.ID })
	requests := byKey(p.rows.joinRequests, func(r tenancy.JoinRequest) tenancy.JoinRequestID { return r.ID })
	sessions := byKey(p.rows.sessions, func(s tenancy.Session) tenancy.SessionID { return s.ID })
	dropWhere(p.memberships, func(m member) bool { return m.OrganizationID == id && !has(memberships, m.ID) })
	dropWhere(p.invitations, func(i tenancy.Invitation) bool { return i.OrganizationID == id && !has(invitations, i.ID) })
	dropWhere(p.joinCodes, func(c tenancy.JoinCode) bool { return c.OrganizationID == id && !has(codes, c.ID) })
	dropWhere(p.joinRequests, func(r tenancy.JoinRequest) bool { return r.OrganizationID == id && !has(requests, r.ID) })
	dropWhere(p.sessions, func(s session) bool { return s.OrganizationID == id && !has(sessions, s.ID) })
}

func byKey[K comparable, V any](rows []V, key func(V) K) map[K]V {
	m := make(map[K]V, len(rows))
	for _, row := range rows {
		m[key(row)] = row
	}
	return m
}

func has[K comparable, V any](m map[K]V, key K) bool {
	_, ok := m[key]
	return ok
}

// inOrder are the keys of a map of things with ids, by id.
func inOrder[K ~[16]byte, V any](m map[K]V) []K {
	return slices.SortedFunc(maps.Keys(m), func(a, b K) int { return bytes.Compare(a[:], b[:]) })
}

// forget takes along what was a user's (U7). Memberships have events of their own, unless
// those are emptied.
func (p *Projection) forget(id tenancy.UserID) {
	delete(p.users, id)
	dropWhere(p.memberships, func(m member) bool { return m.UserID == id })
	dropWhere(p.identities, func(i tenancy.Identity) bool { return i.UserID == id })
	dropWhere(p.joinRequests, func(r tenancy.JoinRequest) bool { return r.UserID == id })
	dropWhere(p.sessions, func(s session) bool { return s.UserID == id })
}

// merge is U6, after the events of memberships and identities.
func (p *Projection) merge(from, into tenancy.UserID, at time.Time) {
	for id, user := range p.users {
		if id == from {
			user = tenancy.User{ID: id, Version: user.Version, CreatedAt: user.CreatedAt}
		} else if user.MergedInto != from {
			continue
		}
		user.MergedInto, user.UpdatedAt = into, at
		user.Version++
		p.users[id] = user
	}
	for id, inv := range p.invitations {
		if inv.InviterID != from && inv.UserID != from {
			continue
		}
		if inv.InviterID == from {
			inv.InviterID = into
		}
		if inv.UserID == from {
			inv.UserID = into
		}
		inv.Version, inv.UpdatedAt = inv.Version+1, at
		p.invitations[id] = inv
	}
	for id, code := range p.joinCodes {
		if code.CreatorID == from {
			code.CreatorID, code.Version, code.UpdatedAt = into, code.Version+1, at
			p.joinCodes[id] = code
		}
	}
	for _, id := range inOrder(p.joinRequests) {
		req := p.joinRequests[id]
		if req.UserID != from {
			continue
		}
		if req.State != tenancy.JoinRequestPending || p.waits(req.OrganizationID, into) {
			delete(p.joinRequests, id)
			continue
		}
		dropWhere(p.joinRequests, func(r tenancy.JoinRequest) bool { return r.OrganizationID == req.OrganizationID && r.UserID == into })
		req.UserID, req.Version, req.UpdatedAt = into, req.Version+1, at
		p.joinRequests[id] = req
	}
	p.mergeRemovals(from, into)
}

// mergeRemovals is M6: of two the one that binds more stays, and none where the other is a
// member.
func (p *Projection) mergeRemovals(from, into tenancy.UserID) {
	kept := map[tenancy.OrganizationID]tenancy.Removal{}
	for _, id := range inOrder(p.removals) {
		r := p.removals[id]
		if r.UserID != from && r.UserID != into {
			continue
		}
		delete(p.removals, id)
		if old, is := kept[r.OrganizationID]; !is || old.Left && !r.Left || old.Left == r.Left && r.RemovedAt.After(old.RemovedAt) {
			kept[r.OrganizationID] = r
		}
	}
	for organization, r := range kept {
		member := false
		for _, m := range p.memberships {
			member = member || m.OrganizationID == organization && m.UserID == into && m.Status != tenancy.MembershipPending
		}
		if !member {
			r.UserID = into
			p.removals[r.ID] = r
		}
	}
}

// entered forgets the removals of somebody who was let in, and of others who had their address.
func (p *Projection) entered(m tenancy.Membership) {
	left := byKey(p.rows.removals, func(r tenancy.Removal) tenancy.RemovalID { return r.ID })
	dropWhere(p.removals, func(r tenancy.Removal) bool {
		return r.OrganizationID == m.OrganizationID && (r.UserID == m.UserID || !has(left, r.ID))
	})
}

// waits reports whether a join request of a user's waits.
func (p *Projection) waits(organization tenancy.OrganizationID, user tenancy.UserID) bool {
	for _, req := range p.joinRequests {
		if req.OrganizationID == organization && req.UserID == user && req.State == tenancy.JoinRequestPending {
			return true
		}
	}
	return false
}

// applyEmptied applies what Erase has emptied before the reader came. Only who is erased has
// such events, but for invitations, which may be to an address of theirs, and for the use of
// a join code.
func (p *Projection) applyEmptied(e tenancy.Event) {
	thing, _, _ := strings.Cut(string(e.Type), ".")
	if thing == "membership" || e.Type == tenancy.EventUserErased { // whose removals by the address went is not told
		left := byKey(p.rows.removals, func(r tenancy.Removal) tenancy.RemovalID { return r.ID })
		dropWhere(p.removals, func(r tenancy.Removal) bool { return !has(left, r.ID) })
	}
	switch {
	case e.Type == tenancy.EventUserErased:
		p.erase(e.UserID)
	case e.Type == tenancy.EventUserMerged: // into somebody erased; who it was is not told any more
		left := byKey(p.rows.users, func(u tenancy.User) tenancy.UserID { return u.ID })
		for id := range p.users {
			if !has(left, id) {
				p.forget(id)
			}
		}
	case thing == "invitation":
		id, err := tenancy.ParseID[tenancy.Invitation](e.Subject)
		require.NoError(p.t, err)
		delete(p.invitations, id)
		for _, row := range p.rows.invitations {
			if row.ID == id {
				p.invitations[id] = row
			}
		}
	case e.Type == tenancy.EventJoinCodeUsed:
		id, err := tenancy.ParseID[tenancy.JoinCode](e.Subject)
		require.NoError(p.t, err)
		if code, there := p.joinCodes[id]; there {
			code.Uses, code.Version, code.UpdatedAt = code.Uses+1, code.Version+1, e.Time
			p.joinCodes[id] = code
		}
	default:
		p.forget(e.UserID)
	}
}

// erase takes along who was merged into somebody who is erased, and reads what is left of
// the invitations to them and of those that they accepted.
func (p *Projection) erase(id tenancy.UserID) {
	gone := map[tenancy.UserID]bool{id: true}
	for other, user := range p.users {
		if user.MergedInto == id {
			gone[other] = true
		}
	}
	for user := range gone {
		p.forget(user)
	}
	for _, row := range p.rows.invitations {
		inv, there := p.invitations[row.ID]
		accepted := gone[inv.UserID]
		if !there || row.Email != "" && !accepted {
			continue
		}
		if !accepted && row.UserID != inv.UserID {
			continue // who accepted is erased in the same transaction, and their event comes
		}
		require.Zero(p.t, row.Metadata)
		require.NotEqual(p.t, accepted, row.UserID == inv.UserID, "who accepted is told still")
		if row.Email == "" {
			require.NotEqual(p.t, tenancy.InvitationPending, row.State, "an invitation to nobody stands")
		}
		p.invitations[row.ID] = row
	}
}
