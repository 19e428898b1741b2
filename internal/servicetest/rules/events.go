package rules

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/tenancy"
)

func eventRules() []rule {
	return []rule{
		{"E1 one order, by position", on(eventOrder)},
		{"E1 filters", on(eventFilters)},
		{"E1 a clock that goes back", on(clockBack)},
		{"E1 pages by cursor, up and down", on(eventPages)},
		{"E1 a reader who follows misses nothing", on(follow)},
		{"E1 nothing of a transaction that failed", on(failedEvents)},
		{"E3 prune", on(prune)},
		{"E1 limits on sessions that are raised: an event says that all have ended", on(raisedLimitsTold)},
		{"E1 U5 a takeover that archives an organization: no session begins there after it", on(nowhereToArrive)},
		{"E1 a mail that waits longer, or waits no more: an event says so", on(waitingTold)},
		{"G12 events about a person name them, also once they have left", on(namedPeople)},
		{"G12 those who did it are named on request, and only as they are known there", on(namedActors)},
	}
}

func eventOrder(w *world) {
	last, err := w.Svc.Events.Last(w.Ctx)
	w.NoError(err)
	w.Zero(last)
	newCast(w)
	events := w.since(0)
	names := map[tenancy.EventID]bool{}
	for i, e := range events {
		if i > 0 {
			w.Greater(e.Position, events[i-1].Position)
		}
		w.Positive(e.Position)
		w.False(names[e.ID])
		names[e.ID] = true
		w.Regexp(`^[a-z_]+\.[a-z_]+$`, string(e.Type)) // E2
	}
	last, err = w.Svc.Events.Last(w.Ctx)
	w.NoError(err)
	w.Equal(events[len(events)-1].Position, last)
}

func eventFilters(w *world) {
	start := w.Clock.At
	ada := w.User("ada")
	w.Clock.Advance(time.Hour)
	acme, other := w.Owned("Acme", ada), w.Org("Other")
	w.Clock.Advance(time.Hour)
	m := w.Add(other, ada)
	for name, c := range map[string]struct {
		q tenancy.EventQuery
		n int
	}{
		"all":                {tenancy.EventQuery{}, 5},
		"a type":             {tenancy.EventQuery{Types: []tenancy.EventType{tenancy.EventUserCreated}}, 1},
		"two types":          {tenancy.EventQuery{Types: []tenancy.EventType{tenancy.EventUserCreated, tenancy.EventMembershipCreated}}, 3},
		"a type that is not": {tenancy.EventQuery{Types: []tenancy.EventType{tenancy.EventUserErased}}, 0},
		"all but types":      {tenancy.EventQuery{Except: []tenancy.EventType{tenancy.EventUserCreated, tenancy.EventMembershipCreated}}, 2},
		"two types but one": {tenancy.EventQuery{
			Types: []tenancy.EventType{tenancy.EventUserCreated, tenancy.EventMembershipCreated}, Except: []tenancy.EventType{tenancy.EventMembershipCreated},
		}, 1},
		"a type but that":        {tenancy.EventQuery{Types: []tenancy.EventType{tenancy.EventUserCreated}, Except: []tenancy.EventType{tenancy.EventUserCreated}}, 0},
		"all but one, of a user": {tenancy.EventQuery{UserID: ada.ID, Except: []tenancy.EventType{tenancy.EventUserCreated}}, 2},
		"an organization":        {tenancy.EventQuery{OrganizationID: acme.ID}, 2},
		"no organization":        {tenancy.EventQuery{OrganizationID: servicetest.Nowhere}, 0},
		"the person":             {tenancy.EventQuery{UserID: ada.ID}, 3},
		"the person there":       {tenancy.EventQuery{UserID: ada.ID, OrganizationID: acme.ID}, 1},
		"a subject":              {tenancy.EventQuery{Subject: m.ID.String()}, 1},
		"the host":               {tenancy.EventQuery{Actor: tenancy.Actor{Kind: tenancy.ActorHost}}, 5},
		"somebody else":          {tenancy.EventQuery{Actor: tenancy.Actor{Kind: tenancy.ActorUser, ID: ada.ID.String()}}, 0},
		"since":                  {tenancy.EventQuery{Since: start.Add(time.Hour)}, 4},
		"since a moment late":    {tenancy.EventQuery{Since: start.Add(time.Hour + time.Microsecond)}, 1},
		"until":                  {tenancy.EventQuery{Until: start.Add(time.Hour)}, 1},
		"until a moment late":    {tenancy.EventQuery{Until: start.Add(time.Hour + time.Microsecond)}, 4},
		"in between":             {tenancy.EventQuery{Since: start.Add(time.Hour), Until: start.Add(2 * time.Hour)}, 3},
		"an empty time":          {tenancy.EventQuery{Since: start.Add(time.Hour), Until: start}, 0},
	} {
		w.each(name, func(w *world) {
			var up, down []tenancy.Position
			for e, err := range w.Svc.Events.All(w.Ctx, c.q) {
				w.NoError(err)
				up = append(up, e.Position)
			}
			c.q.Descending, c.q.Limit = true, 1
			for e, err := range w.Svc.Events.All(w.Ctx, c.q) {
				w.NoError(err)
				down = append(down, e.Position)
			}
			slices.Reverse(down)
			w.Len(up, c.n)
			w.Equal(up, down)
		})
	}
}

// clockBack: an event is never earlier than the one before it, so that those between two instants
// lie side by side. What it tells of keeps the time that the clock showed.
func clockBack(w *world) {
	start := w.Clock.At
	var orgs []tenancy.Organization
	for _, minute := range []time.Duration{0, 60, 30, 40, 160} {
		w.Clock.At = start.Add(minute * time.Minute)
		orgs = append(orgs, w.Org(fmt.Sprint("Org ", minute)))
	}
	w.Equal(start.Add(30*time.Minute), orgs[2].CreatedAt)
	at := func(minute time.Duration) time.Time { return start.Add(minute * time.Minute) }
	for i, e := range w.since(0) {
		w.Equal(at([]time.Duration{0, 60, 60, 60, 160}[i]), e.Time)
	}
	read := func(q tenancy.EventQuery) (got []tenancy.Organization) {
		for e, err := range w.Svc.Events.All(w.Ctx, q) {
			w.NoError(err)
			got = append(got, orgs[slices.IndexFunc(orgs, func(o tenancy.Organization) bool { return o.ID == e.OrganizationID })])
		}
		return got
	}
	for _, c := range []struct {
		since, until time.Time
		want         []tenancy.Organization
	}{
		{since: at(60), want: orgs[1:]},
		{since: at(30), want: orgs[1:]},
		{since: at(61), want: orgs[4:]},
		{since: at(161)},
		{until: at(0)},
		{until: at(60), want: orgs[:1]},
		{until: at(61), want: orgs[:4]},
		{since: at(0), until: at(61), want: orgs[:4]},
		{since: at(30), until: at(60)},
		{since: at(60), until: at(161), want: orgs[1:]},
	} {
		q := tenancy.EventQuery{Since: c.since, Until: c.until, Limit: 2}
		w.Equal(c.want, read(q), "from %s until %s", c.since, c.until)
		q.Descending = true
		down := read(q)
		slices.Reverse(down)
		w.Equal(c.want, down, "from %s until %s, descending", c.since, c.until)
	}
	gone, err := w.Svc.Events.Prune(w.Ctx, at(45))
	w.NoError(err)
	w.Equal(1, gone)
	w.Equal(orgs[1:4], read(tenancy.EventQuery{Until: at(61)}))
}

func eventPages(w *world) {
	for i := range 7 {
		w.Org(fmt.Sprint("Org ", i))
	}
	for _, desc := range []bool{false, true} {
		for _, limit := range []int{1, 2, 3, 7, 8} {
			var got []tenancy.Position
			q := tenancy.EventQuery{Limit: limit, Descending: desc}
			for range 20 {
				page, err := w.Svc.Events.List(w.Ctx, q)
				w.NoError(err)
				w.LessOrEqual(len(page.Items), limit)
				for _, e := range page.Items {
					got = append(got, e.Position)
				}
				q.After = page.Next
				if page.Done {
					break
				}
			}
			w.Len(got, 7)
			w.True(slices.IsSortedFunc(got, func(a, b tenancy.Position) int {
				if desc {
					a, b = b, a
				}
				return int(a - b)
			}))
		}
	}
}

// follow reads as a consumer does, from where it was, while others write.
func follow(w *world) {
	var seen []string
	var at tenancy.Position
	read := func() {
		for range 10 {
			page, err := w.Svc.Events.List(w.Ctx, tenancy.EventQuery{After: at, Limit: 2})
			w.NoError(err)
			for _, e := range page.Items {
				seen = append(seen, e.Subject)
			}
			at = page.Next
			if page.Done {
				return
			}
		}
	}
	var want []string
	for i := range 5 {
		read()
		w.Equal(want, seen)
		for j := range i {
			want = append(want, w.Org(fmt.Sprint(i, j)).ID.String())
		}
	}
	read()
	read()
	w.Equal(want, seen)
	for _, err := range w.Svc.Events.All(w.Ctx, tenancy.EventQuery{After: at}) {
		w.NoError(err)
		w.Fail("an event beyond the end")
	}
}

func failedEvents(w *world) {
	w.Org("Before")
	last, err := w.Svc.Events.Last(w.Ctx)
	w.NoError(err)
	w.Equal(servicetest.ErrStop, w.Svc.Transact(w.Ctx, func(ctx context.Context, tx *tenancy.Service) error {
		for range 3 {
			_, err := tx.Organizations.Create(ctx, tenancy.NewOrganization{DisplayName: "Gone"})
			w.NoError(err)
		}
		return servicetest.ErrStop
	}))
	now, err := w.Svc.Events.Last(w.Ctx)
	w.NoError(err)
	w.Equal(last, now)
	after := w.Org("After") // positions of what failed may come again
	events := w.since(last)
	w.Len(events, 1)
	w.Equal(after.ID, events[0].OrganizationID)
}

func prune(w *world) {
	var cut tenancy.Position
	for i := range 6 {
		w.Org(fmt.Sprint("Org ", i))
		w.Clock.Advance(time.Hour)
	}
	all := w.since(0)
	cut = all[3].Position
	before := all[4].Time
	n := 0
	do := func(before time.Time) func() error {
		return func() (err error) { n, err = w.Svc.Events.Prune(w.Ctx, before); return err }
	}
	w.NoError(do(before)())
	w.Equal(4, n)
	w.silent(do(before))
	w.Zero(n)
	w.Equal(all[4:], w.since(cut)) // at the floor nothing is missed
	for _, after := range []tenancy.Position{0, cut - 1} {
		_, err := w.Svc.Events.List(w.Ctx, tenancy.EventQuery{After: after})
		if after == 0 { // from the oldest that there is
			w.NoError(err)
			continue
		}
		w.Failed(err, tenancy.ErrEventsPruned, "")
	}
	page, err := w.Svc.Events.List(w.Ctx, tenancy.EventQuery{Descending: true})
	w.NoError(err)
	w.Len(page.Items, 2)
	w.True(page.Done)
	last, err := w.Svc.Events.Last(w.Ctx)
	w.NoError(err)
	w.NoError(do(w.Clock.At)())
	w.Equal(2, n)
	now, err := w.Svc.Events.Last(w.Ctx) // never moves back
	w.NoError(err)
	w.Equal(last, now)
	w.Empty(w.since(now))
	w.Len(w.Dump().Organizations, 6)
	next := w.Org("Next")
	w.Equal(next.ID.String(), w.since(now)[0].Subject)
	w.Greater(w.since(now)[0].Position, now)
}

// namedPeople: a page of events needs no other call to say whom they are about.
func namedPeople(w *world) {
	owner, ada := w.User("owner"), w.User("ada")
	acme := w.Owned("Acme", owner)
	page := func() []tenancy.Event {
		got, err := w.asUser(owner).Events.List(w.Ctx, tenancy.EventQuery{OrganizationID: acme.ID, UserID: ada.ID})
		w.NoError(err)
		return got.Items
	}
	in := servicetest.Adding(acme, ada)
	in.DisplayName = "Ada of Acme"
	_, err := w.Svc.Memberships.Add(w.Ctx, in)
	w.NoError(err)
	w.Session(ada, acme.ID)
	_, err = w.Svc.Users.Update(w.Ctx, ada.ID, tenancy.UserUpdate{DisplayName: servicetest.Ptr("Countess")})
	w.NoError(err)
	w.NoError(w.Svc.Memberships.Remove(w.Ctx, acme.ID, ada.ID))
	for _, e := range page() {
		w.Equal(ada.Email, e.Person.Email, "%s", e.Type)
		switch e.Type {
		case tenancy.EventMembershipCreated, tenancy.EventMembershipRemoved:
			w.Equal("Ada of Acme", e.Person.Name) // as a list of members shows them
		case tenancy.EventSessionStarted:
			w.Equal("Ada", e.Person.Name) // as it was then
		}
	}
	w.NoError(w.Svc.Users.Delete(w.Ctx, ada.ID))
	all, err := w.Svc.Events.List(w.Ctx, tenancy.EventQuery{UserID: ada.ID, Types: []tenancy.EventType{tenancy.EventUserCreated, tenancy.EventUserDeleted}})
	w.NoError(err)
	w.Len(all.Items, 2)
	w.Equal(tenancy.EventPerson{Name: "Ada", Email: ada.Email}, all.Items[0].Person)
	w.Equal(tenancy.EventPerson{Name: "Countess", Email: ada.Email}, all.Items[1].Person)
	w.NotEmpty(page())
	w.NoError(w.Svc.Users.Erase(w.Ctx, ada.ID))
	for _, e := range page() {
		w.True(e.Redacted)
		w.Zero(e.Person, "%s", e.Type)
	}
	for _, e := range w.since(0) {
		if e.UserID.IsZero() {
			w.Zero(e.Person, "%s is about nobody", e.Type)
		}
	}
}

// namedActors: of members the name there, of those who left what they were called then, and nothing of
// what has become of them elsewhere.
func namedActors(w *world) {
	owner, ada, bob := w.User("owner"), w.User("ada"), w.User("bob")
	acme := w.Owned("Acme", owner)
	in := servicetest.Adding(acme, ada)
	in.DisplayName, in.Roles = "Ada of Acme", []string{"admin"}
	_, err := w.Svc.Memberships.Add(w.Ctx, in)
	w.NoError(err)
	w.Add(acme, bob)
	_, err = w.asUser(ada).Memberships.Deactivate(w.Ctx, acme.ID, bob.ID)
	w.NoError(err)
	page := func(svc *tenancy.Service, q tenancy.EventQuery) []tenancy.Event {
		q.Actor, q.NameActors = tenancy.Actor{Kind: tenancy.ActorUser, ID: ada.ID.String()}, true
		got, err := svc.Events.List(w.Ctx, q)
		w.NoError(err)
		w.NotEmpty(got.Items)
		return got.Items
	}
	there := func(want tenancy.EventPerson) {
		w.T.Helper()
		for _, e := range page(w.asUser(owner), tenancy.EventQuery{OrganizationID: acme.ID}) {
			w.Equal(want, e.ActorPerson, "%s", e.Type)
			w.Equal(bob.Email, e.Person.Email) // as before
		}
	}
	there(tenancy.EventPerson{Name: "Ada of Acme", Email: ada.Email})
	for _, e := range page(w.Svc, tenancy.EventQuery{}) {
		w.Equal(tenancy.EventPerson{Name: "Ada", Email: ada.Email}, e.ActorPerson) // the host reads of the application
	}
	without, err := w.asUser(owner).Events.List(w.Ctx, tenancy.EventQuery{OrganizationID: acme.ID})
	w.NoError(err)
	for _, e := range without.Items {
		w.Zero(e.ActorPerson, "nobody asked")
	}

	w.NoError(w.Svc.Memberships.Remove(w.Ctx, acme.ID, ada.ID))
	_, err = w.Svc.Users.Update(w.Ctx, ada.ID, tenancy.UserUpdate{DisplayName: servicetest.Ptr("Countess of elsewhere")})
	w.NoError(err)
	there(tenancy.EventPerson{Name: "Ada of Acme", Email: ada.Email})
	w.NoError(w.Svc.Users.Erase(w.Ctx, ada.ID))
	there(tenancy.EventPerson{})
	for _, e := range page(w.Svc, tenancy.EventQuery{}) {
		w.Zero(e.ActorPerson)
	}
	got, err := w.Svc.Events.List(w.Ctx, tenancy.EventQuery{OrganizationID: acme.ID, Actor: tenancy.Actor{Kind: tenancy.ActorHost}, NameActors: true})
	w.NoError(err)
	for _, e := range got.Items {
		w.Zero(e.ActorPerson, "the host is no person")
	}
}

// raisedLimitsTold: a reader of events does not know what limits the application has, so
// organization.updated alone does not say that sessions ended.
func raisedLimitsTold(w *world) {
	ada := w.User("ada")
	acme := w.Owned("Acme", ada)
	limit := func(idle time.Duration) func() error {
		return func() error {
			_, err := w.Svc.Organizations.Update(w.Ctx, acme.ID, tenancy.OrganizationUpdate{SessionIdle: &idle})
			return err
		}
	}
	w.emits(limit(time.Hour), some(tenancy.EventOrganizationUpdated)) // less than before ends nothing
	started := w.Session(ada, acme.ID)
	got := w.emits(limit(2*time.Hour), some(tenancy.EventOrganizationUpdated), some(tenancy.EventOrganizationSessionsEnded))
	w.tells(got[1], ofOrg(tenancy.EventOrganizationSessionsEnded, w.getOrg(acme.ID), ""))
	w.ended(started.Token, tenancy.ErrSessionEnded, string(tenancy.EndedOrganization))
	w.silent(limit(2 * time.Hour))
}

// waitingTold: lists show until when the mail of an invitation waits, and so do events.
func waitingTold(w *world) {
	w.limited()
	acme := w.Owned("Acme", w.User("owner"))
	w.fill(victim)
	sent := w.Invite(acme, victim)
	_, err := w.Svc.Organizations.Suspend(w.Ctx, acme.ID)
	w.NoError(err)
	sweep := func() error { _, err := w.Svc.Invitations.Sweep(w.Ctx); return err }
	w.Clock.Advance(servicetest.Day)
	got := w.emits(sweep, some(tenancy.EventInvitationUpdated)) // it waits for another day
	w.NotEqual(sent.MailDueAt, w.invitation(sent.ID).MailDueAt)
	w.tells(got[0], ofInvitation(tenancy.EventInvitationUpdated, w.invitation(sent.ID)))
	_, err = w.Svc.Organizations.Resume(w.Ctx, acme.ID)
	w.NoError(err)
	w.Clock.Advance(servicetest.Month)
	last, err := w.Svc.Events.Last(w.Ctx)
	w.NoError(err)
	w.NoError(sweep()) // too late for the mail
	told := slices.DeleteFunc(w.since(last), func(e tenancy.Event) bool {
		return e.Type != tenancy.EventInvitationUpdated || e.Subject != sent.ID.String()
	})
	w.Len(told, 1)
	w.JSONEq(`{"mail_due_at": "2030-01-04T03:04:05.678901Z"}`, string(told[0].Previous))
}

// nowhereToArrive: who takes an account over by the connection of an organization that this
// archives would have a session there that is dead as it begins.
func nowhereToArrive(w *world) {
	squatter := w.NewUser(tenancy.NewUser{Email: "victim@mail.example"})
	founded, other := w.Owned("Founded", squatter), w.Org("Other")
	w.Add(other, squatter)
	c := w.Connect(founded, "Okta")
	in := servicetest.Proving(squatter.Email, servicetest.Through(c, "1", squatter.Email))
	for _, to := range []tenancy.Organization{{}, founded} {
		w.refuses(tenancy.ErrNotFound, "", func() error { _, err := w.Svc.SignIn(w.Ctx, servicetest.To(to, in)); return err })
	}
	decision, err := w.Svc.SignIn(w.Ctx, servicetest.ByMail(squatter.Email)) // which needs no organization
	w.NoError(err)
	w.True(decision.TookOver)
	w.False(w.getOrg(founded.ID).ArchivedAt.IsZero())
	w.lives(decision.Token)
}
