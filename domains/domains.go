// Package domains knows what a domain name is: its one normal form, which names
// nobody may claim as their own, and what shows that one is somebody's.
//
// For most uses, [Normalize] whatever a person typed, keep the result, and
// compare results with ==. Everything else that takes a domain expects that
// form. A claim is then held against [PublicEmail], the list of providers where
// anyone gets an address (rule D2):
//
//	domain, err := domains.Normalize("Bücher.example") // refused, or xn--bcher-kva.example
//	if list.Contains(domain) { ... }                   // public_email_domain
//
// Whoever claims a domain is given a [Challenge]: a record, a tag or a file to
// publish (rule D4). Package prove looks whether it is there, and tells a [Finding]:
// [Proved], [Refuted] or [Unknown] (rule D5). [Parents] are the names under which to
// look for whoever holds an address (rule D6).
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

// MaxLen is the length of the longest normal form, in bytes. With it goes the
// limit of 127 labels: more cannot be spelled in 253 bytes.
const MaxLen = 253

// maxLabel is DNS's limit on one label, in bytes.
const maxLabel = 63

// maxInput bounds the work spent on hostile text. A code point takes at most
// four bytes here and at least one in an A-label, so nothing valid is longer.
const maxInput = 4 * MaxLen

// Normalize returns the normal form of a domain name (rule D1): letters in lower
// case, international labels as A-labels under the strict IDNA registration
// profile, 2 to 127 labels, at most [MaxLen] bytes. The form is a fixed point:
// normalizing it again changes nothing.
//
// Nothing but the case of letters is repaired. A trailing dot, surrounding space,
// an underscore, a full-width or ideographic dot, a capital whose small letter is
// ASCII or disputed (the Kelvin sign, a dotted capital I, a capital sharp s) and
// an A-label that does not decode to a valid label are all refused, because two
// spellings that are folded into one here and not elsewhere are how one tenant
// becomes another.
// Look-alikes from other scripts are no spelling of a name: they keep an A-label
// of their own.
//
// Refused as well are IP addresses in any notation, names whose last label is a
// number, and public suffixes, on which nobody holds a name alone. Suffixes from
// the private section of the list count: github.io is refused as co.uk is, since
// a claim to it would cover what belongs to its users, while the names below it
// are accepted. The list is the one compiled into golang.org/x/net, and a top
// level that it does not know (corp.local) is accepted.
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
		return "", refuse(lower, cause) // what came beside the error is not a domain
	}
	if strings.IndexByte(domain, '.') < 0 {
		return "", &Error{Reason: ErrSingleLabel}
	}
	if suffix, _ := publicsuffix.PublicSuffix(domain); suffix == domain {
		return "", &Error{Reason: ErrPublicSuffix}
	}
	return domain, nil
}

// screen refuses what is told apart best before IDNA: it would call all of it
// malformed, or accept it.
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

// refuse gives the reason why IDNA refused a name: that it is too long is told
// by its plain encoding, which checks nothing else.
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

// isAddress reports an IP address as it is written by itself or in a URL.
func isAddress(s string) bool {
	_, err := netip.ParseAddr(strings.Trim(s, "[]"))
	return err == nil
}

// isNumber reports a label that URL parsers take for the end of an IPv4 address:
// decimal or octal digits, or hexadecimal ones after 0x. It is what catches
// 0x7f.1 and 127.0.0.0x1, which are no addresses to net/netip.
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

// lowerASCII lowers A to Z and nothing else: strings.ToLower would turn the
// Kelvin sign into a k.
func lowerASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + ('a' - 'A')
		}
		return r
	}, s)
}

// lowerBeyondASCII lowers the capitals outside ASCII, if that is all that stands
// between s and a name: IDNA's own mapping, as browsers do it, must give the same.
// It lowers no letter to ASCII.
func lowerBeyondASCII(s string) (string, bool) {
	small := strings.Map(func(r rune) rune {
		if lower := unicode.ToLower(r); r >= utf8.RuneSelf && lower >= utf8.RuneSelf {
			return lower
		}
		return r
	}, s)
	if small == s || !norm.NFC.IsNormalString(s) { // a capital that is another character's copy
		return "", false
	}
	mapped, err := mapping.ToUnicode(s)
	return small, err == nil && mapped == small
}

// mapping is the mapping of Unicode TS 46 without its exceptions for old browsers.
var mapping = idna.New(idna.MapForLookup(), idna.Transitional(false))
