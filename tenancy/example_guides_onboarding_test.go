package tenancy_test

import (
	"context"
	"fmt"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// signUp signs a person in. If the person has no organization, it makes one for them. Both happen in one
// transaction, so there is no half-finished sign-up.
func signUp(ctx context.Context, svc *tenancy.Service, in tenancy.Attempt, company string) (tenancy.Decision, error) {
	var d tenancy.Decision
	err := svc.Transact(ctx, func(ctx context.Context, tx *tenancy.Service) (err error) {
		d, err = tx.SignIn(ctx, in)
		if err != nil || d.Kind != tenancy.DecisionSignedIn || !d.OrganizationID.IsZero() {
			return err
		}
		org, err := tx.Organizations.Create(ctx, tenancy.NewOrganization{DisplayName: company, Owner: d.User.ID})
		if err != nil {
			return err
		}
		moved, err := tx.Sessions.Switch(ctx, d.Token.Reveal(), org.ID)
		d.Session, d.OrganizationID = moved.Session, org.ID // the token stays
		return err
	})
	return d, err
}

// outbox is a Mailer that keeps the mails. To send mails, use package tenancysmtp.
type outbox []tenancy.Message

func (o *outbox) Mail(_ context.Context, m tenancy.Message) error {
	*o = append(*o, m)
	return nil
}

func Example_onboarding() {
	ctx, sent := context.Background(), outbox{}
	svc := service(tenancy.Config{Mailer: &sent})

	// Ada opened the link that the host had mailed to her.
	ada := must(signUp(ctx, svc, tenancy.Attempt{Evidence: tenancy.MailboxEvidence("ada@acme.example")}, "Acme"))
	fmt.Println(ada.User.Email, ada.Created, ada.Kind)

	// She invites Bob. If she could not give that role, the call would be refused.
	must(svc.As(tenancy.UserPrincipal(ada.User.ID)).Invitations.Send(ctx, tenancy.NewInvitation{
		OrganizationID: ada.OrganizationID, Email: "bob@acme.example", Roles: []string{rbac.Admin},
	}))

	// Bob is new. He opens the link in the mail. The token was only in that mail, so he has proved the mailbox.
	bob := must(svc.SignIn(ctx, tenancy.Attempt{Invitation: sent[0].Token.Reveal()}))
	fmt.Println(bob.Kind, "at", bob.Member.OrganizationName, "as", bob.Member.Roles)
	// Output:
	// ada@acme.example true signed_in
	// signed_in at Acme as [admin]
}
