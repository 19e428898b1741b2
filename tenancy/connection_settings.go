package tenancy

import (
	"context"
	"maps"

	"github.com/freehold-dev/freehold/store/typed"
)

// The settings of a connection and its map of groups may have 64 KiB each, and an organization may have
// fifty connections. So they lie in a row of their own, which is read only where they are returned,
// compared or mapped. Routes, sessions and sign-ins do not need them, and so their cost does not depend on
// how large they are (rule G9).

// connectionSettings is the part of a connection that may be large. Its id is the connection's id. A
// connection that has neither settings nor groups has no such row.
type connectionSettings struct {
	ID             ConnectionID
	Version        int64 // always 1: a change replaces the row
	OrganizationID OrganizationID
	Settings       map[string]string
	Groups         map[string]string
}

func (connectionSettings) idPrefix() string { return Connection{}.idPrefix() }

func (s connectionSettings) rowID() [16]byte { return s.ID }

// connectionSettingsFilter selects settings. Fields are joined by and.
type connectionSettingsFilter struct {
	ID             typed.In[ConnectionID]
	OrganizationID typed.In[OrganizationID]
}

// connectionSettingsRows describes the row of connection settings.
var connectionSettingsRows = typed.Describe[connectionSettings, connectionSettingsFilter](
	"tenancy_connection_settings", "connection settings",
	typed.ID("id", func(v *connectionSettings) *ConnectionID { return &v.ID }),
	typed.Integer("version", func(v *connectionSettings) *int64 { return &v.Version }),
	typed.ID("organization_id", func(v *connectionSettings) *OrganizationID { return &v.OrganizationID }).References(organizationRows.Table),
	typed.Dictionary("group_roles", func(v *connectionSettings) *map[string]string { return &v.Groups }),
	typed.Dictionary("settings", func(v *connectionSettings) *map[string]string { return &v.Settings }),
).
	Index("organization_id").
	Where(func(c *typed.Conds, f connectionSettingsFilter) {
		typed.OneID(c, "id", f.ID)
		typed.OneID(c, "organization_id", f.OrganizationID)
	})

func (t *txn) ConnectionSettings() table[connectionSettings, connectionSettingsFilter] {
	return bind(t, connectionSettingsRows)
}

// fill reads the settings and groups of connections into them, in one query.
func (cn connectionRules) fill(ctx context.Context, found []Connection) error {
	if len(found) == 0 {
		return nil
	}
	at := make(map[ConnectionID]*Connection, len(found))
	ids := make([]ConnectionID, len(found))
	for i := range found {
		c := &found[i]
		ids[i], at[c.ID] = c.ID, c
	}
	return walk(ctx, cn.c.tx.ConnectionSettings(), connectionSettingsFilter{ID: typed.Of(ids...)}, func(s connectionSettings) error {
		at[s.ID].Settings, at[s.ID].Groups = s.Settings, s.Groups
		return nil
	})
}

// filled returns c with its settings and groups.
func (cn connectionRules) filled(ctx context.Context, c Connection) (Connection, error) {
	one := []Connection{c}
	if err := cn.fill(ctx, one); err != nil {
		return Connection{}, err
	}
	return one[0], nil
}

// withGroups reads a connection with its groups.
func (cn connectionRules) withGroups(ctx context.Context, id ConnectionID) (Connection, error) {
	c, err := cn.c.tx.Connections().Get(ctx, id)
	if err != nil {
		return Connection{}, err
	}
	c, err = cn.filled(ctx, c)
	c.Settings = nil
	return c, err
}

// saveConnection stores a connection if it differs from before. before has its settings and groups.
func (cn connectionRules) saveConnection(ctx context.Context, before Connection, c *Connection) error {
	return save(ctx, cn.c, func(ctx context.Context, c Connection) error {
		if err := cn.c.tx.Connections().Update(ctx, c); err != nil {
			return err
		}
		return cn.putSettings(ctx, before, c)
	}, before, c, EventConnectionUpdated)
}

// putSettings stores the settings and groups of a connection if they differ from before.
func (cn connectionRules) putSettings(ctx context.Context, before, c Connection) error {
	if maps.Equal(before.Settings, c.Settings) && maps.Equal(before.Groups, c.Groups) {
		return nil
	}
	if len(before.Settings)+len(before.Groups) > 0 {
		if err := cn.c.tx.ConnectionSettings().Delete(ctx, ID[connectionSettings](c.ID)); err != nil {
			return err
		}
	}
	if len(c.Settings)+len(c.Groups) == 0 {
		return nil
	}
	return cn.c.tx.ConnectionSettings().Insert(ctx, connectionSettings{
		ID: c.ID, Version: 1, OrganizationID: c.OrganizationID, Settings: c.Settings, Groups: c.Groups,
	})
}
