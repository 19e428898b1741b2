package tenancy_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/freehold-dev/freehold/tenancy"
	"github.com/freehold-dev/freehold/tenancy/roster"
)

// importSlack imports the members of a Slack workspace into an organization. Before it changes anything,
// it prints the plan and the problems of the refused rows.
func importSlack(ctx context.Context, svc *tenancy.Service, org tenancy.OrganizationID, file string) (roster.Applied, error) {
	sheet, err := roster.Read(strings.NewReader(file), roster.Slack())
	if err != nil {
		return roster.Applied{}, err
	}
	plan, err := roster.NewPlan(ctx, svc, sheet, roster.Options{Organization: org})
	if err != nil {
		return roster.Applied{}, err
	}
	fmt.Println("plan:", plan)
	for _, e := range plan.Changed {
		fmt.Println("  line", e.Row.Line, "changes", e.Changes)
	}
	for _, r := range plan.Refused {
		fmt.Println(" ", r.Problem)
	}
	return plan.Apply(ctx)
}

func Example_importing() {
	ctx := context.Background()
	svc, acme, _, _, _ := office()

	file := strings.Join([]string{
		"username,email,status,billing-active,has-2fa,has-sso,userid,fullname,displayname,expiration-timestamp",
		"ada,ADA@acme.example,Primary Owner,1,1,0,U01,Ada Lovelace,ada,",
		"grace,grace@acme.example,Admin,1,1,0,U02,Grace Hopper,,",
		"old,old@acme.example,Deactivated,0,0,0,U03,Old Hand,,",
		"vera,vera@studio.example,Multi-Channel Guest,1,0,0,U04,Vera,,4102444799",
		"slackbot,,Bot,0,0,0,U05,Slackbot,,",
		"nobody,not an address,Member,1,0,0,U06,No Body,,",
	}, "\n")
	must(importSlack(ctx, svc, acme.ID, file))
	for _, email := range []string{"grace@acme.example", "old@acme.example", "vera@studio.example"} {
		m := must(svc.Memberships.Get(ctx, acme.ID, must(svc.Users.GetByEmail(ctx, email)).ID))
		fmt.Println(m.Name, m.Status, m.Roles, m.Metadata)
	}

	// A second run applies the changes in the file: Grace now has the role member.
	file = strings.Replace(file, "Admin", "Member", 1)
	applied := must(importSlack(ctx, svc, acme.ID, file))
	fmt.Println(applied.NothingChanged(), must(svc.Memberships.Get(ctx, acme.ID, applied.Changed[0].UserID)).Roles)

	// The last row is corrected. The first run imports it, and the next run has nothing to do.
	file = strings.Replace(file, "not an address", "nobody@acme.example", 1)
	must(importSlack(ctx, svc, acme.ID, file))
	fmt.Println(must(importSlack(ctx, svc, acme.ID, file)).NothingChanged())
	// Output:
	// plan: 3 created, 1 changed, 0 unchanged, 1 refused, 1 skipped
	//   line 2 changes [display_name "Ada" -> "Ada Lovelace"]
	//   line 7, column "email": is no address: it must have exactly one at-sign
	// Grace Hopper active [admin] map[]
	// Old Hand inactive [member] map[]
	// Vera active [guest] map[until:2099-12-31]
	// plan: 0 created, 1 changed, 3 unchanged, 1 refused, 1 skipped
	//   line 3 changes [roles "admin" -> "member"]
	//   line 7, column "email": is no address: it must have exactly one at-sign
	// false [member]
	// plan: 1 created, 0 changed, 4 unchanged, 0 refused, 1 skipped
	// plan: 0 created, 0 changed, 5 unchanged, 0 refused, 1 skipped
	// true
}
