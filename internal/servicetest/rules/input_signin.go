package rules

import (
	"context"
	"fmt"
	"strings"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

func signInInputRules() []rule {
	return []rule{
		{"G9 NewConnection", on(func(w *world) { newConnectionInput().run(w) })},
		{"G9 ConnectionUpdate", on(func(w *world) { connectionUpdateInput().run(w) })},
		{"G9 ConnectionQuery", on(func(w *world) { connectionQueryInput().run(w) })},
		{"G9 PolicyUpdate", on(func(w *world) { policyUpdateInput().run(w) })},
		{"G9 Attempt", on(func(w *world) { attemptInput().run(w) })},
		{"G9 RouteHints", on(func(w *world) { routeHintsInput().run(w) })},
		{"G9 Config of sign-in", on(signInConfigs)},
	}
}

func signInConfigs(w *world) {
	for name, c := range map[string]struct {
		configure func(*tenancy.Config)
		field     string
	}{
		"registration":              {func(c *tenancy.Config) { c.Registration = "ajar" }, "registration"},
		"a method":                  {func(c *tenancy.Config) { c.SignInMethods = []tenancy.SignInMethod{"Pass word"} }, "sign_in_methods"},
		"a method: empty":           {func(c *tenancy.Config) { c.SignInMethods = []tenancy.SignInMethod{""} }, "sign_in_methods"},
		"a method: built in":        {func(c *tenancy.Config) { c.SignInMethods = []tenancy.SignInMethod{tenancy.MethodSingleSignOn} }, "sign_in_methods"},
		"a method: an invitation's": {func(c *tenancy.Config) { c.SignInMethods = []tenancy.SignInMethod{tenancy.MethodInvitation} }, "sign_in_methods"},
		"a method: connection's":    {func(c *tenancy.Config) { c.SignInMethods = []tenancy.SignInMethod{"con_x"} }, "sign_in_methods"},
		"connections":               {func(c *tenancy.Config) { c.Limits.Connections = -1 }, "connections"},
	} {
		w.each(name, func(w *world) {
			config := w.Config
			c.configure(&config)
			_, err := tenancy.New(config)
			w.Failed(err, tenancy.ErrInvalid, c.field)
		})
	}
}

// groupCases: P8.
func groupCases[T any](set func(*T, map[string]string)) []value[T] {
	one := func(name string, code tenancy.Code, groups map[string]string) value[T] {
		field := "groups"
		if code == "" {
			field = ""
		}
		return value[T]{name, func(in *T, _ cast) { set(in, groups) }, code, field}
	}
	many := make(map[string]string)
	for i := range 501 {
		many[fmt.Sprint("group ", i)] = rbac.Guest
	}
	cases := []value[T]{
		one("none", "", map[string]string{}), one("several", "", map[string]string{"A B": rbac.Guest, "c": rbac.Admin, "d": servicetest.Editor}),
		one("at the limit of a name", "", map[string]string{strings.Repeat("g", 255): rbac.Guest}),
		one("too long a name", tenancy.ErrInvalid, map[string]string{strings.Repeat("g", 256): rbac.Guest}),
		one("no name", tenancy.ErrInvalid, map[string]string{"": rbac.Guest}),
		one("too many", tenancy.ErrInvalid, many),
		one("owners", tenancy.ErrInvalid, map[string]string{"g": rbac.Owner}),
		one("an unknown role", tenancy.ErrUnknownRole, map[string]string{"g": "king"}),
		one("no role", tenancy.ErrUnknownRole, map[string]string{"g": ""}),
	}
	for name, s := range unprintable() {
		cases = append(cases, one(name, tenancy.ErrInvalid, map[string]string{s: rbac.Guest}))
	}
	return cases
}

func providerCases[T any](set func(*T, string)) []value[T] {
	cases := []value[T]{
		textCase("provider", "none", "", "", set), textCase("provider", "at its limit", strings.Repeat("a", 64), "", set),
		textCase("provider", "over its limit", strings.Repeat("a", 65), tenancy.ErrInvalid, set),
		textCase("provider", "upper case", "Okta", tenancy.ErrInvalid, set),
	}
	for name, s := range unprintable() {
		cases = append(cases, textCase("provider", name, s, tenancy.ErrInvalid, set))
	}
	return cases
}

func issuerCases[T any](set func(*T, string)) []value[T] {
	return append(text("issuer", 255, set), textCase("issuer", "none", "", "", set))
}

func stateCases[T any](set func(*T, tenancy.ConnectionState)) []value[T] {
	return []value[T]{
		{"active", func(in *T, _ cast) { set(in, tenancy.ConnectionActive) }, "", ""},
		{"inactive", func(in *T, _ cast) { set(in, tenancy.ConnectionInactive) }, "", ""},
		{"another", func(in *T, _ cast) { set(in, "Active") }, tenancy.ErrInvalid, "state"},
	}
}

func newConnectionInput() input[tenancy.NewConnection] {
	type in = tenancy.NewConnection
	return input[in]{
		base: func(c cast) in {
			return in{OrganizationID: c.org, Protocol: tenancy.ProtocolSAML, Name: "New"}
		},
		call: func(ctx context.Context, s *tenancy.Service, _ cast, v in) error {
			_, err := s.Connections.Create(ctx, v)
			return err
		},
		fields: map[string][]value[in]{
			"ID": {
				{"chosen", func(v *in, _ cast) { v.ID = tenancy.ConnectionID(servicetest.Nowhere) }, "", ""},
				{"taken", func(v *in, c cast) { v.ID = c.sso }, tenancy.ErrAlreadyExists, "id"},
			},
			"OrganizationID": {{"unknown", func(v *in, _ cast) { v.OrganizationID = servicetest.Nowhere }, tenancy.ErrNotFound, ""}},
			"Protocol": {
				{"OIDC", func(v *in, _ cast) { v.Protocol = tenancy.ProtocolOIDC }, "", ""},
				{"none", func(v *in, _ cast) { v.Protocol = "" }, tenancy.ErrInvalid, "protocol"},
				{"another", func(v *in, _ cast) { v.Protocol = "ldap" }, tenancy.ErrInvalid, "protocol"},
			},
			"Provider": providerCases(func(v *in, s string) { v.Provider = s }),
			"Name":     append(nameOf("name", func(v *in, s string) { v.Name = s }), textCase("name", "none", "", tenancy.ErrInvalid, func(v *in, s string) { v.Name = s })),
			"Issuer":   issuerCases(func(v *in, s string) { v.Issuer = s }),
			"State":    append(stateCases(func(v *in, s tenancy.ConnectionState) { v.State = s }), free(func(v *in) { v.State = "" })...),
			"Settings": {
				{"a certificate", func(v *in, _ cast) { v.Settings = map[string]string{"cert": strings.Repeat("c", 4096)} }, "", ""},
				{"too long", func(v *in, _ cast) { v.Settings = map[string]string{"cert": strings.Repeat("c", 4097)} }, tenancy.ErrInvalid, "settings.cert"},
				{"too many", func(v *in, _ cast) { v.Settings = keys(51) }, tenancy.ErrInvalid, "settings"},
			},
			"Groups":       groupCases(func(v *in, g map[string]string) { v.Groups = g }),
			"UpdatesEmail": free(func(v *in) { v.UpdatesEmail = true }),
		},
	}
}

func connectionUpdateInput() input[tenancy.ConnectionUpdate] {
	type in = tenancy.ConnectionUpdate
	return input[in]{
		base: func(cast) in { return in{} },
		call: func(ctx context.Context, s *tenancy.Service, c cast, v in) error {
			_, err := s.Connections.Update(ctx, c.org, c.sso, v)
			return err
		},
		fields: map[string][]value[in]{
			"Version": {
				{"the stored one", func(v *in, _ cast) { v.Version = 1 }, "", ""},
				{"another", func(v *in, _ cast) { v.Version = 2 }, tenancy.ErrConflict, "version"},
			},
			"Provider": providerCases(func(v *in, s string) { v.Provider = &s }),
			"Name":     append(nameOf("name", func(v *in, s string) { v.Name = &s }), textCase("name", "none", "", tenancy.ErrInvalid, func(v *in, s string) { v.Name = &s })),
			"Issuer":   issuerCases(func(v *in, s string) { v.Issuer = &s }),
			"State": append(stateCases(func(v *in, s tenancy.ConnectionState) { v.State = &s }),
				value[in]{"empty", func(v *in, _ cast) { v.State = servicetest.Ptr(tenancy.ConnectionState("")) }, tenancy.ErrInvalid, "state"}),
			"Settings": {
				{"of what is not there", func(v *in, _ cast) { v.Settings = tenancy.Patch{"absent": nil} }, "", ""},
				{"too long", func(v *in, _ cast) { v.Settings = tenancy.Patch{"cert": servicetest.Ptr(strings.Repeat("c", 4097))} }, tenancy.ErrInvalid, "settings.cert"},
			},
			"Groups":       groupCases(func(v *in, g map[string]string) { v.Groups = &g }),
			"UpdatesEmail": free(func(v *in) { v.UpdatesEmail = servicetest.Ptr(true) }),
		},
	}
}

func connectionQueryInput() input[tenancy.ConnectionQuery] {
	type in = tenancy.ConnectionQuery
	return input[in]{
		base: func(cast) in { return in{} },
		call: func(ctx context.Context, s *tenancy.Service, c cast, v in) error {
			_, err := s.Connections.List(ctx, c.org, v)
			return err
		},
		fields: map[string][]value[in]{
			"State":      append(stateCases(func(v *in, s tenancy.ConnectionState) { v.State = s }), free(func(v *in) { v.State = "" })...),
			"Descending": free(func(v *in) { v.Descending = true }),
			"Limit":      limitOf(func(v *in, n int) { v.Limit = n }),
			"Cursor":     cursorOf(func(v *in, s string) { v.Cursor = s }),
		},
	}
}

func policyUpdateInput() input[tenancy.PolicyUpdate] {
	type in = tenancy.PolicyUpdate
	methods := func(methods ...tenancy.SignInMethod) func(*in, cast) {
		return func(v *in, _ cast) { v.Domain = &tenancy.DomainPolicy{Methods: methods} }
	}
	return input[in]{
		base: func(cast) in { return in{} },
		call: func(ctx context.Context, s *tenancy.Service, c cast, v in) error {
			_, err := s.Policies.Set(ctx, c.org, v)
			return err
		},
		fields: map[string][]value[in]{
			"Version": {
				{"the stored one", func(v *in, _ cast) { v.Version = 0 }, "", ""},
				{"another", func(v *in, _ cast) { v.Version = 2 }, tenancy.ErrConflict, "version"},
			},
			"Domain": {
				{"methods", methods(tenancy.MethodPassword, tenancy.MethodSingleSignOn), "", ""},
				{"an unknown method", methods("carrier-pigeon"), tenancy.ErrInvalid, "methods"},
				{"no method's name", methods(""), tenancy.ErrInvalid, "methods"},
				{"a connection", func(v *in, c cast) { v.Domain = &tenancy.DomainPolicy{ConnectionID: c.sso} }, "", ""},
			},
			"Organization": {
				{"single sign-on", func(v *in, _ cast) { v.Organization = &tenancy.OrganizationPolicy{SingleSignOn: true} }, "", ""},
				{"a connection alone", func(v *in, c cast) { v.Organization = &tenancy.OrganizationPolicy{ConnectionID: c.sso} }, tenancy.ErrInvalid, "connection_id"},
			},
			"Exempt": {
				{"members", func(v *in, c cast) { v.Exempt = &[]tenancy.UserID{c.owner, c.member, c.owner} }, "", ""},
				{"nobody", func(v *in, _ cast) { v.Exempt = &[]tenancy.UserID{} }, "", ""},
				{"the zero user", func(v *in, _ cast) { v.Exempt = &[]tenancy.UserID{{}} }, tenancy.ErrNotFound, ""},
				{"an inactive member", func(v *in, c cast) { v.Exempt = &[]tenancy.UserID{c.resting} }, tenancy.ErrInvalid, "exempt"},
			},
			"BindsOwners": free(func(v *in) { v.BindsOwners = servicetest.Ptr(true) }),
		},
	}
}

// unknownPending looks like a token, and was given to nobody.
const unknownPending = "pending_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

func attemptInput() input[tenancy.Attempt] {
	type in = tenancy.Attempt
	sso := func(c cast) tenancy.Connection { return tenancy.Connection{ID: c.sso, Epoch: 1} }
	cases := []value[in]{
		{"none", func(v *in, _ cast) { v.Evidence = tenancy.Evidence{} }, tenancy.ErrInvalid, "evidence"},
		{"a password", func(v *in, _ cast) { *v = servicetest.ByPassword("c", "") }, "", ""},
		{"an unknown method", func(v *in, _ cast) { *v = servicetest.ByProvider("google", "s", "", nil) }, tenancy.ErrInvalid, "evidence"},
		{"no claims", func(v *in, _ cast) { v.Evidence = tenancy.ClaimsEvidence("password", nil) }, tenancy.ErrInvalid, "evidence"},
		{"claims that are no object", func(v *in, _ cast) { v.Evidence = tenancy.ClaimsEvidence("password", []byte("[1]")) }, tenancy.ErrInvalid, "evidence"},
		{"claims that are null", func(v *in, _ cast) { v.Evidence = tenancy.ClaimsEvidence("password", []byte("null")) }, tenancy.ErrInvalid, "evidence"},
		{"a token that was not read", func(v *in, _ cast) { v.Evidence = tenancy.ClaimsEvidence("password", []byte("eyJh.eyJz.c2ln")) }, tenancy.ErrInvalid, "evidence"},
		{"an unknown connection", func(v *in, _ cast) {
			*v = servicetest.Through(tenancy.Connection{ID: tenancy.ConnectionID(servicetest.Nowhere), Epoch: 1}, "s", "")
		}, tenancy.ErrNotFound, ""},
		{"a connection", func(v *in, c cast) { *v = servicetest.Through(sso(c), "s", "") }, "", ""},
		{"a connection that nobody read", func(v *in, c cast) { *v = servicetest.Through(tenancy.Connection{ID: c.sso}, "s", "") }, tenancy.ErrConflict, "version"},
		{"a connection without a subject", func(v *in, c cast) { *v = servicetest.Through(sso(c), "", "owner@acme.example") }, tenancy.ErrInvalid, "evidence"},
		{"an assertion that cannot be read", func(v *in, c cast) { *v = servicetest.Asserting(sso(c), tenancy.AssertionFromClaims([]byte("{"))) }, tenancy.ErrInvalid, "evidence"},
		{"two at-signs", func(v *in, _ cast) { *v = servicetest.ByMail("a@b@acme.example") }, tenancy.ErrInvalid, "email"},
		{"too long an address", func(v *in, _ cast) { *v = servicetest.ByMail(strings.Repeat("a", 250) + "@acme.example") }, tenancy.ErrInvalid, "email"},
		{"a second mailbox that is none", func(v *in, _ cast) { *v = servicetest.Proving("a@b@acme.example", *v) }, tenancy.ErrInvalid, "email"},
		{"no second mailbox", func(v *in, _ cast) { *v = servicetest.Proving("", *v) }, tenancy.ErrInvalid, "evidence"},
		{"a second factor", func(v *in, _ cast) { *v = servicetest.Twice(*v) }, "", ""},
		{"no pending sign-in", func(v *in, _ cast) { v.Evidence = tenancy.PendingEvidence("") }, tenancy.ErrInvalid, "evidence"},
		{"a pending sign-in of no form", func(v *in, _ cast) { v.Evidence = tenancy.PendingEvidence("\x00") }, tenancy.ErrInvalidToken, "evidence"},
		{"a long pending sign-in", func(v *in, _ cast) { v.Evidence = tenancy.PendingEvidence(strings.Repeat("x", 1<<20)) }, tenancy.ErrInvalidToken, "evidence"},
		{"an unknown pending sign-in", func(v *in, _ cast) { v.Evidence = tenancy.PendingEvidence(unknownPending) }, tenancy.ErrInvalidToken, "evidence"},
		{"many groups", func(v *in, c cast) { *v = servicetest.Through(sso(c), "s", "", make([]string, 5000)...) }, "", ""},
	}
	for _, subject := range externalOf("subject", func(v *in, s string) { *v = servicetest.ByPassword(s, "owner@acme.example") }) {
		if subject.name == "none" { // that is evidence of nobody
			subject.code, subject.field = tenancy.ErrInvalid, "evidence"
		}
		cases = append(cases, subject)
	}
	return input[in]{
		base: func(cast) in { return servicetest.ByMail("owner@acme.example") },
		call: func(ctx context.Context, s *tenancy.Service, _ cast, v in) error {
			_, err := s.SignIn(ctx, v)
			return err
		},
		fields: map[string][]value[in]{
			"Evidence":       cases,
			"Invitation":     free(func(v *in) { v.Invitation = "\x00" }, func(v *in) { v.Invitation = strings.Repeat("x", 1<<20) }), // decided
			"OrganizationID": {{"unknown", func(v *in, _ cast) { v.OrganizationID = servicetest.Nowhere }, tenancy.ErrNotFound, ""}},
			"Found": {
				{"an owner", func(v *in, c cast) { v.Found = &tenancy.NewOrganization{DisplayName: "New", Owner: c.owner} }, tenancy.ErrInvalid, "found.owner"},
				{"where nobody may", func(v *in, _ cast) { v.Found = &tenancy.NewOrganization{DisplayName: "New"} }, tenancy.ErrForbidden, ""},
				{"beside another", func(v *in, c cast) { v.Found, v.OrganizationID = &tenancy.NewOrganization{DisplayName: "New"}, c.org }, tenancy.ErrInvalid, "found"},
			},
			"ChooseLater": free(func(v *in) { v.ChooseLater = true }),
			"LinkTo": {
				{"no token", func(v *in, _ cast) { v.LinkTo = "\x00" }, tenancy.ErrSignInRequired, "session"},
				{"an unknown one", func(v *in, _ cast) { v.LinkTo = "session_" + strings.Repeat("a", 58) }, tenancy.ErrSignInRequired, "session"},
			},
			"Session": free(func(v *in) { v.Session = "\x00" }, func(v *in) { v.Session = "session_" + strings.Repeat("a", 58) }), // ignored
			"Profile": free(func(v *in) { v.Profile.GivenName = "\x00" }),
			"Note":    free(func(v *in) { v.Note = "" }),
		},
	}
}

func routeHintsInput() input[tenancy.RouteHints] {
	type in = tenancy.RouteHints
	return input[in]{
		base: func(cast) in { return in{} },
		call: func(ctx context.Context, s *tenancy.Service, _ cast, v in) error {
			_, err := s.Route(ctx, "owner@acme.example", v)
			return err
		},
		fields: map[string][]value[in]{
			"ConnectionID": {
				{"one", func(v *in, c cast) { v.ConnectionID = c.sso }, "", ""},
				{"unknown", func(v *in, _ cast) { v.ConnectionID = tenancy.ConnectionID(servicetest.Nowhere) }, tenancy.ErrNotFound, ""},
			},
			"OrganizationID": {
				{"one", func(v *in, c cast) { v.OrganizationID = c.org }, "", ""},
				{"suspended", func(v *in, c cast) { v.OrganizationID = c.shut }, "", ""},
				{"unknown", func(v *in, _ cast) { v.OrganizationID = servicetest.Nowhere }, tenancy.ErrNotFound, ""},
			},
		},
	}
}
