package tenancy_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// acme is an organization of three: Ada owns it, Bob and Eve are members.
func acme(config tenancy.Config) (svc *tenancy.Service, org tenancy.Organization, ada, bob, eve tenancy.User) {
	ctx := context.Background()
	svc = service(config)
	user := func(name string) tenancy.User {
		return must(svc.Users.Create(ctx, tenancy.NewUser{Email: name + "@acme.example", DisplayName: name}))
	}
	ada, bob, eve = user("Ada"), user("Bob"), user("Eve")
	org = must(svc.Organizations.Create(ctx, tenancy.NewOrganization{DisplayName: "Acme", Owner: ada.ID}))
	must(svc.Memberships.Add(ctx, tenancy.NewMembership{OrganizationID: org.ID, UserID: bob.ID}))
	must(svc.Memberships.Add(ctx, tenancy.NewMembership{OrganizationID: org.ID, UserID: eve.ID}))
	return svc, org, ada, bob, eve
}

func ExampleMemberships_Add() {
	ctx, svc := context.Background(), service(tenancy.Config{})
	ada := must(svc.Users.Create(ctx, tenancy.NewUser{Email: "ada@acme.example"}))
	org := must(svc.Organizations.Create(ctx, tenancy.NewOrganization{DisplayName: "Acme"}))
	in := tenancy.NewMembership{OrganizationID: org.ID, UserID: ada.ID, Roles: []string{rbac.Guest, rbac.Admin}}
	member := must(svc.Memberships.Add(ctx, in))
	fmt.Println(member.Roles) // the primary one first
	_, err := svc.Memberships.Add(ctx, in)
	fmt.Println(errors.Is(err, tenancy.ErrAlreadyMember))
	// Output:
	// [admin guest]
	// true
}

func ExampleMemberships_List() {
	ctx := context.Background()
	svc, org, _, _, _ := acme(tenancy.Config{})
	page := must(svc.Memberships.List(ctx, org.ID, tenancy.MemberQuery{Order: tenancy.ByName}))
	for _, m := range page.Items {
		fmt.Println(m.Name, m.Email, m.Roles, m.Status)
	}
	// Output:
	// Ada Ada@acme.example [owner] active
	// Bob Bob@acme.example [member] active
	// Eve Eve@acme.example [member] active
}

// A page of members with the newest first.
func ExampleMemberships_List_newest() {
	ctx := context.Background()
	svc, org, _, _, _ := acme(tenancy.Config{})
	page := must(svc.Memberships.List(ctx, org.ID, tenancy.MemberQuery{Order: tenancy.ByJoined, Descending: true, Limit: 2}))
	for _, m := range page.Items {
		fmt.Println(m.Name)
	}
	// Output:
	// Eve
	// Bob
}

// What an organization switcher shows: one call.
func ExampleMemberships_ListByUser() {
	ctx := context.Background()
	svc, _, _, bob, _ := acme(tenancy.Config{})
	must(svc.Organizations.Create(ctx, tenancy.NewOrganization{DisplayName: "Bob's own", Owner: bob.ID}))
	for _, m := range must(svc.Memberships.ListByUser(ctx, bob.ID, tenancy.MemberQuery{})).Items {
		fmt.Println(m.OrganizationName, m.Roles)
	}
	// Output:
	// Acme [member]
	// Bob's own [owner]
}

// All reads page by page; the caller sees one list.
func ExampleMemberships_All() {
	ctx := context.Background()
	svc, org, _, _, _ := acme(tenancy.Config{})
	for m, err := range svc.Memberships.All(ctx, org.ID, tenancy.MemberQuery{Order: tenancy.ByName, Descending: true, Limit: 2}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(m.Name)
	}
	// Output:
	// Eve
	// Bob
	// Ada
}

func ExampleMemberships_List_search() {
	ctx := context.Background()
	svc, org, _, _, _ := acme(tenancy.Config{})
	page := must(svc.Memberships.List(ctx, org.ID, tenancy.MemberQuery{NamePrefix: "EV"}))
	for _, m := range page.Items {
		fmt.Println(m.Name)
	}
	// Output: Eve
}

// A search box: beginnings of words, in any order, of the name and the address.
func ExampleMemberships_List_words() {
	ctx := context.Background()
	svc, org, _, bob, _ := acme(tenancy.Config{})
	name := "Bob Bjørnson"
	must(svc.Memberships.Update(ctx, org.ID, bob.ID, tenancy.MembershipUpdate{DisplayName: &name}))
	for _, text := range []string{"bjorn", "acme bob", "jørn"} {
		page := must(svc.Memberships.List(ctx, org.ID, tenancy.MemberQuery{Search: text}))
		for _, m := range page.Items {
			fmt.Println(text, "finds", m.Name)
		}
	}
	// Output:
	// bjorn finds Bob Bjørnson
	// acme bob finds Bob Bjørnson
}

func ExampleMemberships_SetRoles() {
	ctx := context.Background()
	svc, org, ada, bob, _ := acme(tenancy.Config{})
	fmt.Println(must(svc.Memberships.SetRoles(ctx, org.ID, bob.ID, rbac.Admin, rbac.Member)).Roles)
	_, err := svc.Memberships.SetRoles(ctx, org.ID, ada.ID, rbac.Member) // nobody else owns it
	fmt.Println(tenancy.CodeOf(err))
	// Output:
	// [admin member]
	// last_owner
}

// An organization that has an owner keeps one.
func ExampleMemberships_Leave() {
	ctx := context.Background()
	svc, org, ada, bob, _ := acme(tenancy.Config{})
	fmt.Println(tenancy.CodeOf(svc.Memberships.Leave(ctx, org.ID, ada.ID)))
	must(svc.Memberships.SetRoles(ctx, org.ID, bob.ID, rbac.Owner))
	fmt.Println(svc.Memberships.Leave(ctx, org.ID, ada.ID))
	// Output:
	// last_owner
	// <nil>
}

func ExampleMemberships_TransferOwnership() {
	ctx := context.Background()
	svc, org, ada, bob, _ := acme(tenancy.Config{})
	if err := svc.Memberships.TransferOwnership(ctx, org.ID, ada.ID, bob.ID, rbac.Admin); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(must(svc.Memberships.Get(ctx, org.ID, ada.ID)).Roles)
	fmt.Println(must(svc.Memberships.Get(ctx, org.ID, bob.ID)).Roles)
	// Output:
	// [admin]
	// [owner member]
}

// Access goes, roles stay for the return.
func ExampleMemberships_Deactivate() {
	ctx := context.Background()
	svc, org, _, bob, _ := acme(tenancy.Config{})
	m := must(svc.Memberships.Deactivate(ctx, org.ID, bob.ID))
	fmt.Println(m.Status, m.Roles)
	m = must(svc.Memberships.Reactivate(ctx, org.ID, bob.ID))
	fmt.Println(m.Status, m.Roles)
	// Output:
	// inactive [member]
	// active [member]
}

// Three of three seats are taken: nobody comes in, by whichever way.
func ExampleSettings_seatLimit() {
	ctx := context.Background()
	svc, org, _, bob, _ := acme(tenancy.Config{})
	limit := 3
	must(svc.Organizations.Update(ctx, org.ID, tenancy.OrganizationUpdate{SeatLimit: &limit}))
	zoe := must(svc.Users.Create(ctx, tenancy.NewUser{Email: "zoe@acme.example"}))
	add := func() error {
		_, err := svc.Memberships.Add(ctx, tenancy.NewMembership{OrganizationID: org.ID, UserID: zoe.ID})
		return err
	}
	fmt.Println(tenancy.CodeOf(add()))
	must(svc.Memberships.Deactivate(ctx, org.ID, bob.ID))
	fmt.Println(add())
	// Output:
	// seat_limit
	// <nil>
}
