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

// Protocol is what a connection speaks. The host speaks it, not Freehold (rule P1).
type Protocol string

// The protocols.
const (
	ProtocolSAML Protocol = "saml" // SAML 2.0
	ProtocolOIDC Protocol = "oidc" // OpenID Connect
)

// ConnectionState says whether people can sign in by a connection.
type ConnectionState string

// The states of a connection.
const (
	ConnectionActive   ConnectionState = "active"   // people may sign in by it
	ConnectionInactive ConnectionState = "inactive" // being set up, or switched off
)

// Connection is an organization's single sign-on (rule P1).
type Connection struct {
	ID             ConnectionID      `json:"id"`                 // never changes
	Version        int64             `json:"version"`            // counts changes from 1 (rule G11)
	OrganizationID OrganizationID    `json:"organization_id"`    // the organization that it belongs to; never changes
	Protocol       Protocol          `json:"protocol"`           // never changes
	Provider       string            `json:"provider,omitempty"` // whose: "okta", "entra"
	Name           string            `json:"name"`               // for people
	Issuer         string            `json:"issuer,omitempty"`   // entity id or issuer URL
	State          ConnectionState   `json:"state"`              // active or inactive
	Settings       map[string]string `json:"settings,omitempty"` // the host's own; no secrets, for events show it
	Groups         map[string]string `json:"groups,omitempty"`   // a group that the provider asserts, to a role (rule P8)
	// UpdatesEmail lets the provider move the address of a person whose address this
	// connection had proved, to one on the organization's verified domains (rule U10).
	UpdatesEmail bool `json:"updates_email,omitempty"`
	// Epoch counts the providers that the connection has been pointed to, from 1: a change
	// of Issuer or Provider raises it, and identities of an earlier one open nothing (rule U4).
	Epoch int64 `json:"epoch"`
	// SessionsEpoch counts how often all sessions through the connection have ended, from 1:
	// with each change of Epoch, and each time that it was switched off (rule P9).
	SessionsEpoch int64     `json:"sessions_epoch"`
	CreatedAt     time.Time `json:"created_at,omitzero"` // when it was made
	UpdatedAt     time.Time `json:"updated_at,omitzero"` // when it last changed, with Version
}

// ConnectionID is the id of a connection, con_...
type ConnectionID = ID[Connection]

func (Connection) idPrefix() string { return "con" }

func (c Connection) rowID() [16]byte { return c.ID }

func (c *Connection) stamps() (*int64, *time.Time) { return &c.Version, &c.UpdatedAt }

func (c *Connection) event(kind EventType) newEvent {
	return newEvent{kind: kind, organization: c.OrganizationID, subject: c.ID.String(), data: *c}
}

// Connections is the group of methods on connections. A connection is named by its
// organization and its id: one of another organization is not there.
type Connections struct{ s *Service }

// NewConnection is what Create needs: an OrganizationID, a Protocol and a Name; the
// rest may be empty.
type NewConnection struct {
	ID             ConnectionID      // for imports; zero = a new one
	OrganizationID OrganizationID    // the organization that it will belong to
	Protocol       Protocol          // [ProtocolSAML] or [ProtocolOIDC]
	Provider       string            // 1 to 64 of a-z, 0-9, _ and -
	Name           string            // 1 to 200 characters (rule G5)
	Issuer         string            // at most 255 printable characters
	State          ConnectionState   // "" = inactive, until it is set up
	Settings       map[string]string // keys as in metadata (rule G3), values of at most 4096 characters, together at most Limits.Settings bytes
	Groups         map[string]string // at most 500 groups of 1 to 255 printable characters, to roles (rule P8); together at most Limits.Settings bytes
	UpdatesEmail   bool              // see [Connection]
}

// ConnectionUpdate is a change to a connection. A nil field stays as it is; a pointer
// to the empty string clears.
type ConnectionUpdate struct {
	Version  int64              // the Version this is based on; 0 = whichever (rule G11)
	Provider *string            // as in [NewConnection]
	Name     *string            // as in [NewConnection]; cannot be cleared
	Issuer   *string            // as in [NewConnection]
	State    *ConnectionState   // [ConnectionActive] or [ConnectionInactive]
	Settings Patch              // as in [NewConnection]
	Groups   *map[string]string // instead of what there was
	// UpdatesEmail: see [Connection].
	UpdatesEmail *bool
}

// ConnectionQuery selects connections for List.
type ConnectionQuery struct {
	State      ConnectionState // "" = either
	Descending bool            // in reverse order
	Limit      int             // default 50, at most 1000
	Cursor     string          // Next of the page before
}

const (
	maxGroups  = 500  // of one connection
	maxSetting = 4096 // characters: a certificate fits
)

// Create makes a connection of an organization. An actor maps groups only to roles
// that they cover; nobody maps one to the owner role. An actor makes an active one only
// where it could speak for nobody above them: see Update (rule R6).
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

// patchOf is the patch that makes an empty map be m.
func patchOf(m map[string]string) Patch {
	patch := make(Patch, len(m))
	for key, value := range m {
		patch[key] = &value
	}
	return patch
}

// Update changes a connection. An actor changes the role of a group only where they
// cover the one before and the one then; members have theirs recomputed as they sign in
// (rule P8).
//
// Issuer, Provider, Settings, State and UpdatesEmail say whom the connection believes. An
// actor changes them only where they cover every role that its groups map to, and every
// role of everyone whom its provider could come as: who has an identity there, and, of an
// active connection, who has an address on a verified domain of the organization or on one
// that it may verify yet. So nobody but owners points elsewhere what owners sign in by (rule
// R6). Where people may meet the sign-in policy through the connection, it also takes the
// permission for policies. A change of Settings alone, such as another certificate, ends no
// session: switch the connection off and on again for that.
//
// With another Issuer or Provider the identities of before open nothing any more; with
// that, and when it is switched off, all sessions that came through it end (rules U4, P9).
// What changes nothing writes nothing (rule G8).
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

// change runs a change of an organization's connections under its lock, and under
// that of the declared roles where groups are mapped to one.
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

// applyConnection puts an update's fields into c, each in its stored form.
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

// mapGroups gives a connection other groups (rules P8, R6).
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

// remapped are the roles that groups have in one map and not in the other.
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

// Get gives a connection, or [ErrNotFound].
func (g Connections) Get(ctx context.Context, organization OrganizationID, id ConnectionID) (Connection, error) {
	return read(ctx, g.s, connectionsGet, id.String(), func(ctx context.Context, c *call) (Connection, error) {
		if err := c.access().authorize(ctx, scope{organization: organization}); err != nil {
			return Connection{}, err
		}
		return c.connections().getFilled(ctx, organization, id)
	})
}

// GetByID gives a connection by its id alone, whichever organization has it: for the
// program that takes somebody back from their provider. A suspended or archived
// organization's, and one that is inactive, are there too; SignIn refuses them.
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

// getFilled is get with the settings and groups.
func (cn connectionRules) getFilled(ctx context.Context, organization OrganizationID, id ConnectionID) (Connection, error) {
	found, err := cn.get(ctx, organization, id)
	if err != nil {
		return Connection{}, err
	}
	return cn.filled(ctx, found)
}

// List gives a page of an organization's connections, oldest first (rule G6).
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

// All walks the connections that List would give, page by page.
func (g Connections) All(ctx context.Context, organization OrganizationID, q ConnectionQuery) iter.Seq2[Connection, error] {
	return pages(func(cursor string) (Page[Connection], error) {
		q := q
		q.Cursor = cursor
		return g.List(ctx, organization, q)
	}, q.Cursor)
}

// activeConnections gives those by which people can sign in to an organization, without their
// settings and groups: as many as Limits.Connections lets it have.
func (cn connectionRules) activeConnections(ctx context.Context, id OrganizationID) ([]Connection, error) {
	return collect(ctx, cn.c.tx.Connections(), connectionFilter{OrganizationID: typed.Of(id), State: typed.Of(ConnectionActive)})
}

// connectionProvider is the provider of the identities of a connection: its id in
// words, which no provider of the application's may look like.
func connectionProvider(id ConnectionID) string { return id.String() }

func looksLikeConnection(provider string) bool {
	return strings.HasPrefix(provider, Connection{}.idPrefix()+"_")
}
