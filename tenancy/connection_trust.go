package tenancy

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/freehold-dev/freehold/rbac"
)

// A connection is an anchor of trust: whoever decides which provider it believes decides who
// its people are. So a change of that is, for rule R6, a gift of every role that its groups
// map to, and an act on everyone whom the provider could come as.

// trust is the part of a connection by which it is believed.
type trust struct {
	Provider, Issuer string
	State            ConnectionState
	UpdatesEmail     bool
}

func (c Connection) trust() trust { return trust{c.Provider, c.Issuer, c.State, c.UpdatesEmail} }

// trustsElse reports whether another provider, or more of one, is believed after a change.
func (c Connection) trustsElse(after Connection) bool {
	return c.trust() != after.trust() || !maps.Equal(c.Settings, after.Settings)
}

// turn ends what hangs on the trust that a change takes away (rules U4, P9): identities,
// where it is another provider, and the sessions that came through it.
func (c *Connection) turn(before Connection) {
	elsewhere := c.Issuer != before.Issuer || c.Provider != before.Provider
	if elsewhere {
		c.Epoch++
	}
	if elsewhere || before.State == ConnectionActive && c.State != ConnectionActive {
		c.SessionsEpoch++
	}
}

// mayTrust refuses an actor to change whom a connection believes, where it would raise
// them (rule R6) or where the owners have kept that to themselves (rule P3). before is zero
// for a new connection, after for one that goes.
func (w *work) mayTrust(ctx context.Context, before, after Connection) error {
	if w.service.principal == nil {
		return nil
	}
	c := after
	if c.ID.IsZero() {
		c = before
	}
	if err := w.ownersOnly(ctx, c.OrganizationID, func(p Policy) bool { return p.names(before) || p.names(after) }); err != nil {
		return err
	}
	if err := w.mayTurnPolicy(ctx, before, after); err != nil {
		return err
	}
	mapped := append(slices.Collect(maps.Values(before.Groups)), slices.Collect(maps.Values(after.Groups))...)
	if err := w.mayGive(ctx, c.OrganizationID, mapped...); err != nil {
		return err
	}
	above, err := w.rolesAbove(ctx, c.OrganizationID)
	if err != nil || len(above) == 0 {
		return err
	}
	speaks := before.State == ConnectionActive || after.State == ConnectionActive
	reached, err := w.reaches(ctx, c, speaks, above)
	if err == nil && reached {
		err = w.above(c.OrganizationID)
	}
	return err
}

// mayTurnPolicy refuses an actor without the permission for policies to change whom a
// connection believes that the policy sends people through: who is bound by it could
// bring a provider of their own.
func (w *work) mayTurnPolicy(ctx context.Context, before, after Connection) error {
	id := or(after.OrganizationID, before.OrganizationID)
	rules, err := w.policies(ctx, id)
	if err != nil {
		return err
	}
	if p := rules[id]; !p.names(before) && !p.names(after) {
		return nil
	}
	own, err := w.grantsOf(ctx, id)
	if err == nil && !permits(own.Grants, rbac.WritePolicies) {
		err = w.deny(scope{organization: id}, &Error{
			Code: ErrForbidden, Field: "policy", Reason: "the sign-in policy sends people through it: that takes the permission to change policies",
		})
	}
	return err
}

// rolesAbove are the roles in an organization that the actor does not cover: at least
// owner, for everybody but owners.
func (w *work) rolesAbove(ctx context.Context, id OrganizationID) ([]string, error) {
	own, err := w.grantsOf(ctx, id)
	if err != nil {
		return nil, err
	}
	roles, err := w.rolesOf(ctx, id)
	if err != nil {
		return nil, err
	}
	all, err := w.roleList(ctx, id)
	if err != nil {
		return nil, err
	}
	var above []string
	for _, r := range all {
		grants, err := roles.Grants(r.Slug)
		if err != nil {
			return nil, bad("roles", err)
		}
		if r.Slug == rbac.Owner && !own.owner || !own.Covers(grants) {
			above = append(above, r.Slug)
		}
	}
	return above, nil
}

// mostReached bounds how many holders of higher roles are looked at before an actor is
// refused without knowing.
const mostReached = 2000

// reaches reports whether the provider behind a connection could come as a member with one
// of the roles: one who has an identity there, or, where the connection speaks, whose
// address is on a verified domain of the organization.
func (w *work) reaches(ctx context.Context, c Connection, speaks bool, roles []string) (bool, error) {
	n, err := w.Identities().Count(ctx, IdentityFilter{Provider: Of(connectionProvider(c.ID))})
	if err != nil {
		return false, err
	}
	verified := 0
	if speaks {
		verified, err = w.Domains().Count(ctx, DomainFilter{OrganizationID: Of(c.OrganizationID), State: Of(DomainVerified)})
	}
	if err != nil || n == 0 && verified == 0 {
		return false, err
	}
	looked := 0
	holders := RoleAssignmentFilter{OrganizationID: Of(c.OrganizationID), Role: Of(roles...)}
	err = walk(ctx, w.RoleAssignments(), holders, func(a *RoleAssignment) RoleAssignmentID { return a.ID }, func(a RoleAssignment) error {
		if looked++; looked > mostReached {
			return errFound
		}
		can, err := w.comesAs(ctx, c, a.UserID, n > 0, verified > 0)
		if err == nil && can {
			err = errFound
		}
		return err
	})
	if errors.Is(err, errFound) {
		return true, nil
	}
	return false, err
}

// comesAs reports whether the provider behind a connection could come as a user.
func (w *work) comesAs(ctx context.Context, c Connection, user UserID, byIdentity, byDomain bool) (bool, error) {
	if p := w.service.principal; p != nil && p.user == user {
		return false, nil
	}
	if byIdentity {
		n, err := w.Identities().Count(ctx, IdentityFilter{UserID: Of(user), Provider: Of(connectionProvider(c.ID))})
		if err != nil || n > 0 {
			return true, err
		}
	}
	if !byDomain {
		return false, nil
	}
	person, err := w.user(ctx, user)
	if err != nil {
		return false, err
	}
	_, on, err := w.verifiedFor(ctx, c.OrganizationID, person.EmailKey)
	return on, err
}
