package rules

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/freehold-dev/freehold/domains"
	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/tenancy"
)

// lookRules are about the looks at pending claims that nobody asks for (rule D3).
func lookRules() []rule {
	return []rule{
		{"D3 a published record is picked up by Run", on(pickedUp)},
		{"D3 when Run looks at a pending claim", on(lookTimes)},
		{"D3 looks that Run missed are not made up for", on(looksMissed)},
		{"D3 FailedReason", on(failedReasons)},
		{"D3 a page or a file is looked for where somebody asked for it", on(lookMethods)},
		{"D3 rechecks of verified domains come first", on(recheckedFirst)},
		{"D3 a look that breaks off", on(lookBreaks)},
		{"D3 a Prover that panics", on(proverPanics)},
		{"D3 what happened while Run looked stands", on(lookMeddled)},
		{"D3 a claim that begins anew is looked at anew", on(looksAnew)},
		{"D3 nothing is looked for in an archived organization", on(archivedLooks)},
	}
}

// runUntil has Run go on until something holds. The clock stands meanwhile.
func (w *world) runUntil(holds func() bool) {
	w.T.Helper()
	runs, stop := context.WithCancel(w.Ctx)
	ended := make(chan error)
	go func() { ended <- w.Svc.Run(runs) }()
	late := time.Now().Add(20 * time.Second)
	for !holds() && time.Now().Before(late) {
		time.Sleep(time.Millisecond)
	}
	stop()
	w.ErrorIs(<-ended, context.Canceled)
	w.True(holds(), "Run does not come to it")
}

func pickedUp(w *world) {
	acme := w.Org("Acme")
	d := w.Claim(acme.ID, "acme.example")
	w.Prover.RefuteAll() // the record is not published yet
	w.Clock.Advance(time.Minute)
	w.runUntil(func() bool { return w.domain(d).FailedReason != "" })
	w.Equal(tenancy.DomainPending, w.domain(d).State)
	w.Prover.ProveAll() // now it is, and nobody clicks
	w.Clock.Advance(4 * time.Minute)
	last, err := w.Svc.Events.Last(w.Ctx)
	w.NoError(err)
	w.runUntil(func() bool { return w.domain(d).State == tenancy.DomainVerified })
	got, at := w.domain(d), w.Clock.At.Truncate(time.Microsecond)
	w.Equal([]any{"dns", at, at, ""}, []any{got.Method, got.VerifiedAt, got.ProvedAt, got.FailedReason})
	w.Equal(acme.ID, w.owner("ada@acme.example"))
	events := w.since(last)
	w.Len(events, 1)
	w.tells(events[0], event{kind: tenancy.EventDomainVerified, org: acme.ID, subject: d.ID.String(), data: got, previous: anything})
	w.Prover.Looks()
	w.Clock.Advance(servicetest.Day)
	w.Zero(w.recheck()) // it is a verified one like any other
	w.Empty(w.Prover.Looks())
}

func lookTimes(w *world) {
	d := w.Claim(w.Org("Acme").ID, "acme.example")
	began, before := w.Clock.At, w.Dump()
	w.Prover.RefuteAll()
	times := []time.Duration{time.Minute, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 6 * time.Hour}
	for day := 1; day < 30; day++ {
		times = append(times, time.Duration(day)*servicetest.Day)
	}
	for _, after := range times {
		w.Clock.At = began.Add(after - time.Microsecond)
		w.recheck()
		w.Empty(w.Prover.Looks(), "%v is too early", after)
		w.Clock.At = began.Add(after)
		w.Equal(1, w.recheck())
		w.Equal([]servicetest.Look{{Challenge: domains.Challenge{App: "freehold", Domain: "acme.example", Token: d.Challenge}, By: domains.MethodDNS}}, w.Prover.Looks())
	}
	w.Equal(before, w.Dump(), "a look is no change of a claim, and no event") // G8
	w.Clock.At = began.Add(servicetest.Month - time.Microsecond)
	w.Zero(w.recheck())
	w.Clock.At = began.Add(servicetest.Month)
	w.Prover.ProveAll()
	events := w.emits(func() error { w.recheck(); return nil }, some(tenancy.EventDomainFailed))
	w.Contains(string(events[0].Data), `"failed_reason":"expired"`)
	w.Empty(w.Prover.Looks())
	w.Clock.Advance(servicetest.Month)
	w.Zero(w.recheck())
	w.Empty(w.Prover.Looks())
}

func looksMissed(w *world) {
	d := w.Claim(w.Org("Acme").ID, "acme.example")
	began := w.Clock.At
	w.Prover.Says(unknown)
	w.Clock.Advance(10*servicetest.Day + time.Hour)
	w.Equal(1, w.recheck())
	w.Len(w.Prover.Looks(), 1)
	w.Clock.At = began.Add(11 * servicetest.Day)
	w.Prover.ProveAll()
	w.recheck()
	w.Equal(tenancy.DomainVerified, w.domain(d).State)
}

func failedReasons(w *world) {
	acme, other := w.Org("Acme"), w.Org("Other")
	d := w.Claim(acme.ID, "acme.example")
	reads := func(state tenancy.DomainState, reason string) {
		w.T.Helper()
		page, err := w.Svc.Domains.List(w.Ctx, acme.ID, tenancy.DomainQuery{})
		w.NoError(err)
		for _, got := range []tenancy.Domain{w.domain(d), page.Items[0]} {
			w.Equal([]any{state, reason}, []any{got.State, got.FailedReason})
		}
	}
	reads(tenancy.DomainPending, "")
	w.Prover.RefuteAll()
	w.Clock.Advance(time.Minute)
	w.recheck()
	reads(tenancy.DomainPending, domains.ReasonNoRecord)
	w.Prover.Says(unknown)
	_, err := w.Verify(d)
	w.Failed(err, tenancy.ErrDomainNotVerified, "")
	reads(tenancy.DomainPending, domains.ReasonTimeout)
	held := w.vouched(other.ID, "acme.example")
	reads(tenancy.DomainFailed, tenancy.DomainFailedTaken)
	w.Prover.Looks()
	w.Clock.Advance(time.Hour)
	w.Equal(1, w.recheck()) // whoever would win by a proof is decided: nobody looks
	w.Empty(w.Prover.Looks())
	w.NoError(w.Svc.Domains.Release(w.Ctx, other.ID, held.ID))
	reads(tenancy.DomainPending, domains.ReasonTimeout)
	w.Clock.Advance(servicetest.Month)
	reads(tenancy.DomainFailed, tenancy.DomainFailedExpired)
	w.recheck() // it is stored now
	reads(tenancy.DomainFailed, tenancy.DomainFailedExpired)
	again, err := w.Verify(d)
	w.Failed(err, tenancy.ErrDomainNotVerified, "")
	w.Empty(again.FailedReason)
	reads(tenancy.DomainPending, "")
	w.Prover.ProveAll()
	got, err := w.Verify(d)
	w.NoError(err)
	w.Empty(got.FailedReason)
	reads(tenancy.DomainVerified, "")
}

func lookMethods(w *world) {
	acme := w.Org("Acme")
	methods := func() (by []domains.Method) {
		w.Clock.Advance(servicetest.Day)
		w.recheck()
		for _, asked := range w.Prover.Looks() {
			by = append(by, asked.By)
		}
		return by
	}
	w.Prover.RefuteAll()
	d := w.Claim(acme.ID, "acme.example")
	w.Equal([]domains.Method{domains.MethodDNS}, methods()) // nobody fetches a stranger's pages unasked
	for _, by := range []domains.Method{domains.MethodFile, domains.MethodMeta} {
		_, err := w.Svc.Domains.Verify(w.Ctx, acme.ID, d.ID, by)
		w.Failed(err, tenancy.ErrDomainNotVerified, "")
		w.Prover.Looks()
		w.Equal([]domains.Method{domains.MethodDNS, by}, methods())
	}
	_, err := w.Verify(d)
	w.Failed(err, tenancy.ErrDomainNotVerified, "")
	w.Prover.Looks()
	w.Equal([]domains.Method{domains.MethodDNS}, methods())
	_, err = w.Svc.Domains.Verify(w.Ctx, acme.ID, d.ID, domains.MethodFile)
	w.Failed(err, tenancy.ErrDomainNotVerified, "")
	w.Prover.OnlyBy(domains.MethodFile)
	w.Equal("file", w.verifiedBy(d, methods).Method)
}

// verifiedBy is a claim that something makes a verified one.
func (w *world) verifiedBy(d tenancy.Domain, makes func() []domains.Method) tenancy.Domain {
	w.T.Helper()
	makes()
	got := w.domain(d)
	w.Equal(tenancy.DomainVerified, got.State)
	return got
}

func recheckedFirst(w *world) {
	for i := range 100 {
		w.Holds(w.Org("O").ID, fmt.Sprintf("d%d.example", i))
	}
	w.Clock.Advance(servicetest.Month - time.Hour)
	w.Claim(w.Org("New").ID, "new.example")
	w.Clock.Advance(time.Hour)
	w.Prover.Looks()
	n, err := w.Svc.Domains.Recheck(w.Ctx)
	w.NoError(err)
	w.Equal(100, n)
	for _, asked := range w.Prover.Looks() {
		w.NotEqual("new.example", asked.Domain)
	}
	n, err = w.Svc.Domains.Recheck(w.Ctx)
	w.NoError(err)
	w.Equal(1, n)
	w.Equal("new.example", w.Prover.Looks()[0].Domain)
}

// lookBreaks: each of its transactions is whole, and the next look comes at its time.
func lookBreaks(w *world) {
	acme := w.Org("Acme")
	for n, broke := 1, true; broke; n++ {
		d := w.Claim(acme.ID, fmt.Sprintf("n%d.example", n))
		w.Clock.Advance(time.Minute)
		met := 0
		faulty := &servicetest.FaultStore{Inner: w.Store, Commit: servicetest.Fine, Begin: func() {}, Statement: func() error {
			if met++; met == n {
				return servicetest.Fault()
			}
			return nil
		}}
		breaks := w.Another(func(c *tenancy.Config) { c.Store = faulty })
		_, err := breaks.Domains.Recheck(w.Ctx)
		if broke = met >= n; broke {
			w.Failed(err, servicetest.FaultCode, "")
			w.Equal(tenancy.DomainPending, w.domain(d).State)
			w.Clock.Advance(4 * time.Minute)
			w.recheck()
		}
		w.Equal(tenancy.DomainVerified, w.domain(d).State)
	}

	late := w.Claim(w.Org("Late").ID, "late.example")
	ctx, cancel := context.WithCancel(w.Ctx) // the host ends while the Prover looks
	w.Clock.Advance(time.Minute)
	w.Prover.Meddling = cancel
	_, err := w.Svc.Domains.Recheck(ctx)
	w.Prover.Meddling = nil
	w.Failed(err, tenancy.ErrCanceled, "")
	w.True(errors.Is(err, context.Canceled))
	w.Equal(tenancy.DomainPending, w.domain(late).State)
	w.Clock.Advance(4 * time.Minute)
	w.recheck()
	w.Equal(tenancy.DomainVerified, w.domain(late).State)
}

// proverPanics: whoever calls Recheck sees the panic, as of any other call.
func proverPanics(w *world) {
	d := w.Claim(w.Org("Acme").ID, "acme.example")
	w.Clock.Advance(time.Minute)
	w.Prover.Meddling = func() { panic(servicetest.ErrStop) }
	w.PanicsWithValue(servicetest.ErrStop, func() { _, _ = w.Svc.Domains.Recheck(w.Ctx) })
	w.Prover.Meddling = nil
	w.Clock.Advance(4 * time.Minute)
	w.recheck()
	w.Equal(tenancy.DomainVerified, w.domain(d).State)
}

func lookMeddled(w *world) {
	acme, other := w.Org("Acme"), w.Org("Other")
	for name, during := range map[string]struct {
		meddle func(d tenancy.Domain) error
		state  tenancy.DomainState // afterwards; "" = it is gone
	}{
		"released": {func(d tenancy.Domain) error { return w.Svc.Domains.Release(w.Ctx, acme.ID, d.ID) }, ""},
		"archived": {func(tenancy.Domain) error { _, err := w.Svc.Organizations.Archive(w.Ctx, acme.ID); return err }, tenancy.DomainPending},
		"taken": {func(d tenancy.Domain) error {
			_, err := w.Svc.Domains.Claim(w.Ctx, tenancy.NewDomain{OrganizationID: other.ID, Name: d.Name, Verified: true})
			return err
		}, tenancy.DomainFailed},
		"begun anew": {func(d tenancy.Domain) error {
			w.Clock.Advance(servicetest.Month)
			_, err := w.Svc.Domains.Verify(w.Ctx, acme.ID, d.ID, domains.MethodDNS)
			w.ErrorIs(err, tenancy.ErrDomainNotVerified)
			return nil
		}, tenancy.DomainPending},
		"changed": {func(d tenancy.Domain) error { // which a look does not depend on
			_, err := w.Svc.Domains.Update(w.Ctx, acme.ID, d.ID, tenancy.DomainUpdate{Joining: servicetest.Ptr(tenancy.JoiningSuggest), Version: d.Version})
			return err
		}, tenancy.DomainVerified},
	} {
		w.each(name, func(w *world) {
			d := w.Claim(acme.ID, name[:5]+"x.example")
			w.Clock.Advance(time.Minute)
			w.Prover.Meddling = func() {
				w.Prover.Meddling = nil
				w.NoError(during.meddle(d))
			}
			_, err := w.Svc.Domains.Recheck(w.Ctx)
			w.NoError(err)
			if during.state == "" {
				_, err := w.Svc.Domains.Get(w.Ctx, acme.ID, d.ID)
				w.Failed(err, tenancy.ErrNotFound, "")
				return
			}
			w.Equal(during.state, w.domain(d).State)
			if name == "archived" {
				w.restore(acme)
			}
			w.NoError(w.Svc.Domains.Release(w.Ctx, acme.ID, d.ID))
		})
	}
}

func looksAnew(w *world) {
	acme := w.Org("Acme")
	d := w.Claim(acme.ID, "acme.example")
	w.Clock.Advance(servicetest.Month)
	_, err := w.Verify(d)
	w.Failed(err, tenancy.ErrDomainNotVerified, "")
	w.Clock.Advance(time.Minute)
	w.recheck()
	w.Equal(tenancy.DomainVerified, w.domain(d).State)
	w.Archive(acme)
	w.Clock.Advance(servicetest.Month)
	w.restore(acme)
	w.Equal(tenancy.DomainPending, w.domain(d).State)
	w.Clock.Advance(time.Minute)
	w.recheck()
	w.Equal(tenancy.DomainVerified, w.domain(d).State)
}

func archivedLooks(w *world) {
	acme := w.Org("Acme")
	d := w.Claim(acme.ID, "acme.example")
	w.Archive(acme)
	for range 10 {
		w.Clock.Advance(servicetest.Day)
		w.Equal(1, w.recheck())
	}
	w.Empty(w.Prover.Looks())
	w.restore(acme)
	w.Clock.Advance(servicetest.Day)
	w.recheck()
	w.Equal(tenancy.DomainVerified, w.domain(d).State)
	w.True(slices.ContainsFunc(w.Prover.Looks(), func(l servicetest.Look) bool { return l.Domain == "acme.example" }))
}
