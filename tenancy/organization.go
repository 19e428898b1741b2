package tenancy

import (
	"cmp"
	"context"
	"iter"
	"time"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/typed"
)

// Organization is a customer of the host: the thing that people are members of and
// that everything they share belongs to.
type Organization struct {
	ID          OrganizationID    `json:"id"`                    // never changes
	Version     int64             `json:"version"`               // counts changes from 1 (rule G11)
	DisplayName string            `json:"display_name"`          // what people call it
	Slug        string            `json:"slug,omitempty"`        // unique; "" = none
	ExternalID  string            `json:"external_id,omitempty"` // the host's own key, unique; "" = none
	Metadata    map[string]string `json:"metadata,omitempty"`    // the host's own: nobody else writes it (rule O1)
	Attributes  map[string]string `json:"attributes,omitempty"`  // what the organization's people may edit
	Settings    Settings          `json:"settings"`              // what it decides for itself
	SuspendedAt time.Time         `json:"suspended_at,omitzero"` // zero: not suspended
	ArchivedAt  time.Time         `json:"archived_at,omitzero"`  // zero: not archived
	DeletedAt   time.Time         `json:"deleted_at,omitzero"`   // when its deletion began, which goes on in steps (rule G18); zero: it stays
	CreatedAt   time.Time         `json:"created_at,omitzero"`   // when it was made
	UpdatedAt   time.Time         `json:"updated_at,omitzero"`   // when it last changed, with Version
	NameKey     string            `json:"-"`                     // folded DisplayName, for order and search
	// SessionsEndedAt ends every session here from before (rule O2); zero: none.
	SessionsEndedAt time.Time `json:"-"`
}

// OrganizationID is the id of an organization, org_...
type OrganizationID = ID[Organization]

func (Organization) idPrefix() string { return "org" }

func (org Organization) rowID() [16]byte { return org.ID }

func (org *Organization) stamps() (*int64, *time.Time) { return &org.Version, &org.UpdatedAt }

func (org *Organization) event(kind EventType) newEvent {
	return newEvent{kind: kind, organization: org.ID, subject: org.ID.String(), data: *org}
}

// Settings are what an organization decides for itself (rule O3). A zero field is
// not set, and the application's own choice holds.
type Settings struct {
	SeatLimit   int             `json:"seat_limit,omitempty"`   // most seats, at least 1; 0 = no limit (rule M9)
	DefaultRole string          `json:"default_role,omitempty"` // for members added without a role
	CreatorRole string          `json:"creator_role,omitempty"` // for whom an organization is created for
	Features    map[string]bool `json:"features,omitempty"`     // flags of the host's; absent is not false

	// AllowedDomains are those whose addresses joining takes, each exactly that name; none =
	// any. Free-mail domains cannot be among them, for anybody has an address there (rule O3).
	AllowedDomains []string `json:"allowed_domains,omitempty"`
	// BlockedDomains are those whose addresses joining refuses, and all below them (rule O3).
	BlockedDomains []string `json:"blocked_domains,omitempty"`
	// AcceptOnDomains lets an invitation be accepted by anyone with a verified address
	// on a domain that the organization has verified (rule I4).
	AcceptOnDomains bool `json:"accept_on_domains,omitempty"`
	// SingleSignOnJoins lets in who comes through the organization's own connection
	// with an address on its own verified domain (rule P6).
	SingleSignOnJoins bool `json:"single_sign_on_joins,omitempty"`
	// JoinRequests lets anybody with a proved address ask to join (rule I7). Who has one on a
	// domain of the organization's that takes requests may always ask.
	JoinRequests bool `json:"join_requests,omitempty"`
	// SessionIdle and SessionFor end a session here that is unused, or that old; where
	// Config says less, that holds (rule O3). In whole seconds, and in JSON a number of them. To raise what holds ends
	// every session here: those that ran out do not come back.
	SessionIdle time.Duration `json:"session_idle,omitempty"`
	SessionFor  time.Duration `json:"session_for,omitempty"`
}

// Organizations is the group of methods on organizations.
type Organizations struct{ s *Service }

// NewOrganization is what Create needs: a DisplayName; the rest may be empty.
type NewOrganization struct {
	ID          OrganizationID    `json:"id,omitzero"`           // for imports; zero = a new one
	DisplayName string            `json:"display_name"`          // 1 to 200 characters (rule G5)
	Slug        string            `json:"slug,omitempty"`        // one DNS label, unique (rule G5), and not reserved for another organization that gave it up (rule O5)
	ExternalID  string            `json:"external_id,omitempty"` // 1 to 255 printable characters, unique (rule G4)
	Metadata    map[string]string `json:"metadata,omitempty"`    // the host's own (rule O1); with the limits of metadata (rule G3)
	Attributes  map[string]string `json:"attributes,omitempty"`  // what the organization's people may edit; the same limits
	Settings    Settings          `json:"settings,omitzero"`     // zero fields: as the application has it
	CreatedAt   time.Time         `json:"-"`                     // for [Service.Import] alone, as in [UserHistory]; zero: now
	Owner       UserID            `json:"owner,omitzero"`        // becomes an active member with the creator role
	// Domains are claimed for it; their OrganizationID stays zero.
	Domains []NewDomain `json:"domains,omitempty"`
}

// OrganizationUpdate is a change to an organization. A nil field stays as it is; a
// pointer to the empty string, or to 0, clears.
type OrganizationUpdate struct {
	Version     int64            // the Version this is based on; 0 = whichever (rule G11)
	DisplayName *string          // 1 to 200 characters; cannot be cleared
	Slug        *string          // the one before stays reserved for 90 days (rule O5)
	ExternalID  *string          // as in [NewOrganization]
	Metadata    Patch            // the host's own (rule O1)
	Attributes  Patch            // what the organization's people may edit
	SeatLimit   *int             // at least 1; 0 clears
	DefaultRole *string          // as in [Settings]
	CreatorRole *string          // as in [Settings]
	Features    map[string]*bool // nil deletes the flag

	AllowedDomains    *[]string      // at most 100, none of free mail; a pointer to none clears
	BlockedDomains    *[]string      // at most 100; a pointer to none clears
	AcceptOnDomains   *bool          // as in [Settings]
	SingleSignOnJoins *bool          // as in [Settings]
	JoinRequests      *bool          // as in [Settings]
	SessionIdle       *time.Duration // in whole seconds, at least a minute; 0 clears
	SessionFor        *time.Duration // likewise
}

// OrganizationQuery selects organizations for List. Archived ones are left out.
type OrganizationQuery struct {
	IDs        []OrganizationID // nil = all
	NamePrefix string           // what the name begins with, in any case (rule G12)
	Suspended  *bool            // nil = either
	Archived   bool             // list the archived ones instead
	Order      Order            // [ByID], or by name with a NamePrefix; [ByName]
	Descending bool             // in reverse order
	Limit      int              // default 50, at most 1000
	Cursor     string           // Next of the page before
}

// Create makes an organization and, for an Owner, the membership with the creator
// role (rule O1), in one transaction. On a Service bound to a person, who founds it for
// themselves (Config.SelfServe), Metadata is [ErrForbidden]: hosts keep the plan there. They
// may found so many as Limits.UserOrganizations says (rule O6); the host is free.
//
// Errors: [ErrInvalid], [ErrAlreadyExists] (field "id", "slug" or "external_id"),
// [ErrUnknownRole]; [ErrPublicEmailDomain] with the field "allowed_domains"; for Domains what
// Claim answers; [ErrInvalid] and [ErrRateLimited] with the field "organizations" beyond
// Limits.UserOrganizations, of those that exist and of those founded in 24 hours; and for the owner [ErrNotFound], [ErrMerged],
// [ErrAlreadyMemberElsewhere], [ErrJoinRefused].
func (g Organizations) Create(ctx context.Context, in NewOrganization) (Organization, error) {
	return write(ctx, g.s, organizationsCreate, "", func(ctx context.Context, c *call) (Organization, error) {
		return c.organizations().createOrganization(ctx, in)
	})
}

func (o organizationRules) createOrganization(ctx context.Context, in NewOrganization) (Organization, error) {
	if err := o.mayCreate(ctx, in); err != nil {
		return Organization{}, err
	}
	org, err := o.draft(ctx, in)
	if err != nil {
		return Organization{}, err
	}
	locks := []store.LockKey{lockOrganization(org.ID)}
	if !in.Owner.IsZero() {
		locks = append(locks, lockUser(in.Owner))
	}
	roles := []string{org.Settings.DefaultRole, o.creatorRole(org)}
	for _, d := range in.Domains {
		roles = append(roles, d.Role)
	}
	if err := o.c.roles().lockDeclared(ctx, roles...); err != nil {
		return Organization{}, err
	}
	if err := o.c.lock(ctx, locks...); err != nil {
		return Organization{}, err
	}
	if err := o.c.access().authorize(ctx, scope{user: in.Owner}); err != nil { // again, under the locks
		return Organization{}, err
	}
	if o.c.service.principal != nil {
		if err := o.admitFounding(ctx, org.ID, in.Owner); err != nil {
			return Organization{}, err
		}
	}
	if err := o.moveSlug(ctx, org.ID, "", org.Slug); err != nil {
		return Organization{}, err
	}
	if err := o.c.tx.Organizations().Insert(ctx, org); err != nil {
		return Organization{}, err
	}
	if err := o.c.seats().limited(ctx, Organization{}, org); err != nil {
		return Organization{}, err
	}
	err = o.c.record(ctx, org.event(EventOrganizationCreated))
	if err != nil {
		return Organization{}, err
	}
	if !in.Owner.IsZero() {
		_, err = o.c.joining().join(ctx, entrant{
			host: true, organization: org, userID: in.Owner, via: JoinedCreated,
			roles: []string{o.creatorRole(org)},
		})
		if err != nil {
			return Organization{}, err
		}
	}
	return org, o.c.domains().claimAll(ctx, org, in.Domains)
}

// draft is the organization that a NewOrganization describes.
func (o organizationRules) draft(ctx context.Context, in NewOrganization) (Organization, error) {
	org := Organization{ID: newID(o.c, in.ID), Version: 1, CreatedAt: o.c.now, UpdatedAt: o.c.now}
	if err := o.c.recall(pastTime{"created_at", in.CreatedAt, &org.CreatedAt}); err != nil {
		return Organization{}, err
	}
	var flags map[string]*bool
	if len(in.Settings.Features) > 0 {
		flags = make(map[string]*bool, len(in.Settings.Features))
		for key, value := range in.Settings.Features {
			flags[key] = &value
		}
	}
	var err error
	if org.Metadata, err = o.c.instance.config.Limits.metadata("metadata", in.Metadata); err != nil {
		return Organization{}, err
	}
	if org.Attributes, err = o.c.instance.config.Limits.metadata("attributes", in.Attributes); err != nil {
		return Organization{}, err
	}
	set := &in.Settings
	err = o.apply(ctx, &org, OrganizationUpdate{
		DisplayName: &in.DisplayName, Slug: &in.Slug, ExternalID: &in.ExternalID, SeatLimit: &set.SeatLimit,
		DefaultRole: &set.DefaultRole, CreatorRole: &set.CreatorRole, Features: flags,
		AllowedDomains: &set.AllowedDomains, BlockedDomains: &set.BlockedDomains, AcceptOnDomains: &set.AcceptOnDomains,
		SingleSignOnJoins: &set.SingleSignOnJoins, JoinRequests: &set.JoinRequests, SessionIdle: &set.SessionIdle, SessionFor: &set.SessionFor,
	})
	return org, err
}

func (o organizationRules) creatorRole(org Organization) string {
	return cmp.Or(org.Settings.CreatorRole, o.c.instance.config.CreatorRole)
}

// mayCreate lets an actor create an organization for themselves where the host allows
// that, with nothing in it that only the host may say (rules A2, A4).
func (o organizationRules) mayCreate(ctx context.Context, in NewOrganization) error {
	if p := o.c.service.principal; p != nil && in.Owner != p.user {
		return o.c.access().deny(scope{}, forbidden("owner"))
	}
	if err := o.c.access().authorize(ctx, scope{user: in.Owner}); err != nil {
		return err
	}
	if o.c.service.principal != nil && !o.c.instance.config.SelfServe {
		return o.c.access().deny(scope{}, forbidden(""))
	}
	for _, d := range in.Domains {
		if err := o.c.access().hostOnly(append(domainHostInputs(d), input{"role", d.Role != ""})...); err != nil {
			return err
		}
	}
	set := in.Settings
	return o.c.access().hostOnly(
		input{"id", !in.ID.IsZero()}, input{"external_id", in.ExternalID != ""}, input{"metadata", len(in.Metadata) > 0},
		input{"created_at", !in.CreatedAt.IsZero()}, input{"seat_limit", set.SeatLimit != 0}, input{"features", len(set.Features) > 0},
		input{"default_role", set.DefaultRole != ""}, input{"creator_role", set.CreatorRole != ""},
	)
}

// apply puts an update's fields into org, each in its stored form.
func (o organizationRules) apply(ctx context.Context, org *Organization, in OrganizationUpdate) (err error) {
	c := o.c.instance.config
	if in.DisplayName != nil {
		if org.DisplayName, err = cleanName("display_name", *in.DisplayName); err != nil {
			return err
		}
		org.NameKey = fold(org.DisplayName)
	}
	if in.Slug != nil {
		if org.Slug, err = c.slug(*in.Slug); err != nil {
			return err
		}
	}
	if in.ExternalID != nil {
		if err := optionalExact("external_id", *in.ExternalID); err != nil {
			return err
		}
		org.ExternalID = *in.ExternalID
	}
	if in.SeatLimit != nil {
		if *in.SeatLimit < 0 {
			return invalid("seat_limit", "is negative")
		}
		org.Settings.SeatLimit = *in.SeatLimit
	}
	if in.DefaultRole != nil {
		if err := o.c.roles().automatic(ctx, org.ID, "default_role", *in.DefaultRole); err != nil {
			return err
		}
		org.Settings.DefaultRole = *in.DefaultRole
	}
	if in.CreatorRole != nil {
		if *in.CreatorRole != "" {
			if err := o.c.roles().known(ctx, org.ID, "creator_role", *in.CreatorRole); err != nil {
				return err
			}
		}
		org.Settings.CreatorRole = *in.CreatorRole
	}
	if err := org.Settings.apply(&o.c.instance.config, in); err != nil {
		return err
	}
	if org.Metadata, err = c.Limits.patch("metadata", org.Metadata, in.Metadata); err != nil {
		return err
	}
	if org.Attributes, err = c.Limits.patch("attributes", org.Attributes, in.Attributes); err != nil {
		return err
	}
	org.Settings.Features, err = c.Limits.features(org.Settings.Features, in.Features)
	return err
}

// Get gives an organization, archived ones too, or [ErrNotFound].
func (g Organizations) Get(ctx context.Context, id OrganizationID) (Organization, error) {
	return read(ctx, g.s, organizationsGet, id.String(), func(ctx context.Context, c *call) (Organization, error) {
		if err := c.access().authorize(ctx, scope{organization: id}); err != nil {
			return Organization{}, err
		}
		return c.tx.Organizations().Get(ctx, id)
	})
}

// GetBySlug gives the organization with a slug. For a slug that it had before see
// [Organizations.GetByFormerSlug].
//
// Errors: [ErrNotFound]; [ErrInvalid] for what nobody could have.
func (g Organizations) GetBySlug(ctx context.Context, slug string) (Organization, error) {
	return g.getBy(ctx, organizationsGetBySlug, "slug", slug, organizationFilter{Slug: typed.Of(slug)})
}

// GetByExternalID gives the organization with an external id.
//
// Errors: [ErrNotFound]; [ErrInvalid] for what nobody could have.
func (g Organizations) GetByExternalID(ctx context.Context, externalID string) (Organization, error) {
	return g.getBy(ctx, organizationsGetByExternalID, "external_id", externalID, organizationFilter{ExternalID: typed.Of(externalID)})
}

func (g Organizations) getBy(ctx context.Context, method *Method, field, key string, filter organizationFilter) (Organization, error) {
	if err := exact(field, key); err != nil {
		return Organization{}, explain(err, method.op, "")
	}
	return read(ctx, g.s, method, key, func(ctx context.Context, c *call) (Organization, error) {
		found, err := c.tx.Organizations().List(ctx, filter, listSpan{Limit: 1})
		if err != nil {
			return Organization{}, err
		}
		missing := &Error{Code: ErrNotFound, Kind: "organization", Key: key}
		if len(found) == 0 {
			return Organization{}, c.access().absent(ctx, missing)
		}
		if err := c.access().authorize(ctx, scope{organization: found[0].ID, missing: missing}); err != nil {
			return Organization{}, err
		}
		return found[0], nil
	})
}

// Update changes an organization. What changes nothing writes nothing (rule G8). On a bound
// Service Metadata is [ErrForbidden]: it is the host's alone, and Attributes are for the
// organization's people (rule O1).
//
// Errors: [ErrInvalid], [ErrNotFound], [ErrConflict], [ErrUnknownRole],
// [ErrAlreadyExists] (field "slug" or "external_id"), [ErrPublicEmailDomain] (field
// "allowed_domains").
func (g Organizations) Update(ctx context.Context, id OrganizationID, in OrganizationUpdate) (Organization, error) {
	return g.change(ctx, organizationsUpdate, id, []string{deref(in.DefaultRole, ""), deref(in.CreatorRole, "")}, func(ctx context.Context, c *call, org *Organization) (EventType, error) {
		if in.Version != 0 && in.Version != org.Version {
			return "", stale(id)
		}
		if err := c.organizations().mayUpdate(ctx, *org, in); err != nil {
			return "", err
		}
		before := *org
		if err := c.organizations().apply(ctx, org, in); err != nil {
			return "", err
		}
		c.sessions().limited(before, org)
		return EventOrganizationUpdated, c.organizations().moveSlug(ctx, id, before.Slug, org.Slug)
	})
}

// change reads an organization under its lock, lets edit alter it, and keeps it
// with the event that edit names if anything is different.
func (g Organizations) change(ctx context.Context, method *Method, id OrganizationID, roles []string,
	edit func(ctx context.Context, c *call, org *Organization) (EventType, error),
) (Organization, error) {
	return write(ctx, g.s, method, id.String(), func(ctx context.Context, c *call) (Organization, error) {
		if err := c.access().mayLock(ctx, scope{organization: id}); err != nil {
			return Organization{}, err
		}
		if err := c.roles().lockDeclared(ctx, roles...); err != nil {
			return Organization{}, err
		}
		if err := c.lock(ctx, lockOrganization(id)); err != nil {
			return Organization{}, err
		}
		if err := c.access().authorize(ctx, scope{organization: id}); err != nil {
			return Organization{}, err
		}
		org, err := c.tx.Organizations().Get(ctx, id)
		if err != nil {
			return Organization{}, err
		}
		before := org
		kind, err := edit(ctx, c, &org)
		if err != nil {
			return Organization{}, err
		}
		if err := save(ctx, c, c.tx.Organizations().Update, before, &org, kind); err != nil {
			return Organization{}, err
		}
		if err := c.seats().limited(ctx, before, org); err != nil {
			return Organization{}, err
		}
		if err := c.sessions().recordRaised(ctx, kind, before, org); err != nil {
			return Organization{}, err
		}
		return org, nil
	})
}

// mayUpdate refuses an actor what only the host may say, and a default that is above
// them (rules A4, R6).
func (o organizationRules) mayUpdate(ctx context.Context, org Organization, in OrganizationUpdate) error {
	err := o.c.access().hostOnly(
		input{"external_id", in.ExternalID != nil}, input{"seat_limit", in.SeatLimit != nil}, input{"features", len(in.Features) > 0},
		input{"metadata", len(in.Metadata) > 0},
	)
	if err != nil {
		return err
	}
	for _, set := range []struct {
		in            *string
		now, fallback string // what holds where none is set is given and taken, too
	}{
		{in.DefaultRole, org.Settings.DefaultRole, o.c.instance.config.DefaultRole}, {in.CreatorRole, org.Settings.CreatorRole, o.c.instance.config.CreatorRole},
	} {
		if set.in == nil || *set.in == set.now {
			continue
		}
		if err := o.c.access().mayGive(ctx, org.ID, cmp.Or(*set.in, set.fallback), cmp.Or(set.now, set.fallback)); err != nil {
			return err
		}
	}
	return o.c.sessions().mayLimitSessions(ctx, org, in)
}

// List gives a page of organizations (rule G6).
//
// Errors: [ErrInvalid], [ErrInvalidCursor].
func (g Organizations) List(ctx context.Context, q OrganizationQuery) (Page[Organization], error) {
	return read(ctx, g.s, organizationsList, "", func(ctx context.Context, c *call) (Page[Organization], error) {
		if err := c.access().authorize(ctx, scope{}); err != nil {
			return Page[Organization]{}, err
		}
		var err error
		filter := organizationFilter{Archived: typed.Of(q.Archived)}
		if filter.NamePrefix, err = searchPrefix("name_prefix", q.NamePrefix); err != nil {
			return Page[Organization]{}, err
		}
		if filter.ID, err = someOf("ids", q.IDs); err != nil {
			return Page[Organization]{}, err
		}
		if q.Suspended != nil {
			filter.Suspended = typed.Of(*q.Suspended)
		}
		return listPage(ctx, c.tx.Organizations(), filter, paging{along(q.Order, q.NamePrefix, ""), q.Descending, q.Limit, q.Cursor},
			organizationKey, "organizations", q.IDs, q.NamePrefix, filter.Suspended, q.Archived)
	})
}

// All walks the organizations that List would give, page by page.
func (g Organizations) All(ctx context.Context, q OrganizationQuery) iter.Seq2[Organization, error] {
	return pages(func(cursor string) (Page[Organization], error) {
		q := q
		q.Cursor = cursor
		return g.List(ctx, q)
	}, q.Cursor)
}

func organizationKey(org *Organization, order Order) typed.Place {
	key := typed.Place{ID: org.ID}
	if order == ByName {
		key.Text = org.NameKey
	}
	return key
}

func stale[T Entity](id ID[T]) error {
	return &Error{Code: ErrConflict, Kind: kindName(id.Prefix()), Key: id.String(), Field: "version"}
}
