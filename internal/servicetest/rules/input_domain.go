package rules

import (
	"context"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// domainInputRules are the inputs of domains.
func domainInputRules() []rule {
	return []rule{
		{"G9 NewDomain", on(func(w *world) { newDomainInput().run(w) })},
		{"G9 DomainUpdate", on(func(w *world) { domainUpdateInput().run(w) })},
		{"G9 DomainQuery", on(func(w *world) { domainQueryInput().run(w) })},
	}
}

func joiningCases[T any](set func(*T, tenancy.DomainJoining)) []value[T] {
	var cases []value[T]
	for _, j := range []tenancy.DomainJoining{tenancy.JoiningOff, tenancy.JoiningSuggest, tenancy.JoiningRequest, tenancy.JoiningAuto} {
		cases = append(cases, value[T]{string(j), func(in *T, _ cast) { set(in, j) }, "", ""})
	}
	for name, bad := range map[string]tenancy.DomainJoining{"unknown": "always", "another case": "Auto", "NUL": "auto\x00"} {
		cases = append(cases, value[T]{name, func(in *T, _ cast) { set(in, bad) }, tenancy.ErrInvalid, "joining"})
	}
	return cases
}

// domainRoleCases: R3.
func domainRoleCases[T any](set func(*T, string)) []value[T] {
	const field = "role"
	return []value[T]{
		textCase(field, "none", "", "", set),
		textCase(field, "the organization's own", servicetest.Editor, "", set),
		textCase(field, "declared", servicetest.Clerk, "", set),
		textCase(field, "unknown", "king", tenancy.ErrUnknownRole, set),
		textCase(field, "invalid UTF-8", "\xff", tenancy.ErrUnknownRole, set),
		textCase(field, "owner", rbac.Owner, tenancy.ErrInvalid, set),
		textCase(field, "admin", rbac.Admin, tenancy.ErrInvalid, set),
	}
}

func newDomainInput() input[tenancy.NewDomain] {
	type in = tenancy.NewDomain
	name := func(v *in, s string) { v.Name = s }
	names := []value[in]{
		textCase("name", "another spelling", "NEW.Example", "", name),
		textCase("name", "claimed already", "claimed.example", tenancy.ErrAlreadyExists, name),
		textCase("name", "held already", "Held.Example", tenancy.ErrAlreadyExists, name),
		textCase("name", "free mail", "gmail.com", tenancy.ErrPublicEmailDomain, name),
		textCase("name", "empty", "", tenancy.ErrInvalid, name),
		textCase("name", "a public suffix", "co.uk", tenancy.ErrInvalid, name),
		textCase("name", "an address", "ada@acme.example", tenancy.ErrInvalid, name),
		textCase("name", "a URL", "https://acme.example/", tenancy.ErrInvalid, name),
	}
	for kind, bad := range unprintable() {
		names = append(names, textCase("name", kind, bad+".example", tenancy.ErrInvalid, name))
	}
	return input[in]{
		base: func(c cast) in { return in{OrganizationID: c.org, Name: "new.example"} },
		call: func(ctx context.Context, s *tenancy.Service, _ cast, v in) error {
			_, err := s.Domains.Claim(ctx, v)
			return err
		},
		fields: map[string][]value[in]{
			"ID": {
				{"free", func(v *in, _ cast) { v.ID = unclaimed }, "", ""},
				{"taken", func(v *in, c cast) { v.ID = c.held }, tenancy.ErrAlreadyExists, "id"},
			},
			"OrganizationID": {
				{"unknown", func(v *in, _ cast) { v.OrganizationID = servicetest.Nowhere }, tenancy.ErrNotFound, ""},
				{"zero", func(v *in, _ cast) { v.OrganizationID = tenancy.OrganizationID{} }, tenancy.ErrNotFound, ""},
				{"suspended", func(v *in, c cast) { v.OrganizationID = c.shut }, "", ""},
				{"archived", func(v *in, c cast) { v.OrganizationID = c.stored }, tenancy.ErrOrganizationClosed, ""},
			},
			"Name":    names,
			"Joining": append(joiningCases(func(v *in, j tenancy.DomainJoining) { v.Joining = j }), free(func(v *in) { v.Joining = "" })...),
			"Role":    domainRoleCases(func(v *in, s string) { v.Role = s }),
			"Verified": {
				{"true", func(v *in, _ cast) { v.Verified = true }, "", ""},
				{"of what another holds", func(v *in, c cast) { v.OrganizationID, v.Name, v.Verified = c.shut, "held.example", true }, tenancy.ErrDomainTaken, ""},
			},
			"Subdomains": {
				{"of a verified one", func(v *in, _ cast) { v.Verified, v.Subdomains = true, true }, "", ""},
				{"of a pending one", func(v *in, _ cast) { v.Subdomains = true }, tenancy.ErrInvalid, "subdomains"},
			},
		},
	}
}

func domainUpdateInput() input[tenancy.DomainUpdate] {
	type in = tenancy.DomainUpdate
	return input[in]{
		base: func(cast) in { return in{} },
		call: func(ctx context.Context, s *tenancy.Service, c cast, v in) error {
			_, err := s.Domains.Update(ctx, c.org, c.claim, v)
			return err
		},
		fields: map[string][]value[in]{
			"Version": {
				{"whichever", func(v *in, _ cast) { v.Version = 0 }, "", ""},
				{"the stored one", func(v *in, _ cast) { v.Version = 1 }, "", ""},
				{"another", func(v *in, _ cast) { v.Version = 2 }, tenancy.ErrConflict, "version"},
				{"negative", func(v *in, _ cast) { v.Version = -1 }, tenancy.ErrConflict, "version"},
			},
			"Joining": append(joiningCases(func(v *in, j tenancy.DomainJoining) { v.Joining = &j }),
				value[in]{"empty", func(v *in, _ cast) { v.Joining = servicetest.Ptr(tenancy.DomainJoining("")) }, tenancy.ErrInvalid, "joining"}),
			"Role": domainRoleCases(func(v *in, s string) { v.Role = &s }),
			"Subdomains": {
				{"false", func(v *in, _ cast) { v.Subdomains = servicetest.Ptr(false) }, "", ""},
				{"true of a pending one", func(v *in, _ cast) { v.Subdomains = servicetest.Ptr(true) }, tenancy.ErrDomainNotVerified, "subdomains"},
			},
		},
	}
}

func domainQueryInput() input[tenancy.DomainQuery] {
	type in = tenancy.DomainQuery
	return input[in]{
		base: func(cast) in { return in{} },
		call: func(ctx context.Context, s *tenancy.Service, c cast, v in) error {
			_, err := s.Domains.List(ctx, c.org, v)
			return err
		},
		fields: map[string][]value[in]{
			"Descending": free(func(v *in) { v.Descending = true }),
			"Limit":      limitOf(func(v *in, n int) { v.Limit = n }),
			"Cursor":     cursorOf(func(v *in, s string) { v.Cursor = s }),
		},
	}
}
