package main

import (
	"bufio"
	"fmt"
	"io"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// results are what tests and benchmarks printed.
type results struct {
	rows map[string][][]string           // of tables, by their names
	took map[string]map[string][]float64 // of benchmarks, by package and name, and by unit: one for each run
	cpu  string                          // as go test names it
}

var (
	// A row of a table: "figures: NAME: cell | cell", after whatever go test puts before it.
	rowLine = regexp.MustCompile(`figures: ([a-z][a-z0-9-]*): (.+ \| .+)$`)
	// "BenchmarkName-2   100   12.3 ns/op   4.5 other-unit"
	benchLine = regexp.MustCompile(`^Benchmark(\S+?)(?:-\d+)?\s+\d+\s+(\S.*)$`)
)

// read adds what an output of go test holds.
func (r *results) read(from io.Reader) error {
	if r.rows == nil {
		r.rows, r.took = map[string][][]string{}, map[string]map[string][]float64{}
	}
	pkg := ""
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if name, ok := strings.CutPrefix(line, "pkg: "); ok {
			pkg = path.Base(name)
		} else if name, ok := strings.CutPrefix(line, "cpu: "); ok {
			r.cpu = strings.TrimSpace(name)
		} else if row := rowLine.FindStringSubmatch(line); row != nil {
			r.rows[row[1]] = append(r.rows[row[1]], strings.Split(row[2], " | "))
		} else if bench := benchLine.FindStringSubmatch(line); bench != nil {
			if err := r.bench(pkg+"."+bench[1], strings.Fields(bench[2])); err != nil {
				return err
			}
		}
	}
	return lines.Err()
}

// bench adds a run of a benchmark: numbers, each with its unit after it.
func (r *results) bench(name string, fields []string) error {
	if r.took[name] == nil {
		r.took[name] = map[string][]float64{}
	}
	for i := 0; i+1 < len(fields); i += 2 {
		n, err := strconv.ParseFloat(fields[i], 64)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		r.took[name][fields[i+1]] = append(r.took[name][fields[i+1]], n)
	}
	return nil
}

// median is that of the runs of a benchmark.
func (r *results) median(name, unit string) (float64, bool) {
	runs := slices.Sorted(slices.Values(r.took[name][unit]))
	if len(runs) == 0 {
		return 0, false
	}
	return (runs[(len(runs)-1)/2] + runs[len(runs)/2]) / 2, true
}
