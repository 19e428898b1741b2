package races

import (
	"fmt"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

func (r *race) invite(org tenancy.Organization, email string) tenancy.SentInvitation {
	sent, err := r.Svc.Invitations.Send(r.Ctx, servicetest.Asking(org, email))
	r.NoError(err)
	return sent
}

func (r *race) state(id tenancy.InvitationID) tenancy.InvitationState {
	inv, err := r.Svc.Invitations.Get(r.Ctx, id)
	r.NoError(err)
	return inv.State
}

// oneInvitation: 64 accept with one token; one wins.
func oneInvitation(r *race, n int) bool {
	ada := r.User("invited", n)
	org := r.Org(r.User("host", n))
	token := r.invite(org, ada.Email).Token.Reveal()
	codes := r.Together(servicetest.Repeat(64, func(int) error {
		_, err := r.Svc.Invitations.Accept(r.Ctx, token, ada.ID)
		return err
	})...)
	members, _ := r.Active(org)
	return members == 2 && servicetest.Count(codes, "") == 1 && servicetest.Count(codes, tenancy.ErrInvitationAccepted) == 63
}

// acceptOrRevoke: an invitation is accepted, revoked and resent at once.
func acceptOrRevoke(r *race, n int) bool {
	ada := r.User("wavering", n)
	org := r.Org(r.User("boss", n))
	sent := r.invite(org, ada.Email)
	codes := r.Together(
		func() error { _, err := r.Svc.Invitations.Accept(r.Ctx, sent.Token.Reveal(), ada.ID); return err },
		func() error { _, err := r.Svc.Invitations.Revoke(r.Ctx, sent.ID); return err },
		func() error { _, err := r.Svc.Invitations.Resend(r.Ctx, sent.ID); return err },
	)
	members, _ := r.Active(org)
	accepted := codes[0] == ""
	_, err := r.Svc.Memberships.Get(r.Ctx, org.ID, ada.ID)
	return accepted == (members == 2) && accepted == (r.state(sent.ID) == tenancy.InvitationAccepted) &&
		(accepted || codes[1] == "") && !(accepted && codes[1] == "") && accepted == (err == nil)
}

// acceptOrDecline: an invitation is accepted and declined at once, each many times; one wins.
func acceptOrDecline(r *race, n int) bool {
	ada := r.User("undecided", n)
	org := r.Org(r.User("patient", n))
	sent := r.invite(org, ada.Email)
	token := sent.Token.Reveal()
	codes := r.Together(servicetest.Repeat(16, func(i int) (err error) {
		if i%2 == 0 {
			_, err = r.Svc.Invitations.Accept(r.Ctx, token, ada.ID)
		} else {
			_, err = r.Svc.Invitations.Decline(r.Ctx, token)
		}
		return err
	})...)
	members, _ := r.Active(org)
	_, err := r.Svc.Memberships.Get(r.Ctx, org.ID, ada.ID)
	accepted, state := members == 2, r.state(sent.ID)
	return servicetest.Count(codes, "") == 1 && accepted == (err == nil) &&
		(accepted && state == tenancy.InvitationAccepted && servicetest.Count(codes, tenancy.ErrInvitationAccepted) == 15 ||
			!accepted && state == tenancy.InvitationDeclined && servicetest.Count(codes, tenancy.ErrInvalidToken) == 15)
}

// invitedSeats: invitations are sent, accepted and members added where 5 seats are left.
func invitedSeats(r *race, n int) bool {
	const limit = 6
	org := r.Org(r.User("landlord", n))
	_, err := r.Svc.Organizations.Update(r.Ctx, org.ID, tenancy.OrganizationUpdate{SeatLimit: servicetest.Ptr(limit)})
	r.NoError(err)
	guest := r.User("guest", n)
	token := r.invite(org, guest.Email).Token.Reveal()
	calls := servicetest.Repeat(8, func(i int) error {
		_, err := r.Svc.Invitations.Send(r.Ctx, servicetest.Asking(org, fmt.Sprintf("seated%d-%d@race.example", n, i)))
		return err
	})
	for i := range 8 {
		user := r.User(fmt.Sprintf("added%d-", i), n)
		calls = append(calls, func() error { _, err := r.Svc.Memberships.Add(r.Ctx, servicetest.Adding(org, user)); return err })
	}
	calls = append(calls, func() error { _, err := r.Svc.Invitations.Accept(r.Ctx, token, guest.ID); return err })
	codes := r.Together(calls...)
	members, _ := r.Active(org)
	pending := 0
	for _, err := range r.Svc.Invitations.All(r.Ctx, org.ID, tenancy.InvitationQuery{States: []tenancy.InvitationState{tenancy.InvitationPending}}) {
		r.NoError(err)
		pending++
	}
	return members+pending == limit && codes[16] == "" && servicetest.Count(codes, tenancy.ErrSeatLimit) == 12
}

// provedMeanwhile: an address is invited while a user proves it; the membership is
// pending whichever came first.
func provedMeanwhile(r *race, n int) bool {
	ada, err := r.Svc.Users.Create(r.Ctx, tenancy.NewUser{Email: fmt.Sprintf("proving%d@race.example", n)})
	r.NoError(err)
	org := r.Org(r.User("asking", n))
	late := fmt.Sprintf("late%d@race.example", n)
	codes := r.Together(
		func() error { _, err := r.Svc.Invitations.Send(r.Ctx, servicetest.Asking(org, ada.Email)); return err },
		func() error {
			_, err := r.Svc.Users.Update(r.Ctx, ada.ID, tenancy.UserUpdate{EmailVerified: servicetest.Ptr(true)})
			return err
		},
		func() error { _, err := r.Svc.Invitations.Send(r.Ctx, servicetest.Asking(org, late)); return err },
		func() error {
			_, err := r.Svc.Users.Create(r.Ctx, tenancy.NewUser{Email: late, EmailVerified: true})
			return err
		},
	)
	came, err := r.Svc.Users.GetByEmail(r.Ctx, late)
	r.NoError(err)
	for _, user := range []tenancy.User{ada, came} {
		m, err := r.Svc.Memberships.Get(r.Ctx, org.ID, user.ID)
		if err != nil || m.Status != tenancy.MembershipPending {
			return false
		}
	}
	return servicetest.Count(codes, "") == 4
}

// oneCode: 16 use a code that lets 5 in.
func oneCode(r *race, n int) bool {
	org := r.Org(r.User("issuer", n))
	code, err := r.Svc.JoinCodes.Create(r.Ctx, tenancy.NewJoinCode{OrganizationID: org.ID, MaxUses: 5})
	r.NoError(err)
	users := make([]tenancy.User, 16)
	for i := range users {
		users[i] = r.User(fmt.Sprintf("using%d-", i), n)
	}
	codes := r.Together(servicetest.Repeat(len(users), func(i int) error {
		_, err := r.Svc.JoinCodes.Use(r.Ctx, code.Token.Reveal(), users[i].ID)
		return err
	})...)
	members, _ := r.Active(org)
	return members == 6 && servicetest.Count(codes, "") == 5 && servicetest.Count(codes, tenancy.ErrJoinCodeSpent) == 11
}

// demotedMeanwhile: an inviter is demoted while their invitation to an admin's role is
// accepted: whoever is in was let in before.
func demotedMeanwhile(r *race, n int) bool {
	ada, admin := r.User("hopeful", n), r.User("falling", n)
	org := r.Org(r.User("top", n))
	_, err := r.Svc.Memberships.Add(r.Ctx, servicetest.Adding(org, admin, rbac.Admin))
	r.NoError(err)
	sent, err := r.Svc.As(tenancy.UserPrincipal(admin.ID)).Invitations.Send(r.Ctx, servicetest.Asking(org, ada.Email, rbac.Admin))
	r.NoError(err)
	codes := r.Together(
		func() error { _, err := r.Svc.Invitations.Accept(r.Ctx, sent.Token.Reveal(), ada.ID); return err },
		func() error { return r.Svc.Memberships.Remove(r.Ctx, org.ID, admin.ID) },
		func() error { return r.Svc.Users.Delete(r.Ctx, admin.ID) },
	)
	members, _ := r.Active(org)
	return (codes[0] == "" && members == 2 || codes[0] == tenancy.ErrInvitationVoid && members == 1) && codes[2] == ""
}
