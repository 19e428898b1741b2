package tenancy

import (
	"context"
	"errors"
	"slices"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/store/typed"
)

// binds reports whether a domain policy demands anything.
func (p DomainPolicy) binds() bool {
	return len(p.Methods) > 0 || !p.ConnectionID.IsZero() || p.SecondFactor
}

// meets reports whether a sign-in through a connection can satisfy a policy: the policy names the connection,
// or it belongs to the organization where any of its connections will do. A user who comes by single sign-on
// needs no second factor for the organization's own part. The provider may vouch for the second factor that the
// domain's part demands.
func (p Policy) meets(c Connection) bool {
	if c.ID.IsZero() {
		return false
	}
	anyOne := p.Organization != (OrganizationPolicy{}) && p.Organization.ConnectionID.IsZero() ||
		p.Domain.binds() && p.Domain.ConnectionID.IsZero() && p.Domain.allows(MethodSingleSignOn)
	return anyOne || p.Domain.ConnectionID == c.ID || p.Organization.ConnectionID == c.ID
}

// resting returns a policy as it binds the people on its organization's domains. It binds nobody while the
// organization is suspended or archived, because nobody could then sign in as it demands (rule P2).
func (pl policyRules) resting(ctx context.Context, p Policy) (Policy, error) {
	if !p.Domain.binds() {
		return p, nil
	}
	org, err := pl.c.tx.Organizations().Get(ctx, p.OrganizationID)
	return p.atRest(org), err
}

func (p Policy) atRest(org Organization) Policy {
	if isShut(org) != nil {
		p.Domain = DomainPolicy{}
	}
	return p
}

// ownersOnly refuses a change to a policy that binds owners, by an actor who is not an owner (rule P3). about
// reports whether the change affects the policy.
func (o ownerRules) ownersOnly(ctx context.Context, id OrganizationID, about func(Policy) bool) error {
	if o.c.service.principal == nil {
		return nil
	}
	rules, err := o.c.policies().read(ctx, id)
	if err != nil {
		return err
	}
	if p := rules[id]; !p.BindsOwners || !about(p) {
		return nil
	}
	own, err := o.c.access().grantsOf(ctx, id)
	if err == nil && !own.owner {
		err = o.c.access().deny(scope{organization: id}, &Error{
			Code: ErrForbidden, Field: "binds_owners", Reason: "the policy binds owners, so that only owners change it and what it names",
		})
	}
	return err
}

// isOwner reports whether a user is an active owner of an organization.
func (o ownerRules) isOwner(ctx context.Context, id OrganizationID, user UserID) (bool, error) {
	n, err := o.c.tx.RoleAssignments().Count(ctx, roleAssignmentFilter{
		OrganizationID: typed.Of(id), UserID: typed.Of(user), Role: typed.Of(rbac.Owner), Active: typed.Of(true),
	})
	return n > 0, err
}

// mayBind refuses a change of a policy that the actor may not make: only owners change what binds owners, and
// nobody exempts themselves (rule P3).
func (o ownerRules) mayBind(ctx context.Context, before Policy, in PolicyUpdate) error {
	p := o.c.service.principal
	if p == nil {
		return nil
	}
	if in.Exempt != nil && slices.Contains(*in.Exempt, p.user) && !slices.Contains(before.Exempt, p.user) {
		return o.c.access().deny(scope{organization: before.OrganizationID}, &Error{Code: ErrForbidden, Field: "exempt", Reason: "nobody exempts themselves"})
	}
	if in.BindsOwners != nil && *in.BindsOwners != before.BindsOwners {
		own, err := o.c.access().grantsOf(ctx, before.OrganizationID)
		if err != nil {
			return err
		}
		if !own.owner {
			return o.c.access().deny(scope{organization: before.OrganizationID}, forbidden("binds_owners"))
		}
	}
	return o.ownersOnly(ctx, before.OrganizationID, func(Policy) bool { return true })
}

// errEnough ends a walk that has looked at as many rows as it may.
var errEnough = errors.New("enough")

// mostTried is how many owners keepsWayIn looks at. If none of these could sign in, it assumes that none can.
const mostTried = 50

// mostShown is how many sessions of owners keepsWayIn checks against the policies, of all owners together. A
// tenant may have many owners with many sessions each, and other transactions wait meanwhile (rule G9).
const mostShown = 200

// keepsWayIn refuses an actor's change after which no owner could sign in any more: no owner is exempt, and
// none has a live session whose evidence satisfies the policies (rule P3). Call it after the change. If the
// change removes owners, it may be called before it, with these owners in but.
func (o ownerRules) keepsWayIn(ctx context.Context, id OrganizationID, but ...UserID) error {
	if o.c.service.principal == nil {
		return nil
	}
	rules, err := o.c.policies().read(ctx, id)
	if err != nil {
		return err
	}
	p := rules[id]
	if !p.BindsOwners || !p.Domain.binds() && p.Organization == (OrganizationPolicy{}) {
		return nil
	}
	owning := roleAssignmentFilter{OrganizationID: typed.Of(id), Role: typed.Of(rbac.Owner), Active: typed.Of(true)}
	tried, shown := 0, mostShown
	try := func(a RoleAssignment) error {
		if slices.Contains(but, a.UserID) {
			return nil
		}
		if tried++; tried > mostTried {
			return errEnough
		}
		can, err := o.couldSignIn(ctx, p, a.UserID, &shown)
		if err == nil && can {
			err = errFound
		}
		return err
	}
	likely := owning // try the actor and the exempt owners first
	likely.UserID = typed.Of(append(slices.Clone(p.Exempt), o.c.service.principal.user)...)
	for _, owners := range []roleAssignmentFilter{likely, owning} {
		err = walk(ctx, o.c.tx.RoleAssignments(), owners, try)
		if err != nil {
			break
		}
	}
	switch {
	case errors.Is(err, errFound):
		return nil
	case err != nil && !errors.Is(err, errEnough):
		return err
	}
	return &Error{Code: ErrWouldLockOut, Kind: "organization", Key: id.String(), Reason: "no owner could sign in: exempt another owner, or sign in first as the policy wants"}
}

// couldSignIn reports whether an owner could sign in under a policy: a live session has the evidence for it, or
// the policy does not bind them. shown counts down the sessions that are checked; below 0 the result is
// [errEnough].
func (o ownerRules) couldSignIn(ctx context.Context, p Policy, user UserID, shown *int) (bool, error) {
	person, err := o.c.users().get(ctx, user)
	if err != nil || !person.SuspendedAt.IsZero() {
		return false, err
	}
	if slices.Contains(p.Exempt, user) {
		return true, nil
	}
	live, err := o.c.sessions().liveSessions(ctx, user)
	if err != nil {
		return false, err
	}
	refused := map[evidence]bool{}
	for _, s := range slices.Backward(live) { // the newest first
		if refused[s.evidence()] || s.Confined && s.OrganizationID != p.OrganizationID {
			continue
		}
		if *shown--; *shown < 0 {
			return false, errEnough
		}
		switch err := o.c.policies().satisfies(ctx, person, p.OrganizationID, s.evidence()); {
		case CodeOf(err) == ErrSignInRefused:
			refused[s.evidence()] = true
			continue
		case err != nil:
			return false, err
		}
		switch _, err := o.c.sessions().upheld(ctx, s); CodeOf(err) {
		case "":
			return true, nil
		case ErrSessionEnded, ErrSessionExpired:
		default:
			return false, err
		}
	}
	return false, nil
}

// dropExemptions removes users who are not active members any more from the policy of an organization, because
// an exemption ends with the membership (rule M16). The caller holds the organization's lock.
func (pl policyRules) dropExemptions(ctx context.Context, id OrganizationID, users ...UserID) error {
	rules, err := pl.read(ctx, id)
	if err != nil {
		return err
	}
	before := rules[id]
	p := before
	p.Exempt = slices.DeleteFunc(slices.Clone(before.Exempt), func(user UserID) bool { return slices.Contains(users, user) })
	if len(p.Exempt) == len(before.Exempt) {
		return nil
	}
	if len(p.Exempt) == 0 {
		p.Exempt = nil
	}
	return pl.savePolicy(ctx, before, &p)
}
