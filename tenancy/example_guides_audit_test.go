package tenancy_test

import (
	"cmp"
	"context"
	"fmt"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// auditPage gives a page of an organization's audit log, newest first, one line for each event. The
// Service is bound to the person who reads the page, so the page needs no other check. older is the
// cursor of the next page; "" at the end.
func auditPage(ctx context.Context, svc *tenancy.Service, org tenancy.OrganizationID, after string) (lines []string, older string, err error) {
	q := tenancy.EventQuery{OrganizationID: org, Descending: true, NameActors: true, Limit: 3}
	if after != "" {
		if q.AfterEvent, err = tenancy.ParseEventID(after); err != nil {
			return nil, "", err
		}
	}
	page, err := svc.Events.List(ctx, q)
	if err != nil {
		return nil, "", err
	}
	for _, e := range page.Items {
		who := cmp.Or(e.ActorPerson.Name, e.Actor.ID, string(e.Actor.Kind))
		lines = append(lines, fmt.Sprintf("%s: %s %s", who, e.Type, cmp.Or(e.Person.Name, e.Subject[:3])))
	}
	if !page.Done {
		older = page.NextEvent.String()
	}
	return lines, older, nil
}

func Example_audit() {
	ctx := context.Background()
	svc, acme, ada, bob, eve := acme(tenancy.Config{})

	// Ada makes Bob an administrator, and he puts Eve on leave.
	asAda, asBob := svc.As(tenancy.UserPrincipal(ada.ID)), svc.As(tenancy.UserPrincipal(bob.ID))
	must(asAda.Memberships.SetRoles(ctx, acme.ID, bob.ID, rbac.Admin))
	must(asBob.Memberships.Deactivate(ctx, acme.ID, eve.ID))
	// Bob leaves. Acme does not learn his new name.
	done(svc.Memberships.Remove(ctx, acme.ID, bob.ID))
	elsewhere := "Bob of Rival"
	must(svc.Users.Update(ctx, bob.ID, tenancy.UserUpdate{DisplayName: &elsewhere}))

	for older, more := "", true; more; more = older != "" {
		var lines []string
		var err error
		if lines, older, err = auditPage(ctx, asAda, acme.ID, older); err != nil {
			panic(err)
		}
		for _, line := range lines {
			fmt.Println(line)
		}
	}
	_, _, err := auditPage(ctx, svc.As(tenancy.UserPrincipal(eve.ID)), acme.ID, "")
	fmt.Println("Eve:", tenancy.CodeOf(err))
	// Output:
	// host: membership.removed Bob
	// Bob: membership.deactivated Eve
	// Ada: membership.roles_changed Bob
	// host: membership.created Eve
	// host: membership.created Bob
	// host: membership.created Ada
	// host: organization.created org
	// Eve: not_found
}
