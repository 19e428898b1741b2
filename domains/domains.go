// Package domains handles domain names: their one normal form, the names that nobody may claim, and the proof
// that a domain belongs to an organization.
//
// For most uses, call [Normalize] on the text that a person typed, keep the result, and compare results with
// ==. All other functions that take a domain expect that form. Then compare a claim with [PublicEmail], the
// list of providers where everybody can get an address (rule D2):
//
//	domain, err := domains.Normalize("Bücher.example") // refused, or xn--bcher-kva.example
//	if list.Contains(domain) { ... }                   // public_email_domain
//
// An organization that claims a domain gets a [Challenge]: a record, a tag or a file to publish (rule D4).
// Package prove checks whether it is published, and returns a [Finding]: [Proved], [Refuted] or [Unknown] (rule
// D5). [Parents] lists the names that decide about an address: the domain and the domains above it (rule D6).
//
// The package does no I/O and keeps no state; every function and value in it is
// safe for concurrent use.
//
// Numbers in brackets, such as (rule D1), are rules. They are defined in
// https://github.com/freehold-dev/freehold/blob/main/docs/rules.md.
package domains

import (
	"net/netip"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"
	"golang.org/x/text/unicode/norm"
)

// MaxLen is the length of the longest normal form, in bytes. It implies the limit of 127 labels: 253 bytes have
// no room for more.
const MaxLen = 253

// maxLabel is DNS's limit on one label, in bytes.
const maxLabel = 63

// maxInput limits the work for hostile text. A code point has at most four bytes here and at least one in an
// A-label, so no valid name is longer.
const maxInput = 4 * MaxLen

// Normalize returns the normal form of a domain name (rule D1): letters in lower case, international labels as
// A-labels under the strict IDNA registration profile, 2 to 127 labels, at most [MaxLen] bytes. To normalize
// the result again changes nothing.
//
// Normalize repairs only the case of letters. It refuses a trailing dot, surrounding space, an underscore, a
// full-width or ideographic dot, and an A-label that does not decode to a valid label. It also refuses a
// capital whose small letter is ASCII or disputed (the Kelvin sign, a dotted capital I, a capital sharp s). If
// two spellings were one name here and two names elsewhere, one tenant could pass for another. Look-alikes from
// other scripts are different names: they keep their own A-label.
//
// It also refuses IP addresses in any notation, names whose last label is a number, and public suffixes,
// because many parties have names below a suffix. Suffixes from the private section of the list count:
// github.io is refused as co.uk is, because a claim to it would cover its users' names, while the names below
// it are accepted. The list is the one compiled into golang.org/x/net. A top level that the list does not
// contain (corp.local) is accepted.
//
// The error is an [*Error] with its [Reason]; the result is then empty.
func Normalize(s string) (string, error) {
	if err := screen(s); err != nil {
		return "", err
	}
	lower := lowerASCII(s)
	domain, cause := idna.Registration.ToASCII(lower)
	if cause != nil {
		if small, ok := lowerBeyondASCII(lower); ok {
			domain, cause = idna.Registration.ToASCII(small)
		}
	}
	if cause != nil {
		return "", refuse(lower, cause) // the text that came with the error is not a domain
	}
	if strings.IndexByte(domain, '.') < 0 {
		return "", &Error{Reason: ErrSingleLabel}
	}
	if suffix, _ := publicsuffix.PublicSuffix(domain); suffix == domain {
		return "", &Error{Reason: ErrPublicSuffix}
	}
	return domain, nil
}

// screen refuses names before IDNA sees them: IDNA would call all of them malformed, or accept them.
func screen(s string) error {
	switch {
	case s == "":
		return &Error{Reason: ErrEmpty}
	case len(s) > maxInput:
		return &Error{Reason: ErrTooLong}
	case isAddress(s):
		return &Error{Reason: ErrIPAddress}
	case strings.HasSuffix(s, "."):
		return &Error{Reason: ErrTrailingDot}
	case isNumber(s[strings.LastIndexByte(s, '.')+1:]):
		return &Error{Reason: ErrNumericLabel}
	}
	return nil
}

// refuse returns the reason why IDNA refused a name. The plain encoding, which makes no other check, shows
// whether the name is too long.
func refuse(lower string, cause error) error {
	if plain, err := idna.Punycode.ToASCII(lower); err == nil && tooLong(plain) {
		return &Error{Reason: ErrTooLong, Err: cause}
	}
	return &Error{Reason: ErrMalformed, Err: cause}
}

func tooLong(name string) bool {
	if len(name) > MaxLen {
		return true
	}
	for label := range strings.SplitSeq(name, ".") {
		if len(label) > maxLabel {
			return true
		}
	}
	return false
}

// isAddress reports whether s is an IP address, alone or as a URL writes it.
func isAddress(s string) bool {
	_, err := netip.ParseAddr(strings.Trim(s, "[]"))
	return err == nil
}

// isNumber reports whether URL parsers take a label for the end of an IPv4 address: decimal or octal digits, or
// hexadecimal digits after 0x. It catches 0x7f.1 and 127.0.0.0x1, which net/netip does not parse as addresses.
func isNumber(label string) bool {
	digits, hex := strings.CutPrefix(lowerASCII(label), "0x")
	for i := range len(digits) {
		c := digits[i]
		if (c < '0' || c > '9') && (!hex || c < 'a' || c > 'f') {
			return false
		}
	}
	return label != ""
}

// lowerASCII lowers A to Z only: strings.ToLower would turn the Kelvin sign into a k.
func lowerASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + ('a' - 'A')
		}
		return r
	}, s)
}

// lowerBeyondASCII lowers the capitals outside of ASCII, if nothing else keeps s from being a name: IDNA's own
// mapping, as browsers do it, must give the same result. It lowers no letter to ASCII.
func lowerBeyondASCII(s string) (string, bool) {
	small := strings.Map(func(r rune) rune {
		if lower := unicode.ToLower(r); r >= utf8.RuneSelf && lower >= utf8.RuneSelf {
			return lower
		}
		return r
	}, s)
	if small == s || !norm.NFC.IsNormalString(s) { // a capital that is a copy of another character
		return "", false
	}
	mapped, err := mapping.ToUnicode(s)
	return small, err == nil && mapped == small
}

// mapping is the mapping of Unicode TS 46 without its exceptions for old browsers.
var mapping = idna.New(idna.MapForLookup(), idna.Transitional(false))
