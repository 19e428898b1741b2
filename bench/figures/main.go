// Command figures puts what tests and benchmarks printed into the tables of a page. bench/renew runs it.
//
//	figures [-page README.md] [-output FILE] [-commit ABC] [-remark TEXT] OUTPUT...
//
// A test prints a row of a table as "figures: NAME: cell | cell", and the page has the table between the lines
// "<!-- figures:NAME -->" and "<!-- end -->", with its header. Rows made of benchmarks are in tables.go.
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"
)

func main() {
	page := flag.String("page", "README.md", "whose tables are renewed")
	output := flag.String("output", "", "where the page goes; - is standard output; by default where it was")
	commit := flag.String("commit", "unknown", "what was measured")
	remark := flag.String("remark", "", "is added to what is said of the run")
	flag.Parse()
	if err := run(*page, *output, *commit, *remark, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "figures:", err)
		os.Exit(1)
	}
}

func run(page, output, commit, remark string, from []string) error {
	var r results
	for _, name := range from {
		file, err := os.Open(name)
		if err != nil {
			return err
		}
		err = r.read(file)
		_ = file.Close()
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	r.tabulate()
	text, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	for _, name := range unknown(string(text), r.rows) {
		fmt.Fprintf(os.Stderr, "figures: %s has no place for figures:%s\n", page, name)
	}
	renewed, err := renew(string(text), r.rows, func(kept []string) string { return r.says(commit, remark, time.Now(), kept) })
	if err != nil {
		return fmt.Errorf("%s: %w", page, err)
	}
	switch output {
	case "-":
		_, err = fmt.Print(renewed)
		return err
	case "":
		output = page
	}
	return os.WriteFile(output, []byte(renewed), 0o644)
}

// says is when and where the figures were taken, and what is older.
func (r *results) says(commit, remark string, at time.Time, kept []string) string {
	cpu := r.cpu
	if cpu == "" {
		cpu = "a processor without a name"
	}
	text := fmt.Sprintf("Taken on %s at commit `%s`, on %s, %d cores, %s/%s, %s.",
		at.UTC().Format(time.DateOnly), commit, cpu, runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version())
	if len(kept) > 0 {
		text += " From an earlier run: " + strings.Join(kept, ", ") + "."
	}
	if remark != "" {
		text += " " + remark
	}
	return text
}
