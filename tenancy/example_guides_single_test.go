package tenancy_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/freehold-dev/freehold/tenancy"
)

// comeOver accepts an invitation for a person who may be in another organization. If leave is true,
// they first leave that organization.
func comeOver(ctx context.Context, svc *tenancy.Service, token string, user tenancy.UserID, leave bool) (tenancy.Member, error) {
	var member tenancy.Member
	err := svc.Transact(ctx, func(ctx context.Context, tx *tenancy.Service) (err error) {
		member, err = tx.Invitations.Accept(ctx, token, user)
		if !leave || !errors.Is(err, tenancy.ErrAlreadyMemberElsewhere) {
			return err
		}
		now, err := tx.Memberships.ListByUser(ctx, user, tenancy.MemberQuery{})
		if err != nil {
			return err
		}
		for _, m := range now.Items {
			if err := tx.Memberships.Leave(ctx, m.OrganizationID, user); err != nil {
				return err
			}
		}
		member, err = tx.Invitations.Accept(ctx, token, user)
		return err
	})
	return member, err
}

func Example_singleOrganization() {
	ctx := context.Background()
	svc := service(tenancy.Config{SingleOrganization: true})
	acme := must(svc.Organizations.Create(ctx, tenancy.NewOrganization{DisplayName: "Acme"}))
	beta := must(svc.Organizations.Create(ctx, tenancy.NewOrganization{DisplayName: "Beta"}))
	bob := must(svc.Users.Create(ctx, tenancy.NewUser{Email: "bob@mail.example", EmailVerified: true}))
	must(svc.Memberships.Add(ctx, tenancy.NewMembership{OrganizationID: acme.ID, UserID: bob.ID}))

	// The inviter does not learn that Bob is in another organization.
	invited := must(svc.Invitations.Send(ctx, tenancy.NewInvitation{OrganizationID: beta.ID, Email: bob.Email}))
	_, err := comeOver(ctx, svc, invited.Token.Reveal(), bob.ID, false)
	fmt.Println(tenancy.CodeOf(err))

	member := must(comeOver(ctx, svc, invited.Token.Reveal(), bob.ID, true))
	fmt.Println(member.OrganizationName, len(must(svc.Memberships.ListByUser(ctx, bob.ID, tenancy.MemberQuery{})).Items))
	// Output:
	// already_member_elsewhere
	// Beta 1
}
