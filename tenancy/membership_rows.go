package tenancy

import (
	"time"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/typed"
)

// membershipFilter selects memberships. The fields are combined with and.
type membershipFilter struct {
	ID             typed.In[MembershipID]
	OrganizationID typed.In[OrganizationID]
	UserID         typed.In[UserID]
	Status         typed.In[MembershipStatus]
	UserSuspended  typed.In[bool]
	InvitationID   typed.In[InvitationID]
	EmailKey       typed.In[string]
	Named          typed.In[bool] // whether it has a DisplayName
	NamePrefix     string         // of NameKey
	EmailPrefix    string         // of EmailKey
	Word           int            // which of the words WordPrefix is about, from 0
	WordPrefix     string         // of that word
	Worded         typed.In[bool] // whether its words have been written
}

// membershipRows describes the row of a membership.
var membershipRows = typed.Describe[Membership, membershipFilter](
	"tenancy_memberships", "membership",
	typed.ID("id", func(v *Membership) *MembershipID { return &v.ID }),
	typed.Integer("version", func(v *Membership) *int64 { return &v.Version }),
	typed.ID("organization_id", func(v *Membership) *OrganizationID { return &v.OrganizationID }).References(organizationRows.Table),
	typed.ID("user_id", func(v *Membership) *UserID { return &v.UserID }).References(userRows.Table),
	typed.Text("status", func(v *Membership) *MembershipStatus { return &v.Status }),
	typed.Text("display_name", func(v *Membership) *string { return &v.DisplayName }).OrNull(),
	typed.Dictionary("attributes", func(v *Membership) *map[string]string { return &v.Attributes }),
	typed.Dictionary("metadata", func(v *Membership) *map[string]string { return &v.Metadata }),
	typed.Text("joined_via", func(v *Membership) *JoinedVia { return &v.JoinedVia }),
	typed.Instant("joined_at", func(v *Membership) *time.Time { return &v.JoinedAt }),
	typed.Moment("last_sign_in_at", func(v *Membership) *time.Time { return &v.LastSignInAt }),
	typed.Instant("created_at", func(v *Membership) *time.Time { return &v.CreatedAt }),
	typed.Instant("updated_at", func(v *Membership) *time.Time { return &v.UpdatedAt }),
	typed.Text("name_key", func(v *Membership) *string { return &v.NameKey }),
	typed.Text("email_key", func(v *Membership) *string { return &v.EmailKey }),
	typed.ID("inviter_id", func(v *Membership) *UserID { return &v.InviterID }).OrNull(),
	typed.ID("invitation_id", func(v *Membership) *InvitationID { return &v.InvitationID }).OrNull(),
	typed.Moment("expires_at", func(v *Membership) *time.Time { return &v.ExpiresAt }),
	typed.Moment("deactivated_at", func(v *Membership) *time.Time { return &v.DeactivatedAt }),
	typed.Flag("user_suspended", func(v *Membership) *bool { return &v.UserSuspended }).OrNull(),
	typed.Filled[Membership](wordColumns[0]), typed.Filled[Membership](wordColumns[1]), typed.Filled[Membership](wordColumns[2]),
	typed.Filled[Membership](wordColumns[3]), typed.Filled[Membership](wordColumns[4]), typed.Filled[Membership](wordColumns[5]),
).
	Unique("user_id", "organization_id", "user_id").
	Index("invitation_id").WhileSet("invitation_id").
	Index("organization_id").WhileSet("user_suspended").
	Index("user_id", "status").
	Index("organization_id", "status").
	Index("organization_id", "status", "name_key").Order(typed.Order(ByName), "name_key").
	Index("organization_id", "status", "email_key").Order(typed.Order(ByEmail), "email_key").
	Index("organization_id", "status", "joined_at").Order(typed.Order(ByJoined), "joined_at").
	Index().WhileNull(wordColumns[0]).
	Index("organization_id", wordColumns[0]).WhileSet(wordColumns[0]).Order(typed.Order(byWord), wordColumns[0]).
	Index("organization_id", wordColumns[1]).WhileSet(wordColumns[1]).Order(typed.Order(byWord+1), wordColumns[1]).
	Index("organization_id", wordColumns[2]).WhileSet(wordColumns[2]).Order(typed.Order(byWord+2), wordColumns[2]).
	Index("organization_id", wordColumns[3]).WhileSet(wordColumns[3]).Order(typed.Order(byWord+3), wordColumns[3]).
	Index("organization_id", wordColumns[4]).WhileSet(wordColumns[4]).Order(typed.Order(byWord+4), wordColumns[4]).
	Index("organization_id", wordColumns[5]).WhileSet(wordColumns[5]).Order(typed.Order(byWord+5), wordColumns[5]).
	Touch("last_sign_in_at").
	Fill(func(v *Membership, row store.Row) {
		for i, word := range indexWords(v.NameKey, v.EmailKey) { // the last columns
			row[len(row)-memberWords+i] = store.Value{Text: word, Null: word == ""}
		}
	}).
	Where(func(c *typed.Conds, f membershipFilter) {
		typed.OneID(c, "id", f.ID)
		typed.OneID(c, "organization_id", f.OrganizationID)
		typed.OneID(c, "user_id", f.UserID)
		typed.OneText(c, "status", orEvery(f.Status, f.OrganizationID.IsSet() != f.UserID.IsSet(), MembershipActive, MembershipInactive, MembershipPending))
		typed.Present(c, "user_suspended", f.UserSuspended)
		typed.OneID(c, "invitation_id", f.InvitationID)
		typed.OneText(c, "email_key", addresses(f.EmailKey))
		typed.Present(c, "display_name", f.Named)
		typed.Begins(c, "name_key", f.NamePrefix)
		typed.Begins(c, "email_key", f.EmailPrefix)
		typed.Begins(c, wordColumns[f.Word], f.WordPrefix)
		typed.Present(c, wordColumns[0], f.Worded)
	})

func (t *txn) Memberships() table[Membership, membershipFilter] { return bind(t, membershipRows) }
