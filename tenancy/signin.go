package tenancy

import (
	"context"
	"errors"
	"slices"
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

// Attempt is a sign-in that the host has checked as far as it can: the password was
// right, the link was opened, the provider's answer is genuine. What of it counts is
// decided by [Service.SignIn].
//
//	password    {Method: "password", Subject: credential's id, Email: address}
//	magic link  {Method: "magic_link", Email: address, MailProved: true}
//	social      {Method: "google", Subject: claims.Sub, Email: claims.Email, EmailVerified: tenancy.VerifiedClaim(raw["email_verified"])}
//	enterprise  {ConnectionID: id, Subject: nameID, Email: address, EmailVerified: address != "", Groups: groups}
//	invitation  any of them, with Invitation: the token; Email is then the address that it went to
type Attempt struct {
	// Method is how: one of Config.SignInMethods. It is the provider of the identity,
	// too. With a ConnectionID it may be left "".
	Method SignInMethod
	// ConnectionID is the connection of single sign-on; zero: another method.
	ConnectionID ConnectionID
	// Subject is the person's fixed name at the provider: 1 to 255 printable characters.
	// A password is one as well, under the id of its credential, so that a takeover
	// makes it useless (rule U4). "" = there is but the mailbox.
	Subject string
	// Email is the address that the provider tells; "" = it does not. Of a known identity
	// one that is no address, and that nobody says is proved, is passed over.
	Email string
	// EmailVerified is the provider's word that Email is the person's: see
	// [VerifiedClaim]. That of a connection counts only on its own organization's
	// verified domains (rule P6).
	EmailVerified bool
	// MailProved says that the host itself has just seen the person read a mail to
	// Email: a link with a secret of its own was opened, a code was typed.
	MailProved bool
	// SecondFactor says that the host has checked one, or that the provider vouches for it.
	SecondFactor bool
	// Invitation is the token of an invitation; "" = none.
	Invitation string
	// OrganizationID is where to; zero = where the invitation or the connection leads,
	// else the person's only one.
	OrganizationID OrganizationID
	// Groups are those that the connection asserts (rule P8); at most 1000 count.
	Groups []string
	// Profile is for a user who is new.
	Profile Profile
	// Note goes with a request to join, for who decides on it: at most 500 characters.
	Note string
	// UserAgent and Address are for the session (rule S1).
	UserAgent, Address string
}

// Profile is what a provider tells of a person. What does not fit a user's field is
// left out: nobody is kept out for a picture.
type Profile struct {
	GivenName, FamilyName, DisplayName, Picture, Locale string
}

// VerifiedClaim reports whether a claim email_verified says yes: only the boolean true
// does. The text "true", a number or nothing is no proof (rule U4): read the raw claim,
// for libraries that decode it into a bool may take the text.
func VerifiedClaim(claim any) bool {
	yes, ok := claim.(bool)
	return ok && yes
}

// DecisionKind is what SignIn decided.
type DecisionKind string

// The decisions. All but the first and the last leave nothing behind: do what is
// wanted, and ask again with the same Attempt and that. A provider's answer that can be
// used but once has to be fetched anew, and the invitation and the organization to be
// carried along.
const (
	// DecisionSignedIn: Session and Token are there.
	DecisionSignedIn DecisionKind = "signed_in"
	// DecisionChooseOrganization: name one of Choices.
	DecisionChooseOrganization DecisionKind = "choose_organization"
	// DecisionUseSingleSignOn: a policy wants one of Connections.
	DecisionUseSingleSignOn DecisionKind = "use_single_sign_on"
	// DecisionUseOtherMethod: a policy wants one of Methods.
	DecisionUseOtherMethod DecisionKind = "use_other_method"
	// DecisionSecondFactor: a policy wants one.
	DecisionSecondFactor DecisionKind = "second_factor"
	// DecisionVerifyEmail: nobody has proved the address: mail it something, and set
	// MailProved.
	DecisionVerifyEmail DecisionKind = "verify_email"
	// DecisionInvitationNeeded: nobody gets in here without.
	DecisionInvitationNeeded DecisionKind = "invitation_needed"
	// DecisionInvitationRefused: Code says why.
	DecisionInvitationRefused DecisionKind = "invitation_refused"
	// DecisionNotMember: they are no active member there; Code says what stands in the
	// way where something would have let them in: [ErrJoinRequestDecided] where their
	// request was declined, [ErrInvalid] where as many wait as may.
	DecisionNotMember DecisionKind = "not_member"
	// DecisionSuspended: the user, or the organization, is suspended.
	DecisionSuspended DecisionKind = "suspended"
	// DecisionRequestFiled: Request waits for somebody in the organization. The user is
	// there from now on, without a session.
	DecisionRequestFiled DecisionKind = "request_filed"
)

// Decision is what came of an attempt.
type Decision struct {
	Kind DecisionKind `json:"kind"`

	// Signed in, or request filed:
	User     User `json:"user,omitzero"`
	Created  bool `json:"created,omitempty"`   // the user is new
	Linked   bool `json:"linked,omitempty"`    // the identity is new to the user
	TookOver bool `json:"took_over,omitempty"` // whoever had the account unproved lost it (rule U4)

	// Signed in:
	Session Session `json:"session,omitzero"`
	Token   Token   `json:"-"`                // of the session: shown here and never again (rule G10)
	Member  *Member `json:"member,omitempty"` // where the person joined just now; nil: nowhere

	// OrganizationID is the organization that the decision is about; zero: none.
	OrganizationID OrganizationID `json:"organization_id,omitzero"`
	Choices        []Member       `json:"choices,omitempty"`     // the organizations to choose from
	Suggested      []Organization `json:"suggested,omitempty"`   // that the address's domain suggests (rule D7)
	Connections    []Connection   `json:"connections,omitempty"` // to sign in by
	Methods        []SignInMethod `json:"methods,omitempty"`     // to sign in by
	Code           Code           `json:"code,omitempty"`        // why not
	Request        *JoinRequest   `json:"request,omitempty"`
}

// Started is the session of somebody who is signed in.
func (d Decision) Started() StartedSession { return StartedSession{Session: d.Session, Token: d.Token} }

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
// A refusal is a Decision and no error. But for the users of a filed request, it
// leaves nothing behind and spends no invitation.
//
// Errors: [ErrInvalid] with the field, also for a method that is unknown and for a
// second organization besides the invitation's; [ErrNotFound] for an organization or a
// connection that is not there, is archived, or is not active.
func (s *Service) SignIn(ctx context.Context, in Attempt) (Decision, error) {
	var d Decision
	err := s.update(ctx, "SignIn", "", func(ctx context.Context, w *work) error {
		d = Decision{}
		in, err := in.checked(w)
		if err != nil {
			return err
		}
		if err := w.authorize(ctx, scope{}); err != nil {
			return err
		}
		err = w.apart(ctx, func(part *work) error {
			n := signIn{work: part, in: in}
			err := n.run(ctx)
			d = n.decision
			if errors.Is(err, errKept) {
				return nil
			}
			return err
		})
		if errors.Is(err, errDecided) {
			return nil
		}
		return err
	})
	if err != nil {
		return Decision{}, err
	}
	return d, nil
}

const maxAsserted = 1000 // groups of one attempt

// checked is the attempt with its address in canonical form beside it, or what is wrong
// with it.
func (in Attempt) checked(w *work) (attempt, error) {
	a := attempt{Attempt: in}
	if !in.ConnectionID.IsZero() {
		a.Method = or(in.Method, MethodSingleSignOn)
	}
	switch sso := a.Method == MethodSingleSignOn; {
	case sso == in.ConnectionID.IsZero():
		return a, invalid("connection_id", "goes with single sign-on, and single sign-on with it")
	case sso && in.Subject == "":
		return a, invalid("subject", "is empty")
	}
	if err := w.knownMethod("method", a.Method); err != nil {
		return a, err
	}
	if err := optionalExact("subject", in.Subject); err != nil {
		return a, err
	}
	if in.Email == "" {
		switch {
		case in.EmailVerified || in.MailProved:
			return a, invalid("email", "is empty and yet proved")
		case in.Subject == "":
			return a, invalid("subject", "is empty, and there is no email")
		}
	} else {
		var err error
		if a.emailKey, err = CanonicalEmail(in.Email); err != nil {
			if in.Subject == "" || in.EmailVerified || in.MailProved {
				return a, err
			}
			a.Email, a.malformed = "", err
		}
	}
	a.Groups = a.Groups[:min(len(a.Groups), maxAsserted)]
	return a, nil
}

// attempt is an Attempt that was checked.
type attempt struct {
	Attempt
	emailKey  string
	malformed error // what is wrong with an address that nobody says is proved: a known identity needs none
}

// provider is that of the identity that somebody came by.
func (a attempt) provider() string {
	if a.ConnectionID.IsZero() {
		return string(a.Method)
	}
	return connectionProvider(a.ConnectionID)
}

func (a attempt) evidence() evidence { return evidence{a.Method, a.ConnectionID, a.SecondFactor} }

// checkSignIn refuses what no default can mend in how people sign in.
func (c Config) checkSignIn() error {
	if c.Registration != "" && c.Registration != RegistrationOpen && c.Registration != RegistrationClosed {
		return invalid("registration", "is neither open nor closed")
	}
	bad := func(m SignInMethod) bool {
		return !providerForm.MatchString(string(m)) || looksLikeConnection(string(m))
	}
	if slices.ContainsFunc(c.SignInMethods, bad) {
		return invalid("sign_in_methods", "has one that is not 1 to 64 of a-z, 0-9, _ and -")
	}
	return nil
}
