package roster

import (
	"fmt"
	"strings"

	"github.com/freehold-dev/freehold/tenancy"
)

// Problem says what is wrong with a file, a row or a cell, and where. All errors of [Read] are Problems, and
// each [Refusal] has one. errors.Is finds its Code: errors.Is(err, tenancy.ErrInvalid).
type Problem struct {
	// Code is [tenancy.ErrInvalid]; [tenancy.ErrTooLarge] if something exceeds the [Limits];
	// [tenancy.ErrInternal] if the file cannot be read; or the Service's code.
	Code tenancy.Code `json:"code"`
	// Line is the line of the problem, from 1. For a row it is the row's first line, as [Row].Line. 0: the file
	// as a whole.
	Line int `json:"line,omitempty"`
	// Column is the cell, by the name of its column in the header; "": the row as a whole. It is also set if
	// the Service refuses the text of the cell.
	Column string `json:"column,omitempty"`
	Reason string `json:"reason"` // for a person; without the text of secret cells
	Err    error  `json:"-"`      // the cause, such as a *tenancy.Error; nil: no cause
}

// Error returns one line: `line 5, column "email": is not an address`.
func (p *Problem) Error() string {
	var b strings.Builder
	if p.Line > 0 {
		fmt.Fprintf(&b, "line %d", p.Line)
	}
	if p.Column != "" {
		if b.Len() > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "column %q", p.Column)
	}
	if b.Len() > 0 {
		b.WriteString(": ")
	}
	b.WriteString(p.Reason)
	return b.String()
}

// Unwrap returns the cause.
func (p *Problem) Unwrap() error {
	if p.Err != nil {
		return p.Err
	}
	return &tenancy.Error{Code: p.Code, Op: "read roster", Field: p.Column, Reason: p.Reason}
}

// Is makes errors.Is(err, code) work.
func (p *Problem) Is(target error) bool {
	code, ok := target.(tenancy.Code)
	return ok && code == p.Code
}

func invalid(line int, column, format string, args ...any) *Problem {
	return &Problem{Code: tenancy.ErrInvalid, Line: line, Column: column, Reason: fmt.Sprintf(format, args...)}
}

func tooLarge(line int, column, format string, args ...any) *Problem {
	return &Problem{Code: tenancy.ErrTooLarge, Line: line, Column: column, Reason: fmt.Sprintf(format, args...)}
}
