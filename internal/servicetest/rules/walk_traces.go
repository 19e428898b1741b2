package rules

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/freehold-dev/freehold/tenancy"
)

// traces are the ids of an organization's things, and of people who are in no other.
type traces struct {
	raw  map[[16]byte]string // the id, to the kind of the thing
	text map[string]string   // the last 26 characters of the TypeID, to the kind of the thing
}

func (t *traces) add(kind string, id [16]byte) {
	if id == [16]byte{} {
		return
	}
	if t.raw == nil {
		t.raw, t.text = map[[16]byte]string{}, map[string]string{}
	}
	text := tenancy.OrganizationID(id).String()
	t.raw[id], t.text[text[len(text)-typeIDSuffix:]] = kind, kind
}

const typeIDSuffix = 26

// tableless are tables without rows of an organization.
var tableless = []string{"Permissions", "MailboxProofs"}

// unmarkedTexts are fields without the mark: their values are words of a fixed list, or ids, or
// no row holds them, or another table does.
var unmarkedTexts = []string{
	"Connections.Groups", "Connections.Protocol", "Connections.Settings", "Connections.State", "Domains.Challenge", "Domains.FailedReason", "Domains.Joining", "Domains.Method", "Domains.State",
	"Identities.Provider", "Invitations.EmailASCII", "Invitations.State", "JoinRequests.State", "Memberships.JoinedVia", "Memberships.Status",
	"Policies.Domain.Methods", "Policies.Exempt", "RoleAssignments.Scope", "RoleAssignments.Source", "RoleAssignments.SourceID",
	"Roles.Grants", "Secrets.Hash", "Secrets.Kind", "Secrets.Subject", "Sessions.Address", "Sessions.EndReason", "Sessions.Method",
	"Users.EmailProvedBy", "Users.Locale",
}

// markedTexts adds to texts, for each text field of a row, whether it has the mark.
func markedTexts(texts map[string]bool, row reflect.Value) map[string]bool {
	if texts == nil {
		texts = map[string]bool{}
	}
	if entity, ok := row.Interface().(tenancy.Event); ok {
		texts["Data"] = texts["Data"] || strings.Contains(string(entity.Data), victimMark)
		return texts
	}
	for i := range row.NumField() {
		field := row.Type().Field(i)
		switch field.Type.Kind() {
		case reflect.String, reflect.Map, reflect.Slice:
			text := strings.ToLower(fmt.Sprint(row.Field(i)))
			texts[field.Name] = texts[field.Name] || strings.Contains(text, victimMark)
		case reflect.Struct:
			if _, clock := row.Field(i).Interface().(time.Time); !clock {
				for name, ok := range markedTexts(nil, row.Field(i)) {
					name = field.Name + "." + name
					texts[name] = texts[name] || ok
				}
			}
		}
	}
	return texts
}

// traced collects the ids of all rows of Acme. It fails for a table without a row of Acme,
// and for a text field without the mark: the walk would not find a leak of it.
func (t *tenants) traced(only map[tenancy.UserID]bool) traces {
	t.T.Helper()
	var found traces
	var missing []string
	rows := reflect.ValueOf(t.Dump())
	t.Equal(len(tenancy.Tables())-len([]string{"denials", "mails", "looks", "foundings", "seats", "marks", "seals", "proof counts", "pending sign-ins"})+len([]string{"events", "last"}), rows.NumField(),
		"servicetest.Dump has a field for each table but those, for the log, and for its end")
	for i := range rows.NumField() {
		table := rows.Type().Field(i).Name
		if rows.Field(i).Kind() != reflect.Slice || slices.Contains(tableless, table) {
			continue
		}
		var texts map[string]bool
		for j := range rows.Field(i).Len() {
			row := rows.Field(i).Index(j)
			if t.isAcmes(row, only) {
				found.add(strings.ToLower(table), idOf(row, "ID"))
				texts = markedTexts(texts, row)
			}
		}
		t.NotNil(texts, "walk_world.go gives Acme no row in %s", table)
		for field, ok := range texts {
			if name := table + "." + field; slices.Contains(unmarkedTexts, name) == ok {
				missing = append(missing, name)
			}
		}
	}
	slices.Sort(missing)
	t.Empty(missing, "give Acme the mark in these fields, in walk_world.go, or correct unmarkedTexts")
	denials, err := t.Svc.Events.Denials(t.Ctx, tenancy.DenialQuery{OrganizationID: t.acme.org})
	t.NoError(err)
	t.NotEmpty(denials.Items)
	for _, d := range denials.Items {
		found.add("denials", d.ID)
	}
	return found
}

// isAcmes reports whether a row belongs to Acme, or to a person who is in no other
// organization.
func (t *tenants) isAcmes(row reflect.Value, only map[tenancy.UserID]bool) bool {
	user := tenancy.UserID(idOf(row, "UserID"))
	switch row.Interface().(type) {
	case tenancy.Organization:
		return tenancy.OrganizationID(idOf(row, "ID")) == t.acme.org
	case tenancy.User:
		user = idOf(row, "ID")
	case tenancy.Identity:
		if row.FieldByName("Provider").String() == t.acme.connection.String() {
			return true
		}
	}
	org := tenancy.OrganizationID(idOf(row, "OrganizationID"))
	return org == t.acme.org || org.IsZero() && only[user]
}

// idOf is an id in a field of a row; zero without such a field.
func idOf(row reflect.Value, field string) (id [16]byte) {
	if v := row.FieldByName(field); v.IsValid() && v.Type().ConvertibleTo(reflect.TypeFor[[16]byte]()) {
		id, _ = v.Convert(reflect.TypeFor[[16]byte]()).Interface().([16]byte)
	}
	return id
}
