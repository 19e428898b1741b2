package tenancy

import (
	"context"
	"maps"
	"slices"

	"github.com/freehold-dev/freehold/store/typed"
)

// rekey updates the copies of a user's fields in memberships. It does not mark pending memberships as
// suspended, because strangers make these.
func (us userRules) rekey(ctx context.Context, before, user User) error {
	if before.NameKey == user.NameKey && before.EmailKey == user.EmailKey && before.SuspendedAt.IsZero() == user.SuspendedAt.IsZero() {
		return nil
	}
	if err := us.c.members().lockOrganizationsOf(ctx, user.ID); err != nil {
		return err
	}
	var keys []string
	if before.NameKey != user.NameKey {
		keys = append(keys, "name_key")
	}
	if before.EmailKey != user.EmailKey {
		keys = append(keys, "email_key")
	}
	now := Membership{NameKey: user.NameKey, EmailKey: user.EmailKey, UserSuspended: !user.SuspendedAt.IsZero()}
	for _, follows := range []struct {
		columns []string
		changed bool
		in      membershipFilter
	}{
		{append(keys, wordColumns[:]...), len(keys) > 0, membershipFilter{Named: typed.Of(false)}},
		{[]string{"user_suspended"}, before.SuspendedAt.IsZero() != user.SuspendedAt.IsZero(), membershipFilter{Status: typed.Of(MembershipActive, MembershipInactive)}},
	} {
		if !follows.changed {
			continue
		}
		follows.in.UserID = typed.Of(user.ID)
		// UpdatedAt stays
		if _, err := us.c.tx.Memberships().UpdateAll(ctx, follows.in, now, follows.columns...); err != nil {
			return err
		}
	}
	if before.EmailKey == user.EmailKey {
		return nil
	}
	return us.readdress(ctx, user)
}

// readdress updates the address in the memberships that have a name of their own. It updates those with the
// same name in one statement, because a member's search words come from both.
func (us userRules) readdress(ctx context.Context, user User) error {
	own, err := collect(ctx, us.c.tx.Memberships(), membershipFilter{UserID: typed.Of(user.ID), Named: typed.Of(true)})
	if err != nil {
		return err
	}
	named := map[string][]MembershipID{}
	for _, m := range own {
		named[m.NameKey] = append(named[m.NameKey], m.ID)
	}
	for _, name := range slices.Sorted(maps.Keys(named)) {
		now := Membership{NameKey: name, EmailKey: user.EmailKey}
		columns := append([]string{"email_key"}, wordColumns[:]...)
		for some := range slices.Chunk(named[name], MaxLimit) {
			if _, err := us.c.tx.Memberships().UpdateAll(ctx, membershipFilter{ID: typed.Of(some...)}, now, columns...); err != nil {
				return err
			}
		}
	}
	return nil
}
