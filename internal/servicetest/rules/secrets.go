package rules

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"time"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/tenancy"
)

func secretRules() []rule {
	return []rule{
		{"G10 a token has a readable form and a checksum", on(tokenForm)},
		{"G10 a token shows itself to nobody", on(redaction)},
		{"G10 a token shows itself to no verb that is a mistake", on(wrongVerbs)},
		{"G10 the store keeps a hash, and nothing else knows the token", on(hashed)},
		{"G10 a token that is none is invalid_token", on(badTokens)},
		{"G10 a genuine token tells its state", on(tokenStates)},
		{"G10 a genuine token tells its state, however old", on(oldTokens)},
	}
}

// proof asks for a change of email.
func (w *world) proof(user tenancy.User, address string) tenancy.EmailProof {
	w.T.Helper()
	proof, err := w.Svc.Users.ChangeEmail(w.Ctx, user.ID, address)
	w.NoError(err)
	return proof
}

// confirm opens the link of a proof signed in nowhere.
func (w *world) confirm(token string) error {
	_, err := w.Svc.Users.ConfirmEmail(w.Ctx, tenancy.EmailConfirmation{Token: token})
	return err
}

// moves opens the link of a proof as a user who is signed in.
func (w *world) moves(user tenancy.User, proof tenancy.EmailProof) error {
	_, err := w.Svc.As(tenancy.UserPrincipal(user.ID)).Users.ConfirmEmail(w.Ctx, tenancy.EmailConfirmation{Token: proof.Token.Reveal()})
	return err
}

func tokenForm(w *world) {
	seen := map[string]bool{}
	for range 20 {
		token := w.proof(w.User(fmt.Sprintf("u%d", len(seen))), "x@acme.example").Token
		w.Regexp(regexp.MustCompile(`^emailproof_[a-z2-7]{58}$`), token.Reveal())
		w.False(seen[token.Reveal()])
		w.False(token.IsZero())
		seen[token.Reveal()] = true
	}
	w.True(tenancy.Token{}.IsZero())
	broken := w.Another(func(c *tenancy.Config) { c.Rand = strings.NewReader("short") })
	ada := w.User("ada")
	w.unchanged(func() {
		_, err := broken.Users.ChangeEmail(w.Ctx, ada.ID, "x@acme.example")
		w.Failed(err, tenancy.ErrInternal, "")
	})
}

func redaction(w *world) {
	proof := w.proof(w.User("ada"), "new@acme.example")
	raw := proof.Token.Reveal()
	var shown bytes.Buffer
	type wrapped struct {
		Token tenancy.Token
		Proof *tenancy.EmailProof
	}
	for _, v := range []any{
		proof, &proof, proof.Token, &proof.Token,
		[]tenancy.Token{proof.Token},
		map[string]tenancy.Token{"t": proof.Token},
		wrapped{proof.Token, &proof},
		[]any{proof},
	} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X"} {
			fmt.Fprintf(&shown, verb, v)
		}
		text, err := json.Marshal(v)
		w.NoError(err)
		shown.Write(text)
		slog.New(slog.NewTextHandler(&shown, nil)).Info("text", "v", v)
		slog.New(slog.NewJSONHandler(&shown, nil)).Info("json", "v", v)
		shown.WriteString(fmt.Sprint(v) + fmt.Sprintln(v) + fmt.Errorf("%v", v).Error())
	}
	w.NotContains(shown.String(), raw)
	w.NotContains(shown.String(), raw[len("emailproof_"):])
	w.NotContains(shown.String(), fmt.Sprintf("%x", raw))
	w.Contains(shown.String(), "[redacted]")
}

// wrongVerbs: fmt shows the fields of what a verb does not fit.
func wrongVerbs(w *world) {
	token := w.proof(w.User("ada"), "new@acme.example").Token
	for _, verb := range []string{"%d", "%t", "%08b", "%e", "%c", "%U", "%!"} {
		w.NotContains(fmt.Sprintf(verb, token), token.Reveal(), verb)
		w.NotContains(fmt.Sprintf(verb, []any{token}), token.Reveal(), verb)
	}
}

func hashed(w *world) {
	var log bytes.Buffer
	w.Svc = w.Another(func(c *tenancy.Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	ada := w.User("ada")
	proof := w.proof(ada, "new@acme.example")
	raw := proof.Token.Reveal()
	for _, stage := range []func(){
		func() {},
		func() { w.NoError(w.moves(ada, proof)) },
		func() { w.ErrorIs(w.confirm(raw), tenancy.ErrTokenUsed) },
	} {
		stage()
		d := w.Dump()
		w.Len(d.Secrets, 1)
		w.Len(d.Secrets[0].Hash, 64)
		w.NotContains(d.String(), raw)
		w.NotContains(log.String(), raw)
		for _, e := range d.Events {
			w.NotContains(string(e.Data)+string(e.Previous), d.Secrets[0].Hash)
		}
		got := w.json(w.getUser(ada.ID))
		w.NotContains(got, raw)
		w.NotContains(got, d.Secrets[0].Hash)
	}
	w.NotContains(w.confirm(raw).Error(), raw[len("emailproof_"):])
	w.NotContains(w.confirm(raw+"x").Error(), raw[len("emailproof_"):])
}

func badTokens(w *world) {
	ada := w.User("ada")
	proof := w.proof(ada, "new@acme.example")
	raw := proof.Token.Reveal()
	body := strings.TrimPrefix(raw, "emailproof_")
	bad := map[string]string{
		"empty": "", "a prefix alone": "emailproof_", "the body alone": body, "another prefix": "invitation_" + body,
		"upper case": strings.ToUpper(raw), "a space within": raw[:20] + " " + raw[20:], "a line break within": raw[:20] + "\n" + raw[20:],
		"truncated": raw[:len(raw)-1], "longer": raw + "a", "twice": raw + raw, "NUL": raw + "\x00", "invalid UTF-8": "\xff" + raw,
		"huge": strings.Repeat(raw, 1000), "another's, well formed": w.unknownToken(),
	}
	for i := range body { // a flipped character anywhere, also in the checksum
		flipped := []byte(body)
		flipped[i] = "ab"[btoi(flipped[i] == 'a')]
		bad[fmt.Sprintf("character %d flipped", i)] = "emailproof_" + string(flipped)
	}
	for name, token := range bad {
		w.each(name, func(w *world) {
			w.refuses(tenancy.ErrInvalidToken, "token", func() error { return w.confirm(token) })
		})
	}
	w.NoError(w.moves(ada, proof))
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// unknownToken is a genuine token of another store.
func (w *world) unknownToken() string {
	w.T.Helper()
	var token string
	w.Equal(servicetest.ErrStop, w.Store.Update(w.Ctx, func(rows store.Rows) error {
		_, in, err := w.Svc.Join(w.Ctx, servicetest.Joined{Rows: rows, Over: w.Store})
		w.NoError(err)
		user, err := in.Users.Create(w.Ctx, tenancy.NewUser{Email: "gone@acme.example"})
		w.NoError(err)
		proof, err := in.Users.ChangeEmail(w.Ctx, user.ID, "lost@acme.example")
		w.NoError(err)
		token = proof.Token.Reveal()
		return servicetest.ErrStop
	}))
	return token
}

func tokenStates(w *world) {
	ada := w.User("ada")
	first := w.proof(ada, "one@acme.example")
	w.Equal(w.Clock.At.Truncate(time.Microsecond).Add(24*time.Hour), first.ExpiresAt)
	second := w.proof(ada, "two@acme.example")
	w.refuses(tenancy.ErrTokenUsed, "token", func() error { return w.confirm(first.Token.Reveal()) }) // replaced

	w.Clock.Advance(24*time.Hour - time.Microsecond)
	w.unchanged(func() {
		w.Equal(servicetest.ErrStop, w.Store.Update(w.Ctx, func(rows store.Rows) error { // good to the last
			_, in, err := w.Svc.Join(w.Ctx, servicetest.Joined{Rows: rows, Over: w.Store})
			w.NoError(err)
			_, err = in.As(tenancy.UserPrincipal(ada.ID)).Users.ConfirmEmail(w.Ctx, tenancy.EmailConfirmation{Token: second.Token.Reveal()})
			w.NoError(err)
			return servicetest.ErrStop
		}))
	})
	w.Clock.Advance(time.Microsecond)
	w.refuses(tenancy.ErrTokenExpired, "token", func() error { return w.confirm(second.Token.Reveal()) })

	third := w.proof(ada, "three@acme.example")
	w.NoError(w.moves(ada, third))
	w.refuses(tenancy.ErrTokenUsed, "token", func() error { return w.confirm(third.Token.Reveal()) })
	w.Equal("three@acme.example", w.getUser(ada.ID).Email)

	short := w.Another(func(c *tenancy.Config) { c.EmailProofFor = time.Minute })
	proof, err := short.Users.ChangeEmail(w.Ctx, ada.ID, "five@acme.example")
	w.NoError(err)
	w.Equal(w.Clock.At.Truncate(time.Microsecond).Add(time.Minute), proof.ExpiresAt)
}

// oldTokens: a genuine one tells its own state, however many came after it.
func oldTokens(w *world) {
	ada := w.User("ada")
	replaced, expired := w.proof(ada, "one@acme.example"), w.proof(ada, "two@acme.example")
	w.Clock.Advance(24*time.Hour + time.Microsecond)
	w.proof(ada, "three@acme.example")
	for _, old := range []tenancy.EmailProof{replaced, expired} {
		w.Contains([]tenancy.Code{tenancy.ErrTokenUsed, tenancy.ErrTokenExpired}, tenancy.CodeOf(w.confirm(old.Token.Reveal())))
	}
}
