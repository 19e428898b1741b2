package tenancy

import "github.com/freehold-dev/freehold/store"

// The classes of locks, lowest first. One Lock takes its keys in this order. A transaction keeps to it from Lock to
// Lock where it can, and so seldom has to run again on a store with several writers.
const (
	classRoles        uint8 = iota + 1 // application roles and permissions
	classEmail                         // a canonical address
	classIdentity                      // a subject at a provider
	classUser                          // a user and everything that belongs to them
	classOrganization                  // an organization and everything in it
	classSlug                          // a slug that an organization takes or gives up
	classDomain                        // a verified domain
	classSeal                          // the key of the store
	classProof                         // the proofs of an address, or those that a client starts
)

func lockEmail(canonical string) store.LockKey {
	return store.LockKey{Class: classEmail, Value: canonical}
}

func lockIdentity(provider, subject string) store.LockKey {
	return store.LockKey{Class: classIdentity, Value: provider + " " + subject}
}

func lockUser(id UserID) store.LockKey { return store.LockKey{Class: classUser, Value: id.String()} }

func lockOrganization(id OrganizationID) store.LockKey {
	return store.LockKey{Class: classOrganization, Value: id.String()}
}

func lockRoles() store.LockKey { return store.LockKey{Class: classRoles} }

func lockSlug(slug string) store.LockKey { return store.LockKey{Class: classSlug, Value: slug} }

func lockDomain(name string) store.LockKey { return store.LockKey{Class: classDomain, Value: name} }

func lockSeal() store.LockKey { return store.LockKey{Class: classSeal, Value: "key"} }

// lockProof locks the proofs of an address, or of a client, by its keyed hash.
func lockProof(of string) store.LockKey { return store.LockKey{Class: classProof, Value: of} }
