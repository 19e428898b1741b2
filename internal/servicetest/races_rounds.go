package servicetest

import (
	"fmt"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// ownersGo: two owners go in different ways; one must stay.
func ownersGo(r *race, n int) bool {
	a, b := r.user("a", n), r.user("b", n)
	org := r.org(a, b)
	ways := []func(user tenancy.User) error{
		func(u tenancy.User) error { return r.svc.Memberships.Leave(r.ctx, org.ID, u.ID) },
		func(u tenancy.User) error {
			_, err := r.svc.Memberships.SetRoles(r.ctx, org.ID, u.ID, rbac.Member)
			return err
		},
		func(u tenancy.User) error {
			_, err := r.svc.Memberships.Deactivate(r.ctx, org.ID, u.ID)
			return err
		},
		func(u tenancy.User) error { return r.svc.Memberships.Remove(r.ctx, org.ID, u.ID) },
	}
	one, other := ways[n%len(ways)], ways[n/len(ways)%len(ways)]
	codes := r.together(func() error { return one(a) }, func() error { return other(b) })
	_, owners := r.active(org)
	return owners == 1 && count(codes, "") == 1 && count(codes, tenancy.ErrLastOwner) == 1
}

// ownersDeleted: two owners of two organizations are deleted; one must stay.
func ownersDeleted(r *race, n int) bool {
	a, b := r.user("a", n), r.user("b", n)
	first, second := r.org(a, b), r.org(b, a)
	codes := r.together(
		func() error { return r.svc.Users.Delete(r.ctx, a.ID) },
		func() error { return r.svc.Users.Delete(r.ctx, b.ID) },
	)
	_, ownFirst := r.active(first)
	_, ownSecond := r.active(second)
	return ownFirst == 1 && ownSecond == 1 && count(codes, "") == 1 && count(codes, tenancy.ErrLastOwner) == 1
}

// seatsFill: 16 users are added, 4 of them twice, where 5 seats are left, while
// somebody who has one comes and goes.
func seatsFill(r *race, n int) bool {
	const free, wanting = 5, 16
	owner, mover := r.user("owner", n), r.user("mover", n)
	org := r.org(owner)
	_, err := r.svc.Memberships.Add(r.ctx, adding(org, mover))
	r.NoError(err)
	_, err = r.svc.Organizations.Update(r.ctx, org.ID, tenancy.OrganizationUpdate{SeatLimit: ptr(free + 2)})
	r.NoError(err)
	users := make([]tenancy.User, wanting)
	for i := range users {
		users[i] = r.user(fmt.Sprintf("seat%d-", i), n)
	}
	calls := repeat(wanting+4, func(i int) error {
		_, err := r.svc.Memberships.Add(r.ctx, adding(org, users[i%wanting]))
		return err
	})
	codes := r.together(append(calls, func() error {
		if _, err := r.svc.Memberships.Deactivate(r.ctx, org.ID, mover.ID); err != nil {
			return err
		}
		_, err := r.svc.Memberships.Reactivate(r.ctx, org.ID, mover.ID)
		return err
	})...)
	members, _ := r.active(org)
	return members == free+2 && count(codes[:len(calls)], "") <= free+1
}

// mergeBoth: a into b and b into a; one goes first, and then the other cannot.
func mergeBoth(r *race, n int) bool {
	a, b := r.user("a", n), r.user("b", n)
	shared, own := r.org(a, b), r.org(a)
	codes := r.together(
		func() error { _, err := r.svc.Users.Merge(r.ctx, a.ID, b.ID); return err },
		func() error { _, err := r.svc.Users.Merge(r.ctx, b.ID, a.ID); return err },
	)
	inShared, ownShared := r.active(shared)
	inOwn, ownOwn := r.active(own)
	return count(codes, "") == 1 && count(codes, tenancy.ErrMerged) == 1 &&
		inShared == 1 && ownShared == 1 && inOwn == 1 && ownOwn == 1
}

// mergeRing: a into b, b into c, c into a; two can come true, in either order.
func mergeRing(r *race, n int) bool {
	ring := []tenancy.User{r.user("a", n), r.user("b", n), r.user("c", n)}
	org := r.org(ring...)
	codes := r.together(repeat(3, func(i int) error {
		_, err := r.svc.Users.Merge(r.ctx, ring[i].ID, ring[(i+1)%3].ID)
		return err
	})...)
	members, owners := r.active(org)
	merged := count(codes, "")
	return merged >= 1 && merged <= 2 && merged+count(codes, tenancy.ErrMerged) == 3 && members == 3-merged && owners == members
}

// deleteAndAdd: either the membership goes with the user or it is never made.
func deleteAndAdd(r *race, n int) bool {
	owner, user := r.user("owner", n), r.user("user", n)
	orgs := []tenancy.Organization{r.org(owner), r.org(owner), r.org(owner)}
	codes := r.together(append(repeat(len(orgs), func(i int) error {
		_, err := r.svc.Memberships.Add(r.ctx, adding(orgs[i], user))
		return err
	}), func() error { return r.svc.Users.Delete(r.ctx, user.ID) })...)
	if codes[3] != "" || count(codes, "")+count(codes, tenancy.ErrNotFound) != 4 {
		return false
	}
	for _, org := range orgs {
		if members, _ := r.active(org); members != 1 {
			return false
		}
	}
	return true
}

// oneEmail: 64 users with one address in different case; one is made.
func oneEmail(r *race, n int) bool {
	codes := r.together(repeat(64, func(i int) error {
		local := []string{"same", "Same", "SAME"}[i%3]
		_, err := r.svc.Users.Create(r.ctx, tenancy.NewUser{Email: fmt.Sprintf("%s%d@race.example", local, n)})
		return err
	})...)
	return count(codes, "") == 1 && count(codes, tenancy.ErrAlreadyExists) == 63
}

// oneIdentity: a subject is linked to eight users at once; one gets it.
func oneIdentity(r *race, n int) bool {
	users := make([]tenancy.User, 8)
	for i := range users {
		users[i] = r.user(fmt.Sprintf("link%d-", i), n)
	}
	codes := r.together(repeat(len(users), func(i int) error {
		_, err := r.svc.Identities.Link(r.ctx, users[i].ID, tenancy.NewIdentity{Provider: "google", Subject: fmt.Sprint(n)})
		return err
	})...)
	return count(codes, "") == 1 && count(codes, tenancy.ErrAlreadyExists) == 7
}

// oneProof: eight bring one token; one spends it.
func oneProof(r *race, n int) bool {
	user := r.user("proof", n)
	proof, err := r.svc.Users.ChangeEmail(r.ctx, user.ID, fmt.Sprintf("proved%d@race.example", n))
	r.NoError(err)
	codes := r.together(repeat(8, func(int) error {
		_, err := r.svc.As(tenancy.UserPrincipal(user.ID)).Users.ConfirmEmail(r.ctx, tenancy.EmailConfirmation{Token: proof.Token.Reveal()})
		return err
	})...)
	return count(codes, "") == 1 && count(codes, tenancy.ErrTokenUsed) == 7
}

// restored: an organization is taken out of the archive while one of its members
// joins another, and somebody else joins both; nobody is active in two.
func restored(r *race, n int) bool {
	member, joiner := r.user("member", n), r.user("joiner", n)
	old, err := r.single.Organizations.Create(r.ctx, tenancy.NewOrganization{DisplayName: "Old", Owner: member.ID})
	r.NoError(err)
	other, err := r.single.Organizations.Create(r.ctx, tenancy.NewOrganization{DisplayName: "Other"})
	r.NoError(err)
	_, err = r.single.Organizations.Archive(r.ctx, old.ID)
	r.NoError(err)
	add := func(org tenancy.Organization, user tenancy.User) func() error {
		return func() error { _, err := r.single.Memberships.Add(r.ctx, adding(org, user)); return err }
	}
	r.together(
		func() error { _, err := r.single.Organizations.Restore(r.ctx, old.ID); return err },
		add(other, member), add(old, joiner), add(other, joiner),
	)
	for _, user := range []tenancy.User{member, joiner} {
		page, err := r.single.Memberships.ListByUser(r.ctx, user.ID, tenancy.MemberQuery{})
		r.NoError(err)
		if len(page.Items) > 1 {
			return false
		}
	}
	return true
}
