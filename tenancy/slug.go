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
	formerSlugFor  = 90 * 24 * time.Hour // how long a slug that was given up is reserved
	maxFormerSlugs = 3                   // of one organization
)

// formerSlug is a slug that an organization gave up (rule O5). Until EndsAt no other organization
// may take it: links to it lead to the organization, and to nobody else. A slug that an
// organization has is nobody's former one.
type formerSlug struct {
	ID             formerSlugID
	Version        int64
	Slug           string
	OrganizationID OrganizationID // which may be deleted since
	EndsAt         time.Time
}

// formerSlugID is the id of a former slug, fsl_...
type formerSlugID = ID[formerSlug]

func (formerSlug) idPrefix() string { return "fsl" }

func (f formerSlug) rowID() [16]byte { return f.ID }

// GetByFormerSlug gives the organization that gave up a slug, for a redirect to the one that it has
// now (rule O5). For 90 days after a rename the old slug finds it, unless the organization has
// given up three others since, or took it back: then [Organizations.GetBySlug] does. A
// Service that is bound to somebody who may read the organization finds it, too. What a deleted
// organization had stays reserved and finds nothing.
//
// Errors: [ErrNotFound]; [ErrInvalid] for what nobody could have.
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
		if !reserved || CodeOf(err) == ErrNotFound { // deleted since
			return Organization{}, missing
		}
		return org, err
	})
}

// ReleaseSlug lets everybody take a slug that is reserved for the organization which gave it up
// (rule O5), with an event of that organization, deleted or not. Links to it lead to the organization
// that takes it next.
//
// Errors: [ErrNotFound] for a slug that is not reserved; [ErrInvalid] for what nobody could have.
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

// moveSlug is called before an organization that had one slug is written with another, and in the same
// transaction, under the lock of the organization. It takes what is reserved for the organization,
// and reserves what it gives up (rule O5). Either may be "".
//
// No unique key spans slugs and former slugs. So who takes a slug and who gives it up lock it.
//
// Errors: [ErrAlreadyExists] with the field "slug", as where another organization has it.
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

// takeSlug ends the reservation of a slug for the organization that takes it. The unique key of
// organizations refuses a slug that another one has.
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

// maxNumberedSlugs is how many slugs a founding invitation tries (rule I13).
const maxNumberedSlugs = 20

// freeSlug is a slug for an organization that somebody founds who did not choose it: the one wanted or,
// where another organization has it, the first that is free of "acme-2", "acme-3" and so on. It
// is "" after 20. The caller has the organization's lock, and has the lock of the slug afterwards.
func (o organizationRules) freeSlug(ctx context.Context, wanted string) (string, error) {
	for n := 1; n <= maxNumberedSlugs && wanted != ""; n++ {
		slug := wanted
		if n > 1 {
			number := fmt.Sprintf("-%d", n)
			slug = strings.TrimRight(wanted[:min(len(wanted), maxSlug-len(number))], "-") + number
		}
		if _, err := o.c.instance.config.slug(slug); err != nil {
			continue // the host has reserved it since
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

// slugTaken reports whether an organization has a slug, or it is reserved for one.
func (o organizationRules) slugTaken(ctx context.Context, slug string) (bool, error) {
	n, err := o.c.tx.Organizations().Count(ctx, organizationFilter{Slug: typed.Of(slug)})
	if err != nil || n > 0 {
		return true, err
	}
	_, reserved, err := o.formerSlug(ctx, slug)
	return reserved, err
}

// dropSlug ends a reservation, unless Run or ReleaseSlug came first.
func (o organizationRules) dropSlug(ctx context.Context, former formerSlug) error {
	_, err := o.c.tx.FormerSlugs().DeleteAll(ctx, formerSlugFilter{ID: typed.Of(former.ID)})
	return err
}

// reserveSlug reserves a slug for the organization that gives it up, and lets the oldest go of more
// than it may have.
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

// forgetSlugs is one transaction that removes former slugs which are reserved no longer. It
// returns how many it removed.
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
