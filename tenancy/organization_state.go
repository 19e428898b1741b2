package tenancy

import (
	"context"
	"time"
)

// Suspend closes an organization: nobody has access, and every session in it ends (rule O2). All its data
// stays. On a suspended organization it changes nothing and writes no event.
//
// Errors: [ErrNotFound].
func (g Organizations) Suspend(ctx context.Context, id OrganizationID) (Organization, error) {
	return g.change(ctx, organizationsSuspend, id, nil, func(_ context.Context, c *call, org *Organization) (EventType, error) {
		if org.SuspendedAt.IsZero() {
			org.SuspendedAt = c.now
			c.sessions().endAllSessions(org)
		}
		return EventOrganizationSuspended, nil
	})
}

// Resume ends a suspension (rule O2). On an organization that is not suspended it changes nothing and writes no
// event.
//
// Errors: [ErrNotFound].
func (g Organizations) Resume(ctx context.Context, id OrganizationID) (Organization, error) {
	return g.change(ctx, organizationsResume, id, nil, func(_ context.Context, _ *call, org *Organization) (EventType, error) {
		org.SuspendedAt = time.Time{}
		return EventOrganizationResumed, nil
	})
}

// Archive closes an organization, ends every session in it, and hides it from lists, routing and sign-in (rule
// O2). The organization keeps its slug, its external id and its suspension. Its verified domains become
// dormant, and other organizations can verify them. On an archived organization it changes nothing.
//
// Errors: [ErrNotFound].
func (g Organizations) Archive(ctx context.Context, id OrganizationID) (Organization, error) {
	return g.change(ctx, organizationsArchive, id, nil, func(ctx context.Context, c *call, org *Organization) (EventType, error) {
		return EventOrganizationArchived, c.organizations().archive(ctx, org)
	})
}

func (o organizationRules) archive(ctx context.Context, org *Organization) error {
	if org.ArchivedAt.IsZero() {
		org.ArchivedAt = o.c.now
		o.c.sessions().endAllSessions(org)
	}
	return o.c.domains().sleepDomains(ctx, org.ID)
}

// Restored is the result of Restore: the organization, and what could not come back unchanged (rule O2).
type Restored struct {
	Organization Organization `json:"organization"` // the organization as it is now
	// Deactivated are members who became inactive, because they are active in another organization by now.
	Deactivated []UserID `json:"deactivated"`
	// TakenDomains are names of its domains that another organization has verified meanwhile.
	TakenDomains []string `json:"taken_domains"`
}

// Restore takes an organization out of the archive (rule O2). Under Config.SingleOrganization, a member who is
// active in another organization by now becomes inactive, is listed in the result, and has an event; if no
// owner is left by that, an event says so, too. A dormant domain is verified again if its last proof is less
// than 30 days old and no other organization has verified it; otherwise it becomes pending with a new token. On
// an organization that is not archived it changes nothing.
//
// Errors: [ErrNotFound]; [ErrInvalid] for an organization whose deletion has begun.
func (g Organizations) Restore(ctx context.Context, id OrganizationID) (Restored, error) {
	return write(ctx, g.s, organizationsRestore, id.String(), func(ctx context.Context, c *call) (Restored, error) {
		return c.organizations().restore(ctx, id)
	})
}

func (o organizationRules) restore(ctx context.Context, id OrganizationID) (Restored, error) {
	var members []Membership
	if o.c.instance.config.SingleOrganization {
		// Locks of users come before locks of organizations, so the members are read first, to lock their
		// users.
		if err := o.c.members().lockMembers(ctx, id); err != nil {
			return Restored{}, err
		}
	}
	if err := o.c.lock(ctx, lockOrganization(id)); err != nil {
		return Restored{}, err
	}
	if err := o.c.access().authorize(ctx, scope{organization: id}); err != nil {
		return Restored{}, err
	}
	org, err := o.c.tx.Organizations().Get(ctx, id)
	if err != nil || org.ArchivedAt.IsZero() {
		return Restored{Organization: org}, err
	}
	if !org.DeletedAt.IsZero() {
		return Restored{}, invalid("organization", "is being deleted")
	}
	if o.c.instance.config.SingleOrganization {
		// Read the members again under the organization's lock, to lock those who were added meanwhile. This is
		// against the order of locks. If it causes a deadlock, the store reports it and the transaction runs
		// again.
		if err := o.c.members().lockMembers(ctx, id); err != nil {
			return Restored{}, err
		}
		if members, err = o.c.joining().activeElsewhere(ctx, id); err != nil {
			return Restored{}, err
		}
	}
	before := org
	org.ArchivedAt = time.Time{}
	var out []UserID
	for _, m := range members {
		out = append(out, m.UserID)
	}
	err = saveAs(ctx, o.c, o.c.tx.Organizations().Update, before, &org, func() newEvent {
		n := org.event(EventOrganizationRestored)
		n.data = struct {
			Organization
			Deactivated []UserID `json:"deactivated,omitempty"`
		}{org, out}
		return n
	})
	if err != nil {
		return Restored{}, err
	}
	if err := o.deactivateAll(ctx, org, members); err != nil {
		return Restored{}, err
	}
	taken, err := o.c.domains().wakeDomains(ctx, org.ID)
	return Restored{org, out, taken}, err
}

// deactivateAll makes memberships inactive even if no owner is left, and writes an event in that case.
func (o organizationRules) deactivateAll(ctx context.Context, org Organization, members []Membership) error {
	if len(members) == 0 {
		return nil
	}
	before, err := o.c.owners().count(ctx, org.ID)
	if err != nil {
		return err
	}
	for _, m := range members {
		held, err := o.c.roles().assignments(ctx, m.ID)
		if err != nil {
			return err
		}
		if _, err := o.c.members().deactivate(ctx, m, held[m.ID]); err != nil {
			return err
		}
	}
	after, err := o.c.owners().count(ctx, org.ID)
	if err != nil || before == 0 || after > 0 {
		return err
	}
	return o.c.record(ctx, org.event(EventOrganizationOwnerLost))
}
