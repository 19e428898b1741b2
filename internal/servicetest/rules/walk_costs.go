package rules

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/freehold-dev/freehold/tenancy"
)

// contrast is a difference between two runs of one call: the first names a thing of
// another organization, the second names an id or a key that nobody has.
type contrast struct {
	call  string
	given string // the slots that differ between the runs
	costs string // how much more the first run costs
	who   string // the people who can measure it
	said  string // both answers; "" = they are equal
}

// String is the line of a contrast in the list.
func (c contrast) String() string {
	return fmt.Sprintf("{%q, %q, %q, %q, %q},", c.call, c.given, c.costs, c.who, c.said)
}

// walkCosts makes each step twice, with Acme's ids and keys and with absent ones, and
// compares the answers and the costs. It counts statements and rows, and measures no time.
func walkCosts(w *world) {
	t := newTenants(w)
	svc, m := t.metered(asItIs)
	_, err := svc.Permissions.List(t.Ctx) // from now on the instance keeps the declarations
	t.NoError(err)
	var order []contrast
	who := map[contrast][]string{}
	for _, call := range slices.Sorted(maps.Keys(t.calls)) {
		for _, s := range t.steps(call) {
			if !s.comparable() {
				continue
			}
			there, thereCost := t.priced(svc, m, s)
			nowhere := s
			nowhere.from = &t.absent
			none, noneCost := t.priced(svc, m, nowhere)
			c := contrast{call: call, given: s.how(), said: differ(there, none), costs: thereCost.less(noneCost)}
			if c.said == "" && c.costs == "" {
				continue
			}
			if who[c] == nil {
				order = append(order, c)
			}
			if !slices.Contains(who[c], s.walker.name) {
				who[c] = append(who[c], s.walker.name)
			}
		}
	}
	found := make([]contrast, len(order))
	for i, c := range order {
		found[i] = c
		found[i].who = crowdOf(who[c])
	}
	w.onlyContrasts(found, m.slow)
}

// onlyContrasts fails for a difference that no list has, and for a line of a list that does
// not occur. On a slow store it compares the costs roughly.
func (w *world) onlyContrasts(found []contrast, slow bool) {
	w.T.Helper()
	known, met := map[contrast]bool{}, map[contrast]bool{}
	reduce := func(c contrast) contrast {
		if slow {
			c.costs = roughly(c.costs)
		}
		return c
	}
	for _, c := range contrasts {
		known[reduce(c)] = true
	}
	var news, gone []string
	for _, c := range found {
		key := contrast{call: c.call, given: c.given, said: c.said}
		if _, wanted := answersDiffer[key]; !wanted {
			if key = reduce(c); !known[key] {
				news = append(news, c.String())
			}
		}
		met[key] = true
	}
	for key := range answersDiffer {
		known[key] = true
	}
	for key := range known {
		if !met[key] {
			gone = append(gone, key.String())
		}
	}
	slices.Sort(gone)
	w.Empty(strings.Join(news, "\n"), "the caller can tell a thing of another organization from a missing one")
	w.Empty(strings.Join(gone, "\n"), "these do not occur any more: delete them from the list")
}

// roughly keeps the part of a cost that is equal on every store. Without a
// [tenancy.AccessReader] the Service reads access in three or four statements, not in one,
// so the numbers of statements and rows differ there.
func roughly(costs string) string {
	var parts []string
	for part := range strings.SplitSeq(costs, ", ") {
		if strings.HasSuffix(part, " statements") || strings.HasSuffix(part, " rows read") {
			part = "reading"
		}
		if part != "" && !slices.Contains(parts, part) {
			parts = append(parts, part)
		}
	}
	return strings.Join(slices.Sorted(slices.Values(parts)), ", ")
}

// less describes how much more c is than other; "" = they are equal.
func (c cost) less(other cost) string {
	var parts []string
	for _, part := range []struct {
		name  string
		delta int
	}{
		{"transactions", c.transactions - other.transactions},
		{"statements", c.statements - other.statements},
		{"locks", c.locks - other.locks},
		{"rows read", c.read - other.read},
		{"rows written", c.written - other.written},
	} {
		if part.delta != 0 {
			parts = append(parts, fmt.Sprintf("%+d %s", part.delta, part.name))
		}
	}
	return strings.Join(parts, ", ")
}

// during is the cost of fn.
func (m *meter) during(fn func()) cost {
	m.cost, m.keys = cost{}, nil
	fn()
	return m.cost
}

// crowdOf names a set of walkers.
func crowdOf(names []string) string {
	text := strings.Join(names, ", ")
	for _, crowd := range []struct{ word, names string }{
		{seenByAll, "stranger, stranger by session, member, member by session, admin, admin by session, owner, owner by session"},
		{seenByUsers, "stranger, member, admin, owner"},
		{seenBySessions, "stranger by session, member by session, admin by session, owner by session"},
		{seenByManagers, "admin, admin by session, owner, owner by session"},
		{seenByOthers, "stranger, stranger by session, member, member by session"},
	} {
		if text == crowd.names {
			return crowd.word
		}
	}
	return text
}

// differ describes the difference between two answers; "" = they are equal.
func differ(there, nowhere string) string {
	if there == nowhere {
		return ""
	}
	a, _, _ := strings.Cut(there, " ")
	b, _, _ := strings.Cut(nowhere, " ")
	if a == b {
		return a + ", otherwise"
	}
	return a + " for " + b
}

// tokenSlots are the slots of secrets. A genuine token tells the state of its thing (rule
// G10), so it is not compared with an absent one.
var tokenSlots = []slot{"invite", "dead invite", "link", "dead link", "proof", "bearer"}

// comparable reports whether a step can be made with absent ids and keys as well. A token
// has no absent counterpart.
func (s walkStep) comparable() bool {
	return len(s.varied) > 0 && !slices.ContainsFunc(s.varied, func(one slot) bool { return slices.Contains(tokenSlots, one) })
}

// priced makes a step and gives its answer and its cost. Each step has a minute of its own:
// the first refusal of a minute may be a write (rule A5), later ones are only counted.
func (t *tenants) priced(svc *tenancy.Service, m *meter, s walkStep) (said string, c cost) {
	t.writeDenials(svc)
	var a walkAnswer
	c = m.during(func() { a = t.take(svc, s) })
	return s.plain(a), c
}

// writeDenials lets a minute pass and has everything written that was refused in it.
func (t *tenants) writeDenials(svc *tenancy.Service) {
	t.Clock.Advance(time.Minute)
	_, err := svc.As(tenancy.ServicePrincipal("walk", tenancy.OrganizationID{})).Events.Last(t.Ctx)
	t.ErrorIs(err, tenancy.ErrForbidden)
	t.Clock.Advance(time.Second)
}

var (
	anyID    = regexp.MustCompile(`[a-z]+_[0-7][0-9a-z]{25}`)
	anyTime  = regexp.MustCompile(`\d{4}-\d\d-\d\dT[0-9:.]+Z`)
	anyToken = regexp.MustCompile(`[a-z2-7]{52}`)
)

// plain is an answer as text that two runs can be compared by: it holds no ids, times or
// tokens, and the name of a slot in place of what the slot gave.
func (s walkStep) plain(a walkAnswer) string {
	text, _ := json.Marshal(a.result)
	text = append([]byte("success "), text...)
	var e *tenancy.Error
	switch {
	case errors.As(a.err, &e):
		text = fmt.Appendf(nil, "%s %q %s %q %s %q %v %v", e.Code, e.Op, e.Kind, e.Key, e.Field, e.Reason, e.IDs, e.Counts)
	case a.err != nil:
		text = []byte(a.err.Error())
	}
	plain := string(text)
	for _, one := range s.varied {
		plain = strings.ReplaceAll(plain, slots[one](s.from), "<"+string(one)+">")
	}
	for _, pattern := range []*regexp.Regexp{anyID, anyTime, anyToken} {
		plain = pattern.ReplaceAllString(plain, "<>")
	}
	return plain
}
