package rules

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/tenancy"
)

// hostAttacks are done in the name of the program, or with its power, by mistake.
func hostAttacks() []rule {
	return []rule{
		{"G12 attack: what a person does by signing in is logged as the host's", atDoor(signInActor)},
		{"G12 attack: what a person does by a session is logged as the host's", on(sessionActor)},
		{"G12 attack: a takeover and a moved address are logged as the host's", atDoor(takeoverActor)},
		{"G12 the host acts under a name of its own", on(namedHost)},
		{"G13 attack: a handler calls the unbound Service", on(unboundInRequest)},
		{"G13 what the program does by itself inside a request works", on(trustedInRequest)},
		{"G13 work after a request keeps its facts and nothing else", on(detachedWork)},
		{"G13 attack: a call waits for the caller's own transaction", on(waitsForItself)},
		{"G13 a check is refused in the context of a transaction, also where its answer is known", on(checksOutside)},
		{"G15 attack: a service account whose organization was not set acts everywhere", on(accountOfNone)},
		{"G15 a function that is nil is refused", on(nilFunctions)},
	}
}

// did checks that all events after a position were done by a user, through a session where
// one is given.
func (w *world) did(since tenancy.Position, user tenancy.UserID, through tenancy.SessionID) {
	w.T.Helper()
	events := w.since(since)
	w.NotEmpty(events)
	session := ""
	if !through.IsZero() {
		session = through.String()
	}
	for _, e := range events {
		w.Equal(tenancy.Actor{Kind: tenancy.ActorUser, ID: user.String()}, e.Actor, "%s", e.Type)
		w.Equal(session, e.Through, "%s", e.Type)
	}
}

// signInActor: user, identity, membership, session, roles by groups, requests.
func signInActor(d *door) {
	d.admitting()
	d.Maps(d.okta, map[string]string{"admins": rbac.Admin})
	for name, in := range map[string]tenancy.Attempt{
		"a new user, by a connection":      servicetest.Through(d.okta, "s-1", "new@acme.example"),
		"with groups":                      servicetest.Through(d.okta, "s-2", "groups@acme.example", "admins"),
		"by mail":                          servicetest.ByMail("mail@mail.example"),
		"by a provider":                    servicetest.ByProvider(servicetest.Google, "g-1", "google@mail.example", true),
		"by an invitation alone":           {Invitation: d.mailedInvitation("invited@mail.example")},
		"by an invitation and a password":  bringing(d.mailedInvitation("second@mail.example"), servicetest.ByPassword("c-1", "")),
		"by a second identity":             servicetest.ByProvider(servicetest.Github, "h-1", "owner@acme.example", true),
		"with an invitation of no use":     bringing("invitation_x", servicetest.ByMail("third@mail.example")),
		"by an account that nobody proved": servicetest.ByMail(d.NewUser(tenancy.NewUser{Email: "trap@mail.example"}).Email),
	} {
		d.each(name, func(w *world) {
			last := w.last()
			got, err := d.mailed().SignIn(w.Ctx, in)
			w.NoError(err)
			w.Equal(tenancy.DecisionSignedIn, got.Kind, "code %q", got.Code)
			w.did(last, got.User.ID, got.Session.ID)
		})
	}
	last := d.last()
	got := d.enters(servicetest.Through(d.okta, "s-2", "groups@acme.example")) // roles that go
	d.did(last, got.User.ID, got.Session.ID)
	// A request starts no session.
	d.joining(tenancy.JoiningRequest, "")
	_, err := d.Svc.Organizations.Update(d.Ctx, d.acme.ID, tenancy.OrganizationUpdate{SingleSignOnJoins: servicetest.Ptr(false)})
	d.NoError(err)
	last = d.last()
	filed := d.tries(servicetest.To(d.acme, servicetest.ByMail("asks@acme.example")))
	d.Equal(tenancy.DecisionRequestFiled, filed.Kind)
	for _, e := range d.since(last) {
		d.Equal(tenancy.Actor{Kind: tenancy.ActorUser, ID: filed.User.ID.String()}, e.Actor, "%s", e.Type)
	}
}

// mailed is a Service whose tokens only the mailbox sees.
func (w *world) mailed() *tenancy.Service {
	return w.Another(func(c *tenancy.Config) { c.MailOnly = true })
}

// mailedInvitation is the token of an invitation into beta that only the mailbox has seen.
func (d *door) mailedInvitation(email string) string {
	d.T.Helper()
	sent, err := d.mailed().Invitations.Send(d.Ctx, tenancy.NewInvitation{OrganizationID: d.beta.ID, Email: email})
	d.NoError(err)
	return sent.Token.Reveal()
}

// sessionActor: the host calls for the person, or the person by a bound Service.
func sessionActor(w *world) {
	c := newSessionCast(w)
	last := w.last()
	moved, err := w.change(c.here.Token, c.beta.ID)
	w.NoError(err)
	w.did(last, c.ada.ID, moved.Session.ID)
	last = w.last()
	w.NoError(w.Svc.Sessions.SignOut(w.Ctx, moved.Token.Reveal()))
	w.Len(w.since(last), 2)
	for _, e := range w.since(last) { // through each of the entries, of which an organization knows its own
		w.Equal(tenancy.Actor{Kind: tenancy.ActorUser, ID: c.ada.ID.String()}, e.Actor)
		w.Equal(e.Subject, e.Through)
	}
	last = w.last()
	in := w.asSession(c.there.Session)
	_, err = in.Users.Update(w.Ctx, c.ada.ID, tenancy.UserUpdate{GivenName: servicetest.Ptr("Ada")})
	w.NoError(err)
	w.did(last, c.ada.ID, c.there.Session.ID)
	last = w.last()
	w.NoError(in.Memberships.Leave(w.Ctx, c.acme.ID, c.ada.ID))
	w.did(last, c.ada.ID, tenancy.SessionID{}) // at beta, which acme is not to know (G7)
	last = w.last()
	w.NoError(w.asUser(c.ada).Sessions.RevokeAll(w.Ctx, c.ada.ID))
	w.did(last, c.ada.ID, tenancy.SessionID{}) // the host keeps that session
	last = w.last()
	w.NoError(w.Svc.Sessions.Revoke(w.Ctx, c.others.Session.ID)) // this is the host's own
	w.Equal(tenancy.Actor{Kind: tenancy.ActorHost}, w.since(last)[0].Actor)
	w.Empty(w.since(last)[0].Through)
}

func takeoverActor(d *door) {
	trap := d.NewUser(tenancy.NewUser{Email: "trap@mail.example"})
	d.Link(trap, tenancy.NewIdentity{Provider: "password", Subject: "c-evil"})
	d.enters(servicetest.ByPassword("c-evil", ""))
	proof := d.proof(trap, trap.Email)
	last := d.last()
	d.NoError(d.confirm(proof.Token.Reveal()))
	d.did(last, trap.ID, tenancy.SessionID{})
	own, other := d.enters(servicetest.ByMail(trap.Email)), d.enters(servicetest.ByMail(trap.Email))
	proof = d.proof(trap, "new@mail.example")
	last = d.last()
	_, err := d.Svc.Users.ConfirmEmail(d.Ctx, tenancy.EmailConfirmation{Token: proof.Token.Reveal(), Session: own.Token.Reveal()})
	d.NoError(err)
	d.did(last, trap.ID, own.Session.ID)
	d.False(d.stands(other))
}

func namedHost(w *world) {
	actorOf := func(svc *tenancy.Service) tenancy.Actor {
		w.T.Helper()
		last := w.last()
		_, err := svc.Organizations.Create(w.Ctx, tenancy.NewOrganization{DisplayName: "Acme"})
		w.NoError(err)
		w.Equal(svc.Actor(), w.since(last)[0].Actor)
		return svc.Actor()
	}
	host := func(id string) tenancy.Actor { return tenancy.Actor{Kind: tenancy.ActorHost, ID: id} }
	w.Equal(host("nightly import"), actorOf(w.Svc.Named("nightly import")))
	w.Equal(host(""), actorOf(w.Svc)) // as it was
	w.Equal(host("b"), actorOf(w.Svc.Named("a").Named("b")))
	w.Equal(host(""), actorOf(w.Svc.Named("a").Named("")))
	w.Equal(host(strings.Repeat("ü", 255)), actorOf(w.Svc.Named(strings.Repeat("ü", 300))))
	w.Equal(host("one line"), actorOf(w.Svc.Named("one\u202e\n line\xff")))
	// Inside a transaction as well, and a bound Service stays what it is.
	w.NoError(w.Svc.Named("job").Transact(w.Ctx, func(ctx context.Context, tx *tenancy.Service) error {
		w.Equal(host("job"), tx.Actor())
		w.Equal(host("step"), tx.Named("step").Actor())
		_, err := tx.Users.Create(ctx, tenancy.NewUser{Email: "made@mail.example"})
		return err
	}))
	w.Equal(host("job"), w.since(w.last() - 1)[0].Actor)
	ada := w.User("ada")
	bound := w.asUser(ada)
	w.Equal(bound.Actor(), bound.Named("root").Actor())
	_, err := bound.Named("root").Users.List(w.Ctx, tenancy.UserQuery{})
	w.Failed(err, tenancy.ErrForbidden, "")
	// The name gives no power: a Service bound from it is the person's.
	w.Equal(bound.Actor(), w.Svc.Named("root").As(tenancy.UserPrincipal(ada.ID)).Actor())
	page, err := w.Svc.Events.List(w.Ctx, tenancy.EventQuery{Actor: host("nightly import")})
	w.NoError(err)
	w.Len(page.Items, 1)
}

// readsOne are methods of the unbound Service that work in a guarded request: checks, and
// reads of one thing.
func readsOne(name string) bool {
	return slices.Contains([]string{
		"Can", "Check", "Explain", "Permissions.List", "Permissions.Of", "Roles.Effective", "Invitations.Preview", "Proofs.Preview", "Sessions.Authenticate", "Sessions.Claims",
		"Route", "Domains.Owner", "Domains.Challenge", "Events.Last", "As", "Join", "Rows",
	}, name) || strings.Contains(name, ".Get")
}

// severalTransactions are methods that read first and write in later transactions.
var severalTransactions = []string{"Run", "Domains.Recheck", "Domains.Verify", "Domains.VerifySubdomains"}

// unboundInRequest: everything that writes or lists, by every method.
func unboundInRequest(w *world) {
	c := newCast(w)
	guarded := tenancy.Guarded(w.Ctx)
	for _, m := range tenancy.Methods() {
		if slices.Contains([]string{"Join", "Rows", "As"}, m.Name) || slices.Contains(severalTransactions, m.Name) {
			continue // As binds, and the other two do nothing yet
		}
		call := actorCalls()[m.Name]
		if readsOne(m.Name) {
			err := call(guarded, w.Svc, c)
			w.NotEqual(tenancy.ErrUnboundInRequest, tenancy.CodeOf(err), m.Name)
			continue
		}
		w.unchanged(func() {
			err := call(guarded, w.Svc, c)
			w.Equal(tenancy.ErrUnboundInRequest, tenancy.CodeOf(err), m.Name)
			w.Contains(err.Error(), m.Name)
			w.Contains(err.Error(), "tenancy.Trusted") // the remedy
			// A name does not take the mark away.
			w.Equal(tenancy.ErrUnboundInRequest, tenancy.CodeOf(call(guarded, w.Svc.Named("job"), c)), m.Name)
		})
	}
	w.unchanged(func() {
		w.Equal(servicetest.ErrStop, w.Store.Update(w.Ctx, func(rows store.Rows) error {
			_, in, err := w.Svc.Join(w.Ctx, servicetest.Joined{Rows: rows, Over: w.Store})
			w.NoError(err)
			_, err = in.Organizations.Update(guarded, c.org, tenancy.OrganizationUpdate{DisplayName: servicetest.Ptr("Pwned")})
			w.Failed(err, tenancy.ErrUnboundInRequest, "")
			return servicetest.ErrStop
		}))
		for _, err := range w.Svc.Memberships.All(guarded, c.org, tenancy.MemberQuery{}) {
			w.Failed(err, tenancy.ErrUnboundInRequest, "")
		}
	})
	// The bound Service works.
	bound := w.Svc.As(tenancy.UserPrincipal(c.owner))
	_, err := bound.Memberships.List(guarded, c.org, tenancy.MemberQuery{})
	w.NoError(err)
	_, err = bound.Organizations.Update(guarded, c.org, tenancy.OrganizationUpdate{DisplayName: servicetest.Ptr("Renamed")})
	w.NoError(err)
}

// trustedInRequest: with Trusted, and in the hooks of Config.
func trustedInRequest(w *world) {
	guarded := tenancy.Guarded(w.Ctx)
	box := w.mailbox() // which calls the unbound Service
	var hooked int
	w.Svc = w.Another(func(c *tenancy.Config) {
		c.Mailer = box
		c.OnJoin = func(ctx context.Context, tx *tenancy.Service, j tenancy.Join) error {
			hooked++
			_, err := tx.Memberships.List(ctx, j.Organization.ID, tenancy.MemberQuery{})
			return err
		}
	})
	owner := w.User("owner")
	acme := w.Owned("Acme", owner)
	_, err := w.Svc.Organizations.List(tenancy.Trusted(guarded), tenancy.OrganizationQuery{})
	w.NoError(err)
	_, err = w.Svc.SignIn(tenancy.Trusted(guarded), servicetest.ByMail(owner.Email))
	w.NoError(err)
	_, err = w.Svc.Organizations.List(tenancy.Guarded(tenancy.Trusted(guarded)), tenancy.OrganizationQuery{})
	w.Failed(err, tenancy.ErrUnboundInRequest, "") // a guard inside counts again
	bound := w.asUser(owner)
	_, err = bound.Invitations.Send(guarded, tenancy.NewInvitation{OrganizationID: acme.ID, Email: "ann@acme.example"})
	w.NoError(err)
	w.Len(box.sent, 1)
	ann := w.User("ann")
	before := hooked
	_, err = w.asUser(ann).Invitations.Accept(guarded, box.sent[0].Token.Reveal(), ann.ID)
	w.NoError(err)
	w.Equal(before+1, hooked)
	w.NoError(w.Svc.Transact(tenancy.Trusted(guarded), func(ctx context.Context, tx *tenancy.Service) error {
		_, err := tx.Users.List(ctx, tenancy.UserQuery{})
		return err
	}))
}

// detachedWork: no mark, no deadline, no transaction; where the request came from stays.
func detachedWork(w *world) {
	type key struct{}
	request := tenancy.Request{UserAgent: "Browser/1.0", ID: "r-1"}
	inner, cancel := context.WithTimeout(tenancy.Guarded(tenancy.WithRequest(context.WithValue(w.Ctx, key{}, "kept"), request)), time.Hour)
	ctx := tenancy.Detach(inner)
	cancel()
	w.NoError(ctx.Err())
	_, ends := ctx.Deadline()
	w.False(ends)
	w.Equal(request, tenancy.RequestOf(ctx))
	w.Equal("kept", ctx.Value(key{}))
	_, err := w.Svc.Organizations.List(ctx, tenancy.OrganizationQuery{})
	w.NoError(err)
	ada := w.User("ada")
	started, err := w.Svc.Sessions.Start(ctx, servicetest.Starting(ada.ID, servicetest.NowhereYet))
	w.NoError(err)
	w.Equal("Browser/1.0", started.Session.UserAgent)
	_, err = w.Svc.Organizations.List(tenancy.Guarded(ctx), tenancy.OrganizationQuery{})
	w.Failed(err, tenancy.ErrUnboundInRequest, "")
	// It is outside a running transaction.
	w.NoError(w.Svc.Transact(w.Ctx, func(ctx context.Context, _ *tenancy.Service) error {
		_, err := w.Svc.Users.Get(ctx, ada.ID)
		w.Failed(err, tenancy.ErrInTransaction, "")
		_, err = w.Svc.Users.Get(tenancy.Detach(ctx), ada.ID)
		w.NoError(err)
		return nil
	}))
}

// waitsForItself: a transaction of the host's, and a call outside of it. On a store where
// only locks exclude the call begins, and what it waits for is a lock: see waitsForLock.
func waitsForItself(w *world) {
	if one, ok := w.Store.(interface{ SingleWriter() bool }); !ok || !one.SingleWriter() {
		return
	}
	acme := w.Owned("Acme", w.User("ada"))
	svc := w.Another(func(c *tenancy.Config) { c.WriteWait = 50 * time.Millisecond })
	ctx, cancel := context.WithTimeout(w.Ctx, 10*time.Second)
	defer cancel()
	var outer error
	w.NoError(w.Store.Update(w.Ctx, func(rows store.Rows) error {
		_, in, err := svc.Join(ctx, servicetest.Joined{Rows: rows, Over: w.Store})
		w.NoError(err)
		_, err = in.Organizations.Update(ctx, acme.ID, tenancy.OrganizationUpdate{DisplayName: servicetest.Ptr("Inside")})
		w.NoError(err)
		_, outer = svc.Organizations.Update(ctx, acme.ID, tenancy.OrganizationUpdate{DisplayName: servicetest.Ptr("Outside")})
		return nil
	}))
	refusal := w.Failed(outer, tenancy.ErrBusy, "")
	w.Contains(refusal.Reason, "is a transaction of the caller's own open?")
	w.NoError(ctx.Err())
	w.Equal("Inside", w.getOrg(acme.ID).DisplayName)
	_, err := svc.Organizations.Update(w.Ctx, acme.ID, tenancy.OrganizationUpdate{DisplayName: servicetest.Ptr("After")})
	w.NoError(err)
}

// checksOutside: the answer of a check is known without the store, and it is not that of the transaction.
func checksOutside(w *world) {
	w.Declare()
	ada := w.User("ada")
	acme := w.Owned("Acme", ada)
	check := func(ctx context.Context) error {
		_, err := w.Svc.Can(ctx, ada.ID, acme.ID, servicetest.ReadDocs)
		return err
	}
	runs, stop := context.WithCancel(w.Ctx)
	ended := make(chan error)
	go func() { ended <- w.Svc.Run(runs) }()
	for range 100 { // as Run begins, answers come to be kept
		w.NoError(check(w.Ctx))
		time.Sleep(time.Millisecond)
	}
	w.NoError(w.Svc.Transact(w.Ctx, func(ctx context.Context, _ *tenancy.Service) error {
		w.Failed(check(ctx), tenancy.ErrInTransaction, "")
		return nil
	}))
	w.NoError(w.Store.Update(w.Ctx, func(rows store.Rows) error {
		ctx, _, err := w.Svc.Join(w.Ctx, servicetest.Joined{Rows: rows, Over: w.Store})
		w.NoError(err)
		w.Failed(check(ctx), tenancy.ErrInTransaction, "")
		return nil
	}))
	w.NoError(check(w.Ctx))
	stop()
	w.ErrorIs(<-ended, context.Canceled)
}

// accountOfNone: an id that was not set is read as everything by nobody.
func accountOfNone(w *world) {
	acme := w.Owned("Acme", w.User("owner"))
	ada := w.User("ada")
	w.Add(acme, ada)
	robot := w.Svc.As(tenancy.ServicePrincipal("robot", tenancy.OrganizationID{}, "*", "tenancy:*"))
	name := "Eve"
	for what, call := range map[string]func() error{
		"reading": func() error { _, err := robot.Memberships.List(w.Ctx, acme.ID, tenancy.MemberQuery{}); return err },
		"events": func() error {
			_, err := robot.Events.List(w.Ctx, tenancy.EventQuery{OrganizationID: acme.ID})
			return err
		},
		"inviting": func() error {
			_, err := robot.Invitations.Send(w.Ctx, servicetest.Asking(acme, "eve@evil.example"))
			return err
		},
		"updating": func() error {
			_, err := robot.Organizations.Update(w.Ctx, acme.ID, tenancy.OrganizationUpdate{DisplayName: &name})
			return err
		},
		"nowhere": func() error { _, err := robot.Organizations.Get(w.Ctx, tenancy.OrganizationID{}); return err },
		"in a transaction": func() error {
			return robot.Transact(w.Ctx, func(ctx context.Context, tx *tenancy.Service) error {
				_, err := tx.Organizations.Archive(ctx, acme.ID)
				return err
			})
		},
	} {
		w.Equal(tenancy.ErrForbidden, tenancy.CodeOf(call()), what)
	}
	w.Equal("Acme", w.getOrg(acme.ID).DisplayName)
	// The one that acts everywhere says so.
	all := w.Svc.As(tenancy.ServiceEverywhere("robot", "*", "tenancy:*"))
	for _, org := range []tenancy.Organization{acme, w.Org("Beta")} {
		_, err := all.Memberships.List(w.Ctx, org.ID, tenancy.MemberQuery{})
		w.NoError(err)
	}
}

// nilFunctions: a function that is missing is told before anything begins.
func nilFunctions(w *world) {
	acme := w.Owned("Acme", w.User("owner"))
	bound := w.Svc.As(tenancy.ServicePrincipal("robot", acme.ID, "tenancy:*"))
	w.refuses(tenancy.ErrInvalid, "fn", func() error { return w.Svc.Transact(w.Ctx, nil) })
	w.refuses(tenancy.ErrInvalid, "fn", func() error { return bound.Transact(w.Ctx, nil) })
	w.refuses(tenancy.ErrInvalid, "fn", func() error { return w.Svc.Import(w.Ctx, nil) })
	w.NoError(w.Svc.Transact(w.Ctx, func(ctx context.Context, tx *tenancy.Service) error {
		w.Failed(tx.Transact(ctx, nil), tenancy.ErrInvalid, "fn")
		rows, err := tx.Rows()
		w.NoError(err)
		var refused *store.Error
		w.ErrorAs(rows.Savepoint(ctx, nil), &refused)
		w.Equal("fn", refused.Field)
		return nil
	}))
	for _, open := range []func(context.Context, func(store.Rows) error) error{w.Store.View, w.Store.Update} {
		w.unchanged(func() { w.ErrorIs(open(w.Ctx, nil), store.ErrInvalid) })
	}
}
