package projection

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/tenancy"
)

// appliers are what an event does to the copy, by the thing that it is about. The type of an
// event begins with that.
var appliers = map[string]func(*Projection, tenancy.Event){
	"organization": (*Projection).applyOrganization,
	"user":         (*Projection).applyUser,
	"membership":   (*Projection).applyMembership,
	"connection":   (*Projection).applyConnection,
	"session":      (*Projection).applySession,
	"identity": func(p *Projection, e tenancy.Event) {
		i := decoded[tenancy.Identity](p, e)
		put(p, e, p.identities, i.ID, i, e.Type == tenancy.EventIdentityUnlinked)
	},
	"role": func(p *Projection, e tenancy.Event) {
		r := decoded[tenancy.Role](p, e)
		put(p, e, p.roles, r.ID, r, e.Type == tenancy.EventRoleDeleted)
	},
	"permission": func(p *Projection, e tenancy.Event) {
		perm := decoded[tenancy.Permission](p, e)
		put(p, e, p.permissions, perm.Slug, perm, e.Type == tenancy.EventPermissionDeleted)
	},
	"invitation": func(p *Projection, e tenancy.Event) {
		inv := decoded[tenancy.Invitation](p, e)
		put(p, e, p.invitations, inv.ID, inv, false)
	},
	"join_code": func(p *Projection, e tenancy.Event) {
		code := decoded[tenancy.JoinCode](p, e)
		put(p, e, p.joinCodes, code.ID, code, false)
	},
	"join_request": func(p *Projection, e tenancy.Event) {
		req := decoded[tenancy.JoinRequest](p, e)
		if e.Type == tenancy.EventJoinRequestCreated { // in the place of the last one
			dropWhere(p.joinRequests, func(r tenancy.JoinRequest) bool {
				return r.OrganizationID == req.OrganizationID && r.UserID == req.UserID
			})
		}
		put(p, e, p.joinRequests, req.ID, req, false)
	},
	"domain": func(p *Projection, e tenancy.Event) {
		d := decoded[tenancy.Domain](p, e)
		put(p, e, p.domains, d.ID, d, e.Type == tenancy.EventDomainReleased)
	},
	"policy": func(p *Projection, e tenancy.Event) {
		policy := decoded[tenancy.Policy](p, e)
		put(p, e, p.policies, policy.OrganizationID, policy, false)
	},
	"ownership": func(*Projection, tenancy.Event) {}, // the roles have events of their own
}

func (p *Projection) apply(e tenancy.Event) {
	if e.Redacted {
		p.applyEmptied(e)
		return
	}
	thing, _, _ := strings.Cut(string(e.Type), ".")
	apply, known := appliers[thing]
	require.True(p.t, known, "nobody told the reader what %s is", e.Type)
	apply(p, e)
}

// put keeps what an event shows, or drops what is gone.
func put[K comparable, V any](p *Projection, e tenancy.Event, into map[K]V, key K, v V, gone bool) {
	if before, there := into[key]; there {
		p.checkPrevious(e, before)
	}
	if gone {
		delete(into, key)
		return
	}
	into[key] = v
}

// checkPrevious compares the old values that an event tells with those that the reader has.
func (p *Projection) checkPrevious(e tenancy.Event, before any) {
	if len(e.Previous) == 0 || p.behind {
		return
	}
	var told, had map[string]json.RawMessage
	require.NoError(p.t, json.Unmarshal(e.Previous, &told))
	text, err := json.Marshal(before)
	require.NoError(p.t, err)
	require.NoError(p.t, json.Unmarshal(text, &had))
	for name, value := range told {
		old := cmp.Or(string(had[name]), "null")
		require.JSONEq(p.t, old, string(value), "%s in what %s says was before", name, e.Type)
	}
}

func (p *Projection) applyOrganization(e tenancy.Event) {
	switch e.Type {
	case tenancy.EventOrganizationPurged:
		p.purge(e.OrganizationID)
		return
	case tenancy.EventOrganizationDeleted:
		p.dropOrganization(e.OrganizationID)
		return
	case tenancy.EventOrganizationSlugReleased: // no list has former slugs
		return
	}
	org := decoded[tenancy.Organization](p, e)
	put(p, e, p.organizations, org.ID, org, false)
	switch e.Type {
	case tenancy.EventOrganizationSuspended, tenancy.EventOrganizationArchived, tenancy.EventOrganizationSessionsEnded:
		p.close(func(s session) bool {
			return s.OrganizationID == org.ID || s.known && p.connections[s.ConnectionID].OrganizationID == org.ID
		})
	}
}

func (p *Projection) applyUser(e tenancy.Event) {
	switch e.Type {
	case tenancy.EventUserMerged:
		m := decoded[struct{ From, Into tenancy.UserID }](p, e)
		p.merge(m.From, m.Into, e.Time)
		return
	case tenancy.EventUserDeleted:
		p.forget(e.UserID)
		return
	}
	user := decoded[tenancy.User](p, e)
	before := p.users[user.ID]
	if before.Name() != user.Name() || before.Email != user.Email || before.SuspendedAt.IsZero() != user.SuspendedAt.IsZero() {
		p.renamed[user.ID] = e.Time
	}
	put(p, e, p.users, user.ID, user, false)
}

func (p *Projection) applyMembership(e tenancy.Event) {
	switch e.Type {
	case tenancy.EventMembershipEmailChanged: // the user has an event, too
		return
	case tenancy.EventMembershipReadmitted:
		r := decoded[tenancy.Removal](p, e)
		put(p, e, p.removals, r.ID, r, true)
		return
	case tenancy.EventMembershipBarred:
		r := decoded[tenancy.Removal](p, e)
		p.removals[r.ID] = r
		return
	}
	shown := decoded[struct {
		tenancy.Membership
		Roles   *[]string        `json:"roles"`
		Removal *tenancy.Removal `json:"removal"`
	}](p, e)
	switch r := shown.Removal; {
	case r != nil:
		dropWhere(p.removals, func(old tenancy.Removal) bool {
			return old.OrganizationID == r.OrganizationID && old.UserID == r.UserID
		})
		p.removals[r.ID] = *r
	case e.Type == tenancy.EventMembershipCreated && shown.JoinedVia != tenancy.JoinedMerged && shown.JoinedVia != tenancy.JoinedCreated:
		p.entered(shown.Membership)
	}
	m := member{Membership: shown.Membership, roles: p.memberships[shown.ID].roles, told: e.Time}
	if shown.Roles != nil {
		m.roles = slices.Clone(*shown.Roles)
	}
	gone := e.Type == tenancy.EventMembershipRemoved || e.Type == tenancy.EventMembershipWithdrawn
	if !slices.Contains([]string{"", "[]"}, string(e.Previous)) {
		p.checkPrevious(e, p.withRoles(p.memberships[shown.ID]))
	}
	if gone {
		delete(p.memberships, m.ID)
		return
	}
	p.memberships[m.ID] = m
}

// withRoles is a membership as events show it.
func (p *Projection) withRoles(m member) any {
	return struct {
		tenancy.Membership
		Roles []string `json:"roles"`
	}{m.Membership, append([]string{}, p.byPriority(m)...)}
}

// applyConnection: what is pointed elsewhere, switched off or deleted ends its sessions (P9).
func (p *Projection) applyConnection(e tenancy.Event) {
	c := decoded[tenancy.Connection](p, e)
	gone := e.Type == tenancy.EventConnectionDeleted
	put(p, e, p.connections, c.ID, c, gone)
	p.close(func(s session) bool {
		return s.known && s.ConnectionID == c.ID && (gone || c.State != tenancy.ConnectionActive || s.ConnectionEpoch != c.SessionsEpoch)
	})
}

// close ends the sessions that pass, whose rows do not say so.
func (p *Projection) close(pass func(session) bool) {
	for id, s := range p.sessions {
		if s.EndedAt.IsZero() && pass(s) {
			s.closed = true
			p.sessions[id] = s
		}
	}
}

// applySession keeps what the reader knows of how the person came, where the event, which an
// organization may read, does not say it.
func (p *Projection) applySession(e tenancy.Event) {
	s := session{Session: decoded[tenancy.Session](p, e)}
	before, there := p.sessions[s.ID]
	s.known, s.closed = e.OrganizationID.IsZero() || !s.ConnectionID.IsZero(), before.closed
	if !s.known && there && before.known {
		s.known = true
		s.ConnectionID, s.ConnectionEpoch, s.IdentityID = before.ConnectionID, before.ConnectionEpoch, before.IdentityID
	}
	p.sessions[s.ID] = s
}
