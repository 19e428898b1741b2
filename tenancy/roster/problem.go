package roster

import (
	"fmt"
	"strings"

	"github.com/freehold-dev/freehold/tenancy"
)

// Problem is what is wrong with a file, a row or a cell, and where. It is the only error of [Read],
// and the reason of each [Refusal]. errors.Is finds its Code: errors.Is(err, tenancy.ErrInvalid).
type Problem struct {
	// Code is [tenancy.ErrInvalid]; [tenancy.ErrTooLarge] for what is over the [Limits];
	// [tenancy.ErrInternal] where the file cannot be read; or what the Service answered.
	Code tenancy.Code `json:"code"`
	// Line is where it is, from 1; of a row it is the first line, as [Row].Line. 0: the file as a whole.
	Line int `json:"line,omitempty"`
	// Column is the cell, as the header names its column; "": the row as a whole. It is set as well where
	// the Service refuses what the cell says.
	Column string `json:"column,omitempty"`
	Reason string `json:"reason"` // for a person; without the text of secret cells
	Err    error  `json:"-"`      // the cause, such as a *tenancy.Error; nil: none
}

// Error is one line: `line 5, column "email": is not an address`.
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

// Unwrap gives the cause.
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
