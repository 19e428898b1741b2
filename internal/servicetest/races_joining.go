package servicetest

import (
	"fmt"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

func (r *race) invite(org tenancy.Organization, email string) tenancy.SentInvitation {
	sent, err := r.svc.Invitations.Send(r.ctx, asking(org, email))
	r.NoError(err)
	return sent
}

func (r *race) state(id tenancy.InvitationID) tenancy.InvitationState {
	inv, err := r.svc.Invitations.Get(r.ctx, id)
	r.NoError(err)
	return inv.State
}

// oneInvitation: 64 accept with one token; one wins.
func oneInvitation(r *race, n int) bool {
	ada := r.user("invited", n)
	org := r.org(r.user("host", n))
	token := r.invite(org, ada.Email).Token.Reveal()
	codes := r.together(repeat(64, func(int) error {
		_, err := r.svc.Invitations.Accept(r.ctx, token, ada.ID)
		return err
	})...)
	members, _ := r.active(org)
	return members == 2 && count(codes, "") == 1 && count(codes, tenancy.ErrInvitationAccepted) == 63
}

// acceptOrRevoke: an invitation is accepted, revoked and resent at once.
func acceptOrRevoke(r *race, n int) bool {
	ada := r.user("wavering", n)
	org := r.org(r.user("boss", n))
	sent := r.invite(org, ada.Email)
	codes := r.together(
		func() error { _, err := r.svc.Invitations.Accept(r.ctx, sent.Token.Reveal(), ada.ID); return err },
		func() error { _, err := r.svc.Invitations.Revoke(r.ctx, sent.ID); return err },
		func() error { _, err := r.svc.Invitations.Resend(r.ctx, sent.ID); return err },
	)
	members, _ := r.active(org)
	accepted := codes[0] == ""
	_, err := r.svc.Memberships.Get(r.ctx, org.ID, ada.ID)
	return accepted == (members == 2) && accepted == (r.state(sent.ID) == tenancy.InvitationAccepted) &&
		(accepted || codes[1] == "") && !(accepted && codes[1] == "") && accepted == (err == nil)
}

// invitedSeats: invitations are sent, accepted and members added where 5 seats are left.
func invitedSeats(r *race, n int) bool {
	const limit = 6
	org := r.org(r.user("landlord", n))
	_, err := r.svc.Organizations.Update(r.ctx, org.ID, tenancy.OrganizationUpdate{SeatLimit: ptr(limit)})
	r.NoError(err)
	guest := r.user("guest", n)
	token := r.invite(org, guest.Email).Token.Reveal()
	calls := repeat(8, func(i int) error {
		_, err := r.svc.Invitations.Send(r.ctx, asking(org, fmt.Sprintf("seated%d-%d@race.example", n, i)))
		return err
	})
	for i := range 8 {
		user := r.user(fmt.Sprintf("added%d-", i), n)
		calls = append(calls, func() error { _, err := r.svc.Memberships.Add(r.ctx, adding(org, user)); return err })
	}
	calls = append(calls, func() error { _, err := r.svc.Invitations.Accept(r.ctx, token, guest.ID); return err })
	codes := r.together(calls...)
	members, _ := r.active(org)
	pending := 0
	for _, err := range r.svc.Invitations.All(r.ctx, org.ID, tenancy.InvitationQuery{States: []tenancy.InvitationState{tenancy.InvitationPending}}) {
		r.NoError(err)
		pending++
	}
	return members+pending == limit && codes[16] == "" && count(codes, tenancy.ErrSeatLimit) == 12
}

// provedMeanwhile: an address is invited while a user proves it; the membership is
// pending whichever came first.
func provedMeanwhile(r *race, n int) bool {
	ada, err := r.svc.Users.Create(r.ctx, tenancy.NewUser{Email: fmt.Sprintf("proving%d@race.example", n)})
	r.NoError(err)
	org := r.org(r.user("asking", n))
	late := fmt.Sprintf("late%d@race.example", n)
	codes := r.together(
		func() error { _, err := r.svc.Invitations.Send(r.ctx, asking(org, ada.Email)); return err },
		func() error {
			_, err := r.svc.Users.Update(r.ctx, ada.ID, tenancy.UserUpdate{EmailVerified: ptr(true)})
			return err
		},
		func() error { _, err := r.svc.Invitations.Send(r.ctx, asking(org, late)); return err },
		func() error {
			_, err := r.svc.Users.Create(r.ctx, tenancy.NewUser{Email: late, EmailVerified: true})
			return err
		},
	)
	came, err := r.svc.Users.GetByEmail(r.ctx, late)
	r.NoError(err)
	for _, user := range []tenancy.User{ada, came} {
		m, err := r.svc.Memberships.Get(r.ctx, org.ID, user.ID)
		if err != nil || m.Status != tenancy.MembershipPending {
			return false
		}
	}
	return count(codes, "") == 4
}

// oneCode: 16 use a code that lets 5 in.
func oneCode(r *race, n int) bool {
	org := r.org(r.user("issuer", n))
	code, err := r.svc.JoinCodes.Create(r.ctx, tenancy.NewJoinCode{OrganizationID: org.ID, MaxUses: 5})
	r.NoError(err)
	users := make([]tenancy.User, 16)
	for i := range users {
		users[i] = r.user(fmt.Sprintf("using%d-", i), n)
	}
	codes := r.together(repeat(len(users), func(i int) error {
		_, err := r.svc.JoinCodes.Use(r.ctx, code.Token.Reveal(), users[i].ID)
		return err
	})...)
	members, _ := r.active(org)
	return members == 6 && count(codes, "") == 5 && count(codes, tenancy.ErrJoinCodeSpent) == 11
}

// demotedMeanwhile: an inviter is demoted while their invitation to an admin's role is
// accepted: whoever is in was let in before.
func demotedMeanwhile(r *race, n int) bool {
	ada, admin := r.user("hopeful", n), r.user("falling", n)
	org := r.org(r.user("top", n))
	_, err := r.svc.Memberships.Add(r.ctx, adding(org, admin, rbac.Admin))
	r.NoError(err)
	sent, err := r.svc.As(tenancy.UserPrincipal(admin.ID)).Invitations.Send(r.ctx, asking(org, ada.Email, rbac.Admin))
	r.NoError(err)
	codes := r.together(
		func() error { _, err := r.svc.Invitations.Accept(r.ctx, sent.Token.Reveal(), ada.ID); return err },
		func() error { return r.svc.Memberships.Remove(r.ctx, org.ID, admin.ID) },
		func() error { return r.svc.Users.Delete(r.ctx, admin.ID) },
	)
	members, _ := r.active(org)
	return (codes[0] == "" && members == 2 || codes[0] == tenancy.ErrInvitationVoid && members == 1) && codes[2] == ""
}
