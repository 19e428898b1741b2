package rules

import (
	"fmt"
	"slices"
	"time"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

func joinCodeRules() []rule {
	few := func(c *tenancy.Config) { c.Limits.JoinCodes, c.Limits.JoinRequests = 2, 2 }
	return []rule{
		{"I7 join codes", on(joinCodes)},
		{"I7 what a join code does not open", on(joinCodeRefusals)},
		{"R3 R6 the role of a join code", on(joinCodeRoles)},
		{"I7 join requests", on(joinRequests)},
		{"I7 what a join request must pass", on(joinRequestRefusals)},
		{"R6 who decides a join request", on(joinRequestCeiling)},
		{"I7 G9 as many as may stand", with(few, joiningLimits)},
		{"G6 lists of join codes and requests", on(joiningLists)},
	}
}

func (w *world) using(code tenancy.IssuedJoinCode, user tenancy.User) func() error {
	return func() error { _, err := w.Svc.JoinCodes.Use(w.Ctx, code.Token.Reveal(), user.ID); return err }
}

func joinCodes(w *world) {
	acme, ada, bob := w.Org("Acme"), w.User("ada"), w.User("bob")
	var code tenancy.IssuedJoinCode
	w.emits(func() (err error) {
		code, err = w.Svc.JoinCodes.Create(w.Ctx, tenancy.NewJoinCode{OrganizationID: acme.ID, Role: rbac.Guest, MaxUses: 2, For: 48 * time.Hour})
		return err
	}, event{kind: tenancy.EventJoinCodeCreated, org: acme.ID, subject: later})
	w.Equal(w.Clock.At.Add(48*time.Hour), code.ExpiresAt)
	w.emits(w.using(code, ada), some(tenancy.EventMembershipCreated), some(tenancy.EventJoinCodeUsed))
	m := w.Member(acme, ada)
	w.Equal(tenancy.JoinedCode, m.JoinedVia)
	w.Equal([]string{rbac.Guest}, m.Roles)
	w.refuses(tenancy.ErrAlreadyMember, "", w.using(code, ada)) // which costs no use
	w.NoError(w.using(code, bob)())
	w.refuses(tenancy.ErrJoinCodeSpent, "", w.using(code, w.User("eve")))
	got, err := w.Svc.JoinCodes.Get(w.Ctx, code.ID)
	w.NoError(err)
	w.Equal(2, got.Uses)
	w.consistent()

	// The default is what it is by then.
	open := w.Code(acme)
	_, err = w.Svc.Organizations.Update(w.Ctx, acme.ID, tenancy.OrganizationUpdate{DefaultRole: servicetest.Ptr(rbac.Guest)})
	w.NoError(err)
	w.NoError(w.using(open, w.User("carl"))())
	w.Equal([]string{rbac.Guest}, w.Member(acme, w.mustFind("carl@acme.example")).Roles)
}

func joinCodeRefusals(w *world) {
	acme, ada := w.Org("Acme"), w.User("ada")
	revoked, old := w.Code(acme), w.Code(acme)
	w.emits(func() error { _, err := w.Svc.JoinCodes.Revoke(w.Ctx, revoked.ID); return err }, some(tenancy.EventJoinCodeRevoked))
	w.silent(func() error { _, err := w.Svc.JoinCodes.Revoke(w.Ctx, revoked.ID); return err })
	w.refuses(tenancy.ErrJoinCodeRevoked, "", w.using(revoked, ada))
	w.Clock.Advance(30*24*time.Hour - time.Microsecond)
	w.NoError(w.using(old, w.User("last"))())
	w.Clock.Advance(time.Microsecond)
	w.refuses(tenancy.ErrJoinCodeExpired, "", w.using(old, ada))

	picky, err := w.Svc.JoinCodes.Create(w.Ctx, tenancy.NewJoinCode{OrganizationID: acme.ID, AllowedDomains: []string{"Corp.Example"}})
	w.NoError(err)
	w.Equal([]string{"corp.example"}, picky.AllowedDomains)
	w.refuses(tenancy.ErrEmailDomainNotAllowed, "email", w.using(picky, ada))
	liar := w.NewUser(tenancy.NewUser{Email: "liar@corp.example"})
	w.refuses(tenancy.ErrEmailNotVerified, "", w.using(picky, liar)) // D7: only verified emails
	w.NoError(w.using(picky, w.NewUser(tenancy.NewUser{Email: "true@corp.example", EmailVerified: true}))())

	code := w.Code(acme)
	w.Add(acme, ada)
	w.Deactivate(acme, ada)
	w.refuses(tenancy.ErrMembershipInactive, "", w.using(code, ada)) // M5
	eve := w.User("eve")
	_, err = w.Svc.Organizations.Update(w.Ctx, acme.ID, tenancy.OrganizationUpdate{AllowedDomains: &[]string{"corp.example"}})
	w.NoError(err)
	w.refuses(tenancy.ErrEmailDomainNotAllowed, "email", w.using(code, eve)) // M14
	w.refuses(tenancy.ErrEmailNotVerified, "", w.using(code, liar))
	_, err = w.Svc.Organizations.Suspend(w.Ctx, acme.ID)
	w.NoError(err)
	w.refuses(tenancy.ErrOrganizationClosed, "", w.using(code, eve))
}

func joinCodeRoles(w *world) {
	w.Declare()
	owner, admin := w.User("owner"), w.User("admin")
	acme := w.Owned("Acme", owner)
	w.Add(acme, admin, rbac.Admin)
	w.OwnRoles(acme.ID)
	create := func(svc *tenancy.Service, role string) func() error {
		return func() error {
			_, err := svc.JoinCodes.Create(w.Ctx, tenancy.NewJoinCode{OrganizationID: acme.ID, Role: role})
			return err
		}
	}
	for _, role := range []string{rbac.Owner, rbac.Admin} {
		w.refuses(tenancy.ErrInvalid, "role", create(w.Svc, role)) // R3
	}
	w.refuses(tenancy.ErrUnknownRole, "role", create(w.Svc, "org-none"))
	account := w.Svc.As(tenancy.ServicePrincipal("few", acme.ID, rbac.WriteInvitations))
	w.refuses(tenancy.ErrForbidden, "roles", create(account, servicetest.Editor)) // R6
	w.NoError(create(w.Svc.As(tenancy.UserPrincipal(owner.ID)), servicetest.Editor)())
	w.Role(acme.ID, "org-auto", "")
	w.NoError(create(w.Svc, "org-auto")())
	w.refuses(tenancy.ErrInvalid, "grants", func() error { // R3, wherever it is such a role
		_, err := w.Svc.Roles.Update(w.Ctx, acme.ID, "org-auto", tenancy.RoleUpdate{Grants: servicetest.Ptr([]rbac.Grant{rbac.WriteMembers})})
		return err
	})
}

func joinRequests(w *world) {
	owner, ada, bob := w.User("owner"), w.User("ada"), w.User("bob")
	acme := w.Owned("Acme", owner)
	me, boss := w.Svc.As(tenancy.UserPrincipal(ada.ID)), w.Svc.As(tenancy.UserPrincipal(owner.ID))
	req, err := me.JoinRequests.Create(w.Ctx, acme.ID, ada.ID, " Let me in ")
	w.NoError(err)
	w.Equal("Let me in", req.Note)
	w.Equal(tenancy.JoinRequestPending, req.State)
	w.refuses(tenancy.ErrAlreadyRequested, "", func() error { _, err := me.JoinRequests.Create(w.Ctx, acme.ID, ada.ID, ""); return err })
	page, err := boss.JoinRequests.List(w.Ctx, acme.ID, tenancy.JoinRequestQuery{})
	w.NoError(err)
	w.Equal([]tenancy.Applicant{{JoinRequest: req, Name: "Ada", Email: "ada@acme.example"}}, page.Items)
	mine, err := me.JoinRequests.Get(w.Ctx, req.ID)
	w.NoError(err)
	w.Equal(page.Items[0], mine)
	w.Clock.Advance(time.Hour)
	m, err := boss.JoinRequests.Approve(w.Ctx, req.ID, rbac.Guest)
	w.NoError(err)
	w.Equal(m, w.Member(acme, ada))
	w.Equal([]string{rbac.Guest}, m.Roles)
	w.Equal(tenancy.JoinedRequest, m.JoinedVia)
	w.Equal(owner.ID, m.InviterID)
	mine, err = w.Svc.JoinRequests.Get(w.Ctx, req.ID)
	w.NoError(err)
	w.Equal(tenancy.JoinRequestApproved, mine.State)
	w.Equal(owner.ID, mine.DeciderID)
	w.Equal(w.Clock.At, mine.DecidedAt)
	w.consistent()

	// Declined and canceled ones may be followed by another.
	for state, decide := range map[tenancy.JoinRequestState]func(tenancy.JoinRequestID) (tenancy.JoinRequest, error){
		tenancy.JoinRequestDeclined: func(id tenancy.JoinRequestID) (tenancy.JoinRequest, error) {
			return boss.JoinRequests.Decline(w.Ctx, id)
		},
		tenancy.JoinRequestCanceled: func(id tenancy.JoinRequestID) (tenancy.JoinRequest, error) {
			return w.Svc.As(tenancy.UserPrincipal(bob.ID)).JoinRequests.Cancel(w.Ctx, id)
		},
	} {
		req, err := w.Svc.JoinRequests.Create(w.Ctx, acme.ID, bob.ID, "")
		w.NoError(err)
		after, err := decide(req.ID)
		w.NoError(err)
		w.Equal(state, after.State)
		w.decided(req.ID)
		w.Clock.Advance(time.Minute)
	}
	w.status(acme, bob, "")
}

// decided checks that a request can be decided once only.
func (w *world) decided(id tenancy.JoinRequestID) {
	w.T.Helper()
	for _, again := range []func() error{
		func() error { _, err := w.Svc.JoinRequests.Approve(w.Ctx, id); return err },
		func() error { _, err := w.Svc.JoinRequests.Decline(w.Ctx, id); return err },
		func() error { _, err := w.Svc.JoinRequests.Cancel(w.Ctx, id); return err },
	} {
		w.refuses(tenancy.ErrJoinRequestDecided, "", again)
	}
}

func joinRequestRefusals(w *world) {
	acme, ada := w.Org("Acme"), w.User("ada")
	ask := func(org tenancy.OrganizationID, user tenancy.User, note string) func() error {
		return func() error { _, err := w.Svc.JoinRequests.Create(w.Ctx, org, user.ID, note); return err }
	}
	w.refuses(tenancy.ErrInvalid, "note", ask(acme.ID, ada, longText(501)))
	w.refuses(tenancy.ErrInvalid, "note", ask(acme.ID, ada, "a\u202eb"))
	w.refuses(tenancy.ErrEmailNotVerified, "", ask(acme.ID, w.NewUser(tenancy.NewUser{Email: "ceo@acme.example"}), ""))
	req, err := w.Svc.JoinRequests.Create(w.Ctx, acme.ID, ada.ID, "")
	w.NoError(err)
	approve := func() error { _, err := w.Svc.JoinRequests.Approve(w.Ctx, req.ID); return err }
	_, err = w.Svc.Users.Update(w.Ctx, ada.ID, tenancy.UserUpdate{EmailVerified: servicetest.Ptr(false)})
	w.NoError(err)
	w.refuses(tenancy.ErrEmailNotVerified, "", approve)
	_, err = w.Svc.Users.Update(w.Ctx, ada.ID, tenancy.UserUpdate{EmailVerified: servicetest.Ptr(true)})
	w.NoError(err)
	_, err = w.Svc.Organizations.Update(w.Ctx, acme.ID, tenancy.OrganizationUpdate{BlockedDomains: &[]string{"acme.example"}})
	w.NoError(err)
	w.refuses(tenancy.ErrEmailDomainNotAllowed, "email", approve)
	bob, carl := w.User("bob"), w.User("carl")
	w.refuses(tenancy.ErrEmailDomainNotAllowed, "email", ask(acme.ID, bob, ""))
	_, err = w.Svc.Organizations.Update(w.Ctx, acme.ID, tenancy.OrganizationUpdate{BlockedDomains: &[]string{}, SeatLimit: servicetest.Ptr(1)})
	w.NoError(err)
	eve := w.User("eve")
	w.Add(acme, eve)
	w.refuses(tenancy.ErrSeatLimit, "", approve)
	w.refuses(tenancy.ErrAlreadyMember, "", ask(acme.ID, eve, ""))
	w.Deactivate(acme, eve)
	w.refuses(tenancy.ErrMembershipInactive, "", ask(acme.ID, eve, ""))
	w.Archive(acme)
	w.refuses(tenancy.ErrOrganizationClosed, "", approve)
	w.refuses(tenancy.ErrNotFound, "", ask(acme.ID, carl, "")) // as to everybody outside
}

func joinRequestCeiling(w *world) {
	owner, admin, ada := w.User("owner"), w.User("admin"), w.User("ada")
	acme := w.Owned("Acme", owner)
	w.Add(acme, admin, rbac.Admin)
	req, err := w.Svc.JoinRequests.Create(w.Ctx, acme.ID, ada.ID, "")
	w.NoError(err)
	svc := w.Svc.As(tenancy.UserPrincipal(admin.ID))
	w.refuses(tenancy.ErrForbidden, "roles", func() error { _, err := svc.JoinRequests.Approve(w.Ctx, req.ID, rbac.Owner); return err })
	w.refuses(tenancy.ErrNotFound, "", func() error { // not even one's own
		_, err := w.Svc.As(tenancy.UserPrincipal(ada.ID)).JoinRequests.Approve(w.Ctx, req.ID)
		return err
	})
	w.refuses(tenancy.ErrNotFound, "", func() error { _, err := svc.JoinRequests.Cancel(w.Ctx, req.ID); return err })
	_, err = svc.JoinRequests.Approve(w.Ctx, req.ID, rbac.Admin)
	w.NoError(err)
}

func joiningLimits(w *world) {
	acme := w.Org("Acme")
	w.Code(acme)
	spare := w.Code(acme)
	w.refuses(tenancy.ErrInvalid, "organization", func() error {
		_, err := w.Svc.JoinCodes.Create(w.Ctx, tenancy.NewJoinCode{OrganizationID: acme.ID})
		return err
	})
	_, err := w.Svc.JoinCodes.Revoke(w.Ctx, spare.ID)
	w.NoError(err)
	w.Code(acme)
	w.Clock.Advance(31 * 24 * time.Hour)
	w.Code(acme)
	for _, local := range []string{"ada", "bob"} {
		_, err := w.Svc.JoinRequests.Create(w.Ctx, acme.ID, w.User(local).ID, "")
		w.NoError(err)
	}
	eve := w.User("eve")
	w.refuses(tenancy.ErrInvalid, "organization", func() error {
		_, err := w.Svc.JoinRequests.Create(w.Ctx, acme.ID, eve.ID, "")
		return err
	})
}

func joiningLists(w *world) {
	acme := w.Org("Acme")
	var codes []tenancy.JoinCodeID
	var asked []tenancy.JoinRequestID
	for i := range 5 {
		codes = append(codes, w.Code(acme).ID)
		req, err := w.Svc.JoinRequests.Create(w.Ctx, acme.ID, w.User(fmt.Sprintf("asker%d", i)).ID, "")
		w.NoError(err)
		asked = append(asked, req.ID)
	}
	_, err := w.Svc.JoinCodes.Revoke(w.Ctx, codes[2])
	w.NoError(err)
	_, err = w.Svc.JoinRequests.Decline(w.Ctx, asked[2])
	w.NoError(err)
	listed := func(q tenancy.JoinCodeQuery) (ids []tenancy.JoinCodeID) {
		q.Limit = 2
		for code, err := range w.Svc.JoinCodes.All(w.Ctx, acme.ID, q) {
			w.NoError(err)
			ids = append(ids, code.ID)
		}
		return ids
	}
	w.Equal(codes, listed(tenancy.JoinCodeQuery{}))
	w.Equal(codes[2:3], listed(tenancy.JoinCodeQuery{Revoked: servicetest.Ptr(true)}))
	w.Equal(slices.Delete(slices.Clone(codes), 2, 3), listed(tenancy.JoinCodeQuery{Revoked: servicetest.Ptr(false)}))
	waiting := func(q tenancy.JoinRequestQuery) (ids []tenancy.JoinRequestID) {
		q.Limit = 2
		for req, err := range w.Svc.JoinRequests.All(w.Ctx, acme.ID, q) {
			w.NoError(err)
			ids = append(ids, req.ID)
		}
		return ids
	}
	w.Equal(slices.Delete(slices.Clone(asked), 2, 3), waiting(tenancy.JoinRequestQuery{}))
	w.Equal(asked[2:3], waiting(tenancy.JoinRequestQuery{States: []tenancy.JoinRequestState{tenancy.JoinRequestDeclined}}))
	w.Empty(waiting(tenancy.JoinRequestQuery{States: []tenancy.JoinRequestState{}}))
	_, err = w.Svc.JoinRequests.List(w.Ctx, acme.ID, tenancy.JoinRequestQuery{States: []tenancy.JoinRequestState{"open"}})
	w.Failed(err, tenancy.ErrInvalid, "states")
}
