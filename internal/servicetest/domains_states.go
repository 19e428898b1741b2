package servicetest

import (
	"strings"

	"github.com/freehold-dev/freehold/tenancy"
)

// gone is the state of a claim that is not there any more.
const gone tenancy.DomainState = "gone"

// domainCell is what an operation does to a claim: the state in which it reads
// afterwards, and the code that is answered, if it is an error.
type domainCell struct {
	state tenancy.DomainState
	code  tenancy.Code
}

// in is the cell as the page shows it in a state's row: what is refused changes nothing,
// so there the code says all.
func (c domainCell) in(row domainState) string {
	if c.code != "" && strings.HasPrefix(row.name, string(c.state)) {
		return string(c.code)
	}
	return string(c.state)
}

// domainState is a row of the table: how a claim of acme's comes to be in a state.
type domainState struct {
	name string
	lay  func(w *domainWorld)
}

// domainOperation is a column of the table: what happens, and its outcome in each row.
type domainOperation struct {
	name     string
	run      func(w *domainWorld) error
	outcomes []domainCell
}

// domainWorld is a claim of acme's, and somebody else who may want the same domain.
type domainWorld struct {
	*world
	acme, other tenancy.Organization
	d, rival    tenancy.Domain
}

func domainStates() []domainState {
	return []domainState{
		{"pending", func(*domainWorld) {}},
		{"failed, late", func(w *domainWorld) { w.clock.advance(month) }},
		{"failed, taken", func(w *domainWorld) { w.rival = w.holds(w.other.ID, "acme.example") }},
		{"verified", (*domainWorld).held},
		{"lapsed", func(w *domainWorld) {
			w.held()
			w.clock.advance(month)
			w.prover.refute()
			w.daily(w.d, 20)
			w.prover.prove()
		}},
		{"dormant", func(w *domainWorld) {
			w.held()
			w.archive(w.acme)
		}},
	}
}

func (w *domainWorld) held() {
	_, err := w.verify(w.d)
	w.NoError(err)
}

func domainOperations() []domainOperation {
	const (
		pending, failed, verified = tenancy.DomainPending, tenancy.DomainFailed, tenancy.DomainVerified
		lapsed, dormant           = tenancy.DomainLapsed, tenancy.DomainDormant
		unproved, taken, shut     = tenancy.ErrDomainNotVerified, tenancy.ErrDomainTaken, tenancy.ErrOrganizationClosed
		exists                    = tenancy.ErrAlreadyExists
	)
	return []domainOperation{
		{"Claim", (*domainWorld).claimAgain, []domainCell{
			{pending, exists}, {failed, exists}, {failed, exists}, {verified, exists}, {lapsed, exists}, {dormant, shut},
		}},
		{"Verify", (*domainWorld).verifyProved, []domainCell{
			{verified, ""}, {pending, unproved}, {failed, taken}, {verified, ""}, {verified, ""}, {dormant, shut},
		}},
		{"Verify, unproved", (*domainWorld).verifyRefuted, []domainCell{
			{pending, unproved}, {pending, unproved}, {failed, taken}, {verified, unproved}, {lapsed, unproved}, {dormant, shut},
		}},
		{"VerifySubdomains", (*domainWorld).verifyBelow, []domainCell{
			{pending, unproved}, {failed, unproved}, {failed, unproved}, {verified, ""}, {lapsed, unproved}, {dormant, shut},
		}},
		{"MarkVerified", (*domainWorld).mark, []domainCell{
			{verified, ""}, {verified, ""}, {failed, taken}, {verified, ""}, {verified, ""}, {dormant, shut},
		}},
		{"Update", (*domainWorld).update, []domainCell{
			{pending, ""}, {failed, ""}, {failed, ""}, {verified, ""}, {lapsed, ""}, {dormant, ""},
		}},
		{"30 days", (*domainWorld).wait, []domainCell{
			{failed, ""}, {failed, ""}, {failed, ""}, {verified, ""}, {lapsed, ""}, {dormant, ""},
		}},
		{"Recheck, refuted", (*domainWorld).recheckRefuted, []domainCell{
			{failed, ""}, {failed, ""}, {failed, ""}, {lapsed, ""}, {lapsed, ""}, {dormant, ""},
		}},
		{"Recheck, unanswered", (*domainWorld).recheckUnknown, []domainCell{
			{failed, ""}, {failed, ""}, {failed, ""}, {verified, ""}, {lapsed, ""}, {dormant, ""},
		}},
		{"another verifies", (*domainWorld).taken, []domainCell{
			{failed, ""}, {failed, ""}, {failed, taken}, {verified, taken}, {lapsed, ""}, {dormant, ""},
		}},
		{"another releases", (*domainWorld).letGo, []domainCell{
			{pending, ""}, {failed, ""}, {pending, ""}, {verified, ""}, {lapsed, ""}, {dormant, ""},
		}},
		{"Archive", (*domainWorld).shut, []domainCell{
			{pending, ""}, {failed, ""}, {failed, ""}, {dormant, ""}, {lapsed, ""}, {dormant, ""},
		}},
		{"Restore", (*domainWorld).open, []domainCell{
			{pending, ""}, {failed, ""}, {failed, ""}, {verified, ""}, {lapsed, ""}, {verified, ""},
		}},
		{"30 days, Restore", (*domainWorld).openLate, []domainCell{
			{failed, ""}, {failed, ""}, {failed, ""}, {verified, ""}, {lapsed, ""}, {pending, ""},
		}},
		{"another verifies, Restore", (*domainWorld).openTaken, []domainCell{
			{failed, ""}, {failed, ""}, {failed, taken}, {verified, taken}, {lapsed, ""}, {failed, ""},
		}},
		{"Release", (*domainWorld).release, []domainCell{
			{gone, ""}, {gone, ""}, {gone, ""}, {gone, ""}, {gone, ""}, {gone, ""},
		}},
	}
}

// DomainStates is the table of states and operations of domains as the documentation
// has it: what is checked here is what is written there.
func DomainStates() string {
	var b strings.Builder
	b.WriteString("| |")
	for _, op := range domainOperations() {
		b.WriteString(" " + op.name + " |")
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(domainOperations())) + "\n")
	for i, row := range domainStates() {
		b.WriteString("| " + row.name + " |")
		for _, op := range domainOperations() {
			b.WriteString(" " + op.outcomes[i].in(row) + " |")
		}
		b.WriteString("\n")
	}
	return b.String()
}

// domainStateRules has a rule for each operation.
func domainStateRules() []rule {
	var all []rule
	for _, op := range domainOperations() {
		all = append(all, rule{"D3 D5 O2 states: " + op.name, on(func(w *world) {
			w.Len(op.outcomes, len(domainStates()))
			for i, state := range domainStates() {
				w.each(state.name, func(w *world) { newDomainWorld(w).expects(state, op, op.outcomes[i]) })
			}
		})})
	}
	return all
}

// newDomainWorld begins a row where the one before has ended: its claims go.
func newDomainWorld(base *world) *domainWorld {
	w := &domainWorld{world: base}
	w.prover.prove()
	w.acme, w.other = w.org("Acme"), w.org("Other")
	for _, old := range w.dump().Domains {
		if old.Name == "acme.example" {
			w.NoError(w.svc.Domains.Release(w.ctx, old.OrganizationID, old.ID))
		}
	}
	w.d = w.claim(w.acme.ID, "acme.example")
	return w
}

func (w *domainWorld) expects(state domainState, op domainOperation, want domainCell) {
	w.t.Helper()
	state.lay(w)
	before := w.dump()
	err := op.run(w)
	w.Equal(want.code, tenancy.CodeOf(err), "%v", err)
	got, err := w.svc.Domains.Get(w.ctx, w.acme.ID, w.d.ID)
	if want.state == gone {
		w.failed(err, tenancy.ErrNotFound, "")
		return
	}
	w.NoError(err)
	w.Equal(want.state, got.State)
	w.Equal(want.state == tenancy.DomainVerified, w.owner("ada@acme.example") == w.acme.ID) // D3: no other has any effect
	if want.code != "" && want.code != tenancy.ErrDomainNotVerified && want.code != tenancy.ErrDomainTaken {
		w.Equal(before, w.dump())
	}
}

func (w *domainWorld) claimAgain() error {
	_, err := w.svc.Domains.Claim(w.ctx, tenancy.NewDomain{OrganizationID: w.acme.ID, Name: "ACME.example"})
	return err
}

func (w *domainWorld) verifyProved() error { _, err := w.verify(w.d); return err }

func (w *domainWorld) verifyRefuted() error {
	w.prover.refute()
	return w.verifyProved()
}

func (w *domainWorld) verifyBelow() error {
	_, err := w.svc.Domains.VerifySubdomains(w.ctx, w.acme.ID, w.d.ID)
	return err
}

func (w *domainWorld) mark() error {
	_, err := w.svc.Domains.MarkVerified(w.ctx, w.acme.ID, w.d.ID)
	return err
}

func (w *domainWorld) update() error {
	_, err := w.svc.Domains.Update(w.ctx, w.acme.ID, w.d.ID, tenancy.DomainUpdate{Joining: ptr(tenancy.JoiningAuto)})
	return err
}

func (w *domainWorld) wait() error {
	w.clock.advance(month)
	return nil
}

func (w *domainWorld) recheckRefuted() error { w.recheckFor(w.prover.refute); return nil }

func (w *domainWorld) recheckUnknown() error {
	w.recheckFor(func() { w.prover.says(unknown) })
	return nil
}

func (w *domainWorld) recheckFor(says func()) {
	w.clock.advance(month)
	says()
	for range 9 {
		w.recheck()
		w.clock.advance(day)
	}
	w.prover.prove()
}

func (w *domainWorld) taken() error {
	_, err := w.verify(w.claim(w.org("Third").ID, "acme.example"))
	return err
}

func (w *domainWorld) letGo() error {
	if w.rival.ID.IsZero() {
		return nil
	}
	return w.svc.Domains.Release(w.ctx, w.other.ID, w.rival.ID)
}

func (w *domainWorld) shut() error {
	_, err := w.svc.Organizations.Archive(w.ctx, w.acme.ID)
	return err
}

func (w *domainWorld) open() error {
	_, err := w.svc.Organizations.Restore(w.ctx, w.acme.ID)
	return err
}

func (w *domainWorld) openLate() error {
	w.clock.advance(month)
	return w.open()
}

func (w *domainWorld) openTaken() error {
	err := w.taken()
	w.NoError(w.open())
	return err
}

func (w *domainWorld) release() error { return w.svc.Domains.Release(w.ctx, w.acme.ID, w.d.ID) }
