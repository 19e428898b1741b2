package rules

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// locksTaken lists the calls that are refused only after they locked something of an
// organization that the caller is not in, and why that stands.
var locksTaken = map[string]string{
	"JoinRequests.Create (organization): organization": "I7: anybody may ask, and what the organization says to it is read under its lock",
}

// walkLocks makes each step that names a thing of another organization, where others write at
// the same time, and finds no lock of that organization's, nor the one of the declared roles,
// taken by a call that is refused: otherwise anybody could make its writers wait.
func walkLocks(w *world) {
	t := newTenants(w)
	svc, m := t.metered(asItIs)
	theirs := map[string]string{}
	for _, s := range []slot{"organization", "user"} {
		theirs[slots[s](&t.acme)] = string(s)
	}
	found := map[string]bool{}
	for _, call := range slices.Sorted(maps.Keys(t.calls)) {
		for _, s := range t.steps(call) {
			if s.from != &t.acme || len(s.varied) == 0 || slices.ContainsFunc(s.varied, func(v slot) bool { return slices.Contains(tokenSlots, v) }) {
				continue
			}
			var a walkAnswer
			m.during(func() { a = t.take(svc, s) })
			if a.err == nil {
				continue
			}
			for _, key := range m.keys {
				what := theirs[key.Value]
				if key.Value == "" && (slices.Contains(s.varied, "organization") || !strings.HasPrefix(s.walker.name, "admin") && !strings.HasPrefix(s.walker.name, "owner")) {
					what = "declared roles" // whoever runs an organization may lock them for its roles
				}
				if line := fmt.Sprintf("%s (%s): %s", call, s.how(), what); what != "" && locksTaken[line] == "" {
					found[line] = true
				}
			}
		}
	}
	w.Empty(strings.Join(slices.Sorted(maps.Keys(found)), "\n"), "a call that is refused locked what is others'")
}
