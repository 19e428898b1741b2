package tenancy

import (
	"context"
	"fmt"
	"time"

	"github.com/freehold-dev/freehold/store/typed"
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
	Organization Organization `json:"organization"`
	Deactivated  []UserID     `json:"deactivated,omitempty"`
	TakenDomains []string     `json:"taken_domains,omitempty"`
}

// Restore takes an organization out of the archive (rule O2). Under
// Config.SingleOrganization, members who are active elsewhere by now come back
// inactive, are reported, and have an event each; if an owner is lost by it, so
// that none is left, that is an event too. Its dormant domains are verified again
// where the last proof is under 30 days old and nobody else has them; the others are
// pending with a new token. Restoring what is not archived changes nothing.
//
// Errors: [ErrNotFound].
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

// removed counts what went with an organization or a user.
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

// Delete removes an organization and everything in it for good, in one transaction
// and with one event that counts what went (rule O2). Its slug and external id are
// free again; the users stay.
//
// Errors: [ErrNotFound]; [ErrTooLarge] with Counts over Config.DeleteLimit
// memberships, invitations, join codes or join requests: Archive, then Purge, then Delete; [ErrReferenced] where a row of the
// host's refers to it.
func (g Organizations) Delete(ctx context.Context, id OrganizationID) error {
	return exec(ctx, g.s, organizationsDelete, id.String(), func(ctx context.Context, c *call) error {
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
		if err := c.organizations().checkLimits(ctx, id); err != nil {
			return err
		}
		var counts removed
		if counts.RoleAssignments, err = c.tx.RoleAssignments().DeleteAll(ctx, roleAssignmentFilter{OrganizationID: typed.Of(id)}); err != nil {
			return err
		}
		if counts.Memberships, err = c.tx.Memberships().DeleteAll(ctx, membershipFilter{OrganizationID: typed.Of(id)}); err != nil {
			return err
		}
		if counts.Roles, err = c.tx.Roles().DeleteAll(ctx, roleFilter{Scope: typed.Of(id.String())}); err != nil {
			return err
		}
		if counts.Sessions, err = c.tx.Sessions().DeleteAll(ctx, sessionFilter{OrganizationID: typed.Of(id)}); err != nil {
			return err
		}
		if counts.Domains, err = c.tx.Domains().DeleteAll(ctx, domainFilter{OrganizationID: typed.Of(id)}); err != nil {
			return err
		}
		if err := c.invitations().deleteInvitations(ctx, id, &counts); err != nil {
			return err
		}
		if err := c.connections().deleteSignIn(ctx, id, &counts); err != nil {
			return err
		}
		if _, err := c.tx.Denials().DeleteAll(ctx, denialFilter{OrganizationID: typed.Of(id)}); err != nil {
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

// notTooMany refuses to touch more rows of one kind in a transaction than may be.
func (o organizationRules) notTooMany(what string, n int) error {
	if limit := o.c.instance.config.DeleteLimit; n > limit {
		return &Error{
			Code: ErrTooLarge, Reason: fmt.Sprintf("has %d %s, at most %d at once", n, what, limit),
			Counts: map[string]int{what: n},
		}
	}
	return nil
}

// checkLimit is [organizationRules.notTooMany] of the rows of a table that pass a filter.
func checkLimit[V Entity, F any](ctx context.Context, c *call, what string, t table[V, F], filter F) error {
	n, err := t.Count(ctx, filter)
	if err != nil {
		return err
	}
	return c.organizations().notTooMany(what, n)
}

// checkLimits is [organizationRules.notTooMany] of what goes with an organization.
func (o organizationRules) checkLimits(ctx context.Context, id OrganizationID) error {
	if err := checkLimit(ctx, o.c, "memberships", o.c.tx.Memberships(), membershipFilter{OrganizationID: typed.Of(id)}); err != nil {
		return err
	}
	if err := checkLimit(ctx, o.c, "invitations", o.c.tx.Invitations(), invitationFilter{OrganizationID: typed.Of(id)}); err != nil {
		return err
	}
	if err := checkLimit(ctx, o.c, "join_codes", o.c.tx.JoinCodes(), joinCodeFilter{OrganizationID: typed.Of(id)}); err != nil {
		return err
	}
	return checkLimit(ctx, o.c, "join_requests", o.c.tx.JoinRequests(), joinRequestFilter{OrganizationID: typed.Of(id)})
}

// Purge removes up to n memberships, owners among them, of an archived organization in
// one transaction (rule O2), and when those are gone invitations, join codes and join
// requests, and says how many went: call it until that is 0, then Delete. n is 1 to Config.DeleteLimit.
//
// Errors: [ErrNotFound]; [ErrInvalid] with the field "n", or "organization" where it
// is not archived; [ErrReferenced] where a row of the host's refers to a membership.
func (g Organizations) Purge(ctx context.Context, id OrganizationID, n int) (int, error) {
	return write(ctx, g.s, organizationsPurge, id.String(), func(ctx context.Context, c *call) (int, error) {
		if n < 1 || n > c.instance.config.DeleteLimit {
			return 0, invalid("n", fmt.Sprintf("is %d, want 1 to %d", n, c.instance.config.DeleteLimit))
		}
		return c.organizations().purge(ctx, id, n)
	})
}

func (o organizationRules) purge(ctx context.Context, id OrganizationID, n int) (int, error) {
	if err := o.c.lock(ctx, lockOrganization(id)); err != nil {
		return 0, err
	}
	if err := o.c.access().authorize(ctx, scope{organization: id}); err != nil {
		return 0, err
	}
	org, err := o.c.tx.Organizations().Get(ctx, id)
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
	ids, users := make([]MembershipID, len(members)), make([]UserID, len(members))
	for i, m := range members {
		ids[i], users[i] = m.ID, m.UserID
	}
	if err := o.c.policies().dropExemptions(ctx, id, users...); err != nil {
		return err
	}
	if counts.RoleAssignments, err = o.c.tx.RoleAssignments().DeleteAll(ctx, roleAssignmentFilter{MembershipID: typed.Of(ids...)}); err != nil {
		return err
	}
	if counts.Sessions, err = o.c.tx.Sessions().DeleteAll(ctx, sessionFilter{MembershipID: typed.Of(ids...)}); err != nil {
		return err
	}
	counts.Memberships, err = o.c.tx.Memberships().DeleteAll(ctx, membershipFilter{ID: typed.Of(ids...)})
	return err
}
