package tenancy

import "context"

// recordSession writes an event about a session in the session's organization. The event must not show that
// organization anything about another one with the same user (rule G7): not the client's other entries, and not
// the organization of the connection. So a change to all entries of a client writes an event for each. person
// is the session's user, if the caller has read it; else zero.
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

// tellable returns a session as its organization may see it: without a connection of another organization, and
// without an identity that is the user's own matter (rule P11).
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
