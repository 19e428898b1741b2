package model

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/tenancy"
)

// check compares everything that there is to read.
func (m *machine) check(rt *rapid.T) {
	m.rt = rt
	m.checkOrgs()
	m.checkSlugs()
	m.checkUsers()
	for _, org := range sorted(m.s.orgs, orgID, all) { // in order: each draws
		m.checkMembers(org)
	}
	for _, user := range sorted(m.s.users, userID, all) {
		m.checkUser(user)
	}
	m.checkLog()
	if m.depth == 0 {
		m.checkRows()
	}
}

// readAll reads a list to its end.
func readAll[T any](m *machine, items iter.Seq2[T, error]) []T {
	var list []T
	for item, err := range items {
		require.NoError(m.rt, err)
		list = append(list, item)
	}
	return list
}

// inOrder puts what is sorted by id into an order, or backwards.
func inOrder[T any](list []T, desc bool, key func(T) string) []T {
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b T) int { return cmp.Compare(key(a), key(b)) })
	if desc {
		slices.Reverse(list)
	}
	return list
}

func (m *machine) checkOrgs() {
	q := tenancy.OrganizationQuery{
		Order: draw(m, "order", tenancy.ByID, tenancy.ByName), Descending: rapid.Bool().Draw(m.rt, "descending"),
		Limit: draw(m, "limit", 0, 1, 2, 1000), NamePrefix: draw(m, "prefix", "", "", "ACME", "ü", "x"),
	}
	for _, archived := range []bool{false, true} {
		q.Archived = archived
		want := sorted(m.s.orgs, orgID, func(o tenancy.Organization) bool {
			return !o.ArchivedAt.IsZero() == archived && strings.HasPrefix(o.NameKey, strings.ToLower(q.NamePrefix))
		})
		want = inOrder(want, q.Descending, func(o tenancy.Organization) string {
			if q.Order == tenancy.ByName || q.NamePrefix != "" {
				return o.NameKey
			}
			return ""
		})
		require.Equal(m.rt, want, readAll(m, m.svc.Organizations.All(m.ctx, q)))
	}
	for id, org := range m.s.orgs {
		found := func(got tenancy.Organization, err error) {
			require.NoError(m.rt, err)
			require.Equal(m.rt, org, got)
		}
		found(m.svc.Organizations.Get(m.ctx, id))
		if org.Slug != "" {
			found(m.svc.Organizations.GetBySlug(m.ctx, org.Slug))
		}
		if org.ExternalID != "" {
			found(m.svc.Organizations.GetByExternalID(m.ctx, org.ExternalID))
		}
	}
}

// checkSlugs is O5: a slug that is reserved leads to its organization, as long as that exists.
func (m *machine) checkSlugs() {
	for slug, former := range m.s.slugs {
		org, there := m.s.orgs[former.org]
		got, err := m.svc.Organizations.GetByFormerSlug(m.ctx, slug)
		if there && m.s.now.Before(former.ends) {
			require.NoError(m.rt, err)
			require.Equal(m.rt, org, got)
		} else {
			require.Equal(m.rt, tenancy.ErrNotFound, tenancy.CodeOf(err))
		}
	}
}

func (m *machine) checkUsers() {
	q := tenancy.UserQuery{
		Order: draw(m, "order", tenancy.ByID, tenancy.ByName, tenancy.ByEmail), Descending: rapid.Bool().Draw(m.rt, "descending"),
		Limit: draw(m, "limit", 0, 1, 2, 1000), EmailPrefix: draw(m, "prefix", "", "", "BOB", "x"),
	}
	want := sorted(m.s.users, userID, func(u tenancy.User) bool {
		return u.MergedInto.IsZero() && strings.HasPrefix(u.EmailKey, strings.ToLower(q.EmailPrefix))
	})
	want = inOrder(want, q.Descending, func(u tenancy.User) string {
		order := q.Order
		if order == tenancy.ByID && q.EmailPrefix != "" {
			order = tenancy.ByEmail
		}
		return map[tenancy.Order]string{tenancy.ByName: u.NameKey, tenancy.ByEmail: u.EmailKey}[order]
	})
	require.Equal(m.rt, want, readAll(m, m.svc.Users.All(m.ctx, q)))
}

// instant is a time as text that sorts as the time does.
func instant(t time.Time) string { return fmt.Sprintf("%020d", t.UnixMicro()-time.Time{}.UnixMicro()) }

func (m *machine) checkMembers(org tenancy.Organization) {
	q := tenancy.MemberQuery{
		Order: draw(m, "order", tenancy.ByID, tenancy.ByName, tenancy.ByEmail, tenancy.ByJoined, tenancy.ByLastSignIn), Descending: rapid.Bool().Draw(m.rt, "descending"),
		Limit: draw(m, "limit", 0, 1, 2, 1000),
		Statuses: draw(m, "statuses", nil, []tenancy.MembershipStatus{}, []tenancy.MembershipStatus{
			tenancy.MembershipActive, tenancy.MembershipInactive, tenancy.MembershipPending,
		}),
	}
	want := m.s.membersWhere(func(member modelMember) bool {
		return member.OrganizationID == org.ID && (slices.Contains(q.Statuses, member.Status) || q.Statuses == nil && member.active())
	})
	want = inOrder(want, q.Descending, func(member modelMember) string {
		return map[tenancy.Order]string{
			tenancy.ByName: member.NameKey, tenancy.ByEmail: member.EmailKey,
			tenancy.ByJoined: instant(member.JoinedAt), tenancy.ByLastSignIn: instant(member.LastSignInAt),
		}[q.Order]
	})
	m.sameMembers(want, readAll(m, m.svc.Memberships.All(m.ctx, org.ID, q)))
	for _, member := range m.s.membersIn(org.ID) {
		got, err := m.svc.Memberships.Get(m.ctx, org.ID, member.UserID)
		require.NoError(m.rt, err)
		m.sameMember(member, got)
	}
}

func (m *machine) sameMembers(want []modelMember, got []tenancy.Member) {
	require.Len(m.rt, got, len(want))
	for i := range want {
		m.sameMember(want[i], got[i])
	}
}

// checkUser looks at one user from every side.
func (m *machine) checkUser(user tenancy.User) {
	got, err := m.svc.Users.Get(m.ctx, user.ID)
	if !user.MergedInto.IsZero() { // U6
		require.ErrorIs(m.rt, err, tenancy.ErrMerged)
		var e *tenancy.Error
		require.ErrorAs(m.rt, err, &e)
		require.Equal(m.rt, []string{user.MergedInto.String()}, e.IDs)
		return
	}
	require.NoError(m.rt, err)
	require.Equal(m.rt, user, got)
	got, err = m.svc.Users.GetByEmail(m.ctx, strings.ToUpper(user.Email))
	require.NoError(m.rt, err)
	require.Equal(m.rt, user, got)
	identities, err := m.svc.Identities.List(m.ctx, user.ID)
	require.NoError(m.rt, err)
	require.Equal(m.rt, append([]tenancy.Identity{}, m.s.identitiesOf(user.ID)...), identities) // never nil (G15)
	want := m.s.membersWhere(func(member modelMember) bool {
		return member.UserID == user.ID && member.active() && m.s.orgs[member.OrganizationID].ArchivedAt.IsZero()
	})
	q := tenancy.MemberQuery{Limit: draw(m, "limit", 0, 1, 1000)}
	m.sameMembers(want, readAll(m, m.svc.Memberships.AllByUser(m.ctx, user.ID, q)))
}

// checkRows looks past the Service for what should not be there.
func (m *machine) checkRows() {
	var d servicetest.Dump
	require.NoError(m.rt, m.store.View(m.ctx, func(rows store.Rows) (err error) {
		d, err = servicetest.DumpOf(m.ctx, rows)
		return err
	}))
	roles := 0
	for _, member := range m.s.members {
		roles += len(member.Roles)
	}
	require.Len(m.rt, d.Organizations, len(m.s.orgs))
	require.Len(m.rt, d.FormerSlugs, len(m.s.slugs))
	require.Len(m.rt, d.Users, len(m.s.users))
	require.Len(m.rt, d.Memberships, len(m.s.members))
	require.Len(m.rt, d.Identities, len(m.s.identities))
	require.Len(m.rt, d.RoleAssignments, roles)
	kept := 0
	for _, proof := range m.s.proofs {
		if !proof.gone {
			kept++
		}
	}
	require.Len(m.rt, d.Secrets, kept)
}
