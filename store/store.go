// Package store is the kit for writers of backends: it describes how each entity
// of package tenancy lies in a row, once for all of them, and turns a backend's
// few statements on rows into the typed transaction that the Service works with.
//
// For most uses, take a backend that is there (store/memory, store/sqlite) and
// leave this package alone. To write one, implement [Rows] for a transaction of
// your database, give it to [Run] from the View and Update of your own type, and
// hold the whole to package storetest. A backend holds no rule about tenancy, sets
// no default, stamps no time and normalises nothing.
package store

import "github.com/freehold-dev/freehold/tenancy"

// The contract is declared where it is consumed, in package tenancy; these are
// other names for it, so that a backend reads well.
type (
	// Store is [tenancy.Store].
	Store = tenancy.Store
	// Tx is [tenancy.Tx].
	Tx = tenancy.Tx
	// Span is [tenancy.Span].
	Span = tenancy.Span
	// LockKey is [tenancy.LockKey].
	LockKey = tenancy.LockKey
)
