package tenancy_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// moveOut removes a person from their old organization, if they are a member of the new one. If they are the
// only owner of the old one, the user successor first becomes its owner.
func moveOut(ctx context.Context, svc *tenancy.Service, user tenancy.UserID, from, to tenancy.OrganizationID, successor tenancy.UserID) error {
	return svc.Transact(ctx, func(ctx context.Context, tx *tenancy.Service) error {
		there, err := tx.Memberships.Get(ctx, to, user)
		if err != nil {
			return err
		}
		if there.Status != tenancy.MembershipActive {
			return fmt.Errorf("%s has not accepted yet", there.Email)
		}
		err = tx.Memberships.Remove(ctx, from, user)
		if !errors.Is(err, tenancy.ErrLastOwner) {
			return err
		}
		if err := tx.Memberships.TransferOwnership(ctx, from, user, successor, rbac.Member); err != nil {
			return err
		}
		return tx.Memberships.Remove(ctx, from, user)
	})
}

func Example_moving() {
	ctx := context.Background()
	svc, acme, _, bob, _ := acme(tenancy.Config{})
	ada := must(svc.Users.Create(ctx, tenancy.NewUser{Email: "ada@mail.example", EmailVerified: true}))
	beta := must(svc.Organizations.Create(ctx, tenancy.NewOrganization{DisplayName: "Beta", Owner: ada.ID}))

	// The address shows that it is the same person. The membership in Beta stays until it is removed.
	invited := must(svc.Invitations.Send(ctx, tenancy.NewInvitation{OrganizationID: acme.ID, Email: ada.Email}))
	fmt.Println(moveOut(ctx, svc, ada.ID, beta.ID, acme.ID, bob.ID))
	must(svc.Invitations.Accept(ctx, invited.Token.Reveal(), ada.ID))
	fmt.Println(len(must(svc.Memberships.ListByUser(ctx, ada.ID, tenancy.MemberQuery{})).Items))

	// Ada is Beta's only owner, and Bob is not in Beta yet.
	fmt.Println(tenancy.CodeOf(moveOut(ctx, svc, ada.ID, beta.ID, acme.ID, bob.ID)))
	must(svc.Memberships.Add(ctx, tenancy.NewMembership{OrganizationID: beta.ID, UserID: bob.ID}))
	fmt.Println(moveOut(ctx, svc, ada.ID, beta.ID, acme.ID, bob.ID))
	for _, m := range must(svc.Memberships.ListByUser(ctx, ada.ID, tenancy.MemberQuery{})).Items {
		fmt.Println(m.OrganizationName, m.Roles)
	}
	// Output:
	// ada@mail.example has not accepted yet
	// 2
	// not_found
	// <nil>
	// Acme [member]
}
