package tenancy

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/store/typed"
)

// Protocol is the protocol of a connection. The host implements it; Freehold does not (rule P1).
type Protocol string

// The protocols of a connection.
const (
	ProtocolSAML Protocol = "saml" // SAML 2.0
	ProtocolOIDC Protocol = "oidc" // OpenID Connect
)

// ConnectionState says whether people can sign in through a connection.
type ConnectionState string

// The states of a connection.
const (
	ConnectionActive   ConnectionState = "active"   // people may sign in through it
	ConnectionInactive ConnectionState = "inactive" // it is being set up, or was switched off
)

// Connection is the single sign-on of an organization, or one of several (rule P1).
type Connection struct {
	ID             ConnectionID      `json:"id"`                 // never changes
	Version        int64             `json:"version"`            // counts changes from 1 (rule G11)
	OrganizationID OrganizationID    `json:"organization_id"`    // the organization that it belongs to; never changes
	Protocol       Protocol          `json:"protocol"`           // never changes
	Provider       string            `json:"provider,omitempty"` // the provider's kind, such as "okta" or "entra"
	Name           string            `json:"name"`               // a name for people to read
	Issuer         string            `json:"issuer,omitempty"`   // the provider's entity id or issuer URL
	State          ConnectionState   `json:"state"`              // active or inactive
	Settings       map[string]string `json:"settings,omitempty"` // the host's own; no secrets, because events show them
	Groups         map[string]string `json:"groups,omitempty"`   // which role each group at the provider gives (rule P8)
	// UpdatesEmail lets the provider change the email address of a person. It applies if this connection
	// had proved the person's old address, and if the new one is on a verified domain of the organization
	// (rule U10).
	UpdatesEmail bool `json:"updates_email,omitempty"`
	// Epoch counts the providers that the connection has had, from 1. A change of Issuer or Provider raises
	// it, and identities from an earlier Epoch no longer sign anybody in (rule U4).
	Epoch int64 `json:"epoch"`
	// SessionsEpoch counts from 1 how often all sessions through the connection have ended: at each change
	// of Epoch, and each time that the connection was switched off (rule P9).
	SessionsEpoch int64     `json:"sessions_epoch"`
	CreatedAt     time.Time `json:"created_at,omitzero"` // when it was created
	UpdatedAt     time.Time `json:"updated_at,omitzero"` // when it last changed, with Version
}

// ConnectionID is the id of a connection; its text begins with con_.
type ConnectionID = ID[Connection]

func (Connection) idPrefix() string { return "con" }

func (c Connection) rowID() [16]byte { return c.ID }

func (c *Connection) stamps() (*int64, *time.Time) { return &c.Version, &c.UpdatedAt }

func (c *Connection) event(kind EventType) newEvent {
	return newEvent{kind: kind, organization: c.OrganizationID, subject: c.ID.String(), data: *c}
}

// Connections is the group of methods on connections. Its methods name a connection by its organization and
// its id. With the wrong organization it is not found.
type Connections struct{ s *Service }

// NewConnection is the input of Connections.Create. OrganizationID, Protocol and Name are required; the
// rest may be empty.
type NewConnection struct {
	ID             ConnectionID    // for imports; zero = a new one
	OrganizationID OrganizationID  // the organization that it will belong to
	Protocol       Protocol        // [ProtocolSAML] or [ProtocolOIDC]
	Provider       string          // 1 to 64 of a-z, 0-9, _ and -
	Name           string          // 1 to 200 characters (rule G5)
	Issuer         string          // at most 255 printable characters
	State          ConnectionState // "" = inactive, until it is set up
	// Settings are the host's own. Keys are as in metadata (rule G3), values have at most 4096 characters,
	// and all together at most Limits.Settings bytes.
	Settings map[string]string
	// Groups gives the role of each group (rule P8): at most 500 groups of 1 to 255 printable characters,
	// all together at most Limits.Settings bytes.
	Groups       map[string]string
	UpdatesEmail bool // see [Connection]
}

// ConnectionUpdate is a change to a connection. A nil field stays as it is; a pointer to the empty string
// clears the field.
type ConnectionUpdate struct {
	Version  int64              // the Version that this change is based on; 0 = any (rule G11)
	Provider *string            // as in [NewConnection]
	Name     *string            // as in [NewConnection]; cannot be cleared
	Issuer   *string            // as in [NewConnection]
	State    *ConnectionState   // [ConnectionActive] or [ConnectionInactive]
	Settings Patch              // as in [NewConnection]
	Groups   *map[string]string // replaces all groups
	// UpdatesEmail is as in [Connection].
	UpdatesEmail *bool
}

// ConnectionQuery selects connections for List.
type ConnectionQuery struct {
	State      ConnectionState // "" = either
	Descending bool            // in reverse order
	Limit      int             // default 50, at most 1000
	Cursor     string          // Next of the previous page
}

const (
	maxGroups  = 500  // of one connection
	maxSetting = 4096 // characters; enough for a certificate
)

// Create makes a connection of an organization. An actor can map groups only to roles that they cover, and
// nobody can map a group to the owner role. An actor can make an active connection only where its provider
// could sign in nobody above the actor: see Update (rule R6).
//
// Errors: [ErrInvalid] with the field, also for more than Limits.Connections;
// [ErrNotFound] for the organization; [ErrAlreadyExists] (field "id");
// [ErrUnknownRole]; [ErrForbidden].
func (g Connections) Create(ctx context.Context, in NewConnection) (Connection, error) {
	return g.change(ctx, connectionsCreate, in.OrganizationID, "", in.Groups, func(ctx context.Context, c *call) (Connection, error) {
		if err := c.access().hostOnly(input{"id", !in.ID.IsZero()}); err != nil {
			return Connection{}, err
		}
		if in.Protocol != ProtocolSAML && in.Protocol != ProtocolOIDC {
			return Connection{}, invalid("protocol", "is none")
		}
		n, err := c.tx.Connections().Count(ctx, connectionFilter{OrganizationID: typed.Of(in.OrganizationID)})
		if err != nil {
			return Connection{}, err
		}
		if n >= c.instance.config.Limits.Connections {
			return Connection{}, invalid("connections", fmt.Sprintf("are %d already", n))
		}
		conn := Connection{
			ID: newID(c, in.ID), Version: 1, OrganizationID: in.OrganizationID, Protocol: in.Protocol,
			State: ConnectionInactive, Epoch: 1, SessionsEpoch: 1, CreatedAt: c.now, UpdatedAt: c.now,
		}
		state := cmp.Or(in.State, ConnectionInactive)
		err = c.connections().applyConnection(ctx, &conn, ConnectionUpdate{
			Provider: &in.Provider, Name: &in.Name, Issuer: &in.Issuer, State: &state, Settings: patchOf(in.Settings), Groups: &in.Groups,
			UpdatesEmail: &in.UpdatesEmail,
		})
		if err != nil {
			return Connection{}, err
		}
		if err := c.connections().mayTrust(ctx, Connection{}, conn); err != nil {
			return Connection{}, err
		}
		if err := c.tx.Connections().Insert(ctx, conn); err != nil {
			return Connection{}, err
		}
		if err := c.connections().putSettings(ctx, Connection{}, conn); err != nil {
			return Connection{}, err
		}
		return conn, c.record(ctx, conn.event(EventConnectionCreated))
	})
}

// patchOf returns the patch that turns an empty map into m.
func patchOf(m map[string]string) Patch {
	patch := make(Patch, len(m))
	for key, value := range m {
		patch[key] = &value
	}
	return patch
}

// Update changes a connection. To change the role of a group, an actor must cover the old role and the new
// one. Members get their new roles at their next sign-in (rule P8). An update that changes nothing writes
// nothing (rule G8).
//
// Issuer, Provider, Settings, State and UpdatesEmail decide which provider the connection trusts. To change
// one of them, an actor must cover every role that the connection's groups map to, and every role of each
// person whom the provider could sign in. Those are the people with an identity at the connection. For an
// active connection they are also the people with an address on a verified domain of the organization, or
// on a domain that it could still verify. So only owners can change the provider by which owners sign in
// (rule R6). If people can satisfy the sign-in policy through the connection, the actor also needs the
// permission for policies.
//
// With another Issuer or Provider, identities from before no longer sign anybody in, and all sessions
// through the connection end. The sessions also end when the connection is switched off (rules U4, P9). A
// change of Settings alone, such as a new certificate, ends no session; to end them, switch the connection
// off and on again.
//
// Errors: as for Create; [ErrConflict]; [ErrConnectionInUse] for switching off what a
// policy requires; [ErrForbidden] with the field "binds_owners", and [ErrWouldLockOut],
// where the policy binds owners (rule P3).
func (g Connections) Update(ctx context.Context, organization OrganizationID, id ConnectionID, in ConnectionUpdate) (Connection, error) {
	return g.change(ctx, connectionsUpdate, organization, id.String(), deref(in.Groups, nil), func(ctx context.Context, c *call) (Connection, error) {
		conn, err := c.connections().getFilled(ctx, organization, id)
		if err != nil {
			return Connection{}, err
		}
		if in.Version != 0 && in.Version != conn.Version {
			return Connection{}, stale(id)
		}
		before := conn
		if err := c.connections().applyConnection(ctx, &conn, in); err != nil {
			return Connection{}, err
		}
		trust := before.trustsElse(conn)
		if trust {
			if err := c.connections().mayTrust(ctx, before, conn); err != nil {
				return Connection{}, err
			}
		}
		conn.turn(before)
		if before.State == ConnectionActive && conn.State != ConnectionActive {
			if err := c.connections().connectionSpared(ctx, before); err != nil {
				return Connection{}, err
			}
		}
		if err := c.connections().saveConnection(ctx, before, &conn); err != nil {
			return Connection{}, err
		}
		if !trust {
			return conn, nil
		}
		return conn, c.owners().keepsWayIn(ctx, organization)
	})
}

// change runs a change of an organization's connections under the organization's lock, and under the lock
// of the declared roles if groups map to one.
func (g Connections) change(ctx context.Context, method *Method, organization OrganizationID, key string, groups map[string]string,
	fn func(ctx context.Context, c *call) (Connection, error),
) (Connection, error) {
	return write(ctx, g.s, method, key, func(ctx context.Context, c *call) (Connection, error) {
		if err := c.access().mayLock(ctx, scope{organization: organization}); err != nil {
			return Connection{}, err
		}
		if err := c.roles().lockDeclared(ctx, slices.Collect(maps.Values(groups))...); err != nil {
			return Connection{}, err
		}
		if err := c.lock(ctx, lockOrganization(organization)); err != nil {
			return Connection{}, err
		}
		if err := c.access().authorize(ctx, scope{organization: organization}); err != nil {
			return Connection{}, err
		}
		if _, err := c.tx.Organizations().Get(ctx, organization); err != nil {
			return Connection{}, err
		}
		return fn(ctx, c)
	})
}

// applyConnection copies an update's fields into c, each in its stored form.
func (cn connectionRules) applyConnection(ctx context.Context, c *Connection, in ConnectionUpdate) (err error) {
	if in.Provider != nil {
		if *in.Provider != "" && !providerForm.MatchString(*in.Provider) {
			return invalid("provider", "is not 1 to 64 of a-z, 0-9, _ and -")
		}
		c.Provider = *in.Provider
	}
	if in.Name != nil {
		if c.Name, err = cleanName("name", *in.Name); err != nil {
			return err
		}
	}
	if in.Issuer != nil {
		if err := optionalExact("issuer", *in.Issuer); err != nil {
			return err
		}
		c.Issuer = *in.Issuer
	}
	if in.State != nil {
		if *in.State != ConnectionActive && *in.State != ConnectionInactive {
			return invalid("state", "is none")
		}
		c.State = *in.State
	}
	c.UpdatesEmail = deref(in.UpdatesEmail, c.UpdatesEmail)
	limits := cn.c.instance.config.Limits
	limits.MetadataValue, limits.MetadataSize = maxSetting, limits.Settings
	if c.Settings, err = limits.patch("settings", c.Settings, in.Settings); err != nil || in.Groups == nil {
		return err
	}
	return cn.mapGroups(ctx, c, *in.Groups)
}

// mapGroups replaces the groups of a connection (rules P8, R6).
func (cn connectionRules) mapGroups(ctx context.Context, c *Connection, groups map[string]string) error {
	const field = "groups"
	if len(groups) > maxGroups {
		return invalid(field, fmt.Sprintf("are %d, at most %d", len(groups), maxGroups))
	}
	if most := cn.c.instance.config.Limits.Settings; sizeOf(groups) > max(most, sizeOf(c.Groups)) {
		return invalid(field, fmt.Sprintf("and their roles have more than %d bytes", most))
	}
	for group, role := range groups {
		if err := exact(field, group); err != nil {
			return err
		}
		if role == rbac.Owner {
			return invalid(field, "makes the members of a group owners")
		}
	}
	if err := cn.c.roles().known(ctx, c.OrganizationID, field, slices.Collect(maps.Values(groups))...); err != nil {
		return err
	}
	if err := cn.c.access().mayGive(ctx, c.OrganizationID, remapped(c.Groups, groups)...); err != nil {
		return err
	}
	if c.Groups = maps.Clone(groups); len(groups) == 0 {
		c.Groups = nil
	}
	return nil
}

// remapped returns the roles of all groups whose role differs between the two maps.
func remapped(before, after map[string]string) []string {
	var roles []string
	for _, pair := range [][2]map[string]string{{before, after}, {after, before}} {
		for group, role := range pair[0] {
			if pair[1][group] != role && !slices.Contains(roles, role) {
				roles = append(roles, role)
			}
		}
	}
	return roles
}

// Get returns a connection, or [ErrNotFound].
func (g Connections) Get(ctx context.Context, organization OrganizationID, id ConnectionID) (Connection, error) {
	return read(ctx, g.s, connectionsGet, id.String(), func(ctx context.Context, c *call) (Connection, error) {
		if err := c.access().authorize(ctx, scope{organization: organization}); err != nil {
			return Connection{}, err
		}
		return c.connections().getFilled(ctx, organization, id)
	})
}

// GetByID returns a connection by its id alone, in any organization. It is for the program when a provider
// sends somebody back to it. It also returns connections that are inactive, and those of suspended or
// archived organizations; SignIn refuses them.
//
// Errors: [ErrNotFound]. Actors: [ErrForbidden].
func (g Connections) GetByID(ctx context.Context, id ConnectionID) (Connection, error) {
	return read(ctx, g.s, connectionsGetByID, id.String(), func(ctx context.Context, c *call) (Connection, error) {
		if err := c.access().authorize(ctx, scope{}); err != nil {
			return Connection{}, err
		}
		found, err := c.tx.Connections().Get(ctx, id)
		if err != nil {
			return Connection{}, err
		}
		return c.connections().filled(ctx, found)
	})
}

// get reads a connection of an organization, without its settings and groups.
func (cn connectionRules) get(ctx context.Context, organization OrganizationID, id ConnectionID) (Connection, error) {
	found, err := cn.c.tx.Connections().List(ctx, connectionFilter{ID: typed.Of(id), OrganizationID: typed.Of(organization)}, listSpan{Limit: 1})
	return exactlyOne(found, err, notFound(id))
}

// getFilled is get with settings and groups.
func (cn connectionRules) getFilled(ctx context.Context, organization OrganizationID, id ConnectionID) (Connection, error) {
	found, err := cn.get(ctx, organization, id)
	if err != nil {
		return Connection{}, err
	}
	return cn.filled(ctx, found)
}

// List returns a page of an organization's connections, oldest first (rule G6).
//
// Errors: [ErrInvalid], [ErrInvalidCursor]; [ErrNotFound] for the organization.
func (g Connections) List(ctx context.Context, organization OrganizationID, q ConnectionQuery) (Page[Connection], error) {
	return read(ctx, g.s, connectionsList, organization.String(), func(ctx context.Context, c *call) (Page[Connection], error) {
		if err := c.access().authorize(ctx, scope{organization: organization}); err != nil {
			return Page[Connection]{}, err
		}
		if _, err := c.tx.Organizations().Get(ctx, organization); err != nil {
			return Page[Connection]{}, err
		}
		filter := connectionFilter{OrganizationID: typed.Of(organization)}
		switch q.State {
		case "":
		case ConnectionActive, ConnectionInactive:
			filter.State = typed.Of(q.State)
		default:
			return Page[Connection]{}, invalid("state", "is none")
		}
		page, err := listPage(ctx, c.tx.Connections(), filter, paging{ByID, q.Descending, q.Limit, q.Cursor},
			keyByID, "connections", organization, q.State)
		if err != nil {
			return Page[Connection]{}, err
		}
		return page, c.connections().fill(ctx, page.Items)
	})
}

// All iterates over the connections that List returns, page by page.
func (g Connections) All(ctx context.Context, organization OrganizationID, q ConnectionQuery) iter.Seq2[Connection, error] {
	return pages(func(cursor string) (Page[Connection], error) {
		q := q
		q.Cursor = cursor
		return g.List(ctx, organization, q)
	}, q.Cursor)
}

// activeConnections returns the active connections of an organization, without their settings and groups.
// There are at most Limits.Connections.
func (cn connectionRules) activeConnections(ctx context.Context, id OrganizationID) ([]Connection, error) {
	return collect(ctx, cn.c.tx.Connections(), connectionFilter{OrganizationID: typed.Of(id), State: typed.Of(ConnectionActive)})
}

// connectionProvider is the provider name of a connection's identities: the text of its id. No provider of
// the application's may look like one.
func connectionProvider(id ConnectionID) string { return id.String() }

func looksLikeConnection(provider string) bool {
	return strings.HasPrefix(provider, Connection{}.idPrefix()+"_")
}
