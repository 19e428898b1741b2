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
	w.NoError(tenancy.Typed(w.store).View(ctx, func(tx tenancy.Tx) (err error) {
		is := snapshotOf(tx.Raw())
		if is != nil && is == w.read.of {
			return nil
		}
		w.read.of = is
		w.read.dump, err = dumpOf(ctx, tx)
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

func dumpOf(ctx context.Context, tx tenancy.Tx) (dump, error) {
	var d dump
	for _, read := range []func() error{
		rowsOf(ctx, tx.Organizations(), &d.Organizations, func(v *tenancy.Organization) [16]byte { return v.ID }),
		rowsOf(ctx, tx.Users(), &d.Users, func(v *tenancy.User) [16]byte { return v.ID }),
		rowsOf(ctx, tx.Identities(), &d.Identities, func(v *tenancy.Identity) [16]byte { return v.ID }),
		rowsOf(ctx, tx.Memberships(), &d.Memberships, func(v *tenancy.Membership) [16]byte { return v.ID }),
		rowsOf(ctx, tx.RoleAssignments(), &d.RoleAssignments, func(v *tenancy.RoleAssignment) [16]byte { return v.ID }),
		rowsOf(ctx, tx.Roles(), &d.Roles, func(v *tenancy.Role) [16]byte { return v.ID }),
		rowsOf(ctx, tx.Permissions(), &d.Permissions, func(v *tenancy.Permission) [16]byte { return v.ID }),
		rowsOf(ctx, tx.Secrets(), &d.Secrets, func(v *tenancy.Secret) [16]byte { return v.ID }),
		rowsOf(ctx, tx.Invitations(), &d.Invitations, func(v *tenancy.Invitation) [16]byte { return v.ID }),
		rowsOf(ctx, tx.JoinCodes(), &d.JoinCodes, func(v *tenancy.JoinCode) [16]byte { return v.ID }),
		rowsOf(ctx, tx.JoinRequests(), &d.JoinRequests, func(v *tenancy.JoinRequest) [16]byte { return v.ID }),
		rowsOf(ctx, tx.Domains(), &d.Domains, func(v *tenancy.Domain) [16]byte { return v.ID }),
		rowsOf(ctx, tx.Connections(), &d.Connections, func(v *tenancy.Connection) [16]byte { return v.ID }),
		rowsOf(ctx, tx.Policies(), &d.Policies, func(v *tenancy.Policy) [16]byte { return v.ID }),
		rowsOf(ctx, tx.Sessions(), &d.Sessions, func(v *tenancy.Session) [16]byte { return v.ID }),
		func() (err error) { d.Events, err = eventsOf(ctx, tx); return err },
		func() (err error) { d.Last, err = tx.Events().Last(ctx); return err },
	} {
		if err := read(); err != nil {
			return dump{}, err
		}
	}
	return d, nil
}

func rowsOf[V tenancy.Entity, F any](ctx context.Context, t tenancy.Table[V, F], into *[]V, id func(*V) [16]byte) func() error {
	return func() error {
		var all F
		span := tenancy.Span{Limit: 500}
		for {
			rows, err := t.List(ctx, all, span)
			*into = append(*into, rows...)
			if err != nil || len(rows) < span.Limit {
				return err
			}
			span.After = &tenancy.Key{ID: id(&rows[len(rows)-1])}
		}
	}
}

// eventsOf reads the log from its newest event down, since it may have been pruned.
func eventsOf(ctx context.Context, tx tenancy.Tx) ([]tenancy.Event, error) {
	var all []tenancy.Event
	span := tenancy.LogSpan{Limit: 500, Desc: true}
	for {
		events, next, done, err := tx.Events().Read(ctx, tenancy.EventFilter{}, span)
		all = append(all, events...)
		if err != nil || done {
			return all, err
		}
		span.After = next
	}
}
