package tenancy

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

const (
	maxName       = 200 // characters (rule G5)
	maxExternalID = 255 // characters (rule G4)
	maxSlug       = 63  // bytes: one DNS label
	maxPicture    = 2048
	maxPhone      = 50
	maxLocale     = 35
)

// reservedSlugs are names that hosts often use for their own pages and services.
var reservedSlugs = []string{
	"about", "account", "accounts", "admin", "api", "app", "assets", "auth", "billing", "blog", "cdn", "console",
	"dashboard", "dev", "docs", "email", "ftp", "help", "imap", "internal", "invite", "login", "logout", "mail", "me",
	"new", "ns", "oauth", "organizations", "orgs", "pop", "portal", "root", "saml", "scim", "security", "settings",
	"signin", "signup", "smtp", "sso", "static", "status", "support", "system", "test", "users", "webhooks", "www",
}

// cleanName puts a display text into its stored form (rule G5): NFC, without white space around it, 1 to 200
// characters. It refuses characters that break a line, turn its direction, or are invisible where they stand.
func cleanName(field, s string) (string, error) {
	return cleanLabel(field, s, maxName)
}

// optionalName does [cleanName], or returns "" for "".
func optionalName(field, s string) (string, error) {
	if s == "" {
		return "", nil
	}
	return cleanName(field, s)
}

func cleanLabel(field, s string, most int) (string, error) {
	if !utf8.ValidString(s) {
		return "", invalid(field, "is not UTF-8")
	}
	s = strings.TrimSpace(norm.NFC.String(s))
	switch n := utf8.RuneCountInString(s); {
	case n == 0:
		return "", invalid(field, "is empty")
	case n > most:
		return "", invalid(field, fmt.Sprintf("has %d characters, at most %d", n, most))
	}
	if i := strings.IndexFunc(s, misleading); i >= 0 {
		r, _ := utf8.DecodeRuneInString(s[i:])
		return "", invalid(field, fmt.Sprintf("contains %U", r))
	}
	if !visible(s) {
		return "", invalid(field, "shows nothing")
	}
	if r, found := hidden(s); found {
		return "", invalid(field, fmt.Sprintf("contains %U, which shows nothing there", r))
	}
	return s, nil
}

// misleading characters make a text look like something else.
func misleading(r rune) bool {
	switch r {
	case '\u2028', '\u2029', '\u061c', '\u200e', '\u200f', '\ufeff':
		return true
	}
	return unicode.IsControl(r) || r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069'
}

// fold returns the form in which names are sorted and searched (rule G12).
func fold(s string) string {
	if isASCII(s) {
		return strings.ToLower(s)
	}
	return norm.NFC.String(cases.Fold().String(norm.NFC.String(s)))
}

// searchPrefix returns the folded form of the beginning that a search asks for; "" stays "".
func searchPrefix(field, s string) (string, error) {
	switch {
	case !utf8.ValidString(s) || strings.ContainsRune(s, 0):
		return "", invalid(field, "is not text")
	case len(s) > maxName*utf8.UTFMax:
		return "", invalid(field, fmt.Sprintf("has more than %d bytes", maxName*utf8.UTFMax))
	}
	return fold(s), nil
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func (c *Config) slug(s string) (string, error) {
	const field = "slug"
	switch {
	case s == "":
		return "", nil
	case len(s) > maxSlug:
		return "", invalid(field, "has more than 63 characters")
	case s[0] == '-' || s[len(s)-1] == '-':
		return "", invalid(field, "begins or ends with a hyphen")
	case strings.HasPrefix(s, "xn--"):
		return "", invalid(field, "begins with xn--")
	case slices.Contains(reservedSlugs, s) || slices.Contains(c.ReservedSlugs, s):
		return "", invalid(field, "is reserved")
	}
	for _, r := range s {
		if r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z') {
			return "", invalid(field, "has a character other than a-z, 0-9 and hyphen")
		}
	}
	return s, nil
}

// exact checks an external key, which is kept byte for byte: 1 to 255 printable characters (rule G4).
func exact(field, s string) error {
	if !utf8.ValidString(s) {
		return invalid(field, "is not UTF-8")
	}
	switch n := utf8.RuneCountInString(s); {
	case n == 0:
		return invalid(field, "is empty")
	case n > maxExternalID:
		return invalid(field, fmt.Sprintf("has %d characters, at most %d", n, maxExternalID))
	case strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) >= 0:
		return invalid(field, "has a character that does not print")
	}
	return nil
}

func optionalExact(field, s string) error {
	if s == "" {
		return nil
	}
	return exact(field, s)
}
