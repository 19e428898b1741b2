package domains

import (
	"strings"

	"golang.org/x/net/publicsuffix"
)

// Parents returns a domain in normal form and the domains above it, longest first,
// down to the one registered directly below a public suffix: the names to look up,
// in order of precedence, for who holds an address (rule D6). There are at most 126.
//
//	Parents("mail.eu.example.co.uk") // mail.eu.example.co.uk, eu.example.co.uk, example.co.uk
//
// A public suffix, a single label and text over [MaxLen] have none.
func Parents(domain string) []string {
	if len(domain) > MaxLen {
		return nil
	}
	suffix, _ := publicsuffix.PublicSuffix(domain)
	var names []string
	for name, more := domain, true; more && name != suffix; _, name, more = strings.Cut(name, ".") {
		names = append(names, name)
	}
	return names
}
