package servicetest

import (
	"context"
	"fmt"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/tenancy"
)

// dump is every row of a store.
type dump struct {
	Organizations   []tenancy.Organization
	Users           []tenancy.User
	Identities      []tenancy.Identity
	Memberships     []tenancy.Membership
	RoleAssignments []tenancy.RoleAssignment
	Roles           []tenancy.Role
	Permissions     []tenancy.Permission
	Secrets         []tenancy.Secret
	Invitations     []tenancy.Invitation
	JoinCodes       []tenancy.JoinCode
	JoinRequests    []tenancy.JoinRequest
	Domains         []tenancy.Domain
	Connections     []tenancy.Connection
	Policies        []tenancy.Policy
	Sessions        []tenancy.Session
	Events          []tenancy.Event
	Last            tenancy.Position
}

func (d dump) String() string {
	return fmt.Sprintf("%+v", [...]any{
		d.Organizations, d.Users, d.Identities, d.Memberships, d.RoleAssignments, d.Roles, d.Permissions, d.Secrets,
		d.Invitations, d.JoinCodes, d.JoinRequests, d.Domains, d.Connections, d.Policies, d.Sessions, d.eventText(),
	})
}

// eventText has the texts of events as texts, where %+v would give bytes.
func (d dump) eventText() []string {
	texts := make([]string, len(d.Events))
	for i, e := range d.Events {
		texts[i] = fmt.Sprintf("%s %s %s %s", e.Type, e.Subject, e.Data, e.Previous)
	}
	return texts
}

// dump reads the store, past the Service. Where nothing was committed since it was last read,
// it gives what it read then, but for the long counts, in which it always reads.
func (w *world) dump() dump {
	w.t.Helper()
	ctx := context.WithoutCancel(w.ctx)
	w.NoError(w.store.View(ctx, func(rows store.Rows) (err error) {
		is := snapshotOf(rows)
		if is != nil && is == w.read.of {
			return nil
		}
		w.read.of = is
		w.read.dump, err = dumpOf(ctx, rows)
		return err
	}))
	return w.read.dump
}

// reading is the last dump of a store, and the commit that it is of; nil: it is not known.
type reading struct {
	of   any
	dump dump
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

func dumpOf(ctx context.Context, rows store.Rows) (dump, error) {
	var d dump
	for _, read := range []func() error{
		allRows(ctx, rows, &d.Organizations),
		allRows(ctx, rows, &d.Users),
		allRows(ctx, rows, &d.Identities),
		allRows(ctx, rows, &d.Memberships),
		allRows(ctx, rows, &d.RoleAssignments),
		allRows(ctx, rows, &d.Roles),
		allRows(ctx, rows, &d.Permissions),
		allRows(ctx, rows, &d.Secrets),
		allRows(ctx, rows, &d.Invitations),
		allRows(ctx, rows, &d.JoinCodes),
		allRows(ctx, rows, &d.JoinRequests),
		allRows(ctx, rows, &d.Domains),
		allRows(ctx, rows, &d.Connections),
		allRows(ctx, rows, &d.Policies),
		allRows(ctx, rows, &d.Sessions),
		func() (err error) { d.Events, err = allEvents(ctx, rows); return err },
		func() error {
			last, err := rows.Last(ctx, tenancy.EventLog())
			d.Last = tenancy.Position(last)
			return err
		},
	} {
		if err := read(); err != nil {
			return dump{}, err
		}
	}
	return d, nil
}
