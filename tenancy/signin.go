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
	RegistrationOpen Registration = "open" // every person who proves an address
	// RegistrationClosed: only people who are invited, or whom an organization lets in through its verified
	// domain or its connection.
	RegistrationClosed Registration = "closed"
)

// Attempt is the input of [Service.SignIn]: what the person has shown, and what they want. The proofs are the
// Evidence, and the tokens of an invitation and of a session, which are secrets. The other fields prove
// nothing, so a form may be decoded into an Attempt.
//
//	a password      {Evidence: PasswordEvidence(credentialID, email)}
//	a magic link    {Evidence: MailboxEvidence(email)}
//	a provider      {Evidence: ClaimsEvidence("google", idToken)}
//	single sign-on  {Evidence: ConnectionEvidence(c, AssertionFromClaims(idToken))}
//	an invitation   any of these, with Invitation; for a new user the invitation alone is enough
//	one more thing  {Evidence: PendingEvidence(token)}, after a decision with Pending
type Attempt struct {
	// Evidence is what the program has checked. It may be zero only with an Invitation.
	Evidence Evidence `json:"-"`
	// Invitation is the token of an invitation; "" = none.
	Invitation string `json:"invitation,omitempty"`
	// OrganizationID is the organization to sign in to. Zero = the organization of the invitation or the
	// connection, else the only one that the person is a member of.
	OrganizationID OrganizationID `json:"organization_id,omitzero"`
	// Found creates an organization in the same transaction, with the person as its owner, and the session is
	// in it at once; nil = none. It creates what the person may create by Organizations.Create:
	// Config.SelfServe, Limits.UserOrganizations (rule O6) and the fields that only the host sets apply, and
	// Owner stays zero. An Invitation beside it must be one into the application; it may neither be into an
	// organization nor create one (rule I13). The sign-in joins the person to no other organization.
	Found *NewOrganization `json:"found,omitempty"`
	// ChooseLater lets the person choose, even if they have only one organization or none. Unless something
	// else names the organization, the decision is choose_organization with Pending.
	ChooseLater bool `json:"choose_later,omitempty"`
	// LinkTo is the token of a live, unconfined session whose user adds this way of signing in to their
	// account; "" = a sign-in. The session of LinkTo goes on.
	LinkTo string `json:"-"`
	// Session is the token of the session that the browser has already; "" = none. If it is a live session of
	// the same person, the sign-in adds an entry to it, and replaces its entry into the same organization. The
	// session gets a new token, and the old token is dead (rule S1). Otherwise the sign-in starts a session of
	// its own. Session has no effect with LinkTo. A pending sign-in does not keep it: give it again with
	// [PendingEvidence].
	Session string `json:"-"`
	// Profile is for a new user. The Evidence fills in the fields that are empty.
	Profile Profile `json:"profile,omitzero"`
	// Note is the message of a join request, for the person who decides: at most 500 characters.
	Note string `json:"note,omitempty"`
}

// DecisionKind says what [Service.SignIn] decided.
type DecisionKind string

// The decisions. Only signed_in, linked and request_filed change anything. With Pending, the library has kept
// what the person has proved: ask again with [PendingEvidence] and the one thing that is missing. Without
// Pending, ask again with the same Attempt and the thing that is missing. Then a provider's answer that works
// only once must be fetched again, and the invitation and the organization must be carried along.
const (
	// DecisionSignedIn: the person is signed in; Session and Token are set.
	DecisionSignedIn DecisionKind = "signed_in"
	// DecisionLinked: the identity now belongs to the user, and their session goes on (see Attempt.LinkTo).
	DecisionLinked DecisionKind = "linked"
	// DecisionChooseOrganization: ask again with Pending and one of Choices in OrganizationID, or a new
	// organization in Found. Choices is empty for a person without an organization, under
	// [Attempt.ChooseLater].
	DecisionChooseOrganization DecisionKind = "choose_organization"
	// DecisionUseSingleSignOn: a policy demands one of Connections.
	DecisionUseSingleSignOn DecisionKind = "use_single_sign_on"
	// DecisionUseOtherMethod: a policy demands one of Methods.
	DecisionUseOtherMethod DecisionKind = "use_other_method"
	// DecisionSecondFactor: a policy demands a second factor. Check it, and continue with Pending. Without
	// Pending the person has not yet proved who they are: try again with the same Attempt and a second factor.
	DecisionSecondFactor DecisionKind = "second_factor"
	// DecisionSignInAgain: no evidence of the session is valid in the organization; any new sign-in will do
	// (see [Sessions.Enter]).
	DecisionSignInAgain DecisionKind = "sign_in_again"
	// DecisionVerifyEmail: nobody has proved the address. Mail it a code ([Proofs].Start). If the person types
	// the code into the browser that made this attempt, try again with [Evidence.WithMailbox]. The same is
	// right for a link that works only in that browser.
	//
	// A person who merely opens a link signs in with [MailboxEvidence] alone. The attempt may be a stranger's:
	// with WithMailbox, the stranger's password would open the account of the person who opened the link. The
	// token of an invitation proves the address only for a new user.
	DecisionVerifyEmail DecisionKind = "verify_email"
	// DecisionInvitationNeeded: the person needs an invitation to register.
	DecisionInvitationNeeded DecisionKind = "invitation_needed"
	// DecisionInvitationRefused: the invitation was refused; Code says why.
	DecisionInvitationRefused DecisionKind = "invitation_refused"
	// DecisionNotMember: the person is not an active member of the organization. If something would have let
	// them in, Code says what prevents it: [ErrJoinRequestDecided] if their request was declined, [ErrInvalid]
	// if as many requests wait as may, [ErrMembershipInactive] and [ErrMembershipRemoved] if their membership,
	// or one of the same mailbox, was ended.
	DecisionNotMember DecisionKind = "not_member"
	// DecisionIdentityConflict: the user with that address has another identity at the provider, or the
	// identity belongs to another user (rule U4). Let the person sign in the way they did before and link this
	// identity with LinkTo, or let the host unlink the old one.
	DecisionIdentityConflict DecisionKind = "identity_conflict"
	// DecisionSuspended: the user or the organization is suspended; Reason says which.
	DecisionSuspended DecisionKind = "suspended"
	// DecisionRequestFiled: Request waits for a decision in the organization. The user now exists, without a
	// session.
	DecisionRequestFiled DecisionKind = "request_filed"
)

// Decision is the result of [Service.SignIn].
type Decision struct {
	Kind DecisionKind `json:"kind"` // says which of the fields below are set

	// With signed_in, linked and request_filed:
	User    User `json:"user,omitzero"`
	Created bool `json:"created,omitempty"` // the user is new
	Linked  bool `json:"linked,omitempty"`  // the identity is new to the user
	// TookOver: nobody had proved the account's address. The earlier holder has lost the account, or loses it
	// with the choice of an organization (rules U4, U5).
	TookOver bool `json:"took_over,omitempty"`

	// Pending is the token for the next attempt, for [PendingEvidence], valid for 10 minutes. It is set with
	// choose_organization, and with second_factor if the person has proved who they are. It is a secret, and no
	// other call returns it. The JSON has "pending": true in its place.
	Pending Token `json:"-"`

	// With signed_in:
	Session Session `json:"session,omitzero"`
	// Token is the token of the session; zero where it stays the same. No other call returns it (rule G10).
	Token Token `json:"-"`
	// ExpiresAt is when the token expires at the latest, for any of its entries; zero where the token stays the
	// same.
	ExpiresAt time.Time `json:"expires_at,omitzero"`
	Member    *Member   `json:"member,omitempty"` // the membership by which the person joined just now; nil: none
	// JoinRefused is set if the organization of the person's domain lets in people on that domain, but not this
	// person; it has the reason. nil: nobody was refused.
	JoinRefused *JoinRefusal `json:"join_refused,omitempty"`

	// OrganizationID is the organization that the decision is about; zero: none.
	OrganizationID OrganizationID `json:"organization_id,omitzero"`
	// Choices are the organizations to choose from, in the order of the ids of the memberships. With
	// signed_in they are the organizations of an account
	// that was taken over. None of them is chosen, because somebody else may have joined or created them;
	// JoinedVia says how (rule U5).
	Choices     []Member           `json:"choices"`
	Suggested   []OrganizationView `json:"suggested"`      // organizations that the address's domain suggests (rule D7)
	Connections []ConnectionView   `json:"connections"`    // connections to sign in by
	Methods     []SignInMethod     `json:"methods"`        // methods to sign in by
	Code        Code               `json:"code,omitempty"` // the reason for a refusal
	// Reason is [ReasonUserSuspended] or [ReasonOrganizationSuspended], with the kind suspended.
	Reason  Reason       `json:"reason,omitempty"`
	Request *JoinRequest `json:"request,omitempty"` // the request that was filed; nil: none
	// InvitationCode says why an invitation did not work, in a sign-in that went on without it (rule I6); "" =
	// it worked, or there was none.
	InvitationCode Code `json:"invitation_code,omitempty"`
}

// JoinRefusal says why an organization did not let a person in.
type JoinRefusal struct {
	Organization OrganizationView `json:"organization"` // as much as the person may see
	Code         Code             `json:"code"`         // as the code of an error
}

// Started returns the session and its token, of a decision that signed somebody in.
func (d Decision) Started() StartedSession {
	return StartedSession{Session: d.Session, Token: d.Token, ExpiresAt: d.ExpiresAt}
}

// errDecided rolls back an attempt that was refused; errKept ends a refused attempt whose changes stay.
var (
	errDecided = errors.New("decided")
	errKept    = errors.New("kept")
)

// SignIn decides on a sign-in and makes all the changes that follow from it, in one transaction (rule P5). It
// finds or creates the user, and links the identity or refuses to (rule U4). It lets the person in by
// invitation, verified domain or single sign-on (rules I4, D7, P6), and picks the organization (rule P7). It
// checks the policies that bind (rules P2, P3), recomputes the roles that groups give (rule P8), and starts the
// session.
//
// A refusal is a Decision and not an error. A refusal leaves no user and no organization behind, and uses no
// invitation up; the exceptions are the user of a filed request, and what Decision.Pending keeps. Events record
// the person as the actor, through the session that starts (rule G12).
//
// Errors: [ErrInvalid] with the field, also for an unknown method, and for a second organization besides the
// invitation's; [ErrInvalidToken] and [ErrTokenExpired] with the field "evidence" for a pending sign-in; for
// Found the errors of Organizations.Create for a bound Service; [ErrNotFound] for an organization that does not
// exist or is archived, and for a connection that does not exist or is not active; [ErrConflict] for a
// connection that was moved to another provider since the evidence was read; with LinkTo [ErrSignInRequired]
// for a session that has ended or is confined.
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
			// The invitation does not work: decide without it (rule I6).
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

// signIn runs an attempt in a savepoint, which is rolled back if the attempt is refused.
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

// deadInvitation is an invitation that does not work.
type deadInvitation struct {
	code         Code
	organization OrganizationID // the organization of the invitation; zero: unknown, or the application
}

// spoiled reports whether an attempt was refused because of an invitation that works for nobody, or not for
// this person, who is a member already.
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

// getsOn reports whether a decision signs the person in, or needs only one more step.
func (d Decision) getsOn() bool {
	switch d.Kind {
	case DecisionSignedIn, DecisionLinked, DecisionChooseOrganization, DecisionUseSingleSignOn, DecisionUseOtherMethod,
		DecisionSecondFactor, DecisionRequestFiled:
		return true
	}
	return false
}

// checkSignIn refuses a Config whose settings for signing in are wrong and have no default.
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
