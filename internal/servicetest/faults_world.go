package servicetest

import (
	"context"
	"testing"
	"time"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// faultWorld is a world in which every call of [faultCalls] succeeds, with a second
// Service over the same store, reached through a faultStore.
type faultWorld struct {
	*world
	call      faultCall
	faulty    *faultStore
	breakable *tenancy.Service
	met       int  // statements since the last [faultWorld.at]
	broke     bool // whether the one to break was among them

	acme, beta, old, shut tenancy.Organization
	// ada and bob own acme; cyd is a member, dan an inactive one. eve has an address
	// that nobody proved, and is in nothing; fay waits for a change of email; gus is
	// suspended.
	ada, bob, cyd, dan, eve, fay, gus tenancy.User
	passkey                           tenancy.Identity // of cyd's
	proof                             tenancy.EmailProof
	started                           tenancy.StartedSession // bob's, at acme
	opener                            tenancy.StartedSession // fay's, in which the proof is opened
	claimed, held                     tenancy.Domain         // acme's: pending, and verified
	sso                               tenancy.Connection     // acme's
	joins                             joinable               // in acme
	late                              tenancy.User           // whose invitation to acme ran out
	back, unproved                    tenancy.SentInvitation // dan's to acme, eve's to beta
}

// faultWorlds gives worlds for calls with one configuration.
type faultWorlds struct {
	laid  *laid
	first *faultWorld
}

func newFaultWorlds(t *testing.T, b Backend, configure func(*tenancy.Config)) *faultWorlds {
	t.Helper()
	l := newLaid(t, b, configure)
	all := &faultWorlds{laid: l, first: &faultWorld{world: l.first}}
	all.first.settle()
	return all
}

// give gives a world for a call, which nothing was done in yet.
func (all *faultWorlds) give(t *testing.T, call faultCall) *faultWorld {
	t.Helper()
	base, filled := all.laid.again(t)
	w := *all.first
	w.world = base
	if !filled {
		w = faultWorld{world: base}
		w.settle()
	}
	w.call = call
	w.faulty = &faultStore{inner: w.store, statement: fine, commit: fine, begin: func() {}}
	w.breakable = w.another(func(c *tenancy.Config) { c.Store = w.faulty })
	return &w
}

// settle lays what the calls need.
func (w *faultWorld) settle() {
	for _, u := range []struct {
		at    *tenancy.User
		local string
	}{{&w.ada, "ada"}, {&w.bob, "bob"}, {&w.cyd, "cyd"}, {&w.dan, "dan"}, {&w.fay, "fay"}, {&w.gus, "gus"}} {
		*u.at = w.user(u.local)
	}
	w.eve = w.newUser(tenancy.NewUser{Email: "eve@acme.example"})
	w.acme = w.newOrg(tenancy.NewOrganization{
		DisplayName: "Acme", Slug: "acme", Owner: w.ada.ID, Settings: tenancy.Settings{SeatLimit: 10},
	})
	w.beta, w.shut, w.old = w.org("Beta"), w.org("Shut"), w.org("Old")
	w.holds(w.old.ID, "old.example")
	w.add(w.old, w.cyd, rbac.Owner)
	w.add(w.old, w.fay)
	w.archive(w.old)
	w.add(w.acme, w.bob, rbac.Owner)
	w.add(w.acme, w.cyd, rbac.Member, rbac.Guest)
	w.add(w.acme, w.dan)
	w.deactivate(w.acme, w.dan)
	w.clock.advance(time.Second)
	if !w.config.SingleOrganization {
		w.add(w.beta, w.ada, rbac.Owner)
		w.add(w.beta, w.bob)
	}
	var err error
	w.shut, err = w.svc.Organizations.Suspend(w.ctx, w.shut.ID)
	w.NoError(err)
	_, err = w.svc.Users.Suspend(w.ctx, w.gus.ID)
	w.NoError(err)
	w.settleRoles()
	w.settleSessions()
	w.settleDomains()
	w.settleInvitations()
	w.settleSignIn()
	w.passkey = w.link(w.cyd, "passkey")
	w.link(w.eve, "password")
	w.proof, err = w.svc.Users.ChangeEmail(w.ctx, w.fay.ID, "fay@beta.example")
	w.NoError(err)
	w.opener = w.session(w.fay, nowhereYet)
	_, err = w.svc.Users.ChangeEmail(w.ctx, w.eve.ID, "eve@beta.example")
	w.NoError(err)
	w.clock.advance(time.Second)
}

func (w *faultWorld) link(user tenancy.User, provider string) tenancy.Identity {
	identity, err := w.svc.Identities.Link(w.ctx, user.ID, tenancy.NewIdentity{Provider: provider, Subject: user.ID.String()})
	w.NoError(err)
	return identity
}

// only gives fn for a call that has no result.
func only(fn func(ctx context.Context, svc *tenancy.Service, w *faultWorld) error) func(context.Context, *tenancy.Service, *faultWorld) (any, error) {
	return func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
		return nil, fn(ctx, svc, w)
	}
}
