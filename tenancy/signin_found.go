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
