package tenancy

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/store"
)

// Service is the whole of Freehold to a host: the rules, over a [store.Store]. Its
// methods stand in groups, one an entity.
//
// Every method that writes is one transaction: all of it is kept, with its events,
// or nothing. A Service is safe for concurrent use; one that works in a transaction
// (from [Service.Transact] or [Service.Join]) is for one goroutine.
//
// This Service is the host itself and is trusted with everything.
type Service struct {
	Organizations Organizations // the customers
	Users         Users         // the people
	Identities    Identities    // the ways in which they sign in
	Memberships   Memberships   // people in organizations, with their roles
	Sessions      Sessions      // sign-ins, and where they are
	Proofs        Proofs        // of mailboxes, before there is a user
	Domains       Domains       // claims of organizations to domain names
	Connections   Connections   // single sign-on
	Policies      Policies      // what organizations demand of sign-ins
	Invitations   Invitations   // by address
	JoinCodes     JoinCodes     // for anyone who has one
	JoinRequests  JoinRequests  // of people who want in
	Roles         Roles         // sets of grants
	Permissions   Permissions   // what can be granted and checked
	Events        Events        // the audit log, and refused calls

	instance  *instance
	store     store.Store
	txn       *inTransaction // the transaction that this Service works in; nil outside one
	principal *Principal     // whom it is bound to; nil = the host
	actor     Actor
}

// instance is what a Service shares with all that are derived from it. Its address
// is the key under which a context is marked.
type instance struct {
	config  Config
	store   store.Store
	cache   *cache
	denials denialCounter
	proofs  proofGate
	turns   turns
	// declarations are those that were read last, for every call whose snapshot has their mark.
	declarations atomic.Pointer[declarations]
	// leftOut are the built-in roles that they leave out; nil: to be read.
	leftOut atomic.Pointer[[]string]
	// singleWriter: the store lets one transaction write at a time.
	singleWriter bool
	// readersWait says whether a read can have to wait for a transaction of the host's; nil:
	// it never has to.
	readersWait store.ReadersWait
}

// inTransaction is the transaction of a Service from Transact or Join: one instant
// for all that happens in it (rule G2).
type inTransaction struct {
	rows    store.Rows // nil: a host's own, met anew by each call
	once    sync.Once
	moment  time.Time
	changes *changes   // what it changed, told after its commit
	denied  []refusal  // refusals inside, kept after its end
	mail    []outgoing // what to send after its end
	// importing: the calls in it may bring what was before them, see [Service.Import].
	importing bool
}

func (w *inTransaction) now(clock func() time.Time) time.Time {
	w.once.Do(func() { w.moment = clock() })
	return w.moment
}

// New makes a Service.
//
// Errors: [ErrInvalid] with the field for a Config without a Store, with a negative
// number, or with a default role that manages the organization (rule R3);
// [ErrUnknownRole].
func New(config Config) (*Service, error) {
	if err := config.check(); err != nil {
		return nil, explain(err, "new service", "")
	}
	config = config.withDefaults()
	for field, role := range map[string]string{"default_role": config.DefaultRole, "creator_role": config.CreatorRole} {
		if rbac.CheckSlug(role) != nil || rbac.IsOrganizationSlug(role) {
			return nil, explain(&Error{Code: ErrUnknownRole, Field: field, Key: role}, "new service", "")
		}
	}
	if config.DefaultRole == rbac.Owner || config.DefaultRole == rbac.Admin {
		return nil, explain(invalid("default_role", "a role that nobody chooses may not manage the organization"), "new service", "")
	}
	one, ok := store.As[store.SingleWriter](config.Store)
	wait, _ := store.As[store.ReadersWait](config.Store)
	return rooted(&Service{
		instance: &instance{
			config: config, store: config.Store, cache: newCache(config.CacheSize),
			singleWriter: ok && one.SingleWriter(), readersWait: wait,
		},
		store: config.Store,
		actor: Actor{Kind: ActorHost},
	}), nil
}

// derive is a copy of s with a change, and the one way to copy a Service: the groups of
// a copy that is made otherwise lead to the original.
func (s *Service) derive(change func(*Service)) *Service {
	derived := *s
	change(&derived)
	return rooted(&derived)
}

// rooted gives the groups of s their way to it.
func rooted(s *Service) *Service {
	s.Organizations = Organizations{s}
	s.Users = Users{s}
	s.Identities = Identities{s}
	s.Memberships = Memberships{s}
	s.Sessions = Sessions{s}
	s.Proofs = Proofs{s}
	s.Domains = Domains{s}
	s.Connections = Connections{s}
	s.Policies = Policies{s}
	s.Invitations = Invitations{s}
	s.JoinCodes = JoinCodes{s}
	s.JoinRequests = JoinRequests{s}
	s.Roles = Roles{s}
	s.Permissions = Permissions{s}
	s.Events = Events{s}
	return s
}

// Label is the application's word for an organization (rule O4).
func (s *Service) Label() Label { return s.instance.config.Label }
