package roster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"github.com/freehold-dev/freehold/tenancy"
)

// FieldNameHere is the field of a [Change] that sets a member's name in this organization only, for people who
// are in other organizations, too. No column fills it.
const FieldNameHere Field = "name_here"

// view compares rows with what a Service has, one by one.
type view struct {
	plan          *Plan
	svc           *tenancy.Service
	creates       map[string]bool // people whom earlier rows create, by canonical address
	organizations map[string]bool // external ids of organizations that earlier rows create
}

// look finds out what a row needs. It writes nothing.
func (v *view) look(ctx context.Context, r *planned) (Entry, error) {
	e := Entry{Row: r.row, OrganizationID: v.plan.options.Organization}
	named, err := v.findOrganization(ctx, r, &e)
	if err != nil {
		return Entry{}, err
	}
	user, err := v.findUser(ctx, r)
	if err != nil {
		return Entry{}, err
	}
	mine := v.creates[r.emailKey] || v.plan.made[r.emailKey]
	if user == nil {
		e.NewUser, e.NewMembership = !v.creates[r.emailKey], named
		v.creates[r.emailKey] = true
		return e, v.mayComeBack(ctx, e, r)
	}
	e.UserID = user.ID
	var member *tenancy.Member
	if !e.OrganizationID.IsZero() {
		m, err := v.svc.Memberships.Get(ctx, e.OrganizationID, user.ID)
		switch {
		case err == nil && (m.Status == tenancy.MembershipActive || m.Status == tenancy.MembershipInactive):
			member, e.MembershipID = &m, m.ID
		case err != nil && tenancy.CodeOf(err) != tenancy.ErrNotFound:
			return Entry{}, err
		}
	}
	e.NewMembership = named && member == nil
	if e.NewMembership {
		if !mine && user.EmailVerifiedAt.IsZero() && !v.plan.options.Unproved {
			return Entry{}, &Problem{
				Code: tenancy.ErrEmailNotVerified, Line: r.row.Line,
				Reason: "has an account already whose address is not verified, so anybody may have made it: see Options.Unproved",
			}
		}
		if err := v.mayComeBack(ctx, e, r); err != nil {
			return Entry{}, err
		}
	}
	if err := v.compareNames(ctx, r, *user, member, mine, &e); err != nil {
		return Entry{}, err
	}
	if e.owns {
		v.compareProfile(r.row, *user, &e)
	}
	v.compareState(r, *user, member, &e)
	return e, v.mayReactivate(e, r)
}

// mayReactivate refuses a person who was deactivated if the file would make them active again.
func (v *view) mayReactivate(e Entry, r *planned) error {
	c, changes := e.change(FieldStatus)
	if !changes || c.To != string(tenancy.MembershipActive) || v.plan.options.Reactivate {
		return nil
	}
	p := &Problem{
		Code: tenancy.ErrMembershipInactive, Line: r.row.Line, Column: r.row.columnOf(FieldStatus),
		Reason: "would make active again somebody who was deactivated: see Options.Reactivate",
	}
	if e.OrganizationID.IsZero() {
		p.Code, p.Reason = tenancy.ErrUserSuspended, "would make active again a user who was suspended: see Options.Reactivate"
	}
	return p
}

// findOrganization finds the organization of a row. named says that the row names one, which may not exist yet.
func (v *view) findOrganization(ctx context.Context, r *planned, e *Entry) (named bool, err error) {
	id := r.row.OrganizationID
	if !e.OrganizationID.IsZero() || id == "" {
		return !e.OrganizationID.IsZero(), nil
	}
	org, err := v.svc.Organizations.GetByExternalID(ctx, id)
	switch {
	case err == nil:
		e.OrganizationID = org.ID
		return true, nil
	case tenancy.CodeOf(err) != tenancy.ErrNotFound:
		return true, organizationRefusal(r.row, r.row, err)
	case v.plan.options.NewOrganization == nil:
		return true, &Problem{
			Code: tenancy.ErrNotFound, Line: r.row.Line, Column: r.row.columnOf(FieldOrganizationID), Err: err,
			Reason: fmt.Sprintf("names the organization %s, which is not there: see Options.NewOrganization", short(id)),
		}
	}
	e.NewOrganization = !v.organizations[id]
	v.organizations[id] = true
	if v.plan.namers[id] == nil {
		v.plan.namers[id] = r
	}
	return true, nil
}

// findUser finds the person of a row; nil: there is none.
func (v *view) findUser(ctx context.Context, r *planned) (*tenancy.User, error) {
	own := v.plan.sheet.ownIDs && r.row.ID != ""
	if own {
		u, err := v.svc.Users.GetByExternalID(ctx, r.row.ID)
		switch {
		case err == nil && u.EmailKey != r.emailKey:
			return nil, &Problem{
				Code: tenancy.ErrConflict, Line: r.row.Line, Column: r.row.columnOf(FieldEmail),
				Reason: "is another than the one that the person with this id has, which moves by its proof alone: see Users.ChangeEmail",
			}
		case err == nil:
			return &u, nil
		case tenancy.CodeOf(err) != tenancy.ErrNotFound:
			return nil, err
		}
	}
	u, err := v.svc.Users.GetByEmail(ctx, r.row.Email)
	switch {
	case tenancy.CodeOf(err) == tenancy.ErrNotFound:
		return nil, nil
	case err != nil:
		return nil, err
	case own && u.ExternalID != "":
		return nil, &Problem{
			Code: tenancy.ErrAlreadyExists, Line: r.row.Line, Column: r.row.columnOf(FieldEmail),
			Reason: "is the address of a person with another id",
		}
	}
	return &u, nil
}

// mayComeBack refuses a person who was removed, or left, if the file would bring them back.
func (v *view) mayComeBack(ctx context.Context, e Entry, r *planned) error {
	if v.plan.options.Readmit || e.OrganizationID.IsZero() {
		return nil
	}
	gone, err := v.plan.removedFrom(ctx, v.svc, e.OrganizationID)
	if err != nil {
		return err
	}
	removal, found := gone[untagged(r.emailKey)]
	if !found && !e.UserID.IsZero() {
		removal, found = gone[e.UserID.String()]
	}
	if !found {
		return nil
	}
	return &Problem{
		Code: tenancy.ErrMembershipRemoved, Line: r.row.Line,
		Reason: fmt.Sprintf("was removed or left on %s: see Options.Readmit", removal.RemovedAt.Format(time.DateOnly)),
	}
}

// untagged returns a canonical address without its "+" tag.
func untagged(key string) string {
	local, domain, _ := strings.Cut(key, "@")
	local, _, _ = strings.Cut(local, "+")
	return local + "@" + domain
}

// stored returns the form in which the texts of a profile are stored.
func stored(text string) string { return strings.TrimSpace(norm.NFC.String(text)) }

// compareNames decides whether the row may change the person's profile. If not, it records the row's name as
// the member's name in this organization.
func (v *view) compareNames(ctx context.Context, r *planned, user tenancy.User, member *tenancy.Member, mine bool, e *Entry) (err error) {
	name := r.name
	if r.first && !mine {
		if e.owns, err = v.ownsProfile(ctx, user.ID, e.OrganizationID); err != nil {
			return err
		}
		if !e.owns {
			name = r.row.Name()
		}
	}
	shown := user.Name()
	if member != nil {
		shown = member.Name
	}
	if name = stored(name); name == "" || name == shown {
		return nil
	}
	if e.nameHere = name; member != nil {
		e.note(FieldNameHere, shown, name)
	}
	return nil
}

// compareProfile records where a row differs from the person's profile.
func (v *view) compareProfile(row Row, user tenancy.User, e *Entry) {
	for _, part := range []struct {
		field    Field
		from, to string
	}{
		{FieldGivenName, user.GivenName, row.GivenName},
		{FieldFamilyName, user.FamilyName, row.FamilyName},
		{FieldDisplayName, user.DisplayName, row.DisplayName},
		{FieldPhone, user.Phone, row.Phone},
		{FieldPicture, user.Picture, row.Picture},
		{FieldLocale, user.Locale, row.Locale},
	} {
		if to := stored(part.to); to != "" && to != part.from {
			e.note(part.field, part.from, to)
		}
	}
	if v.plan.sheet.ownIDs && row.ID != "" && row.ID != user.ExternalID {
		e.note(FieldID, user.ExternalID, row.ID)
	}
	if before, after, differ := differing(user.Metadata, row.Metadata); differ {
		e.note(FieldMetadata, before, after)
	}
	if row.LastSignInAt.After(user.LastSignInAt) {
		e.note(FieldLastSignInAt, instant(user.LastSignInAt), instant(row.LastSignInAt))
	}
}

func (e *Entry) note(field Field, from, to string) {
	e.Changes = append(e.Changes, Change{field, from, to})
}

// ownsProfile reports whether a row may change a person's profile. A file of the program's own may. Otherwise
// the person must be a member of this organization and of no other. An account without any organization belongs
// to its person.
func (v *view) ownsProfile(ctx context.Context, user tenancy.UserID, here tenancy.OrganizationID) (bool, error) {
	if v.plan.sheet.ownIDs || here.IsZero() {
		return true, nil
	}
	page, err := v.svc.Memberships.ListByUser(ctx, user, tenancy.MemberQuery{
		Statuses: []tenancy.MembershipStatus{tenancy.MembershipActive, tenancy.MembershipInactive}, Limit: 2,
	})
	if err != nil {
		return false, err
	}
	elsewhere := slices.ContainsFunc(page.Items, func(m tenancy.Member) bool { return m.OrganizationID != here })
	return len(page.Items) > 0 && !elsewhere, nil
}

// compareState records where a row differs from the stored status, roles and times.
func (v *view) compareState(r *planned, user tenancy.User, member *tenancy.Member, e *Entry) {
	row := r.row
	status := func(out bool) string {
		if out {
			return string(tenancy.MembershipInactive)
		}
		return string(tenancy.MembershipActive)
	}
	switch {
	case member == nil && e.NewMembership:
		return
	case member == nil:
		if now := status(!user.SuspendedAt.IsZero()); r.first && row.Status != "" && string(row.Status) != now {
			e.note(FieldStatus, now, string(row.Status))
		}
		return
	}
	if row.Status != "" && row.Status != member.Status {
		e.note(FieldStatus, string(member.Status), string(row.Status))
	}
	if chosen := chosenRoles(*member); len(row.Roles) > 0 && !sameSet(chosen, row.Roles) {
		e.note(FieldRoles, joined(chosen), joined(row.Roles))
	}
	if day := row.lastDay(); day != "" && member.Metadata[v.plan.options.Until] != day {
		e.note(FieldExpiresAt, member.Metadata[v.plan.options.Until], day)
	}
	if _, seen := e.change(FieldLastSignInAt); !seen && row.LastSignInAt.After(member.LastSignInAt) {
		e.note(FieldLastSignInAt, instant(member.LastSignInAt), instant(row.LastSignInAt))
	}
}

// lastDay returns the last day of a guest, as in 2026-12-31; "" if there is none.
func (r Row) lastDay() string {
	if r.ExpiresAt.IsZero() {
		return ""
	}
	return r.ExpiresAt.Format(time.DateOnly)
}

// chosenRoles are the member's roles that a person chose. SetRoles replaces these.
func chosenRoles(m tenancy.Member) []string {
	kept := m.Kept()
	var chosen []string
	for _, a := range m.Assignments {
		is := func(k tenancy.RoleAssignment) bool { return k.ID == a.ID }
		if !slices.ContainsFunc(kept, is) && !slices.Contains(chosen, a.Role) {
			chosen = append(chosen, a.Role)
		}
	}
	return chosen
}

func sameSet(a, b []string) bool {
	a, b = slices.Clone(a), slices.Clone(b)
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(slices.Compact(a), slices.Compact(b))
}

// differing returns the values that a patch would change, as "key=value" before and after.
func differing(has, patch map[string]string) (before, after string, differ bool) {
	var old, fresh []string
	for key, value := range patch {
		if was, there := has[key]; !there || was != value {
			old, fresh = append(old, key+"="+was), append(fresh, key+"="+value)
		}
	}
	slices.Sort(old)
	slices.Sort(fresh)
	return joined(old), joined(fresh), len(fresh) > 0
}

func instant(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// sameWork reports whether a row still needs what was planned. It is also true if the row now creates a person
// whom another row was planned to create.
func (v *view) sameWork(planned, now Entry, key string) bool {
	return planned.NewMembership == now.NewMembership && (planned.NewUser == now.NewUser || v.creates[key]) &&
		slices.Equal(planned.Changes, now.Changes)
}

var errRehearsed = errors.New("rehearsed")
