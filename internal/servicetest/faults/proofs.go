package faults

import (
	"context"
	"time"

	"github.com/freehold-dev/freehold/tenancy"
)

// settleProofs lays what the calls on proofs of mailboxes need: one that waits, and one that ran out
// long ago.
func (w *faultWorld) settleProofs() {
	start := func(email string) tenancy.StartedProof {
		started, err := w.Svc.Proofs.Start(w.Ctx, tenancy.NewProof{Email: email, Client: "laptop"})
		w.NoError(err)
		return started
	}
	w.Clock.Advance(-2 * time.Hour)
	start("old@mail.example")
	w.Clock.Advance(2 * time.Hour)
	w.mailbox = start("zoe@mail.example")
}

// proofCalls are the calls on proofs of mailboxes for [Run].
func proofCalls() []faultCall {
	return []faultCall{
		{method: "Proofs.Start", alone: true, call: func(ctx context.Context, svc *tenancy.Service, _ *faultWorld) (any, error) {
			return svc.Proofs.Start(ctx, tenancy.NewProof{Email: "new@mail.example", Client: "phone"})
		}},
		{method: "Proofs.Finish", alone: true, call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			return svc.Proofs.Finish(ctx, w.mailbox.Handle.Reveal(), w.mailbox.Code.Reveal())
		}},
		{method: "Proofs.Open", alone: true, call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			return svc.Proofs.Open(ctx, w.mailbox.Link.Reveal(), "")
		}},
		{method: "Proofs.Sweep", call: func(ctx context.Context, svc *tenancy.Service, _ *faultWorld) (any, error) {
			return svc.Proofs.Sweep(ctx)
		}},
	}
}
