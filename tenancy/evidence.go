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

// Evidence is what the program has checked about somebody who signs in. It is made by
// the functions below from what a password check, a mailbox or a provider gave, and
// holds nothing that a program can set by itself, or decode. The zero Evidence proves
// nothing. Evidence that is unusable is reported by [Service.SignIn], as [ErrInvalid]
// with the field "evidence".
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
	credential   bool // the subject is a credential of the program's own
	connection   ConnectionID
	epoch        int64 // of the connection, as the program read it
	subject      string
	email        string
	vouched      bool   // the provider says that email is the person's
	mailbox      string // an address whose mailbox the program has seen opened
	secondFactor bool
	groups       []string // nil: none were asserted
	profile      Profile
	pending      Token  // of a pending sign-in, which holds all else; zero: none
	fault        *Error // what makes it unusable; nil: nothing
}

// Assertion is what an organization's identity provider says about a person, by SAML or
// OpenID Connect. The program has checked that it is genuine, meant for this program, and
// an answer to this sign-in.
type Assertion struct {
	Subject string // the person's fixed name at the provider: 1 to 255 printable characters
	Email   string // "" = the provider tells none
	// EmailVerified is what the provider says about Email; nil = nothing, as with SAML.
	// False is never taken for verified. Nil and true count on the verified domains of the
	// connection's organization alone (rule P6).
	EmailVerified *bool
	// Groups are those that the provider asserts; nil = it asserts none, which changes no
	// role, and empty = the person is in no group (rule P8). At most 1000 count.
	Groups  []string
	Profile Profile // what the provider says about the person
}

// Profile is what a provider or the person tells of themselves. What does not fit a
// user's field is left out: nobody is kept out for a picture.
type Profile struct {
	GivenName   string // names, as in [NewUser]; "" = not told
	FamilyName  string // likewise
	DisplayName string // likewise
	Picture     string // an https URL
	Locale      string // a BCP 47 tag
}

// PasswordEvidence says that the password of a credential was right. credentialID is the
// program's own fixed name for it, 1 to 255 printable characters, the Subject of an
// identity whose provider is "password". email is the address that the person typed,
// unproved; "" where they typed none.
func PasswordEvidence(credentialID, email string) Evidence {
	return CredentialEvidence(MethodPassword, credentialID, email)
}

// CredentialEvidence is [PasswordEvidence] for another kind of credential that the
// program keeps by itself, such as a passkey. method is one of Config.SignInMethods and the
// provider of its identities.
func CredentialEvidence(method SignInMethod, credentialID, email string) Evidence {
	e := Evidence{method: method, credential: true, subject: credentialID, email: email}
	if credentialID == "" {
		e.fault = invalid("evidence", "has no credential")
	}
	return e
}

// MailboxEvidence says that the person opened a link, or typed a code, that the program
// had mailed to an address just now and shown to nobody. Its method is
// [MethodMagicLink]. [Proofs] mails both, and gives this.
func MailboxEvidence(email string) Evidence {
	e := Evidence{method: MethodMagicLink, mailbox: email}
	if email == "" {
		e.fault = invalid("evidence", "has no mailbox")
	}
	return e
}

// ClaimsEvidence reads the claims sub, email, email_verified, name, given_name,
// family_name, picture and locale of one of the program's own providers: the payload of
// an ID token that the program has verified, or the like from a provider without ID
// tokens. provider is one of Config.SignInMethods.
//
// The address counts as the person's only where email_verified is the boolean true. A
// text, a number, null or nothing is no proof, and names match byte for byte (rule U4).
//
// Claims that can be read in two ways are unusable: a name that occurs twice, invalid
// UTF-8, and a sub or an email with U+FFFD, which stands for what was not readable.
func ClaimsEvidence(provider string, claims json.RawMessage) Evidence {
	c, err := readClaims(claims)
	return Evidence{
		method: SignInMethod(provider), subject: c.subject, email: c.email,
		vouched: c.email != "" && c.verified != nil && *c.verified, profile: c.profile, fault: err,
	}
}

// ConnectionEvidence is what an organization's provider says about a person through a
// connection (rules P1, P6). c is the Connection as the program read it to check what the
// provider sent: if it has been pointed to another provider since, SignIn refuses with
// [ErrConflict].
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

// AssertionFromClaims reads the claims of [ClaimsEvidence] and groups, a list of texts,
// from an ID token of an organization's provider. Where email_verified is missing,
// EmailVerified is nil; where it is anything but the boolean true, it is false. What
// cannot be read gives an Assertion without a Subject, which SignIn refuses.
func AssertionFromClaims(claims json.RawMessage) Assertion {
	c, err := readClaims(claims)
	if err != nil {
		return Assertion{}
	}
	return Assertion{Subject: c.subject, Email: c.email, EmailVerified: c.verified, Groups: c.groups, Profile: c.profile}
}

// PendingEvidence says that this attempt goes on with an earlier one, whose decision named one more
// thing and gave a token for it (rule P5). token is what [Token.Reveal] gave of Decision.Pending:
// keep it in a cookie of its own, as tenancyhttp does, and never in a URL or a form.
//
//	{Evidence: PendingEvidence(token).WithSecondFactor()}            a second factor was right
//	{Evidence: PendingEvidence(token), OrganizationID: chosen}       an organization was chosen
//	{Evidence: PendingEvidence(token), Found: &NewOrganization{...}} or is to be founded
//
// The session has the method of the first attempt. Of its wishes OrganizationID, Invitation, Note
// and Profile hold, unless this attempt names others: an OrganizationID and Found replace the
// OrganizationID. A Note that is too long is not kept. Found and ChooseLater are given anew each
// time. Groups that a connection maps only later count from the next sign-in on.
//
// A token is good for 10 minutes after the first attempt, however many steps follow, and for one
// success: the attempt that signs in, and the one whose decision gives the next token, use it up.
// Any other decision counts as a failure, and the fifth failure ends it, also over several tokens
// of one sign-in; a filed request does neither. An error counts nothing. A person has at most 5
// tokens, and one more ends the oldest. A wrong second factor never comes here: count how often
// somebody may try one by yourself, as with passwords.
//
// Everything is judged again: the policies, the memberships, the connection and its epochs, the
// identity, the user. A takeover, a suspension, a change of address, Sessions.RevokeAll, a merge
// and the deletion of the user end it; so do the unlinking of the identity and whatever ends the
// sessions of the connection (rule P9). SignIn then answers [ErrInvalidToken] with the field
// "evidence", as for a token that is unknown or was used; [ErrTokenExpired] after the 10 minutes.
func PendingEvidence(token string) Evidence {
	e := Evidence{pending: Token{&token}}
	if token == "" {
		e.fault = invalid("evidence", "has no pending sign-in")
	}
	return e
}

// WithSecondFactor adds that the program has checked a second factor, or that the
// provider vouches for one.
func (e Evidence) WithSecondFactor() Evidence {
	e.secondFactor = true
	return e
}

// WithMailbox adds what [MailboxEvidence] says to another proof, such as a password. Both
// must come from one person: see [DecisionVerifyEmail]. A code that was mailed shows it,
// if the person types it into the browser that made the attempt. So does a link that works
// only in that browser. A link that works anywhere does not: use MailboxEvidence alone.
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

// read are claims as far as they matter here.
type claimSet struct {
	subject, email string
	verified       *bool
	groups         []string
	profile        Profile
}

// readClaims reads claims by their exact names: encoding/json would take Email_Verified for
// email_verified, and a person may be able to set the first.
func readClaims(raw json.RawMessage) (c claimSet, fault *Error) {
	claims, err := claimsByName(raw)
	if err != nil {
		return claimSet{}, &Error{Code: ErrInvalid, Field: "evidence", Reason: "has claims that are no plain JSON object", Err: err}
	}
	text := func(name string) string {
		var s string
		_ = json.Unmarshal(claims[name], &s) // what is no text is left out
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

// claimsByName reads the claims of an object that everybody reads alike. encoding/json
// takes the last of two claims of one name, where another reader takes the first, and
// turns bytes that are no UTF-8 into U+FFFD.
func claimsByName(raw json.RawMessage) (claims map[string]json.RawMessage, err error) {
	if err := json.Unmarshal(raw, &claims); err != nil {
		return nil, err
	}
	if claims == nil || !utf8.Valid(raw) {
		return nil, errors.New("null, or no UTF-8")
	}
	all := json.NewDecoder(bytes.NewReader(raw))
	_, err = all.Token() // the brace
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

// garbled reports whether a text has U+FFFD: encoding/json makes it of half a surrogate
// pair, so that two texts may have become one.
func garbled(s string) bool { return strings.ContainsRune(s, utf8.RuneError) }

// over is p with what it leaves empty taken from another.
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
	emailKey    string // canonical; "": none was told
	mailboxKey  string // canonical; "": none was proved
	invited     string // the address of the invitation, where none was told
	malformed   error  // what is wrong with the address that came with a subject: a known identity needs none
	onlyInvited bool   // there is no evidence but the token of the invitation

	pending   *pendingSignIn // that it goes on with; nil: none
	presented Token          // of that
	kept      storedSecretID // the secret of the invitation that an earlier attempt brought; zero: none
}

// brings reports whether the person brings an invitation, or brought one before.
func (a attempt) brings() bool { return a.Invitation != "" || !a.kept.IsZero() }

// invitationSecret is the id of the secret of the invitation that the person brings, if its token
// is well formed.
func (a attempt) invitationSecret() storedSecretID {
	raw := readToken(a.Invitation)
	if !wellFormed(raw, secretInvitation) {
		return a.kept
	}
	id, _ := hashToken(raw)
	return id
}

// checked is the attempt with its addresses in canonical form, or what is wrong with it. kept is
// the secret of an invitation that was brought before; zero: none.
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

// checkFound refuses an organization to found beside another one, or for somebody else.
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

// provider is that of the identity that somebody came by.
func (a attempt) provider() string {
	if a.connection.IsZero() {
		return string(a.method)
	}
	return connectionProvider(a.connection)
}

func (a attempt) evidence() evidence { return evidence{a.method, a.connection, a.secondFactor} }
