package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Marks in a page. Between those of a table are its header, the line below it, and the rows, which are made anew.
const (
	begins = "<!-- figures:"
	closes = " -->"
	ends   = "<!-- end -->"
	taken  = "taken" // not a table: where it is said when and where the figures were taken
)

// renew puts rows into the tables of a page. A table without new rows stays as it is, and the page names it.
func renew(page string, rows map[string][][]string, says func(kept []string) string) (renewed string, err error) {
	seen := map[string]bool{}
	var kept []string
	lines := strings.Split(page, "\n")
	var out []string
	said := -1 // where taken is
	for i := 0; i < len(lines); i++ {
		out = append(out, lines[i])
		name, ok := mark(lines[i])
		if !ok {
			continue
		}
		if seen[name] {
			return "", fmt.Errorf("there are two of figures:%s", name)
		}
		seen[name] = true
		length := slices.Index(lines[i+1:], ends)
		if next := slices.IndexFunc(lines[i+1:], func(line string) bool { _, ok := mark(line); return ok }); length < 0 || next >= 0 && next < length {
			return "", fmt.Errorf("figures:%s has no end", name)
		}
		old := lines[i+1 : i+1+length]
		i += length
		switch {
		case name == taken:
			said = len(out)
		case len(rows[name]) == 0:
			kept = append(kept, name)
			out = append(out, old...)
		default:
			table, err := fill(old, rows[name])
			if err != nil {
				return "", fmt.Errorf("figures:%s: %w", name, err)
			}
			out = append(out, table...)
		}
	}
	if said >= 0 {
		out = slices.Insert(out, said, says(kept))
	}
	return strings.Join(out, "\n"), nil
}

func mark(line string) (name string, ok bool) {
	name, ok = strings.CutPrefix(line, begins)
	if !ok {
		return "", false
	}
	return strings.CutSuffix(name, closes)
}

// fill is a table with its header and these rows.
func fill(old []string, rows [][]string) ([]string, error) {
	if len(old) < 2 || !strings.HasPrefix(old[0], "|") || !strings.HasPrefix(old[1], "|-") {
		return nil, fmt.Errorf("has no header")
	}
	table, columns := old[:2:2], strings.Count(old[0], "|")-1
	for _, row := range rows {
		if len(row) != columns {
			return nil, fmt.Errorf("%d columns, and a row of %d: %q", columns, len(row), row)
		}
		table = append(table, "| "+strings.Join(row, " | ")+" |")
	}
	return table, nil
}

// unknown are tables that have rows and no place in a page.
func unknown(page string, rows map[string][][]string) (names []string) {
	for _, name := range slices.Sorted(maps.Keys(rows)) {
		if !strings.Contains(page, begins+name+closes) {
			names = append(names, name)
		}
	}
	return names
}
