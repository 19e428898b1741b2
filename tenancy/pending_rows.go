package tenancy

import (
	"time"

	"github.com/freehold-dev/freehold/store/typed"
)

// pendingSignInFilter selects pending sign-ins. The fields are combined with and.
type pendingSignInFilter struct {
	ID        typed.In[pendingSignInID]
	UserID    typed.In[UserID]
	EmailKey  typed.In[string]
	DueBefore time.Time // ExpiresAt before this instant
}

// pendingSignInRows describes the row of a pending sign-in.
var pendingSignInRows = typed.Describe[pendingSignIn, pendingSignInFilter](
	"tenancy_pending_sign_ins", "pending_sign_in",
	typed.ID("id", func(v *pendingSignIn) *pendingSignInID { return &v.ID }),
	typed.Integer("version", func(v *pendingSignIn) *int64 { return &v.Version }),
	typed.Text("hash", func(v *pendingSignIn) *string { return &v.Hash }),
	typed.ID("user_id", func(v *pendingSignIn) *UserID { return &v.UserID }).OrNull().References(userRows.Table),
	typed.Text("email_key", func(v *pendingSignIn) *string { return &v.EmailKey }).OrNull(),
	typed.Object("evidence", storeProvedEvidence, loadProvedEvidence),
	typed.Object("wishes", storeKeptWishes, loadKeptWishes),
	typed.Integer("failures", func(v *pendingSignIn) *int { return &v.Failures }),
	typed.Instant("expires_at", func(v *pendingSignIn) *time.Time { return &v.ExpiresAt }),
	typed.Instant("created_at", func(v *pendingSignIn) *time.Time { return &v.CreatedAt }),
).
	Unique("hash", "hash").
	Index("user_id").WhileSet("user_id").
	Index("email_key").WhileSet("email_key").
	Index("expires_at").Order(typed.Order(ByDue), "expires_at").
	Where(func(c *typed.Conds, f pendingSignInFilter) {
		typed.OneID(c, "id", f.ID)
		typed.OneID(c, "user_id", f.UserID)
		typed.OneText(c, "email_key", f.EmailKey)
		typed.Before(c, "expires_at", f.DueBefore)
	})

// storedEvidence is the form of a pending sign-in's evidence in its column.
type storedEvidence struct {
	Method          SignInMethod `json:"method"`
	Credential      bool         `json:"credential,omitempty"`
	ConnectionID    string       `json:"connection_id,omitempty"`
	ConnectionEpoch int64        `json:"connection_epoch,omitempty"`
	SessionsEpoch   int64        `json:"sessions_epoch,omitempty"`
	IdentityID      string       `json:"identity_id,omitempty"`
	Subject         string       `json:"subject,omitempty"`
	Email           string       `json:"email,omitempty"`
	Vouched         bool         `json:"vouched,omitempty"`
	Mailbox         string       `json:"mailbox,omitempty"`
	SecondFactor    bool         `json:"second_factor,omitempty"`
	Groups          []string     `json:"groups"` // null: the provider asserted none; []: the person is in none
	GivenName       string       `json:"given_name,omitempty"`
	FamilyName      string       `json:"family_name,omitempty"`
	DisplayName     string       `json:"display_name,omitempty"`
	Picture         string       `json:"picture,omitempty"`
	Locale          string       `json:"locale,omitempty"`
}

func storeProvedEvidence(v *pendingSignIn) storedEvidence {
	e := v.Evidence
	return storedEvidence{
		Method: e.method, Credential: e.credential, ConnectionID: e.connection.String(), ConnectionEpoch: e.epoch,
		SessionsEpoch: v.SessionsEpoch, IdentityID: v.IdentityID.String(), Subject: e.subject, Email: e.email, Vouched: e.vouched,
		Mailbox: e.mailbox, SecondFactor: e.secondFactor, Groups: e.groups,
		GivenName: e.profile.GivenName, FamilyName: e.profile.FamilyName, DisplayName: e.profile.DisplayName,
		Picture: e.profile.Picture, Locale: e.profile.Locale,
	}
}

func loadProvedEvidence(v *pendingSignIn, e storedEvidence) {
	v.Evidence = Evidence{
		method: e.Method, credential: e.Credential, epoch: e.ConnectionEpoch, subject: e.Subject, email: e.Email, vouched: e.Vouched,
		mailbox: e.Mailbox, secondFactor: e.SecondFactor, groups: e.Groups,
		profile: Profile{e.GivenName, e.FamilyName, e.DisplayName, e.Picture, e.Locale},
	}
	v.SessionsEpoch = e.SessionsEpoch
	v.Evidence.connection, _ = ParseID[Connection](e.ConnectionID) // only the store wrote it; "" is the zero id
	v.IdentityID, _ = ParseID[Identity](e.IdentityID)
}

// storedWishes is the form of what the person wants in its column.
type storedWishes struct {
	OrganizationID string `json:"organization_id,omitempty"`
	Invitation     string `json:"invitation,omitempty"`
	Note           string `json:"note,omitempty"`
}

func storeKeptWishes(v *pendingSignIn) storedWishes {
	return storedWishes{v.OrganizationID.String(), v.Invitation.String(), v.Note}
}

func loadKeptWishes(v *pendingSignIn, w storedWishes) {
	v.Note = w.Note
	v.OrganizationID, _ = ParseID[Organization](w.OrganizationID) // only the store wrote it; "" is the zero id
	v.Invitation, _ = ParseID[storedSecret](w.Invitation)
}

func (t *txn) PendingSignIns() table[pendingSignIn, pendingSignInFilter] {
	return bind(t, pendingSignInRows)
}
