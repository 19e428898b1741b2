package rules

import (
	"context"
	"fmt"
	"time"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// slugRules are about the slugs that organizations gave up (rule O5).
func slugRules() []rule {
	selfServe := func(c *tenancy.Config) { c.SelfServe = true }
	return []rule{
		{"O5 a slug given up stays reserved for 90 days", on(slugReserved)},
		{"O5 an organization takes its own slug back", on(slugTakenBack)},
		{"O5 a former slug is found by redirects and by its own members", on(slugFound)},
		{"O5 an organization has at most 3 former slugs", on(slugsAtMost)},
		{"O5 a deleted organization keeps its slugs from others", with(func(c *tenancy.Config) { c.DeleteLimit = 3 }, slugOfDeleted)},
		{"O5 the host releases a slug", on(slugReleased)},
		{"O5 Run forgets slugs that are reserved no longer", on(slugsForgotten)},
		{"O5 G8 what is refused or undone gives no slug up", on(slugKept)},
		{"O5 attack: a stranger takes the slug just given up to catch the links", with(selfServe, slugCaught)},
	}
}

// slugged makes an organization with a slug.
func (w *world) slugged(slug string) tenancy.Organization {
	w.T.Helper()
	return w.NewOrg(tenancy.NewOrganization{DisplayName: "Acme", Slug: slug})
}

func (w *world) rename(org tenancy.Organization, slug string) (tenancy.Organization, error) {
	return w.Svc.Organizations.Update(w.Ctx, org.ID, tenancy.OrganizationUpdate{Slug: &slug})
}

func (w *world) renamed(org tenancy.Organization, slug string) tenancy.Organization {
	w.T.Helper()
	org, err := w.rename(org, slug)
	w.NoError(err)
	return org
}

// waysToTake are all ways for the host to give a slug to an organization.
func (w *world) waysToTake(slug string) map[string]func() error {
	create := func(ctx context.Context, tx *tenancy.Service) error {
		_, err := tx.Organizations.Create(ctx, tenancy.NewOrganization{DisplayName: "New", Slug: slug})
		return err
	}
	other := w.Org("Other")
	return map[string]func() error{
		"create":   func() error { return create(w.Ctx, w.Svc) },
		"update":   func() error { _, err := w.rename(other, slug); return err },
		"transact": func() error { return w.Svc.Transact(w.Ctx, create) },
		"import":   func() error { return w.Svc.Import(w.Ctx, create) },
	}
}

func (w *world) keptFromOthers(slug string) {
	w.T.Helper()
	for _, take := range w.waysToTake(slug) {
		w.refuses(tenancy.ErrAlreadyExists, "slug", take)
	}
}

func slugReserved(w *world) {
	acme := w.renamed(w.slugged("acme"), "acme-two")
	w.keptFromOthers("acme-two")
	taken := w.waysToTake("acme-two")["create"]()
	w.keptFromOthers("acme")
	w.EqualError(w.waysToTake("acme")["create"](), taken.Error()) // as where somebody has it
	w.Clock.Advance(90*servicetest.Day - time.Microsecond)
	w.keptFromOthers("acme")
	w.Clock.Advance(time.Microsecond)
	for name, take := range w.waysToTake("acme") {
		w.NoError(take(), name)
		holder, err := w.Svc.Organizations.GetBySlug(w.Ctx, "acme")
		w.NoError(err)
		w.NotEqual(acme.ID, holder.ID)
		w.NoError(w.Svc.Organizations.Delete(w.Ctx, holder.ID))
		w.keptFromOthers("acme") // for 90 days from now
		w.Clock.Advance(90 * servicetest.Day)
	}
	w.renamed(w.slugged("none"), "") // to have none gives it up, too
	w.keptFromOthers("none")
}

func slugTakenBack(w *world) {
	acme := w.renamed(w.slugged("acme"), "acme-two")
	acme = w.renamed(acme, "acme")
	w.Equal("acme", acme.Slug)
	former := w.Dump().FormerSlugs
	w.Len(former, 1)
	w.Equal("acme-two", former[0].Slug)
	w.keptFromOthers("acme-two")
	w.keptFromOthers("acme")
	w.Clock.Advance(80 * servicetest.Day)
	acme = w.renamed(w.renamed(acme, "acme-three"), "acme-two")
	w.Clock.Advance(20 * servicetest.Day)
	w.keptFromOthers("acme")
	w.Clock.Advance(80 * servicetest.Day)
	w.renamed(acme, "acme") // its own, over or not
	w.keptFromOthers("acme-two")
}

func slugFound(w *world) {
	owner, member, stranger := w.User("owner"), w.User("member"), w.User("stranger")
	acme := w.NewOrg(tenancy.NewOrganization{DisplayName: "Acme", Slug: "acme", Owner: owner.ID})
	w.Add(acme, member)
	other := w.Owned("Other", stranger)
	acme = w.renamed(acme, "acme-two")
	find := func(svc *tenancy.Service) error {
		got, err := svc.Organizations.GetByFormerSlug(w.Ctx, "acme")
		if err == nil {
			w.Equal(w.getOrg(acme.ID), got)
		}
		return err
	}
	w.NoError(find(w.Svc))
	w.NoError(find(w.asUser(owner)))
	w.Failed(find(w.asUser(member)), tenancy.ErrForbidden, "") // as GetBySlug: they may not read its settings
	w.Failed(find(w.asUser(stranger)), tenancy.ErrNotFound, "")
	w.Failed(find(w.Svc.As(tenancy.ServicePrincipal("job", other.ID, "tenancy:*"))), tenancy.ErrNotFound, "")
	w.Failed(find(w.Svc.As(tenancy.ServicePrincipal("job", acme.ID, rbac.Grant(rbac.ReadMembers)))), tenancy.ErrForbidden, "")
	_, err := w.Svc.Organizations.GetByFormerSlug(w.Ctx, "acme-two") // which it has
	w.Failed(err, tenancy.ErrNotFound, "")
	_, err = w.Svc.Organizations.GetBySlug(w.Ctx, "acme") // which it has no longer
	w.Failed(err, tenancy.ErrNotFound, "")
	w.Clock.Advance(90*servicetest.Day - time.Microsecond)
	w.NoError(find(w.Svc))
	w.Archive(acme)
	w.NoError(find(w.Svc))
	w.Failed(find(w.asUser(owner)), tenancy.ErrNotFound, "")
	w.Clock.Advance(time.Microsecond)
	w.Failed(find(w.Svc), tenancy.ErrNotFound, "")
}

func slugsAtMost(w *world) {
	acme := w.slugged("slug-0")
	for i := range 3 {
		w.Clock.Advance(time.Hour)
		acme = w.renamed(acme, fmt.Sprintf("slug-%d", i+1))
	}
	w.keptFromOthers("slug-0")
	w.NoError(w.Svc.Transact(w.Ctx, func(ctx context.Context, tx *tenancy.Service) error { // within one instant
		for i := 4; i < 7; i++ {
			slug := fmt.Sprintf("slug-%d", i)
			if _, err := tx.Organizations.Update(ctx, acme.ID, tenancy.OrganizationUpdate{Slug: &slug}); err != nil {
				return err
			}
		}
		return nil
	}))
	var kept []string
	for _, former := range w.Dump().FormerSlugs {
		kept = append(kept, former.Slug)
	}
	w.ElementsMatch([]string{"slug-3", "slug-4", "slug-5"}, kept)
	w.slugged("slug-0")
	w.NoError(w.Svc.Organizations.Delete(w.Ctx, acme.ID))
	w.slugged("slug-3") // deleting it gave up a fourth
	for _, slug := range []string{"slug-4", "slug-5", "slug-6"} {
		w.keptFromOthers(slug)
	}
}

func slugOfDeleted(w *world) {
	acme := w.renamed(w.slugged("acme"), "acme-two")
	w.NoError(w.Svc.Organizations.Delete(w.Ctx, acme.ID))
	big := w.renamed(w.slugged("big"), "big-two")
	w.Members(big, 5)
	w.NoError(w.Svc.Organizations.Delete(w.Ctx, big.ID)) // in steps
	for _, slug := range []string{"acme", "acme-two", "big", "big-two"} {
		w.keptFromOthers(slug)
		for _, find := range []func(context.Context, string) (tenancy.Organization, error){
			w.Svc.Organizations.GetByFormerSlug, w.Svc.Organizations.GetBySlug,
		} {
			got, err := find(w.Ctx, slug)
			w.Failed(err, tenancy.ErrNotFound, "")
			w.Zero(got)
			w.NotContains(err.Error(), "org_", "it tells whose the slug was")
		}
	}
	again := w.NewOrg(tenancy.NewOrganization{ID: acme.ID, DisplayName: "Acme", Slug: "acme"}) // the same one, from a backup
	w.Equal("acme", again.Slug)
	w.Clock.Advance(90 * servicetest.Day)
	w.slugged("big-two")
}

func slugReleased(w *world) {
	acme := w.renamed(w.slugged("acme"), "acme-two")
	release := func(slug string) func() error {
		return func() error { return w.Svc.Organizations.ReleaseSlug(w.Ctx, slug) }
	}
	w.refuses(tenancy.ErrNotFound, "", release("acme-two")) // which it has
	w.refuses(tenancy.ErrNotFound, "", release("never"))
	w.refuses(tenancy.ErrInvalid, "slug", release(""))
	w.emits(release("acme"), event{
		kind: tenancy.EventOrganizationSlugReleased, org: acme.ID, subject: acme.ID.String(), data: map[string]string{"slug": "acme"},
	})
	w.refuses(tenancy.ErrNotFound, "", release("acme"))
	_, err := w.Svc.Organizations.GetByFormerSlug(w.Ctx, "acme")
	w.Failed(err, tenancy.ErrNotFound, "")
	w.slugged("acme")
	w.NoError(w.Svc.Organizations.Delete(w.Ctx, acme.ID))
	w.emits(release("acme-two"), event{kind: tenancy.EventOrganizationSlugReleased, org: acme.ID, subject: acme.ID.String()})
	beta := w.renamed(w.slugged("beta"), "beta-two")
	w.Clock.Advance(90 * servicetest.Day)
	w.refuses(tenancy.ErrNotFound, "", release("beta"))
	w.Equal("beta", w.renamed(beta, "beta").Slug)
}

func slugsForgotten(w *world) {
	for i := range 3 {
		w.renamed(w.slugged(fmt.Sprintf("slug-%d", i)), "")
		w.Clock.Advance(time.Hour)
	}
	w.Clock.Advance(90*servicetest.Day - 2*time.Hour)
	w.runUntil(func() bool { return w.RowsOf("former slug") < 3 })
	w.Equal(1, w.RowsOf("former slug"))
	w.keptFromOthers("slug-2")
}

func slugKept(w *world) {
	acme := w.slugged("acme")
	w.slugged("beta")
	w.refuses(tenancy.ErrAlreadyExists, "slug", func() error { _, err := w.rename(acme, "beta"); return err })
	w.silent(func() error { _, err := w.rename(acme, "acme"); return err })
	undone := fmt.Errorf("undone")
	w.unchanged(func() {
		w.ErrorIs(w.Svc.Transact(w.Ctx, func(ctx context.Context, tx *tenancy.Service) error {
			if _, err := tx.Organizations.Update(ctx, acme.ID, tenancy.OrganizationUpdate{Slug: servicetest.Ptr("acme-two")}); err != nil {
				return err
			}
			got, err := tx.Organizations.GetByFormerSlug(ctx, "acme")
			w.NoError(err)
			w.Equal(acme.ID, got.ID)
			return undone
		}), undone)
	})
	w.Zero(w.RowsOf("former slug"))
}

// slugCaught: links to what Acme was called lead to Acme, or nowhere. They never lead to a place
// that somebody else made for those who follow them.
func slugCaught(w *world) {
	owner, mallory := w.User("owner"), w.User("mallory")
	acme := w.NewOrg(tenancy.NewOrganization{DisplayName: "Acme", Slug: "acme", Owner: owner.ID})
	trap, err := w.asUser(mallory).Organizations.Create(w.Ctx, tenancy.NewOrganization{DisplayName: "Trap", Slug: "trap", Owner: mallory.ID})
	w.NoError(err)
	catch := map[string]func() error{
		"founding": func() error {
			_, err := w.asUser(mallory).Organizations.Create(w.Ctx, tenancy.NewOrganization{DisplayName: "Acme", Slug: "acme", Owner: mallory.ID})
			return err
		},
		"renaming": func() error {
			_, err := w.asUser(mallory).Organizations.Update(w.Ctx, trap.ID, tenancy.OrganizationUpdate{Slug: servicetest.Ptr("acme")})
			return err
		},
	}
	caught := func() {
		w.T.Helper()
		for _, take := range catch {
			w.refuses(tenancy.ErrAlreadyExists, "slug", take)
		}
	}
	_, err = w.asUser(owner).Organizations.Update(w.Ctx, acme.ID, tenancy.OrganizationUpdate{Slug: servicetest.Ptr("acme-two")})
	w.NoError(err)
	caught()
	w.NoError(w.asUser(owner).Organizations.Delete(w.Ctx, acme.ID))
	caught()
	_, err = w.asUser(mallory).Organizations.GetByFormerSlug(w.Ctx, "acme")
	w.Failed(err, tenancy.ErrNotFound, "") // nor do they hear whose it was
	w.refuses(tenancy.ErrForbidden, "", func() error { return w.asUser(mallory).Organizations.ReleaseSlug(w.Ctx, "acme") })
}
