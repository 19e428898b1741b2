package tenancy

import (
	"encoding/json"
	"time"
)

// Position is an event's place in the log of a store, which is in the order of commits (rule E1). Positions
// grow, and have gaps. 0 is before the first event. The store assigns them.
type Position int64

// EventType says what happened, as thing.verb in the past tense (rule E2).
type EventType string

// The types of events. Data is the thing after the change, in the JSON form of its type; for a thing that
// was deleted it is the thing before. Previous has the old values of what changed.
const (
	EventOrganizationCreated      EventType = "organization.created"       // Data: [Organization]
	EventOrganizationUpdated      EventType = "organization.updated"       // Data: [Organization]
	EventOrganizationSuspended    EventType = "organization.suspended"     // Data: [Organization]
	EventOrganizationResumed      EventType = "organization.resumed"       // Data: [Organization]
	EventOrganizationArchived     EventType = "organization.archived"      // Data: [Organization]
	EventOrganizationRestored     EventType = "organization.restored"      // Data: [Organization] and the memberships made inactive
	EventOrganizationPurged       EventType = "organization.purged"        // Data: counts
	EventOrganizationDeleted      EventType = "organization.deleted"       // Data: [Organization] and counts
	EventOrganizationSlugReleased EventType = "organization.slug_released" // Data: the slug, which anybody may take from now on
	EventOrganizationOwnerLost    EventType = "organization.owner_lost"    // Data: [Organization], which has no owner now
	// EventOrganizationSessionsEnded means that every session in the organization from before has ended.
	// Data: [Organization]. It also follows an organization.updated that made the limits on sessions
	// stricter, because that ends the sessions, too (rule O3).
	EventOrganizationSessionsEnded EventType = "organization.sessions_ended"

	EventUserCreated              EventType = "user.created"                // Data: [User]
	EventUserUpdated              EventType = "user.updated"                // Data: [User]
	EventUserEmailChangeRequested EventType = "user.email_change_requested" // Data: [User] with the pending address
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
	// EventMembershipRemoved has the [Membership] and its roles, as they were, and the [Removal] that is
	// stored, in Data.
	EventMembershipRemoved    EventType = "membership.removed"
	EventMembershipReadmitted EventType = "membership.readmitted" // Data: [Removal], which is deleted
	// EventMembershipBarred has the [Removal] of a person who had left, and counts as removed from now on,
	// in Data.
	EventMembershipBarred EventType = "membership.barred"
	// EventMembershipEmailChanged has the membership's id and the member's new address in Data, and the old
	// address in Previous (rule U9).
	EventMembershipEmailChanged EventType = "membership.email_changed"
	// EventMembershipOffered means that a membership is pending, until the person accepts an invitation.
	// EventMembershipWithdrawn means that it is not pending any more. Data: [Membership]. These and all
	// other events about a pending membership name no organization: otherwise the readers of an
	// organization's events would learn who is registered (rule M2).
	EventMembershipOffered   EventType = "membership.offered"
	EventMembershipWithdrawn EventType = "membership.withdrawn" // Data: [Membership]

	EventRoleCreated       EventType = "role.created"       // Data: [Role]
	EventRoleUpdated       EventType = "role.updated"       // Data: [Role]
	EventRoleDeleted       EventType = "role.deleted"       // Data: [Role], and its replacement
	EventPermissionCreated EventType = "permission.created" // Data: [Permission]
	EventPermissionUpdated EventType = "permission.updated" // Data: [Permission]
	EventPermissionDeleted EventType = "permission.deleted" // Data: [Permission]

	EventInvitationSent   EventType = "invitation.sent"   // Data: [Invitation]
	EventInvitationResent EventType = "invitation.resent" // Data: [Invitation]
	// EventInvitationUpdated follows Update, and also if the invitation's role was replaced, or if its
	// waiting mail was sent or put off. Data: [Invitation].
	EventInvitationUpdated   EventType = "invitation.updated"
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
	EventDomainReleased EventType = "domain.released" // Data: [Domain], as it was before

	EventConnectionCreated EventType = "connection.created" // Data: [Connection]
	EventConnectionUpdated EventType = "connection.updated" // Data: [Connection]
	EventConnectionDeleted EventType = "connection.deleted" // Data: [Connection], as it was before
	EventPolicyUpdated     EventType = "policy.updated"     // Data: [Policy]

	EventSessionStarted EventType = "session.started" // Data: [Session]
	// EventSessionEntered means an entry from evidence that the session held, see Sessions.Enter. Data:
	// [Session].
	EventSessionEntered EventType = "session.entered"
	EventSessionEnded   EventType = "session.ended" // Data: [Session]

	EventOwnershipTransferred EventType = "ownership.transferred" // Data: from and to
)

// ActorKind is the kind of an actor.
type ActorKind string

// The kinds of actors.
const (
	ActorHost    ActorKind = "host"    // the program itself; ID is "", or the name given to [Service.Named]
	ActorUser    ActorKind = "user"    // a person; ID is the user's id
	ActorService ActorKind = "service" // a service account of the host; ID is its name
)

// Actor is who did something. When a person signs in, switches or signs out, the actor is that person,
// although the host makes the call (rule G12).
type Actor struct {
	Kind ActorKind `json:"kind"`         // a user, a service account or the host
	ID   string    `json:"id,omitempty"` // a user's TypeID, or the name of a service account; "" = the host without a name
}

// Event is one change, written in the transaction that made it (rule G8). The events are also the audit
// log: only Erase changes them, and only Prune deletes them (rule E3).
type Event struct {
	Position       Position       `json:"position,omitzero"`        // 0 for an actor (rule G14)
	ID             EventID        `json:"id"`                       // an id for receivers; the order is by Position
	Type           EventType      `json:"type"`                     // one of the Event constants
	OrganizationID OrganizationID `json:"organization_id,omitzero"` // where it happened
	UserID         UserID         `json:"user_id,omitzero"`         // the person concerned
	Subject        string         `json:"subject"`                  // TypeID of the thing that changed
	Actor          Actor          `json:"actor"`                    // the author of the change
	// Through is the session that the actor used, as a TypeID. It is "" if there was none, or if the
	// session was at another organization: this one must not learn of it (rule G7).
	Through string `json:"through,omitempty"`
	// Time is the time of the call, or the time of the previous event if that is later. So times never
	// decrease along positions, even if a clock goes back (rule E1).
	Time     time.Time       `json:"time,omitzero"`
	Data     json.RawMessage `json:"data,omitempty"`     // JSON; the constant of the Type says what it contains
	Previous json.RawMessage `json:"previous,omitempty"` // JSON of the old values of what changed
	// Person is the name and address that the person concerned had then (rule G12). It is zero if the event
	// concerns nobody, and after Erase.
	Person   EventPerson `json:"person,omitzero"`
	Redacted bool        `json:"redacted,omitempty"` // Erase has emptied Data, Previous and Person
	// ActorPerson is the name of the person who made the change, if the query asks for it with
	// [EventQuery.NameActors]. It is zero if the actor is not a person, or if nothing is known of them any
	// more. It is not stored with the event.
	ActorPerson EventPerson `json:"actor_person,omitzero"`
	People      []UserID    `json:"-"` // the people whose personal data is in Data and Previous, besides UserID
}

// EventPerson is the name and address that a person had when something happened to them. With it a page of
// events needs no other call to name people, also after they left (rule G12).
type EventPerson struct {
	Name  string `json:"name,omitempty"`  // of a membership: the name there; otherwise the user's own name
	Email string `json:"email,omitempty"` // the user's address, as given
}

// EventID is the id of an event; its text begins with evt_.
type EventID = ID[Event]

func (Event) idPrefix() string { return "evt" }

func (e Event) rowID() [16]byte { return e.ID }
