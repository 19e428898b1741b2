package tenancy

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/typed"
)

// MembershipStatus says whether a membership gives access (rule M2).
type MembershipStatus string

// The statuses of a membership.
const (
	MembershipPending  MembershipStatus = "pending"  // invited, has not accepted yet
	MembershipActive   MembershipStatus = "active"   // has access
	MembershipInactive MembershipStatus = "inactive" // has no access, but keeps the roles
	// MembershipInvitationExpired is the status that calls return for a pending membership whose invitation has
	// expired. It holds no seat, and Add or a new invitation replaces it. The store keeps it as pending, and a
	// query selects it by pending.
	MembershipInvitationExpired MembershipStatus = "invitation_expired"
)

func (s MembershipStatus) known() bool {
	return s == MembershipPending || s == MembershipActive || s == MembershipInactive
}

// JoinedVia says how a membership came about (rule M1).
type JoinedVia string

// The ways to become a member.
const (
	JoinedCreated      JoinedVia = "created"        // the organization was created for this person
	JoinedAdded        JoinedVia = "added"          // the host added them
	JoinedInvitation   JoinedVia = "invitation"     // they accepted an invitation
	JoinedCode         JoinedVia = "join_code"      // they used a join code
	JoinedRequest      JoinedVia = "join_request"   // somebody approved their join request
	JoinedDomain       JoinedVia = "domain"         // their address is on a verified domain
	JoinedSingleSignOn JoinedVia = "single_sign_on" // a connection brought them
	JoinedDirectory    JoinedVia = "directory"      // a directory brought them
	JoinedMerged       JoinedVia = "merged"         // they came with a user merged into theirs
)

func (via JoinedVia) known() bool {
	switch via {
	case JoinedCreated, JoinedAdded, JoinedInvitation, JoinedCode, JoinedRequest, JoinedDomain, JoinedSingleSignOn,
		JoinedDirectory, JoinedMerged:
		return true
	}
	return false
}

// Membership is one user in one organization. Each pair of the two has at most one (rule M1).
type Membership struct {
	ID             MembershipID      `json:"id"`                      // never changes
	Version        int64             `json:"version"`                 // counts changes from 1 (rule G11)
	OrganizationID OrganizationID    `json:"organization_id"`         // its organization; never changes
	UserID         UserID            `json:"user_id"`                 // its user
	Status         MembershipStatus  `json:"status"`                  // only an active one gives access
	DisplayName    string            `json:"display_name,omitempty"`  // the name in this organization; "" = the user's own
	Attributes     map[string]string `json:"attributes,omitempty"`    // the user's profile in this organization
	Metadata       map[string]string `json:"metadata,omitempty"`      // only the host writes it (rule O1)
	JoinedVia      JoinedVia         `json:"joined_via"`              // how the user became a member
	InviterID      UserID            `json:"inviter_id,omitzero"`     // the user who invited or admitted them; zero: nobody
	InvitationID   InvitationID      `json:"invitation_id,omitzero"`  // while pending: the invitation that it waits for
	ExpiresAt      time.Time         `json:"expires_at,omitzero"`     // while pending: when that invitation expires
	JoinedAt       time.Time         `json:"joined_at,omitzero"`      // the last time of joining; while pending: of the invitation
	DeactivatedAt  time.Time         `json:"deactivated_at,omitzero"` // while inactive: when it became so
	LastSignInAt   time.Time         `json:"-"`                       // here; not part of the versioned row (rule G12)
	CreatedAt      time.Time         `json:"created_at,omitzero"`     // when it was created
	UpdatedAt      time.Time         `json:"updated_at,omitzero"`     // when it last changed, with Version
	NameKey        string            `json:"-"`                       // the folded name, for sorting and search
	UserSuspended  bool              `json:"-"`                       // the host suspended the user; false while pending
	EmailKey       string            `json:"-"`                       // the user's canonical address, for sorting and search
}

// MembershipID is the id of a membership, mem_...
type MembershipID = ID[Membership]

func (Membership) idPrefix() string { return "mem" }

func (m Membership) rowID() [16]byte { return m.ID }

func (m *Membership) stamps() (*int64, *time.Time) { return &m.Version, &m.UpdatedAt }

func (m *Membership) event(kind EventType) newEvent {
	return newEvent{kind: kind, organization: m.eventOrganization(), user: m.UserID, subject: m.ID.String(), data: *m, called: m.DisplayName}
}

// keys copies into m the fields of its user that lists sort and search by (rule G12).
func (m *Membership) keys(user User) {
	m.NameKey, m.EmailKey = user.NameKey, user.EmailKey
	m.UserSuspended = !user.SuspendedAt.IsZero() && m.Status != MembershipPending
	if m.DisplayName != "" {
		m.NameKey = fold(m.DisplayName)
	}
}

// Member is a membership together with what pages show: names, address and roles. Its JSON shows each role as
// an object of slug, name and sources: [{"slug":"admin","name":"Admin","sources":[{"source":"manual"}]}]. The
// JSON is for output only: a Member that is decoded from it has no Roles.
type Member struct {
	Membership
	Name             string           `json:"name,omitempty"`              // here, else the user's own
	Email            string           `json:"email,omitempty"`             // the user's
	EmailASCII       string           `json:"email_ascii,omitempty"`       // Email in ASCII, if it is not (rule G5); else ""
	OrganizationName string           `json:"organization_name"`           // the organization's DisplayName
	OrganizationSlug string           `json:"organization_slug,omitempty"` // "" = the organization has none
	Roles            []string         `json:"-"`                           // slugs, the primary role first (rule R4)
	RoleNames        []string         `json:"-"`                           // the name of each of Roles
	Assignments      []RoleAssignment `json:"-"`                           // where each role comes from (rule M10)
}

// Kept returns the assignments that nobody chose by hand: roles from a domain, a connection or a directory.
// [Memberships.SetRoles] and [Memberships.RemoveRole] leave these alone (rule M10).
func (m Member) Kept() []RoleAssignment {
	return slices.DeleteFunc(slices.Clone(m.Assignments), func(a RoleAssignment) bool { return a.Source.chosen() })
}

// Memberships is the group of methods on memberships. Its methods name a membership by its organization and its
// user.
type Memberships struct{ s *Service }

// NewMembership is the input of [Memberships.Add]. OrganizationID and UserID are required; the other fields may
// be empty.
type NewMembership struct {
	ID             MembershipID      // for imports; zero = a new one
	OrganizationID OrganizationID    // the organization
	UserID         UserID            // the user
	Roles          []string          // none = the organization's default role
	DisplayName    string            // the user's name in this organization (rule G5)
	Attributes     map[string]string // the user's profile in this organization, with the limits of metadata (rule G3)
	Metadata       map[string]string // the host's own data (rule O1)
	JoinedVia      JoinedVia         // for imports; "" = added
	// InvitationID names an invitation to the user's address that Add accepts for them; zero = none. The member
	// gets its roles in addition to Roles, and its metadata where Metadata is empty (rule M2).
	InvitationID InvitationID
	// History is for [Service.Import] only.
	History MembershipHistory `json:"-"`
}

// MembershipUpdate is a change to a membership's profile. A nil field stays as it is. A pointer to the empty
// string clears the field.
type MembershipUpdate struct {
	Version     int64   // the Version that the change is based on; 0 = any (rule G11)
	DisplayName *string // at most 200 characters (rule G5)
	Attributes  Patch   // the profile in this organization
	Metadata    Patch   // the host's own data (rule O1)
	// LastSignInAt is for [Service.Import] only, as in [UserUpdate].
	LastSignInAt time.Time `json:"-"`
}

// Add makes a user an active member (rules M1, M3). It reactivates an inactive member on the same row, with the
// given roles, or else with the roles that they had. Add revokes a pending invitation to the user's address,
// and the member gets nothing from it. To accept the invitation instead, name it in InvitationID (rule M2).
//
// Errors: [ErrInvalid]; [ErrNotFound] for the organization, the user or the invitation; [ErrMerged];
// [ErrAlreadyExists] with the field "id"; [ErrUnknownRole]; [ErrAlreadyMember]; [ErrSeatLimit];
// [ErrAlreadyMemberElsewhere]; [ErrJoinRefused]; for the invitation [ErrInvitationForOtherEmail],
// [ErrInvitationAccepted], [ErrInvitationRevoked], [ErrInvitationDeclined], [ErrInvitationExpired].
func (g Memberships) Add(ctx context.Context, in NewMembership) (Member, error) {
	return write(ctx, g.s, membershipsAdd, pairKey(in.OrganizationID, in.UserID), func(ctx context.Context, c *call) (Member, error) {
		if err := c.roles().lockDeclared(ctx, in.Roles...); err != nil {
			return Member{}, err
		}
		if err := c.lock(ctx, lockUser(in.UserID), lockOrganization(in.OrganizationID)); err != nil {
			return Member{}, err
		}
		if err := c.access().authorize(ctx, scope{organization: in.OrganizationID}); err != nil {
			return Member{}, err
		}
		return c.members().add(ctx, in)
	})
}

// add does Add under the locks of the user and the organization.
func (ms memberRules) add(ctx context.Context, in NewMembership) (Member, error) {
	if in.JoinedVia != "" && !in.JoinedVia.known() {
		return Member{}, invalid("joined_via", "is no way in")
	}
	history, err := ms.history(in)
	if err != nil {
		return Member{}, err
	}
	org, err := ms.c.tx.Organizations().Get(ctx, in.OrganizationID)
	if err != nil {
		return Member{}, err
	}
	j := entrant{
		host: true, id: in.ID, organization: org, userID: in.UserID, via: cmp.Or(in.JoinedVia, JoinedAdded), roles: in.Roles,
		displayName: in.DisplayName, attributes: in.Attributes, metadata: in.Metadata,
		history: history,
	}
	if !in.InvitationID.IsZero() {
		return ms.c.invitations().acceptNamed(ctx, in.InvitationID, j)
	}
	return ms.c.joining().join(ctx, j)
}

// Get returns a membership in any status.
//
// Errors: [ErrNotFound].
func (g Memberships) Get(ctx context.Context, organization OrganizationID, user UserID) (Member, error) {
	return read(ctx, g.s, membershipsGet, pairKey(organization, user), func(ctx context.Context, c *call) (Member, error) {
		if err := c.access().authorize(ctx, scope{organization: organization, user: user}); err != nil {
			return Member{}, err
		}
		m, err := c.members().visible(ctx, organization, user)
		if err != nil {
			return Member{}, err
		}
		return c.members().view(ctx, m)
	})
}

// Update changes a member's profile in the organization. A change that alters nothing writes nothing (rule G8).
// On a bound Service a change to Metadata is [ErrForbidden]: only the host writes it (rule O1).
//
// Errors: [ErrInvalid], [ErrNotFound], [ErrConflict].
func (g Memberships) Update(ctx context.Context, organization OrganizationID, user UserID, in MembershipUpdate) (Member, error) {
	return write(ctx, g.s, membershipsUpdate, pairKey(organization, user), func(ctx context.Context, c *call) (Member, error) {
		m, err := c.members().lockMembership(ctx, organization, user)
		if err != nil {
			return Member{}, err
		}
		if err := c.members().mayTouch(ctx, m); err != nil {
			return Member{}, err
		}
		if err := c.access().hostOnly(input{"metadata", len(in.Metadata) > 0}, input{"last_sign_in_at", !in.LastSignInAt.IsZero()}); err != nil {
			return Member{}, err
		}
		if in.Version != 0 && in.Version != m.Version {
			return Member{}, stale(m.ID)
		}
		before := m
		if err := c.members().applyMembership(&m, in); err != nil {
			return Member{}, err
		}
		if err := c.members().signedInElsewhere(ctx, &m, in.LastSignInAt); err != nil {
			return Member{}, err
		}
		before.LastSignInAt = m.LastSignInAt // not part of the versioned row
		if unchanged(before, m) {
			return c.members().view(ctx, m)
		}
		person, err := c.tx.Users().Get(ctx, user)
		if err != nil {
			return Member{}, err
		}
		m.keys(person)
		err = save(ctx, c, c.tx.Memberships().Update, before, &m, EventMembershipUpdated)
		return c.members().viewOr(ctx, m, err)
	})
}

func (ms memberRules) applyMembership(m *Membership, in MembershipUpdate) (err error) {
	if in.DisplayName != nil {
		if m.DisplayName, err = optionalName("display_name", *in.DisplayName); err != nil {
			return err
		}
	}
	if m.Attributes, err = ms.c.instance.config.Limits.patch("attributes", m.Attributes, in.Attributes); err != nil {
		return err
	}
	m.Metadata, err = ms.c.instance.config.Limits.patch("metadata", m.Metadata, in.Metadata)
	return err
}

// pairKey returns the text that names a membership in errors.
func pairKey(organization OrganizationID, user UserID) string {
	return organization.String() + "/" + user.String()
}

// get finds the membership of an organization and a user.
func (ms memberRules) get(ctx context.Context, organization OrganizationID, user UserID) (Membership, error) {
	found, err := ms.c.tx.Memberships().List(ctx,
		membershipFilter{OrganizationID: typed.Of(organization), UserID: typed.Of(user)}, listSpan{Limit: 1})
	if err != nil {
		return Membership{}, err
	}
	if len(found) == 0 {
		return Membership{}, &Error{Code: ErrNotFound, Kind: "membership", Key: pairKey(organization, user)}
	}
	return found[0], nil
}

// isNoMember reports whether an error says that a user is not a member, in an organization that the actor may
// see.
func isNoMember(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Code == ErrNotFound && e.Kind == "membership"
}

// lockMembership takes the locks of a user and an organization, checks that the actor may make the call, and
// finds the membership.
func (ms memberRules) lockMembership(ctx context.Context, organization OrganizationID, user UserID) (Membership, error) {
	if err := ms.c.access().mayLock(ctx, scope{organization: organization, user: user}); err != nil {
		return Membership{}, err
	}
	if !ms.c.instance.singleWriter && ms.c.service.principal != nil { // a refused actor takes no locks
		if _, err := ms.visible(ctx, organization, user); err != nil {
			return Membership{}, err
		}
		ms.c.forget()
	}
	if err := ms.c.lock(ctx, lockUser(user), lockOrganization(organization)); err != nil {
		return Membership{}, err
	}
	if err := ms.c.access().authorize(ctx, scope{organization: organization, user: user}); err != nil {
		return Membership{}, err
	}
	return ms.visible(ctx, organization, user)
}

// visible is [memberRules.get] with the actor's view. Pending memberships of other users are not found:
// otherwise an invitation would reveal who is registered (rule M2).
func (ms memberRules) visible(ctx context.Context, organization OrganizationID, user UserID) (Membership, error) {
	m, err := ms.get(ctx, organization, user)
	p := ms.c.service.principal
	if err == nil && p != nil && p.user != user && m.Status == MembershipPending {
		return Membership{}, &Error{Code: ErrNotFound, Kind: "membership", Key: pairKey(organization, user)}
	}
	return m, err
}

// mayTouch refuses an actor who acts on a member with more permissions than the actor has (rule R6).
func (ms memberRules) mayTouch(ctx context.Context, m Membership) error {
	p := ms.c.service.principal
	if p == nil || p.user == m.UserID {
		return nil
	}
	held, err := ms.c.roles().assignments(ctx, m.ID)
	if err != nil {
		return err
	}
	roles := make([]string, len(held[m.ID]))
	for i, a := range held[m.ID] {
		roles[i] = a.Role
	}
	return ms.c.access().mayGive(ctx, m.OrganizationID, roles...)
}

// lockMemberships takes the locks of every organization that a user is in, and then reads the memberships under
// these locks. The caller holds the user's lock. Nobody can add a membership meanwhile, because that takes the
// user's lock.
func (ms memberRules) lockMemberships(ctx context.Context, user UserID) ([]Membership, error) {
	if err := ms.lockOrganizationsOf(ctx, user); err != nil {
		return nil, err
	}
	return ms.membershipsOf(ctx, user)
}

// lockOrganizationsOf takes the locks of [memberRules.lockMemberships] without reading the memberships again.
// With a single writer these locks exclude nobody, so it does not read the memberships at all.
func (ms memberRules) lockOrganizationsOf(ctx context.Context, user UserID) error {
	if ms.c.instance.singleWriter {
		return nil
	}
	members, err := ms.membershipsOf(ctx, user)
	if err != nil || len(members) == 0 {
		return err
	}
	locks := make([]store.LockKey, len(members))
	for i, m := range members {
		locks[i] = lockOrganization(m.OrganizationID)
	}
	return ms.c.lock(ctx, locks...)
}

func (ms memberRules) membershipsOf(ctx context.Context, user UserID) ([]Membership, error) {
	return collect(ctx, ms.c.tx.Memberships(), membershipFilter{UserID: typed.Of(user)})
}

// activeOf returns the memberships that give a user access. Any organization can create a pending membership
// for somebody, so everyday calls read only the active ones (rule G9).
func (ms memberRules) activeOf(ctx context.Context, user UserID) ([]Membership, error) {
	return collect(ctx, ms.c.tx.Memberships(), membershipFilter{UserID: typed.Of(user), Status: typed.Of(MembershipActive)})
}

// saveMembership saves a changed membership.
func (ms memberRules) saveMembership(ctx context.Context, m *Membership) error {
	return put(ctx, ms.c, ms.c.tx.Memberships().Update, m)
}

// snapshot is a membership in the form that its events have.
type snapshot struct {
	Membership
	Roles []string `json:"roles"`
	Left  bool     `json:"left,omitempty"` // the member left by themselves
	// Removal is the record of a member who was removed or left (rule M6); nil: no record.
	Removal *Removal `json:"removal,omitempty"`
}

// MarshalJSON shows Roles as [] where there are none (rule G15).
func (s snapshot) MarshalJSON() ([]byte, error) {
	type plain snapshot
	s.Roles = listed(s.Roles)
	return json.Marshal(plain(s))
}

func (ms memberRules) recordMembership(ctx context.Context, kind EventType, m Membership, held []RoleAssignment, old any) error {
	before, err := marshal(old)
	if err != nil {
		return err
	}
	roles, err := ms.c.roles().sortRoles(ctx, held)
	if err != nil {
		return err
	}
	n := m.event(kind)
	n.data, n.previous = snapshot{Membership: m, Roles: roles}, before
	return ms.c.record(ctx, n)
}
