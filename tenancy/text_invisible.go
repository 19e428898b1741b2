package tenancy

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// ignorable characters are invisible by themselves: Unicode's Default_Ignorable_Code_Point, including tag
// characters.
func ignorable(r rune) bool {
	const hieroglyphs, shorthand = 0x13430, 0x1345f // formats that are visible
	switch {
	case r < '\u00ad' || r >= hieroglyphs && r <= shorthand || unicode.Is(unicode.Prepended_Concatenation_Mark, r):
		return false
	}
	return unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector, unicode.Cf)
}

// blank characters look like white space, or like nothing.
func blank(r rune) bool {
	const emptyBraille = '\u2800'
	return r == emptyBraille || unicode.IsSpace(r) || unicode.Is(unicode.Zs, r) || ignorable(r)
}

// visible reports whether any character of s is visible (rule G5).
func visible(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return !blank(r) }) >= 0
}

// hidden returns the first character of s that is invisible where it stands. Two names that differ only by such
// a character look the same. It accepts joiners between letters and pictures that they join, and variation
// selectors after characters with variants.
func hidden(s string) (rune, bool) {
	var before rune
	for i, r := range s {
		if ignorable(r) {
			after, _ := utf8.DecodeRuneInString(s[i+utf8.RuneLen(r):])
			if !joinsHere(before, r, after) && !variesHere(before, r, after) {
				return r, true
			}
		}
		before = r
	}
	return 0, false
}

// joinsHere reports whether r is a joiner or non-joiner between characters on which it has
// an effect.
func joinsHere(before, r, after rune) bool {
	return (r == '\u200c' || r == '\u200d') && shaped(before) && shaped(after)
}

// shaped are letters of scripts in which neighbors change each other's shape, and pictures.
func shaped(r rune) bool {
	const firstOfThem, bad = '\u0590', utf8.RuneError // the characters before it are Latin, Greek, Cyrillic or Armenian
	if r < firstOfThem || r == bad || blank(r) && !unicode.Is(unicode.Variation_Selector, r) {
		return false
	}
	return !unicode.In(r, unicode.Latin, unicode.Greek, unicode.Cyrillic, unicode.Han, unicode.Hangul, unicode.Hiragana, unicode.Katakana)
}

// variesHere reports whether r is a variation selector after a character with variants.
func variesHere(before, r, after rune) bool {
	const keycap = '\u20e3'
	switch {
	case !unicode.Is(unicode.Variation_Selector, r) || blank(before):
		return false
	case before < utf8.RuneSelf:
		return after == keycap && strings.ContainsRune("0123456789#*", before)
	}
	return !unicode.In(before, unicode.Latin, unicode.Greek, unicode.Cyrillic)
}
