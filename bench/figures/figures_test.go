package main

import (
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

const output = `=== RUN   TestLoad
    load_test.go:31: figures: load: NORMAL | check | 1.78 us
figures: growth: Users.List | members | 100 | 102 | 1.02
    wal_test.go:33: figures: log: 200 images cut, 200 opened
goos: linux
pkg: github.com/freehold-dev/freehold/store/sqlite
cpu: A Processor    
BenchmarkPage/raw-2         	     100	    200000 ns/op	       5 allocs/op
BenchmarkPage/raw-2         	     100	    100000 ns/op	       5 allocs/op
BenchmarkPage/raw-2         	     100	    999999 ns/op	       5 allocs/op
BenchmarkPage/view-2        	     100	    280000 ns/op	       5 allocs/op
pkg: github.com/freehold-dev/freehold/bench
BenchmarkPage/first/freehold         	     100	    100 ns/op
BenchmarkPage/last/freehold-2         	     100	    110 ns/op	         1.1 last/first
BenchmarkCrowd-2    	       1	 1026291 ns/op	         0.2 of-alone	       1780.0 reads/s
BenchmarkCheckPeers/freehold/crowd=hundred-2 10 50 ns/op
BenchmarkCheckPeers/freehold/crowd=all-2 10 100 ns/op
BenchmarkCheckPeers/gorbac/crowd=hundred-2 10 500 ns/op
BenchmarkCheckPeers/gorbac/crowd=all-2 10 250 ns/op
`

func parsed(t *testing.T) *results {
	t.Helper()
	var r results
	if err := r.read(strings.NewReader(output)); err != nil {
		t.Fatal(err)
	}
	r.tabulate()
	return &r
}

func TestRows(t *testing.T) {
	r := parsed(t)
	want := map[string][][]string{
		"load":   {{"NORMAL", "check", "1.78 us"}},
		"growth": {{"Users.List", "members", "100", "102", "1.02"}},
		"store": {
			{"a page of 50 members", "200 us", "280 us", "1.40", "at most 1.3: missed"},
			{"a page of 50 at the end of 1,000,000, against ours at the start", "100 ns", "110 ns", "1.10", "at most 1.2"},
		},
		"crowd": {{"reads a second", "1,780", ""}, {"what is left to four writers of the rate of one alone", "0.20", "at least 0.25: missed"}},
		"peers": {
			{"Freehold", "50.0 ns", "1.00", "100 ns", "1.00", ""},
			{"gorbac (no organizations)", "500 ns", "10.0", "250 ns", "2.50", "at least 3: missed"},
		},
	}
	if !reflect.DeepEqual(r.rows, want) {
		t.Errorf("%q\nwant\n%q", r.rows, want)
	}
	if err := new(results).read(strings.NewReader("BenchmarkX-2 10 many ns/op\n")); err == nil {
		t.Error("a number that is none is taken")
	}
}

const page = `# Figures
<!-- figures:taken -->
long ago
<!-- end -->
Before.
<!-- figures:growth -->
| method | axis | small | large | ratio |
|---|---|---|---|---|
| gone | | | | |
| gone, too | | | | |
<!-- end -->
Between.
<!-- figures:backup -->
| copies |
|---|
| 7 |
<!-- end -->
After.
`

func TestPage(t *testing.T) {
	r := parsed(t)
	at := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	got, err := renew(page, r.rows, func(kept []string) string { return r.says("abc", "Quick.", at, kept) })
	if err != nil {
		t.Fatal(err)
	}
	line := strings.Split(got, "\n")[2]
	for _, part := range []string{"Taken on 2030-01-02 at commit `abc`, on A Processor, ", " From an earlier run: backup. Quick."} {
		if !strings.Contains(line, part) {
			t.Errorf("%q lacks %q", line, part)
		}
	}
	want := strings.Replace(page, "| gone | | | | |\n| gone, too | | | | |\n", "| Users.List | members | 100 | 102 | 1.02 |\n", 1)
	want = strings.Replace(want, "long ago", line, 1)
	if got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	if names := unknown(page, r.rows); !reflect.DeepEqual(names, []string{"crowd", "load", "peers", "store"}) {
		t.Error(names)
	}
}

func TestPageRefuses(t *testing.T) {
	rows := map[string][][]string{"growth": {{"too", "few"}}}
	for what, text := range map[string]string{
		"a row of another width": page,
		"no end":                 strings.Replace(page, ends, "", 2),
		"two of one name":        page + page,
		"no header":              "<!-- figures:growth -->\n<!-- end -->\n",
	} {
		if _, err := renew(text, rows, func([]string) string { return "" }); err == nil {
			t.Errorf("%s is taken", what)
		}
	}
}

func TestRounded(t *testing.T) {
	for n, want := range map[float64]string{0: "0.00", 0.123: "0.12", 1.234: "1.23", 12.34: "12.3", 123.4: "123", 1234567: "1,234,567"} {
		if got := rounded(n); got != want {
			t.Errorf("%g: %q, want %q", n, got, want)
		}
	}
	for n, want := range map[float64]string{999: "999 ns", 1500: "1.50 us", 2e6: "2.00 ms", 3e9: "3.00 s"} {
		if got := nanoseconds(n); got != want {
			t.Errorf("%g: %q, want %q", n, got, want)
		}
	}
}

// TestReadme: every row that is made of benchmarks fits into the page of this module.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	r := &results{rows: map[string][][]string{}, took: map[string]map[string][]float64{}}
	put := func(name, unit string) {
		if r.took[name] == nil {
			r.took[name] = map[string][]float64{}
		}
		r.took[name][unit] = []float64{1}
	}
	for _, l := range lines() {
		put(l.base, or(l.baseUnit))
		put(l.than, or(l.unit))
	}
	for _, s := range singles() {
		put(s.name, s.unit)
	}
	for _, p := range others() {
		put(peerBench(p.name, "hundred"), or(""))
		put(peerBench(p.name, "all"), or(""))
	}
	r.tabulate()
	if got, want := len(slices.Concat(slices.Collect(maps.Values(r.rows))...)), len(lines())+len(singles())+len(others()); got != want {
		t.Errorf("%d rows, not %d", got, want)
	}
	if names := unknown(string(text), r.rows); len(names) > 0 {
		t.Error("no place for", names)
	}
	if _, err := renew(string(text), r.rows, func([]string) string { return "" }); err != nil {
		t.Error(err)
	}
}

func TestRun(t *testing.T) {
	dir := t.TempDir()
	from, to := filepath.Join(dir, "log"), filepath.Join(dir, "page.md")
	for name, text := range map[string]string{from: output, to: page} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := run(to, "", "abc", "", []string{from}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(to)
	if err != nil || !strings.Contains(string(text), "| Users.List | members | 100 | 102 | 1.02 |") {
		t.Error(string(text), err)
	}
	if err := run(to, "", "abc", "", []string{filepath.Join(dir, "none")}); err == nil {
		t.Error("an output that is not there is taken")
	}
}
