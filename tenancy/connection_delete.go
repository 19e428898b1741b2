package tenancy

import (
	"context"
	"slices"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/typed"
)

// Delete removes a connection with what it brought: the
// identities that people have there, and the roles that it gave (rule M10). Every session
// that came through it has ended with that (rule P9). Members stay. One who is left without
// a role has the organization's default, or what they had where that was less. An actor must cover the roles that go, and those of
// everyone whom its provider could come as: see Update (rule R6).
//
// What a policy requires stays: taking it away would undo the policy, or shut everybody
// out. Change the policy first.
//
// It is one transaction. Where the connection has over 40 identities or gave over 40 roles, it is
// switched off, with which all its sessions end, and these go before the connection does, up to 40 in a
// transaction, so that nobody waits for long (rule G18): if the call fails after that, the connection
// is there, inactive, and call it again. In a transaction of the caller's all is one.
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

// emptyInSteps takes back the roles that a connection gave, and then the identities there, each
// step in a transaction of its own. It gives what to go on with: who came by the connection has no
// session any more, and has been allowed to do this.
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

// connectionDeletion is one Delete on its way, or a step of one.
type connectionDeletion struct {
	c              *call
	organization   OrganizationID
	id             ConnectionID
	inSteps        bool // what is large goes in transactions of its own
	large          bool // and so it is
	someIdentities typed.In[IdentityID]
	someHeld       typed.In[RoleAssignmentID]
	identities     []Identity
	held           []RoleAssignment
}

// enter asks who calls, finds the connection, and takes the locks.
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

// lock takes the locks of everyone who has an identity or a role by the connection,
// and of the organization; then once more, for whom a sign-in added meanwhile. That is
// out of order; a deadlock by it is found, and the transaction runs again.
func (d *connectionDeletion) lock(ctx context.Context) error {
	if err := d.lockUsers(ctx); err != nil {
		return err
	}
	if err := d.c.lock(ctx, lockOrganization(d.organization)); err != nil || d.c.instance.singleWriter {
		return err // nobody adds one while this one writes
	}
	return d.lockUsers(ctx)
}

func (d *connectionDeletion) lockUsers(ctx context.Context) (err error) {
	d.identities, d.held = nil, nil
	mine := identityFilter{ID: d.someIdentities, Provider: typed.Of(connectionProvider(d.id))}
	gave := givenBy(d.organization, RoleSingleSignOn, d.id.String())
	gave.ID = d.someHeld
	none := false // and so they need not be looked for among all roles of the organization again
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

// count counts what the connection brought, notes whether that is too much for one
// transaction, and gives how many roles it gave.
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

// users are those who have an identity at the connection.
func (d *connectionDeletion) users() []UserID {
	var users []UserID
	for _, i := range d.identities {
		users = append(users, i.UserID)
	}
	slices.SortFunc(users, UserID.Compare)
	return slices.Compact(users)
}

// goOn is enter for a step, and asks all again that is about the connection: what speaks against
// it may have come in between.
func (d *connectionDeletion) goOn(ctx context.Context) error {
	if err := d.enter(ctx); err != nil {
		return err
	}
	_, err := d.may(ctx)
	return err
}

// may gives the connection, if a policy spares it and the actor may end what it is believed in.
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

// switchOff ends the sessions that came through the connection, and lets nobody in by it while it is
// emptied: else who signs in meanwhile could keep that going without end.
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

// providersOf are the providers of the identities at the connections of an organization.
func (cn connectionRules) providersOf(ctx context.Context, organization OrganizationID) (providers []string, err error) {
	err = walk(ctx, cn.c.tx.Connections(), connectionFilter{OrganizationID: typed.Of(organization)}, func(c Connection) error {
		providers = append(providers, connectionProvider(c.ID))
		return nil
	})
	return providers, err
}

// dropIdentities deletes the identities that people have at the connections of an
// organization that goes.
func (cn connectionRules) dropIdentities(ctx context.Context, organization OrganizationID, counts *removed) error {
	providers, err := cn.providersOf(ctx, organization)
	if err != nil || len(providers) == 0 {
		return err
	}
	counts.Identities, err = cn.c.tx.Identities().DeleteAll(ctx, identityFilter{Provider: typed.Of(providers...)})
	return err
}
