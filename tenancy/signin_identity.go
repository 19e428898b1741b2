package tenancy

import (
	"cmp"
	"context"

	"github.com/freehold-dev/freehold/store/typed"
)

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
	if err := n.noOther(ctx); err != nil {
		return err
	}
	if err := n.claim(ctx); err != nil || n.in.subject == "" {
		return err
	}
	return n.attach(ctx)
}

// attach links the identity that nobody has to the person. One of the same subject from
// before the connection was pointed elsewhere goes, unless it went with a takeover.
func (n *signIn) attach(ctx context.Context) error {
	if !n.stale.ID.IsZero() && !(n.seized && n.stale.UserID == n.user.ID) {
		if err := n.w.identities().unlink(ctx, n.stale); err != nil {
			return err
		}
	}
	add := n.w.identities().attach
	if n.created {
		add = n.w.identities().insertIdentity // there is nothing to count
	}
	identity, err := add(ctx, n.user.ID, n.asserted())
	n.identity, n.decision.Linked = identity, true
	if err == nil && !n.created && !n.seized {
		err = n.w.notify(ctx, n.user, MessageIdentityLinked)
	}
	return err
}

// noOther turns away a second subject at a provider where the user has an identity: it may
// be the next person whom the provider gave the address (rule U4). What the program keeps
// itself, it may renew; and an account that nobody has proved is taken over.
func (n *signIn) noOther(ctx context.Context) error {
	if n.in.subject == "" || n.in.credential || n.user.ID.IsZero() || n.user.EmailVerifiedAt.IsZero() {
		return nil
	}
	held, err := collect(ctx, n.w.tx.Identities(), identityFilter{UserID: typed.Of(n.user.ID), Provider: typed.Of(n.in.provider())})
	if err != nil {
		return err
	}
	for _, i := range held {
		if i.Epoch == n.connection.Epoch {
			return n.decide(Decision{Kind: DecisionIdentityConflict, Code: ErrIdentityConflict})
		}
	}
	return nil
}

// link adds the identity to the user of a session (Attempt.LinkTo). No address is
// compared: the person has shown both.
func (n *signIn) link(ctx context.Context) error {
	if err := n.notSuspended(); err != nil {
		return err
	}
	if n.in.subject == "" {
		return invalid("evidence", "is no identity that could be linked")
	}
	if !n.identity.ID.IsZero() && n.identity.UserID != n.user.ID {
		return n.decide(Decision{Kind: DecisionIdentityConflict, Code: ErrIdentityConflict})
	}
	if err := n.mayEnter(ctx); err != nil {
		return err
	}
	var err error
	switch {
	case n.identity.ID.IsZero():
		err = n.attach(ctx)
	case n.in.email != "": // else the one that is kept stays

		n.identity, err = n.w.identities().refresh(ctx, n.identity, n.asserted())
	}
	n.decision.Kind, n.decision.User = DecisionLinked, n.user
	return err
}

func (n *signIn) notSuspended() error {
	if n.user.SuspendedAt.IsZero() {
		return nil
	}
	return n.decide(Decision{Kind: DecisionSuspended, Reason: ReasonUserSuspended})
}

// asserted is the identity as the provider tells it now.
func (n *signIn) asserted() newIdentity {
	return newIdentity{NewIdentity{
		Provider: n.in.provider(), Subject: n.in.subject, Email: n.in.email,
		EmailVerified: n.in.email != "" && (n.in.mailboxKey == n.in.emailKey || n.in.vouched && n.mayAssert()),
	}, n.connection.Epoch}
}

// mayAssert reports whether the provider's word about the address that it tells counts:
// that of a connection only on the domain by which it vouches for the person (rule P6).
func (n *signIn) mayAssert() bool {
	return n.in.connection.IsZero() || n.moves || n.entitled && emailDomain(n.in.emailKey) == emailDomain(n.address())
}

// recognize brings a known identity up to date. Its user is the same whatever it says
// of an address; only that they have the address which they gave unproved can be its
// proof, and then who set the account up otherwise is out.
func (n *signIn) recognize(ctx context.Context) (err error) {
	if n.user.EmailVerifiedAt.IsZero() && n.proves(n.user.EmailKey) {
		if err := n.w.users().takeOver(ctx, &n.user, emailProof{by: n.provedBy(), own: true, identity: n.identity.ID}); err != nil {
			return err
		}
		n.decision.TookOver = true
		if err = n.readMembers(ctx, n.user.ID); err != nil { // they may have moved on
			return err
		}
	}
	if err := n.reprove(ctx); err != nil {
		return err
	}
	if err := n.bring(ctx); err != nil || n.in.email == "" {
		return err
	}
	n.identity, err = n.w.identities().refresh(ctx, n.identity, n.asserted())
	return err
}

// reprove notes that somebody has proved their address by something else than the connection
// that had proved it, which from then on does not move it any more (rule U10).
func (n *signIn) reprove(ctx context.Context) error {
	by := n.provedBy()
	if !looksLikeConnection(n.user.EmailProvedBy) || looksLikeConnection(by) || !n.proves(n.user.EmailKey) {
		return nil
	}
	before := n.user
	n.user.EmailProvedBy, n.moves = by, false
	return n.w.users().saveUser(ctx, before, &n.user, EventUserEmailVerified)
}

// bring moves the user's address to the one that the connection asserts, where it may
// (rule U10). One that another user has by now stays theirs.
func (n *signIn) bring(ctx context.Context) error {
	if !n.moves || !n.connection.UpdatesEmail {
		return nil
	}
	holder, err := n.w.invitations().userAt(ctx, n.in.emailKey)
	if err != nil || !holder.ID.IsZero() {
		return err
	}
	if err := n.w.spendProofs(ctx, n.user.ID); err != nil {
		return err
	}
	if err := n.w.users().moveEmail(ctx, &n.user, n.in.email, n.in.emailKey, n.in.provider()); err != nil {
		return err
	}
	if err := n.readMembers(ctx, n.user.ID); err != nil {
		return err
	}
	return n.readDomain(ctx)
}

// mayReturn holds back a known person who would get in by an invitation that the
// connection's organization may have seen: the connection alone does not say that it is
// they who accept (rules I4, P6).
func (n *signIn) mayReturn() error {
	if !n.confined() || n.invitation == nil || n.activeAt(n.home.ID) ||
		n.holdsInvitation(n.user.EmailKey) || n.proves(n.user.EmailKey) {
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
		m, err := n.w.members().get(ctx, n.home.ID, n.user.ID)
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
	switch {
	case n.user.ID.IsZero():
		n.created, n.decision.Created = true, true
		in := n.in.newcomer()
		in.ID = n.w.instance.config.NewID()
		n.user.ID = in.ID
		n.acts()
		var taken InvitationID
		if n.invitation != nil {
			taken = n.invitation.ID
		}
		n.user, err = n.w.users().createUser(ctx, in, n.provedBy(), taken)
	case n.user.EmailVerifiedAt.IsZero():
		n.seized, n.decision.TookOver = true, true
		err = n.w.users().takeOver(ctx, &n.user, emailProof{by: n.provedBy()})
		n.opened = Organization{} // the takeover may have archived it, and that of the connection
		if err == nil && !n.in.connection.IsZero() {
			err = n.readConnection(ctx)
		}
	default:
		return n.reprove(ctx)
	}
	if err != nil || n.created { // who has just come is a member nowhere
		return err
	}
	return n.readMembers(ctx, n.user.ID)
}

// newcomer is the user that an attempt tells of, with what of the profile fits.
func (a attempt) newcomer() NewUser {
	p := a.Profile.fitting()
	return NewUser{
		Email: cmp.Or(a.email, a.invited), EmailVerified: true, GivenName: p.GivenName, FamilyName: p.FamilyName,
		DisplayName: p.DisplayName, Picture: p.Picture, Locale: p.Locale,
	}
}

// fitting is a profile without what does not fit a user's field.
func (p Profile) fitting() Profile {
	fit := func(check func(field, s string) (string, error), s string) string {
		if kept, err := check("", s); err == nil {
			return kept
		}
		return ""
	}
	return Profile{
		GivenName: fit(optionalName, p.GivenName), FamilyName: fit(optionalName, p.FamilyName),
		DisplayName: fit(optionalName, p.DisplayName), Picture: fit(picture, p.Picture), Locale: fit(locale, p.Locale),
	}
}
