package rules

import (
	"encoding/json"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// claimed makes the claims of a session.
func (w *world) claimed(id tenancy.SessionID, q tenancy.ClaimsQuery) map[string]any {
	w.T.Helper()
	var all map[string]any
	w.silent(func() (err error) { all, err = w.Svc.Sessions.Claims(w.Ctx, id, q); return err })
	return all
}

func claims(w *world) {
	w.Declare()
	owner := w.User("owner")
	acme := w.NewOrg(tenancy.NewOrganization{
		DisplayName: "Acme", ExternalID: "crm-1", Metadata: map[string]string{"plan": "pro", "secret": "x"}, Owner: owner.ID,
	})
	ada := w.NewUser(tenancy.NewUser{Email: "ada@acme.example", ExternalID: "hr-1", Metadata: map[string]string{"tier": "gold", "note": "x"}})
	w.OwnRoles(acme.ID)
	in := servicetest.Adding(acme, ada, rbac.Guest, servicetest.Editor, servicetest.Clerk)
	in.Metadata = map[string]string{"desk": "4", "salary": "x"}
	member, err := w.Svc.Memberships.Add(w.Ctx, in)
	w.NoError(err)
	s := w.Session(ada, acme.ID).Session
	got := w.claimed(s.ID, tenancy.ClaimsQuery{
		Metadata: []string{"tier"}, OrganizationMetadata: []string{"plan"}, MemberMetadata: []string{"desk"},
		Extra: map[string]any{"iss": "https://app.example", "beta": true},
	})
	w.Equal(map[string]any{
		"sub": ada.ID.String(), "sid": s.ID.String(), "amr": []string{"pwd"}, "ext_id": "hr-1", "metadata": map[string]string{"tier": "gold"},
		"org_id": acme.ID.String(), "org_ext_id": "crm-1", "org_metadata": map[string]string{"plan": "pro"},
		"member_metadata": map[string]string{"desk": "4"},
		"role":            member.Roles[0], "roles": member.Roles,
		"permissions": []string{string(servicetest.ReadDocs), string(servicetest.WriteDocs)},
		"iss":         "https://app.example", "beta": true,
	}, got)
	_, err = json.Marshal(got)
	w.NoError(err)

	// R7: the permissions are the set that checks know, whoever it is.
	for _, role := range []string{rbac.Owner, rbac.Admin, servicetest.Auditor} {
		_, err := w.Svc.Memberships.SetRoles(w.Ctx, acme.ID, ada.ID, role)
		w.NoError(err)
		want, err := w.Svc.Permissions.Of(w.Ctx, ada.ID, acme.ID)
		w.NoError(err)
		var texts []string
		for _, p := range want {
			texts = append(texts, string(p))
		}
		w.Equal(texts, w.claimed(s.ID, tenancy.ClaimsQuery{})["permissions"])
	}
	// S6: a small token has everything else.
	whole := w.claimed(s.ID, tenancy.ClaimsQuery{})
	w.NotEmpty(whole["permissions"])
	delete(whole, "permissions")
	w.Equal(whole, w.claimed(s.ID, tenancy.ClaimsQuery{NoPermissions: true}))
	claimedMethods(w, ada, acme)

	// It is judged as by Authenticate.
	w.Deactivate(acme, ada)
	_, err = w.Svc.Sessions.Claims(w.Ctx, s.ID, tenancy.ClaimsQuery{})
	w.Failed(err, tenancy.ErrSessionEnded, "token")
	eve := w.Svc.As(tenancy.UserPrincipal(owner.ID))
	for _, id := range []tenancy.SessionID{s.ID, tenancy.SessionID(servicetest.Nobody)} {
		_, err = eve.Sessions.Claims(w.Ctx, id, tenancy.ClaimsQuery{})
		w.Failed(err, tenancy.ErrForbidden, "")
	}
}

// claimedMethods: S6, the claims say how the person signed in, and whether the session is
// confined.
func claimedMethods(w *world, user tenancy.User, org tenancy.Organization) {
	for _, c := range []struct {
		method       tenancy.SignInMethod
		secondFactor bool
		amr          []string
	}{
		{tenancy.MethodPassword, false, []string{"pwd"}},
		{tenancy.MethodPassword, true, []string{"pwd", "mfa"}},
		{tenancy.MethodMagicLink, false, []string{"magic_link"}},
		{"passkey", true, []string{"passkey", "mfa"}},
	} {
		in := servicetest.Starting(user.ID, org.ID)
		in.Method, in.SecondFactor = c.method, c.secondFactor
		for _, confined := range []bool{false, true} {
			in.Confined = confined
			started, err := w.Svc.Sessions.Start(w.Ctx, in)
			w.NoError(err)
			got := w.claimed(started.Session.ID, tenancy.ClaimsQuery{})
			w.Equal(c.amr, got["amr"])
			said, there := got["confined"]
			w.Equal(confined, there)
			if confined {
				w.Equal(true, said)
			}
		}
	}
}

func bareClaims(w *world) {
	ada := w.User("ada")
	acme := w.Owned("Acme", w.User("owner"))
	w.Add(acme, ada, rbac.Guest)
	q := tenancy.ClaimsQuery{Metadata: []string{"tier"}, OrganizationMetadata: []string{"plan"}, MemberMetadata: []string{"desk"}}
	s := w.Session(ada, servicetest.NowhereYet).Session
	w.Equal(map[string]any{"sub": ada.ID.String(), "sid": s.ID.String(), "amr": []string{"pwd"}}, w.claimed(s.ID, q))
	s = w.Session(ada, acme.ID).Session
	w.Equal(map[string]any{
		"sub": ada.ID.String(), "sid": s.ID.String(), "amr": []string{"pwd"},
		"org_id": acme.ID.String(), "role": rbac.Guest, "roles": []string{rbac.Guest},
	}, w.claimed(s.ID, q))
}

func reservedClaims(w *world) {
	s := w.Session(w.User("ada"), servicetest.NowhereYet).Session // some of these would be missing
	for _, name := range []string{
		"sub", "sid", "amr", "confined", "ext_id", "metadata", "org_id", "org_ext_id", "org_metadata", "member_metadata", "role", "roles", "permissions",
	} {
		w.each(name, func(w *world) {
			w.refuses(tenancy.ErrInvalid, "extra", func() error {
				_, err := w.Svc.Sessions.Claims(w.Ctx, s.ID, tenancy.ClaimsQuery{Extra: map[string]any{name: "mine"}})
				return err
			})
		})
	}
}
