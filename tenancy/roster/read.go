package roster

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	xunicode "golang.org/x/text/encoding/unicode"

	"github.com/freehold-dev/freehold/tenancy"
)

// Read reads a CSV file with a header. The columns may be in any order. Read accepts a byte order mark, CRLF,
// comma, semicolon or tab, blank lines, white space around cells, quoted cells with line breaks, the line
// "sep=;" that Excel writes, and UTF-8 or UTF-16.
//
// Read keeps a row that it cannot understand: a stray quote, a missing cell, a date that is not a date. The row
// gets Problems, and [NewPlan] refuses it. Read reads the other rows as usual. If a quote is not closed, the
// lines up to the next quote are part of the row, and the problem names these lines.
//
// Errors are of type *[Problem]: [tenancy.ErrInvalid] for a file without the header of the format, in another
// encoding than the named one, or without rows; [tenancy.ErrTooLarge] over a limit; [tenancy.ErrInternal] if r
// fails, whose error is wrapped.
func Read(r io.Reader, f Format) (*Sheet, error) {
	f.Limits = f.Limits.withDefaults()
	text, err := decode(r, f)
	if err != nil {
		return nil, err
	}
	text, comma, skipped := separatorLine(text, f.Comma)
	h, err := readHeader(text, comma, skipped, f)
	if err != nil {
		return nil, err
	}
	sheet := &Sheet{Format: f.Name, ownIDs: f.OwnIDs, Header: h.names, Ignored: h.ignored()}
	lines := newReader(text, h.comma)
	for header := true; ; header = false {
		cells, err := lines.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if header { // readHeader has read it
			continue
		}
		row, there := h.row(lines, cells, err)
		if !there {
			continue
		}
		if len(sheet.Rows) == f.Limits.Rows {
			return nil, tooLarge(row.Line, "", "has more than %d rows", f.Limits.Rows)
		}
		sheet.Rows = append(sheet.Rows, row)
	}
	if len(sheet.Rows) == 0 {
		return nil, invalid(0, "", "has a header and no row")
	}
	return sheet, nil
}

// decode reads a whole file, and returns its text in UTF-8 without a byte order mark.
func decode(r io.Reader, f Format) (string, error) {
	raw, err := io.ReadAll(io.LimitReader(r, int64(f.Limits.Bytes)+1))
	switch {
	case err != nil:
		return "", &Problem{Code: tenancy.ErrInternal, Reason: "cannot be read", Err: err}
	case len(raw) > f.Limits.Bytes:
		return "", tooLarge(0, "", "has more than %d bytes", f.Limits.Bytes)
	}
	var text []byte
	switch endian, is16 := utf16(raw); {
	case f.Encoding != "" && f.Encoding != UTF8 && f.Encoding != Windows1252:
		return "", invalid(0, "", "is to be read as %q, which is no encoding of this package", f.Encoding)
	case is16:
		if text, err = xunicode.UTF16(endian, xunicode.UseBOM).NewDecoder().Bytes(raw); err != nil || len(raw)%2 != 0 {
			return "", invalid(0, "", "begins as UTF-16 and is none")
		}
	case f.Encoding == Windows1252 && !bytes.HasPrefix(raw, bom):
		if text, err = charmap.Windows1252.NewDecoder().Bytes(raw); err != nil {
			return "", invalid(0, "", "is not Windows-1252")
		}
	default:
		text = raw
		if !utf8.Valid(text) {
			return "", invalid(lineOfInvalid(text), "", "is not UTF-8: if the file is Windows-1252, as Excel writes it, say so in Format.Encoding")
		}
	}
	text = bytes.TrimPrefix(text, bom)
	if !bytes.ContainsRune(text, '\n') { // line endings of the old Mac OS
		text = bytes.ReplaceAll(text, []byte("\r"), []byte("\n"))
	}
	if len(bytes.TrimSpace(text)) == 0 {
		return "", invalid(0, "", "is empty")
	}
	return string(text), nil
}

var bom = []byte("\xef\xbb\xbf")

// utf16 recognizes UTF-16, by its byte order mark, or by its zero bytes: half of a header in UTF-16 are zero
// bytes, and encodings with one byte for an ASCII character have none.
func utf16(raw []byte) (xunicode.Endianness, bool) {
	switch {
	case bytes.HasPrefix(raw, []byte{0xff, 0xfe}):
		return xunicode.LittleEndian, true
	case bytes.HasPrefix(raw, []byte{0xfe, 0xff}):
		return xunicode.BigEndian, true
	}
	zero, head := [2]int{}, raw[:min(len(raw), 512)&^1]
	for i, b := range head {
		if b == 0 {
			zero[i%2]++
		}
	}
	switch pairs := len(head) / 2; {
	case pairs > 1 && zero[0] == 0 && zero[1]*10 > pairs*9:
		return xunicode.LittleEndian, true
	case pairs > 1 && zero[1] == 0 && zero[0]*10 > pairs*9:
		return xunicode.BigEndian, true
	}
	return xunicode.LittleEndian, false
}

// lineOfInvalid is the first line that is not UTF-8.
func lineOfInvalid(text []byte) int {
	line := 1
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		if r == utf8.RuneError && size == 1 {
			break
		}
		if r == '\n' {
			line++
		}
		text = text[size:]
	}
	return line
}

// separatorLine removes the line in which Excel names the separator. skipped is the number of lines removed.
func separatorLine(text string, comma rune) (rest string, named rune, skipped int) {
	line, rest, found := strings.Cut(text, "\n")
	line = strings.ToLower(strings.TrimSpace(line))
	if !found || !strings.HasPrefix(line, "sep=") || utf8.RuneCountInString(line) > len("sep=")+1 {
		return text, comma, 0
	}
	r, _ := utf8.DecodeRuneInString(line[len("sep="):])
	if comma == 0 && strings.ContainsRune(",;|", r) {
		comma = r
	} else if comma == 0 && r == utf8.RuneError { // a tab, which the reader takes for white space
		comma = '\t'
	}
	return rest, comma, 1
}

func newReader(text string, comma rune) *csv.Reader {
	lines := csv.NewReader(strings.NewReader(text))
	lines.Comma, lines.FieldsPerRecord = comma, -1
	lines.TrimLeadingSpace = comma != '\t' // a tab is white space, too
	return lines
}

// header is the first line of a file, with the meaning of its columns.
type header struct {
	format  Format
	comma   rune
	skipped int      // lines before it
	names   []string // in the spelling of the file
	columns []source // in the order of Format.Columns
}

// source is the columns of a file that match one Column of the format.
type source struct {
	Column
	at []int // indexes of cells: the first cell that is not blank counts
}

// readHeader finds the separator of the cells, and the meaning of the columns.
func readHeader(text string, comma rune, skipped int, f Format) (*header, error) {
	commas := []rune{',', ';', '\t'}
	if comma != 0 {
		commas = []rune{comma}
	}
	var best *header
	known := -1
	for _, comma := range commas {
		lines := newReader(text, comma)
		names, err := lines.Read()
		if err != nil {
			continue
		}
		if len(names) > f.Limits.Columns {
			return nil, tooLarge(1+skipped, "", "has more than %d columns", f.Limits.Columns)
		}
		for i := range names {
			names[i] = strings.TrimSpace(names[i])
		}
		h := &header{format: f, comma: comma, skipped: skipped, names: names}
		if n := h.match(); n > known {
			best, known = h, n
		}
	}
	if best == nil {
		return nil, invalid(1+skipped, "", "has a header that is not CSV")
	}
	return best, best.check(known)
}

// match finds the columns of the format in the header, and returns how many of the file's columns the format
// knows.
func (h *header) match() int {
	known := map[int]bool{}
	for _, column := range h.format.Columns {
		s := source{Column: column}
		for _, name := range column.Names {
			want := normal(name)
			for i, has := range h.names {
				has = normal(has)
				if has == want || column.Begins && strings.HasPrefix(has, want+" ") {
					s.at, known[i] = append(s.at, i), true
				}
			}
		}
		h.columns = append(h.columns, s)
	}
	return len(known)
}

// check refuses a line that is not a header, or not a header of this format.
func (h *header) check(known int) error {
	line := 1 + h.skipped
	var missing []string
	for _, s := range h.columns {
		if s.Required && len(s.at) == 0 {
			missing = append(missing, s.Names[0])
		}
	}
	switch {
	case known == 0:
		return invalid(line, "", "has no header of the format %q: no column is called %s", h.format.Name, quoted(missing))
	case len(missing) > 0:
		return invalid(line, missing[0], "is not in the header, as the format %q has it: missing %s", h.format.Name, quoted(missing))
	}
	for _, s := range h.columns {
		for i, at := range s.at {
			for _, other := range s.at[i+1:] {
				if !s.Begins && normal(h.names[at]) == normal(h.names[other]) {
					return invalid(line, h.names[at], "is in the header twice")
				}
			}
		}
	}
	return nil
}

func quoted(names []string) string {
	if len(names) == 0 {
		return "as one of it"
	}
	parts := make([]string, len(names))
	for i, name := range names {
		parts[i] = fmt.Sprintf("%q", name)
	}
	return strings.Join(parts, ", ")
}

// ignored are the columns of the file that the format does not read.
func (h *header) ignored() []string {
	var names []string
	for i, name := range h.names {
		if name != "" && !slices.ContainsFunc(h.columns, func(s source) bool { return slices.Contains(s.at, i) }) {
			names = append(names, name)
		}
	}
	return names
}

// filledBy returns the name of the column that fills a field from these cells. With blank, if no column fills
// it, it returns the first column that could. "" = none.
func (h *header) filledBy(field Field, cells []string, blank bool) string {
	could := ""
	for _, s := range h.columns {
		if s.Field != field || len(cells) < len(h.names) {
			continue
		}
		if at, _ := s.first(cells); at >= 0 {
			return h.names[at]
		}
		if blank && could == "" && len(s.at) > 0 {
			could = h.names[s.at[0]]
		}
	}
	return could
}

// row makes a Row from what the CSV reader returned. It returns false for a blank row.
func (h *header) row(lines *csv.Reader, cells []string, err error) (Row, bool) {
	var broken *csv.ParseError
	if errors.As(err, &broken) {
		reason := fmt.Sprintf("has a quote that stands bare: at byte %d of line %d", broken.Column, broken.Line+h.skipped)
		if broken.Line > broken.StartLine {
			reason = fmt.Sprintf("has a quote that does not close where it should: lines %d to %d are left out", broken.StartLine+h.skipped, broken.Line+h.skipped)
		}
		line := broken.StartLine + h.skipped
		return Row{Line: line, Problems: []*Problem{{Code: tenancy.ErrInvalid, Line: line, Reason: reason, Err: err}}}, true
	}
	line, _ := lines.FieldPos(0)
	row := Row{Line: line + h.skipped}
	blank := true
	for i, cell := range cells {
		cells[i] = strings.TrimFunc(cell, unicode.IsSpace)
		blank = blank && cells[i] == ""
	}
	if blank {
		return Row{}, false
	}
	row.cell = func(name string) string {
		i := slices.IndexFunc(h.names, func(has string) bool { return normal(has) == normal(name) })
		if i < 0 || i >= len(cells) {
			return ""
		}
		return cells[i]
	}
	row.column = func(field Field, blank bool) string { return h.filledBy(field, cells, blank) }
	extra := slices.IndexFunc(cells[min(len(cells), len(h.names)):], func(cell string) bool { return cell != "" })
	switch {
	case len(cells) < len(h.names):
		row.problem(invalid(row.Line, "", "has %d cells, and the header has %d", len(cells), len(h.names)))
	case extra >= 0:
		row.problem(invalid(row.Line, "", "has %d cells, and the header has %d: is a separator not quoted?", len(cells), len(h.names)))
	default:
		h.fill(&row, cells)
	}
	return row, true
}
