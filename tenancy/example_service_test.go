package tenancy_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// A sign-up is one transaction: nobody is left without an organization.
func ExampleService_Transact() {
	ctx, svc := context.Background(), service(tenancy.Config{})
	err := svc.Transact(ctx, func(ctx context.Context, tx *tenancy.Service) error {
		user, err := tx.Users.Create(ctx, tenancy.NewUser{Email: "ada@acme.example"})
		if err != nil {
			return err
		}
		_, err = tx.Organizations.Create(ctx, tenancy.NewOrganization{DisplayName: "Acme", Slug: "admin", Owner: user.ID})
		return err // the slug is reserved
	})
	fmt.Println(tenancy.CodeOf(err))
	_, err = svc.Users.GetByEmail(ctx, "ada@acme.example")
	fmt.Println(tenancy.CodeOf(err))
	// Output:
	// invalid
	// not_found
}

// A consumer keeps its place and asks again: no event is skipped.
func ExampleEvents_List() {
	ctx := context.Background()
	svc, org, _, bob, _ := acme(tenancy.Config{})
	place := must(svc.Events.Last(ctx))
	must(svc.Memberships.SetRoles(ctx, org.ID, bob.ID, rbac.Admin))
	must(svc.Memberships.Deactivate(ctx, org.ID, bob.ID))
	page := must(svc.Events.List(ctx, tenancy.EventQuery{After: place}))
	for _, e := range page.Items {
		fmt.Println(e.Type, e.UserID == bob.ID, string(e.Previous))
	}
	fmt.Println(page.Next > place, page.Done)
	// Output:
	// membership.roles_changed true {"roles":["member"]}
	// membership.deactivated true {"deactivated_at":null,"status":"active"}
	// true true
}

// Two accounts of one person become one.
func ExampleUsers_Merge() {
	ctx := context.Background()
	svc, org, _, bob, eve := acme(tenancy.Config{})
	must(svc.Memberships.SetRoles(ctx, org.ID, eve.ID, rbac.Guest))
	must(svc.Users.Merge(ctx, eve.ID, bob.ID))
	fmt.Println(must(svc.Memberships.Get(ctx, org.ID, bob.ID)).Roles)
	_, err := svc.Users.Get(ctx, eve.ID)
	var refusal *tenancy.Error
	fmt.Println(errors.As(err, &refusal), refusal.Code, refusal.IDs[0] == bob.ID.String())
	// Output:
	// [member guest]
	// true merged true
}

// The email moves once the new mailbox is proved, by the person whose account it is.
func ExampleUsers_ChangeEmail() {
	ctx, svc := context.Background(), service(tenancy.Config{})
	ada := must(svc.Users.Create(ctx, tenancy.NewUser{Email: "ada@acme.example"}))
	proof := must(svc.Users.ChangeEmail(ctx, ada.ID, "ada@other.example")) // mail proof.Token to proof.Email
	fmt.Println(must(svc.Users.Get(ctx, ada.ID)).Email)
	opened := tenancy.EmailConfirmation{Token: proof.Token.Reveal()}
	_, err := svc.Users.ConfirmEmail(ctx, opened) // by somebody who is signed in nowhere
	fmt.Println(tenancy.CodeOf(err))
	as := svc.As(tenancy.UserPrincipal(ada.ID)) // or with Session: the token in the request's cookie
	fmt.Println(must(as.Users.ConfirmEmail(ctx, opened)).Email)
	_, err = as.Users.ConfirmEmail(ctx, opened)
	fmt.Println(tenancy.CodeOf(err))
	// Output:
	// ada@acme.example
	// sign_in_required
	// ada@other.example
	// token_used
}

func ExampleUsers_Delete() {
	ctx := context.Background()
	svc, org, ada, _, _ := acme(tenancy.Config{})
	err := svc.Users.Delete(ctx, ada.ID)
	var refusal *tenancy.Error
	fmt.Println(errors.As(err, &refusal), refusal.Code, refusal.IDs[0] == org.ID.String())
	// Output: true last_owner true
}

// The host may veto any way in, inside the transaction.
func ExampleConfig_onJoin() {
	ctx := context.Background()
	errUnpaid := errors.New("the bill is not paid")
	svc, org, _, _, _ := acme(tenancy.Config{
		OnJoin: func(ctx context.Context, tx *tenancy.Service, join tenancy.Join) error {
			if join.Organization.Metadata["billing"] == "overdue" {
				return errUnpaid
			}
			return nil
		},
	})
	overdue := "overdue"
	must(svc.Organizations.Update(ctx, org.ID, tenancy.OrganizationUpdate{Metadata: tenancy.Patch{"billing": &overdue}}))
	zoe := must(svc.Users.Create(ctx, tenancy.NewUser{Email: "zoe@acme.example"}))
	_, err := svc.Memberships.Add(ctx, tenancy.NewMembership{OrganizationID: org.ID, UserID: zoe.ID})
	fmt.Println(tenancy.CodeOf(err), errors.Is(err, errUnpaid))
	// Output: join_refused true
}

// A sign-in with a verified email finds the user whose email it is, and is linked.
func ExampleIdentities_Resolve() {
	ctx, svc := context.Background(), service(tenancy.Config{})
	must(svc.Users.Create(ctx, tenancy.NewUser{Email: "ada@acme.example", EmailVerified: true}))
	claim := tenancy.NewIdentity{Provider: "google", Subject: "1098", Email: "ada@acme.example", EmailVerified: true}
	fmt.Println(must(svc.Identities.Resolve(ctx, claim)).Linked)
	fmt.Println(must(svc.Identities.Resolve(ctx, claim)).Linked) // known by now
	claim.Subject, claim.EmailVerified = "5555", false
	_, err := svc.Identities.Resolve(ctx, claim)
	fmt.Println(tenancy.CodeOf(err))
	// Output:
	// true
	// false
	// email_not_verified
}

func ExampleOrganizations_Update() {
	ctx := context.Background()
	svc, org, _, _, _ := acme(tenancy.Config{})
	name := "Acme GmbH"
	updated := must(svc.Organizations.Update(ctx, org.ID, tenancy.OrganizationUpdate{Version: org.Version, DisplayName: &name}))
	fmt.Println(updated.DisplayName, updated.Version)
	_, err := svc.Organizations.Update(ctx, org.ID, tenancy.OrganizationUpdate{Version: org.Version, DisplayName: &name})
	fmt.Println(tenancy.CodeOf(err)) // somebody was faster
	// Output:
	// Acme GmbH 2
	// conflict
}

func ExampleOrganizations_Archive() {
	ctx := context.Background()
	svc, org, _, bob, _ := acme(tenancy.Config{})
	must(svc.Organizations.Archive(ctx, org.ID))
	fmt.Println(len(must(svc.Memberships.ListByUser(ctx, bob.ID, tenancy.MemberQuery{})).Items))
	must(svc.Organizations.Restore(ctx, org.ID))
	fmt.Println(len(must(svc.Memberships.ListByUser(ctx, bob.ID, tenancy.MemberQuery{})).Items))
	// Output:
	// 0
	// 1
}
