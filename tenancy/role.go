package tenancy

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/freehold-dev/freehold/rbac"
)

// RoleSource says what gave a role, so that its going takes only its own along
// (rule M10).
type RoleSource string

// The sources of roles.
const (
	RoleManual RoleSource = "manual" // a person or the host chose it
)

// RoleAssignment is one role of one membership from one source. The same role from
// two sources is two assignments.
type RoleAssignment struct {
	ID             RoleAssignmentID `json:"id"`
	Version        int64            `json:"version"`
	OrganizationID OrganizationID   `json:"organization_id"`
	MembershipID   MembershipID     `json:"membership_id"`
	UserID         UserID           `json:"user_id"`
	Role           string           `json:"role"` // its slug, which never changes (rule R2)
	Source         RoleSource       `json:"source"`
	SourceID       string           `json:"source_id,omitempty"` // which connection, which group
	Scope          string           `json:"scope,omitempty"`     // where in the organization; "" = all of it
	Active         bool             `json:"active"`              // the membership is active
	CreatedAt      time.Time        `json:"created_at"`
}

func (RoleAssignment) idPrefix() string { return "ras" }

// builtin are the roles that every application has (rule R3).
var builtin = sync.OnceValue(func() *rbac.Roles {
	roles, err := rbac.NewRoles(rbac.MaxDepth, rbac.Builtin()...)
	if err != nil {
		panic(err) // rbac's own tests hold its roles to its rules
	}
	return roles
})

func knownRole(slug string) bool {
	_, ok := builtin().Get(slug)
	return ok
}

func unknownRole(field, slug string) error {
	return &Error{Code: ErrUnknownRole, Kind: "role", Key: slug, Field: field}
}

// defaultRole checks a role that people get without anyone choosing it (rule R3).
func defaultRole(field, slug string) (string, error) {
	switch {
	case slug == "":
		return "", nil
	case !knownRole(slug):
		return "", unknownRole(field, slug)
	case slug == rbac.Owner || slug == rbac.Admin:
		return "", invalid(field, "a role that nobody chooses may not manage the organization")
	}
	return slug, nil
}

// roles checks the roles that a membership is to have and puts them into the order
// of priority, each once. With none named, the fallback holds.
func (w *work) roles(field string, slugs []string, fallback string) ([]string, error) {
	if len(slugs) == 0 {
		slugs = []string{fallback}
	}
	for _, slug := range slugs {
		if !knownRole(slug) {
			return nil, unknownRole(field, slug)
		}
	}
	sorted := slices.Compact(builtin().Sort(slugs...))
	if most := w.config.Limits.MemberRoles; len(sorted) > most {
		return nil, invalid(field, fmt.Sprintf("has %d roles, at most %d", len(sorted), most))
	}
	return sorted, nil
}

func (w *work) fallbackRole(org Organization) string {
	return or(org.Settings.DefaultRole, w.config.DefaultRole)
}

// assignments reads the roles of memberships, by membership, in one query: they are as
// many as the memberships named have.
func (w *work) assignments(ctx context.Context, ids ...MembershipID) (map[MembershipID][]RoleAssignment, error) {
	held := make(map[MembershipID][]RoleAssignment, len(ids))
	all, err := w.RoleAssignments().List(ctx, RoleAssignmentFilter{MembershipID: Of(ids...)}, Span{Limit: math.MaxInt32})
	for _, a := range all {
		held[a.MembershipID] = append(held[a.MembershipID], a)
	}
	return held, err
}

// slugs are the roles of assignments, each once, by priority.
func slugs(held []RoleAssignment) []string {
	list := make([]string, 0, len(held))
	for _, a := range held {
		list = append(list, a.Role)
	}
	return slices.Compact(builtin().Sort(list...))
}

// owners counts the assignments that make an organization owned: those of the owner
// role, of active memberships other than the ones named (rule M7).
func (w *work) owners(ctx context.Context, id OrganizationID, but ...MembershipID) (int, error) {
	owning := RoleAssignmentFilter{OrganizationID: Of(id), Role: Of(rbac.Owner), Active: Of(true)}
	all, err := w.RoleAssignments().Count(ctx, owning)
	if err != nil || len(but) == 0 {
		return all, err
	}
	owning.MembershipID = Of(but...)
	own, err := w.RoleAssignments().Count(ctx, owning)
	return all - own, err
}

// keepsOwner refuses what would take the last owner (rule M7): a membership that
// owns now and soon will not.
func (w *work) keepsOwner(ctx context.Context, m Membership, held []RoleAssignment) error {
	if m.Status != MembershipActive || !slices.Contains(slugs(held), rbac.Owner) {
		return nil
	}
	others, err := w.owners(ctx, m.OrganizationID, m.ID)
	if err != nil {
		return err
	}
	if others == 0 {
		return lastOwner(m.OrganizationID)
	}
	return nil
}

func lastOwner(ids ...OrganizationID) error {
	e := &Error{Code: ErrLastOwner}
	for _, id := range ids {
		e.IDs = append(e.IDs, id.String())
	}
	return e
}

// setManual makes the manual roles of a membership be those given, and says whether
// anything changed. Other sources' assignments stay (rule M10).
func (w *work) setManual(ctx context.Context, m Membership, held []RoleAssignment, want []string) ([]RoleAssignment, bool, error) {
	var kept []RoleAssignment
	changed := false
	have := map[string]bool{}
	for _, a := range held {
		if a.Source == RoleManual && !slices.Contains(want, a.Role) {
			changed = true
			if err := w.RoleAssignments().Delete(ctx, a.ID); err != nil {
				return nil, false, err
			}
			continue
		}
		have[a.Role] = have[a.Role] || a.Source == RoleManual
		kept = append(kept, a)
	}
	for _, slug := range want {
		if have[slug] {
			continue
		}
		changed = true
		a, err := w.assign(ctx, m, slug)
		if err != nil {
			return nil, false, err
		}
		kept = append(kept, a)
	}
	return kept, changed, nil
}

func (w *work) assign(ctx context.Context, m Membership, slug string) (RoleAssignment, error) {
	a := RoleAssignment{
		ID: w.config.NewID(), Version: 1, OrganizationID: m.OrganizationID, MembershipID: m.ID, UserID: m.UserID,
		Role: slug, Source: RoleManual, Active: m.Status == MembershipActive, CreatedAt: w.now,
	}
	return a, w.RoleAssignments().Insert(ctx, a)
}

// mirror makes the assignments of a membership say whether it is active.
func (w *work) mirror(ctx context.Context, m Membership, held []RoleAssignment) error {
	active := m.Status == MembershipActive
	for i := range held {
		if held[i].Active == active {
			continue
		}
		held[i].Active = active
		held[i].Version++
		if err := w.RoleAssignments().Update(ctx, held[i]); err != nil {
			return err
		}
	}
	return nil
}
