package rules

import (
	"context"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/tenancy"
)

func newOrganizationInput() input[tenancy.NewOrganization] {
	type in = tenancy.NewOrganization
	return input[in]{
		base: func(cast) in { return in{DisplayName: "New"} },
		call: func(ctx context.Context, s *tenancy.Service, _ cast, v in) error {
			_, err := s.Organizations.Create(ctx, v)
			return err
		},
		fields: map[string][]value[in]{
			"ID": {
				{"taken", func(v *in, c cast) { v.ID = c.org }, tenancy.ErrAlreadyExists, "id"},
				{"free", func(v *in, _ cast) { v.ID = servicetest.Nowhere }, "", ""},
				{"of a user", func(v *in, c cast) { v.ID = tenancy.OrganizationID(c.owner) }, "", ""}, // another kind's bytes
			},
			"DisplayName": append(nameOf("display_name", func(v *in, s string) { v.DisplayName = s }),
				textCase("display_name", "empty", "", tenancy.ErrInvalid, func(v *in, s string) { v.DisplayName = s })),
			"Slug": append(slugOf(func(v *in, s string) { v.Slug = s }),
				textCase("slug", "taken", "acme", tenancy.ErrAlreadyExists, func(v *in, s string) { v.Slug = s })),
			"ExternalID": append(externalOf("external_id", func(v *in, s string) { v.ExternalID = s }),
				textCase("external_id", "taken", "crm-1", tenancy.ErrAlreadyExists, func(v *in, s string) { v.ExternalID = s }),
				textCase("external_id", "taken but for its case", "CRM-1", "", func(v *in, s string) { v.ExternalID = s }),
				textCase("external_id", "empty", "", "", func(v *in, s string) { v.ExternalID = s })),
			"Metadata":   metadataOf("metadata", func(v *in, m map[string]string) { v.Metadata = m }),
			"Attributes": metadataOf("attributes", func(v *in, m map[string]string) { v.Attributes = m }),
			"CreatedAt":  {{"some", func(v *in, _ cast) { v.CreatedAt = time.Unix(1, 0) }, tenancy.ErrInvalid, "created_at"}},
			"Settings":   free(func(v *in) { v.Settings = tenancy.Settings{SeatLimit: 1} }), // each field: settingsInput
			"Owner": {
				{"nobody", func(v *in, _ cast) { v.Owner = servicetest.Nobody }, tenancy.ErrNotFound, ""},
				{"none", func(v *in, _ cast) { v.Owner = tenancy.UserID{} }, "", ""},
				{"somebody", func(v *in, c cast) { v.Owner = c.outsider }, "", ""},
				{"an organization's bytes", func(v *in, c cast) { v.Owner = tenancy.UserID(c.org) }, tenancy.ErrNotFound, ""},
			},
			"Domains": { // each field: newDomainInput
				{"some", func(v *in, _ cast) {
					v.Domains = []tenancy.NewDomain{{Name: "a.example"}, {Name: "b.example", Verified: true}}
				}, "", ""},
				{"one twice", func(v *in, _ cast) { v.Domains = []tenancy.NewDomain{{Name: "a.example"}, {Name: "A.example"}} }, tenancy.ErrAlreadyExists, "name"},
				{"no domain", func(v *in, _ cast) { v.Domains = []tenancy.NewDomain{{Name: "a.example"}, {}} }, tenancy.ErrInvalid, "name"},
				{"of another organization", func(v *in, c cast) { v.Domains = []tenancy.NewDomain{{Name: "a.example", OrganizationID: c.org}} }, tenancy.ErrInvalid, "domains"},
			},
		},
	}
}

func settingsInput() input[tenancy.Settings] {
	type in = tenancy.Settings
	return input[in]{
		base: func(cast) in { return in{} },
		call: func(ctx context.Context, s *tenancy.Service, _ cast, v in) error {
			_, err := s.Organizations.Create(ctx, tenancy.NewOrganization{DisplayName: "New", Settings: v})
			return err
		},
		fields: map[string][]value[in]{
			"SeatLimit":   seatCases(func(v *in, n int) { v.SeatLimit = n }),
			"DefaultRole": defaultRoleCases(func(v *in, s string) { v.DefaultRole = s }),
			"CreatorRole": creatorRoleCases(func(v *in, s string) { v.CreatorRole = s }),
			"Features": featureCases(func(v *in, m map[string]bool) {
				v.Features = m
			}),
			"AllowedDomains":    emailDomainCases("allowed_domains", func(v *in, names []string) { v.AllowedDomains = names }),
			"BlockedDomains":    emailDomainCases("blocked_domains", func(v *in, names []string) { v.BlockedDomains = names }),
			"AcceptOnDomains":   free(func(v *in) { v.AcceptOnDomains = true }),
			"JoinRequests":      free(func(v *in) { v.JoinRequests = true }),
			"SingleSignOnJoins": free(func(v *in) { v.SingleSignOnJoins = true }),
			"SessionIdle":       sessionLimitCases("session_idle", func(v *in, d time.Duration) { v.SessionIdle = d }),
			"SessionFor":        sessionLimitCases("session_for", func(v *in, d time.Duration) { v.SessionFor = d }),
		},
	}
}

func seatCases[T any](set func(*T, int)) []value[T] {
	return []value[T]{
		{"none", func(in *T, _ cast) { set(in, 0) }, "", ""},
		{"one", func(in *T, _ cast) { set(in, 1) }, "", ""},
		{"many", func(in *T, _ cast) { set(in, math.MaxInt) }, "", ""},
		{"negative", func(in *T, _ cast) { set(in, -1) }, tenancy.ErrInvalid, "seat_limit"},
	}
}

// defaultRoleCases: a role that nobody chooses never manages (R3).
func defaultRoleCases[T any](set func(*T, string)) []value[T] {
	const field = "default_role"
	return []value[T]{
		textCase(field, "none", "", "", set),
		textCase(field, "guest", "guest", "", set),
		textCase(field, "unknown", "king", tenancy.ErrUnknownRole, set),
		textCase(field, "another case", "Guest", tenancy.ErrUnknownRole, set),
		textCase(field, "invalid UTF-8", "\xff", tenancy.ErrUnknownRole, set),
		textCase(field, "owner", "owner", tenancy.ErrInvalid, set),
		textCase(field, "admin", "admin", tenancy.ErrInvalid, set),
	}
}

func creatorRoleCases[T any](set func(*T, string)) []value[T] {
	return []value[T]{
		textCase("creator_role", "none", "", "", set),
		textCase("creator_role", "admin", "admin", "", set),
		textCase("creator_role", "unknown", "king", tenancy.ErrUnknownRole, set),
		textCase("creator_role", "NUL", "owner\x00", tenancy.ErrUnknownRole, set),
	}
}

func featureCases[T any](set func(*T, map[string]bool)) []value[T] {
	flags := func(n int) map[string]bool {
		m := make(map[string]bool)
		for key := range keys(n) {
			m[key] = true
		}
		return m
	}
	cases := []value[T]{
		{"none", func(in *T, _ cast) { set(in, nil) }, "", ""},
		{"100 flags", func(in *T, _ cast) { set(in, flags(100)) }, "", ""},
		{"101 flags", func(in *T, _ cast) { set(in, flags(101)) }, tenancy.ErrInvalid, "features"},
		{"a key of 40", func(in *T, _ cast) { set(in, map[string]bool{strings.Repeat("a", 40): true}) }, "", ""},
		{"a key of 41", func(in *T, _ cast) { set(in, map[string]bool{strings.Repeat("a", 41): true}) }, tenancy.ErrInvalid, "features"},
		{"an empty key", func(in *T, _ cast) { set(in, map[string]bool{"": true}) }, tenancy.ErrInvalid, "features"},
	}
	for name, bad := range unprintable() {
		cases = append(cases, value[T]{name, func(in *T, _ cast) { set(in, map[string]bool{bad: true}) }, tenancy.ErrInvalid, "features"})
	}
	return cases
}

func organizationUpdateInput() input[tenancy.OrganizationUpdate] {
	type in = tenancy.OrganizationUpdate
	return input[in]{
		base: func(cast) in { return in{} },
		call: func(ctx context.Context, s *tenancy.Service, c cast, v in) error {
			_, err := s.Organizations.Update(ctx, c.shut, v)
			return err
		},
		fields: map[string][]value[in]{
			"Version": {
				{"whichever", func(v *in, _ cast) { v.Version = 0 }, "", ""},
				{"the stored one", func(v *in, _ cast) { v.Version = 2 }, "", ""},
				{"an old one", func(v *in, _ cast) { v.Version = 1 }, tenancy.ErrConflict, "version"},
				{"negative", func(v *in, _ cast) { v.Version = -1 }, tenancy.ErrConflict, "version"},
			},
			"DisplayName": append(nameOf("display_name", func(v *in, s string) { v.DisplayName = &s }),
				textCase("display_name", "empty", "", tenancy.ErrInvalid, func(v *in, s string) { v.DisplayName = &s })),
			"Slug": append(slugOf(func(v *in, s string) { v.Slug = &s }),
				textCase("slug", "taken", "acme", tenancy.ErrAlreadyExists, func(v *in, s string) { v.Slug = &s })),
			"ExternalID": append(externalOf("external_id", func(v *in, s string) { v.ExternalID = &s }),
				textCase("external_id", "taken", "crm-1", tenancy.ErrAlreadyExists, func(v *in, s string) { v.ExternalID = &s }),
				textCase("external_id", "empty", "", "", func(v *in, s string) { v.ExternalID = &s })),
			"Metadata":    patchOf("metadata", func(v *in, p tenancy.Patch) { v.Metadata = p }),
			"Attributes":  patchOf("attributes", func(v *in, p tenancy.Patch) { v.Attributes = p }),
			"SeatLimit":   seatCases(func(v *in, n int) { v.SeatLimit = &n }),
			"DefaultRole": defaultRoleCases(func(v *in, s string) { v.DefaultRole = &s }),
			"CreatorRole": creatorRoleCases(func(v *in, s string) { v.CreatorRole = &s }),
			"Features": featureCases(func(v *in, m map[string]bool) {
				v.Features = map[string]*bool{"absent": nil}
				for key, on := range m {
					v.Features[key] = &on
				}
			}),
			"AllowedDomains":    emailDomainCases("allowed_domains", func(v *in, names []string) { v.AllowedDomains = &names }),
			"BlockedDomains":    emailDomainCases("blocked_domains", func(v *in, names []string) { v.BlockedDomains = &names }),
			"JoinRequests":      free(func(v *in) { v.JoinRequests = servicetest.Ptr(true) }),
			"AcceptOnDomains":   free(func(v *in) { v.AcceptOnDomains = servicetest.Ptr(true) }, func(v *in) { v.AcceptOnDomains = servicetest.Ptr(false) }),
			"SingleSignOnJoins": free(func(v *in) { v.SingleSignOnJoins = servicetest.Ptr(true) }, func(v *in) { v.SingleSignOnJoins = servicetest.Ptr(false) }),
			"SessionIdle":       sessionLimitCases("session_idle", func(v *in, d time.Duration) { v.SessionIdle = &d }),
			"SessionFor":        sessionLimitCases("session_for", func(v *in, d time.Duration) { v.SessionFor = &d }),
		},
	}
}

func organizationQueryInput() input[tenancy.OrganizationQuery] {
	type in = tenancy.OrganizationQuery
	return input[in]{
		base: func(cast) in { return in{} },
		call: func(ctx context.Context, s *tenancy.Service, _ cast, v in) error {
			_, err := s.Organizations.List(ctx, v)
			return err
		},
		fields: map[string][]value[in]{
			"IDs": {
				{"none at all", func(v *in, _ cast) { v.IDs = []tenancy.OrganizationID{} }, "", ""},
				{"unknown", func(v *in, _ cast) { v.IDs = []tenancy.OrganizationID{servicetest.Nowhere, {}} }, "", ""},
				{"1000", func(v *in, _ cast) { v.IDs = slices.Repeat([]tenancy.OrganizationID{servicetest.Nowhere}, 1000) }, "", ""},
				{"1001", func(v *in, _ cast) { v.IDs = slices.Repeat([]tenancy.OrganizationID{servicetest.Nowhere}, 1001) }, tenancy.ErrInvalid, "ids"},
			},
			"NamePrefix": prefixOf("name_prefix", func(v *in, s string) { v.NamePrefix = s }),
			"Suspended":  free(func(v *in) { v.Suspended = servicetest.Ptr(true) }, func(v *in) { v.Suspended = servicetest.Ptr(false) }),
			"Archived":   free(func(v *in) { v.Archived = true }),
			"Order":      orderOf(2, func(v *in, o tenancy.Order) { v.Order = o }),
			"Descending": free(func(v *in) { v.Descending = true }),
			"Limit":      limitOf(func(v *in, n int) { v.Limit = n }),
			"Cursor":     cursorOf(func(v *in, s string) { v.Cursor = s }),
		},
	}
}

// prefixOf has the cases of a search (G12): any text, but a text.
func prefixOf[T any](field string, set func(*T, string)) []value[T] {
	return []value[T]{
		textCase(field, "empty", "", "", set),
		textCase(field, "the wildcards of SQL", "%_\\'\"*[", "", set),
		textCase(field, "the last character", "\U0010ffff\U0010ffff", "", set),
		textCase(field, "long", strings.Repeat("a", 500), "", set),
		textCase(field, "invalid UTF-8", "a\xff", tenancy.ErrInvalid, set),
		textCase(field, "NUL", "a\x00", tenancy.ErrInvalid, set),
	}
}
