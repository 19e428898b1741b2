package tenancy

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"
)

// Evidence is what the program has checked about a person who signs in: a password, a mailbox or what a
// provider says. Only the functions below make it; its fields cannot be set or decoded, so a request cannot
// contain it. The zero Evidence proves nothing. If Evidence is unusable, [Service.SignIn] returns
// [ErrInvalid] with the field "evidence".
//
//	PasswordEvidence(credentialID, email)                      a password was right
//	MailboxEvidence(email)                                     a link or code that was mailed came back
//	ClaimsEvidence("google", idToken)                          one of the program's own providers
//	ConnectionEvidence(c, AssertionFromClaims(idToken))        a customer's provider, by OpenID Connect
//	ConnectionEvidence(c, Assertion{Subject: nameID, ...})     a customer's provider, by SAML
//	PendingEvidence(token)                                     what an earlier attempt proved
//
// [Evidence.WithSecondFactor] and [Evidence.WithMailbox] add to one of these.
type Evidence struct {
	method       SignInMethod
	credential   bool // the subject is a credential that the program keeps
	connection   ConnectionID
	epoch        int64 // the connection's Epoch when the program read it
	subject      string
	email        string
	vouched      bool   // the provider says that email belongs to the person
	mailbox      string // an address whose mailbox the person has opened
	secondFactor bool
	groups       []string // nil: the provider asserts none
	profile      Profile
	pending      Token  // the token of a pending sign-in, which has the rest; zero: none
	fault        *Error // why it is unusable; nil: it is usable
}

// Assertion is what an organization's identity provider says about a person, by SAML or OpenID Connect.
// Before the program makes one, it must have checked that the message is genuine, is meant for this
// program, and answers this sign-in.
type Assertion struct {
	Subject string // the person's fixed name at the provider: 1 to 255 printable characters
	Email   string // "" = the provider gives none
	// EmailVerified is what the provider says about Email; nil = nothing, as with SAML. False means that
	// Email is not verified. Nil and true count only on the verified domains of the connection's
	// organization (rule P6).
	EmailVerified *bool
	// Groups are the person's groups at the provider. nil = it does not say, and no role changes; empty =
	// the person is in no group (rule P8). Only the first 1000 count.
	Groups  []string
	Profile Profile // what the provider says about the person
}

// Profile is what a provider or the person says about their name, picture and language. A value that does
// not fit the user's field is left out and stops no sign-in.
type Profile struct {
	GivenName   string // as in [NewUser]; "" = not given
	FamilyName  string // as in [NewUser]; "" = not given
	DisplayName string // as in [NewUser]; "" = not given
	Picture     string // an https URL
	Locale      string // a BCP 47 tag
}

// PasswordEvidence says that the password of a credential was right. credentialID is the program's fixed
// name for the credential: 1 to 255 printable characters. It is the Subject of an identity with the
// provider "password". email is the address that the person typed, which is not proved by this; "" if they
// typed none.
func PasswordEvidence(credentialID, email string) Evidence {
	return CredentialEvidence(MethodPassword, credentialID, email)
}

// CredentialEvidence is [PasswordEvidence] for another kind of credential that the program keeps, such as a
// passkey. method is one of Config.SignInMethods, and is the provider of the identities.
func CredentialEvidence(method SignInMethod, credentialID, email string) Evidence {
	e := Evidence{method: method, credential: true, subject: credentialID, email: email}
	if credentialID == "" {
		e.fault = invalid("evidence", "has no credential")
	}
	return e
}

// MailboxEvidence says that the person has just opened a link, or typed a code, that the program mailed to
// the address and showed to nobody else. Its method is [MethodMagicLink]. [Proofs] mails links and codes,
// and returns this evidence.
func MailboxEvidence(email string) Evidence {
	e := Evidence{method: MethodMagicLink, mailbox: email}
	if email == "" {
		e.fault = invalid("evidence", "has no mailbox")
	}
	return e
}

// ClaimsEvidence reads the claims of one of the application's own providers: sub, email, email_verified,
// name, given_name, family_name, picture and locale. claims is the payload of an ID token that the program
// has verified, or the same in JSON from a provider without ID tokens. provider is one of
// Config.SignInMethods.
//
// The address counts as the person's only if email_verified is the boolean true. A string, a number, null
// or a missing claim proves nothing. Names of claims match byte for byte (rule U4).
//
// Claims that two readers could understand differently are unusable: a name that occurs twice, invalid
// UTF-8, and a sub or an email with U+FFFD, which replaces characters that could not be read.
func ClaimsEvidence(provider string, claims json.RawMessage) Evidence {
	c, err := readClaims(claims)
	return Evidence{
		method: SignInMethod(provider), subject: c.subject, email: c.email,
		vouched: c.email != "" && c.verified != nil && *c.verified, profile: c.profile, fault: err,
	}
}

// ConnectionEvidence is what an organization's provider says about a person through a connection (rules P1,
// P6). c must be the Connection with which the program checked the provider's message. If the connection
// has been changed to another provider since, SignIn returns [ErrConflict].
func ConnectionEvidence(c Connection, a Assertion) Evidence {
	e := Evidence{
		method: MethodSingleSignOn, connection: c.ID, epoch: c.Epoch, subject: a.Subject, email: a.Email,
		vouched: a.Email != "" && (a.EmailVerified == nil || *a.EmailVerified),
		groups:  slices.Clone(a.Groups), profile: a.Profile,
	}
	switch {
	case c.ID.IsZero():
		e.fault = invalid("evidence", "names no connection")
	case a.Subject == "":
		e.fault = invalid("evidence", "has no subject")
	}
	return e
}

// AssertionFromClaims makes an Assertion from an ID token of an organization's provider. It reads the
// claims that [ClaimsEvidence] reads, and groups, a list of strings. If email_verified is missing,
// EmailVerified is nil; if it is anything but the boolean true, EmailVerified is false. Unreadable claims
// give an Assertion without a Subject, which SignIn refuses.
func AssertionFromClaims(claims json.RawMessage) Assertion {
	c, err := readClaims(claims)
	if err != nil {
		return Assertion{}
	}
	return Assertion{Subject: c.subject, Email: c.email, EmailVerified: c.verified, Groups: c.groups, Profile: c.profile}
}

// PendingEvidence continues an earlier attempt, whose decision asked for one more thing and came with a
// token (rule P5). token is what [Token.Reveal] returned for Decision.Pending. Keep it in a cookie of its
// own, as tenancyhttp does, and never in a URL or a form.
//
//	{Evidence: PendingEvidence(token).WithSecondFactor()}            a second factor was right
//	{Evidence: PendingEvidence(token), OrganizationID: chosen}       an organization was chosen
//	{Evidence: PendingEvidence(token), Found: &NewOrganization{...}} or is to be founded
//
// The session has the method of the first attempt. OrganizationID, Invitation, Note and Profile of the
// first attempt stay valid unless this attempt sets them; an OrganizationID or Found here replaces the
// first OrganizationID. Found and ChooseLater do not carry over: set them in each attempt. A Note that is
// too long is not kept. Groups that the connection began to map after the first attempt count from the next
// sign-in.
//
// A token is valid for 10 minutes after the first attempt, however many steps follow. It works for one
// success: an attempt that signs in uses it up, and so does an attempt whose decision comes with the next
// token. Every other decision is a failure, except a filed request, which counts as neither; errors do not
// count. The fifth failure ends the sign-in, counted over all its tokens. A person has at most 5 tokens,
// and one more ends the oldest. A wrong second factor does not reach this package: limit the attempts
// yourself, as for passwords.
//
// SignIn checks everything again: the policies, the memberships, the connection and its epochs, the
// identity, the user. The token ends with a takeover, a suspension, a change of address,
// Sessions.RevokeAll, and a merge or deletion of the user. It also ends when the identity is unlinked, and
// with everything that ends the sessions of the connection (rule P9). SignIn then returns [ErrInvalidToken]
// with the field "evidence", as for an unknown or used token. After the 10 minutes it returns
// [ErrTokenExpired].
func PendingEvidence(token string) Evidence {
	e := Evidence{pending: Token{&token}}
	if token == "" {
		e.fault = invalid("evidence", "has no pending sign-in")
	}
	return e
}

// WithSecondFactor returns e with a second factor, which the program has checked or the provider asserts.
func (e Evidence) WithSecondFactor() Evidence {
	e.secondFactor = true
	return e
}

// WithMailbox returns e with what [MailboxEvidence] says, for example a password and a mailbox. Both must
// come from the same person: see [DecisionVerifyEmail]. A mailed code shows that if the person types it
// into the browser that made the attempt, and so does a link that works only in that browser. A link that
// works anywhere does not: then use MailboxEvidence alone.
func (e Evidence) WithMailbox(email string) Evidence {
	e.mailbox = email
	if email == "" {
		e.fault = invalid("evidence", "has no mailbox")
	}
	return e
}

// isZero reports whether e is the zero Evidence.
func (e Evidence) isZero() bool {
	return e.method == "" && e.fault == nil && e.mailbox == "" && e.pending.IsZero()
}

// claimSet has the claims that this package reads.
type claimSet struct {
	subject, email string
	verified       *bool
	groups         []string
	profile        Profile
}

// readClaims reads claims by their exact names. encoding/json would also accept Email_Verified for
// email_verified, and a person may be able to set such a claim at their provider.
func readClaims(raw json.RawMessage) (c claimSet, fault *Error) {
	claims, err := claimsByName(raw)
	if err != nil {
		return claimSet{}, &Error{Code: ErrInvalid, Field: "evidence", Reason: "has claims that are no plain JSON object", Err: err}
	}
	text := func(name string) string {
		var s string
		_ = json.Unmarshal(claims[name], &s) // a claim that is not a string is left out
		return s
	}
	if c.subject = text("sub"); c.subject == "" {
		return claimSet{}, invalid("evidence", "has no claim sub")
	}
	c.email = text("email")
	if garbled(c.subject) || garbled(c.email) {
		return claimSet{}, invalid("evidence", "has a claim sub or email that is not readable")
	}
	if said, ok := claims["email_verified"]; ok {
		yes := string(said) == "true"
		c.verified = &yes
	}
	if said, ok := claims["groups"]; ok {
		if err := json.Unmarshal(said, &c.groups); err != nil {
			c.groups = nil
		}
		c.groups = slices.DeleteFunc(c.groups, garbled)
	}
	c.profile = Profile{
		GivenName: text("given_name"), FamilyName: text("family_name"), DisplayName: text("name"),
		Picture: text("picture"), Locale: text("locale"),
	}
	return c, nil
}

// claimsByName reads the claims of an object, and refuses one that another reader could understand
// differently. For two claims of one name, encoding/json takes the last one, and other readers take the
// first. It also turns bytes that are not UTF-8 into U+FFFD.
func claimsByName(raw json.RawMessage) (claims map[string]json.RawMessage, err error) {
	if err := json.Unmarshal(raw, &claims); err != nil {
		return nil, err
	}
	if claims == nil || !utf8.Valid(raw) {
		return nil, errors.New("null, or no UTF-8")
	}
	all := json.NewDecoder(bytes.NewReader(raw))
	_, err = all.Token() // the opening brace
	for named := 0; err == nil && all.More(); {
		var value json.RawMessage
		if _, err = all.Token(); err == nil {
			err = all.Decode(&value)
		}
		if named++; named > len(claims) {
			err = errors.New("two claims of one name")
		}
	}
	return claims, err
}

// garbled reports whether a text has U+FFFD. encoding/json replaces half a surrogate pair by it, so that
// two different texts may have become the same.
func garbled(s string) bool { return strings.ContainsRune(s, utf8.RuneError) }

// over returns p, with its empty fields taken from other.
func (p Profile) over(other Profile) Profile {
	return Profile{
		GivenName: cmp.Or(p.GivenName, other.GivenName), FamilyName: cmp.Or(p.FamilyName, other.FamilyName),
		DisplayName: cmp.Or(p.DisplayName, other.DisplayName), Picture: cmp.Or(p.Picture, other.Picture),
		Locale: cmp.Or(p.Locale, other.Locale),
	}
}

const maxAsserted = 1000 // groups of one attempt

// attempt is an Attempt that was checked.
type attempt struct {
	Attempt
	Evidence
	emailKey    string // canonical; "": no address was given
	mailboxKey  string // canonical; "": no mailbox was proved
	invited     string // the address of the invitation, if no address was given
	malformed   error  // what is wrong with the address that came with a subject; a known identity needs no address
	onlyInvited bool   // the token of the invitation is the only evidence

	pending   *pendingSignIn // the pending sign-in that this attempt continues; nil: none
	presented Token          // the token of pending
	kept      storedSecretID // the secret of the invitation of an earlier attempt; zero: none
}

// brings reports whether the person brings an invitation now, or brought one in an earlier attempt.
func (a attempt) brings() bool { return a.Invitation != "" || !a.kept.IsZero() }

// invitationSecret returns the id of the secret of the invitation that the person brings, if its token is
// well formed.
func (a attempt) invitationSecret() storedSecretID {
	raw := readToken(a.Invitation)
	if !wellFormed(raw, secretInvitation) {
		return a.kept
	}
	id, _ := hashToken(raw)
	return id
}

// checked returns the attempt with its addresses in canonical form, or an error. kept is the secret of the
// invitation of an earlier attempt; zero: none.
func (in Attempt) checked(c *call, kept storedSecretID) (attempt, error) {
	a := attempt{Attempt: in, Evidence: in.Evidence, kept: kept}
	a.Attempt.Evidence = Evidence{}
	if err := in.checkFound(); err != nil {
		return a, err
	}
	switch e := in.Evidence; {
	case e.isZero() && !a.brings():
		return a, invalid("evidence", "is missing")
	case e.isZero():
		a.onlyInvited, a.method = true, MethodInvitation
	case e.fault != nil:
		return a, e.fault
	default:
		if err := c.policies().knownMethod("evidence", e.method); err != nil {
			return a, err
		}
		if e.method == MethodSingleSignOn && e.connection.IsZero() {
			return a, invalid("evidence", "is of single sign-on and names no connection")
		}
	}
	if err := optionalExact("subject", a.subject); err != nil {
		return a, err
	}
	if garbled(a.subject) {
		return a, invalid("subject", "is not readable")
	}
	a.groups = a.groups[:min(len(a.groups), maxAsserted)]
	a.Profile = in.Profile.over(a.profile)
	return a, a.readAddresses()
}

// checkFound refuses Found together with another organization, with LinkTo, or with another owner.
func (in Attempt) checkFound() error {
	switch {
	case in.Found == nil:
		return nil
	case !in.OrganizationID.IsZero():
		return invalid("found", "does not go with organization_id")
	case in.LinkTo != "":
		return invalid("found", "does not go with link_to")
	case !in.Found.Owner.IsZero():
		return invalid("found.owner", "is always the person who signs in")
	}
	return nil
}

// readAddresses puts the addresses of an attempt into canonical form.
func (a *attempt) readAddresses() (err error) {
	if a.mailbox != "" {
		if a.mailbox, a.mailboxKey, err = readEmail(a.mailbox); err != nil {
			return err
		}
	}
	if a.email != "" {
		if a.email, a.emailKey, err = readEmail(a.email); err != nil {
			if a.subject == "" {
				return err
			}
			a.email, a.vouched, a.malformed = "", false, err
		}
	}
	if a.email == "" && a.mailbox != "" {
		a.email, a.emailKey = a.mailbox, a.mailboxKey
	}
	if a.email == "" && a.subject == "" && !a.onlyInvited {
		return invalid("email", "is empty")
	}
	return nil
}

// provider returns the provider of the identity with which the person signs in.
func (a attempt) provider() string {
	if a.connection.IsZero() {
		return string(a.method)
	}
	return connectionProvider(a.connection)
}

func (a attempt) evidence() evidence { return evidence{a.method, a.connection, a.secondFactor} }
