package model

import (
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/freehold-dev/freehold/tenancy"
)

// managed is U9: an address on a domain whose policy binds its people stays on that
// organization's domains.
func (s *signInState) managed(user tenancy.User, to string) bool {
	holder := s.holder(user.Email)
	if holder == nil || s.holds(holder.id, to) {
		return false
	}
	rule := s.policies[holder.id].Domain
	return len(rule.Methods) > 0 || !rule.ConnectionID.IsZero() || rule.SecondFactor
}

// changeEmail asks for a proof: the host for anybody, or people for themselves.
func (m *signInMachine) changeEmail() {
	user, address := m.drawUser(), m.address()
	if t := m.drawToken(); t.raw != "" && rapid.Bool().Draw(m.rt, "somebody with a session") {
		user = m.s.users[t.given.UserID]
	}
	if m.rarely("the same", 3) && user.Email != "" {
		address = user.Email
	}
	_, there := m.s.users[user.ID]
	asks := there && user.SuspendedAt.IsZero() && rapid.Bool().Draw(m.rt, "asks")
	svc := m.svc
	var why reasons
	why.when(!there, tenancy.ErrNotFound)
	why.when(m.s.sent.tooMany(user.ID, address, m.s.now, modelMails, modelMailsToAddress), tenancy.ErrRateLimited)
	if asks {
		svc = m.svc.As(tenancy.UserPrincipal(user.ID))
		why.when(m.s.managed(user, address), tenancy.ErrEmailManaged)
	}
	got, err := svc.Users.ChangeEmail(m.ctx, user.ID, address)
	if m.fails(err, why...) {
		return
	}
	m.s.spendMails(user.ID)
	m.s.sent = m.s.sent.with(sentMail{user: user.ID, address: address, at: m.s.now})
	m.s.mails = append(m.s.mails, modelMail{
		raw: got.Token.Reveal(), user: user.ID, address: address, asked: asks, expires: m.s.now.Add(modelMailFor),
	})
	user.PendingEmail = address
	m.s.users[user.ID] = user
}

// confirm opens the link of a mail: signed in nowhere, or in a session of anybody's (U5).
func (m *signInMachine) confirm() {
	if len(m.s.mails) == 0 {
		return
	}
	recent := m.s.mails[max(0, len(m.s.mails)-4):]
	i := len(m.s.mails) - len(recent) + rapid.IntRange(0, len(recent)-1).Draw(m.rt, "mail")
	mail := m.s.mails[i]
	in := tenancy.EmailConfirmation{Token: mail.raw}
	if !m.rarely("signed in nowhere", 3) {
		in.Session = m.drawSessionOf(mail.user)
	}
	session, signedIn := m.s.good(in.Session)
	signedIn = signedIn && session.UserID == mail.user
	user := m.s.users[mail.user]
	moves := user.Email != mail.address
	_, taken := m.s.userAt(mail.address)
	var why reasons
	switch {
	case mail.spent:
		why.when(true, tenancy.ErrTokenUsed)
	case !m.s.now.Before(mail.expires):
		why.when(true, tenancy.ErrTokenExpired)
	case !user.SuspendedAt.IsZero():
		why.when(true, tenancy.ErrForbidden)
	case moves && !signedIn:
		why.when(true, tenancy.ErrSignInRequired)
	case moves:
		why.when(taken, tenancy.ErrAlreadyExists)
		why.when(mail.asked && m.s.managed(user, mail.address), tenancy.ErrEmailManaged)
	}
	got, err := m.svc.Users.ConfirmEmail(m.ctx, in)
	if m.fails(err, why...) {
		return
	}
	m.s.mails[i].spent = true
	kept := tenancy.Session{}
	if signedIn {
		kept = session
	}
	m.s.confirmed(user, mail.address, kept)
	require.Equal(m.rt, m.s.users[user.ID], accountOf(got))
}

// confirmed: where the address moves, all other sessions end; where it is the first
// proof, so does all else from before.
func (s *signInState) confirmed(user tenancy.User, address string, kept tenancy.Session) {
	moves, first := user.Email != address, user.EmailVerifiedAt.IsZero()
	before := user
	if !moves && first {
		after := s.takeOver(user, tenancy.EmailProvedByMail, kept.IdentityID, kept.ID)
		if kept.ID.IsZero() { // by somebody else than who made the account
			s.seized(before, after)
		} else {
			s.moved(before, after)
		}
		return
	}
	if moves {
		s.end(tenancy.EndedEmailChanged, func(other tenancy.Session) bool {
			return other.UserID == user.ID && (kept.ID.IsZero() || other.ClientID != kept.ClientID)
		})
		user.EmailVerifiedAt = s.now
		s.voidPendings(user.ID)
	}
	if moves && first {
		s.expel(user.ID, kept.IdentityID)
		s.end(tenancy.EndedTakenOver, func(other tenancy.Session) bool { return other.UserID == user.ID && other.ID != kept.ID })
	}
	user.Email, user.EmailProvedBy, user.PendingEmail = address, tenancy.EmailProvedByMail, ""
	s.users[user.ID] = user
	s.moved(before, user)
}

// drawSessionOf draws the token of a session: most often of a user's own.
func (m *signInMachine) drawSessionOf(user tenancy.UserID) string {
	var own []modelToken
	for _, t := range m.s.tokens {
		if _, good := m.s.good(t.raw); good && t.given.UserID == user {
			own = append(own, t)
		}
	}
	if len(own) == 0 || m.rarely("of anybody", 6) {
		return m.drawToken().raw
	}
	return pick(m, "own session", own...).raw
}

// accountOf is what the model follows of a user.
func accountOf(u tenancy.User) tenancy.User {
	return tenancy.User{
		ID: u.ID, Email: u.Email, EmailVerifiedAt: u.EmailVerifiedAt, EmailProvedBy: u.EmailProvedBy, PendingEmail: u.PendingEmail,
		SuspendedAt: u.SuspendedAt,
	}
}
