package rules

import (
	"context"
	"errors"
	"fmt"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/tenancy"
)

func optionalRules() []rule {
	return []rule{
		{"R8 a query of the store tells what its tables do", on(queried)},
		{"P5 S1 what is read ahead in one query is what the tables hold", atDoor(readAhead)},
		{"G13 a wrapper round the store joins what the store does", on(wrappedJoin)},
	}
}

// tablesOnly is a store whose transactions run no query, so that everything is read from
// the tables.
type tablesOnly struct{ store.Store }

func (s tablesOnly) View(ctx context.Context, fn func(store.Rows) error) error {
	return s.Store.View(ctx, func(rows store.Rows) error { return fn(struct{ store.Rows }{rows}) })
}

func (s tablesOnly) Update(ctx context.Context, fn func(store.Rows) error) error {
	return s.Store.Update(ctx, func(rows store.Rows) error { return fn(struct{ store.Rows }{rows}) })
}

func (s tablesOnly) Unwrap() store.Store { return s.Store }

// bothWays asks about an auditor by query and by tables.
func (w *world) bothWays(ctx context.Context, svc, plain *tenancy.Service, org tenancy.OrganizationID, user tenancy.UserID) tenancy.Explanation {
	w.T.Helper()
	why, err := svc.Explain(ctx, user, org, servicetest.ReadDocs)
	w.NoError(err)
	other, err := plain.Explain(ctx, user, org, servicetest.ReadDocs)
	w.NoError(err)
	w.Equal(other, why)
	return why
}

// queried sees what a transaction has written itself, too, and what was undone of it.
// [world.checks] compares the two in every status.
func queried(w *world) {
	w.Declare()
	acme, ada := w.Org("Acme"), w.User("ada")
	plain := w.Another(func(c *tenancy.Config) { c.Store = tablesOnly{w.Store} })
	for _, svc := range []*tenancy.Service{w.Svc, plain} {
		w.Equal(servicetest.ErrStop, svc.Transact(w.Ctx, func(ctx context.Context, tx *tenancy.Service) error {
			reason := func() tenancy.Reason {
				why, err := tx.Explain(ctx, ada.ID, acme.ID, servicetest.ReadDocs)
				w.NoError(err)
				return why.Reason
			}
			w.Equal(tenancy.ReasonNotAMember, reason())
			_, err := tx.Memberships.Add(ctx, tenancy.NewMembership{OrganizationID: acme.ID, UserID: ada.ID, Roles: []string{servicetest.Auditor}})
			w.NoError(err)
			w.Equal(tenancy.ReasonGranted, reason())
			w.Error(tx.Transact(ctx, func(ctx context.Context, tx *tenancy.Service) error {
				_, err := tx.Memberships.SetRoles(ctx, acme.ID, ada.ID, rbac.Guest)
				w.NoError(err)
				return errors.New("undone")
			}))
			w.Equal(tenancy.ReasonGranted, reason())
			return servicetest.ErrStop
		}))
	}
	w.bothWays(w.Ctx, w.Svc, plain, acme.ID, ada.ID)
}

// readAhead signs people in, starts sessions and moves them on a store that runs queries and on one that
// does not, each from the same state.
func readAhead(d *door) {
	d.admitting()
	d.Maps(d.okta, map[string]string{"eng": rbac.Admin})
	d.okta = d.fresh(d.okta)
	d.demand(d.beta, tenancy.PolicyUpdate{Organization: &tenancy.OrganizationPolicy{SecondFactor: true}})
	token := d.invites(d.acme, "cyd@mail.example", rbac.Guest)
	ann := d.enters(servicetest.Proving("ann@mail.example", servicetest.ByPassword("c-1", "ann@mail.example"))).User
	d.enters(servicetest.Through(d.okta, "s-1", "bob@acme.example", "eng"))
	d.Add(d.acme, ann)
	d.Add(d.beta, ann)
	live := d.Session(ann, d.acme.ID)
	cyd := servicetest.Proving("cyd@mail.example", servicetest.ByPassword("c-2", "cyd@mail.example"))
	elsewhere := servicetest.Through(d.okta, "s-9", "eve@mail.example")
	elsewhere.OrganizationID = d.beta.ID
	attempts := []tenancy.Attempt{
		bringing(token, cyd), bringing(token, tenancy.Attempt{}), bringing("invitation_x", cyd), cyd,
		bringing(token, servicetest.Through(d.okta, "s-3", "cyd@mail.example")), bringing(token, servicetest.ByPassword("c-1", "")),
		servicetest.ByPassword("c-1", ""), servicetest.ByPassword("c-3", "ann@mail.example"), servicetest.ByMail("ann@mail.example"),
		servicetest.Through(d.okta, "s-1", "bob@acme.example"), servicetest.Through(d.okta, "s-1", "bob@acme.example", "none"),
		servicetest.Through(d.okta, "s-2", "dan@acme.example", "eng"), servicetest.Through(d.entra, "s-1", "bob@acme.example"), elsewhere,
	}
	for i := range attempts {
		in := attempts[i]
		in.OrganizationID = d.beta.ID
		attempts = append(attempts, in)
	}
	plain := d.Another(func(c *tenancy.Config) { c.Store = tablesOnly{d.Store} })
	both := func(do func(ctx context.Context, tx *tenancy.Service) string) {
		d.T.Helper()
		var told [2]string
		for i, svc := range []*tenancy.Service{d.Svc, plain} {
			d.Equal(servicetest.ErrStop, svc.Transact(d.Ctx, func(ctx context.Context, tx *tenancy.Service) error {
				told[i] = do(ctx, tx)
				return servicetest.ErrStop
			}))
		}
		d.Equal(told[1], told[0])
	}
	for _, in := range attempts {
		both(func(ctx context.Context, tx *tenancy.Service) string {
			got, err := tx.SignIn(ctx, in)
			var roles []string
			if got.User.ID != (tenancy.UserID{}) && got.OrganizationID != (tenancy.OrganizationID{}) {
				m, err := tx.Memberships.Get(ctx, got.OrganizationID, got.User.ID)
				d.NoError(err)
				roles = m.Roles
			}
			return fmt.Sprint(tenancy.CodeOf(err), got.Kind, got.Code, got.InvitationCode, got.Created, got.Linked, got.OrganizationID, got.User.Email,
				got.Session.Confined, got.Session.SelectedAt, len(got.Choices), got.Connections, roles)
		})
	}
	for _, org := range []tenancy.OrganizationID{d.acme.ID, d.beta.ID, {}, {1}} {
		both(func(ctx context.Context, tx *tenancy.Service) string {
			got, err := tx.Sessions.Start(ctx, servicetest.Starting(ann.ID, org))
			moved, failed := tx.Sessions.Switch(ctx, live.Token.Reveal(), org)
			return fmt.Sprint(tenancy.CodeOf(err), got.Session.OrganizationID, tenancy.CodeOf(failed), moved.Kind, moved.Session.OrganizationID, moved.Session.SelectedAt)
		})
	}
}

// wrapped is a store that counts its transactions and changes nothing.
type wrapped struct {
	store.Store
	updates *int
}

func (s wrapped) Update(ctx context.Context, fn func(store.Rows) error) error {
	*s.updates++
	return s.Store.Update(ctx, fn)
}

func (s wrapped) Unwrap() store.Store { return s.Store }

func wrappedJoin(w *world) {
	updates := 0
	svc := w.Another(func(c *tenancy.Config) { c.Store = wrapped{w.Store, &updates} })
	for name, wrap := range map[string]func(store.Store) store.Store{
		"one":  func(s store.Store) store.Store { return s },
		"both": func(s store.Store) store.Store { return wrapped{s, &updates} },
	} {
		w.each(name, func(w *world) {
			w.NoError(w.Store.Update(w.Ctx, func(rows store.Rows) error {
				ctx, in, err := svc.Join(w.Ctx, wrap(servicetest.Joined{Rows: rows, Over: w.Store}))
				w.NoError(err)
				_, err = in.Users.Create(ctx, tenancy.NewUser{Email: name + "@acme.example"})
				w.NoError(err)
				_, err = svc.Users.Create(ctx, tenancy.NewUser{Email: "outer@acme.example"})
				w.Failed(err, tenancy.ErrInTransaction, "")
				return nil
			}))
		})
	}
	w.Len(w.Dump().Users, 2)
	_, _, err := svc.Join(w.Ctx, struct{ store.Store }{servicetest.Joined{Rows: nil, Over: w.Store}})
	w.Failed(err, tenancy.ErrInvalid, "store")
}
