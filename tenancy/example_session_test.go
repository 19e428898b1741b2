package tenancy_test

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/freehold-dev/freehold/tenancy"
)

func ExampleSessions_Authenticate() {
	ctx := context.Background()
	svc, acme, _, bob, _ := office()
	started := must(svc.Sessions.Start(ctx, tenancy.NewSession{UserID: bob.ID, OrganizationID: acme.ID, Method: "password"}))
	token := started.Token.Reveal() // into the cookie, and nowhere else

	found := must(svc.Sessions.Authenticate(ctx, token, tenancy.OrganizationID{}))
	fmt.Println(found.User.Email, "at", found.Organization.DisplayName, "as", found.Member.Roles[0])
	must(svc.Memberships.Deactivate(ctx, acme.ID, bob.ID))
	_, err := svc.Sessions.Authenticate(ctx, token, tenancy.OrganizationID{})
	fmt.Println(err)
	// Output:
	// Bob@acme.example at Acme as editor
	// authenticate: session_ended: token: membership_deactivated
}

// A session may have an entry into each of several organizations, and one token.
func ExampleSessions_Switch() {
	ctx := context.Background()
	svc, acme, ada, _, _ := office()
	beta := must(svc.Organizations.Create(ctx, tenancy.NewOrganization{DisplayName: "Beta", Owner: ada.ID}))
	first := must(svc.Sessions.Start(ctx, tenancy.NewSession{UserID: ada.ID, OrganizationID: acme.ID, Method: "password"}))
	token := first.Token.Reveal()
	fmt.Println(must(svc.Sessions.Switch(ctx, token, beta.ID)).Kind)
	fmt.Println(must(svc.Sessions.Authenticate(ctx, token, tenancy.OrganizationID{})).Organization.DisplayName)
	fmt.Println(must(svc.Sessions.Authenticate(ctx, token, acme.ID)).Organization.DisplayName) // in another tab
	// Output:
	// signed_in
	// Beta
	// Acme
}

// Claims are for a token that the host signs by itself.
func ExampleSessions_Claims() {
	ctx := context.Background()
	svc, acme, _, bob, _ := office()
	started := must(svc.Sessions.Start(ctx, tenancy.NewSession{UserID: bob.ID, OrganizationID: acme.ID, Method: "password"}))
	claims := must(svc.Sessions.Claims(ctx, started.Session.ID, tenancy.ClaimsQuery{
		Extra: map[string]any{"iss": "https://app.example"},
	}))
	for _, id := range []string{"sub", "sid", "org_id"} {
		fmt.Println(id, claims[id].(string)[:4])
		delete(claims, id)
	}
	text := must(json.Marshal(claims))
	fmt.Println(string(text))
	_, err := svc.Sessions.Claims(ctx, started.Session.ID, tenancy.ClaimsQuery{Extra: map[string]any{"role": "owner"}})
	fmt.Println(tenancy.CodeOf(err))
	// Output:
	// sub usr_
	// sid ses_
	// org_id org_
	// {"amr":["pwd"],"iss":"https://app.example","permissions":["documents:read","documents:write"],"role":"editor","roles":["editor"]}
	// invalid
}
