package tenancy

import "context"

// comeIn makes the person a member by the way that is open to them. It also accepts a pending invitation to
// them there, if their evidence proves the mailbox that it went to (rule M2).
func (a admission) comeIn(ctx context.Context, j entrant) (Member, error) {
	j.created = a.n.created
	if a.n.invitation != nil {
		return a.n.w.joining().join(ctx, j)
	}
	return a.n.w.joining().joinOrTakeUp(ctx, j, a.n.user, func(inv Invitation) (bool, error) { return a.mayTakeUp(ctx, inv) })
}

// provesMailbox reports whether the evidence of this attempt proves the person's address, or comes through a
// connection that may vouch for it.
func (a admission) provesMailbox() bool {
	if a.n.confined() || a.n.user.EmailVerifiedAt.IsZero() {
		return false
	}
	return a.n.proves(a.n.user.EmailKey) || !a.n.in.connection.IsZero()
}

// mayTakeUp reports whether the person's evidence suffices for the roles of an invitation. A connection alone
// gives nobody roles that manage something, or that have all permissions (rules R3, R6): the people who
// may make connections control what a connection asserts.
func (a admission) mayTakeUp(ctx context.Context, inv Invitation) (bool, error) {
	if !a.provesMailbox() {
		return false, nil
	}
	if a.n.in.connection.IsZero() || a.n.in.mailboxKey == inv.EmailKey {
		return true, nil
	}
	return a.n.w.invitations().managesNothing(ctx, inv)
}
