package tenancy

import (
	"context"
	"errors"
	"slices"
	"time"
)

// Registration says who may become a user by signing in.
type Registration string

// The kinds of registration.
const (
	RegistrationOpen Registration = "open" // anyone who proves an address
	// RegistrationClosed: who is invited, or whom an organization lets in by itself,
	// through its verified domain or its connection.
	RegistrationClosed Registration = "closed"
)

// Attempt is what somebody shows who signs in, and what they want. What they show is the
// Evidence, and the tokens of an invitation and of a session, which are secrets; nothing
// else here proves anything, so a form may be decoded into it.
//
//	a password      {Evidence: PasswordEvidence(credentialID, email)}
//	a magic link    {Evidence: MailboxEvidence(email)}
//	a provider      {Evidence: ClaimsEvidence("google", idToken)}
//	single sign-on  {Evidence: ConnectionEvidence(c, AssertionFromClaims(idToken))}
//	an invitation   any of these, with Invitation; from somebody new the invitation alone is enough
//	one more thing  {Evidence: PendingEvidence(token)}, after a decision with Pending
type Attempt struct {
	// Evidence is what the program has checked. It is zero only beside an Invitation.
	Evidence Evidence `json:"-"`
	// Invitation is the token of an invitation; "" = none.
	Invitation string `json:"invitation,omitempty"`
	// OrganizationID is where to; zero = where the invitation or the connection leads,
	// else the person's only one.
	OrganizationID OrganizationID `json:"organization_id,omitzero"`
	// Found makes an organization in the same transaction, with the person as its owner, and the
	// session is there at once; nil = none. It is what the person may create for themselves by
	// Organizations.Create: Config.SelfServe, Limits.UserOrganizations (rule O6) and the fields that only the
	// host sets hold here, too, and Owner stays zero. It goes with an Invitation into the
	// application, and with none into an organization or that founds one (rule I13). Nobody is let in
	// anywhere else on the way.
	Found *NewOrganization `json:"found,omitempty"`
	// ChooseLater leaves it to the person where to, also where there is one organization or none:
	// unless something else says where, the decision is choose_organization with Pending.
	ChooseLater bool `json:"choose_later,omitempty"`
	// LinkTo is the token of a live, unconfined session of somebody who adds this way of
	// signing in to their account; "" = they sign in. Their session goes on.
	LinkTo string `json:"-"`
	// Session is the token of the session that the browser has already; "" = none. If that
	// lives and is the same person's, the sign-in adds an entry with its evidence to it, in place of
	// one into the same organization. The session gets a new token, and this one is dead (rule
	// S1). Otherwise the sign-in starts a session of its own. With LinkTo it does not count. A pending
	// sign-in does not keep it: give it again with [PendingEvidence].
	Session string `json:"-"`
	// Profile is for a user who is new. What it leaves empty is taken from the Evidence.
	Profile Profile `json:"profile,omitzero"`
	// Note goes with a request to join, for who decides on it: at most 500 characters.
	Note string `json:"note,omitempty"`
}

// DecisionKind is what SignIn decided.
type DecisionKind string

// The decisions. Only signed_in, linked and request_filed change anything. Where Pending is set,
// what the person has proved is kept: ask again with [PendingEvidence] and the one thing that is
// wanted. Where it is not set, do what is wanted and ask again with the same Attempt and that: a provider's answer that can be used but once has to be fetched anew, and the
// invitation and the organization to be carried along.
const (
	// DecisionSignedIn: Session and Token are there.
	DecisionSignedIn DecisionKind = "signed_in"
	// DecisionLinked: the identity is the user's from now on, and their session goes on
	// (see Attempt.LinkTo).
	DecisionLinked DecisionKind = "linked"
	// DecisionChooseOrganization: name one of Choices in OrganizationID, or an organization in
	// Found, with Pending. Choices are empty for somebody without an organization, under
	// [Attempt.ChooseLater].
	DecisionChooseOrganization DecisionKind = "choose_organization"
	// DecisionUseSingleSignOn: a policy wants one of Connections.
	DecisionUseSingleSignOn DecisionKind = "use_single_sign_on"
	// DecisionUseOtherMethod: a policy wants one of Methods.
	DecisionUseOtherMethod DecisionKind = "use_other_method"
	// DecisionSecondFactor: a policy wants one. Check it, and go on with Pending. Without Pending
	// the person has not proved yet who they are: try again with the same Attempt and a second
	// factor.
	DecisionSecondFactor DecisionKind = "second_factor"
	// DecisionSignInAgain: nothing that the session has shown counts in the organization,
	// which any sign-in would do for (see [Sessions.Enter]).
	DecisionSignInAgain DecisionKind = "sign_in_again"
	// DecisionVerifyEmail: nobody has proved the address. Mail it a code ([Proofs].Start). If the person types
	// the code into the browser that made this attempt, try again with
	// [Evidence.WithMailbox]. The same holds for a link that works only in that browser.
	//
	// A person who merely opens a link signs in with [MailboxEvidence] alone. The attempt may
	// be a stranger's: with WithMailbox, the stranger's password would open the account of
	// the person who opened the link. The token of an invitation proves the address only for
	// somebody new.
	DecisionVerifyEmail DecisionKind = "verify_email"
	// DecisionInvitationNeeded: nobody gets in here without.
	DecisionInvitationNeeded DecisionKind = "invitation_needed"
	// DecisionInvitationRefused: Code says why.
	DecisionInvitationRefused DecisionKind = "invitation_refused"
	// DecisionNotMember: they are no active member there; Code says what stands in the
	// way where something would have let them in: [ErrJoinRequestDecided] where their
	// request was declined, [ErrInvalid] where as many wait as may, [ErrMembershipInactive] and
	// [ErrMembershipRemoved] where their membership, or one of the same mailbox, was ended.
	DecisionNotMember DecisionKind = "not_member"
	// DecisionIdentityConflict: the user with that address has another identity at the
	// provider, or the identity is another user's (rule U4). Let them sign in by what they
	// have, and link this one with LinkTo, or let the host unlink the old one.
	DecisionIdentityConflict DecisionKind = "identity_conflict"
	// DecisionSuspended: Reason says who is, the user or the organization.
	DecisionSuspended DecisionKind = "suspended"
	// DecisionRequestFiled: Request waits for somebody in the organization. The user is
	// there from now on, without a session.
	DecisionRequestFiled DecisionKind = "request_filed"
)

// Decision is what came of an attempt.
type Decision struct {
	Kind DecisionKind `json:"kind"` // says which of the fields below are set

	// Signed in, linked, or request filed:
	User     User `json:"user,omitzero"`
	Created  bool `json:"created,omitempty"`   // the user is new
	Linked   bool `json:"linked,omitempty"`    // the identity is new to the user
	TookOver bool `json:"took_over,omitempty"` // the account was there unproved, and who had it lost it, or does with the choice (rules U4, U5)

	// Pending is good for the next attempt, by [PendingEvidence], for 10 minutes: with
	// choose_organization, and with second_factor where the person has proved who they are. It is
	// a secret: shown here and never again. JSON says "pending": true in its place.
	Pending Token `json:"-"`

	// Signed in:
	Session Session `json:"session,omitzero"`
	Token   Token   `json:"-"` // of the session: shown here and never again (rule G10); none where it stays the same
	// ExpiresAt is when the token runs out at the latest, whichever entry it is used for; zero
	// where the token stays the same.
	ExpiresAt time.Time `json:"expires_at,omitzero"`
	Member    *Member   `json:"member,omitempty"` // where the person joined just now; nil: nowhere
	// JoinRefused is the organization of the person's domain, and why it did not let them in
	// although it lets in people on that domain; nil: nothing was refused.
	JoinRefused *JoinRefusal `json:"join_refused,omitempty"`

	// OrganizationID is the organization that the decision is about; zero: none.
	OrganizationID OrganizationID `json:"organization_id,omitzero"`
	// Choices are the organizations to choose from, in the order of the ids of the memberships. With signed_in they are those of an
	// account that was taken over: none of them is chosen, because somebody else may have
	// joined or made them; JoinedVia says how (rule U5).
	Choices     []Member           `json:"choices"`
	Suggested   []OrganizationView `json:"suggested"`      // that the address's domain suggests (rule D7)
	Connections []ConnectionView   `json:"connections"`    // to sign in by
	Methods     []SignInMethod     `json:"methods"`        // to sign in by
	Code        Code               `json:"code,omitempty"` // why not
	// Reason of a suspended decision is [ReasonUserSuspended] or
	// [ReasonOrganizationSuspended].
	Reason  Reason       `json:"reason,omitempty"`
	Request *JoinRequest `json:"request,omitempty"` // the request that was filed; nil: none
	// InvitationCode says what became of an invitation that was of no use, in a sign-in
	// that went on without it (rule I6); "" = it served, or there was none.
	InvitationCode Code `json:"invitation_code,omitempty"`
}

// JoinRefusal is why an organization did not let somebody in.
type JoinRefusal struct {
	Organization OrganizationView `json:"organization"` // what they may see of it
	Code         Code             `json:"code"`         // as of an error
}

// Started is the session of somebody who is signed in.
func (d Decision) Started() StartedSession {
	return StartedSession{Session: d.Session, Token: d.Token, ExpiresAt: d.ExpiresAt}
}

// errDecided ends an attempt that is not let through, and undoes what it did; errKept
// ends one whose traces stay.
var (
	errDecided = errors.New("decided")
	errKept    = errors.New("kept")
)

// SignIn decides on a sign-in and does all that comes with it, in one transaction (rule
// P5): it finds the user or makes one, links the identity or refuses to (rule U4), lets
// the person in by invitation, verified domain or single sign-on (rules I4, D7, P6),
// picks the organization (rule P7), holds all of it against the policies that bind
// (rules P2, P3), recomputes the roles that groups give (rule P8), and starts the session.
//
// A refusal is a Decision and no error. Apart from the user of a filed request and from what
// Decision.Pending stands for, it leaves nothing behind and spends no invitation: no user, and no
// organization. What happens is recorded as done by the
// person, through the session that starts (rule G12).
//
// Errors: [ErrInvalid] with the field, also for a method that is unknown and for a
// second organization besides the invitation's; [ErrInvalidToken] and [ErrTokenExpired] with the
// field "evidence" for a pending sign-in; for Found what Organizations.Create answers a person;
// [ErrNotFound] for an organization or a
// connection that is not there, is archived, or is not active; [ErrConflict] for a
// connection that was pointed elsewhere since the evidence was read; with LinkTo
// [ErrSignInRequired] for a session that has ended or is confined.
func (s *Service) SignIn(ctx context.Context, in Attempt) (Decision, error) {
	return write(ctx, s, serviceSignIn, "", func(ctx context.Context, c *call) (Decision, error) {
		in, err := c.pendings().attempt(ctx, in)
		if err != nil {
			return Decision{}, err
		}
		if err := c.access().authorize(ctx, scope{}); err != nil {
			return Decision{}, err
		}
		n, err := c.signIn(ctx, in, deadInvitation{})
		if err != nil {
			return Decision{}, err
		}
		if d := n.decision; d.spoiled(in) {
			// The invitation was of no use: what about the person without it (rule I6)?
			in.Invitation, in.kept = "", storedSecretID{}
			again, err := c.signIn(ctx, in, deadInvitation{d.Code, d.OrganizationID})
			if err != nil {
				return Decision{}, err
			}
			if again.decision.getsOn() {
				n = again
			}
		}
		return c.pendings().settle(ctx, n)
	})
}

// signIn runs an attempt as a part of the call that is undone where it is refused.
func (c *call) signIn(ctx context.Context, in attempt, dead deadInvitation) (*signIn, error) {
	var n *signIn
	err := c.savepoint(ctx, func(part *call) error {
		n = &signIn{w: part, in: in, dead: dead, session: part.instance.config.NewID()}
		err := n.run(ctx)
		if errors.Is(err, errKept) {
			return nil
		}
		return err
	})
	if err != nil && !errors.Is(err, errDecided) {
		return nil, err
	}
	if n.decision.getsOn() {
		n.decision.InvitationCode = dead.code
	}
	return n, nil
}

// deadInvitation is an invitation that turned out to be of no use.
type deadInvitation struct {
	code         Code
	organization OrganizationID // that it was for; zero: unknown, or the application
}

// spoiled reports whether an attempt was refused for an invitation that is of no use to
// anybody, or not to this person, who is in already.
func (d Decision) spoiled(in attempt) bool {
	if d.Kind != DecisionInvitationRefused || in.onlyInvited {
		return false
	}
	switch d.Code {
	case ErrInvalidToken, ErrTokenUsed, ErrTokenExpired, ErrInvitationAccepted, ErrInvitationRevoked, ErrInvitationDeclined,
		ErrInvitationExpired, ErrInvitationVoid, ErrAlreadyMember:
		return true
	}
	return false
}

// getsOn reports whether a person is in, or on the way.
func (d Decision) getsOn() bool {
	switch d.Kind {
	case DecisionSignedIn, DecisionLinked, DecisionChooseOrganization, DecisionUseSingleSignOn, DecisionUseOtherMethod,
		DecisionSecondFactor, DecisionRequestFiled:
		return true
	}
	return false
}

// checkSignIn refuses what no default can mend in how people sign in.
func (c Config) checkSignIn() error {
	if c.Registration != "" && c.Registration != RegistrationOpen && c.Registration != RegistrationClosed {
		return invalid("registration", "is neither open nor closed")
	}
	bad := func(m SignInMethod) bool {
		return m == MethodSingleSignOn || m == MethodInvitation || !providerForm.MatchString(string(m)) || looksLikeConnection(string(m))
	}
	if slices.ContainsFunc(c.SignInMethods, bad) {
		return invalid("sign_in_methods", "has one that is not 1 to 64 of a-z, 0-9, _ and -, or is built in")
	}
	return nil
}
