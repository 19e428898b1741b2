package tenancy

import (
	"context"
	"time"
)

// UserHistory has the times of a user's account in the system from which it is imported. Only
// [Service.Import] accepts one. No time may be in the future or before 1970; each is cut to microseconds.
// Events get the time of the import, and show these times in their Data.
type UserHistory struct {
	CreatedAt    time.Time // when the account was created; zero: now
	LastSignInAt time.Time // when they last signed in; zero: never, or unknown
	SuspendedAt  time.Time // since when they are suspended (rule U8); zero: they are not suspended
}

// MembershipHistory is what a membership was in the system from which it is imported. Only [Service.Import]
// accepts one, for a membership that is new or was pending. Its times follow the rules of [UserHistory].
type MembershipHistory struct {
	// Status is [MembershipActive] or [MembershipInactive]; "" = active. A member who starts as inactive
	// takes no seat, and OnJoin runs when they become active.
	Status        MembershipStatus
	JoinedAt      time.Time // zero: now
	LastSignInAt  time.Time // when they last signed in to this organization; zero: never, or unknown
	DeactivatedAt time.Time // since when an inactive Status holds; zero: now
}

// importing reports whether a Service works in a transaction of Import.
func (s *Service) importing() bool { return s.txn != nil && s.txn.importing }

// past returns a time from before an import in its stored form; the zero time stays zero.
func (c *call) past(field string, t time.Time) (time.Time, error) {
	switch {
	case t.IsZero():
		return time.Time{}, nil
	case !c.service.importing():
		return time.Time{}, invalid(field, "is for Service.Import alone")
	case t.After(c.now):
		return time.Time{}, invalid(field, "is in the future")
	case t.Year() < 1970:
		return time.Time{}, invalid(field, "is before 1970")
	}
	return t.UTC().Truncate(time.Microsecond), nil
}

// pastTime is one time of a history: its value, and where to put it if it is not zero.
type pastTime struct {
	field string
	in    time.Time
	at    *time.Time
}

// recall stores the times of a history at their places.
func (c *call) recall(times ...pastTime) error {
	for _, p := range times {
		t, err := c.past(p.field, p.in)
		if err != nil {
			return err
		}
		if !t.IsZero() {
			*p.at = t
		}
	}
	return nil
}

// recall gives a new user the times of their history.
func (us userRules) recall(user *User, h UserHistory) error {
	if h == (UserHistory{}) {
		return nil
	}
	return us.c.recall(
		pastTime{"created_at", h.CreatedAt, &user.CreatedAt}, pastTime{"last_sign_in_at", h.LastSignInAt, &user.LastSignInAt},
		pastTime{"suspended_at", h.SuspendedAt, &user.SuspendedAt},
	)
}

// history checks the history of a new membership, and returns its stored form.
func (ms memberRules) history(in NewMembership) (MembershipHistory, error) {
	h := in.History
	if h == (MembershipHistory{}) {
		return h, nil
	}
	switch {
	case !ms.c.service.importing():
		return h, invalid("history", "is for Service.Import alone")
	case h.Status != "" && h.Status != MembershipActive && h.Status != MembershipInactive:
		return h, invalid("status", "is neither active nor inactive")
	case h.Status != MembershipInactive && !h.DeactivatedAt.IsZero():
		return h, invalid("deactivated_at", "is of an active membership")
	case h.Status == MembershipInactive && !in.InvitationID.IsZero():
		return h, invalid("status", "is inactive, and an invitation is for those who come in")
	}
	if h.Status == MembershipInactive && h.DeactivatedAt.IsZero() {
		h.DeactivatedAt = ms.c.now
	}
	err := ms.c.recall(
		pastTime{"joined_at", h.JoinedAt, &h.JoinedAt}, pastTime{"last_sign_in_at", h.LastSignInAt, &h.LastSignInAt},
		pastTime{"deactivated_at", h.DeactivatedAt, &h.DeactivatedAt},
	)
	return h, err
}

// signedInElsewhere records when a user signed in elsewhere, if that is later than the known time.
func (us userRules) signedInElsewhere(ctx context.Context, user *User, at time.Time) error {
	at, err := us.c.past("last_sign_in_at", at)
	if err != nil || !at.After(user.LastSignInAt) {
		return err
	}
	user.LastSignInAt = at
	return us.c.tx.Users().Touch(ctx, user.ID, at)
}

// signedInElsewhere records when a member signed in elsewhere, if that is later than the known time.
func (ms memberRules) signedInElsewhere(ctx context.Context, m *Membership, at time.Time) error {
	at, err := ms.c.past("last_sign_in_at", at)
	if err != nil || !at.After(m.LastSignInAt) {
		return err
	}
	m.LastSignInAt = at
	return ms.c.tx.Memberships().Touch(ctx, m.ID, at)
}
