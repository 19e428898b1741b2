package tenancy_test

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// account is a row of the table of users that the program already has.
type account struct {
	ID      int
	Email   string
	Name    string
	Created time.Time
}

// clashes finds accounts that would be one user in Freehold, because upper and lower case do not differ in
// an address. It also finds malformed addresses. Correct such rows in your table before the import.
func clashes(accounts []account) (found []string) {
	seen := map[string]account{}
	for _, a := range accounts {
		canonical, err := tenancy.CanonicalEmail(a.Email)
		if err != nil {
			found = append(found, fmt.Sprintf("%d: %q is no address", a.ID, a.Email))
		} else if other, is := seen[canonical]; is {
			found = append(found, fmt.Sprintf("%d: %s is %d", a.ID, a.Email, other.ID))
		} else {
			seen[canonical] = a
		}
	}
	return found
}

// moveIn imports accounts into one organization, in one transaction. The first account becomes the owner. moveIn skips
// accounts whose row number was imported already, so you can run it again. Call it with some thousand accounts at a time.
func moveIn(ctx context.Context, svc *tenancy.Service, org tenancy.NewOrganization, accounts []account) error {
	return svc.Import(ctx, func(ctx context.Context, in *tenancy.Service) error {
		home, err := in.Organizations.GetByExternalID(ctx, org.ExternalID)
		if tenancy.CodeOf(err) == tenancy.ErrNotFound { // without an Owner: the first account becomes the owner
			home, err = in.Organizations.Create(ctx, org)
		}
		if err != nil {
			return err
		}
		for i, a := range accounts {
			number := strconv.Itoa(a.ID)
			if _, err := in.Users.GetByExternalID(ctx, number); tenancy.CodeOf(err) != tenancy.ErrNotFound {
				if err != nil {
					return err
				}
				continue
			}
			role := rbac.Member
			if i == 0 {
				role = rbac.Owner
			}
			user, err := in.Users.Create(ctx, tenancy.NewUser{
				Email: a.Email, EmailVerified: true, DisplayName: a.Name, ExternalID: number,
				History: tenancy.UserHistory{CreatedAt: a.Created},
				Memberships: []tenancy.NewMembership{{
					OrganizationID: home.ID, Roles: []string{role}, History: tenancy.MembershipHistory{JoinedAt: a.Created},
				}},
			})
			if err == nil { // the identity of the password, whose hash stays in your table
				_, err = in.Identities.Link(ctx, user.ID, tenancy.NewIdentity{Provider: "password", Subject: number})
			}
			if err != nil {
				return fmt.Errorf("account %d: %w", a.ID, err)
			}
		}
		return nil
	})
}

func Example_adopting() {
	ctx, svc := context.Background(), service(tenancy.Config{})
	table := []account{
		{1, "ada@acme.example", "Ada", time.Date(2019, 3, 4, 0, 0, 0, 0, time.UTC)},
		{2, "bob@acme.example", "Bob", time.Date(2021, 5, 6, 0, 0, 0, 0, time.UTC)},
		{3, "Ada@acme.example", "Ada again", time.Date(2022, 7, 8, 0, 0, 0, 0, time.UTC)},
	}
	fmt.Println(clashes(table))
	acme := tenancy.NewOrganization{DisplayName: "Acme", ExternalID: "acme", CreatedAt: table[0].Created}
	for range 2 { // the second run changes nothing
		fmt.Println(moveIn(ctx, svc, acme, table[:2]))
	}

	// Bob signs in with his old password. The program has compared it with the hash in row 2 of its table.
	bob := must(svc.SignIn(ctx, tenancy.Attempt{Evidence: tenancy.PasswordEvidence("2", "bob@acme.example")}))
	fmt.Println(bob.Kind, bob.User.ExternalID, bob.User.CreatedAt.Year(), bob.Created)
	member := must(svc.Memberships.Get(ctx, bob.OrganizationID, bob.User.ID))
	fmt.Println(member.OrganizationName, member.Roles, member.JoinedAt.Year())
	// Output:
	// [3: Ada@acme.example is 1]
	// <nil>
	// <nil>
	// signed_in 2 2021 false
	// Acme [member] 2021
}
