package tenancy

import "context"

// found creates the organization that the person wants, with the checks for a user who creates one for
// themselves by a session (rules A2, A4, O6), and makes it the target of the attempt.
func (a admission) found(ctx context.Context) error {
	member, err := a.n.w.foundFor(ctx, a.n.w.service.As(UserPrincipal(a.n.user.ID)), *a.n.in.Found, a.n.user)
	if err != nil {
		return err
	}
	return a.enteredFounded(member)
}

// enteredFounded records that the person is in an organization that was just created, and makes it the target
// of the attempt.
func (a admission) enteredFounded(member Member) error {
	a.n.target, a.n.opened = member.OrganizationID, Organization{}
	return a.entered(member)
}

// founds reports whether the attempt creates an organization, by Found or by its invitation.
func (n *signIn) founds() bool {
	return n.in.Found != nil || n.invitation != nil && n.invitation.Found != nil
}

// statusAt returns the status of the person's membership in an organization; "" if there is none. It reads a
// membership that is not active only where it makes a difference.
func (n *signIn) statusAt(ctx context.Context, id OrganizationID) (MembershipStatus, error) {
	if n.activeAt(id) {
		return MembershipActive, nil
	}
	m, err := n.w.members().get(ctx, id, n.user.ID)
	if CodeOf(err) == ErrNotFound {
		return "", nil
	}
	return m.Status, err
}
