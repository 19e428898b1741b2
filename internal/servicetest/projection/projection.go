// Package projection proves that the event log tells everything: a reader who keeps a copy of
// every list by nothing but the events of [tenancy.Service], in their order, has what the
// lists give after each of many random operations.
//
// The reader knows the rules, as a host's reader has to. From organization.deleted it takes
// what was in the organization along, with the identities at its connections; from
// user.deleted the person's identities, sessions and join requests, and from user.erased those
// of everybody who was merged into them. user.merged moves the invitations and join requests
// of one user to the other. What ends all sessions somewhere at once is one event.
//
// What follows is not in the log, and the reader does without it:
//
//   - LastSignInAt and LastSeenAt: they change with every request and are no events, by
//     design (rules G12, S1). So whether a session ran out unused is not told, either.
//   - The Version of a membership after its person has another name or address: it carries
//     both for the order of lists, and only the user has changed (rule G12).
//   - Which rows organization.purged removed: the event counts them, since they may be very
//     many and the organization is archived. A reader reads what is left from the lists.
//   - What Erase empties: the invitations to the person and those that they accepted. A reader
//     reads what is left of them. One who comes later finds older events emptied, too, and
//     does not learn who had been merged into somebody who is erased.
//   - The connection and the identity of a session that is at another organization than the
//     connection's: that organization's readers are not to know them (rules G7, P11). So
//     such a session that ends with its connection, or with the domain by which that
//     vouched for the person, ends without being named.
//   - Which removals of other people went with somebody's entry, because they had had the same
//     address: what addresses an organization remembers of people is nobody's to read.
//   - When a slug that was given up is reserved no longer, and which of several was let go: the rules
//     say so, and no list has them.
//   - That a session that ended, or ran out, over 30 days ago is removed by Sweep: the clock
//     says so.
package projection

import (
	"context"
	"encoding/json"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/tenancy"
)

// Projection is the copy of a reader.
type Projection struct {
	servicetest.Observed
	t      require.TestingT
	at     tenancy.Position // of the last event that was read
	events int              // how many were read
	types  map[tenancy.EventType]int
	looks  int
	behind bool // it reads events of long ago: rows are not as the event found them
	rows   rows // what there is now

	organizations map[tenancy.OrganizationID]tenancy.Organization
	users         map[tenancy.UserID]tenancy.User
	identities    map[tenancy.IdentityID]tenancy.Identity
	memberships   map[tenancy.MembershipID]member
	roles         map[tenancy.RoleID]tenancy.Role
	permissions   map[rbac.Permission]tenancy.Permission
	invitations   map[tenancy.InvitationID]tenancy.Invitation
	joinCodes     map[tenancy.JoinCodeID]tenancy.JoinCode
	joinRequests  map[tenancy.JoinRequestID]tenancy.JoinRequest
	removals      map[tenancy.RemovalID]tenancy.Removal
	domains       map[tenancy.DomainID]tenancy.Domain
	connections   map[tenancy.ConnectionID]tenancy.Connection
	policies      map[tenancy.OrganizationID]tenancy.Policy
	sessions      map[tenancy.SessionID]session
	renamed       map[tenancy.UserID]time.Time // when a user's name or address last changed
}

// member is a membership with its roles.
type member struct {
	tenancy.Membership
	roles []string
	told  time.Time // when an event last showed it
}

// session is a session with what the reader knows of it.
type session struct {
	tenancy.Session
	known  bool // how the person came: ConnectionID, ConnectionEpoch and IdentityID
	closed bool // it ended with all others somewhere, and its row does not say so
}

// Observe makes a reader of a Service that has no events yet.
func Observe(o servicetest.Observed) servicetest.Observer { return read(o) }

func read(o servicetest.Observed) *Projection {
	return &Projection{
		Observed: o, types: map[tenancy.EventType]int{},
		organizations: map[tenancy.OrganizationID]tenancy.Organization{}, users: map[tenancy.UserID]tenancy.User{},
		identities: map[tenancy.IdentityID]tenancy.Identity{}, memberships: map[tenancy.MembershipID]member{},
		roles: map[tenancy.RoleID]tenancy.Role{}, permissions: map[rbac.Permission]tenancy.Permission{},
		invitations: map[tenancy.InvitationID]tenancy.Invitation{}, joinCodes: map[tenancy.JoinCodeID]tenancy.JoinCode{},
		removals:     map[tenancy.RemovalID]tenancy.Removal{},
		joinRequests: map[tenancy.JoinRequestID]tenancy.JoinRequest{}, domains: map[tenancy.DomainID]tenancy.Domain{},
		connections: map[tenancy.ConnectionID]tenancy.Connection{}, policies: map[tenancy.OrganizationID]tenancy.Policy{},
		sessions: map[tenancy.SessionID]session{}, renamed: map[tenancy.UserID]time.Time{},
	}
}

// listsEvery is how often the lists of the Service are compared, besides the rows.
const listsEvery = 6

// After reads the new events, and compares the copy with the rows, and now and then with the
// lists.
func (p *Projection) After(t require.TestingT) {
	p.follow(t)
	p.compare()
	if p.looks++; p.looks%listsEvery == 0 {
		p.compareLists()
	}
}

// End compares everything, and has another reader begin with the first event of all.
func (p *Projection) End(t require.TestingT) {
	p.follow(t)
	p.compare()
	p.compareLists()
	late := read(p.Observed)
	late.behind = true
	late.follow(t)
	if late.events == p.events { // else some were pruned
		late.compare()
		late.compareLists()
	}
}

// follow reads the events since the last time.
func (p *Projection) follow(t require.TestingT) {
	p.t = t
	p.look()
	q := tenancy.EventQuery{After: p.at, Limit: tenancy.MaxLimit}
	for {
		page, err := p.Svc.Events.List(p.Ctx, q)
		require.NoError(t, err)
		for _, e := range page.Items {
			require.Greater(t, e.Position, p.at)
			p.at = e.Position
			p.events++
			p.types[e.Type]++
			p.apply(e)
		}
		if page.Done {
			return
		}
		q.After = page.Next
	}
}

// rows is what the lists are made from.
type rows struct {
	organizations []tenancy.Organization
	users         []tenancy.User
	identities    []tenancy.Identity
	memberships   []tenancy.Membership
	assignments   []tenancy.RoleAssignment
	roles         []tenancy.Role
	permissions   []tenancy.Permission
	invitations   []tenancy.Invitation
	joinCodes     []tenancy.JoinCode
	joinRequests  []tenancy.JoinRequest
	removals      []tenancy.Removal
	domains       []tenancy.Domain
	connections   []tenancy.Connection
	policies      []tenancy.Policy
	sessions      []tenancy.Session
}

// look reads all rows, past the Service.
func (p *Projection) look() {
	require.NoError(p.t, p.Store.View(p.Ctx, func(from store.Rows) error {
		r := &p.rows
		for _, table := range []func() error{
			fill(p.Ctx, from, &r.organizations), fill(p.Ctx, from, &r.users), fill(p.Ctx, from, &r.identities),
			fill(p.Ctx, from, &r.memberships), fill(p.Ctx, from, &r.assignments), fill(p.Ctx, from, &r.roles),
			fill(p.Ctx, from, &r.permissions), fill(p.Ctx, from, &r.invitations), fill(p.Ctx, from, &r.joinCodes),
			fill(p.Ctx, from, &r.joinRequests), fill(p.Ctx, from, &r.domains), fill(p.Ctx, from, &r.removals),
			func() (err error) { r.connections, err = servicetest.AllConnections(p.Ctx, from); return err },
			fill(p.Ctx, from, &r.policies), fill(p.Ctx, from, &r.sessions),
		} {
			if err := table(); err != nil {
				return err
			}
		}
		return nil
	}))
}

func fill[V tenancy.Entity](ctx context.Context, from store.Rows, into *[]V) func() error {
	return func() (err error) {
		*into, err = servicetest.AllRows[V](ctx, from)
		return err
	}
}

// decoded is the Data of an event.
func decoded[V any](p *Projection, e tenancy.Event) (v V) {
	require.NoError(p.t, json.Unmarshal(e.Data, &v), "the data of %s: %s", e.Type, e.Data)
	return v
}
