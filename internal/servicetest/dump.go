package servicetest

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/tenancy"
)

// Dump is every row of a store.
type Dump struct {
	Organizations   []tenancy.Organization
	Users           []tenancy.User
	Identities      []tenancy.Identity
	Memberships     []tenancy.Membership
	RoleAssignments []tenancy.RoleAssignment
	Roles           []tenancy.Role
	Permissions     []tenancy.Permission
	Secrets         []Secret
	Invitations     []tenancy.Invitation
	JoinCodes       []tenancy.JoinCode
	JoinRequests    []tenancy.JoinRequest
	Removals        []tenancy.Removal
	MemberAddresses []MemberAddress
	FormerSlugs     []FormerSlug
	Domains         []tenancy.Domain
	Settings        []ConnectionSettings
	Connections     []tenancy.Connection // without what is in Settings
	Policies        []tenancy.Policy
	Sessions        []tenancy.Session
	MailboxProofs   []MailboxProof
	Events          []tenancy.Event
	Last            tenancy.Position
}

// String has all but Last, for the difference of two dumps.
func (d Dump) String() string {
	return fmt.Sprintf("%+v", [...]any{
		d.Organizations, d.Users, d.Identities, d.Memberships, d.RoleAssignments, d.Roles, d.Permissions, d.Secrets,
		d.Invitations, d.JoinCodes, d.JoinRequests, d.Removals, d.MemberAddresses, d.FormerSlugs, d.Domains, d.Connections, d.Settings, d.Policies, d.Sessions, d.MailboxProofs,
		d.eventText(),
	})
}

// eventText has the texts of events as texts, where %+v would give bytes.
func (d Dump) eventText() []string {
	texts := make([]string, len(d.Events))
	for i, e := range d.Events {
		texts[i] = fmt.Sprintf("%s %s %s %s", e.Type, e.Subject, e.Data, e.Previous)
	}
	return texts
}

// Dump reads the store, past the Service. Where nothing was committed since it was last read,
// it gives what it read then. The long counts always read.
func (w *World) Dump() Dump {
	w.T.Helper()
	ctx := context.WithoutCancel(w.Ctx)
	w.NoError(w.Store.View(ctx, func(rows store.Rows) (err error) {
		is := snapshotOf(rows)
		if is != nil && is == w.read.of {
			return nil
		}
		w.read.of = is
		w.read.dump, err = DumpOf(ctx, rows)
		return err
	}))
	return w.read.dump
}

// reading is the last dump of a store, and the commit that it is of; nil: it is not known.
type reading struct {
	of   any
	dump Dump
}

// snapshotOf identifies the commit that a View reads, where its store can: memory, Weak and
// SQLite do.
func snapshotOf(guarded store.Rows) any {
	rows, ok := store.Underlying(guarded)
	if !ok || Soak(1, 0) == 1 {
		return nil
	}
	if rows, ok := rows.(interface{ Snapshot() any }); ok {
		return rows.Snapshot()
	}
	return nil
}

// DumpOf reads every row in a transaction, past the Service.
func DumpOf(ctx context.Context, rows store.Rows) (Dump, error) {
	var d Dump
	for _, read := range []func() error{
		allRows(ctx, rows, &d.Organizations),
		allRows(ctx, rows, &d.Users),
		allRows(ctx, rows, &d.Identities),
		allRows(ctx, rows, &d.Memberships),
		allRows(ctx, rows, &d.RoleAssignments),
		allRows(ctx, rows, &d.Roles),
		allRows(ctx, rows, &d.Permissions),
		func() (err error) { d.Secrets, err = allSecrets(ctx, rows); return err },
		allRows(ctx, rows, &d.Invitations),
		allRows(ctx, rows, &d.JoinCodes),
		allRows(ctx, rows, &d.JoinRequests),
		allRows(ctx, rows, &d.Removals),
		func() (err error) { d.MemberAddresses, err = AllMemberAddresses(ctx, rows); return err },
		func() (err error) { d.FormerSlugs, err = allFormerSlugs(ctx, rows); return err },
		allRows(ctx, rows, &d.Domains),
		allRows(ctx, rows, &d.Connections),
		func() (err error) { d.Settings, err = allSettings(ctx, rows); return err },
		allRows(ctx, rows, &d.Policies),
		allRows(ctx, rows, &d.Sessions),
		func() (err error) { d.MailboxProofs, err = AllMailboxProofs(ctx, rows); return err },
		func() (err error) { d.Events, err = allEvents(ctx, rows); return err },
		func() error {
			last, err := rows.Last(ctx, tenancy.EventLog())
			d.Last = tenancy.Position(last)
			return err
		},
		func() error { return d.seatsAgree(ctx, rows) },
	} {
		if err := read(); err != nil {
			return Dump{}, err
		}
	}
	return d, nil
}

// seatsAgree reports where the active members that are counted of organizations with a seat
// limit are not those that there are (rule M9).
func (d Dump) seatsAgree(ctx context.Context, rows store.Rows) error {
	counted := map[[16]byte]int64{}
	for _, t := range tenancy.Tables() {
		if t.Name != "tenancy_seats" {
			continue
		}
		members := t.Index("members")
		err := rows.List(ctx, t, nil, store.Range{Limit: math.MaxInt}, func(row store.Row) error {
			counted[row[0].ID] = row[members].Int
			return nil
		})
		if err != nil {
			return err
		}
	}
	there := map[[16]byte]int64{}
	for _, org := range d.Organizations {
		if org.Settings.SeatLimit > 0 {
			there[org.ID] = 0
		}
	}
	for _, m := range d.Memberships {
		if _, limited := there[m.OrganizationID]; limited && m.Status == tenancy.MembershipActive {
			there[m.OrganizationID]++
		}
	}
	if !maps.Equal(there, counted) {
		return fmt.Errorf("servicetest: seats are counted as %v and are %v", counted, there)
	}
	return nil
}

// Stripped is d less some users and what the log says of them, and less where the log
// ends.
func (d Dump) Stripped(ids ...tenancy.UserID) Dump {
	d.Last = 0
	d.Users = slices.DeleteFunc(slices.Clone(d.Users), func(u tenancy.User) bool { return slices.Contains(ids, u.ID) })
	d.Events = slices.DeleteFunc(slices.Clone(d.Events), func(e tenancy.Event) bool { return slices.Contains(ids, e.UserID) })
	return d
}
