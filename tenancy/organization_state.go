package tenancy

import (
	"context"
	"time"
)

// Suspend shuts an organization: nobody has access, every session there ends, nothing
// else is lost (rule O2). One that is suspended stays so, without an event.
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

// Resume ends a suspension (rule O2). One that is not suspended stays so, without an
// event.
//
// Errors: [ErrNotFound].
func (g Organizations) Resume(ctx context.Context, id OrganizationID) (Organization, error) {
	return g.change(ctx, organizationsResume, id, nil, func(_ context.Context, _ *call, org *Organization) (EventType, error) {
		org.SuspendedAt = time.Time{}
		return EventOrganizationResumed, nil
	})
}

// Archive shuts an organization, ends every session there and hides it from lists,
// routing and sign-in (rule O2). It keeps its slug, external id and suspension; its
// verified domains are dormant, and free for others. Archiving twice changes nothing.
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

// Restored is what Restore did: the organization, the members who became inactive
// because they are active elsewhere by now, and the names of its domains that another
// organization has verified meanwhile (rule O2).
type Restored struct {
	Organization Organization `json:"organization"`  // as it is now
	Deactivated  []UserID     `json:"deactivated"`   // those members
	TakenDomains []string     `json:"taken_domains"` // those names
}

// Restore takes an organization out of the archive (rule O2). Under
// Config.SingleOrganization, members who are active elsewhere by now come back
// inactive, are reported, and have an event each; if an owner is lost by it, so
// that none is left, that is an event too. Its dormant domains are verified again
// where the last proof is under 30 days old and nobody else has them; the others are
// pending with a new token. Restoring what is not archived changes nothing.
//
// Errors: [ErrNotFound]; [ErrInvalid] for one whose deletion has begun.
func (g Organizations) Restore(ctx context.Context, id OrganizationID) (Restored, error) {
	return write(ctx, g.s, organizationsRestore, id.String(), func(ctx context.Context, c *call) (Restored, error) {
		return c.organizations().restore(ctx, id)
	})
}

func (o organizationRules) restore(ctx context.Context, id OrganizationID) (Restored, error) {
	var members []Membership
	if o.c.instance.config.SingleOrganization {
		// Users are locked before organizations, so who they are is read first.
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
		// Once more under the organization's lock, for whoever was added meanwhile. That
		// is out of order; a deadlock by it is found, and the transaction runs again.
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

// deactivateAll makes memberships inactive whether or not an owner is left, and
// says so if none is.
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
