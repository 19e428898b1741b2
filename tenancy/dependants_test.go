package tenancy

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/freehold-dev/freehold/store"
)

// Every table is in the list of what names something else, but for those that name nothing,
// and so is every column of ids.
func TestDependantsListEveryTable(t *testing.T) {
	roots := []*store.Table{permissionRows.Table, declarationMarkRows.Table, sealRows.Table, mailboxProofRows.Table, proofCountRows.Table}
	listed := map[*store.Table]bool{}
	columns := map[*store.Table]map[string][]dependant{}
	for _, d := range dependants {
		listed[d.table] = true
		if columns[d.table] == nil {
			columns[d.table] = map[string][]dependant{}
		}
		columns[d.table][d.column] = append(columns[d.table][d.column], d)
		assert.GreaterOrEqual(t, d.table.Index(d.column), 0, "%s.%s", d.table.Name, d.column)
	}
	for _, root := range roots {
		assert.False(t, listed[root], "%s names something", root.Name)
		listed[root] = true
	}
	for _, e := range entities {
		assert.True(t, listed[e.table], "%s is in no line of dependants", e.table.Name)
		for i, column := range e.table.Columns[1:] {
			if column.Type != store.ID {
				continue
			}
			named := columns[e.table][column.Name]
			if len(named) == 0 { // another form of the same column may be listed
				named = columns[e.table]["scope"]
			}
			if assert.Len(t, named, 1, "%s.%s is in no line of dependants", e.table.Name, column.Name) {
				assert.Equal(t, column.Prefix, named[0].parent.Columns[0].Prefix, "%s.%s, column %d", e.table.Name, column.Name, i+1)
			}
			if column.References != nil && !column.Null {
				assert.Equal(t, goes, named[0].ended, "%s.%s would keep what it names from going", e.table.Name, column.Name)
			}
		}
	}
}

// Rows go before what they name.
func TestDependantsGoInOrder(t *testing.T) {
	at := map[*store.Table]int{}
	for i, d := range dependants {
		if _, seen := at[d.table]; !seen {
			at[d.table] = i
		}
	}
	for _, d := range dependants {
		column := d.table.Columns[d.table.Index(d.column)]
		if column.References != nil && column.References != organizationRows.Table && column.References != userRows.Table {
			assert.Less(t, at[d.table], at[column.References], "%s before %s", d.table.Name, column.References.Name)
		}
	}
}
