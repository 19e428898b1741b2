package tenancy

import (
	"context"
	"slices"

	"github.com/freehold-dev/freehold/store/typed"
)

// evidence is how a user signed in, in the form that policies check.
type evidence struct {
	method       SignInMethod
	connection   ConnectionID
	secondFactor bool
}

func (s Session) evidence() evidence { return evidence{s.Method, s.ConnectionID, s.SecondFactor} }

// unmet is what a policy still demands of a sign-in; the zero value demands nothing.
type unmet struct {
	kind         DecisionKind
	organization OrganizationID // the organization that has the policy
	connections  []Connection   // one of these
	methods      []SignInMethod // one of these
}

// read reads the policies of organizations in one query. An organization without a row demands nothing.
func (pl policyRules) read(ctx context.Context, ids ...OrganizationID) (map[OrganizationID]Policy, error) {
	ids = slices.DeleteFunc(slices.Clone(ids), OrganizationID.IsZero)
	found := make(map[OrganizationID]Policy, len(ids))
	if len(ids) == 0 {
		return found, nil
	}
	rows, err := pl.c.tx.Policies().List(ctx, policyFilter{OrganizationID: typed.Of(ids...)}, listSpan{Limit: len(ids)})
	for _, p := range rows {
		found[p.OrganizationID] = p
	}
	return found, err
}

// satisfies refuses a sign-in to an organization where unmet reports that something is missing.
//
// Errors: [ErrSignInRefused].
func (pl policyRules) satisfies(ctx context.Context, user User, organization OrganizationID, by evidence) error {
	missing, err := pl.unmet(ctx, user, organization, by)
	if err == nil && missing.kind != "" {
		err = &Error{Code: ErrSignInRefused, Kind: "organization", Key: missing.organization.String(), Reason: string(missing.kind)}
	}
	return err
}

// unmet returns what the policies still demand of a sign-in to an organization. Two policies count: that of the
// organization which holds the domain of the user's address, unless it is suspended or archived (rule P2), and
// that of the organization itself (rule P3). Without an organization only the first counts.
func (pl policyRules) unmet(ctx context.Context, user User, organization OrganizationID, by evidence) (unmet, error) {
	domain, _, err := pl.c.domains().verifiedDomain(ctx, user.EmailKey)
	if err != nil {
		return unmet{}, err
	}
	rules, err := pl.read(ctx, domain.OrganizationID, organization)
	if err != nil {
		return unmet{}, err
	}
	holding, err := pl.resting(ctx, rules[domain.OrganizationID])
	if err != nil {
		return unmet{}, err
	}
	missing, err := pl.missingForDomain(ctx, holding, user.ID, by)
	if err == nil && missing.kind == "" {
		missing, err = pl.missingForOrganization(ctx, rules[organization], user.ID, by)
	}
	return missing, err
}

// missingForDomain returns what is missing for the policy of the organization that holds the domain of a user's
// address. The policy binds every user with such an address, member or not.
func (pl policyRules) missingForDomain(ctx context.Context, p Policy, user UserID, by evidence) (unmet, error) {
	rule := p.Domain
	own, err := pl.throughOwn(ctx, p, by)
	if err != nil || own && rule.satisfied(by) {
		return unmet{}, err
	}
	if exempt, err := pl.exempt(ctx, p, user); err != nil || exempt {
		return unmet{}, err
	}
	missing := unmet{organization: p.OrganizationID}
	switch {
	case !rule.ConnectionID.IsZero() && by.connection != rule.ConnectionID:
		missing.kind = DecisionUseSingleSignOn
		found, err := pl.c.tx.Connections().List(ctx, connectionFilter{ID: typed.Of(rule.ConnectionID)}, listSpan{Limit: 1})
		missing.connections = found
		return missing, err
	case !own || !rule.allows(by.method):
		missing.kind, missing.methods = DecisionUseOtherMethod, slices.Clone(rule.Methods)
		if rule.onlySingleSignOn() {
			missing.kind, missing.methods = DecisionUseSingleSignOn, nil
		}
		if !slices.Contains(rule.Methods, MethodSingleSignOn) {
			return missing, nil
		}
		found, err := pl.c.connections().activeConnections(ctx, p.OrganizationID)
		missing.connections = found
		return missing, err
	}
	missing.kind = DecisionSecondFactor
	return missing, nil
}

// throughOwn reports whether single sign-on went through an active connection of the policy's organization,
// where a domain policy names it as a method. A connection of another organization proves nothing to this one
// (rule P6).
func (pl policyRules) throughOwn(ctx context.Context, p Policy, by evidence) (bool, error) {
	if by.method != MethodSingleSignOn || !slices.Contains(p.Domain.Methods, MethodSingleSignOn) {
		return true, nil
	}
	if by.connection.IsZero() {
		return false, nil
	}
	c, err := pl.c.tx.Connections().Get(ctx, by.connection)
	if CodeOf(err) == ErrNotFound {
		return false, nil
	}
	return err == nil && c.OrganizationID == p.OrganizationID && c.State == ConnectionActive, err
}

func (p DomainPolicy) allows(method SignInMethod) bool {
	return len(p.Methods) == 0 || slices.Contains(p.Methods, method)
}

func (p DomainPolicy) satisfied(by evidence) bool {
	return p.allows(by.method) && (p.ConnectionID.IsZero() || by.connection == p.ConnectionID) && (by.secondFactor || !p.SecondFactor)
}

// missingForOrganization returns what is missing for an organization's policy on sign-ins to it.
func (pl policyRules) missingForOrganization(ctx context.Context, p Policy, user UserID, by evidence) (unmet, error) {
	rule := p.Organization
	if !rule.SingleSignOn && (!rule.SecondFactor || by.secondFactor) {
		return unmet{}, nil
	}
	own, err := pl.c.connections().activeConnections(ctx, p.OrganizationID)
	if err != nil {
		return unmet{}, err
	}
	came := slices.ContainsFunc(own, func(c Connection) bool { return c.ID == by.connection })
	if came && (!rule.SingleSignOn || rule.ConnectionID.IsZero() || by.connection == rule.ConnectionID) {
		return unmet{}, nil
	}
	if exempt, err := pl.exempt(ctx, p, user); err != nil || exempt {
		return unmet{}, err
	}
	missing := unmet{kind: DecisionSecondFactor, organization: p.OrganizationID}
	if rule.SingleSignOn {
		missing.kind, missing.connections = DecisionUseSingleSignOn, own
		if !rule.ConnectionID.IsZero() {
			missing.connections = slices.DeleteFunc(own, func(c Connection) bool { return c.ID != rule.ConnectionID })
		}
	}
	return missing, nil
}

// exempt reports whether a policy does not bind a user: an active member whom it exempts, or an owner, unless
// it binds owners (rule P3).
func (pl policyRules) exempt(ctx context.Context, p Policy, user UserID) (bool, error) {
	if user.IsZero() {
		return false, nil
	}
	if !slices.Contains(p.Exempt, user) {
		if p.BindsOwners {
			return false, nil
		}
		return pl.c.owners().isOwner(ctx, p.OrganizationID, user)
	}
	m, err := pl.c.members().get(ctx, p.OrganizationID, user)
	if CodeOf(err) == ErrNotFound {
		return false, nil
	}
	return m.Status == MembershipActive, err
}
