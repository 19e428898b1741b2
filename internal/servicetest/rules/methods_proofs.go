package rules

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/freehold-dev/freehold/tenancy"
)

// settleProofs lays what the calls on proofs of mailboxes need: one that waits, and one that ran out
// long ago.
func (c *cast) settleProofs(w *world) {
	w.T.Helper()
	w.Clock.Advance(-2 * time.Hour)
	w.starts("old@mail.example", "cast")
	w.Clock.Advance(2 * time.Hour)
	c.proof = w.starts("mailbox@mail.example", "cast")
}

// starts starts a proof of a mailbox.
func (w *world) starts(email, client string) tenancy.StartedProof {
	w.T.Helper()
	started, err := w.Svc.Proofs.Start(w.Ctx, tenancy.NewProof{Email: email, Client: client})
	w.NoError(err)
	return started
}

func proofMethods() map[string]method {
	return map[string]method{
		"Start": apart(writes(func(ctx context.Context, s *tenancy.Service, _ cast) error {
			_, err := s.Proofs.Start(ctx, tenancy.NewProof{Email: "somebody@mail.example", Client: "somebody"})
			return err
		})),
		"Preview": reads(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Proofs.Preview(ctx, c.proof.Link.Reveal(), c.proof.Handle.Reveal())
			return err
		}),
		"Finish": apart(writes(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Proofs.Finish(ctx, c.proof.Handle.Reveal(), c.proof.Code.Reveal())
			return err
		})),
		"Open": apart(writes(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Proofs.Open(ctx, c.proof.Link.Reveal(), c.proof.Handle.Reveal())
			return err
		})),
		"Sweep": writes(func(ctx context.Context, s *tenancy.Service, _ cast) error {
			_, err := s.Proofs.Sweep(ctx)
			return err
		}),
	}
}

func walkProofs() map[string]walkCall {
	return map[string]walkCall{
		"Proofs.Start": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.Proofs.Start(ctx, tenancy.NewProof{Email: k.text("email"), Client: "walk"})
		},
		"Proofs.Preview": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.Proofs.Preview(ctx, k.text("proof"), "")
		},
		"Proofs.Finish": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.Proofs.Finish(ctx, k.text("proof"), "123456")
		},
		"Proofs.Open": func(ctx context.Context, s *tenancy.Service, k *callKeys) (any, error) {
			return s.Proofs.Open(ctx, k.text("proof"), "")
		},
		"Proofs.Sweep": func(ctx context.Context, s *tenancy.Service, _ *callKeys) (any, error) { return s.Proofs.Sweep(ctx) },
	}
}

// grownProofs are the calls on proofs, each with a new one: they cannot be undone.
func grownProofs() map[string]growthCall {
	n := 0
	start := func(ctx context.Context, s *tenancy.Service) (tenancy.StartedProof, error) {
		n++
		return s.Proofs.Start(ctx, tenancy.NewProof{Email: fmt.Sprintf("grown%d@mail.example", n), Client: fmt.Sprint("grown ", n)})
	}
	return map[string]growthCall{
		"Proofs.Start": {func(ctx context.Context, s *tenancy.Service, _ cast) error {
			_, err := start(ctx, s)
			return err
		}, true},
		"Proofs.Finish": {func(ctx context.Context, s *tenancy.Service, _ cast) error {
			started, err := start(ctx, s)
			if err == nil {
				_, err = s.Proofs.Finish(ctx, started.Handle.Reveal(), started.Code.Reveal())
			}
			return err
		}, true},
		"Proofs.Open": {func(ctx context.Context, s *tenancy.Service, _ cast) error {
			started, err := start(ctx, s)
			if err == nil {
				_, err = s.Proofs.Open(ctx, started.Link.Reveal(), "")
			}
			return err
		}, true},
	}
}

func proofInputRules() []rule {
	return []rule{
		{"G9 NewProof", on(func(w *world) { newProofInput().run(w) })},
		{"G9 handles, links and codes", on(proofArguments)},
	}
}

func newProofInput() input[tenancy.NewProof] {
	type in = tenancy.NewProof
	client := func(v *in, s string) { v.Client = s }
	email := func(v *in, s string) { v.Email = s }
	fields := map[string][]value[in]{
		"Email": {textCase("email", "as given", " Some.One+x@Acme.Example ", "", email)},
		"Client": append(text("client", 255, client),
			textCase("client", "none, and no request", "", tenancy.ErrInvalid, client),
			textCase("client", "another alphabet", "Łódź 東京", "", client)),
	}
	for name, bad := range badEmails() {
		fields["Email"] = append(fields["Email"], textCase("email", name, bad, tenancy.ErrInvalid, email))
	}
	return input[in]{
		base: func(cast) in { return in{Email: "someone@acme.example", Client: "input"} },
		call: func(ctx context.Context, s *tenancy.Service, _ cast, v in) error {
			_, err := s.Proofs.Start(ctx, v)
			return err
		},
		fields: fields,
		alone:  true,
	}
}

// proofArguments: what is no handle, no link and no code.
func proofArguments(w *world) {
	c := newCast(w)
	handle, link, code := c.proof.Handle.Reveal(), c.proof.Link.Reveal(), c.proof.Code.Reveal()
	for name, bad := range map[string]string{
		"empty": "", "cut": handle[:len(handle)-1], "mistyped": handle[:len(handle)-1] + "0", "a kind alone": "proofhandle_", "NUL": handle + "\x00",
		"long": strings.Repeat("x", 1<<16), "no UTF-8": "\xff", "the link": link, "a session's": c.bearer,
	} {
		w.each("handle/"+name, func(w *world) {
			w.refuses(tenancy.ErrInvalidToken, "handle", func() error { _, err := w.Svc.Proofs.Finish(w.Ctx, bad, code); return err })
		})
	}
	for name, bad := range map[string]string{
		"empty": "", "cut": link[:len(link)-1], "the handle": handle, "a session's": c.bearer, "long": strings.Repeat("x", 1<<16), "no UTF-8": "\xff",
	} {
		w.each("link/"+name, func(w *world) {
			w.refuses(tenancy.ErrInvalidToken, "token", func() error { _, err := w.Svc.Proofs.Open(w.Ctx, bad, handle); return err })
			w.refuses(tenancy.ErrInvalidToken, "token", func() error { _, err := w.Svc.Proofs.Preview(w.Ctx, bad, handle); return err })
		})
	}
	for name, bad := range map[string]string{
		"empty": "", "five digits": "12345", "seven digits": "1234567", "letters": "12345a", "other digits": "١٢٣٤٥٦", "signed": "+12345", "no UTF-8": "12345\xff",
	} {
		w.each("code/"+name, func(w *world) {
			w.refuses(tenancy.ErrInvalid, "code", func() error { _, err := w.Svc.Proofs.Finish(w.Ctx, handle, bad); return err })
		})
	}
	_, err := w.Svc.Proofs.Finish(w.Ctx, " "+handle+"\n", code[:3]+" "+code[3:]+"\n") // G16: white space
	w.NoError(err)
}
