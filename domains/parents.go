package domains

import (
	"strings"

	"golang.org/x/net/publicsuffix"
)

// Parents returns a domain in normal form and the domains above it, longest first, down to the one directly
// below a public suffix. Look up these names in this order to find the organization whose domain covers an
// address (rule D6). There are at most 126.
//
//	Parents("mail.eu.example.co.uk") // mail.eu.example.co.uk, eu.example.co.uk, example.co.uk
//
// A public suffix, a single label and text over [MaxLen] have no parents: the result is empty.
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
