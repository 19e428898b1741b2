package tenancy

import (
	"context"
	"errors"
	"slices"
	"time"
)

// changeStep is how many memberships, invitations or identities a call that changes many changes in one
// transaction. Other writers wait about 50 ms for such a step (rule G18).
const changeStep = 25

// errRehearsed rolls a rehearsal back.
var errRehearsed = errors.New("rehearsed")

// inSteps calls do with up to changeStep things at a time.
func inSteps[T any](things []T, do func(some []T) error) error {
	for some := range slices.Chunk(things, changeStep) {
		if err := do(some); err != nil {
			return err
		}
	}
	return nil
}

// idsOf returns the ids of rows, to delete them in one statement.
func idsOf[V Entity](rows []V) []ID[V] {
	ids := make([]ID[V], len(rows))
	for i, row := range rows {
		ids[i] = row.rowID()
	}
	return ids
}

// gave returns the role assignments of an organization that pass a filter, and checks that the actor may give
// their roles. It reads a snapshot, so that nobody waits for it. It leaves out the actor's own assignments:
// they may be what allows the actor to continue, so they are handled last, with the rest.
func (s *Service) gave(ctx context.Context, method *Method, key string, organization OrganizationID, f roleAssignmentFilter) ([]RoleAssignmentID, error) {
	return read(ctx, s, method, key, func(ctx context.Context, c *call) ([]RoleAssignmentID, error) {
		if err := c.access().authorize(ctx, scope{organization: organization}); err != nil {
			return nil, err
		}
		held, err := collect(ctx, c.tx.RoleAssignments(), f)
		if err != nil {
			return nil, err
		}
		if !organization.IsZero() {
			if err := c.access().mayGive(ctx, organization, rolesIn(held)...); err != nil {
				return nil, err
			}
		}
		var ids []RoleAssignmentID
		for _, a := range held {
			if p := s.principal; p == nil || p.user != a.UserID {
				ids = append(ids, a.ID)
			}
		}
		return ids, nil
	})
}

// rehearse does something in a savepoint and rolls it back. So a call that works in steps knows before its first
// step whether it would be refused.
func (c *call) rehearse(ctx context.Context, do func(part *call) error) error {
	err := c.savepoint(ctx, func(part *call) error {
		if err := do(part); err != nil {
			return err
		}
		return errRehearsed
	})
	if errors.Is(err, errRehearsed) {
		return nil
	}
	return err
}

// rest pauses so that others can write between two steps.
func rest(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return &Error{Code: ErrCanceled, Err: ctx.Err()}
	}
}
