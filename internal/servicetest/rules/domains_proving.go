package rules

import (
	"context"
	"errors"
	"time"

	"github.com/freehold-dev/freehold/domains"
	"github.com/freehold-dev/freehold/internal/servicetest"
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
	acme := w.Org("Acme")
	d := w.Claim(acme.ID, "acme.example")
	w.Clock.Advance(time.Hour)
	got, err := w.Verify(d)
	w.NoError(err)
	at := w.Clock.At.Truncate(time.Microsecond)
	w.Equal([]any{tenancy.DomainVerified, "dns", at, at}, []any{got.State, got.Method, got.VerifiedAt, got.ProvedAt})
	w.Equal(got, w.domain(d))
	w.Equal(d.Challenge, got.Challenge)
	w.Equal(acme.ID, w.owner("ada@acme.example"))
	w.False(got.Subdomains)
	w.Equal([]servicetest.Look{{Challenge: domains.Challenge{App: "freehold", Domain: "acme.example", Token: d.Challenge}, By: domains.MethodDNS}}, w.Prover.Looks())
	within := got.DueAt.Sub(at)
	w.True(within > 26*24*time.Hour && within <= servicetest.Month, "%v", within)
}

func notProved(w *world) {
	d := w.Claim(w.Org("Acme").ID, "acme.example")
	for _, finding := range []domains.Finding{servicetest.Refuted, unknown, {}, {Outcome: "PROVED", Reason: "hm"}} {
		w.Prover.Says(finding)
		refusal := w.refuses(tenancy.ErrDomainNotVerified, "", func() error { _, err := w.Verify(d); return err })
		w.Equal(finding.Reason, refusal.Reason)
	}
	w.Prover.Err = servicetest.ErrStop
	refusal := w.refuses(tenancy.ErrDomainNotVerified, "", func() error { _, err := w.Verify(d); return err })
	w.ErrorIs(refusal, servicetest.ErrStop)
	w.Prover.Err = context.DeadlineExceeded // its own
	refusal = w.refuses(tenancy.ErrDomainNotVerified, "", func() error { _, err := w.Verify(d); return err })
	w.Equal(domains.ReasonTimeout, refusal.Reason)
	w.Zero(w.owner("ada@acme.example"))
}

func noProver(w *world) {
	d := w.Claim(w.Org("Acme").ID, "acme.example")
	w.refuses(tenancy.ErrDomainNotVerified, "", func() error { _, err := w.Verify(d); return err })
	w.Zero(w.recheck())
	marked := w.vouched(w.Org("Marked").ID, "marked.example")
	w.refuses(tenancy.ErrDomainNotVerified, "", func() error {
		_, err := w.Svc.Domains.VerifySubdomains(w.Ctx, marked.OrganizationID, marked.ID)
		return err
	})
	w.Clock.Advance(servicetest.Month)
	w.Equal(1, w.recheck()) // claims fail all the same
	w.Equal(tenancy.DomainFailed, w.Dump().Domains[0].State)
}

// meddling: the Prover takes its time, outside any transaction.
func meddling(w *world) {
	acme, other := w.Org("Acme"), w.Org("Other")
	for name, during := range map[string]struct {
		meddle func(d tenancy.Domain) error
		code   tenancy.Code
		field  string
	}{
		"changed": {func(d tenancy.Domain) error {
			_, err := w.Svc.Domains.Update(w.Ctx, d.OrganizationID, d.ID, tenancy.DomainUpdate{Joining: servicetest.Ptr(tenancy.JoiningAuto)})
			return err
		}, tenancy.ErrConflict, "version"},
		"released": {func(d tenancy.Domain) error { return w.Svc.Domains.Release(w.Ctx, d.OrganizationID, d.ID) }, tenancy.ErrNotFound, ""},
		"taken": {func(d tenancy.Domain) error {
			_, err := w.Svc.Domains.Claim(w.Ctx, tenancy.NewDomain{OrganizationID: other.ID, Name: d.Name, Verified: true})
			return err
		}, tenancy.ErrDomainTaken, ""},
		"archived": {func(d tenancy.Domain) error {
			_, err := w.Svc.Organizations.Archive(w.Ctx, d.OrganizationID)
			return err
		}, tenancy.ErrOrganizationClosed, ""},
	} {
		w.each(name, func(w *world) {
			org := acme
			if name == "archived" {
				org = w.Org("Archived")
			}
			d := w.Claim(org.ID, name+".example")
			w.Prover.Meddling = func() { w.NoError(during.meddle(d)) }
			_, err := w.Verify(d)
			w.Prover.Meddling = nil
			w.Failed(err, during.code, during.field)
			w.NotEqual(acme.ID, w.owner("ada@"+d.Name))
		})
	}
}

func verifyAgain(w *world) {
	acme := w.Org("Acme")
	d := w.Holds(acme.ID, "acme.example")
	w.Clock.Advance(time.Hour)
	w.Prover.RefuteAll() // harms nothing: only Recheck counts
	w.refuses(tenancy.ErrDomainNotVerified, "", func() error { _, err := w.Verify(d); return err })
	w.Prover.ProveAll()
	got, err := w.Svc.Domains.Verify(w.Ctx, acme.ID, d.ID, domains.MethodFile)
	w.NoError(err)
	w.Equal([]any{"file", d.VerifiedAt, w.Clock.At.Truncate(time.Microsecond)}, []any{got.Method, got.VerifiedAt, got.ProvedAt})
	w.Prover.Looks()
	w.Clock.Advance(servicetest.Month)
	w.Equal(1, w.recheck())
	w.Equal(domains.MethodFile, w.Prover.Looks()[0].By)
}

func marking(w *world) {
	acme := w.Org("Acme")
	d := w.Claim(acme.ID, "acme.example")
	got, err := w.Svc.Domains.MarkVerified(w.Ctx, acme.ID, d.ID)
	w.NoError(err)
	w.Equal([]any{tenancy.DomainVerified, "", w.Clock.At.Truncate(time.Microsecond)}, []any{got.State, got.Method, got.ProvedAt})
	w.Zero(got.DueAt)
	w.Equal(acme.ID, w.owner("ada@acme.example"))
	w.silent(func() error { _, err := w.Svc.Domains.MarkVerified(w.Ctx, acme.ID, d.ID); return err })
	w.Prover.RefuteAll()
	w.Clock.Advance(10 * servicetest.Month)
	w.Zero(w.recheck()) // the host's word is not looked for
	w.Empty(w.Prover.Looks())
	w.Equal(acme.ID, w.owner("ada@acme.example"))

	w.Prover.ProveAll() // a proof is
	got, err = w.Verify(d)
	w.NoError(err)
	w.NotZero(got.DueAt)
	got, err = w.Svc.Domains.MarkVerified(w.Ctx, acme.ID, d.ID)
	w.NoError(err)
	w.Zero(got.DueAt)

	late := w.Claim(acme.ID, "late.example")
	w.Clock.Advance(servicetest.Month)
	w.Equal(tenancy.DomainFailed, w.domain(late).State)
	got, err = w.Svc.Domains.MarkVerified(w.Ctx, acme.ID, late.ID)
	w.NoError(err)
	w.Equal(tenancy.DomainVerified, got.State)
}

func methodsOfProof(w *world) {
	acme := w.Org("Acme")
	for _, by := range []domains.Method{domains.MethodDNS, domains.MethodMeta, domains.MethodFile} {
		d := w.Claim(acme.ID, string(by)+".example")
		got, err := w.Svc.Domains.Verify(w.Ctx, acme.ID, d.ID, by)
		w.NoError(err)
		w.Equal(string(by), got.Method)
		w.Equal(by, w.Prover.Looks()[0].By)
	}
	d := w.Claim(acme.ID, "acme.example")
	for _, by := range []domains.Method{"", "DNS", "http", "dns\x00"} {
		w.refuses(tenancy.ErrInvalid, "method", func() error {
			_, err := w.Svc.Domains.Verify(w.Ctx, acme.ID, d.ID, by)
			return err
		})
	}
	w.Empty(w.Prover.Looks())
}

func verifyCanceled(w *world) {
	d := w.Claim(w.Org("Acme").ID, "acme.example")
	ctx, cancel := context.WithCancel(w.Ctx)
	w.Prover.Meddling = cancel
	w.unchanged(func() {
		_, err := w.Svc.Domains.Verify(ctx, d.OrganizationID, d.ID, domains.MethodDNS)
		w.Failed(err, tenancy.ErrCanceled, "")
		w.True(errors.Is(err, context.Canceled))
	})
}

func longestMatch(w *world) {
	acme, labs, other := w.Org("Acme"), w.Org("Labs"), w.Org("Other")
	parent := w.Holds(acme.ID, "acme.example")
	w.Zero(w.owner("ada@labs.acme.example")) // exact by default
	_, err := w.Svc.Domains.VerifySubdomains(w.Ctx, acme.ID, parent.ID)
	w.NoError(err)
	w.Equal(acme.ID, w.owner("ada@acme.example"))
	w.Equal(acme.ID, w.owner("ada@labs.acme.example"))
	w.Equal(acme.ID, w.owner("ada@a.b.labs.acme.example"))
	w.Zero(w.owner("ada@notacme.example"))
	w.Claim(other.ID, "labs.acme.example") // pending, so nothing
	w.Equal(acme.ID, w.owner("ada@labs.acme.example"))
	below := w.Holds(labs.ID, "labs.acme.example")
	w.Equal(labs.ID, w.owner("ada@labs.acme.example"))
	w.Equal(acme.ID, w.owner("ada@a.labs.acme.example")) // labs has itself alone
	_, err = w.Svc.Domains.VerifySubdomains(w.Ctx, labs.ID, below.ID)
	w.NoError(err)
	w.Equal(labs.ID, w.owner("ada@a.labs.acme.example"))
	w.NoError(w.Svc.Domains.Release(w.Ctx, labs.ID, below.ID))
	w.Equal(acme.ID, w.owner("ada@a.labs.acme.example"))
	// What stands on the list of public suffixes has nothing in common below it.
	w.vouched(other.ID, "acme.github.io")
	w.Zero(w.owner("ada@other.github.io"))
}

func subdomains(w *world) {
	acme := w.Org("Acme")
	d := w.Claim(acme.ID, "acme.example")
	verify := func() (tenancy.Domain, error) { return w.Svc.Domains.VerifySubdomains(w.Ctx, acme.ID, d.ID) }
	w.refuses(tenancy.ErrDomainNotVerified, "subdomains", func() error { _, err := verify(); return err })
	w.refuses(tenancy.ErrDomainNotVerified, "subdomains", func() error {
		_, err := w.Svc.Domains.Update(w.Ctx, acme.ID, d.ID, tenancy.DomainUpdate{Subdomains: servicetest.Ptr(true)})
		return err
	})
	_, err := w.Verify(d)
	w.NoError(err)
	w.Prover.Looks()
	w.Prover.SaysOf("_freehold-subdomains-challenge.acme.example", servicetest.Refuted) // the domain's own record is not enough
	w.refuses(tenancy.ErrDomainNotVerified, "", func() error { _, err := verify(); return err })
	w.Prover.RefuteAll()
	w.Prover.SaysOf("_freehold-subdomains-challenge.acme.example", servicetest.Proved)
	got, err := verify()
	w.NoError(err)
	w.True(got.Subdomains)
	w.Equal(w.Clock.At.Truncate(time.Microsecond), got.SubdomainsProvedAt)
	for _, asked := range w.Prover.Looks() {
		w.True(asked.Subdomains)
		w.Equal(domains.MethodDNS, asked.By)
	}
	w.Equal(acme.ID, w.owner("ada@www.acme.example"))
	got, err = w.Svc.Domains.Update(w.Ctx, acme.ID, d.ID, tenancy.DomainUpdate{Subdomains: servicetest.Ptr(false)})
	w.NoError(err)
	w.False(got.Subdomains)
	w.Zero(got.SubdomainsProvedAt)
	w.Zero(w.owner("ada@www.acme.example"))
	got, err = w.Svc.Domains.Update(w.Ctx, acme.ID, d.ID, tenancy.DomainUpdate{Subdomains: servicetest.Ptr(true)}) // the host's word
	w.NoError(err)
	w.True(got.Subdomains)
	w.Equal(acme.ID, w.owner("ada@www.acme.example"))
}

func domainEvents(w *world) {
	acme := w.Org("Acme")
	var d tenancy.Domain
	about := func(kind tenancy.EventType) event { return event{kind: kind, org: acme.ID, subject: later} }
	tell := func(kind tenancy.EventType, previous string, call func() (tenancy.Domain, error)) {
		w.Clock.Advance(time.Minute)
		events := w.emits(func() (err error) { d, err = call(); return err }, about(kind))
		w.tells(events[0], event{kind: kind, org: acme.ID, subject: d.ID.String(), data: d, previous: previous})
	}
	tell(tenancy.EventDomainClaimed, "", func() (tenancy.Domain, error) {
		return w.Svc.Domains.Claim(w.Ctx, tenancy.NewDomain{OrganizationID: acme.ID, Name: "acme.example"})
	})
	tell(tenancy.EventDomainUpdated, `{"joining":"off"}`, func() (tenancy.Domain, error) {
		return w.Svc.Domains.Update(w.Ctx, acme.ID, d.ID, tenancy.DomainUpdate{Joining: servicetest.Ptr(tenancy.JoiningAuto)})
	})
	tell(tenancy.EventDomainVerified, anything, func() (tenancy.Domain, error) { return w.Verify(d) })
	tell(tenancy.EventDomainUpdated, anything, func() (tenancy.Domain, error) { return w.Verify(d) })
	tell(tenancy.EventDomainUpdated, `{"subdomains":null,"subdomains_proved_at":null}`, func() (tenancy.Domain, error) {
		return w.Svc.Domains.VerifySubdomains(w.Ctx, acme.ID, d.ID)
	})
	tell(tenancy.EventDomainUpdated, anything, func() (tenancy.Domain, error) { return w.Svc.Domains.MarkVerified(w.Ctx, acme.ID, d.ID) })
	w.emits(func() error { return w.Svc.Domains.Release(w.Ctx, acme.ID, d.ID) },
		event{kind: tenancy.EventDomainReleased, org: acme.ID, subject: d.ID.String(), data: d})
}
