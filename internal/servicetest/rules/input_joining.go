package rules

import (
	"context"
	"time"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

func joinInputRules() []rule {
	return []rule{
		{"G9 NewInvitation", on(func(w *world) { newInvitationInput().run(w) })},
		{"G9 NewInvitation, one of many", on(func(w *world) { newInvitationsInput().run(w) })},
		{"G9 InvitationUpdate", on(func(w *world) { invitationUpdateInput().run(w) })},
		{"G9 SendOptions", on(func(w *world) { sendOptionsInput().run(w) })},
		{"G9 InvitationQuery of an organization", on(func(w *world) { invitationQueryInput(false).run(w) })},
		{"G9 InvitationQuery of a user", on(func(w *world) { invitationQueryInput(true).run(w) })},
		{"G9 NewJoinCode", on(func(w *world) { newJoinCodeInput().run(w) })},
		{"G9 JoinCodeQuery", on(func(w *world) { joinCodeQueryInput().run(w) })},
		{"G9 JoinRequestQuery", on(func(w *world) { joinRequestQueryInput().run(w) })},
		{"G9 A4 what only the host may say when inviting", on(joinHostInputs)},
		{"G9 Config of invitations", on(joinConfigs)},
	}
}

func newInvitationInput() input[tenancy.NewInvitation] {
	type in = tenancy.NewInvitation
	fields := map[string][]value[in]{
		"ID": {
			{"free", func(v *in, _ cast) { v.ID = tenancy.InvitationID(servicetest.Nobody) }, "", ""},
			{"taken", func(v *in, c cast) { v.ID = c.Invitation }, tenancy.ErrAlreadyExists, "id"},
		},
		"OrganizationID": {
			{"none", func(v *in, _ cast) { *v = in{Email: v.Email} }, "", ""},
			{"unknown", func(v *in, _ cast) { v.OrganizationID = servicetest.Nowhere }, tenancy.ErrNotFound, ""},
			{"suspended", func(v *in, c cast) { v.OrganizationID = c.shut }, tenancy.ErrOrganizationClosed, ""},
			{"archived", func(v *in, c cast) { v.OrganizationID = c.stored }, tenancy.ErrOrganizationClosed, ""},
		},
		"Roles": {
			{"several, one twice", func(v *in, _ cast) { v.Roles = []string{rbac.Guest, rbac.Admin, rbac.Guest} }, "", ""},
			{"one of its own", func(v *in, _ cast) { v.Roles = []string{servicetest.Editor} }, "", ""},
			{"unknown", func(v *in, _ cast) { v.Roles = []string{"king"} }, tenancy.ErrUnknownRole, "roles"},
			{"empty", func(v *in, _ cast) { v.Roles = []string{""} }, tenancy.ErrUnknownRole, "roles"},
			{"another organization's", func(v *in, _ cast) { v.Roles = []string{"org-elsewhere"} }, tenancy.ErrUnknownRole, "roles"},
		},
		"Metadata": metadataOf("metadata", func(v *in, m map[string]string) { v.Metadata = m }),
		"For": {
			{"a day", func(v *in, _ cast) { v.For = servicetest.Day }, "", ""},
			{"30 days", func(v *in, _ cast) { v.For = 30 * servicetest.Day }, "", ""},
			{"less than a day", func(v *in, _ cast) { v.For = servicetest.Day - 1 }, tenancy.ErrInvalid, "for"},
			{"more than 30 days", func(v *in, _ cast) { v.For = 30*servicetest.Day + 1 }, tenancy.ErrInvalid, "for"},
			{"negative", func(v *in, _ cast) { v.For = -servicetest.Day }, tenancy.ErrInvalid, "for"},
		},
		"Asked": free(func(v *in) { v.Asked = true }),
		"Found": {
			{"one, beside an organization", func(v *in, _ cast) { v.Found = gamma2() }, tenancy.ErrInvalid, "found"},
			{"one", func(v *in, _ cast) { *v = in{Email: v.Email, Found: gamma()} }, "", ""},
			{"an empty one", func(v *in, _ cast) { *v = in{Email: v.Email, Found: &tenancy.NewOrganization{}} }, tenancy.ErrInvalid, "found.display_name"},
		},
		"Email": {textCase("email", "as given", "Some.One+x@Acme.Example", "", func(v *in, s string) { v.Email = s })},
	}
	for name, bad := range badEmails() {
		fields["Email"] = append(fields["Email"], textCase("email", name, bad, tenancy.ErrInvalid, func(v *in, s string) { v.Email = s }))
	}
	return input[in]{
		base: func(c cast) in { return in{OrganizationID: c.org, Email: "someone@acme.example"} },
		call: func(ctx context.Context, s *tenancy.Service, _ cast, v in) error {
			_, err := s.Invitations.Send(ctx, v)
			return err
		},
		fields: fields,
	}
}

func invitationQueryInput(ofUser bool) input[tenancy.InvitationQuery] {
	type in = tenancy.InvitationQuery
	states := func(name string, code tenancy.Code, field string, s ...tenancy.InvitationState) value[in] {
		return value[in]{name, func(v *in, _ cast) { v.States = append([]tenancy.InvitationState{}, s...) }, code, field}
	}
	return input[in]{
		base: func(cast) in { return in{} },
		call: func(ctx context.Context, s *tenancy.Service, c cast, v in) (err error) {
			if ofUser {
				_, err = s.Invitations.ListByUser(ctx, c.Invited, v)
			} else {
				_, err = s.Invitations.List(ctx, c.org, v)
			}
			return err
		},
		fields: map[string][]value[in]{
			"States": {
				states("none", "", ""), states("all", "", "", "pending", "accepted", "revoked", "declined", "expired", "void"),
				states("unknown", tenancy.ErrInvalid, "states", "pending", "lost"), states("empty", tenancy.ErrInvalid, "states", ""),
			},
			"EmailPrefix": {
				textCase("email_prefix", "of one", "INV", "", func(v *in, s string) { v.EmailPrefix = s }),
				textCase("email_prefix", "invalid UTF-8", "\xff", tenancy.ErrInvalid, func(v *in, s string) { v.EmailPrefix = s }),
				textCase("email_prefix", "NUL", "a\x00", tenancy.ErrInvalid, func(v *in, s string) { v.EmailPrefix = s }),
			},
			"Descending": free(func(v *in) { v.Descending = true }),
			"Limit":      limitsOf(func(v *in, n int) { v.Limit = n }),
			"Cursor":     cursorsOf(func(v *in, s string) { v.Cursor = s }),
		},
	}
}

func limitsOf[T any](set func(v *T, n int)) []value[T] {
	return []value[T]{
		{"1000", func(v *T, _ cast) { set(v, 1000) }, "", ""},
		{"1001", func(v *T, _ cast) { set(v, 1001) }, tenancy.ErrInvalid, "limit"},
		{"negative", func(v *T, _ cast) { set(v, -1) }, tenancy.ErrInvalid, "limit"},
	}
}

func cursorsOf[T any](set func(v *T, s string)) []value[T] {
	return []value[T]{
		{"malformed", func(v *T, _ cast) { set(v, "?") }, tenancy.ErrInvalidCursor, "cursor"},
		{"truncated", func(v *T, _ cast) { set(v, "AQAA") }, tenancy.ErrInvalidCursor, "cursor"},
	}
}

func newJoinCodeInput() input[tenancy.NewJoinCode] {
	type in = tenancy.NewJoinCode
	return input[in]{
		base: func(c cast) in { return in{OrganizationID: c.org} },
		call: func(ctx context.Context, s *tenancy.Service, _ cast, v in) error {
			_, err := s.JoinCodes.Create(ctx, v)
			return err
		},
		fields: map[string][]value[in]{
			"ID": {
				{"free", func(v *in, _ cast) { v.ID = tenancy.JoinCodeID(servicetest.Nobody) }, "", ""},
				{"taken", func(v *in, c cast) { v.ID = c.Joinable.Code }, tenancy.ErrAlreadyExists, "id"},
			},
			"OrganizationID": {
				{"unknown", func(v *in, _ cast) { v.OrganizationID = servicetest.Nowhere }, tenancy.ErrNotFound, ""},
				{"zero", func(v *in, _ cast) { v.OrganizationID = tenancy.OrganizationID{} }, tenancy.ErrNotFound, ""},
			},
			"Role": {
				{"the guests'", func(v *in, _ cast) { v.Role = rbac.Guest }, "", ""},
				{"one of its own", func(v *in, _ cast) { v.Role = servicetest.Editor }, "", ""},
				{"one that manages", func(v *in, _ cast) { v.Role = rbac.Admin }, tenancy.ErrInvalid, "role"},
				{"unknown", func(v *in, _ cast) { v.Role = "king" }, tenancy.ErrUnknownRole, "role"},
			},
			"AllowedDomains": {
				{"two", func(v *in, _ cast) { v.AllowedDomains = []string{"Corp.Example", "bücher.example"} }, "", ""},
				{"none of them one", func(v *in, _ cast) { v.AllowedDomains = []string{"not a domain"} }, tenancy.ErrInvalid, "allowed_domains"},
				{"an address", func(v *in, _ cast) { v.AllowedDomains = []string{"a@corp.example"} }, tenancy.ErrInvalid, "allowed_domains"},
				{"101", func(v *in, _ cast) { v.AllowedDomains = make([]string, 101) }, tenancy.ErrInvalid, "allowed_domains"},
			},
			"MaxUses": {
				{"one", func(v *in, _ cast) { v.MaxUses = 1 }, "", ""},
				{"negative", func(v *in, _ cast) { v.MaxUses = -1 }, tenancy.ErrInvalid, "max_uses"},
			},
			"For": {
				{"an hour", func(v *in, _ cast) { v.For = time.Hour }, "", ""},
				{"a year", func(v *in, _ cast) { v.For = 365 * servicetest.Day }, "", ""},
				{"less than an hour", func(v *in, _ cast) { v.For = time.Hour - 1 }, tenancy.ErrInvalid, "for"},
				{"more than a year", func(v *in, _ cast) { v.For = 365*servicetest.Day + 1 }, tenancy.ErrInvalid, "for"},
			},
		},
	}
}

func joinCodeQueryInput() input[tenancy.JoinCodeQuery] {
	type in = tenancy.JoinCodeQuery
	return input[in]{
		base: func(cast) in { return in{} },
		call: func(ctx context.Context, s *tenancy.Service, c cast, v in) error {
			_, err := s.JoinCodes.List(ctx, c.org, v)
			return err
		},
		fields: map[string][]value[in]{
			"Revoked":    free(func(v *in) { v.Revoked = servicetest.Ptr(true) }, func(v *in) { v.Revoked = servicetest.Ptr(false) }),
			"Descending": free(func(v *in) { v.Descending = true }),
			"Limit":      limitsOf(func(v *in, n int) { v.Limit = n }),
			"Cursor":     cursorsOf(func(v *in, s string) { v.Cursor = s }),
		},
	}
}

func joinRequestQueryInput() input[tenancy.JoinRequestQuery] {
	type in = tenancy.JoinRequestQuery
	return input[in]{
		base: func(cast) in { return in{} },
		call: func(ctx context.Context, s *tenancy.Service, c cast, v in) error {
			_, err := s.JoinRequests.List(ctx, c.org, v)
			return err
		},
		fields: map[string][]value[in]{
			"States": {
				{"all", func(v *in, _ cast) {
					v.States = []tenancy.JoinRequestState{"pending", "approved", "declined", "canceled"}
				}, "", ""},
				{"unknown", func(v *in, _ cast) { v.States = []tenancy.JoinRequestState{"open"} }, tenancy.ErrInvalid, "states"},
			},
			"Descending": free(func(v *in) { v.Descending = true }),
			"Limit":      limitsOf(func(v *in, n int) { v.Limit = n }),
			"Cursor":     cursorsOf(func(v *in, s string) { v.Cursor = s }),
		},
	}
}

func joinHostInputs(w *world) {
	owner := w.User("owner")
	acme := w.Owned("Acme", owner)
	svc := w.Svc.As(tenancy.UserPrincipal(owner.ID))
	w.refuses(tenancy.ErrForbidden, "id", func() error {
		in := servicetest.Asking(acme, "ada@acme.example")
		in.ID = tenancy.InvitationID(servicetest.Nobody)
		_, err := svc.Invitations.Send(w.Ctx, in)
		return err
	})
	w.refuses(tenancy.ErrForbidden, "asked", func() error {
		in := servicetest.Asking(acme, "ada@acme.example")
		in.Asked = true
		_, err := svc.Invitations.Send(w.Ctx, in)
		return err
	})
	w.refuses(tenancy.ErrForbidden, "id", func() error {
		_, err := svc.JoinCodes.Create(w.Ctx, tenancy.NewJoinCode{ID: tenancy.JoinCodeID(servicetest.Nobody), OrganizationID: acme.ID})
		return err
	})
	w.refuses(tenancy.ErrForbidden, "", func() error {
		_, err := svc.Invitations.List(w.Ctx, tenancy.OrganizationID{}, tenancy.InvitationQuery{})
		return err
	})
}

func joinConfigs(w *world) {
	for name, bad := range map[string]struct {
		configure func(*tenancy.Config)
		field     string
	}{
		"an invitation for an hour":   {func(c *tenancy.Config) { c.InvitationFor = time.Hour }, "invitation_for"},
		"an invitation for 31 days":   {func(c *tenancy.Config) { c.InvitationFor = 31 * servicetest.Day }, "invitation_for"},
		"a negative number":           {func(c *tenancy.Config) { c.Limits.Invitations = -1 }, "invitations"},
		"a negative number of codes":  {func(c *tenancy.Config) { c.Limits.JoinCodes = -1 }, "join_codes"},
		"a negative number of wishes": {func(c *tenancy.Config) { c.Limits.JoinRequests = -1 }, "join_requests"},
	} {
		w.each(name, func(w *world) {
			config := w.Config
			bad.configure(&config)
			_, err := tenancy.New(config)
			w.Failed(err, tenancy.ErrInvalid, bad.field)
		})
	}
}
