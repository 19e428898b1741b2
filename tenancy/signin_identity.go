package tenancy

import "context"

// identify settles who the person is: the user of a known identity, the one whose
// address they proved, or a new one (rule U4).
func (n *signIn) identify(ctx context.Context) error {
	if !n.identity.ID.IsZero() {
		if err := n.notSuspended(); err != nil {
			return err
		}
		if err := n.mayReturn(); err != nil {
			return err
		}
		return n.recognize(ctx)
	}
	if err := n.mayEnter(ctx); err != nil {
		return err
	}
	if !n.proved() {
		return n.decide(Decision{Kind: DecisionVerifyEmail})
	}
	if err := n.notSuspended(); err != nil {
		return err
	}
	if err := n.claim(ctx); err != nil || n.in.Subject == "" {
		return err
	}
	add := n.attach
	if n.created {
		add = n.insertIdentity // there is nothing to count
	}
	identity, err := add(ctx, n.user.ID, n.told())
	n.identity, n.decision.Linked = identity, true
	return err
}

func (n *signIn) notSuspended() error {
	if n.user.SuspendedAt.IsZero() {
		return nil
	}
	return n.decide(Decision{Kind: DecisionSuspended})
}

// told is the identity as the provider tells it now.
func (n *signIn) told() NewIdentity {
	return NewIdentity{
		Provider: n.in.provider(), Subject: n.in.Subject, Email: n.in.Email,
		EmailVerified: n.in.Email != "" && (n.in.MailProved || n.in.EmailVerified && n.mayAssert()),
	}
}

// mayAssert reports whether the provider's word about the address that it tells counts:
// that of a connection only on the domain by which it vouches for the person (rule P6).
func (n *signIn) mayAssert() bool {
	return n.in.ConnectionID.IsZero() || n.entitled && emailDomain(n.in.emailKey) == emailDomain(n.address())
}

// recognize brings a known identity up to date. Its user is the same whatever it says
// of an address; only that they have the address which they gave unproved can be its
// proof, and then who set the account up otherwise is out.
func (n *signIn) recognize(ctx context.Context) (err error) {
	if n.user.EmailVerifiedAt.IsZero() && n.proves(n.user.EmailKey) {
		if err := n.takeOver(ctx, &n.user, n.identity.ID); err != nil {
			return err
		}
		n.decision.TookOver = true
		if n.members, err = n.membershipsOf(ctx, n.user.ID); err != nil { // what was offered to the address
			return err
		}
	}
	if n.in.Email == "" {
		return nil
	}
	n.identity, err = n.refresh(ctx, n.identity, n.told())
	return err
}

// mayReturn holds back a known person who would get in by an invitation that the
// connection's organization may have seen: the connection alone does not say that it is
// they who accept (rules I4, P6).
func (n *signIn) mayReturn() error {
	if !n.confined() || n.invitation == nil || n.at(n.home.ID).Status == MembershipActive || n.proves(n.user.EmailKey) {
		return nil
	}
	return n.decide(Decision{Kind: DecisionVerifyEmail})
}

// mayEnter holds back an unknown person whom a connection sends with an address that it
// cannot verify: it takes that organization's invitation, or a membership there (rule
// P6).
func (n *signIn) mayEnter(ctx context.Context) error {
	if !n.confined() {
		return nil
	}
	if inv := n.invitation; inv != nil && inv.OrganizationID == n.home.ID {
		if inv.EmailKey != n.in.emailKey {
			return n.decide(Decision{
				Kind: DecisionInvitationRefused, OrganizationID: n.home.ID, Code: ErrInvitationForOtherEmail,
			})
		}
		return nil
	}
	if !n.user.ID.IsZero() {
		m, err := n.membership(ctx, n.home.ID, n.user.ID)
		if err == nil && m.Status == MembershipActive {
			return nil
		}
		if err != nil && CodeOf(err) != ErrNotFound {
			return err
		}
	}
	return n.decide(Decision{Kind: DecisionInvitationNeeded, OrganizationID: n.home.ID})
}

// claim gives the person the account of the address that they proved: the one there
// is, taken over if nobody had proved it, or a new one.
func (n *signIn) claim(ctx context.Context) (err error) {
	if n.user.ID.IsZero() {
		n.created, n.decision.Created = true, true
		if n.user, err = n.createUser(ctx, n.in.newcomer()); err != nil {
			return err
		}
		n.members, err = n.membershipsOf(ctx, n.user.ID)
		return err
	}
	if !n.user.EmailVerifiedAt.IsZero() {
		return nil
	}
	n.decision.TookOver = true
	if err := n.takeOver(ctx, &n.user, IdentityID{}); err != nil {
		return err
	}
	n.members, err = n.membershipsOf(ctx, n.user.ID)
	return err
}

// newcomer is the user that an attempt tells of, with what of the profile fits.
func (a attempt) newcomer() NewUser {
	p := a.Profile
	fit := func(check func(field, s string) (string, error), s string) string {
		if kept, err := check("", s); err == nil {
			return kept
		}
		return ""
	}
	return NewUser{
		Email: a.Email, EmailVerified: true, GivenName: fit(optionalName, p.GivenName), FamilyName: fit(optionalName, p.FamilyName),
		DisplayName: fit(optionalName, p.DisplayName), Picture: fit(picture, p.Picture), Locale: fit(locale, p.Locale),
	}
}
