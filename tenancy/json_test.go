package tenancy_test

import (
	"context"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/store/memory"
	"github.com/freehold-dev/freehold/tenancy"
)

// results are the structs of package tenancy that methods of the Service give, those in
// them included.
func results() map[string]reflect.Type {
	found := map[string]reflect.Type{}
	service := reflect.TypeFor[*tenancy.Service]()
	collectMethods(found, service)
	for i := range service.Elem().NumField() {
		if group := service.Elem().Field(i); group.IsExported() {
			collectMethods(found, group.Type)
		}
	}
	return found
}

func collectMethods(found map[string]reflect.Type, t reflect.Type) {
	for i := range t.NumMethod() {
		fn := t.Method(i).Type
		for j := range fn.NumOut() {
			collectType(found, fn.Out(j))
		}
	}
}

func collectType(found map[string]reflect.Type, t reflect.Type) {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		if t != reflect.TypeFor[*tenancy.Service]() {
			collectType(found, t.Elem())
		}
	case reflect.Func: // a walk: func(yield func(T, error) bool)
		for i := range t.NumIn() {
			if t.In(i).Kind() == reflect.Func {
				collectType(found, t.In(i).In(0))
			}
		}
	case reflect.Struct:
		if _, known := found[t.String()]; known || !strings.Contains(t.PkgPath(), "freehold") {
			return
		}
		found[t.String()] = t
		for i := range t.NumField() {
			if f := t.Field(i); f.IsExported() && f.Tag.Get("json") != "-" {
				collectType(found, f.Type)
			}
		}
	}
}

// What a method gives has no null, no time that is not set, and no nanoseconds in its JSON,
// whatever type is added (G15).
func TestJSONOfResults(t *testing.T) {
	found := results()
	for _, name := range []string{"tenancy.Organization", "tenancy.Settings", "tenancy.Role", "tenancy.Decision", "tenancy.Member", "tenancy.EventPage"} {
		require.Contains(t, found, name)
	}
	for name, typ := range found {
		t.Run(name, func(t *testing.T) {
			empty := reflect.New(typ).Elem()
			text := marshaled(t, empty)
			require.NotContains(t, text, "null")
			require.NotContains(t, text, "0001-01-01")
			full := reflect.New(typ).Elem()
			fill(full, 4)
			text = marshaled(t, full)
			require.NotContains(t, text, "null")
			require.NotContains(t, text, "90000000000")
		})
	}
}

func marshaled(t *testing.T, v reflect.Value) string {
	t.Helper()
	text, err := json.Marshal(v.Interface())
	require.NoError(t, err)
	return string(text)
}

// fill sets every field that JSON may show: durations to 90 seconds, and lists to one that
// holds a zero value.
func fill(v reflect.Value, depth int) {
	switch x := v.Addr().Interface().(type) {
	case *time.Duration:
		*x = 90 * time.Second
		return
	case *time.Time:
		*x = time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
		return
	case *json.RawMessage:
		*x = json.RawMessage("{}")
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() && depth > 0 {
				fill(v.Field(i), depth-1)
			}
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), depth-1)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
	case reflect.String:
		v.SetString("x")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(7)
	case reflect.Array:
		if v.Len() == 16 {
			v.Index(15).SetUint(1)
		}
	}
}

// Settings are read back as they were written, and keep what a text does not name.
func TestSettingsInJSON(t *testing.T) {
	want := tenancy.Settings{SeatLimit: 3, AllowedDomains: []string{"a.example"}, SessionIdle: 15 * time.Minute, SessionFor: 24 * time.Hour}
	text, err := json.Marshal(want)
	require.NoError(t, err)
	require.JSONEq(t, `{"seat_limit":3,"allowed_domains":["a.example"],"session_idle":900,"session_for":86400}`, string(text))
	got := tenancy.Settings{DefaultRole: "guest"}
	require.NoError(t, json.Unmarshal(text, &got))
	want.DefaultRole = "guest"
	require.Equal(t, want, got)
	require.Equal(t, tenancy.ErrInvalid, tenancy.CodeOf(json.Unmarshal([]byte(`{"session_for":9223372037}`), &got)))
	require.Error(t, json.Unmarshal([]byte(`{"session_for":"900"}`), &got))
	require.Equal(t, want, got)
}

// What a client reads of an empty list, a built-in role and a role's deletion (G15).
func TestJSONAsClientsSeeIt(t *testing.T) {
	ctx := context.Background()
	svc, err := tenancy.New(tenancy.Config{Store: memory.New()})
	require.NoError(t, err)
	acme, err := svc.Organizations.Create(ctx, tenancy.NewOrganization{DisplayName: "Acme"})
	require.NoError(t, err)
	members, err := svc.Memberships.List(ctx, acme.ID, tenancy.MemberQuery{})
	require.NoError(t, err)
	require.Equal(t, `{"items":[]}`, marshaled(t, reflect.ValueOf(members)))
	ada, err := svc.Users.Create(ctx, tenancy.NewUser{Email: "ada@acme.example"})
	require.NoError(t, err)
	identities, err := svc.Identities.List(ctx, ada.ID)
	require.NoError(t, err)
	require.Equal(t, `[]`, marshaled(t, reflect.ValueOf(identities)))
	permissions, err := svc.Permissions.Of(ctx, ada.ID, acme.ID)
	require.NoError(t, err)
	require.Equal(t, `[]`, marshaled(t, reflect.ValueOf(permissions)))
	roles, err := svc.Roles.List(ctx, acme.ID)
	require.NoError(t, err)
	text := marshaled(t, reflect.ValueOf(roles))
	require.NotContains(t, text, "0001-")
	require.Contains(t, text, `"grants":[]`) // of the built-in guest
	_, err = svc.Roles.Create(ctx, acme.ID, tenancy.NewRole{Slug: "org-none"})
	require.NoError(t, err)
	require.NoError(t, svc.Roles.Delete(ctx, acme.ID, "org-none", rbac.Guest))
	page, err := svc.Events.List(ctx, tenancy.EventQuery{Types: []tenancy.EventType{tenancy.EventRoleDeleted}})
	require.NoError(t, err)
	var deleted struct {
		Slug        string       `json:"slug"`
		Grants      []rbac.Grant `json:"grants"`
		Replacement string       `json:"replacement"`
	}
	require.NoError(t, json.Unmarshal(page.Items[0].Data, &deleted))
	require.Equal(t, "org-none", deleted.Slug)
	require.NotNil(t, deleted.Grants)
	require.Equal(t, rbac.Guest, deleted.Replacement)
}
