package tenancy

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/store/typed"
)

// declarationMark is the one row that names the state of the declarations. Each transaction
// that changes declared roles or permissions writes a new Mark, so declarations that were
// compiled under a Mark hold wherever a snapshot has that Mark: inside transactions, and in
// other processes. No row: nothing has changed since the table was made.
//
// Mark is random and not a count, because a count that was rolled back would come again with
// other declarations.
//
// The row also says what no other row does of the last [Service.Declare].
type declarationMark struct {
	ID       declarationMarkID
	Version  int64
	Mark     string
	Revision int64    // of the last Declare that was not older than the one before
	LeftOut  []string // the built-in roles that it left out
}

// declarationMarkID is the id of the row, dcm_...
type declarationMarkID = ID[declarationMark]

func (declarationMark) idPrefix() string { return "dcm" }

func (m declarationMark) rowID() [16]byte { return m.ID }

// theDeclarationMark is the id of the one row: [accessQuery] has its text.
var theDeclarationMark = declarationMarkID{15: 1}

// declarationMarkFilter selects all.
type declarationMarkFilter struct{}

// declarationMarkRows says how one lies in a row.
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

// declarationState is the Mark that a call's snapshot has, once it is read.
type declarationState struct {
	known   bool
	mark    string
	changed bool             // by this call, which has to write a new Mark: nothing is kept under the old one
	last    *lastDeclaration // what to write with the new Mark; nil: as it was
}

// lastDeclaration is what the row of the Mark says of the last Declare.
type lastDeclaration struct {
	revision int64
	leftOut  []string
}

// declarationMark reads the Mark, once a call.
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

// sawDeclarations notes the Mark that was read along with something else.
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

// maxCompiled bounds the sets of roles whose profiles and grants are kept.
const maxCompiled = 1_000

// compiled are what sets of declared roles give, as long as the declarations are kept.
type compiled struct {
	mu       sync.Mutex
	profiles map[string]*profile
	powers   map[string]powers
}

// setOf is a name for a set of roles; ok is false where one is an organization's own.
func setOf(slugs []string) (name string, ok bool) {
	if slices.ContainsFunc(slugs, rbac.IsOrganizationSlug) {
		return "", false
	}
	if len(slugs) == 1 {
		return slugs[0], true
	}
	return strings.Join(slices.Compact(slices.Sorted(slices.Values(slugs))), " "), true
}

// kept gives what a map of d.compiled holds under a name, or compiles and keeps it.
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
