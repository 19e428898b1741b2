package tenancy

import "fmt"

// eventTypes has all types of events. A test compares it with the constants.
var eventTypes = map[EventType]bool{
	EventOrganizationCreated:       true,
	EventOrganizationUpdated:       true,
	EventOrganizationSlugReleased:  true,
	EventOrganizationSuspended:     true,
	EventOrganizationResumed:       true,
	EventOrganizationArchived:      true,
	EventOrganizationRestored:      true,
	EventOrganizationPurged:        true,
	EventOrganizationDeleted:       true,
	EventOrganizationOwnerLost:     true,
	EventOrganizationSessionsEnded: true,
	EventUserCreated:               true,
	EventUserUpdated:               true,
	EventUserEmailChangeRequested:  true,
	EventUserEmailChangeCanceled:   true,
	EventUserEmailChanged:          true,
	EventUserEmailVerified:         true,
	EventUserSuspended:             true,
	EventUserUnsuspended:           true,
	EventUserMerged:                true,
	EventUserDeleted:               true,
	EventUserErased:                true,
	EventIdentityLinked:            true,
	EventIdentityUpdated:           true,
	EventIdentityUnlinked:          true,
	EventMembershipCreated:         true,
	EventMembershipUpdated:         true,
	EventMembershipRolesChanged:    true,
	EventMembershipDeactivated:     true,
	EventMembershipReactivated:     true,
	EventMembershipRemoved:         true,
	EventMembershipReadmitted:      true,
	EventMembershipBarred:          true,
	EventMembershipEmailChanged:    true,
	EventMembershipOffered:         true,
	EventMembershipWithdrawn:       true,
	EventRoleCreated:               true,
	EventRoleUpdated:               true,
	EventRoleDeleted:               true,
	EventPermissionCreated:         true,
	EventPermissionUpdated:         true,
	EventPermissionDeleted:         true,
	EventInvitationSent:            true,
	EventInvitationResent:          true,
	EventInvitationUpdated:         true,
	EventInvitationAccepted:        true,
	EventInvitationRevoked:         true,
	EventInvitationDeclined:        true,
	EventInvitationExpired:         true,
	EventJoinCodeCreated:           true,
	EventJoinCodeUsed:              true,
	EventJoinCodeUpdated:           true,
	EventJoinCodeRevoked:           true,
	EventJoinRequestCreated:        true,
	EventJoinRequestApproved:       true,
	EventJoinRequestDeclined:       true,
	EventJoinRequestCanceled:       true,
	EventDomainClaimed:             true,
	EventDomainVerified:            true,
	EventDomainFailed:              true,
	EventDomainLapsed:              true,
	EventDomainDormant:             true,
	EventDomainUpdated:             true,
	EventDomainReleased:            true,
	EventConnectionCreated:         true,
	EventConnectionUpdated:         true,
	EventConnectionDeleted:         true,
	EventPolicyUpdated:             true,
	EventSessionStarted:            true,
	EventSessionEntered:            true,
	EventSessionEnded:              true,
	EventOwnershipTransferred:      true,
}

// knownTypes refuses an unknown type: a misspelled one would silently select nothing, or leave out nothing.
func knownTypes(field string, types []EventType) error {
	if len(types) > MaxLimit {
		return invalid(field, fmt.Sprintf("are %d, at most %d", len(types), MaxLimit))
	}
	for _, t := range types {
		if !eventTypes[t] {
			return &Error{Code: ErrInvalid, Field: field, Key: string(t), Reason: "is no type of event"}
		}
	}
	return nil
}
