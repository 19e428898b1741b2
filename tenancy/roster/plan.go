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

// Options say how the rows of a sheet go in. The zero value takes organizations from the rows, and makes none.
type Options struct {
	// Organization is where all rows go. Zero: where each row says, by the external id of the organization; a row
	// that names none is a user without a membership.
	Organization tenancy.OrganizationID
	// NewOrganization makes an organization that rows name and that is not there, from the first such row; see
	// [NewOrganization]. nil: such rows are refused.
	NewOrganization func(Row) tenancy.NewOrganization
	// Roles say which role a word of the file stands for, in lower case; "" = no role. A word that is not in it stands
	// for the role with that slug.
	Roles map[string]string
	// EmailsVerified says that the program vouches for the addresses of people who are created. Otherwise those are
	// verified of which the file says so. What is known of people who are there stays.
	EmailsVerified bool
	// Unproved lets in the account of an address that was there before and is not verified. Otherwise it is
	// refused: anybody may have made it, and waits for what the file gives to the person.
	Unproved bool
	// Readmit lets in people who were removed from the organization, or left it (rule M6). Otherwise they are refused.
	Readmit bool
	// Reactivate makes members active again who were deactivated, and users without an organization who were
	// suspended, where the file says that they are active: a [Change] of [FieldStatus]. Otherwise such rows are
	// refused: with [tenancy.ErrMembershipInactive], and users with [tenancy.ErrUserSuspended]. A row that says
	// nothing of the status leaves it as it is.
	Reactivate bool
	// Until is the key of a membership's metadata where the last day of a guest is kept, as in 2026-12-31; "" = "until".
	Until string
	// Batch is how many rows are applied in one transaction, 1 to 1000; 0 = 200.
	Batch int
	// Now is the clock against which guests have expired; nil = [time.Now].
	Now func() time.Time
	// With is called for each row that is created or changed, in the transaction that does it, so that rows of the
	// program's own and ours are kept together or not at all: such as the digest of a password. It works
	// through tx and ctx alone: it runs again for the same row where the transaction is repeated, or another row in it
	// fails. An error of it refuses the row. Plans do not call it.
	With func(ctx context.Context, tx *tenancy.Service, e Entry) error
}

// NewOrganization is the organization that a row names: its external id and name. It is for [Options].
func NewOrganization(r Row) tenancy.NewOrganization {
	return tenancy.NewOrganization{DisplayName: r.OrganizationName, ExternalID: r.OrganizationID}
}

// Plan says what would become of each row. Nothing is changed until Apply.
type Plan struct {
	Report

	svc     *tenancy.Service
	sheet   *Sheet
	options Options
	rows    []*planned          // those that create or change something, rows of one person side by side
	made    map[string]bool     // people whom Apply has created, by canonical address
	namers  map[string]*planned // the first row that names an organization which is not there
	removed map[tenancy.OrganizationID]map[string]tenancy.Removal
}

// planned is a row on its way.
type planned struct {
	row      Row
	emailKey string // canonical
	first    bool   // of the rows of this person: what it says of their profile counts
	name     string // what this row calls them, where the first calls them otherwise
	entry    Entry  // what was found to do, before it is done
}

// NewPlan compares the rows of a sheet with what svc holds. Then it rehearses what there is to do, in transactions
// that are rolled back: what a rule of Freehold refuses is refused in the plan, with the Service's own error. What
// depends on all rows together, as the number of seats, is seen when the plan is applied. Config.OnJoin runs in the
// rehearsal as well.
//
// Refused are rows with [Row].Problems; a person who is in the file twice for one organization, in whatever case; an
// id and an address that belong to different people; and what [Options] speak of. svc is the unbound Service, or
// one in a transaction of yours. The plan is for one goroutine.
//
// Errors: [tenancy.ErrInvalid] for options out of range; [tenancy.ErrNotFound] for Options.Organization; and of the
// Service what concerns no single row, such as [tenancy.ErrCanceled], [tenancy.ErrBusy] and [tenancy.ErrForbidden].
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

// screen refuses rows for what they are by themselves or beside the others, and puts those of one person side by
// side.
func (p *Plan) screen(rows []Row) []*planned {
	var fine []*planned
	people := map[string]*planned{} // by canonical address
	owners := map[string]*planned{} // by id
	places := map[[2]string]int{}   // person and organization: the line
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

// place finds out who a row is about, and that no other row is about the same.
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
	if expired && row.Status != tenancy.MembershipInactive { // a guest whose last day has passed
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

// roles are the roles that words of a file stand for.
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

// removedFrom are those who were removed from an organization, or left it, by their users' ids and by their addresses.
// They are read once, while the plan is made: an organization that was not there then remembers nobody.
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

// asProblem is why a row is refused, out of the error about it.
func asProblem(row Row, err error) *Problem {
	var p *Problem
	if errors.As(err, &p) {
		return p
	}
	return refusal(row, err)
}

// fatal reports whether an error concerns no single row: the next would fail the same way.
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
