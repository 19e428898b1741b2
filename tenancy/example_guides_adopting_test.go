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

// moveIn brings accounts into one organization, in one transaction. If the organization is new, the first account becomes its owner.
// It skips accounts that are here already, by the number of their row, so you can run it again. Call it with some thousand
// accounts at a time.
func moveIn(ctx context.Context, svc *tenancy.Service, org tenancy.NewOrganization, accounts []account) error {
	return svc.Import(ctx, func(ctx context.Context, in *tenancy.Service) error {
		role := rbac.Member
		home, err := in.Organizations.GetByExternalID(ctx, org.ExternalID)
		if tenancy.CodeOf(err) == tenancy.ErrNotFound { // without an Owner: the first account becomes the owner
			home, err = in.Organizations.Create(ctx, org)
			role = rbac.Owner
		}
		if err != nil {
			return err
		}
		for _, a := range accounts {
			number := strconv.Itoa(a.ID)
			if _, err := in.Users.GetByExternalID(ctx, number); tenancy.CodeOf(err) != tenancy.ErrNotFound {
				if err != nil {
					return err
				}
				continue
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
			role = rbac.Member // all others
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
		{4, "cyd@acme.example", "Cyd", time.Date(2023, 9, 1, 0, 0, 0, 0, time.UTC)},
	}
	fmt.Println(clashes(table))
	acme := tenancy.NewOrganization{DisplayName: "Acme", ExternalID: "acme", CreatedAt: table[0].Created}
	for _, part := range [][]account{table[:2], table[:2], table[3:]} { // the second run changes nothing
		fmt.Println(moveIn(ctx, svc, acme, part))
	}

	// Bob signs in with his old password. The program has compared it with the hash in row 2 of its table.
	bob := must(svc.SignIn(ctx, tenancy.Attempt{Evidence: tenancy.PasswordEvidence("2", "bob@acme.example")}))
	fmt.Println(bob.Kind, bob.User.ExternalID, bob.User.CreatedAt.Year(), bob.Created)
	for m, err := range svc.Memberships.All(ctx, bob.OrganizationID, tenancy.MemberQuery{Order: tenancy.ByJoined}) {
		fmt.Println(must(m.Email, err), m.Roles, m.JoinedAt.Year())
	}
	// Output:
	// [3: Ada@acme.example is 1]
	// <nil>
	// <nil>
	// <nil>
	// signed_in 2 2021 false
	// ada@acme.example [owner] 2019
	// bob@acme.example [member] 2021
	// cyd@acme.example [member] 2023
}
