package rules

import (
	"context"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/tenancy"
)

func inputRules() []rule {
	return append(append(accessInputRules(), domainInputRules()...), []rule{
		{"G9 NewOrganization", on(func(w *world) { newOrganizationInput().run(w) })},
		{"G9 Settings", on(func(w *world) { settingsInput().run(w) })},
		{"G9 OrganizationUpdate", on(func(w *world) { organizationUpdateInput().run(w) })},
		{"G9 OrganizationQuery", on(func(w *world) { organizationQueryInput().run(w) })},
		{"G9 NewUser", on(func(w *world) { newUserInput().run(w) })},
		{"G9 UserUpdate", on(func(w *world) { userUpdateInput().run(w) })},
		{"G9 UserQuery", on(func(w *world) { userQueryInput().run(w) })},
		{"G9 NewIdentity", on(func(w *world) { newIdentityInput().run(w) })},
		{"G9 NewMembership", on(func(w *world) { newMembershipInput().run(w) })},
		{"G9 MembershipUpdate", on(func(w *world) { membershipUpdateInput().run(w) })},
		{"G9 MemberQuery of an organization", on(func(w *world) { memberQueryInput(false).run(w) })},
		{"G9 MemberQuery of a user", on(func(w *world) { memberQueryInput(true).run(w) })},
		{"G9 EventQuery", on(func(w *world) { eventQueryInput().run(w) })},
		{"G9 arguments that are no struct", on(arguments)},
		{"G9 limits are configurable", with(lowLimits, limits)},
	}...)
}

// input is a struct that a method takes: for each field, what to put into it and
// what the method says.
type input[T any] struct {
	base   func(c cast) T // accepted as it is
	call   func(ctx context.Context, s *tenancy.Service, c cast, in T) error
	fields map[string][]value[T]
	alone  bool // it is in_transaction in any transaction, so what is accepted stays
}

// value is one value of a field.
type value[T any] struct {
	name  string
	set   func(in *T, c cast)
	code  tenancy.Code // "" = accepted
	field string       // that the refusal names
}

// run tries each value of each field, and fails for a field without any. What is
// accepted is undone, so that all run in one world.
func (in input[T]) run(w *world) {
	c := newCast(w)
	for _, field := range reflect.VisibleFields(reflect.TypeFor[T]()) {
		w.Contains(in.fields, field.Name, "a field without cases: %s", field.Name)
	}
	for _, field := range slices.Sorted(maps.Keys(in.fields)) {
		w.True(reflect.ValueOf(new(T)).Elem().FieldByName(field).IsValid(), "cases without a field: %s", field)
		for _, v := range in.fields[field] {
			w.each(field+"/"+v.name, func(w *world) {
				value := in.base(c)
				v.set(&value, c)
				in.try(w, c, value, v.code, v.field)
			})
		}
	}
}

func (in input[T]) try(w *world, c cast, value T, code tenancy.Code, field string) {
	w.T.Helper()
	if code != "" {
		w.refuses(code, field, func() error { return in.call(w.Ctx, w.Svc, c, value) })
		return
	}
	if in.alone {
		w.NoError(in.call(w.Ctx, w.Svc, c, value))
		return
	}
	w.Equal(servicetest.ErrStop, w.Svc.Transact(w.Ctx, func(ctx context.Context, tx *tenancy.Service) error {
		w.NoError(in.call(ctx, tx, c, value))
		return servicetest.ErrStop
	}))
}

// text makes the cases of a text field: what all of them refuse, and its limit.
func text[T any](field string, most int, set func(*T, string)) []value[T] {
	cases := []value[T]{
		textCase(field, "at its limit", strings.Repeat("a", most), tenancy.Code(""), set),
		textCase(field, "over its limit", strings.Repeat("a", most+1), tenancy.ErrInvalid, set),
	}
	for name, bad := range unprintable() {
		cases = append(cases, textCase(field, name, bad, tenancy.ErrInvalid, set))
	}
	return cases
}

func textCase[T any](field, name, s string, code tenancy.Code, set func(*T, string)) value[T] {
	if code == "" {
		field = ""
	}
	return value[T]{name, func(in *T, _ cast) { set(in, s) }, code, field}
}

// unprintable are texts that no field of text takes.
func unprintable() map[string]string {
	return map[string]string{
		"NUL":                    "a\x00b",
		"a control character":    "a\x1bb",
		"a line break":           "a\nb",
		"a C1 control character": "a\u0085b",
		"delete":                 "a\x7fb",
		"a bidi override":        "a\u202eb",
		"a bidi isolate":         "a\u2066b",
		"a line separator":       "a\u2028b",
		"a paragraph separator":  "a\u2029b",
		"invalid UTF-8":          "a\xffb",
		"a surrogate half":       "a\xed\xa0\x80b",
	}
}

// nameOf is [text] for a display name (G5).
func nameOf[T any](field string, set func(*T, string)) []value[T] {
	return append(text(field, 200, set),
		textCase(field, "200 characters of four bytes", strings.Repeat("\U0001F600", 200), "", set),
		textCase(field, "201 characters of four bytes", strings.Repeat("\U0001F600", 201), tenancy.ErrInvalid, set),
		textCase(field, "200 characters once composed", strings.Repeat("e\u0301", 200), "", set),
		textCase(field, "blank", " \t ", tenancy.ErrInvalid, set),
	)
}

// externalOf is [text] for a key of somebody else's (G4).
func externalOf[T any](field string, set func(*T, string)) []value[T] {
	return append(text(field, 255, set),
		textCase(field, "255 characters of two bytes", strings.Repeat("é", 255), "", set))
}

// slugOf has the cases of a slug (G5).
func slugOf[T any](set func(*T, string)) []value[T] {
	cases := []value[T]{
		textCase("slug", "at its limit", strings.Repeat("a", 63), "", set),
		textCase("slug", "empty", "", "", set),
		textCase("slug", "digits and hyphens", "4-ever--1", "", set),
		textCase("slug", "its own again or free", "fresh", "", set),
	}
	bad := map[string]string{
		"over its limit": strings.Repeat("a", 64), "upper case": "Acme", "a dot": "a.b", "a space": "a b", "an underscore": "a_b",
		"a leading hyphen": "-a", "a trailing hyphen": "a-", "an A-label": "xn--mnchen-3ya", "beyond ASCII": "münchen",
		"a fullwidth letter": "ａcme", "the Kelvin sign": "\u212a", "reserved admin": "admin", "reserved api": "api", "reserved www": "www",
	}
	maps.Copy(bad, unprintable())
	for name, s := range bad {
		cases = append(cases, textCase("slug", name, s, tenancy.ErrInvalid, set))
	}
	return cases
}

// metadataOf has the cases of a metadata map given whole (G3).
func metadataOf[T any](field string, set func(*T, map[string]string)) []value[T] {
	one := func(key, value string) map[string]string { return map[string]string{key: value} }
	cases := []value[T]{
		{"nil", func(in *T, _ cast) { set(in, nil) }, "", ""},
		{"empty", func(in *T, _ cast) { set(in, map[string]string{}) }, "", ""},
		{"50 keys", func(in *T, _ cast) { set(in, keys(50)) }, "", ""},
		{"51 keys", func(in *T, _ cast) { set(in, keys(51)) }, tenancy.ErrInvalid, field},
		{"a key of 40 characters", func(in *T, _ cast) { set(in, one(strings.Repeat("ä", 40), "v")) }, "", ""},
		{"a key of 41 characters", func(in *T, _ cast) { set(in, one(strings.Repeat("a", 41), "v")) }, tenancy.ErrInvalid, field},
		{"an empty key", func(in *T, _ cast) { set(in, one("", "v")) }, tenancy.ErrInvalid, field},
		{"an empty value", func(in *T, _ cast) { set(in, one("k", "")) }, "", ""},
		{"a value of 600 characters", func(in *T, _ cast) { set(in, one("k", strings.Repeat("ä", 600))) }, "", ""},
		{"a value of 601 characters", func(in *T, _ cast) { set(in, one("k", strings.Repeat("a", 601))) }, tenancy.ErrInvalid, field + ".k"},
		{"a value with NUL", func(in *T, _ cast) { set(in, one("k", "a\x00b")) }, tenancy.ErrInvalid, field + ".k"},
		{"a value of invalid UTF-8", func(in *T, _ cast) { set(in, one("k", "\xff")) }, tenancy.ErrInvalid, field + ".k"},
	}
	for name, bad := range unprintable() {
		cases = append(cases, value[T]{"a key with " + name, func(in *T, _ cast) { set(in, one(bad, "v")) }, tenancy.ErrInvalid, field})
	}
	return cases
}

// patchOf is [metadataOf] for a patch.
func patchOf[T any](field string, set func(*T, tenancy.Patch)) []value[T] {
	return append(metadataOf(field, func(in *T, m map[string]string) {
		patch := tenancy.Patch{}
		for key, v := range m {
			patch[key] = &v
		}
		set(in, patch)
	}), value[T]{"a key deleted that is not there", func(in *T, _ cast) { set(in, tenancy.Patch{"absent": nil}) }, "", ""})
}

// keys is a map of n keys.
func keys(n int) map[string]string {
	m := make(map[string]string, n)
	for i := range n {
		m[strings.Repeat("k", i%39)+string(rune('A'+i/39))] = "v"
	}
	return m
}

// limitOf has the cases of a page's limit (G6).
func limitOf[T any](set func(*T, int)) []value[T] {
	var cases []value[T]
	for name, n := range map[string]int{"default": 0, "one": 1, "most": 1000} {
		cases = append(cases, value[T]{name, func(in *T, _ cast) { set(in, n) }, "", ""})
	}
	for name, n := range map[string]int{"negative": -1, "over the most": 1001, "far over": math.MaxInt} {
		cases = append(cases, value[T]{name, func(in *T, _ cast) { set(in, n) }, tenancy.ErrInvalid, "limit"})
	}
	return cases
}

// cursorOf has the cases of a cursor (G6); those of another query are in the lists.
func cursorOf[T any](set func(*T, string)) []value[T] {
	var cases []value[T]
	for name, cursor := range map[string]string{
		"no base64": "!!", "too short": "AQ", "of another version": strings.Repeat("_", 60), "zeros": strings.Repeat("A", 60),
		"padded": strings.Repeat("A", 43) + "=", "with a line break": "AQ\nAQ", "long": strings.Repeat("AQ", 5000), "NUL": "\x00",
	} {
		cases = append(cases, textCase("cursor", name, cursor, tenancy.ErrInvalidCursor, set))
	}
	return cases
}

// orderOf has the cases of an order, of which the entity has the first n, and some others.
func orderOf[T any](n tenancy.Order, set func(*T, tenancy.Order), others ...tenancy.Order) []value[T] {
	var cases []value[T]
	for order := range tenancy.Order(8) {
		v := value[T]{string('0' + rune(order)), func(in *T, _ cast) { set(in, order) }, "", ""}
		if order >= n && !slices.Contains(others, order) {
			v.code, v.field = tenancy.ErrInvalid, "order"
		}
		cases = append(cases, v)
	}
	return cases
}

// free are values that are accepted whatever they are.
func free[T any](sets ...func(*T)) []value[T] {
	var cases []value[T]
	for i, set := range sets {
		cases = append(cases, value[T]{string('a' + rune(i)), func(in *T, _ cast) { set(in) }, "", ""})
	}
	return cases
}
