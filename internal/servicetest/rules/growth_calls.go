package rules

import (
	"context"
	"fmt"
	"slices"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// growthCall is a call of the sweep. Alone, it runs in a transaction of its own, which has to
// leave nothing behind.
type growthCall struct {
	call  func(ctx context.Context, s *tenancy.Service, c cast) error
	alone bool
}

// growthCalls are the calls of the sweep: each method of the table, lists in every order and by
// what is rare, and sign-ins in every way.
func growthCalls(g *growing) map[string]growthCall {
	calls := map[string]growthCall{}
	for name, call := range actorCalls() {
		calls[name] = growthCall{call, methods()[name].alone}
	}
	for _, none := range []string{"Run", "Join", "Rows", "As", "Transact", "Import"} { // what they cost is what is done in them
		delete(calls, none)
	}
	for name, call := range grownLists(g) {
		calls[name] = call
	}
	for name, call := range grownSignIns() {
		calls[name] = call
	}
	for name, call := range grownProofs() {
		calls[name] = call
	}
	for name, call := range grownBeside() {
		calls[name] = call
	}
	for name, call := range grownRest() {
		calls[name] = call
	}
	return calls
}

// grownLists are lists in every order, and by what is rare.
func grownLists(g *growing) map[string]growthCall {
	yes, no := true, false
	since, until, updated := g.late[0], g.late[1], []tenancy.EventType{tenancy.EventMembershipUpdated}
	members := func(q tenancy.MemberQuery) growthCall {
		return growthCall{call: func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Memberships.List(ctx, c.org, q)
			return err
		}}
	}
	users := func(q tenancy.UserQuery) growthCall {
		return growthCall{call: func(ctx context.Context, s *tenancy.Service, _ cast) error {
			_, err := s.Users.List(ctx, q)
			return err
		}}
	}
	orgs := func(q tenancy.OrganizationQuery) growthCall {
		return growthCall{call: func(ctx context.Context, s *tenancy.Service, _ cast) error {
			_, err := s.Organizations.List(ctx, q)
			return err
		}}
	}
	events := func(q tenancy.EventQuery) growthCall {
		return growthCall{call: func(ctx context.Context, s *tenancy.Service, _ cast) error {
			_, err := s.Events.List(ctx, q)
			return err
		}}
	}
	invitations := func(q tenancy.InvitationQuery) growthCall {
		return growthCall{call: func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Invitations.List(ctx, c.org, q)
			return err
		}}
	}
	all := []tenancy.MembershipStatus{tenancy.MembershipActive, tenancy.MembershipInactive, tenancy.MembershipPending}
	return map[string]growthCall{
		"Memberships.List by name":                members(tenancy.MemberQuery{Order: tenancy.ByName}),
		"Memberships.List by address, descending": members(tenancy.MemberQuery{Order: tenancy.ByEmail, Descending: true}),
		"Memberships.List, all by name":           members(tenancy.MemberQuery{Statuses: all, Order: tenancy.ByName}),
		"Memberships.List, inactive by name":      members(tenancy.MemberQuery{Statuses: []tenancy.MembershipStatus{tenancy.MembershipInactive}, Order: tenancy.ByName}),
		"Memberships.List by joining":             members(tenancy.MemberQuery{Order: tenancy.ByJoined}),
		"Memberships.List, last to join":          members(tenancy.MemberQuery{Statuses: all, Order: tenancy.ByJoined, Descending: true}),
		"Memberships.List, pending":               members(tenancy.MemberQuery{Statuses: []tenancy.MembershipStatus{tenancy.MembershipPending}}),
		"Memberships.List by a name's beginning":  members(tenancy.MemberQuery{NamePrefix: "member"}),
		"Memberships.List, owners by name":        members(tenancy.MemberQuery{Roles: []string{rbac.Owner}, Order: tenancy.ByName}),
		"Memberships.List, found by a name":       members(tenancy.MemberQuery{Search: "member"}),
		"Memberships.List, found by a domain":     members(tenancy.MemberQuery{Search: "example"}),
		"Memberships.List, found by two words":    members(tenancy.MemberQuery{Search: "acme member"}),
		"Memberships.List, found by a letter":     members(tenancy.MemberQuery{Search: "m"}),
		"Memberships.List, nobody found":          members(tenancy.MemberQuery{Search: "zoe"}),
		"Users.List by name":                      users(tenancy.UserQuery{Order: tenancy.ByName}),
		"Users.List by address":                   users(tenancy.UserQuery{Order: tenancy.ByEmail}),
		"Users.List by an address's beginning":    users(tenancy.UserQuery{EmailPrefix: "m"}),
		"Users.List, suspended":                   users(tenancy.UserQuery{Suspended: &yes}),
		"Users.List, suspended by name":           users(tenancy.UserQuery{Suspended: &yes, Order: tenancy.ByName}),
		"Users.List, not suspended by name":       users(tenancy.UserQuery{Suspended: &no, Order: tenancy.ByName}),
		"Organizations.List by name":              orgs(tenancy.OrganizationQuery{Order: tenancy.ByName}),
		"Organizations.List, archived":            orgs(tenancy.OrganizationQuery{Archived: true}),
		"Organizations.List, suspended by name":   orgs(tenancy.OrganizationQuery{Suspended: &yes, Order: tenancy.ByName}),
		"Organizations.List by a beginning":       orgs(tenancy.OrganizationQuery{NamePrefix: "o"}),
		"Invitations.List, pending":               invitations(tenancy.InvitationQuery{States: []tenancy.InvitationState{tenancy.InvitationPending}}),
		"Invitations.List by an address":          invitations(tenancy.InvitationQuery{EmailPrefix: "i"}),
		"Events.List, newest":                     events(tenancy.EventQuery{Descending: true}),
		"Events.List of an organization":          events(tenancy.EventQuery{OrganizationID: g.at.org, Descending: true}),
		"Events.List of a user":                   events(tenancy.EventQuery{UserID: g.at.member}),
		"Events.List since an instant":            events(tenancy.EventQuery{Since: since}),
		"Events.List since, newest":               events(tenancy.EventQuery{Since: since, Descending: true}),
		"Events.List until an instant":            events(tenancy.EventQuery{Until: until}),
		"Events.List until, newest":               events(tenancy.EventQuery{Until: until, Descending: true}),
		"Events.List in between":                  events(tenancy.EventQuery{Since: since, Until: until}),
		"Events.List in between, newest":          events(tenancy.EventQuery{Since: since, Until: until, Descending: true}),
		"Events.List in between, of one type":     events(tenancy.EventQuery{Since: since, Until: until, Types: updated}),
		"Sessions.ListByUser, ended, too": {call: func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Sessions.ListByUser(ctx, c.member, tenancy.SessionQuery{Ended: true})
			return err
		}},
	}
}

// grownSignIns are sign-ins in every way.
func grownSignIns() map[string]growthCall {
	signIn := func(in func(c cast) tenancy.Attempt) growthCall {
		return growthCall{call: func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.SignIn(ctx, in(c))
			return err
		}}
	}
	return map[string]growthCall{
		"SignIn of a member": signIn(func(cast) tenancy.Attempt { return servicetest.ByMail("target@acme.example") }),
		"SignIn of a member to an organization": signIn(func(c cast) tenancy.Attempt {
			in := servicetest.ByMail("target@acme.example")
			in.OrganizationID = c.org
			return in
		}),
		"SignIn of a new user":             signIn(func(cast) tenancy.Attempt { return servicetest.ByMail("never.seen@mail.example") }),
		"SignIn of a new user by a domain": signIn(func(cast) tenancy.Attempt { return servicetest.ByMail("never.seen@held.example") }),
	}
}

// grownRest are calls in other ways than the table of methods makes them.
func grownRest() map[string]growthCall {
	return map[string]growthCall{
		"Memberships.Add at the seat limit": {call: func(ctx context.Context, s *tenancy.Service, c cast) error {
			if _, err := s.Organizations.Update(ctx, c.org, tenancy.OrganizationUpdate{SeatLimit: servicetest.Ptr(1)}); err != nil {
				return err
			}
			_, err := s.Memberships.Add(ctx, tenancy.NewMembership{OrganizationID: c.org, UserID: c.outsider})
			if tenancy.CodeOf(err) != tenancy.ErrSeatLimit {
				return fmt.Errorf("added at the seat limit: %w", err)
			}
			return nil
		}},
		"Declare with another parent": {call: func(ctx context.Context, s *tenancy.Service, _ cast) error {
			return s.Declare(ctx, 2, tenancy.Schema{Roles: []tenancy.RoleSpec{{Slug: servicetest.Clerk, Extends: rbac.Guest}}})
		}},
		"Roles.Reorder": {call: func(ctx context.Context, s *tenancy.Service, c cast) error {
			own, err := s.Roles.List(ctx, c.org)
			if err != nil {
				return err
			}
			var slugs []string
			for _, r := range own {
				if rbac.IsOrganizationSlug(r.Slug) {
					slugs = append(slugs, r.Slug)
				}
			}
			slices.Reverse(slugs)
			return s.Roles.Reorder(ctx, c.org, slugs...)
		}},
	}
}
