package bench

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/store/sqlite"
	"github.com/freehold-dev/freehold/tenancy"
)

// What the heavy tenant has.
const (
	heavyMembers     = 3_000
	heavyRoles       = 484 // and the held ones, and room to make those anew
	heavyConnections = 50
	heavyArrivals    = 20  // people and sessions that came by each connection
	heavyHolders     = 500 // of each role that many hold
	heavyPairs       = 4   // of such roles
	heavyAdmins      = 4   // who do their worst
)

// duel is a file with a tenant that has all that its limits allow, and a small one beside it.
type duel struct {
	*mix
	heavy, small tenancy.OrganizationID
	person       tenancy.User     // a member of the small one
	members      []tenancy.UserID // of the heavy one
	late         int              // who joined it since

	sessions []tenancy.Session // of the small one's owner, of a member of the heavy one who may do nothing, and of its admins
	owner    *tenancy.Service
	guest    *tenancy.Service
	admins   []*tenancy.Service
}

// newDuel makes the file, and opens it anew: what it took is in no statistics.
func newDuel(t *testing.T) *duel {
	t.Helper()
	path := filepath.Join(t.TempDir(), "app.db")
	d := &duel{}
	st, err := (sqlite.Options{Synchronous: sqlite.Normal}).Open(t.Context(), path)
	must(t, err)
	svc, err := tenancy.New(unlimited(st))
	must(t, err)
	var owner, guest tenancy.User
	var admins []tenancy.User
	must(t, svc.Import(t.Context(), func(ctx context.Context, tx *tenancy.Service) (err error) {
		owner, err = d.fillSmall(ctx, tx)
		return err
	}))
	must(t, svc.Import(t.Context(), func(ctx context.Context, tx *tenancy.Service) (err error) {
		admins, guest, err = d.fillHeavy(ctx, tx)
		return err
	}))
	for i, user := range append([]tenancy.User{owner, guest}, admins...) {
		org := d.heavy
		if i == 0 {
			org = d.small
		}
		started, err := svc.Sessions.Start(t.Context(), tenancy.NewSession{UserID: user.ID, OrganizationID: org, Method: tenancy.MethodPassword})
		must(t, err)
		d.sessions = append(d.sessions, started.Session)
	}
	must(t, st.Close())
	if st, err = (sqlite.Options{Synchronous: sqlite.Normal}).Open(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { must(t, st.Close()) })
	d.mix = &mix{path: path, store: st}
	return d
}

// anew makes a Service that remembers nothing of what was done before, and binds it to everybody by their sessions, as an
// application has it.
func (d *duel) anew(t *testing.T) {
	t.Helper()
	d.serve(t)
	bound := make([]*tenancy.Service, len(d.sessions))
	for i, session := range d.sessions {
		bound[i] = d.svc.As(tenancy.SessionPrincipal(session))
	}
	d.owner, d.guest, d.admins = bound[0], bound[1], bound[2:]
}

func (d *duel) fillSmall(ctx context.Context, tx *tenancy.Service) (owner tenancy.User, err error) {
	org, err := tx.Organizations.Create(ctx, tenancy.NewOrganization{DisplayName: "Small"})
	if err != nil {
		return owner, err
	}
	d.small = org.ID
	if owner, err = joins(ctx, tx, org.ID, "bob@small.example", rbac.Owner); err != nil {
		return owner, err
	}
	d.person, err = joins(ctx, tx, org.ID, "cyd@small.example")
	return owner, err
}

func (d *duel) fillHeavy(ctx context.Context, tx *tenancy.Service) (admins []tenancy.User, guest tenancy.User, err error) {
	org, err := tx.Organizations.Create(ctx, tenancy.NewOrganization{DisplayName: "Heavy"})
	if err != nil {
		return nil, guest, err
	}
	d.heavy = org.ID
	if err := d.fillTexts(ctx, tx); err != nil {
		return nil, guest, err
	}
	for i := range heavyAdmins {
		user, err := joins(ctx, tx, org.ID, fmt.Sprintf("admin%d@heavy.example", i), rbac.Owner)
		if err != nil {
			return nil, guest, err
		}
		admins = append(admins, user)
	}
	if guest, err = joins(ctx, tx, org.ID, "guest@heavy.example"); err != nil {
		return nil, guest, err
	}
	for i := range heavyMembers {
		roles := []string{rbac.Member}
		if pair := i / heavyHolders; pair < heavyPairs {
			roles = append(roles, held(pair, 0))
		}
		user, err := joins(ctx, tx, org.ID, fmt.Sprintf("m%d@heavy.example", i), roles...)
		if err != nil {
			return nil, guest, err
		}
		d.members = append(d.members, user.ID)
	}
	return admins, guest, d.fillConnections(ctx, tx)
}

// held is one of two roles, of which many hold one.
func held(pair, which int) string { return fmt.Sprintf("org-held-%d-%d", pair, which) }

func ownRole(i int) string { return fmt.Sprintf("org-%03d", i) }

// fillTexts makes roles, metadata, join codes and claims as large and as many as may be.
func (d *duel) fillTexts(ctx context.Context, tx *tenancy.Service) error {
	patch := tenancy.Patch{}
	for i := range 25 {
		v := strings.Repeat("v", 600)
		patch[fmt.Sprintf("key-%03d", i)] = &v
	}
	names := make([]string, 100)
	for i := range names {
		names[i] = fmt.Sprintf("a%d.%s.example", i, strings.Repeat("b", 60))
	}
	blocked, none := names, 0
	if _, err := tx.Organizations.Update(ctx, d.heavy, tenancy.OrganizationUpdate{
		Metadata: patch, Attributes: patch, BlockedDomains: &blocked, SeatLimit: &none,
	}); err != nil {
		return err
	}
	for i := range heavyRoles {
		if _, err := tx.Roles.Create(ctx, d.heavy, tenancy.NewRole{
			Slug: ownRole(i), Description: strings.Repeat("d", 470), Grants: []rbac.Grant{rbac.ReadMembers},
		}); err != nil {
			return err
		}
	}
	for pair := range heavyPairs {
		for which := range 2 {
			if _, err := tx.Roles.Create(ctx, d.heavy, tenancy.NewRole{Slug: held(pair, which)}); err != nil {
				return err
			}
		}
	}
	for i := range 100 {
		if _, err := tx.JoinCodes.Create(ctx, tenancy.NewJoinCode{OrganizationID: d.heavy, AllowedDomains: names}); err != nil {
			return err
		}
		in := tenancy.NewDomain{OrganizationID: d.heavy, Name: fmt.Sprintf("claim%d.example", i)}
		if i == 0 {
			in.Name, in.Verified = "heavy.example", true
		}
		if _, err := tx.Domains.Claim(ctx, in); err != nil {
			return err
		}
	}
	return nil
}

// fillConnections makes connections, and has people come by each.
func (d *duel) fillConnections(ctx context.Context, tx *tenancy.Service) error {
	for i := range heavyConnections {
		c, err := tx.Connections.Create(ctx, d.connection(i))
		if err != nil {
			return err
		}
		for k := range heavyArrivals {
			n := (i*heavyArrivals + k) % heavyMembers
			came, err := tx.SignIn(ctx, tenancy.Attempt{Evidence: tenancy.ConnectionEvidence(c, tenancy.Assertion{
				Subject: fmt.Sprint("s", n), Email: fmt.Sprintf("m%d@heavy.example", n),
			})})
			if err != nil {
				return err
			}
			if came.Kind != tenancy.DecisionSignedIn {
				return fmt.Errorf("by a connection: %s", came.Kind)
			}
		}
	}
	return nil
}

// connection is a new one with settings that are full.
func (d *duel) connection(i int) tenancy.NewConnection {
	settings := map[string]string{}
	for k := range 15 {
		settings[fmt.Sprintf("key-%03d", k)] = strings.Repeat("v", 4096)
	}
	return tenancy.NewConnection{
		OrganizationID: d.heavy, Protocol: tenancy.ProtocolSAML, Name: fmt.Sprint("Connection ", i), State: tenancy.ConnectionActive, Settings: settings,
	}
}
