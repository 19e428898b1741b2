package rules

import (
	"context"
	"time"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/tenancy"
)

// settleSessions lays what the calls on sessions need: a live one of the member's and
// one of the outsider's that ran out long ago.
func (c *cast) settleSessions(w *world) {
	w.T.Helper()
	w.Clock.Advance(-90 * servicetest.Day)
	w.Session(tenancy.User{ID: c.outsider}, servicetest.NowhereYet)
	w.Clock.Advance(90*servicetest.Day - time.Second)
	started := w.Session(tenancy.User{ID: c.member}, c.org)
	w.Clock.Advance(time.Second) // so that a sign-in now is another
	c.session, c.bearer = started.Session.ID, started.Token.Reveal()
	c.parked = w.Session(tenancy.User{ID: c.member}, servicetest.NowhereYet).Token.Reveal()
}

func noSession() map[string]func(*cast) {
	return map[string]func(*cast){
		"unknown session": func(c *cast) { c.session = tenancy.SessionID(servicetest.Nobody) },
		"zero session":    func(c *cast) { c.session = tenancy.SessionID{} },
	}
}

func sessionMethods() map[string]method {
	all := map[string]method{
		"Authenticate": reads(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Sessions.Authenticate(ctx, c.bearer, servicetest.NowhereYet)
			return err
		}),
		"Claims": reads(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Sessions.Claims(ctx, c.session, tenancy.ClaimsQuery{})
			return err
		}, noSession()),
		"Get": reads(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Sessions.Get(ctx, c.session)
			return err
		}, noSession()),
		"List": reads(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Sessions.List(ctx, c.org, tenancy.SessionQuery{})
			return err
		}, noOrg()),
		"All": reads(func(ctx context.Context, s *tenancy.Service, c cast) error {
			return drain(s.Sessions.All(ctx, c.org, tenancy.SessionQuery{Limit: 1}))
		}, noOrg()),
		"ListByUser": reads(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Sessions.ListByUser(ctx, c.member, tenancy.SessionQuery{})
			return err
		}, noUser()),
		"AllByUser": reads(func(ctx context.Context, s *tenancy.Service, c cast) error {
			return drain(s.Sessions.AllByUser(ctx, c.member, tenancy.SessionQuery{Limit: 1}))
		}, noUser()),
	}
	for name, m := range sessionWrites() {
		all[name] = m
	}
	return all
}

func sessionWrites() map[string]method {
	elsewhere := map[string]func(*cast){
		"unknown organization":         func(c *cast) { c.org = servicetest.Nowhere },
		"one that they are no part of": func(c *cast) { c.org = c.shut },
	}
	return map[string]method{
		"Start": writes(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Sessions.Start(ctx, servicetest.Starting(c.member, c.org))
			return err
		}, noUser(), noMember(), elsewhere),
		"Switch": writes(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Sessions.Switch(ctx, c.bearer, c.org)
			return err
		}, elsewhere),
		"Enter": writes(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Sessions.Enter(ctx, c.parked, c.org)
			return err
		}, elsewhere),
		"Revoke": writes(func(ctx context.Context, s *tenancy.Service, c cast) error {
			return s.Sessions.Revoke(ctx, c.session)
		}, noSession()),
		"RevokeAll": writes(func(ctx context.Context, s *tenancy.Service, c cast) error {
			return s.Sessions.RevokeAll(ctx, c.member)
		}, noUser()),
		"RevokeByOrganization": writes(func(ctx context.Context, s *tenancy.Service, c cast) error {
			return s.Sessions.RevokeByOrganization(ctx, c.org)
		}, noOrg()),
		"SignOut": writes(func(ctx context.Context, s *tenancy.Service, c cast) error {
			return s.Sessions.SignOut(ctx, c.bearer)
		}),
		"Sweep": writes(func(ctx context.Context, s *tenancy.Service, _ cast) error {
			_, err := s.Sessions.Sweep(ctx)
			return err
		}),
	}
}

// sessionInputRules are the inputs of sessions and claims.
func sessionInputRules() []rule {
	return []rule{
		{"G9 NewSession", on(func(w *world) { newSessionInput().run(w) })},
		{"G9 SessionQuery of an organization", on(func(w *world) { sessionQueryInput(false).run(w) })},
		{"G9 SessionQuery of a user", on(func(w *world) { sessionQueryInput(true).run(w) })},
		{"G9 ClaimsQuery", on(func(w *world) { claimsQueryInput().run(w) })},
	}
}

func newSessionInput() input[tenancy.NewSession] {
	type in = tenancy.NewSession
	method := func(v *in, s string) { v.Method = tenancy.SignInMethod(s) }
	methods := []value[in]{
		textCase("method", "every kind of character", "a-z_09", "", method),
		textCase("method", "64 characters", longText(64), "", method),
	}
	for name, s := range map[string]string{
		"empty": "", "65 characters": longText(65), "upper case": "Password", "a space": "a b", "a dot": "a.b", "a line break after": "a\n",
		"NUL": "a\x00", "invalid UTF-8": "\xff", "beyond ASCII": "ü",
	} {
		methods = append(methods, textCase("method", name, s, tenancy.ErrInvalid, method))
	}
	return input[in]{
		base: func(c cast) in { return servicetest.Starting(c.member, c.org) },
		call: func(ctx context.Context, s *tenancy.Service, _ cast, v in) error {
			_, err := s.Sessions.Start(ctx, v)
			return err
		},
		fields: map[string][]value[in]{
			"UserID": {
				{"zero", func(v *in, _ cast) { v.UserID = tenancy.UserID{} }, tenancy.ErrNotFound, ""},
				{"suspended", func(v *in, c cast) { v.UserID = c.barred }, tenancy.ErrForbidden, ""},
			},
			"OrganizationID": {
				{"none", func(v *in, _ cast) { v.OrganizationID = servicetest.NowhereYet }, "", ""},
				{"unknown", func(v *in, _ cast) { v.OrganizationID = servicetest.Nowhere }, tenancy.ErrNotFound, ""},
			},
			"Method": methods,
			"IdentityID": {
				{"theirs", func(v *in, c cast) { v.IdentityID = c.identity }, "", ""},
				{"another's", func(v *in, c cast) { v.UserID, v.IdentityID = c.owner, c.identity }, tenancy.ErrNotFound, ""},
				{"unknown", func(v *in, _ cast) { v.IdentityID = servicetest.Nothing }, tenancy.ErrNotFound, ""},
			},
			"ConnectionID": {
				{"unknown", func(v *in, _ cast) {
					v.Method, v.ConnectionID = tenancy.MethodSingleSignOn, tenancy.ConnectionID(servicetest.Nobody)
				}, tenancy.ErrNotFound, ""},
				{"with another method", func(v *in, c cast) { v.ConnectionID = c.sso }, tenancy.ErrInvalid, "connection_id"},
				{"single sign-on without", func(v *in, _ cast) { v.Method = tenancy.MethodSingleSignOn }, tenancy.ErrInvalid, "connection_id"},
				{"another's identity", func(v *in, c cast) {
					v.Method, v.ConnectionID, v.IdentityID = tenancy.MethodSingleSignOn, c.sso, c.identity
				}, tenancy.ErrInvalid, "identity_id"},
			},
			"SecondFactor": free(func(v *in) { v.SecondFactor = true }),
			"Confined": {
				{"to an organization", func(v *in, _ cast) { v.Confined = true }, "", ""},
				{"to none", func(v *in, _ cast) { v.Confined, v.OrganizationID = true, servicetest.NowhereYet }, tenancy.ErrInvalid, "confined"},
			},
		},
	}
}

// longText is n characters.
func longText(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = 'a'
	}
	return string(b)
}

func sessionQueryInput(ofUser bool) input[tenancy.SessionQuery] {
	type in = tenancy.SessionQuery
	return input[in]{
		base: func(cast) in { return in{} },
		call: func(ctx context.Context, s *tenancy.Service, c cast, v in) (err error) {
			if ofUser {
				_, err = s.Sessions.ListByUser(ctx, c.member, v)
			} else {
				_, err = s.Sessions.List(ctx, c.org, v)
			}
			return err
		},
		fields: map[string][]value[in]{
			"Ended":      free(func(v *in) { v.Ended = true }),
			"Descending": free(func(v *in) { v.Descending = true }),
			"Limit":      limitOf(func(v *in, n int) { v.Limit = n }),
			"Cursor":     cursorOf(func(v *in, s string) { v.Cursor = s }),
		},
	}
}

func claimsQueryInput() input[tenancy.ClaimsQuery] {
	type in = tenancy.ClaimsQuery
	keys := func(set func(v *in, keys []string)) []value[in] {
		return free(func(v *in) { set(v, nil) }, func(v *in) { set(v, []string{"", "\xff", "absent", "absent"}) })
	}
	return input[in]{
		base: func(cast) in { return in{} },
		call: func(ctx context.Context, s *tenancy.Service, c cast, v in) error {
			_, err := s.Sessions.Claims(ctx, c.session, v)
			return err
		},
		fields: map[string][]value[in]{
			"Metadata":             keys(func(v *in, keys []string) { v.Metadata = keys }),
			"OrganizationMetadata": keys(func(v *in, keys []string) { v.OrganizationMetadata = keys }),
			"MemberMetadata":       keys(func(v *in, keys []string) { v.MemberMetadata = keys }),
			"NoPermissions":        free(func(v *in) { v.NoPermissions = true }),
			"Extra": {
				{"none", func(v *in, _ cast) { v.Extra = map[string]any{} }, "", ""},
				{"of the host's own", func(v *in, _ cast) { v.Extra = map[string]any{"exp": time.Hour, "": nil} }, "", ""},
				{"reserved", func(v *in, _ cast) { v.Extra = map[string]any{"sub": "somebody"} }, tenancy.ErrInvalid, "extra"},
			},
		},
	}
}
