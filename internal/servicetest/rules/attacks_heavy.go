package rules

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/tenancy"
)

// heavyAttacks keep as much as a tenant may, or put as many rows to a person as strangers can, so
// that what everybody does every day reads it.
func heavyAttacks() []rule {
	return []rule{
		{"G9 attack: a tenant keeps as much as it may, and each sign-in there reads it", atDoor(heavyDoor)},
		{"G9 attack: a tenant keeps as much as it may, and its neighbours read it", atDoor(heavyNeighbour)},
		{"G9 attack: many join codes with long lists are read to make one more, or to change a role", on(heavyCodes)},
		{"G9 attack: strangers offer somebody memberships, and each of their sign-ins reads them", atDoor(offeredOften)},
		{"G9 attack: somebody signs in and out, and each sign-in reads those before", atDoor(signedInOften)},
		{"G9 attack: somebody signs in again and again, and to end their sessions reads those that ran out", on(ranOutOften)},
		{"G9 a role with many children is replaced in a bounded read of its organization's roles", on(manyChildren)},
		{"P3 G9 many sessions of an owner are held against a policy once", on(manyShown)},
		{"R4 G9 many roles are put in another order in steps", on(manyInOrder)},
		{
			"G9 the groups of a connection have a budget, and stay readable above it",
			with(func(c *tenancy.Config) { c.Limits.Settings = 120 }, groupsBudget).in(servicetest.Memory),
		},
	}
}

// metered is a Service over a store that counts and keeps nothing.
func (w *world) metered() (*tenancy.Service, *meter) {
	m := &meter{Store: w.Store}
	return w.Another(func(c *tenancy.Config) { c.Store = m }), m
}

// price is what a call costs.
func (w *world) price(call func(svc *tenancy.Service) error) cost {
	w.T.Helper()
	svc, m := w.metered()
	return m.during(func() { w.NoError(call(svc)) })
}

// prices are what calls cost, by their names.
func (w *world) prices(calls map[string]func(svc *tenancy.Service) error) map[string]cost {
	w.T.Helper()
	costs := map[string]cost{}
	for name, call := range calls {
		costs[name] = w.price(call)
	}
	return costs
}

// someKeys are n keys with values of so many bytes.
func someKeys(n, bytes int) map[string]string {
	m := make(map[string]string, n)
	for i := range n {
		m[fmt.Sprintf("key-%03d", i)] = strings.Repeat("v", bytes)
	}
	return m
}

// fillUp makes acme keep much: connections with large settings and groups, roles, join codes,
// domains and invitations. The long count is what the limits allow.
func (d *door) fillUp() {
	d.T.Helper()
	groups := map[string]string{}
	for i := range 450 {
		groups[fmt.Sprintf("%03d-%s", i, strings.Repeat("g", 120))] = rbac.Guest
	}
	for i := range servicetest.Soak(48, 4) {
		_, err := d.Svc.Connections.Create(d.Ctx, tenancy.NewConnection{
			OrganizationID: d.acme.ID, Protocol: tenancy.ProtocolSAML, Name: fmt.Sprint("Spare ", i),
			Settings: someKeys(15, 4096), Groups: groups,
		})
		d.NoError(err)
	}
	settings := tenancy.Patch{}
	for key, value := range someKeys(15, 4096) {
		settings[key] = &value
	}
	groups["eng"] = rbac.Guest
	_, err := d.Svc.Connections.Update(d.Ctx, d.acme.ID, d.okta.ID, tenancy.ConnectionUpdate{Settings: settings, Groups: &groups})
	d.NoError(err)
	for i := range servicetest.Soak(500, 40) {
		_, err := d.Svc.Roles.Create(d.Ctx, d.acme.ID, tenancy.NewRole{Slug: fmt.Sprint("org-", i), Description: strings.Repeat("d", 450)})
		d.NoError(err)
	}
	d.codes(d.acme.ID, servicetest.Soak(100, 10))
	for i := range servicetest.Soak(90, 10) {
		_, err := d.Svc.Domains.Claim(d.Ctx, tenancy.NewDomain{OrganizationID: d.acme.ID, Name: fmt.Sprintf("claim%d.example", i)})
		d.NoError(err)
		d.invites(d.acme, fmt.Sprintf("invited%d@mail.example", i))
	}
}

// codes makes join codes with lists as long as they may be.
func (w *world) codes(org tenancy.OrganizationID, n int) {
	w.T.Helper()
	names := make([]string, 100)
	for i := range names {
		names[i] = fmt.Sprintf("a%d.%s.example", i, strings.Repeat("b", 60))
	}
	for range n {
		_, err := w.Svc.JoinCodes.Create(w.Ctx, tenancy.NewJoinCode{OrganizationID: org, AllowedDomains: names})
		w.NoError(err)
	}
}

// heavyDoor compares what sign-ins, routes and sessions at acme cost before and after it keeps
// as much as it may. Only who asserts groups pays for one map of them.
func heavyDoor(d *door) {
	ann := d.User("ann")
	d.Add(d.acme, ann)
	groups := tenancy.Assertion{Subject: "s-1", Email: "ann@acme.example", Groups: []string{"eng"}}
	d.Maps(d.okta, map[string]string{"eng": rbac.Guest})
	through := d.enters(servicetest.Asserting(d.okta, groups))
	byMail := d.enters(servicetest.ByMail("ann@acme.example"))
	principal := tenancy.SessionPrincipal(through.Session)
	signIn := func(in tenancy.Attempt) func(*tenancy.Service) error {
		return func(svc *tenancy.Service) error {
			got, err := svc.SignIn(d.Ctx, in)
			if err == nil {
				d.Equal(tenancy.DecisionSignedIn, got.Kind)
			}
			return err
		}
	}
	authenticate := func(token tenancy.Token) func(*tenancy.Service) error {
		return func(svc *tenancy.Service) error {
			_, err := svc.Sessions.Authenticate(d.Ctx, token.Reveal(), servicetest.NowhereYet)
			return err
		}
	}
	route := func(hints tenancy.RouteHints) func(*tenancy.Service) error {
		return func(svc *tenancy.Service) error { _, err := svc.Route(d.Ctx, "new@acme.example", hints); return err }
	}
	silent := groups
	silent.Groups = nil
	calls := map[string]func(svc *tenancy.Service) error{
		"route by domain":       route(tenancy.RouteHints{}),
		"route by connection":   route(tenancy.RouteHints{ConnectionID: d.okta.ID}),
		"route by organization": route(tenancy.RouteHints{OrganizationID: d.acme.ID}),
		"sign-in by mail":       signIn(servicetest.ByMail("ann@acme.example")),
		"sign-in through":       signIn(servicetest.Asserting(d.okta, silent)),
		"sign-in with groups":   signIn(servicetest.Asserting(d.okta, groups)),
		"a session":             authenticate(byMail.Token),
		"a session through":     authenticate(through.Token),
		"a bound call": func(svc *tenancy.Service) error {
			_, err := svc.As(principal).Memberships.Get(d.Ctx, d.acme.ID, ann.ID)
			return err
		},
		"a check": func(svc *tenancy.Service) error {
			_, err := svc.Can(d.Ctx, ann.ID, d.acme.ID, rbac.ReadMembers)
			return err
		},
	}
	before := d.prices(calls)
	d.fillUp()
	after := d.prices(calls)
	grown := after["sign-in with groups"].bytes - before["sign-in with groups"].bytes
	d.Greater(grown, 64<<10, "the world is not heavy")
	d.Less(grown, 320<<10) // the settings and the groups of one connection, read again under the locks
	c := before["sign-in with groups"]
	c.bytes += grown
	before["sign-in with groups"] = c
	d.Equal(before, after)
}

// heavyNeighbour compares what beta's people pay beside acme, before and after it keeps as much
// as it may.
func heavyNeighbour(d *door) {
	bob, cyd := d.visitor(d.beta, "bob@beta.example"), d.visitor(d.beta, "cyd@beta.example")
	_, err := d.Svc.Memberships.SetRoles(d.Ctx, d.beta.ID, bob.ID, rbac.Owner)
	d.NoError(err)
	host := func(call func(svc *tenancy.Service) error) func(*tenancy.Service) error { return call }
	byBob := func(call func(svc *tenancy.Service) error) func(*tenancy.Service) error {
		return func(svc *tenancy.Service) error { return call(svc.As(tenancy.UserPrincipal(bob.ID))) }
	}
	calls := map[string]func(svc *tenancy.Service) error{
		"route": host(func(svc *tenancy.Service) error {
			_, err := svc.Route(d.Ctx, "x@beta.example", tenancy.RouteHints{})
			return err
		}),
		"sign-in": host(func(svc *tenancy.Service) error {
			_, err := svc.SignIn(d.Ctx, servicetest.ByMail("cyd@beta.example"))
			return err
		}),
		"roles": byBob(func(svc *tenancy.Service) error {
			_, err := svc.Memberships.SetRoles(d.Ctx, d.beta.ID, cyd.ID, rbac.Member)
			return err
		}),
		"a role": byBob(func(svc *tenancy.Service) error {
			_, err := svc.Roles.Create(d.Ctx, d.beta.ID, tenancy.NewRole{Slug: "org-x"})
			return err
		}),
		"an invitation": byBob(func(svc *tenancy.Service) error {
			_, err := svc.Invitations.Send(d.Ctx, tenancy.NewInvitation{OrganizationID: d.beta.ID, Email: "new@mail.example"})
			return err
		}),
		"a code": byBob(func(svc *tenancy.Service) error {
			_, err := svc.JoinCodes.Create(d.Ctx, tenancy.NewJoinCode{OrganizationID: d.beta.ID})
			return err
		}),
		"a connection": byBob(func(svc *tenancy.Service) error {
			_, err := svc.Connections.Update(d.Ctx, d.beta.ID, d.entra.ID, tenancy.ConnectionUpdate{Name: servicetest.Ptr("Other")})
			return err
		}),
	}
	before := d.prices(calls)
	d.fillUp()
	d.Equal(before, d.prices(calls))
}

// heavyCodes counts join codes, and asks which roles they give, without reading them.
func heavyCodes(w *world) {
	w.Declare()
	acme := w.Org("Acme")
	w.Role(acme.ID, "org-a", "")
	w.codes(acme.ID, 1)
	calls := map[string]func(svc *tenancy.Service) error{
		"a code": func(svc *tenancy.Service) error {
			_, err := svc.JoinCodes.Create(w.Ctx, tenancy.NewJoinCode{OrganizationID: acme.ID})
			return err
		},
		"a role": func(svc *tenancy.Service) error {
			_, err := svc.Roles.Update(w.Ctx, acme.ID, "org-a", tenancy.RoleUpdate{Add: []rbac.Grant{rbac.WriteMembers}})
			return err
		},
	}
	before := w.prices(calls)
	w.codes(acme.ID, servicetest.Soak(98, 12))
	w.Equal(before, w.prices(calls))
}

// offered puts n memberships to a user that other organizations offer, and as many requests of
// theirs that were canceled, past the Service.
func (w *world) offered(user tenancy.User, n int) {
	w.T.Helper()
	at := w.Clock.Now().UTC()
	w.NoError(w.Store.Update(w.Ctx, func(rows store.Rows) error {
		for range n {
			org := tenancy.Organization{ID: w.Config.NewID(), Version: 1, DisplayName: "Elsewhere", NameKey: "elsewhere", CreatedAt: at, UpdatedAt: at}
			m := tenancy.Membership{
				ID: w.Config.NewID(), Version: 1, OrganizationID: org.ID, UserID: user.ID, Status: tenancy.MembershipPending, Metadata: someKeys(1, 500),
				JoinedVia: tenancy.JoinedInvitation, InvitationID: w.Config.NewID(), ExpiresAt: at.Add(servicetest.Day),
				JoinedAt: at, CreatedAt: at, UpdatedAt: at, NameKey: user.NameKey, EmailKey: user.EmailKey,
			}
			req := tenancy.JoinRequest{
				ID: w.Config.NewID(), Version: 1, OrganizationID: org.ID, UserID: user.ID, State: tenancy.JoinRequestCanceled,
				DecidedAt: at, CreatedAt: at, UpdatedAt: at,
			}
			for _, insert := range []func(context.Context, store.Rows) error{
				func(ctx context.Context, rows store.Rows) error { return servicetest.InsertRow(ctx, rows, org) },
				func(ctx context.Context, rows store.Rows) error { return servicetest.InsertRow(ctx, rows, m) },
				func(ctx context.Context, rows store.Rows) error { return servicetest.InsertRow(ctx, rows, req) },
			} {
				if err := insert(w.Ctx, rows); err != nil {
					return err
				}
			}
		}
		return nil
	}))
}

func offeredOften(d *door) {
	ann := d.User("ann")
	d.Add(d.acme, ann)
	d.joining(tenancy.JoiningRequest, "")
	in := d.enters(servicetest.ByMail("ann@acme.example"))
	principal := tenancy.UserPrincipal(ann.ID)
	calls := map[string]func(svc *tenancy.Service) error{
		"sign-in": func(svc *tenancy.Service) error {
			_, err := svc.SignIn(d.Ctx, servicetest.ByMail("ann@acme.example"))
			return err
		},
		"a session": func(svc *tenancy.Service) error {
			_, err := svc.Sessions.Authenticate(d.Ctx, in.Token.Reveal(), servicetest.NowhereYet)
			return err
		},
		"switch": func(svc *tenancy.Service) error {
			_, err := svc.Sessions.Switch(d.Ctx, in.Token.Reveal(), d.acme.ID)
			return err
		},
		"switcher": func(svc *tenancy.Service) error {
			_, err := svc.As(principal).Memberships.ListByUser(d.Ctx, ann.ID, tenancy.MemberQuery{})
			return err
		},
		"a request": func(svc *tenancy.Service) error {
			_, err := svc.As(principal).JoinRequests.Create(d.Ctx, d.beta.ID, ann.ID, "")
			return err
		},
	}
	before := d.prices(calls)
	d.offered(ann, servicetest.Soak(10_000, 60))
	d.Equal(before, d.prices(calls))
}

// signedInOften lets sessions run out and ends others, and compares a sign-in after few and after
// many of them.
func signedInOften(d *door) {
	ann := d.User("ann")
	d.Add(d.acme, ann)
	signIn := func(svc *tenancy.Service) error {
		_, err := svc.SignIn(d.Ctx, servicetest.ByMail("ann@acme.example"))
		return err
	}
	after := func(times int) cost {
		for i := range times {
			in := d.enters(servicetest.ByMail("ann@acme.example"))
			if i%10 == 0 {
				d.NoError(d.Svc.Sessions.SignOut(d.Ctx, in.Token.Reveal()))
			}
		}
		d.Clock.Advance(2 * servicetest.Month)
		return d.price(signIn)
	}
	d.Equal(after(3), after(servicetest.Soak(2000, 130)))
}

// ranOut puts sessions to a member that ran out, past the Service.
func (w *world) ranOut(m tenancy.Member, n int) {
	w.T.Helper()
	at := w.Clock.Now().UTC().Add(-servicetest.Day)
	w.NoError(w.Store.Update(w.Ctx, func(rows store.Rows) error {
		for range n {
			s := tenancy.Session{
				ID: w.Config.NewID(), Version: 1, UserID: m.UserID, OrganizationID: m.OrganizationID, MembershipID: m.ID,
				ExpiresAt: at.Add(time.Hour), SelectedAt: at, CreatedAt: at, UpdatedAt: at,
			}
			if err := servicetest.InsertRow(w.Ctx, rows, s); err != nil {
				return err
			}
		}
		return nil
	}))
}

// ranOutOften compares what it costs to end the sessions of a user, and of a member.
func ranOutOften(w *world) {
	owner, ada := w.User("owner"), w.User("ada")
	acme := w.Owned("Acme", owner)
	m := w.Add(acme, ada)
	w.Session(ada, acme.ID)
	by := func(svc *tenancy.Service) *tenancy.Service { return svc.As(tenancy.UserPrincipal(owner.ID)) }
	calls := map[string]func(svc *tenancy.Service) error{
		"remove": func(svc *tenancy.Service) error { return by(svc).Memberships.Remove(w.Ctx, acme.ID, ada.ID) },
		"deactivate": func(svc *tenancy.Service) error {
			_, err := by(svc).Memberships.Deactivate(w.Ctx, acme.ID, ada.ID)
			return err
		},
		"revoke all": func(svc *tenancy.Service) error { return svc.Sessions.RevokeAll(w.Ctx, ada.ID) },
		"suspend":    func(svc *tenancy.Service) error { _, err := svc.Users.Suspend(w.Ctx, ada.ID); return err },
		"merge": func(svc *tenancy.Service) error {
			_, err := svc.Users.Merge(w.Ctx, ada.ID, owner.ID)
			return err
		},
	}
	before := w.prices(calls)
	w.ranOut(m, servicetest.Soak(3_000, 100))
	w.Equal(before, w.prices(calls))
}

// manyChildren replaces a role that others extend. Each costs its own change, and not one more
// look at all roles.
func manyChildren(w *world) {
	w.Declare()
	replace := func(children int) int {
		org := w.Org(fmt.Sprint("Acme ", children))
		w.Role(org.ID, "org-base", "")
		w.Role(org.ID, "org-other", "")
		for i := range children {
			w.Role(org.ID, fmt.Sprint("org-", i), "org-base")
		}
		return w.price(func(svc *tenancy.Service) error { return svc.Roles.Delete(w.Ctx, org.ID, "org-base", "org-other") }).read
	}
	few, many := replace(5), replace(25)
	w.LessOrEqual(many-few, 20*5, "rows read for twenty children more")
}

// manyShown asks whether an owner could sign in under a policy that binds them, who has one session
// by which they could and newer ones by which they could not.
func manyShown(w *world) {
	ask := func(name string, sessions int) int {
		owner := w.NewUser(tenancy.NewUser{Email: name + "@mail.example", EmailVerified: true})
		org := w.Owned(name, owner)
		in := servicetest.Starting(owner.ID, org.ID)
		in.SecondFactor = true
		_, err := w.Svc.Sessions.Start(w.Ctx, in)
		w.NoError(err)
		for range sessions {
			w.Session(owner, org.ID)
		}
		w.demand(org, tenancy.PolicyUpdate{Organization: &tenancy.OrganizationPolicy{SecondFactor: true}, BindsOwners: servicetest.Ptr(true)})
		return w.price(func(svc *tenancy.Service) error {
			_, err := svc.As(tenancy.UserPrincipal(owner.ID)).Policies.Set(w.Ctx, org.ID, tenancy.PolicyUpdate{})
			return err
		}).statements
	}
	w.Equal(ask("few", 2), ask("many", 40))
}

// manyInOrder puts more roles in order than one transaction changes.
func manyInOrder(w *world) {
	w.Declare()
	acme := w.Org("Acme")
	slugs := make([]string, 60)
	for i := range slugs {
		slugs[i] = fmt.Sprintf("org-%02d", i)
		w.Role(acme.ID, slugs[i], "")
	}
	slices.Reverse(slugs)
	reorder := func(svc *tenancy.Service) error { return svc.Roles.Reorder(w.Ctx, acme.ID, slugs...) }
	took := w.price(reorder)
	w.Equal(3, took.transactions)
	w.NoError(reorder(w.Svc))
	var got []string
	all, err := w.Svc.Roles.List(w.Ctx, acme.ID)
	w.NoError(err)
	for _, r := range all {
		if rbac.IsOrganizationSlug(r.Slug) {
			got = append(got, r.Slug)
		}
	}
	w.Equal(slugs, got)
	slices.Sort(slugs)
	w.unchanged(func() { // inside a transaction it is all or nothing
		w.Error(w.Svc.Transact(w.Ctx, func(ctx context.Context, tx *tenancy.Service) error {
			w.NoError(tx.Roles.Reorder(ctx, acme.ID, slugs...))
			return errUndone
		}))
	})
}

func groupsBudget(w *world) {
	acme := w.Org("Acme")
	long := strings.Repeat("g", 100)
	create := func(svc *tenancy.Service, groups map[string]string) (tenancy.Connection, error) {
		return svc.Connections.Create(w.Ctx, tenancy.NewConnection{OrganizationID: acme.ID, Protocol: tenancy.ProtocolSAML, Name: "SSO", Groups: groups})
	}
	large := map[string]string{long: rbac.Guest, long + "2": rbac.Guest}
	w.refuses(tenancy.ErrInvalid, "groups", func() error { _, err := create(w.Svc, large); return err })
	c, err := create(w.Another(func(c *tenancy.Config) { c.Limits = tenancy.Limits{} }), large)
	w.NoError(err)
	got, err := w.Svc.Connections.Get(w.Ctx, acme.ID, c.ID)
	w.NoError(err)
	w.Equal(large, got.Groups)
	update := func(groups map[string]string) error {
		_, err := w.Svc.Connections.Update(w.Ctx, acme.ID, c.ID, tenancy.ConnectionUpdate{Groups: &groups})
		return err
	}
	w.NoError(update(map[string]string{long: rbac.Guest, long + "3": rbac.Guest}))
	w.refuses(tenancy.ErrInvalid, "groups", func() error { return update(map[string]string{long: rbac.Guest, long + "33": rbac.Guest}) })
	w.NoError(update(map[string]string{long: rbac.Guest}))
}
