package tenancy

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/store/typed"
)

// A connection is an anchor of trust: whichever provider it trusts can sign in its people. So to change the
// provider counts as giving every role that the groups map to, and as acting on every person whom the
// provider could sign in (rule R6).

// trustTerms is the part of a connection that decides which provider it trusts.
type trustTerms struct {
	Provider, Issuer string
	State            ConnectionState
	UpdatesEmail     bool
}

func (c Connection) trust() trustTerms {
	return trustTerms{c.Provider, c.Issuer, c.State, c.UpdatesEmail}
}

// trustsElse reports whether a change makes a connection trust another provider, or trust it in more.
func (c Connection) trustsElse(after Connection) bool {
	return c.trust() != after.trust() || !maps.Equal(c.Settings, after.Settings)
}

// turn ends what depends on the trust that a change takes away (rules U4, P9): the identities, if the
// provider changes, and the sessions through the connection.
func (c *Connection) turn(before Connection) {
	elsewhere := c.Issuer != before.Issuer || c.Provider != before.Provider
	if elsewhere {
		c.Epoch++
	}
	if elsewhere || before.State == ConnectionActive && c.State != ConnectionActive {
		c.SessionsEpoch++
	}
}

// mayTrust refuses a change of the trusted provider where the actor could escalate by it (rule R6), or
// where only owners may make it (rule P3). before is zero for a new connection, and after is zero for a
// deleted one.
func (cn connectionRules) mayTrust(ctx context.Context, before, after Connection) error {
	if cn.c.service.principal == nil {
		return nil
	}
	c := after
	if c.ID.IsZero() {
		c = before
	}
	if err := cn.c.owners().ownersOnly(ctx, c.OrganizationID, func(p Policy) bool { return p.meets(before) || p.meets(after) }); err != nil {
		return err
	}
	if err := cn.mayTurnPolicy(ctx, before, after); err != nil {
		return err
	}
	mapped := append(slices.Collect(maps.Values(before.Groups)), slices.Collect(maps.Values(after.Groups))...)
	if err := cn.c.access().mayGive(ctx, c.OrganizationID, mapped...); err != nil {
		return err
	}
	above, err := cn.rolesAbove(ctx, c.OrganizationID)
	if err != nil || len(above) == 0 {
		return err
	}
	var speaks func(context.Context, OrganizationID, string) (bool, error)
	switch {
	case after.State == ConnectionActive:
		speaks = cn.couldSpeak
	case before.State == ConnectionActive:
		speaks = cn.speaks
	}
	reached, err := cn.reaches(ctx, c, speaks, above)
	if err == nil && reached {
		err = cn.c.access().above(c.OrganizationID)
	}
	return err
}

// mayTurnPolicy refuses an actor without the permission for policies to change the trust in a connection
// through which people can satisfy the policy. Otherwise a person bound by the policy could bring a
// provider of their own.
func (cn connectionRules) mayTurnPolicy(ctx context.Context, before, after Connection) error {
	id := cmp.Or(after.OrganizationID, before.OrganizationID)
	rules, err := cn.c.policies().read(ctx, id)
	if err != nil {
		return err
	}
	if p := rules[id]; !p.meets(before) && !p.meets(after) {
		return nil
	}
	own, err := cn.c.access().grantsOf(ctx, id)
	if err == nil && !permits(own.Grants, rbac.WritePolicies) {
		err = cn.c.access().deny(scope{organization: id}, &Error{
			Code: ErrForbidden, Field: "policy", Reason: "people meet the sign-in policy through it: that takes the permission to change policies",
		})
	}
	return err
}

// rolesAbove returns the roles of an organization that the actor does not cover. For all actors except
// owners that includes the owner role.
func (cn connectionRules) rolesAbove(ctx context.Context, id OrganizationID) ([]string, error) {
	own, err := cn.c.access().grantsOf(ctx, id)
	if err != nil || own.owner { // an owner covers every role
		return nil, err
	}
	return cn.c.access().rolesThat(ctx, id, func(slug string, grants rbac.Grants) bool {
		return !own.suffice(grants, slug)
	})
}

// mostReached is how many holders of higher roles are checked. Where there are more, the actor is refused
// without a full check.
const mostReached = 2000

// reaches reports whether the provider of a connection could sign in a member who has one of the roles.
// That is a member who has an identity there, or whose address is on a domain for which speaks returns
// true. speaks is nil for an inactive connection.
func (cn connectionRules) reaches(ctx context.Context, c Connection, speaks func(context.Context, OrganizationID, string) (bool, error),
	roles []string,
) (bool, error) {
	n, err := cn.c.tx.Identities().Count(ctx, identityFilter{Provider: typed.Of(connectionProvider(c.ID))})
	if err != nil || n == 0 && speaks == nil {
		return false, err
	}
	return cn.anyHolder(ctx, c.OrganizationID, roles, func(user UserID) (bool, error) {
		if n > 0 {
			own, err := cn.c.tx.Identities().Count(ctx, identityFilter{UserID: typed.Of(user), Provider: typed.Of(connectionProvider(c.ID))})
			if err != nil || own > 0 {
				return true, err
			}
		}
		if speaks == nil {
			return false, nil
		}
		person, err := cn.c.users().get(ctx, user)
		if err != nil {
			return false, err
		}
		return speaks(ctx, c.OrganizationID, person.EmailKey)
	})
}

// anyHolder reports whether is returns true for some member with one of the roles, the actor excepted. It
// also reports true if there are too many members to check.
func (cn connectionRules) anyHolder(ctx context.Context, id OrganizationID, roles []string, is func(UserID) (bool, error)) (bool, error) {
	looked, p := 0, cn.c.service.principal
	holders := roleAssignmentFilter{OrganizationID: typed.Of(id), Role: typed.Of(roles...)}
	err := walk(ctx, cn.c.tx.RoleAssignments(), holders, func(a RoleAssignment) error {
		if looked++; looked > mostReached {
			return errFound
		}
		if p != nil && p.user == a.UserID {
			return nil
		}
		yes, err := is(a.UserID)
		if err == nil && yes {
			err = errFound
		}
		return err
	})
	if errors.Is(err, errFound) {
		return true, nil
	}
	return false, err
}

// speaks reports whether an organization has verified the domain of an address.
func (cn connectionRules) speaks(ctx context.Context, id OrganizationID, emailKey string) (bool, error) {
	_, ok, err := cn.c.domains().verifiedFor(ctx, id, emailKey)
	return ok, err
}

// couldSpeak reports whether an organization has verified the domain of an address, or could still verify
// it. So it makes no difference whether the connection or the domain comes first.
func (cn connectionRules) couldSpeak(ctx context.Context, id OrganizationID, emailKey string) (bool, error) {
	name := emailDomain(emailKey)
	held, ok, err := cn.c.domains().verifiedDomain(ctx, emailKey)
	if err != nil || ok && (held.OrganizationID == id || held.Name == name) {
		return err == nil && held.OrganizationID == id, err
	}
	_, refused := cn.c.instance.config.domain("", name)
	return refused == nil, nil
}

// mayExtend refuses an actor who would verify a domain by which an active connection could sign in members
// above the actor (rule R6), or by which a policy would bind owners (rule P3).
func (cn connectionRules) mayExtend(ctx context.Context, d Domain, subdomains bool) error {
	if cn.c.service.principal == nil {
		return nil
	}
	if err := cn.c.owners().ownersOnly(ctx, d.OrganizationID, func(p Policy) bool { return p.Domain.binds() }); err != nil {
		return err
	}
	active, err := cn.activeConnections(ctx, d.OrganizationID)
	if err != nil || len(active) == 0 {
		return err
	}
	above, err := cn.rolesAbove(ctx, d.OrganizationID)
	if err != nil || len(above) == 0 {
		return err
	}
	reached, err := cn.anyHolder(ctx, d.OrganizationID, above, func(user UserID) (bool, error) {
		person, err := cn.c.users().get(ctx, user)
		name := emailDomain(person.EmailKey)
		return name == d.Name && !subdomains || subdomains && strings.HasSuffix(name, "."+d.Name), err
	})
	if err == nil && reached {
		err = cn.c.access().above(d.OrganizationID)
	}
	return err
}
