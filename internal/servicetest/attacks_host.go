package servicetest

import (
	"context"
	"slices"
	"strings"
	"time"

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
	}
}

// did checks that all events after a position were done by a user, through a session where
// one is given.
func (w *world) did(since tenancy.Position, user tenancy.UserID, through tenancy.SessionID) {
	w.t.Helper()
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
	d.maps(d.okta, map[string]string{"admins": rbac.Admin})
	for name, in := range map[string]tenancy.Attempt{
		"a new user, by a connection":      through(d.okta, "s-1", "new@acme.example"),
		"with groups":                      through(d.okta, "s-2", "groups@acme.example", "admins"),
		"by mail":                          byMail("mail@mail.example"),
		"by a provider":                    by(byGoogle, "g-1", "google@mail.example", true),
		"by an invitation alone":           {Invitation: d.mailedInvitation("invited@mail.example")},
		"by an invitation and a password":  bringing(d.mailedInvitation("second@mail.example"), byPassword("c-1", "")),
		"by a second identity":             by(byGithub, "h-1", "owner@acme.example", true),
		"with an invitation of no use":     bringing("invitation_x", byMail("third@mail.example")),
		"by an account that nobody proved": byMail(d.newUser(tenancy.NewUser{Email: "trap@mail.example"}).Email),
	} {
		d.each(name, func(w *world) {
			last := w.last()
			got, err := d.mailed().SignIn(w.ctx, in)
			w.NoError(err)
			w.Equal(tenancy.DecisionSignedIn, got.Kind, "code %q", got.Code)
			w.did(last, got.User.ID, got.Session.ID)
		})
	}
	last := d.last()
	got := d.enters(through(d.okta, "s-2", "groups@acme.example")) // roles that go
	d.did(last, got.User.ID, got.Session.ID)
	// A request starts no session.
	d.joining(tenancy.JoiningRequest, "")
	_, err := d.svc.Organizations.Update(d.ctx, d.acme.ID, tenancy.OrganizationUpdate{SingleSignOnJoins: ptr(false)})
	d.NoError(err)
	last = d.last()
	filed := d.tries(to(d.acme, byMail("asks@acme.example")))
	d.Equal(tenancy.DecisionRequestFiled, filed.Kind)
	for _, e := range d.since(last) {
		d.Equal(tenancy.Actor{Kind: tenancy.ActorUser, ID: filed.User.ID.String()}, e.Actor, "%s", e.Type)
	}
}

// mailed is a Service whose tokens only the mailbox sees.
func (w *world) mailed() *tenancy.Service {
	return w.another(func(c *tenancy.Config) { c.MailOnly = true })
}

// mailedInvitation is the token of an invitation into beta that only the mailbox has seen.
func (d *door) mailedInvitation(email string) string {
	d.t.Helper()
	sent, err := d.mailed().Invitations.Send(d.ctx, tenancy.NewInvitation{OrganizationID: d.beta.ID, Email: email})
	d.NoError(err)
	return sent.Token.Reveal()
}

// sessionActor: the host calls for the person, or the person by a bound Service.
func sessionActor(w *world) {
	c := newSessionCast(w)
	last := w.last()
	moved, err := w.change(c.here.Token, c.beta.ID)
	w.NoError(err)
	w.did(last, c.ada.ID, c.here.Session.ID)
	last = w.last()
	w.NoError(w.svc.Sessions.SignOut(w.ctx, moved.Token.Reveal()))
	w.did(last, c.ada.ID, c.here.Session.ID)
	last = w.last()
	in := w.asSession(c.there.Session)
	_, err = in.Users.Update(w.ctx, c.ada.ID, tenancy.UserUpdate{GivenName: ptr("Ada")})
	w.NoError(err)
	w.NoError(in.Memberships.Leave(w.ctx, c.acme.ID, c.ada.ID))
	w.did(last, c.ada.ID, c.there.Session.ID)
	last = w.last()
	w.NoError(w.asUser(c.ada).Sessions.RevokeAll(w.ctx, c.ada.ID))
	w.did(last, c.ada.ID, tenancy.SessionID{}) // the host keeps that session
	last = w.last()
	w.NoError(w.svc.Sessions.Revoke(w.ctx, c.others.Session.ID)) // this is the host's own
	w.Equal(tenancy.Actor{Kind: tenancy.ActorHost}, w.since(last)[0].Actor)
	w.Empty(w.since(last)[0].Through)
}

func takeoverActor(d *door) {
	trap := d.newUser(tenancy.NewUser{Email: "trap@mail.example"})
	d.link(trap, tenancy.NewIdentity{Provider: "password", Subject: "c-evil"})
	d.enters(byPassword("c-evil", ""))
	proof := d.proof(trap, trap.Email)
	last := d.last()
	d.NoError(d.confirm(proof.Token.Reveal()))
	d.did(last, trap.ID, tenancy.SessionID{})
	own, other := d.enters(byMail(trap.Email)), d.enters(byMail(trap.Email))
	proof = d.proof(trap, "new@mail.example")
	last = d.last()
	_, err := d.svc.Users.ConfirmEmail(d.ctx, tenancy.EmailConfirmation{Token: proof.Token.Reveal(), Session: own.Token.Reveal()})
	d.NoError(err)
	d.did(last, trap.ID, own.Session.ID)
	d.False(d.stands(other))
}

func namedHost(w *world) {
	actorOf := func(svc *tenancy.Service) tenancy.Actor {
		w.t.Helper()
		last := w.last()
		_, err := svc.Organizations.Create(w.ctx, tenancy.NewOrganization{DisplayName: "Acme"})
		w.NoError(err)
		w.Equal(svc.Actor(), w.since(last)[0].Actor)
		return svc.Actor()
	}
	host := func(id string) tenancy.Actor { return tenancy.Actor{Kind: tenancy.ActorHost, ID: id} }
	w.Equal(host("nightly import"), actorOf(w.svc.Named("nightly import")))
	w.Equal(host(""), actorOf(w.svc)) // as it was
	w.Equal(host("b"), actorOf(w.svc.Named("a").Named("b")))
	w.Equal(host(""), actorOf(w.svc.Named("a").Named("")))
	w.Equal(host(strings.Repeat("ü", 255)), actorOf(w.svc.Named(strings.Repeat("ü", 300))))
	w.Equal(host("one line"), actorOf(w.svc.Named("one\u202e\n line\xff")))
	// Inside a transaction as well, and a bound Service stays what it is.
	w.NoError(w.svc.Named("job").Transact(w.ctx, func(ctx context.Context, tx *tenancy.Service) error {
		w.Equal(host("job"), tx.Actor())
		w.Equal(host("step"), tx.Named("step").Actor())
		_, err := tx.Users.Create(ctx, tenancy.NewUser{Email: "made@mail.example"})
		return err
	}))
	w.Equal(host("job"), w.since(w.last() - 1)[0].Actor)
	ada := w.user("ada")
	bound := w.asUser(ada)
	w.Equal(bound.Actor(), bound.Named("root").Actor())
	_, err := bound.Named("root").Users.List(w.ctx, tenancy.UserQuery{})
	w.failed(err, tenancy.ErrForbidden, "")
	// The name gives no power: a Service bound from it is the person's.
	w.Equal(bound.Actor(), w.svc.Named("root").As(tenancy.UserPrincipal(ada.ID)).Actor())
	page, err := w.svc.Events.List(w.ctx, tenancy.EventQuery{Actor: host("nightly import")})
	w.NoError(err)
	w.Len(page.Items, 1)
}

// readsOne are methods of the unbound Service that work in a guarded request: checks, and
// reads of one thing.
func readsOne(name string) bool {
	return slices.Contains([]string{
		"Can", "Check", "Explain", "Permissions.List", "Permissions.Of", "Invitations.Preview", "Sessions.Authenticate", "Sessions.Claims",
		"Route", "Domains.Owner", "Domains.Challenge", "Events.Last", "As", "Join", "Rows",
	}, name) || strings.Contains(name, ".Get")
}

// severalTransactions are methods that read first and write in later transactions.
var severalTransactions = []string{"Run", "Domains.Recheck", "Domains.Verify", "Domains.VerifySubdomains"}

// unboundInRequest: everything that writes or lists, by every method.
func unboundInRequest(w *world) {
	c := newCast(w)
	guarded := tenancy.Guarded(w.ctx)
	for _, m := range tenancy.Methods() {
		if slices.Contains([]string{"Join", "Rows", "As"}, m.Name) || slices.Contains(severalTransactions, m.Name) {
			continue // As binds, and the other two do nothing yet
		}
		call := actorCalls()[m.Name]
		if readsOne(m.Name) {
			err := call(guarded, w.svc, c)
			w.NotEqual(tenancy.ErrUnboundInRequest, tenancy.CodeOf(err), m.Name)
			continue
		}
		w.unchanged(func() {
			err := call(guarded, w.svc, c)
			w.Equal(tenancy.ErrUnboundInRequest, tenancy.CodeOf(err), m.Name)
			w.Contains(err.Error(), m.Name)
			w.Contains(err.Error(), "tenancy.Trusted") // the remedy
			// A name does not take the mark away.
			w.Equal(tenancy.ErrUnboundInRequest, tenancy.CodeOf(call(guarded, w.svc.Named("job"), c)), m.Name)
		})
	}
	w.unchanged(func() {
		w.Equal(errStop, w.store.Update(w.ctx, func(rows store.Rows) error {
			_, in, err := w.svc.Join(w.ctx, joined{rows, w.store})
			w.NoError(err)
			_, err = in.Organizations.Update(guarded, c.org, tenancy.OrganizationUpdate{DisplayName: ptr("Pwned")})
			w.failed(err, tenancy.ErrUnboundInRequest, "")
			return errStop
		}))
		for _, err := range w.svc.Memberships.All(guarded, c.org, tenancy.MemberQuery{}) {
			w.failed(err, tenancy.ErrUnboundInRequest, "")
		}
	})
	// The bound Service works.
	bound := w.svc.As(tenancy.UserPrincipal(c.owner))
	_, err := bound.Memberships.List(guarded, c.org, tenancy.MemberQuery{})
	w.NoError(err)
	_, err = bound.Organizations.Update(guarded, c.org, tenancy.OrganizationUpdate{DisplayName: ptr("Renamed")})
	w.NoError(err)
}

// trustedInRequest: with Trusted, and in the hooks of Config.
func trustedInRequest(w *world) {
	guarded := tenancy.Guarded(w.ctx)
	box := w.mailbox() // which calls the unbound Service
	var hooked int
	w.svc = w.another(func(c *tenancy.Config) {
		c.Mailer = box
		c.OnJoin = func(ctx context.Context, tx *tenancy.Service, j tenancy.Join) error {
			hooked++
			_, err := tx.Memberships.List(ctx, j.Organization.ID, tenancy.MemberQuery{})
			return err
		}
	})
	owner := w.user("owner")
	acme := w.owned("Acme", owner)
	_, err := w.svc.Organizations.List(tenancy.Trusted(guarded), tenancy.OrganizationQuery{})
	w.NoError(err)
	_, err = w.svc.SignIn(tenancy.Trusted(guarded), byMail(owner.Email))
	w.NoError(err)
	_, err = w.svc.Organizations.List(tenancy.Guarded(tenancy.Trusted(guarded)), tenancy.OrganizationQuery{})
	w.failed(err, tenancy.ErrUnboundInRequest, "") // a guard inside counts again
	bound := w.asUser(owner)
	_, err = bound.Invitations.Send(guarded, tenancy.NewInvitation{OrganizationID: acme.ID, Email: "ann@acme.example"})
	w.NoError(err)
	w.Len(box.sent, 1)
	ann := w.user("ann")
	before := hooked
	_, err = w.asUser(ann).Invitations.Accept(guarded, box.sent[0].Token.Reveal(), ann.ID)
	w.NoError(err)
	w.Equal(before+1, hooked)
	w.NoError(w.svc.Transact(tenancy.Trusted(guarded), func(ctx context.Context, tx *tenancy.Service) error {
		_, err := tx.Users.List(ctx, tenancy.UserQuery{})
		return err
	}))
}

// detachedWork: no mark, no deadline, no transaction; where the request came from stays.
func detachedWork(w *world) {
	type key struct{}
	request := tenancy.Request{UserAgent: "Browser/1.0", ID: "r-1"}
	inner, cancel := context.WithTimeout(tenancy.Guarded(tenancy.WithRequest(context.WithValue(w.ctx, key{}, "kept"), request)), time.Hour)
	ctx := tenancy.Detach(inner)
	cancel()
	w.NoError(ctx.Err())
	_, ends := ctx.Deadline()
	w.False(ends)
	w.Equal(request, tenancy.RequestOf(ctx))
	w.Equal("kept", ctx.Value(key{}))
	_, err := w.svc.Organizations.List(ctx, tenancy.OrganizationQuery{})
	w.NoError(err)
	ada := w.user("ada")
	started, err := w.svc.Sessions.Start(ctx, starting(ada.ID, nowhereYet))
	w.NoError(err)
	w.Equal("Browser/1.0", started.Session.UserAgent)
	_, err = w.svc.Organizations.List(tenancy.Guarded(ctx), tenancy.OrganizationQuery{})
	w.failed(err, tenancy.ErrUnboundInRequest, "")
	// It is outside a running transaction.
	w.NoError(w.svc.Transact(w.ctx, func(ctx context.Context, _ *tenancy.Service) error {
		_, err := w.svc.Users.Get(ctx, ada.ID)
		w.failed(err, tenancy.ErrInTransaction, "")
		_, err = w.svc.Users.Get(tenancy.Detach(ctx), ada.ID)
		w.NoError(err)
		return nil
	}))
}

// waitsForItself: a transaction of the host's, and a call outside of it. On a store where
// only locks exclude the call begins, and what it waits for is a lock: see waitsForLock.
func waitsForItself(w *world) {
	if one, ok := w.store.(interface{ SingleWriter() bool }); !ok || !one.SingleWriter() {
		return
	}
	acme := w.owned("Acme", w.user("ada"))
	svc := w.another(func(c *tenancy.Config) { c.WriteWait = 50 * time.Millisecond })
	ctx, cancel := context.WithTimeout(w.ctx, 10*time.Second)
	defer cancel()
	var outer error
	w.NoError(w.store.Update(w.ctx, func(rows store.Rows) error {
		_, in, err := svc.Join(ctx, joined{rows, w.store})
		w.NoError(err)
		_, err = in.Organizations.Update(ctx, acme.ID, tenancy.OrganizationUpdate{DisplayName: ptr("Inside")})
		w.NoError(err)
		_, outer = svc.Organizations.Update(ctx, acme.ID, tenancy.OrganizationUpdate{DisplayName: ptr("Outside")})
		return nil
	}))
	refusal := w.failed(outer, tenancy.ErrBusy, "")
	w.Contains(refusal.Reason, "is a transaction of the caller's own open?")
	w.NoError(ctx.Err())
	w.Equal("Inside", w.getOrg(acme.ID).DisplayName)
	_, err := svc.Organizations.Update(w.ctx, acme.ID, tenancy.OrganizationUpdate{DisplayName: ptr("After")})
	w.NoError(err)
}
