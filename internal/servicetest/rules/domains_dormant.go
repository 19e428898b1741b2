package rules

import (
	"time"

	"github.com/freehold-dev/freehold/internal/servicetest"
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
	acme, other := w.Org("Acme"), w.Org("Other")
	held, claim := w.Holds(acme.ID, "acme.example"), w.Claim(acme.ID, "acme.test")
	rival := w.Claim(other.ID, "acme.example")
	events := w.emits(func() error { _, err := w.Svc.Organizations.Archive(w.Ctx, acme.ID); return err },
		some(tenancy.EventDomainDormant), some(tenancy.EventOrganizationArchived))
	w.tells(events[0], event{
		kind: tenancy.EventDomainDormant, org: acme.ID, subject: held.ID.String(), data: w.domain(held), previous: anything,
	})
	w.Equal(tenancy.DomainDormant, w.domain(held).State)
	w.Equal(tenancy.DomainPending, w.domain(claim).State)
	w.Zero(w.owner("ada@acme.example"))
	w.silent(func() error { _, err := w.Svc.Organizations.Archive(w.Ctx, acme.ID); return err })
	w.Prover.Looks()
	w.Prover.RefuteAll()
	w.Clock.Advance(29 * servicetest.Day)
	w.recheck()
	looks := w.Prover.Looks()
	w.Len(looks, 1)
	w.Equal(rival.Challenge, looks[0].Token)
	w.Prover.ProveAll()
	_, err := w.Verify(rival) // free for others
	w.NoError(err)
	w.Equal(other.ID, w.owner("ada@acme.example"))
}

func wokenFresh(w *world) {
	acme := w.Org("Acme")
	held, marked := w.Holds(acme.ID, "acme.example"), w.vouched(acme.ID, "marked.example")
	w.Archive(acme)
	w.Clock.Advance(servicetest.Month - time.Microsecond)
	var done tenancy.Restored
	w.emits(func() error { done = w.restore(acme); return nil },
		some(tenancy.EventOrganizationRestored), some(tenancy.EventDomainVerified), some(tenancy.EventDomainVerified))
	w.Empty(done.TakenDomains)
	for _, d := range []tenancy.Domain{held, marked} {
		got := w.domain(d)
		w.Equal([]any{tenancy.DomainVerified, d.Challenge, d.ProvedAt, d.Method}, []any{got.State, got.Challenge, got.ProvedAt, got.Method})
		w.Equal(acme.ID, w.owner("ada@"+d.Name))
	}
	w.Prover.Looks()
	w.Equal(1, w.recheck()) // at once, since nobody looked meanwhile
	w.Len(w.Prover.Looks(), 1)
	w.silent(func() error { w.restore(acme); return nil })
}

func wokenStale(w *world) {
	acme := w.Org("Acme")
	held, marked := w.Holds(acme.ID, "acme.example"), w.vouched(acme.ID, "marked.example")
	w.Archive(acme)
	w.Clock.Advance(servicetest.Month)
	w.emits(func() error { w.restore(acme); return nil },
		some(tenancy.EventOrganizationRestored), some(tenancy.EventDomainUpdated), some(tenancy.EventDomainUpdated))
	for _, d := range []tenancy.Domain{held, marked} {
		got := w.domain(d)
		w.Equal(tenancy.DomainPending, got.State)
		w.NotEqual(d.Challenge, got.Challenge)
		w.Equal(w.Clock.At.Truncate(time.Microsecond).Add(servicetest.Month), got.DueAt)
		w.Zero(got.ProvedAt)
		w.Zero(w.owner("ada@" + d.Name))
	}
	_, err := w.Verify(held)
	w.NoError(err)
}

func wokenTaken(w *world) {
	acme, other := w.Org("Acme"), w.Org("Other")
	held, kept := w.Holds(acme.ID, "acme.example"), w.Holds(acme.ID, "kept.example")
	w.Archive(acme)
	taken := w.Holds(other.ID, "acme.example")
	done := w.restore(acme)
	w.Equal([]string{"acme.example"}, done.TakenDomains)
	got := w.domain(held)
	w.Equal(tenancy.DomainFailed, got.State)
	w.NotEqual(held.Challenge, got.Challenge)
	w.Equal(tenancy.DomainVerified, w.domain(kept).State)
	w.Equal(other.ID, w.owner("ada@acme.example"))
	w.refuses(tenancy.ErrDomainTaken, "", func() error { _, err := w.Verify(held); return err })
	w.NoError(w.Svc.Domains.Release(w.Ctx, other.ID, taken.ID))
	w.Equal(tenancy.DomainPending, w.domain(held).State)
}

func wokenSubdomains(w *world) {
	acme := w.Org("Acme")
	d, word := w.Holds(acme.ID, "acme.example"), w.Holds(acme.ID, "word.example")
	_, err := w.Svc.Domains.VerifySubdomains(w.Ctx, acme.ID, d.ID)
	w.NoError(err)
	_, err = w.Svc.Domains.Update(w.Ctx, acme.ID, word.ID, tenancy.DomainUpdate{Subdomains: servicetest.Ptr(true)})
	w.NoError(err)
	w.Clock.Advance(20 * servicetest.Day)
	for _, d := range []tenancy.Domain{d, word} {
		_, err = w.Verify(d) // the domain itself alone
		w.NoError(err)
	}
	w.Archive(acme)
	w.Clock.Advance(10 * servicetest.Day)
	w.restore(acme)
	w.Equal(acme.ID, w.owner("ada@acme.example"))
	w.Zero(w.owner("ada@www.acme.example"))
	w.Equal(acme.ID, w.owner("ada@www.word.example"))
}

func closedDomains(w *world) {
	acme := w.Org("Acme")
	held, claim := w.Holds(acme.ID, "acme.example"), w.Claim(acme.ID, "acme.test")
	w.Archive(acme)
	for name, call := range map[string]func() error{
		"Claim": func() error {
			_, err := w.Svc.Domains.Claim(w.Ctx, tenancy.NewDomain{OrganizationID: acme.ID, Name: "new.example"})
			return err
		},
		"Verify dormant":   func() error { _, err := w.Verify(held); return err },
		"Verify pending":   func() error { _, err := w.Verify(claim); return err },
		"VerifySubdomains": func() error { _, err := w.Svc.Domains.VerifySubdomains(w.Ctx, acme.ID, held.ID); return err },
		"MarkVerified":     func() error { _, err := w.Svc.Domains.MarkVerified(w.Ctx, acme.ID, claim.ID); return err },
	} {
		w.each(name, func(w *world) { w.refuses(tenancy.ErrOrganizationClosed, "", call) })
	}
}

func suspendedDomains(w *world) {
	acme := w.Org("Acme")
	d := w.Holds(acme.ID, "acme.example")
	_, err := w.Svc.Organizations.Suspend(w.Ctx, acme.ID)
	w.NoError(err)
	w.Equal(d, w.domain(d))
	w.Clock.Advance(servicetest.Month)
	w.Equal(1, w.recheck())
	rival := w.Claim(w.Org("Other").ID, "acme.example")
	w.refuses(tenancy.ErrDomainTaken, "", func() error { _, err := w.Verify(rival); return err })
}
