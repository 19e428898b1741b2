package tenancy

import (
	"context"
	"slices"
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

// Seats is how many seats of an organization are taken, and how many there are (rule M9).
type Seats struct {
	Used    int `json:"used"`            // active members, without those whom the host suspended
	Invited int `json:"invited"`         // invitations that stand, which keep a seat until they are accepted
	Limit   int `json:"limit,omitempty"` // Settings.SeatLimit; 0 = none
}

// Seats counts the seats of an organization, exactly as the limit counts them (rules M9, G17): Used and Invited
// together are compared with Limit, and exceed it where the limit was lowered. An invitation that ran out, is
// void, or is to a member's own address keeps no seat.
//
// With a limit it reads the kept count of members, which costs the same however many there are. Without one it
// counts them. It reads one snapshot.
//
// Errors: [ErrNotFound] for the organization.
func (g Organizations) Seats(ctx context.Context, id OrganizationID) (Seats, error) {
	return read(ctx, g.s, organizationsSeats, id.String(), func(ctx context.Context, c *call) (Seats, error) {
		if err := c.access().authorize(ctx, scope{organization: id}); err != nil {
			return Seats{}, err
		}
		org, err := c.tx.Organizations().Get(ctx, id)
		if err != nil {
			return Seats{}, err
		}
		return c.seats().taken(ctx, org)
	})
}

// taken counts the seats of an organization.
func (st seatRules) taken(ctx context.Context, org Organization) (Seats, error) {
	s := Seats{Limit: org.Settings.SeatLimit}
	members, err := st.members(ctx, org.ID)
	if err == nil && members < 0 {
		members, err = st.count(ctx, org.ID)
	}
	if err != nil {
		return Seats{}, err
	}
	suspended, err := st.suspended(ctx, org.ID)
	if err != nil {
		return Seats{}, err
	}
	standing, err := st.c.tx.Invitations().Count(ctx, st.c.invitations().pendingFilter(org.ID))
	if err != nil {
		return Seats{}, err
	}
	idle, err := st.idle(ctx, org.ID, standing)
	s.Used, s.Invited = members-suspended, standing-idle
	return s, err
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

// suspended counts the active members whom the host suspended, who have no seat (rule M9).
func (st seatRules) suspended(ctx context.Context, id OrganizationID) (int, error) {
	return st.c.tx.Memberships().Count(ctx, membershipFilter{
		OrganizationID: typed.Of(id), Status: typed.Of(MembershipActive), UserSuspended: typed.Of(true),
	})
}

// idle counts the invitations that stand and have no seat (rule M9): those that are void, or are to a
// member's own address. invited is how many stand.
func (st seatRules) idle(ctx context.Context, id OrganizationID, invited int) (n int, err error) {
	if invited == 0 {
		return 0, nil
	}
	standing, err := collect(ctx, st.c.tx.Invitations(), st.c.invitations().pendingFilter(id))
	if err != nil {
		return 0, err
	}
	all := make([]promise, len(standing))
	for i, inv := range standing {
		all[i] = inv.promise()
	}
	void, err := st.c.invitations().areVoid(ctx, id, all)
	if err != nil {
		return 0, err
	}
	var good []string
	for i, inv := range standing {
		if void[i] {
			n++
		} else {
			good = append(good, inv.EmailKey)
		}
	}
	for keys := range slices.Chunk(good, walkLimit) {
		members, err := st.c.tx.Memberships().Count(ctx, membershipFilter{
			OrganizationID: typed.Of(id), Status: typed.Of(MembershipActive), EmailKey: typed.Of(keys...),
		})
		if err != nil {
			return 0, err
		}
		n += members
	}
	return n, nil
}
