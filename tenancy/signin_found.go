package tenancy

import "context"

// found makes the organization that the person wants, as if they had created it for themselves
// with a session (rules A2, A4, O6), and leads the attempt there.
func (a admission) found(ctx context.Context) error {
	member, err := a.n.w.foundFor(ctx, a.n.w.service.As(UserPrincipal(a.n.user.ID)), *a.n.in.Found, a.n.user)
	if err != nil {
		return err
	}
	return a.enteredFounded(member)
}

// enteredFounded notes that the person is in an organization that was founded just now, and leads
// the attempt there.
func (a admission) enteredFounded(member Member) error {
	a.n.target, a.n.opened = member.OrganizationID, Organization{}
	return a.entered(member)
}

// founds reports whether the attempt makes an organization, by itself or by its invitation.
func (n *signIn) founds() bool {
	return n.in.Found != nil || n.invitation != nil && n.invitation.Found != nil
}

// statusAt is the status of the person's membership of an organization, whichever it is; ""
// where there is none. One that is not active is read only where it makes a difference.
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
