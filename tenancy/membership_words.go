package tenancy

import (
	"context"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/typed"
)

// Words by which members are found (rule G17). They follow from NameKey and EmailKey, and are written with
// each row. The first word of a name and the first piece of an address need none: the keys begin with them, and
// have an index. The other words have a column each, which costs a write much less than a row each.
//
// What indexWords gives is stored: a change of it needs a migration that sets word_1 to NULL, after which
// [Service.Run] writes the words anew.
const (
	memberWords = 6   // beside the first word and the first piece: eight a member
	shortWord   = 3   // letters of a word that is found wherever it stands; a shorter one only in front
	noWord      = "-" // in the first column of a member without further words: NULL is one whose words are not written yet
)

var wordColumns = [memberWords]string{"word_1", "word_2", "word_3", "word_4", "word_5", "word_6"}

// indexWords are the words of a member that have a column, the name's before the address's: those that no
// key begins with, and no word before them. The rest are "".
func indexWords(nameKey, emailKey string) (list [memberWords]string) {
	n := 0
	add := func(words []string, front bool) {
		for i, word := range words {
			short := utf8.RuneCountInString(word) < shortWord && (i > 0 || !front)
			if n < memberWords && !short && !covered(nameKey, emailKey, &list, word) {
				list[n] = word
				n++
			}
		}
	}
	add(splitWords(nameKey), true)
	add(addressWords(emailKey), false)
	if n == 0 {
		list[0] = noWord
	}
	return list
}

// The columns that a search reads: the two keys, then the words.
const (
	nameSource = iota
	emailSource
	wordSources
	allSources = wordSources + memberWords
)

// sourceText is what a column holds of a member.
func sourceText(nameKey, emailKey string, words *[memberWords]string, source int) string {
	switch source {
	case nameSource:
		return nameKey
	case emailSource:
		return emailKey
	}
	return words[source-wordSources]
}

// covered reports whether one of the columns begins with a word.
func covered(nameKey, emailKey string, words *[memberWords]string, word string) bool {
	for source := range allSources {
		if strings.HasPrefix(sourceText(nameKey, emailKey, words, source), word) {
			return true
		}
	}
	return false
}

// addressWords are the pieces of a canonical address, without those of the form in which DNS has other
// scripts.
func addressWords(emailKey string) []string {
	if local, domain, found := strings.Cut(emailKey, "@"); found && strings.Contains(domain, "xn--") {
		if readable, err := idna.Punycode.ToUnicode(domain); err == nil {
			emailKey = local + "@" + fold(readable)
		}
	}
	return splitWords(emailKey)
}

// splitWords are the words of a text that is folded: letters, digits and their marks, without diacritics.
// Apostrophes belong to no word and part none.
func splitWords(s string) []string {
	if !isASCII(s) {
		s = withoutDiacritics(s)
	} else if strings.Contains(s, "'") {
		s = strings.ReplaceAll(s, "'", "")
	}
	return strings.FieldsFunc(s, func(r rune) bool {
		if r < utf8.RuneSelf {
			return (r < 'a' || r > 'z') && (r < '0' || r > '9')
		}
		return !unicode.In(r, unicode.L, unicode.N, unicode.M)
	})
}

// plainLetters are letters that Unicode does not take for another one with a mark.
var plainLetters = map[rune]string{
	'ø': "o", 'ł': "l", 'đ': "d", 'ð': "d", 'ħ': "h", 'ŧ': "t", 'ı': "i", 'æ': "ae", 'œ': "oe", 'þ': "th", 'ŋ': "n",
}

// withoutDiacritics is a folded text without its accents and the like: what people type who look for it.
// Marks that make another letter, as in Indian scripts, stay.
func withoutDiacritics(s string) string {
	var b strings.Builder
	for _, r := range norm.NFKD.String(s) {
		switch plain := plainLetters[r]; {
		case plain != "":
			b.WriteString(plain)
		case r >= '\u0300' && r <= '\u036f', unicode.Is(unicode.Cf, r), strings.ContainsRune("'’‘ʼ", r):
		default:
			b.WriteRune(unicode.ToLower(r))
		}
	}
	return norm.NFC.String(b.String())
}

// How Run writes the words of members whose row is from before there were words, and how long others may write
// between two steps.
const (
	wordsStep  = 200 // members of one transaction
	wordsRest  = 20 * time.Millisecond
	wordsEvery = 10 * time.Minute
)

// writeWords writes the words of all members who have none, in steps, and says of how many.
func (g Memberships) writeWords(ctx context.Context) (int, error) {
	for all := 0; ; {
		n, err := write(ctx, g.s, membershipsUpdate, "", func(ctx context.Context, c *call) (int, error) {
			if err := c.access().authorize(ctx, scope{}); err != nil {
				return 0, err
			}
			return c.members().writeWords(ctx)
		})
		all += n
		if err != nil || n == 0 {
			return all, err
		}
		if err := rest(ctx, wordsRest); err != nil {
			return all, err
		}
	}
}

// writeWords is one step.
func (ms memberRules) writeWords(ctx context.Context) (int, error) {
	wordless := membershipFilter{Worded: typed.Of(false)}
	found, err := ms.c.tx.Memberships().List(ctx, wordless, listSpan{Limit: wordsStep})
	if err != nil || len(found) == 0 {
		return 0, err
	}
	var locks []store.LockKey
	for _, m := range found {
		locks = append(locks, lockUser(m.UserID), lockOrganization(m.OrganizationID))
	}
	if err := ms.c.lock(ctx, locks...); err != nil {
		return 0, err
	}
	wordless.ID = typed.Of(idsOf(found)...)
	found, err = ms.c.tx.Memberships().List(ctx, wordless, listSpan{Limit: wordsStep}) // as they are under the locks
	if err != nil {
		return 0, err
	}
	for _, m := range found {
		// The version stays, because no event tells of it.
		if _, err := ms.c.tx.Memberships().UpdateAll(ctx, membershipFilter{ID: typed.Of(m.ID)}, m, wordColumns[:]...); err != nil {
			return 0, err
		}
	}
	return len(found), nil
}
