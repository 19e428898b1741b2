//go:build !race

package servicetest

import "math"

const modelMost = math.MaxInt
