package rules

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/freehold-dev/freehold/tenancy"
)

// exception is a thing of another organization that a call gives.
type exception struct {
	call string // "Users.Get" is every call of the method, "Users.Get: another" is one; * = all calls
	path string // the place in the answer, in the names of JSON; * = everything that this one call gives
	what string
	why  string
}

// String is the line of an exception in the list.
func (e exception) String() string {
	return fmt.Sprintf("{%q, %q, %q, %q},", e.call, e.path, e.what, e.why)
}

func (e exception) covers(call string, seen sighting) bool {
	if e.path == "*" {
		return e.call == call
	}
	return (e.call == call || e.call == methodOf(call) || e.call == "*") && seen == sighting{e.path, e.what}
}

// documented lists the exceptions that a rule asks for.
var documented = []exception{
	{"Invitations.Preview", "id", "id of invitations", "I6: the bearer of the token is invited"},
	{"Invitations.Preview", "organization_id", "id of organizations", "I6"},
	{"Invitations.Preview", "organization_name", "text", "I6"},
	{"Invitations.Decline", "id", "id of invitations", "I6: the bearer of the token is invited"},
	{"Invitations.Decline", "organization_id", "id of organizations", "I6"},
	{"Invitations.Decline", "organization_name", "text", "I6"},
	{"Invitations.Decline: a dead one", "error.Key", "id of invitations", "I6: the preview shows it, too"},
	{"Invitations.Accept: a dead one", "error.Key", "id of invitations", "I6: the preview shows it, too"},
	{"JoinCodes.Use", "*", "", "I7: the bearer of the link is a member from then on"},
	{"Events.Denials", "items.actor.id", "id of users", "A5: a denial names the actor who was refused here"},
}

// leaks lists the known exceptions that no rule asks for. The list shrinks: the walk fails
// for a line that does not occur any more, so the change that mends it deletes the line.
var leaks = []exception{}

// walkLeaks makes each step and searches its answer for Acme's things. Where a step names one
// of them, Acme is over Config.DeleteLimit: an error about a limit counts things.
func walkLeaks(w *world) {
	t := newTenants(w)
	svc, _ := t.metered(asItIs)
	limited, _ := t.metered(func(c *tenancy.Config) { c.DeleteLimit = 1 })
	found := findings{}
	for _, call := range slices.Sorted(maps.Keys(t.calls)) {
		for _, s := range t.steps(call) {
			by := svc
			if len(s.varied) > 0 {
				by = limited
			}
			got := t.take(by, s)
			for seen := range t.traces.look(got.result, got.err, s.given(got.taken)) {
				found.add(call, seen, s.walker.name+" ("+s.how()+")")
			}
		}
	}
	w.onlyKnown(found, slices.Concat(documented, leaks))
}

// findings are sightings by call, each with the people who saw it.
type findings map[string]map[sighting][]string

func (f findings) add(call string, seen sighting, by string) {
	if f[call] == nil {
		f[call] = map[sighting][]string{}
	}
	f[call][seen] = append(f[call][seen], by)
}

// onlyKnown fails for a sighting that no exception covers, and for an exception that covers
// none.
func (w *world) onlyKnown(found findings, known []exception) {
	w.T.Helper()
	var news, gone []string
	met := map[exception]bool{}
	for call, sightings := range found {
		for seen, by := range sightings {
			i := slices.IndexFunc(known, func(e exception) bool { return e.covers(call, seen) })
			if i < 0 {
				slices.Sort(by)
				news = append(news, exception{call, seen.path, seen.what, "seen by " + strings.Join(slices.Compact(by), ", ")}.String())
				continue
			}
			met[known[i]] = true
		}
	}
	for _, e := range known {
		if !met[e] {
			gone = append(gone, e.String())
		}
	}
	slices.Sort(news)
	w.Empty(strings.Join(news, "\n"), "things of another organization")
	w.Empty(strings.Join(gone, "\n"), "these do not occur any more: delete them from the list")
}

// given are the texts of another organization that the step itself names. The answer may
// repeat them.
func (s walkStep) given(taken []slot) map[string]bool {
	texts := map[string]bool{}
	for _, one := range s.varied {
		if text := slots[one](s.from); slices.Contains(taken, one) && text != "" {
			texts[text] = true
		}
	}
	return texts
}

// steps are the ways to make a call, for each walker: with Beta's ids and keys, with Acme's,
// and with one of Acme's beside Beta's. A method of the host alone refuses before it looks at
// ids, so one way is enough.
func (t *tenants) steps(call string) []walkStep {
	taken := t.takes(call)
	var all []walkStep
	for _, who := range t.walkers() {
		if hostOnly(methodOf(call)) {
			all = append(all, walkStep{call, who, &t.acme, taken})
			continue
		}
		all = append(all, walkStep{call, who, &t.beta, nil})
		for _, varied := range variations(taken) {
			all = append(all, walkStep{call, who, &t.acme, varied})
		}
		if slices.Contains(taken, "user") {
			all = append(all, walkStep{call, who, &t.merged, []slot{"user"}})
		}
	}
	return all
}

func hostOnly(method string) bool {
	return slices.ContainsFunc(tenancy.Methods(), func(m tenancy.Method) bool { return m.Name == method && m.HostOnly() })
}
