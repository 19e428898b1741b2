package model

import (
	"slices"
	"strings"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/tenancy"
)

func (m *machine) identityOperations() map[string]operation {
	return map[string]operation{
		"link":    {weight: 2, do: m.linkIdentity},
		"unlink":  {weight: 1, do: m.unlink},
		"resolve": {weight: 3, do: m.resolve},
	}
}

// drawIdentity draws a way to sign in: few, so that they meet.
func (m *machine) drawIdentity() (in tenancy.NewIdentity, ok bool) {
	in.Provider = draw(m, "provider", "google", "passkey")
	in.Subject = draw(m, "subject", "1", "2", "3", "4")
	ok = true
	if rapid.Bool().Draw(m.rt, "tells email") {
		in.Email, ok = m.email()
		ok = ok || in.Email == ""
	}
	in.EmailVerified = rapid.Bool().Draw(m.rt, "proved")
	if m.rarely("bad identity", 25) {
		in.Provider, ok = "No Provider", false
	}
	return in, ok && (in.Email != "" || !in.EmailVerified)
}

// known finds an identity by its key (U4).
func (s *modelState) known(in tenancy.NewIdentity) (tenancy.Identity, bool) {
	for _, identity := range s.identities {
		if identity.Provider == in.Provider && identity.Subject == in.Subject {
			return identity, true
		}
	}
	return tenancy.Identity{}, false
}

// linkTo gives an identity to a user, or brings it up to date.
func (s *modelState) linkTo(id tenancy.UserID, fresh tenancy.IdentityID, in tenancy.NewIdentity) tenancy.Identity {
	was, known := s.known(in)
	next := was
	next.Email, next.EmailVerified = in.Email, in.EmailVerified
	if !known {
		next = tenancy.Identity{
			ID: fresh, Version: 1, UserID: id, Provider: in.Provider, Subject: in.Subject,
			Email: in.Email, EmailVerified: in.EmailVerified, CreatedAt: s.now, UpdatedAt: s.now,
		}
		s.identities[fresh] = next
		s.emit(tenancy.EventIdentityLinked, tenancy.OrganizationID{}, id, fresh, next)
		return next
	}
	old := changed(was, next)
	if old == nil {
		return was
	}
	next.Version++
	next.UpdatedAt = s.now
	s.identities[next.ID] = next
	s.emit(tenancy.EventIdentityUpdated, tenancy.OrganizationID{}, id, next.ID, next).previous = old
	return next
}

func (m *machine) linkIdentity() {
	id := m.anyUser()
	in, ok := m.drawIdentity()
	why := m.s.person(id)
	was, known := m.s.known(in)
	why.when(!ok || !known && len(m.s.identitiesOf(id)) >= modelIdentities, tenancy.ErrInvalid)
	why.when(known && was.UserID != id, tenancy.ErrAlreadyExists)
	got, err := m.svc.Identities.Link(m.ctx, id, in)
	if !m.refused(err, why...) {
		require.Equal(m.rt, m.s.linkTo(id, got.ID, in), got)
	}
}

func (m *machine) unlink() {
	id, identity := m.anyUser(), servicetest.Nothing
	if list := sorted(m.s.identities, identityID, all); len(list) > 0 {
		one := draw(m, "identity", list...)
		identity = one.ID
		if !m.rarely("somebody else's", 4) {
			id = one.UserID
		}
	}
	was, known := m.s.identities[identity]
	var why reasons
	why.when(!known || was.UserID != id, tenancy.ErrNotFound)
	if !m.refused(m.svc.Identities.Unlink(m.ctx, id, identity), why...) {
		m.s.drop(was)
	}
}

func (s *modelState) drop(identity tenancy.Identity) {
	delete(s.identities, identity.ID)
	s.emit(tenancy.EventIdentityUnlinked, tenancy.OrganizationID{}, identity.UserID, identity.ID, identity)
}

// resolve is U4.
func (m *machine) resolve() {
	in, ok := m.drawIdentity()
	was, known := m.s.known(in)
	user := m.s.users[was.UserID]
	var why reasons
	why.when(!ok, tenancy.ErrInvalid)
	takesOver := false
	if !known {
		holder := m.s.holder(strings.ToLower(in.Email))
		user = m.s.users[holder]
		takesOver = user.EmailVerifiedAt.IsZero()
		there := in.Email != "" && !holder.IsZero()
		why.when(!there, tenancy.ErrNotFound)
		why.when(there && !in.EmailVerified, tenancy.ErrEmailNotVerified)
		conflict := slices.ContainsFunc(m.s.identitiesOf(holder), func(i tenancy.Identity) bool { return i.Provider == in.Provider })
		why.when(there && in.EmailVerified && !takesOver && conflict, tenancy.ErrIdentityConflict)
		why.when(there && !takesOver && len(m.s.identitiesOf(holder)) >= modelIdentities, tenancy.ErrInvalid)
	}
	removed := m.removalsOf(user.ID)
	got, err := m.svc.Identities.Resolve(m.ctx, in)
	if m.refused(err, why...) {
		return
	}
	if takesOver {
		for _, identity := range m.s.identitiesOf(user.ID) {
			m.s.drop(identity)
		}
		m.s.spendAll(user.ID)
		before := user
		user.EmailVerifiedAt, user.EmailProvedBy, user.PendingEmail = m.s.now, in.Provider, ""
		user = m.s.saveUser(user, tenancy.EventUserEmailVerified)
		m.s.readmitted(removed)
		m.s.archiveFounded(before)
	}
	identity := m.s.linkTo(user.ID, got.Identity.ID, in)
	require.Equal(m.rt, tenancy.Resolution{User: user, Identity: identity, Linked: !known, TookOver: takesOver}, got)
}
