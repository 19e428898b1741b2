package tenancy

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/store/typed"
)

// declarationMark is a single row that identifies the state of the declarations. Each transaction that
// changes declared roles or permissions writes a new Mark. So declarations that were compiled under a Mark
// are right in every snapshot that has that Mark, inside transactions and in other processes, too. No row
// means that nothing has changed since the table was created.
//
// Mark is random and not a counter. A counter that was rolled back would have the same value again, with
// other declarations.
//
// The row also has facts about the last [Service.Declare] that no other row has.
type declarationMark struct {
	ID       declarationMarkID
	Version  int64
	Mark     string
	Revision int64    // of the last Declare that was not outdated
	LeftOut  []string // the built-in roles that it left out
}

// declarationMarkID is the id of the row; its text begins with dcm_.
type declarationMarkID = ID[declarationMark]

func (declarationMark) idPrefix() string { return "dcm" }

func (m declarationMark) rowID() [16]byte { return m.ID }

// theDeclarationMark is the id of the one row. [accessQuery] contains its text.
var theDeclarationMark = declarationMarkID{15: 1}

// declarationMarkFilter selects the row.
type declarationMarkFilter struct{}

// declarationMarkRows describes the row of a declarationMark.
var declarationMarkRows = typed.Describe[declarationMark, declarationMarkFilter](
	"tenancy_declaration_marks", "declaration mark",
	typed.ID("id", func(v *declarationMark) *declarationMarkID { return &v.ID }),
	typed.Integer("version", func(v *declarationMark) *int64 { return &v.Version }),
	typed.Text("mark", func(v *declarationMark) *string { return &v.Mark }),
	typed.Integer("revision", func(v *declarationMark) *int64 { return &v.Revision }),
	typed.List("left_out", func(v *declarationMark) *[]string { return &v.LeftOut }),
)

func (t *txn) DeclarationMarks() table[declarationMark, declarationMarkFilter] {
	return bind(t, declarationMarkRows)
}

// declarationState is the Mark in a call's snapshot, after it was read.
type declarationState struct {
	known   bool
	mark    string
	changed bool             // this call changes them and will write a new Mark: keep nothing under the old one
	last    *lastDeclaration // what to write with the new Mark; nil: the same as before
}

// lastDeclaration has the facts about the last Declare.
type lastDeclaration struct {
	revision int64
	leftOut  []string
}

// declarationMark reads the Mark, once in a call.
func (rr roleRules) declarationMark(ctx context.Context) (string, error) {
	if rr.c.declared.known {
		return rr.c.declared.mark, nil
	}
	row, err := rr.c.tx.DeclarationMarks().Get(ctx, theDeclarationMark)
	if err != nil && CodeOf(err) != ErrNotFound {
		return "", err
	}
	rr.c.sawDeclarations(row.Mark)
	return row.Mark, nil
}

// sawDeclarations records the Mark that another query has read.
func (c *call) sawDeclarations(mark string) { c.declared.known, c.declared.mark = true, mark }

// remarkDeclarations writes a new Mark at the end of a call that changed declarations.
func (c *call) remarkDeclarations(ctx context.Context) error {
	if !c.declared.changed {
		return nil
	}
	row, err := c.tx.DeclarationMarks().Get(ctx, theDeclarationMark)
	there := err == nil
	if err != nil && CodeOf(err) != ErrNotFound {
		return err
	}
	id := declarationMarkID(c.instance.config.NewID())
	row.ID, row.Version, row.Mark = theDeclarationMark, row.Version+1, id.String()
	if last := c.declared.last; last != nil {
		row.Revision, row.LeftOut = last.revision, last.leftOut
	}
	if there {
		return c.tx.DeclarationMarks().Update(ctx, row)
	}
	return c.tx.DeclarationMarks().Insert(ctx, row)
}

// maxCompiled limits how many sets of roles have their profiles and grants kept.
const maxCompiled = 1_000

// compiled has what sets of declared roles give. It lives as long as its declarations.
type compiled struct {
	mu       sync.Mutex
	profiles map[string]*profile
	powers   map[string]powers
}

// setOf returns a name for a set of roles. ok is false if one of them is an organization's own.
func setOf(slugs []string) (name string, ok bool) {
	if slices.ContainsFunc(slugs, rbac.IsOrganizationSlug) {
		return "", false
	}
	if len(slugs) == 1 {
		return slugs[0], true
	}
	return strings.Join(slices.Compact(slices.Sorted(slices.Values(slugs))), " "), true
}

// kept returns the value that a map of d.compiled has under a name, or compiles and stores it.
func kept[T any](d *declarations, of map[string]T, name string, compile func() (T, error)) (T, error) {
	d.compiled.mu.Lock()
	found, ok := of[name]
	d.compiled.mu.Unlock()
	if ok {
		return found, nil
	}
	made, err := compile()
	if err != nil {
		return made, err
	}
	d.compiled.mu.Lock()
	defer d.compiled.mu.Unlock()
	if len(of) >= maxCompiled {
		clear(of)
	}
	of[name] = made
	return made, nil
}
