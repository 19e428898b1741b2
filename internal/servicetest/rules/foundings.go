package rules

import (
	"fmt"
	"time"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// foundingRules are about the organizations that people make for themselves (rule O6).
func foundingRules() []rule {
	few := func(c *tenancy.Config) { c.SelfServe, c.Limits.UserOrganizations = true, 3 }
	return []rule{
		{"O6 a person founds as many as they may", with(few, foundsMany)},
		{"O6 20 by default", with(func(c *tenancy.Config) { c.SelfServe, c.Limits.UserOrganizations = true, 0 }, foundsTwenty)},
		{"O6 attack: founding and deleting without end", with(few, foundsAndDeletes)},
		{"O6 attack: handing organizations over makes room for more", with(few, foundsAndLeaves)},
		{"O6 U6 U7 what a person founded moves and goes with them", with(few, foundingsEnd)},
	}
}

// founds makes an organization for a person.
func (w *world) founds(by tenancy.User) (tenancy.Organization, error) {
	return w.asUser(by).Organizations.Create(w.Ctx, tenancy.NewOrganization{DisplayName: "Acme", Owner: by.ID})
}

func (w *world) foundsTooMany(by tenancy.User) {
	w.T.Helper()
	w.refuses(tenancy.ErrInvalid, "organizations", func() error { _, err := w.founds(by); return err })
}

func foundsMany(w *world) {
	ada, bob := w.User("ada"), w.User("bob")
	var made []tenancy.Organization
	for range 3 {
		org, err := w.founds(ada)
		w.NoError(err)
		made = append(made, org)
		w.Clock.Advance(time.Hour)
	}
	w.foundsTooMany(ada)
	w.Owned("By the host", ada) // which is free
	w.foundsTooMany(ada)
	w.Archive(made[0]) // still exists
	w.foundsTooMany(ada)
	_, err := w.founds(bob)
	w.NoError(err)
	w.Equal(4, w.RowsOf("founding"))
	w.Clock.Advance(servicetest.Day)
	w.foundsTooMany(ada)
	w.NoError(w.Svc.Organizations.Delete(w.Ctx, made[0].ID))
	w.Equal(3, w.RowsOf("founding"))
	_, err = w.founds(ada)
	w.NoError(err)
}

func foundsTwenty(w *world) {
	ada := w.User("ada")
	for range 20 {
		_, err := w.founds(ada)
		w.NoError(err)
	}
	w.foundsTooMany(ada)
}

func foundsAndDeletes(w *world) {
	mallory := w.User("mallory")
	founded := 0
	for range 100 {
		w.Clock.Advance(36 * time.Minute) // two and a half days
		org, err := w.founds(mallory)
		if err != nil {
			w.Failed(err, tenancy.ErrRateLimited, "organizations")
			continue
		}
		founded++
		w.NoError(w.asUser(mallory).Organizations.Delete(w.Ctx, org.ID))
	}
	w.Equal(3*3, founded)
	w.LessOrEqual(w.RowsOf("founding"), 3)
	w.Clock.Advance(servicetest.Day)
	for range 3 {
		org, err := w.founds(mallory)
		w.NoError(err)
		w.NoError(w.Svc.Organizations.Delete(w.Ctx, org.ID)) // whoever deletes it
	}
	w.Clock.Advance(20 * time.Hour)
	w.early("organizations", 4*time.Hour, func() error { _, err := w.founds(mallory); return err })
}

// foundsAndLeaves: what counts is who founded it, and not who is a member.
func foundsAndLeaves(w *world) {
	mallory := w.User("mallory")
	for i := range 3 {
		org, err := w.founds(mallory)
		w.NoError(err)
		heir := w.User(fmt.Sprintf("heir%d", i))
		w.Add(org, heir, rbac.Owner)
		w.NoError(w.asUser(mallory).Memberships.Leave(w.Ctx, org.ID, mallory.ID))
	}
	w.foundsTooMany(mallory)
}

func foundingsEnd(w *world) {
	ada, bob, eve := w.User("ada"), w.User("bob"), w.User("eve")
	org, err := w.founds(ada)
	w.NoError(err)
	for range 2 {
		_, err := w.founds(bob)
		w.NoError(err)
	}
	_, err = w.Svc.Users.Merge(w.Ctx, ada.ID, bob.ID)
	w.NoError(err)
	w.foundsTooMany(bob)
	w.NoError(w.Svc.Organizations.Delete(w.Ctx, org.ID))
	w.Clock.Advance(servicetest.Day)
	_, err = w.founds(bob)
	w.NoError(err)

	org, err = w.founds(eve)
	w.NoError(err)
	w.Add(org, bob, rbac.Owner)
	before := w.RowsOf("founding")
	w.NoError(w.Svc.Users.Erase(w.Ctx, eve.ID))
	w.Equal(before-1, w.RowsOf("founding"))
	w.NoError(w.Svc.Organizations.Delete(w.Ctx, org.ID))
}
