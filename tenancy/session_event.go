package tenancy

import "context"

// recordSession tells of a session where it is now. An organization hears nothing of
// another one, though the same person is in both (rule G7): neither where the session
// was before, nor through whose connection it came. person is whose it is, if that was read;
// zero else.
func (ss sessionRules) recordSession(ctx context.Context, kind EventType, s Session, before *Session, person EventPerson) error {
	result, err := ss.tellable(ctx, s)
	if err != nil {
		return err
	}
	n := newEvent{kind: kind, organization: s.OrganizationID, user: s.UserID, subject: s.ID.String(), data: result, person: person}
	if before != nil {
		was := *before
		was.ConnectionID, was.ConnectionEpoch, was.IdentityID = result.ConnectionID, result.ConnectionEpoch, result.IdentityID
		if was.OrganizationID != s.OrganizationID {
			was.OrganizationID, was.MembershipID, was.ExpiresAt = result.OrganizationID, result.MembershipID, result.ExpiresAt
		}
		if n.previous, err = previous(was, result); err != nil {
			return err
		}
	}
	return ss.c.record(ctx, n)
}

// recordDeparture tells the organization that a session has left of it, and not where it
// went.
func (ss sessionRules) recordDeparture(ctx context.Context, before, s Session) error {
	if before.OrganizationID.IsZero() || before.OrganizationID == s.OrganizationID {
		return nil
	}
	was, err := ss.tellable(ctx, before)
	if err != nil {
		return err
	}
	left := was
	left.OrganizationID, left.MembershipID = OrganizationID{}, MembershipID{}
	left.Version, left.UpdatedAt = s.Version, s.UpdatedAt
	old, err := previous(was, left)
	if err != nil {
		return err
	}
	return ss.c.record(ctx, newEvent{
		kind: EventSessionSwitched, organization: before.OrganizationID, user: s.UserID, subject: s.ID.String(), data: left, previous: old,
	})
}

// tellable is a session as the organization where it is may see it: without the
// connection of another one, and without an identity that is the person's own matter (rule
// P11).
func (ss sessionRules) tellable(ctx context.Context, s Session) (Session, error) {
	if s.OrganizationID.IsZero() {
		return s, nil
	}
	home, known := ss.c.homes[s.ConnectionID]
	if !known && !s.ConnectionID.IsZero() {
		c, err := ss.c.tx.Connections().Get(ctx, s.ConnectionID)
		if err != nil && CodeOf(err) != ErrNotFound {
			return Session{}, err
		}
		home = c.OrganizationID
	}
	s.withhold(home)
	return s, nil
}
