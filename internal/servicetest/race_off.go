//go:build !race

package servicetest

import "math"

// UnderRace says that the race detector watches.
const UnderRace = false

// MostOperations bounds the operations of a random sequence under the race detector; here it
// does not.
const MostOperations = math.MaxInt
