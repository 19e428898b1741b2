package roster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/freehold-dev/freehold/tenancy"
)

// Options say how the rows of a sheet are imported. The zero value takes organizations from the rows, and
// creates none.
type Options struct {
	// Organization is the organization of all rows. Zero: each row names its own, by the external id of the
	// organization; a row that names none is a user without a membership.
	Organization tenancy.OrganizationID
	// NewOrganization makes an organization that rows name and that does not exist, from the first such row;
	// see [NewOrganization]. nil: such rows are refused.
	NewOrganization func(Row) tenancy.NewOrganization
	// Roles translate the file's words for roles, in lower case, into slugs; "" = no role. A word that is not
	// in the map is the slug of a role.
	Roles map[string]string
	// EmailsVerified says that the program vouches for the addresses of the people whom it creates. Otherwise
	// an address is verified if the file says so. Addresses of existing users do not change.
	EmailsVerified bool
	// Unproved accepts an existing account whose address is not verified. Otherwise such a row is refused:
	// anybody may have made the account, and would get what the file gives to the person.
	Unproved bool
	// Readmit accepts people who were removed from the organization, or left it (rule M6). Otherwise their rows
	// are refused.
	Readmit bool
	// Reactivate makes deactivated members active again if the file says that they are active. It does the same
	// for suspended users without an organization. That is a [Change] of [FieldStatus]. Otherwise such rows are
	// refused: with [tenancy.ErrMembershipInactive], and users with [tenancy.ErrUserSuspended]. A row without a
	// status does not change the status.
	Reactivate bool
	// Until is the metadata key of a membership that stores the last day of a guest, as in 2026-12-31; "" =
	// "until".
	Until string
	// Batch is the number of rows in one transaction, 1 to 1000; 0 = 200.
	Batch int
	// Now is the clock that decides whether a guest has expired; nil = [time.Now].
	Now func() time.Time
	// With is called for each row that is created or changed, in the same transaction. So the program's own
	// rows, such as the digest of a password, are kept together with Freehold's rows or not at all. It must use
	// only tx and ctx for its work: it runs again for the same row if the transaction is repeated, or if
	// another row in it fails. If it returns an error, the row is refused. Plans do not call it.
	With func(ctx context.Context, tx *tenancy.Service, e Entry) error
}

// NewOrganization returns the organization that a row names, with its external id and name. Use it as
// [Options].NewOrganization.
func NewOrganization(r Row) tenancy.NewOrganization {
	return tenancy.NewOrganization{DisplayName: r.OrganizationName, ExternalID: r.OrganizationID}
}

// Plan says what would happen to each row. It changes nothing until Apply.
type Plan struct {
	Report

	svc     *tenancy.Service
	sheet   *Sheet
	options Options
	rows    []*planned          // those that create or change something; the rows of one person are side by side
	made    map[string]bool     // people whom Apply has created, by canonical address
	namers  map[string]*planned // the first row that names each organization that does not exist
	removed map[tenancy.OrganizationID]map[string]tenancy.Removal
}

// planned is a row during planning.
type planned struct {
	row      Row
	emailKey string // canonical
	first    bool   // the first of this person's rows: its profile counts
	name     string // the name in this row, if the person's first row has another name
	entry    Entry  // what the row needs, before it is applied
}

// NewPlan compares the rows of a sheet with what svc has. Then it rehearses the changes in transactions that it
// rolls back. So if a rule of Freehold refuses a row, the plan refuses it, with the Service's own error. What
// depends on all rows together, such as the number of seats, shows only when the plan is applied. Config.OnJoin
// runs in the rehearsal, too.
//
// The plan refuses rows with [Row].Problems; a person who is in the file twice for one organization, in any
// case of letters; an id and an address that belong to different people; and what [Options] do not allow. svc
// is the trusted Service, or one in a transaction of yours. Use the plan from one goroutine.
//
// Errors: [tenancy.ErrInvalid] for options out of range; [tenancy.ErrNotFound] for Options.Organization; and
// those of the Service that concern no single row, such as [tenancy.ErrCanceled], [tenancy.ErrBusy] and
// [tenancy.ErrForbidden].
func NewPlan(ctx context.Context, svc *tenancy.Service, sheet *Sheet, options Options) (*Plan, error) {
	options, err := options.withDefaults()
	if err != nil {
		return nil, err
	}
	p := &Plan{
		svc: svc, sheet: sheet, options: options, made: map[string]bool{}, namers: map[string]*planned{},
		removed: map[tenancy.OrganizationID]map[string]tenancy.Removal{},
	}
	if !options.Organization.IsZero() {
		if _, err := svc.Organizations.Get(ctx, options.Organization); err != nil {
			return nil, err
		}
	}
	rows := p.screen(sheet.Rows)
	planning := p.view(svc)
	for _, r := range rows {
		entry, err := planning.look(ctx, r)
		switch {
		case fatal(err):
			return nil, err
		case err != nil:
			p.refuse(r.row, asProblem(r.row, err))
			continue
		}
		r.entry = entry
		if !entry.creates() && len(entry.Changes) == 0 {
			p.put(entry)
			continue
		}
		p.rows = append(p.rows, r)
	}
	todo := p.rows
	p.rows = nil
	for batch := range slices.Chunk(todo, options.Batch) {
		if err := p.rehearse(ctx, batch); err != nil {
			return nil, err
		}
	}
	p.sort()
	return p, nil
}

func (o Options) withDefaults() (Options, error) {
	if o.Batch < 0 || o.Batch > 1000 {
		return o, &tenancy.Error{Code: tenancy.ErrInvalid, Op: "plan roster", Field: "batch", Reason: "is not 1 to 1000"}
	}
	if o.Batch == 0 {
		o.Batch = 200
	}
	if o.Until == "" {
		o.Until = "until"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o, nil
}

// screen refuses rows that are wrong by themselves or together with others, and puts the rows of one person
// side by side.
func (p *Plan) screen(rows []Row) []*planned {
	var fine []*planned
	people := map[string]*planned{} // by canonical address
	owners := map[string]*planned{} // by id
	places := map[[2]string]int{}   // person and organization to line
	behind := map[string][]*planned{}
	for _, row := range rows {
		switch {
		case len(row.Problems) > 0:
			p.refuse(row, row.Problems[0])
			continue
		case row.Skip != "":
			p.Skipped = append(p.Skipped, Skipped{row, row.Skip})
			continue
		}
		r, problem := p.place(row, people, owners, places)
		if problem != nil {
			p.refuse(row, problem)
			continue
		}
		behind[r.emailKey] = append(behind[r.emailKey], r)
		if r.first {
			fine = append(fine, r)
		}
	}
	var all []*planned
	for _, r := range fine {
		all = append(all, behind[r.emailKey]...)
	}
	return all
}

// place finds out which person a row is about, and refuses a second row about the same person and organization.
func (p *Plan) place(row Row, people, owners map[string]*planned, places map[[2]string]int) (*planned, *Problem) {
	if row.Email == "" {
		return nil, invalid(row.Line, "", "has no email address")
	}
	key, err := tenancy.CanonicalEmail(row.Email)
	if err != nil {
		var e *tenancy.Error
		reason := "is no address"
		if errors.As(err, &e) {
			reason = "is no address: it " + e.Reason
		}
		return nil, &Problem{Code: tenancy.ErrInvalid, Line: row.Line, Column: row.columnOf(FieldEmail), Reason: reason, Err: err}
	}
	if row.OrganizationID != "" && !p.options.Organization.IsZero() {
		return nil, invalid(row.Line, row.columnOf(FieldOrganizationID), "names an organization by itself, beside the one that all rows go to")
	}
	if row.OrganizationID == "" && row.OrganizationName != "" && p.options.Organization.IsZero() {
		return nil, invalid(row.Line, row.columnOf(FieldOrganizationName), "names an organization without its external id")
	}
	if line, twice := places[[2]string{key, row.OrganizationID}]; twice {
		return nil, &Problem{Code: tenancy.ErrAlreadyExists, Line: row.Line, Reason: fmt.Sprintf("is the same person as line %d", line)}
	}
	before := people[key]
	if before != nil && p.sheet.ownIDs && before.row.ID != row.ID {
		return nil, invalid(row.Line, "", "has the address of line %d, and another id", before.row.Line)
	}
	if other := owners[row.ID]; other != nil && p.sheet.ownIDs && other.emailKey != key {
		return nil, invalid(row.Line, "", "has the id of line %d, and another address", other.row.Line)
	}
	r := &planned{row: row, emailKey: key, first: before == nil}
	r.row.Roles = p.roles(row.Roles)
	expired := !row.ExpiresAt.IsZero() && !row.ExpiresAt.After(p.options.Now())
	if expired && row.Status != tenancy.MembershipInactive { // the guest's last day has passed
		r.row.Status, r.row.DeactivatedAt = tenancy.MembershipInactive, row.ExpiresAt
	}
	if before == nil {
		people[key] = r
	} else if name := row.Name(); name != before.row.Name() {
		r.name = name
	}
	if row.ID != "" {
		owners[row.ID] = r
	}
	places[[2]string{key, row.OrganizationID}] = row.Line
	return r, nil
}

// roles translates words of a file into slugs of roles.
func (p *Plan) roles(words []string) []string {
	var slugs []string
	for _, word := range words {
		slug, said := p.options.Roles[strings.ToLower(word)]
		if !said {
			slug = word
		}
		if slug != "" && !slices.Contains(slugs, slug) {
			slugs = append(slugs, slug)
		}
	}
	return slugs
}

// removedFrom returns the people who were removed from an organization, or left it, by user id and by address.
// It runs once, when the plan is made: an organization that does not exist then has removed nobody.
func (p *Plan) removedFrom(ctx context.Context, svc *tenancy.Service, organization tenancy.OrganizationID) (map[string]tenancy.Removal, error) {
	if gone, known := p.removed[organization]; known || svc != p.svc {
		return gone, nil
	}
	gone := map[string]tenancy.Removal{}
	for r, err := range p.svc.Memberships.AllRemoved(ctx, organization, tenancy.RemovalQuery{Limit: tenancy.MaxLimit}) {
		if err != nil {
			return nil, err
		}
		gone[r.UserID.String()] = r
		if key, err := tenancy.CanonicalEmail(r.Email); err == nil {
			gone[untagged(key)] = r
		}
	}
	p.removed[organization] = gone
	return gone, nil
}

// asProblem turns an error about a row into the reason why the row is refused.
func asProblem(row Row, err error) *Problem {
	var p *Problem
	if errors.As(err, &p) {
		return p
	}
	return refusal(row, err)
}

// fatal reports whether an error concerns no single row: the next row would fail in the same way.
func fatal(err error) bool {
	if err == nil {
		return false
	}
	var own *Problem
	if errors.As(err, &own) {
		return false
	}
	switch tenancy.CodeOf(err) {
	case tenancy.ErrCanceled, tenancy.ErrBusy, tenancy.ErrClosed, tenancy.ErrReadOnly, tenancy.ErrStorageFull, tenancy.ErrCorrupt,
		tenancy.ErrNotADatabase, tenancy.ErrSchema, tenancy.ErrMailFailed, tenancy.ErrInternal, tenancy.ErrForbidden, tenancy.ErrInTransaction, tenancy.ErrUnboundInRequest:
		return true
	}
	return false
}
