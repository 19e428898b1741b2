package tenancy

import (
	"context"
	"slices"
	"time"

	"github.com/freehold-dev/freehold/store/typed"
)

// seatCount is how many active members an organization with a seat limit has (rule M9). The store keeps it, so
// that a call which lets one more in need not count them all. An organization without a limit has no such row.
// Every call that makes a member active, or ends that, updates it under the organization's lock.
type seatCount struct {
	ID      seatCountID // the organization's id
	Version int64
	Members int // also those whom the host suspended
}

// seatCountID is the id of a seat count: the organization's id, with the prefix sct_.
type seatCountID = ID[seatCount]

func (seatCount) idPrefix() string { return "sct" }

func (s seatCount) rowID() [16]byte { return s.ID }

func (s *seatCount) stamps() (*int64, *time.Time) { return &s.Version, nil }

// seatCountRows describes the row of a seat count.
var seatCountRows = typed.Describe[seatCount, struct{}](
	"tenancy_seats", "seat count",
	typed.ID("id", func(v *seatCount) *seatCountID { return &v.ID }),
	typed.Integer("version", func(v *seatCount) *int64 { return &v.Version }),
	typed.Integer("members", func(v *seatCount) *int { return &v.Members }),
)

func (t *txn) Seats() table[seatCount, struct{}] { return bind(t, seatCountRows) }

// seats returns how many active members a membership counts as: 1 or 0.
func (m Membership) seats() int {
	if m.Status == MembershipActive {
		return 1
	}
	return 0
}

// limited starts the count of an organization whose seats become limited, and deletes it where they are not
// limited any more.
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

// members returns the count of active members in an organization that limits its seats; below zero if it does
// not limit them any more. It counts them if no row has the number yet, as for rows that were written past the
// Service.
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

// Seats is how many seats of an organization are taken, and how many it has (rule M9).
type Seats struct {
	Used    int `json:"used"`            // active members, without those whom the host suspended
	Invited int `json:"invited"`         // pending invitations, which take a seat until they are accepted
	Limit   int `json:"limit,omitempty"` // Settings.SeatLimit; 0 = none
}

// Seats returns how many seats of an organization are taken, exactly as the limit counts them (rules M9, G17).
// The limit applies to Used and Invited together; their sum is above Limit after the limit was lowered. An
// invitation takes no seat if it has expired, is void, or is to a member's own address.
//
// With a limit, Seats reads a stored count of members, so its cost does not depend on their number. Without a
// limit it counts them. It reads one snapshot.
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

// taken counts the taken seats of an organization.
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

// moved changes the count of active members by a number, where the organization has one.
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

// suspended counts the active members whom the host suspended; they take no seat (rule M9).
func (st seatRules) suspended(ctx context.Context, id OrganizationID) (int, error) {
	return st.c.tx.Memberships().Count(ctx, membershipFilter{
		OrganizationID: typed.Of(id), Status: typed.Of(MembershipActive), UserSuspended: typed.Of(true),
	})
}

// idle counts the pending invitations that take no seat, because they are void or to a member's own address
// (rule M9). invited is how many are pending.
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
