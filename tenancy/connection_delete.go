package tenancy

import (
	"context"
	"slices"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/typed"
)

// Delete removes a connection with what it brought, in one transaction: the
// identities that people have there, and the roles that it gave (rule M10). Every session
// that came through it has ended with that (rule P9). Members stay. One who is left without
// a role has the organization's default, or what they had where that was less. An actor must cover the roles that go, and those of
// everyone whom its provider could come as: see Update (rule R6).
//
// What a policy requires stays: taking it away would undo the policy, or shut everybody
// out. Change the policy first.
//
// Errors: [ErrNotFound]; [ErrConnectionInUse]; [ErrForbidden]; [ErrWouldLockOut]; [ErrTooLarge] with
// Counts over Config.DeleteLimit identities or roles: switch it off instead.
func (g Connections) Delete(ctx context.Context, organization OrganizationID, id ConnectionID) error {
	return exec(ctx, g.s, connectionsDelete, id.String(), func(ctx context.Context, c *call) error {
		if err := c.access().authorizeEarly(ctx, scope{organization: organization}); err != nil {
			return err
		}
		if _, err := c.connections().get(ctx, organization, id); err != nil {
			return err
		}
		d := connectionDeletion{c: c, id: id}
		if err := d.lock(ctx, organization); err != nil {
			return err
		}
		if err := c.access().authorize(ctx, scope{organization: organization}); err != nil {
			return err
		}
		return d.run(ctx, organization)
	})
}

// connectionDeletion is one Delete on its way.
type connectionDeletion struct {
	c          *call
	id         ConnectionID
	identities []Identity
	held       []RoleAssignment
}

// lock takes the locks of everyone who has an identity or a role by the connection,
// and of the organization; then once more, for whom a sign-in added meanwhile. That is
// out of order; a deadlock by it is found, and the transaction runs again.
func (d *connectionDeletion) lock(ctx context.Context, organization OrganizationID) error {
	if err := d.lockUsers(ctx); err != nil {
		return err
	}
	if err := d.c.lock(ctx, lockOrganization(organization)); err != nil {
		return err
	}
	return d.lockUsers(ctx)
}

func (d *connectionDeletion) lockUsers(ctx context.Context) (err error) {
	mine := identityFilter{Provider: typed.Of(connectionProvider(d.id))}
	n, err := d.c.tx.Identities().Count(ctx, mine)
	if err != nil {
		return err
	}
	gave := roleAssignmentFilter{Source: typed.Of(RoleSingleSignOn), SourceID: typed.Of(d.id.String())}
	roles, err := d.c.tx.RoleAssignments().Count(ctx, gave)
	if err != nil {
		return err
	}
	if most := d.c.instance.config.DeleteLimit; n > most || roles > most {
		return &Error{Code: ErrTooLarge, Counts: map[string]int{"identities": n, "role_assignments": roles}}
	}
	if d.identities, err = collect(ctx, d.c.tx.Identities(), mine); err != nil {
		return err
	}
	if d.held, err = collect(ctx, d.c.tx.RoleAssignments(), gave); err != nil {
		return err
	}
	var locks []store.LockKey
	for _, user := range d.users() {
		locks = append(locks, lockUser(user))
	}
	for _, a := range d.held {
		locks = append(locks, lockUser(a.UserID))
	}
	if len(locks) == 0 {
		return nil
	}
	return d.c.lock(ctx, locks...)
}

// users are those who have an identity at the connection.
func (d *connectionDeletion) users() []UserID {
	var users []UserID
	for _, i := range d.identities {
		users = append(users, i.UserID)
	}
	slices.SortFunc(users, UserID.Compare)
	return slices.Compact(users)
}

func (d *connectionDeletion) run(ctx context.Context, organization OrganizationID) error {
	c, err := d.c.connections().get(ctx, organization, d.id)
	if err != nil {
		return err
	}
	if err := d.c.connections().connectionSpared(ctx, c); err != nil {
		return err
	}
	if err := d.c.connections().mayTrust(ctx, c, Connection{}); err != nil {
		return err
	}
	given := remapped(c.Groups, nil)
	for _, a := range d.held {
		if !slices.Contains(given, a.Role) {
			given = append(given, a.Role)
		}
	}
	if err := d.c.access().mayGive(ctx, organization, given...); err != nil {
		return err
	}
	org, err := d.c.tx.Organizations().Get(ctx, organization)
	if err != nil {
		return err
	}
	if err := d.c.connections().stripAll(ctx, org, d.held); err != nil {
		return err
	}
	for _, i := range d.identities {
		if err := d.c.identities().dropIdentity(ctx, i); err != nil { // the sessions end with the connection
			return err
		}
	}
	if err := d.c.tx.Connections().Delete(ctx, d.id); err != nil {
		return err
	}
	if err := d.c.record(ctx, c.event(EventConnectionDeleted)); err != nil {
		return err
	}
	return d.c.owners().keepsWayIn(ctx, organization)
}

// connectionSpared refuses to take away a connection by which a policy wants people to
// sign in (rule P3).
func (cn connectionRules) connectionSpared(ctx context.Context, c Connection) error {
	rules, err := cn.c.policies().read(ctx, c.OrganizationID)
	if err != nil {
		return err
	}
	p := rules[c.OrganizationID]
	used := p.Domain.ConnectionID == c.ID || p.Organization.ConnectionID == c.ID
	anyOne := p.Organization.SingleSignOn || p.Domain.onlySingleSignOn()
	if !used && anyOne && c.State == ConnectionActive {
		active, err := cn.activeConnections(ctx, c.OrganizationID)
		if err != nil {
			return err
		}
		used = len(active) == 1
	}
	if used {
		return &Error{Code: ErrConnectionInUse, Reason: "a policy requires it"}
	}
	return nil
}

// deleteSignIn removes the connections and the policy of an organization that goes,
// and the identities that people have at the connections.
func (cn connectionRules) deleteSignIn(ctx context.Context, organization OrganizationID, counts *removed) error {
	var providers []string
	err := walk(ctx, cn.c.tx.Connections(), connectionFilter{OrganizationID: typed.Of(organization)}, func(c Connection) error {
		providers = append(providers, connectionProvider(c.ID))
		return nil
	})
	if err != nil {
		return err
	}
	if len(providers) > 0 {
		if counts.Identities, err = cn.c.tx.Identities().DeleteAll(ctx, identityFilter{Provider: typed.Of(providers...)}); err != nil {
			return err
		}
		if counts.Connections, err = cn.c.tx.Connections().DeleteAll(ctx, connectionFilter{OrganizationID: typed.Of(organization)}); err != nil {
			return err
		}
	}
	_, err = cn.c.tx.Policies().DeleteAll(ctx, policyFilter{OrganizationID: typed.Of(organization)})
	return err
}
