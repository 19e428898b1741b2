package tenancy

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// SignInMethod is a way of signing in, by a name of the host's: "password",
// "magic_link", "google".
type SignInMethod string

// The methods that have a meaning here. All others are names in Config.SignInMethods.
const (
	MethodSingleSignOn SignInMethod = "single_sign_on" // through an organization's connection
	MethodPassword     SignInMethod = "password"       // a password that the application checked
	MethodMagicLink    SignInMethod = "magic_link"     // a link or code that was mailed
	// MethodInvitation is the link of an invitation, opened by somebody new: it needs no
	// place in Config.SignInMethods.
	MethodInvitation SignInMethod = "invitation"
)

// Policy is what an organization demands of sign-ins (rules P2, P3). One without a
// row demands nothing.
type Policy struct {
	ID             PolicyID           `json:"id"`               // never changes
	Version        int64              `json:"version"`          // counts changes from 1 (rule G11)
	OrganizationID OrganizationID     `json:"organization_id"`  // the organization that it belongs to
	Domain         DomainPolicy       `json:"domain"`           // binds people on the organization's domains, wherever they sign in
	Organization   OrganizationPolicy `json:"organization"`     // binds people who enter the organization
	Exempt         []UserID           `json:"exempt,omitempty"` // active members whom it does not bind: break glass (rule P3)
	// BindsOwners makes it bind owners, too. As long as it is false they are free of it, so
	// that nobody else can lock them out.
	BindsOwners bool      `json:"binds_owners,omitempty"`
	CreatedAt   time.Time `json:"created_at,omitzero"` // when it was made
	UpdatedAt   time.Time `json:"updated_at,omitzero"` // when it last changed, with Version
}

// DomainPolicy binds everyone whose address is on the organization's verified
// domains, wherever they sign in (rule P2).
type DomainPolicy struct {
	// Methods are those allowed; none = all. Single sign-on among them is by an active
	// connection of the organization itself.
	Methods      []SignInMethod `json:"methods,omitempty"`
	ConnectionID ConnectionID   `json:"connection_id,omitzero"`  // required; zero: none
	SecondFactor bool           `json:"second_factor,omitempty"` // demand a second factor, too
}

// OrganizationPolicy binds everyone who signs in to the organization (rule P3).
type OrganizationPolicy struct {
	SingleSignOn bool         `json:"single_sign_on,omitempty"` // by one of its connections
	ConnectionID ConnectionID `json:"connection_id,omitzero"`   // by this one; zero: any of them
	SecondFactor bool         `json:"second_factor,omitempty"`  // for who does not come by single sign-on
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

// PolicyUpdate is a change to a policy. A nil field stays as it is; what is given
// stands instead of what there was.
type PolicyUpdate struct {
	Version      int64               // the Version this is based on; 0 = whichever (rule G11)
	Domain       *DomainPolicy       // a pointer to the zero value demands nothing
	Organization *OrganizationPolicy // likewise
	Exempt       *[]UserID           // at most 100
	BindsOwners  *bool               // owners and the host alone
}

const maxExempt = 100

// Get gives what an organization demands: nothing, with a zero ID, where nobody has set
// anything.
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

// Set changes what an organization demands. It binds from the next sign-in or switch
// on; sessions that there are stay. What changes nothing writes nothing (rule G8).
//
// A connection that is required is the organization's own and active, and those who are
// exempt are active members: an exemption goes with the membership. Nobody exempts
// themselves.
//
// Owners are free of the policy until BindsOwners is set, which only owners and the host
// do. From then on only owners change the policy, and the connections that it names, and
// no change of an actor's may leave the organization without an owner who could sign in.
//
// Errors: [ErrInvalid] with the field, also for a policy that nobody could satisfy;
// [ErrNotFound] for the organization, a connection or a member; [ErrConflict];
// [ErrForbidden] with the field "binds_owners" or "exempt"; [ErrWouldLockOut].
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

// savePolicy keeps a policy that differs from before.
func (pl policyRules) savePolicy(ctx context.Context, before Policy, p *Policy) error {
	keep := pl.c.tx.Policies().Update
	if p.ID.IsZero() && !unchanged(before, *p) { // nobody has set one yet
		p.ID, p.CreatedAt = pl.c.instance.config.NewID(), pl.c.now
		before.ID, before.CreatedAt = p.ID, p.CreatedAt
		keep = pl.c.tx.Policies().Insert
	}
	return save(ctx, pl.c, keep, before, p, EventPolicyUpdated)
}

// applyPolicy puts an update's parts into p.
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

// domainPolicy checks a domain policy, and puts its methods in order.
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

// onlySingleSignOn reports whether there is no other way than a connection.
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

// hasConnection refuses to demand single sign-on where there is nothing to go through.
func (pl policyRules) hasConnection(ctx context.Context, organization OrganizationID, field string) error {
	active, err := pl.c.connections().activeConnections(ctx, organization)
	if err == nil && len(active) == 0 {
		err = invalid(field, "has no active connection to go through")
	}
	return err
}

// required checks a connection that people are to sign in by; zero is none.
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

// moveExemptions gives what policies say of one user to another, in organizations
// whose locks are held (rule U6). It goes where the other is no active member.
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
