// Package rules is the rulebook of [tenancy.Service] as tests.
//
// For most uses, one test beside the backend is all it takes:
//
//	func TestService(t *testing.T) {
//		rules.Run(t, servicetest.Backend{Open: func(t *testing.T) store.Store { return open(t) }})
//	}
//
// The suite reads as the rulebook: a subtest for each rule, named by its number.
package rules

import (
	"slices"
	"testing"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/tenancy"
)

// Run checks each rule as a subtest, on stores that b makes.
func Run(t *testing.T, b servicetest.Backend) {
	t.Helper()
	every := max(1, b.Every)
	if servicetest.UnderRace {
		every = max(3, every) // most have one goroutine, and all run on the memory store
	}
	for i, r := range rules() {
		if !b.Whole() && i%every != 0 {
			continue
		}
		if b.Whole() || len(r.check.on) == 0 || slices.Contains(r.check.on, b.Kind) {
			t.Run(r.name, func(t *testing.T) { r.check.run(t, b) })
		}
	}
}

// rule is one rule of the book, or one part of it.
type rule struct {
	name  string // of the subtest: number and gist
	check check
}

// check is how a rule is checked, and where.
type check struct {
	run func(t *testing.T, b servicetest.Backend)
	on  []servicetest.Kind // of the backends that it runs on in the plain run; empty: on all
}

// in is c on these kinds alone, in the plain run: on Memory what the store has no part in, such
// as what input is refused; on Weak, too, what may go wrong between statements.
func (c check) in(kinds ...servicetest.Kind) check {
	c.on = kinds
	return c
}

// onlyIn is [check.in] for rules.
func onlyIn(rules []rule, kinds ...servicetest.Kind) []rule {
	for i := range rules {
		rules[i].check.on = kinds
	}
	return rules
}

// rules lists the whole suite.
func rules() []rule {
	var all []rule
	for _, chapter := range [][]rule{
		serviceRules(), methodRules(), onlyIn(inputRules(), servicetest.Memory), listRules(), secretRules(),
		organizationRules(), userRules(), identityRules(), emailRules(), mergeRules(), leavingRules(),
		membershipRules(), ownerRules(), seatRules(), countRules(), wordRules(), memberOrderRules(), addresslessRules(), singleRules(), vetoRules(), eventRules(),
		walkRules(), invitationRules(), acceptRules(), foundingInvitationRules(), undoneRules(), pendingRules(), joinCodeRules(), mailRules(), stateRules(), onlyIn(joinInputRules(), servicetest.Memory),
		accessRules(), connectionRules(), policyRules(), signInRules(), doorMethodRules(), onlyIn(signInInputRules(), servicetest.Memory),
		domainRules(), settingRules(), sessionRules(), sessionEntryRules(), onlyIn(sessionInputRules(), servicetest.Memory),
		reviewedConnectionRules(), reviewedSessionRules(), optionalRules(),
		attackRules(), deadTokenRules(), reasonRules(),
		mailLimitRules(), dependantRules(), foundingRules(), shownRules(), proofRules(), mailboxProofAttacks(), onlyIn(proofInputRules(), servicetest.Memory),
		historyRules(), slugRules(), declineRules(), invitationUpdateRules(), sendManyRules(),
	} {
		all = append(all, chapter...)
	}
	return all
}

// on makes a check of one that needs a world with the default configuration.
func on(fn func(w *world)) check {
	return with(func(*tenancy.Config) {}, fn)
}

// with makes a check of one that needs a world with a configuration of its own.
func with(configure func(*tenancy.Config), fn func(w *world)) check {
	return check{run: func(t *testing.T, b servicetest.Backend) {
		w := newWorld(t, b.Open, configure)
		w.Sampled = b.Sampled()
		fn(w)
	}}
}

// over makes a check of one that makes its worlds itself.
func over(fn func(t *testing.T, open servicetest.Opener)) check {
	return check{run: func(t *testing.T, b servicetest.Backend) { fn(t, b.Open) }}
}
