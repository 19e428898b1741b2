package rules

import (
	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

func identityRules() []rule {
	return []rule{
		{"U4 link, update and unlink", on(linkIdentity)},
		{"U4 an identity is one user's", on(identityKeys)},
		{"U4 resolve: every branch", on(resolve)},
		{"U4 resolve: a known identity stays its user's", on(resolveKnown)},
		{"U4 pre-hijacking: the takeover leaves nothing to come back by", on(preHijacking)},
		{"U4 pre-hijacking: an email that nobody proved opens nothing", on(unprovedEmail)},
	}
}

func google(subject, email string, verified bool) tenancy.NewIdentity {
	return tenancy.NewIdentity{Provider: "google", Subject: subject, Email: email, EmailVerified: verified}
}

func (w *world) identities(user tenancy.User) []tenancy.Identity {
	w.T.Helper()
	list, err := w.Svc.Identities.List(w.Ctx, user.ID)
	w.NoError(err)
	return list
}

func linkIdentity(w *world) {
	ada := w.User("ada")
	var i tenancy.Identity
	link := func(in tenancy.NewIdentity) func() error {
		return func() (err error) { i, err = w.Svc.Identities.Link(w.Ctx, ada.ID, in); return err }
	}
	got := w.emits(link(google("g-1", "", false)), some(tenancy.EventIdentityLinked))
	w.tells(got[0], ofIdentity(tenancy.EventIdentityLinked, i, ""))
	w.silent(link(google("g-1", "", false)))
	w.Clock.Advance(1e9)
	got = w.emits(link(google("g-1", "any@other.example", true)), some(tenancy.EventIdentityUpdated)) // no email is compared
	w.tells(got[0], ofIdentity(tenancy.EventIdentityUpdated, i, `{"email":null,"email_verified":null}`))
	w.Equal(int64(2), i.Version)
	w.Equal([]tenancy.Identity{i}, w.identities(ada))
	w.Equal(int64(1), w.getUser(ada.ID).Version)

	second := w.Link(ada, tenancy.NewIdentity{Provider: "password", Subject: "ada"})
	w.Equal([]tenancy.Identity{i, second}, w.identities(ada))
	w.emits(func() error { return w.Svc.Identities.Unlink(w.Ctx, ada.ID, i.ID) }, ofIdentity(tenancy.EventIdentityUnlinked, i, ""))
	w.refuses(tenancy.ErrNotFound, "", func() error { return w.Svc.Identities.Unlink(w.Ctx, ada.ID, i.ID) })
	w.Equal([]tenancy.Identity{second}, w.identities(ada))
}

func identityKeys(w *world) {
	ada, bob := w.User("ada"), w.User("bob")
	i := w.Link(ada, google("g-1", "", false))
	w.refuses(tenancy.ErrAlreadyExists, "subject", func() error {
		_, err := w.Svc.Identities.Link(w.Ctx, bob.ID, google("g-1", "", false))
		return err
	})
	w.refuses(tenancy.ErrNotFound, "", func() error { return w.Svc.Identities.Unlink(w.Ctx, bob.ID, i.ID) })
	w.Link(bob, google("G-1", "", false)) // byte for byte
	w.Link(bob, tenancy.NewIdentity{Provider: "github", Subject: "g-1"})
	w.NoError(w.Svc.Identities.Unlink(w.Ctx, ada.ID, i.ID))
	w.Link(bob, google("g-1", "", false)) // free again
}

func resolve(w *world) {
	proved := w.User("proved")
	claimed := w.NewUser(tenancy.NewUser{Email: "claimed@acme.example"})
	kept := w.Link(proved, google("kept", "", false))
	refused := func(in tenancy.NewIdentity, code tenancy.Code, field string) {
		w.T.Helper()
		w.refuses(code, field, func() error { _, err := w.Svc.Identities.Resolve(w.Ctx, in); return err })
	}
	refused(google("new", "", false), tenancy.ErrNotFound, "")
	refused(google("new", "stranger@acme.example", true), tenancy.ErrNotFound, "")
	refused(google("new", "stranger@acme.example", false), tenancy.ErrNotFound, "")
	refused(google("new", "proved@acme.example", false), tenancy.ErrEmailNotVerified, "email")
	refused(google("new", "claimed@acme.example", false), tenancy.ErrEmailNotVerified, "email")
	refused(google("", "proved@acme.example", true), tenancy.ErrInvalid, "subject")

	// Incoming verified, stored verified: linked, and what was there stays.
	var found tenancy.Resolution
	by := func(in tenancy.NewIdentity) func() error {
		return func() (err error) { found, err = w.Svc.Identities.Resolve(w.Ctx, in); return err }
	}
	in := tenancy.NewIdentity{Provider: "github", Subject: "new", Email: "PROVED@acme.example", EmailVerified: true}
	got := w.emits(by(in), some(tenancy.EventIdentityLinked))
	w.tells(got[0], ofIdentity(tenancy.EventIdentityLinked, found.Identity, ""))
	w.Equal(tenancy.Resolution{User: proved, Identity: found.Identity, Linked: true}, found)
	w.Equal([]tenancy.Identity{kept, found.Identity}, w.identities(proved))

	// Another subject at a provider where they have one: perhaps the next with that address.
	refused(google("second", "proved@acme.example", true), tenancy.ErrIdentityConflict, "subject")

	// Incoming verified, stored unverified: taken over, and verified by that.
	got = w.emits(by(google("theirs", "claimed@acme.example", true)), some(tenancy.EventUserEmailVerified), some(tenancy.EventIdentityLinked))
	after := w.getUser(claimed.ID)
	w.tells(got[0], ofUser(tenancy.EventUserEmailVerified, after, `{"email_verified_at":null,"email_proved_by":null}`))
	w.Equal("google", after.EmailProvedBy)
	w.Equal(tenancy.Resolution{User: after, Identity: found.Identity, Linked: true, TookOver: true}, found)
	w.Equal(w.Clock.At, after.EmailVerifiedAt)
}

func resolveKnown(w *world) {
	ada, bob := w.User("ada"), w.User("bob")
	i := w.Link(ada, google("g-1", "ada@acme.example", true))
	var found tenancy.Resolution
	by := func(in tenancy.NewIdentity) func() error {
		return func() (err error) { found, err = w.Svc.Identities.Resolve(w.Ctx, in); return err }
	}
	w.silent(by(google("g-1", "ada@acme.example", true)))
	w.Equal(tenancy.Resolution{User: ada, Identity: i}, found)
	// Whatever its email says by now, be it another user's.
	w.emits(by(google("g-1", "bob@acme.example", true)), some(tenancy.EventIdentityUpdated))
	w.Equal(ada, found.User)
	w.Equal("bob@acme.example", found.Identity.Email)
	w.Empty(w.identities(bob))
	// A known identity proves nothing about the address: no takeover by it.
	eve := w.NewUser(tenancy.NewUser{Email: "eve@acme.example"})
	w.Link(eve, google("g-2", "eve@acme.example", true))
	w.silent(by(google("g-2", "eve@acme.example", true)))
	w.False(found.TookOver)
	w.True(w.getUser(eve.ID).EmailVerifiedAt.IsZero())
	// It follows its user through a merge.
	_, err := w.Svc.Users.Merge(w.Ctx, ada.ID, bob.ID)
	w.NoError(err)
	w.NoError(by(google("g-1", "bob@acme.example", true))())
	w.Equal(bob.ID, found.User.ID)
}

// preHijacking plays the attacks of Sudhodanan and Paverd that apply to what there is:
// somebody makes an account with the victim's address and waits.
func preHijacking(w *world) {
	trap := func() tenancy.User { return w.NewUser(tenancy.NewUser{Email: "victim@acme.example"}) }
	for name, attack := range map[string]func(trap tenancy.User) (comeBack func() error){
		"classic, federated merge: a password from before": func(trap tenancy.User) func() error {
			w.Link(trap, tenancy.NewIdentity{Provider: "password", Subject: "attacker"})
			return func() error {
				_, err := w.Svc.Identities.Resolve(w.Ctx, tenancy.NewIdentity{Provider: "password", Subject: "attacker"})
				return err
			}
		},
		"trojan identifier: another sign-in of the attacker's": func(trap tenancy.User) func() error {
			w.Link(trap, tenancy.NewIdentity{Provider: "github", Subject: "evil", Email: "evil@evil.example", EmailVerified: true})
			return func() error {
				_, err := w.Svc.Identities.Resolve(w.Ctx, tenancy.NewIdentity{
					Provider: "github", Subject: "evil", Email: "evil@evil.example", EmailVerified: true,
				})
				return err
			}
		},
		"unexpired email change: a proof mailed to the attacker": func(trap tenancy.User) func() error {
			proof := w.proof(trap, "evil@evil.example")
			return func() error { return w.moves(trap, proof) }
		},
		"unexpired session: the attacker stays signed in": func(trap tenancy.User) func() error {
			token := w.Session(trap, servicetest.NowhereYet).Token
			return func() error {
				_, err := w.Svc.Sessions.Authenticate(w.Ctx, token.Reveal(), servicetest.NowhereYet)
				return err
			}
		},
		"non-verifying provider: the victim's address unproved": func(trap tenancy.User) func() error {
			w.Link(trap, tenancy.NewIdentity{Provider: "lax", Subject: "evil", Email: "victim@acme.example"})
			return func() error {
				_, err := w.Svc.Identities.Resolve(w.Ctx, tenancy.NewIdentity{Provider: "lax", Subject: "evil", Email: "victim@acme.example"})
				return err
			}
		},
	} {
		w.each(name, func(w *world) {
			user := trap()
			acme := w.Owned("Acme", user)
			comeBack := attack(user)
			found, err := w.Svc.Identities.Resolve(w.Ctx, google("victim", "victim@acme.example", true))
			w.NoError(err)
			w.True(found.TookOver)
			w.Equal(user.ID, found.User.ID)
			w.Equal(found.User, w.getUser(user.ID))
			w.Equal([]tenancy.Identity{found.Identity}, w.identities(user))
			w.Empty(found.User.PendingEmail)
			w.Equal([]string{rbac.Owner}, w.Member(acme, user).Roles) // memberships and roles stay
			w.unchanged(func() { w.Error(comeBack()) })
			w.NoError(w.Svc.Organizations.Delete(w.Ctx, acme.ID))
			w.NoError(w.Svc.Users.Delete(w.Ctx, user.ID))
		})
	}
}

func unprovedEmail(w *world) {
	victim := w.User("victim")
	w.refuses(tenancy.ErrEmailNotVerified, "email", func() error {
		_, err := w.Svc.Identities.Resolve(w.Ctx, google("evil", "victim@acme.example", false))
		return err
	})
	// An attacker's own account that claims the victim's address in an identity gets
	// neither the victim's account nor the victim.
	evil := w.User("evil")
	w.Link(evil, google("evil", "victim@acme.example", false))
	found, err := w.Svc.Identities.Resolve(w.Ctx, google("real", "victim@acme.example", true))
	w.NoError(err)
	w.Equal(victim.ID, found.User.ID)
	w.False(found.TookOver)
	found, err = w.Svc.Identities.Resolve(w.Ctx, google("evil", "victim@acme.example", false))
	w.NoError(err)
	w.Equal(evil.ID, found.User.ID)
	// A pending change claims nothing: the address is not the attacker's until proved.
	w.proof(evil, "late@acme.example")
	_, err = w.Svc.Identities.Resolve(w.Ctx, google("late", "late@acme.example", true))
	w.Failed(err, tenancy.ErrNotFound, "")
}
