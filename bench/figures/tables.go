package main

import (
	"fmt"
	"math"
	"strconv"
)

// limit is what a ratio or another figure is held to.
type limit struct {
	most, least float64
	unit        string
}

func atMost(n float64) limit { return limit{most: n} }

func atLeast(n float64) limit { return limit{least: n} }

// of says it, and whether a figure misses it.
func (l limit) of(n float64) string {
	text, met := "", true
	switch {
	case l.most > 0:
		text, met = "at most "+plain(l.most)+l.unit, n <= l.most
	case l.least > 0:
		text, met = "at least "+plain(l.least)+l.unit, n >= l.least
	}
	if !met {
		text += ": missed"
	}
	return text
}

// plain is the number of a limit.
func plain(n float64) string {
	if n >= 1000 {
		return rounded(n)
	}
	return strconv.FormatFloat(n, 'f', -1, 64)
}

// line is a row that is made of benchmarks: one against another.
type line struct {
	table, label   string
	base, than     string // names of benchmarks, with their packages
	baseUnit, unit string // "" = ns/op
	faster, bare   bool   // the ratio is base to than; the figures are no times
	limit          limit
}

// tabulate makes the rows that are made of benchmarks. A row whose benchmarks did not run is left out.
func (r *results) tabulate() {
	for _, l := range lines() {
		base, ok := r.median(l.base, or(l.baseUnit))
		than, also := r.median(l.than, or(l.unit))
		if !ok || !also {
			continue
		}
		ratio := than / base
		if l.faster {
			ratio = base / than
		}
		shown := nanoseconds
		if l.bare {
			shown = rounded
		}
		r.rows[l.table] = append(r.rows[l.table], []string{l.label, shown(base), shown(than), fmt.Sprintf("%.2f", ratio), l.limit.of(ratio)})
	}
	r.single()
	r.peers()
}

func or(unit string) string {
	if unit == "" {
		return "ns/op"
	}
	return unit
}

func lines() []line {
	list := []line{
		{
			table: "store", label: "import of 100,000 memberships over 10,000 organizations through `Service.Import`, 10,000 people a transaction: memberships a second, each with its user, role and events",
			base: "bench.Import", baseUnit: "raw-rows/s", than: "bench.Import", unit: "rows/s", bare: true, limit: atLeast(0.7),
		},
		{table: "store", label: "a membership by id", base: "sqlite.Get/raw", than: "sqlite.Get/view", limit: atMost(1.5)},
		{table: "store", label: "the same under a context that can be cancelled", base: "sqlite.Get/raw", than: "sqlite.Get/view-cancellable", limit: atMost(1.5)},
		{table: "store", label: "a page of 50 members", base: "sqlite.Page/raw", than: "sqlite.Page/view", limit: atMost(1.3)},
		{table: "store", label: "a change: row and event, in a transaction of their own", base: "sqlite.Update/raw", than: "sqlite.Update/update", limit: atMost(1.5)},
		{table: "store", label: "a page of 50 at the start of 1,000,000, where the raw side makes nothing of the values", base: "bench.Page/first/raw", than: "bench.Page/first/freehold"},
		{table: "store", label: "a page of 50 at the end of 1,000,000, against ours at the start", base: "bench.Page/first/freehold", than: "bench.Page/last/freehold", limit: atMost(1.2)},
	}
	for _, world := range []struct{ orgs, name string }{{"10", "10 organizations of 10"}, {"10000", "10,000 organizations"}, {"100000", "100,000 organizations, 1,000,000 memberships"}} {
		for _, walk := range []struct{ name, label string }{{"hot", "a thousand people asked for"}, {"whole", "all of them"}} {
			if world.orgs == "10" && walk.name == "hot" { // which are all of them
				continue
			}
			at := "/walk=" + walk.name + "/orgs=" + world.orgs
			label := world.name + ": " + walk.label
			ours := "bench.Check/freehold" + at
			list = append(list,
				line{table: "check", label: label + ", against the floor", base: "bench.Check/floor" + at, than: ours, limit: atMost(2)},
				line{table: "check", label: label + ", all cores against one", base: ours, than: "bench.Check/freehold-parallel" + at, faster: true, limit: atLeast(1.7)},
				line{table: "check", label: label + ", while 100 changes a second land elsewhere", base: ours, than: "bench.Check/freehold-under-writes" + at, limit: atMost(1.2)})
		}
	}
	return list
}

// figure is a row of one figure.
type figure struct {
	table, label string
	name, unit   string // of a benchmark
	shows        string // the unit to be read
	limit        limit
}

func singles() []figure {
	return []figure{
		{"cost", "a cached membership", "bench.CacheMemory", "B/membership", "B", limit{most: 100, unit: " B"}},
		{"cost", "a change in memory, with its check", "bench.Visible", "ns/change", "ns", limit{}},
		{"cost", "the first check after a change", "bench.Visible", "ns/first-check", "ns", limit{most: 5000, unit: " ns"}},
		{"cost", "the file after the import above", "bench.Import", "MB", "MB", limit{}},
		{"crowd", "writes a second", "bench.Crowd", "writes/s", "", limit{}},
		{"crowd", "reads a second", "bench.Crowd", "reads/s", "", limit{}},
		{"crowd", "the slowest write", "bench.Crowd", "slowest-ms", "ms", limit{most: 150, unit: " ms"}},
		{"crowd", "what is left to four writers of the rate of one alone", "bench.Crowd", "of-alone", "", atLeast(0.25)},
	}
}

func (r *results) single() {
	for _, s := range singles() {
		n, ok := r.median(s.name, s.unit)
		if !ok {
			continue
		}
		shown := rounded(n)
		if s.shows != "" {
			shown += " " + s.shows
		}
		r.rows[s.table] = append(r.rows[s.table], []string{s.label, shown, s.limit.of(n)})
	}
}

// peer is somebody who answers the same checks.
type peer struct {
	name, label string
	limit       limit // of how much slower it is, asked for everybody
}

func others() []peer {
	return []peer{
		{"freehold", "Freehold", limit{}},
		{"floor", "a Go map to bits (the floor)", limit{}},
		{"sql", "one prepared statement on an SQLite file", limit{}},
		{"casbin/custom=true", "casbin, domains model, a custom role an organization", atLeast(10_000)},
		{"casbin/custom=false", "casbin, built-in roles only", atLeast(500)},
		{"casbin-cached", "casbin, cached enforcer (stale until told)", atLeast(3)},
		{"gorbac", "gorbac (no organizations)", atLeast(3)},
	}
}

func peerBench(name, crowd string) string { return "bench.CheckPeers/" + name + "/crowd=" + crowd }

func (r *results) peers() {
	for _, p := range others() {
		row, times := []string{p.label}, 0.0
		for _, crowd := range []string{"hundred", "all"} {
			took, ok := r.median(peerBench(p.name, crowd), or(""))
			ours, also := r.median(peerBench("freehold", crowd), or(""))
			if !ok || !also {
				break
			}
			times = took / ours
			row = append(row, nanoseconds(took), rounded(times))
		}
		if len(row) == 5 {
			r.rows["peers"] = append(r.rows["peers"], append(row, p.limit.of(times)))
		}
	}
}

// nanoseconds is a time with three digits that mean something.
func nanoseconds(n float64) string {
	for _, unit := range []struct {
		of   float64
		name string
	}{{1e9, " s"}, {1e6, " ms"}, {1e3, " us"}} {
		if n >= unit.of {
			return rounded(n/unit.of) + unit.name
		}
	}
	return rounded(n) + " ns"
}

// rounded is a number with three digits that mean something, and all of those before the point.
func rounded(n float64) string {
	digits := 2
	if n >= 1 {
		digits = max(0, 2-int(math.Log10(n)))
	}
	text := strconv.FormatFloat(n, 'f', digits, 64)
	if digits == 0 {
		for i := len(text) - 3; i > 0; i -= 3 {
			text = text[:i] + "," + text[i:]
		}
	}
	return text
}
