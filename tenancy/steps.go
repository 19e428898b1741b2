package tenancy

import (
	"context"
	"errors"
	"slices"
	"time"
)

// changeStep is how many memberships, invitations or identities one transaction changes of a call
// that changes many: others wait for about 50 ms (rule G18).
const changeStep = 25

// errRehearsed undoes a rehearsal.
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

// idsOf are the ids of rows, to delete those in one statement.
func idsOf[V Entity](rows []V) []ID[V] {
	ids := make([]ID[V], len(rows))
	for i, row := range rows {
		ids[i] = row.rowID()
	}
	return ids
}

// gave reads in a snapshot, which keeps nobody waiting, which role assignments of an organization
// pass a filter, and asks whether the actor may give the roles. What the actor has themselves is left out: it may
// be what lets them go on, and so it goes last, with the rest.
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

// rehearse does something and undoes it: what it is refused for is known before the first step of
// a call that goes in steps.
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

// rest lets others write between two steps.
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
