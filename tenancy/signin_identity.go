package tenancy

import (
	"cmp"
	"context"

	"github.com/freehold-dev/freehold/store/typed"
)

// identify determines who the person is: the user of a known identity, the user whose address they proved, or a
// new user (rule U4).
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

// attach links a new identity to the person. It deletes the identity with the same subject from before the
// connection moved to another provider, unless a takeover has deleted it.
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

// noOther refuses a second subject at a provider where the user has an identity: the provider may have given
// the address to another person (rule U4). Two cases are allowed: an identity that the program keeps itself may
// be replaced, and an account that nobody has proved is taken over.
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

// link adds the identity to the user of a session (Attempt.LinkTo). It compares no addresses: the person has
// shown both accounts.
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
	case n.in.email != "": // else the stored one stays

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

// asserted returns the identity as the provider describes it now.
func (n *signIn) asserted() newIdentity {
	return newIdentity{NewIdentity{
		Provider: n.in.provider(), Subject: n.in.subject, Email: n.in.email,
		EmailVerified: n.in.email != "" && (n.in.mailboxKey == n.in.emailKey || n.in.vouched && n.mayAssert()),
	}, n.connection.Epoch}
}

// mayAssert reports whether the provider's statement about the address counts. A connection's counts only on
// the domain by which it vouches for the person (rule P6).
func (n *signIn) mayAssert() bool {
	return n.in.connection.IsZero() || n.moves || n.entitled && emailDomain(n.in.emailKey) == emailDomain(n.address())
}

// recognize updates a known identity. Its user stays the same, whatever address it has. Only if its address is
// the one that the user gave and nobody proved, it may prove that address; then other ways to sign in that were
// set up before are removed.
func (n *signIn) recognize(ctx context.Context) (err error) {
	if n.user.EmailVerifiedAt.IsZero() && n.proves(n.user.EmailKey) {
		if err := n.w.users().takeOver(ctx, &n.user, emailProof{by: n.provedBy(), own: true, identity: n.identity.ID}); err != nil {
			return err
		}
		n.decision.TookOver = true
		if err = n.readMembers(ctx, n.user.ID); err != nil { // their memberships may have changed
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

// reprove records that the person has proved their address by something other than the connection that had
// proved it. From then on that connection cannot change the address any more (rule U10).
func (n *signIn) reprove(ctx context.Context) error {
	by := n.provedBy()
	if !looksLikeConnection(n.user.EmailProvedBy) || looksLikeConnection(by) || !n.proves(n.user.EmailKey) {
		return nil
	}
	before := n.user
	n.user.EmailProvedBy, n.moves = by, false
	return n.w.users().saveUser(ctx, before, &n.user, EventUserEmailVerified)
}

// bring changes the user's address to the one that the connection asserts, if it may (rule U10). It does not
// take an address that another user has by now.
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

// mayReturn refuses a known person who would join by an invitation that the connection's organization may have
// seen. The connection alone does not prove that this person accepts it (rules I4, P6).
func (n *signIn) mayReturn() error {
	if !n.confined() || n.invitation == nil || n.activeAt(n.home.ID) ||
		n.holdsInvitation(n.user.EmailKey) || n.proves(n.user.EmailKey) {
		return nil
	}
	return n.decide(Decision{Kind: DecisionVerifyEmail})
}

// mayEnter refuses an unknown person from a connection that cannot verify their address. They need an
// invitation of that organization, or a membership in it (rule P6).
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

// claim gives the person the account of the address that they proved: the existing one, taken over if nobody
// had proved the address, or a new one.
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
		n.opened = Organization{} // the takeover may have archived it, and the connection's organization
		if err == nil && !n.in.connection.IsZero() {
			err = n.readConnection(ctx)
		}
	default:
		return n.reprove(ctx)
	}
	if err != nil || n.created { // a new user has no memberships
		return err
	}
	return n.readMembers(ctx, n.user.ID)
}

// newcomer returns the new user that an attempt describes, with the parts of the profile that fit.
func (a attempt) newcomer() NewUser {
	p := a.Profile.fitting()
	return NewUser{
		Email: cmp.Or(a.email, a.invited), EmailVerified: true, GivenName: p.GivenName, FamilyName: p.FamilyName,
		DisplayName: p.DisplayName, Picture: p.Picture, Locale: p.Locale,
	}
}

// fitting returns a profile without the texts that do not fit a user's field.
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
