package tenancy

import (
	"slices"
	"strings"

	"github.com/freehold-dev/freehold/domains"
	"github.com/freehold-dev/freehold/store/typed"
)

const (
	maxEmail     = 254 // bytes, RFC 5321 section 4.5.3.1.3 without the brackets
	maxLocalPart = 64  // bytes, RFC 5321 section 4.5.3.1.1
)

// CanonicalEmail returns the form in which addresses are compared (rule U1): the local part in lower case,
// an at-sign, and the domain in its normal form. It keeps "+tag" and dots, so addresses that differ in them
// are different. It removes white space around the address (rule G16).
//
// An address has at most 254 bytes and exactly one at-sign, and its local part is a dot-atom of RFC 5321.
// For anything else, such as quoted local parts and comments, it returns [ErrInvalid] with the field
// "email".
func CanonicalEmail(address string) (string, error) {
	const field = "email"
	address = strings.TrimSpace(address)
	if len(address) > maxEmail {
		return "", invalid(field, "has more than 254 bytes")
	}
	if strings.Count(address, "@") != 1 {
		return "", invalid(field, "must have exactly one at-sign")
	}
	local, domain, _ := strings.Cut(address, "@")
	if !dotAtom(local) {
		return "", invalid(field, "has a local part that is no dot-atom of 1 to 64 characters")
	}
	normal, err := domains.Normalize(domain)
	if err != nil {
		return "", &Error{Code: ErrInvalid, Field: field, Reason: "has a domain that is none", Err: err}
	}
	canonical := strings.ToLower(local) + "@" + normal
	if len(canonical) > maxEmail {
		return "", invalid(field, "has more than 254 bytes")
	}
	return canonical, nil
}

// readEmail returns an address as it is stored, without white space around it (rule G16), and its canonical
// form.
func readEmail(s string) (address, canonical string, err error) {
	canonical, err = CanonicalEmail(s)
	return strings.TrimSpace(s), canonical, err
}

// hasEmail reports whether a canonical address is the user's. An empty address belongs to nobody: a user
// may have no address (rule U13), and Erase removes the address of an invitation.
func (u User) hasEmail(canonical string) bool { return canonical != "" && u.EmailKey == canonical }

// addresses removes the empty address from a condition, because it belongs to nobody (rule U13).
func addresses(in typed.In[string]) typed.In[string] {
	if !slices.Contains(in.Values(), "") {
		return in
	}
	return typed.Of(slices.DeleteFunc(slices.Clone(in.Values()), func(key string) bool { return key == "" })...)
}

// asciiEmail returns an address with the A-label of its domain, or "" if it is already written so. People
// who decide by an address need it, because names in other scripts can look alike (rule G5).
func asciiEmail(address, canonical string) string {
	local, domain, found := strings.Cut(address, "@")
	if !found || isASCII(domain) {
		return ""
	}
	return local + "@" + emailDomain(canonical)
}

// dotAtom reports whether s is atoms joined by single dots, RFC 5321 section 4.1.2.
func dotAtom(s string) bool {
	if s == "" || len(s) > maxLocalPart || s[0] == '.' || s[len(s)-1] == '.' || strings.Contains(s, "..") {
		return false
	}
	for i := range len(s) {
		c := s[i]
		alphanumeric := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !alphanumeric && strings.IndexByte(".!#$%&'*+-/=?^_`{|}~", c) < 0 {
			return false
		}
	}
	return true
}
