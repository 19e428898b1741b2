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

func newIdentityInput() input[tenancy.NewIdentity] {
	type in = tenancy.NewIdentity
	provider := func(v *in, s string) { v.Provider = s }
	fields := map[string][]value[in]{
		"Provider": {
			textCase("provider", "64 characters", strings.Repeat("a", 64), "", provider),
			textCase("provider", "every kind of character", "a-z_09", "", provider),
			textCase("provider", "65 characters", strings.Repeat("a", 65), tenancy.ErrInvalid, provider),
			textCase("provider", "empty", "", tenancy.ErrInvalid, provider),
			textCase("provider", "upper case", "Google", tenancy.ErrInvalid, provider),
			textCase("provider", "a line break after", "google\n", tenancy.ErrInvalid, provider),
		},
		"Subject": append(externalOf("subject", func(v *in, s string) { v.Subject = s }),
			textCase("subject", "empty", "", tenancy.ErrInvalid, func(v *in, s string) { v.Subject = s })),
		"EmailVerified": {
			{"with an email", func(v *in, _ cast) { v.Email, v.EmailVerified = "x@acme.example", true }, "", ""},
			{"without one", func(v *in, _ cast) { v.EmailVerified = true }, tenancy.ErrInvalid, "email"},
		},
		"Email": free(func(v *in) { v.Email = "" }, func(v *in) { v.Email = "owner@acme.example" }), // an attribute, no key
	}
	for name, bad := range unprintable() {
		fields["Provider"] = append(fields["Provider"], textCase("provider", name, bad, tenancy.ErrInvalid, provider))
	}
	for name, bad := range badEmails() {
		if bad != "" {
			fields["Email"] = append(fields["Email"], textCase("email", name, bad, tenancy.ErrInvalid, func(v *in, s string) { v.Email = s }))
		}
	}
	return input[in]{
		base: func(cast) in { return in{Provider: "github", Subject: "h-1"} },
		call: func(ctx context.Context, s *tenancy.Service, c cast, v in) error {
			_, err := s.Identities.Link(ctx, c.outsider, v)
			return err
		},
		fields: fields,
	}
}

func newMembershipInput() input[tenancy.NewMembership] {
	type in = tenancy.NewMembership
	fields := map[string][]value[in]{
		"ID": {{"free", func(v *in, _ cast) { v.ID = tenancy.MembershipID(servicetest.Nobody) }, "", ""}},
		"OrganizationID": {
			{"unknown", func(v *in, _ cast) { v.OrganizationID = servicetest.Nowhere }, tenancy.ErrNotFound, ""},
			{"zero", func(v *in, _ cast) { v.OrganizationID = tenancy.OrganizationID{} }, tenancy.ErrNotFound, ""},
			{"a user's bytes", func(v *in, c cast) { v.OrganizationID = tenancy.OrganizationID(c.owner) }, tenancy.ErrNotFound, ""},
		},
		"UserID": {
			{"unknown", func(v *in, _ cast) { v.UserID = servicetest.Nobody }, tenancy.ErrNotFound, ""},
			{"zero", func(v *in, _ cast) { v.UserID = tenancy.UserID{} }, tenancy.ErrNotFound, ""},
			{"an organization's bytes", func(v *in, c cast) { v.UserID = tenancy.UserID(c.org) }, tenancy.ErrNotFound, ""},
			{"a member already", func(v *in, c cast) { v.UserID = c.member }, tenancy.ErrAlreadyMember, ""},
		},
		"Roles": {
			{"none", func(v *in, _ cast) { v.Roles = []string{} }, "", ""},
			{"all", func(v *in, _ cast) { v.Roles = []string{"guest", "member", "admin", "owner"} }, "", ""},
			{"one twice", func(v *in, _ cast) { v.Roles = []string{"guest", "guest"} }, "", ""},
			{"unknown", func(v *in, _ cast) { v.Roles = []string{"guest", "king"} }, tenancy.ErrUnknownRole, "roles"},
			{"empty", func(v *in, _ cast) { v.Roles = []string{""} }, tenancy.ErrUnknownRole, "roles"},
			{"another case", func(v *in, _ cast) { v.Roles = []string{"Owner"} }, tenancy.ErrUnknownRole, "roles"},
			{"NUL", func(v *in, _ cast) { v.Roles = []string{"owner\x00"} }, tenancy.ErrUnknownRole, "roles"},
		},
		"DisplayName": append(nameOf("display_name", func(v *in, s string) { v.DisplayName = s }),
			textCase("display_name", "empty", "", "", func(v *in, s string) { v.DisplayName = s })),
		"Attributes": metadataOf("attributes", func(v *in, m map[string]string) { v.Attributes = m }),
		"Metadata":   metadataOf("metadata", func(v *in, m map[string]string) { v.Metadata = m }),
		"InvitationID": {
			{"unknown", func(v *in, _ cast) { v.InvitationID = tenancy.InvitationID(servicetest.Nobody) }, tenancy.ErrNotFound, ""},
			{"an organization's bytes", func(v *in, c cast) { v.InvitationID = tenancy.InvitationID(c.org) }, tenancy.ErrNotFound, ""},
		},
		"History": { // each field: historyCalls
			{"none", func(v *in, _ cast) { v.History = tenancy.MembershipHistory{} }, "", ""},
			{"some", func(v *in, _ cast) { v.History.JoinedAt = time.Unix(1, 0) }, tenancy.ErrInvalid, "history"},
		},
		"JoinedVia": {
			{"directory", func(v *in, _ cast) { v.JoinedVia = tenancy.JoinedDirectory }, "", ""},
			{"unknown", func(v *in, _ cast) { v.JoinedVia = "window" }, tenancy.ErrInvalid, "joined_via"},
			{"another case", func(v *in, _ cast) { v.JoinedVia = "Added" }, tenancy.ErrInvalid, "joined_via"},
		},
	}
	return input[in]{
		base: func(c cast) in { return in{OrganizationID: c.org, UserID: c.outsider} },
		call: func(ctx context.Context, s *tenancy.Service, _ cast, v in) error {
			_, err := s.Memberships.Add(ctx, v)
			return err
		},
		fields: fields,
	}
}

func membershipUpdateInput() input[tenancy.MembershipUpdate] {
	type in = tenancy.MembershipUpdate
	return input[in]{
		base: func(cast) in { return in{} },
		call: func(ctx context.Context, s *tenancy.Service, c cast, v in) error {
			_, err := s.Memberships.Update(ctx, c.org, c.member, v)
			return err
		},
		fields: map[string][]value[in]{
			"Version": {
				{"the stored one", func(v *in, _ cast) { v.Version = 1 }, "", ""},
				{"another", func(v *in, _ cast) { v.Version = 2 }, tenancy.ErrConflict, "version"},
			},
			"DisplayName": append(nameOf("display_name", func(v *in, s string) { v.DisplayName = &s }),
				textCase("display_name", "empty", "", "", func(v *in, s string) { v.DisplayName = &s })),
			"Attributes": patchOf("attributes", func(v *in, p tenancy.Patch) { v.Attributes = p }),
			"Metadata":   patchOf("metadata", func(v *in, p tenancy.Patch) { v.Metadata = p }),
			"LastSignInAt": {
				{"some", func(v *in, _ cast) { v.LastSignInAt = time.Unix(1, 0) }, tenancy.ErrInvalid, "last_sign_in_at"},
			},
		},
	}
}

func memberQueryInput(ofUser bool) input[tenancy.MemberQuery] {
	type in = tenancy.MemberQuery
	orders, others := tenancy.Order(3), []tenancy.Order{tenancy.ByJoined, tenancy.ByLastSignIn}
	if ofUser {
		orders, others = 1, nil
	}
	return input[in]{
		base: func(cast) in { return in{} },
		call: func(ctx context.Context, s *tenancy.Service, c cast, v in) (err error) {
			if ofUser {
				_, err = s.Memberships.ListByUser(ctx, c.member, v)
			} else {
				_, err = s.Memberships.List(ctx, c.org, v)
			}
			return err
		},
		fields: map[string][]value[in]{
			"Statuses": {
				{"none at all", func(v *in, _ cast) { v.Statuses = []tenancy.MembershipStatus{} }, "", ""},
				{"all", func(v *in, _ cast) { v.Statuses = allStatuses() }, "", ""},
				{"unknown", func(v *in, _ cast) { v.Statuses = []tenancy.MembershipStatus{"active", "asleep"} }, tenancy.ErrInvalid, "statuses"},
			},
			"Roles":       memberRoles(ofUser),
			"Search":      memberSearches(ofUser),
			"NamePrefix":  prefixOf("name_prefix", func(v *in, s string) { v.NamePrefix = s }),
			"EmailPrefix": prefixOf("email_prefix", func(v *in, s string) { v.EmailPrefix = s }),
			"Order":       orderOf(orders, func(v *in, o tenancy.Order) { v.Order = o }, others...),
			"Descending":  free(func(v *in) { v.Descending = true }),
			"Limit":       limitOf(func(v *in, n int) { v.Limit = n }),
			"Cursor":      cursorOf(func(v *in, s string) { v.Cursor = s }),
		},
	}
}

func allStatuses() []tenancy.MembershipStatus {
	return []tenancy.MembershipStatus{tenancy.MembershipPending, tenancy.MembershipActive, tenancy.MembershipInactive}
}

func eventQueryInput() input[tenancy.EventQuery] {
	type in = tenancy.EventQuery
	return input[in]{
		base: func(cast) in { return in{} },
		call: func(ctx context.Context, s *tenancy.Service, _ cast, v in) error {
			_, err := s.Events.List(ctx, v)
			return err
		},
		fields: map[string][]value[in]{
			"After": {
				{"beyond the end", func(v *in, _ cast) { v.After = 1 << 62 }, "", ""},
				{"negative", func(v *in, _ cast) { v.After = -1 }, tenancy.ErrInvalidCursor, "after"},
			},
			"AfterEvent": {
				{"not there", func(v *in, _ cast) { v.AfterEvent = tenancy.EventID(servicetest.Nowhere) }, tenancy.ErrEventsPruned, "after_event"},
				{"beside After", func(v *in, _ cast) {
					v.After, v.AfterEvent = 1, tenancy.EventID(servicetest.Nowhere)
				}, tenancy.ErrInvalid, "after_event"},
			},
			"Types": {
				{"unknown", func(v *in, _ cast) { v.Types = []tenancy.EventType{tenancy.EventUserCreated, "nothing.happened"} }, tenancy.ErrInvalid, "types"},
				{"twice", func(v *in, _ cast) { v.Types = []tenancy.EventType{tenancy.EventUserCreated, tenancy.EventUserCreated} }, "", ""},
				{"1001", func(v *in, _ cast) { v.Types = slices.Repeat([]tenancy.EventType{tenancy.EventUserCreated}, 1001) }, tenancy.ErrInvalid, "types"},
			},
			"Except": {
				{"unknown", func(v *in, _ cast) { v.Except = []tenancy.EventType{"nothing.happened"} }, tenancy.ErrInvalid, "except"},
				{"empty", func(v *in, _ cast) { v.Except = []tenancy.EventType{""} }, tenancy.ErrInvalid, "except"},
				{"beside Types", func(v *in, _ cast) {
					v.Types, v.Except = []tenancy.EventType{tenancy.EventUserCreated}, []tenancy.EventType{tenancy.EventUserCreated}
				}, "", ""},
				{"1001", func(v *in, _ cast) { v.Except = slices.Repeat([]tenancy.EventType{tenancy.EventUserCreated}, 1001) }, tenancy.ErrInvalid, "except"},
			},
			"OrganizationID": free(func(v *in) { v.OrganizationID = servicetest.Nowhere }),
			"NameActors":     free(func(v *in) { v.NameActors = true }),
			"UserID":         free(func(v *in) { v.UserID = servicetest.Nobody }),
			"Subject":        free(func(v *in) { v.Subject = "no id" }),
			"Actor":          free(func(v *in) { v.Actor = tenancy.Actor{Kind: "ghost"} }),
			"Since":          free(func(v *in) { v.Since = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC) }),
			"Until":          free(func(v *in) { v.Until = time.Date(1, 1, 2, 0, 0, 0, 0, time.UTC) }),
			"Descending":     free(func(v *in) { v.Descending = true }),
			"Limit":          limitOf(func(v *in, n int) { v.Limit = n }),
		},
	}
}

// arguments are the inputs that stand alone.
func arguments(w *world) {
	c := newCast(w)
	for name, address := range badEmails() {
		w.each("ChangeEmail/"+name, func(w *world) {
			w.refuses(tenancy.ErrInvalid, "email", func() error {
				_, err := w.Svc.Users.ChangeEmail(w.Ctx, c.member, address)
				return err
			})
			_, err := w.Svc.Users.GetByEmail(w.Ctx, address)
			w.Failed(err, tenancy.ErrInvalid, "email")
		})
	}
	for _, key := range []string{"", "absent", "\x00", "\xff", "a\nlevel=ERROR", strings.Repeat("a", 5000), "' OR 1=1 --"} {
		for field, get := range map[string]func() error{
			"slug":         func() error { _, err := w.Svc.Organizations.GetBySlug(w.Ctx, key); return err },
			"slug ":        func() error { _, err := w.Svc.Organizations.GetByFormerSlug(w.Ctx, key); return err },
			"slug  ":       func() error { return w.Svc.Organizations.ReleaseSlug(w.Ctx, key) },
			"external_id":  func() error { _, err := w.Svc.Organizations.GetByExternalID(w.Ctx, key); return err },
			"external_id ": func() error { _, err := w.Svc.Users.GetByExternalID(w.Ctx, key); return err },
		} {
			err := get()
			if key == "absent" || key == "' OR 1=1 --" {
				w.Failed(err, tenancy.ErrNotFound, "")
			} else {
				w.Failed(err, tenancy.ErrInvalid, strings.TrimSpace(field))
			}
			w.NotContains(err.Error(), "\n")
		}
	}
	for _, n := range []int{0, -1, 10_001} {
		w.refuses(tenancy.ErrInvalid, "n", func() error {
			_, err := w.Svc.Organizations.Purge(w.Ctx, c.stored, n)
			return err
		})
	}
	w.refuses(tenancy.ErrInvalid, "organization", func() error {
		_, err := w.Svc.Organizations.Purge(w.Ctx, c.org, 1)
		return err
	})
	w.refuses(tenancy.ErrInvalid, "into", func() error {
		_, err := w.Svc.Users.Merge(w.Ctx, c.member, c.member)
		return err
	})
	for role, code := range map[string]tenancy.Code{"king": tenancy.ErrUnknownRole, "owner": tenancy.ErrInvalid} {
		w.refuses(code, "keep", func() error {
			return w.Svc.Memberships.TransferOwnership(w.Ctx, c.org, c.owner, c.member, role)
		})
	}
	w.refuses(tenancy.ErrUnknownRole, "roles", func() error {
		_, err := w.Svc.Memberships.SetRoles(w.Ctx, c.org, c.member, "guest", "king")
		return err
	})
	w.refuses(tenancy.ErrInvalid, "roles", func() error { // M1: at least one
		_, err := w.Svc.Memberships.SetRoles(w.Ctx, c.org, c.member)
		return err
	})
}

func lowLimits(c *tenancy.Config) {
	c.Limits = tenancy.Limits{MetadataKeys: 2, MetadataKey: 3, MetadataValue: 4, MemberRoles: 2, FeatureFlags: 2, UserIdentities: 2}
	c.ReservedSlugs = []string{"acme"}
}

func limits(w *world) {
	ada := w.User("ada")
	create := func(in tenancy.NewOrganization) func() error {
		in.DisplayName = "Acme"
		return func() error { _, err := w.Svc.Organizations.Create(w.Ctx, in); return err }
	}
	w.NoError(create(tenancy.NewOrganization{Metadata: map[string]string{"abc": "abcd", "b": ""}})())
	for _, bad := range []map[string]string{{"a": "", "b": "", "c": ""}, {"abcd": ""}} {
		w.refuses(tenancy.ErrInvalid, "metadata", create(tenancy.NewOrganization{Metadata: bad}))
	}
	w.refuses(tenancy.ErrInvalid, "metadata.a", create(tenancy.NewOrganization{Metadata: map[string]string{"a": "abcde"}}))
	w.refuses(tenancy.ErrInvalid, "slug", create(tenancy.NewOrganization{Slug: "acme"}))
	flags := map[string]bool{"a": true, "b": true}
	w.NoError(create(tenancy.NewOrganization{Settings: tenancy.Settings{Features: maps.Clone(flags)}})())
	flags["c"] = false
	w.refuses(tenancy.ErrInvalid, "features", create(tenancy.NewOrganization{Settings: tenancy.Settings{Features: flags}}))

	org := w.Org("Roles")
	w.refuses(tenancy.ErrInvalid, "roles", func() error {
		_, err := w.Svc.Memberships.Add(w.Ctx, servicetest.Adding(org, ada, "owner", "admin", "member"))
		return err
	})
	w.Add(org, ada, "owner", "admin", "admin")
	for i, subject := range []string{"s-1", "s-2", "s-3"} {
		link := func() error {
			_, err := w.Svc.Identities.Link(w.Ctx, ada.ID, tenancy.NewIdentity{Provider: "google", Subject: subject})
			return err
		}
		if i < 2 {
			w.NoError(link())
		} else {
			w.refuses(tenancy.ErrInvalid, "user", link)
		}
	}
}

func memberRoles(ofUser bool) []value[tenancy.MemberQuery] {
	type in = tenancy.MemberQuery
	if ofUser {
		return []value[in]{{"one", func(v *in, _ cast) { v.Roles = []string{"owner"} }, tenancy.ErrInvalid, "roles"}}
	}
	return []value[in]{
		{"none at all", func(v *in, _ cast) { v.Roles = []string{} }, "", ""},
		{"some, one twice", func(v *in, _ cast) { v.Roles = []string{"guest", "member", "guest"} }, "", ""},
		{"20", func(v *in, _ cast) { v.Roles = slices.Repeat([]string{"owner"}, 20) }, "", ""},
		{"21", func(v *in, _ cast) { v.Roles = slices.Repeat([]string{"owner"}, 21) }, tenancy.ErrInvalid, "roles"},
		{"unknown", func(v *in, _ cast) { v.Roles = []string{"owner", "king"} }, tenancy.ErrUnknownRole, "roles"},
		{"empty", func(v *in, _ cast) { v.Roles = []string{""} }, tenancy.ErrUnknownRole, "roles"},
		{"another case", func(v *in, _ cast) { v.Roles = []string{"Owner"} }, tenancy.ErrUnknownRole, "roles"},
		{"NUL", func(v *in, _ cast) { v.Roles = []string{"owner\x00"} }, tenancy.ErrUnknownRole, "roles"},
	}
}

func memberSearches(ofUser bool) []value[tenancy.MemberQuery] {
	type in = tenancy.MemberQuery
	set := func(v *in, s string) { v.Search = s }
	if ofUser {
		return []value[in]{{"some", func(v *in, _ cast) { v.Search = "ada" }, tenancy.ErrInvalid, "search"}}
	}
	return append(prefixOf("search", set),
		textCase("search", "white space", " \t\n", "", set),
		textCase("search", "20 words", strings.Repeat("ada ", 20), "", set),
		textCase("search", "21 words", strings.Repeat("ada ", 21), tenancy.ErrInvalid, set),
		textCase("search", "801 bytes", strings.Repeat("a", 801), tenancy.ErrInvalid, set),
		value[in]{"in another order", func(v *in, _ cast) { v.Search, v.Order = "ada", tenancy.ByEmail }, tenancy.ErrInvalid, "order"},
		value[in]{"by joining, with a prefix", func(v *in, _ cast) { v.NamePrefix, v.Order = "ada", tenancy.ByJoined }, tenancy.ErrInvalid, "order"},
		value[in]{"by last sign-in, with a prefix", func(v *in, _ cast) { v.EmailPrefix, v.Order = "ada", tenancy.ByLastSignIn }, tenancy.ErrInvalid, "order"},
		value[in]{"an order of words", func(v *in, _ cast) { v.Order = 100 }, tenancy.ErrInvalid, "order"},
	)
}
