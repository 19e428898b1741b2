package tenancy

import (
	"context"
	"time"

	"github.com/freehold-dev/freehold/store/typed"
)

// seatCount is how many active members an organization with a seat limit has (rule M9). It is
// kept, so that nobody counts them all to let one more in; an organization without a limit has
// none. Whatever makes a member active, or ends that, moves it under the organization's lock.
type seatCount struct {
	ID      seatCountID // the organization's
	Version int64
	Members int // those whom the host suspended, too
}

// seatCountID is the id of an organization, as that of its count, sct_...
type seatCountID = ID[seatCount]

func (seatCount) idPrefix() string { return "sct" }

func (s seatCount) rowID() [16]byte { return s.ID }

func (s *seatCount) stamps() (*int64, *time.Time) { return &s.Version, nil }

// seatCountRows says how one lies in a row.
var seatCountRows = typed.Describe[seatCount, struct{}](
	"tenancy_seats", "seat count",
	typed.ID("id", func(v *seatCount) *seatCountID { return &v.ID }),
	typed.Integer("version", func(v *seatCount) *int64 { return &v.Version }),
	typed.Integer("members", func(v *seatCount) *int { return &v.Members }),
)

func (t *txn) Seats() table[seatCount, struct{}] { return bind(t, seatCountRows) }

// seats is how many of the seats of its organization a membership is counted with.
func (m Membership) seats() int {
	if m.Status == MembershipActive {
		return 1
	}
	return 0
}

// limited begins to count the members of an organization whose seats are limited from now on,
// and ends that where they are no more.
func (st seatRules) limited(ctx context.Context, before, org Organization) error {
	had, has := before.Settings.SeatLimit > 0, org.Settings.SeatLimit > 0
	switch {
	case had && !has:
		if err := st.c.tx.Seats().Delete(ctx, seatCountID(org.ID)); CodeOf(err) != ErrNotFound {
			return err
		}
	case has && !had:
		n, err := st.count(ctx, org.ID)
		if err != nil {
			return err
		}
		return st.c.tx.Seats().Insert(ctx, seatCount{ID: seatCountID(org.ID), Version: 1, Members: n})
	}
	return nil
}

// members is how many active members count in an organization that limits its seats; below zero
// where it does not, any more. They are counted where nobody has: in a row from elsewhere.
func (st seatRules) members(ctx context.Context, id OrganizationID) (int, error) {
	n, err := st.c.tx.Seats().Get(ctx, seatCountID(id))
	if CodeOf(err) != ErrNotFound {
		return n.Members, err
	}
	org, err := st.c.tx.Organizations().Get(ctx, id)
	if err != nil || org.Settings.SeatLimit == 0 {
		return -1, err
	}
	return st.count(ctx, id)
}

func (st seatRules) count(ctx context.Context, id OrganizationID) (int, error) {
	return st.c.tx.Memberships().Count(ctx, membershipFilter{OrganizationID: typed.Of(id), Status: typed.Of(MembershipActive)})
}

// moved counts so many more active members, or fewer, where an organization counts them.
func (st seatRules) moved(ctx context.Context, id OrganizationID, by int) error {
	if by == 0 {
		return nil
	}
	n, err := st.c.tx.Seats().Get(ctx, seatCountID(id))
	if CodeOf(err) == ErrNotFound {
		return nil
	}
	if err != nil {
		return err
	}
	n.Members += by
	return put(ctx, st.c, st.c.tx.Seats().Update, &n)
}
