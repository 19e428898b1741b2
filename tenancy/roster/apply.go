package roster

import (
	"context"
	"errors"

	"github.com/freehold-dev/freehold/tenancy"
)

// Applied is the result of [Plan.Apply]: what happened to each row, with the ids of what was created.
type Applied struct{ Report }

// Apply carries out the plan, with [tenancy.Service.Import], so that it keeps dates and status from before. One
// transaction contains Options.Batch rows. If a row in it fails, the transaction goes on without that row, and
// the row is refused. If the store has changed since the plan, so that a row now needs something else, the row
// is refused; if somebody has already made the row's changes, it is unchanged.
//
// Errors: those of the Service that concern no single row. Apply then keeps what it applied before, and the
// result contains it. The other rows are Open; make a new plan to apply them. With [tenancy.ErrMailFailed] the
// whole last transaction is kept.
func (p *Plan) Apply(ctx context.Context) (Applied, error) {
	done := Applied{Report{Skipped: p.Skipped}}
	done.Unchanged = append(done.Unchanged, p.Unchanged...)
	done.Refused = append(done.Refused, p.Refused...)
	settled := map[*planned]bool{}
	var failed error
	for _, batch := range p.batches() {
		failed = inParts(ctx, batch, func(ctx context.Context, rows []*planned) error {
			entries, err := p.apply(ctx, rows)
			for i, e := range entries {
				settled[rows[i]] = true
				p.made[rows[i].emailKey] = p.made[rows[i].emailKey] || e.NewUser
				done.put(e)
			}
			return err
		}, func(r *planned, err error) {
			settled[r] = true
			done.refuse(r.row, asProblem(r.row, err))
		})
		if failed != nil {
			break
		}
	}
	for _, r := range p.rows {
		if !settled[r] {
			done.Open = append(done.Open, r.row)
		}
	}
	done.sort()
	return done, failed
}

// batches divides the rows into transactions. The rows of one person are in one transaction if there is room.
func (p *Plan) batches() [][]*planned {
	var all [][]*planned
	var batch []*planned
	for i, r := range p.rows {
		more := 1
		for r.first && i+more < len(p.rows) && p.rows[i+more].emailKey == r.emailKey {
			more++
		}
		if len(batch) > 0 && len(batch)+more > p.options.Batch {
			all, batch = append(all, batch), nil
		}
		batch = append(batch, r)
	}
	if len(batch) > 0 {
		all = append(all, batch)
	}
	return all
}

// inParts tries rows together. If that fails, it tries halves, and so on, until it has isolated each row that
// fails.
func inParts(ctx context.Context, rows []*planned, try func(context.Context, []*planned) error, refuse func(*planned, error)) error {
	err := try(ctx, rows)
	switch {
	case err == nil || fatal(err):
		return err
	case len(rows) == 1:
		refuse(rows[0], err)
		return nil
	}
	if err := inParts(ctx, rows[:len(rows)/2], try, refuse); err != nil {
		return err
	}
	return inParts(ctx, rows[len(rows)/2:], try, refuse)
}

// rehearse applies rows and rolls them back. It keeps the rows that succeed in the plan.
func (p *Plan) rehearse(ctx context.Context, batch []*planned) error {
	return inParts(ctx, batch, func(ctx context.Context, rows []*planned) error {
		err := p.svc.Import(ctx, func(ctx context.Context, tx *tenancy.Service) error {
			v := p.view(tx)
			for _, r := range rows {
				if _, err := v.settle(ctx, r, nil); err != nil {
					return err
				}
			}
			return errRehearsed
		})
		if !errors.Is(err, errRehearsed) {
			return err
		}
		for _, r := range rows {
			p.rows = append(p.rows, r)
			p.put(r.entry)
		}
		return nil
	}, func(r *planned, err error) { p.refuse(r.row, asProblem(r.row, err)) })
}

// apply applies rows in one transaction. On an error it keeps nothing and returns no entries, except after a
// failed mail.
func (p *Plan) apply(ctx context.Context, rows []*planned) (entries []Entry, err error) {
	err = p.svc.Import(ctx, func(ctx context.Context, tx *tenancy.Service) error {
		entries = nil // drop those of an earlier attempt
		v := p.view(tx)
		for _, r := range rows {
			e, err := v.settle(ctx, r, p.options.With)
			if err != nil {
				return err
			}
			entries = append(entries, e)
		}
		return nil
	})
	if err != nil && tenancy.CodeOf(err) != tenancy.ErrMailFailed {
		return nil, err
	}
	return entries, err
}

func (p *Plan) view(tx *tenancy.Service) *view {
	return &view{plan: p, svc: tx, creates: map[string]bool{}, organizations: map[string]bool{}}
}

// settle looks at a row again, inside the transaction, and applies what the row needs.
func (v *view) settle(ctx context.Context, r *planned, with func(context.Context, *tenancy.Service, Entry) error) (Entry, error) {
	e, err := v.look(ctx, r)
	if err != nil || !e.creates() && len(e.Changes) == 0 {
		return e, err
	}
	if !v.sameWork(r.entry, e, r.emailKey) {
		return e, &Problem{Code: tenancy.ErrConflict, Line: r.row.Line, Reason: "has changed in the store since it was planned: plan again"}
	}
	if !e.NewUser { // only for a new user may the program set a password
		e.Row.PasswordDigest, e.Row.PasswordHasher = Secret{}, ""
	}
	if err := v.do(ctx, r, &e); err != nil || with == nil {
		return e, err
	}
	if err := with(ctx, v.svc, e); err != nil {
		return e, &Problem{Code: tenancy.CodeOf(err), Line: r.row.Line, Reason: err.Error(), Err: err}
	}
	return e, nil
}

// do carries out what an entry says.
func (v *view) do(ctx context.Context, r *planned, e *Entry) error {
	if e.OrganizationID.IsZero() && r.row.OrganizationID != "" {
		org, err := v.svc.Organizations.Create(ctx, v.newOrganization(r.row.OrganizationID))
		if err != nil {
			return organizationRefusal(r.row, v.plan.namers[r.row.OrganizationID].row, err)
		}
		e.OrganizationID = org.ID
	}
	if e.UserID.IsZero() {
		user, err := v.svc.Users.Create(ctx, v.newUser(r, e.OrganizationID.IsZero()))
		if err != nil {
			return err
		}
		e.UserID = user.ID
		if e.OrganizationID.IsZero() && r.row.Status == tenancy.MembershipInactive && user.SuspendedAt.IsZero() {
			if _, err := v.svc.Users.Suspend(ctx, e.UserID); err != nil {
				return err
			}
		}
	}
	if err := v.changeUser(ctx, r, e); err != nil {
		return err
	}
	if e.NewMembership {
		m, err := v.svc.Memberships.Add(ctx, v.newMembership(r, e))
		e.MembershipID = m.ID
		return err
	}
	return v.changeMembership(ctx, r, e)
}

// newOrganization returns an organization as described by the first row that names it.
func (v *view) newOrganization(id string) tenancy.NewOrganization {
	in := v.plan.options.NewOrganization(v.plan.namers[id].row)
	in.ExternalID = id
	return in
}

func (v *view) newUser(r *planned, suspends bool) tenancy.NewUser {
	row := r.row
	in := tenancy.NewUser{
		Email: row.Email, EmailVerified: row.EmailVerified || v.plan.options.EmailsVerified,
		GivenName: row.GivenName, FamilyName: row.FamilyName, DisplayName: row.DisplayName,
		Picture: row.Picture, Phone: row.Phone, Locale: row.Locale, Metadata: row.Metadata,
		History: tenancy.UserHistory{CreatedAt: row.CreatedAt, LastSignInAt: row.LastSignInAt},
	}
	if v.plan.sheet.ownIDs {
		in.ExternalID = row.ID
	}
	if suspends && row.Status == tenancy.MembershipInactive {
		in.History.SuspendedAt = row.DeactivatedAt
	}
	return in
}

func (v *view) newMembership(r *planned, e *Entry) tenancy.NewMembership {
	row := r.row
	in := tenancy.NewMembership{
		OrganizationID: e.OrganizationID, UserID: e.UserID, Roles: row.Roles, DisplayName: e.nameHere,
		History: tenancy.MembershipHistory{Status: row.Status, JoinedAt: row.JoinedAt, LastSignInAt: row.LastSignInAt},
	}
	if row.Status == tenancy.MembershipInactive {
		in.History.DeactivatedAt = row.DeactivatedAt
	}
	if day := row.lastDay(); day != "" {
		in.Metadata = map[string]string{v.plan.options.Until: day}
	}
	return in
}

// change returns what an entry changes in a field.
func (e Entry) change(field Field) (Change, bool) {
	for _, c := range e.Changes {
		if c.Field == field {
			return c, true
		}
	}
	return Change{}, false
}

// changeUser makes the changes that concern the person in the whole application.
func (v *view) changeUser(ctx context.Context, r *planned, e *Entry) error {
	var in tenancy.UserUpdate
	any := false
	for _, c := range e.Changes {
		to := map[Field]**string{
			FieldGivenName: &in.GivenName, FieldFamilyName: &in.FamilyName, FieldDisplayName: &in.DisplayName,
			FieldPhone: &in.Phone, FieldPicture: &in.Picture, FieldLocale: &in.Locale, FieldID: &in.ExternalID,
		}[c.Field]
		switch {
		case to != nil:
			*to = &c.To
		case c.Field == FieldMetadata:
			in.Metadata = patch(r.row.Metadata)
		case c.Field == FieldLastSignInAt && e.owns:
			in.LastSignInAt = r.row.LastSignInAt
		default:
			continue
		}
		any = true
	}
	if any {
		if _, err := v.svc.Users.Update(ctx, e.UserID, in); err != nil {
			return err
		}
	}
	c, changes := e.change(FieldStatus)
	switch {
	case !changes || !e.OrganizationID.IsZero():
		return nil
	case c.To == string(tenancy.MembershipInactive):
		_, err := v.svc.Users.Suspend(ctx, e.UserID)
		return err
	}
	_, err := v.svc.Users.Unsuspend(ctx, e.UserID)
	return err
}

func patch(values map[string]string) tenancy.Patch {
	p := make(tenancy.Patch, len(values))
	for key, value := range values {
		p[key] = &value
	}
	return p
}

// changeMembership makes the changes that concern the member in this organization.
func (v *view) changeMembership(ctx context.Context, r *planned, e *Entry) error {
	if e.MembershipID.IsZero() {
		return nil
	}
	var in tenancy.MembershipUpdate
	any := false
	for _, c := range e.Changes {
		switch c.Field {
		case FieldNameHere:
			in.DisplayName = &c.To
		case FieldExpiresAt:
			in.Metadata = tenancy.Patch{v.plan.options.Until: &c.To}
		case FieldLastSignInAt:
			in.LastSignInAt = r.row.LastSignInAt
		default:
			continue
		}
		any = true
	}
	if any {
		if _, err := v.svc.Memberships.Update(ctx, e.OrganizationID, e.UserID, in); err != nil {
			return err
		}
	}
	if _, changes := e.change(FieldRoles); changes {
		if _, err := v.svc.Memberships.SetRoles(ctx, e.OrganizationID, e.UserID, r.row.Roles...); err != nil {
			return err
		}
	}
	c, changes := e.change(FieldStatus)
	switch {
	case !changes:
		return nil
	case c.To == string(tenancy.MembershipInactive):
		_, err := v.svc.Memberships.Deactivate(ctx, e.OrganizationID, e.UserID)
		return err
	}
	_, err := v.svc.Memberships.Reactivate(ctx, e.OrganizationID, e.UserID)
	return err
}
