package tenancy

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/typed"
)

// NewInvitation is the input of Invitations.Send. Email is required, and OrganizationID for an invitation
// into an organization; the rest may be empty.
type NewInvitation struct {
	ID             InvitationID   // for imports; zero = a new one
	OrganizationID OrganizationID // zero: into the application, for the host only
	Email          string         // the address to invite, in the form of a user's address (rule U1)
	Roles          []string       // none = the organization's default role
	// Metadata is for the membership (rule G3). Only the host may set it: on a bound Service it is
	// [ErrForbidden] (rule O1).
	Metadata map[string]string
	For      time.Duration // how long it is valid: 1 to 30 days; 0 = Config.InvitationFor
	// Asked says that the person asked for an invitation after they had declined one. It ends the 30 days
	// in which their address cannot be invited there (rule I9). Only the host may set it: on a bound
	// Service it is [ErrForbidden]. Set it for a person who has asked you, and never from a form that an
	// inviter fills in.
	Asked bool
	// Found is an organization that the invited person founds and owns (rule I13); nil = none. It is made
	// in the transaction in which they accept. It needs an invitation into the application; the person may
	// already be a user. The host may set DisplayName, Slug, ExternalID, Metadata, Attributes and Settings,
	// but not its id, its owner, its domains or the roles of its Settings. It does not count for
	// Limits.UserOrganizations (rule O6), and works without Config.SelfServe.
	//
	// A pending invitation reserves nothing. If another organization has taken the Slug, the new one gets
	// the first free slug of "acme-2", "acme-3" and so on up to "acme-20", and otherwise none. If another
	// organization has taken the ExternalID, nobody can accept: the invitation is void.
	Found *NewOrganization
}

// SentInvitation is an invitation with its token. The token is returned only this once: mail it to the
// address, and show it to nobody else. With Config.Mailer it was mailed already, and Token is zero (rule
// I2).
type SentInvitation struct {
	Invitation
	Token Token `json:"-"` // the token that accepts it
}

// Send invites an address (rule I1). If a user has proved the address, they get a pending membership at
// once (rule I2). A pending invitation holds a seat (rule M9). On a Service that is bound to a person, the
// invitation depends on what that person may give, now and when it is accepted (rules R6, I4).
//
// An organization mails one address at most once a minute and 10 times in 30 days, over all its
// invitations. One address gets at most 20 mails a day from all organizations (rule I12). With
// Config.Mailer, an invitation beyond the 20 is stored, and its mail waits: MailDueAt says until when. Run
// sends the mail once there is room, and the invitation is valid for its full time from then on. Without a
// Mailer the invitation is refused, because nothing could mail it later.
//
// Errors: [ErrInvalid], also for more than Limits.Invitations that are pending; [ErrNotFound] for the
// organization; [ErrOrganizationClosed]; [ErrUnknownRole]; [ErrForbidden] for roles above the actor's;
// [ErrInvitationDeclined] with RetryAfter for an address that declined in the last 30 days (rule I9);
// [ErrAlreadyMember], also for the application; [ErrAlreadyInvited] with the other invitation in IDs;
// [ErrSeatLimit]; [ErrRateLimited]; [ErrEmailDomainNotAllowed]; [ErrAlreadyExists] with the field "id",
// "found.slug" or "found.external_id"; [ErrPublicEmailDomain] with the field "found.allowed_domains"; with
// Config.Mailer [ErrInTransaction] on a Service from [Service.Join] (in [Service.Transact] the mail goes out
// after the commit), and [ErrMailFailed] together with the
// invitation, which is stored.
func (g Invitations) Send(ctx context.Context, in NewInvitation) (SentInvitation, error) {
	return g.sent(ctx, invitationsSend, in.OrganizationID.String(), func(ctx context.Context, c *call) (SentInvitation, error) {
		return c.invitations().send(ctx, in)
	})
}

// Resend sends a pending or expired invitation again, with a new token (rule I5). The old token stops
// working, and the invitation is valid for Config.InvitationFor from now. The caller becomes its inviter.
//
// Errors: as for Send, and [ErrInvitationAccepted], [ErrInvitationRevoked], [ErrInvitationDeclined];
// [ErrNotFound] for the invitation; [ErrSeatLimit] and [ErrAlreadyInvited] for an expired one,
// [ErrSeatLimit] for a void one.
func (g Invitations) Resend(ctx context.Context, id InvitationID) (SentInvitation, error) {
	return g.sent(ctx, invitationsResend, id.String(), func(ctx context.Context, c *call) (SentInvitation, error) {
		return c.invitations().resend(ctx, id)
	})
}

// sent runs a method that sends an invitation. If only the mail fails, it returns the invitation together
// with the error.
func (g Invitations) sent(ctx context.Context, method *Method, key string,
	fn func(ctx context.Context, c *call) (SentInvitation, error),
) (SentInvitation, error) {
	return write(ctx, g.s, method, key, func(ctx context.Context, c *call) (SentInvitation, error) {
		if err := c.mayMail(); err != nil {
			return SentInvitation{}, err
		}
		return fn(ctx, c)
	})
}

func (iv invitationRules) send(ctx context.Context, in NewInvitation) (SentInvitation, error) {
	inv, err := iv.draft(in)
	if err != nil {
		return SentInvitation{}, err
	}
	if err := iv.c.access().authorizeEarly(ctx, scope{organization: inv.OrganizationID}); err != nil {
		return SentInvitation{}, err
	}
	user, err := iv.lockInvited(ctx, inv)
	if err != nil {
		return SentInvitation{}, err
	}
	if err := iv.c.access().authorize(ctx, scope{organization: inv.OrganizationID}); err != nil {
		return SentInvitation{}, err
	}
	if err := iv.c.access().hostOnly(input{"id", !in.ID.IsZero()}, input{"metadata", len(in.Metadata) > 0}, input{"asked", in.Asked}); err != nil {
		return SentInvitation{}, err
	}
	if inv.Found, err = iv.readFound(ctx, in, inv.EmailKey); err != nil {
		return SentInvitation{}, err
	}
	if err := iv.mayTakeSlug(ctx, inv.Found); err != nil {
		return SentInvitation{}, err
	}
	org, err := iv.mayInvite(ctx, &inv, user)
	if err != nil {
		return SentInvitation{}, err
	}
	if err := iv.supersede(ctx, inv); err != nil {
		return SentInvitation{}, err
	}
	if err := iv.seatFor(ctx, org); err != nil {
		return SentInvitation{}, err
	}
	if in.Asked {
		if err := iv.c.mails().asks(ctx, inv.mailScope(), inv.EmailKey); err != nil {
			return SentInvitation{}, err
		}
	}
	if err := iv.admitMail(ctx, &inv, org); err != nil {
		return SentInvitation{}, err
	}
	if err := iv.c.tx.Invitations().Insert(ctx, inv); err != nil {
		return SentInvitation{}, err
	}
	if err := iv.c.record(ctx, inv.event(EventInvitationSent)); err != nil {
		return SentInvitation{}, err
	}
	return iv.dispatch(ctx, inv, org, user)
}

// draft returns the invitation that a NewInvitation describes.
func (iv invitationRules) draft(in NewInvitation) (Invitation, error) {
	lasts := cmp.Or(in.For, iv.c.instance.config.InvitationFor)
	if err := invitationLasts("for", lasts); err != nil {
		return Invitation{}, err
	}
	inv := Invitation{
		ID: newID(iv.c, in.ID), Version: 1, OrganizationID: in.OrganizationID, Roles: in.Roles,
		State: InvitationPending, Sends: 1, SentAt: iv.c.now, InviterID: iv.inviter(), ExpiresAt: iv.c.now.Add(lasts), CreatedAt: iv.c.now, UpdatedAt: iv.c.now,
	}
	var err error
	if inv.Email, inv.EmailKey, err = readEmail(in.Email); err != nil {
		return Invitation{}, err
	}
	if inv.Metadata, err = iv.c.instance.config.Limits.metadata("metadata", in.Metadata); err != nil {
		return Invitation{}, err
	}
	if in.OrganizationID.IsZero() {
		return inv, brings(in.Roles, in.Metadata)
	}
	return inv, nil
}

// inviter returns the person on whose rights an invitation depends: the actor, or zero for the host and its
// service accounts.
func (iv invitationRules) inviter() UserID {
	if p := iv.c.service.principal; p != nil {
		return p.user
	}
	return UserID{}
}

// lockInvited takes the locks of an invitation's roles, address and organization, and of the user who has
// the address. It returns that user, or zero. Nobody can get the address meanwhile, because that needs the
// address's lock.
func (iv invitationRules) lockInvited(ctx context.Context, inv Invitation) (User, error) {
	if err := iv.c.roles().lockDeclared(ctx, inv.Roles...); err != nil {
		return User{}, err
	}
	if err := iv.c.lock(ctx, lockEmail(inv.EmailKey)); err != nil {
		return User{}, err
	}
	user, err := iv.userAt(ctx, inv.EmailKey)
	if err != nil {
		return User{}, err
	}
	var locks []store.LockKey
	if !user.ID.IsZero() {
		locks = append(locks, lockUser(user.ID))
	}
	if !inv.OrganizationID.IsZero() {
		locks = append(locks, lockOrganization(inv.OrganizationID))
	}
	if err := iv.c.lock(ctx, locks...); err != nil || user.ID.IsZero() {
		return User{}, err
	}
	return iv.userAt(ctx, inv.EmailKey)
}

// userAt finds the user who has a canonical address, verified or not; zero if there is none.
func (iv invitationRules) userAt(ctx context.Context, emailKey string) (User, error) {
	found, err := iv.c.tx.Users().List(ctx, userFilter{EmailKey: typed.Of(emailKey)}, listSpan{Limit: 1})
	if err != nil || len(found) == 0 {
		return User{}, err
	}
	return found[0], nil
}

// mayInvite checks what must hold each time an invitation is sent, and returns the organization. user has
// the address.
func (iv invitationRules) mayInvite(ctx context.Context, inv *Invitation, user User) (Organization, error) {
	if inv.OrganizationID.IsZero() {
		if inv.Found == nil && !user.EmailVerifiedAt.IsZero() {
			return Organization{}, &Error{Code: ErrAlreadyMember}
		}
		return Organization{}, iv.mayFound(ctx, inv.Found)
	}
	org, err := iv.c.tx.Organizations().Get(ctx, inv.OrganizationID)
	if err != nil {
		return Organization{}, err
	}
	if err := isShut(org); err != nil {
		return Organization{}, err
	}
	if err := iv.c.joining().emailAllowed(org, inv.EmailKey); err != nil {
		return Organization{}, err
	}
	if inv.Roles, err = iv.c.roles().check(ctx, org.ID, "roles", inv.Roles, iv.c.roles().fallbackRole(org)); err != nil {
		return Organization{}, err
	}
	if err := iv.c.access().mayGive(ctx, org.ID, inv.Roles...); err != nil {
		return Organization{}, err
	}
	return org, iv.mayReceive(ctx, org, user)
}

// mayReceive refuses to invite an active member. It also refuses to invite an inactive member who had more
// than the actor has, because accepting gives it back (rule R6).
func (iv invitationRules) mayReceive(ctx context.Context, org Organization, user User) error {
	if user.ID.IsZero() {
		return nil
	}
	m, err := iv.c.members().get(ctx, org.ID, user.ID)
	switch {
	case CodeOf(err) == ErrNotFound:
		return nil
	case err != nil:
		return err
	case m.Status == MembershipActive:
		return &Error{Code: ErrAlreadyMember}
	}
	return iv.c.members().mayTouch(ctx, m)
}

// supersede makes room for an invitation (rules I3, I5). If another one to the same address and
// organization exists, an expired one is marked, a void one is revoked, and a pending one makes it refuse.
func (iv invitationRules) supersede(ctx context.Context, inv Invitation) error {
	filter := invitationFilter{OrganizationID: typed.Of(inv.OrganizationID), EmailKey: typed.Of(inv.EmailKey), State: typed.Of(InvitationPending)}
	found, err := iv.c.tx.Invitations().List(ctx, filter, listSpan{Limit: 1})
	switch {
	case err != nil:
		return err
	case len(found) == 0 || found[0].ID == inv.ID:
		return nil
	case found[0].checkPending(iv.c.now) != nil:
		return iv.expire(ctx, found[0])
	}
	void, err := iv.voids().is(ctx, found[0])
	if err != nil {
		return err
	}
	if !void {
		return &Error{Code: ErrAlreadyInvited, IDs: []string{found[0].ID.String()}}
	}
	if err := iv.revoke(ctx, &found[0]); err != nil {
		return err
	}
	return iv.dropPending(ctx, found[0].ID)
}

// seatFor refuses one more invitation if the organization has no free seat, or as many pending invitations
// as it may have.
func (iv invitationRules) seatFor(ctx context.Context, org Organization) error {
	if org.ID.IsZero() {
		return nil
	}
	n, err := iv.c.tx.Invitations().Count(ctx, iv.pendingFilter(org.ID))
	if err != nil {
		return err
	}
	var tried int // sent by the trial and undone, but counted as pending
	if iv.c.trial != nil {
		tried = iv.c.trial.sent
	}
	n += tried
	most := iv.c.instance.config.Limits.Invitations
	if n >= most {
		void, err := iv.countVoid(ctx, org.ID)
		if err != nil {
			return err
		}
		n -= void
	}
	if n >= most {
		return invalid("organization", fmt.Sprintf("has %d invitations, at most %d", n, most))
	}
	return iv.c.joining().seats(ctx, org, -tried)
}

func (iv invitationRules) resend(ctx context.Context, id InvitationID) (SentInvitation, error) {
	inv, user, err := iv.lockSent(ctx, id)
	if err != nil {
		return SentInvitation{}, err
	}
	before, ran := inv, inv.at(iv.c.now).State == InvitationExpired
	void, err := iv.voids().is(ctx, inv)
	if err != nil {
		return SentInvitation{}, err
	}
	if err := inv.checkPending(iv.c.now); err != nil && !ran {
		return SentInvitation{}, err
	}
	org, err := iv.mayInvite(ctx, &inv, user)
	if err != nil {
		return SentInvitation{}, err
	}
	if ran || void { // it held no seat
		if err := iv.supersede(ctx, inv); err != nil {
			return SentInvitation{}, err
		}
		if err := iv.seatFor(ctx, org); err != nil {
			return SentInvitation{}, err
		}
	}
	if err := iv.c.spendOf(ctx, secretInvitation, inv.ID.String()); err != nil {
		return SentInvitation{}, err
	}
	inv.State, inv.DecidedAt, inv.InviterID = InvitationPending, time.Time{}, iv.inviter()
	inv.Sends++
	inv.SentAt = iv.c.now
	inv.ExpiresAt = iv.c.now.Add(iv.c.instance.config.InvitationFor)
	if err := iv.admitMail(ctx, &inv, org); err != nil {
		return SentInvitation{}, err
	}
	if err := save(ctx, iv.c, iv.c.tx.Invitations().Update, before, &inv, EventInvitationResent); err != nil {
		return SentInvitation{}, err
	}
	return iv.dispatch(ctx, inv, org, user)
}

// lockSent finds an invitation for an actor who may write it, under the locks of lockInvited, and of the
// roles that are to replace its own.
func (iv invitationRules) lockSent(ctx context.Context, id InvitationID, roles ...string) (Invitation, User, error) {
	var user User
	inv, err := underLock(ctx, iv.c, func() (Invitation, error) { return iv.authorizedInvitation(ctx, id) }, func(inv Invitation) (err error) {
		if err = iv.c.roles().lockDeclared(ctx, roles...); err == nil {
			user, err = iv.lockInvited(ctx, inv)
		}
		return err
	})
	if err != nil {
		return Invitation{}, User{}, err
	}
	// A role may have been replaced by one that has a lock. That is out of order; the store detects a
	// deadlock that comes of it, and the transaction runs again.
	return inv, user, iv.c.roles().lockDeclared(ctx, inv.Roles...)
}

// mailScope returns who sends an invitation's mail, for the limits on mails.
func (i Invitation) mailScope() string { return i.OrganizationID.String() }

// message returns the mail of an invitation, without its token.
func (iv invitationRules) message(ctx context.Context, inv Invitation, org Organization) (Message, error) {
	m := Message{
		Kind: MessageInvitation, To: inv.Email, ExpiresAt: inv.ExpiresAt, Subject: inv.ID.String(),
		OrganizationID: org.ID, Organization: org.DisplayName, Again: inv.Sends > 1, Label: iv.c.instance.config.Label,
	}
	if inv.Found != nil {
		m.Organization = inv.Found.DisplayName
	}
	if inv.InviterID.IsZero() || iv.c.instance.config.Mailer == nil {
		return m, nil
	}
	inviter, err := iv.c.tx.Users().Get(ctx, inv.InviterID)
	m.Inviter = inviter.Name()
	return m, err
}

// admitMail counts the mail of an invitation that is about to be sent, or makes it wait (rule I12). Without
// a Mailer it refuses instead, because nothing could send the mail later.
func (iv invitationRules) admitMail(ctx context.Context, inv *Invitation, org Organization) error {
	m, err := iv.message(ctx, *inv, org)
	if err != nil {
		return err
	}
	if iv.c.instance.config.Mailer == nil {
		inv.MailDueAt = time.Time{}
		return iv.c.mails().admitNow(ctx, inv.mailScope(), inv.EmailKey, m)
	}
	inv.MailDueAt, err = iv.c.mails().admit(ctx, inv.mailScope(), inv.EmailKey, m)
	if err == nil && !inv.MailDueAt.IsZero() {
		err = iv.c.mails().wait(ctx, inv.mailScope(), inv.EmailKey)
	}
	return err
}

// dispatch completes the sending of an invitation: it adds the pending membership of the user who has the
// address, makes the token, and mails or returns it. If the mail has to wait, there is no token yet.
func (iv invitationRules) dispatch(ctx context.Context, inv Invitation, org Organization, user User) (SentInvitation, error) {
	if !user.EmailVerifiedAt.IsZero() {
		if err := iv.addPending(ctx, inv, user); err != nil {
			return SentInvitation{}, err
		}
	}
	if !inv.MailDueAt.IsZero() {
		return SentInvitation{Invitation: inv}, nil
	}
	secret := storedSecret{Kind: secretInvitation, Subject: inv.ID.String(), ExpiresAt: inv.ExpiresAt}
	if iv.c.instance.config.mailed() {
		secret.Address = inv.EmailKey // so the token proves the address (rule I4)
	}
	token, err := iv.c.issue(ctx, secret)
	if err != nil {
		return SentInvitation{}, err
	}
	m, err := iv.message(ctx, inv, org)
	if err != nil {
		return SentInvitation{}, err
	}
	m.Token = token
	return SentInvitation{inv, iv.c.queueMail(m)}, nil
}
