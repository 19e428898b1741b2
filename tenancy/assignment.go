package tenancy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/store/typed"
)

// RoleSource says where a role assignment comes from. When a source is taken away, only its own assignments
// go with it (rule M10).
type RoleSource string

// The sources of roles.
const (
	RoleManual       RoleSource = "manual"         // a person or the host assigned it
	RoleInvitation   RoleSource = "invitation"     // the invitation that the user accepted
	RoleDomain       RoleSource = "domain"         // a verified domain; SourceID is its id
	RoleSingleSignOn RoleSource = "single_sign_on" // a connection; SourceID is its id
	RoleDirectory    RoleSource = "directory"      // a group of a directory; SourceID is its id
)

// RoleAssignment is one role of one membership from one source. The same role from two sources is two
// assignments.
type RoleAssignment struct {
	ID             RoleAssignmentID `json:"id"`                  // never changes
	Version        int64            `json:"version"`             // counts changes from 1 (rule G11)
	OrganizationID OrganizationID   `json:"organization_id"`     // the organization of the membership
	MembershipID   MembershipID     `json:"membership_id"`       // the membership that has the role
	UserID         UserID           `json:"user_id"`             // the user of the membership
	Role           string           `json:"role"`                // the role's slug, which never changes (rule R2)
	Source         RoleSource       `json:"source"`              // where the assignment comes from (rule M10)
	SourceID       string           `json:"source_id,omitempty"` // the id of the source, such as a connection
	Scope          string           `json:"scope,omitempty"`     // a part of the organization; "" = all of it
	Active         bool             `json:"active"`              // the membership is active
	CreatedAt      time.Time        `json:"created_at,omitzero"` // when it was created
}

// RoleAssignmentID is the id of a role assignment; its text begins with ras_.
type RoleAssignmentID = ID[RoleAssignment]

func (RoleAssignment) idPrefix() string { return "ras" }

func (a RoleAssignment) rowID() [16]byte { return a.ID }

func (a *RoleAssignment) stamps() (*int64, *time.Time) { return &a.Version, nil }

// builtin has the roles that every application has (rule R3).
var builtin = func() *rbac.Roles {
	roles, err := rbac.NewRoles(rbac.MaxDepth, rbac.Builtin()...)
	if err != nil {
		panic(err) // cannot happen: the tests of rbac check its roles
	}
	return roles
}()

func unknownRole(field, slug string) error {
	return &Error{Code: ErrUnknownRole, Kind: "role", Key: slug, Field: field}
}

// automatic checks a role that users get without anybody's decision (rule R3).
func (rr roleRules) automatic(ctx context.Context, id OrganizationID, field, slug string) error {
	if slug == "" {
		return nil
	}
	if err := rr.known(ctx, id, field, slug); err != nil {
		return err
	}
	roles, err := rr.rolesNamed(ctx, id, slug)
	if err != nil {
		return err
	}
	grants, err := roles.Grants(slug)
	if err != nil {
		return rbacError(field, err)
	}
	return rbacError(field, grants.CheckAutomatic())
}

// check checks the roles that a membership is to have, and returns each once, by priority. If slugs is
// empty, it returns the fallback. It locks the declared roles, so that they exist until the end of the
// call; an organization's own roles are already under its lock.
func (rr roleRules) check(ctx context.Context, id OrganizationID, field string, slugs []string, fallback string) ([]string, error) {
	if len(slugs) == 0 {
		slugs = []string{fallback}
	}
	wanted := slices.Compact(slices.Sorted(slices.Values(slugs)))
	if most := rr.c.instance.config.Limits.MemberRoles; len(wanted) > most {
		return nil, invalid(field, fmt.Sprintf("has %d roles, at most %d", len(wanted), most))
	}
	if err := rr.known(ctx, id, field, wanted...); err != nil {
		return nil, err
	}
	held := make([]RoleAssignment, len(wanted))
	for i, slug := range wanted {
		held[i] = RoleAssignment{OrganizationID: id, Role: slug}
	}
	return rr.sortRoles(ctx, held)
}

// lockDeclared takes the lock of the declared roles if the call is going to give one of them. Take it
// before the locks of users and organizations.
func (rr roleRules) lockDeclared(ctx context.Context, slugs ...string) error {
	for _, slug := range slugs {
		if slug != "" && !isBuiltin(slug) && !rbac.IsOrganizationSlug(slug) {
			return rr.c.lock(ctx, lockRoles())
		}
	}
	return nil
}

func (rr roleRules) fallbackRole(org Organization) string {
	return cmp.Or(org.Settings.DefaultRole, rr.c.instance.config.DefaultRole)
}

// assignments reads the roles of memberships in one query, and returns them by membership.
func (rr roleRules) assignments(ctx context.Context, ids ...MembershipID) (map[MembershipID][]RoleAssignment, error) {
	held := make(map[MembershipID][]RoleAssignment, len(ids))
	all, err := rr.c.tx.RoleAssignments().List(ctx, roleAssignmentFilter{MembershipID: typed.Of(ids...)}, listSpan{Limit: math.MaxInt32})
	for _, a := range all {
		held[a.MembershipID] = append(held[a.MembershipID], a)
	}
	return held, err
}

// ranks has the priorities and names of stored roles. Built-in roles are known without the store.
type ranks struct{ rows storedRoles }

// ranks reads the priorities of the roles held, in one query, or without one if all are built in.
func (rr roleRules) ranks(ctx context.Context, held ...RoleAssignment) (ranks, error) {
	var slugs []string
	var ids []OrganizationID
	for _, a := range held {
		if isBuiltin(a.Role) {
			continue
		}
		if !slices.Contains(slugs, a.Role) {
			slugs = append(slugs, a.Role)
		}
		if !slices.Contains(ids, a.OrganizationID) {
			ids = append(ids, a.OrganizationID)
		}
	}
	if len(slugs) == 0 {
		return ranks{}, nil
	}
	rows, err := rr.storedRoles(ctx, ids, slugs)
	return ranks{rows}, err
}

func (r ranks) of(a RoleAssignment) int {
	if role, ok := builtin.Get(a.Role); ok {
		return role.Priority
	}
	row, _ := r.rows.of(a.OrganizationID, a.Role)
	return row.Priority
}

// name returns the name of a role in an organization.
func (r ranks) name(id OrganizationID, slug string) string {
	if role, ok := builtin.Get(slug); ok {
		return role.Name
	}
	row, _ := r.rows.of(id, slug)
	return row.Name
}

// sort returns the roles of assignments, each once, by priority (rule R4).
func (r ranks) sort(held []RoleAssignment) []string {
	sorted := slices.Clone(held)
	slices.SortStableFunc(sorted, func(a, b RoleAssignment) int {
		return cmp.Or(cmp.Compare(r.of(a), r.of(b)), cmp.Compare(a.Role, b.Role))
	})
	list := make([]string, len(sorted))
	for i, a := range sorted {
		list[i] = a.Role
	}
	return slices.Compact(list)
}

// sortRoles returns the roles of one membership, by priority.
func (rr roleRules) sortRoles(ctx context.Context, held []RoleAssignment) ([]string, error) {
	r, err := rr.ranks(ctx, held...)
	return r.sort(held), err
}

func hasRole(held []RoleAssignment, slug string) bool {
	return slices.ContainsFunc(held, func(a RoleAssignment) bool { return a.Role == slug })
}

// count counts the assignments that make an organization owned: those of the owner role to active
// memberships, except those in but (rule M7).
func (o ownerRules) count(ctx context.Context, id OrganizationID, but ...MembershipID) (int, error) {
	owning := roleAssignmentFilter{OrganizationID: typed.Of(id), Role: typed.Of(rbac.Owner), Active: typed.Of(true)}
	all, err := o.c.tx.RoleAssignments().Count(ctx, owning)
	if err != nil || len(but) == 0 {
		return all, err
	}
	owning.MembershipID = typed.Of(but...)
	own, err := o.c.tx.RoleAssignments().Count(ctx, owning)
	return all - own, err
}

// keepsOwner refuses to take away the last owner (rule M7), or the last owner who could sign in (rule P3).
// m is a membership that is about to lose the owner role or its place.
func (o ownerRules) keepsOwner(ctx context.Context, m Membership, held []RoleAssignment) error {
	if m.Status != MembershipActive || !hasRole(held, rbac.Owner) {
		return nil
	}
	others, err := o.count(ctx, m.OrganizationID, m.ID)
	if err != nil {
		return err
	}
	if others == 0 {
		return lastOwner(m.OrganizationID)
	}
	return o.keepsWayIn(ctx, m.OrganizationID, m.UserID)
}

// keepsActor is keepsOwner for changes by people of the organization. It needs another owner who can act,
// and an owner whom the host suspended cannot (rule M7). If the owner who goes is suspended too, the
// organization loses nobody who can act.
func (o ownerRules) keepsActor(ctx context.Context, m Membership, held []RoleAssignment) error {
	if err := o.keepsOwner(ctx, m, held); err != nil || m.Status != MembershipActive || !hasRole(held, rbac.Owner) {
		return err
	}
	owning := roleAssignmentFilter{OrganizationID: typed.Of(m.OrganizationID), Role: typed.Of(rbac.Owner), Active: typed.Of(true)}
	err := walk(ctx, o.c.tx.RoleAssignments(), owning, func(a RoleAssignment) error {
		if a.MembershipID == m.ID {
			return nil
		}
		able, err := o.canAct(ctx, a.UserID)
		if err == nil && able {
			err = errFound
		}
		return err
	})
	if err != nil {
		if errors.Is(err, errFound) {
			err = nil
		}
		return err
	}
	able, err := o.canAct(ctx, m.UserID)
	if err == nil && able {
		err = lastOwner(m.OrganizationID)
	}
	return err
}

// canAct reports whether a user is not suspended by the host.
func (o ownerRules) canAct(ctx context.Context, id UserID) (bool, error) {
	user, err := o.c.tx.Users().Get(ctx, id)
	return user.SuspendedAt.IsZero(), err
}

func lastOwner(ids ...OrganizationID) error {
	e := &Error{Code: ErrLastOwner}
	for _, id := range ids {
		e.IDs = append(e.IDs, id.String())
	}
	return e
}

// chosen reports whether a person chose the roles of this source: by hand, or in an invitation. After it is
// accepted, an invitation cannot be taken back, so its roles count as chosen by hand.
func (s RoleSource) chosen() bool { return s == RoleManual || s == RoleInvitation }

// setManual is setChosen with the source [RoleManual].
func (rr roleRules) setManual(ctx context.Context, m Membership, held []RoleAssignment, want []string) ([]RoleAssignment, bool, error) {
	return rr.setChosen(ctx, m, held, want, RoleManual, "")
}

// setChosen replaces the roles that people chose for a membership, and reports whether anything changed.
// New assignments get the given source. Assignments from other sources stay (rule M10).
func (rr roleRules) setChosen(ctx context.Context, m Membership, held []RoleAssignment, want []string,
	source RoleSource, sourceID string,
) ([]RoleAssignment, bool, error) {
	var kept []RoleAssignment
	changed := false
	have := map[string]bool{}
	for _, a := range held {
		if a.Source.chosen() && !slices.Contains(want, a.Role) {
			changed = true
			if err := rr.c.tx.RoleAssignments().Delete(ctx, a.ID); err != nil {
				return nil, false, err
			}
			continue
		}
		have[a.Role] = have[a.Role] || a.Source.chosen()
		kept = append(kept, a)
	}
	for _, slug := range want {
		if have[slug] {
			continue
		}
		changed = true
		a, err := rr.assignFrom(ctx, m, slug, source, sourceID)
		if err != nil {
			return nil, false, err
		}
		kept = append(kept, a)
	}
	return kept, changed, nil
}

func (rr roleRules) assign(ctx context.Context, m Membership, slug string) (RoleAssignment, error) {
	return rr.assignFrom(ctx, m, slug, RoleManual, "")
}

func (rr roleRules) assignFrom(ctx context.Context, m Membership, slug string, source RoleSource, sourceID string) (RoleAssignment, error) {
	a := RoleAssignment{
		ID: rr.c.instance.config.NewID(), Version: 1, OrganizationID: m.OrganizationID, MembershipID: m.ID, UserID: m.UserID,
		Role: slug, Source: source, SourceID: sourceID, Active: m.Status == MembershipActive, CreatedAt: rr.c.now,
	}
	return a, rr.c.tx.RoleAssignments().Insert(ctx, a)
}

// mirror copies to a membership's assignments whether the membership is active.
func (rr roleRules) mirror(ctx context.Context, m Membership, held []RoleAssignment) error {
	active := m.Status == MembershipActive
	for i := range held {
		if held[i].Active == active {
			continue
		}
		held[i].Active = active
		if err := put(ctx, rr.c, rr.c.tx.RoleAssignments().Update, &held[i]); err != nil {
			return err
		}
	}
	return nil
}
