package rules

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/tenancy"
)

// proofRules are about proofs of mailboxes, with and without a user (rule U12).
func proofRules() []rule {
	return []rule{
		{"U12 a proof is mailed with a link and a code, and has a handle", on(proofMailed)},
		{"U12 what a proof is worth at a sign-in", on(proofSignsIn)},
		{"U12 a code is good at its own handle alone", on(proofsSideBySide)},
		{"U12 a proof is spent once, by the code or by the link", on(proofOnce)},
		{"U12 a handle has five tries and ten minutes", on(proofTries)},
		{"U12 an address has three live proofs, and the client with most of them loses its oldest", on(proofsAtOnce)},
		{"U12 an address gets ten codes a day, and none after 25 wrong ones; links go on", on(proofsLimited)},
		{"U12 a client starts twenty proofs in an hour", on(proofClients)},
		{"U12 the host may refuse a proof", on(proofHostCounts)},
		{"U12 what is left of proofs is cleared, and erased with the person", on(proofsCleared)},
		{"U12 the present address is proved", on(verificationSent)},
		{"U12 the present address is mailed as others are, and asks nobody else", on(verificationLimited)},
	}
}

// finish types a code into a browser.
func (w *world) finish(p tenancy.StartedProof, code string) (tenancy.ProvedMailbox, error) {
	return w.Svc.Proofs.Finish(w.Ctx, p.Handle.Reveal(), code)
}

// wrongFor is a code that is not the one of a proof.
func wrongFor(p tenancy.StartedProof) string {
	if code := "135790"; p.Code.Reveal() != code {
		return code
	}
	return "135791"
}

// guesses types a wrong code.
func (w *world) guesses(p tenancy.StartedProof) {
	w.T.Helper()
	_, err := w.finish(p, wrongFor(p))
	w.Failed(err, tenancy.ErrInvalidToken, "code")
}

func proofMailed(w *world) {
	box := w.mailbox()
	w.Invite(w.Org("Acme"), "first@mail.example") // the mailbox looks for secrets
	started, err := w.Svc.Proofs.Start(w.Ctx, tenancy.NewProof{Email: " Zoe@Mail.example ", Client: "laptop"})
	w.NoError(err)
	w.True(started.Link.IsZero() && started.Code.IsZero(), "nobody but the mailbox sees them")
	w.Equal("Zoe@Mail.example", started.Email)
	w.Equal(w.Clock.At.Truncate(time.Microsecond).Add(10*time.Minute), started.ExpiresAt)
	w.True(started.HasCode)
	w.Len(box.sent, 2)
	m := box.sent[1]
	w.Regexp(`^prooflink_[a-z2-7]{58}$`, m.Token.Reveal())
	w.Regexp(`^[0-9]{6}$`, m.Code.Reveal())
	w.Regexp(`^proofhandle_[a-z2-7]{58}$`, started.Handle.Reveal())
	w.NotContains(fmt.Sprintf("%+v %#v", m, started), m.Code.Reveal())
	subject := m.Subject
	m.Token, m.Code, m.Subject = tenancy.Token{}, tenancy.Token{}, ""
	w.Equal(tenancy.Message{
		Kind: tenancy.MessageMailboxProof, To: "Zoe@Mail.example", ExpiresAt: started.ExpiresAt, Label: tenancy.Label{Singular: "team", Plural: "teams"},
	}, m)
	// A mail that fails leaves a proof that holds.
	box.fails = errors.New("no mail today")
	again, err := w.Svc.Proofs.Start(w.Ctx, tenancy.NewProof{Email: "zoe@mail.example", Client: "laptop"})
	e := w.Failed(err, tenancy.ErrMailFailed, "")
	w.Len(e.IDs, 1)
	w.NotEqual(subject, e.IDs[0])
	_, err = w.finish(again, box.sent[2].Code.Reveal())
	w.NoError(err)
}

func proofSignsIn(w *world) {
	known := w.User("known")
	for email, created := range map[string]bool{"Known@acme.example": false, "New@mail.example": true} {
		for _, way := range []string{"code", "link"} {
			w.each(email+" by "+way, func(w *world) {
				p := w.starts(email, email+way)
				before := w.last()
				proved, err := w.finish(p, p.Code.Reveal())
				if way == "link" {
					proved, err = w.Svc.Proofs.Open(w.Ctx, w.starts(email, email+way).Link.Reveal(), "")
				}
				w.NoError(err)
				w.Equal(before, w.last(), "a proof is no event")
				w.Equal(email, proved.Email)
				w.Equal(way == "code", proved.Here)
				d := w.enters(tenancy.Attempt{Evidence: proved.Evidence})
				w.Equal(created, d.Created)
				w.Equal(email == "Known@acme.example", d.User.ID == known.ID)
				w.False(d.User.EmailVerifiedAt.IsZero())
				created = false
			})
		}
	}
}

// proofsSideBySide: each browser has its own code.
func proofsSideBySide(w *world) {
	a, b, c := w.starts("zoe@mail.example", "a"), w.starts("Zoe@mail.example", "b"), w.starts("zoe@MAIL.example", "c")
	for a.Code.Reveal() == b.Code.Reveal() || b.Code.Reveal() == c.Code.Reveal() || a.Code.Reveal() == c.Code.Reveal() {
		a, b, c = w.starts("zoe@mail.example", "a"), w.starts("zoe@mail.example", "b"), w.starts("zoe@mail.example", "c")
	}
	_, err := w.finish(a, b.Code.Reveal())
	w.Failed(err, tenancy.ErrInvalidToken, "code")
	_, err = w.Svc.Proofs.Finish(w.Ctx, a.Link.Reveal(), a.Code.Reveal())
	w.Failed(err, tenancy.ErrInvalidToken, "handle")
	for _, p := range []tenancy.StartedProof{c, a, b} {
		_, err := w.finish(p, p.Code.Reveal())
		w.NoError(err)
	}
}

func proofOnce(w *world) {
	for name, spend := range map[string]func(w *world, p tenancy.StartedProof) error{
		"by the code": func(w *world, p tenancy.StartedProof) error { _, err := w.finish(p, p.Code.Reveal()); return err },
		"by the link, here": func(w *world, p tenancy.StartedProof) error {
			_, err := w.Svc.Proofs.Open(w.Ctx, p.Link.Reveal(), p.Handle.Reveal())
			return err
		},
		"by the link, elsewhere": func(w *world, p tenancy.StartedProof) error {
			_, err := w.Svc.Proofs.Open(w.Ctx, p.Link.Reveal(), "")
			return err
		},
	} {
		w.each(name, func(w *world) {
			p := w.starts("zoe@mail.example", name)
			w.NoError(spend(w, p))
			w.refuses(tenancy.ErrTokenUsed, "handle", func() error { _, err := w.finish(p, p.Code.Reveal()); return err })
			w.refuses(tenancy.ErrTokenUsed, "token", func() error { _, err := w.Svc.Proofs.Open(w.Ctx, p.Link.Reveal(), p.Handle.Reveal()); return err })
			w.refuses(tenancy.ErrTokenUsed, "token", func() error { _, err := w.Svc.Proofs.Preview(w.Ctx, p.Link.Reveal(), ""); return err })
		})
	}
}

func proofTries(w *world) {
	p := w.starts("zoe@mail.example", "laptop")
	for range 4 {
		w.guesses(p)
	}
	_, err := w.finish(p, p.Code.Reveal())
	w.NoError(err)

	p = w.starts("zoe@mail.example", "laptop")
	for range 5 {
		w.guesses(p)
	}
	w.refuses(tenancy.ErrTokenUsed, "handle", func() error { _, err := w.finish(p, p.Code.Reveal()); return err })
	w.refuses(tenancy.ErrTokenUsed, "token", func() error { _, err := w.Svc.Proofs.Open(w.Ctx, p.Link.Reveal(), ""); return err })

	late, last := w.starts("late@mail.example", "laptop"), w.starts("last@mail.example", "laptop")
	w.Clock.Advance(10*time.Minute - time.Microsecond)
	_, err = w.finish(last, last.Code.Reveal())
	w.NoError(err)
	w.Clock.Advance(time.Microsecond)
	w.refuses(tenancy.ErrTokenExpired, "handle", func() error { _, err := w.finish(late, late.Code.Reveal()); return err })
	w.refuses(tenancy.ErrTokenExpired, "token", func() error { _, err := w.Svc.Proofs.Open(w.Ctx, late.Link.Reveal(), ""); return err })
	w.refuses(tenancy.ErrTokenExpired, "token", func() error { _, err := w.Svc.Proofs.Preview(w.Ctx, late.Link.Reveal(), ""); return err })
}

// liveOf are which of some proofs can still be presented.
func (w *world) liveOf(proofs ...tenancy.StartedProof) []bool {
	live := make([]bool, len(proofs))
	for i, p := range proofs {
		_, err := w.Svc.Proofs.Preview(w.Ctx, p.Link.Reveal(), "")
		live[i] = err == nil
	}
	return live
}

func proofsAtOnce(w *world) {
	var all []tenancy.StartedProof
	for _, client := range []string{"a", "b", "a", "a", "c", "d"} {
		all = append(all, w.starts("zoe@mail.example", client))
		w.Clock.Advance(time.Second)
	}
	// The fourth ended the first of a; then a had most again, and then all had one.
	w.Equal([]bool{false, false, false, true, true, true}, w.liveOf(all...))
	w.Equal([]bool{true}, w.liveOf(w.starts("yan@mail.example", "a"))) // another address is another count
	// What ran out makes room.
	w.Clock.Advance(10*time.Minute - 3*time.Second)
	late := w.starts("zoe@mail.example", "e")
	w.Equal([]bool{false, false, false, false, true, true, true}, w.liveOf(append(all, late)...))
}

func proofsLimited(w *world) {
	for i := range 12 {
		p := w.starts("zoe@mail.example", fmt.Sprint("client ", i))
		w.Equal(i < 10, p.HasCode, i)
		w.Equal(p.HasCode, !p.Code.IsZero())
		if !p.HasCode {
			w.refuses(tenancy.ErrInvalidToken, "code", func() error { _, err := w.finish(p, "123456"); return err })
			shown, err := w.Svc.Proofs.Preview(w.Ctx, p.Link.Reveal(), "")
			w.NoError(err)
			w.False(shown.HasCode)
			_, err = w.Svc.Proofs.Open(w.Ctx, p.Link.Reveal(), p.Handle.Reveal())
			w.NoError(err)
		}
	}
	w.Clock.Advance(servicetest.Day - time.Microsecond)
	w.False(w.starts("zoe@mail.example", "a day later").HasCode)
	w.Clock.Advance(time.Microsecond)
	w.True(w.starts("zoe@mail.example", "a day later").HasCode)

	// 25 wrong codes, and a proof from before them.
	before := w.starts("yan@mail.example", "before")
	for i := range 5 {
		p := w.starts("yan@mail.example", fmt.Sprint("guesser ", i))
		for range 5 {
			w.guesses(p)
		}
	}
	e := w.refuses(tenancy.ErrRateLimited, "code", func() error { _, err := w.finish(before, before.Code.Reveal()); return err })
	w.Equal(servicetest.Day, e.RetryAfter)
	w.False(w.starts("yan@mail.example", "after").HasCode)
	_, err := w.Svc.Proofs.Open(w.Ctx, before.Link.Reveal(), before.Handle.Reveal())
	w.NoError(err)
	w.Clock.Advance(servicetest.Day)
	w.True(w.starts("yan@mail.example", "after").HasCode)
}

func proofClients(w *world) {
	from := func(address string) context.Context {
		return tenancy.WithRequest(w.Ctx, tenancy.Request{Address: netip.MustParseAddr(address)})
	}
	n := 0
	start := func(ctx context.Context, client string) error {
		n++
		_, err := w.Svc.Proofs.Start(ctx, tenancy.NewProof{Email: fmt.Sprintf("p%d@mail.example", n), Client: client})
		return err
	}
	for i := range 20 {
		w.NoError(start(from(fmt.Sprintf("2001:db8:1:2::%d", i+1)), ""))
		w.NoError(start(from("192.0.2.1"), ""))
	}
	for _, address := range []string{"2001:db8:1:2:ffff::1", "192.0.2.1", "::ffff:192.0.2.1"} {
		e := w.refuses(tenancy.ErrRateLimited, "client", func() error { return start(from(address), "") })
		w.Equal(time.Hour, e.RetryAfter)
	}
	for _, address := range []string{"2001:db8:1:3::1", "192.0.2.2"} {
		w.NoError(start(from(address), ""))
	}
	w.NoError(start(from("192.0.2.1"), "a device")) // what the host says comes first
	w.NoError(start(w.Ctx, "192.0.2.1"))            // and is no address
	w.refuses(tenancy.ErrInvalid, "client", func() error { return start(w.Ctx, "") })
	w.Clock.Advance(time.Hour)
	w.NoError(start(from("192.0.2.1"), ""))
}

func proofHostCounts(w *world) {
	var asked []tenancy.Message
	refusal := errors.New("too many")
	w.Svc = w.Another(func(c *tenancy.Config) {
		c.MayMail = func(_ context.Context, m tenancy.Message) error {
			asked = append(asked, m)
			return refusal
		}
	})
	e := w.refuses(tenancy.ErrRateLimited, "email", func() error {
		_, err := w.Svc.Proofs.Start(w.Ctx, tenancy.NewProof{Email: "zoe@mail.example", Client: "laptop"})
		return err
	})
	w.ErrorIs(e, refusal)
	w.Len(asked, 1)
	w.Equal(tenancy.MessageMailboxProof, asked[0].Kind)
	w.True(asked[0].Token.IsZero() && asked[0].Code.IsZero())
}

func proofsCleared(w *world) {
	old := w.starts("old@mail.example", "laptop")
	w.guesses(old)
	w.Clock.Advance(70*time.Minute - time.Microsecond)
	n, err := w.Svc.Proofs.Sweep(w.Ctx)
	w.NoError(err)
	w.Equal(1, n, "the count of the client, whose hour is over")
	w.Clock.Advance(2 * time.Microsecond)
	live := w.starts("live@mail.example", "laptop")
	n, err = w.Svc.Proofs.Sweep(w.Ctx)
	w.NoError(err)
	w.Equal(1, n)
	w.refuses(tenancy.ErrInvalidToken, "handle", func() error { _, err := w.finish(old, old.Code.Reveal()); return err })
	w.Equal([]bool{true}, w.liveOf(live))

	// Erase takes what is kept of the person's addresses.
	zoe := w.NewUser(tenancy.NewUser{Email: "zoe@mail.example", EmailVerified: true})
	for range 10 {
		w.starts("zoe@mail.example", "laptop")
	}
	w.False(w.starts("zoe@mail.example", "laptop").HasCode)
	w.NoError(w.Svc.Users.Erase(w.Ctx, zoe.ID))
	w.Len(w.Dump().MailboxProofs, 1)
	w.True(w.starts("zoe@mail.example", "laptop").HasCode)

	// Run clears by itself.
	w.Clock.Advance(25 * time.Hour)
	ctx, stop := context.WithCancel(w.Ctx)
	ran := make(chan error)
	go func() { ran <- w.Svc.Run(ctx) }()
	w.Eventually(func() bool { return len(w.Dump().MailboxProofs) == 0 }, 10*time.Second, time.Millisecond)
	stop()
	w.ErrorIs(<-ran, context.Canceled)
}

func verificationSent(w *world) {
	box := w.mailbox()
	ada := w.NewUser(tenancy.NewUser{Email: "Ada@mail.example"})
	self := w.Svc.As(tenancy.UserPrincipal(ada.ID))
	_, err := self.Users.ChangeEmail(w.Ctx, ada.ID, "other@mail.example")
	w.NoError(err)
	proof, err := self.Users.SendVerification(w.Ctx, ada.ID)
	w.NoError(err)
	w.Equal("Ada@mail.example", proof.Email)
	w.True(proof.Token.IsZero())
	w.Len(box.sent, 2)
	w.Equal(tenancy.MessageEmailProof, box.sent[1].Kind)
	w.Equal("Ada@mail.example", box.sent[1].To)
	w.refuses(tenancy.ErrTokenUsed, "token", func() error { return w.confirm(box.sent[0].Token.Reveal()) }) // it took its place
	w.NoError(w.confirm(box.sent[1].Token.Reveal()))
	proved := w.getUser(ada.ID)
	w.Equal("Ada@mail.example", proved.Email)
	w.False(proved.EmailVerifiedAt.IsZero())
	for _, svc := range []*tenancy.Service{self, w.Svc} {
		w.refuses(tenancy.ErrInvalid, "email", func() error { _, err := svc.Users.SendVerification(w.Ctx, ada.ID); return err })
	}
	w.Len(box.sent, 3)
	w.Equal(tenancy.MessageTakenOver, box.sent[2].Kind) // U5: opened in no session of hers
}

func verificationLimited(w *world) {
	box := w.limited()
	ada, eve := w.NewUser(tenancy.NewUser{Email: "ada@mail.example"}), w.User("eve")
	send := func() error { _, err := w.Svc.Users.SendVerification(w.Ctx, ada.ID); return err }
	w.NoError(send())
	w.tooOften(time.Minute, send)
	w.refuses(tenancy.ErrForbidden, "", func() error {
		_, err := w.Svc.As(tenancy.UserPrincipal(eve.ID)).Users.SendVerification(w.Ctx, ada.ID)
		return err
	})
	w.refuses(tenancy.ErrNotFound, "", func() error { _, err := w.Svc.Users.SendVerification(w.Ctx, servicetest.Nobody); return err })
	w.Len(box.sent, 1)
}
