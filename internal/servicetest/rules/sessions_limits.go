package rules

import (
	"time"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// sessionLimits plays a year, hour by hour: somebody who comes every day is asked to
// sign in every 30 days, and somebody who stays away for two weeks is.
func sessionLimits(w *world) {
	ada, bob := w.User("ada"), w.User("bob")
	begin := w.Clock.At
	daily, token := 0, tenancy.Token{}
	rare := w.Session(bob, servicetest.NowhereYet).Token
	for hour := time.Duration(0); w.Clock.At.Before(begin.Add(365 * servicetest.Day)); hour++ {
		if hour%24 == 0 {
			if token.IsZero() || w.hasExpired(token) {
				token = w.Session(ada, servicetest.NowhereYet).Token
				daily++
			}
		}
		if hour == 13*24 {
			w.lives(rare)
		}
		w.Clock.Advance(time.Hour)
	}
	w.Equal(13, daily) // after 0, 30, ... 360 days
	w.ended(rare, tenancy.ErrSessionExpired, "")

	// To the microsecond.
	at := w.Clock.At
	idle, old := w.Session(ada, servicetest.NowhereYet), w.Session(ada, servicetest.NowhereYet)
	w.Clock.At = at.Add(14*servicetest.Day - time.Microsecond)
	w.lives(idle.Token)
	w.lives(old.Token)
	w.Clock.At = at.Add(28*servicetest.Day - time.Microsecond)
	w.ended(idle.Token, tenancy.ErrSessionExpired, "") // 14 days after it was seen
	w.Clock.At = at.Add(28*servicetest.Day - 2*time.Microsecond)
	w.lives(old.Token)
	w.Clock.At = at.Add(30*servicetest.Day - time.Microsecond)
	w.lives(old.Token)
	w.Clock.At = at.Add(30 * servicetest.Day)
	w.ended(old.Token, tenancy.ErrSessionExpired, "")
	for name, call := range w.byToken(old.Token.Reveal()) {
		w.each(name, func(w *world) { w.refuses(tenancy.ErrSessionExpired, "token", call) })
	}
}

func (w *world) hasExpired(token tenancy.Token) bool {
	w.T.Helper()
	_, err := w.Svc.Sessions.Authenticate(w.Ctx, token.Reveal(), servicetest.NowhereYet)
	if err != nil {
		w.Failed(err, tenancy.ErrSessionExpired, "token")
	}
	return err != nil
}

// lasting sets what an organization allows.
func (w *world) lasting(org tenancy.Organization, idle, longest time.Duration) {
	w.T.Helper()
	_, err := w.Svc.Organizations.Update(w.Ctx, org.ID, tenancy.OrganizationUpdate{SessionIdle: &idle, SessionFor: &longest})
	w.NoError(err)
}

// limitsAsActor: whoever may only change settings leaves the limits as they are.
func limitsAsActor(w *world) {
	h := newHouse(w)
	w.Role(h.acme.ID, "org-setter", "", rbac.UpdateOrganization)
	_, err := w.Svc.Memberships.SetRoles(w.Ctx, h.acme.ID, h.people["member"].ID, "org-setter")
	w.NoError(err)
	set := func(local string, in tenancy.OrganizationUpdate) func() error {
		return func() error { _, err := h.as(local).Organizations.Update(w.Ctx, h.acme.ID, in); return err }
	}
	hour, none := time.Hour, time.Duration(0)
	w.refuses(tenancy.ErrForbidden, "session_idle", set("member", tenancy.OrganizationUpdate{SessionIdle: &hour}))
	w.refuses(tenancy.ErrForbidden, "session_for", set("member", tenancy.OrganizationUpdate{SessionFor: &hour}))
	w.silent(set("member", tenancy.OrganizationUpdate{SessionIdle: &none, SessionFor: &none}))
	w.NoError(set("admin", tenancy.OrganizationUpdate{SessionIdle: &hour})())
	w.refuses(tenancy.ErrForbidden, "session_idle", set("member", tenancy.OrganizationUpdate{SessionIdle: &none}))
}

func stricterLimits(w *world) {
	ada := w.User("ada")
	acme := w.Owned("Acme", ada)
	for name, c := range map[string]struct {
		idle, longest time.Duration // the organization's
		lives         time.Duration // unused
		age           time.Duration // used all the time
	}{
		"none":                    {0, 0, 14 * servicetest.Day, 30 * servicetest.Day},
		"stricter":                {time.Hour, 2 * servicetest.Day, time.Hour, 2 * servicetest.Day},
		"stricter in one":         {0, 20 * servicetest.Day, 14 * servicetest.Day, 20 * servicetest.Day},
		"looser":                  {100 * servicetest.Day, 200 * servicetest.Day, 14 * servicetest.Day, 30 * servicetest.Day},
		"idle longer than it can": {3 * servicetest.Day, time.Hour, time.Hour, time.Hour},
	} {
		for _, when := range []string{"before", "after"} {
			w.each(name+", set "+when+" the session", func(w *world) {
				w.lasting(acme, 0, 0)
				if when == "before" {
					w.lasting(acme, c.idle, c.longest)
				}
				unused, used := w.Session(ada, acme.ID), w.Session(ada, acme.ID)
				w.lasting(acme, c.idle, c.longest)
				begin := w.Clock.At
				for w.Clock.At.Add(c.lives / 2).Before(begin.Add(c.age)) {
					w.Clock.Advance(c.lives / 2)
					w.lives(used.Token)
					if w.Clock.At.Before(begin.Add(c.lives)) {
						continue // it would be used
					}
					w.ended(unused.Token, tenancy.ErrSessionExpired, "")
				}
				w.Clock.At = begin.Add(c.age - time.Microsecond)
				w.lives(used.Token)
				w.Clock.At = begin.Add(c.age)
				w.ended(used.Token, tenancy.ErrSessionExpired, "")
				w.ended(unused.Token, tenancy.ErrSessionExpired, "")
			})
		}
	}
	// The application's own, if that is the stricter.
	strict := w.Another(func(c *tenancy.Config) { c.SessionIdle, c.SessionFor = time.Minute, time.Hour })
	w.lasting(acme, 0, 0)
	token := w.Session(ada, acme.ID).Token
	w.Clock.Advance(time.Minute)
	_, err := strict.Sessions.Authenticate(w.Ctx, token.Reveal(), servicetest.NowhereYet)
	w.Failed(err, tenancy.ErrSessionExpired, "token")
	w.lives(token)
}

// raisedLimits: what ran out stays so, and what has not ends, too.
func raisedLimits(w *world) {
	ada := w.User("ada")
	acme := w.Owned("Acme", ada)
	for name, c := range map[string]struct{ idle, longest time.Duration }{
		"idle":       {time.Hour, 0},
		"both":       {time.Hour, time.Hour},
		"altogether": {0, time.Hour},
	} {
		w.each(name, func(w *world) {
			w.lasting(acme, c.idle, c.longest)
			out := w.Session(ada, acme.ID)
			w.Clock.Advance(2 * time.Hour)
			w.ended(out.Token, tenancy.ErrSessionExpired, "")
			w.lasting(acme, 0, 0)
			_, err := w.Svc.Sessions.Authenticate(w.Ctx, out.Token.Reveal(), servicetest.NowhereYet)
			w.Error(err)
			fresh := w.Session(ada, acme.ID)
			w.lasting(acme, 0, 100*servicetest.Day) // more than Config allows raises nothing
			w.lives(fresh.Token)
			w.lasting(acme, c.idle, c.longest)
			w.lives(fresh.Token)
		})
	}
}
