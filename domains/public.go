package domains

import (
	_ "embed"
	"fmt"
	"maps"
	"strings"
)

// builtIn holds the well-known providers, one normal form a line, sorted.
//
//go:embed public_email.txt
var builtIn string

// PublicEmail is the set of domains where anyone gets an address: free mail,
// internet providers' mail, forwarding aliases and disposable mailboxes. Such a
// domain says nothing about where a person belongs, so no organization may claim
// it (rule D2: public_email_domain).
//
// The list is a courtesy that catches honest mistakes early; no list is ever
// complete, and what keeps strangers out is the proof of a domain. The zero value
// holds nothing. A PublicEmail never changes.
type PublicEmail struct {
	set map[string]struct{}
}

// DefaultPublicEmail returns the built-in list, some 1,500 domains. It is built on
// each call: keep the result.
func DefaultPublicEmail() PublicEmail {
	set := make(map[string]struct{}, strings.Count(builtIn, "\n"))
	for line := range strings.Lines(builtIn) {
		set[strings.TrimSuffix(line, "\n")] = struct{}{}
	}
	return PublicEmail{set}
}

// With returns a list that holds these domains too; p is left as it was. Each is
// normalized first. The error, an [*Error] beneath, is the first refusal, and no
// list comes with it.
func (p PublicEmail) With(extra ...string) (PublicEmail, error) {
	set := make(map[string]struct{}, len(p.set)+len(extra))
	maps.Copy(set, p.set)
	for _, s := range extra {
		domain, err := Normalize(s)
		if err != nil {
			return PublicEmail{}, fmt.Errorf("public email domain %q: %w", s, err)
		}
		set[domain] = struct{}{}
	}
	return PublicEmail{set}, nil
}

// Contains reports whether a domain in normal form, or one above it, is on the
// list. Names below count because providers hand them out as well (vip.163.com,
// anything.33mail.com), and whoever holds one does not hold the provider's name.
// Text that is not in normal form is on no list.
func (p PublicEmail) Contains(domain string) bool {
	for {
		if _, ok := p.set[domain]; ok {
			return true
		}
		_, above, found := strings.Cut(domain, ".")
		if !found {
			return false
		}
		domain = above
	}
}
