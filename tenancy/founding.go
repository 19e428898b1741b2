package tenancy

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/freehold-dev/freehold/store/typed"
)

// foundingsFor is the time over which foundings are counted, including organizations that were deleted
// (rule O6).
const foundingsFor = 24 * time.Hour

// founding is the row of an organization that a person made for themselves (rule O6). Organizations that
// the host makes have none. If the organization is deleted within a day, the row stays; otherwise a
// deletion would make room for a new one. It is deleted when the person founds another organization after
// that day.
type founding struct {
	ID        foundingID // the same as the organization's
	Version   int64
	UserID    UserID
	FoundedAt time.Time
	EndsAt    time.Time // when a deleted organization stops counting; zero: it exists
}

// foundingID is the id of an organization, as the id of its founding; its text begins with fnd_.
type foundingID = ID[founding]

func (founding) idPrefix() string { return "fnd" }

func (f founding) rowID() [16]byte { return f.ID }

// admitFounding counts one more organization that a person makes for themselves. It refuses if they have as
// many as they may, or have made as many in a day. The caller holds their lock.
//
// Errors: [ErrInvalid] with the field "organizations" if they have as many, [ErrRateLimited] with the same
// field if they have made as many.
func (o organizationRules) admitFounding(ctx context.Context, id OrganizationID, user UserID) error {
	own := foundingFilter{UserID: typed.Of(user)}
	over := own
	over.EndsBefore = o.c.now.Add(time.Microsecond)
	if _, err := o.c.tx.Foundings().DeleteAll(ctx, over); err != nil {
		return err
	}
	all, err := collect(ctx, o.c.tx.Foundings(), own)
	if err != nil {
		return err
	}
	most := o.c.instance.config.Limits.UserOrganizations
	exist, made := 0, []time.Time(nil)
	for _, f := range all {
		if f.EndsAt.IsZero() {
			exist++
		}
		if f.FoundedAt.After(o.c.now.Add(-foundingsFor)) {
			made = append(made, f.FoundedAt)
		}
	}
	if exist >= most {
		return invalid("organizations", fmt.Sprintf("are %d already, at most %d", exist, most))
	}
	slices.SortFunc(made, time.Time.Compare)
	if until := roomAt(made, most, foundingsFor); o.c.now.Before(until) {
		return rateLimited("organizations", until.Sub(o.c.now))
	}
	return o.c.tx.Foundings().Insert(ctx, founding{ID: foundingID(id), Version: 1, UserID: user, FoundedAt: o.c.now})
}

// endFounding makes a deleted organization count for the rest of its first day.
func (o organizationRules) endFounding(ctx context.Context, id OrganizationID) error {
	f, err := o.c.tx.Foundings().Get(ctx, foundingID(id))
	switch {
	case CodeOf(err) == ErrNotFound:
		return nil
	case err != nil:
		return err
	}
	if f.EndsAt = f.FoundedAt.Add(foundingsFor); !o.c.now.Before(f.EndsAt) {
		return o.c.tx.Foundings().Delete(ctx, f.ID)
	}
	f.Version++
	return o.c.tx.Foundings().Update(ctx, f)
}

// moveFoundings moves the foundings of a user to the user into whom they are merged.
func (o organizationRules) moveFoundings(ctx context.Context, from, into UserID) error {
	return walk(ctx, o.c.tx.Foundings(), foundingFilter{UserID: typed.Of(from)}, func(f founding) error {
		f.UserID = into
		f.Version++
		return o.c.tx.Foundings().Update(ctx, f)
	})
}

// foundFor makes an organization as a part of this call, by another Service, with a user as its owner. It
// returns their membership.
func (c *call) foundFor(ctx context.Context, by *Service, in NewOrganization, owner User) (Member, error) {
	in.Owner = owner.ID
	part := *c
	part.service, part.method, part.held = by, organizationsCreate, nil
	org, err := part.organizations().createOrganization(ctx, in)
	c.denied, c.mail, c.declared = part.denied, part.mail, part.declared
	if err != nil {
		return Member{}, err
	}
	m, err := c.members().get(ctx, org.ID, owner.ID)
	if err != nil {
		return Member{}, err
	}
	members, err := c.members().views(ctx, []Membership{m}, []Organization{org}, []User{owner})
	if err != nil {
		return Member{}, err
	}
	return members[0], nil
}
