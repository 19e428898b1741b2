package tenancy_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/freehold-dev/freehold/tenancy"
)

// closeAccount erases a person. If they are the only owner of an organization, it erases nothing and
// returns all such organizations. First give each another owner, or delete it.
func closeAccount(ctx context.Context, svc *tenancy.Service, user tenancy.UserID) (alone []string, err error) {
	err = svc.Users.Erase(ctx, user)
	var why *tenancy.Error
	if errors.As(err, &why) && why.Code == tenancy.ErrLastOwner {
		return why.IDs, nil
	}
	return nil, err
}

func Example_leaving() {
	ctx := context.Background()
	svc, acme, ada, bob, _ := acme(tenancy.Config{})
	started := must(svc.Sessions.Start(ctx, tenancy.NewSession{UserID: bob.ID, OrganizationID: acme.ID, Method: tenancy.MethodPassword}))

	// Soft: Bob is away for some months. His access and sessions end in that transaction. His roles stay.
	must(svc.Memberships.Deactivate(ctx, acme.ID, bob.ID))
	_, err := svc.Sessions.Authenticate(ctx, started.Token.Reveal(), tenancy.OrganizationID{})
	fmt.Println(tenancy.CodeOf(err))
	fmt.Println(must(svc.Memberships.Reactivate(ctx, acme.ID, bob.ID)).Roles) // he has to sign in again

	// Hard, from one organization: the membership is deleted, and the user stays.
	fmt.Println(svc.Memberships.Leave(ctx, acme.ID, bob.ID))
	fmt.Println(must(svc.Users.Get(ctx, bob.ID)).Email)

	// Hard, from the whole application: the events about him stay, without his data.
	fmt.Println(closeAccount(ctx, svc, bob.ID))
	page := must(svc.Events.List(ctx, tenancy.EventQuery{UserID: bob.ID, Descending: true, Limit: 2}))
	for _, e := range page.Items {
		fmt.Println(e.Type, len(e.Data))
	}
	alone := must(closeAccount(ctx, svc, ada.ID))
	fmt.Println(len(alone), alone[0] == acme.ID.String())
	// Output:
	// session_ended
	// [member]
	// <nil>
	// Bob@acme.example
	// [] <nil>
	// user.erased 0
	// user.deleted 0
	// 1 true
}
