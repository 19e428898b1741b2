package tenancy_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

func Example_inviting() {
	ctx, sent := context.Background(), outbox{}
	svc, org, ada, _, _ := acme(tenancy.Config{Mailer: &sent})
	by := svc.As(tenancy.UserPrincipal(ada.ID))

	// Ada pastes a list. The page shows which rows are wrong. Nothing is sent yet.
	var rows []tenancy.NewInvitation
	for _, email := range []string{"kim@acme.example", "lee", "Kim@acme.example", "bob@acme.example", "max@acme.example"} {
		rows = append(rows, tenancy.NewInvitation{OrganizationID: org.ID, Email: email})
	}
	for _, r := range must(by.Invitations.SendMany(ctx, rows, tenancy.SendOptions{DryRun: true})) {
		fmt.Printf("%d %s %q\n", r.Row, rows[r.Row].Email, tenancy.CodeOf(r.Err))
	}
	fmt.Println(len(sent), "mails")

	// She sends the list. The good rows are sent. With SendOptions.All one bad row would stop all rows.
	results := must(by.Invitations.SendMany(ctx, rows, tenancy.SendOptions{}))
	fmt.Println(len(sent), "mails")

	// Ada changes Kim's role to administrator. The link that was mailed stays valid.
	kim := results[0].Sent
	must(by.Invitations.Update(ctx, kim.ID, tenancy.InvitationUpdate{Roles: tenancy.Set([]string{rbac.Admin})}))
	fmt.Println(must(svc.SignIn(ctx, tenancy.Attempt{Invitation: sent[0].Token.Reveal()})).Member.Roles)

	// Max declines. The page of his link has a button that posts the token.
	declined := must(svc.Invitations.Decline(ctx, sent[1].Token.Reveal()))
	fmt.Println(declined.Email, "declined", declined.OrganizationName)
	_, err := by.Invitations.Send(ctx, rows[4])
	var e *tenancy.Error
	fmt.Println(errors.As(err, &e), e.Code, e.RetryAfter.Round(time.Hour))
	// Output:
	// 0 kim@acme.example ""
	// 1 lee "invalid"
	// 2 Kim@acme.example "already_invited"
	// 3 bob@acme.example "already_member"
	// 4 max@acme.example ""
	// 0 mails
	// 2 mails
	// [admin]
	// m***@acme.example declined Acme
	// true invitation_declined 720h0m0s
}
