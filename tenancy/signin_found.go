package tenancy

import "context"

// found makes the organization that the person wants, as if they had created it for themselves
// with a session (rules A2, A4, O6), and leads the attempt there.
func (a admission) found(ctx context.Context) error {
	in, founder := *a.n.in.Found, *a.n.w
	in.Owner = a.n.user.ID
	founder.service, founder.method, founder.held = a.n.w.service.As(UserPrincipal(a.n.user.ID)), organizationsCreate, nil
	org, err := founder.organizations().createOrganization(ctx, in)
	a.n.w.denied, a.n.w.mail, a.n.w.declared = founder.denied, founder.mail, founder.declared
	if err != nil {
		return err
	}
	m, err := a.n.w.members().get(ctx, org.ID, a.n.user.ID)
	if err != nil {
		return err
	}
	founded, err := a.n.w.members().views(ctx, []Membership{m}, []Organization{org}, []User{a.n.user})
	if err != nil {
		return err
	}
	a.n.target, a.n.opened = org.ID, Organization{}
	return a.entered(founded[0])
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
