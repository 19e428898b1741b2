package tenancy

import (
	"time"

	"github.com/freehold-dev/freehold/store/typed"
)

// sentMailFilter selects records of sent mails. The fields are combined with and.
type sentMailFilter struct {
	ID         typed.In[sentMailID]
	Scope      typed.In[string]
	Address    typed.In[string]
	Kind       typed.In[MessageKind]
	SentAfter  time.Time // SentAt after this instant
	SentBefore time.Time // SentAt before this instant
}

// sentMailRows describes the row of a sent mail.
var sentMailRows = typed.Describe[sentMail, sentMailFilter](
	"tenancy_mails", "mail",
	typed.ID("id", func(v *sentMail) *sentMailID { return &v.ID }),
	typed.Integer("version", func(v *sentMail) *int64 { return &v.Version }),
	typed.Text("scope", func(v *sentMail) *string { return &v.Scope }),
	typed.Text("address", func(v *sentMail) *string { return &v.Address }),
	typed.Text("kind", func(v *sentMail) *MessageKind { return &v.Kind }),
	typed.Instant("sent_at", func(v *sentMail) *time.Time { return &v.SentAt }),
).
	Index("address").
	Index("scope").
	Index("sent_at").Order(typed.Order(ByDue), "sent_at").
	Where(func(c *typed.Conds, f sentMailFilter) {
		typed.OneID(c, "id", f.ID)
		typed.OneText(c, "scope", f.Scope)
		typed.OneText(c, "address", f.Address)
		typed.OneText(c, "kind", f.Kind)
		typed.After(c, "sent_at", f.SentAfter)
		typed.Before(c, "sent_at", f.SentBefore)
	})

func (t *txn) SentMails() table[sentMail, sentMailFilter] { return bind(t, sentMailRows) }
