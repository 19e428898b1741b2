package servicetest

import (
	"context"
	"errors"
	"time"

	"github.com/freehold-dev/freehold/domains"
	"github.com/freehold-dev/freehold/tenancy"
)

func provingRules() []rule {
	return []rule{
		{"D3 Verify: what is proved is verified", on(verifying)},
		{"D3 Verify: what is not proved is domain_not_verified", on(notProved)},
		{"D3 Verify without a Prover", with(func(c *tenancy.Config) { c.Prover = nil }, noProver)},
		{"D3 Verify: what happened while the Prover looked stands", on(meddling)},
		{"D3 Verify again", on(verifyAgain)},
		{"D3 MarkVerified", on(marking)},
		{"D4 Verify: the methods", on(methodsOfProof)},
		{"D4 Verify stops with its context", on(verifyCanceled)},
	}
}

func verifying(w *world) {
	acme := w.org("Acme")
	d := w.claim(acme.ID, "acme.example")
	w.clock.advance(time.Hour)
	got, err := w.verify(d)
	w.NoError(err)
	at := w.clock.at.Truncate(time.Microsecond)
	w.Equal([]any{tenancy.DomainVerified, "dns", at, at}, []any{got.State, got.Method, got.VerifiedAt, got.ProvedAt})
	w.Equal(got, w.domain(d))
	w.Equal(d.Challenge, got.Challenge)
	w.Equal(acme.ID, w.owner("ada@acme.example"))
	w.False(got.Subdomains)
	w.Equal([]look{{domains.Challenge{App: "freehold", Domain: "acme.example", Token: d.Challenge}, domains.MethodDNS}}, w.prover.looks())
	within := got.DueAt.Sub(at)
	w.True(within > 26*24*time.Hour && within <= month, "%v", within)
}

func notProved(w *world) {
	d := w.claim(w.org("Acme").ID, "acme.example")
	for _, finding := range []domains.Finding{refuted, unknown, {}, {Outcome: "PROVED", Reason: "hm"}} {
		w.prover.says(finding)
		refusal := w.refuses(tenancy.ErrDomainNotVerified, "", func() error { _, err := w.verify(d); return err })
		w.Equal(finding.Reason, refusal.Reason)
	}
	w.prover.err = errStop
	refusal := w.refuses(tenancy.ErrDomainNotVerified, "", func() error { _, err := w.verify(d); return err })
	w.ErrorIs(refusal, errStop)
	w.prover.err = context.DeadlineExceeded // its own
	refusal = w.refuses(tenancy.ErrDomainNotVerified, "", func() error { _, err := w.verify(d); return err })
	w.Equal(domains.ReasonTimeout, refusal.Reason)
	w.Zero(w.owner("ada@acme.example"))
}

func noProver(w *world) {
	d := w.claim(w.org("Acme").ID, "acme.example")
	w.refuses(tenancy.ErrDomainNotVerified, "", func() error { _, err := w.verify(d); return err })
	w.Zero(w.recheck())
	marked := w.vouched(w.org("Marked").ID, "marked.example")
	w.refuses(tenancy.ErrDomainNotVerified, "", func() error {
		_, err := w.svc.Domains.VerifySubdomains(w.ctx, marked.OrganizationID, marked.ID)
		return err
	})
	w.clock.advance(month)
	w.Equal(1, w.recheck()) // claims fail all the same
	w.Equal(tenancy.DomainFailed, w.dump().Domains[0].State)
}

// meddling: the Prover takes its time, outside any transaction.
func meddling(w *world) {
	acme, other := w.org("Acme"), w.org("Other")
	for name, during := range map[string]struct {
		meddle func(d tenancy.Domain) error
		code   tenancy.Code
		field  string
	}{
		"changed": {func(d tenancy.Domain) error {
			_, err := w.svc.Domains.Update(w.ctx, d.OrganizationID, d.ID, tenancy.DomainUpdate{Joining: ptr(tenancy.JoiningAuto)})
			return err
		}, tenancy.ErrConflict, "version"},
		"released": {func(d tenancy.Domain) error { return w.svc.Domains.Release(w.ctx, d.OrganizationID, d.ID) }, tenancy.ErrNotFound, ""},
		"taken": {func(d tenancy.Domain) error {
			_, err := w.svc.Domains.Claim(w.ctx, tenancy.NewDomain{OrganizationID: other.ID, Name: d.Name, Verified: true})
			return err
		}, tenancy.ErrDomainTaken, ""},
		"archived": {func(d tenancy.Domain) error {
			_, err := w.svc.Organizations.Archive(w.ctx, d.OrganizationID)
			return err
		}, tenancy.ErrOrganizationClosed, ""},
	} {
		w.each(name, func(w *world) {
			org := acme
			if name == "archived" {
				org = w.org("Archived")
			}
			d := w.claim(org.ID, name+".example")
			w.prover.meddling = func() { w.NoError(during.meddle(d)) }
			_, err := w.verify(d)
			w.prover.meddling = nil
			w.failed(err, during.code, during.field)
			w.NotEqual(acme.ID, w.owner("ada@"+d.Name))
		})
	}
}

func verifyAgain(w *world) {
	acme := w.org("Acme")
	d := w.holds(acme.ID, "acme.example")
	w.clock.advance(time.Hour)
	w.prover.refute() // harms nothing: only Recheck counts
	w.refuses(tenancy.ErrDomainNotVerified, "", func() error { _, err := w.verify(d); return err })
	w.prover.prove()
	got, err := w.svc.Domains.Verify(w.ctx, acme.ID, d.ID, domains.MethodFile)
	w.NoError(err)
	w.Equal([]any{"file", d.VerifiedAt, w.clock.at.Truncate(time.Microsecond)}, []any{got.Method, got.VerifiedAt, got.ProvedAt})
	w.prover.looks()
	w.clock.advance(month)
	w.Equal(1, w.recheck())
	w.Equal(domains.MethodFile, w.prover.looks()[0].by)
}

func marking(w *world) {
	acme := w.org("Acme")
	d := w.claim(acme.ID, "acme.example")
	got, err := w.svc.Domains.MarkVerified(w.ctx, acme.ID, d.ID)
	w.NoError(err)
	w.Equal([]any{tenancy.DomainVerified, "", w.clock.at.Truncate(time.Microsecond)}, []any{got.State, got.Method, got.ProvedAt})
	w.Zero(got.DueAt)
	w.Equal(acme.ID, w.owner("ada@acme.example"))
	w.silent(func() error { _, err := w.svc.Domains.MarkVerified(w.ctx, acme.ID, d.ID); return err })
	w.prover.refute()
	w.clock.advance(10 * month)
	w.Zero(w.recheck()) // the host's word is not looked for
	w.Empty(w.prover.looks())
	w.Equal(acme.ID, w.owner("ada@acme.example"))

	w.prover.prove() // a proof is
	got, err = w.verify(d)
	w.NoError(err)
	w.NotZero(got.DueAt)
	got, err = w.svc.Domains.MarkVerified(w.ctx, acme.ID, d.ID)
	w.NoError(err)
	w.Zero(got.DueAt)

	late := w.claim(acme.ID, "late.example")
	w.clock.advance(month)
	w.Equal(tenancy.DomainFailed, w.domain(late).State)
	got, err = w.svc.Domains.MarkVerified(w.ctx, acme.ID, late.ID)
	w.NoError(err)
	w.Equal(tenancy.DomainVerified, got.State)
}

func methodsOfProof(w *world) {
	acme := w.org("Acme")
	for _, by := range []domains.Method{domains.MethodDNS, domains.MethodMeta, domains.MethodFile} {
		d := w.claim(acme.ID, string(by)+".example")
		got, err := w.svc.Domains.Verify(w.ctx, acme.ID, d.ID, by)
		w.NoError(err)
		w.Equal(string(by), got.Method)
		w.Equal(by, w.prover.looks()[0].by)
	}
	d := w.claim(acme.ID, "acme.example")
	for _, by := range []domains.Method{"", "DNS", "http", "dns\x00"} {
		w.refuses(tenancy.ErrInvalid, "method", func() error {
			_, err := w.svc.Domains.Verify(w.ctx, acme.ID, d.ID, by)
			return err
		})
	}
	w.Empty(w.prover.looks())
}

func verifyCanceled(w *world) {
	d := w.claim(w.org("Acme").ID, "acme.example")
	ctx, cancel := context.WithCancel(w.ctx)
	w.prover.meddling = cancel
	w.unchanged(func() {
		_, err := w.svc.Domains.Verify(ctx, d.OrganizationID, d.ID, domains.MethodDNS)
		w.failed(err, tenancy.ErrCanceled, "")
		w.True(errors.Is(err, context.Canceled))
	})
}

func longestMatch(w *world) {
	acme, labs, other := w.org("Acme"), w.org("Labs"), w.org("Other")
	parent := w.holds(acme.ID, "acme.example")
	w.Zero(w.owner("ada@labs.acme.example")) // exact by default
	_, err := w.svc.Domains.VerifySubdomains(w.ctx, acme.ID, parent.ID)
	w.NoError(err)
	w.Equal(acme.ID, w.owner("ada@acme.example"))
	w.Equal(acme.ID, w.owner("ada@labs.acme.example"))
	w.Equal(acme.ID, w.owner("ada@a.b.labs.acme.example"))
	w.Zero(w.owner("ada@notacme.example"))
	w.claim(other.ID, "labs.acme.example") // pending, so nothing
	w.Equal(acme.ID, w.owner("ada@labs.acme.example"))
	below := w.holds(labs.ID, "labs.acme.example")
	w.Equal(labs.ID, w.owner("ada@labs.acme.example"))
	w.Equal(acme.ID, w.owner("ada@a.labs.acme.example")) // labs has itself alone
	_, err = w.svc.Domains.VerifySubdomains(w.ctx, labs.ID, below.ID)
	w.NoError(err)
	w.Equal(labs.ID, w.owner("ada@a.labs.acme.example"))
	w.NoError(w.svc.Domains.Release(w.ctx, labs.ID, below.ID))
	w.Equal(acme.ID, w.owner("ada@a.labs.acme.example"))
	// What stands on the list of public suffixes has nothing in common below it.
	w.vouched(other.ID, "acme.github.io")
	w.Zero(w.owner("ada@other.github.io"))
}

func subdomains(w *world) {
	acme := w.org("Acme")
	d := w.claim(acme.ID, "acme.example")
	verify := func() (tenancy.Domain, error) { return w.svc.Domains.VerifySubdomains(w.ctx, acme.ID, d.ID) }
	w.refuses(tenancy.ErrDomainNotVerified, "subdomains", func() error { _, err := verify(); return err })
	w.refuses(tenancy.ErrDomainNotVerified, "subdomains", func() error {
		_, err := w.svc.Domains.Update(w.ctx, acme.ID, d.ID, tenancy.DomainUpdate{Subdomains: ptr(true)})
		return err
	})
	_, err := w.verify(d)
	w.NoError(err)
	w.prover.looks()
	w.prover.of("_freehold-subdomains-challenge.acme.example", refuted) // the domain's own record is not enough
	w.refuses(tenancy.ErrDomainNotVerified, "", func() error { _, err := verify(); return err })
	w.prover.refute()
	w.prover.of("_freehold-subdomains-challenge.acme.example", proved)
	got, err := verify()
	w.NoError(err)
	w.True(got.Subdomains)
	w.Equal(w.clock.at.Truncate(time.Microsecond), got.SubdomainsProvedAt)
	for _, asked := range w.prover.looks() {
		w.True(asked.Subdomains)
		w.Equal(domains.MethodDNS, asked.by)
	}
	w.Equal(acme.ID, w.owner("ada@www.acme.example"))
	got, err = w.svc.Domains.Update(w.ctx, acme.ID, d.ID, tenancy.DomainUpdate{Subdomains: ptr(false)})
	w.NoError(err)
	w.False(got.Subdomains)
	w.Zero(got.SubdomainsProvedAt)
	w.Zero(w.owner("ada@www.acme.example"))
	got, err = w.svc.Domains.Update(w.ctx, acme.ID, d.ID, tenancy.DomainUpdate{Subdomains: ptr(true)}) // the host's word
	w.NoError(err)
	w.True(got.Subdomains)
	w.Equal(acme.ID, w.owner("ada@www.acme.example"))
}

func domainEvents(w *world) {
	acme := w.org("Acme")
	var d tenancy.Domain
	about := func(kind tenancy.EventType) event { return event{kind: kind, org: acme.ID, subject: later} }
	tell := func(kind tenancy.EventType, previous string, call func() (tenancy.Domain, error)) {
		w.clock.advance(time.Minute)
		events := w.emits(func() (err error) { d, err = call(); return err }, about(kind))
		w.tells(events[0], event{kind: kind, org: acme.ID, subject: d.ID.String(), data: d, previous: previous})
	}
	tell(tenancy.EventDomainClaimed, "", func() (tenancy.Domain, error) {
		return w.svc.Domains.Claim(w.ctx, tenancy.NewDomain{OrganizationID: acme.ID, Name: "acme.example"})
	})
	tell(tenancy.EventDomainUpdated, `{"joining":"off"}`, func() (tenancy.Domain, error) {
		return w.svc.Domains.Update(w.ctx, acme.ID, d.ID, tenancy.DomainUpdate{Joining: ptr(tenancy.JoiningAuto)})
	})
	tell(tenancy.EventDomainVerified, anything, func() (tenancy.Domain, error) { return w.verify(d) })
	tell(tenancy.EventDomainUpdated, anything, func() (tenancy.Domain, error) { return w.verify(d) })
	tell(tenancy.EventDomainUpdated, `{"subdomains":null,"subdomains_proved_at":null}`, func() (tenancy.Domain, error) {
		return w.svc.Domains.VerifySubdomains(w.ctx, acme.ID, d.ID)
	})
	tell(tenancy.EventDomainUpdated, anything, func() (tenancy.Domain, error) { return w.svc.Domains.MarkVerified(w.ctx, acme.ID, d.ID) })
	w.emits(func() error { return w.svc.Domains.Release(w.ctx, acme.ID, d.ID) },
		event{kind: tenancy.EventDomainReleased, org: acme.ID, subject: d.ID.String(), data: d})
}
