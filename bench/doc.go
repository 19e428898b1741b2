// Package bench measures Freehold against raw SQL on the same schema in the same
// run. It is a module of its own, so that what it compares with never enters a host.
package bench
