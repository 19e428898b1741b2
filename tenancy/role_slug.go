package tenancy

import (
	"slices"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// maxRoleSlug is the most characters of a role's slug (rule R2).
const maxRoleSlug = 64

// slugFor makes the slug of an organization's own role from its name: "Café manager" becomes org-cafe-manager,
// or org-cafe-manager-2 if that is taken. A name without ASCII letters and digits becomes org-role.
func slugFor(own []Role, name string) string {
	var b strings.Builder
	b.WriteString("org")
	apart := true // write a hyphen before the next letter
	for _, r := range norm.NFKD.String(strings.ToLower(name)) {
		switch {
		case unicode.Is(unicode.Mn, r):
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			if apart {
				b.WriteByte('-')
			}
			b.WriteRune(r)
			apart = false
		default:
			apart = true
		}
	}
	slug := b.String()
	if slug == "org" {
		slug = "org-role"
	}
	taken := func(slug string) bool {
		return slices.ContainsFunc(own, func(r Role) bool { return r.Slug == slug })
	}
	fit := func(end string) string {
		return strings.TrimRight(slug[:min(len(slug), maxRoleSlug-len(end))], "-") + end
	}
	found := fit("")
	for n := 2; taken(found); n++ {
		found = fit("-" + strconv.Itoa(n))
	}
	return found
}
