package storetest

import (
	"context"
	"slices"

	"github.com/freehold-dev/freehold/tenancy"
)

// factRules are about the optional [tenancy.AccessReader]: a fast path is no faster
// than its first wrong answer. A store without one keeps them by the tables.
func factRules() []rule {
	return []rule{
		{"access/facts", "where a transaction is an AccessReader, its facts are what the tables say, for every state of organization, user, membership and assignments.", factsInViews},
		{"access/facts_own_writes", "the facts show what the transaction itself has written.", factsOwnWrites},
		{"access/facts_refused", "the facts are closed after the end of their transaction, and canceled with their context.", factsRefused},
	}
}

// accessCase is one user in one organization.
type accessCase struct {
	organization tenancy.OrganizationID
	user         tenancy.UserID
}

// accessWorld inserts an organization for each state, and users for each state in each
// of them with each membership. It gives all pairs of them, strangers included.
func accessWorld(c *check, tx tenancy.Tx) []accessCase {
	c.ok(tx.Users().Insert(c.ctx, bareUser(survivor)), "Insert a user")
	organizations := []tenancy.OrganizationID{newID[tenancy.Organization](900), {}}
	users := []tenancy.UserID{newID[tenancy.User](900), {}, newID[tenancy.User](survivor)}
	n := 0
	for state := range 4 {
		org := bareOrganization(state)
		if state&1 != 0 {
			org.SuspendedAt = clock(1)
		}
		if state&2 != 0 {
			org.ArchivedAt = clock(2)
		}
		c.ok(tx.Organizations().Insert(c.ctx, org), "Insert an organization")
		organizations = append(organizations, org.ID)
		for user := range 4 {
			for membership := range 5 {
				n++
				users = append(users, accessUser(c, tx, org, n, user, membership))
			}
		}
	}
	var all []accessCase
	for _, organization := range organizations {
		for _, user := range users {
			all = append(all, accessCase{organization, user})
		}
	}
	return all
}

// accessUser inserts a user of one state with one membership: none, or of a status,
// with assignments of all sorts or with none.
func accessUser(c *check, tx tenancy.Tx, org tenancy.Organization, n, state, membership int) tenancy.UserID {
	user := bareUser(n)
	if state&1 != 0 {
		user.SuspendedAt = clock(3)
	}
	if state&2 != 0 {
		user.MergedInto = newID[tenancy.User](survivor)
	}
	c.ok(tx.Users().Insert(c.ctx, user), "Insert a user")
	if membership == 0 {
		return user.ID
	}
	m := bareMembership(n)
	m.OrganizationID, m.UserID = org.ID, user.ID
	m.Status = pick(membership, tenancy.MembershipActive, tenancy.MembershipActive, tenancy.MembershipInactive, tenancy.MembershipPending)
	c.ok(tx.Memberships().Insert(c.ctx, m), "Insert a membership")
	if membership == 4 {
		return user.ID
	}
	for i, a := range []tenancy.RoleAssignment{
		{Role: "member", Active: true},
		{Role: "member", Active: true, SourceID: "group|1"}, // the same role from elsewhere
		{Role: "Member", Active: true},
		{Role: "owner"},
		{Role: "admin", Active: true, Scope: "workspace|1"},
		{Role: "guest", Scope: "workspace|1"},
	} {
		a.ID, a.Version, a.Source, a.CreatedAt = newID[tenancy.RoleAssignment](n*10+i), 1, tenancy.RoleManual, clock(n)
		a.OrganizationID, a.UserID, a.MembershipID = org.ID, user.ID, m.ID
		c.ok(tx.RoleAssignments().Insert(c.ctx, a), "Insert a role assignment")
	}
	return user.ID
}

// tabled is what the tables say of a pair.
func (a accessCase) tabled(c *check, tx tenancy.Tx) tenancy.AccessFacts {
	var facts tenancy.AccessFacts
	if org, err := tx.Organizations().Get(c.ctx, a.organization); err == nil {
		facts.OrganizationFound = true
		facts.OrganizationSuspended, facts.OrganizationArchived = !org.SuspendedAt.IsZero(), !org.ArchivedAt.IsZero()
	}
	if user, err := tx.Users().Get(c.ctx, a.user); err == nil {
		facts.UserFound, facts.UserSuspended = user.MergedInto.IsZero(), !user.SuspendedAt.IsZero()
	}
	found, err := tx.Memberships().List(c.ctx,
		tenancy.MembershipFilter{OrganizationID: tenancy.Of(a.organization), UserID: tenancy.Of(a.user)}, everything)
	c.ok(err, "List")
	if len(found) == 0 {
		return facts
	}
	facts.MembershipID, facts.Status = found[0].ID, found[0].Status
	held, err := tx.RoleAssignments().List(c.ctx, tenancy.RoleAssignmentFilter{MembershipID: tenancy.Of(found[0].ID)}, everything)
	c.ok(err, "List")
	for _, row := range held {
		if row.Active && row.Scope == "" {
			facts.Roles = append(facts.Roles, row.Role)
		}
	}
	return facts
}

// factsHold wants the facts to be those of the tables, roles in no order and perhaps
// repeated.
func factsHold(c *check, tx tenancy.Tx, cases []accessCase) {
	reader, ok := tx.(tenancy.AccessReader)
	if !ok {
		return
	}
	for _, a := range cases {
		got, err := reader.Access(c.ctx, a.organization, a.user)
		c.ok(err, "Access")
		want := a.tabled(c, tx)
		for _, facts := range []*tenancy.AccessFacts{&got, &want} {
			slices.Sort(facts.Roles)
			facts.Roles = slices.Compact(facts.Roles)
		}
		c.equal(got, want, "facts of "+a.user.String()+" in "+a.organization.String())
	}
}

func factsInViews(c *check) {
	var cases []accessCase
	c.update(func(tx tenancy.Tx) { cases = accessWorld(c, tx) })
	c.view(func(tx tenancy.Tx) { factsHold(c, tx, cases) })
}

func factsOwnWrites(c *check) {
	c.update(func(tx tenancy.Tx) {
		cases := accessWorld(c, tx)
		factsHold(c, tx, cases)
		_ = tx.Savepoint(c.ctx, func(tx tenancy.Tx) error {
			_, err := tx.RoleAssignments().DeleteAll(c.ctx, tenancy.RoleAssignmentFilter{Role: tenancy.Of("member")})
			c.ok(err, "DeleteAll")
			factsHold(c, tx, cases)
			return errOurs
		})
		factsHold(c, tx, cases)
	})
}

func factsRefused(c *check) {
	var kept tenancy.Tx
	ended, cancel := context.WithCancel(c.ctx)
	cancel()
	refused := func(ctx context.Context, tx tenancy.Tx, want tenancy.Code) {
		if reader, ok := tx.(tenancy.AccessReader); ok {
			_, err := reader.Access(ctx, newID[tenancy.Organization](1), newID[tenancy.User](1))
			c.code(err, want, "Access")
		}
	}
	c.view(func(tx tenancy.Tx) {
		kept = tx
		refused(ended, tx, tenancy.ErrCanceled)
	})
	refused(c.ctx, kept, tenancy.ErrClosed)
}
