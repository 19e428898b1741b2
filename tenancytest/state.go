package tenancytest

import "github.com/freehold-dev/freehold/tenancy"

// State is a person's relation to an organization.
type State string

// The states. Only Active gives access.
const (
	Active                State = "active"                 // a member
	Pending               State = "pending"                // invited, and has not accepted; the token is in the Mailbox
	Inactive              State = "inactive"               // deactivated there
	UserSuspended         State = "user_suspended"         // the host suspended the person
	OrganizationSuspended State = "organization_suspended" // the host suspended the organization, and so all its members
	OrganizationArchived  State = "organization_archived"  // the organization is archived
	Left                  State = "left"                   // was a member, and left
	Removed               State = "removed"                // was a member, and was removed by the organization
	Stranger              State = "stranger"               // never a member
)

// States lists every State, for tests that try all of them: only [Active] has access.
func States() []State {
	return []State{Active, Pending, Inactive, UserSuspended, OrganizationSuspended, OrganizationArchived, Left, Removed, Stranger}
}

// MemberIn brings a person into a state with an organization, by the calls of the Service that lead there.
// [World.User] finds or makes the person. roles are the roles that the person has, had, or is invited to;
// without roles it is the default one. The states of an organization apply to all its members.
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
