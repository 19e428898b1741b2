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

// maxSearchWords is the most words of one search: an address has that many pieces.
const maxSearchWords = 20

// How a search with several words finds the rarest one.
const (
	maxCandidates = 5  // so many of its words are counted, the longest first
	rareWord      = 50 // the count of a word stops at this many members
)

// searchLook is how many members one page of a search looks at: enough to fill a page of [MaxLimit] if every
// second member matches.
const searchLook = 2 * MaxLimit

// memberSearch is the Search of a [MemberQuery]. One of its words is the key. It reads one column after the
// other, each in sorted order: all members whose name begins with the key, then all whose address begins with
// it, then those by their other words. A member whom several columns find is in the list of the first of them,
// in both directions.
//
// Each list follows an index. A page with one word costs the same, however many members it finds. A page reads
// members that it leaves out in three cases: with several words, with other filters, and where a list repeats
// members of an earlier one. It ends after searchLook members, so that these cases cost the same in an
// organization of any size, too.
type memberSearch struct {
	query   MemberQuery
	words   []string // each is the beginning of a word that a member must have; the longest first
	chosen  int      // the index of the key in words; cursors store it
	key     string   // the word that the lists follow
	sources []int    // the columns, in the order of their lists
}

// search parses the Search of a query; nil if the query has none.
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
	if len(s.words) > 0 { // else it has no letter or digit, and finds nobody
		s.choose(0)
	}
	return s, nil
}

// choose makes the given word the key.
func (s *memberSearch) choose(word int) {
	s.chosen, s.key, s.sources = word, s.words[word], nil
	last := allSources
	if s.short() {
		last = wordSources + 1 // the column of a name's first word, for names that do not begin with the key
	}
	for source := range last {
		s.sources = append(s.sources, source)
	}
	if s.query.Descending {
		slices.Reverse(s.sources)
	}
}

// candidates returns how many of the words may become the key.
func (s *memberSearch) candidates() int {
	n := 1
	for n < min(len(s.words), maxCandidates) && utf8.RuneCountInString(s.words[n]) >= shortWord {
		n++
	}
	return n
}

// short reports whether the key is so short that it finds only first words.
func (s *memberSearch) short() bool { return utf8.RuneCountInString(s.key) < shortWord }

// list returns the filter and the order of a source's list, within what filter selects.
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
	filter.Status = typed.In[MembershipStatus]{} // the index of words does not have it
	return filter, byWord + Order(filter.Word)
}

// finds reports whether a member belongs to the list of a source, and to no earlier list.
func (s *memberSearch) finds(m *Membership, source int, filter membershipFilter) bool {
	if !slices.Contains(filter.Status.Values(), m.Status) || !strings.HasPrefix(m.NameKey, filter.NamePrefix) || !strings.HasPrefix(m.EmailKey, filter.EmailPrefix) {
		return false
	}
	name, address := splitWords(m.NameKey), addressWords(m.EmailKey)
	words := indexWords(m.NameKey, m.EmailKey)
	// From the first list, also when descending: the lists of words lack members whose words are not written
	// yet.
	for list := range source {
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

// lists reports whether the list of a source contains a member. A short key finds only the first word of a
// name.
func (s *memberSearch) lists(m *Membership, source int, name []string, words *[memberWords]string) bool {
	if s.short() && source >= wordSources && (len(name) == 0 || !strings.HasPrefix(name[0], s.key)) {
		return false
	}
	return strings.HasPrefix(sourceText(m.NameKey, m.EmailKey, words, source), s.key)
}

// place returns a member's place in the lists. Its number encodes the list and the word.
func (s *memberSearch) place(m *Membership, source int) typed.Place {
	words := indexWords(m.NameKey, m.EmailKey)
	return typed.Place{Int: int64(s.chosen*allSources + source), Text: sourceText(m.NameKey, m.EmailKey, &words, source), ID: m.ID}
}

// rest returns the lists from a place on, and makes the word of that place the key.
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

// choose makes the word that finds the fewest members the key, or the longest one where each finds many.
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
			// Along the index of words: a count would use the index of the status.
			found, err := ms.c.tx.Memberships().List(ctx, list, listSpan{Order: order, Limit: 2 * rareWord})
			if err != nil {
				return err
			}
			for _, m := range found {
				// Pending members do not count: the order must not reveal who is invited (rule M2).
				if m.Status != MembershipPending {
					n++
				}
			}
			if n >= rareWord {
				break
			}
		}
		if n > 0 && n < fewest { // a word that finds nobody may be beyond the eight words of a member
			best, fewest = word, n
		}
	}
	if len(s.words) > 0 {
		s.choose(best)
	}
	return nil
}

// searchPage reads a page of the members that a search finds.
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

// eachFound calls fn for the members that a search finds, each with its place, in the order of the search from
// span.After on. It stops when fn has enough, or when it has looked at most members. last is the place of the
// last member that it looked at; nil at the end of the last list.
//
// A pending member that the query does not ask for is skipped: it is not counted and cannot be last. Otherwise
// a cursor, or the end of a page, would reveal who is invited (rule M2). [Limits.Invitations] bounds how many
// such members there are.
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
