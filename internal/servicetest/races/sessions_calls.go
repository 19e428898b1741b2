package races

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/tenancy"
)

// raceOp is a call that goroutines make, how often, and the codes that rules give for it.
// Any other code is a finding: a conflict, for instance, means that a lock is missing.
type raceOp struct {
	name   string
	weight int
	do     func(r *sessionRound, random *rand.Rand, a *raceAct) error
	codes  []tenancy.Code
}

var raceOps = []raceOp{
	{"sign in through a connection", 12, (*sessionRound).signInThrough, []tenancy.Code{"", tenancy.ErrNotFound, tenancy.ErrConflict}},
	{"sign in by mail", 7, (*sessionRound).signInByMail, []tenancy.Code{""}},
	{"sign in by password", 7, (*sessionRound).signInByPassword, []tenancy.Code{""}},
	{"link", 4, (*sessionRound).linkThrough, []tenancy.Code{"", tenancy.ErrNotFound, tenancy.ErrConflict, tenancy.ErrSignInRequired}},
	{"sign in into the session", 8, (*sessionRound).signInWithin, []tenancy.Code{"", tenancy.ErrNotFound, tenancy.ErrConflict}},
	{"switch", 8, (*sessionRound).switches, []tenancy.Code{"", tenancy.ErrNotFound, tenancy.ErrSessionEnded, tenancy.ErrSignInRefused}},
	{"enter", 12, (*sessionRound).enters, []tenancy.Code{"", tenancy.ErrNotFound, tenancy.ErrSessionEnded, tenancy.ErrSignInRefused}},
	{"authenticate", 5, (*sessionRound).authenticates, []tenancy.Code{"", tenancy.ErrSessionEnded, tenancy.ErrNotFound}},
	{"read as the session", 5, (*sessionRound).reads, []tenancy.Code{"", tenancy.ErrSessionEnded}},
	{"sign out", 2, (*sessionRound).signsOut, []tenancy.Code{"", tenancy.ErrSessionEnded}},
	{"revoke all", 1, (*sessionRound).revokesAll, []tenancy.Code{""}},
	{"revoke by organization", 1, (*sessionRound).revokesThere, []tenancy.Code{""}},
	{"deactivate", 2, (*sessionRound).deactivates, []tenancy.Code{"", tenancy.ErrNotFound}},
	{"reactivate", 4, (*sessionRound).reactivates, []tenancy.Code{"", tenancy.ErrNotFound}},
	{"remove", 1, (*sessionRound).removes, []tenancy.Code{"", tenancy.ErrNotFound}},
	{"add", 4, (*sessionRound).adds, []tenancy.Code{"", tenancy.ErrAlreadyMember}},
	{"set the policy", 2, (*sessionRound).setsPolicy, []tenancy.Code{"", tenancy.ErrInvalid, tenancy.ErrNotFound}},
	{"lift the policy", 3, (*sessionRound).liftsPolicy, []tenancy.Code{""}},
	{"unlink", 2, (*sessionRound).unlinks, []tenancy.Code{"", tenancy.ErrNotFound}},
	{"link a password", 4, (*sessionRound).linkPassword, []tenancy.Code{"", tenancy.ErrSignInRequired}},
	{"switch the connection off", 1, (*sessionRound).switchesOff, []tenancy.Code{"", tenancy.ErrConnectionInUse}},
	{"switch the connection on", 3, (*sessionRound).switchesOn, []tenancy.Code{""}},
	{"point the connection elsewhere", 1, (*sessionRound).repoints, []tenancy.Code{""}},
	{"confirm an address", 3, (*sessionRound).confirms, []tenancy.Code{
		"", tenancy.ErrTokenUsed, tenancy.ErrSignInRequired, tenancy.ErrAlreadyExists, tenancy.ErrForbidden,
	}},
	{"suspend", 1, (*sessionRound).suspends, []tenancy.Code{""}},
	{"unsuspend", 4, (*sessionRound).unsuspends, []tenancy.Code{""}},
}

// drawRaceOp takes an operation by its weight.
func drawRaceOp(random *rand.Rand) *raceOp {
	all := 0
	for i := range raceOps {
		all += raceOps[i].weight
	}
	at := random.IntN(all)
	for i := range raceOps {
		if at -= raceOps[i].weight; at < 0 {
			return &raceOps[i]
		}
	}
	panic("not reached")
}

func (r *sessionRound) person(random *rand.Rand) (int, tenancy.User) {
	i := random.IntN(len(r.people))
	return i, r.people[i]
}

func (r *sessionRound) org(random *rand.Rand) tenancy.OrganizationID {
	return r.orgs[random.IntN(len(r.orgs))]
}

// anyOrg is one of the organizations, or none.
func (r *sessionRound) anyOrg(random *rand.Rand) tenancy.OrganizationID {
	if random.IntN(4) == 0 {
		return tenancy.OrganizationID{}
	}
	return r.org(random)
}

// signsIn is SignIn. What it gives is noted only where it starts a session.
func (r *sessionRound) signsIn(a *raceAct, in tenancy.Attempt) error {
	d, err := r.svc.SignIn(r.ctx, in)
	if err == nil && d.Kind == tenancy.DecisionSignedIn {
		a.issued = &raceToken{raw: d.Token.Reveal(), session: d.Session}
	}
	return err
}

// asserted is what a provider says about a person. The program reads the connection
// first, so that it may have changed by the time of SignIn.
func (r *sessionRound) asserted(random *rand.Rand, i int) (tenancy.Attempt, error) {
	c, err := r.svc.Connections.GetByID(r.ctx, r.through[random.IntN(len(r.through))].ID)
	if err != nil {
		return tenancy.Attempt{}, err
	}
	in := servicetest.Asserting(c, tenancy.Assertion{Subject: r.credential(i), Email: r.people[i].Email})
	if random.IntN(2) == 0 {
		in = servicetest.Proving(r.people[i].Email, in)
	}
	return in, nil
}

func (r *sessionRound) signInThrough(random *rand.Rand, a *raceAct) error {
	i, _ := r.person(random)
	in, err := r.asserted(random, i)
	if err != nil {
		return err
	}
	return r.signsIn(a, in)
}

func (r *sessionRound) signInByMail(random *rand.Rand, a *raceAct) error {
	_, user := r.person(random)
	in := servicetest.ByMail(user.Email)
	in.OrganizationID = r.anyOrg(random)
	if random.IntN(3) == 0 {
		in = servicetest.Twice(in)
	}
	return r.signsIn(a, in)
}

func (r *sessionRound) signInByPassword(random *rand.Rand, a *raceAct) error {
	i, user := r.person(random)
	in := servicetest.ByPassword(r.credential(i), user.Email)
	in.OrganizationID = r.anyOrg(random)
	return r.signsIn(a, in)
}

// signInWithin adds evidence to a session, which may be another person's, or over.
func (r *sessionRound) signInWithin(random *rand.Rand, a *raceAct) error {
	t, raw := r.recent(random)
	i := slices.IndexFunc(r.people, func(u tenancy.User) bool { return u.ID == t.session.UserID })
	if i < 0 || random.IntN(8) == 0 { // it may be somebody's who came to an address that had moved
		i, _ = r.person(random)
	}
	in := servicetest.ByMail(r.people[i].Email)
	if random.IntN(2) == 0 {
		var err error
		if in, err = r.asserted(random, i); err != nil {
			return err
		}
	}
	in.OrganizationID, in.Session = r.anyOrg(random), raw
	err := r.signsIn(a, in)
	if a.issued != nil && a.issued.session.ClientID != a.issued.session.ID {
		a.replaced = raw
	}
	return err
}

func (r *sessionRound) linkThrough(random *rand.Rand, a *raceAct) error {
	_, raw := r.recent(random)
	i, _ := r.person(random)
	in, err := r.asserted(random, i)
	if err != nil {
		return err
	}
	in.LinkTo = raw
	return r.signsIn(a, in)
}

// linkPassword gives the user of a session a password, if they have none any more.
func (r *sessionRound) linkPassword(random *rand.Rand, a *raceAct) error {
	t, raw := r.recent(random)
	i := slices.IndexFunc(r.people, func(u tenancy.User) bool { return u.ID == t.session.UserID })
	in := servicetest.ByPassword(r.credential(i), "")
	in.LinkTo = raw
	return r.signsIn(a, in)
}

func (r *sessionRound) switches(random *rand.Rand, a *raceAct) error {
	return r.entersBy(r.svc.Sessions.Switch, random, r.anyOrg(random), a)
}

func (r *sessionRound) enters(random *rand.Rand, a *raceAct) error {
	return r.entersBy(r.svc.Sessions.Enter, random, r.org(random), a)
}

// entersBy notes the entry that a call has made. It may be one that another call made just now.
func (r *sessionRound) entersBy(
	call func(context.Context, string, tenancy.OrganizationID) (tenancy.Decision, error), random *rand.Rand, org tenancy.OrganizationID, a *raceAct,
) error {
	t, raw := r.recent(random)
	d, err := call(r.ctx, raw, org)
	if err == nil && d.Kind == tenancy.DecisionSignedIn {
		if d.Session.UserID != t.session.UserID || d.Session.ClientID != t.session.ClientID || d.Session.OrganizationID != org {
			return fmt.Errorf("the token of %s opened %s of %s at %s", t.session.ClientID, d.Session.ClientID, d.Session.UserID, d.Session.OrganizationID)
		}
		if !org.IsZero() {
			a.issued = &raceToken{raw: raw, session: d.Session}
		}
	}
	return servicetest.Refusal(d, err)
}

// authenticates asks for the entry of a token. What it is told of another one, or of a token that a
// newer one has replaced, says nothing about the entry.
func (r *sessionRound) authenticates(random *rand.Rand, a *raceAct) error {
	t, raw := r.recent(random)
	got, err := r.svc.Sessions.Authenticate(r.ctx, raw, t.session.OrganizationID)
	if err == nil && (got.User.ID != t.session.UserID || !t.session.OrganizationID.IsZero() && got.Organization.ID != t.session.OrganizationID) {
		return fmt.Errorf("the token of %s at %s is that of %s at %s",
			t.session.UserID, t.session.OrganizationID, got.User.ID, got.Organization.ID)
	}
	if err == nil && got.Session.ID == t.session.ID || err != nil && toldReason(err) != "token_replaced" && !t.session.OrganizationID.IsZero() {
		a.shown = t
	}
	return err
}

// reads uses a Service that is bound to the session as the program had it.
func (r *sessionRound) reads(random *rand.Rand, a *raceAct) error {
	t, _ := r.recent(random)
	if t.session.Confined {
		return nil // gets at no account
	}
	a.shown = t
	_, err := r.svc.As(tenancy.SessionPrincipal(t.session)).Users.Get(r.ctx, t.session.UserID)
	return err
}

func (r *sessionRound) signsOut(random *rand.Rand, a *raceAct) error {
	t, raw := r.recent(random)
	a.client = t.session.ClientID
	a.ends = func(t *raceToken) bool { return t.session.ClientID == a.client }
	return r.svc.Sessions.SignOut(r.ctx, raw)
}

func (r *sessionRound) revokesAll(random *rand.Rand, a *raceAct) error {
	_, user := r.person(random)
	a.user = user.ID
	if kept, _ := r.recent(random); kept.session.UserID == user.ID {
		a.kept, a.client = kept.session.ID, kept.session.ClientID
	}
	a.ends = func(t *raceToken) bool { return t.session.UserID == a.user && t.session.ClientID != a.client }
	return r.svc.Sessions.RevokeAll(r.ctx, user.ID, a.kept)
}

func (r *sessionRound) revokesThere(random *rand.Rand, a *raceAct) error {
	org := r.org(random)
	a.ends = func(t *raceToken) bool { return t.session.OrganizationID == org }
	return r.svc.Sessions.RevokeByOrganization(r.ctx, org)
}
