package tenancy_test

import (
	"context"
	"fmt"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// reader follows the event log. Its position stands for a row in your database: save it there.
type reader struct {
	position tenancy.Position // every event up to here was handled
}

// react handles the events since the saved position, in the order of commits. Call it again and
// again, for example each second. If handle fails, the same event comes again with the next call.
func (r *reader) react(ctx context.Context, svc *tenancy.Service, handle func(tenancy.Event) error) error {
	for {
		page, err := svc.Events.List(ctx, tenancy.EventQuery{After: r.position, Types: []tenancy.EventType{
			tenancy.EventMembershipCreated, tenancy.EventMembershipRemoved,
		}})
		if err != nil {
			return err
		}
		for _, e := range page.Items {
			if err := handle(e); err != nil {
				return err
			}
			r.position = e.Position // save it
		}
		r.position = page.Next // save it: events of other types lie between
		if page.Done {
			return nil
		}
	}
}

// A reader with a saved position handles each event, also after a failure.
func ExampleEvents_List_react() {
	ctx := context.Background()
	svc, acme, _, bob, _ := acme(tenancy.Config{})
	r := reader{position: must(svc.Events.Last(ctx))} // from now on; 0 begins with the oldest event

	down := true
	handle := func(e tenancy.Event) error {
		if down {
			return fmt.Errorf("the other system is down")
		}
		fmt.Println(e.Type, e.Person.Name)
		return nil
	}
	must(svc.Memberships.SetRoles(ctx, acme.ID, bob.ID, rbac.Admin))
	done(svc.Memberships.Remove(ctx, acme.ID, bob.ID))
	fmt.Println(r.react(ctx, svc, handle))
	down = false
	fmt.Println(r.react(ctx, svc, handle))

	must(svc.Memberships.Add(ctx, tenancy.NewMembership{OrganizationID: acme.ID, UserID: bob.ID}))
	fmt.Println(r.react(ctx, svc, handle))
	fmt.Println(r.react(ctx, svc, handle)) // nothing is new
	// Output:
	// the other system is down
	// membership.removed Bob
	// <nil>
	// membership.created Bob
	// <nil>
	// <nil>
}
