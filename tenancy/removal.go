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

// Removal remembers that somebody was removed from an organization, or left it (rules M5,
// M6): they do not come in again by a way that asks nobody there. They are known by the user
// and by the addresses that they had proved while they were a member, or proved since, without the
// "+" tag, so that another account of theirs does not get in either; 10 addresses are kept, and of
// more the oldest go. Somebody who takes an account over (rule U4) is not the person who left; one removed with an
// address that they had not proved yet stays so when somebody proves it.
//
// Memberships.Remove and Memberships.Leave of an active or inactive member make one. It ends
// when they are let in again by somebody's word: Memberships.Add, an invitation sent since,
// Memberships.Readmit; after Leave also when they use a join code or their request to
// join is approved. An organization keeps at most 10,000; beyond that the oldest go, those who left
// before those who were removed.
type Removal struct {
	ID             RemovalID      `json:"id"`                  // never changes
	Version        int64          `json:"version"`             // counts changes from 1 (rule G11)
	OrganizationID OrganizationID `json:"organization_id"`     // the organization
	UserID         UserID         `json:"user_id"`             // the person
	Name           string         `json:"name,omitempty"`      // as it was
	Email          string         `json:"email,omitempty"`     // as it was
	Left           bool           `json:"left,omitempty"`      // by their own wish
	RemoverID      UserID         `json:"remover_id,omitzero"` // who removed them; zero: the host
	RemovedAt      time.Time      `json:"removed_at,omitzero"` // when they were removed, or left
}

// RemovalID is the id of a removal, rmv_...
type RemovalID = ID[Removal]

func (Removal) idPrefix() string { return "rmv" }

func (r Removal) rowID() [16]byte { return r.ID }

func (r *Removal) stamps() (*int64, *time.Time) { return &r.Version, nil }

// maxRemovals is how many removals an organization keeps.
const maxRemovals = 10_000

// RemovalQuery selects removals for Removed.
type RemovalQuery struct {
	Descending bool   // in reverse order
	Limit      int    // default 50, at most 1000
	Cursor     string // Next of the page before
}

// Removed gives a page of those who were removed from an organization, or left it, and have
// not come back (rule M6), in the order in which they went.
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

// AllRemoved walks the removals that Removed would give, page by page.
func (g Memberships) AllRemoved(ctx context.Context, organization OrganizationID, q RemovalQuery) iter.Seq2[Removal, error] {
	return pages(func(cursor string) (Page[Removal], error) {
		q := q
		q.Cursor = cursor
		return g.Removed(ctx, organization, q)
	}, q.Cursor)
}

// Readmit forgets that somebody was removed or left (rule M6): they may come in again as if they
// had never been there, by their domain, single sign-on, a join code or a request; so may who has
// another account with an address of theirs. It lets nobody in by itself. Where nothing is remembered it changes nothing, without an event.
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

// removalRules remember who was removed, and hold them to it.
type removalRules struct{ c *call }

func (c *call) removals() removalRules { return removalRules{c} }

// untagged is a canonical address without the "+" tag of its local part: many mail systems
// deliver both to one mailbox.
func untagged(emailKey string) string {
	local, domain, _ := strings.Cut(emailKey, "@")
	if base, _, tagged := strings.Cut(local, "+"); tagged && base != "" {
		return base + "@" + domain
	}
	return emailKey
}

// remember keeps that a member goes, or went before. The caller has the locks of both.
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

// makeRoom forgets the oldest removal where an organization keeps as many as it may. Those who
// left go first: anybody who may come and go makes such rows.
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

// bar is what keeps somebody out of an organization: a [Removal], or a membership that is inactive,
// of which it says only whose it is and since when.
type bar struct {
	Removal
	inactive bool
}

// of finds what keeps a user out of an organization where they are no member: what is remembered
// of themselves, or of their address, proved or not. Of several the one that binds more counts.
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

// at finds what the address of a user keeps them out by: other people had it when they were
// removed, left, or were made inactive.
func (rm removalRules) at(ctx context.Context, id OrganizationID, user User) (bar, bool, error) {
	people, err := rm.peopleAt(ctx, id, user)
	switch {
	case err != nil || len(people) == 0:
		return bar{}, false, err
	case len(people) >= sweepLimit: // anybody makes more such rows by coming and going with other tags
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

// peopleAt are the others, at most sweepLimit, who are remembered in an organization by the address
// of a user.
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

// errLeft is behind the error for somebody who left by themselves.
var errLeft = errors.New("left")

// pass holds somebody who comes in against what keeps them out, and forgets it where
// they may (rules M5, M6).
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

// forget forgets what kept a user out who is let in: what is remembered of themselves, and of
// others by their address. Their own addresses stay, for when they go again.
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

// passes reports whether the way that somebody comes by is a word about them since: the
// host's, or an invitation of their own. Who left by themselves needs no more than to ask.
func (j entrant) passes(b bar, user User) bool {
	switch {
	case j.host:
		return true
	case j.invitation != nil && user.hasEmail(j.invitation.EmailKey):
		// What stood to the address that they had ended with the membership. That leaves those to
		// another one, which is theirs by now.
		had, err := CanonicalEmail(b.Email)
		return err == nil && user.hasEmail(had) || !j.invitation.SentAt.Before(b.RemovedAt)
	}
	return b.Left && (j.via == JoinedCode || j.via == JoinedRequest)
}

// refuse is the error for somebody who was removed, left, or is inactive by another account. Everybody
// who hears it has proved their address.
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

// move makes what is remembered of a user be about another, into whom they are merged. Where
// both were removed the newer stays, and being removed binds more than having left; where
// the other is a member it is forgotten.
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

// binds reports whether a removal binds more than another of the same person.
func (r Removal) binds(other Removal) bool {
	if r.Left != other.Left {
		return other.Left
	}
	return r.RemovedAt.After(other.RemovedAt)
}

// release forgets where an account left that somebody else has taken over, and the addresses of who had
// it before. Where it was removed, or is inactive, it stays so, with the addresses: that was a word about
// its address, proved or not, for nobody gets in with an unproved one by themselves.
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

// erase forgets the removals of people who are erased, and of their addresses (rule U7),
// but for those of somebody who is still there.
func (rm removalRules) erase(ctx context.Context, addresses []string, people ...UserID) error {
	if _, err := rm.c.tx.Removals().DeleteAll(ctx, removalFilter{UserID: typed.Of(people...)}); err != nil {
		return err
	}
	return rm.eraseAddresses(ctx, addresses, people...)
}
