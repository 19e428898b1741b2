package tenancy

import (
	"context"
	"slices"

	"github.com/freehold-dev/freehold/store/typed"
)

// memberAddress is an address that a user had proved while they were a member of an organization, without its
// "+" tag (rules M5, M6). While the user is inactive there, or has a record of a removal, no other account with
// this address gets in by a way that asks nobody in the organization: it belongs to the same person. The
// address of an active member keeps nobody out.
type memberAddress struct {
	ID             memberAddressID
	Version        int64
	OrganizationID OrganizationID
	UserID         UserID
	EmailKey       string // canonical, without its tag
}

// memberAddressID is the id of a recorded address, mad_...
type memberAddressID = ID[memberAddress]

func (memberAddress) idPrefix() string { return "mad" }

func (a memberAddress) rowID() [16]byte { return a.ID }

// maxMemberAddresses is how many addresses of one user an organization keeps.
const maxMemberAddresses = 10

// memberAddressFilter selects recorded addresses. The fields are combined with and.
type memberAddressFilter struct {
	OrganizationID typed.In[OrganizationID]
	UserID         typed.In[UserID]
	EmailKey       typed.In[string]
}

// memberAddressRows describes the row of a recorded address. It names its user without a foreign key: the
// address of a removed user outlives the user, and is deleted when they are erased.
var memberAddressRows = typed.Describe[memberAddress, memberAddressFilter](
	"tenancy_member_addresses", "member address",
	typed.ID("id", func(v *memberAddress) *memberAddressID { return &v.ID }),
	typed.Integer("version", func(v *memberAddress) *int64 { return &v.Version }),
	typed.ID("organization_id", func(v *memberAddress) *OrganizationID { return &v.OrganizationID }).References(organizationRows.Table),
	typed.ID("user_id", func(v *memberAddress) *UserID { return &v.UserID }),
	typed.Text("email_key", func(v *memberAddress) *string { return &v.EmailKey }),
).
	Unique("address", "organization_id", "user_id", "email_key").
	Index("organization_id").
	Index("organization_id", "user_id").
	Index("organization_id", "email_key").
	Index("user_id").
	Index("email_key").
	Where(func(c *typed.Conds, f memberAddressFilter) {
		typed.OneID(c, "organization_id", f.OrganizationID)
		typed.OneID(c, "user_id", f.UserID)
		typed.OneText(c, "email_key", addresses(f.EmailKey))
	})

func (t *txn) MemberAddresses() table[memberAddress, memberAddressFilter] {
	return bind(t, memberAddressRows)
}

// proved returns the address that a user has proved, without its "+" tag. It returns none for an unproved
// address, because anybody can give an address that is not theirs.
func (u User) proved() []string {
	if u.EmailVerifiedAt.IsZero() {
		return nil
	}
	return []string{untagged(u.EmailKey)}
}

// keepAddress records the address of a user who becomes inactive, is removed or leaves.
func (rm removalRules) keepAddress(ctx context.Context, id OrganizationID, user User) error {
	if len(user.proved()) == 0 {
		return nil
	}
	theirs := memberAddressFilter{OrganizationID: typed.Of(id), UserID: typed.Of(user.ID)}
	held, err := collect(ctx, rm.c.tx.MemberAddresses(), theirs)
	if err != nil {
		return err
	}
	return rm.keepAddresses(ctx, id, user.ID, held, true, user.proved())
}

// keepAddressOf does keepAddress for a member.
func (rm removalRules) keepAddressOf(ctx context.Context, m Membership) error {
	user, err := rm.c.tx.Users().Get(ctx, m.UserID)
	if err != nil {
		return err
	}
	return rm.keepAddress(ctx, m.OrganizationID, user)
}

// keepAddresses records addresses of a user in an organization, in addition to those held. If there are too
// many, it deletes the oldest ones, or, if oldest is false, adds none.
func (rm removalRules) keepAddresses(ctx context.Context, id OrganizationID, user UserID, held []memberAddress, oldest bool, keys []string) error {
	for _, key := range keys {
		if slices.ContainsFunc(held, func(a memberAddress) bool { return a.EmailKey == key }) {
			continue
		}
		for len(held) >= maxMemberAddresses {
			if !oldest {
				return nil
			}
			if err := rm.c.tx.MemberAddresses().Delete(ctx, held[0].ID); err != nil {
				return err
			}
			held = held[1:]
		}
		a := memberAddress{ID: rm.c.instance.config.NewID(), Version: 1, OrganizationID: id, UserID: user, EmailKey: key}
		if err := rm.c.tx.MemberAddresses().Insert(ctx, a); err != nil {
			return err
		}
		held = append(held, a)
	}
	return nil
}

// addressMoved records an address that a user has proved and gives up, and one that they prove. For an active
// member, a first proof need not be recorded: that happens when they leave. The caller holds the user's lock,
// which protects all records about the user.
func (rm removalRules) addressMoved(ctx context.Context, before, after User) error {
	had, has := before.proved(), after.proved()
	if slices.Equal(had, has) {
		return nil
	}
	return rm.noteAddresses(ctx, after.ID, len(had) > 0, slices.Concat(had, has))
}

// noteAddresses records addresses of a user in every organization where they are inactive or have a record of a
// removal, and, if active is true, also where they are an active member. A user who is kept out cannot push out
// the addresses that keep them out.
func (rm removalRules) noteAddresses(ctx context.Context, user UserID, active bool, keys []string) error {
	states := []MembershipStatus{MembershipInactive}
	if active {
		states = append(states, MembershipActive)
	}
	members, err := collect(ctx, rm.c.tx.Memberships(), membershipFilter{UserID: typed.Of(user), Status: typed.Of(states...)})
	if err != nil {
		return err
	}
	gone, err := collect(ctx, rm.c.tx.Removals(), removalFilter{UserID: typed.Of(user)})
	if err != nil || len(members)+len(gone) == 0 {
		return err
	}
	all, err := collect(ctx, rm.c.tx.MemberAddresses(), memberAddressFilter{UserID: typed.Of(user)})
	if err != nil {
		return err
	}
	held := map[OrganizationID][]memberAddress{}
	for _, a := range all {
		held[a.OrganizationID] = append(held[a.OrganizationID], a)
	}
	for _, m := range members {
		if err := rm.keepAddresses(ctx, m.OrganizationID, user, held[m.OrganizationID], m.Status == MembershipActive, keys); err != nil {
			return err
		}
	}
	for _, r := range gone {
		if err := rm.keepAddresses(ctx, r.OrganizationID, user, held[r.OrganizationID], false, keys); err != nil {
			return err
		}
	}
	return nil
}

// moveAddresses moves the recorded addresses of a user to the user that they are merged into, and records the
// present addresses of both. The memberships and removals have been moved before.
func (rm removalRules) moveAddresses(ctx context.Context, from, into User) error {
	all, err := collect(ctx, rm.c.tx.MemberAddresses(), memberAddressFilter{UserID: typed.Of(from.ID, into.ID)})
	if err != nil {
		return err
	}
	type place struct {
		organization OrganizationID
		key          string
	}
	has := map[place]bool{}
	for _, a := range all {
		has[place{a.OrganizationID, a.EmailKey}] = has[place{a.OrganizationID, a.EmailKey}] || a.UserID == into.ID
	}
	for _, a := range all {
		switch {
		case a.UserID == into.ID:
			continue
		case has[place{a.OrganizationID, a.EmailKey}]:
			err = rm.c.tx.MemberAddresses().Delete(ctx, a.ID)
		default:
			a.UserID = into.ID
			a.Version++
			err = rm.c.tx.MemberAddresses().Update(ctx, a)
		}
		if err != nil {
			return err
		}
	}
	return rm.noteAddresses(ctx, into.ID, true, slices.Concat(from.proved(), into.proved()))
}

// dropAddresses deletes the recorded addresses of a user who is deleted, in the organizations where they were a
// member. In organizations that had removed them before, the addresses stay.
func (rm removalRules) dropAddresses(ctx context.Context, user UserID, members []Membership) error {
	var ids []OrganizationID
	for _, m := range members {
		if m.Status != MembershipPending {
			ids = append(ids, m.OrganizationID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	_, err := rm.c.tx.MemberAddresses().DeleteAll(ctx, memberAddressFilter{OrganizationID: typed.Of(ids...), UserID: typed.Of(user)})
	return err
}

// eraseAddresses deletes the recorded addresses of people who are erased. For users who do not exist any more,
// it deletes all records that have these addresses (rule U7).
func (rm removalRules) eraseAddresses(ctx context.Context, addresses []string, people ...UserID) error {
	if _, err := rm.c.tx.MemberAddresses().DeleteAll(ctx, memberAddressFilter{UserID: typed.Of(people...)}); err != nil || len(addresses) == 0 {
		return err
	}
	keys := make([]string, len(addresses))
	for i, key := range addresses {
		keys[i] = untagged(key)
	}
	others, err := collect(ctx, rm.c.tx.MemberAddresses(), memberAddressFilter{EmailKey: typed.Of(keys...)})
	if err != nil {
		return err
	}
	for _, a := range others {
		switch _, err := rm.c.tx.Users().Get(ctx, a.UserID); CodeOf(err) {
		case "": // it belongs to another user, who still exists
			continue
		case ErrNotFound:
		default:
			return err
		}
		if err := rm.forgetPerson(ctx, a.OrganizationID, a.UserID); err != nil {
			return err
		}
	}
	return nil
}

// forgetPerson deletes the records about users in an organization where they are not members.
func (rm removalRules) forgetPerson(ctx context.Context, id OrganizationID, people ...UserID) error {
	if _, err := rm.c.tx.Removals().DeleteAll(ctx, removalFilter{OrganizationID: typed.Of(id), UserID: typed.Of(people...)}); err != nil {
		return err
	}
	_, err := rm.c.tx.MemberAddresses().DeleteAll(ctx, memberAddressFilter{OrganizationID: typed.Of(id), UserID: typed.Of(people...)})
	return err
}
