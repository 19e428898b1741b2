package tenancy

import (
	"cmp"
	"context"
	"iter"
	"time"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/typed"
)

// Organization is a customer of the host. It has members, and everything that they share belongs to it.
type Organization struct {
	ID          OrganizationID    `json:"id"`                    // never changes
	Version     int64             `json:"version"`               // counts changes from 1 (rule G11)
	DisplayName string            `json:"display_name"`          // its name for people
	Slug        string            `json:"slug,omitempty"`        // unique; "" = none
	ExternalID  string            `json:"external_id,omitempty"` // the host's own key, unique; "" = none
	Metadata    map[string]string `json:"metadata,omitempty"`    // the host's own data; only the host writes it (rule O1)
	Attributes  map[string]string `json:"attributes,omitempty"`  // data that members of the organization may edit
	Settings    Settings          `json:"settings"`              // the organization's own choices
	SuspendedAt time.Time         `json:"suspended_at,omitzero"` // when the host suspended it; zero: not suspended
	ArchivedAt  time.Time         `json:"archived_at,omitzero"`  // when it was archived; zero: not archived
	// DeletedAt is when its deletion began, which goes on in steps (rule G18); zero: it is not being deleted.
	DeletedAt time.Time `json:"deleted_at,omitzero"`
	CreatedAt time.Time `json:"created_at,omitzero"` // when it was created
	UpdatedAt time.Time `json:"updated_at,omitzero"` // when it last changed, with Version
	NameKey   string    `json:"-"`                   // the folded DisplayName, for sorting and search
	// SessionsEndedAt ends all sessions in this organization that are older (rule O2); zero: none.
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

// Settings are an organization's own choices (rule O3). Where a field is zero, the application's own choice
// holds.
type Settings struct {
	SeatLimit   int    `json:"seat_limit,omitempty"`   // the most seats, at least 1; 0 = no limit (rule M9)
	DefaultRole string `json:"default_role,omitempty"` // the role of members who are added without a role
	// CreatorRole is the role of the user that the organization is created for.
	CreatorRole string `json:"creator_role,omitempty"`
	// Features are flags of the host; an absent flag is not the same as false.
	Features map[string]bool `json:"features,omitempty"`

	// AllowedDomains are the email domains that a new member's address may be on, each by its exact name; none
	// = any. Free-mail domains are not allowed here, because anybody can have an address there (rule O3).
	AllowedDomains []string `json:"allowed_domains,omitempty"`
	// BlockedDomains are the email domains that a new member's address may not be on, with all their subdomains
	// (rule O3).
	BlockedDomains []string `json:"blocked_domains,omitempty"`
	// AcceptOnDomains lets a person accept an invitation that was sent to another address, if they have a
	// verified address on a verified domain of the organization (rule I4).
	AcceptOnDomains bool `json:"accept_on_domains,omitempty"`
	// SingleSignOnJoins makes a user a member who signs in through the organization's own connection with an
	// address on its own verified domain (rule P6).
	SingleSignOnJoins bool `json:"single_sign_on_joins,omitempty"`
	// JoinRequests lets any user with a verified address ask to join (rule I7). A user on a domain of the
	// organization that accepts requests may ask even where JoinRequests is false.
	JoinRequests bool `json:"join_requests,omitempty"`
	// SessionIdle and SessionFor end a session in this organization that is unused for so long, or so old.
	// Where Config has a shorter time, that one holds (rule O3). They are whole seconds; in JSON, a number of
	// seconds. Raising the time that holds ends every session in the organization, so that expired ones do not
	// come back.
	SessionIdle time.Duration `json:"session_idle,omitempty"`
	SessionFor  time.Duration `json:"session_for,omitempty"`
}

// Organizations is the group of methods on organizations.
type Organizations struct{ s *Service }

// NewOrganization is the input of [Organizations.Create]. DisplayName is required; the other fields may be
// empty.
type NewOrganization struct {
	ID          OrganizationID `json:"id,omitzero"`  // for imports; zero = a new one
	DisplayName string         `json:"display_name"` // 1 to 200 characters (rule G5)
	// Slug is one DNS label and unique (rule G5). It must not be reserved for another organization that gave it
	// up (rule O5).
	Slug       string `json:"slug,omitempty"`
	ExternalID string `json:"external_id,omitempty"` // 1 to 255 printable characters, unique (rule G4)
	// Metadata is the host's own data (rule O1), with the limits of metadata (rule G3).
	Metadata   map[string]string `json:"metadata,omitempty"`
	Attributes map[string]string `json:"attributes,omitempty"` // data that members may edit, with the same limits
	Settings   Settings          `json:"settings,omitzero"`    // where a field is zero, the application's choice holds
	// CreatedAt is for [Service.Import] only, as in [UserHistory]; zero: now.
	CreatedAt time.Time `json:"-"`
	Owner     UserID    `json:"owner,omitzero"` // becomes an active member with the creator role
	// Domains are claimed for the new organization; leave their OrganizationID zero.
	Domains []NewDomain `json:"domains,omitempty"`
}

// OrganizationUpdate is a change to an organization. A nil field stays as it is. A pointer to the empty string,
// or to 0, clears the field.
type OrganizationUpdate struct {
	Version     int64            // the Version that the change is based on; 0 = any (rule G11)
	DisplayName *string          // 1 to 200 characters; cannot be cleared
	Slug        *string          // the previous slug stays reserved for 90 days (rule O5)
	ExternalID  *string          // as in [NewOrganization]
	Metadata    Patch            // the host's own data (rule O1)
	Attributes  Patch            // data that members of the organization may edit
	SeatLimit   *int             // at least 1; 0 clears
	DefaultRole *string          // as in [Settings]
	CreatorRole *string          // as in [Settings]
	Features    map[string]*bool // a nil value deletes the flag

	AllowedDomains    *[]string      // at most 100, without free-mail domains; a pointer to an empty list clears
	BlockedDomains    *[]string      // at most 100; a pointer to an empty list clears
	AcceptOnDomains   *bool          // as in [Settings]
	SingleSignOnJoins *bool          // as in [Settings]
	JoinRequests      *bool          // as in [Settings]
	SessionIdle       *time.Duration // in whole seconds, at least a minute; 0 clears
	SessionFor        *time.Duration // in whole seconds, at least a minute; 0 clears
}

// OrganizationQuery selects organizations for [Organizations.List]. It leaves out archived ones, unless
// Archived is set.
type OrganizationQuery struct {
	IDs        []OrganizationID // nil = all
	NamePrefix string           // the beginning of the name, in any case (rule G12)
	Suspended  *bool            // nil = either
	Archived   bool             // list only the archived ones
	Order      Order            // [ByID], or by name with a NamePrefix; [ByName]
	Descending bool             // in reverse order
	Limit      int              // default 50, at most 1000
	Cursor     string           // Next of the previous page
}

// Create makes an organization in one transaction. If Owner is set, that user becomes a member with the creator
// role (rule O1). On a Service that is bound to a user, who then creates it for themselves (Config.SelfServe),
// Metadata is [ErrForbidden]: hosts keep the plan there. A user may create as many organizations as
// Limits.UserOrganizations says; the host has no such limit (rule O6).
//
// Errors: [ErrInvalid], [ErrAlreadyExists] (field "id", "slug" or "external_id"), [ErrUnknownRole];
// [ErrPublicEmailDomain] with the field "allowed_domains"; for Domains the errors of Domains.Claim; with the
// field "organizations" beyond Limits.UserOrganizations, [ErrInvalid] for those that exist and [ErrRateLimited]
// for those created in 24 hours; and for the owner [ErrNotFound], [ErrMerged], [ErrAlreadyMemberElsewhere],
// [ErrJoinRefused].
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

// draft makes the organization that a NewOrganization describes.
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

// mayCreate lets an actor create an organization for themselves where the host allows it, without the fields
// that only the host may set (rules A2, A4).
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

// apply writes an update's fields into org, each in its stored form.
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

// Get returns an organization, also an archived one.
//
// Errors: [ErrNotFound].
func (g Organizations) Get(ctx context.Context, id OrganizationID) (Organization, error) {
	return read(ctx, g.s, organizationsGet, id.String(), func(ctx context.Context, c *call) (Organization, error) {
		if err := c.access().authorize(ctx, scope{organization: id}); err != nil {
			return Organization{}, err
		}
		return c.tx.Organizations().Get(ctx, id)
	})
}

// GetBySlug returns the organization with a slug. To find it by a former slug, see
// [Organizations.GetByFormerSlug].
//
// Errors: [ErrNotFound]; [ErrInvalid] for a text that cannot be a slug.
func (g Organizations) GetBySlug(ctx context.Context, slug string) (Organization, error) {
	return g.getBy(ctx, organizationsGetBySlug, "slug", slug, organizationFilter{Slug: typed.Of(slug)})
}

// GetByExternalID returns the organization with an external id.
//
// Errors: [ErrNotFound]; [ErrInvalid] for a text that cannot be an external id.
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

// Update changes an organization. A change that alters nothing writes nothing (rule G8). On a bound Service
// Metadata is [ErrForbidden]: it is the host's own, while Attributes are for the members (rule O1).
//
// Errors: [ErrInvalid], [ErrNotFound], [ErrConflict], [ErrUnknownRole], [ErrAlreadyExists] (field "slug" or
// "external_id"), [ErrPublicEmailDomain] (field "allowed_domains").
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

// change reads an organization under its lock and lets edit change it. If anything is different, it saves the
// organization and writes the event that edit returns.
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

// mayUpdate refuses an actor a change that only the host may make, and a default role that is above the actor
// (rules A4, R6).
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
		now, fallback string // clearing a default gives the application's, and setting one takes that away: check both
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

// List returns a page of organizations (rule G6).
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

// All walks the organizations that List returns, page by page.
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
