package races

import (
	"fmt"
	"math/rand/v2"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/tenancy"
)

// member draws a membership, and says that a change ends the tokens there.
func (r *sessionRound) member(random *rand.Rand, a *raceAct, ends bool) (tenancy.OrganizationID, tenancy.UserID) {
	_, user := r.person(random)
	org := r.org(random)
	if ends {
		a.ends = func(t *raceToken) bool { return t.session.UserID == user.ID && t.session.OrganizationID == org }
	}
	return org, user.ID
}

func (r *sessionRound) deactivates(random *rand.Rand, a *raceAct) error {
	org, user := r.member(random, a, true)
	_, err := r.svc.Memberships.Deactivate(r.ctx, org, user)
	return err
}

func (r *sessionRound) reactivates(random *rand.Rand, a *raceAct) error {
	org, user := r.member(random, a, false)
	_, err := r.svc.Memberships.Reactivate(r.ctx, org, user)
	return err
}

func (r *sessionRound) removes(random *rand.Rand, a *raceAct) error {
	org, user := r.member(random, a, true)
	return r.svc.Memberships.Remove(r.ctx, org, user)
}

func (r *sessionRound) adds(random *rand.Rand, a *raceAct) error {
	org, user := r.member(random, a, false)
	_, err := r.svc.Memberships.Add(r.ctx, tenancy.NewMembership{OrganizationID: org, UserID: user})
	return err
}

// setsPolicy makes an organization demand something, and perhaps exempts somebody.
func (r *sessionRound) setsPolicy(random *rand.Rand, _ *raceAct) error {
	at := random.IntN(len(r.orgs))
	var own tenancy.ConnectionID
	if at < len(r.through) {
		own = r.through[at].ID
	}
	in := tenancy.PolicyUpdate{Domain: &tenancy.DomainPolicy{}, Organization: &tenancy.OrganizationPolicy{}, Exempt: &[]tenancy.UserID{}}
	switch random.IntN(5) {
	case 0:
		in.Organization.SecondFactor = true
	case 1:
		in.Organization.SingleSignOn = true
	case 2:
		in.Domain.ConnectionID = own
	case 3:
		in.Domain.Methods = []tenancy.SignInMethod{tenancy.MethodMagicLink, tenancy.MethodSingleSignOn}
	}
	if _, user := r.person(random); random.IntN(2) == 0 {
		in.Exempt = &[]tenancy.UserID{user.ID}
	}
	_, err := r.svc.Policies.Set(r.ctx, r.orgs[at], in)
	return err
}

func (r *sessionRound) liftsPolicy(random *rand.Rand, _ *raceAct) error {
	_, err := r.svc.Policies.Set(r.ctx, r.org(random), tenancy.PolicyUpdate{Domain: &tenancy.DomainPolicy{}, Organization: &tenancy.OrganizationPolicy{}})
	return err
}

func (r *sessionRound) unlinks(random *rand.Rand, a *raceAct) error {
	_, user := r.person(random)
	identities, err := r.svc.Identities.List(r.ctx, user.ID)
	if err != nil || len(identities) == 0 {
		return err
	}
	id := identities[random.IntN(len(identities))].ID
	a.ends = func(t *raceToken) bool { return t.session.IdentityID == id }
	return r.svc.Identities.Unlink(r.ctx, user.ID, id)
}

func (r *sessionRound) turns(random *rand.Rand, a *raceAct, ends bool, in tenancy.ConnectionUpdate) error {
	c := r.through[random.IntN(len(r.through))]
	if ends {
		a.ends = func(t *raceToken) bool { return t.session.ConnectionID == c.ID }
	}
	_, err := r.svc.Connections.Update(r.ctx, c.OrganizationID, c.ID, in)
	return err
}

func (r *sessionRound) switchesOff(random *rand.Rand, a *raceAct) error {
	return r.turns(random, a, true, tenancy.ConnectionUpdate{State: servicetest.Ptr(tenancy.ConnectionInactive)})
}

func (r *sessionRound) switchesOn(random *rand.Rand, a *raceAct) error {
	return r.turns(random, a, false, tenancy.ConnectionUpdate{State: servicetest.Ptr(tenancy.ConnectionActive)})
}

// repoints names an issuer that the connection never had before.
func (r *sessionRound) repoints(random *rand.Rand, a *raceAct) error {
	issuer := fmt.Sprintf("https://idp%d.example", r.clock.Add(1))
	return r.turns(random, a, true, tenancy.ConnectionUpdate{Issuer: &issuer})
}

// confirms proves an address: of an account that has not proved its own, in one of its
// sessions or signed in nowhere; of another, one that it moves to.
func (r *sessionRound) confirms(random *rand.Rand, a *raceAct) error {
	i, user := r.person(random)
	address := user.Email
	if i < 2 && random.IntN(2) == 0 {
		address = "new." + address
	}
	proof, err := r.svc.Users.ChangeEmail(r.ctx, user.ID, address)
	if err != nil {
		return err
	}
	in := tenancy.EmailConfirmation{Token: proof.Token.Reveal()}
	a.user = user.ID
	if t, raw := r.recent(random); t.session.UserID == user.ID {
		in.Session, a.kept = raw, t.session.ID
	}
	_, err = r.svc.Users.ConfirmEmail(r.ctx, in)
	return err
}

func (r *sessionRound) suspends(random *rand.Rand, a *raceAct) error {
	_, user := r.person(random)
	a.ends = func(t *raceToken) bool { return t.session.UserID == user.ID }
	_, err := r.svc.Users.Suspend(r.ctx, user.ID)
	return err
}

func (r *sessionRound) unsuspends(random *rand.Rand, _ *raceAct) error {
	_, user := r.person(random)
	_, err := r.svc.Users.Unsuspend(r.ctx, user.ID)
	return err
}
