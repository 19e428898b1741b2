package tenancy

import (
	"encoding/json"
	"time"
)

// Position is an event's place in the one order of a store, which is the order of
// commits (rule E1). It is given by the store, grows, and has gaps. 0 is before
// the first.
type Position int64

// EventType says what happened, as thing.verb in the past (rule E2).
type EventType string

// The events. Data is the thing after the change, in the JSON form of its type, or
// before it where the thing went; Previous holds the old values of what changed.
const (
	EventOrganizationCreated      EventType = "organization.created"       // Data: [Organization]
	EventOrganizationUpdated      EventType = "organization.updated"       // Data: [Organization]
	EventOrganizationSuspended    EventType = "organization.suspended"     // Data: [Organization]
	EventOrganizationResumed      EventType = "organization.resumed"       // Data: [Organization]
	EventOrganizationArchived     EventType = "organization.archived"      // Data: [Organization]
	EventOrganizationRestored     EventType = "organization.restored"      // Data: [Organization] and the memberships made inactive
	EventOrganizationPurged       EventType = "organization.purged"        // Data: counts
	EventOrganizationDeleted      EventType = "organization.deleted"       // Data: [Organization] and counts
	EventOrganizationSlugReleased EventType = "organization.slug_released" // Data: the slug, which everybody may take from now on
	EventOrganizationOwnerLost    EventType = "organization.owner_lost"    // Data: [Organization]; it has no owner now
	// EventOrganizationSessionsEnded has the Data of [Organization]: every session
	// there from before has ended. It also follows an organization.updated that raised the
	// limits on sessions, which ends them, too (rule O3).
	EventOrganizationSessionsEnded EventType = "organization.sessions_ended"

	EventUserCreated              EventType = "user.created"                // Data: [User]
	EventUserUpdated              EventType = "user.updated"                // Data: [User]
	EventUserEmailChangeRequested EventType = "user.email_change_requested" // Data: [User], the address pending
	EventUserEmailChangeCanceled  EventType = "user.email_change_canceled"  // Data: [User]
	EventUserEmailChanged         EventType = "user.email_changed"          // Data: [User]
	EventUserEmailVerified        EventType = "user.email_verified"         // Data: [User]
	EventUserSuspended            EventType = "user.suspended"              // Data: [User]
	EventUserUnsuspended          EventType = "user.unsuspended"            // Data: [User]
	EventUserMerged               EventType = "user.merged"                 // Data: from and into
	EventUserDeleted              EventType = "user.deleted"                // Data: [User] and counts
	EventUserErased               EventType = "user.erased"                 // no Data

	EventIdentityLinked   EventType = "identity.linked"   // Data: [Identity]
	EventIdentityUpdated  EventType = "identity.updated"  // Data: [Identity]
	EventIdentityUnlinked EventType = "identity.unlinked" // Data: [Identity]

	EventMembershipCreated      EventType = "membership.created"       // Data: [Membership] and its roles
	EventMembershipUpdated      EventType = "membership.updated"       // Data: [Membership]
	EventMembershipRolesChanged EventType = "membership.roles_changed" // Data: [Membership] and its roles
	EventMembershipDeactivated  EventType = "membership.deactivated"   // Data: [Membership] and its roles
	EventMembershipReactivated  EventType = "membership.reactivated"   // Data: [Membership] and its roles
	EventMembershipRemoved      EventType = "membership.removed"       // Data: [Membership] and its roles, as they were, and the [Removal] that is remembered
	EventMembershipReadmitted   EventType = "membership.readmitted"    // Data: [Removal], which is forgotten
	EventMembershipBarred       EventType = "membership.barred"        // Data: [Removal] of one who had left, and counts as removed from now on
	// EventMembershipEmailChanged has the membership's id and the member's new address in
	// Data, the old one in Previous (rule U9).
	EventMembershipEmailChanged EventType = "membership.email_changed"
	// EventMembershipOffered and EventMembershipWithdrawn tell that a membership waits
	// for an invitation's acceptance, and that it does so no more. Data: [Membership].
	// They name no organization, nor does what else happens to such a membership: who
	// reads an organization's events would learn who is registered (rule M2).
	EventMembershipOffered   EventType = "membership.offered"
	EventMembershipWithdrawn EventType = "membership.withdrawn" // Data: [Membership]

	EventRoleCreated       EventType = "role.created"       // Data: [Role]
	EventRoleUpdated       EventType = "role.updated"       // Data: [Role]
	EventRoleDeleted       EventType = "role.deleted"       // Data: [Role], and its replacement
	EventPermissionCreated EventType = "permission.created" // Data: [Permission]
	EventPermissionUpdated EventType = "permission.updated" // Data: [Permission]
	EventPermissionDeleted EventType = "permission.deleted" // Data: [Permission]

	EventInvitationSent      EventType = "invitation.sent"       // Data: [Invitation]
	EventInvitationResent    EventType = "invitation.resent"     // Data: [Invitation]
	EventInvitationUpdated   EventType = "invitation.updated"    // Data: [Invitation]; Update, its role was replaced, or its mail, which waited, went or waits on
	EventInvitationAccepted  EventType = "invitation.accepted"   // Data: [Invitation]
	EventInvitationRevoked   EventType = "invitation.revoked"    // Data: [Invitation]
	EventInvitationDeclined  EventType = "invitation.declined"   // Data: [Invitation]; nobody needs an account to decline
	EventInvitationExpired   EventType = "invitation.expired"    // Data: [Invitation]
	EventJoinCodeCreated     EventType = "join_code.created"     // Data: [JoinCode]
	EventJoinCodeUsed        EventType = "join_code.used"        // Data: [JoinCode]
	EventJoinCodeUpdated     EventType = "join_code.updated"     // Data: [JoinCode]; its role was replaced
	EventJoinCodeRevoked     EventType = "join_code.revoked"     // Data: [JoinCode]
	EventJoinRequestCreated  EventType = "join_request.created"  // Data: [JoinRequest]
	EventJoinRequestApproved EventType = "join_request.approved" // Data: [JoinRequest]
	EventJoinRequestDeclined EventType = "join_request.declined" // Data: [JoinRequest]
	EventJoinRequestCanceled EventType = "join_request.canceled" // Data: [JoinRequest]

	EventDomainClaimed  EventType = "domain.claimed"  // Data: [Domain]
	EventDomainVerified EventType = "domain.verified" // Data: [Domain]
	EventDomainFailed   EventType = "domain.failed"   // Data: [Domain]
	EventDomainLapsed   EventType = "domain.lapsed"   // Data: [Domain]
	EventDomainDormant  EventType = "domain.dormant"  // Data: [Domain]; its organization was archived
	EventDomainUpdated  EventType = "domain.updated"  // Data: [Domain]
	EventDomainReleased EventType = "domain.released" // Data: [Domain], as it was

	EventConnectionCreated EventType = "connection.created" // Data: [Connection]
	EventConnectionUpdated EventType = "connection.updated" // Data: [Connection]
	EventConnectionDeleted EventType = "connection.deleted" // Data: [Connection], as it was
	EventPolicyUpdated     EventType = "policy.updated"     // Data: [Policy]

	EventSessionStarted EventType = "session.started" // Data: [Session]
	EventSessionEntered EventType = "session.entered" // Data: [Session]; an entry from evidence that the session held, see Sessions.Enter
	EventSessionEnded   EventType = "session.ended"   // Data: [Session]

	EventOwnershipTransferred EventType = "ownership.transferred" // Data: from and to
)

// ActorKind says what sort of actor did something.
type ActorKind string

// The kinds of actors.
const (
	ActorHost    ActorKind = "host"    // the program itself: the unbound Service; ID is "", or as [Service.Named] says
	ActorUser    ActorKind = "user"    // a person; ID is the user's
	ActorService ActorKind = "service" // a service account of the host; ID is its name
)

// Actor is who did something. What a person does by signing in, switching or signing
// out is done by them, though it is the host that asks for it (rule G12).
type Actor struct {
	Kind ActorKind `json:"kind"`         // a user, a service account or the host
	ID   string    `json:"id,omitempty"` // a user's TypeID, or the name of a service account; "" = the host
}

// Event is one change, written in the transaction that made it (rule G8). The same
// rows are the audit log: they change only by Erase and go only by Prune (rule E3).
type Event struct {
	Position       Position       `json:"position,omitzero"`        // 0 for an actor (rule G14)
	ID             EventID        `json:"id"`                       // a name for receivers; order is by Position
	Type           EventType      `json:"type"`                     // one of the Event constants
	OrganizationID OrganizationID `json:"organization_id,omitzero"` // where it happened
	UserID         UserID         `json:"user_id,omitzero"`         // the person concerned
	Subject        string         `json:"subject"`                  // TypeID of the thing that changed
	Actor          Actor          `json:"actor"`                    // the author of the change
	// Through is the session that the actor did it by, a TypeID; "" = none, or one at another
	// organization, which this one is not told of (rule G7).
	Through string `json:"through,omitempty"`
	// Time is the instant of the call. It is the time of the event before where that is later:
	// times never decrease along positions, though clocks go back (rule E1).
	Time     time.Time       `json:"time,omitzero"`
	Data     json.RawMessage `json:"data,omitempty"`     // JSON; the constant of the Type says of what
	Previous json.RawMessage `json:"previous,omitempty"` // JSON of the old values of what changed
	Person   EventPerson     `json:"person,omitzero"`    // what the person concerned was called then (rule G12); zero: nobody, or emptied by Erase
	Redacted bool            `json:"redacted,omitempty"` // Data, Previous and Person were emptied by Erase
	// ActorPerson is what the person who did it is called, where the query asks for it by
	// [EventQuery.NameActors]; zero for what is no person, and where nothing is known any more. It is
	// not a part of the event.
	ActorPerson EventPerson `json:"actor_person,omitzero"`
	People      []UserID    `json:"-"` // whose personal data is in Data and Previous, besides UserID's
}

// EventPerson is what a person was called when something happened to them, so that a page of
// events needs no other call to name them, also after they left (rule G12).
type EventPerson struct {
	Name  string `json:"name,omitempty"`  // of a membership: the name there; else the user's own
	Email string `json:"email,omitempty"` // the user's, as given
}

// EventID is the id of an event, evt_...
type EventID = ID[Event]

func (Event) idPrefix() string { return "evt" }

func (e Event) rowID() [16]byte { return e.ID }
