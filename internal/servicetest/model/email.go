package model

import (
	"strings"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/freehold-dev/freehold/tenancy"
)

// modelRemembered is how long a token that ran out can still say so (G10).
const modelRemembered = 30 * 24 * time.Hour

// spendAll makes the proofs of a user useless; those of long ago are forgotten.
func (s *modelState) spendAll(id tenancy.UserID) {
	for i, proof := range s.proofs {
		if proof.user != id {
			continue
		}
		s.proofs[i].spent = true
	}
}

// changeEmail is U5.
func (m *machine) changeEmail() {
	id := m.anyUser()
	user, why := m.s.users[id], m.s.person(id)
	address, ok := m.email()
	why.when(!ok, tenancy.ErrInvalid)
	tooMany := func(sent sentMails) bool {
		return sent.tooMany(id, strings.ToLower(address), m.s.now, modelMails, modelAddressMails)
	}
	sure, perhaps := tooMany(m.s.sent.certain()), tooMany(m.s.sent)
	why.when(sure, tenancy.ErrRateLimited)
	got, err := m.svc.Users.ChangeEmail(m.ctx, id, address)
	if perhaps && !sure && tenancy.CodeOf(err) == tenancy.ErrRateLimited {
		return
	}
	if m.refused(err, why...) {
		return
	}
	expires := m.s.now.Add(modelProofFor)
	require.Equal(m.rt, tenancy.EmailProof{Email: address, Token: got.Token, ExpiresAt: expires}, got)
	m.s.spendAll(id)
	m.s.sent = m.s.sent.with(sentMail{user: id, address: strings.ToLower(address), at: m.s.now})
	m.s.proofs = append(m.s.proofs, modelProof{
		token: got.Token.Reveal(), user: id, address: strings.ToLower(address), expires: expires,
	})
	if user.PendingEmail == address { // nothing about the user is new, but there is a new proof
		m.s.emit(tenancy.EventUserEmailChangeRequested, tenancy.OrganizationID{}, id, id, user)
		return
	}
	user.PendingEmail = address
	m.s.saveUser(user, tenancy.EventUserEmailChangeRequested)
}

func (m *machine) cancelEmail() {
	id := m.anyUser()
	user, why := m.s.users[id], m.s.person(id)
	got, err := m.svc.Users.CancelEmailChange(m.ctx, id)
	if m.refused(err, why...) {
		return
	}
	m.s.spendAll(id)
	user.PendingEmail = ""
	require.Equal(m.rt, m.s.saveUser(user, tenancy.EventUserEmailChangeCanceled), got)
}

// confirm brings any token that there ever was, or a false one (G10).
func (m *machine) confirm() {
	if len(m.s.proofs) == 0 || m.rarely("false token", 10) {
		token := draw(m, "token", "", "emailproof_", "emailproof_"+strings.Repeat("a", 58))
		_, err := m.svc.Users.ConfirmEmail(m.ctx, tenancy.EmailConfirmation{Token: token})
		m.refused(err, tenancy.ErrInvalidToken)
		return
	}
	recent := m.s.proofs[max(0, len(m.s.proofs)-6):]
	at := rapid.IntRange(0, len(recent)-1).Draw(m.rt, "proof")
	proof := &recent[at]
	user := m.s.users[proof.user]
	var why reasons
	switch holder := m.s.holder(proof.address); {
	case proof.gone:
		why = reasons{tenancy.ErrInvalidToken}
	case proof.spent:
		why = reasons{tenancy.ErrTokenUsed}
	case !m.s.now.Before(proof.expires):
		why = reasons{tenancy.ErrTokenExpired}
	case !holder.IsZero() && holder != proof.user:
		why = reasons{tenancy.ErrAlreadyExists}
	}
	moves, svc := user.EmailKey != proof.address, m.svc
	signedIn := user.SuspendedAt.IsZero() && user.MergedInto.IsZero() && !user.ID.IsZero() && rapid.Bool().Draw(m.rt, "signed in")
	if signedIn { // by the host's own session
		svc = m.svc.As(tenancy.UserPrincipal(user.ID))
	} else if len(why) == 0 || why[0] == tenancy.ErrAlreadyExists {
		why = nil
		why.when(moves && user.SuspendedAt.IsZero(), tenancy.ErrSignInRequired) // U5
		why.when(!user.SuspendedAt.IsZero(), tenancy.ErrForbidden)
	}
	removed := m.removalsOf(user.ID)
	got, err := svc.Users.ConfirmEmail(m.ctx, tenancy.EmailConfirmation{Token: proof.token})
	if m.refused(err, why...) {
		return
	}
	got.LastSignInAt = user.LastSignInAt // not for themselves (U2)
	proof.spent = true
	done := len(m.s.log)
	defer func() { // G12: it is they who do it
		for i := range m.s.log[done:] {
			m.s.log[done+i].actor = tenancy.Actor{Kind: tenancy.ActorUser, ID: user.ID.String()}
		}
	}()
	first, before := user.EmailVerifiedAt.IsZero(), user
	if first { // U4: whoever set the account up is out
		for _, identity := range m.s.identitiesOf(user.ID) {
			m.s.drop(identity)
		}
		m.s.spendAll(user.ID)
	}
	kind := tenancy.EventUserEmailVerified
	if moves {
		kind = tenancy.EventUserEmailChanged
	}
	if moves || first {
		user.EmailVerifiedAt = m.s.now
	}
	user.Email, user.EmailKey, user.PendingEmail, user.EmailProvedBy = user.PendingEmail, proof.address, "", tenancy.EmailProvedByMail
	require.Equal(m.rt, m.s.saveUser(user, kind), got)
	switch {
	case moves:
		m.s.tellMoved(before, user)
	case first && !signedIn:
		m.s.readmitted(removed)
		m.s.archiveFounded(before)
	}
}

// removalsOf are those that organizations remember of a user: the model does not know them by itself.
func (m *machine) removalsOf(user tenancy.UserID) (list []tenancy.Removal) {
	for id := range m.s.orgs {
		for r, err := range m.svc.Memberships.AllRemoved(m.ctx, id, tenancy.RemovalQuery{}) {
			require.NoError(m.rt, err)
			if r.UserID == user {
				list = append(list, r)
			}
		}
	}
	return list
}

// readmitted is M6: where an account left ends with a takeover, for who left was somebody else.
func (s *modelState) readmitted(removed []tenancy.Removal) {
	for _, r := range removed {
		if !r.Left {
			continue
		}
		s.emit(tenancy.EventMembershipReadmitted, r.OrganizationID, r.UserID, r.ID, r)
	}
}

// tellMoved is U9: the organizations of a person have an event of their new address.
func (s *modelState) tellMoved(before, user tenancy.User) {
	for _, member := range s.membersOf(user.ID) {
		if member.Status != tenancy.MembershipPending {
			s.emit(tenancy.EventMembershipEmailChanged, member.OrganizationID, user.ID, member.ID,
				map[string]any{"id": member.ID, "email": user.Email}).previous = jsonFields(map[string]any{"email": before.Email})
		}
	}
}

// archiveFounded is U5: what an account made for itself alone before anybody had proved
// its address goes into the archive.
func (s *modelState) archiveFounded(user tenancy.User) {
	if user.EmailProvedBy != "" {
		return
	}
	for _, member := range s.membersOf(user.ID) {
		org := s.orgs[member.OrganizationID]
		alone := len(s.membersWhere(func(m modelMember) bool { return m.OrganizationID == org.ID && m.active() })) == 1
		if member.JoinedVia == tenancy.JoinedCreated && member.active() && alone && org.ArchivedAt.IsZero() {
			org.ArchivedAt, org.SessionsEndedAt = s.now, sessionsEnd(org, s.now)
			s.saveOrg(org, tenancy.EventOrganizationArchived)
		}
	}
}
