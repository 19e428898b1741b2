package rules

import (
	"context"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// newInvitationsInput is newInvitationInput for a row of SendMany: what it is refused for is its own.
func newInvitationsInput() input[tenancy.NewInvitation] {
	in := newInvitationInput()
	in.call = func(ctx context.Context, s *tenancy.Service, _ cast, v tenancy.NewInvitation) error {
		results, err := s.Invitations.SendMany(ctx, []tenancy.NewInvitation{v}, tenancy.SendOptions{})
		if err == nil {
			err = results[0].Err
		}
		return err
	}
	return in
}

func invitationUpdateInput() input[tenancy.InvitationUpdate] {
	type in = tenancy.InvitationUpdate
	roles := func(name string, code tenancy.Code, field string, slugs ...string) value[in] {
		return value[in]{name, func(v *in, _ cast) { v.Roles = &slugs }, code, field}
	}
	return input[in]{
		base: func(cast) in { return in{} },
		call: func(ctx context.Context, s *tenancy.Service, c cast, v in) error {
			_, err := s.Invitations.Update(ctx, c.Invitation, v)
			return err
		},
		fields: map[string][]value[in]{
			"Version": {
				{"that of now", func(v *in, _ cast) { v.Version = 1 }, "", ""},
				{"an older one", func(v *in, _ cast) { v.Version = 7 }, tenancy.ErrConflict, "version"},
				{"negative", func(v *in, _ cast) { v.Version = -1 }, tenancy.ErrConflict, "version"},
			},
			"Roles": {
				roles("several, one twice", "", "", rbac.Guest, rbac.Admin, rbac.Guest), roles("none", "", ""),
				roles("one of its own", "", "", servicetest.Editor),
				roles("unknown", tenancy.ErrUnknownRole, "roles", "king"), roles("empty", tenancy.ErrUnknownRole, "roles", ""),
				roles("another organization's", tenancy.ErrUnknownRole, "roles", "org-elsewhere"),
			},
			"Metadata": metadataOf("metadata", func(v *in, m map[string]string) { v.Metadata = tenancy.SetKeys(m) }),
		},
	}
}

func sendOptionsInput() input[tenancy.SendOptions] {
	type in = tenancy.SendOptions
	return input[in]{
		base: func(cast) in { return in{} },
		call: func(ctx context.Context, s *tenancy.Service, c cast, v in) error {
			_, err := s.Invitations.SendMany(ctx, []tenancy.NewInvitation{{OrganizationID: c.org, Email: "someone@acme.example"}}, v)
			return err
		},
		fields: map[string][]value[in]{"All": free(func(v *in) { v.All = true }), "DryRun": free(func(v *in) { v.DryRun = true })},
	}
}
