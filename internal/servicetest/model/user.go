package model

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/tenancy"
)

func (m *machine) userOperations() map[string]operation {
	return map[string]operation{
		"createUser":  {weight: 5, do: m.createUser},
		"updateUser":  {weight: 3, do: m.updateUser},
		"suspendUser": {weight: 2, do: m.suspendUser},
		"signIn":      {weight: 1, do: m.signIn},
		"changeEmail": {weight: 2, do: m.changeEmail},
		"cancelEmail": {weight: 1, do: m.cancelEmail},
		"confirm":     {weight: 3, do: m.confirm},
		"merge":       {weight: 3, do: m.merge},
		"deleteUser":  {weight: 1, do: m.deleteUser},
		"eraseUser":   {weight: 1, do: m.eraseUser},
	}
}

// saveUser keeps a changed user, with the event, and what memberships carry of them.
func (s *modelState) saveUser(user tenancy.User, kind tenancy.EventType) tenancy.User {
	user.NameKey = strings.ToLower(user.Name())
	old := changed(s.users[user.ID], user)
	if old == nil {
		return s.users[user.ID]
	}
	user.Version++
	user.UpdatedAt = s.now
	s.users[user.ID] = user
	s.emit(kind, tenancy.OrganizationID{}, user.ID, user.ID, user).previous = old
	for _, member := range s.membersOf(user.ID) {
		if next := s.keys(member); next.NameKey != member.NameKey || next.EmailKey != member.EmailKey || next.UserSuspended != member.UserSuspended { // G12, G8, M9
			next.Version++
			s.members[modelPair{member.OrganizationID, user.ID}] = next
		}
	}
	return user
}

// holder finds the user who has an address, or the zero id.
func (s *modelState) holder(canonical string) tenancy.UserID {
	for id, user := range s.users {
		if user.EmailKey == canonical {
			return id
		}
	}
	return tenancy.UserID{}
}

func (s *modelState) externalIDTaken(self tenancy.UserID, externalID string) bool {
	for id, user := range s.users {
		if id != self && externalID != "" && user.ExternalID == externalID {
			return true
		}
	}
	return false
}

func (m *machine) createUser() {
	var in tenancy.NewUser
	var why reasons
	var ok [4]bool
	in.Email, ok[0] = m.email()
	in.ExternalID, ok[1] = m.externalID()
	in.DisplayName, ok[2] = draw(m, "nameless", "", "x"), true
	if in.DisplayName != "" {
		in.DisplayName, ok[2] = m.name("name")
	}
	patch, isPatch := m.patch("metadata")
	in.Metadata, ok[3] = whole(patch), isPatch
	in.EmailVerified = rapid.Bool().Draw(m.rt, "verified")
	in.GivenName = fmt.Sprintf("Given%dz", m.done)
	in.Picture = draw(m, "picture", "", "", "https://acme.example/p.png", "http://acme.example/p.png")
	in.Locale = draw(m, "locale", "", "de-AT")
	in.ID = m.chosen(func() [16]byte { return m.anyUser() })
	_, exists := m.s.users[in.ID]
	why.when(ok != [4]bool{true, true, true, true} || strings.HasPrefix(in.Picture, "http:"), tenancy.ErrInvalid)
	why.when(exists || ok[0] && !m.s.holder(strings.ToLower(in.Email)).IsZero() || m.s.externalIDTaken(in.ID, in.ExternalID),
		tenancy.ErrAlreadyExists) // U2
	got, err := m.svc.Users.Create(m.ctx, in)
	if m.refused(err, why...) {
		return
	}
	want := tenancy.User{
		ID: cmp.Or(in.ID, got.ID), Version: 1, Email: in.Email, GivenName: in.GivenName, DisplayName: in.DisplayName,
		Picture: in.Picture, Locale: in.Locale, Metadata: in.Metadata, ExternalID: in.ExternalID,
		CreatedAt: m.s.now, UpdatedAt: m.s.now, EmailKey: strings.ToLower(in.Email),
	}
	want.NameKey = strings.ToLower(want.Name())
	if in.EmailVerified {
		want.EmailVerifiedAt, want.EmailProvedBy = m.s.now, tenancy.EmailProvedByHost
	}
	require.Equal(m.rt, want, got)
	m.s.users[want.ID] = want
	m.s.emit(tenancy.EventUserCreated, tenancy.OrganizationID{}, want.ID, want.ID, want)
}

func (m *machine) updateUser() {
	id := m.anyUser()
	user, why := m.s.users[id], m.s.person(id)
	var in tenancy.UserUpdate
	var stale bool
	in.Version, stale = m.version(user.Version)
	why.when(stale, tenancy.ErrConflict)
	name, isName := draw(m, "clear name", "", "x"), true
	if name != "" {
		name, isName = m.name("name")
	}
	ext, isExt := m.externalID()
	in.DisplayName, in.ExternalID = optional(m, "name", name), optional(m, "external id", ext)
	why.when(in.DisplayName != nil && !isName || in.ExternalID != nil && !isExt, tenancy.ErrInvalid)
	why.when(in.ExternalID != nil && m.s.externalIDTaken(id, ext), tenancy.ErrAlreadyExists)
	patch, isPatch := m.patch("metadata")
	in.Metadata = patch
	why.when(!isPatch, tenancy.ErrInvalid)
	in.EmailVerified = optional(m, "verified", rapid.Bool().Draw(m.rt, "verified"))
	got, err := m.svc.Users.Update(m.ctx, id, in)
	if m.refused(err, why...) {
		return
	}
	set(&user.DisplayName, in.DisplayName)
	set(&user.ExternalID, in.ExternalID)
	user.Metadata = patched(user.Metadata, patch)
	switch {
	case in.EmailVerified == nil:
	case !*in.EmailVerified && !user.EmailVerifiedAt.IsZero():
		user.EmailVerifiedAt, user.EmailProvedBy = time.Time{}, tenancy.EmailProvedByHost
	case *in.EmailVerified && user.EmailVerifiedAt.IsZero():
		user.EmailVerifiedAt, user.EmailProvedBy = m.s.now, tenancy.EmailProvedByHost
	}
	require.Equal(m.rt, m.s.saveUser(user, tenancy.EventUserUpdated), got)
}

func (m *machine) suspendUser() {
	id := m.anyUser()
	user, why := m.s.users[id], m.s.person(id)
	do, kind := m.svc.Users.Suspend, tenancy.EventUserSuspended
	if draw(m, "unsuspend", false, false, true) {
		do, kind = m.svc.Users.Unsuspend, tenancy.EventUserUnsuspended
		user.SuspendedAt = time.Time{}
	} else if user.SuspendedAt.IsZero() {
		user.SuspendedAt = m.s.now
	}
	got, err := do(m.ctx, id)
	if !m.refused(err, why...) {
		require.Equal(m.rt, m.s.saveUser(user, kind), got)
	}
}

// signIn is G12: no event, no version.
func (m *machine) signIn() {
	pair := m.anyPair()
	_, inOrg := m.s.members[pair]
	if rapid.Bool().Draw(m.rt, "nowhere") {
		pair.org = tenancy.OrganizationID{}
	}
	why := m.s.person(pair.user)
	why.when(!pair.org.IsZero() && !inOrg, tenancy.ErrNotFound)
	if m.refused(m.svc.Users.RecordSignIn(m.ctx, pair.user, pair.org), why...) {
		return
	}
	user := m.s.users[pair.user]
	user.LastSignInAt = m.s.now
	m.s.users[pair.user] = user
	if !pair.org.IsZero() {
		member := m.s.members[pair]
		member.LastSignInAt = m.s.now
		m.s.members[pair] = member
	}
}

// mayGo are the reasons why a user cannot be deleted (U7).
func (m *machine) mayGo(id tenancy.UserID) reasons {
	why := m.s.person(id)
	members := m.s.membersOf(id)
	why.when(len(members) > modelDeleteLimit, tenancy.ErrTooLarge)
	why.when(slices.ContainsFunc(members, func(member modelMember) bool { return m.s.lastOwner(member, nil) }), tenancy.ErrLastOwner)
	return why
}

func (m *machine) deleteUser() {
	id := m.anyUser()
	if !m.refused(m.svc.Users.Delete(m.ctx, id), m.mayGo(id)...) {
		m.s.goAway(id)
	}
}

// goAway removes a user and all that is theirs (U7). Those who were merged into them
// still say so.
func (s *modelState) goAway(id tenancy.UserID) {
	user, members := s.users[id], s.membersOf(id)
	for _, member := range members {
		s.emitMember(tenancy.EventMembershipRemoved, member)
	}
	removed := s.dropAll(members)
	removed.Identities = len(s.identitiesOf(id))
	s.emit(tenancy.EventUserDeleted, tenancy.OrganizationID{}, id, id, struct {
		tenancy.User
		Removed modelRemoved `json:"removed"`
	}{user, removed})
	for _, identity := range s.identitiesOf(id) {
		delete(s.identities, identity.ID)
	}
	for i, proof := range s.proofs {
		s.proofs[i].gone = proof.gone || proof.user == id
	}
	delete(s.users, id)
}

// eraseUser is U7: afterwards no event says anything about the person, or about those
// who were merged into them.
func (m *machine) eraseUser() {
	id := m.anyUser()
	if id == servicetest.Nobody && m.depth == 0 { // in a transaction the log does not tell of it yet
		id = m.formerUser()
	}
	_, here := m.s.users[id]
	why := m.mayGo(id)
	if !here {
		why = nil
		why.when(!slices.ContainsFunc(m.s.log, func(e modelEvent) bool { return e.user == id }), tenancy.ErrNotFound)
	}
	if m.refused(m.svc.Users.Erase(m.ctx, id), why...) {
		return
	}
	if here {
		m.s.goAway(id)
	}
	m.s.sent = m.s.sent.perhaps()
	if m.s.redact(append(slices.Clone(m.s.former[id]), id)) {
		m.s.emit(tenancy.EventUserErased, tenancy.OrganizationID{}, id, id, nil).redacted = true
	}
	for other, buried := range m.s.users {
		if buried.MergedInto == id {
			delete(m.s.users, other)
		}
	}
}

// redact empties the events about people, and says whether there were any left to empty.
func (s *modelState) redact(people []tenancy.UserID) (changed bool) {
	about := func(e modelEvent) bool {
		return slices.ContainsFunc(people, func(p tenancy.UserID) bool { return e.user == p || slices.Contains(e.people, p) })
	}
	for i, e := range s.log {
		if e.redacted || !about(e) {
			continue
		}
		changed = true
		s.log[i].redacted, s.log[i].got.Redacted = true, true
		s.log[i].got.Data, s.log[i].got.Previous, s.log[i].got.Person = nil, nil, tenancy.EventPerson{}
	}
	return changed
}

// formerUser takes a user of whom only events are left.
func (m *machine) formerUser() tenancy.UserID {
	var ids []tenancy.UserID
	for _, e := range m.s.log {
		if _, here := m.s.users[e.user]; !here && !e.user.IsZero() && !slices.Contains(ids, e.user) {
			ids = append(ids, e.user)
		}
	}
	if len(ids) == 0 {
		return servicetest.Nobody
	}
	return draw(m, "former user", ids...)
}
