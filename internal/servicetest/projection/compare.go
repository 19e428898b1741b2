package projection

import (
	"cmp"
	"encoding/json"
	"slices"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// compare holds the copy against all rows, each in its JSON form.
func (p *Projection) compare() {
	same(p, "organization", p.rows.organizations, p.organizations, func(o tenancy.Organization) tenancy.OrganizationID { return o.ID })
	same(p, "user", p.rows.users, p.users, func(u tenancy.User) tenancy.UserID { return u.ID })
	same(p, "identity", p.rows.identities, p.identities, func(i tenancy.Identity) tenancy.IdentityID { return i.ID })
	same(p, "role", p.rows.roles, p.roles, func(r tenancy.Role) tenancy.RoleID { return r.ID })
	same(p, "permission", p.rows.permissions, p.permissions, func(r tenancy.Permission) rbac.Permission { return r.Slug })
	p.compareInvitations()
	p.compareJoinCodes()
	same(p, "join request", p.rows.joinRequests, p.joinRequests, func(r tenancy.JoinRequest) tenancy.JoinRequestID { return r.ID })
	same(p, "removal", p.rows.removals, p.removals, func(r tenancy.Removal) tenancy.RemovalID { return r.ID })
	same(p, "domain", p.rows.domains, p.domains, func(d tenancy.Domain) tenancy.DomainID { return d.ID })
	same(p, "connection", p.rows.connections, p.connections, func(c tenancy.Connection) tenancy.ConnectionID { return c.ID })
	same(p, "policy", p.rows.policies, p.policies, func(policy tenancy.Policy) tenancy.OrganizationID { return policy.OrganizationID })
	p.compareMemberships()
	p.compareSessions()
}

// same compares one table with the copy of it.
func same[K comparable, V any](p *Projection, what string, rows []V, copies map[K]V, key func(V) K) {
	for _, row := range rows {
		kept, there := copies[key(row)]
		require.True(p.t, there, "the log does not tell of a %s: %s", what, text(p, row))
		alike(p, what, row, kept)
	}
	if len(copies) == len(rows) {
		return
	}
	left := byKey(rows, key)
	for id, kept := range copies {
		require.True(p.t, has(left, id), "the log does not tell that a %s is gone: %s", what, text(p, kept))
	}
}

// alike compares one row.
func alike(p *Projection, what string, row, kept any) {
	if want, got := text(p, row), text(p, kept); want != got {
		require.JSONEq(p.t, want, got, "a %s as the log tells of it", what)
	}
}

func text(p *Projection, v any) string {
	s, err := json.Marshal(v)
	require.NoError(p.t, err)
	return string(s)
}

// compareInvitations: an inviter who was merged into somebody erased since is told by events
// that are emptied, to a reader who comes late.
func (p *Projection) compareInvitations() {
	if p.behind {
		for _, row := range p.rows.invitations {
			inv, there := p.invitations[row.ID]
			if there && inv.InviterID != row.InviterID && !has(p.users, inv.InviterID) && !has(p.users, row.InviterID) {
				inv.InviterID, inv.Version, inv.UpdatedAt = row.InviterID, row.Version, row.UpdatedAt
				p.invitations[row.ID] = inv
			}
		}
	}
	same(p, "invitation", p.rows.invitations, p.invitations, func(i tenancy.Invitation) tenancy.InvitationID { return i.ID })
}

// compareJoinCodes: the same holds for who made a code.
func (p *Projection) compareJoinCodes() {
	if p.behind {
		for _, row := range p.rows.joinCodes {
			code, there := p.joinCodes[row.ID]
			if there && code.CreatorID != row.CreatorID && !has(p.users, code.CreatorID) && !has(p.users, row.CreatorID) {
				code.CreatorID, code.Version, code.UpdatedAt = row.CreatorID, row.Version, row.UpdatedAt
				p.joinCodes[row.ID] = code
			}
		}
	}
	same(p, "join code", p.rows.joinCodes, p.joinCodes, func(c tenancy.JoinCode) tenancy.JoinCodeID { return c.ID })
}

func (p *Projection) compareMemberships() {
	held := map[tenancy.MembershipID][]string{}
	for _, a := range p.rows.assignments {
		held[a.MembershipID] = append(held[a.MembershipID], a.Role)
	}
	kept := make(map[tenancy.MembershipID]tenancy.Membership, len(p.memberships))
	for id, m := range p.memberships {
		kept[id] = m.Membership
	}
	for _, row := range p.rows.memberships {
		m, there := kept[row.ID]
		if renamed := p.renamed[row.UserID]; there && m.Version < row.Version && !renamed.Before(p.memberships[row.ID].told) {
			m.Version = row.Version
			kept[row.ID] = m
		}
	}
	same(p, "membership", p.rows.memberships, kept, func(m tenancy.Membership) tenancy.MembershipID { return m.ID })
	for id, m := range p.memberships {
		require.Equal(p.t, once(held[id]), once(m.roles), "the roles of %s as the log tells of them", id)
	}
}

// once are texts in order, each once.
func once(list []string) []string { return slices.Compact(slices.Sorted(slices.Values(list))) }

// swept is how long sessions are kept that ran out or ended.
const swept = servicetest.Month

func (p *Projection) compareSessions() {
	now := p.Now().UTC()
	left := byKey(p.rows.sessions, func(s tenancy.Session) tenancy.SessionID { return s.ID })
	kept := make(map[tenancy.SessionID]tenancy.Session, len(p.sessions))
	for id, s := range p.sessions {
		row, there := left[id]
		if !there && s.ExpiresAt.Add(swept).Before(now) {
			delete(p.sessions, id)
			continue
		}
		s.ClientID = row.ClientID // no event tells it: it may be the id of an entry elsewhere
		if !s.known {
			s.ConnectionID, s.ConnectionEpoch, s.IdentityID = row.ConnectionID, row.ConnectionEpoch, row.IdentityID
		}
		kept[id] = s.Session
	}
	same(p, "session", p.rows.sessions, kept, func(s tenancy.Session) tenancy.SessionID { return s.ID })
}

// byPriority are the roles of a membership, the primary one first (R4).
func (p *Projection) byPriority(m member) []string {
	priority := map[string]int{}
	for _, role := range rbac.Builtin() {
		priority[role.Slug] = role.Priority
	}
	for _, role := range p.roles {
		if role.OrganizationID.IsZero() || role.OrganizationID == m.OrganizationID {
			priority[role.Slug] = role.Priority
		}
	}
	roles := once(m.roles)
	slices.SortStableFunc(roles, func(a, b string) int { return cmp.Compare(priority[a], priority[b]) })
	return roles
}

// compareLists holds what the Service makes of rows against what the reader does.
func (p *Projection) compareLists() {
	q := tenancy.MemberQuery{Statuses: []tenancy.MembershipStatus{tenancy.MembershipActive, tenancy.MembershipInactive, tenancy.MembershipPending}}
	for id := range p.organizations {
		for listed, err := range p.Svc.Memberships.All(p.Ctx, id, q) {
			require.NoError(p.t, err)
			m := p.memberships[listed.ID]
			if m.Status != tenancy.MembershipPending {
				require.Equal(p.t, p.byPriority(m), listed.Roles, "the order of roles")
			}
			require.Equal(p.t, cmp.Or(m.DisplayName, p.users[m.UserID].Name()), listed.Name)
			require.Equal(p.t, p.users[m.UserID].Email, listed.Email)
			require.Equal(p.t, p.organizations[id].DisplayName, listed.OrganizationName)
		}
	}
	for id, user := range p.users {
		if !user.MergedInto.IsZero() {
			continue
		}
		for listed, err := range p.Svc.Sessions.AllByUser(p.Ctx, id, tenancy.SessionQuery{Ended: true}) {
			require.NoError(p.t, err)
			p.compareEnd(listed)
		}
	}
}

// compareEnd compares whether a session has ended, by whatever but the clock.
func (p *Projection) compareEnd(listed tenancy.Session) {
	s := p.sessions[listed.ID]
	ended := s.closed || !s.EndedAt.IsZero()
	if listed.EndReason == "" {
		require.False(p.t, ended, "a session that ended, as the log tells it: %s", text(p, s.Session))
		return
	}
	home, connected := p.connections[s.ConnectionID]
	away := listed.EndReason == tenancy.EndedConnection && (!s.known || connected && home.OrganizationID != s.OrganizationID)
	require.True(p.t, ended || away, "the log does not tell that a session ended by %s: %s", listed.EndReason, text(p, s.Session))
}
