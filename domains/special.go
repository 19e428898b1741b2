package domains

import (
	"slices"
	"strings"
)

// specialUse are the top levels that are reserved outside of the public DNS: by RFC 6761 (test, localhost,
// invalid, example), RFC 6762 (local), RFC 7686 (onion) and ICANN (internal), and arpa, which has the names of
// the infrastructure.
var specialUse = []string{"arpa", "example", "internal", "invalid", "local", "localhost", "onion", "test"}

// SpecialUse reports whether a name in normal form is below a top level where nobody can register names: arpa,
// example, internal, invalid, local, localhost, onion and test. Such a name leads to a different place in each
// network. So a proof found there shows something about the program's own network, and nothing about an owner
// (rule D4).
func SpecialUse(domain string) bool {
	top := domain[strings.LastIndexByte(domain, '.')+1:]
	return slices.Contains(specialUse, top)
}
