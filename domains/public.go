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

// PublicEmail is the set of domains where everybody can get an address: free mail, internet providers' mail,
// forwarding aliases and disposable mailboxes. Such a domain does not show where a person belongs, so no
// organization may claim it (rule D2: public_email_domain).
//
// The list catches honest mistakes early. It is never complete; the proof of a domain is what keeps strangers
// out. The zero value is empty. A PublicEmail is immutable.
type PublicEmail struct {
	set map[string]struct{}
}

// DefaultPublicEmail returns the built-in list of about 1,500 domains. Each call builds it again, so keep the
// result.
func DefaultPublicEmail() PublicEmail {
	set := make(map[string]struct{}, strings.Count(builtIn, "\n"))
	for line := range strings.Lines(builtIn) {
		set[strings.TrimSuffix(line, "\n")] = struct{}{}
	}
	return PublicEmail{set}
}

// With returns a list that has these domains, too; p does not change. It normalizes each domain first. For the
// first domain that Normalize refuses, it returns an error that wraps an [*Error], and no list.
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

// Contains reports whether a domain in normal form, or a domain above it, is on the list. Names below count
// because providers give them out, too (vip.163.com, anything.33mail.com), and a person with such a name does
// not own the provider's. It is false for text that is not in normal form.
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
