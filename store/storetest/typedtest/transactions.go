package typedtest

import (
	"errors"
	"runtime"

	"github.com/freehold-dev/freehold/tenancy"
)

// transactionRules are about the beginning and the end of transactions.
func transactionRules() []rule {
	return []rule{
		{"update/commits", "all that an Update wrote is there after it, in every table and the log.", updateCommits},
		{"update/rolls_back_on_error", "of an Update whose fn fails nothing is kept, and its error is passed on itself.", updateRollsBackOnError},
		{"update/rolls_back_on_panic", "of an Update whose fn panics nothing is kept; the panic is passed on and the store goes on.", updateRollsBackOnPanic},
		{"update/rolls_back_on_goexit", "of an Update whose goroutine exits, as t.FailNow does, nothing is kept and the store goes on.", updateRollsBackOnGoexit},
		{"update/of_nothing", "an Update that writes nothing changes nothing.", updateOfNothing},
		{"update/error_kept_by_caller", "an error of the store's that fn returns, or wraps, is passed on as fn gave it.", updateErrorKeptByCaller},
		{"update/error_swallowed", "a statement that failed does not keep the transaction from committing.", updateErrorSwallowed},
		{"update/runs_fn", "fn runs at least once, and what its last run set is what counts.", updateRuns},
		{"view/passes_errors", "a View passes on fn's error itself.", func(c *check) {
			c.same(tenancy.Typed(c.store).View(c.ctx, func(tenancy.Tx) error { return errOurs }), errOurs, "View")
			c.view(func(tenancy.Tx) {})
		}},
		{"view/passes_panics", "a View passes on fn's panic, and the store goes on.", viewPassesPanics},
		{"view/survives_goexit", "a View whose goroutine exits gives back what it held.", viewSurvivesGoexit},
	}
}

func updateRollsBackOnError(c *check) {
	writeAll(c)
	c.unchanged(func() {
		c.same(c.try(func(tx tenancy.Tx) error {
			changeAll(c, tx)
			return errOurs
		}), errOurs, "Update")
	})
	update := &tenancy.Error{Code: tenancy.ErrLastOwner}
	c.same(c.try(func(tenancy.Tx) error { return update }), update, "Update")
}

func updateRollsBackOnPanic(c *check) {
	writeAll(c)
	c.unchanged(func() {
		c.panics(func() {
			_ = c.try(func(tx tenancy.Tx) error {
				changeAll(c, tx)
				panic(errOurs)
			})
		})
	})
	writeMore(c)
}

func updateRollsBackOnGoexit(c *check) {
	writeAll(c)
	c.unchanged(func() {
		c.elsewhere(func() {
			_ = c.try(func(tx tenancy.Tx) error {
				changeAll(c, tx)
				runtime.Goexit()
				return nil
			})
		})
	})
	writeMore(c)
}

func updateOfNothing(c *check) {
	writeAll(c)
	c.unchanged(func() {
		c.update(func(tenancy.Tx) {})
		c.update(func(tx tenancy.Tx) { events(c, tx) })
	})
}

func updateErrorKeptByCaller(c *check) {
	wrapped := func(err error) error { return errors.Join(errOurs, err) }
	var given error
	err := c.try(func(tx tenancy.Tx) error {
		_, err := tx.Users().Get(c.ctx, fullUser(1).ID)
		given = wrapped(err)
		return given
	})
	c.code(err, tenancy.ErrNotFound, "Update")
	c.same(err, given, "Update")
}

func updateErrorSwallowed(c *check) {
	c.update(func(tx tenancy.Tx) {
		c.code(tx.Users().Delete(c.ctx, fullUser(1).ID), tenancy.ErrNotFound, "Delete")
		c.ok(tx.Users().Insert(c.ctx, bareUser(2)), "Insert")
		c.taken(tx.Users().Insert(c.ctx, bareUser(2)), "id", "Insert again")
	})
	users().keepsAlone(c, bareUser(2))
}

func viewPassesPanics(c *check) {
	writeAll(c)
	c.unchanged(func() {
		for range 20 { // more than any pool has
			c.panics(func() { _ = tenancy.Typed(c.store).View(c.ctx, func(tenancy.Tx) error { panic(errOurs) }) })
		}
	})
	writeMore(c)
}

func viewSurvivesGoexit(c *check) {
	for range 20 {
		c.elsewhere(func() {
			_ = tenancy.Typed(c.store).View(c.ctx, func(tenancy.Tx) error {
				runtime.Goexit()
				return nil
			})
		})
	}
	writeAll(c)
}

// panics wants fn to panic with errOurs itself.
func (c *check) panics(fn func()) {
	defer func() {
		switch x := recover(); x {
		case any(errOurs):
		case any(errStop):
			panic(errStop)
		default:
			c.failf("got panic %v, want the one that fn raised", x)
		}
	}()
	fn()
	c.failf("fn's panic was swallowed")
}

// writeAll puts a row into every table and an event into the log.
func writeAll(c *check) {
	c.update(func(tx tenancy.Tx) {
		members(c, tx)
		c.ok(tx.Identities().Insert(c.ctx, fullIdentity(1)), "Insert an identity")
		c.ok(tx.RoleAssignments().Insert(c.ctx, fullRoleAssignment(1)), "Insert a role assignment")
		c.ok(tx.Roles().Insert(c.ctx, fullRole(1)), "Insert a role")
		c.ok(tx.Permissions().Insert(c.ctx, fullPermission(1)), "Insert a permission")
		c.ok(tx.Secrets().Insert(c.ctx, fullSecret(1)), "Insert a secret")
		c.ok(tx.Denials().Insert(c.ctx, fullDenial(1)), "Insert a denial")
		writeJoining(c, tx)
		c.ok(tx.Events().Append(c.ctx, event(1)), "Append")
	})
}

// changeAll inserts into, updates and deletes from what writeAll wrote.
func changeAll(c *check, tx tenancy.Tx) {
	c.ok(tx.Organizations().Insert(c.ctx, fullOrganization(50)), "Insert an organization")
	organization := fullOrganization(1)
	organization.Version = 2
	c.ok(tx.Organizations().Update(c.ctx, organization), "Update an organization")
	c.ok(tx.Users().Insert(c.ctx, fullUserAlone(50)), "Insert a user")
	c.ok(tx.Users().Touch(c.ctx, newID[tenancy.User](1), clock(9)), "Touch a user")
	c.ok(tx.Identities().Delete(c.ctx, fullIdentity(1).ID), "Delete an identity")
	c.ok(tx.RoleAssignments().Delete(c.ctx, fullRoleAssignment(1).ID), "Delete a role assignment")
	role, permission := fullRole(1), fullPermission(1)
	role.Version, permission.Version = 2, 2
	c.ok(tx.Roles().Update(c.ctx, role), "Update a role")
	c.ok(tx.Permissions().Update(c.ctx, permission), "Update a permission")
	c.ok(tx.Denials().Insert(c.ctx, fullDenial(2)), "Insert a denial")
	_, err := tx.Memberships().DeleteAll(c.ctx, tenancy.MembershipFilter{UserID: tenancy.Of(newID[tenancy.User](1), newID[tenancy.User](2))})
	c.ok(err, "DeleteAll of memberships")
	_, err = tx.Secrets().DeleteAll(c.ctx, tenancy.SecretFilter{DueBefore: clock(1000)})
	c.ok(err, "DeleteAll of secrets")
	c.ok(tx.Secrets().Insert(c.ctx, fullSecret(2)), "Insert a secret")
	changeJoining(c, tx)
	c.ok(tx.Events().Append(c.ctx, event(2)), "Append")
}

// writeJoining is the part of writeAll about joining and signing in.
func writeJoining(c *check, tx tenancy.Tx) {
	c.ok(tx.Invitations().Insert(c.ctx, fullInvitation(1)), "Insert an invitation")
	c.ok(tx.JoinCodes().Insert(c.ctx, fullJoinCode(1)), "Insert a join code")
	c.ok(tx.JoinRequests().Insert(c.ctx, fullJoinRequest(1)), "Insert a join request")
	c.ok(tx.Domains().Insert(c.ctx, fullDomain(1)), "Insert a domain")
	c.ok(tx.Connections().Insert(c.ctx, fullConnection(1)), "Insert a connection")
	c.ok(tx.Policies().Insert(c.ctx, fullPolicy(1)), "Insert a policy")
	c.ok(tx.Sessions().Insert(c.ctx, fullSession(1)), "Insert a session")
}

// changeJoining is the part of changeAll about joining and signing in.
func changeJoining(c *check, tx tenancy.Tx) {
	invitation, domain, policy := fullInvitation(1), fullDomain(1), barePolicy(1)
	invitation.Version, invitation.State = 2, tenancy.InvitationAccepted
	domain.Version, domain.State, policy.Version = 2, tenancy.DomainLapsed, 2
	c.ok(tx.Invitations().Update(c.ctx, invitation), "Update an invitation")
	c.ok(tx.JoinCodes().Delete(c.ctx, fullJoinCode(1).ID), "Delete a join code")
	_, err := tx.JoinRequests().DeleteAll(c.ctx, tenancy.JoinRequestFilter{UserID: tenancy.Of(fullJoinRequest(1).UserID)})
	c.ok(err, "DeleteAll of join requests")
	c.ok(tx.Domains().Update(c.ctx, domain), "Update a domain")
	c.ok(tx.Connections().Insert(c.ctx, fullConnection(2)), "Insert a connection")
	c.ok(tx.Policies().Update(c.ctx, policy), "Update a policy")
	c.ok(tx.Sessions().Touch(c.ctx, fullSession(1).ID, clock(9)), "Touch a session")
}

// writeMore shows that a store still takes writes.
func writeMore(c *check) {
	c.update(func(tx tenancy.Tx) { changeAll(c, tx) })
	c.view(func(tx tenancy.Tx) {
		_, err := tx.Organizations().Get(c.ctx, fullOrganization(50).ID)
		c.ok(err, "Get of what was written afterwards")
	})
}

// fullUserAlone is a full user that was not merged into another.
func fullUserAlone(n int) tenancy.User {
	v := fullUser(n)
	v.MergedInto = tenancy.UserID{}
	return v
}

func updateCommits(c *check) {
	writeAll(c)
	all := c.state()
	for _, e := range subjects() {
		if len(all.rows[e.kind()]) == 0 {
			c.failf("no %s is there", e.kind())
		}
	}
	c.equal(len(all.events), 1, "how many events there are")
	c.equal(all.last > 0 && all.events[0].Position == all.last, true, "the event is at Last")
	before := all.last
	c.update(func(tx tenancy.Tx) { changeAll(c, tx) })
	all = c.state()
	c.equal(len(all.rows["organization"]), parentOrganizations+1, "organizations")
	c.equal(len(all.rows["user"]), parentUsers+1, "users")
	c.equal(len(all.rows["membership"]), parentUsers-2, "memberships")
	c.equal(len(all.rows["identity"])+len(all.rows["role assignment"]), 0, "identities and role assignments")
	c.equal(all.rows["secret"], []any{fullSecret(2)}, "secrets")
	c.equal(len(all.events) == 2 && all.last > before, true, "a second event, further on")
}

func updateRuns(c *check) {
	runs, kept := 0, tenancy.User{}
	c.update(func(tx tenancy.Tx) {
		runs++
		kept = bareUser(runs)
		c.ok(tx.Users().Insert(c.ctx, kept), "Insert")
	})
	if runs < 1 {
		c.failf("fn did not run")
	}
	users().keepsAlone(c, kept)
}

// keepsAlone is keeps, on a store that was not prepared.
func (s *subject[V, F]) keepsAlone(c *check, rows ...V) {
	alone := *s
	alone.standing = nil
	alone.keeps(c, "afterwards", rows...)
}
