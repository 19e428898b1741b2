package tenancy

import (
	"time"

	"github.com/freehold-dev/freehold/store/typed"
)

// connectionFilter selects connections. Fields are joined by and.
type connectionFilter struct {
	ID             typed.In[ConnectionID]
	OrganizationID typed.In[OrganizationID]
	State          typed.In[ConnectionState]
}

// connectionRows describes the row of a connection, without its settings and groups: those have a row of
// their own, see [connectionSettings].
var connectionRows = typed.Describe[Connection, connectionFilter](
	"tenancy_connections", "connection",
	typed.ID("id", func(v *Connection) *ConnectionID { return &v.ID }),
	typed.Integer("version", func(v *Connection) *int64 { return &v.Version }),
	typed.ID("organization_id", func(v *Connection) *OrganizationID { return &v.OrganizationID }).References(organizationRows.Table),
	typed.Text("protocol", func(v *Connection) *Protocol { return &v.Protocol }),
	typed.Text("provider", func(v *Connection) *string { return &v.Provider }).OrNull(),
	typed.Text("name", func(v *Connection) *string { return &v.Name }),
	typed.Text("issuer", func(v *Connection) *string { return &v.Issuer }).OrNull(),
	typed.Text("state", func(v *Connection) *ConnectionState { return &v.State }),
	typed.Instant("created_at", func(v *Connection) *time.Time { return &v.CreatedAt }),
	typed.Instant("updated_at", func(v *Connection) *time.Time { return &v.UpdatedAt }),
	typed.Flag("updates_email", func(v *Connection) *bool { return &v.UpdatesEmail }),
	typed.Integer("epoch", func(v *Connection) *int64 { return &v.Epoch }),
	typed.Integer("sessions_epoch", func(v *Connection) *int64 { return &v.SessionsEpoch }),
).
	Index("organization_id").
	Where(func(c *typed.Conds, f connectionFilter) {
		typed.OneID(c, "id", f.ID)
		typed.OneID(c, "organization_id", f.OrganizationID)
		typed.OneText(c, "state", f.State)
	})

func (t *txn) Connections() table[Connection, connectionFilter] { return bind(t, connectionRows) }
