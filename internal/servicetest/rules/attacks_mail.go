package rules

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/tenancy"
)

// mailLimitRules are about how many mails an address gets (rule I12).
func mailLimitRules() []rule {
	return []rule{
		{"I12 attack: a thousand mails by one invitation that is sent again and again", on(mailedAgain)},
		{"I12 attack: a thousand mails by inviting and revoking", on(mailedAndRevoked)},
		{"I12 attack: many organizations mail one address", on(mailedByMany)},
		{"I12 attack: a thousand mails by asking for proofs of a stranger's address", on(provedAgain)},
		{"I12 attack: two strangers use up an address's mails of the day", on(mailsUsedUp)},
		{"I12 attack: a mail that waits is sent again and again", on(waitingAgain)},
		{"I12 attack: deleting organizations makes room for more mails", on(mailedAndDeleted)},
		{"I12 attack: a notice is kept back by mailing the address first", on(noticeKeptBack)},
		{"I12 U11 at most 10 notices of one account a day", on(noticesCounted)},
		{"I12 a mail that waits", on(mailWaits)},
		{"I12 a mail that waits goes only as it could be sent", on(mailWaitsNoMore)},
		{"I12 without a Mailer nothing waits", on(nothingWaits)},
		{"I12 the host counts more", on(hostCounts)},
		{"I12 U7 erased: what was counted of a person", on(countsErased)},
	}
}

// limited gives w the limits on mails that a host has, and a mailbox.
func (w *world) limited() *mailbox {
	w.Config.MailEvery, w.Config.Limits.Mails, w.Config.Limits.AddressMails = 0, 0, 0
	return w.mailbox()
}

const victim = "victim@elsewhere.example"

// tooOften checks a refusal for having been too often, and how long it says to wait.
func (w *world) tooOften(wait time.Duration, call func() error) {
	w.T.Helper()
	e := w.refuses(tenancy.ErrRateLimited, "email", call)
	w.Equal(wait, e.RetryAfter)
}

func mailedAgain(w *world) {
	box := w.limited()
	sent := w.Invite(w.Org("Acme"), victim)
	again := func() error { _, err := w.Svc.Invitations.Resend(w.Ctx, sent.ID); return err }
	for range 1000 {
		w.Failed(again(), tenancy.ErrRateLimited, "email")
	}
	w.tooOften(time.Minute, again)
	for i := range 1000 {
		w.Clock.Advance(time.Minute)
		w.Equal(i < 9, again() == nil, i)
	}
	w.Len(box.sent, 10)
	w.tooOften(servicetest.Month-1000*time.Minute, again)
	w.Clock.Advance(servicetest.Month - 1000*time.Minute)
	w.NoError(again())
	w.tooOften(time.Minute, again)
}

func mailedAndRevoked(w *world) {
	box := w.limited()
	acme := w.Org("Acme")
	for range 1000 {
		sent, err := w.Svc.Invitations.Send(w.Ctx, servicetest.Asking(acme, victim))
		if err == nil {
			_, err = w.Svc.Invitations.Revoke(w.Ctx, sent.ID)
			w.NoError(err)
		}
		w.Clock.Advance(time.Minute)
	}
	w.Len(box.sent, 10)
	w.Invite(acme, "another@elsewhere.example") // another address is another count
	w.Invite(w.Org("Beta"), victim)             // and so is another organization
}

func mailedByMany(w *world) {
	box := w.limited()
	for i := range 100 {
		sent := w.Invite(w.Org(fmt.Sprintf("Acme %d", i)), victim)
		w.Equal(i >= 20, !sent.MailDueAt.IsZero(), i)
	}
	w.Len(box.sent, 20)
	for range 3 * 24 { // what waits goes, and never more than 20 a day
		w.Clock.Advance(time.Hour)
		_, err := w.Svc.Invitations.Sweep(w.Ctx)
		w.NoError(err)
	}
	w.Len(box.sent, 80)
}

func provedAgain(w *world) {
	box := w.limited()
	ask := func(user tenancy.User) error {
		_, err := w.Svc.As(tenancy.UserPrincipal(user.ID)).Users.ChangeEmail(w.Ctx, user.ID, victim)
		return err
	}
	mallory := w.User("mallory")
	w.NoError(ask(mallory))
	w.tooOften(time.Minute, func() error { return ask(mallory) })
	for range 1000 {
		w.Clock.Advance(time.Minute)
		_ = ask(mallory)
	}
	w.Len(box.sent, 10)
	w.Clock.Advance(servicetest.Day)
	for i := range 100 { // by other accounts
		_ = ask(w.User(fmt.Sprintf("mallory%d", i)))
	}
	w.Len(box.sent, 30)
	last := w.User("last")
	w.tooOften(servicetest.Day, func() error { return ask(last) })
}

// mailsUsedUp: the person's own proof of their new address, and an invitation to it.
func mailsUsedUp(w *world) {
	box := w.limited()
	ada, eve, mallory := w.User("ada"), w.User("eve"), w.User("mallory")
	ask := func(user tenancy.User) error {
		_, err := w.asUser(user).Users.ChangeEmail(w.Ctx, user.ID, victim)
		return err
	}
	for range 60 {
		_, _ = ask(eve), ask(mallory)
		w.Clock.Advance(time.Minute)
	}
	w.Len(box.sent, 10)
	w.NoError(ask(ada))
	for range 2 { // should one be lost
		w.Clock.Advance(time.Minute)
		w.NoError(ask(ada))
	}
	w.Zero(w.Invite(w.Org("Acme"), victim).MailDueAt)
	w.tooOften(servicetest.Day-62*time.Minute, func() error { w.Clock.Advance(time.Minute); return ask(ada) })
}

// waitingAgain: what waits counts for the organization, as if it had gone.
func waitingAgain(w *world) {
	box := w.limited()
	w.fill(victim)
	acme := w.Org("Acme")
	sent := w.Invite(acme, victim)
	w.False(sent.MailDueAt.IsZero())
	w.refuses(tenancy.ErrRateLimited, "email", func() error { _, err := w.Svc.Invitations.Resend(w.Ctx, sent.ID); return err })
	waits := 1
	for range 100 {
		w.Clock.Advance(time.Minute)
		_, err := w.Svc.Invitations.Revoke(w.Ctx, sent.ID)
		w.NoError(err)
		next, err := w.Svc.Invitations.Send(w.Ctx, servicetest.Asking(acme, victim))
		if err != nil {
			w.Failed(err, tenancy.ErrRateLimited, "email")
			break
		}
		sent = next
		waits++
	}
	w.Equal(10, waits)
	w.Len(box.sent, 20)
	other := w.Invite(w.Org("Beta"), victim)
	w.Clock.Advance(servicetest.Day)
	w.sweepMails()
	w.Len(box.sent, 21, "what was revoked does not go")
	w.Zero(w.invitation(other.ID).MailDueAt)
	w.Equal(20+1+10, w.RowsOf("mail"))
}

func mailedAndDeleted(w *world) {
	box := w.limited()
	for i := range 50 {
		org := w.Org(fmt.Sprintf("Acme %d", i))
		w.Invite(org, victim)
		w.NoError(w.Svc.Organizations.Delete(w.Ctx, org.ID))
	}
	w.Len(box.sent, 20)
}

func noticeKeptBack(w *world) {
	box := w.limited()
	ada := w.User("ada")
	for i := range 30 {
		w.Invite(w.Org(fmt.Sprintf("Acme %d", i)), ada.Email)
	}
	box.sent = nil
	_, err := w.Svc.Users.ChangeEmail(w.Ctx, ada.ID, "new@mail.example")
	w.NoError(err)
	w.NoError(w.moves(ada, tenancy.EmailProof{Token: box.sent[0].Token}))
	w.Equal(tenancy.MessageEmailChanged, box.sent[len(box.sent)-1].Kind)
	w.Equal(ada.Email, box.sent[len(box.sent)-1].To)
}

func noticesCounted(w *world) {
	box := w.limited()
	ada := w.User("ada")
	link := func(i int) {
		resolved := w.resolves(tenancy.NewIdentity{Provider: fmt.Sprintf("provider%d", i), Subject: "1", Email: ada.Email, EmailVerified: true})
		w.Equal(ada.ID, resolved.User.ID)
	}
	w.Code(w.Org("Acme")) // the mailbox looks for a secret
	for i := range 15 {
		link(i)
	}
	w.Len(box.sent, 10)
	w.Clock.Advance(servicetest.Day)
	link(15)
	w.Len(box.sent, 11)
}

// fill sends as many mails to an address as go in a day.
func (w *world) fill(email string) {
	for i := range 20 {
		w.Invite(w.Org(fmt.Sprintf("Filler %d", i)), email)
	}
}

func (w *world) sweepMails() {
	_, err := w.Svc.Invitations.Sweep(w.Ctx)
	w.NoError(err)
}

func mailWaits(w *world) {
	box := w.limited()
	ada := w.User("ada")
	owner := w.User("owner")
	acme := w.Owned("Acme", owner)
	w.fill(ada.Email)
	bound := w.Svc.As(tenancy.UserPrincipal(owner.ID))
	sent := w.InviteBy(bound, acme, ada.Email)
	w.True(sent.Token.IsZero())
	w.Equal(w.Clock.At.Add(servicetest.Day), sent.MailDueAt)
	w.Equal(tenancy.MembershipPending, w.Member(acme, ada).Status)
	w.Len(box.sent, 20)
	w.sweepMails()
	w.Len(box.sent, 20)
	w.Clock.Advance(servicetest.Day)
	w.sweepMails()
	w.Len(box.sent, 21)
	w.Equal("Owner", box.sent[20].Inviter)
	inv := w.invitation(sent.ID)
	w.Zero(inv.MailDueAt)
	w.Equal(sent.ExpiresAt.Add(servicetest.Day), inv.ExpiresAt, "its time runs from when the mail went")
	w.Equal(inv.ExpiresAt, box.sent[20].ExpiresAt)
	w.Equal(inv.ExpiresAt, w.Member(acme, ada).ExpiresAt)
	w.sweepMails()
	w.Len(box.sent, 21)
	_, err := w.Svc.Invitations.Accept(w.Ctx, box.sent[20].Token.Reveal(), ada.ID)
	w.NoError(err)
}

func mailWaitsNoMore(w *world) {
	box := w.limited()
	owner := w.User("owner")
	acme, beta, gamma, delta := w.Owned("Acme", owner), w.Owned("Beta", owner), w.Owned("Gamma", owner), w.Owned("Delta", owner)
	w.fill(victim)
	bound := w.Svc.As(tenancy.UserPrincipal(owner.ID))
	revoked, closed, void, failing := w.InviteBy(bound, acme, victim), w.Invite(beta, victim), w.InviteBy(bound, gamma, victim), w.Invite(delta, victim)
	got, err := w.Svc.Invitations.Revoke(w.Ctx, revoked.ID)
	w.NoError(err)
	w.Zero(got.MailDueAt)
	_, err = w.Svc.Organizations.Suspend(w.Ctx, beta.ID)
	w.NoError(err)
	w.Add(gamma, w.User("heir"), "owner")
	w.Deactivate(gamma, owner)
	box.fails = errors.New("no route to host")
	w.Clock.Advance(servicetest.Day)
	w.sweepMails() // that a mail fails is the Logger's to hear
	w.Len(box.sent, 21)
	w.Equal(failing.ID.String(), box.sent[20].Subject)
	for _, id := range []tenancy.InvitationID{closed.ID, void.ID} {
		w.Equal(w.Clock.At.Add(servicetest.Day), w.invitation(id).MailDueAt)
	}
	w.Clock.Advance(servicetest.Month)
	w.sweepMails()
	w.Len(box.sent, 21)
	w.Zero(w.invitation(closed.ID).MailDueAt)
}

func nothingWaits(w *world) {
	w.limited()
	w.Svc = w.Another(func(c *tenancy.Config) { c.Mailer = nil })
	w.fill(victim)
	acme := w.Org("Acme")
	w.tooOften(servicetest.Day, func() error {
		_, err := w.Svc.Invitations.Send(w.Ctx, servicetest.Asking(acme, victim))
		return err
	})
	w.Clock.Advance(servicetest.Day)
	w.False(w.Invite(w.Org("Beta"), victim).Token.IsZero())
}

func hostCounts(w *world) {
	w.limited()
	var asked []tenancy.Message
	full := errors.New("enough for this client")
	w.Svc = w.Another(func(c *tenancy.Config) {
		c.MayMail = func(ctx context.Context, m tenancy.Message) error {
			asked = append(asked, m)
			_, err := w.Svc.Events.Last(ctx)
			w.ErrorIs(err, tenancy.ErrInTransaction)
			return full
		}
	})
	acme, ada := w.Org("Acme"), w.User("ada")
	w.ErrorIs(w.refuses(tenancy.ErrRateLimited, "email", func() error {
		_, err := w.Svc.Invitations.Send(w.Ctx, servicetest.Asking(acme, victim))
		return err
	}), full)
	w.ErrorIs(w.refuses(tenancy.ErrRateLimited, "email", func() error {
		_, err := w.Svc.Users.ChangeEmail(w.Ctx, ada.ID, victim)
		return err
	}), full)
	w.Len(asked, 2)
	w.Equal([]tenancy.MessageKind{tenancy.MessageInvitation, tenancy.MessageEmailProof}, []tenancy.MessageKind{asked[0].Kind, asked[1].Kind})
	for _, m := range asked {
		w.Equal(victim, m.To)
		w.True(m.Token.IsZero())
	}
}

func countsErased(w *world) {
	w.limited()
	ada := w.User("ada")
	w.Invite(w.Org("Acme"), ada.Email)
	_, err := w.Svc.Users.ChangeEmail(w.Ctx, ada.ID, victim)
	w.NoError(err)
	w.Equal(2, w.RowsOf("mail"))
	w.NoError(w.Svc.Users.Erase(w.Ctx, ada.ID))
	w.Zero(w.RowsOf("mail"))
	w.Invite(w.Org("Beta"), victim)
	w.Equal(1, w.RowsOf("mail"))
	w.Clock.Advance(servicetest.Month + time.Second)
	w.sweepMails() // what counts no more is forgotten
	w.Zero(w.RowsOf("mail"))
}
