package domains

import (
	"slices"
	"strings"
)

// specialUse are the top levels that are set apart from the public DNS: by RFC 6761
// (test, localhost, invalid, example), RFC 6762 (local), RFC 7686 (onion) and ICANN
// (internal), and arpa, which has the names of the infrastructure.
var specialUse = []string{"arpa", "example", "internal", "invalid", "local", "localhost", "onion", "test"}

// SpecialUse reports whether a name in normal form is below a top level that nobody
// registers names under: arpa, example, internal, invalid, local, localhost, onion and
// test. What such a name leads to differs from network to network, so a proof that is
// found there says something about the network of the program, and nothing about an
// owner (rule D4).
func SpecialUse(domain string) bool {
	top := domain[strings.LastIndexByte(domain, '.')+1:]
	return slices.Contains(specialUse, top)
}
