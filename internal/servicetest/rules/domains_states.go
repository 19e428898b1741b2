package rules

import (
	"strings"

	"github.com/freehold-dev/freehold/internal/servicetest"
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
		{"failed, late", func(w *domainWorld) { w.Clock.Advance(servicetest.Month) }},
		{"failed, taken", func(w *domainWorld) { w.rival = w.Holds(w.other.ID, "acme.example") }},
		{"verified", (*domainWorld).held},
		{"lapsed", func(w *domainWorld) {
			w.held()
			w.Clock.Advance(servicetest.Month)
			w.Prover.RefuteAll()
			w.daily(w.d, 20)
			w.Prover.ProveAll()
		}},
		{"dormant", func(w *domainWorld) {
			w.held()
			w.Archive(w.acme)
		}},
	}
}

func (w *domainWorld) held() {
	_, err := w.Verify(w.d)
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
	w.Prover.ProveAll()
	w.acme, w.other = w.Org("Acme"), w.Org("Other")
	for _, old := range w.Dump().Domains {
		if old.Name == "acme.example" {
			w.NoError(w.Svc.Domains.Release(w.Ctx, old.OrganizationID, old.ID))
		}
	}
	w.d = w.Claim(w.acme.ID, "acme.example")
	return w
}

func (w *domainWorld) expects(state domainState, op domainOperation, want domainCell) {
	w.T.Helper()
	state.lay(w)
	before := w.Dump()
	err := op.run(w)
	w.Equal(want.code, tenancy.CodeOf(err), "%v", err)
	got, err := w.Svc.Domains.Get(w.Ctx, w.acme.ID, w.d.ID)
	if want.state == gone {
		w.Failed(err, tenancy.ErrNotFound, "")
		return
	}
	w.NoError(err)
	w.Equal(want.state, got.State)
	w.Equal(want.state == tenancy.DomainVerified, w.owner("ada@acme.example") == w.acme.ID) // D3: no other has any effect
	if want.code != "" && want.code != tenancy.ErrDomainNotVerified && want.code != tenancy.ErrDomainTaken {
		w.Equal(before, w.Dump())
	}
}

func (w *domainWorld) claimAgain() error {
	_, err := w.Svc.Domains.Claim(w.Ctx, tenancy.NewDomain{OrganizationID: w.acme.ID, Name: "ACME.example"})
	return err
}

func (w *domainWorld) verifyProved() error { _, err := w.Verify(w.d); return err }

func (w *domainWorld) verifyRefuted() error {
	w.Prover.RefuteAll()
	return w.verifyProved()
}

func (w *domainWorld) verifyBelow() error {
	_, err := w.Svc.Domains.VerifySubdomains(w.Ctx, w.acme.ID, w.d.ID)
	return err
}

func (w *domainWorld) mark() error {
	_, err := w.Svc.Domains.MarkVerified(w.Ctx, w.acme.ID, w.d.ID)
	return err
}

func (w *domainWorld) update() error {
	_, err := w.Svc.Domains.Update(w.Ctx, w.acme.ID, w.d.ID, tenancy.DomainUpdate{Joining: servicetest.Ptr(tenancy.JoiningAuto)})
	return err
}

func (w *domainWorld) wait() error {
	w.Clock.Advance(servicetest.Month)
	return nil
}

func (w *domainWorld) recheckRefuted() error { w.recheckFor(w.Prover.RefuteAll); return nil }

func (w *domainWorld) recheckUnknown() error {
	w.recheckFor(func() { w.Prover.Says(unknown) })
	return nil
}

func (w *domainWorld) recheckFor(says func()) {
	w.Clock.Advance(servicetest.Month)
	says()
	for range 9 {
		w.recheck()
		w.Clock.Advance(servicetest.Day)
	}
	w.Prover.ProveAll()
}

func (w *domainWorld) taken() error {
	_, err := w.Verify(w.Claim(w.Org("Third").ID, "acme.example"))
	return err
}

func (w *domainWorld) letGo() error {
	if w.rival.ID.IsZero() {
		return nil
	}
	return w.Svc.Domains.Release(w.Ctx, w.other.ID, w.rival.ID)
}

func (w *domainWorld) shut() error {
	_, err := w.Svc.Organizations.Archive(w.Ctx, w.acme.ID)
	return err
}

func (w *domainWorld) open() error {
	_, err := w.Svc.Organizations.Restore(w.Ctx, w.acme.ID)
	return err
}

func (w *domainWorld) openLate() error {
	w.Clock.Advance(servicetest.Month)
	return w.open()
}

func (w *domainWorld) openTaken() error {
	err := w.taken()
	w.NoError(w.open())
	return err
}

func (w *domainWorld) release() error { return w.Svc.Domains.Release(w.Ctx, w.acme.ID, w.d.ID) }
