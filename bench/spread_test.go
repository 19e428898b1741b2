package bench

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// long is how long a test of load takes: FREEHOLD_SECONDS, or a minute. Without FREEHOLD_SOAK=1 it is left out.
func long(t *testing.T) time.Duration {
	t.Helper()
	if os.Getenv("FREEHOLD_SOAK") != "1" {
		t.Skip("FREEHOLD_SOAK=1 measures, for FREEHOLD_SECONDS")
	}
	return time.Duration(number(t, "FREEHOLD_SECONDS", 60) * float64(time.Second))
}

// factor multiplies the bounds of time, on a machine that is slower or shared.
func factor(t *testing.T) float64 {
	t.Helper()
	return number(t, "FREEHOLD_TEST_FACTOR", 1)
}

func number(t *testing.T, name string, otherwise float64) float64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseFloat(text, 64)
	must(t, err)
	return n
}

// figure prints a row of a table. bench/figures puts it into README.md.
func figure(tb testing.TB, table string, cells ...any) {
	tb.Helper()
	texts := make([]string, len(cells))
	for i, cell := range cells {
		texts[i] = fmt.Sprint(cell)
		if d, ok := cell.(time.Duration); ok {
			texts[i] = short(d)
		}
	}
	tb.Logf("figures: %s: %s", table, strings.Join(texts, " | "))
}

// bar is what a figure is held to, and whether it missed that.
func bar(text string, met bool) string {
	if met {
		return text
	}
	return text + ": missed"
}

// short is a duration with three digits that mean something, or none where none do.
func short(d time.Duration) string {
	for _, unit := range []struct {
		of   time.Duration
		name string
	}{{time.Second, "s"}, {time.Millisecond, "ms"}, {time.Microsecond, "us"}} {
		if d >= unit.of {
			n := float64(d) / float64(unit.of)
			return fmt.Sprintf("%.*f %s", max(0, 2-int(math.Log10(n))), n, unit.name)
		}
	}
	return fmt.Sprintf("%d ns", d)
}

// megabytes is a size to be read.
func megabytes(bytes int64) string { return fmt.Sprintf("%.1f MB", float64(bytes)/(1<<20)) }

// spread counts how long calls took, in steps of two percent. The zero value is empty; it is for one goroutine.
type spread struct {
	Counts  map[int]int // by step
	Longest time.Duration
}

const steps = 0.02

func (s *spread) note(took time.Duration) {
	if s.Counts == nil {
		s.Counts = map[int]int{}
	}
	s.Counts[int(math.Log(float64(max(1, took)))/math.Log1p(steps))]++
	s.Longest = max(s.Longest, took)
}

func (s *spread) merge(other spread) {
	if s.Counts == nil {
		s.Counts = map[int]int{}
	}
	for step, n := range other.Counts {
		s.Counts[step] += n
	}
	s.Longest = max(s.Longest, other.Longest)
}

func (s *spread) calls() (n int) {
	for _, of := range s.Counts {
		n += of
	}
	return n
}

// at is what a share of the calls took at most, such as 0.5 of them; 0 if there were none.
func (s *spread) at(share float64) time.Duration {
	left := int(math.Ceil(share * float64(s.calls())))
	for _, step := range slices.Sorted(maps.Keys(s.Counts)) {
		if left -= s.Counts[step]; left <= 0 {
			return min(s.Longest, time.Duration(math.Pow(1+steps, float64(step+1))))
		}
	}
	return 0
}

// spreads are those of several kinds of work.
type spreads map[string]*spread

// time runs a call, and notes how long it took if it did not fail.
func (s spreads) time(kind string, call func() error) error {
	began := time.Now()
	if err := call(); err != nil {
		return fmt.Errorf("%s: %w", kind, err)
	}
	s.of(kind).note(time.Since(began))
	return nil
}

func (s spreads) of(kind string) *spread {
	if s[kind] == nil {
		s[kind] = &spread{}
	}
	return s[kind]
}

func (s spreads) merge(other spreads) {
	for kind, of := range other {
		s.of(kind).merge(*of)
	}
}

// kinds are in the order of how long they take.
func (s spreads) kinds() []string {
	return slices.SortedFunc(maps.Keys(s), func(a, b string) int {
		return cmp.Or(cmp.Compare(s[a].at(0.5), s[b].at(0.5)), cmp.Compare(a, b))
	})
}

func TestSpread(t *testing.T) {
	var one, other, all spread
	for i := 1; i <= 1000; i++ {
		part := &one
		if i%2 == 0 {
			part = &other
		}
		part.note(time.Duration(i) * time.Microsecond)
	}
	all.merge(one)
	all.merge(other)
	if n := all.calls(); n != 1000 {
		t.Fatal(n)
	}
	for share, want := range map[float64]time.Duration{0.5: 500 * time.Microsecond, 0.99: 990 * time.Microsecond, 1: time.Millisecond} {
		if got := all.at(share); math.Abs(float64(got-want)) > 2*steps*float64(want) {
			t.Errorf("%g: %v, want %v", share, got, want)
		}
	}
	if got := (&spread{}).at(0.5); got != 0 {
		t.Error(got)
	}
	for d, want := range map[time.Duration]string{
		0: "0 ns", 999: "999 ns", 1234: "1.23 us", 45678: "45.7 us", 567_890_000: "568 ms", 1_500_000_000: "1.50 s",
	} {
		if got := short(d); got != want {
			t.Errorf("%d: %q, want %q", d, got, want)
		}
	}
}
