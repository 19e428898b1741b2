package rules

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/tenancy"
)

// emailOf has the cases of an address (U1): at its limits, and the tricks by which
// two programs read two mailboxes in one text.
func emailOf[T any](set func(*T, string)) []value[T] {
	fill := func(n int) string { // an address of n bytes, valid but for its length
		domain := strings.Repeat("."+strings.Repeat("b", 61), 2) + ".example"
		local := strings.Repeat("a", 64) + "@"
		return local + strings.Repeat("c", n-len(local)-len(domain)) + domain
	}
	cases := []value[T]{
		textCase("email", "254 bytes", fill(254), "", set),
		textCase("email", "255 bytes", fill(255), tenancy.ErrInvalid, set),
		textCase("email", "a local part of 64", strings.Repeat("a", 64)+"@acme.example", "", set),
		textCase("email", "a local part of 65", strings.Repeat("a", 65)+"@acme.example", tenancy.ErrInvalid, set),
		textCase("email", "every character of an atom", "a!#$%&'*+-/=?^_`{|}~9@acme.example", "", set),
		textCase("email", "an internationalized domain", "ada@münchen.example", "", set),
		textCase("email", "an upper-case U-label", "ada@BÜCHER.example", "", set),
		textCase("email", "white space around", " ada.space@acme.example\r\n", "", set),
	}
	bad := badEmails()
	maps.Copy(bad, map[string]string{"taken": "owner@acme.example", "taken in another case": "OWNER@Acme.EXAMPLE"})
	for name, s := range bad {
		code := tenancy.ErrInvalid
		if strings.HasPrefix(name, "taken") {
			code = tenancy.ErrAlreadyExists
		}
		cases = append(cases, textCase("email", name, s, code, set))
	}
	return cases
}

func badEmails() map[string]string {
	bad := map[string]string{
		"empty":                          "",
		"no at-sign":                     "ada.acme.example",
		"two at-signs":                   "ada@evil.example@acme.example",
		"a quoted address as local part": `"a@evil.com"@victim.com`,
		"a quoted local part":            `"ada"@acme.example`,
		"a comment":                      "ada(the first)@acme.example",
		"a comment in the domain":        "ada@acme(evil).example",
		"a display name":                 "Ada <ada@acme.example>",
		"an encoded word":                "=?utf-8?q?ada=40evil.example?=@acme.example@",
		"an encoded word in the domain":  "ada@=?x?q?acme?=.example",
		"a full-width at-sign":           "ada\uff20acme.example",
		"a full-width at-sign besides":   "ada\uff20evil.example@acme.example",
		"a small at-sign besides":        "ada\ufe6bevil.example@acme.example",
		"the Kelvin sign":                "\u212aate@acme.example",
		"the Kelvin sign in the domain":  "ada@\u212arypton.example",
		"a full-width dot":               "ada@acme\uff0eexample",
		"an ideographic full stop":       "ada@acme\u3002example",
		"a decomposed U-label":           "ada@bu\u0308cher.example",
		"a letter beyond ASCII":          "adä@acme.example",
		"a soft hyphen":                  "a\u00adda@acme.example",
		"a zero-width space":             "a\u200bda@acme.example",
		"a leading dot":                  ".ada@acme.example",
		"a trailing dot":                 "ada.@acme.example",
		"two dots":                       "a..da@acme.example",
		"a trailing dot of the domain":   "ada@acme.example.",
		"a leading dot of the domain":    "ada@.acme.example",
		"an IP literal":                  "ada@[192.0.2.1]",
		"an IPv6 literal":                "ada@[IPv6:2001:db8::1]",
		"an IP address":                  "ada@192.0.2.1",
		"no local part":                  "@acme.example",
		"no domain":                      "ada@",
		"one label":                      "ada@localhost",
		"a public suffix":                "ada@co.uk",
		"an underscore in the domain":    "ada@ac_me.example",
		"a hyphen at a label's end":      "ada@acme-.example",
		"a percent hack":                 "ada%evil.example@",
		"a bang path":                    "evil.example!ada",
		"a source route":                 "@evil.example:ada@acme.example",
		"a list":                         "ada@acme.example,eve@evil.example",
		"white space around the at-sign": "ada @ acme.example",
		"a space within":                 "a da@acme.example",
		"a header":                       "ada@acme.example\r\nBcc: eve@evil.example",
	}
	for name, s := range unprintable() {
		bad[name] = s + "@acme.example"
		bad[name+" in the domain"] = "ada@" + s + ".example"
	}
	return bad
}

// profileOf has the cases of what Users.Create and Update share.
func profileOf[T any](set func(in *T, field, s string)) map[string][]value[T] {
	to := func(field string) func(*T, string) { return func(in *T, s string) { set(in, field, s) } }
	some := func(field, name, s string, code tenancy.Code) value[T] {
		return textCase(field, name, s, code, to(field))
	}
	optional := func(field string) value[T] { return some(field, "empty", "", "") }
	fields := map[string][]value[T]{
		"GivenName":   append(nameOf("given_name", to("given_name")), optional("given_name")),
		"FamilyName":  append(nameOf("family_name", to("family_name")), optional("family_name")),
		"DisplayName": append(nameOf("display_name", to("display_name")), optional("display_name")),
		"ExternalID": append(externalOf("external_id", to("external_id")), optional("external_id"),
			some("external_id", "taken", "hr-1", tenancy.ErrAlreadyExists)),
		"Phone":   append(text("phone", 50, to("phone")), optional("phone")),
		"Picture": {optional("picture"), some("picture", "2048 bytes", "https://a.example/"+strings.Repeat("p", 2030), "")},
		"Locale": {
			optional("locale"), some("locale", "a tag", "zh-Hant-TW", ""),
			some("locale", "35 characters", "en-"+strings.Repeat("abcdefg-", 4), tenancy.ErrInvalid),
			some("locale", "at its limit", strings.Repeat("abcdefgh-", 3)+"abcdefgh", ""),
			some("locale", "over its limit", strings.Repeat("abcdefgh-", 4), tenancy.ErrInvalid),
			some("locale", "an underscore", "en_US", tenancy.ErrInvalid), some("locale", "a digit first", "1n", tenancy.ErrInvalid),
			some("locale", "a line break after", "en\n", tenancy.ErrInvalid),
		},
	}
	for name, bad := range map[string]string{
		"2049 bytes": "https://a.example/" + strings.Repeat("p", 2031), "http": "http://a.example/p", "javascript": "javascript:alert(1)",
		"no host": "https:///p", "with a password": "https://ada:pw@a.example/p", "no URL": "https://a b/%zz", "relative": "/p.png",
		"data": "data:image/png;base64,AA==", "opaque": "https:a.example",
	} {
		fields["Picture"] = append(fields["Picture"], some("picture", name, bad, tenancy.ErrInvalid))
	}
	for name, bad := range unprintable() {
		fields["Picture"] = append(fields["Picture"], some("picture", name, "https://a.example/"+bad, tenancy.ErrInvalid))
		fields["Locale"] = append(fields["Locale"], some("locale", name, bad, tenancy.ErrInvalid))
	}
	return fields
}

func newUserInput() input[tenancy.NewUser] {
	type in = tenancy.NewUser
	fields := profileOf(func(v *in, field, s string) {
		*map[string]*string{
			"given_name": &v.GivenName, "family_name": &v.FamilyName, "display_name": &v.DisplayName, "external_id": &v.ExternalID,
			"phone": &v.Phone, "picture": &v.Picture, "locale": &v.Locale,
		}[field] = s
	})
	maps.Copy(fields, map[string][]value[in]{
		"ID": {
			{"taken", func(v *in, c cast) { v.ID = c.owner }, tenancy.ErrAlreadyExists, "id"},
			{"free", func(v *in, _ cast) { v.ID = servicetest.Nobody }, "", ""},
		},
		"Email":         emailOf(func(v *in, s string) { v.Email = s }),
		"EmailVerified": free(func(v *in) { v.EmailVerified = true }),
		"History": { // each field: historyCalls
			{"none", func(v *in, _ cast) { v.History = tenancy.UserHistory{} }, "", ""},
			{"some", func(v *in, _ cast) { v.History.CreatedAt = time.Unix(1, 0) }, tenancy.ErrInvalid, "created_at"},
		},
		"Attributes": metadataOf("attributes", func(v *in, m map[string]string) { v.Attributes = m }),
		"Metadata":   metadataOf("metadata", func(v *in, m map[string]string) { v.Metadata = m }),
		"Memberships": {
			{"one", func(v *in, c cast) { v.Memberships = []tenancy.NewMembership{{OrganizationID: c.org}} }, "", ""},
			{"none", func(v *in, _ cast) { v.Memberships = []tenancy.NewMembership{} }, "", ""},
			{"101", func(v *in, _ cast) { v.Memberships = make([]tenancy.NewMembership, 101) }, tenancy.ErrInvalid, "memberships"},
			{"of somebody else", func(v *in, c cast) {
				v.Memberships = []tenancy.NewMembership{{OrganizationID: c.org, UserID: c.owner}}
			}, tenancy.ErrInvalid, "memberships"},
			{"nowhere", func(v *in, _ cast) { v.Memberships = make([]tenancy.NewMembership, 1) }, tenancy.ErrNotFound, ""},
			{"twice", func(v *in, c cast) {
				v.Memberships = []tenancy.NewMembership{{OrganizationID: c.org}, {OrganizationID: c.org}}
			}, tenancy.ErrAlreadyMember, ""},
			{"an unknown role", func(v *in, c cast) {
				v.Memberships = []tenancy.NewMembership{{OrganizationID: c.org, Roles: []string{"king"}}}
			}, tenancy.ErrUnknownRole, "roles"},
		},
	})
	return input[in]{
		base: func(cast) in { return in{Email: "new@acme.example"} },
		call: func(ctx context.Context, s *tenancy.Service, _ cast, v in) error {
			_, err := s.Users.Create(ctx, v)
			return err
		},
		fields: fields,
	}
}

func userUpdateInput() input[tenancy.UserUpdate] {
	type in = tenancy.UserUpdate
	fields := profileOf(func(v *in, field, s string) {
		*map[string]**string{
			"given_name": &v.GivenName, "family_name": &v.FamilyName, "display_name": &v.DisplayName, "external_id": &v.ExternalID,
			"phone": &v.Phone, "picture": &v.Picture, "locale": &v.Locale,
		}[field] = &s
	})
	maps.Copy(fields, map[string][]value[in]{
		"Version": {
			{"the stored one", func(v *in, _ cast) { v.Version = 1 }, "", ""},
			{"another", func(v *in, _ cast) { v.Version = 7 }, tenancy.ErrConflict, "version"},
		},
		"EmailVerified": free(func(v *in) { v.EmailVerified = servicetest.Ptr(true) }, func(v *in) { v.EmailVerified = servicetest.Ptr(false) }),
		"LastSignInAt":  {{"some", func(v *in, _ cast) { v.LastSignInAt = time.Unix(1, 0) }, tenancy.ErrInvalid, "last_sign_in_at"}},
		"Attributes":    patchOf("attributes", func(v *in, p tenancy.Patch) { v.Attributes = p }),
		"Metadata":      patchOf("metadata", func(v *in, p tenancy.Patch) { v.Metadata = p }),
	})
	return input[in]{
		base: func(cast) in { return in{} },
		call: func(ctx context.Context, s *tenancy.Service, c cast, v in) error {
			_, err := s.Users.Update(ctx, c.outsider, v)
			return err
		},
		fields: fields,
	}
}

func userQueryInput() input[tenancy.UserQuery] {
	type in = tenancy.UserQuery
	return input[in]{
		base: func(cast) in { return in{} },
		call: func(ctx context.Context, s *tenancy.Service, _ cast, v in) error {
			_, err := s.Users.List(ctx, v)
			return err
		},
		fields: map[string][]value[in]{
			"IDs": {
				{"none at all", func(v *in, _ cast) { v.IDs = []tenancy.UserID{} }, "", ""},
				{"1000", func(v *in, _ cast) { v.IDs = slices.Repeat([]tenancy.UserID{servicetest.Nobody}, 1000) }, "", ""},
				{"1001", func(v *in, _ cast) { v.IDs = slices.Repeat([]tenancy.UserID{servicetest.Nobody}, 1001) }, tenancy.ErrInvalid, "ids"},
			},
			"NamePrefix":  prefixOf("name_prefix", func(v *in, s string) { v.NamePrefix = s }),
			"EmailPrefix": prefixOf("email_prefix", func(v *in, s string) { v.EmailPrefix = s }),
			"Suspended":   free(func(v *in) { v.Suspended = servicetest.Ptr(true) }, func(v *in) { v.Suspended = servicetest.Ptr(false) }),
			"Order":       orderOf(3, func(v *in, o tenancy.Order) { v.Order = o }),
			"Descending":  free(func(v *in) { v.Descending = true }),
			"Limit":       limitOf(func(v *in, n int) { v.Limit = n }),
			"Cursor":      cursorOf(func(v *in, s string) { v.Cursor = s }),
		},
	}
}
