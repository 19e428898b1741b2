package tenancy

import (
	"context"
	"crypto/subtle"
	"slices"
	"time"

	"github.com/freehold-dev/freehold/store/typed"
)

// The limits of pending sign-ins (rule P5).
const (
	pendingFor      = 10 * time.Minute // since the person proved something, for all steps together
	pendingFailures = 5                // refused uses that end one
	pendingOfPerson = 5                // at once; one more ends the oldest
)

// pendingSignIn is a sign-in that needs one more thing, such as a second factor: what the person
// has proved, without the secrets that they proved it with, and what they wanted (rule P5). Each
// use judges all of it again.
type pendingSignIn struct {
	ID       pendingSignInID // the hash's first 16 bytes
	Version  int64
	Hash     string // SHA-256 of the token, in hex
	UserID   UserID // who they are; zero: somebody new
	EmailKey string // of somebody new, the canonical address that they proved; else ""

	Evidence      Evidence   // its profile is that of the attempt
	IdentityID    IdentityID // that they came by; zero: none, or one that is not linked yet
	SessionsEpoch int64      // of the connection that they came through

	OrganizationID OrganizationID // where they wanted to; zero: not said
	Invitation     storedSecretID // the secret of the invitation that they brought; zero: none
	Note           string         // for who decides on a request to join

	Failures  int
	ExpiresAt time.Time
	CreatedAt time.Time
}

// pendingSignInID is the id of a pending sign-in, psi_...
type pendingSignInID = ID[pendingSignIn]

func (pendingSignIn) idPrefix() string { return "psi" }

func (p pendingSignIn) rowID() [16]byte { return p.ID }

func (p *pendingSignIn) stamps() (*int64, *time.Time) { return &p.Version, nil }

// find finds the pending sign-in of a token.
//
// Errors: [ErrInvalidToken] for a token that is malformed, unknown or void, or was used;
// [ErrTokenExpired].
func (pd pendingRules) find(ctx context.Context, token Token) (pendingSignIn, error) {
	raw := readToken(token.Reveal())
	if !wellFormed(raw, secretPending) {
		return pendingSignIn{}, noPending()
	}
	id, hash := hashToken(raw)
	p, err := pd.c.tx.PendingSignIns().Get(ctx, pendingSignInID(id))
	switch {
	case CodeOf(err) == ErrNotFound:
		return pendingSignIn{}, noPending()
	case err != nil:
		return pendingSignIn{}, err
	case subtle.ConstantTimeCompare([]byte(p.Hash), []byte(hash)) != 1:
		return pendingSignIn{}, noPending()
	case !pd.c.now.Before(p.ExpiresAt):
		return pendingSignIn{}, &Error{Code: ErrTokenExpired, Field: "evidence"}
	}
	return p, nil
}

func noPending() error { return &Error{Code: ErrInvalidToken, Field: "evidence"} }

// attempt checks an attempt. One by a pending sign-in becomes the attempt that it is left of, with
// what the person has shown since; what it wants goes before what that one wanted.
func (pd pendingRules) attempt(ctx context.Context, in Attempt) (attempt, error) {
	shown := in.Evidence
	if shown.pending.IsZero() {
		return in.checked(pd.c, storedSecretID{})
	}
	switch {
	case shown.fault != nil:
		return attempt{}, shown.fault
	case in.LinkTo != "":
		return attempt{}, invalid("link_to", "does not go with a pending sign-in")
	}
	p, err := pd.find(ctx, shown.pending)
	if err != nil {
		return attempt{}, err
	}
	if in.OrganizationID.IsZero() && in.Found == nil {
		in.OrganizationID = p.OrganizationID
	}
	if in.Note == "" {
		in.Note = p.Note
	}
	kept := p.Invitation
	if in.Invitation != "" {
		kept = storedSecretID{}
	}
	in.Evidence = p.Evidence.shownWith(shown)
	a, err := in.checked(pd.c, kept)
	a.pending, a.presented = &p, shown.pending
	return a, err
}

// shownWith is evidence with what the person has shown since. The method of an invitation alone
// goes: the invitation is brought beside the evidence.
func (e Evidence) shownWith(since Evidence) Evidence {
	if e.method == MethodInvitation {
		e.method = ""
	}
	if since.mailbox != "" {
		if e.mailbox = since.mailbox; e.method == "" {
			e.method = MethodMagicLink
		}
	}
	e.secondFactor = e.secondFactor || since.secondFactor
	return e
}

// shownSoFar is what an attempt has shown by the time that its person is known.
type shownSoFar struct {
	proved   bool // who they are
	user     UserID
	identity IdentityID
}

// notePerson notes whom an attempt was found to be of, before anything is changed. One by a pending
// sign-in is of the same person, by the same identity and connection, or it is void (rules P5, P9).
func (n *signIn) notePerson() error {
	n.shown = shownSoFar{
		proved: (!n.identity.ID.IsZero() || n.proved()) && n.user.SuspendedAt.IsZero(),
		user:   n.user.ID, identity: n.identity.ID,
	}
	p := n.in.pending
	if p != nil && (n.user.ID != p.UserID || n.identity.ID != p.IdentityID || n.connection.SessionsEpoch != p.SessionsEpoch) {
		return noPending()
	}
	return nil
}

// rereadPending reads the pending sign-in of an attempt under its locks.
func (n *signIn) rereadPending(ctx context.Context) error {
	if n.in.pending == nil {
		return nil
	}
	p, err := n.w.pendings().find(ctx, n.in.presented)
	n.in.pending = &p
	return err
}

// pends reports whether an attempt goes on with one more thing, and has proved enough for that.
func (n *signIn) pends() bool {
	switch n.decision.Kind {
	case DecisionChooseOrganization, DecisionSecondFactor:
		return n.shown.proved
	}
	return false
}

// settle does what an attempt means for pending sign-ins, once it is decided. What the attempt did
// is undone by then, if it was refused. A session and the next token use up the one that it came by.
// A filed request leaves it as it is. Any other decision counts against it.
func (pd pendingRules) settle(ctx context.Context, n *signIn) (Decision, error) {
	d, before := n.decision, n.in.pending
	if before == nil && !n.pends() {
		return d, nil
	}
	if before != nil {
		if err := pd.settleUsed(ctx, n, *before); err != nil {
			return Decision{}, err
		}
	}
	if !n.pends() {
		return d, nil
	}
	var err error
	d.Pending, err = pd.issue(ctx, n)
	return d, err
}

// settleUsed is settle for the pending sign-in that an attempt came by.
func (pd pendingRules) settleUsed(ctx context.Context, n *signIn, p pendingSignIn) error {
	switch {
	case n.decision.Kind == DecisionSignedIn || n.pends():
		return pd.drop(ctx, pendingSignInFilter{ID: typed.Of(p.ID)})
	case n.decision.Kind != DecisionRequestFiled:
		return pd.fail(ctx, p)
	}
	p, err := pd.c.tx.PendingSignIns().Get(ctx, p.ID)
	switch {
	case CodeOf(err) == ErrNotFound: // the person has taken the account over
		return nil
	case err != nil:
		return err
	}
	p.UserID, p.IdentityID, p.EmailKey = n.user.ID, n.identity.ID, "" // as they are from now on
	return put(ctx, pd.c, pd.c.tx.PendingSignIns().Update, &p)
}

// fail counts a refused use. An attempt may be refused before it takes its locks.
func (pd pendingRules) fail(ctx context.Context, p pendingSignIn) error {
	person := lockEmail(p.EmailKey)
	if !p.UserID.IsZero() {
		person = lockUser(p.UserID)
	}
	if err := pd.c.lock(ctx, person); err != nil {
		return err
	}
	p, err := pd.c.tx.PendingSignIns().Get(ctx, p.ID)
	switch {
	case CodeOf(err) == ErrNotFound:
		return nil
	case err != nil:
		return err
	}
	if p.Failures++; p.Failures >= pendingFailures {
		return pd.drop(ctx, pendingSignInFilter{ID: typed.Of(p.ID)})
	}
	return put(ctx, pd.c, pd.c.tx.PendingSignIns().Update, &p)
}

// issue keeps what an attempt has proved, and gives the token for it. The attempt has the person's
// lock. One that follows another keeps its end and its failures.
func (pd pendingRules) issue(ctx context.Context, n *signIn) (Token, error) {
	token, err := newToken(pd.c.instance.config.Rand, secretPending)
	if err != nil {
		return Token{}, err
	}
	id, hash := hashToken(token.Reveal())
	p := pendingSignIn{
		ID: pendingSignInID(id), Version: 1, Hash: hash, UserID: n.shown.user,
		Evidence: n.keptEvidence(), IdentityID: n.shown.identity, SessionsEpoch: n.connection.SessionsEpoch,
		OrganizationID: n.in.OrganizationID,
		ExpiresAt:      pd.c.now.Add(pendingFor), CreatedAt: pd.c.now,
	}
	if note, err := cleanLabel("note", n.in.Note, maxNote); err == nil {
		p.Note = note
	}
	if n.invitation != nil {
		p.Invitation = n.in.invitationSecret()
	}
	if p.UserID.IsZero() {
		p.EmailKey = n.in.emailKey
	}
	if before := n.in.pending; before != nil {
		p.ExpiresAt, p.Failures = before.ExpiresAt, before.Failures
	}
	if err := pd.makeRoom(ctx, p); err != nil {
		return Token{}, err
	}
	return token, pd.c.tx.PendingSignIns().Insert(ctx, p)
}

// keptEvidence is the evidence of an attempt as far as it can make a difference: what does not fit
// a user's field, and groups that the connection maps to no role, would only take room.
func (n *signIn) keptEvidence() Evidence {
	e := n.in.Evidence
	e.profile = n.in.Profile.fitting()
	e.groups = slices.DeleteFunc(slices.Clone(e.groups), func(group string) bool {
		_, mapped := n.connection.Groups[group]
		return !mapped
	})
	return e
}

// makeRoom ends the oldest pending sign-ins of a person where one more would be too many.
func (pd pendingRules) makeRoom(ctx context.Context, coming pendingSignIn) error {
	own := pendingSignInFilter{UserID: typed.Of(coming.UserID)}
	if coming.UserID.IsZero() {
		own = pendingSignInFilter{EmailKey: typed.Of(coming.EmailKey)}
	}
	held, err := pd.c.tx.PendingSignIns().List(ctx, own, listSpan{Limit: pendingOfPerson})
	if err != nil || len(held) < pendingOfPerson {
		return err
	}
	oldest := held[0]
	for _, p := range held[1:] {
		if p.CreatedAt.Before(oldest.CreatedAt) {
			oldest = p
		}
	}
	return pd.drop(ctx, pendingSignInFilter{ID: typed.Of(oldest.ID)})
}

// void ends the pending sign-ins of a user. The caller has the user's lock.
func (pd pendingRules) void(ctx context.Context, user UserID) error {
	return pd.drop(ctx, pendingSignInFilter{UserID: typed.Of(user)})
}

// erase deletes what somebody new has shown of the addresses of people who are erased (rule U7).
func (pd pendingRules) erase(ctx context.Context, addresses []string) error {
	if len(addresses) == 0 {
		return nil
	}
	return pd.drop(ctx, pendingSignInFilter{EmailKey: typed.Of(addresses...)})
}

func (pd pendingRules) drop(ctx context.Context, filter pendingSignInFilter) error {
	_, err := pd.c.tx.PendingSignIns().DeleteAll(ctx, filter)
	return err
}

// sweepPending removes pending sign-ins that ran out, up to as many as one transaction may.
func (pd pendingRules) sweepPending(ctx context.Context) (int, error) {
	due := pendingSignInFilter{DueBefore: pd.c.now.Add(time.Microsecond)} // at this instant, too
	over, err := pd.c.tx.PendingSignIns().List(ctx, due, listSpan{Limit: swept, Order: ByDue})
	if err != nil || len(over) == 0 {
		return 0, err
	}
	ids := make([]pendingSignInID, len(over))
	for i, p := range over {
		ids[i] = p.ID
	}
	return pd.c.tx.PendingSignIns().DeleteAll(ctx, pendingSignInFilter{ID: typed.Of(ids...)})
}
