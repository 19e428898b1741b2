package tenancy

import (
	"context"
	"errors"
	"time"

	"github.com/freehold-dev/freehold/store/typed"
)

// readFound returns the organization that a NewInvitation lets the person found, with every text in its
// stored form (rule I13); nil: none.
//
// Errors: [ErrInvalid] and [ErrPublicEmailDomain] with a field below "found"; [ErrEmailDomainNotAllowed] if
// the organization would not allow the address.
func (iv invitationRules) readFound(ctx context.Context, in NewInvitation, emailKey string) (*NewOrganization, error) {
	if in.Found == nil {
		return nil, nil
	}
	want := *in.Found
	for _, left := range []input{
		{"id", !want.ID.IsZero()},
		{"created_at", !want.CreatedAt.IsZero()},
		{"owner", !want.Owner.IsZero()},
		{"domains", len(want.Domains) > 0},
		{"default_role", want.Settings.DefaultRole != ""},
		{"creator_role", want.Settings.CreatorRole != ""},
	} {
		if left.given {
			return nil, invalid("found."+left.field, "is not for an organization that an invitation founds")
		}
	}
	if !in.OrganizationID.IsZero() {
		return nil, invalid("found", "does not go with an organization")
	}
	org, err := iv.c.organizations().draft(ctx, want)
	if err == nil {
		err = iv.c.joining().emailAllowed(org, emailKey)
	}
	if err != nil {
		return nil, below("found", err)
	}
	return &NewOrganization{
		DisplayName: org.DisplayName, Slug: org.Slug, ExternalID: org.ExternalID,
		Metadata: org.Metadata, Attributes: org.Attributes, Settings: org.Settings,
	}, nil
}

// below moves the field of an error below another field, such as "slug" to "found.slug".
func below(field string, err error) error {
	var e *Error
	if !errors.As(err, &e) || e.Field == "" {
		return err
	}
	inner := *e
	inner.Field = field + "." + e.Field
	return &inner
}

// mayFound refuses a founding invitation if an organization has its ExternalID by now.
func (iv invitationRules) mayFound(ctx context.Context, found *NewOrganization) error {
	if found == nil || found.ExternalID == "" {
		return nil
	}
	n, err := iv.c.tx.Organizations().Count(ctx, organizationFilter{ExternalID: typed.Of(found.ExternalID)})
	if err == nil && n > 0 {
		err = &Error{Code: ErrAlreadyExists, Kind: organizationRows.Table.Kind, Field: "found.external_id"}
	}
	return err
}

// mayTakeSlug refuses a new founding invitation if an organization already has its slug. The invitation
// does not reserve the slug: see [organizationRules.freeSlug].
func (iv invitationRules) mayTakeSlug(ctx context.Context, found *NewOrganization) error {
	if found == nil || found.Slug == "" {
		return nil
	}
	taken, err := iv.c.organizations().slugTaken(ctx, found.Slug)
	if err == nil && taken {
		err = &Error{Code: ErrAlreadyExists, Kind: organizationRows.Table.Kind, Field: "found.slug"}
	}
	return err
}

// foundInvited makes the organization of a founding invitation, with the person as its owner (rule I13).
// Because the host asked for it, Config.SelfServe and the person's limits do not apply.
func (iv invitationRules) foundInvited(ctx context.Context, inv Invitation, user User) (Member, error) {
	if !user.SuspendedAt.IsZero() {
		return Member{}, &Error{Code: ErrUserSuspended, Kind: "user", Key: user.ID.String()}
	}
	in := *inv.Found
	in.ID = newID(iv.c, OrganizationID{})
	if err := iv.c.lock(ctx, lockUser(user.ID), lockOrganization(in.ID)); err != nil {
		return Member{}, err
	}
	var err error
	if in.Slug, err = iv.c.organizations().freeSlug(ctx, in.Slug); err != nil {
		return Member{}, err
	}
	member, err := iv.c.foundFor(ctx, iv.c.service.trusted(), in, user)
	switch CodeOf(err) {
	case ErrInvalid, ErrPublicEmailDomain, ErrAlreadyExists: // limits have changed, or the ExternalID is taken
		err = &Error{Code: ErrInvitationVoid, Reason: "the organization cannot be made any more", Err: err}
	}
	return member, err
}

// foundingRoles returns the roles that the founding of an organization gives or names. There are none if
// the invitation founds no organization.
func (i Invitation) foundingRoles(c *Config) []string {
	if i.Found == nil {
		return nil
	}
	return []string{c.CreatorRole, c.DefaultRole}
}

// leads returns the organization into which an invitation leads, or that it has founded; zero: none yet.
func (i Invitation) leads() OrganizationID {
	if i.OrganizationID.IsZero() {
		return i.FoundedID
	}
	return i.OrganizationID
}

// storedFound is the stored form of the organization of a founding invitation.
type storedFound struct {
	DisplayName       string            `json:"display_name,omitempty"`
	Slug              string            `json:"slug,omitempty"`
	ExternalID        string            `json:"external_id,omitempty"`
	Metadata          map[string]string `json:"metadata,omitempty"`
	Attributes        map[string]string `json:"attributes,omitempty"`
	SeatLimit         int               `json:"seat_limit,omitempty"`
	Features          map[string]bool   `json:"features,omitempty"`
	AllowedDomains    []string          `json:"allowed_domains,omitempty"`
	BlockedDomains    []string          `json:"blocked_domains,omitempty"`
	AcceptOnDomains   bool              `json:"accept_on_domains,omitempty"`
	SingleSignOnJoins bool              `json:"single_sign_on_joins,omitempty"`
	JoinRequests      bool              `json:"join_requests,omitempty"`
	SessionIdle       int64             `json:"session_idle,omitempty"` // in seconds
	SessionFor        int64             `json:"session_for,omitempty"`  // in seconds
}

func storeFound(v *Invitation) storedFound {
	if v.Found == nil {
		return storedFound{}
	}
	f, set := v.Found, v.Found.Settings
	return storedFound{
		DisplayName: f.DisplayName, Slug: f.Slug, ExternalID: f.ExternalID, Metadata: f.Metadata, Attributes: f.Attributes,
		SeatLimit: set.SeatLimit, Features: set.Features, AllowedDomains: set.AllowedDomains, BlockedDomains: set.BlockedDomains,
		AcceptOnDomains: set.AcceptOnDomains, SingleSignOnJoins: set.SingleSignOnJoins, JoinRequests: set.JoinRequests,
		SessionIdle: int64(set.SessionIdle / time.Second), SessionFor: int64(set.SessionFor / time.Second),
	}
}

func loadFound(v *Invitation, s storedFound) {
	v.Found = &NewOrganization{
		DisplayName: s.DisplayName, Slug: s.Slug, ExternalID: s.ExternalID, Metadata: s.Metadata, Attributes: s.Attributes,
		Settings: Settings{
			SeatLimit: s.SeatLimit, Features: s.Features, AllowedDomains: s.AllowedDomains, BlockedDomains: s.BlockedDomains,
			AcceptOnDomains: s.AcceptOnDomains, SingleSignOnJoins: s.SingleSignOnJoins, JoinRequests: s.JoinRequests,
			SessionIdle: time.Duration(s.SessionIdle) * time.Second, SessionFor: time.Duration(s.SessionFor) * time.Second,
		},
	}
}
