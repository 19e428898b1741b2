package tenancy

import (
	"context"
	"slices"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/typed"
)

// Delete removes a connection, the identities that people have there, and the roles that it gave (rule
// M10). Every session through it ends (rule P9). Members stay. A member who is left without a role gets the
// organization's default role, or keeps the old role where that grants less. An actor must cover the roles
// that go, and the roles of each person whom the provider could sign in: see Update (rule R6).
//
// Delete refuses a connection that a policy requires, because without it the policy would be void, or
// nobody could sign in. Change the policy first.
//
// Delete is one transaction, unless the connection has over 25 identities or gave over 25 roles. Then it
// first switches the connection off, which ends all its sessions. It deletes the identities and roles in
// transactions of up to 25, so that nobody waits for long, and then the connection (rule G18). If the call
// fails in between, the connection still exists and is inactive: call Delete again. In a transaction of the
// caller's, all is one transaction.
//
// Errors: [ErrNotFound]; [ErrConnectionInUse]; [ErrForbidden]; [ErrWouldLockOut]; [ErrTooLarge] with
// Counts over Config.DeleteLimit identities or roles: switch it off instead.
func (g Connections) Delete(ctx context.Context, organization OrganizationID, id ConnectionID) error {
	for {
		large, err := write(ctx, g.s, connectionsDelete, id.String(), func(ctx context.Context, c *call) (bool, error) {
			d := connectionDeletion{c: c, organization: organization, id: id, inSteps: g.s.txn == nil}
			err := d.enter(ctx)
			if err == nil {
				err = d.run(ctx)
			}
			return d.large, err
		})
		if err != nil || !large {
			return err
		}
		if ctx, g, err = g.emptyInSteps(ctx, organization, id); err != nil {
			return err
		}
	}
}

// emptyInSteps takes back the roles that a connection gave, then deletes the identities there, each step in
// a transaction of its own. It returns the context and the Service for the rest: an actor who signed in
// through the connection has no session any more, and has been authorized before.
func (g Connections) emptyInSteps(ctx context.Context, organization OrganizationID, id ConnectionID) (context.Context, Connections, error) {
	gave := givenBy(organization, RoleSingleSignOn, id.String())
	held, err := g.s.gave(ctx, connectionsDelete, id.String(), organization, gave)
	if err != nil {
		return ctx, g, err
	}
	identities, err := read(ctx, g.s, connectionsDelete, id.String(), func(ctx context.Context, c *call) ([]Identity, error) {
		if err := c.access().authorize(ctx, scope{organization: organization}); err != nil {
			return nil, err
		}
		return collect(ctx, c.tx.Identities(), identityFilter{Provider: typed.Of(connectionProvider(id))})
	})
	if err != nil {
		return ctx, g, err
	}
	step := func(do func(ctx context.Context, d *connectionDeletion) error) error {
		return exec(ctx, g.s, connectionsDelete, id.String(), func(ctx context.Context, c *call) error {
			d := connectionDeletion{c: c, organization: organization, id: id}
			return do(ctx, &d)
		})
	}
	if err := step(func(ctx context.Context, d *connectionDeletion) error { return d.switchOff(ctx) }); err != nil {
		return ctx, g, err
	}
	if p := g.s.principal; p != nil && p.session != nil && p.session.ConnectionID == id {
		ctx = Trusted(ctx)
		g.s = g.s.derive(func(in *Service) { in.principal = nil })
	}
	err = inSteps(held, func(some []RoleAssignmentID) error {
		return step(func(ctx context.Context, d *connectionDeletion) error {
			d.someHeld = typed.Of(some...)
			if err := d.goOn(ctx); err != nil {
				return err
			}
			return d.c.connections().takeSome(ctx, organization, gave, some)
		})
	})
	if err != nil {
		return ctx, g, err
	}
	return ctx, g, inSteps(identities, func(some []Identity) error {
		return step(func(ctx context.Context, d *connectionDeletion) error {
			ids := make([]IdentityID, len(some))
			for i := range some {
				ids[i] = some[i].ID
			}
			d.someIdentities = typed.Of(ids...)
			if err := d.goOn(ctx); err != nil {
				return err
			}
			if err := d.dropIdentities(ctx); err != nil {
				return err
			}
			return d.c.owners().keepsWayIn(ctx, d.organization)
		})
	})
}

// connectionDeletion is one Delete in progress, or one step of it.
type connectionDeletion struct {
	c              *call
	organization   OrganizationID
	id             ConnectionID
	inSteps        bool // what is large goes in transactions of its own
	large          bool // there is too much for one transaction
	someIdentities typed.In[IdentityID]
	someHeld       typed.In[RoleAssignmentID]
	identities     []Identity
	held           []RoleAssignment
}

// enter authorizes the call, finds the connection, and takes the locks.
func (d *connectionDeletion) enter(ctx context.Context) error {
	if err := d.c.access().authorizeEarly(ctx, scope{organization: d.organization}); err != nil {
		return err
	}
	if _, err := d.c.connections().get(ctx, d.organization, d.id); err != nil {
		return err
	}
	if err := d.lock(ctx); err != nil {
		return err
	}
	return d.c.access().authorize(ctx, scope{organization: d.organization})
}

// lock takes the locks of everybody who has an identity or a role by the connection, and of the
// organization. Then it takes the locks of the users whom a sign-in added meanwhile. Those are out of
// order; the store detects a deadlock that comes of it, and the transaction runs again.
func (d *connectionDeletion) lock(ctx context.Context) error {
	if err := d.lockUsers(ctx); err != nil {
		return err
	}
	if err := d.c.lock(ctx, lockOrganization(d.organization)); err != nil || d.c.instance.singleWriter {
		return err // with one writer, nobody is added meanwhile
	}
	return d.lockUsers(ctx)
}

func (d *connectionDeletion) lockUsers(ctx context.Context) (err error) {
	d.identities, d.held = nil, nil
	mine := identityFilter{ID: d.someIdentities, Provider: typed.Of(connectionProvider(d.id))}
	gave := givenBy(d.organization, RoleSingleSignOn, d.id.String())
	gave.ID = d.someHeld
	none := false // there are no such roles, so later steps need not look for them
	if !d.someIdentities.IsSet() && !d.someHeld.IsSet() {
		roles, err := d.count(ctx, mine, gave)
		if err != nil || d.large {
			return err
		}
		none = roles == 0
	}
	if !d.someHeld.IsSet() {
		if d.identities, err = collect(ctx, d.c.tx.Identities(), mine); err != nil {
			return err
		}
	}
	if !d.someIdentities.IsSet() && !none {
		if d.held, err = collect(ctx, d.c.tx.RoleAssignments(), gave); err != nil {
			return err
		}
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

// count counts what the connection brought, and notes whether that is too much for one transaction. It
// returns how many roles the connection gave.
func (d *connectionDeletion) count(ctx context.Context, mine identityFilter, gave roleAssignmentFilter) (roles int, err error) {
	n, err := d.c.tx.Identities().Count(ctx, mine)
	if err != nil {
		return 0, err
	}
	if roles, err = d.c.tx.RoleAssignments().Count(ctx, gave); err != nil {
		return 0, err
	}
	if most := d.c.instance.config.DeleteLimit; n > most || roles > most {
		return 0, &Error{Code: ErrTooLarge, Counts: map[string]int{"identities": n, "role_assignments": roles}}
	}
	d.large = d.inSteps && (n > changeStep || roles > changeStep)
	return roles, nil
}

// users returns the users who have an identity at the connection.
func (d *connectionDeletion) users() []UserID {
	var users []UserID
	for _, i := range d.identities {
		users = append(users, i.UserID)
	}
	slices.SortFunc(users, UserID.Compare)
	return slices.Compact(users)
}

// goOn is enter for a further step. It checks everything about the connection again, because that may have
// changed between two steps.
func (d *connectionDeletion) goOn(ctx context.Context) error {
	if err := d.enter(ctx); err != nil {
		return err
	}
	_, err := d.may(ctx)
	return err
}

// may returns the connection if no policy requires it, and if the actor may end the trust in it.
func (d *connectionDeletion) may(ctx context.Context) (Connection, error) {
	c, err := d.c.connections().getFilled(ctx, d.organization, d.id)
	if err != nil {
		return Connection{}, err
	}
	if err := d.c.connections().connectionSpared(ctx, c); err != nil {
		return Connection{}, err
	}
	return c, d.c.connections().mayTrust(ctx, c, Connection{})
}

func (d *connectionDeletion) run(ctx context.Context) error {
	c, err := d.may(ctx)
	if err != nil {
		return err
	}
	given := remapped(c.Groups, nil)
	for _, a := range d.held {
		if !slices.Contains(given, a.Role) {
			given = append(given, a.Role)
		}
	}
	if err := d.c.access().mayGive(ctx, d.organization, given...); err != nil {
		return err
	}
	if d.large {
		return d.c.rehearse(ctx, func(part *call) error {
			rehearsal := *d
			rehearsal.c = part
			return rehearsal.drop(ctx, c)
		})
	}
	org, err := d.c.tx.Organizations().Get(ctx, d.organization)
	if err != nil {
		return err
	}
	if err := d.c.connections().stripAll(ctx, org, d.held); err != nil {
		return err
	}
	if err := d.dropIdentities(ctx); err != nil {
		return err
	}
	return d.drop(ctx, c)
}

// switchOff ends the sessions through the connection, and closes it to new sign-ins while the steps empty
// it. Otherwise people who sign in meanwhile could add new rows without end.
func (d *connectionDeletion) switchOff(ctx context.Context) error {
	if err := d.c.lock(ctx, lockOrganization(d.organization)); err != nil {
		return err
	}
	if err := d.c.access().authorize(ctx, scope{organization: d.organization}); err != nil {
		return err
	}
	before, err := d.may(ctx)
	if err != nil || before.State != ConnectionActive {
		return err
	}
	off := before
	off.State = ConnectionInactive
	off.turn(before)
	return d.c.connections().saveConnection(ctx, before, &off)
}

// dropIdentities deletes identities; the sessions end with the connection.
func (d *connectionDeletion) dropIdentities(ctx context.Context) error {
	for _, i := range d.identities {
		if err := d.c.identities().dropIdentity(ctx, i); err != nil {
			return err
		}
	}
	return nil
}

// drop deletes the connection itself.
func (d *connectionDeletion) drop(ctx context.Context, c Connection) error {
	if err := d.c.connections().putSettings(ctx, c, Connection{ID: d.id}); err != nil {
		return err
	}
	if err := d.c.tx.Connections().Delete(ctx, d.id); err != nil {
		return err
	}
	if err := d.c.record(ctx, c.event(EventConnectionDeleted)); err != nil {
		return err
	}
	return d.c.owners().keepsWayIn(ctx, d.organization)
}

// connectionSpared refuses to take away a connection that a policy requires (rule P3).
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

// providersOf returns the provider names of the identities at an organization's connections.
func (cn connectionRules) providersOf(ctx context.Context, organization OrganizationID) (providers []string, err error) {
	err = walk(ctx, cn.c.tx.Connections(), connectionFilter{OrganizationID: typed.Of(organization)}, func(c Connection) error {
		providers = append(providers, connectionProvider(c.ID))
		return nil
	})
	return providers, err
}

// dropIdentities deletes the identities at the connections of an organization that is being deleted.
func (cn connectionRules) dropIdentities(ctx context.Context, organization OrganizationID, counts *removed) error {
	providers, err := cn.providersOf(ctx, organization)
	if err != nil || len(providers) == 0 {
		return err
	}
	counts.Identities, err = cn.c.tx.Identities().DeleteAll(ctx, identityFilter{Provider: typed.Of(providers...)})
	return err
}
