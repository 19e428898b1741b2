package servicetest

import (
	"time"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// sessionLimits plays a year, hour by hour: somebody who comes every day is asked to
// sign in every 30 days, and somebody who stays away for two weeks is.
func sessionLimits(w *world) {
	ada, bob := w.user("ada"), w.user("bob")
	begin := w.clock.at
	daily, token := 0, tenancy.Token{}
	rare := w.session(bob, nowhereYet).Token
	for hour := time.Duration(0); w.clock.at.Before(begin.Add(365 * day)); hour++ {
		if hour%24 == 0 {
			if token.IsZero() || w.hasExpired(token) {
				token = w.session(ada, nowhereYet).Token
				daily++
			}
		}
		if hour == 13*24 {
			w.lives(rare)
		}
		w.clock.advance(time.Hour)
	}
	w.Equal(13, daily) // after 0, 30, ... 360 days
	w.ended(rare, tenancy.ErrSessionExpired, "")

	// To the microsecond.
	at := w.clock.at
	idle, old := w.session(ada, nowhereYet), w.session(ada, nowhereYet)
	w.clock.at = at.Add(14*day - time.Microsecond)
	w.lives(idle.Token)
	w.lives(old.Token)
	w.clock.at = at.Add(28*day - time.Microsecond)
	w.ended(idle.Token, tenancy.ErrSessionExpired, "") // 14 days after it was seen
	w.clock.at = at.Add(28*day - 2*time.Microsecond)
	w.lives(old.Token)
	w.clock.at = at.Add(30*day - time.Microsecond)
	w.lives(old.Token)
	w.clock.at = at.Add(30 * day)
	w.ended(old.Token, tenancy.ErrSessionExpired, "")
	for name, call := range w.byToken(old.Token.Reveal()) {
		w.each(name, func(w *world) { w.refuses(tenancy.ErrSessionExpired, "token", call) })
	}
}

func (w *world) hasExpired(token tenancy.Token) bool {
	w.t.Helper()
	_, err := w.svc.Sessions.Authenticate(w.ctx, token.Reveal())
	if err != nil {
		w.failed(err, tenancy.ErrSessionExpired, "token")
	}
	return err != nil
}

// lasting sets what an organization allows.
func (w *world) lasting(org tenancy.Organization, idle, longest time.Duration) {
	w.t.Helper()
	_, err := w.svc.Organizations.Update(w.ctx, org.ID, tenancy.OrganizationUpdate{SessionIdle: &idle, SessionFor: &longest})
	w.NoError(err)
}

// limitsAsActor: whoever may only change settings leaves the limits as they are.
func limitsAsActor(w *world) {
	h := newHouse(w)
	w.role(h.acme.ID, "org-setter", "", rbac.Grant(rbac.UpdateOrganization))
	_, err := w.svc.Memberships.SetRoles(w.ctx, h.acme.ID, h.people["member"].ID, "org-setter")
	w.NoError(err)
	set := func(local string, in tenancy.OrganizationUpdate) func() error {
		return func() error { _, err := h.as(local).Organizations.Update(w.ctx, h.acme.ID, in); return err }
	}
	hour, none := time.Hour, time.Duration(0)
	w.refuses(tenancy.ErrForbidden, "session_idle", set("member", tenancy.OrganizationUpdate{SessionIdle: &hour}))
	w.refuses(tenancy.ErrForbidden, "session_for", set("member", tenancy.OrganizationUpdate{SessionFor: &hour}))
	w.silent(set("member", tenancy.OrganizationUpdate{SessionIdle: &none, SessionFor: &none}))
	w.NoError(set("admin", tenancy.OrganizationUpdate{SessionIdle: &hour})())
	w.refuses(tenancy.ErrForbidden, "session_idle", set("member", tenancy.OrganizationUpdate{SessionIdle: &none}))
}

func stricterLimits(w *world) {
	ada := w.user("ada")
	acme := w.owned("Acme", ada)
	for name, c := range map[string]struct {
		idle, longest time.Duration // the organization's
		lives         time.Duration // unused
		age           time.Duration // used all the time
	}{
		"none":                    {0, 0, 14 * day, 30 * day},
		"stricter":                {time.Hour, 2 * day, time.Hour, 2 * day},
		"stricter in one":         {0, 20 * day, 14 * day, 20 * day},
		"looser":                  {100 * day, 200 * day, 14 * day, 30 * day},
		"idle longer than it can": {3 * day, time.Hour, time.Hour, time.Hour},
	} {
		for _, when := range []string{"before", "after"} {
			w.each(name+", set "+when+" the session", func(w *world) {
				w.lasting(acme, 0, 0)
				if when == "before" {
					w.lasting(acme, c.idle, c.longest)
				}
				unused, used := w.session(ada, acme.ID), w.session(ada, acme.ID)
				w.lasting(acme, c.idle, c.longest)
				begin := w.clock.at
				for w.clock.at.Add(c.lives / 2).Before(begin.Add(c.age)) {
					w.clock.advance(c.lives / 2)
					w.lives(used.Token)
					if w.clock.at.Before(begin.Add(c.lives)) {
						continue // it would be used
					}
					w.ended(unused.Token, tenancy.ErrSessionExpired, "")
				}
				w.clock.at = begin.Add(c.age - time.Microsecond)
				w.lives(used.Token)
				w.clock.at = begin.Add(c.age)
				w.ended(used.Token, tenancy.ErrSessionExpired, "")
				w.ended(unused.Token, tenancy.ErrSessionExpired, "")
			})
		}
	}
	// The application's own, if that is the stricter.
	strict := w.another(func(c *tenancy.Config) { c.SessionIdle, c.SessionFor = time.Minute, time.Hour })
	w.lasting(acme, 0, 0)
	token := w.session(ada, acme.ID).Token
	w.clock.advance(time.Minute)
	_, err := strict.Sessions.Authenticate(w.ctx, token.Reveal())
	w.failed(err, tenancy.ErrSessionExpired, "token")
	w.lives(token)
}

// raisedLimits: what ran out stays so, and what has not ends, too.
func raisedLimits(w *world) {
	ada := w.user("ada")
	acme := w.owned("Acme", ada)
	for name, c := range map[string]struct{ idle, longest time.Duration }{
		"idle":       {time.Hour, 0},
		"both":       {time.Hour, time.Hour},
		"altogether": {0, time.Hour},
	} {
		w.each(name, func(w *world) {
			w.lasting(acme, c.idle, c.longest)
			out := w.session(ada, acme.ID)
			w.clock.advance(2 * time.Hour)
			w.ended(out.Token, tenancy.ErrSessionExpired, "")
			w.lasting(acme, 0, 0)
			_, err := w.svc.Sessions.Authenticate(w.ctx, out.Token.Reveal())
			w.Error(err)
			fresh := w.session(ada, acme.ID)
			w.lasting(acme, 0, 100*day) // more than Config allows raises nothing
			w.lives(fresh.Token)
			w.lasting(acme, c.idle, c.longest)
			w.lives(fresh.Token)
		})
	}
}
