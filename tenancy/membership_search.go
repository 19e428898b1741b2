package tenancy

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/freehold-dev/freehold/store/typed"
)

// maxSearchWords are the words of one search: an address has as many pieces.
const maxSearchWords = 20

// What is asked of a search with several words, to read the lists of the rarest.
const (
	maxCandidates = 5  // as many of its words are counted, the longest
	rareWord      = 50 // members whom a word finds, up to which they are counted
)

// searchLook is how many members one page of a search looks at: enough for a page of [MaxLimit] where every second one fits.
const searchLook = 2 * MaxLimit

// memberSearch is the Search of a [MemberQuery]. It reads one column after the other in the order of
// what they hold: all whose name begins with the key, then all whose address does, then those by their
// other words. A member whom several of the columns find stands in the list of the first, in both
// directions.
//
// Each list is along an index. A page with one word costs the same however many are found. With several words, with
// other filters, and where a list repeats members of one before it, a page reads members whom it leaves out: it ends
// after searchLook, so that this costs the same in an organization of any size, too.
type memberSearch struct {
	query   MemberQuery
	words   []string // each is the beginning of a word of whom it finds; the longest first
	chosen  int      // which of them is the key; cursors have it
	key     string   // the word that the lists are about
	sources []int    // the columns, in the order of the lists
}

// search reads the Search of a query; nil where it has none.
func (q MemberQuery) search() (*memberSearch, error) {
	text, err := searchPrefix("search", strings.TrimSpace(q.Search))
	switch {
	case err != nil:
		return nil, err
	case text == "":
		return nil, nil
	case q.Order != ByID:
		return nil, invalid("order", "does not go with a search")
	}
	s := &memberSearch{query: q, words: splitWords(text)}
	if len(s.words) > maxSearchWords {
		return nil, invalid("search", fmt.Sprintf("has %d words, at most %d", len(s.words), maxSearchWords))
	}
	slices.SortStableFunc(s.words, func(a, b string) int { return cmp.Compare(utf8.RuneCountInString(b), utf8.RuneCountInString(a)) })
	if len(s.words) > 0 { // else nothing that a word could be of: it finds nobody
		s.choose(0)
	}
	return s, nil
}

// choose makes one of the words the key.
func (s *memberSearch) choose(word int) {
	s.chosen, s.key, s.sources = word, s.words[word], nil
	last := allSources
	if s.short() {
		last = wordSources + 1 // where the first word of a name is, if its key does not begin with it
	}
	for source := range last {
		s.sources = append(s.sources, source)
	}
	if s.query.Descending {
		slices.Reverse(s.sources)
	}
}

// candidates are how many of the words may be the key.
func (s *memberSearch) candidates() int {
	n := 1
	for n < min(len(s.words), maxCandidates) && utf8.RuneCountInString(s.words[n]) >= shortWord {
		n++
	}
	return n
}

// short reports whether the search finds first words alone.
func (s *memberSearch) short() bool { return utf8.RuneCountInString(s.key) < shortWord }

// list is the list of a source within what filter selects.
func (s *memberSearch) list(source int, filter membershipFilter) (membershipFilter, Order) {
	filter.NamePrefix, filter.EmailPrefix = "", "" // see finds
	switch source {
	case nameSource:
		filter.NamePrefix = s.key
		return filter, ByName
	case emailSource:
		filter.EmailPrefix = s.key
		return filter, ByEmail
	}
	filter.Word, filter.WordPrefix = source-wordSources, s.key
	filter.Status = typed.In[MembershipStatus]{} // which the index of words does not have
	return filter, byWord + Order(filter.Word)
}

// finds reports whether a member in the list of a source is found there, and in no list before it.
func (s *memberSearch) finds(m *Membership, source int, filter membershipFilter) bool {
	if !slices.Contains(filter.Status.Values(), m.Status) || !strings.HasPrefix(m.NameKey, filter.NamePrefix) || !strings.HasPrefix(m.EmailKey, filter.EmailPrefix) {
		return false
	}
	name, address := splitWords(m.NameKey), addressWords(m.EmailKey)
	words := indexWords(m.NameKey, m.EmailKey)
	for list := range source { // from the first, also in a descending search: the lists of words lack a member whose words are not written yet
		if s.lists(m, list, name, &words) {
			return false
		}
	}
	for _, word := range s.words {
		begins := func(of string) bool { return strings.HasPrefix(of, word) }
		if !slices.ContainsFunc(name, begins) && !slices.ContainsFunc(address, begins) {
			return false
		}
	}
	return s.lists(m, source, name, &words)
}

// lists reports whether the list of a source has a member. Among the words a short key is
// only the first of a name.
func (s *memberSearch) lists(m *Membership, source int, name []string, words *[memberWords]string) bool {
	if s.short() && source >= wordSources && (len(name) == 0 || !strings.HasPrefix(name[0], s.key)) {
		return false
	}
	return strings.HasPrefix(sourceText(m.NameKey, m.EmailKey, words, source), s.key)
}

// place is where the lists have a member. Its number says which list of which word.
func (s *memberSearch) place(m *Membership, source int) typed.Place {
	words := indexWords(m.NameKey, m.EmailKey)
	return typed.Place{Int: int64(s.chosen*allSources + source), Text: sourceText(m.NameKey, m.EmailKey, &words, source), ID: m.ID}
}

// rest are the lists from a place on, of the word that it is about.
func (s *memberSearch) rest(after *typed.Place) ([]int, error) {
	if after == nil {
		return s.sources, nil
	}
	if word := int(after.Int / allSources); after.Int >= 0 && word < min(len(s.words), s.candidates()) {
		s.choose(word)
		if at := slices.Index(s.sources, int(after.Int%allSources)); at >= 0 {
			return s.sources[at:], nil
		}
	}
	return nil, &Error{Code: ErrInvalidCursor, Field: "cursor", Reason: "is malformed"}
}

// choose makes the word of a search the key that finds the fewest members; where each finds many, the longest.
func (ms memberRules) choose(ctx context.Context, filter membershipFilter, s *memberSearch) error {
	best, fewest := 0, rareWord
	for word := range s.candidates() {
		if s.candidates() == 1 {
			break
		}
		s.choose(word)
		n := 0
		for _, source := range s.sources {
			list, order := s.list(source, filter)
			found, err := ms.c.tx.Memberships().List(ctx, list, listSpan{Order: order, Limit: 2 * rareWord}) // along the index: a count would take that of the status
			if err != nil {
				return err
			}
			for _, m := range found {
				if m.Status != MembershipPending { // the order of the others must not tell who is invited (rule M2)
					n++
				}
			}
			if n >= rareWord {
				break
			}
		}
		if n > 0 && n < fewest { // one that finds nobody may be beyond the eight of a member
			best, fewest = word, n
		}
	}
	if len(s.words) > 0 {
		s.choose(best)
	}
	return nil
}

// searchPage reads a page of those whom a search finds.
func (ms memberRules) searchPage(ctx context.Context, filter membershipFilter, s *memberSearch, query ...any) (Page[Membership], error) {
	span, print, err := s.query.paging().span(append(query, "search", s.query.Search)...)
	if err != nil {
		return Page[Membership]{}, err
	}
	var page Page[Membership]
	var kept typed.Place
	last, err := ms.eachFound(ctx, filter, s, span, searchLook, func(m Membership, at typed.Place) (enough bool) {
		if len(page.Items) == span.Limit {
			return true
		}
		page.Items, kept = append(page.Items, m), at
		return false
	})
	switch {
	case err != nil:
		return Page[Membership]{}, err
	case last != nil && len(page.Items) == span.Limit:
		page.Next = encodeCursor(kept, print)
	case last != nil:
		page.Next = encodeCursor(*last, print)
	}
	return page, nil
}

// eachFound calls fn for the members whom a search finds, in its order from span.After on, and the place of each,
// until fn has enough or it has looked at most. last is the place of the last that it looked at; nil at the end of the last list.
//
// Somebody pending whom the query does not ask for is not counted and is no place, because a cursor, and where a
// page ends, must not tell who is invited (rule M2). [Limits.Invitations] bounds how many they are.
func (ms memberRules) eachFound(ctx context.Context, filter membershipFilter, s *memberSearch, span listSpan, most int, fn func(Membership, typed.Place) (enough bool)) (last *typed.Place, err error) {
	if span.After == nil {
		if err := ms.choose(ctx, filter, s); err != nil {
			return nil, err
		}
	}
	sources, err := s.rest(span.After)
	if err != nil {
		return nil, err
	}
	looked := 0
	for i, source := range sources {
		list, order := s.list(source, filter)
		part := listSpan{Order: order, Desc: span.Desc, Limit: min(walkLimit, span.Limit+1)}
		if i == 0 && span.After != nil {
			part.After = &typed.Place{Text: span.After.Text, ID: span.After.ID}
		}
		for more := true; more; part.Limit = min(walkLimit, 2*part.Limit) {
			part.Limit = min(part.Limit, max(100, most+1-looked))
			rows, err := ms.c.tx.Memberships().List(ctx, list, part)
			if err != nil {
				return nil, err
			}
			holders, err := ms.holding(ctx, rows, s.query.Roles)
			if err != nil {
				return nil, err
			}
			for _, m := range rows {
				at := s.place(&m, source)
				part.After = &typed.Place{Text: at.Text, ID: at.ID}
				if m.Status == MembershipPending && !slices.Contains(filter.Status.Values(), m.Status) {
					continue
				}
				if looked == most {
					return last, nil
				}
				last = &at
				looked++
				if s.finds(&m, source, filter) && (s.query.Roles == nil || holders[m.ID]) && fn(m, at) {
					return last, nil
				}
			}
			more = len(rows) == part.Limit
		}
	}
	return nil, nil
}
