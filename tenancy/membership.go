package tenancy

import (
	"cmp"
	"context"
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
	ID             MembershipID      `json:"id"`
	Version        int64             `json:"version"` // counts changes from 1; see rule G11
	OrganizationID OrganizationID    `json:"organization_id"`
	UserID         UserID            `json:"user_id"`
	Status         MembershipStatus  `json:"status"`
	DisplayName    string            `json:"display_name,omitempty"` // the name here; "" = the user's own
	Attributes     map[string]string `json:"attributes,omitempty"`   // the profile here
	Metadata       map[string]string `json:"metadata,omitempty"`     // the application's; who may write members may write it
	JoinedVia      JoinedVia         `json:"joined_via"`
	InviterID      UserID            `json:"inviter_id,omitzero"`    // who invited or let them in; zero: nobody
	InvitationID   InvitationID      `json:"invitation_id,omitzero"` // while pending: the invitation that it waits for
	ExpiresAt      time.Time         `json:"expires_at,omitzero"`    // while pending: when that runs out
	JoinedAt       time.Time         `json:"joined_at"`
	DeactivatedAt  time.Time         `json:"deactivated_at,omitzero"` // while inactive: since when
	LastSignInAt   time.Time         `json:"-"`                       // here; outside the versioned row (rule G12)
	CreatedAt      time.Time         `json:"created_at"`
	UpdatedAt      time.Time         `json:"updated_at"`
	NameKey        string            `json:"-"` // folded name, for order and search
	EmailKey       string            `json:"-"` // the user's canonical address, for order and search
}

func (Membership) idPrefix() string { return "mem" }

func (m Membership) rowID() [16]byte { return m.ID }

func (m *Membership) stamps() (*int64, *time.Time) { return &m.Version, &m.UpdatedAt }

func (m *Membership) event(kind EventType) newEvent {
	return newEvent{kind: kind, organization: m.eventOrganization(), user: m.UserID, subject: m.ID.String(), data: *m}
}

// keys gives m what it carries of its user for order and search (rule G12).
func (m *Membership) keys(user User) {
	m.NameKey, m.EmailKey = user.NameKey, user.EmailKey
	if m.DisplayName != "" {
		m.NameKey = fold(m.DisplayName)
	}
}

// Member is a membership with what a page shows of it.
type Member struct {
	Membership
	Name             string           `json:"name,omitempty"`  // here, else the user's own
	Email            string           `json:"email,omitempty"` // the user's
	OrganizationName string           `json:"organization_name"`
	OrganizationSlug string           `json:"organization_slug,omitempty"`
	Roles            []string         `json:"roles"` // slugs by priority, the primary one first (rule R4)
	Assignments      []RoleAssignment `json:"-"`     // where each role comes from (rule M10)
}

// Memberships is the group of methods on memberships. The pair of organization and
// user names one.
type Memberships struct{ s *Service }

// NewMembership is what Add needs: an organization and a user; the rest may be
// empty.
type NewMembership struct {
	ID             MembershipID // for imports; zero = a new one
	OrganizationID OrganizationID
	UserID         UserID
	Roles          []string // none = the organization's default role
	DisplayName    string   // the name here (rule G5)
	Attributes     map[string]string
	Metadata       map[string]string
	JoinedVia      JoinedVia // for imports; "" = added
}

// MembershipUpdate is a change to a membership's profile. A nil field stays as it
// is; a pointer to the empty string clears.
type MembershipUpdate struct {
	Version     int64 // the Version this is based on; 0 = whichever (rule G11)
	DisplayName *string
	Attributes  Patch
	Metadata    Patch
}

// Add makes a user an active member (rules M1, M3). An inactive member is
// reactivated on the same row, with the roles given, or else those they had.
//
// Errors: [ErrInvalid]; [ErrNotFound] for the organization or the user; [ErrMerged];
// [ErrAlreadyExists] with the field "id"; [ErrUnknownRole]; [ErrAlreadyMember]; [ErrPendingMembership]; [ErrSeatLimit];
// [ErrAlreadyMemberElsewhere]; [ErrJoinRefused].
func (g Memberships) Add(ctx context.Context, in NewMembership) (Member, error) {
	return write(ctx, g.s, membershipsAdd, pairKey(in.OrganizationID, in.UserID), func(ctx context.Context, c *call) (Member, error) {
		if in.JoinedVia != "" && !in.JoinedVia.known() {
			return Member{}, invalid("joined_via", "is no way in")
		}
		if err := c.roles().lockDeclared(ctx, in.Roles...); err != nil {
			return Member{}, err
		}
		if err := c.lock(ctx, lockUser(in.UserID), lockOrganization(in.OrganizationID)); err != nil {
			return Member{}, err
		}
		if err := c.access().authorize(ctx, scope{organization: in.OrganizationID}); err != nil {
			return Member{}, err
		}
		org, err := c.tx.Organizations().Get(ctx, in.OrganizationID)
		if err != nil {
			return Member{}, err
		}
		return c.joining().join(ctx, entrant{
			host: true, id: in.ID, organization: org, userID: in.UserID, via: cmp.Or(in.JoinedVia, JoinedAdded), roles: in.Roles,
			displayName: in.DisplayName, attributes: in.Attributes, metadata: in.Metadata,
		})
	})
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
// G8).
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
		if in.Version != 0 && in.Version != m.Version {
			return Member{}, stale(m.ID)
		}
		before := m
		if err := c.members().applyMembership(&m, in); err != nil {
			return Member{}, err
		}
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

// SetRoles makes the roles that somebody chose for a member be exactly these; those
// from other sources stay (rule M10). A membership has at least one role, so
// naming none, where no other source gives one, is [ErrInvalid].
//
// Errors: [ErrInvalid], [ErrNotFound], [ErrUnknownRole], [ErrPendingMembership],
// [ErrLastOwner].
func (g Memberships) SetRoles(ctx context.Context, organization OrganizationID, user UserID, roles ...string) (Member, error) {
	return write(ctx, g.s, membershipsSetRoles, pairKey(organization, user), func(ctx context.Context, c *call) (Member, error) {
		if err := c.roles().lockDeclared(ctx, roles...); err != nil {
			return Member{}, err
		}
		m, err := c.members().lockMembership(ctx, organization, user)
		if err != nil {
			return Member{}, err
		}
		if err := c.members().mayTouch(ctx, m); err != nil {
			return Member{}, err
		}
		if m.Status == MembershipPending {
			return Member{}, &Error{Code: ErrPendingMembership}
		}
		var want []string
		if len(roles) > 0 {
			if want, err = c.roles().check(ctx, organization, "roles", roles, ""); err != nil {
				return Member{}, err
			}
		}
		return c.members().setRoles(ctx, m, want)
	})
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

// lockMembership takes the locks of a user and an organization, asks whether the actor
// may, and finds the membership.
func (ms memberRules) lockMembership(ctx context.Context, organization OrganizationID, user UserID) (Membership, error) {
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
	members, err := ms.membershipsOf(ctx, user)
	if err != nil || len(members) == 0 {
		return nil, err
	}
	locks := make([]store.LockKey, len(members))
	for i, m := range members {
		locks[i] = lockOrganization(m.OrganizationID)
	}
	if err := ms.c.lock(ctx, locks...); err != nil {
		return nil, err
	}
	return ms.membershipsOf(ctx, user)
}

func (ms memberRules) membershipsOf(ctx context.Context, user UserID) ([]Membership, error) {
	return collect(ctx, ms.c.tx.Memberships(), membershipFilter{UserID: typed.Of(user)})
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
