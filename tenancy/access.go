package tenancy

import (
	"context"
)

// Reason says why a user has a permission, or names the first thing that stands in the way.
type Reason string

// The reasons for and against access.
const (
	ReasonGranted               Reason = "granted"                // a role of the user gives the permission
	ReasonNotGranted            Reason = "not_granted"            // no role of the user gives it
	ReasonNoOrganization        Reason = "no_organization"        // the organization does not exist
	ReasonOrganizationArchived  Reason = "organization_archived"  // the organization is archived (rule O2)
	ReasonOrganizationSuspended Reason = "organization_suspended" // the organization is suspended (rule O2)
	ReasonNoUser                Reason = "no_user"                // the user does not exist, or was merged into another
	ReasonUserSuspended         Reason = "user_suspended"         // the host suspended the user (rule U8)
	ReasonNotAMember            Reason = "not_a_member"           // the user has no membership there
	ReasonMembershipPending     Reason = "membership_pending"     // the user has not accepted the invitation yet (rule M2)
	ReasonMembershipInactive    Reason = "membership_inactive"    // the membership was deactivated (rule M4)
)

// accessFacts are the facts for a decision on access.
type accessFacts struct {
	OrganizationFound     bool
	OrganizationSuspended bool
	OrganizationArchived  bool
	UserFound             bool // and was not merged into another
	UserSuspended         bool
	MembershipID          MembershipID // zero: no membership
	Status                MembershipStatus
	Mark                  string   // of the declarations: see declarationMark
	Roles                 []string // of the assignments without a scope, unordered, maybe repeated
}

// reason returns [ReasonGranted] if the facts give access at all, and otherwise what stands in the way.
func (f accessFacts) reason() Reason {
	switch {
	case !f.OrganizationFound:
		return ReasonNoOrganization
	case f.OrganizationArchived:
		return ReasonOrganizationArchived
	case !f.UserFound:
		return ReasonNoUser
	case f.MembershipID.IsZero():
		return ReasonNotAMember
	case f.Status == MembershipPending:
		return ReasonMembershipPending
	case f.Status != MembershipActive:
		return ReasonMembershipInactive
	case f.OrganizationSuspended:
		return ReasonOrganizationSuspended
	case f.UserSuspended:
		return ReasonUserSuspended
	}
	return ReasonGranted
}

// facts reads the facts that decide on access, in one statement if the store can do that.
func (ar accessRules) facts(ctx context.Context, organization OrganizationID, user UserID) (accessFacts, error) {
	if facts, ok, err := ar.c.queryFacts(ctx, organization, user); ok || err != nil {
		ar.c.sawDeclarations(facts.Mark)
		return facts, err
	}
	return ar.readFacts(ctx, organization, user)
}

// readFacts reads the facts from the tables.
func (ar accessRules) readFacts(ctx context.Context, organization OrganizationID, user UserID) (accessFacts, error) {
	var facts accessFacts
	org, err := ar.c.tx.Organizations().Get(ctx, organization)
	if err != nil && CodeOf(err) != ErrNotFound {
		return accessFacts{}, err
	}
	facts.OrganizationFound = err == nil
	facts.OrganizationArchived, facts.OrganizationSuspended = !org.ArchivedAt.IsZero(), !org.SuspendedAt.IsZero()
	person, err := ar.c.tx.Users().Get(ctx, user)
	if err != nil && CodeOf(err) != ErrNotFound {
		return accessFacts{}, err
	}
	facts.UserFound = err == nil && person.MergedInto.IsZero()
	facts.UserSuspended = !person.SuspendedAt.IsZero()
	m, err := ar.c.members().get(ctx, organization, user)
	if CodeOf(err) == ErrNotFound {
		return facts, nil
	}
	if err != nil {
		return accessFacts{}, err
	}
	facts.MembershipID, facts.Status = m.ID, m.Status
	held, err := ar.c.roles().assignments(ctx, m.ID)
	for _, a := range held[m.ID] {
		if a.Active && a.Scope == "" {
			facts.Roles = append(facts.Roles, a.Role)
		}
	}
	return facts, err
}

// access reads and compiles what a user may do in an organization. Without access it returns nil and the
// reason.
func (s *Service) access(ctx context.Context, method *Method, organization OrganizationID, user UserID) (*profile, Reason, error) {
	cached := s.instance.cache
	if s.txn != nil || s.principal != nil || cached.Size() == 0 || !s.ready(ctx) {
		cached = nil
	}
	var l load
	if cached != nil {
		if err := s.rejectNested(ctx); err != nil {
			return nil, "", explain(err, method.op, "")
		}
		if p := cached.Get(organization, user); p != nil {
			return p, ReasonGranted, nil
		}
		l = cached.Begin(organization, user)
	}
	type answer struct {
		profile *profile
		reason  Reason
	}
	found, err := read(ctx, s, method, pairKey(organization, user), func(ctx context.Context, c *call) (answer, error) {
		if err := c.access().authorize(ctx, scope{organization: organization, user: user}); err != nil {
			return answer{}, err
		}
		facts, err := c.access().facts(ctx, organization, user)
		if err != nil {
			return answer{}, err
		}
		if reason := facts.reason(); reason != ReasonGranted {
			return answer{reason: reason}, nil
		}
		if cached == nil {
			compiled, err := c.access().compile(ctx, organization, facts.Roles)
			return answer{compiled, ReasonGranted}, err
		}
		if err := c.access().settleSeen(ctx, cached, l.Key()); err != nil {
			return answer{}, err
		}
		compiled, err := c.access().shared(ctx, l, facts.Roles)
		return answer{compiled, ReasonGranted}, err
	})
	if err != nil {
		return nil, "", err
	}
	if cached != nil && found.profile != nil {
		l.Keep(found.profile)
	}
	return found.profile, found.reason, nil
}
