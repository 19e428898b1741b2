package tenancy_test

import (
	"context"
	"fmt"

	"github.com/freehold-dev/freehold/tenancy"
)

// signInWhere signs in a person who may be in several organizations. last is their organization at the last
// sign-in, from a cookie of the program. It is chosen if they are still a member of it.
func signInWhere(ctx context.Context, svc *tenancy.Service, in tenancy.Attempt, last tenancy.OrganizationID) (tenancy.Decision, error) {
	d, err := svc.SignIn(ctx, in)
	if err != nil || d.Kind != tenancy.DecisionChooseOrganization {
		return d, err
	}
	for _, choice := range d.Choices {
		if choice.OrganizationID == last {
			return svc.SignIn(ctx, tenancy.Attempt{Evidence: tenancy.PendingEvidence(d.Pending.Reveal()), OrganizationID: last})
		}
	}
	return d, nil // show the Choices, store Pending, and sign in again with the chosen organization
}

func Example_switcher() {
	ctx := context.Background()
	svc := service(tenancy.Config{})
	ada := must(svc.Users.Create(ctx, tenancy.NewUser{Email: "ada@mail.example", EmailVerified: true}))
	acme := must(svc.Organizations.Create(ctx, tenancy.NewOrganization{DisplayName: "Acme", Owner: ada.ID}))
	beta := must(svc.Organizations.Create(ctx, tenancy.NewOrganization{DisplayName: "Beta"}))
	must(svc.Memberships.Add(ctx, tenancy.NewMembership{OrganizationID: beta.ID, UserID: ada.ID}))

	link := tenancy.Attempt{Evidence: tenancy.MailboxEvidence("ada@mail.example")}
	first := must(signInWhere(ctx, svc, link, tenancy.OrganizationID{}))
	fmt.Println(first.Kind, len(first.Choices))
	again := must(signInWhere(ctx, svc, link, acme.ID))
	fmt.Println(again.Kind)

	// The switcher on the page needs one call.
	for _, m := range must(svc.Memberships.ListByUser(ctx, ada.ID, tenancy.MemberQuery{})).Items {
		fmt.Println(m.OrganizationName, m.Roles, m.OrganizationID == again.Session.OrganizationID)
	}

	// A link into beta adds an entry for beta. Enter checks the membership and the policies. The token
	// stays the same. The Decision is signed_in, or says which sign-in beta requires.
	token := again.Token.Reveal()
	fmt.Println(must(svc.Sessions.Enter(ctx, token, beta.ID)).Kind)

	// Two tabs now work in two organizations.
	for _, tab := range []tenancy.OrganizationID{acme.ID, beta.ID} {
		fmt.Println(must(svc.Sessions.Authenticate(ctx, token, tab)).Organization.DisplayName)
	}

	// Switch makes one organization the current one, for requests that name no organization.
	must(svc.Sessions.Switch(ctx, token, beta.ID))
	fmt.Println(must(svc.Sessions.Authenticate(ctx, token, tenancy.OrganizationID{})).Organization.DisplayName)

	// When a membership ends, the session loses that entry and keeps the others.
	must(svc.Memberships.Deactivate(ctx, beta.ID, ada.ID))
	fmt.Println(must(svc.Sessions.Authenticate(ctx, token, acme.ID)).Organization.DisplayName)
	_, err := svc.Sessions.Authenticate(ctx, token, beta.ID)
	fmt.Println(tenancy.CodeOf(err))
	// Output:
	// choose_organization 2
	// signed_in
	// Acme [owner] true
	// Beta [member] false
	// signed_in
	// Acme
	// Beta
	// Beta
	// Acme
	// not_found
}
