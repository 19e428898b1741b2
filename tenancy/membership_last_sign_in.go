package tenancy

import (
	"bytes"
	"cmp"
	"context"
	"slices"

	"github.com/freehold-dev/freehold/store/typed"
)

// This file lists members by their last sign-in. A sign-in writes that time, so an index on it would make every
// sign-in cost more. A page sorts instead: it reads a block of the list by id, at most maxCount members, sorts
// it by last sign-in, and returns the part that its cursor asks for. The blocks follow one another, so the list
// has every member once.

// signInBlock is a part of the list by id that is sorted together: the members after begin, up to end. A zero
// begin is the start of the list. A zero end is the end of the list, or an end that is not known yet.
type signInBlock struct{ begin, end MembershipID }

// text returns the block in the form that a cursor has.
func (b signInBlock) text() string { return string(b.begin[:]) + string(b.end[:]) }

func readSignInBlock(text string) (b signInBlock, err error) {
	if len(text) != len(b.begin)+len(b.end) {
		return b, &Error{Code: ErrInvalidCursor, Field: "cursor", Reason: "is malformed"}
	}
	n := copy(b.begin[:], text)
	copy(b.end[:], text[n:])
	return b, nil
}

// beyond reports whether a member lies after the end of the block.
func (b signInBlock) beyond(id MembershipID, desc bool) bool {
	order := bytes.Compare(id[:], b.end[:])
	return !b.end.IsZero() && (order > 0 && !desc || order < 0 && desc)
}

// signInPage reads a page by last sign-in, of the members in filter who hold one of the roles; nil = any
// member.
func (ms memberRules) signInPage(ctx context.Context, filter membershipFilter, q MemberQuery, roles []string, query ...any) (Page[Membership], error) {
	span, print, err := q.paging().span(query...)
	if err != nil {
		return Page[Membership]{}, err
	}
	var block signInBlock
	var after *typed.Place // within the block
	if span.After != nil {
		if block, err = readSignInBlock(span.After.Text); err != nil {
			return Page[Membership]{}, err
		}
		if span.After.ID != [16]byte{} {
			after = span.After
		}
	}
	rows, block, more, err := ms.signInBlock(ctx, filter, block, q.Descending, roles)
	if err != nil {
		return Page[Membership]{}, err
	}
	order := func(a, b typed.Place) int {
		n := cmp.Or(cmp.Compare(a.Int, b.Int), bytes.Compare(a.ID[:], b.ID[:]))
		if q.Descending {
			return -n
		}
		return n
	}
	place := func(m *Membership) typed.Place {
		return typed.Place{Int: m.LastSignInAt.UnixMicro(), Text: block.text(), ID: m.ID}
	}
	slices.SortFunc(rows, func(a, b Membership) int { return order(place(&a), place(&b)) })
	if after != nil {
		rows = slices.DeleteFunc(rows, func(m Membership) bool { return order(place(&m), *after) <= 0 })
	}
	page := Page[Membership]{Items: rows}
	switch {
	case len(rows) > span.Limit:
		page.Items = rows[:span.Limit]
		page.Next = encodeCursor(place(&rows[span.Limit-1]), print)
	case more:
		page.Next = encodeCursor(typed.Place{Text: signInBlock{begin: block.end}.text()}, print)
	}
	return page, nil
}

// signInBlock reads a block and finds its end. more says that the list may go on after it.
func (ms memberRules) signInBlock(ctx context.Context, filter membershipFilter, b signInBlock, desc bool, roles []string) (rows []Membership, _ signInBlock, more bool, err error) {
	span := listSpan{Limit: walkLimit, Desc: desc}
	last, most := b.begin, maxCount
	if !b.end.IsZero() {
		most = 2 * maxCount // a block also has the members who joined since the previous page
	}
	for looked := 0; looked < most; looked += walkLimit {
		if !last.IsZero() {
			span.After = &typed.Place{ID: last}
		}
		part, err := ms.c.tx.Memberships().List(ctx, filter, span)
		if err != nil {
			return nil, b, false, err
		}
		more = len(part) == walkLimit
		beyond := slices.IndexFunc(part, func(m Membership) bool { return b.beyond(m.ID, desc) })
		if beyond >= 0 {
			part = part[:beyond]
		}
		if len(part) > 0 {
			last = part[len(part)-1].ID
		}
		holders, err := ms.holding(ctx, part, roles)
		if err != nil {
			return nil, b, false, err
		}
		for _, m := range part {
			if roles == nil || holders[m.ID] {
				rows = append(rows, m)
			}
		}
		switch {
		case beyond >= 0:
			return rows, b, true, nil
		case !more:
			return rows, signInBlock{begin: b.begin}, false, nil
		}
	}
	return rows, signInBlock{b.begin, last}, true, nil
}
