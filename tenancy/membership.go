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
	MembershipPending  MembershipStatus = "pending"  // invited, not in yet
	MembershipActive   MembershipStatus = "active"   // in
	MembershipInactive MembershipStatus = "inactive" // out for now, roles kept
	// MembershipInvitationExpired is how a pending one reads whose invitation ran out: it
	// holds no seat, and Add or a new invitation replaces it. It is stored, and selected,
	// as pending.
	MembershipInvitationExpired MembershipStatus = "invitation_expired"
)

func (s MembershipStatus) known() bool {
	return s == MembershipPending || s == MembershipActive || s == MembershipInactive
}

// JoinedVia says by which way a membership came about (rule M1).
type JoinedVia string

// The ways in.
const (
	JoinedCreated      JoinedVia = "created"        // the organization was created for this person
	JoinedAdded        JoinedVia = "added"          // the host added them
	JoinedInvitation   JoinedVia = "invitation"     // they accepted an invitation
	JoinedCode         JoinedVia = "join_code"      // they used a join code
	JoinedRequest      JoinedVia = "join_request"   // they asked and were let in
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

// Membership is one person in one organization (rule M1): at most one for each pair.
type Membership struct {
	ID             MembershipID      `json:"id"`                      // never changes
	Version        int64             `json:"version"`                 // counts changes from 1 (rule G11)
	OrganizationID OrganizationID    `json:"organization_id"`         // the organization; never changes
	UserID         UserID            `json:"user_id"`                 // the person
	Status         MembershipStatus  `json:"status"`                  // only an active one gives access
	DisplayName    string            `json:"display_name,omitempty"`  // the name here; "" = the user's own
	Attributes     map[string]string `json:"attributes,omitempty"`    // the profile here
	Metadata       map[string]string `json:"metadata,omitempty"`      // the host's own: nobody else writes it (rule O1)
	JoinedVia      JoinedVia         `json:"joined_via"`              // the way in
	InviterID      UserID            `json:"inviter_id,omitzero"`     // who invited or let them in; zero: nobody
	InvitationID   InvitationID      `json:"invitation_id,omitzero"`  // while pending: the invitation that it waits for
	ExpiresAt      time.Time         `json:"expires_at,omitzero"`     // while pending: when that runs out
	JoinedAt       time.Time         `json:"joined_at,omitzero"`      // when the person last became a member; while pending: when it was offered
	DeactivatedAt  time.Time         `json:"deactivated_at,omitzero"` // while inactive: since when
	LastSignInAt   time.Time         `json:"-"`                       // here; outside the versioned row (rule G12)
	CreatedAt      time.Time         `json:"created_at,omitzero"`     // when it was made
	UpdatedAt      time.Time         `json:"updated_at,omitzero"`     // when it last changed, with Version
	NameKey        string            `json:"-"`                       // folded name, for order and search
	UserSuspended  bool              `json:"-"`                       // the host suspended the user; false while it is pending
	EmailKey       string            `json:"-"`                       // the user's canonical address, for order and search
}

// MembershipID is the id of a membership, mem_...
type MembershipID = ID[Membership]

func (Membership) idPrefix() string { return "mem" }

func (m Membership) rowID() [16]byte { return m.ID }

func (m *Membership) stamps() (*int64, *time.Time) { return &m.Version, &m.UpdatedAt }

func (m *Membership) event(kind EventType) newEvent {
	return newEvent{kind: kind, organization: m.eventOrganization(), user: m.UserID, subject: m.ID.String(), data: *m, called: m.DisplayName}
}

// keys gives m what it carries of its user for order and search (rule G12).
func (m *Membership) keys(user User) {
	m.NameKey, m.EmailKey = user.NameKey, user.EmailKey
	m.UserSuspended = !user.SuspendedAt.IsZero() && m.Status != MembershipPending
	if m.DisplayName != "" {
		m.NameKey = fold(m.DisplayName)
	}
}

// Member is a membership with what a page shows of it. Its JSON has each of its roles as an
// object of slug, name and sources: [{"slug":"admin","name":"Admin","sources":[{"source":"manual"}]}].
// It is for showing: what is decoded from it has no Roles.
type Member struct {
	Membership
	Name             string           `json:"name,omitempty"`              // here, else the user's own
	Email            string           `json:"email,omitempty"`             // the user's
	EmailASCII       string           `json:"email_ascii,omitempty"`       // Email with the domain's A-label, where the domain is not ASCII (rule G5); "" else
	OrganizationName string           `json:"organization_name"`           // its DisplayName
	OrganizationSlug string           `json:"organization_slug,omitempty"` // "" = it has none
	Roles            []string         `json:"-"`                           // slugs by priority, the primary one first (rule R4)
	RoleNames        []string         `json:"-"`                           // the name of each of Roles
	Assignments      []RoleAssignment `json:"-"`                           // where each role comes from (rule M10)
}

// Kept are the assignments that nobody chose: roles that a domain, a connection or a
// directory gives, which [Memberships.SetRoles] and [Memberships.RemoveRole] leave (rule M10).
func (m Member) Kept() []RoleAssignment {
	return slices.DeleteFunc(slices.Clone(m.Assignments), func(a RoleAssignment) bool { return a.Source.chosen() })
}

// Memberships is the group of methods on memberships. The pair of organization and
// user names one.
type Memberships struct{ s *Service }

// NewMembership is what Add needs: an organization and a user; the rest may be
// empty.
type NewMembership struct {
	ID             MembershipID      // for imports; zero = a new one
	OrganizationID OrganizationID    // the organization
	UserID         UserID            // the person
	Roles          []string          // none = the organization's default role
	DisplayName    string            // the name here (rule G5)
	Attributes     map[string]string // the profile here, with the limits of metadata (rule G3)
	Metadata       map[string]string // the host's own (rule O1)
	JoinedVia      JoinedVia         // for imports; "" = added
	// InvitationID is an invitation to the user's address that Add takes up for them (rule M2): its
	// roles come beside those of Roles, and its metadata where Metadata is empty; zero = none.
	InvitationID InvitationID
	// History is for [Service.Import] alone.
	History MembershipHistory `json:"-"`
}

// MembershipUpdate is a change to a membership's profile. A nil field stays as it
// is; a pointer to the empty string clears.
type MembershipUpdate struct {
	Version     int64   // the Version this is based on; 0 = whichever (rule G11)
	DisplayName *string // at most 200 characters (rule G5)
	Attributes  Patch   // the profile here
	Metadata    Patch   // the host's own (rule O1)
	// LastSignInAt is for [Service.Import] alone, as in [UserUpdate].
	LastSignInAt time.Time `json:"-"`
}

// Add makes a user an active member (rules M1, M3). An inactive member is
// reactivated on the same row, with the roles given, or else those they had. An invitation that
// stands to the user's address is revoked by it, and what it brought goes with it, unless
// InvitationID names it (rule M2).
//
// Errors: [ErrInvalid]; [ErrNotFound] for the organization, the user or the invitation; [ErrMerged];
// [ErrAlreadyExists] with the field "id"; [ErrUnknownRole]; [ErrAlreadyMember]; [ErrSeatLimit];
// [ErrAlreadyMemberElsewhere]; [ErrJoinRefused]; of the invitation [ErrInvitationForOtherEmail],
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

// add is Add under the locks of the user and the organization.
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

// Get gives a membership in whatever status, or [ErrNotFound].
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

// Update changes a member's profile here. What changes nothing writes nothing (rule
// G8). On a bound Service Metadata is [ErrForbidden]: it is the host's alone (rule O1).
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
		before.LastSignInAt = m.LastSignInAt // outside the versioned row
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

// pairKey is how errors name a membership.
func pairKey(organization OrganizationID, user UserID) string {
	return organization.String() + "/" + user.String()
}

// get finds the row of a pair.
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

// isNoMember reports whether an error says that somebody is no member, whom the actor may ask about.
func isNoMember(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Code == ErrNotFound && e.Kind == "membership"
}

// lockMembership takes the locks of a user and an organization, asks whether the actor
// may, and finds the membership.
func (ms memberRules) lockMembership(ctx context.Context, organization OrganizationID, user UserID) (Membership, error) {
	if err := ms.c.access().mayLock(ctx, scope{organization: organization, user: user}); err != nil {
		return Membership{}, err
	}
	if !ms.c.instance.singleWriter && ms.c.service.principal != nil { // nor of somebody who is not in
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

// visible is [memberRules.get] as the actor may see it: other people's pending ones
// are not there for them, or inviting would tell who is registered (rule M2).
func (ms memberRules) visible(ctx context.Context, organization OrganizationID, user UserID) (Membership, error) {
	m, err := ms.get(ctx, organization, user)
	p := ms.c.service.principal
	if err == nil && p != nil && p.user != user && m.Status == MembershipPending {
		return Membership{}, &Error{Code: ErrNotFound, Kind: "membership", Key: pairKey(organization, user)}
	}
	return m, err
}

// mayTouch refuses an actor to act on a member who has more than they (rule R6).
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

// lockMemberships takes the locks of every organization that a user is in, whose own
// lock is held, and gives the memberships as they are under them. Nobody can add
// one meanwhile, for that takes the user's lock.
func (ms memberRules) lockMemberships(ctx context.Context, user UserID) ([]Membership, error) {
	if err := ms.lockOrganizationsOf(ctx, user); err != nil {
		return nil, err
	}
	return ms.membershipsOf(ctx, user)
}

// lockOrganizationsOf takes those locks alone. Where transactions that write run one at a time
// they exclude nobody, and the memberships need not be read for them.
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

// activeOf are the memberships that give a user access. Any organization can offer somebody a
// membership that is pending, so what people do every day reads these alone (rule G9).
func (ms memberRules) activeOf(ctx context.Context, user UserID) ([]Membership, error) {
	return collect(ctx, ms.c.tx.Memberships(), membershipFilter{UserID: typed.Of(user), Status: typed.Of(MembershipActive)})
}

// saveMembership keeps a changed membership.
func (ms memberRules) saveMembership(ctx context.Context, m *Membership) error {
	return put(ctx, ms.c, ms.c.tx.Memberships().Update, m)
}

// snapshot is a membership as its events show it.
type snapshot struct {
	Membership
	Roles []string `json:"roles"`
	Left  bool     `json:"left,omitempty"` // the member went by themselves
	// Removal is what is remembered of one who was removed, or left (rule M6); nil: nothing.
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
