package tenancy

import (
	"time"

	"github.com/freehold-dev/freehold/store/typed"
)

// mailboxProofFilter selects proofs. The fields are combined with and.
type mailboxProofFilter struct {
	ID        typed.In[mailboxProofID]
	Link      typed.In[string]
	Address   typed.In[string]
	OpenFor   typed.In[string] // see mailboxProof.openFor
	DueBefore time.Time        // ExpiresAt before this instant
}

// mailboxProofRows describes the row of a proof.
var mailboxProofRows = typed.Describe[mailboxProof, mailboxProofFilter](
	"tenancy_mailbox_proofs", "mailbox proof",
	typed.ID("id", func(v *mailboxProof) *mailboxProofID { return &v.ID }),
	typed.Integer("version", func(v *mailboxProof) *int64 { return &v.Version }),
	typed.Text("handle", func(v *mailboxProof) *string { return &v.Handle }),
	typed.Text("link", func(v *mailboxProof) *string { return &v.Link }),
	typed.Text("code", func(v *mailboxProof) *string { return &v.Code }).OrNull(),
	typed.Text("email", func(v *mailboxProof) *string { return &v.Email }).OrNull(),
	typed.Text("address", func(v *mailboxProof) *string { return &v.Address }),
	typed.Text("client", func(v *mailboxProof) *string { return &v.Client }),
	typed.Integer("tries", func(v *mailboxProof) *int { return &v.Tries }),
	typed.Moment("ended_at", func(v *mailboxProof) *time.Time { return &v.EndedAt }),
	typed.Instant("expires_at", func(v *mailboxProof) *time.Time { return &v.ExpiresAt }),
	typed.Instant("created_at", func(v *mailboxProof) *time.Time { return &v.CreatedAt }),
	typed.Derived("open_for", func(v *mailboxProof) string { return v.openFor() }).OrNull(),
).
	Unique("link", "link").
	Index("address").
	Index("open_for").WhileSet("open_for").
	Index("expires_at").Order(typed.Order(ByDue), "expires_at").
	Where(func(c *typed.Conds, f mailboxProofFilter) {
		typed.OneID(c, "id", f.ID)
		typed.OneText(c, "link", f.Link)
		typed.OneText(c, "address", f.Address)
		typed.OneText(c, "open_for", f.OpenFor)
		typed.Before(c, "expires_at", f.DueBefore)
	})

func (t *txn) MailboxProofs() table[mailboxProof, mailboxProofFilter] {
	return bind(t, mailboxProofRows)
}

// proofCountFilter selects counters. The fields are combined with and.
type proofCountFilter struct {
	ID        typed.In[proofCountID]
	DueBefore time.Time // EndsAt before this instant
}

// proofCountRows describes the row of a counter.
var proofCountRows = typed.Describe[proofCount, proofCountFilter](
	"tenancy_proof_counts", "proof count",
	typed.ID("id", func(v *proofCount) *proofCountID { return &v.ID }),
	typed.Integer("version", func(v *proofCount) *int64 { return &v.Version }),
	typed.Text("kind", func(v *proofCount) *proofCountKind { return &v.Kind }),
	typed.Integer("count", func(v *proofCount) *int { return &v.Count }),
	typed.Instant("ends_at", func(v *proofCount) *time.Time { return &v.EndsAt }),
).
	Index("ends_at").Order(typed.Order(ByDue), "ends_at").
	Where(func(c *typed.Conds, f proofCountFilter) {
		typed.OneID(c, "id", f.ID)
		typed.Before(c, "ends_at", f.DueBefore)
	})

func (t *txn) ProofCounts() table[proofCount, proofCountFilter] { return bind(t, proofCountRows) }
