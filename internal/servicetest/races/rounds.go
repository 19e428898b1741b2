package races

import (
	"fmt"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// ownersGo: two owners go in different ways; one must stay.
func ownersGo(r *race, n int) bool {
	a, b := r.User("a", n), r.User("b", n)
	org := r.Org(a, b)
	ways := []func(user tenancy.User) error{
		func(u tenancy.User) error { return r.Svc.Memberships.Leave(r.Ctx, org.ID, u.ID) },
		func(u tenancy.User) error {
			_, err := r.Svc.Memberships.SetRoles(r.Ctx, org.ID, u.ID, rbac.Member)
			return err
		},
		func(u tenancy.User) error {
			_, err := r.Svc.Memberships.Deactivate(r.Ctx, org.ID, u.ID)
			return err
		},
		func(u tenancy.User) error { return r.Svc.Memberships.Remove(r.Ctx, org.ID, u.ID) },
	}
	one, other := ways[n%len(ways)], ways[n/len(ways)%len(ways)]
	codes := r.Together(func() error { return one(a) }, func() error { return other(b) })
	_, owners := r.Active(org)
	return owners == 1 && servicetest.Count(codes, "") == 1 && servicetest.Count(codes, tenancy.ErrLastOwner) == 1
}

// ownersDeleted: two owners of two organizations are deleted; one must stay.
func ownersDeleted(r *race, n int) bool {
	a, b := r.User("a", n), r.User("b", n)
	first, second := r.Org(a, b), r.Org(b, a)
	codes := r.Together(
		func() error { return r.Svc.Users.Delete(r.Ctx, a.ID) },
		func() error { return r.Svc.Users.Delete(r.Ctx, b.ID) },
	)
	_, ownFirst := r.Active(first)
	_, ownSecond := r.Active(second)
	return ownFirst == 1 && ownSecond == 1 && servicetest.Count(codes, "") == 1 && servicetest.Count(codes, tenancy.ErrLastOwner) == 1
}

// seatsFill: 16 users are added, 4 of them twice, where 5 seats are left, while
// somebody who has one comes and goes.
func seatsFill(r *race, n int) bool {
	const free, wanting = 5, 16
	owner, mover := r.User("owner", n), r.User("mover", n)
	org := r.Org(owner)
	_, err := r.Svc.Memberships.Add(r.Ctx, servicetest.Adding(org, mover))
	r.NoError(err)
	_, err = r.Svc.Organizations.Update(r.Ctx, org.ID, tenancy.OrganizationUpdate{SeatLimit: servicetest.Ptr(free + 2)})
	r.NoError(err)
	users := make([]tenancy.User, wanting)
	for i := range users {
		users[i] = r.User(fmt.Sprintf("seat%d-", i), n)
	}
	calls := servicetest.Repeat(wanting+4, func(i int) error {
		_, err := r.Svc.Memberships.Add(r.Ctx, servicetest.Adding(org, users[i%wanting]))
		return err
	})
	codes := r.Together(append(calls, func() error {
		if _, err := r.Svc.Memberships.Deactivate(r.Ctx, org.ID, mover.ID); err != nil {
			return err
		}
		_, err := r.Svc.Memberships.Reactivate(r.Ctx, org.ID, mover.ID)
		return err
	})...)
	members, _ := r.Active(org)
	return members == free+2 && servicetest.Count(codes[:len(calls)], "") <= free+1
}

// mergeBoth: a into b and b into a; one goes first, and then the other cannot.
func mergeBoth(r *race, n int) bool {
	a, b := r.User("a", n), r.User("b", n)
	shared, own := r.Org(a, b), r.Org(a)
	codes := r.Together(
		func() error { _, err := r.Svc.Users.Merge(r.Ctx, a.ID, b.ID); return err },
		func() error { _, err := r.Svc.Users.Merge(r.Ctx, b.ID, a.ID); return err },
	)
	inShared, ownShared := r.Active(shared)
	inOwn, ownOwn := r.Active(own)
	return servicetest.Count(codes, "") == 1 && servicetest.Count(codes, tenancy.ErrMerged) == 1 &&
		inShared == 1 && ownShared == 1 && inOwn == 1 && ownOwn == 1
}

// mergeRing: a into b, b into c, c into a; two can come true, in either order.
func mergeRing(r *race, n int) bool {
	ring := []tenancy.User{r.User("a", n), r.User("b", n), r.User("c", n)}
	org := r.Org(ring...)
	codes := r.Together(servicetest.Repeat(3, func(i int) error {
		_, err := r.Svc.Users.Merge(r.Ctx, ring[i].ID, ring[(i+1)%3].ID)
		return err
	})...)
	members, owners := r.Active(org)
	merged := servicetest.Count(codes, "")
	return merged >= 1 && merged <= 2 && merged+servicetest.Count(codes, tenancy.ErrMerged) == 3 && members == 3-merged && owners == members
}

// deleteAndAdd: either the membership goes with the user or it is never made.
func deleteAndAdd(r *race, n int) bool {
	owner, user := r.User("owner", n), r.User("user", n)
	orgs := []tenancy.Organization{r.Org(owner), r.Org(owner), r.Org(owner)}
	codes := r.Together(append(servicetest.Repeat(len(orgs), func(i int) error {
		_, err := r.Svc.Memberships.Add(r.Ctx, servicetest.Adding(orgs[i], user))
		return err
	}), func() error { return r.Svc.Users.Delete(r.Ctx, user.ID) })...)
	if codes[3] != "" || servicetest.Count(codes, "")+servicetest.Count(codes, tenancy.ErrNotFound) != 4 {
		return false
	}
	for _, org := range orgs {
		if members, _ := r.Active(org); members != 1 {
			return false
		}
	}
	return true
}

// oneEmail: 64 users with one address in different case; one is made.
func oneEmail(r *race, n int) bool {
	codes := r.Together(servicetest.Repeat(64, func(i int) error {
		local := []string{"same", "Same", "SAME"}[i%3]
		_, err := r.Svc.Users.Create(r.Ctx, tenancy.NewUser{Email: fmt.Sprintf("%s%d@race.example", local, n)})
		return err
	})...)
	return servicetest.Count(codes, "") == 1 && servicetest.Count(codes, tenancy.ErrAlreadyExists) == 63
}

// oneIdentity: a subject is linked to eight users at once; one gets it.
func oneIdentity(r *race, n int) bool {
	users := make([]tenancy.User, 8)
	for i := range users {
		users[i] = r.User(fmt.Sprintf("link%d-", i), n)
	}
	codes := r.Together(servicetest.Repeat(len(users), func(i int) error {
		_, err := r.Svc.Identities.Link(r.Ctx, users[i].ID, tenancy.NewIdentity{Provider: "google", Subject: fmt.Sprint(n)})
		return err
	})...)
	return servicetest.Count(codes, "") == 1 && servicetest.Count(codes, tenancy.ErrAlreadyExists) == 7
}

// oneProof: eight bring one token; one spends it.
func oneProof(r *race, n int) bool {
	user := r.User("proof", n)
	proof, err := r.Svc.Users.ChangeEmail(r.Ctx, user.ID, fmt.Sprintf("proved%d@race.example", n))
	r.NoError(err)
	codes := r.Together(servicetest.Repeat(8, func(int) error {
		_, err := r.Svc.As(tenancy.UserPrincipal(user.ID)).Users.ConfirmEmail(r.Ctx, tenancy.EmailConfirmation{Token: proof.Token.Reveal()})
		return err
	})...)
	return servicetest.Count(codes, "") == 1 && servicetest.Count(codes, tenancy.ErrTokenUsed) == 7
}

// restored: an organization is taken out of the archive while one of its members
// joins another, and somebody else joins both; nobody is active in two.
func restored(r *race, n int) bool {
	member, joiner := r.User("member", n), r.User("joiner", n)
	old, err := r.Single.Organizations.Create(r.Ctx, tenancy.NewOrganization{DisplayName: "Old", Owner: member.ID})
	r.NoError(err)
	other, err := r.Single.Organizations.Create(r.Ctx, tenancy.NewOrganization{DisplayName: "Other"})
	r.NoError(err)
	_, err = r.Single.Organizations.Archive(r.Ctx, old.ID)
	r.NoError(err)
	add := func(org tenancy.Organization, user tenancy.User) func() error {
		return func() error { _, err := r.Single.Memberships.Add(r.Ctx, servicetest.Adding(org, user)); return err }
	}
	r.Together(
		func() error { _, err := r.Single.Organizations.Restore(r.Ctx, old.ID); return err },
		add(other, member), add(old, joiner), add(other, joiner),
	)
	for _, user := range []tenancy.User{member, joiner} {
		page, err := r.Single.Memberships.ListByUser(r.Ctx, user.ID, tenancy.MemberQuery{})
		r.NoError(err)
		if len(page.Items) > 1 {
			return false
		}
	}
	return true
}
