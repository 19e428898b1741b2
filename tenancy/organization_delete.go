package tenancy

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/typed"
)

// removed counts the rows that were deleted with an organization or a user.
type removed struct {
	Memberships     int `json:"memberships"`
	RoleAssignments int `json:"role_assignments"`
	Identities      int `json:"identities,omitempty"`
	Roles           int `json:"roles,omitempty"`
	Invitations     int `json:"invitations,omitempty"`
	JoinCodes       int `json:"join_codes,omitempty"`
	JoinRequests    int `json:"join_requests,omitempty"`
	Sessions        int `json:"sessions,omitempty"`
	Connections     int `json:"connections,omitempty"`
	Domains         int `json:"domains,omitempty"`
}

// Delete deletes an organization and everything in it, with one event that counts what was deleted (rule O2).
// Its external id is free at once, its slug after 90 days (rule O5). The users stay.
//
// Delete is one transaction, unless the organization has more than 200 rows of one kind: memberships,
// invitations, join codes, join requests, sessions, identities at its connections, removals or denials. (The
// number is smaller where Config.DeleteLimit is.) Then it works in steps (rule G18). The first step archives
// the organization permanently, so that nobody gets in and it cannot be restored; the next ones delete up to
// 200 rows each; the last one deletes the organization. Until then its slug and its external id stay taken.
// After a crash, the next Delete or Run continues. A bound Service cannot call Delete again, because the
// organization is already archived. Inside a transaction of the caller's, an organization with more than
// Config.DeleteLimit rows of one kind is refused.
//
// Errors: [ErrNotFound]; [ErrTooLarge] with Counts inside a transaction of the caller's, as described;
// [ErrReferenced] where a row of the host refers to the organization. A row that refers to one of its
// memberships may stop the deletion half-way: the organization then stays archived until that row is deleted,
// and Delete or Run continues.
func (g Organizations) Delete(ctx context.Context, id OrganizationID) error {
	if g.s.txn != nil {
		return g.deleteWhole(ctx, id, g.s.instance.config.DeleteLimit)
	}
	step := min(sweepLimit, g.s.instance.config.DeleteLimit)
	err := g.deleteWhole(ctx, id, step)
	if CodeOf(err) != ErrTooLarge {
		return err
	}
	if err := g.condemn(ctx, id); err != nil {
		return err
	}
	if g.s.principal != nil { // nobody has access any more, not even the actor that this call has just allowed
		ctx = Trusted(ctx)
		g.s = g.s.derive(func(in *Service) { in.principal = nil })
	}
	for {
		n, err := write(ctx, g.s, organizationsDelete, id.String(), func(ctx context.Context, c *call) (int, error) {
			return c.organizations().empty(ctx, id, sweepLimit)
		})
		if err != nil {
			return err
		}
		if n == 0 {
			return g.deleteWhole(ctx, id, step)
		}
	}
}

// deleteWhole does Delete in one transaction, of up to most rows of one kind.
func (g Organizations) deleteWhole(ctx context.Context, id OrganizationID, most int) error {
	return exec(ctx, g.s, organizationsDelete, id.String(), func(ctx context.Context, c *call) error {
		if err := c.access().mayLock(ctx, scope{organization: id}); err != nil {
			return err
		}
		if err := c.lock(ctx, lockOrganization(id)); err != nil {
			return err
		}
		if err := c.access().authorize(ctx, scope{organization: id}); err != nil {
			return err
		}
		org, err := c.tx.Organizations().Get(ctx, id)
		if err != nil {
			return err
		}
		if err := c.organizations().checkLimits(ctx, id, most); err != nil {
			return err
		}
		if err := c.organizations().moveSlug(ctx, id, org.Slug, ""); err != nil {
			return err
		}
		var counts removed
		if err := c.domains().dropAllLooks(ctx, id); err != nil {
			return err
		}
		if err := c.organizations().endFounding(ctx, id); err != nil {
			return err
		}
		if err := c.invitations().dropTokens(ctx, id); err != nil {
			return err
		}
		if err := c.connections().dropIdentities(ctx, id, &counts); err != nil {
			return err
		}
		if err := endDependants(ctx, c, organizationRows.Table, &counts, id); err != nil {
			return err
		}
		if err := c.tx.Organizations().Delete(ctx, id); err != nil {
			return err
		}
		return c.record(ctx, newEvent{kind: EventOrganizationDeleted, organization: id, subject: id.String(), data: struct {
			Organization
			Removed removed `json:"removed"`
		}{org, counts}})
	})
}

// condemn archives an organization permanently. After this, it can only be emptied and deleted.
func (g Organizations) condemn(ctx context.Context, id OrganizationID) error {
	_, err := g.change(ctx, organizationsDelete, id, nil, func(ctx context.Context, c *call, org *Organization) (EventType, error) {
		if !org.DeletedAt.IsZero() {
			return EventOrganizationArchived, nil
		}
		org.DeletedAt = c.now
		return EventOrganizationArchived, c.organizations().archive(ctx, org)
	})
	return err
}

// deletionsEvery is how often Run looks for unfinished deletions of organizations.
const deletionsEvery = 10 * time.Minute

// finishDeletions continues unfinished deletions, and returns how many it finished.
func (g Organizations) finishDeletions(ctx context.Context) (int, error) {
	gone, err := read(ctx, g.s, organizationsDelete, "", func(ctx context.Context, c *call) ([]Organization, error) {
		if err := c.access().authorize(ctx, scope{}); err != nil {
			return nil, err
		}
		return c.tx.Organizations().List(ctx, organizationFilter{Deleted: typed.Of(true)}, listSpan{Limit: sweepLimit})
	})
	ended := 0
	for _, org := range gone {
		switch stuck := g.Delete(ctx, org.ID); CodeOf(stuck) {
		case "", ErrNotFound:
			ended++
		default: // it does not stop the other deletions
			err = errors.Join(err, stuck)
		}
	}
	return ended, err
}

// notTooMany refuses a transaction that would touch too many rows of one kind.
func (o organizationRules) notTooMany(what string, n int) error {
	return tooMany(what, n, o.c.instance.config.DeleteLimit)
}

func tooMany(what string, n, most int) error {
	if n > most {
		return &Error{
			Code: ErrTooLarge, Reason: fmt.Sprintf("has %d %s, at most %d at once", n, what, most),
			Counts: map[string]int{what: n},
		}
	}
	return nil
}

// checkLimit calls [organizationRules.notTooMany] with the number of rows that pass a filter.
func checkLimit[V Entity, F any](ctx context.Context, c *call, what string, t table[V, F], filter F) error {
	n, err := t.Count(ctx, filter)
	if err != nil {
		return err
	}
	return c.organizations().notTooMany(what, n)
}

// checkLimits refuses an organization with more than most rows of one kind. It does not count the kinds that
// [Limits] already keeps small.
func (o organizationRules) checkLimits(ctx context.Context, id OrganizationID, most int) error {
	tx := &o.c.tx
	for _, kind := range []struct {
		what  string
		count func() (int, error)
	}{
		{"memberships", func() (int, error) {
			return tx.Memberships().Count(ctx, membershipFilter{OrganizationID: typed.Of(id)})
		}},
		{"invitations", func() (int, error) {
			return tx.Invitations().Count(ctx, invitationFilter{OrganizationID: typed.Of(id)})
		}},
		{"join_codes", func() (int, error) { return tx.JoinCodes().Count(ctx, joinCodeFilter{OrganizationID: typed.Of(id)}) }},
		{"join_requests", func() (int, error) {
			return tx.JoinRequests().Count(ctx, joinRequestFilter{OrganizationID: typed.Of(id)})
		}},
		{"sessions", func() (int, error) { return tx.Sessions().Count(ctx, sessionFilter{OrganizationID: typed.Of(id)}) }},
		{"removals", func() (int, error) { return tx.Removals().Count(ctx, removalFilter{OrganizationID: typed.Of(id)}) }},
		{"member_addresses", func() (int, error) {
			return tx.MemberAddresses().Count(ctx, memberAddressFilter{OrganizationID: typed.Of(id)})
		}},
		{"denials", func() (int, error) { return tx.Denials().Count(ctx, denialFilter{OrganizationID: typed.Of(id)}) }},
		{"identities", func() (int, error) {
			providers, err := o.c.connections().providersOf(ctx, id)
			if err != nil || len(providers) == 0 {
				return 0, err
			}
			return tx.Identities().Count(ctx, identityFilter{Provider: typed.Of(providers...)})
		}},
	} {
		n, err := kind.count()
		if err == nil {
			err = tooMany(kind.what, n, most)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Purge removes up to n memberships of an archived organization in one transaction, owners too (rule O2). When
// no memberships are left, it removes invitations, join codes and join requests. It returns how many it
// removed: call it until that is 0, and then call Delete. n is 1 to Config.DeleteLimit.
//
// Errors: [ErrNotFound]; [ErrInvalid] with the field "n", or with "organization" where it is not archived;
// [ErrReferenced] where a row of the host refers to a membership.
func (g Organizations) Purge(ctx context.Context, id OrganizationID, n int) (int, error) {
	return write(ctx, g.s, organizationsPurge, id.String(), func(ctx context.Context, c *call) (int, error) {
		if n < 1 || n > c.instance.config.DeleteLimit {
			return 0, invalid("n", fmt.Sprintf("is %d, want 1 to %d", n, c.instance.config.DeleteLimit))
		}
		return c.organizations().purge(ctx, id, n)
	})
}

// locked takes the lock of an organization, checks that the actor may make the call, and reads it.
func (o organizationRules) locked(ctx context.Context, id OrganizationID) (Organization, error) {
	if err := o.c.lock(ctx, lockOrganization(id)); err != nil {
		return Organization{}, err
	}
	if err := o.c.access().authorize(ctx, scope{organization: id}); err != nil {
		return Organization{}, err
	}
	return o.c.tx.Organizations().Get(ctx, id)
}

// empty does [organizationRules.purge] on an organization whose deletion has begun. First it deletes the kinds
// of rows of which one member may have many, so that no step deletes more than n rows of one kind.
func (o organizationRules) empty(ctx context.Context, id OrganizationID, n int) (int, error) {
	org, err := o.locked(ctx, id)
	if err != nil {
		return 0, err
	}
	if org.DeletedAt.IsZero() { // another call has finished that deletion, and a new organization has this id
		return 0, invalid("organization", "is not being deleted")
	}
	var counts removed
	went, err := o.clear(ctx, id, n, &counts)
	switch {
	case err != nil:
		return 0, err
	case went == 0:
		return o.purge(ctx, id, n)
	case counts == removed{}:
		return went, nil
	}
	return went, o.c.record(ctx, newEvent{kind: EventOrganizationPurged, organization: id, subject: id.String(), data: counts})
}

// clear deletes up to n sessions, identities, removals, addresses of removals, or denials of an organization.
func (o organizationRules) clear(ctx context.Context, id OrganizationID, n int, counts *removed) (int, error) {
	tx := &o.c.tx
	sessions, err := firstOf(ctx, tx.Sessions(), sessionFilter{OrganizationID: typed.Of(id)}, n)
	if err != nil {
		return 0, err
	}
	if len(sessions) > 0 {
		counts.Sessions, err = tx.Sessions().DeleteAll(ctx, sessionFilter{ID: typed.Of(sessions...)})
		return counts.Sessions, err
	}
	providers, err := o.c.connections().providersOf(ctx, id)
	if err != nil {
		return 0, err
	}
	if len(providers) > 0 {
		identities, err := firstOf(ctx, tx.Identities(), identityFilter{Provider: typed.Of(providers...)}, n)
		if err != nil {
			return 0, err
		}
		if len(identities) > 0 {
			counts.Identities, err = tx.Identities().DeleteAll(ctx, identityFilter{ID: typed.Of(identities...)})
			return counts.Identities, err
		}
	}
	for _, t := range []*store.Table{removalRows.Table, memberAddressRows.Table, denialRows.Table} {
		if went, err := o.c.clearSome(ctx, t, id, n); err != nil || went > 0 {
			return went, err
		}
	}
	return 0, nil
}

// clearSome deletes up to n rows of a table that belong to an organization.
func (c *call) clearSome(ctx context.Context, t *store.Table, id OrganizationID, n int) (int, error) {
	theirs := []store.Cond{{Column: t.Index("organization_id"), Op: store.OneOf, Values: []store.Value{{ID: id}}}}
	var ids []store.Value
	err := c.tx.List(ctx, t, theirs, store.Range{Limit: n}, func(row store.Row) error {
		ids = append(ids, store.Value{ID: row[0].ID})
		return nil
	})
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	return c.tx.DeleteAll(ctx, t, []store.Cond{{Column: 0, Op: store.OneOf, Values: ids}})
}

func (o organizationRules) purge(ctx context.Context, id OrganizationID, n int) (int, error) {
	org, err := o.locked(ctx, id)
	if err != nil {
		return 0, err
	}
	if org.ArchivedAt.IsZero() {
		return 0, invalid("organization", "is not archived")
	}
	var counts removed
	if err := o.purgeMembers(ctx, id, n, &counts); err != nil {
		return 0, err
	}
	if err := o.c.invitations().purgeInvitations(ctx, id, n-counts.Memberships, &counts); err != nil {
		return 0, err
	}
	went := counts.Memberships + counts.Invitations + counts.JoinCodes + counts.JoinRequests
	if went == 0 {
		return 0, nil
	}
	return went, o.c.record(ctx, newEvent{kind: EventOrganizationPurged, organization: id, subject: id.String(), data: counts})
}

func (o organizationRules) purgeMembers(ctx context.Context, id OrganizationID, n int, counts *removed) error {
	members, err := o.c.tx.Memberships().List(ctx, membershipFilter{OrganizationID: typed.Of(id)}, listSpan{Limit: n})
	if err != nil || len(members) == 0 {
		return err
	}
	ids, users, seated := make([]MembershipID, len(members)), make([]UserID, len(members)), 0
	for i, m := range members {
		ids[i], users[i] = m.ID, m.UserID
		seated += m.seats()
	}
	if err := o.c.policies().dropExemptions(ctx, id, users...); err != nil {
		return err
	}
	if err := endDependants(ctx, o.c, membershipRows.Table, counts, ids...); err != nil {
		return err
	}
	if counts.Sessions, err = o.c.tx.Sessions().DeleteAll(ctx, sessionFilter{MembershipID: typed.Of(ids...)}); err != nil {
		return err
	}
	if counts.Memberships, err = o.c.tx.Memberships().DeleteAll(ctx, membershipFilter{ID: typed.Of(ids...)}); err != nil {
		return err
	}
	return o.c.seats().moved(ctx, id, -seated)
}
