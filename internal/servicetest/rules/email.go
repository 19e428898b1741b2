package rules

import (
	"github.com/freehold-dev/freehold/tenancy"
)

func emailRules() []rule {
	return []rule{
		{"U5 the email moves only on proof", on(changeEmail)},
		{"U5 a second request replaces the first", on(changeTwice)},
		{"U5 a request can be dropped", on(cancelChange)},
		{"U5 the same address, proved", on(verifyOwn)},
		{"U5 an address that somebody else has by now", on(addressTaken)},
		{"U5 a proof dies with what it was for", on(orphanedProof)},
	}
}

func changeEmail(w *world) {
	ada := w.User("ada")
	acme := w.Owned("Acme", ada)
	w.Clock.Advance(1e9)
	var proof tenancy.EmailProof
	got := w.emits(func() (err error) {
		proof, err = w.Svc.Users.ChangeEmail(w.Ctx, ada.ID, "Countess@Other.example")
		return err
	}, some(tenancy.EventUserEmailChangeRequested))
	pending := w.getUser(ada.ID)
	w.tells(got[0], ofUser(tenancy.EventUserEmailChangeRequested, pending, `{"pending_email":null}`))
	w.Equal("Countess@Other.example", proof.Email)
	w.Equal("Countess@Other.example", pending.PendingEmail)
	w.Equal("ada@acme.example", pending.Email)
	w.Equal(ada.EmailVerifiedAt, pending.EmailVerifiedAt)
	_, err := w.Svc.Users.GetByEmail(w.Ctx, "countess@other.example")
	w.Failed(err, tenancy.ErrNotFound, "")

	w.Clock.Advance(1e9)
	w.refuses(tenancy.ErrSignInRequired, "session", func() error { return w.confirm(proof.Token.Reveal()) })
	got = w.emits(func() error { return w.moves(ada, proof) }, some(tenancy.EventUserEmailChanged), some(tenancy.EventMembershipEmailChanged))
	moved := w.getUser(ada.ID)
	w.tells(got[0], ofUser(tenancy.EventUserEmailChanged, moved,
		`{"email":"ada@acme.example","email_verified_at":"2030-01-02T03:04:05.678901Z","email_proved_by":"host","pending_email":"Countess@Other.example"}`).by(ada))
	member := w.Member(acme, ada)
	w.tells(got[1], event{
		kind: tenancy.EventMembershipEmailChanged, org: acme.ID, user: ada.ID, subject: member.ID.String(),
		data: map[string]any{"id": member.ID, "email": "Countess@Other.example"}, previous: `{"email":"ada@acme.example"}`,
	}.by(ada))
	w.Equal("Countess@Other.example", moved.Email)
	w.Equal(w.Clock.At, moved.EmailVerifiedAt)
	w.Empty(moved.PendingEmail)
	w.Equal("Countess@Other.example", w.Member(acme, ada).Email)
	w.NewUser(tenancy.NewUser{Email: "ada@acme.example"}) // the old one is free
}

func changeTwice(w *world) {
	ada := w.User("ada")
	first := w.proof(ada, "one@acme.example")
	var second tenancy.EmailProof
	w.emits(func() (err error) {
		second, err = w.Svc.Users.ChangeEmail(w.Ctx, ada.ID, "two@acme.example")
		return err
	}, event{
		kind: tenancy.EventUserEmailChangeRequested, user: ada.ID, subject: ada.ID.String(), previous: `{"pending_email":"one@acme.example"}`,
	})
	w.refuses(tenancy.ErrTokenUsed, "token", func() error { return w.confirm(first.Token.Reveal()) })
	w.NoError(w.moves(ada, second))
	w.Equal("two@acme.example", w.getUser(ada.ID).Email)

	// The same address again is a new proof, and so an event (G8): the old one is dead.
	third := w.proof(ada, "three@acme.example")
	w.emits(func() (err error) {
		second, err = w.Svc.Users.ChangeEmail(w.Ctx, ada.ID, "three@acme.example")
		return err
	}, some(tenancy.EventUserEmailChangeRequested))
	w.refuses(tenancy.ErrTokenUsed, "token", func() error { return w.confirm(third.Token.Reveal()) })
	w.NoError(w.moves(ada, second))
}

func cancelChange(w *world) {
	ada := w.User("ada")
	w.silent(func() error { _, err := w.Svc.Users.CancelEmailChange(w.Ctx, ada.ID); return err })
	proof := w.proof(ada, "new@acme.example")
	var after tenancy.User
	got := w.emits(func() (err error) { after, err = w.Svc.Users.CancelEmailChange(w.Ctx, ada.ID); return err },
		some(tenancy.EventUserEmailChangeCanceled))
	w.tells(got[0], ofUser(tenancy.EventUserEmailChangeCanceled, after, `{"pending_email":"new@acme.example"}`))
	w.Empty(after.PendingEmail)
	w.silent(func() error { _, err := w.Svc.Users.CancelEmailChange(w.Ctx, ada.ID); return err })
	w.refuses(tenancy.ErrTokenUsed, "token", func() error { return w.confirm(proof.Token.Reveal()) })
}

func verifyOwn(w *world) {
	ada := w.NewUser(tenancy.NewUser{Email: "ada@acme.example"})
	proof := w.proof(ada, "Ada@acme.example")
	w.Clock.Advance(1e9)
	got := w.emits(func() error { return w.confirm(proof.Token.Reveal()) }, some(tenancy.EventUserEmailVerified))
	after := w.getUser(ada.ID)
	w.tells(got[0], ofUser(tenancy.EventUserEmailVerified, after, anything).by(ada))
	w.Equal("Ada@acme.example", after.Email)
	w.Equal(w.Clock.At, after.EmailVerifiedAt)
	verified := after.EmailVerifiedAt

	proof = w.proof(ada, "ada@acme.example")
	w.Clock.Advance(1e9)
	w.NoError(w.confirm(proof.Token.Reveal()))
	w.Equal(verified, w.getUser(ada.ID).EmailVerifiedAt) // since when it was
}

func addressTaken(w *world) {
	ada, bob := w.User("ada"), w.User("bob")
	var proof tenancy.EmailProof
	w.NotPanics(func() { proof = w.proof(ada, "BOB@acme.example") }) // not told here, where anyone could ask
	w.refuses(tenancy.ErrAlreadyExists, "email", func() error { return w.moves(ada, proof) })
	w.NoError(w.Svc.Users.Delete(w.Ctx, bob.ID))
	w.NoError(w.moves(ada, proof)) // a refusal spends nothing
	w.Equal("BOB@acme.example", w.getUser(ada.ID).Email)

	// Two ask for one address: the first to prove it has it.
	eve := w.User("eve")
	mine, theirs := w.proof(ada, "prize@acme.example"), w.proof(eve, "prize@acme.example")
	w.NoError(w.moves(eve, theirs))
	w.refuses(tenancy.ErrAlreadyExists, "email", func() error { return w.moves(ada, mine) })
}

func orphanedProof(w *world) {
	ada, bob, eve := w.User("ada"), w.User("bob"), w.User("eve")
	ofDeleted, ofMerged := w.proof(ada, "a@other.example"), w.proof(bob, "b@other.example")
	w.NoError(w.Svc.Users.Delete(w.Ctx, ada.ID))
	_, err := w.Svc.Users.Merge(w.Ctx, bob.ID, eve.ID)
	w.NoError(err)
	for _, proof := range []tenancy.EmailProof{ofDeleted, ofMerged} {
		w.refuses(tenancy.ErrInvalidToken, "token", func() error { return w.confirm(proof.Token.Reveal()) })
	}
	w.Empty(w.Dump().Secrets)
}
