package tenancy

import (
	"context"
	"errors"
	"fmt"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/typed"
)

// admit makes the checks for every way in that makes an active member: seats, the single organization, and
// Config.OnJoin (rule M14). vacated is how many of the taken seats become free for this member.
func (jn joinRules) admit(ctx context.Context, j Join, vacated int) error {
	if err := jn.hasRoom(ctx, j, vacated); err != nil || jn.c.instance.config.OnJoin == nil {
		return err
	}
	jn.c.instance.cache.transacting.Add(1) // a check outside the transaction now looks at its context first
	defer jn.c.instance.cache.transacting.Add(-1)
	rows := jn.c.tx.rows
	own, remembers := rows.(*remembering)
	if remembers {
		rows = own.Rows // OnJoin sees the rows of the store, because it may write to them directly
	}
	host := jn.c.service.trusted().inside(rows, jn.c.changes)
	err := jn.c.instance.config.OnJoin(Trusted(jn.c.service.mark(ctx)), host, j)
	if remembers {
		own.forget() // OnJoin may have written past the memory of rows
	}
	jn.c.denied = append(jn.c.denied, host.txn.denied...)
	if err != nil {
		return &Error{Code: ErrJoinRefused, Err: err}
	}
	for _, m := range host.txn.mail {
		jn.c.mail = append(jn.c.mail, outgoing{m.Message, true})
	}
	return jn.hasRoom(ctx, j, vacated) // again: OnJoin may have let others in
}

// hasRoom refuses a user where the organization is full (rule M9), or where they may not be in a second
// organization (rule M13). For an account that was just taken over, its earlier memberships do not count (rule
// U5).
func (jn joinRules) hasRoom(ctx context.Context, j Join, vacated int) error {
	if err := jn.seats(ctx, j.Organization, vacated); err != nil {
		return err
	}
	if !jn.c.instance.config.SingleOrganization || !j.Organization.ArchivedAt.IsZero() || jn.c.freed == j.User.ID {
		return nil
	}
	elsewhere, err := jn.isActiveElsewhere(ctx, j.User.ID, j.Organization.ID)
	if err == nil && elsewhere {
		err = &Error{Code: ErrAlreadyMemberElsewhere}
	}
	return err
}

// seats refuses one more member where the limit is reached (rule M9). Void invitations, and members whom the
// host suspended, take no seat.
func (jn joinRules) seats(ctx context.Context, org Organization, vacated int) error {
	limit := org.Settings.SeatLimit
	if limit == 0 {
		return nil
	}
	members, err := jn.c.seats().members(ctx, org.ID)
	if err != nil || members < 0 { // OnJoin has removed the limit
		return err
	}
	invited, err := jn.c.tx.Invitations().Count(ctx, jn.c.invitations().pendingFilter(org.ID))
	if err != nil {
		return err
	}
	taken := members + invited
	if taken-vacated >= limit { // look for what takes no seat only if it matters
		suspended, err := jn.c.seats().suspended(ctx, org.ID)
		if err != nil {
			return err
		}
		idle, err := jn.c.seats().idle(ctx, org.ID, invited)
		if err != nil {
			return err
		}
		taken -= suspended + idle
	}
	if taken-vacated >= limit {
		return &Error{
			Code: ErrSeatLimit, Reason: fmt.Sprintf("%d of %d seats are taken", taken, limit),
			Counts: map[string]int{"seats": taken, "limit": limit},
		}
	}
	return nil
}

// seated counts one more active member where seats are limited, also where OnJoin has just set the limit.
func (jn joinRules) seated(ctx context.Context, org Organization) error {
	if org.Settings.SeatLimit == 0 && jn.c.instance.config.OnJoin == nil {
		return nil
	}
	return jn.c.seats().moved(ctx, org.ID, 1)
}

// isActiveElsewhere reports whether a user is an active member of another
// organization that is not archived (rules M13, O2).
func (jn joinRules) isActiveElsewhere(ctx context.Context, user UserID, here OrganizationID) (bool, error) {
	err := walk(ctx, jn.c.tx.Memberships(), membershipFilter{UserID: typed.Of(user), Status: typed.Of(MembershipActive)}, func(m Membership) error {
		if m.OrganizationID == here {
			return nil
		}
		org, err := jn.c.tx.Organizations().Get(ctx, m.OrganizationID)
		if err == nil && org.ArchivedAt.IsZero() {
			return errFound
		}
		return err
	})
	if errors.Is(err, errFound) {
		return true, nil
	}
	return false, err
}

// errFound ends a walk.
var errFound = errors.New("found")

// activeElsewhere returns the active members of an organization who are also active in another one.
func (jn joinRules) activeElsewhere(ctx context.Context, id OrganizationID) ([]Membership, error) {
	var both []Membership
	err := walk(ctx, jn.c.tx.Memberships(), membershipFilter{OrganizationID: typed.Of(id), Status: typed.Of(MembershipActive)}, func(m Membership) error {
		elsewhere, err := jn.isActiveElsewhere(ctx, m.UserID, id)
		if elsewhere {
			both = append(both, m)
		}
		return err
	})
	return both, err
}

// lockMembers takes the locks of all users in an organization.
func (ms memberRules) lockMembers(ctx context.Context, id OrganizationID) error {
	var locks []store.LockKey
	err := walk(ctx, ms.c.tx.Memberships(), membershipFilter{OrganizationID: typed.Of(id)}, func(m Membership) error {
		locks = append(locks, lockUser(m.UserID))
		return nil
	})
	if err != nil || len(locks) == 0 {
		return err
	}
	return ms.c.lock(ctx, locks...)
}
