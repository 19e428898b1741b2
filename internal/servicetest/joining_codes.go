package servicetest

import (
	"fmt"
	"slices"
	"time"

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

// code makes a join code of the host's.
func (w *world) code(org tenancy.Organization) tenancy.IssuedJoinCode {
	w.t.Helper()
	code, err := w.svc.JoinCodes.Create(w.ctx, tenancy.NewJoinCode{OrganizationID: org.ID})
	w.NoError(err)
	return code
}

func (w *world) using(code tenancy.IssuedJoinCode, user tenancy.User) func() error {
	return func() error { _, err := w.svc.JoinCodes.Use(w.ctx, code.Token.Reveal(), user.ID); return err }
}

func joinCodes(w *world) {
	acme, ada, bob := w.org("Acme"), w.user("ada"), w.user("bob")
	var code tenancy.IssuedJoinCode
	w.emits(func() (err error) {
		code, err = w.svc.JoinCodes.Create(w.ctx, tenancy.NewJoinCode{OrganizationID: acme.ID, Role: rbac.Guest, MaxUses: 2, For: 48 * time.Hour})
		return err
	}, event{kind: tenancy.EventJoinCodeCreated, org: acme.ID, subject: later})
	w.Equal(w.clock.at.Add(48*time.Hour), code.ExpiresAt)
	w.emits(w.using(code, ada), some(tenancy.EventMembershipCreated), some(tenancy.EventJoinCodeUsed))
	m := w.member(acme, ada)
	w.Equal(tenancy.JoinedCode, m.JoinedVia)
	w.Equal([]string{rbac.Guest}, m.Roles)
	w.refuses(tenancy.ErrAlreadyMember, "", w.using(code, ada)) // which costs no use
	w.NoError(w.using(code, bob)())
	w.refuses(tenancy.ErrJoinCodeSpent, "", w.using(code, w.user("eve")))
	got, err := w.svc.JoinCodes.Get(w.ctx, code.ID)
	w.NoError(err)
	w.Equal(2, got.Uses)
	w.consistent()

	// The default is what it is by then.
	open := w.code(acme)
	_, err = w.svc.Organizations.Update(w.ctx, acme.ID, tenancy.OrganizationUpdate{DefaultRole: ptr(rbac.Guest)})
	w.NoError(err)
	w.NoError(w.using(open, w.user("carl"))())
	w.Equal([]string{rbac.Guest}, w.member(acme, w.mustFind("carl@acme.example")).Roles)
}

func joinCodeRefusals(w *world) {
	acme, ada := w.org("Acme"), w.user("ada")
	revoked, old := w.code(acme), w.code(acme)
	w.emits(func() error { _, err := w.svc.JoinCodes.Revoke(w.ctx, revoked.ID); return err }, some(tenancy.EventJoinCodeRevoked))
	w.silent(func() error { _, err := w.svc.JoinCodes.Revoke(w.ctx, revoked.ID); return err })
	w.refuses(tenancy.ErrJoinCodeRevoked, "", w.using(revoked, ada))
	w.clock.advance(30*24*time.Hour - time.Microsecond)
	w.NoError(w.using(old, w.user("last"))())
	w.clock.advance(time.Microsecond)
	w.refuses(tenancy.ErrJoinCodeExpired, "", w.using(old, ada))

	picky, err := w.svc.JoinCodes.Create(w.ctx, tenancy.NewJoinCode{OrganizationID: acme.ID, AllowedDomains: []string{"Corp.Example"}})
	w.NoError(err)
	w.Equal([]string{"corp.example"}, picky.AllowedDomains)
	w.refuses(tenancy.ErrEmailDomainNotAllowed, "email", w.using(picky, ada))
	liar := w.newUser(tenancy.NewUser{Email: "liar@corp.example"})
	w.refuses(tenancy.ErrEmailNotVerified, "", w.using(picky, liar)) // D7: only verified emails
	w.NoError(w.using(picky, w.newUser(tenancy.NewUser{Email: "true@corp.example", EmailVerified: true}))())

	code := w.code(acme)
	w.add(acme, ada)
	w.deactivate(acme, ada)
	w.refuses(tenancy.ErrMembershipInactive, "", w.using(code, ada)) // M5
	eve := w.user("eve")
	_, err = w.svc.Organizations.Update(w.ctx, acme.ID, tenancy.OrganizationUpdate{AllowedDomains: &[]string{"corp.example"}})
	w.NoError(err)
	w.refuses(tenancy.ErrEmailDomainNotAllowed, "email", w.using(code, eve)) // M14
	w.refuses(tenancy.ErrEmailNotVerified, "", w.using(code, liar))
	_, err = w.svc.Organizations.Suspend(w.ctx, acme.ID)
	w.NoError(err)
	w.refuses(tenancy.ErrOrganizationClosed, "", w.using(code, eve))
}

func joinCodeRoles(w *world) {
	w.declare()
	owner, admin := w.user("owner"), w.user("admin")
	acme := w.owned("Acme", owner)
	w.add(acme, admin, rbac.Admin)
	w.ownRoles(acme.ID)
	create := func(svc *tenancy.Service, role string) func() error {
		return func() error {
			_, err := svc.JoinCodes.Create(w.ctx, tenancy.NewJoinCode{OrganizationID: acme.ID, Role: role})
			return err
		}
	}
	for _, role := range []string{rbac.Owner, rbac.Admin} {
		w.refuses(tenancy.ErrInvalid, "role", create(w.svc, role)) // R3
	}
	w.refuses(tenancy.ErrUnknownRole, "role", create(w.svc, "org-none"))
	account := w.svc.As(tenancy.ServicePrincipal("few", acme.ID, rbac.Grant(rbac.WriteInvitations)))
	w.refuses(tenancy.ErrForbidden, "roles", create(account, editor)) // R6
	w.NoError(create(w.svc.As(tenancy.UserPrincipal(owner.ID)), editor)())
	w.role(acme.ID, "org-auto", "")
	w.NoError(create(w.svc, "org-auto")())
	w.refuses(tenancy.ErrInvalid, "grants", func() error { // R3, wherever it is such a role
		_, err := w.svc.Roles.Update(w.ctx, acme.ID, "org-auto", tenancy.RoleUpdate{Grants: ptr([]rbac.Grant{rbac.Grant(rbac.WriteMembers)})})
		return err
	})
}

func joinRequests(w *world) {
	owner, ada, bob := w.user("owner"), w.user("ada"), w.user("bob")
	acme := w.owned("Acme", owner)
	me, boss := w.svc.As(tenancy.UserPrincipal(ada.ID)), w.svc.As(tenancy.UserPrincipal(owner.ID))
	req, err := me.JoinRequests.Create(w.ctx, acme.ID, ada.ID, " Let me in ")
	w.NoError(err)
	w.Equal("Let me in", req.Note)
	w.Equal(tenancy.JoinRequestPending, req.State)
	w.refuses(tenancy.ErrAlreadyRequested, "", func() error { _, err := me.JoinRequests.Create(w.ctx, acme.ID, ada.ID, ""); return err })
	page, err := boss.JoinRequests.List(w.ctx, acme.ID, tenancy.JoinRequestQuery{})
	w.NoError(err)
	w.Equal([]tenancy.Applicant{{JoinRequest: req, Name: "Ada", Email: "ada@acme.example"}}, page.Items)
	mine, err := me.JoinRequests.Get(w.ctx, req.ID)
	w.NoError(err)
	w.Equal(page.Items[0], mine)
	w.clock.advance(time.Hour)
	m, err := boss.JoinRequests.Approve(w.ctx, req.ID, rbac.Guest)
	w.NoError(err)
	w.Equal(m, w.member(acme, ada))
	w.Equal([]string{rbac.Guest}, m.Roles)
	w.Equal(tenancy.JoinedRequest, m.JoinedVia)
	w.Equal(owner.ID, m.InviterID)
	mine, err = w.svc.JoinRequests.Get(w.ctx, req.ID)
	w.NoError(err)
	w.Equal(tenancy.JoinRequestApproved, mine.State)
	w.Equal(owner.ID, mine.DeciderID)
	w.Equal(w.clock.at, mine.DecidedAt)
	w.consistent()

	// Declined and canceled ones may be followed by another.
	for state, decide := range map[tenancy.JoinRequestState]func(tenancy.JoinRequestID) (tenancy.JoinRequest, error){
		tenancy.JoinRequestDeclined: func(id tenancy.JoinRequestID) (tenancy.JoinRequest, error) {
			return boss.JoinRequests.Decline(w.ctx, id)
		},
		tenancy.JoinRequestCanceled: func(id tenancy.JoinRequestID) (tenancy.JoinRequest, error) {
			return w.svc.As(tenancy.UserPrincipal(bob.ID)).JoinRequests.Cancel(w.ctx, id)
		},
	} {
		req, err := w.svc.JoinRequests.Create(w.ctx, acme.ID, bob.ID, "")
		w.NoError(err)
		after, err := decide(req.ID)
		w.NoError(err)
		w.Equal(state, after.State)
		w.decided(req.ID)
	}
	w.status(acme, bob, "")
}

// decided checks that a request can be decided once only.
func (w *world) decided(id tenancy.JoinRequestID) {
	w.t.Helper()
	for _, again := range []func() error{
		func() error { _, err := w.svc.JoinRequests.Approve(w.ctx, id); return err },
		func() error { _, err := w.svc.JoinRequests.Decline(w.ctx, id); return err },
		func() error { _, err := w.svc.JoinRequests.Cancel(w.ctx, id); return err },
	} {
		w.refuses(tenancy.ErrJoinRequestDecided, "", again)
	}
}

func joinRequestRefusals(w *world) {
	acme, ada := w.org("Acme"), w.user("ada")
	ask := func(org tenancy.OrganizationID, user tenancy.User, note string) func() error {
		return func() error { _, err := w.svc.JoinRequests.Create(w.ctx, org, user.ID, note); return err }
	}
	w.refuses(tenancy.ErrInvalid, "note", ask(acme.ID, ada, longText(501)))
	w.refuses(tenancy.ErrInvalid, "note", ask(acme.ID, ada, "a\u202eb"))
	w.refuses(tenancy.ErrEmailNotVerified, "", ask(acme.ID, w.newUser(tenancy.NewUser{Email: "ceo@acme.example"}), ""))
	req, err := w.svc.JoinRequests.Create(w.ctx, acme.ID, ada.ID, "")
	w.NoError(err)
	approve := func() error { _, err := w.svc.JoinRequests.Approve(w.ctx, req.ID); return err }
	_, err = w.svc.Users.Update(w.ctx, ada.ID, tenancy.UserUpdate{EmailVerified: ptr(false)})
	w.NoError(err)
	w.refuses(tenancy.ErrEmailNotVerified, "", approve)
	_, err = w.svc.Users.Update(w.ctx, ada.ID, tenancy.UserUpdate{EmailVerified: ptr(true)})
	w.NoError(err)
	_, err = w.svc.Organizations.Update(w.ctx, acme.ID, tenancy.OrganizationUpdate{BlockedDomains: &[]string{"acme.example"}})
	w.NoError(err)
	w.refuses(tenancy.ErrEmailDomainNotAllowed, "email", approve)
	bob, carl := w.user("bob"), w.user("carl")
	w.refuses(tenancy.ErrEmailDomainNotAllowed, "email", ask(acme.ID, bob, ""))
	_, err = w.svc.Organizations.Update(w.ctx, acme.ID, tenancy.OrganizationUpdate{BlockedDomains: &[]string{}, SeatLimit: ptr(1)})
	w.NoError(err)
	eve := w.user("eve")
	w.add(acme, eve)
	w.refuses(tenancy.ErrSeatLimit, "", approve)
	w.refuses(tenancy.ErrAlreadyMember, "", ask(acme.ID, eve, ""))
	w.deactivate(acme, eve)
	w.refuses(tenancy.ErrMembershipInactive, "", ask(acme.ID, eve, ""))
	w.archive(acme)
	w.refuses(tenancy.ErrOrganizationClosed, "", approve)
	w.refuses(tenancy.ErrNotFound, "", ask(acme.ID, carl, "")) // as to everybody outside
}

func joinRequestCeiling(w *world) {
	owner, admin, ada := w.user("owner"), w.user("admin"), w.user("ada")
	acme := w.owned("Acme", owner)
	w.add(acme, admin, rbac.Admin)
	req, err := w.svc.JoinRequests.Create(w.ctx, acme.ID, ada.ID, "")
	w.NoError(err)
	svc := w.svc.As(tenancy.UserPrincipal(admin.ID))
	w.refuses(tenancy.ErrForbidden, "roles", func() error { _, err := svc.JoinRequests.Approve(w.ctx, req.ID, rbac.Owner); return err })
	w.refuses(tenancy.ErrNotFound, "", func() error { // not even one's own
		_, err := w.svc.As(tenancy.UserPrincipal(ada.ID)).JoinRequests.Approve(w.ctx, req.ID)
		return err
	})
	w.refuses(tenancy.ErrNotFound, "", func() error { _, err := svc.JoinRequests.Cancel(w.ctx, req.ID); return err })
	_, err = svc.JoinRequests.Approve(w.ctx, req.ID, rbac.Admin)
	w.NoError(err)
}

func joiningLimits(w *world) {
	acme := w.org("Acme")
	w.code(acme)
	spare := w.code(acme)
	w.refuses(tenancy.ErrInvalid, "organization", func() error {
		_, err := w.svc.JoinCodes.Create(w.ctx, tenancy.NewJoinCode{OrganizationID: acme.ID})
		return err
	})
	_, err := w.svc.JoinCodes.Revoke(w.ctx, spare.ID)
	w.NoError(err)
	w.code(acme)
	w.clock.advance(31 * 24 * time.Hour)
	w.code(acme)
	for _, local := range []string{"ada", "bob"} {
		_, err := w.svc.JoinRequests.Create(w.ctx, acme.ID, w.user(local).ID, "")
		w.NoError(err)
	}
	eve := w.user("eve")
	w.refuses(tenancy.ErrInvalid, "organization", func() error {
		_, err := w.svc.JoinRequests.Create(w.ctx, acme.ID, eve.ID, "")
		return err
	})
}

func joiningLists(w *world) {
	acme := w.org("Acme")
	var codes []tenancy.JoinCodeID
	var asked []tenancy.JoinRequestID
	for i := range 5 {
		codes = append(codes, w.code(acme).ID)
		req, err := w.svc.JoinRequests.Create(w.ctx, acme.ID, w.user(fmt.Sprintf("asker%d", i)).ID, "")
		w.NoError(err)
		asked = append(asked, req.ID)
	}
	_, err := w.svc.JoinCodes.Revoke(w.ctx, codes[2])
	w.NoError(err)
	_, err = w.svc.JoinRequests.Decline(w.ctx, asked[2])
	w.NoError(err)
	listed := func(q tenancy.JoinCodeQuery) (ids []tenancy.JoinCodeID) {
		q.Limit = 2
		for code, err := range w.svc.JoinCodes.All(w.ctx, acme.ID, q) {
			w.NoError(err)
			ids = append(ids, code.ID)
		}
		return ids
	}
	w.Equal(codes, listed(tenancy.JoinCodeQuery{}))
	w.Equal(codes[2:3], listed(tenancy.JoinCodeQuery{Revoked: ptr(true)}))
	w.Equal(slices.Delete(slices.Clone(codes), 2, 3), listed(tenancy.JoinCodeQuery{Revoked: ptr(false)}))
	waiting := func(q tenancy.JoinRequestQuery) (ids []tenancy.JoinRequestID) {
		q.Limit = 2
		for req, err := range w.svc.JoinRequests.All(w.ctx, acme.ID, q) {
			w.NoError(err)
			ids = append(ids, req.ID)
		}
		return ids
	}
	w.Equal(slices.Delete(slices.Clone(asked), 2, 3), waiting(tenancy.JoinRequestQuery{}))
	w.Equal(asked[2:3], waiting(tenancy.JoinRequestQuery{States: []tenancy.JoinRequestState{tenancy.JoinRequestDeclined}}))
	w.Empty(waiting(tenancy.JoinRequestQuery{States: []tenancy.JoinRequestState{}}))
	_, err = w.svc.JoinRequests.List(w.ctx, acme.ID, tenancy.JoinRequestQuery{States: []tenancy.JoinRequestState{"open"}})
	w.failed(err, tenancy.ErrInvalid, "states")
}
