package rules

import (
	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// metadataAttacks write what the host keeps about somebody, and signs into tokens.
func metadataAttacks() []rule {
	selfServe := func(c *tenancy.Config) { c.SelfServe = true }
	return []rule{
		{"O1 attack: an administrator writes the plan into the organization's metadata", with(selfServe, plannedByAdmin)},
		{"O1 attack: a member's metadata is written by people of the organization", on(memberMetadata)},
		{"O1 attributes are for the organization's people", on(attributes)},
	}
}

// plannedByAdmin: what a host reads back from metadata must be what the host wrote.
func plannedByAdmin(w *world) {
	owner, admin := w.User("owner"), w.User("admin")
	acme := w.NewOrg(tenancy.NewOrganization{DisplayName: "Acme", Owner: owner.ID, Metadata: map[string]string{"plan": "free"}})
	w.Add(acme, admin, rbac.Admin)
	session := w.Session(admin, acme.ID)
	for name, svc := range map[string]*tenancy.Service{
		"the owner": w.asUser(owner), "an administrator": w.asUser(admin), "by a session": w.asSession(session.Session),
		"a service account": w.Svc.As(tenancy.ServicePrincipal("robot", acme.ID, "*", "tenancy:*")),
	} {
		w.each(name, func(w *world) {
			for _, plan := range []*string{servicetest.Ptr("enterprise"), nil} {
				w.refuses(tenancy.ErrForbidden, "metadata", func() error {
					_, err := svc.Organizations.Update(w.Ctx, acme.ID, tenancy.OrganizationUpdate{Metadata: tenancy.Patch{"plan": plan}})
					return err
				})
			}
		})
	}
	w.refuses(tenancy.ErrForbidden, "metadata", func() error {
		_, err := w.asUser(admin).Organizations.Create(w.Ctx, tenancy.NewOrganization{
			DisplayName: "Mine", Owner: admin.ID, Metadata: map[string]string{"plan": "enterprise"},
		})
		return err
	})
	all := w.claimed(session.Session.ID, tenancy.ClaimsQuery{OrganizationMetadata: []string{"plan"}})
	w.Equal(map[string]string{"plan": "free"}, all[tenancy.ClaimOrganizationMetadata])
}

// memberMetadata: directly, on oneself, and by an invitation whose metadata becomes the
// member's.
func memberMetadata(w *world) {
	owner, ada := w.User("owner"), w.User("ada")
	acme := w.Owned("Acme", owner)
	in := servicetest.Adding(acme, ada)
	in.Metadata = map[string]string{"salary": "1"}
	_, err := w.Svc.Memberships.Add(w.Ctx, in)
	w.NoError(err)
	for _, member := range []tenancy.User{ada, owner} {
		w.refuses(tenancy.ErrForbidden, "metadata", func() error {
			_, err := w.asUser(owner).Memberships.Update(w.Ctx, acme.ID, member.ID, tenancy.MembershipUpdate{
				Metadata: tenancy.Patch{"salary": servicetest.Ptr("2")},
			})
			return err
		})
	}
	w.refuses(tenancy.ErrForbidden, "metadata", func() error {
		in := servicetest.Asking(acme, "bob@acme.example")
		in.Metadata = map[string]string{"salary": "2"}
		_, err := w.asUser(owner).Invitations.Send(w.Ctx, in)
		return err
	})
	w.refuses(tenancy.ErrForbidden, "metadata", func() error {
		_, err := w.asUser(ada).Users.Update(w.Ctx, ada.ID, tenancy.UserUpdate{Metadata: tenancy.Patch{"salary": servicetest.Ptr("2")}})
		return err
	})
	w.Equal(in.Metadata, w.Member(acme, ada).Metadata)
}

func attributes(w *world) {
	owner, ada := w.User("owner"), w.User("ada")
	acme := w.Owned("Acme", owner)
	w.Add(acme, ada)
	by := w.asUser(owner)
	changed := tenancy.OrganizationUpdate{Attributes: tenancy.Patch{"motto": servicetest.Ptr("first"), "absent": nil}}
	var got tenancy.Organization
	w.emits(func() (err error) {
		got, err = by.Organizations.Update(w.Ctx, acme.ID, changed)
		return err
	}, event{
		kind: tenancy.EventOrganizationUpdated, org: acme.ID, subject: acme.ID.String(),
		previous: `{"attributes":null}`, actor: tenancy.Actor{Kind: tenancy.ActorUser, ID: owner.ID.String()},
	})
	w.Equal(map[string]string{"motto": "first"}, got.Attributes)
	w.Equal(got, w.getOrg(acme.ID))
	w.silent(func() error { _, err := by.Organizations.Update(w.Ctx, acme.ID, changed); return err }) // G8
	w.refuses(tenancy.ErrForbidden, "", func() error {
		_, err := w.asUser(ada).Organizations.Update(w.Ctx, acme.ID, changed)
		return err
	})
	got, err := by.Organizations.Update(w.Ctx, acme.ID, tenancy.OrganizationUpdate{Attributes: tenancy.Patch{"motto": nil}})
	w.NoError(err)
	w.Empty(got.Attributes)
	made := w.NewOrg(tenancy.NewOrganization{DisplayName: "Beta", Attributes: map[string]string{"motto": "second"}})
	w.Equal(map[string]string{"motto": "second"}, w.getOrg(made.ID).Attributes)
	member, err := by.Memberships.Update(w.Ctx, acme.ID, ada.ID, tenancy.MembershipUpdate{Attributes: tenancy.Patch{"desk": servicetest.Ptr("4")}})
	w.NoError(err)
	w.Equal(map[string]string{"desk": "4"}, member.Attributes)
}
