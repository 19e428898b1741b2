package rules

import (
	"context"
	"errors"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/tenancy"
)

func mailRules() []rule {
	return []rule{
		{"I2 U5 the Mailer sends after the commit", on(mailing)},
		{"I2 mail inside Transact goes after its end", on(mailInTransact)},
		{"I2 a Mailer that fails", on(mailFailing)},
		{"I2 no mail in a host's transaction", on(mailInHost)},
		{"I2 what OnJoin sends is mailed too", on(mailByVeto)},
	}
}

// mailbox is a Mailer that keeps what it gets, and looks whether it is committed.
type mailbox struct {
	w     *world
	sent  []tenancy.Message
	fails error
}

func (b *mailbox) Mail(ctx context.Context, m tenancy.Message) error {
	b.sent = append(b.sent, m)
	_, err := b.w.Svc.Events.Last(ctx) // not in_transaction: it is over
	b.w.NoError(err)
	found := b.w.Dump()
	b.w.NotEmpty(found.Secrets)
	return b.fails
}

func (w *world) mailbox() *mailbox {
	box := &mailbox{w: w}
	w.Svc = w.Another(func(c *tenancy.Config) {
		c.Mailer, c.Label = box, tenancy.Label{Singular: "team"}
	})
	return box
}

func mailing(w *world) {
	box := w.mailbox()
	owner := w.User("owner")
	acme := w.Owned("Acme", owner)
	ada := w.NewUser(tenancy.NewUser{Email: "ada@acme.example"})
	sent := w.InviteBy(w.Svc.As(tenancy.UserPrincipal(owner.ID)), acme, "Ada@acme.example")
	w.True(sent.Token.IsZero(), "nobody but the mailbox sees it")
	w.Len(box.sent, 1)
	m := box.sent[0]
	w.False(m.Token.IsZero())
	m.Token = tenancy.Token{}
	w.Equal(tenancy.Message{
		Kind: tenancy.MessageInvitation, To: "Ada@acme.example", ExpiresAt: sent.ExpiresAt, Subject: sent.ID.String(),
		OrganizationID: acme.ID, Organization: "Acme", Inviter: "Owner", Label: tenancy.Label{Singular: "team", Plural: "teams"},
	}, m)
	again, err := w.Svc.Invitations.Resend(w.Ctx, sent.ID)
	w.NoError(err)
	w.True(again.Token.IsZero())
	w.Len(box.sent, 2)
	w.True(box.sent[1].Again)
	_, err = w.Svc.Invitations.Accept(w.Ctx, box.sent[1].Token.Reveal(), ada.ID) // I4: it proves the mailbox
	w.NoError(err)
	w.False(w.getUser(ada.ID).EmailVerifiedAt.IsZero())

	proof, err := w.Svc.Users.ChangeEmail(w.Ctx, ada.ID, "moved@acme.example")
	w.NoError(err)
	w.True(proof.Token.IsZero())
	w.Equal(tenancy.MessageTakenOver, box.sent[2].Kind) // U11: by the invitation, just now
	w.Equal(tenancy.MessageEmailProof, box.sent[3].Kind)
	w.Equal("moved@acme.example", box.sent[3].To)
	w.NoError(w.moves(ada, tenancy.EmailProof{Token: box.sent[3].Token}))
	w.Equal(tenancy.MessageEmailChanged, box.sent[4].Kind)
	w.Equal("ada@acme.example", box.sent[4].To)
	w.True(box.sent[4].Token.IsZero())

	w.refuses(tenancy.ErrAlreadyMember, "", func() error { // what is refused mails nothing
		_, err := w.Svc.Invitations.Send(w.Ctx, servicetest.Asking(acme, owner.Email))
		return err
	})
	w.Len(box.sent, 5)
}

func mailInTransact(w *world) {
	box := w.mailbox()
	acme := w.Org("Acme")
	send := func(ctx context.Context, tx *tenancy.Service, email string) error {
		_, err := tx.Invitations.Send(ctx, servicetest.Asking(acme, email))
		return err
	}
	w.NoError(w.Svc.Transact(w.Ctx, func(ctx context.Context, tx *tenancy.Service) error {
		w.NoError(send(ctx, tx, "one@acme.example"))
		w.Error(send(ctx, tx, "one@acme.example"))
		w.NoError(tx.Transact(ctx, func(ctx context.Context, part *tenancy.Service) error { return send(ctx, part, "two@acme.example") }))
		w.Equal(servicetest.ErrStop, tx.Transact(ctx, func(ctx context.Context, part *tenancy.Service) error {
			w.NoError(send(ctx, part, "undone@acme.example"))
			return servicetest.ErrStop
		}))
		w.Empty(box.sent)
		return nil
	}))
	w.Len(box.sent, 2)
	w.Equal("one@acme.example", box.sent[0].To)
	w.Equal("two@acme.example", box.sent[1].To)
	w.Equal(servicetest.ErrStop, w.Svc.Transact(w.Ctx, func(ctx context.Context, tx *tenancy.Service) error {
		w.NoError(send(ctx, tx, "never@acme.example"))
		return servicetest.ErrStop
	}))
	w.Len(box.sent, 2)
	w.NoError(w.Svc.Import(w.Ctx, func(ctx context.Context, tx *tenancy.Service) error { return send(ctx, tx, "three@acme.example") }))
	w.Len(box.sent, 3)
}

func mailFailing(w *world) {
	box := w.mailbox()
	acme, ada := w.Org("Acme"), w.User("ada")
	box.fails = errors.New("no route to host")
	sent, err := w.Svc.Invitations.Send(w.Ctx, servicetest.Asking(acme, "one@acme.example"))
	e := w.Failed(err, tenancy.ErrMailFailed, "")
	w.ErrorIs(err, box.fails)
	w.NotContains(err.Error(), box.sent[0].Token.Reveal())
	w.Equal([]string{sent.ID.String()}, e.IDs)
	w.Equal(sent.Invitation, w.invitation(sent.ID)) // beside the stored invitation
	again, err := w.Svc.Invitations.Resend(w.Ctx, sent.ID)
	w.Failed(err, tenancy.ErrMailFailed, "")
	w.Equal(2, again.Sends)
	proof, err := w.Svc.Users.ChangeEmail(w.Ctx, ada.ID, "moved@acme.example")
	w.Failed(err, tenancy.ErrMailFailed, "")
	w.Equal("moved@acme.example", proof.Email)
	w.Equal("moved@acme.example", w.getUser(ada.ID).PendingEmail)

	err = w.Svc.Transact(w.Ctx, func(ctx context.Context, tx *tenancy.Service) error {
		for _, email := range []string{"two@acme.example", "three@acme.example"} {
			_, err := tx.Invitations.Send(ctx, servicetest.Asking(acme, email))
			w.NoError(err)
		}
		return nil
	})
	w.Len(w.Failed(err, tenancy.ErrMailFailed, "").IDs, 2)
	w.Len(w.Dump().Invitations, 3)
}

func mailInHost(w *world) {
	box := w.mailbox()
	acme, ada := w.Org("Acme"), w.User("ada")
	w.unchanged(func() {
		w.NoError(w.Store.Update(w.Ctx, func(rows store.Rows) error {
			_, in, err := w.Svc.Join(w.Ctx, servicetest.Joined{Rows: rows, Over: w.Store})
			w.NoError(err)
			_, err = in.Invitations.Send(w.Ctx, servicetest.Asking(acme, "one@acme.example"))
			w.Failed(err, tenancy.ErrInTransaction, "")
			_, err = in.Users.ChangeEmail(w.Ctx, ada.ID, "moved@acme.example")
			w.Failed(err, tenancy.ErrInTransaction, "")
			return in.Transact(w.Ctx, func(ctx context.Context, part *tenancy.Service) error {
				_, err = part.Invitations.Send(ctx, servicetest.Asking(acme, "one@acme.example"))
				w.Failed(err, tenancy.ErrInTransaction, "")
				return nil
			})
		}))
	})
	w.Empty(box.sent)
}

func mailByVeto(w *world) {
	box := &mailbox{w: w}
	w.Svc = w.Another(func(c *tenancy.Config) {
		c.Mailer = box
		c.OnJoin = func(ctx context.Context, tx *tenancy.Service, j tenancy.Join) error {
			_, err := tx.Invitations.Send(ctx, servicetest.Asking(j.Organization, "friend."+j.User.Email))
			return err
		}
	})
	w.Add(w.Org("Acme"), w.User("ada"))
	w.Len(box.sent, 1)
	w.Equal("friend.ada@acme.example", box.sent[0].To)
}
