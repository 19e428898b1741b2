package tenancy

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"github.com/freehold-dev/freehold/store/typed"
)

// maxEntries is in how many organizations one client can work at once (rule S1).
const maxEntries = 20

// Enter adds an entry into an organization to the session of a token, from evidence that the session has
// already (rule S1). The token stays the same, and so does the current entry. If the session has an entry there
// that the policies still accept, Enter returns that entry.
//
// The evidence must satisfy the policies (rules P2, P3). The evidence of a confined entry is valid nowhere
// else, and evidence from a connection is valid only in the connection's organization (rule P6). To enter an
// organization that accepts such evidence, the user needs a sign-in that names it. Old evidence is not valid in
// an organization either: from before all its sessions were ended, before its administrators revoked an entry
// of this client, or before such an entry expired unused. A new entry has the ProvedAt of its evidence, so it
// lasts no longer than a session that began then (rule O3).
//
// The Decision is [DecisionSignedIn], with the entry as its Session and without a Token, or it says which
// sign-in the organization demands: [DecisionUseSingleSignOn], [DecisionUseOtherMethod],
// [DecisionSecondFactor], or [DecisionSignInAgain]. In that case sign in with Attempt.Session, to add the new
// evidence to the session. A refusal changes nothing.
//
// A session has at most 20 entries. Beyond that, the least recently used entry ends ([EndedTooMany]). Each
// entry counts for Limits.UserSessions.
//
// Errors: [ErrInvalidToken], [ErrSessionEnded], [ErrSessionExpired]; [ErrInvalid] for the zero id;
// [ErrNotFound] for an organization of which the user is not an active member; [ErrOrganizationClosed].
func (g Sessions) Enter(ctx context.Context, token string, organization OrganizationID) (Decision, error) {
	// Try a read first, so that a call that changes nothing does not wait for writers.
	d, err := read(ctx, g.s, sessionsEnter, "", func(ctx context.Context, c *call) (Decision, error) {
		if organization.IsZero() {
			return Decision{}, invalid("organization", "is missing")
		}
		return c.sessions().answered(ctx, token, organization)
	})
	if err != nil || d.Kind != "" {
		return d, err
	}
	return write(ctx, g.s, sessionsEnter, "", func(ctx context.Context, c *call) (Decision, error) {
		d, secret, err := c.sessions().enter(ctx, token, organization)
		if err != nil || d.Kind != DecisionSignedIn {
			return d, err
		}
		current, err := c.sessions().stillCurrent(ctx, secret, d.Session)
		if err != nil {
			return Decision{}, err
		}
		return d, c.sessions().keepCurrent(ctx, secret, current)
	})
}

// stillCurrent returns the current entry of a secret: the previous one, or the entry that has just replaced it.
func (ss sessionRules) stillCurrent(ctx context.Context, secret storedSecret, entered Session) (SessionID, error) {
	if secret.SessionID.IsZero() || secret.SessionID == entered.ID {
		return secret.SessionID, nil
	}
	s, err := ss.c.tx.Sessions().Get(ctx, secret.SessionID)
	if CodeOf(err) == ErrNotFound {
		return secret.SessionID, nil
	}
	if err == nil && s.EndReason == EndedReplaced && s.OrganizationID == entered.OrganizationID {
		return entered.ID, nil
	}
	return secret.SessionID, err
}

// answered returns the Decision of Enter where Enter would make no entry, and the zero Decision where it would.
func (ss sessionRules) answered(ctx context.Context, raw string, id OrganizationID) (Decision, error) {
	secret, err := ss.open(ctx, raw)
	if err != nil {
		return Decision{}, err
	}
	if err := ss.c.access().authorize(ctx, scope{user: secret.UserID}); err != nil {
		return Decision{}, err
	}
	e, err := ss.judge(ctx, secret, id)
	switch {
	case err != nil:
		return Decision{}, err
	case e.found.ID.IsZero():
		return e.refused(ctx)
	case e.found.OrganizationID == id:
		return e.entered(e.found), nil
	}
	return Decision{}, nil
}

// enter finds the entry into an organization, or makes one.
func (ss sessionRules) enter(ctx context.Context, raw string, id OrganizationID) (Decision, storedSecret, error) {
	secret, err := ss.lockToken(ctx, raw, id)
	if err != nil {
		return Decision{}, storedSecret{}, err
	}
	e, err := ss.judge(ctx, secret, id)
	switch {
	case err != nil:
		return Decision{}, storedSecret{}, err
	case e.found.ID.IsZero():
		d, err := e.refused(ctx)
		return d, secret, err
	case e.found.OrganizationID == id:
		e.found.LastSeenAt = ss.c.now
		return e.entered(e.found), secret, ss.c.tx.Sessions().Touch(ctx, e.found.ID, ss.c.now)
	}
	s, err := ss.addEntered(ctx, e)
	return e.entered(s), secret, err
}

// judge looks for an entry of a session whose evidence is valid in an organization.
func (ss sessionRules) judge(ctx context.Context, secret storedSecret, id OrganizationID) (entering, error) {
	if err := ss.entranceAhead(ctx, secret.UserID, id); err != nil {
		return entering{}, err
	}
	e := entering{ss: ss, secret: secret, id: id}
	if err := ss.eachEntry(ctx, secret, id, func(s Session, held sessionFacts) (bool, error) { return e.try(ctx, s, held) }); err != nil {
		return entering{}, err
	}
	if e.user.ID.IsZero() {
		return entering{}, ss.whyOver(ctx, secret)
	}
	return e, nil
}

// entering is the state of a session that is about to enter an organization.
type entering struct {
	ss      sessionRules
	secret  storedSecret
	id      OrganizationID
	user    User         // zero: no entry of the session is valid any more
	at      sessionFacts // the organization and the membership
	barred  *time.Time   // when the client last lost an entry there; zero: never
	missing unmet        // what the policies demanded of the first evidence that could be valid
	found   Session      // the entry whose evidence is valid; zero: none yet
}

// try checks the evidence of an entry for the organization.
func (e *entering) try(ctx context.Context, s Session, held sessionFacts) (done bool, err error) {
	if e.user.ID.IsZero() {
		if e.at, err = e.ss.entrance(ctx, e.secret.UserID, e.id); err != nil {
			return true, err
		}
		e.user = held.user
	}
	if s.OrganizationID != e.id {
		if counts, err := e.counts(ctx, s, held); err != nil || !counts {
			return false, err
		}
	}
	missing, err := e.ss.c.policies().unmet(ctx, held.user, e.id, s.evidence())
	if err != nil {
		return true, err
	}
	if missing.kind == "" {
		e.found = s
		return true, nil
	}
	if e.missing.kind == "" {
		e.missing = missing
	}
	return false, nil
}

// counts reports whether the evidence of an entry elsewhere may be valid in the organization at all (rules O3,
// P6, S1, S2).
func (e *entering) counts(ctx context.Context, s Session, held sessionFacts) (bool, error) {
	_, longest := e.ss.c.instance.config.sessionLimits(e.at.organization)
	if s.Confined || !s.ConnectionID.IsZero() && held.connection.OrganizationID != e.id ||
		e.ss.rested(s, e.at.organization) || !e.ss.c.now.Before(s.ProvedAt.Add(longest)) {
		return false, nil
	}
	return e.outlived(ctx, s)
}

// outlived reports whether the evidence of an entry is newer than the time when the client last lost an entry
// into the organization. The client lost it because somebody there revoked it, or deactivated or removed the
// member, or because it was unused for longer than the organization allows. Without this check, old evidence
// would let a person with the token come back. Evidence from before the lost entry began always counts as
// older, whatever the clocks say.
func (e *entering) outlived(ctx context.Context, s Session) (bool, error) {
	if e.barred == nil {
		f := sessionFilter{ClientID: typed.Of(e.secret.client()), OrganizationID: typed.Of(e.id), Ended: typed.Of(true)}
		gone, err := e.ss.c.tx.Sessions().List(ctx, f, listSpan{Limit: MaxLimit, Desc: true})
		if err != nil {
			return false, err
		}
		f.Ended = typed.Of(false)
		unused, err := e.ss.c.tx.Sessions().List(ctx, f, listSpan{Limit: MaxLimit})
		if err != nil {
			return false, err
		}
		e.barred = &time.Time{}
		for _, s := range gone {
			switch s.EndReason {
			case EndedRevoked, EndedDeactivated, EndedRemoved:
				*e.barred = latest(latest(*e.barred, s.EndedAt), latest(s.ProvedAt, s.CreatedAt))
			}
		}
		idle, longest := e.ss.c.instance.config.sessionLimits(e.at.organization)
		for _, s := range unused {
			if until := s.LastSeenAt.Add(idle); !e.ss.c.now.Before(until) && until.Before(s.ProvedAt.Add(longest)) {
				*e.barred = latest(*e.barred, until)
			}
		}
	}
	return e.barred.IsZero() || s.ProvedAt.After(*e.barred), nil
}

// entered returns the Decision for an entry that exists.
func (e *entering) entered(s Session) Decision {
	return Decision{Kind: DecisionSignedIn, User: e.user, OrganizationID: e.id, Session: s}
}

// refused returns which sign-in the organization demands. If no evidence of the session could be valid there,
// that is what the policies demand of a person who has shown nothing, or else any sign-in.
func (e *entering) refused(ctx context.Context) (Decision, error) {
	if e.missing.kind == "" {
		var err error
		if e.missing, err = e.ss.c.policies().unmet(ctx, e.user, e.id, evidence{}); err != nil {
			return Decision{}, err
		}
		if e.missing.kind == "" || e.missing.kind == DecisionSecondFactor {
			return Decision{Kind: DecisionSignInAgain, OrganizationID: e.id}, nil
		}
	}
	return e.missing.decision(), nil
}

// addEntered adds an entry with the evidence of another one.
func (ss sessionRules) addEntered(ctx context.Context, e entering) (Session, error) {
	from := e.found
	s := Session{
		ID: newID(ss.c, SessionID{}), Version: 1, UserID: from.UserID, ClientID: from.ClientID, IdentityID: from.IdentityID, Method: from.Method,
		ConnectionID: from.ConnectionID, ConnectionEpoch: from.ConnectionEpoch, SecondFactor: from.SecondFactor, ProvedAt: from.ProvedAt,
		LastSeenAt: ss.c.now, CreatedAt: ss.c.now, UpdatedAt: ss.c.now,
	}
	s.noteRequest(RequestOf(ctx))
	ss.place(&s, e.at.organization, e.at.membership, nil)
	if err := ss.addEntry(ctx, s, e.secret); err != nil {
		return Session{}, err
	}
	if err := ss.arrived(ctx, s); err != nil {
		return Session{}, err
	}
	return s, ss.recordSession(ctx, EventSessionEntered, s, nil, e.user.person())
}

// addEntry saves a new session: the first one of a client, or another one of the client whose secret is given.
// For that client it replaces the entry into the same organization, and ends the least recently used one if
// there are too many.
func (ss sessionRules) addEntry(ctx context.Context, s Session, secret storedSecret) error {
	if secret.ID.IsZero() {
		if err := ss.makeRoom(ctx, s, SessionID{}); err != nil {
			return err
		}
		return ss.c.tx.Sessions().Insert(ctx, s)
	}
	if err := ss.c.tx.Sessions().Insert(ctx, s); err != nil {
		return err
	}
	live, err := ss.liveOf(ctx, sessionFilter{ClientID: typed.Of(s.ClientID)})
	if err != nil {
		return err
	}
	var others []Session
	for _, other := range live {
		switch {
		case other.ID == s.ID:
		case other.OrganizationID == s.OrganizationID:
			if err := ss.end(ctx, EndedReplaced, other); err != nil {
				return err
			}
		case !other.OrganizationID.IsZero():
			others = append(others, other)
		}
	}
	if len(others) >= maxEntries && !s.OrganizationID.IsZero() {
		slices.SortStableFunc(others, func(a, b Session) int {
			switch secret.SessionID { // the current entry ends last
			case a.ID:
				return 1
			case b.ID:
				return -1
			}
			return a.LastSeenAt.Compare(b.LastSeenAt)
		})
		if err := ss.end(ctx, EndedTooMany, others[:len(others)+1-maxEntries]...); err != nil {
			return err
		}
	}
	return ss.makeRoom(ctx, s, secret.SessionID)
}

// keepCurrent saves which entry is current.
func (ss sessionRules) keepCurrent(ctx context.Context, secret storedSecret, current SessionID) error {
	if secret.SessionID == current {
		return nil
	}
	secret.SessionID = current
	return put(ctx, ss.c, ss.c.tx.Secrets().Update, &secret)
}

// entryAt returns the live entry of a session into an organization; zero: the current entry.
func (ss sessionRules) entryAt(ctx context.Context, secret storedSecret, in OrganizationID) (Session, error) {
	if in.IsZero() {
		return ss.current(ctx, secret)
	}
	if ahead, is := ss.c.tx.rows.(*readAhead); is {
		if ahead.entry == [16]byte{} {
			return Session{}, sessionEnded(EndedNoEntry)
		}
		return ss.c.tx.Sessions().Get(ctx, ahead.entry)
	}
	f := ss.living(sessionFilter{ClientID: typed.Of(secret.client())})
	f.OrganizationID = typed.Of(in)
	found, err := ss.c.tx.Sessions().List(ctx, f, listSpan{Limit: 1})
	if err == nil && len(found) == 0 {
		err = sessionEnded(EndedNoEntry)
	}
	if err != nil {
		return Session{}, err
	}
	return found[0], nil
}

// eachEntry calls fn for the valid entries of a session until fn is done: first the entry into an organization,
// then the current one, then the others, those with the newest evidence first.
func (ss sessionRules) eachEntry(ctx context.Context, secret storedSecret, first OrganizationID, fn func(Session, sessionFacts) (done bool, err error)) error {
	live, err := ss.c.tx.Sessions().List(ctx, ss.living(sessionFilter{ClientID: typed.Of(secret.client())}), listSpan{Limit: math.MaxInt32})
	if err != nil {
		return err
	}
	rank := func(s Session) int {
		switch {
		case !first.IsZero() && s.OrganizationID == first:
			return 0
		case s.ID == secret.SessionID:
			return 1
		}
		return 2
	}
	slices.SortFunc(live, func(a, b Session) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), b.ProvedAt.Compare(a.ProvedAt), b.ID.Compare(a.ID))
	})
	for _, s := range live {
		held, err := ss.upheld(ctx, s)
		if over(err) {
			continue
		}
		if err != nil {
			return err
		}
		if done, err := fn(s, held); done || err != nil {
			return err
		}
	}
	return nil
}

// anyEntry returns a valid entry of a session, if possible one that is not confined. Its id is zero where no
// entry is valid.
func (ss sessionRules) anyEntry(ctx context.Context, secret storedSecret) (found Session, facts sessionFacts, err error) {
	err = ss.eachEntry(ctx, secret, OrganizationID{}, func(s Session, held sessionFacts) (bool, error) {
		if found.ID.IsZero() || !s.Confined {
			found, facts = s, held
		}
		return !s.Confined, nil
	})
	return found, facts, err
}

// unconfined returns an entry of a token's session that may act for the whole account: it is not confined, and
// does not count as confined (rule P6).
//
// Errors: [ErrInvalidToken], [ErrSessionEnded], [ErrSessionExpired]. If all entries are confined, it returns
// the first valid one, with ok false.
func (ss sessionRules) unconfined(ctx context.Context, raw string) (found Session, ok bool, err error) {
	secret, err := ss.open(ctx, raw)
	if err != nil {
		return Session{}, false, err
	}
	err = ss.eachEntry(ctx, secret, OrganizationID{}, func(s Session, held sessionFacts) (bool, error) {
		speaks, err := ss.speaksFor(ctx, held)
		if ok = speaks && !s.Confined; ok {
			found = s
		}
		return ok, err
	})
	return found, ok, err
}

// continued returns the secret of the session that an attempt adds its evidence to. It is zero where the
// attempt starts a session of its own: without a token, and with a token that is dead or belongs to another
// user. The caller holds the user's lock.
func (ss sessionRules) continued(ctx context.Context, raw string, user UserID) (storedSecret, error) {
	if raw == "" {
		return storedSecret{}, nil
	}
	secret, err := ss.open(ctx, raw)
	if over(err) || CodeOf(err) == ErrInvalidToken || err == nil && secret.UserID != user {
		return storedSecret{}, nil
	}
	if err != nil {
		return storedSecret{}, err
	}
	found, _, err := ss.anyEntry(ctx, secret)
	if err != nil || found.ID.IsZero() {
		return storedSecret{}, err
	}
	return secret, nil
}

// nowhere returns an entry in the form that it has while no organization is chosen.
func (s Session) nowhere(held sessionFacts) (Session, sessionFacts) {
	held.standsIn = !s.OrganizationID.IsZero()
	s.OrganizationID, s.MembershipID = OrganizationID{}, MembershipID{}
	held.organization, held.membership = nil, nil
	return s, held
}
