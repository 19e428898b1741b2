package rules

import (
	"encoding/json"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// shownRules are about how a member is shown, and made with the user (rule M18).
func shownRules() []rule {
	return []rule{
		{"M18 roles as slug, name and sources", on(rolesShown)},
		{"M18 a user is made with memberships, all or none", on(madeMember)},
	}
}

func rolesShown(w *world) {
	w.Declare()
	acme, ada := w.Org("Acme"), w.User("ada")
	_, err := w.Svc.Roles.Create(w.Ctx, acme.ID, tenancy.NewRole{Slug: "org-lead", Name: "Team lead"})
	w.NoError(err)
	w.Add(acme, ada, "org-lead", rbac.Admin, servicetest.Clerk)
	domain := w.vouched(acme.ID, "mail.example")
	_, err = w.Svc.Domains.Update(w.Ctx, acme.ID, domain.ID, tenancy.DomainUpdate{Joining: servicetest.Ptr(tenancy.JoiningAuto)})
	w.NoError(err)
	page, err := w.Svc.Memberships.List(w.Ctx, acme.ID, tenancy.MemberQuery{})
	w.NoError(err)
	for _, m := range []tenancy.Member{w.Member(acme, ada), page.Items[0]} {
		w.Len(m.RoleNames, 3)
		text, err := json.Marshal(m)
		w.NoError(err)
		var shown struct {
			UserID tenancy.UserID  `json:"user_id"`
			Roles  json.RawMessage `json:"roles"`
		}
		w.NoError(json.Unmarshal(text, &shown))
		w.Equal(ada.ID, shown.UserID)
		w.JSONEq(`[
			{"slug": "admin", "name": "Admin", "sources": [{"source": "manual"}]},
			{"slug": "clerk", "name": "clerk", "sources": [{"source": "manual"}]},
			{"slug": "org-lead", "name": "Team lead", "sources": [{"source": "manual"}]}
		]`, string(shown.Roles))
	}
	text, err := json.Marshal(tenancy.Member{})
	w.NoError(err)
	w.Contains(string(text), `"roles":[]`)
}

func madeMember(w *world) {
	acme, beta := w.Org("Acme"), w.Org("Beta")
	create := func(email string, in ...tenancy.NewMembership) (tenancy.User, error) {
		return w.Svc.Users.Create(w.Ctx, tenancy.NewUser{Email: email, Memberships: in})
	}
	ada, err := create("ada@mail.example", tenancy.NewMembership{OrganizationID: beta.ID, DisplayName: "A."},
		tenancy.NewMembership{OrganizationID: acme.ID, Roles: []string{rbac.Admin}, JoinedVia: tenancy.JoinedDirectory})
	w.NoError(err)
	w.Equal([]string{rbac.Admin}, w.Member(acme, ada).Roles)
	w.Equal(tenancy.JoinedDirectory, w.Member(acme, ada).JoinedVia)
	w.Equal("A.", w.Member(beta, ada).Name)
	w.limit(beta, 1)
	w.refuses(tenancy.ErrSeatLimit, "", func() error {
		_, err := create("bob@mail.example", tenancy.NewMembership{OrganizationID: acme.ID}, tenancy.NewMembership{OrganizationID: beta.ID})
		return err
	})
	_, err = w.Svc.Users.GetByEmail(w.Ctx, "bob@mail.example")
	w.Failed(err, tenancy.ErrNotFound, "")
}
