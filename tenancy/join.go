package tenancy

import (
	"context"
	"errors"
	"fmt"
)

// joining is somebody on their way into an organization. Whoever makes one holds
// the locks of the user and of the organization.
type joining struct {
	id           MembershipID // zero = a new one
	organization Organization
	userID       UserID
	via          JoinedVia
	roles        []string // none = those of an inactive membership, else the default
	displayName  string
	attributes   map[string]string
	metadata     map[string]string
}

// join is the one gate into an organization: every way in passes it, and what it
// refuses nobody lets in.
func (w *work) join(ctx context.Context, j joining) (Member, error) {
	user, err := w.user(ctx, j.userID)
	if err != nil {
		return Member{}, err
	}
	m, err := w.membership(ctx, j.organization.ID, j.userID)
	switch {
	case CodeOf(err) == ErrNotFound:
		return w.enterNew(ctx, j, user)
	case err != nil:
		return Member{}, err
	case m.Status == MembershipActive:
		return Member{}, &Error{Code: ErrAlreadyMember}
	case m.Status == MembershipPending:
		return Member{}, &Error{Code: ErrPendingMembership}
	default:
		return w.enterAgain(ctx, j, user, m)
	}
}

// enterNew makes a membership where there was none (rule M1).
func (w *work) enterNew(ctx context.Context, j joining, user User) (Member, error) {
	roles, err := w.roles(ctx, j.organization.ID, "roles", j.roles, w.fallbackRole(j.organization))
	if err != nil {
		return Member{}, err
	}
	m := Membership{
		ID: newID(w, j.id), Version: 1, OrganizationID: j.organization.ID, UserID: j.userID, Status: MembershipActive,
		JoinedVia: j.via, JoinedAt: w.now, CreatedAt: w.now, UpdatedAt: w.now,
	}
	if m.DisplayName, err = optionalName("display_name", j.displayName); err != nil {
		return Member{}, err
	}
	if m.Attributes, err = w.config.Limits.metadata("attributes", j.attributes); err != nil {
		return Member{}, err
	}
	if m.Metadata, err = w.config.Limits.metadata("metadata", j.metadata); err != nil {
		return Member{}, err
	}
	if err := w.admit(ctx, Join{Organization: j.organization, User: user, Via: j.via, Roles: roles}, 0); err != nil {
		return Member{}, err
	}
	if user, err = w.user(ctx, j.userID); err != nil { // OnJoin may have changed them
		return Member{}, err
	}
	m.keys(user)
	if err := w.Memberships().Insert(ctx, m); err != nil {
		return Member{}, err
	}
	held, _, err := w.setManual(ctx, m, nil, roles)
	if err != nil {
		return Member{}, err
	}
	if err := w.recordMembership(ctx, EventMembershipCreated, m, held, nil); err != nil {
		return Member{}, err
	}
	sorted, err := w.slugs(ctx, held)
	return newMember(m, held, sorted, &j.organization, &user), err
}

// enterAgain reactivates an inactive membership on the same row (rules M3, M5).
func (w *work) enterAgain(ctx context.Context, j joining, user User, m Membership) (Member, error) {
	held, err := w.assignments(ctx, m.ID)
	if err != nil {
		return Member{}, err
	}
	mine := held[m.ID]
	had, err := w.slugs(ctx, mine)
	if err != nil {
		return Member{}, err
	}
	roles := had
	if len(j.roles) > 0 {
		if roles, err = w.roles(ctx, j.organization.ID, "roles", j.roles, ""); err != nil {
			return Member{}, err
		}
	}
	join := Join{Organization: j.organization, User: user, Via: j.via, Roles: roles, Reactivated: true}
	if err := w.admit(ctx, join, 0); err != nil {
		return Member{}, err
	}
	before := snapshot{Membership: m, Roles: had}
	if len(j.roles) > 0 {
		if mine, _, err = w.setManual(ctx, m, mine, roles); err != nil {
			return Member{}, err
		}
	}
	if err := w.reprofile(&m, j, user); err != nil {
		return Member{}, err
	}
	m.Status = MembershipActive
	sorted, err := w.slugs(ctx, mine)
	if err != nil {
		return Member{}, err
	}
	old, err := previous(before, snapshot{Membership: m, Roles: sorted})
	if err != nil {
		return Member{}, err
	}
	if err := w.saveMembership(ctx, &m); err != nil {
		return Member{}, err
	}
	if err := w.mirror(ctx, m, mine); err != nil {
		return Member{}, err
	}
	err = w.recordMembership(ctx, EventMembershipReactivated, m, mine, old)
	return newMember(m, mine, sorted, &j.organization, &user), err
}

// reprofile takes over what a return brings along: nothing named leaves what was.
func (w *work) reprofile(m *Membership, j joining, user User) error {
	name, err := optionalName("display_name", j.displayName)
	if err != nil {
		return err
	}
	m.DisplayName = or(name, m.DisplayName)
	for _, part := range []struct {
		field string
		in    map[string]string
		at    *map[string]string
	}{{"attributes", j.attributes, &m.Attributes}, {"metadata", j.metadata, &m.Metadata}} {
		if len(part.in) == 0 {
			continue
		}
		if *part.at, err = w.config.Limits.metadata(part.field, part.in); err != nil {
			return err
		}
	}
	m.keys(user)
	return nil
}

// admit is what every way that ends active must pass (rule M14): seats, the single
// organization, and the host's veto. vacated is how many of the active memberships
// counted make room for this one.
func (w *work) admit(ctx context.Context, j Join, vacated int) error {
	if err := w.hasRoom(ctx, j, vacated); err != nil || w.config.OnJoin == nil {
		return err
	}
	w.cache.transacting.Add(1) // so that a check from outside looks at its context first
	defer w.cache.transacting.Add(-1)
	host := w.service.trusted().inside(w.Tx, w.ring)
	err := w.config.OnJoin(w.service.mark(ctx), host, j)
	w.denied = append(w.denied, host.within.denied...)
	if err != nil {
		return &Error{Code: ErrJoinRefused, Err: err}
	}
	return w.hasRoom(ctx, j, vacated) // once more: the host may have let others in
}

// hasRoom refuses where the organization is full (rule M9), or where the user may be
// in no second one (rule M13).
func (w *work) hasRoom(ctx context.Context, j Join, vacated int) error {
	if err := w.seats(ctx, j.Organization, vacated); err != nil {
		return err
	}
	if !w.config.SingleOrganization || !j.Organization.ArchivedAt.IsZero() {
		return nil
	}
	elsewhere, err := w.isActiveElsewhere(ctx, j.User.ID, j.Organization.ID)
	if err == nil && elsewhere {
		err = &Error{Code: ErrAlreadyMemberElsewhere}
	}
	return err
}

// seats refuses one more where the limit is reached (rule M9).
func (w *work) seats(ctx context.Context, org Organization, vacated int) error {
	limit := org.Settings.SeatLimit
	if limit == 0 {
		return nil
	}
	taken, err := w.Memberships().Count(ctx,
		MembershipFilter{OrganizationID: Of(org.ID), Status: Of(MembershipActive)})
	if err != nil {
		return err
	}
	if taken-vacated >= limit {
		return &Error{
			Code: ErrSeatLimit, Reason: fmt.Sprintf("%d of %d seats are taken", taken, limit),
			Counts: map[string]int{"seats": taken, "limit": limit},
		}
	}
	return nil
}

// isActiveElsewhere reports whether a user is an active member of another
// organization that is not archived (rules M13, O2).
func (w *work) isActiveElsewhere(ctx context.Context, user UserID, here OrganizationID) (bool, error) {
	err := walk(ctx, w.Memberships(), MembershipFilter{UserID: Of(user), Status: Of(MembershipActive)},
		func(m *Membership) MembershipID { return m.ID },
		func(m Membership) error {
			if m.OrganizationID == here {
				return nil
			}
			org, err := w.Organizations().Get(ctx, m.OrganizationID)
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

// activeElsewhere gives the active members of an organization who are active in
// another one too.
func (w *work) activeElsewhere(ctx context.Context, id OrganizationID) ([]Membership, error) {
	var both []Membership
	err := walk(ctx, w.Memberships(), MembershipFilter{OrganizationID: Of(id), Status: Of(MembershipActive)},
		func(m *Membership) MembershipID { return m.ID },
		func(m Membership) error {
			elsewhere, err := w.isActiveElsewhere(ctx, m.UserID, id)
			if elsewhere {
				both = append(both, m)
			}
			return err
		})
	return both, err
}

// lockMembers takes the locks of everyone in an organization.
func (w *work) lockMembers(ctx context.Context, id OrganizationID) error {
	var locks []LockKey
	err := walk(ctx, w.Memberships(), MembershipFilter{OrganizationID: Of(id)},
		func(m *Membership) MembershipID { return m.ID },
		func(m Membership) error {
			locks = append(locks, lockUser(m.UserID))
			return nil
		})
	if err != nil || len(locks) == 0 {
		return err
	}
	return w.Lock(ctx, locks...)
}
