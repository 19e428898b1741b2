package model

import (
	"flag"
	"os"
)

// begins has rapid begin with the seed that FREEHOLD_RAPID_SEED names, so that what has to pass before a
// change lands plays the same operations each time; without it, anywhere.
func begins() {
	if seed := os.Getenv("FREEHOLD_RAPID_SEED"); seed != "" {
		_ = flag.Set("rapid.seed", seed)
	}
}
