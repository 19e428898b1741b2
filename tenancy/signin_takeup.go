package tenancy

import "context"

// comeIn lets the person in by the way that is open to them. An invitation that waits for them there
// they take up with it, where what they sign in with proves the mailbox that it went to
// (rule M2).
func (a admission) comeIn(ctx context.Context, j entrant) (Member, error) {
	j.created = a.n.created
	if a.n.invitation != nil {
		return a.n.w.joining().join(ctx, j)
	}
	return a.n.w.joining().joinOrTakeUp(ctx, j, a.n.user, func(inv Invitation) (bool, error) { return a.mayTakeUp(ctx, inv) })
}

// provesMailbox reports whether the evidence of this attempt proves the person's address, or
// comes through a connection that may speak for it.
func (a admission) provesMailbox() bool {
	if a.n.confined() || a.n.user.EmailVerifiedAt.IsZero() {
		return false
	}
	return a.n.proves(a.n.user.EmailKey) || !a.n.in.connection.IsZero()
}

// mayTakeUp reports whether what the person signs in with is enough for what an invitation gives.
// A connection speaks for people, and is made by whoever may make connections: by its word alone nobody
// gets roles that manage something, or that reach everything (rules R3, R6).
func (a admission) mayTakeUp(ctx context.Context, inv Invitation) (bool, error) {
	if !a.provesMailbox() {
		return false, nil
	}
	if a.n.in.connection.IsZero() || a.n.in.mailboxKey == inv.EmailKey {
		return true, nil
	}
	return a.n.w.invitations().managesNothing(ctx, inv)
}
