package tenancyhttp

import (
	"net/http"
	"strings"

	"golang.org/x/net/publicsuffix"

	"github.com/freehold-dev/freehold/tenancy"
)

const (
	cookieName   = "session"
	hostPrefix   = "__Host-"
	securePrefix = "__Secure-"
)

// nameCookie checks the name and the domain of the cookie, and fills in the default name.
func (c *SessionsConfig) nameCookie() error {
	if c.Domain != "" {
		domain, reason := cookieDomain(c.Domain)
		if reason != "" {
			return &tenancy.Error{Code: tenancy.ErrInvalid, Op: opNewSessions, Field: "domain", Reason: reason}
		}
		c.Domain = domain
	}
	if c.Name == "" {
		c.Name = c.defaultName()
	}
	onlyHost := hasPrefix(c.Name, hostPrefix)
	onlySecure := onlyHost || hasPrefix(c.Name, securePrefix)
	err := (&http.Cookie{Name: c.Name}).Valid()
	if err != nil || onlySecure && c.Insecure || onlyHost && c.Domain != "" {
		return &tenancy.Error{Code: tenancy.ErrInvalid, Op: opNewSessions, Field: "name", Reason: "is no name for this cookie", Err: err}
	}
	return nil
}

func (c *SessionsConfig) defaultName() string {
	switch {
	case c.Insecure:
		return cookieName
	case c.Domain != "":
		return securePrefix + cookieName
	}
	return hostPrefix + cookieName
}

// hasPrefix compares as browsers do: they ignore the case of a cookie's prefix.
func hasPrefix(name, prefix string) bool {
	return len(name) >= len(prefix) && strings.EqualFold(name[:len(prefix)], prefix)
}

// cookieDomain returns a domain in the form that browsers compare, or the reason why browsers reject a cookie
// for it.
func cookieDomain(domain string) (normal, reason string) {
	normal = strings.ToLower(strings.TrimPrefix(domain, "."))
	labels := strings.Split(normal, ".")
	last := labels[len(labels)-1]
	if labels[0] == "" || last == "" || (&http.Cookie{Name: cookieName, Domain: normal}).Valid() != nil {
		return "", "is not a domain name in ASCII, without scheme, port and path"
	}
	if strings.Trim(last, "0123456789") == "" || strings.HasPrefix(last, "0x") {
		return "", "is an IP address"
	}
	if suffix, _ := publicsuffix.PublicSuffix(normal); suffix == normal {
		return "", "is a public suffix, below which anybody can have a domain"
	}
	return normal, ""
}
