package sqlite_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/tenancy"
)

// TestPageStatements: the members page and the switcher page cost the same however much
// they show (M12).
func TestPageStatements(t *testing.T) {
	st, heard := counting(t)
	svc, err := tenancy.New(tenancy.Config{Store: st})
	require.NoError(t, err)
	ctx := t.Context()
	ada, err := svc.Users.Create(ctx, tenancy.NewUser{Email: "ada@acme.example"})
	require.NoError(t, err)
	acme, err := svc.Organizations.Create(ctx, tenancy.NewOrganization{DisplayName: "Acme", Owner: ada.ID})
	require.NoError(t, err)
	members := func() (n int) {
		page, err := svc.Memberships.List(ctx, acme.ID, tenancy.MemberQuery{Limit: 100})
		require.NoError(t, err)
		return len(page.Items)
	}
	switcher := func() (n int) {
		page, err := svc.Memberships.ListByUser(ctx, ada.ID, tenancy.MemberQuery{Limit: 100})
		require.NoError(t, err)
		return len(page.Items)
	}
	var costs [2][2]int
	for i, size := range []int{1, 60} {
		for _, page := range []func() int{members, switcher} {
			require.Equal(t, size, page()) // once before it counts, for what is learned
		}
		costs[i][0] = len(heard.during(func() { members() }))
		costs[i][1] = len(heard.during(func() { switcher() }))
		for n := range 59 * (1 - i) {
			user, err := svc.Users.Create(ctx, tenancy.NewUser{Email: fmt.Sprintf("user%d@acme.example", n)})
			require.NoError(t, err)
			_, err = svc.Memberships.Add(ctx, tenancy.NewMembership{OrganizationID: acme.ID, UserID: user.ID})
			require.NoError(t, err)
			_, err = svc.Organizations.Create(ctx, tenancy.NewOrganization{DisplayName: fmt.Sprint("Other ", n), Owner: ada.ID})
			require.NoError(t, err)
		}
	}
	require.Equal(t, costs[0], costs[1])
	t.Logf("figures: statements: members page %d, switcher page %d", costs[1][0], costs[1][1])
	require.LessOrEqual(t, max(costs[1][0], costs[1][1]), 6)
}
