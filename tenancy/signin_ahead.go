package tenancy

import (
	"context"
	"encoding/json"

	"github.com/freehold-dev/freehold/store"
)

// attemptNames says what an attempt names besides a person, and so what is read in advance for it.
type attemptNames struct{ connection, groups, invitation bool }

// signInAheads are statements that read in advance, at once, what an attempt names and whose its evidence may
// be: the connection with its organization and that one's policy, the invitation with the same, the identity
// with its user, and the user of the address.
var signInAheads = makeSignInAheads()

func makeSignInAheads() map[attemptNames]*ahead {
	all := map[attemptNames]*ahead{}
	for i := range 8 {
		names := attemptNames{i&1 > 0, i&2 > 0, i&4 > 0}
		if names.connection || !names.groups {
			all[names] = names.ahead()
		}
	}
	return all
}

func (n attemptNames) ahead() *ahead {
	text := func(name string) store.Column { return store.Column{Name: name, Type: store.Text} }
	args := []store.Column{text("provider"), text("subject"), text("email_key")}
	rows := []aheadRow{
		{"i", identityRows.Table, []string{"provider = k.provider", "subject = k.subject"}},
		{"u", userRows.Table, []string{"id = i.user_id"}},
		{"a", userRows.Table, []string{"email_key = k.email_key"}},
	}
	var more []aheadCell
	if n.connection {
		args = append(args, store.Column{Name: "connection_id", Type: store.ID, Prefix: ConnectionID{}.Prefix()})
		rows = append(
			rows,
			aheadRow{"c", connectionRows.Table, []string{"id = k.connection_id"}},
			aheadRow{"co", organizationRows.Table, []string{"id = c.organization_id"}},
			aheadRow{"cp", policyRows.Table, []string{"organization_id = c.organization_id"}},
		)
	}
	if n.groups {
		more = append(more, groupsCell)
	}
	if n.invitation {
		args = append(args, store.Column{Name: "secret_id", Type: store.ID, Prefix: storedSecretID{}.Prefix()})
		rows = append(
			rows,
			aheadRow{"x", secretRows.Table, []string{"id = k.secret_id"}},
			aheadRow{"v", invitationRows.Table, []string{"id = x.subject"}},
			aheadRow{"vo", organizationRows.Table, []string{"id = v.organization_id"}},
			aheadRow{"vp", policyRows.Table, []string{"organization_id = v.organization_id"}},
		)
	}
	return newAhead("sign-in", args, rows, more...)
}

// groupsCell is the groups of the connection c. The settings are the last column of their row, so that a
// database need not read past them for the other columns.
var groupsCell = func() aheadCell {
	of := connectionSettingsRows.Table
	return aheadCell{"LEFT JOIN " + of.Name + " s ON s.id = c.id", "s.group_roles", of.Columns[of.Index("group_roles")]}
}()

// readAhead reads in advance what the attempt names and whose it may be, if that is more than one row.
func (n *signIn) readAhead(ctx context.Context) error {
	secret := n.in.invitationSecret()
	names := attemptNames{!n.in.connection.IsZero(), !n.in.connection.IsZero() && len(n.in.groups) > 0, !secret.IsZero()}
	n.groups = nil
	if names == (attemptNames{}) && n.in.subject == "" {
		return nil
	}
	args := []store.Value{{Text: n.in.provider()}, {Text: n.in.subject}, {Text: n.in.emailKey}}
	if names.connection {
		args = append(args, store.Value{ID: n.in.connection})
	}
	if names.invitation {
		args = append(args, store.Value{ID: secret})
	}
	more, ok, err := n.w.tx.ahead(ctx, signInAheads[names], args...)
	if !ok || err != nil || !names.groups {
		return err
	}
	n.groups = map[string]string{}
	if more[0].Null {
		return nil
	}
	return json.Unmarshal([]byte(more[0].Text), &n.groups)
}

// connectionWithGroups reads the connection, and its groups if the evidence asserts groups.
func (n *signIn) connectionWithGroups(ctx context.Context) (Connection, error) {
	if len(n.in.groups) > 0 && n.groups == nil {
		return n.w.connections().withGroups(ctx, n.in.connection)
	}
	c, err := n.w.tx.Connections().Get(ctx, n.in.connection)
	if len(n.groups) > 0 {
		c.Groups = n.groups
	}
	n.groups = nil // use them once
	return c, err
}
