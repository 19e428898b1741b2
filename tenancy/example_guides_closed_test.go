package tenancy_test

import (
	"context"
	"fmt"

	"github.com/freehold-dev/freehold/tenancy"
)

// landing gives the page to which a browser is sent after an attempt to sign in.
func landing(d tenancy.Decision) string {
	switch d.Kind {
	case tenancy.DecisionSignedIn:
		return "/" // with d.Token in the cookie
	case tenancy.DecisionInvitationNeeded:
		return "/waiting-list"
	case tenancy.DecisionInvitationRefused:
		return "/invitation?why=" + string(d.Code)
	case tenancy.DecisionVerifyEmail:
		return "/check-your-mail"
	default:
		return "/sign-in?why=" + string(d.Kind)
	}
}

func Example_closedRegistration() {
	ctx, sent := context.Background(), outbox{}
	svc := service(tenancy.Config{Registration: tenancy.RegistrationClosed, Mailer: &sent})
	link := func(email string) tenancy.Attempt {
		return tenancy.Attempt{Evidence: tenancy.MailboxEvidence(email)}
	}

	// Zoe is not a user, and the attempt stores nothing about her.
	fmt.Println(landing(must(svc.SignIn(ctx, link("zoe@mail.example")))))
	_, err := svc.Users.GetByEmail(ctx, "zoe@mail.example")
	fmt.Println(tenancy.CodeOf(err))

	// An invitation into the application names no organization. The host sends it to people on the waiting list.
	must(svc.Invitations.Send(ctx, tenancy.NewInvitation{Email: "zoe@mail.example"}))
	zoe := link("zoe@mail.example")
	zoe.Invitation = sent[0].Token.Reveal()
	fmt.Println(landing(must(svc.SignIn(ctx, zoe))))
	fmt.Println(landing(must(svc.SignIn(ctx, zoe)))) // a used link is ignored if the person can sign in without it

	// Kim bought a plan: by accepting the invitation Kim founds an organization, and owns it.
	must(svc.Invitations.Send(ctx, tenancy.NewInvitation{Email: "kim@mail.example", Found: &tenancy.NewOrganization{
		DisplayName: "Kim & Co", Metadata: map[string]string{"plan": "pro"},
	}}))
	kim := must(svc.SignIn(ctx, tenancy.Attempt{Invitation: sent[1].Token.Reveal()}))
	fmt.Println(kim.Member.OrganizationName, kim.Member.Roles)

	// A person with an address on a customer's verified domain needs no invitation, if the domain lets people join.
	must(svc.Organizations.Create(ctx, tenancy.NewOrganization{DisplayName: "Acme", Domains: []tenancy.NewDomain{
		{Name: "acme.example", Verified: true, Joining: tenancy.JoiningAuto},
	}}))
	fmt.Println(must(svc.SignIn(ctx, link("bob@acme.example"))).Member.OrganizationName)
	// Output:
	// /waiting-list
	// not_found
	// /
	// /
	// Kim & Co [owner]
	// Acme
}
