package rules

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/freehold-dev/freehold/domains"
	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/tenancy"
)

func recheckRules() []rule {
	return []rule{
		{"D5 a year of rechecks", on(yearOfRechecks)},
		{"D5 negatives over 7 days make a domain lapse", on(lapsing)},
		{"D5 what is no authoritative negative never counts", on(unanswered)},
		{"D5 a proof that comes back in time", on(comesBack)},
		{"D5 subdomains go by themselves", on(subdomainsLapse)},
		{"D5 Recheck goes by due time, and each attempt moves it", on(dueOrder)},
		{"D5 a Recheck that breaks off", on(recheckBreaks)},
		{"D5 what happened while Recheck looked stands", on(recheckMeddled)},
		{"D5 attack: a domain that is changed at each look", on(recheckEvaded)},
		{"D5 attack: a lapsed domain that another organization registers", on(reregistered)},
	}
}

// yearOfRechecks: whoever rechecks every day asks once in some 30 days, and has never
// a proof older than that.
func yearOfRechecks(w *world) {
	acme := w.Org("Acme")
	held := []tenancy.Domain{w.Holds(acme.ID, "a.example"), w.Holds(acme.ID, "b.example"), w.Holds(acme.ID, "c.example")}
	w.Prover.Looks()
	days := map[string]bool{}
	for n := range 365 {
		w.Clock.Advance(servicetest.Day)
		w.recheck()
		for _, asked := range w.Prover.Looks() {
			days[fmt.Sprintf("%d %s", n, asked.Domain)] = true
		}
		for _, d := range held {
			d = w.domain(d)
			w.Equal(tenancy.DomainVerified, d.State)
			w.LessOrEqual(w.Clock.At.Sub(d.ProvedAt), servicetest.Month)
		}
	}
	w.True(len(days) >= 3*12 && len(days) <= 3*14, "%d looks in a year at 3 domains", len(days))
	w.Equal(acme.ID, w.owner("ada@b.example"))
}

// daily rechecks every day, at most so many, until a domain is in another state, and
// says how long that took.
func (w *world) daily(d tenancy.Domain, most int) (days int) {
	w.T.Helper()
	state := w.domain(d).State
	for ; days < most && w.domain(d).State == state; days++ {
		w.Clock.Advance(servicetest.Day)
		w.recheck()
	}
	return days
}

func lapsing(w *world) {
	acme, ada := w.Org("Acme"), w.User("ada")
	d := w.Holds(acme.ID, "acme.example")
	w.Add(acme, ada)
	w.Clock.Advance(servicetest.Month)
	w.Prover.RefuteAll()
	w.recheck()
	missing := w.domain(d)
	w.Equal(w.Clock.At.Truncate(time.Microsecond), missing.MissingSince)
	w.Equal(tenancy.DomainVerified, missing.State)
	w.Equal(acme.ID, w.owner(ada.Email))
	days := w.daily(d, 30)
	w.True(days == 7 || days == 8, "%d days", days)
	lapsed := w.domain(d)
	w.Equal(tenancy.DomainLapsed, lapsed.State)
	w.Zero(lapsed.DueAt)
	w.GreaterOrEqual(w.Clock.At.Sub(lapsed.MissingSince), 7*servicetest.Day)
	w.Zero(w.owner(ada.Email)) // capture and routing stop
	w.Equal(tenancy.MembershipActive, w.Member(acme, ada).Status)
	events := w.since(0)
	w.Equal(tenancy.EventDomainLapsed, events[len(events)-1].Type)
	w.Prover.Looks()
	w.Clock.Advance(10 * servicetest.Month)
	w.Zero(w.recheck())
	w.Empty(w.Prover.Looks())

	w.Prover.ProveAll() // by somebody's wish alone
	got, err := w.Verify(d)
	w.NoError(err)
	w.Equal([]any{tenancy.DomainVerified, w.Clock.At.Truncate(time.Microsecond)}, []any{got.State, got.VerifiedAt})
	w.Zero(got.MissingSince)
	w.Equal(acme.ID, w.owner(ada.Email))
}

func unanswered(w *world) {
	acme := w.Org("Acme")
	d := w.Holds(acme.ID, "acme.example")
	w.Clock.Advance(servicetest.Month)
	w.Prover.Says(unknown)
	w.daily(d, 100)
	w.Prover.Err = servicetest.ErrStop
	w.daily(d, 100)
	w.Prover.Says(domains.Finding{})
	w.daily(d, 100)
	got := w.domain(d)
	w.Equal(tenancy.DomainVerified, got.State)
	w.Zero(got.MissingSince)
	w.Equal(d.ProvedAt, got.ProvedAt)
	w.Greater(len(w.Prover.Looks()), 250) // it was tried, day by day
	w.Equal(acme.ID, w.owner("ada@acme.example"))
}

func comesBack(w *world) {
	d := w.Holds(w.Org("Acme").ID, "acme.example")
	w.Clock.Advance(servicetest.Month)
	for range 10 { // never 7 days in a row
		w.Prover.RefuteAll()
		w.daily(d, 6)
		w.NotZero(w.domain(d).MissingSince)
		w.Prover.ProveAll()
		w.daily(d, 2)
		w.Zero(w.domain(d).MissingSince)
		w.Clock.Advance(servicetest.Month)
	}
	w.Equal(tenancy.DomainVerified, w.domain(d).State)
	w.Prover.RefuteAll() // a negative, silence, a negative: they are 7 days apart
	w.recheck()
	w.Prover.Says(unknown)
	w.daily(d, 20)
	w.Equal(tenancy.DomainVerified, w.domain(d).State)
	w.Prover.RefuteAll()
	w.Equal(1, w.daily(d, 5))
	w.Equal(tenancy.DomainLapsed, w.domain(d).State)
}

func subdomainsLapse(w *world) {
	acme := w.Org("Acme")
	d, marked := w.Holds(acme.ID, "acme.example"), w.vouched(acme.ID, "marked.example")
	for _, d := range []tenancy.Domain{d, marked} {
		_, err := w.Svc.Domains.VerifySubdomains(w.Ctx, acme.ID, d.ID)
		w.NoError(err)
	}
	w.Clock.Advance(servicetest.Month)
	w.Prover.SaysOf("_freehold-subdomains-challenge.acme.example", servicetest.Refuted)
	w.Prover.SaysOf("_freehold-subdomains-challenge.marked.example", servicetest.Refuted)
	w.daily(d, 12)
	for _, d := range []tenancy.Domain{d, marked} {
		got := w.domain(d)
		w.Equal(tenancy.DomainVerified, got.State)
		w.False(got.Subdomains)
		w.Equal(acme.ID, w.owner("ada@"+d.Name))
		w.Zero(w.owner("ada@www." + d.Name))
	}
	w.Equal(domains.Proved, w.Prover.Finding.Outcome)
	w.daily(d, 100)
	w.Zero(w.domain(marked).DueAt) // nothing left to look for
	w.LessOrEqual(w.Clock.At.Sub(w.domain(d).ProvedAt), servicetest.Month)
}

func dueOrder(w *world) {
	var held []tenancy.Domain
	for i := range 101 {
		held = append(held, w.Holds(w.Org("O").ID, fmt.Sprintf("d%d.example", 100-i)))
		w.Clock.Advance(8 * time.Hour)
	}
	w.Clock.Advance(servicetest.Month)
	w.Prover.Says(unknown)
	w.Prover.Looks()
	n, err := w.Svc.Domains.Recheck(w.Ctx)
	w.NoError(err)
	w.Equal(100, n) // so many a call
	slices.SortFunc(held, func(a, b tenancy.Domain) int { return a.DueAt.Compare(b.DueAt) })
	seen := map[string]bool{}
	for at, asked := range w.Prover.Looks() {
		place := slices.IndexFunc(held, func(d tenancy.Domain) bool { return d.Name == asked.Domain })
		w.Less(place-at, 12, "%s before its turn", asked.Domain) // so many are looked at at once
		seen[asked.Domain] = true
	}
	w.Len(seen, 100)
	w.False(seen[held[100].Name])
	n, err = w.Svc.Domains.Recheck(w.Ctx)
	w.NoError(err)
	w.Equal(1, n)
	n, err = w.Svc.Domains.Recheck(w.Ctx)
	w.NoError(err)
	w.Zero(n)
	due := map[time.Time]bool{}
	for _, d := range w.Dump().Domains {
		ahead := d.DueAt.Sub(w.Clock.At)
		w.True(ahead > 20*time.Hour && ahead <= servicetest.Day, "%v", ahead)
		due[d.DueAt] = true
	}
	w.Greater(len(due), 90, "no jitter")
}

// recheckBreaks: each of its transactions is whole, and the next one goes on.
func recheckBreaks(w *world) {
	acme := w.Org("Acme")
	d, claim := w.Holds(acme.ID, "acme.example"), w.Claim(acme.ID, "late.example")
	for n := 1; ; n++ {
		w.Clock.Advance(servicetest.Month)
		met, before := 0, w.domain(d)
		faulty := &servicetest.FaultStore{Inner: w.Store, Commit: servicetest.Fine, Begin: func() {}, Statement: func() error {
			if met++; met == n {
				return servicetest.Fault()
			}
			return nil
		}}
		breaks := w.Another(func(c *tenancy.Config) { c.Store = faulty })
		_, err := breaks.Domains.Recheck(w.Ctx)
		after := w.domain(d)
		w.Contains([]int64{0, 1, 2}, after.Version-before.Version)
		w.Equal(tenancy.DomainVerified, after.State)
		if after.Version-before.Version == 1 {
			w.Greater(after.DueAt, before.DueAt) // the attempt was one
		}
		if met < n {
			w.NoError(err)
			break
		}
		w.Failed(err, servicetest.FaultCode, "")
		if after.Version-before.Version < 2 { // else it broke on the way to the claims
			w.Clock.Advance(servicetest.Day)
			w.recheck()
		}
		w.Equal(w.Clock.At.Truncate(time.Microsecond), w.domain(d).ProvedAt)
	}
	w.Equal(tenancy.DomainFailed, w.dumped(claim).State)

	ctx, cancel := context.WithCancel(w.Ctx) // the host ends while the Prover looks
	w.Clock.Advance(servicetest.Month)
	before := w.domain(d)
	w.Prover.Meddling = cancel
	_, err := w.Svc.Domains.Recheck(ctx)
	w.Prover.Meddling = nil
	w.Failed(err, tenancy.ErrCanceled, "")
	w.Equal(before.ProvedAt, w.domain(d).ProvedAt)
	w.Greater(w.domain(d).DueAt, w.Clock.At)
}

// dumped is a claim as it is stored.
func (w *world) dumped(d tenancy.Domain) tenancy.Domain {
	w.T.Helper()
	for _, stored := range w.Dump().Domains {
		if stored.ID == d.ID {
			return stored
		}
	}
	w.Fail("no such claim")
	return tenancy.Domain{}
}

func recheckMeddled(w *world) {
	acme := w.Org("Acme")
	for name, meddle := range map[string]func(d tenancy.Domain) error{
		"released": func(d tenancy.Domain) error { return w.Svc.Domains.Release(w.Ctx, acme.ID, d.ID) },
		"archived": func(tenancy.Domain) error { _, err := w.Svc.Organizations.Archive(w.Ctx, acme.ID); return err },
	} {
		w.each(name, func(w *world) {
			d := w.Holds(acme.ID, name+".example")
			w.Clock.Advance(servicetest.Month + servicetest.Month)
			w.Prover.RefuteAll()
			var left servicetest.Dump
			w.Prover.Meddling = func() {
				w.NoError(meddle(d))
				w.Prover.Meddling = nil
				left = w.Dump()
			}
			_, err := w.Svc.Domains.Recheck(w.Ctx)
			w.NoError(err)
			w.Prover.ProveAll()
			for _, stored := range left.Domains {
				if stored.ID == d.ID {
					w.Equal(stored, w.dumped(d))
				}
			}
			if name == "archived" {
				w.restore(acme)
			}
		})
	}
}

// recheckEvaded: what a look does not depend on may change meanwhile, and it counts.
func recheckEvaded(w *world) {
	acme := w.Org("Acme")
	d := w.Holds(acme.ID, "acme.example")
	w.Clock.Advance(servicetest.Month)
	w.Prover.RefuteAll()
	joining := map[tenancy.DomainJoining]tenancy.DomainJoining{tenancy.JoiningOff: tenancy.JoiningSuggest, tenancy.JoiningSuggest: tenancy.JoiningOff}
	w.Prover.Meddling = func() {
		_, err := w.Svc.Domains.Update(w.Ctx, acme.ID, d.ID, tenancy.DomainUpdate{Joining: servicetest.Ptr(joining[w.domain(d).Joining])})
		w.NoError(err)
	}
	days := w.daily(d, 30)
	w.Equal(tenancy.DomainLapsed, w.domain(d).State)
	w.LessOrEqual(days, 10)
}

// reregistered: Old lets its domain go, New registers it. By and by Old loses
// everything that the domain gave it, and New has it.
func reregistered(w *world) {
	old, fresh := w.Org("Old"), w.Org("New")
	was := w.Holds(old.ID, "acme.example")
	_, err := w.Svc.Domains.VerifySubdomains(w.Ctx, old.ID, was.ID)
	w.NoError(err)
	claim := w.Claim(fresh.ID, "acme.example")
	w.refuses(tenancy.ErrDomainTaken, "", func() error { _, err := w.Verify(claim); return err })
	w.Clock.Advance(servicetest.Month)
	w.Prover.RefuteAll() // the record of Old is gone
	w.daily(was, 10)
	w.Equal(tenancy.DomainLapsed, w.domain(was).State)
	w.Zero(w.owner("ada@acme.example"))
	w.Zero(w.owner("ada@www.acme.example"))

	w.Prover.ProveAll()
	claim, err = w.Verify(claim) // 30 days have gone by: with a new token
	w.Failed(err, tenancy.ErrDomainNotVerified, "")
	_, err = w.Verify(claim)
	w.NoError(err)
	w.Equal(fresh.ID, w.owner("ada@acme.example"))
	w.Zero(w.owner("ada@www.acme.example")) // what Old proved of them is not New's
	w.refuses(tenancy.ErrDomainTaken, "", func() error { _, err := w.Verify(was); return err })
	w.NoError(w.Svc.Domains.Release(w.Ctx, old.ID, was.ID))
	w.Equal(fresh.ID, w.owner("ada@acme.example"))
}
