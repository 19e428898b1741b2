package servicetest

import (
	"context"
	"fmt"
	"time"

	"github.com/freehold-dev/freehold/domains"
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

const day = 24 * time.Hour

// yearOfRechecks: whoever rechecks every day asks once in some 30 days, and has never
// a proof older than that.
func yearOfRechecks(w *world) {
	acme := w.org("Acme")
	held := []tenancy.Domain{w.holds(acme.ID, "a.example"), w.holds(acme.ID, "b.example"), w.holds(acme.ID, "c.example")}
	w.prover.looks()
	days := map[string]bool{}
	for n := range 365 {
		w.clock.advance(day)
		w.recheck()
		for _, asked := range w.prover.looks() {
			days[fmt.Sprintf("%d %s", n, asked.Domain)] = true
		}
		for _, d := range held {
			d = w.domain(d)
			w.Equal(tenancy.DomainVerified, d.State)
			w.LessOrEqual(w.clock.at.Sub(d.ProvedAt), month)
		}
	}
	w.True(len(days) >= 3*12 && len(days) <= 3*14, "%d looks in a year at 3 domains", len(days))
	w.Equal(acme.ID, w.owner("ada@b.example"))
}

// daily rechecks every day, at most so many, until a domain is in another state, and
// says how long that took.
func (w *world) daily(d tenancy.Domain, most int) (days int) {
	w.t.Helper()
	state := w.domain(d).State
	for ; days < most && w.domain(d).State == state; days++ {
		w.clock.advance(day)
		w.recheck()
	}
	return days
}

func lapsing(w *world) {
	acme, ada := w.org("Acme"), w.user("ada")
	d := w.holds(acme.ID, "acme.example")
	w.add(acme, ada)
	w.clock.advance(month)
	w.prover.refute()
	w.recheck()
	missing := w.domain(d)
	w.Equal(w.clock.at.Truncate(time.Microsecond), missing.MissingSince)
	w.Equal(tenancy.DomainVerified, missing.State)
	w.Equal(acme.ID, w.owner(ada.Email))
	days := w.daily(d, 30)
	w.True(days == 7 || days == 8, "%d days", days)
	lapsed := w.domain(d)
	w.Equal(tenancy.DomainLapsed, lapsed.State)
	w.Zero(lapsed.DueAt)
	w.GreaterOrEqual(w.clock.at.Sub(lapsed.MissingSince), 7*day)
	w.Zero(w.owner(ada.Email)) // capture and routing stop
	w.Equal(tenancy.MembershipActive, w.member(acme, ada).Status)
	events := w.since(0)
	w.Equal(tenancy.EventDomainLapsed, events[len(events)-1].Type)
	w.prover.looks()
	w.clock.advance(10 * month)
	w.Zero(w.recheck())
	w.Empty(w.prover.looks())

	w.prover.prove() // by somebody's wish alone
	got, err := w.verify(d)
	w.NoError(err)
	w.Equal([]any{tenancy.DomainVerified, w.clock.at.Truncate(time.Microsecond)}, []any{got.State, got.VerifiedAt})
	w.Zero(got.MissingSince)
	w.Equal(acme.ID, w.owner(ada.Email))
}

func unanswered(w *world) {
	acme := w.org("Acme")
	d := w.holds(acme.ID, "acme.example")
	w.clock.advance(month)
	w.prover.says(unknown)
	w.daily(d, 100)
	w.prover.err = errStop
	w.daily(d, 100)
	w.prover.says(domains.Finding{})
	w.daily(d, 100)
	got := w.domain(d)
	w.Equal(tenancy.DomainVerified, got.State)
	w.Zero(got.MissingSince)
	w.Equal(d.ProvedAt, got.ProvedAt)
	w.Greater(len(w.prover.looks()), 250) // it was tried, day by day
	w.Equal(acme.ID, w.owner("ada@acme.example"))
}

func comesBack(w *world) {
	d := w.holds(w.org("Acme").ID, "acme.example")
	w.clock.advance(month)
	for range 10 { // never 7 days in a row
		w.prover.refute()
		w.daily(d, 6)
		w.NotZero(w.domain(d).MissingSince)
		w.prover.prove()
		w.daily(d, 2)
		w.Zero(w.domain(d).MissingSince)
		w.clock.advance(month)
	}
	w.Equal(tenancy.DomainVerified, w.domain(d).State)
	w.prover.refute() // a negative, silence, a negative: they are 7 days apart
	w.recheck()
	w.prover.says(unknown)
	w.daily(d, 20)
	w.Equal(tenancy.DomainVerified, w.domain(d).State)
	w.prover.refute()
	w.Equal(1, w.daily(d, 5))
	w.Equal(tenancy.DomainLapsed, w.domain(d).State)
}

func subdomainsLapse(w *world) {
	acme := w.org("Acme")
	d, marked := w.holds(acme.ID, "acme.example"), w.vouched(acme.ID, "marked.example")
	for _, d := range []tenancy.Domain{d, marked} {
		_, err := w.svc.Domains.VerifySubdomains(w.ctx, acme.ID, d.ID)
		w.NoError(err)
	}
	w.clock.advance(month)
	w.prover.of("_freehold-subdomains-challenge.acme.example", refuted)
	w.prover.of("_freehold-subdomains-challenge.marked.example", refuted)
	w.daily(d, 12)
	for _, d := range []tenancy.Domain{d, marked} {
		got := w.domain(d)
		w.Equal(tenancy.DomainVerified, got.State)
		w.False(got.Subdomains)
		w.Equal(acme.ID, w.owner("ada@"+d.Name))
		w.Zero(w.owner("ada@www." + d.Name))
	}
	w.Equal(domains.Proved, w.prover.finding.Outcome)
	w.daily(d, 100)
	w.Zero(w.domain(marked).DueAt) // nothing left to look for
	w.LessOrEqual(w.clock.at.Sub(w.domain(d).ProvedAt), month)
}

func dueOrder(w *world) {
	var held []tenancy.Domain
	for i := range 101 {
		held = append(held, w.holds(w.org("O").ID, fmt.Sprintf("d%d.example", 100-i)))
		w.clock.advance(8 * time.Hour)
	}
	w.clock.advance(month)
	w.prover.says(unknown)
	w.prover.looks()
	n, err := w.svc.Domains.Recheck(w.ctx)
	w.NoError(err)
	w.Equal(100, n) // so many a call
	var last time.Time
	seen := map[string]bool{}
	for _, asked := range w.prover.looks() {
		for _, d := range held {
			if d.Name == asked.Domain {
				w.False(d.DueAt.Before(last), "%s out of order", d.Name)
				last, seen[d.Name] = d.DueAt, true
			}
		}
	}
	w.Len(seen, 100)
	n, err = w.svc.Domains.Recheck(w.ctx)
	w.NoError(err)
	w.Equal(1, n)
	n, err = w.svc.Domains.Recheck(w.ctx)
	w.NoError(err)
	w.Zero(n)
	due := map[time.Time]bool{}
	for _, d := range w.dump().Domains {
		ahead := d.DueAt.Sub(w.clock.at)
		w.True(ahead > 20*time.Hour && ahead <= day, "%v", ahead)
		due[d.DueAt] = true
	}
	w.Greater(len(due), 90, "no jitter")
}

// recheckBreaks: each of its transactions is whole, and the next one goes on.
func recheckBreaks(w *world) {
	acme := w.org("Acme")
	d, claim := w.holds(acme.ID, "acme.example"), w.claim(acme.ID, "late.example")
	for n := 1; ; n++ {
		w.clock.advance(month)
		met, before := 0, w.domain(d)
		faulty := &faultStore{inner: w.store, commit: fine, begin: func() {}, statement: func() error {
			if met++; met == n {
				return fault()
			}
			return nil
		}}
		breaks := w.another(func(c *tenancy.Config) { c.Store = faulty })
		_, err := breaks.Domains.Recheck(w.ctx)
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
		w.failed(err, faultCode, "")
		w.clock.advance(day)
		w.recheck()
		w.Equal(w.clock.at.Truncate(time.Microsecond), w.domain(d).ProvedAt)
	}
	w.Equal(tenancy.DomainFailed, w.dumped(claim).State)

	ctx, cancel := context.WithCancel(w.ctx) // the host ends while the Prover looks
	w.clock.advance(month)
	before := w.domain(d)
	w.prover.meddling = cancel
	_, err := w.svc.Domains.Recheck(ctx)
	w.prover.meddling = nil
	w.failed(err, tenancy.ErrCanceled, "")
	w.Equal(before.ProvedAt, w.domain(d).ProvedAt)
	w.Greater(w.domain(d).DueAt, w.clock.at)
}

// dumped is a claim as it is stored.
func (w *world) dumped(d tenancy.Domain) tenancy.Domain {
	w.t.Helper()
	for _, stored := range w.dump().Domains {
		if stored.ID == d.ID {
			return stored
		}
	}
	w.Fail("no such claim")
	return tenancy.Domain{}
}

func recheckMeddled(w *world) {
	acme := w.org("Acme")
	for name, meddle := range map[string]func(d tenancy.Domain) error{
		"released": func(d tenancy.Domain) error { return w.svc.Domains.Release(w.ctx, acme.ID, d.ID) },
		"archived": func(tenancy.Domain) error { _, err := w.svc.Organizations.Archive(w.ctx, acme.ID); return err },
	} {
		w.each(name, func(w *world) {
			d := w.holds(acme.ID, name+".example")
			w.clock.advance(month + month)
			w.prover.refute()
			var left dump
			w.prover.meddling = func() {
				w.NoError(meddle(d))
				w.prover.meddling = nil
				left = w.dump()
			}
			_, err := w.svc.Domains.Recheck(w.ctx)
			w.NoError(err)
			w.prover.prove()
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
	acme := w.org("Acme")
	d := w.holds(acme.ID, "acme.example")
	w.clock.advance(month)
	w.prover.refute()
	joining := map[tenancy.DomainJoining]tenancy.DomainJoining{tenancy.JoiningOff: tenancy.JoiningSuggest, tenancy.JoiningSuggest: tenancy.JoiningOff}
	w.prover.meddling = func() {
		_, err := w.svc.Domains.Update(w.ctx, acme.ID, d.ID, tenancy.DomainUpdate{Joining: ptr(joining[w.domain(d).Joining])})
		w.NoError(err)
	}
	days := w.daily(d, 30)
	w.Equal(tenancy.DomainLapsed, w.domain(d).State)
	w.LessOrEqual(days, 10)
}

// reregistered: Old lets its domain go, New registers it. By and by Old loses
// everything that the domain gave it, and New has it.
func reregistered(w *world) {
	old, fresh := w.org("Old"), w.org("New")
	was := w.holds(old.ID, "acme.example")
	_, err := w.svc.Domains.VerifySubdomains(w.ctx, old.ID, was.ID)
	w.NoError(err)
	claim := w.claim(fresh.ID, "acme.example")
	w.refuses(tenancy.ErrDomainTaken, "", func() error { _, err := w.verify(claim); return err })
	w.clock.advance(month)
	w.prover.refute() // the record of Old is gone
	w.daily(was, 10)
	w.Equal(tenancy.DomainLapsed, w.domain(was).State)
	w.Zero(w.owner("ada@acme.example"))
	w.Zero(w.owner("ada@www.acme.example"))

	w.prover.prove()
	claim, err = w.verify(claim) // 30 days have gone by: with a new token
	w.failed(err, tenancy.ErrDomainNotVerified, "")
	_, err = w.verify(claim)
	w.NoError(err)
	w.Equal(fresh.ID, w.owner("ada@acme.example"))
	w.Zero(w.owner("ada@www.acme.example")) // what Old proved of them is not New's
	w.refuses(tenancy.ErrDomainTaken, "", func() error { _, err := w.verify(was); return err })
	w.NoError(w.svc.Domains.Release(w.ctx, old.ID, was.ID))
	w.Equal(fresh.ID, w.owner("ada@acme.example"))
}
