package tenancytest

import "github.com/freehold-dev/freehold/tenancy"

// State is how somebody stands to an organization.
type State string

// The states. Only Active has access.
const (
	Active                State = "active"                 // a member
	Pending               State = "pending"                // invited, and has not accepted; the token is in the Mailbox
	Inactive              State = "inactive"               // deactivated there
	UserSuspended         State = "user_suspended"         // the host suspended the person
	OrganizationSuspended State = "organization_suspended" // which all its members are then
	OrganizationArchived  State = "organization_archived"  // likewise
	Left                  State = "left"                   // a member once, who left
	Removed               State = "removed"                // a member once, whom the organization removed
	Stranger              State = "stranger"               // never a member
)

// States lists every State, for tests that try each: what [Active] may do, the others may not.
func States() []State {
	return []State{Active, Pending, Inactive, UserSuspended, OrganizationSuspended, OrganizationArchived, Left, Removed, Stranger}
}

// MemberIn brings somebody, as [World.User] gives them, into a state with an organization, by the calls of
// the Service that lead there. Roles are those that they have, or had, or are invited to; without them the default one.
// The states of an organization are those of all its members.
func (w *World) MemberIn(state State, organization tenancy.OrganizationID, address string, roles ...string) tenancy.User {
	w.Helper()
	ctx, user := w.Context(), w.User(address)
	switch state {
	case Stranger:
		return user
	case Pending:
		_, err := w.Service.Invitations.Send(ctx, tenancy.NewInvitation{OrganizationID: organization, Email: user.Email, Roles: roles})
		w.must(err)
		return user
	}
	w.Member(organization, address, roles...)
	var err error
	switch state {
	case Active:
	case Inactive:
		_, err = w.Service.Memberships.Deactivate(ctx, organization, user.ID)
	case UserSuspended:
		user, err = w.Service.Users.Suspend(ctx, user.ID)
	case OrganizationSuspended:
		_, err = w.Service.Organizations.Suspend(ctx, organization)
	case OrganizationArchived:
		_, err = w.Service.Organizations.Archive(ctx, organization)
	case Left:
		err = w.Service.Memberships.Leave(ctx, organization, user.ID)
	case Removed:
		err = w.Service.Memberships.Remove(ctx, organization, user.ID)
	default:
		w.Fatalf("tenancytest: no state %q", state)
	}
	w.must(err)
	return user
}
