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

// These are the words that a search finds members by (rule G17). They are derived from NameKey and EmailKey,
// and each write of the row writes them, too. The first word of a name and the first piece of an address are
// not stored again: the two keys begin with them, and have an index. Each other word has a column, which makes
// a write much cheaper than a row for each word.
//
// The result of indexWords is stored. If you change it, add a migration that sets word_1 to NULL. [Service.Run]
// then writes the words again.
const (
	memberWords = 6   // in addition to the first word and the first piece: eight for each member
	shortWord   = 3   // letters of a word that is found at any place; a shorter one must be first
	noWord      = "-" // the first column of a member without further words; NULL means not written yet
)

var wordColumns = [memberWords]string{"word_1", "word_2", "word_3", "word_4", "word_5", "word_6"}

// indexWords returns the words of a member that get a column, first those of the name, then those of the
// address. It leaves out a word that a key or an earlier word begins with. Unused places are "".
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

// The columns that a search reads: first the two keys, then the words.
const (
	nameSource = iota
	emailSource
	wordSources
	allSources = wordSources + memberWords
)

// sourceText returns the text that a column holds for a member.
func sourceText(nameKey, emailKey string, words *[memberWords]string, source int) string {
	switch source {
	case nameSource:
		return nameKey
	case emailSource:
		return emailKey
	}
	return words[source-wordSources]
}

// covered reports whether the text of one of the columns begins with word.
func covered(nameKey, emailKey string, words *[memberWords]string, word string) bool {
	for source := range allSources {
		if strings.HasPrefix(sourceText(nameKey, emailKey, words, source), word) {
			return true
		}
	}
	return false
}

// addressWords returns the pieces of a canonical address. It leaves out the ASCII form that DNS uses for other
// scripts.
func addressWords(emailKey string) []string {
	if local, domain, found := strings.Cut(emailKey, "@"); found && strings.Contains(domain, "xn--") {
		if readable, err := idna.Punycode.ToUnicode(domain); err == nil {
			emailKey = local + "@" + fold(readable)
		}
	}
	return splitWords(emailKey)
}

// splitWords splits a folded text into words of letters, digits and their marks, without diacritics. It drops
// apostrophes: they do not separate words.
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

// plainLetters maps letters that Unicode does not decompose into a letter and a mark.
var plainLetters = map[rune]string{
	'ø': "o", 'ł': "l", 'đ': "d", 'ð': "d", 'ħ': "h", 'ŧ': "t", 'ı': "i", 'æ': "ae", 'œ': "oe", 'þ': "th", 'ŋ': "n",
}

// withoutDiacritics removes accents and similar marks from a folded text, because people who search type it so.
// A mark that makes another letter, as in Indian scripts, stays.
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

// How [Service.Run] writes the words of members whose rows are older than the words: how many in one step, and
// how long it pauses between steps so that others can write.
const (
	wordsStep  = 200 // members in one transaction
	wordsRest  = 20 * time.Millisecond
	wordsEvery = 10 * time.Minute
)

// writeWords writes the words of all members who have none, in steps, and returns how many it wrote.
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

// writeWords does one step.
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
	found, err = ms.c.tx.Memberships().List(ctx, wordless, listSpan{Limit: wordsStep}) // read again under the locks
	if err != nil {
		return 0, err
	}
	for _, m := range found {
		// The version stays the same, because no event records this change.
		if _, err := ms.c.tx.Memberships().UpdateAll(ctx, membershipFilter{ID: typed.Of(m.ID)}, m, wordColumns[:]...); err != nil {
			return 0, err
		}
	}
	return len(found), nil
}
