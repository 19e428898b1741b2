package servicetest

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
		s.proofs[i].gone = proof.gone || proof.expires.Before(s.now.Add(-modelRemembered))
	}
}

// changeEmail is U5.
func (m *machine) changeEmail() {
	id := m.anyUser()
	user, why := m.s.users[id], m.s.person(id)
	address, ok := m.email()
	why.when(!ok, tenancy.ErrInvalid)
	got, err := m.svc.Users.ChangeEmail(m.ctx, id, address)
	if m.refused(err, why...) {
		return
	}
	expires := m.s.now.Add(modelProofFor)
	require.Equal(m.rt, tenancy.EmailProof{Email: address, Token: got.Token, ExpiresAt: expires}, got)
	m.s.spendAll(id)
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
		_, err := m.svc.Users.ConfirmEmail(m.ctx, token)
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
	got, err := m.svc.Users.ConfirmEmail(m.ctx, proof.token)
	if m.refused(err, why...) {
		return
	}
	proof.spent = true
	if user.EmailVerifiedAt.IsZero() { // U4: whoever set the account up is out
		for _, identity := range m.s.identitiesOf(user.ID) {
			m.s.drop(identity)
		}
		m.s.spendAll(user.ID)
	}
	kind := tenancy.EventUserEmailChanged
	if user.EmailKey == proof.address {
		kind = tenancy.EventUserEmailVerified
	}
	if kind == tenancy.EventUserEmailChanged || user.EmailVerifiedAt.IsZero() {
		user.EmailVerifiedAt = m.s.now
	}
	user.Email, user.EmailKey, user.PendingEmail = user.PendingEmail, proof.address, ""
	require.Equal(m.rt, m.s.saveUser(user, kind), got)
}
