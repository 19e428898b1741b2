package tenancy

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"sync"
	"sync/atomic"
)

// cache keeps compiled access so that a check costs a look-up and a bit (rule R8).
//
// A key says what a change may have altered: one person in one organization, a
// person everywhere, all of an organization, or everything. Publishing a key drops
// what it covers, and spoils the loads that were under way, which may have read the
// store before the change: each part of the cache counts what was published to it,
// and a load is kept only if the counts are as they were before it read.
//
// An entry lies in the shard of its user, so that a person is dropped in one shard;
// it tells the epoch of its organization, which moves when all of that is dropped.
// A check takes no lock: it reads one slot in one place in memory, and the epoch.
type cache struct {
	size        int                     // most entries; 0 = keep nothing
	all         atomic.Pointer[entries] // replaced when everything is dropped
	transacting atomic.Int64            // Transacts running, whose calls must not come to us

	mu    sync.Mutex // guards marks
	marks []mark
	open  atomic.Int64 // len(marks)

	fresh follower
}

// entries are all that is cached, under one set of declarations.
type entries struct {
	shards []atomic.Pointer[shard] // made when they are needed
	count  atomic.Int64
	epochs []atomic.Uint32 // of organizations: each of all whose ids hash to it
	book   atomic.Pointer[rulebook]

	mu       sync.Mutex          // guards the maps
	profiles map[string]*profile // by roles and grants
	held     map[heldKey]held
}

const (
	shardSlots  = 64     // a person may have this many entries
	probes      = 8      // slots in which an entry may lie: what a check looks at
	shardEpochs = 4      // for each shard
	maxProfiles = 1_000  // most that are kept for others to share
	maxHeld     = 10_000 // most of which it is known what they give
)

// cacheID is an id in words, to be held in registers.
type cacheID struct{ a, b uint64 }

func idOf(id [16]byte) cacheID {
	return cacheID{binary.LittleEndian.Uint64(id[:8]), binary.LittleEndian.Uint64(id[8:])}
}

// spread is a number whose upper bits are spread evenly, also where a host chose ids
// that are not random.
func (id cacheID) spread() uint64 {
	return (id.b ^ bits.RotateLeft64(id.a, 32)) * 0x9e3779b97f4a7c15
}

func newCache(size int) *cache {
	c := &cache{size: max(size, 0)}
	c.all.Store(c.empty())
	return c
}

// empty has slots for seven entries for each four that are kept.
func (c *cache) empty() *entries {
	n := c.size/4*7/shardSlots + 1
	return &entries{
		shards: make([]atomic.Pointer[shard], n), epochs: make([]atomic.Uint32, n*shardEpochs),
		profiles: map[string]*profile{}, held: map[heldKey]held{},
	}
}

// place is where a pair belongs: its shard by the user, its first slot by both.
func (e *entries) place(organization, user cacheID) (s *atomic.Pointer[shard], slot uint64) {
	high, low := bits.Mul64(user.spread(), uint64(len(e.shards)))
	return &e.shards[high], (low ^ organization.spread()) / (1 << 58)
}

// epoch is where all that is known of an organization gets its end.
func (e *entries) epoch(organization cacheID) *atomic.Uint32 {
	high, _ := bits.Mul64(organization.spread(), uint64(len(e.epochs)))
	return &e.epochs[high]
}

// get gives what is known of a pair, or nil.
func (c *cache) get(organization OrganizationID, user UserID) *profile {
	e, org, person := c.all.Load(), idOf(organization), idOf(user)
	place, first := e.place(org, person)
	s := place.Load()
	if s == nil {
		return nil
	}
	for i := range uint64(probes) {
		here := &s.slots[(first+i)%shardSlots]
		state := here.state.Load()
		if !here.is(org, person) {
			continue
		}
		p := here.profile.Load()
		if state%2 != 0 || here.state.Load() != state || uint32(state>>32) != e.epoch(org).Load() {
			return nil
		}
		return p
	}
	return nil
}

// publish drops what the keys cover.
func (c *cache) publish(keys ...cacheKey) {
	if slices.Contains(keys, cacheKey{}) {
		c.all.Store(c.empty())
		return
	}
	for _, key := range keys {
		e := c.all.Load()
		if key.user.IsZero() {
			e.epoch(idOf(key.organization)).Add(1)
		} else {
			e.drop(key)
		}
	}
}

// drop takes what a key with a user covers.
func (e *entries) drop(key cacheKey) {
	org, user := idOf(key.organization), idOf(key.user)
	place, _ := e.place(org, user)
	if s := place.Load(); s != nil {
		gone := s.drop(org, user, key.organization.IsZero())
		e.count.Add(-gone)
	}
}

// cacheKey is what a change may have altered: zero members stand for all.
type cacheKey struct {
	organization OrganizationID
	user         UserID
}

func (k cacheKey) covers(pair cacheKey) bool {
	return (k.organization.IsZero() || k.organization == pair.organization) && (k.user.IsZero() || k.user == pair.user)
}

// keyOf is the narrowest key that covers what an event tells, and whether it can
// alter anybody's access at all.
func keyOf(kind EventType, organization OrganizationID, user UserID) (cacheKey, bool) {
	switch kind {
	case EventRoleCreated, EventRoleUpdated, EventRoleDeleted:
		return cacheKey{organization: organization}, true // an application role: everything
	case EventPermissionCreated, EventPermissionUpdated, EventPermissionDeleted:
		return cacheKey{}, true
	case EventOrganizationCreated, EventUserCreated, EventMembershipCreated: // nobody had access before, and that is not kept
		return cacheKey{}, false
	case EventOrganizationUpdated, EventUserUpdated, EventMembershipUpdated,
		EventUserEmailChangeRequested, EventUserEmailChangeCanceled, EventUserEmailChanged, EventUserEmailVerified,
		EventIdentityLinked, EventIdentityUpdated, EventIdentityUnlinked, EventOwnershipTransferred, EventUserErased,
		EventMembershipOffered, EventMembershipWithdrawn, EventMembershipEmailChanged, EventInvitationUpdated, EventJoinCodeUpdated,
		EventInvitationSent, EventInvitationResent, EventInvitationAccepted, EventInvitationRevoked, EventInvitationExpired,
		EventJoinCodeCreated, EventJoinCodeUsed, EventJoinCodeRevoked,
		EventJoinRequestCreated, EventJoinRequestApproved, EventJoinRequestDeclined, EventJoinRequestCanceled,
		EventDomainClaimed, EventDomainVerified, EventDomainFailed, EventDomainLapsed, EventDomainDormant, EventDomainUpdated,
		EventDomainReleased, EventConnectionCreated, EventConnectionUpdated, EventConnectionDeleted, EventPolicyUpdated,
		EventSessionStarted, EventSessionSwitched, EventSessionEnded, EventOrganizationSessionsEnded: // a membership that comes or goes has its own
		return cacheKey{}, false
	case EventOrganizationSuspended, EventOrganizationResumed, EventOrganizationArchived, EventOrganizationRestored,
		EventOrganizationPurged, EventOrganizationDeleted, EventOrganizationOwnerLost:
		return cacheKey{organization: organization}, true
	case EventUserSuspended, EventUserUnsuspended, EventUserMerged, EventUserDeleted:
		return cacheKey{user: user}, true
	}
	return cacheKey{organization, user}, true // what is new narrows nothing by mistake
}
