package servicetest

import (
	"time"

	"github.com/freehold-dev/freehold/tenancy"
)

func dormantRules() []rule {
	return []rule{
		{"O2 domains of an archived organization are dormant", on(dormant)},
		{"O2 restored: verified again while the proof is fresh", on(wokenFresh)},
		{"O2 restored: pending anew when the proof is old", on(wokenStale)},
		{"O2 restored: a domain that another has taken is reported", on(wokenTaken)},
		{"O2 restored: subdomains whose proof is old", on(wokenSubdomains)},
		{"O2 in an archived organization nothing is claimed or verified", on(closedDomains)},
		{"O2 a suspended organization keeps its domains", on(suspendedDomains)},
	}
}

func dormant(w *world) {
	acme, other := w.org("Acme"), w.org("Other")
	held, claim := w.holds(acme.ID, "acme.example"), w.claim(acme.ID, "acme.test")
	rival := w.claim(other.ID, "acme.example")
	events := w.emits(func() error { _, err := w.svc.Organizations.Archive(w.ctx, acme.ID); return err },
		some(tenancy.EventDomainDormant), some(tenancy.EventOrganizationArchived))
	w.tells(events[0], event{
		kind: tenancy.EventDomainDormant, org: acme.ID, subject: held.ID.String(), data: w.domain(held), previous: anything,
	})
	w.Equal(tenancy.DomainDormant, w.domain(held).State)
	w.Equal(tenancy.DomainPending, w.domain(claim).State)
	w.Zero(w.owner("ada@acme.example"))
	w.silent(func() error { _, err := w.svc.Organizations.Archive(w.ctx, acme.ID); return err })
	w.prover.looks()
	w.clock.advance(29 * day)
	w.recheck()
	w.Empty(w.prover.looks())
	_, err := w.verify(rival) // free for others
	w.NoError(err)
	w.Equal(other.ID, w.owner("ada@acme.example"))
}

func wokenFresh(w *world) {
	acme := w.org("Acme")
	held, marked := w.holds(acme.ID, "acme.example"), w.vouched(acme.ID, "marked.example")
	w.archive(acme)
	w.clock.advance(month - time.Microsecond)
	var done tenancy.Restored
	w.emits(func() error { done = w.restore(acme); return nil },
		some(tenancy.EventOrganizationRestored), some(tenancy.EventDomainVerified), some(tenancy.EventDomainVerified))
	w.Empty(done.TakenDomains)
	for _, d := range []tenancy.Domain{held, marked} {
		got := w.domain(d)
		w.Equal([]any{tenancy.DomainVerified, d.Challenge, d.ProvedAt, d.Method}, []any{got.State, got.Challenge, got.ProvedAt, got.Method})
		w.Equal(acme.ID, w.owner("ada@"+d.Name))
	}
	w.prover.looks()
	w.Equal(1, w.recheck()) // at once, since nobody looked meanwhile
	w.Len(w.prover.looks(), 1)
	w.silent(func() error { w.restore(acme); return nil })
}

func wokenStale(w *world) {
	acme := w.org("Acme")
	held, marked := w.holds(acme.ID, "acme.example"), w.vouched(acme.ID, "marked.example")
	w.archive(acme)
	w.clock.advance(month)
	w.emits(func() error { w.restore(acme); return nil },
		some(tenancy.EventOrganizationRestored), some(tenancy.EventDomainUpdated), some(tenancy.EventDomainUpdated))
	for _, d := range []tenancy.Domain{held, marked} {
		got := w.domain(d)
		w.Equal(tenancy.DomainPending, got.State)
		w.NotEqual(d.Challenge, got.Challenge)
		w.Equal(w.clock.at.Truncate(time.Microsecond).Add(month), got.DueAt)
		w.Zero(got.ProvedAt)
		w.Zero(w.owner("ada@" + d.Name))
	}
	_, err := w.verify(held)
	w.NoError(err)
}

func wokenTaken(w *world) {
	acme, other := w.org("Acme"), w.org("Other")
	held, kept := w.holds(acme.ID, "acme.example"), w.holds(acme.ID, "kept.example")
	w.archive(acme)
	taken := w.holds(other.ID, "acme.example")
	done := w.restore(acme)
	w.Equal([]string{"acme.example"}, done.TakenDomains)
	got := w.domain(held)
	w.Equal(tenancy.DomainFailed, got.State)
	w.NotEqual(held.Challenge, got.Challenge)
	w.Equal(tenancy.DomainVerified, w.domain(kept).State)
	w.Equal(other.ID, w.owner("ada@acme.example"))
	w.refuses(tenancy.ErrDomainTaken, "", func() error { _, err := w.verify(held); return err })
	w.NoError(w.svc.Domains.Release(w.ctx, other.ID, taken.ID))
	w.Equal(tenancy.DomainPending, w.domain(held).State)
}

func wokenSubdomains(w *world) {
	acme := w.org("Acme")
	d, word := w.holds(acme.ID, "acme.example"), w.holds(acme.ID, "word.example")
	_, err := w.svc.Domains.VerifySubdomains(w.ctx, acme.ID, d.ID)
	w.NoError(err)
	_, err = w.svc.Domains.Update(w.ctx, acme.ID, word.ID, tenancy.DomainUpdate{Subdomains: ptr(true)})
	w.NoError(err)
	w.clock.advance(20 * day)
	for _, d := range []tenancy.Domain{d, word} {
		_, err = w.verify(d) // the domain itself alone
		w.NoError(err)
	}
	w.archive(acme)
	w.clock.advance(10 * day)
	w.restore(acme)
	w.Equal(acme.ID, w.owner("ada@acme.example"))
	w.Zero(w.owner("ada@www.acme.example"))
	w.Equal(acme.ID, w.owner("ada@www.word.example"))
}

func closedDomains(w *world) {
	acme := w.org("Acme")
	held, claim := w.holds(acme.ID, "acme.example"), w.claim(acme.ID, "acme.test")
	w.archive(acme)
	for name, call := range map[string]func() error{
		"Claim": func() error {
			_, err := w.svc.Domains.Claim(w.ctx, tenancy.NewDomain{OrganizationID: acme.ID, Name: "new.example"})
			return err
		},
		"Verify dormant":   func() error { _, err := w.verify(held); return err },
		"Verify pending":   func() error { _, err := w.verify(claim); return err },
		"VerifySubdomains": func() error { _, err := w.svc.Domains.VerifySubdomains(w.ctx, acme.ID, held.ID); return err },
		"MarkVerified":     func() error { _, err := w.svc.Domains.MarkVerified(w.ctx, acme.ID, claim.ID); return err },
	} {
		w.each(name, func(w *world) { w.refuses(tenancy.ErrOrganizationClosed, "", call) })
	}
}

func suspendedDomains(w *world) {
	acme := w.org("Acme")
	d := w.holds(acme.ID, "acme.example")
	_, err := w.svc.Organizations.Suspend(w.ctx, acme.ID)
	w.NoError(err)
	w.Equal(d, w.domain(d))
	w.clock.advance(month)
	w.Equal(1, w.recheck())
	rival := w.claim(w.org("Other").ID, "acme.example")
	w.refuses(tenancy.ErrDomainTaken, "", func() error { _, err := w.verify(rival); return err })
}
