//go:build !race

package servicetest

import "math"

// MostOperations bounds the operations of a random sequence under the race detector; here it
// does not.
const MostOperations = math.MaxInt
