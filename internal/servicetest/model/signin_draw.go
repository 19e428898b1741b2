package model

import (
	"cmp"
	"slices"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/tenancy"
)

// address draws one of few addresses, so that they meet: on the domains of acme and beta,
// and on nobody's.
func (m *signInMachine) address() string {
	return one(m, "address", "ann@acme.example", "bob@acme.example", "bob@acme-corp.example", "ann@acme-corp.example", "cyd@beta.example",
		"eve@mail.example", "dan@mail.example", "owner@acme.example")
}

// drawAttempt draws an attempt, and what the model reads in it.
func (m *signInMachine) drawAttempt() (tenancy.Attempt, modelAttempt) {
	email := m.address()
	in := modelAttempt{method: tenancy.MethodMagicLink, email: email, mailbox: email}
	var e tenancy.Evidence
	switch one(m, "by", "connection", "connection", "connection", "mail", "mail", "google", "password") {
	case "mail":
		e = tenancy.MailboxEvidence(email)
	case "google":
		in = modelAttempt{method: servicetest.Google, email: email, subject: one(m, "subject", "1", "2", "3", "4")}
		verified := one[any](m, "verified", true, true, false, "true", nil)
		in.vouched = verified == true
		e = servicetest.ByProvider(servicetest.Google, in.subject, email, verified).Evidence
	case "password":
		in = modelAttempt{method: tenancy.MethodPassword, credential: true, email: email, subject: one(m, "credential", "c1", "c2", "c3", "c4")}
		if m.rarely("no address", 3) {
			in.email = ""
		}
		e = tenancy.PasswordEvidence(in.subject, in.email)
	default:
		in, e = m.drawAssertion(email)
	}
	return m.wishes(e, in)
}

// drawAssertion draws what a connection asserts. The program may have read the connection
// before it was pointed elsewhere.
func (m *signInMachine) drawAssertion(email string) (modelAttempt, tenancy.Evidence) {
	c := m.drawConnection()
	in := modelAttempt{method: tenancy.MethodSingleSignOn, connection: c.ID, email: email, subject: one(m, "subject", "1", "2", "3", "4")}
	if c.Epoch > 1 && m.rarely("read before", 6) {
		c.Epoch--
	}
	in.epoch = c.Epoch
	said := one(m, "verified", nil, nil, servicetest.Ptr(true), servicetest.Ptr(false))
	if in.vouched = said == nil || *said; in.vouched && m.rarely("no address", 8) {
		in.email, in.vouched = "", false
	}
	if known := m.s.subjectsAt(c.ID); len(known) > 0 && rapid.Bool().Draw(m.rt, "known there") {
		in.subject = one(m, "known subject", known...)
	}
	return in, tenancy.ConnectionEvidence(c, tenancy.Assertion{Subject: in.subject, Email: in.email, EmailVerified: said})
}

// wishes adds a second proof, a second factor, and where to.
func (m *signInMachine) wishes(e tenancy.Evidence, in modelAttempt) (tenancy.Attempt, modelAttempt) {
	if in.mailbox == "" && m.rarely("a mailbox, too", 4) {
		in.mailbox = m.address()
		if in.email != "" && !m.rarely("another", 4) {
			in.mailbox = in.email
		}
		e = e.WithMailbox(in.mailbox)
		if in.email == "" {
			in.email = in.mailbox
		}
	}
	if in.second = m.rarely("a second factor", 4); in.second {
		e = e.WithSecondFactor()
	}
	if rapid.Bool().Draw(m.rt, "somewhere") {
		in.org = m.drawOrg()
	}
	in.later = m.rarely("choose later", 6)
	return tenancy.Attempt{Evidence: e, OrganizationID: in.org, ChooseLater: in.later}, in
}

// subjectsAt are the subjects that are linked at a connection, first those of users whose
// address it had proved: it may move that (U10).
func (s *signInState) subjectsAt(id tenancy.ConnectionID) (list []string) {
	for _, i := range sorted(s.identities, identityID, func(i tenancy.Identity) bool { return i.Provider == id.String() }) {
		if s.users[i.UserID].EmailProvedBy == i.Provider {
			list = slices.Insert(list, 0, i.Subject)
		} else {
			list = append(list, i.Subject)
		}
	}
	return list
}

// drawOrg draws an organization, or sometimes one that is not there.
func (m *signInMachine) drawOrg() tenancy.OrganizationID {
	if m.rarely("no organization", 20) {
		return servicetest.Nowhere
	}
	return pick(m, "organization", m.s.orgs...).id
}

// unconnected is the id of a connection that is not there.
var unconnected = tenancy.ConnectionID(servicetest.Nothing)

// drawConnection draws a connection, or sometimes one that is not there. Those that people
// can sign in by come first, and so more often.
func (m *signInMachine) drawConnection() tenancy.Connection {
	list := m.s.connectionsOf(tenancy.OrganizationID{})
	slices.SortStableFunc(list, func(a, b tenancy.Connection) int { return cmp.Compare(a.State, b.State) })
	if len(list) == 0 || m.rarely("no connection", 20) {
		return tenancy.Connection{ID: unconnected, Epoch: 1}
	}
	return pick(m, "connection", list...)
}

// drawUser draws a user, or sometimes nobody.
func (m *signInMachine) drawUser() tenancy.User {
	if m.rarely("no user", 20) {
		return tenancy.User{ID: servicetest.Nobody}
	}
	return pick(m, "user", sorted(m.s.users, userID, all)...)
}

// drawToken draws a token: most often one of the last, and one that opens something.
func (m *signInMachine) drawToken() modelToken {
	tokens := slices.Clone(m.s.tokens)
	if len(tokens) == 0 {
		return modelToken{}
	}
	if !m.rarely("any token", 4) {
		if live := slices.DeleteFunc(slices.Clone(tokens), func(t modelToken) bool { code, _ := m.s.opens(t); return code != "" }); len(live) > 0 {
			tokens = live
		}
	}
	return pick(m, "token", tokens[max(0, len(tokens)-8):]...)
}

// sameOutcome compares a decision with the one that is due.
func (m *signInMachine) sameOutcome(want modelOutcome, d tenancy.Decision, err error) {
	m.rt.Helper()
	got := modelOutcome{
		err: tenancy.CodeOf(err), kind: d.Kind, code: d.Code, reason: d.Reason, org: d.OrganizationID, methods: d.Methods,
		user: d.User.ID, created: d.Created, linked: d.Linked, tookOver: d.TookOver, session: bare(d.Session), pending: !d.Pending.IsZero(),
	}
	for _, c := range d.Connections {
		got.connections = append(got.connections, c.ID)
	}
	for _, member := range d.Choices {
		got.choices = append(got.choices, member.OrganizationID)
	}
	for _, org := range d.Suggested {
		got.suggested = append(got.suggested, org.ID)
	}
	if d.Member != nil {
		got.joined = d.Member.OrganizationID
	}
	if d.JoinRefused != nil {
		got.refused, got.refusedCode = d.JoinRefused.Organization.ID, d.JoinRefused.Code
	}
	sortedIDs(got.choices)
	require.Equal(m.rt, want, got, "%v", err)
	require.Equal(m.rt, got.kind == tenancy.DecisionSignedIn, !d.Token.IsZero())
}

// bare is a session without what the model does not follow.
func bare(s tenancy.Session) tenancy.Session {
	s.Version, s.UpdatedAt = 0, time.Time{}
	return s
}
