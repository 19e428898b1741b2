package sqlite_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/internal/rowtest"
	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/tenancy"
)

// lister is a list that the program lives by, and the index that it is read along.
type lister struct {
	table *store.Table
	where []store.Cond
	sort  int
	index string
}

// condition is one on a column of a table that is not known yet.
type condition func(t *store.Table) store.Cond

// along is a list of the table, without its prefix, along a column, by an index without
// the table's name.
func along(table, sort, index string, where ...condition) lister {
	t := rowtest.Table(tenancy.Tables(), "tenancy_"+table)
	l := lister{t, nil, t.Index(sort), t.Name + "_" + index}
	for _, condition := range where {
		l.where = append(l.where, condition(t))
	}
	return l
}

// keyed is a list that goes by a unique key.
func keyed(l lister, index string) lister {
	l.index = "sqlite_autoindex_" + index
	return l
}

func is(column string, values ...any) condition {
	return func(t *store.Table) store.Cond { return rowtest.OneOf(t, column, values...) }
}

func has(column string, op store.Op, values ...any) condition {
	return func(t *store.Table) store.Cond { return rowtest.Cond(t, column, op, values...) }
}

func due(column string) condition { return has(column, store.Less, noon.UnixMicro()) }

// TestJoiningPlans is TestPlans for what joining and signing in live by.
func TestJoiningPlans(t *testing.T) {
	st := open(t)
	for name, l := range joiningLists() {
		for _, desc := range []bool{false, true} {
			for _, after := range []*store.Place{nil, {}} {
				p := plan(t, st, l.table, l.where, store.Range{Sort: l.sort, Limit: 50, Desc: desc, After: after})
				require.Contains(t, p, l.index, name)
				sortsNothing(t, p, name)
			}
		}
	}
}

func joiningLists() map[string]lister {
	acme, ada, open := is("organization_id", id(1)), is("user_id", id(1)), has("ended_at", store.IsNull)
	scope, pending, address := is("scope", tenancy.OrganizationID(id(1)).String()), is("state", "pending"), is("email_key", "ada@acme.example")
	return map[string]lister{
		"invitations":             along("invitations", "id", "scope_state (scope=? AND state=?", scope, is("state", "pending", "accepted", "revoked", "expired", "void")),
		"pending invitations":     along("invitations", "id", "scope_state (scope=? AND state=?", scope, pending),
		"invitations by address":  along("invitations", "email_key", "scope_email_key (scope=?", scope, has("email_key", store.Prefix, "a")),
		"one invitation":          along("invitations", "id", "scope_email_key (scope=? AND email_key=?", scope, address, pending),
		"a person's invitations":  along("invitations", "id", "email_key_state (email_key=? AND state=?", address, pending, has("expires_at", store.AtLeast, noon.UnixMicro()+1)),
		"invitations run out":     along("invitations", "expires_at", "state_expires_at (state=?", pending, due("expires_at")),
		"invitations by inviter":  along("invitations", "id", "inviter_id (inviter_id=?", is("inviter_id", id(1))),
		"invitations accepted":    along("invitations", "id", "user_id (user_id=?", ada),
		"memberships that wait":   along("memberships", "id", "invitation_id (invitation_id=?", is("invitation_id", id(1))),
		"secrets of a thing":      along("secrets", "id", "subject (subject=?", is("subject", "x")),
		"join codes":              along("join_codes", "id", "organization_id (organization_id=?", acme),
		"join codes with a role":  along("join_codes", "id", "role (role=?", is("role", "x")),
		"join requests":           along("join_requests", "id", "organization_id_state (organization_id=? AND state=?", acme, is("state", "pending", "approved", "declined", "canceled")),
		"pending join requests":   along("join_requests", "id", "organization_id_state (organization_id=? AND state=?", acme, pending),
		"one request":             keyed(along("join_requests", "id", "", acme, ada, pending), "tenancy_join_requests_2 (organization_id=? AND user_id=?"),
		"requests of a pair":      keyed(along("join_requests", "id", "", acme, ada), "tenancy_join_requests_2 (organization_id=? AND user_id=?"),
		"requests that wait":      along("join_requests", "id", "user_id_state (user_id=? AND state=?", ada, pending),
		"where somebody is":       along("memberships", "id", "user_id_status (user_id=? AND status=?", ada, is("status", "active")),
		"live sessions":           along("sessions", "expires_at", "user_id_expires_at (user_id=? AND expires_at>?", ada, open, has("expires_at", store.AtLeast, noon.UnixMicro()+1)),
		"settings":                along("connection_settings", "id", "organization_id (organization_id=?", acme),
		"a person's requests":     along("join_requests", "id", "user_id_state (user_id=? AND state=?", ada, is("state", "pending", "approved", "declined", "canceled")),
		"domains":                 along("domains", "id", "organization_id (organization_id=?", acme),
		"claims to a name":        along("domains", "id", "name (name=?", is("name", "acme.example"), is("state", "verified")),
		"domains with a role":     along("domains", "id", "role (role=?", is("role", "x")),
		"domains due":             along("domains", "due_at", "due_at (", due("due_at")),
		"connections":             along("connections", "id", "organization_id (organization_id=?", acme),
		"a person's sessions":     along("sessions", "id", "user_id_null_ended_at (user_id=?", ada, open),
		"an organization's":       along("sessions", "id", "organization_id_null_ended_at (organization_id=?", acme, open),
		"a membership's sessions": along("sessions", "expires_at", "membership_id_expires_at (membership_id=?", is("membership_id", id(1))),
		"sessions due":            along("sessions", "expires_at", "expires_at (", due("expires_at")),
	}
}

// TestManyByPartialIndex: a list of values is searched in an index without nulls too,
// and several names of domains at once.
func TestManyByPartialIndex(t *testing.T) {
	st := open(t)
	for _, l := range []lister{
		along("memberships", "id", "invitation_id (invitation_id=?", is("invitation_id", id(1), id(2))),
		along("secrets", "id", "subject (subject=?", is("subject", "x", "y")),
		along("domains", "id", "name (name=?", is("name", "a.example", "example"), is("state", "verified")),
	} {
		require.Contains(t, plan(t, st, l.table, l.where, store.Range{Limit: 50}), l.index)
	}
}
