package tenancy

import (
	"sync/atomic"

	"github.com/freehold-dev/freehold/internal/access"
)

// cache has compiled access by organization and user, and the state that keeps it fresh (rule R8). It has
// its [access.Cache] by value, so that a check follows one pointer less.
type cache struct {
	access.Cache[profile, declarations]
	// transacting counts running calls of Transact and OnJoin, and all calls of Join. In their contexts a
	// check is refused.
	transacting atomic.Int64

	fresh follower
}

// The types of the cache with tenancy's keys: the scope of a key is an organization, and its subject is a
// user.
type (
	cacheKey = access.Key
	load     = access.Load[profile, declarations]
)

func newCache(size int) *cache {
	c := &cache{}
	c.Init(size)
	return c
}

// keyOf returns the narrowest key that covers all access that an event may have changed. ok is false if the
// event changes no access.
func keyOf(kind EventType, organization OrganizationID, user UserID) (cacheKey, bool) {
	switch kind {
	case EventRoleCreated, EventRoleUpdated, EventRoleDeleted:
		return cacheKey{Scope: organization}, true // for an application role the scope is zero: everything
	case EventPermissionCreated, EventPermissionUpdated, EventPermissionDeleted:
		return cacheKey{}, true
	case EventOrganizationCreated, EventUserCreated, EventMembershipCreated: // before it nobody had access to cache
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
		EventSessionStarted, EventSessionEntered, EventSessionEnded, EventOrganizationSessionsEnded: // their memberships have events of their own
		return cacheKey{}, false
	case EventOrganizationSuspended, EventOrganizationResumed, EventOrganizationArchived, EventOrganizationRestored,
		EventOrganizationPurged, EventOrganizationDeleted, EventOrganizationOwnerLost:
		return cacheKey{Scope: organization}, true
	case EventUserSuspended, EventUserUnsuspended, EventUserMerged, EventUserDeleted:
		return cacheKey{Subject: user}, true
	}
	return cacheKey{Scope: organization, Subject: user}, true // the default for new types of events is safe
}
