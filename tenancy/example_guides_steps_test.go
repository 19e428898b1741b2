package tenancy_test

import (
	"context"
	"fmt"

	"github.com/freehold-dev/freehold/tenancy"
)

// second takes the place of the pages that ask for one more thing. It gives the attempt that
// your program makes after the person has answered. pending is the token that the browser has stored.
func second(d tenancy.Decision, pending string) tenancy.Attempt {
	next := tenancy.Attempt{Evidence: tenancy.PendingEvidence(pending)}
	switch {
	case d.Kind == tenancy.DecisionSecondFactor: // the page has checked a code from their phone
		next.Evidence = next.Evidence.WithSecondFactor()
	case len(d.Choices) > 0: // a page with a button for each organization
		next.OrganizationID = d.Choices[0].OrganizationID
	default: // a form for the name of a new organization
		next.Found = &tenancy.NewOrganization{DisplayName: "Engines"}
	}
	return next
}

func Example_steps() {
	ctx := context.Background()
	svc := service(tenancy.Config{SelfServe: true})

	// A new person has proved an address, and is not a user yet. The page asks for the name of an organization.
	link := tenancy.Attempt{Evidence: tenancy.MailboxEvidence("ada@mail.example"), ChooseLater: true}
	first := must(svc.SignIn(ctx, link))
	fmt.Println(first.Kind, len(first.Choices))
	founded := must(svc.SignIn(ctx, second(first, first.Pending.Reveal())))
	fmt.Println(founded.Kind, founded.Created, founded.Member.OrganizationName, founded.Member.Roles)

	// From now on the organization requires a second factor. So there are two more steps.
	must(svc.Policies.Set(ctx, founded.OrganizationID, tenancy.PolicyUpdate{
		Organization: &tenancy.OrganizationPolicy{SecondFactor: true}, BindsOwners: &founded.Created,
	}))
	chosen := must(svc.SignIn(ctx, link))
	fmt.Println(chosen.Kind, len(chosen.Choices))
	factor := must(svc.SignIn(ctx, second(chosen, chosen.Pending.Reveal())))
	fmt.Println(factor.Kind)
	last := must(svc.SignIn(ctx, second(factor, factor.Pending.Reveal())))
	fmt.Println(last.Kind, last.Session.Method, last.Session.SecondFactor)

	// A token works once.
	_, err := svc.SignIn(ctx, second(factor, factor.Pending.Reveal()))
	fmt.Println(tenancy.CodeOf(err))
	// Output:
	// choose_organization 0
	// signed_in true Engines [owner]
	// choose_organization 1
	// second_factor
	// signed_in magic_link true
	// invalid_token
}
