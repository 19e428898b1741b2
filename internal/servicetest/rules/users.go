package rules

import (
	"slices"
	"time"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

func userRules() []rule {
	return []rule{
		{"U1 one user per email, whatever its case", on(oneAddress)},
		{"U2 create and update a profile", on(profile)},
		{"U2 an external id is unique and freed", on(userKeys)},
		{"U8 states and operations", on(userStates)},
		{"U8 suspension keeps ownership", on(suspendedOwner)},
		{"G12 a sign-in is noted outside the versioned row", on(signIns)},
	}
}

func oneAddress(w *world) {
	var ada tenancy.User
	events := w.emits(func() (err error) {
		ada, err = w.Svc.Users.Create(w.Ctx, tenancy.NewUser{Email: "Ada.Lovelace+x@Bücher.Example"})
		return err
	}, some(tenancy.EventUserCreated))
	w.tells(events[0], ofUser(tenancy.EventUserCreated, ada, ""))
	w.Equal("Ada.Lovelace+x@Bücher.Example", ada.Email)
	for _, same := range []string{
		"ada.lovelace+x@bücher.example", "ADA.LOVELACE+X@BüCHER.EXAMPLE", "ada.lovelace+x@xn--bcher-kva.example", "Ada.Lovelace+x@XN--BCHER-KVA.example",
	} {
		w.each(same, func(w *world) {
			got, err := w.Svc.Users.GetByEmail(w.Ctx, same)
			w.NoError(err)
			w.Equal(ada, got)
			w.refuses(tenancy.ErrAlreadyExists, "email", func() error { // U2
				_, err := w.Svc.Users.Create(w.Ctx, tenancy.NewUser{Email: same})
				return err
			})
		})
	}
	// "+tag" and dots mean what they say.
	for _, other := range []string{"ada.lovelace@bücher.example", "adalovelace+x@bücher.example", "ada.lovelace+y@bücher.example"} {
		_, err := w.Svc.Users.GetByEmail(w.Ctx, other)
		w.Failed(err, tenancy.ErrNotFound, "")
		w.NewUser(tenancy.NewUser{Email: other})
	}
}

func profile(w *world) {
	in := tenancy.NewUser{
		Email: "ada@acme.example", EmailVerified: true, GivenName: "Ada", FamilyName: "Lovelace", DisplayName: "Countess",
		Picture: "https://a.example/p.png", Phone: "+44 20 7946 0000", Locale: "en-GB", ExternalID: "hr-1",
		Attributes: map[string]string{"team": "engines"}, Metadata: map[string]string{"k": "v"},
	}
	ada := w.NewUser(in)
	w.Equal(w.Clock.At, ada.EmailVerifiedAt)
	w.Equal(ada, w.getUser(ada.ID))
	w.Equal(in.Attributes, ada.Attributes)
	w.Equal("Countess", ada.Name())
	w.Clock.Advance(time.Second)

	w.silent(func() error { // G8
		got, err := w.Svc.Users.Update(w.Ctx, ada.ID, tenancy.UserUpdate{
			EmailVerified: servicetest.Ptr(true), GivenName: servicetest.Ptr(" Ada "), Phone: servicetest.Ptr(in.Phone), Metadata: tenancy.Patch{"k": servicetest.Ptr("v"), "x": nil},
		})
		w.Equal(ada, got)
		return err
	})
	change := func(in tenancy.UserUpdate, previous string) {
		w.T.Helper()
		before := ada
		got := w.emits(func() (err error) { ada, err = w.Svc.Users.Update(w.Ctx, ada.ID, in); return err }, some(tenancy.EventUserUpdated))
		w.tells(got[0], ofUser(tenancy.EventUserUpdated, ada, previous))
		w.Equal(before.Version+1, ada.Version)
		w.Equal(w.Clock.At, ada.UpdatedAt)
		w.Equal(before.CreatedAt, ada.CreatedAt)
		w.Equal(ada, w.getUser(ada.ID))
	}
	change(tenancy.UserUpdate{DisplayName: servicetest.Ptr("")}, `{"display_name":"Countess"}`)
	w.Equal("Ada Lovelace", ada.Name())
	change(tenancy.UserUpdate{Attributes: tenancy.Patch{"team": nil, "city": servicetest.Ptr("London")}}, `{"attributes":{"team":"engines"}}`)
	change(tenancy.UserUpdate{EmailVerified: servicetest.Ptr(false)}, `{"email_verified_at":"2030-01-02T03:04:05.678901Z"}`)
	change(tenancy.UserUpdate{EmailVerified: servicetest.Ptr(true), Locale: servicetest.Ptr("")}, `{"email_verified_at":null,"locale":"en-GB"}`)
	w.Equal(w.Clock.At, ada.EmailVerifiedAt)
}

func userKeys(w *world) {
	ada := w.NewUser(tenancy.NewUser{Email: "ada@acme.example", ExternalID: "hr-1"})
	bob := w.User("bob")
	w.refuses(tenancy.ErrAlreadyExists, "external_id", func() error {
		_, err := w.Svc.Users.Update(w.Ctx, bob.ID, tenancy.UserUpdate{ExternalID: servicetest.Ptr("hr-1")})
		return err
	})
	got, err := w.Svc.Users.GetByExternalID(w.Ctx, "hr-1")
	w.NoError(err)
	w.Equal(ada, got)
	w.NoError(w.Svc.Users.Delete(w.Ctx, ada.ID))
	_, err = w.Svc.Users.Update(w.Ctx, bob.ID, tenancy.UserUpdate{ExternalID: servicetest.Ptr("hr-1")})
	w.NoError(err)
	w.NewUser(tenancy.NewUser{Email: "ada@acme.example"}) // the address is free, too
}

// userOp is an operation on a user, and what it answers in each state.
type userOp struct {
	name string
	do   func(w *world, id tenancy.UserID) error
	// live and suspended: the events that it writes; none = it changes nothing.
	live, suspended []tenancy.EventType
}

func userOps() []userOp {
	one := func(kind tenancy.EventType) []tenancy.EventType { return []tenancy.EventType{kind} }
	both := func(name string, kind tenancy.EventType, do func(w *world, id tenancy.UserID) error) userOp {
		op := userOp{name: name, do: do}
		if kind != "" {
			op.live, op.suspended = one(kind), one(kind)
		}
		return op
	}
	return []userOp{
		both("Get", "", func(w *world, id tenancy.UserID) error { _, err := w.Svc.Users.Get(w.Ctx, id); return err }),
		both("Update", tenancy.EventUserUpdated, func(w *world, id tenancy.UserID) error {
			_, err := w.Svc.Users.Update(w.Ctx, id, tenancy.UserUpdate{Phone: servicetest.Ptr("1")})
			return err
		}),
		{"Suspend", func(w *world, id tenancy.UserID) error { _, err := w.Svc.Users.Suspend(w.Ctx, id); return err }, one(tenancy.EventUserSuspended), nil},
		{"Unsuspend", func(w *world, id tenancy.UserID) error { _, err := w.Svc.Users.Unsuspend(w.Ctx, id); return err }, nil, one(tenancy.EventUserUnsuspended)},
		both("ChangeEmail", tenancy.EventUserEmailChangeRequested, func(w *world, id tenancy.UserID) error {
			_, err := w.Svc.Users.ChangeEmail(w.Ctx, id, "moved@acme.example")
			return err
		}),
		both("CancelEmailChange", "", func(w *world, id tenancy.UserID) error {
			_, err := w.Svc.Users.CancelEmailChange(w.Ctx, id)
			return err
		}),
		both("Delete", tenancy.EventUserDeleted, func(w *world, id tenancy.UserID) error { return w.Svc.Users.Delete(w.Ctx, id) }),
		both("Merge from", tenancy.EventUserMerged, func(w *world, id tenancy.UserID) error {
			_, err := w.Svc.Users.Merge(w.Ctx, id, w.someUser().ID)
			return err
		}),
		both("Merge into", tenancy.EventUserMerged, func(w *world, id tenancy.UserID) error {
			_, err := w.Svc.Users.Merge(w.Ctx, w.someUser().ID, id)
			return err
		}),
		both("Link", tenancy.EventIdentityLinked, func(w *world, id tenancy.UserID) error {
			_, err := w.Svc.Identities.Link(w.Ctx, id, tenancy.NewIdentity{Provider: "google", Subject: "s-" + id.String()})
			return err
		}),
		both("List identities", "", func(w *world, id tenancy.UserID) error { _, err := w.Svc.Identities.List(w.Ctx, id); return err }),
		both("RecordSignIn", "", func(w *world, id tenancy.UserID) error {
			return w.Svc.Users.RecordSignIn(w.Ctx, id, tenancy.OrganizationID{})
		}),
		both("Add", tenancy.EventMembershipCreated, func(w *world, id tenancy.UserID) error {
			_, err := w.Svc.Memberships.Add(w.Ctx, tenancy.NewMembership{OrganizationID: w.someOrg().ID, UserID: id})
			return err
		}),
		both("List organizations", "", func(w *world, id tenancy.UserID) error {
			_, err := w.Svc.Memberships.ListByUser(w.Ctx, id, tenancy.MemberQuery{})
			return err
		}),
	}
}

// someUser is a bystander, who is there before each check.
func (w *world) someUser() tenancy.User {
	w.T.Helper()
	return w.mustFind("bystander@acme.example")
}

// someOrg is always the same organization.
func (w *world) someOrg() tenancy.Organization {
	w.T.Helper()
	org, err := w.Svc.Organizations.GetBySlug(w.Ctx, "someplace")
	w.NoError(err)
	return org
}

// userStates tries every operation on a user who is live, suspended, merged, deleted
// or never was. What changes anything is undone.
func userStates(w *world) {
	w.NewOrg(tenancy.NewOrganization{DisplayName: "Somewhere", Slug: "someplace"})
	for _, op := range userOps() {
		live, suspended, merged, deleted := w.User("live"), w.User("suspended"), w.User("merged"), w.User("deleted")
		_, err := w.Svc.Users.Suspend(w.Ctx, suspended.ID)
		w.NoError(err)
		_, err = w.Svc.Users.Merge(w.Ctx, merged.ID, live.ID)
		w.NoError(err)
		w.NoError(w.Svc.Users.Delete(w.Ctx, deleted.ID))
		refusal := w.refusesState(op, merged.ID, tenancy.ErrMerged)
		w.Equal([]string{live.ID.String()}, refusal.IDs) // U6: says into whom
		w.refusesState(op, deleted.ID, tenancy.ErrNotFound)
		w.refusesState(op, servicetest.Nobody, tenancy.ErrNotFound)
		w.acceptsState(op, "suspended", suspended.ID, op.suspended)
		w.acceptsState(op, "live", live.ID, op.live)
		for _, id := range []tenancy.UserID{live.ID, suspended.ID} {
			if err := w.Svc.Users.Delete(w.Ctx, id); err != nil { // deleted or merged by what was tried
				w.Contains([]tenancy.Code{tenancy.ErrNotFound, tenancy.ErrMerged}, tenancy.CodeOf(err))
			}
		}
	}
}

// bystander makes the one of someUser again, if an operation used them up.
func (w *world) bystander() {
	w.T.Helper()
	if _, err := w.Svc.Users.GetByEmail(w.Ctx, "bystander@acme.example"); err != nil {
		w.User("bystander")
	}
}

func (w *world) refusesState(op userOp, id tenancy.UserID, code tenancy.Code) (refusal *tenancy.Error) {
	w.T.Helper()
	w.bystander()
	w.each(op.name+"/"+string(code), func(w *world) {
		refusal = w.refuses(code, "", func() error { return op.do(w, id) })
	})
	w.NotNil(refusal)
	return refusal
}

func (w *world) acceptsState(op userOp, state string, id tenancy.UserID, kinds []tenancy.EventType) {
	w.T.Helper()
	w.bystander()
	w.each(op.name+"/"+state, func(w *world) {
		var want []event
		for _, kind := range kinds {
			want = append(want, some(kind))
		}
		w.emits(func() error { return op.do(w, id) }, want...)
	})
}

func suspendedOwner(w *world) {
	ada, bob := w.User("ada"), w.User("bob")
	acme := w.Owned("Acme", ada)
	w.Add(acme, bob)
	before := w.Member(acme, ada)
	w.Invite(w.Owned("Beta", w.User("cyd")), ada.Email)
	pending := func() []tenancy.Membership {
		return slices.DeleteFunc(w.Dump().Memberships, func(m tenancy.Membership) bool { return m.Status != tenancy.MembershipPending })
	}
	offered := pending()
	w.Len(offered, 1)
	suspended, err := w.Svc.Users.Suspend(w.Ctx, ada.ID)
	w.NoError(err)
	w.Equal(w.Clock.At, suspended.SuspendedAt)
	after := w.Member(acme, ada)
	before.Version, before.UserSuspended = after.Version, true // the row says so, for the seats
	w.Equal(before, after)
	w.Equal(offered, pending(), "which strangers make")
	w.Equal([]tenancy.UserID{ada.ID}, w.owners(acme))
	w.refuses(tenancy.ErrLastOwner, "", func() error { return w.Svc.Memberships.Leave(w.Ctx, acme.ID, ada.ID) })
	w.Add(acme, w.User("eve"), rbac.Owner)
	w.NoError(w.Svc.Memberships.Leave(w.Ctx, acme.ID, ada.ID))
	back, err := w.Svc.Users.Unsuspend(w.Ctx, ada.ID)
	w.NoError(err)
	w.True(back.SuspendedAt.IsZero())
	users, err := w.Svc.Users.List(w.Ctx, tenancy.UserQuery{Suspended: servicetest.Ptr(true)})
	w.NoError(err)
	w.Empty(users.Items)
}

func signIns(w *world) {
	ada := w.User("ada")
	acme := w.Owned("Acme", ada)
	w.Clock.Advance(time.Hour)
	w.silentEvents(func() error { return w.Svc.Users.RecordSignIn(w.Ctx, ada.ID, tenancy.OrganizationID{}) })
	w.Equal(w.Clock.At, w.getUser(ada.ID).LastSignInAt)
	w.True(w.Member(acme, ada).LastSignInAt.IsZero())
	w.Clock.Advance(time.Hour)
	w.silentEvents(func() error { return w.Svc.Users.RecordSignIn(w.Ctx, ada.ID, acme.ID) })
	w.Equal(w.Clock.At, w.getUser(ada.ID).LastSignInAt)
	w.Equal(w.Clock.At, w.Member(acme, ada).LastSignInAt)
	// An update based on what was read before keeps the sign-in, and is no conflict.
	_, err := w.Svc.Users.Update(w.Ctx, ada.ID, tenancy.UserUpdate{Version: ada.Version, DisplayName: servicetest.Ptr("Countess")})
	w.NoError(err)
	w.Equal(w.Clock.At, w.getUser(ada.ID).LastSignInAt)
	w.Equal(w.Clock.At, w.Member(acme, ada).LastSignInAt)
}
