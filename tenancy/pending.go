package tenancy

import (
	"context"
	"crypto/subtle"
	"slices"
	"time"

	"github.com/freehold-dev/freehold/store/typed"
)

// The limits on pending sign-ins (rule P5).
const (
	pendingFor      = 10 * time.Minute // from the first proof on, for all steps together
	pendingFailures = 5                // after so many refused uses a pending sign-in ends
	pendingOfPerson = 5                // of one person at once; another one ends the oldest
)

// pendingSignIn is a sign-in that needs one more thing, such as a second factor (rule P5). It has what the
// person has proved, without the secrets of the proof, and what they wanted. Each use checks all of it again.
type pendingSignIn struct {
	ID       pendingSignInID // the first 16 bytes of the hash
	Version  int64
	Hash     string // SHA-256 of the token, in hex
	UserID   UserID // the person's user; zero: a new user
	EmailKey string // for a new user, the canonical address that they proved; else ""

	Evidence      Evidence   // with the profile of the attempt
	IdentityID    IdentityID // the identity that they came by; zero: none, or one that is not linked yet
	SessionsEpoch int64      // of the connection that they came through

	OrganizationID OrganizationID // the organization that they wanted; zero: not named
	Invitation     storedSecretID // the secret of the invitation that they brought; zero: none
	Note           string         // for the person who decides on a join request

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
// Errors: [ErrInvalidToken] for a token that is malformed, unknown or void, or was used; [ErrTokenExpired].
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

// attempt checks an Attempt. An Attempt with a pending sign-in continues that one's earlier attempt, with the
// new evidence added. Where both say what the person wants, the new one counts.
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

// shownWith returns evidence with later evidence added. An invitation as the method is dropped, because the
// invitation itself comes with the attempt.
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

// shownSoFar is what an attempt has proved by the time when its person is known.
type shownSoFar struct {
	proved   bool // who the person is
	user     UserID
	identity IdentityID
}

// notePerson records who the person of an attempt is, before anything is changed. A pending sign-in must be of
// the same person, with the same identity and connection; otherwise it becomes void (rules P5, P9).
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

// rereadPending reads the pending sign-in of an attempt again under its locks.
func (n *signIn) rereadPending(ctx context.Context) error {
	if n.in.pending == nil {
		return nil
	}
	p, err := n.w.pendings().find(ctx, n.in.presented)
	n.in.pending = &p
	return err
}

// pends reports whether an attempt needs one more thing, and has proved enough to keep.
func (n *signIn) pends() bool {
	switch n.decision.Kind {
	case DecisionChooseOrganization, DecisionSecondFactor:
		return n.shown.proved
	}
	return false
}

// settle updates pending sign-ins after an attempt is decided. If the attempt was refused, its changes are
// rolled back by then. A session, and a new pending token, use up the pending sign-in that the attempt came
// with. A filed request leaves that one as it is. Any other decision counts as a refused use of it.
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

// settleUsed does settle for the pending sign-in that an attempt came with.
func (pd pendingRules) settleUsed(ctx context.Context, n *signIn, p pendingSignIn) error {
	switch {
	case n.decision.Kind == DecisionSignedIn || n.pends():
		return pd.drop(ctx, pendingSignInFilter{ID: typed.Of(p.ID)})
	case n.decision.Kind != DecisionRequestFiled:
		return pd.fail(ctx, p)
	}
	p, err := pd.c.tx.PendingSignIns().Get(ctx, p.ID)
	switch {
	case CodeOf(err) == ErrNotFound: // a takeover by the person has deleted it
		return nil
	case err != nil:
		return err
	}
	// The person's user and identity are known from now on.
	p.UserID, p.IdentityID, p.EmailKey = n.user.ID, n.identity.ID, ""
	return put(ctx, pd.c, pd.c.tx.PendingSignIns().Update, &p)
}

// fail counts a refused use. It finds the row again, because an attempt may be refused before it takes its
// locks.
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

// issue saves what an attempt has proved, and returns the token for it. The attempt holds the person's lock. A
// pending sign-in that follows another one keeps its expiry and its count of refused uses.
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

// keptEvidence returns the evidence of an attempt without what can make no difference: texts that do not fit a
// user's field, and groups that the connection maps to no role.
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

// void ends the pending sign-ins of a user. The caller holds the user's lock.
func (pd pendingRules) void(ctx context.Context, user UserID) error {
	return pd.drop(ctx, pendingSignInFilter{UserID: typed.Of(user)})
}

// erase deletes pending sign-ins of new users with the addresses of people who are erased (rule U7).
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

// sweepPending deletes expired pending sign-ins, as many as one transaction may.
func (pd pendingRules) sweepPending(ctx context.Context) (int, error) {
	due := pendingSignInFilter{DueBefore: pd.c.now.Add(time.Microsecond)} // including those that expire right now
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
