//go:build race

package servicetest

// UnderRace says that the race detector watches.
const UnderRace = true

// MostOperations bounds the operations of a random sequence under the race detector, where a
// SQL backend is about fourteen times slower.
const MostOperations = 10_000
