package memory

import (
	"github.com/freehold-dev/freehold/internal/rowtest"
	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/tenancy"
)

// Tables and the log of package tenancy, for rows by the names of their columns.
var (
	userTable       = rowtest.Table(tenancy.Tables(), "tenancy_users")
	membershipTable = rowtest.Table(tenancy.Tables(), "tenancy_memberships")
	assignmentTable = rowtest.Table(tenancy.Tables(), "tenancy_role_assignments")
	secretTable     = rowtest.Table(tenancy.Tables(), "tenancy_secrets")
	eventLog        = tenancy.EventLog()
)

func userRow(values map[string]any) store.Row { return rowtest.Row(userTable, values) }

func eventRow(values map[string]any) store.Row { return rowtest.Row(&eventLog.Table, values) }

func eventAt(e rowtest.Event, column string) store.Value {
	return rowtest.At(&eventLog.Table, e.Row, column)
}

// next is a row one version on.
func next(row store.Row) store.Row {
	row = append(store.Row{}, row...)
	row[1].Int++
	return row
}
