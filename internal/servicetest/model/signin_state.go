package model

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/tenancy"
)

// signInState is what the model knows. Values are replaced and never changed in place, so
// that a copy of the maps is a copy of it all.
type signInState struct {
	now         time.Time
	closed      bool // registration is
	orgs        []modelDoor
	users       map[tenancy.UserID]tenancy.User
	identities  map[tenancy.IdentityID]tenancy.Identity
	members     map[modelPair]modelEntry
	removals    map[modelPair]bool     // who was removed
	addresses   map[modelPair][]string // that people had proved while they were members, without their tags
	connections map[tenancy.ConnectionID]tenancy.Connection
	policies    map[tenancy.OrganizationID]tenancy.Policy
	sessions    map[tenancy.SessionID]tenancy.Session
	tokens      []modelToken
	mails       []modelMail
	pendings    []modelPending // in order, also those that are gone
	sent        sentMails
}

// modelDoor is an organization.
type modelDoor struct {
	id      tenancy.OrganizationID
	owner   tenancy.UserID
	domains []string
	joining tenancy.DomainJoining
	admits  bool      // people who come through its connection (SingleSignOnJoins)
	ended   time.Time // when all sessions here ended last
}

// modelEntry is a membership.
type modelEntry struct {
	id     tenancy.MembershipID
	status tenancy.MembershipStatus
}

// modelToken is a session's token. It opens while it is not spent.
type modelToken struct {
	raw     string
	given   tenancy.Session   // as the program got it with the token
	session tenancy.SessionID // the entry that is current; zero: none
	expires time.Time
	spent   bool
}

// modelMail is the token of a mail that proves an address.
type modelMail struct {
	raw     string
	user    tenancy.UserID
	address string
	asked   bool // by the user, and not by the host
	expires time.Time
	spent   bool
}

func newSignInState(now time.Time) *signInState {
	return &signInState{
		now:         now,
		users:       map[tenancy.UserID]tenancy.User{},
		identities:  map[tenancy.IdentityID]tenancy.Identity{},
		members:     map[modelPair]modelEntry{},
		removals:    map[modelPair]bool{},
		addresses:   map[modelPair][]string{},
		connections: map[tenancy.ConnectionID]tenancy.Connection{},
		policies:    map[tenancy.OrganizationID]tenancy.Policy{},
		sessions:    map[tenancy.SessionID]tenancy.Session{},
	}
}

func (s *signInState) clone() *signInState {
	c := *s
	c.orgs, c.users, c.identities, c.members = slices.Clone(s.orgs), maps.Clone(s.users), maps.Clone(s.identities), maps.Clone(s.members)
	c.connections, c.policies, c.sessions = maps.Clone(s.connections), maps.Clone(s.policies), maps.Clone(s.sessions)
	c.removals, c.addresses = maps.Clone(s.removals), maps.Clone(s.addresses)
	c.tokens, c.mails, c.pendings = slices.Clone(s.tokens), slices.Clone(s.mails), slices.Clone(s.pendings)
	return &c
}

// door finds an organization, or nil.
func (s *signInState) door(id tenancy.OrganizationID) *modelDoor {
	for i := range s.orgs {
		if s.orgs[i].id == id {
			return &s.orgs[i]
		}
	}
	return nil
}

// holder is the organization on whose verified domain an address is, or nil (D7).
func (s *signInState) holder(address string) *modelDoor {
	for i := range s.orgs {
		if slices.Contains(s.orgs[i].domains, servicetest.DomainOf(address)) {
			return &s.orgs[i]
		}
	}
	return nil
}

// holds reports whether an address is on a verified domain of an organization's.
func (s *signInState) holds(id tenancy.OrganizationID, address string) bool {
	door := s.holder(address)
	return door != nil && door.id == id
}

// userAt finds who has an address.
func (s *signInState) userAt(address string) (tenancy.User, bool) {
	for _, user := range s.users {
		if user.Email == address && address != "" {
			return user, true
		}
	}
	return tenancy.User{}, false
}

// identity finds an identity by its key (U4).
func (s *signInState) identity(provider, subject string) (tenancy.Identity, bool) {
	for _, i := range s.identities {
		if i.Provider == provider && i.Subject == subject && subject != "" {
			return i, true
		}
	}
	return tenancy.Identity{}, false
}

func (s *signInState) status(org tenancy.OrganizationID, user tenancy.UserID) tenancy.MembershipStatus {
	return s.members[modelPair{org, user}].status
}

func (s *signInState) isActive(org tenancy.OrganizationID, user tenancy.UserID) bool {
	return s.status(org, user) == tenancy.MembershipActive
}

// activeAt are the organizations where a user is an active member, by id.
func (s *signInState) activeAt(user tenancy.UserID) (list []tenancy.OrganizationID) {
	for _, door := range s.orgs {
		if s.isActive(door.id, user) {
			list = append(list, door.id)
		}
	}
	return list
}

// activeConnections are those by which people can sign in to an organization, by id.
func (s *signInState) activeConnections(org tenancy.OrganizationID) (list []tenancy.ConnectionID) {
	for _, c := range s.connectionsOf(org) {
		if c.State == tenancy.ConnectionActive {
			list = append(list, c.ID)
		}
	}
	return list
}

func (s *signInState) connectionsOf(org tenancy.OrganizationID) []tenancy.Connection {
	return sorted(s.connections, func(c tenancy.Connection) [16]byte { return c.ID },
		func(c tenancy.Connection) bool { return c.OrganizationID == org || org.IsZero() })
}

// end ends the sessions that pass and have neither ended nor run out, and spends their
// tokens (S2).
func (s *signInState) end(why tenancy.EndReason, pass func(tenancy.Session) bool) {
	for id, session := range s.sessions {
		if !session.EndedAt.IsZero() || !s.now.Before(session.ExpiresAt) || !pass(session) {
			continue
		}
		session.EndedAt, session.ExpiresAt, session.EndReason = s.now, s.now, why
		s.sessions[id] = session
	}
	for i, t := range s.tokens {
		if len(s.entries(t)) == 0 && !t.spent && s.ended(t) {
			s.tokens[i].spent = true
		}
	}
}

// entries are those of a token's client that have neither ended nor run out, in the order in which
// they are asked: the current one, and then those with the newest evidence.
func (s *signInState) entries(t modelToken) []tenancy.Session {
	list := sorted(s.sessions, func(session tenancy.Session) [16]byte { return session.ID }, func(session tenancy.Session) bool {
		return session.ClientID == t.given.ClientID && session.EndedAt.IsZero() && s.now.Before(session.ExpiresAt)
	})
	slices.Reverse(list)
	slices.SortStableFunc(list, func(a, b tenancy.Session) int {
		switch t.session {
		case a.ID:
			return -1
		case b.ID:
			return 1
		}
		return b.ProvedAt.Compare(a.ProvedAt)
	})
	return list
}

// ended reports whether an entry of a token's client has just ended.
func (s *signInState) ended(t modelToken) bool {
	for _, session := range s.sessions {
		if session.ClientID == t.given.ClientID && session.EndedAt.Equal(s.now) {
			return true
		}
	}
	return false
}

// makeRoom ends the oldest sessions of a user where one that has come makes them too many, those that
// are confined first, and of these those of the same connection; for one more of a client the others of
// that, and its current one last of all (S1).
func (s *signInState) makeRoom(coming tenancy.Session, current tenancy.SessionID) {
	rows, live := 0, []tenancy.Session{}
	for _, session := range s.sessions {
		if session.UserID != coming.UserID || !session.EndedAt.IsZero() || session.ID == coming.ID {
			continue
		}
		if rows++; s.now.Before(session.ExpiresAt) {
			live = append(live, session)
		}
	}
	if rows < modelSessions {
		return
	}
	stays := func(s tenancy.Session) int {
		switch {
		case s.ID == current:
			return 4
		case coming.Confined && s.Confined && s.ConnectionID == coming.ConnectionID:
			return 0
		case !coming.Confined && s.ClientID == coming.ClientID:
			return 1
		case s.Confined:
			return 2
		}
		return 3
	}
	slices.SortFunc(live, func(a, b tenancy.Session) int {
		return cmp.Or(cmp.Compare(stays(a), stays(b)), a.CreatedAt.Compare(b.CreatedAt), a.ID.Compare(b.ID))
	})
	for _, oldest := range live[:max(0, len(live)-modelSessions+1)] {
		s.end(tenancy.EndedTooMany, func(session tenancy.Session) bool { return session.ID == oldest.ID })
	}
}

// place puts a session where it is from now on; the zero id is nowhere (S1).
func (s *signInState) place(session tenancy.Session, org tenancy.OrganizationID) tenancy.Session {
	session.OrganizationID, session.MembershipID, session.SelectedAt = org, tenancy.MembershipID{}, s.now
	if home := s.door(s.connections[session.ConnectionID].OrganizationID); home != nil && !s.now.After(home.ended) {
		session.SelectedAt = home.ended.Add(time.Microsecond)
	}
	if door := s.door(org); door != nil {
		session.MembershipID = s.members[modelPair{org, session.UserID}].id
		if !session.SelectedAt.After(door.ended) {
			session.SelectedAt = door.ended.Add(time.Microsecond)
		}
	}
	return session
}

// issue notes a token of a session.
func (s *signInState) issue(started tenancy.StartedSession) {
	s.tokens = append(s.tokens, modelToken{
		raw: started.Token.Reveal(), given: started.Session, session: started.Session.ID, expires: started.ExpiresAt,
	})
}

// overBy says why an entry does not hold, "" where it does (S1, S2, P9).
func (s *signInState) overBy(session tenancy.Session) (tenancy.Code, tenancy.EndReason) {
	c, linked := s.connections[session.ConnectionID]
	door := s.door(session.OrganizationID)
	switch {
	case !session.EndedAt.IsZero():
		return tenancy.ErrSessionEnded, session.EndReason
	case !s.users[session.UserID].SuspendedAt.IsZero():
		return tenancy.ErrSessionEnded, tenancy.EndedUser
	case !session.ConnectionID.IsZero() && (!linked || c.State != tenancy.ConnectionActive || c.SessionsEpoch != session.ConnectionEpoch):
		return tenancy.ErrSessionEnded, tenancy.EndedConnection
	case linked && c.OrganizationID != session.OrganizationID &&
		(!s.speaks(session) || !session.SelectedAt.After(s.door(c.OrganizationID).ended)):
		return tenancy.ErrSessionEnded, tenancy.EndedConnection
	case door != nil && !session.SelectedAt.After(door.ended):
		return tenancy.ErrSessionEnded, tenancy.EndedOrganization
	case !s.now.Before(session.ExpiresAt), !s.now.Before(session.LastSeenAt.Add(modelSessionIdle)):
		return tenancy.ErrSessionExpired, ""
	}
	return "", ""
}

// holding are the entries of a token's client that hold.
func (s *signInState) holding(t modelToken) []tenancy.Session {
	return slices.DeleteFunc(s.entries(t), func(session tenancy.Session) bool { code, _ := s.overBy(session); return code != "" })
}

// opens says what a token's bearer is told: nothing if an entry holds (M17).
func (s *signInState) opens(t modelToken) (tenancy.Code, tenancy.EndReason) {
	session := s.sessions[t.session]
	switch {
	case t.spent && t.session.IsZero() && len(s.entries(t)) == 0:
		return tenancy.ErrSessionEnded, tenancy.EndedNoEntry
	case t.spent:
		return tenancy.ErrSessionEnded, cmp.Or(session.EndReason, "token_replaced")
	case !s.now.Before(t.expires):
		return tenancy.ErrSessionExpired, ""
	case len(s.holding(t)) > 0:
		return "", ""
	case t.session.IsZero():
		return tenancy.ErrSessionEnded, tenancy.EndedNoEntry
	}
	return s.overBy(session)
}

// shown is the entry that a token opens, as its bearer sees it: the current one, or another one that
// is best not confined, without its organization.
func (s *signInState) shown(t modelToken) tenancy.Session {
	list := s.holding(t)
	if list[0].ID == t.session {
		return list[0]
	}
	shown := list[0]
	if i := slices.IndexFunc(list, func(session tenancy.Session) bool { return !session.Confined }); i >= 0 {
		shown = list[i]
	}
	shown.OrganizationID, shown.MembershipID = tenancy.OrganizationID{}, tenancy.MembershipID{}
	return shown
}

// tokenOf finds a token.
func (s *signInState) tokenOf(raw string) *modelToken {
	for i := range s.tokens {
		if s.tokens[i].raw == raw {
			return &s.tokens[i]
		}
	}
	return nil
}

// continued is the client that a sign-in adds an entry to, and its current entry; zero: it starts a
// session of its own. Its token is spent then.
func (s *signInState) continued(raw string, user tenancy.UserID) (client, current tenancy.SessionID) {
	t := s.tokenOf(raw)
	if t == nil || t.given.UserID != user {
		return client, current
	}
	if code, _ := s.opens(*t); code != "" {
		return client, current
	}
	t.spent = true
	return t.given.ClientID, t.session
}

// outlives reports whether the evidence of an entry is from after the client last lost one into an
// organization by what the people there did, or by not using it (S2, O3).
func (s *signInState) outlives(session tenancy.Session, org tenancy.OrganizationID) bool {
	for _, gone := range s.sessions {
		if gone.ClientID != session.ClientID || gone.OrganizationID != org {
			continue
		}
		unused := gone.LastSeenAt.Add(modelSessionIdle)
		if gone.EndedAt.IsZero() && !s.now.Before(unused) && unused.Before(gone.ProvedAt.Add(modelSessionFor)) && !session.ProvedAt.After(unused) {
			return false
		}
		if gone.EndedAt.IsZero() || session.ProvedAt.After(gone.EndedAt) {
			continue
		}
		switch gone.EndReason {
		case tenancy.EndedRevoked, tenancy.EndedDeactivated, tenancy.EndedRemoved:
			return false
		}
	}
	return true
}

// good gives an entry of a token that is live and not confined, if there is one: what linking and
// confirming want.
func (s *signInState) good(raw string) (tenancy.Session, bool) {
	t := s.tokenOf(raw)
	if t == nil {
		return tenancy.Session{}, false
	}
	if code, _ := s.opens(*t); code != "" {
		return tenancy.Session{}, false
	}
	for _, session := range s.holding(*t) {
		if !session.Confined && s.speaks(session) {
			return session, true
		}
	}
	return tenancy.Session{}, false
}

// speaks reports whether the connection that a session came through, if it did, can verify
// the person's address still (P6).
func (s *signInState) speaks(session tenancy.Session) bool {
	c, linked := s.connections[session.ConnectionID]
	return !linked || s.holds(c.OrganizationID, s.users[session.UserID].Email)
}

// barred says what keeps somebody out of an organization where they are no member, by themselves or by an
// address that another had who was removed, or is inactive (M5, M6); "": nothing.
func (s *signInState) barred(org tenancy.OrganizationID, user tenancy.User) tenancy.Code {
	if s.removals[modelPair{org, user.ID}] {
		return tenancy.ErrMembershipRemoved
	}
	code := tenancy.Code("")
	for pair, addresses := range s.addresses {
		switch {
		case pair.org != org || pair.user == user.ID || !slices.Contains(addresses, untagged(user.Email)):
		case s.removals[pair]:
			return tenancy.ErrMembershipRemoved
		case s.status(org, pair.user) == tenancy.MembershipInactive:
			code = tenancy.ErrMembershipInactive
		}
	}
	return code
}

// keep remembers addresses of a member.
func (s *signInState) keep(pair modelPair, addresses ...string) {
	held := slices.Clone(s.addresses[pair])
	for _, address := range addresses {
		if !slices.Contains(held, address) {
			held = append(held, address)
		}
	}
	s.addresses[pair] = held
}

// keepCurrent remembers the address of somebody who goes, or becomes inactive.
func (s *signInState) keepCurrent(pair modelPair) { s.keep(pair, proved(s.users[pair.user])...) }

// proved is the address that a user has proved, without its tag.
func proved(user tenancy.User) []string {
	if user.EmailVerifiedAt.IsZero() {
		return nil
	}
	return []string{untagged(user.Email)}
}

// moved remembers what somebody has proved and gives up, or proves.
func (s *signInState) moved(before, after tenancy.User) {
	had, has := proved(before), proved(after)
	if slices.Equal(had, has) {
		return
	}
	for _, door := range s.orgs {
		pair := modelPair{door.id, after.ID}
		status := s.status(door.id, after.ID)
		if s.removals[pair] || status == tenancy.MembershipInactive || status == tenancy.MembershipActive && len(had) > 0 {
			s.keep(pair, slices.Concat(had, has)...)
		}
	}
}

// seized is moved where somebody else has taken an account over: what is remembered of a member is of
// who had it before.
func (s *signInState) seized(before, after tenancy.User) {
	s.moved(before, after)
	maps.DeleteFunc(s.addresses, func(pair modelPair, _ []string) bool {
		return pair.user == after.ID && !s.removals[pair] && s.status(pair.org, pair.user) != tenancy.MembershipInactive
	})
}

// readmit forgets what kept somebody out, and others by their address.
func (s *signInState) readmit(org tenancy.OrganizationID, user tenancy.User) {
	if s.barred(org, user) == "" {
		return
	}
	delete(s.removals, modelPair{org, user.ID})
	for pair, addresses := range s.addresses {
		if pair.org != org || pair.user == user.ID || !slices.Contains(addresses, untagged(user.Email)) {
			continue
		}
		if s.removals[pair] {
			delete(s.removals, pair)
			delete(s.addresses, pair)
			continue
		}
		s.addresses[pair] = slices.DeleteFunc(slices.Clone(addresses), func(a string) bool { return a == untagged(user.Email) })
	}
}

func untagged(email string) string {
	local, domain, _ := strings.Cut(email, "@")
	local, _, _ = strings.Cut(local, "+")
	return local + "@" + domain
}
