package servicetest

import "os"

// Soak is how often a test does something: the long count where FREEHOLD_SOAK=1 asks
// for it, else the short one.
func Soak(long, short int) int {
	if os.Getenv("FREEHOLD_SOAK") == "1" {
		return long
	}
	return short
}
