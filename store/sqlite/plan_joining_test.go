package sqlite_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/typed"
	"github.com/freehold-dev/freehold/tenancy"
)

// lister is a list that the program lives by, and the index that it is read along.
type lister struct {
	table *store.Table
	where []store.Cond
	sort  int
	index string
}

func along[V tenancy.Entity, F any](e *typed.Entity[V, F], f F, order tenancy.Order, index string) lister {
	sort, _ := e.Along(typed.Order(order))
	return lister{e.Table, e.Conds(f), sort, e.Table.Name + "_" + index}
}

// TestJoiningPlans is TestPlans for what joining and signing in live by.
func TestJoiningPlans(t *testing.T) {
	st := open(t)
	for name, l := range joiningLists() {
		for _, desc := range []bool{false, true} {
			for _, after := range []*store.Place{nil, {}} {
				p := plan(t, st, l.table, l.where, store.Range{Sort: l.sort, Limit: 50, Desc: desc, After: after})
				require.Contains(t, p, l.index, name)
				require.NotContains(t, p, "TEMP B-TREE", name)
			}
		}
	}
}

func joiningLists() map[string]lister {
	c := tenancy.Describe()
	acme, ada := tenancy.Of[tenancy.OrganizationID](id(1)), tenancy.Of[tenancy.UserID](id(1))
	pending := tenancy.Of(tenancy.InvitationPending)
	return map[string]lister{
		"invitations":         along(c.Invitations, tenancy.InvitationFilter{OrganizationID: acme}, tenancy.ByID, "scope (scope=?"),
		"pending invitations": along(c.Invitations, tenancy.InvitationFilter{OrganizationID: acme, State: pending}, tenancy.ByID, "scope_state (scope=? AND state=?"),
		"invitations by address": along(c.Invitations, tenancy.InvitationFilter{OrganizationID: acme, EmailPrefix: "a"},
			tenancy.ByEmail, "scope_email_key (scope=?"),
		"one invitation": along(c.Invitations, tenancy.InvitationFilter{OrganizationID: acme, EmailKey: tenancy.Of("ada@acme.example"), State: pending},
			tenancy.ByID, "scope_email_key (scope=? AND email_key=?"),
		"a person's invitations": along(c.Invitations, tenancy.InvitationFilter{EmailKey: tenancy.Of("ada@acme.example"), State: pending, DueAfter: noon},
			tenancy.ByID, "email_key_state (email_key=? AND state=?"),
		"invitations run out":     along(c.Invitations, tenancy.InvitationFilter{State: pending, DueBefore: noon}, tenancy.ByDue, "state_expires_at (state=?"),
		"invitations by inviter":  along(c.Invitations, tenancy.InvitationFilter{InviterID: ada}, tenancy.ByID, "inviter_id (inviter_id=?"),
		"invitations accepted":    along(c.Invitations, tenancy.InvitationFilter{UserID: ada}, tenancy.ByID, "user_id (user_id=?"),
		"memberships that wait":   along(c.Memberships, tenancy.MembershipFilter{InvitationID: tenancy.Of[tenancy.InvitationID](id(1))}, tenancy.ByID, "invitation_id (invitation_id=?"),
		"secrets of a thing":      along(c.Secrets, tenancy.SecretFilter{Subject: tenancy.Of("x")}, tenancy.ByID, "subject (subject=?"),
		"join codes":              along(c.JoinCodes, tenancy.JoinCodeFilter{OrganizationID: acme}, tenancy.ByID, "organization_id (organization_id=?"),
		"join codes with a role":  along(c.JoinCodes, tenancy.JoinCodeFilter{Role: tenancy.Of("x")}, tenancy.ByID, "role (role=?"),
		"join requests":           along(c.JoinRequests, tenancy.JoinRequestFilter{OrganizationID: acme}, tenancy.ByID, "organization_id (organization_id=?"),
		"pending join requests":   along(c.JoinRequests, tenancy.JoinRequestFilter{OrganizationID: acme, State: tenancy.Of(tenancy.JoinRequestPending)}, tenancy.ByID, "organization_id_state (organization_id=? AND state=?"),
		"one request":             along(c.JoinRequests, tenancy.JoinRequestFilter{OrganizationID: acme, UserID: ada, State: tenancy.Of(tenancy.JoinRequestPending)}, tenancy.ByID, "user_id (user_id=?"),
		"a person's requests":     along(c.JoinRequests, tenancy.JoinRequestFilter{UserID: ada}, tenancy.ByID, "user_id (user_id=?"),
		"domains":                 along(c.Domains, tenancy.DomainFilter{OrganizationID: acme}, tenancy.ByID, "organization_id (organization_id=?"),
		"claims to a name":        along(c.Domains, tenancy.DomainFilter{Name: tenancy.Of("acme.example"), State: tenancy.Of(tenancy.DomainVerified)}, tenancy.ByID, "name (name=?"),
		"domains with a role":     along(c.Domains, tenancy.DomainFilter{Role: tenancy.Of("x")}, tenancy.ByID, "role (role=?"),
		"domains due":             along(c.Domains, tenancy.DomainFilter{DueBefore: noon}, tenancy.ByDue, "due_at ("),
		"connections":             along(c.Connections, tenancy.ConnectionFilter{OrganizationID: acme}, tenancy.ByID, "organization_id (organization_id=?"),
		"a person's sessions":     along(c.Sessions, tenancy.SessionFilter{UserID: ada, Ended: tenancy.Of(false)}, tenancy.ByID, "user_id (user_id=?"),
		"an organization's":       along(c.Sessions, tenancy.SessionFilter{OrganizationID: acme, Ended: tenancy.Of(false)}, tenancy.ByID, "organization_id (organization_id=?"),
		"a membership's sessions": along(c.Sessions, tenancy.SessionFilter{MembershipID: tenancy.Of[tenancy.MembershipID](id(1))}, tenancy.ByID, "membership_id (membership_id=?"),
		"sessions due":            along(c.Sessions, tenancy.SessionFilter{DueBefore: noon}, tenancy.ByDue, "expires_at ("),
	}
}

// TestManyByPartialIndex: a list of values is searched in an index without nulls too,
// and several names of domains at once.
func TestManyByPartialIndex(t *testing.T) {
	st := open(t)
	c := tenancy.Describe()
	for _, l := range []lister{
		along(c.Memberships, tenancy.MembershipFilter{InvitationID: tenancy.Of[tenancy.InvitationID](id(1), id(2))}, tenancy.ByID, "invitation_id (invitation_id=?"),
		along(c.Secrets, tenancy.SecretFilter{Subject: tenancy.Of("x", "y")}, tenancy.ByID, "subject (subject=?"),
		along(c.Domains, tenancy.DomainFilter{Name: tenancy.Of("a.example", "example"), State: tenancy.Of(tenancy.DomainVerified)}, tenancy.ByID, "name (name=?"),
	} {
		require.Contains(t, plan(t, st, l.table, l.where, store.Range{Limit: 50}), l.index)
	}
}
