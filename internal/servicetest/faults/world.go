package faults

import (
	"context"
	"testing"
	"time"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// faultWorld is a world in which every call of [faultCalls] succeeds, with a second
// Service over the same store, reached through a [servicetest.FaultStore].
type faultWorld struct {
	*servicetest.World
	call      faultCall
	faulty    *servicetest.FaultStore
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
	parked                            tenancy.StartedSession // bob's, at no organization
	opener                            tenancy.StartedSession // fay's, in which the proof is opened
	claimed, held                     tenancy.Domain         // acme's: pending, and verified
	sso                               tenancy.Connection     // acme's
	joins                             servicetest.Joinable   // in acme
	late                              tenancy.User           // whose invitation to acme ran out
	back, unproved, founding          tenancy.SentInvitation // dan's to acme, eve's to beta, dan's to found an organization
	mailbox                           tenancy.StartedProof   // of zoe@mail.example
}

// faultWorlds gives worlds for calls with one configuration.
type faultWorlds struct {
	laid  *servicetest.Laid
	first *faultWorld
}

func newFaultWorlds(t *testing.T, b servicetest.Backend, configure func(*tenancy.Config)) *faultWorlds {
	t.Helper()
	l := servicetest.NewLaid(t, b, configure)
	all := &faultWorlds{laid: l, first: &faultWorld{World: l.First}}
	all.first.settle()
	return all
}

// give gives a world for a call, which nothing was done in yet.
func (all *faultWorlds) give(t *testing.T, call faultCall) *faultWorld {
	t.Helper()
	base, filled := all.laid.Again(t)
	w := *all.first
	w.World = base
	if !filled {
		w = faultWorld{World: base}
		w.settle()
	}
	w.call = call
	w.faulty = &servicetest.FaultStore{Inner: w.Store, Statement: servicetest.Fine, Commit: servicetest.Fine, Begin: func() {}}
	w.breakable = w.Another(func(c *tenancy.Config) { c.Store = w.faulty })
	return &w
}

// settle lays what the calls need.
func (w *faultWorld) settle() {
	for _, u := range []struct {
		at    *tenancy.User
		local string
	}{{&w.ada, "ada"}, {&w.bob, "bob"}, {&w.cyd, "cyd"}, {&w.dan, "dan"}, {&w.fay, "fay"}, {&w.gus, "gus"}} {
		*u.at = w.User(u.local)
	}
	w.eve = w.NewUser(tenancy.NewUser{Email: "eve@acme.example"})
	w.acme = w.NewOrg(tenancy.NewOrganization{
		DisplayName: "Acme", Slug: "acme-1", Owner: w.ada.ID, Settings: tenancy.Settings{SeatLimit: 10},
	})
	var err error
	for _, slug := range []string{"acme-2", "acme-3", "acme"} { // as many former ones as it may have
		w.acme, err = w.Svc.Organizations.Update(w.Ctx, w.acme.ID, tenancy.OrganizationUpdate{Slug: servicetest.Ptr(slug)})
		w.NoError(err)
	}
	w.beta, w.shut, w.old = w.Org("Beta"), w.Org("Shut"), w.Org("Old")
	w.Holds(w.old.ID, "old.example")
	w.Add(w.old, w.cyd, rbac.Owner)
	w.Add(w.old, w.fay)
	w.Archive(w.old)
	w.Add(w.acme, w.bob, rbac.Owner)
	w.Add(w.acme, w.cyd, rbac.Member, rbac.Guest)
	w.Add(w.acme, w.dan)
	w.Deactivate(w.acme, w.dan)
	w.Add(w.acme, w.eve) // who may be readmitted, or removed after all
	w.NoError(w.Svc.Memberships.Leave(w.Ctx, w.acme.ID, w.eve.ID))
	w.Clock.Advance(time.Second)
	if !w.Config.SingleOrganization {
		w.Add(w.beta, w.ada, rbac.Owner)
		w.Add(w.beta, w.bob)
	}
	w.shut, err = w.Svc.Organizations.Suspend(w.Ctx, w.shut.ID)
	w.NoError(err)
	_, err = w.Svc.Users.Suspend(w.Ctx, w.gus.ID)
	w.NoError(err)
	w.settleRoles()
	w.settleSessions()
	w.settleDomains()
	w.settleInvitations()
	w.settleSignIn()
	w.settleProofs()
	w.passkey = w.link(w.cyd, "passkey")
	w.link(w.eve, "password")
	w.proof, err = w.Svc.Users.ChangeEmail(w.Ctx, w.fay.ID, "fay@beta.example")
	w.NoError(err)
	w.opener = w.Session(w.fay, servicetest.NowhereYet)
	_, err = w.Svc.Users.ChangeEmail(w.Ctx, w.eve.ID, "eve@beta.example")
	w.NoError(err)
	w.Clock.Advance(time.Second)
}

func (w *faultWorld) link(user tenancy.User, provider string) tenancy.Identity {
	identity, err := w.Svc.Identities.Link(w.Ctx, user.ID, tenancy.NewIdentity{Provider: provider, Subject: user.ID.String()})
	w.NoError(err)
	return identity
}

// only gives fn for a call that has no result.
func only(fn func(ctx context.Context, svc *tenancy.Service, w *faultWorld) error) func(context.Context, *tenancy.Service, *faultWorld) (any, error) {
	return func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
		return nil, fn(ctx, svc, w)
	}
}
