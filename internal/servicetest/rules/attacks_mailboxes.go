package rules

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/tenancy"
)

// mailboxProofAttacks are on proofs of mailboxes (rule U12).
func mailboxProofAttacks() []rule {
	return []rule{
		{"U12 attack: whether an address is known shows in the answer or the statements", on(proofsAlike)},
		{"U12 attack: a link opened elsewhere signs in the browser that asked", atDoor(proofOpenedElsewhere)},
		{"U12 attack: a link opened elsewhere keeps the password typed where it was asked for", atDoor(proofPassword)},
		{"U12 attack: a mail scanner opens the link", on(proofScanned)},
		{"U12 attack: wrong codes in transactions that are undone", on(proofUndone)},
		{"U12 attack: a stranger ends a person's proof by asking over and over", on(proofCrowded)},
		{"U12 attack: codes and addresses are read in a copy of the store", on(proofStored)},
	}
}

// proofsAlike: somebody known, somebody whose address nobody proved, somebody suspended, and nobody.
func proofsAlike(w *world) {
	w.User("known")
	w.NewUser(tenancy.NewUser{Email: "unproved@acme.example"})
	barred := w.User("barred")
	_, err := w.Svc.Users.Suspend(w.Ctx, barred.ID)
	w.NoError(err)
	w.starts("first@acme.example", "first")
	svc, m := w.metered()
	var costs []cost
	for _, local := range []string{"known", "unproved", "barred", "nobody"} {
		p := w.starts(local+"@acme.example", local)
		var of []cost
		for _, call := range []func() error{
			func() error {
				started, err := svc.Proofs.Start(w.Ctx, tenancy.NewProof{Email: local + "@acme.example", Client: "another " + local})
				w.True(started.HasCode)
				return err
			},
			func() error { _, err := svc.Proofs.Preview(w.Ctx, p.Link.Reveal(), ""); return err },
			func() error {
				_, err := svc.Proofs.Finish(w.Ctx, p.Handle.Reveal(), wrongFor(p))
				return wrongOnly(err)
			},
			func() error { _, err := svc.Proofs.Finish(w.Ctx, p.Handle.Reveal(), p.Code.Reveal()); return err },
			func() error { _, err := svc.Proofs.Open(w.Ctx, p.Link.Reveal(), ""); return err },
		} {
			of = append(of, m.during(func() { w.NoError(call()) }))
		}
		for i := range of {
			of[i].bytes = 0 // of the address itself
		}
		if costs == nil {
			costs = of
		}
		w.Equal(costs, of, local)
	}
	w.Positive(costs[0].statements)
}

// wrongOnly is nil for the refusal of a wrong code.
func wrongOnly(err error) error {
	if tenancy.CodeOf(err) == tenancy.ErrInvalidToken {
		return nil
	}
	return err
}

// proofOpenedElsewhere: M asks for V's address and has the handle; V opens the link on the phone.
func proofOpenedElsewhere(d *door) {
	v := d.User("v")
	asked := d.starts(v.Email, "m")
	proved, err := d.Svc.Proofs.Open(d.Ctx, asked.Link.Reveal(), "")
	d.NoError(err)
	d.False(proved.Here)
	d.Equal(v.ID, d.enters(tenancy.Attempt{Evidence: proved.Evidence}).User.ID)
	// M's browser has nothing: not by the code, should V have told it, and not by the link.
	d.refuses(tenancy.ErrTokenUsed, "handle", func() error { _, err := d.finish(asked, asked.Code.Reveal()); return err })
	d.refuses(tenancy.ErrTokenUsed, "token", func() error {
		_, err := d.Svc.Proofs.Open(d.Ctx, asked.Link.Reveal(), asked.Handle.Reveal())
		return err
	})
	// The handle of another proof of the same address is none of this one.
	one, other := d.starts(v.Email, "m"), d.starts(v.Email, "v")
	for handle, here := range map[string]bool{other.Handle.Reveal(): false, one.Link.Reveal(): false, "proofhandle_": false, one.Handle.Reveal(): true} {
		shown, err := d.Svc.Proofs.Preview(d.Ctx, one.Link.Reveal(), handle)
		d.NoError(err)
		d.Equal(tenancy.ProofPreview{Email: v.Email, Here: here, HasCode: true, ExpiresAt: one.ExpiresAt}, shown)
	}
	proved, err = d.Svc.Proofs.Open(d.Ctx, one.Link.Reveal(), other.Handle.Reveal())
	d.NoError(err)
	d.False(proved.Here)
	_, err = d.finish(other, other.Code.Reveal()) // which goes on
	d.NoError(err)
}

// proofPassword plays what the guide says: the password goes with the proof where Here says so.
func proofPassword(d *door) {
	signsUp := func(credential string, proved tenancy.ProvedMailbox) tenancy.Decision {
		e := proved.Evidence
		if proved.Here {
			e = tenancy.PasswordEvidence(credential, proved.Email).WithMailbox(proved.Email)
		}
		return d.enters(tenancy.Attempt{Evidence: e})
	}
	// M typed a password for V's address; V opens the link on the phone.
	asked := d.starts("v@mail.example", "m")
	proved, err := d.Svc.Proofs.Open(d.Ctx, asked.Link.Reveal(), "")
	d.NoError(err)
	v := signsUp("c-m", proved)
	d.Equal("v@mail.example", v.User.Email)
	d.Equal(tenancy.MethodMagicLink, v.Session.Method)
	d.halts(tenancy.DecisionVerifyEmail, "", servicetest.ByPassword("c-m", "v@mail.example"))
	// Where the code is typed, and where the link is opened in the same browser, the password is kept.
	for credential, finish := range map[string]func(p tenancy.StartedProof) (tenancy.ProvedMailbox, error){
		"c-code": func(p tenancy.StartedProof) (tenancy.ProvedMailbox, error) { return d.finish(p, p.Code.Reveal()) },
		"c-link": func(p tenancy.StartedProof) (tenancy.ProvedMailbox, error) {
			return d.Svc.Proofs.Open(d.Ctx, p.Link.Reveal(), p.Handle.Reveal())
		},
	} {
		email := credential + "@mail.example"
		proved, err := finish(d.starts(email, credential))
		d.NoError(err)
		d.True(proved.Here)
		made := signsUp(credential, proved)
		d.Equal(made.User.ID, d.enters(servicetest.ByPassword(credential, email)).User.ID)
	}
}

func proofScanned(w *world) {
	p := w.starts("zoe@mail.example", "laptop")
	for range 100 {
		w.silent(func() error { _, err := w.Svc.Proofs.Preview(w.Ctx, p.Link.Reveal(), ""); return err })
	}
	_, err := w.finish(p, p.Code.Reveal())
	w.NoError(err)
}

// proofUndone: a host that ends its transaction with the error would undo the count.
func proofUndone(w *world) {
	p := w.starts("zoe@mail.example", "laptop")
	for range 10 {
		w.unchanged(func() {
			w.Failed(w.Svc.Transact(w.Ctx, func(ctx context.Context, tx *tenancy.Service) error {
				_, err := tx.Proofs.Finish(ctx, p.Handle.Reveal(), wrongFor(p))
				return err
			}), tenancy.ErrInTransaction, "")
		})
	}
	for i := range 5 { // and each refusal is kept
		w.guesses(p)
		found := w.Dump().MailboxProofs
		w.Len(found, 1)
		w.EqualValues(i+1, found[0].Tries)
	}
	w.refuses(tenancy.ErrTokenUsed, "handle", func() error { _, err := w.finish(p, p.Code.Reveal()); return err })
}

func proofCrowded(w *world) {
	p := w.starts("zoe@mail.example", "zoe")
	for range 19 {
		w.Clock.Advance(time.Second)
		w.starts("zoe@mail.example", "mallory")
	}
	w.Equal([]bool{true}, w.liveOf(p))
	_, err := w.Svc.Proofs.Open(w.Ctx, p.Link.Reveal(), p.Handle.Reveal())
	w.NoError(err)
}

// proofStored: of the secrets there are hashes, and of people an address only while the proof waits.
func proofStored(w *world) {
	p := w.starts("zoe@mail.example", "the laptop")
	in := func(what string) bool { return strings.Contains(fmt.Sprintf("%+v", w.Dump().MailboxProofs), what) }
	for _, secret := range []string{p.Handle.Reveal(), p.Link.Reveal(), p.Code.Reveal() + " ", "the laptop"} {
		w.False(in(secret), secret)
	}
	w.True(in("zoe@mail.example"))
	other := w.starts("zoe@mail.example", "another")
	rows := w.Dump().MailboxProofs
	w.Len(rows, 2)
	w.Equal(rows[0].Address, rows[1].Address)
	w.NotEqual(rows[0].Client, rows[1].Client)
	for _, p := range []tenancy.StartedProof{p, other} { // a code is hashed with its handle
		sum := sha256.Sum256([]byte(p.Handle.Reveal() + " " + p.Code.Reveal()))
		w.Contains([]string{rows[0].Code, rows[1].Code}, hex.EncodeToString(sum[:]))
	}
	for _, p := range []tenancy.StartedProof{p, other} {
		_, err := w.Svc.Proofs.Open(w.Ctx, p.Link.Reveal(), "")
		w.NoError(err)
	}
	w.False(in("zoe@mail.example"))
}
