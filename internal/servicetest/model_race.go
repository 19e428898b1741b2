//go:build race

package servicetest

// modelMost bounds the operations under the race detector, where a SQL backend is
// about fourteen times slower.
const modelMost = 10_000
