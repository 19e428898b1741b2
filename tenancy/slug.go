package tenancy

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/typed"
)

const (
	formerSlugFor  = 90 * 24 * time.Hour // how long a slug stays reserved after its organization gave it up
	maxFormerSlugs = 3                   // for one organization
)

// formerSlug is a slug that an organization gave up (rule O5). Until EndsAt no other organization may take it,
// so that links to it lead to this organization and to no other. A slug that an organization has now is never a
// former slug.
type formerSlug struct {
	ID             formerSlugID
	Version        int64
	Slug           string
	OrganizationID OrganizationID // may have been deleted since
	EndsAt         time.Time
}

// formerSlugID is the id of a former slug, fsl_...
type formerSlugID = ID[formerSlug]

func (formerSlug) idPrefix() string { return "fsl" }

func (f formerSlug) rowID() [16]byte { return f.ID }

// GetByFormerSlug returns the organization that gave up a slug, for a redirect to its present slug (rule O5).
// It finds an old slug for 90 days after the rename. It does not find it if the organization has given up three
// other slugs since, or has taken the old one back; then [Organizations.GetBySlug] finds it. A bound Service
// finds the organization if its user may read it. The slug of a deleted organization stays reserved, and finds
// nothing.
//
// Errors: [ErrNotFound]; [ErrInvalid] for a text that cannot be a slug.
func (g Organizations) GetByFormerSlug(ctx context.Context, slug string) (Organization, error) {
	if err := exact("slug", slug); err != nil {
		return Organization{}, explain(err, organizationsGetByFormerSlug.op, "")
	}
	return read(ctx, g.s, organizationsGetByFormerSlug, slug, func(ctx context.Context, c *call) (Organization, error) {
		former, reserved, err := c.organizations().formerSlug(ctx, slug)
		if err != nil {
			return Organization{}, err
		}
		missing := &Error{Code: ErrNotFound, Kind: organizationRows.Table.Kind, Key: slug}
		if former.ID.IsZero() {
			return Organization{}, c.access().absent(ctx, missing)
		}
		if err := c.access().authorize(ctx, scope{organization: former.OrganizationID, missing: missing}); err != nil {
			return Organization{}, err
		}
		org, err := c.tx.Organizations().Get(ctx, former.OrganizationID)
		if !reserved || CodeOf(err) == ErrNotFound { // it was deleted since
			return Organization{}, missing
		}
		return org, err
	})
}

// ReleaseSlug ends the reservation of a former slug, so that any organization can take it (rule O5). The event
// belongs to the organization that gave the slug up, even if that is deleted. Links with the slug lead to the
// organization that takes it next.
//
// Errors: [ErrNotFound] for a slug that is not reserved; [ErrInvalid] for a text that cannot be a slug.
func (g Organizations) ReleaseSlug(ctx context.Context, slug string) error {
	if err := exact("slug", slug); err != nil {
		return explain(err, organizationsReleaseSlug.op, "")
	}
	return exec(ctx, g.s, organizationsReleaseSlug, slug, func(ctx context.Context, c *call) error {
		if err := c.access().authorize(ctx, scope{}); err != nil {
			return err
		}
		if err := c.lock(ctx, lockSlug(slug)); err != nil {
			return err
		}
		former, reserved, err := c.organizations().formerSlug(ctx, slug)
		if err != nil {
			return err
		}
		if !reserved {
			return &Error{Code: ErrNotFound, Kind: formerSlugRows.Table.Kind, Key: slug}
		}
		if err := c.tx.FormerSlugs().Delete(ctx, former.ID); err != nil {
			return err
		}
		return c.record(ctx, newEvent{
			kind: EventOrganizationSlugReleased, organization: former.OrganizationID, subject: former.OrganizationID.String(),
			data: struct {
				Slug string `json:"slug"`
			}{slug},
		})
	})
}

// formerSlug finds a slug that is reserved now.
func (o organizationRules) formerSlug(ctx context.Context, slug string) (former formerSlug, reserved bool, err error) {
	found, err := o.c.tx.FormerSlugs().List(ctx, formerSlugFilter{Slug: typed.Of(slug)}, listSpan{Limit: 1})
	if err != nil || len(found) == 0 {
		return formerSlug{}, false, err
	}
	return found[0], o.c.now.Before(found[0].EndsAt), nil
}

// moveSlug updates reservations when an organization changes its slug (rule O5). It ends the organization's own
// reservation of the new slug, and reserves the old one. Either may be "". Call it before the organization is
// written, in the same transaction, under the organization's lock.
//
// No unique key covers slugs and former slugs together. So it locks both slugs.
//
// Errors: [ErrAlreadyExists] with the field "slug", as if another organization had it.
func (o organizationRules) moveSlug(ctx context.Context, id OrganizationID, from, to string) error {
	if from == to {
		return nil
	}
	var locks []store.LockKey
	for _, slug := range slices.Sorted(slices.Values([]string{from, to})) {
		if slug != "" {
			locks = append(locks, lockSlug(slug))
		}
	}
	if err := o.c.lock(ctx, locks...); err != nil {
		return err
	}
	if to != "" {
		if err := o.takeSlug(ctx, id, to); err != nil {
			return err
		}
	}
	if from != "" {
		return o.reserveSlug(ctx, id, from)
	}
	return nil
}

// takeSlug ends the reservation of a slug for the organization that takes it. The unique key of organizations
// refuses a slug that another organization has.
func (o organizationRules) takeSlug(ctx context.Context, id OrganizationID, slug string) error {
	former, reserved, err := o.formerSlug(ctx, slug)
	if err != nil || former.ID.IsZero() {
		return err
	}
	if reserved && former.OrganizationID != id {
		return &Error{Code: ErrAlreadyExists, Kind: organizationRows.Table.Kind, Field: "slug"}
	}
	return o.dropSlug(ctx, former)
}

// maxNumberedSlugs is how many slugs are tried for an organization that an invitation creates (rule I13).
const maxNumberedSlugs = 20

// freeSlug returns a slug for a new organization whose creator did not choose it. It is the wanted slug, or, if
// another organization has that, the first free one of "acme-2", "acme-3" and so on. After 20 attempts it is
// "". The caller holds the organization's lock; freeSlug takes the lock of the slug, and keeps it.
func (o organizationRules) freeSlug(ctx context.Context, wanted string) (string, error) {
	for n := 1; n <= maxNumberedSlugs && wanted != ""; n++ {
		slug := wanted
		if n > 1 {
			number := fmt.Sprintf("-%d", n)
			slug = strings.TrimRight(wanted[:min(len(wanted), maxSlug-len(number))], "-") + number
		}
		if _, err := o.c.instance.config.slug(slug); err != nil {
			continue // the host has made it a reserved name since
		}
		if err := o.c.lock(ctx, lockSlug(slug)); err != nil {
			return "", err
		}
		taken, err := o.slugTaken(ctx, slug)
		if err != nil || !taken {
			return slug, err
		}
	}
	return "", nil
}

// slugTaken reports whether an organization has a slug, or a slug is reserved for one.
func (o organizationRules) slugTaken(ctx context.Context, slug string) (bool, error) {
	n, err := o.c.tx.Organizations().Count(ctx, organizationFilter{Slug: typed.Of(slug)})
	if err != nil || n > 0 {
		return true, err
	}
	_, reserved, err := o.formerSlug(ctx, slug)
	return reserved, err
}

// dropSlug ends a reservation. It does nothing if Run or ReleaseSlug came first.
func (o organizationRules) dropSlug(ctx context.Context, former formerSlug) error {
	_, err := o.c.tx.FormerSlugs().DeleteAll(ctx, formerSlugFilter{ID: typed.Of(former.ID)})
	return err
}

// reserveSlug reserves a slug for the organization that gives it up. Beyond maxFormerSlugs it ends the
// organization's oldest reservations.
func (o organizationRules) reserveSlug(ctx context.Context, id OrganizationID, slug string) error {
	theirs, err := collect(ctx, o.c.tx.FormerSlugs(), formerSlugFilter{OrganizationID: typed.Of(id)})
	if err != nil {
		return err
	}
	slices.SortFunc(theirs, func(a, b formerSlug) int { return cmp.Or(a.EndsAt.Compare(b.EndsAt), slices.Compare(a.ID[:], b.ID[:])) })
	for _, oldest := range theirs[:max(0, len(theirs)-maxFormerSlugs+1)] {
		if err := o.dropSlug(ctx, oldest); err != nil {
			return err
		}
	}
	return o.c.tx.FormerSlugs().Insert(ctx, formerSlug{
		ID: newID(o.c, formerSlugID{}), Version: 1, Slug: slug, OrganizationID: id, EndsAt: o.c.now.Add(formerSlugFor),
	})
}

// forgetSlugs deletes former slugs that are not reserved any more, in one transaction, and returns how many.
func (g Organizations) forgetSlugs(ctx context.Context) (int, error) {
	return write(ctx, g.s, organizationsReleaseSlug, "", func(ctx context.Context, c *call) (int, error) {
		if err := c.access().authorize(ctx, scope{}); err != nil {
			return 0, err
		}
		over := formerSlugFilter{EndsBefore: c.now.Add(time.Microsecond)}
		found, err := c.tx.FormerSlugs().List(ctx, over, listSpan{Limit: sweepLimit, Order: ByDue})
		if err != nil || len(found) == 0 {
			return 0, err
		}
		ids := make([]formerSlugID, len(found))
		for i, f := range found {
			ids[i] = f.ID
		}
		return c.tx.FormerSlugs().DeleteAll(ctx, formerSlugFilter{ID: typed.Of(ids...)})
	})
}
