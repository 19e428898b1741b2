package rules

import (
	"sync"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/tenancy"
)

// pendingAttackRules are about pending sign-ins in the wrong hands, or past their time.
func pendingAttackRules() []rule {
	return []rule{
		{"P5 attack: a stolen pending sign-in, after something that ends it", atDoor(pendingStolen)},
		{"P5 P9 attack: a pending sign-in by what does not open the account any more", atDoor(pendingUnlinked)},
		{"P5 attack: a pending sign-in past a policy, a membership and an organization", atDoor(pendingJudgedAgain)},
		{"P5 attack: a pending sign-in of somebody new, whom somebody else has become", atDoor(pendingNewcomer)},
		{"P5 attack: one pending sign-in 64 times at once", atDoor(pendingTogether)},
	}
}

// pendingStolen: what takes access from whoever had it takes pending sign-ins, too.
func pendingStolen(d *door) {
	for name, end := range map[string]func(w *world, user tenancy.User) error{
		"suspended, and not any more": func(w *world, user tenancy.User) error {
			if _, err := w.Svc.Users.Suspend(w.Ctx, user.ID); err != nil {
				return err
			}
			_, err := w.Svc.Users.Unsuspend(w.Ctx, user.ID)
			return err
		},
		"the address moved, and back": func(w *world, user tenancy.User) error {
			for _, to := range []string{"moved-" + user.Email, user.Email} {
				if err := w.moves(user, w.proof(user, to)); err != nil {
					return err
				}
			}
			return nil
		},
		"signed out everywhere": func(w *world, user tenancy.User) error { return w.Svc.Sessions.RevokeAll(w.Ctx, user.ID) },
		"merged": func(w *world, user tenancy.User) error {
			_, err := w.Svc.Users.Merge(w.Ctx, user.ID, w.User("into-"+user.ID.String()).ID)
			return err
		},
		"deleted": func(w *world, user tenancy.User) error { return w.Svc.Users.Delete(w.Ctx, user.ID) },
		"erased":  func(w *world, user tenancy.User) error { return w.Svc.Users.Erase(w.Ctx, user.ID) },
	} {
		d.each(name, func(w *world) {
			user := w.NewUser(tenancy.NewUser{Email: name[:3] + "@mail.example", EmailVerified: true})
			w.Add(d.acme, user)
			w.Add(d.beta, user)
			_, token := w.waits(tenancy.DecisionChooseOrganization, servicetest.ByMail(user.Email))
			w.NoError(end(w, user))
			w.Zero(w.pendingRows())
			w.isVoid(token)
		})
	}
	d.each("taken over", func(w *world) {
		trap := w.NewUser(tenancy.NewUser{Email: "victim@mail.example"})
		w.Link(trap, tenancy.NewIdentity{Provider: "password", Subject: "evil"})
		w.Add(d.acme, trap)
		w.Add(d.beta, trap)
		_, token := w.waits(tenancy.DecisionChooseOrganization, servicetest.ByPassword("evil", ""))
		got := w.enters(servicetest.ByMail("victim@mail.example"))
		w.True(got.TookOver)
		w.Zero(w.pendingRows())
		w.isVoid(token)
	})
}

func pendingUnlinked(d *door) {
	ann := d.twofold("ann")
	d.Link(ann, tenancy.NewIdentity{Provider: "google", Subject: "g-1"})
	by := servicetest.ByProvider(servicetest.Google, "g-1", "ann@mail.example", true)
	_, token := d.waits(tenancy.DecisionChooseOrganization, by)
	identity := d.identities(ann)[0]
	d.NoError(d.Svc.Identities.Unlink(d.Ctx, ann.ID, identity.ID))
	d.isVoid(token) // though the provider vouches for the address
	d.Link(ann, tenancy.NewIdentity{Provider: "google", Subject: "g-1"})
	d.isVoid(token)

	d.admitting()
	d.demand(d.acme, tenancy.PolicyUpdate{Domain: &tenancy.DomainPolicy{SecondFactor: true}})
	_, token = d.waits(tenancy.DecisionSecondFactor, servicetest.Through(d.okta, "s-1", "bob@acme.example"))
	off, on := tenancy.ConnectionInactive, tenancy.ConnectionActive
	d.okta = d.turned(d.okta, tenancy.ConnectionUpdate{State: &off})
	d.okta = d.turned(d.okta, tenancy.ConnectionUpdate{State: &on})
	d.isVoid(token)

	_, token = d.waits(tenancy.DecisionSecondFactor, servicetest.Through(d.okta, "s-1", "bob@acme.example"))
	uses := func() error { _, err := d.Svc.SignIn(d.Ctx, servicetest.Twice(resuming(token))); return err }
	d.okta = d.turned(d.okta, tenancy.ConnectionUpdate{State: &off})
	d.refuses(tenancy.ErrNotFound, "", uses)
	d.okta = d.turned(d.okta, tenancy.ConnectionUpdate{State: &on, Issuer: servicetest.Ptr("https://elsewhere.example")})
	d.refuses(tenancy.ErrConflict, "version", uses)
	d.NoError(d.Svc.Connections.Delete(d.Ctx, d.acme.ID, d.okta.ID))
	d.refuses(tenancy.ErrNotFound, "", uses)
}

// pendingJudgedAgain: nothing that was decided with the first attempt holds for the next.
func pendingJudgedAgain(d *door) {
	user := d.twofold("ann")
	choose := func(w *world) string {
		_, token := w.waits(tenancy.DecisionChooseOrganization, servicetest.ByMail(user.Email))
		return token
	}
	token := choose(d.world)
	d.demand(d.acme, tenancy.PolicyUpdate{Organization: &tenancy.OrganizationPolicy{SingleSignOn: true}})
	got := d.halts(tenancy.DecisionUseSingleSignOn, "", servicetest.To(d.acme, resuming(token)))
	d.True(got.Pending.IsZero())
	d.Equal(d.okta.ID, got.Connections[0].ID)
	d.enters(servicetest.To(d.beta, resuming(token)))
	d.demand(d.acme, tenancy.PolicyUpdate{Organization: &tenancy.OrganizationPolicy{}})

	token = choose(d.world)
	d.remove(d.acme, user)
	d.halts(tenancy.DecisionNotMember, "", servicetest.To(d.acme, resuming(token)))
	d.Add(d.acme, user)

	token = choose(d.world)
	d.suspend(d.beta)
	d.Equal(tenancy.ReasonOrganizationSuspended, d.halts(tenancy.DecisionSuspended, "", servicetest.To(d.beta, resuming(token))).Reason)
	d.Archive(d.beta)
	d.refuses(tenancy.ErrNotFound, "", func() error { _, err := d.Svc.SignIn(d.Ctx, servicetest.To(d.beta, resuming(token))); return err })
	d.NoError(d.Svc.Organizations.Delete(d.Ctx, d.beta.ID))
	d.refuses(tenancy.ErrNotFound, "", func() error { _, err := d.Svc.SignIn(d.Ctx, servicetest.To(d.beta, resuming(token))); return err })
	d.Equal(d.acme.ID, d.enters(resuming(token)).OrganizationID)
}

// pendingNewcomer: what somebody proved as nobody opens no account that came to be since.
func pendingNewcomer(d *door) {
	in := servicetest.ByMail("new@mail.example")
	in.ChooseLater = true
	_, token := d.waits(tenancy.DecisionChooseOrganization, in)
	user := d.NewUser(tenancy.NewUser{Email: "new@mail.example", EmailVerified: true})
	d.isVoid(token)
	d.NoError(d.Svc.Users.Delete(d.Ctx, user.ID))
	d.True(d.enters(resuming(token)).Created)
}

func pendingTogether(d *door) {
	user := d.twofold("ann")
	_, token := d.waits(tenancy.DecisionChooseOrganization, servicetest.ByMail(user.Email))
	later := servicetest.ByMail("new@mail.example")
	later.ChooseLater = true
	_, fresh := d.waits(tenancy.DecisionChooseOrganization, later)
	for _, in := range []tenancy.Attempt{servicetest.To(d.acme, resuming(token)), resuming(fresh)} {
		var wg sync.WaitGroup
		codes := make([]tenancy.Code, 64)
		for i := range codes {
			wg.Go(func() {
				_, err := d.Svc.SignIn(d.Ctx, in)
				codes[i] = tenancy.CodeOf(err)
			})
		}
		wg.Wait()
		d.Equal(1, servicetest.Count(codes, ""))
		d.Equal(63, servicetest.Count(codes, tenancy.ErrInvalidToken))
	}
	d.Equal(2, d.RowsOf("session"))
	d.Zero(d.pendingRows())
}
