package rules

import (
	"context"
	"errors"
	"maps"
	"path"
	"slices"
	"testing"
	"time"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/tenancy"
)

// Cost is what a call costs: statements, steps of the database's machine, and allocations.
type Cost struct{ Statements, Steps, Allocations int }

// Growth is what a call costs in a small store and in one that is large along one axis.
type Growth struct {
	Call, Axis   string
	Small, Large Cost
}

// Metered is a store for [Sweep], and what a function costs on it.
type Metered struct {
	Store   store.Store
	During  func(fn func()) Cost
	Analyze func() // has the store gather statistics
}

// few is how much of everything a small store has: a page of a list is full.
const few = 60

// allowed is what a call may cost more in a large store, by call and axis ("*" of all): why.
// Every other costs at most half as much again.
var allowed = []struct{ call, axis, why string }{
	{"Events.Prune", "*", "removes what is old, 100 events in a transaction"},
	{"Events.List in between*", "events", "searches for both ends, and the page is full"},
	{"Memberships.Count*", "members", "counts up to 10,000 of them, in one statement along an index"},
	{"Organizations.Delete*", "*", "its rows go in steps"},
	{"Users.Delete", "*", "their sessions and memberships end in steps"},
	{"Users.Erase", "*", "what tells of them goes in steps"},
	{"Users.Merge", "organizations of a user", "each membership moves or ends"},
	{"Users.ConfirmEmail", "organizations of a user", "one statement: each membership carries the address, by which it is found"},
	{"Users.Suspend", "organizations of a user", "one statement: each membership says so"},
	{"Users.Update", "organizations of a user", "one statement: each membership carries the name, by which it is found"},
	{"SignIn of a member", "organizations of a user", "lists up to 1,000 organizations to choose from"},
	{"Roles.*", "own roles", "reads the roles of one organization, at most 500: checks them together, or lists them"},
	{"Roles.Holders*", "members", "counts up to 1,000 of those who hold the role"},
	{"MembersWith*", "own roles", "asks of each role of the organization whether it grants"},
	{"Permissions.Delete", "*", "looks for the permission in the grants of every role"},
	{"Declare*", "declared permissions", "reads anew what is declared, after it has changed it"},
	{"Declare*", "own roles", "holds the roles of affected organizations against it"},
}

// Fits reports whether a call costs no more in a large store than it may, and otherwise, or
// where it is one of those that may cost more, why.
func (g Growth) Fits() (ok bool, why string) {
	if g.Large.Steps <= g.Small.Steps*3/2+100 && g.Large.Statements <= g.Small.Statements*3/2+1 && g.Large.Allocations <= g.Small.Allocations*3/2+300 {
		return true, ""
	}
	for _, a := range allowed {
		call, _ := path.Match(a.call, g.Call)
		axis, _ := path.Match(a.axis, g.Axis)
		if call && axis {
			return true, a.why
		}
	}
	return false, ""
}

// Sweep calls every method of the table, and the lists in every order, in stores that
// are large along one axis each, and compares what the calls cost in a small one.
func Sweep(t *testing.T, open func(t *testing.T) Metered, many int) []Growth {
	small := measured(t, open, func(g *growing) {
		for _, name := range slices.Sorted(maps.Keys(axes)) {
			axes[name](g, few)
		}
	})
	var found []Growth
	for _, axis := range slices.Sorted(maps.Keys(axes)) {
		t.Run(axis, func(t *testing.T) {
			large := measured(t, open, func(g *growing) {
				for _, name := range slices.Sorted(maps.Keys(axes)) {
					size := few
					if name == axis {
						size = many
					}
					axes[name](g, size)
				}
			})
			for _, call := range slices.Sorted(maps.Keys(small)) {
				found = append(found, Growth{call, axis, small[call], large[call]})
			}
		})
	}
	return found
}

// growing is a house that grows.
type growing struct {
	*house
	late [2]time.Time // the last two instants of the axis of events
}

// measured is what each call costs in a house that grow has made large.
func measured(t *testing.T, open func(t *testing.T) Metered, grow func(g *growing)) map[string]Cost {
	m := open(t)
	w := &world{World: servicetest.NewWorld(t, func(*testing.T) store.Store { return m.Store }, func(c *tenancy.Config) {
		c.SelfServe = true
		c.Limits.JoinRequests, c.Limits.Roles, c.HeavyWrite = 1_000_000, 1_000_000, -1
	})}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Minute)
	t.Cleanup(cancel)
	w.Ctx = ctx
	g := &growing{house: newHouse(w)}
	grow(g)
	costs := map[string]Cost{}
	g.price(m, costs)
	if servicetest.Soak(1, 0) == 1 {
		m.Analyze() // plans hold with statistics, too
		g.price(m, costs)
	}
	return costs
}

// price makes each call and notes what it costs: the most of what it ever has.
func (g *growing) price(m Metered, costs map[string]Cost) {
	ctx := g.Ctx
	_, err := g.Svc.Permissions.List(ctx) // from now on the instance keeps the declarations
	g.NoError(err)
	g.limit(tenancy.Organization{ID: g.at.org}, 1_000_000)
	calls := growthCalls(g)
	for _, name := range slices.Sorted(maps.Keys(calls)) { // in one order: a plan may come of the values with which its statement was first run
		call := calls[name]
		for _, by := range []string{"", "owner"} {
			svc, label := g.Svc, name
			if by != "" {
				if !bindable(name) {
					continue
				}
				label += " by an owner"
			}
			var failed error
			run := func() {
				if call.alone {
					bound := svc
					if by != "" {
						bound = svc.As(tenancy.UserPrincipal(g.people[by].ID))
					}
					failed = call.call(ctx, bound, g.at)
					return
				}
				err = svc.Transact(ctx, func(ctx context.Context, tx *tenancy.Service) error {
					if by != "" {
						tx = tx.As(tenancy.UserPrincipal(g.people[by].ID))
					}
					if failed = call.call(ctx, tx, g.at); failed != nil {
						return failed
					}
					return servicetest.ErrStop
				})
				if failed == nil && !errors.Is(err, servicetest.ErrStop) {
					failed = err
				}
			}
			costs[label] = costs[label].most(m.During(run))
			if failed != nil && !slices.Contains([]tenancy.Code{tenancy.ErrTooLarge, tenancy.ErrDomainNotVerified}, tenancy.CodeOf(failed)) {
				g.T.Errorf("%s: %v", label, failed)
			}
		}
	}
}

func (c Cost) most(other Cost) Cost {
	return Cost{max(c.Statements, other.Statements), max(c.Steps, other.Steps), max(c.Allocations, other.Allocations)}
}

// bindable reports whether an owner may make the call.
func bindable(name string) bool {
	for _, m := range tenancy.Methods() {
		if m.Name == name {
			return m.Permission != ""
		}
	}
	return false
}
