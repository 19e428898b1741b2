package tenancy

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/store"
)

// Service is the entry point to the library: its methods apply the rules to the rows of a [store.Store]. They
// are in groups, one for each kind of object.
//
// Every method that writes is one transaction: all changes are saved, with their events, or none. A Service is
// safe for concurrent use. A Service inside a transaction (from [Service.Transact] or [Service.Join]) is for
// one goroutine only.
//
// The Service that [New] returns is trusted: it acts as the host and may do everything. See [Service.As] for a
// Service that is bound to a user.
type Service struct {
	Organizations Organizations // the customers of the host
	Users         Users         // the people
	Identities    Identities    // the ways in which they sign in
	Memberships   Memberships   // people in organizations, with their roles
	Sessions      Sessions      // sign-ins, and where they are
	Proofs        Proofs        // proofs of mailboxes, also without a user
	Domains       Domains       // organizations' claims to domain names
	Connections   Connections   // single sign-on
	Policies      Policies      // what organizations demand of sign-ins
	Invitations   Invitations   // offers to an address to join
	JoinCodes     JoinCodes     // secrets that let everybody who has one join
	JoinRequests  JoinRequests  // users' requests to join
	Roles         Roles         // sets of grants
	Permissions   Permissions   // what roles grant and programs check
	Events        Events        // the audit log, and the counts of refused calls

	instance  *instance
	store     store.Store
	txn       *inTransaction // the transaction that this Service works in; nil outside one
	principal *Principal     // the principal that it is bound to; nil = trusted
	actor     Actor
}

// instance is what a Service shares with all Services that are derived from it. Its address is the key that
// marks a context.
type instance struct {
	config  Config
	store   store.Store
	cache   *cache
	denials denialCounter
	proofs  proofGate
	turns   turns
	// declarations are the declarations that were read last. They hold for every call whose snapshot has the
	// same mark.
	declarations atomic.Pointer[declarations]
	// leftOut are the built-in roles that the declarations leave out; nil: not read yet.
	leftOut atomic.Pointer[[]string]
	// singleWriter says that the store lets one transaction write at a time.
	singleWriter bool
	// readersWait says whether a read may have to wait for a transaction of the host's; nil: it never has to.
	readersWait store.ReadersWait
}

// inTransaction is the transaction of a Service from Transact or Join. All that happens in it has the same time
// (rule G2).
type inTransaction struct {
	rows    store.Rows // nil: in a transaction of the host's own, where each call gets them again
	once    sync.Once
	moment  time.Time
	changes *changes   // the keys that it changed, for the cache after the commit
	denied  []refusal  // refusals inside it, saved after its end
	mail    []outgoing // messages to send after its end
	// importing lets its calls set times and histories from the past; see [Service.Import].
	importing bool
}

func (w *inTransaction) now(clock func() time.Time) time.Time {
	w.once.Do(func() { w.moment = clock() })
	return w.moment
}

// New returns a Service over the Store of config. The Service is trusted.
//
// Errors: [ErrInvalid] with the field for a Config without a Store, with a negative number, or with a default
// role that manages the organization (rule R3); [ErrUnknownRole].
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

// derive returns a copy of s with a change. It is the only way to copy a Service: in a copy that is made
// otherwise, the groups still point to the original.
func (s *Service) derive(change func(*Service)) *Service {
	derived := *s
	change(&derived)
	return rooted(&derived)
}

// rooted points the groups of s to s.
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

// Label returns the application's word for an organization (rule O4).
func (s *Service) Label() Label { return s.instance.config.Label }
