package tenancy

import "context"

// recordSession tells of a session where it is. An organization is not told of another one,
// though the same person is in both (rule G7): neither of the other entries of the client, nor
// through whose connection it came. What a client does to its entries is done through each. person is whose it is, if that was read; zero else.
func (ss sessionRules) recordSession(ctx context.Context, kind EventType, s Session, before *Session, person EventPerson) error {
	result, err := ss.tellable(ctx, s)
	if err != nil {
		return err
	}
	n := newEvent{kind: kind, organization: s.OrganizationID, user: s.UserID, subject: s.ID.String(), data: result, person: person}
	if s.ClientID == ss.c.client {
		n.through = s.ID.String()
	}
	if before != nil {
		was := *before
		was.ConnectionID, was.ConnectionEpoch, was.IdentityID = result.ConnectionID, result.ConnectionEpoch, result.IdentityID
		if n.previous, err = previous(was, result); err != nil {
			return err
		}
	}
	return ss.c.record(ctx, n)
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
