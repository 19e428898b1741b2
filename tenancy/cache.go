package tenancy

import (
	"sync/atomic"

	"github.com/freehold-dev/freehold/internal/access"
)

// cache is compiled access by organization and user (rule R8), and what keeps it fresh.
// It holds an [access.Cache] by value, because a check should follow no pointer more.
type cache struct {
	access.Cache[profile, declarations]
	transacting atomic.Int64 // running calls of Transact and OnJoin, and all of Join: in their contexts a check is refused

	fresh follower
}

// The cache's own names, as tenancy uses them: the scope of a key is an organization, its
// subject a user.
type (
	cacheKey = access.Key
	load     = access.Load[profile, declarations]
)

func newCache(size int) *cache {
	c := &cache{}
	c.Init(size)
	return c
}

// keyOf returns the narrowest key that covers what an event may have altered, and whether
// it can alter access at all.
func keyOf(kind EventType, organization OrganizationID, user UserID) (cacheKey, bool) {
	switch kind {
	case EventRoleCreated, EventRoleUpdated, EventRoleDeleted:
		return cacheKey{Scope: organization}, true // an application role: everything
	case EventPermissionCreated, EventPermissionUpdated, EventPermissionDeleted:
		return cacheKey{}, true
	case EventOrganizationCreated, EventUserCreated, EventMembershipCreated: // nobody had access before, and that is not kept
		return cacheKey{}, false
	case EventOrganizationUpdated, EventOrganizationSlugReleased, EventUserUpdated, EventMembershipUpdated,
		EventUserEmailChangeRequested, EventUserEmailChangeCanceled, EventUserEmailChanged, EventUserEmailVerified,
		EventIdentityLinked, EventIdentityUpdated, EventIdentityUnlinked, EventOwnershipTransferred, EventUserErased,
		EventMembershipOffered, EventMembershipWithdrawn, EventMembershipEmailChanged, EventMembershipReadmitted, EventMembershipBarred, EventInvitationUpdated, EventJoinCodeUpdated,
		EventInvitationSent, EventInvitationResent, EventInvitationAccepted, EventInvitationRevoked, EventInvitationDeclined, EventInvitationExpired,
		EventJoinCodeCreated, EventJoinCodeUsed, EventJoinCodeRevoked,
		EventJoinRequestCreated, EventJoinRequestApproved, EventJoinRequestDeclined, EventJoinRequestCanceled,
		EventDomainClaimed, EventDomainVerified, EventDomainFailed, EventDomainLapsed, EventDomainDormant, EventDomainUpdated,
		EventDomainReleased, EventConnectionCreated, EventConnectionUpdated, EventConnectionDeleted, EventPolicyUpdated,
		EventSessionStarted, EventSessionEntered, EventSessionEnded, EventOrganizationSessionsEnded: // a membership that comes or goes has its own
		return cacheKey{}, false
	case EventOrganizationSuspended, EventOrganizationResumed, EventOrganizationArchived, EventOrganizationRestored,
		EventOrganizationPurged, EventOrganizationDeleted, EventOrganizationOwnerLost:
		return cacheKey{Scope: organization}, true
	case EventUserSuspended, EventUserUnsuspended, EventUserMerged, EventUserDeleted:
		return cacheKey{Subject: user}, true
	}
	return cacheKey{Scope: organization, Subject: user}, true // what is new narrows nothing by mistake
}
