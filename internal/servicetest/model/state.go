package model

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// modelState is what the model believes. Its maps hold values that are replaced and
// never changed, so that a copy of the maps is a copy of it all.
type modelState struct {
	now        time.Time
	single     bool // Config.SingleOrganization
	orgs       map[tenancy.OrganizationID]tenancy.Organization
	users      map[tenancy.UserID]tenancy.User // those merged into others too
	slugs      map[string]modelSlug            // given up
	identities map[tenancy.IdentityID]tenancy.Identity
	members    map[modelPair]modelMember
	proofs     []modelProof
	sent       sentMails
	former     map[tenancy.UserID][]tenancy.UserID // who was ever merged into somebody
	slugged    int                                 // how many slugs were given up
	log        []modelEvent                        // what is not pruned
	floor      tenancy.Position
	joins      []tenancy.Join // what OnJoin is to be asked in this operation
}

// modelSlug is a slug that an organization gave up, as the nth of all.
type modelSlug struct {
	org  tenancy.OrganizationID
	ends time.Time
	nth  int
}

// modelPair names a membership.
type modelPair struct {
	org  tenancy.OrganizationID
	user tenancy.UserID
}

// modelMember is a membership and its roles, by priority.
type modelMember struct {
	tenancy.Membership
	Roles []string `json:"roles"`
}

// modelProof is a token that a ChangeEmail gave.
type modelProof struct {
	token   string
	user    tenancy.UserID
	address string
	expires time.Time
	spent   bool
	gone    bool
}

func newModelState(single bool) *modelState {
	return &modelState{
		single:     single,
		orgs:       map[tenancy.OrganizationID]tenancy.Organization{},
		users:      map[tenancy.UserID]tenancy.User{},
		slugs:      map[string]modelSlug{},
		identities: map[tenancy.IdentityID]tenancy.Identity{},
		members:    map[modelPair]modelMember{},
		former:     map[tenancy.UserID][]tenancy.UserID{},
	}
}

func (s *modelState) clone() *modelState {
	c := *s
	c.orgs, c.users, c.identities = maps.Clone(s.orgs), maps.Clone(s.users), maps.Clone(s.identities)
	c.slugs = maps.Clone(s.slugs)
	c.members, c.former = maps.Clone(s.members), maps.Clone(s.former)
	c.proofs, c.log = slices.Clone(s.proofs), slices.Clone(s.log)
	return &c
}

// sorted gives the values of a map that pass, by id.
func sorted[K comparable, V any](m map[K]V, id func(V) [16]byte, pass func(V) bool) []V {
	var list []V
	for _, v := range m {
		if pass(v) {
			list = append(list, v)
		}
	}
	slices.SortFunc(list, func(a, b V) int {
		x, y := id(a), id(b)
		return slices.Compare(x[:], y[:])
	})
	return list
}

func orgID(o tenancy.Organization) [16]byte { return o.ID }

func userID(u tenancy.User) [16]byte { return u.ID }

func identityID(i tenancy.Identity) [16]byte { return i.ID }

func (s *modelState) membersWhere(pass func(modelMember) bool) []modelMember {
	return sorted(s.members, func(m modelMember) [16]byte { return m.ID }, pass)
}

func (s *modelState) membersOf(user tenancy.UserID) []modelMember {
	return s.membersWhere(func(m modelMember) bool { return m.UserID == user })
}

func (s *modelState) membersIn(org tenancy.OrganizationID) []modelMember {
	return s.membersWhere(func(m modelMember) bool { return m.OrganizationID == org })
}

func (s *modelState) identitiesOf(user tenancy.UserID) []tenancy.Identity {
	return sorted(s.identities, identityID,
		func(i tenancy.Identity) bool { return i.UserID == user })
}

func (m modelMember) active() bool { return m.Status == tenancy.MembershipActive }

// owns is M7's definition.
func (m modelMember) owns() bool { return m.active() && slices.Contains(m.Roles, rbac.Owner) }

func (s *modelState) owners(org tenancy.OrganizationID) (n int) {
	for _, m := range s.members {
		if m.OrganizationID == org && m.owns() {
			n++
		}
	}
	return n
}

// keys are what a membership carries of its user (G12).
func (s *modelState) keys(m modelMember) modelMember {
	user := s.users[m.UserID]
	m.NameKey, m.EmailKey = strings.ToLower(cmp.Or(m.DisplayName, user.Name())), user.EmailKey
	m.UserSuspended = !user.SuspendedAt.IsZero() && m.Status != tenancy.MembershipPending
	return m
}

// byPriority is a set of roles as the Service shows it (R4).
func byPriority(roles ...string) []string {
	list := []string{}
	for _, role := range []string{rbac.Owner, rbac.Admin, rbac.Member, rbac.Guest} {
		if slices.Contains(roles, role) {
			list = append(list, role)
		}
	}
	return list
}

// reasons gathers why a call is refused.
type reasons []tenancy.Code

func (r *reasons) when(is bool, code tenancy.Code) {
	if is {
		*r = append(*r, code)
	}
}

// person are the reasons why a user cannot be worked with.
func (s *modelState) person(id tenancy.UserID) (r reasons) {
	user, ok := s.users[id]
	r.when(!ok, tenancy.ErrNotFound)
	r.when(ok && !user.MergedInto.IsZero(), tenancy.ErrMerged)
	return r
}

// admit are the reasons why somebody may not become active (M9, M13, M11), where
// vacated of the seats taken become free by it.
func (s *modelState) admit(org tenancy.Organization, user tenancy.User, vacated int) (r reasons) {
	taken, elsewhere := 0, false
	for _, m := range s.members {
		switch {
		case !m.active():
		case m.OrganizationID == org.ID && m.UserSuspended: // M9
		case m.OrganizationID == org.ID:
			taken++
		case m.UserID == user.ID && s.orgs[m.OrganizationID].ArchivedAt.IsZero(): // O2
			elsewhere = true
		}
	}
	limit := org.Settings.SeatLimit
	r.when(limit > 0 && taken-vacated >= limit, tenancy.ErrSeatLimit)
	r.when(s.single && elsewhere && org.ArchivedAt.IsZero(), tenancy.ErrAlreadyMemberElsewhere)
	r.when(vetoed(org, user), tenancy.ErrJoinRefused)
	return r
}

// joined notes that OnJoin is to be asked.
func (s *modelState) joined(m modelMember, again bool) {
	s.joins = append(s.joins, tenancy.Join{
		Organization: tenancy.Organization{ID: m.OrganizationID}, User: tenancy.User{ID: m.UserID}, Roles: m.Roles, Reactivated: again,
	})
}
