package tenancy

import (
	"context"
	"errors"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/freehold-dev/freehold/store/typed"
)

// Removal is the record that a person was removed from an organization, or left it (rules M5, M6). It keeps the
// person from coming back by a way that asks nobody in the organization. It identifies the person by the user,
// and by the addresses that they had proved while they were a member, or proved since, without the "+" tag; so
// their other accounts do not get in either. It keeps 10 addresses, and drops the oldest beyond that. A person
// who takes over an account (rule U4) is not the person who left. If a user was removed with an address that
// they had not proved yet, they stay removed when somebody proves it.
//
// Memberships.Remove and Memberships.Leave of an active or inactive member make a Removal. It ends when
// somebody lets the person in again: by Memberships.Add, by an invitation that is sent later, or by
// Memberships.Readmit. After Leave it also ends when the person uses a join code, or when their join request is
// approved. An organization keeps at most 10,000 removals. Beyond that it drops the oldest, those of people who
// left before those of people who were removed.
type Removal struct {
	ID             RemovalID      `json:"id"`                  // never changes
	Version        int64          `json:"version"`             // counts changes from 1 (rule G11)
	OrganizationID OrganizationID `json:"organization_id"`     // the organization
	UserID         UserID         `json:"user_id"`             // the user
	Name           string         `json:"name,omitempty"`      // the name at that time
	Email          string         `json:"email,omitempty"`     // the address at that time
	Left           bool           `json:"left,omitempty"`      // the user left by themselves
	RemoverID      UserID         `json:"remover_id,omitzero"` // the user who removed them; zero: the host
	RemovedAt      time.Time      `json:"removed_at,omitzero"` // when they were removed, or left
}

// RemovalID is the id of a removal, rmv_...
type RemovalID = ID[Removal]

func (Removal) idPrefix() string { return "rmv" }

func (r Removal) rowID() [16]byte { return r.ID }

func (r *Removal) stamps() (*int64, *time.Time) { return &r.Version, nil }

// maxRemovals is how many removals an organization keeps at most.
const maxRemovals = 10_000

// RemovalQuery selects removals for [Memberships.Removed].
type RemovalQuery struct {
	Descending bool   // in reverse order
	Limit      int    // default 50, at most 1000
	Cursor     string // Next of the previous page
}

// Removed returns a page of an organization's removals: the people who were removed or left, and have not come
// back (rule M6). It is in the order in which they went.
//
// Errors: [ErrInvalid], [ErrInvalidCursor]; [ErrNotFound] for the organization.
func (g Memberships) Removed(ctx context.Context, organization OrganizationID, q RemovalQuery) (Page[Removal], error) {
	return read(ctx, g.s, membershipsRemoved, organization.String(), func(ctx context.Context, c *call) (Page[Removal], error) {
		if err := c.access().authorize(ctx, scope{organization: organization}); err != nil {
			return Page[Removal]{}, err
		}
		if _, err := c.tx.Organizations().Get(ctx, organization); err != nil {
			return Page[Removal]{}, err
		}
		return listPage(ctx, c.tx.Removals(), removalFilter{OrganizationID: typed.Of(organization)},
			paging{ByID, q.Descending, q.Limit, q.Cursor}, keyByID, "removals", organization)
	})
}

// AllRemoved walks the removals that Removed returns, page by page.
func (g Memberships) AllRemoved(ctx context.Context, organization OrganizationID, q RemovalQuery) iter.Seq2[Removal, error] {
	return pages(func(cursor string) (Page[Removal], error) {
		q := q
		q.Cursor = cursor
		return g.Removed(ctx, organization, q)
	}, q.Cursor)
}

// Readmit deletes the record that a user was removed or left (rule M6). The user may come back as if they had
// never been there: by their domain, single sign-on, a join code or a join request. The same holds for another
// account with one of their addresses. Readmit itself makes nobody a member. Without a record it changes
// nothing and writes no event.
//
// Errors: [ErrNotFound] for the organization.
func (g Memberships) Readmit(ctx context.Context, organization OrganizationID, user UserID) error {
	return exec(ctx, g.s, membershipsReadmit, pairKey(organization, user), func(ctx context.Context, c *call) error {
		if err := c.access().mayLock(ctx, scope{organization: organization}); err != nil {
			return err
		}
		if err := c.lock(ctx, lockUser(user), lockOrganization(organization)); err != nil {
			return err
		}
		if err := c.access().authorize(ctx, scope{organization: organization}); err != nil {
			return err
		}
		if _, err := c.tx.Organizations().Get(ctx, organization); err != nil {
			return err
		}
		own := removalFilter{OrganizationID: typed.Of(organization), UserID: typed.Of(user)}
		found, err := c.tx.Removals().List(ctx, own, listSpan{Limit: 1})
		if err != nil || len(found) == 0 {
			return err
		}
		if err := c.removals().forgetPerson(ctx, organization, user); err != nil {
			return err
		}
		return c.record(ctx, newEvent{
			kind: EventMembershipReadmitted, organization: organization, user: user, subject: found[0].ID.String(), data: found[0],
		})
	})
}

// removalRules keep the records of removals and enforce them.
type removalRules struct{ c *call }

func (c *call) removals() removalRules { return removalRules{c} }

// untagged returns a canonical address without the "+" tag of its local part. Many mail systems deliver both to
// one mailbox.
func untagged(emailKey string) string {
	local, domain, _ := strings.Cut(emailKey, "@")
	if base, _, tagged := strings.Cut(local, "+"); tagged && base != "" {
		return base + "@" + domain
	}
	return emailKey
}

// remember records that a member leaves or is removed, or did so earlier. The caller holds the locks of both.
func (rm removalRules) remember(ctx context.Context, m Membership, left bool) (*Removal, error) {
	user, err := rm.c.users().get(ctx, m.UserID)
	if err != nil {
		return nil, err
	}
	own := removalFilter{OrganizationID: typed.Of(m.OrganizationID), UserID: typed.Of(m.UserID)}
	if _, err := rm.c.tx.Removals().DeleteAll(ctx, own); err != nil {
		return nil, err
	}
	if err := rm.makeRoom(ctx, m.OrganizationID); err != nil {
		return nil, err
	}
	if err := rm.keepAddress(ctx, m.OrganizationID, user); err != nil {
		return nil, err
	}
	r := Removal{
		ID: rm.c.instance.config.NewID(), Version: 1, OrganizationID: m.OrganizationID, UserID: m.UserID,
		Name: user.Name(), Email: user.Email,
		Left: left, RemoverID: rm.c.invitations().inviter(), RemovedAt: rm.c.now,
	}
	return &r, rm.c.tx.Removals().Insert(ctx, r)
}

// makeRoom deletes the oldest removal where an organization has as many as it may keep. It deletes those of
// people who left first, because anybody who may join can make such rows by joining and leaving.
func (rm removalRules) makeRoom(ctx context.Context, id OrganizationID) error {
	theirs := removalFilter{OrganizationID: typed.Of(id)}
	n, err := rm.c.tx.Removals().Count(ctx, theirs)
	if err != nil || n < maxRemovals {
		return err
	}
	theirs.Left = typed.Of(true)
	oldest, err := rm.c.tx.Removals().List(ctx, theirs, listSpan{Limit: 1})
	if err == nil && len(oldest) == 0 {
		theirs.Left = typed.In[bool]{}
		oldest, err = rm.c.tx.Removals().List(ctx, theirs, listSpan{Limit: 1})
	}
	if err != nil || len(oldest) == 0 {
		return err
	}
	return rm.forgetPerson(ctx, id, oldest[0].UserID)
}

// bar is what keeps a user out of an organization: a [Removal], or an inactive membership. Of a membership it
// has only the user, and since when it is inactive.
type bar struct {
	Removal
	inactive bool
}

// of returns what keeps a user out of an organization where they are not a member: a record about themselves,
// or about their address, proved or not. Of several, it returns the one that binds more.
func (rm removalRules) of(ctx context.Context, id OrganizationID, user User) (bar, bool, error) {
	theirs := removalFilter{OrganizationID: typed.Of(id), UserID: typed.Of(user.ID)}
	found, err := rm.c.tx.Removals().List(ctx, theirs, listSpan{Limit: 1})
	if err != nil || len(found) > 0 && !found[0].Left {
		return bar{Removal: first(found)}, len(found) > 0, err
	}
	other, is, err := rm.at(ctx, id, user)
	if err != nil || is && !other.Left || len(found) == 0 {
		return other, is, err
	}
	return bar{Removal: found[0]}, true, nil
}

// at returns what keeps a user out because of their address: other users had it when they were removed, left,
// or became inactive.
func (rm removalRules) at(ctx context.Context, id OrganizationID, user User) (bar, bool, error) {
	people, err := rm.peopleAt(ctx, id, user)
	switch {
	case err != nil || len(people) == 0:
		return bar{}, false, err
	case len(people) >= sweepLimit: // anybody makes more such rows by joining and leaving with other tags
		return bar{Removal: Removal{OrganizationID: id, UserID: people[0]}}, true, nil
	}
	theirs := removalFilter{OrganizationID: typed.Of(id), UserID: typed.Of(people...)}
	gone, err := rm.c.tx.Removals().List(ctx, theirs, listSpan{Limit: len(people)})
	if err != nil {
		return bar{}, false, err
	}
	for _, r := range gone {
		if !r.Left {
			return bar{Removal: r}, true, nil
		}
	}
	members, err := rm.c.tx.Memberships().List(ctx, membershipFilter{
		OrganizationID: typed.Of(id), UserID: typed.Of(people...), Status: typed.Of(MembershipInactive),
	}, listSpan{Limit: 1})
	if err != nil || len(members) == 0 {
		return bar{Removal: first(gone)}, len(gone) > 0, err
	}
	m := members[0]
	return bar{Removal{OrganizationID: id, UserID: m.UserID, RemovedAt: m.DeactivatedAt}, true}, true, nil
}

// peopleAt returns the other users, at most sweepLimit, who are recorded in an organization with the address of
// a user.
func (rm removalRules) peopleAt(ctx context.Context, id OrganizationID, user User) ([]UserID, error) {
	if user.EmailKey == "" {
		return nil, nil
	}
	byAddress := memberAddressFilter{OrganizationID: typed.Of(id), EmailKey: typed.Of(untagged(user.EmailKey))}
	found, err := rm.c.tx.MemberAddresses().List(ctx, byAddress, listSpan{Limit: sweepLimit + 1})
	var people []UserID
	for _, a := range found {
		if a.UserID != user.ID && len(people) < sweepLimit {
			people = append(people, a.UserID)
		}
	}
	return people, err
}

func first(found []Removal) Removal {
	if len(found) == 0 {
		return Removal{}
	}
	return found[0]
}

// errLeft is the cause in the error for a user who left by themselves.
var errLeft = errors.New("left")

// pass checks a joining user against what keeps them out, and deletes the record where they may join (rules M5,
// M6).
func (rm removalRules) pass(ctx context.Context, j entrant, user User) error {
	find := rm.of
	if j.created {
		find = rm.at
	}
	b, is, err := find(ctx, j.organization.ID, user)
	if err != nil || !is {
		return err
	}
	if !j.passes(b, user) {
		return b.refuse()
	}
	return rm.forget(ctx, b.OrganizationID, user)
}

// forget deletes what kept a user out, when they are let in: the record about themselves, and the records of others by
// their address. The user's own addresses stay, for a later removal.
func (rm removalRules) forget(ctx context.Context, id OrganizationID, user User) error {
	people, err := rm.peopleAt(ctx, id, user)
	if err != nil {
		return err
	}
	theirs := removalFilter{OrganizationID: typed.Of(id), UserID: typed.Of(append(people, user.ID)...)}
	gone, err := rm.c.tx.Removals().List(ctx, theirs, listSpan{Limit: len(people) + 1})
	if err != nil {
		return err
	}
	if _, err := rm.c.tx.Removals().DeleteAll(ctx, theirs); err != nil || len(people) == 0 {
		return err
	}
	byAddress := memberAddressFilter{OrganizationID: typed.Of(id), UserID: typed.Of(people...), EmailKey: typed.Of(untagged(user.EmailKey))}
	if _, err := rm.c.tx.MemberAddresses().DeleteAll(ctx, byAddress); err != nil {
		return err
	}
	var others []UserID
	for _, r := range gone {
		if r.UserID != user.ID {
			others = append(others, r.UserID)
		}
	}
	if len(others) == 0 {
		return nil
	}
	return rm.forgetPerson(ctx, id, others...)
}

// passes reports whether the way in overrides the bar: the host lets the user in, or they have an invitation
// that is newer than the bar. A user who left by themselves needs only to ask.
func (j entrant) passes(b bar, user User) bool {
	switch {
	case j.host:
		return true
	case j.invitation != nil && user.hasEmail(j.invitation.EmailKey):
		// Invitations to their own address ended with the membership. That leaves invitations to another
		// address, which is theirs by now.
		had, err := CanonicalEmail(b.Email)
		return err == nil && user.hasEmail(had) || !j.invitation.SentAt.Before(b.RemovedAt)
	}
	return b.Left && (j.via == JoinedCode || j.via == JoinedRequest)
}

// refuse returns the error for a user who was removed, left, or is inactive by another account. Only a user who
// has proved their address gets it.
func (b bar) refuse() error {
	e := &Error{Code: ErrMembershipRemoved}
	switch {
	case b.inactive:
		e.Code = ErrMembershipInactive
	case b.Left:
		e.Err = errLeft
	}
	return e
}

// move moves the records about a user to the user that they are merged into. Where both have one, the newer
// stays, and a removal binds more than leaving. Where the other user is a member, the record is deleted.
func (rm removalRules) move(ctx context.Context, from, into User) error {
	if err := rm.moveRemovals(ctx, from.ID, into.ID); err != nil {
		return err
	}
	return rm.moveAddresses(ctx, from, into)
}

func (rm removalRules) moveRemovals(ctx context.Context, from, into UserID) error {
	all, err := collect(ctx, rm.c.tx.Removals(), removalFilter{UserID: typed.Of(from, into)})
	if err != nil || len(all) == 0 {
		return err
	}
	kept := map[OrganizationID]Removal{}
	for _, r := range all {
		if old, is := kept[r.OrganizationID]; is && !r.binds(old) {
			continue
		}
		kept[r.OrganizationID] = r
	}
	if _, err := rm.c.tx.Removals().DeleteAll(ctx, removalFilter{UserID: typed.Of(from, into)}); err != nil {
		return err
	}
	for _, id := range slices.SortedFunc(maps.Keys(kept), OrganizationID.Compare) {
		m, err := rm.c.members().get(ctx, id, into)
		switch {
		case err == nil && m.Status != MembershipPending:
			continue
		case err != nil && CodeOf(err) != ErrNotFound:
			return err
		}
		r := kept[id]
		r.UserID = into
		if err := rm.c.tx.Removals().Insert(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// binds reports whether a removal binds more than another one of the same person.
func (r Removal) binds(other Removal) bool {
	if r.Left != other.Left {
		return other.Left
	}
	return r.RemovedAt.After(other.RemovedAt)
}

// release deletes the records of organizations that an account left, after somebody took the account over,
// together with the addresses of its earlier holder. Where the account was removed, or is inactive, the record
// and its addresses stay: that decision was about the address, proved or not, because nobody gets in with an
// unproved address by themselves.
func (rm removalRules) release(ctx context.Context, user UserID) error {
	stays := map[OrganizationID]bool{}
	err := walk(ctx, rm.c.tx.Removals(), removalFilter{UserID: typed.Of(user)}, func(r Removal) error {
		if stays[r.OrganizationID] = !r.Left; !r.Left {
			return nil
		}
		if err := rm.c.tx.Removals().Delete(ctx, r.ID); err != nil {
			return err
		}
		return rm.c.record(ctx, newEvent{
			kind: EventMembershipReadmitted, organization: r.OrganizationID, user: user, subject: r.ID.String(), data: r,
		})
	})
	if err != nil {
		return err
	}
	inactive := membershipFilter{UserID: typed.Of(user), Status: typed.Of(MembershipInactive)}
	err = walk(ctx, rm.c.tx.Memberships(), inactive, func(m Membership) error {
		stays[m.OrganizationID] = true
		return nil
	})
	if err != nil {
		return err
	}
	return walk(ctx, rm.c.tx.MemberAddresses(), memberAddressFilter{UserID: typed.Of(user)}, func(a memberAddress) error {
		if stays[a.OrganizationID] {
			return nil
		}
		return rm.c.tx.MemberAddresses().Delete(ctx, a.ID)
	})
}

// erase deletes the removals of people who are erased, and of their addresses, except those of users who still
// exist (rule U7).
func (rm removalRules) erase(ctx context.Context, addresses []string, people ...UserID) error {
	if _, err := rm.c.tx.Removals().DeleteAll(ctx, removalFilter{UserID: typed.Of(people...)}); err != nil {
		return err
	}
	return rm.eraseAddresses(ctx, addresses, people...)
}
