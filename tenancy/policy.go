package tenancy

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// SignInMethod is a way to sign in, with a name that the host chooses: "password", "magic_link", "google".
type SignInMethod string

// The methods that have a meaning in this package. All others are names in Config.SignInMethods.
const (
	MethodSingleSignOn SignInMethod = "single_sign_on" // through an organization's connection
	MethodPassword     SignInMethod = "password"       // a password that the application checked
	MethodMagicLink    SignInMethod = "magic_link"     // a link or code that was sent by mail
	// MethodInvitation is the link of an invitation that a new user opens. It need not be in
	// Config.SignInMethods.
	MethodInvitation SignInMethod = "invitation"
)

// Policy is what an organization demands of sign-ins (rules P2, P3). An organization without a policy demands
// nothing.
type Policy struct {
	ID             PolicyID           `json:"id"`              // never changes
	Version        int64              `json:"version"`         // counts changes from 1 (rule G11)
	OrganizationID OrganizationID     `json:"organization_id"` // the organization that it belongs to
	Domain         DomainPolicy       `json:"domain"`          // binds people on its domains, wherever they sign in
	Organization   OrganizationPolicy `json:"organization"`    // binds people who sign in to the organization
	// Exempt are active members whom the policy does not bind, for emergencies (rule P3).
	Exempt []UserID `json:"exempt,omitempty"`
	// BindsOwners makes the policy bind owners, too. While it is false, owners are free of the policy, so that
	// nobody else can lock them out.
	BindsOwners bool      `json:"binds_owners,omitempty"`
	CreatedAt   time.Time `json:"created_at,omitzero"` // when it was created
	UpdatedAt   time.Time `json:"updated_at,omitzero"` // when it last changed, with Version
}

// DomainPolicy binds every user whose address is on a verified domain of the organization, wherever they sign
// in (rule P2).
type DomainPolicy struct {
	// Methods are the allowed methods; none = all. If single sign-on is one of them, it must use an active
	// connection of this organization.
	Methods      []SignInMethod `json:"methods,omitempty"`
	ConnectionID ConnectionID   `json:"connection_id,omitzero"`  // the connection that is required; zero: none
	SecondFactor bool           `json:"second_factor,omitempty"` // demand a second factor, too
}

// OrganizationPolicy binds every user who signs in to the organization (rule P3).
type OrganizationPolicy struct {
	// SingleSignOn demands single sign-on through one of the organization's connections.
	SingleSignOn bool         `json:"single_sign_on,omitempty"`
	ConnectionID ConnectionID `json:"connection_id,omitzero"` // demand this connection; zero: any of them
	// SecondFactor demands a second factor of users who do not use single sign-on.
	SecondFactor bool `json:"second_factor,omitempty"`
}

// PolicyID is the id of a policy, pol_...
type PolicyID = ID[Policy]

func (Policy) idPrefix() string { return "pol" }

func (p Policy) rowID() [16]byte { return p.ID }

func (p *Policy) stamps() (*int64, *time.Time) { return &p.Version, &p.UpdatedAt }

func (p *Policy) event(kind EventType) newEvent {
	return newEvent{kind: kind, organization: p.OrganizationID, subject: p.ID.String(), data: *p}
}

// Policies is the group of methods on the sign-in policies of organizations.
type Policies struct{ s *Service }

// PolicyUpdate is a change to a policy. A nil field stays as it is; other fields replace the current value.
type PolicyUpdate struct {
	Version      int64               // the Version that the change is based on; 0 = any (rule G11)
	Domain       *DomainPolicy       // a pointer to the zero value demands nothing
	Organization *OrganizationPolicy // a pointer to the zero value demands nothing
	Exempt       *[]UserID           // at most 100
	BindsOwners  *bool               // only owners and the host may change it
}

const maxExempt = 100

// Get returns an organization's policy. If none was set, the policy has a zero ID and demands nothing.
//
// Errors: [ErrNotFound] for the organization.
func (g Policies) Get(ctx context.Context, organization OrganizationID) (Policy, error) {
	return read(ctx, g.s, policiesGet, organization.String(), func(ctx context.Context, c *call) (Policy, error) {
		if err := c.access().authorize(ctx, scope{organization: organization}); err != nil {
			return Policy{}, err
		}
		return c.policies().policyOf(ctx, organization)
	})
}

func (pl policyRules) policyOf(ctx context.Context, organization OrganizationID) (Policy, error) {
	if _, err := pl.c.tx.Organizations().Get(ctx, organization); err != nil {
		return Policy{}, err
	}
	rules, err := pl.read(ctx, organization)
	p := rules[organization]
	p.OrganizationID = organization
	return p, err
}

// Set changes an organization's policy. It applies from the next sign-in or switch on; existing sessions stay.
// A change that alters nothing writes nothing (rule G8).
//
// A required connection must be an active one of the same organization, and exempt users must be active
// members. An exemption ends with the membership. Nobody can exempt themselves.
//
// The policy does not bind owners until BindsOwners is set, and only owners and the host can set it. From then
// on only owners change the policy, and the connections that it names. An actor cannot make a change after
// which no owner could sign in.
//
// Errors: [ErrInvalid] with the field, also for a policy that nobody could satisfy; [ErrNotFound] for the
// organization, a connection or a member; [ErrConflict]; [ErrForbidden] with the field "binds_owners" or
// "exempt"; [ErrWouldLockOut].
func (g Policies) Set(ctx context.Context, organization OrganizationID, in PolicyUpdate) (Policy, error) {
	return write(ctx, g.s, policiesSet, organization.String(), func(ctx context.Context, c *call) (Policy, error) {
		if err := c.access().mayLock(ctx, scope{organization: organization}); err != nil {
			return Policy{}, err
		}
		if err := c.lock(ctx, lockOrganization(organization)); err != nil {
			return Policy{}, err
		}
		if err := c.access().authorize(ctx, scope{organization: organization}); err != nil {
			return Policy{}, err
		}
		p, err := c.policies().policyOf(ctx, organization)
		if err != nil {
			return Policy{}, err
		}
		if in.Version != 0 && in.Version != p.Version {
			return Policy{}, &Error{Code: ErrConflict, Kind: "policy", Key: organization.String(), Field: "version"}
		}
		before := p
		if err := c.owners().mayBind(ctx, before, in); err != nil {
			return Policy{}, err
		}
		if err := c.policies().applyPolicy(ctx, &p, in); err != nil {
			return Policy{}, err
		}
		if err := c.policies().savePolicy(ctx, before, &p); err != nil {
			return Policy{}, err
		}
		if err := c.owners().keepsWayIn(ctx, organization); err != nil {
			return Policy{}, err
		}
		return p, nil
	})
}

// savePolicy saves a policy that differs from before.
func (pl policyRules) savePolicy(ctx context.Context, before Policy, p *Policy) error {
	keep := pl.c.tx.Policies().Update
	if p.ID.IsZero() && !unchanged(before, *p) { // no policy exists yet
		p.ID, p.CreatedAt = pl.c.instance.config.NewID(), pl.c.now
		before.ID, before.CreatedAt = p.ID, p.CreatedAt
		keep = pl.c.tx.Policies().Insert
	}
	return save(ctx, pl.c, keep, before, p, EventPolicyUpdated)
}

// applyPolicy writes an update's parts into p.
func (pl policyRules) applyPolicy(ctx context.Context, p *Policy, in PolicyUpdate) error {
	if in.Domain != nil {
		rule, err := pl.domainPolicy(ctx, p.OrganizationID, *in.Domain)
		if err != nil {
			return err
		}
		p.Domain = rule
	}
	if in.Organization != nil {
		if err := pl.checkOrganizationPolicy(ctx, p.OrganizationID, *in.Organization); err != nil {
			return err
		}
		p.Organization = *in.Organization
	}
	p.BindsOwners = deref(in.BindsOwners, p.BindsOwners)
	if in.Exempt == nil {
		return nil
	}
	if len(*in.Exempt) > maxExempt {
		return invalid("exempt", fmt.Sprintf("are %d, at most %d", len(*in.Exempt), maxExempt))
	}
	p.Exempt = slices.Clone(*in.Exempt)
	slices.SortFunc(p.Exempt, UserID.Compare)
	if p.Exempt = slices.Compact(p.Exempt); len(p.Exempt) == 0 {
		p.Exempt = nil
	}
	for _, user := range p.Exempt {
		m, err := pl.c.members().visible(ctx, p.OrganizationID, user)
		if err == nil && m.Status != MembershipActive {
			err = invalid("exempt", "has somebody who is no active member")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// domainPolicy checks a domain policy, and sorts its methods.
func (pl policyRules) domainPolicy(ctx context.Context, organization OrganizationID, p DomainPolicy) (DomainPolicy, error) {
	for _, method := range p.Methods {
		if err := pl.knownMethod("methods", method); err != nil {
			return p, err
		}
	}
	p.Methods = slices.Compact(slices.Sorted(slices.Values(p.Methods)))
	if !p.ConnectionID.IsZero() && !p.allows(MethodSingleSignOn) {
		return p, invalid("methods", "do not allow single sign-on, which the connection is")
	}
	if p.onlySingleSignOn() && p.ConnectionID.IsZero() {
		return p, pl.hasConnection(ctx, organization, "methods")
	}
	return p, pl.required(ctx, organization, p.ConnectionID)
}

// onlySingleSignOn reports whether a connection is the only way to sign in.
func (p DomainPolicy) onlySingleSignOn() bool {
	return len(p.Methods) == 1 && p.Methods[0] == MethodSingleSignOn
}

func (pl policyRules) checkOrganizationPolicy(ctx context.Context, organization OrganizationID, p OrganizationPolicy) error {
	switch {
	case !p.SingleSignOn && !p.ConnectionID.IsZero():
		return invalid("connection_id", "is given without single_sign_on")
	case !p.SingleSignOn:
		return nil
	case !p.ConnectionID.IsZero():
		return pl.required(ctx, organization, p.ConnectionID)
	}
	return pl.hasConnection(ctx, organization, "single_sign_on")
}

// hasConnection refuses to demand single sign-on where the organization has no active connection.
func (pl policyRules) hasConnection(ctx context.Context, organization OrganizationID, field string) error {
	active, err := pl.c.connections().activeConnections(ctx, organization)
	if err == nil && len(active) == 0 {
		err = invalid(field, "has no active connection to go through")
	}
	return err
}

// required checks a connection that the policy requires; zero requires none.
func (pl policyRules) required(ctx context.Context, organization OrganizationID, id ConnectionID) error {
	if id.IsZero() {
		return nil
	}
	c, err := pl.c.connections().get(ctx, organization, id)
	if err == nil && c.State != ConnectionActive {
		err = invalid("connection_id", "is not active")
	}
	return err
}

// knownMethod refuses a method that the application does not offer.
func (pl policyRules) knownMethod(field string, method SignInMethod) error {
	if method != MethodSingleSignOn && !slices.Contains(pl.c.instance.config.SignInMethods, method) {
		return invalid(field, "is no way of signing in here")
	}
	return nil
}

// moveExemptions moves a user's exemptions to another user, in organizations whose locks the caller holds (rule
// U6). An exemption is dropped where the other user is not an active member.
func (pl policyRules) moveExemptions(ctx context.Context, from, into UserID, organizations ...OrganizationID) error {
	rules, err := pl.read(ctx, organizations...)
	if err != nil {
		return err
	}
	for _, organization := range organizations {
		before, ok := rules[organization]
		if !ok || !slices.Contains(before.Exempt, from) {
			continue
		}
		m, err := pl.c.members().get(ctx, organization, into)
		if err != nil && CodeOf(err) != ErrNotFound {
			return err
		}
		p := before
		p.Exempt = slices.DeleteFunc(slices.Clone(before.Exempt), func(id UserID) bool { return id == from || id == into })
		if m.Status == MembershipActive {
			p.Exempt = append(p.Exempt, into)
			slices.SortFunc(p.Exempt, UserID.Compare)
		}
		if len(p.Exempt) == 0 {
			p.Exempt = nil
		}
		if err := pl.savePolicy(ctx, before, &p); err != nil {
			return err
		}
	}
	return nil
}
