package servicetest

import (
	"math/rand/v2"
	"os"
	"strconv"
	"time"
)

// Soak is how often a test does something: the long count where FREEHOLD_SOAK=1 asks
// for it, else the short one.
func Soak(long, short int) int {
	if os.Getenv("FREEHOLD_SOAK") == "1" {
		return long
	}
	return short
}

// Every is how often a test does something: so often where FREEHOLD_SOAK=1 asks for the long count,
// else without a pause.
func Every(pause time.Duration) time.Duration { return time.Duration(Soak(int(pause), 0)) }

// Seed is where a random proof begins: with FREEHOLD_SEED, which a failure names, so that it
// repeats itself, else anywhere.
func Seed() uint64 {
	if n, err := strconv.ParseUint(os.Getenv("FREEHOLD_SEED"), 10, 64); err == nil {
		return n
	}
	return rand.Uint64()
}
