package tenancy

import (
	"context"
	"time"
)

// Proofs prove that somebody reads a mailbox, whether or not there is a user with its address
// (rule U12). Start mails a link and a code of six digits to an address, and gives a handle for the
// browser that asked. The browser keeps the handle in a cookie. Then there are three ways on:
//
//	Finish  the person types the code into the browser that has the handle
//	Open    the person opens the link there, or in another browser
//	nothing the proof ends after ten minutes
//
// Each gives [Evidence] for [Service.SignIn], once. A proof credits the browser that presents it. So the
// link signs in the browser in which it is opened, and no other; see [ProvedMailbox].Here. The methods
// never ask who has the address: their answers, and the statements that they run, are the same for
// everybody.
//
// The link must lead to a page that changes nothing by itself, because mail scanners open links: Preview
// says what to show, and the page's button posts to what calls Open. In a session cookie's way, the
// handle belongs in a cookie that is HttpOnly, Secure and SameSite=Lax.
//
// What a proof costs must be kept whatever becomes of the caller's own work. So Start, Finish and Open
// answer [ErrInTransaction] inside [Service.Transact] and on a Service from [Service.Join].
type Proofs struct{ s *Service }

const (
	proofFor         = 10 * time.Minute // how long a proof holds
	proofsRemembered = time.Hour        // how long one that ran out can still say so
)

// NewProof is what Start needs.
type NewProof struct {
	Email string // to prove (rule U1)
	// Client names who asks, to count how much one client asks for: 1 to 255 printable characters,
	// such as a device that the program knows. "" = the address of the [Request] in the context; of an
	// IPv6 address its /64.
	Client string
}

// StartedProof is a proof that waits for the code or the link.
type StartedProof struct {
	// Handle is the secret of the browser that asked, for a cookie. It is shown once.
	Handle Token `json:"-"`
	// Link and Code are to be mailed to Email and shown to nobody. With Config.Mailer they have
	// gone there already, and both are zero.
	Link Token `json:"-"`
	Code Token `json:"-"` // six digits; zero where HasCode is false
	// HasCode says whether a code was mailed. False: the address has had its codes of the day, or too
	// many wrong ones were typed for it, and only the link proves.
	HasCode   bool      `json:"has_code"`
	Email     string    `json:"email"`               // as it was given to Start
	ExpiresAt time.Time `json:"expires_at,omitzero"` // when both run out
}

// ProofPreview is what the page may show that a link leads to.
type ProofPreview struct {
	Email string `json:"email"` // as it was given to Start
	// Here says whether this browser is the one that asked. If not, the page offers to go on in this
	// browser, or to type the code in the other one if HasCode.
	Here      bool      `json:"here"`
	HasCode   bool      `json:"has_code"`            // a code was mailed beside the link
	ExpiresAt time.Time `json:"expires_at,omitzero"` // when the link runs out
}

// ProvedMailbox is a proof that was presented.
type ProvedMailbox struct {
	// Evidence is [MailboxEvidence] of Email, for [Service.SignIn].
	Evidence Evidence `json:"-"`
	Email    string   `json:"email"` // as it was given to Start
	// Here says whether the browser that asked presents the proof. Only then may the proof finish what was
	// begun there, such as a password that was typed: use [Evidence.WithMailbox] with Email.
	// If not, whoever asked may be a stranger to the person who opened the link: forget what was typed
	// there, and let the person set a password here.
	Here bool `json:"here"`
}

// Start mails a link and a code to an address, and gives the handle for the browser that asked. Both
// hold for ten minutes; the code may be mistyped four times. An address has up to three proofs at once:
// another one ends the oldest of the client that has most of them.
//
// An address gets 10 codes in 24 hours, and no more where 25 wrong ones were typed for it; then it gets links
// alone. A client starts 20 proofs in an hour. Both times begin with the first that is counted, and the counts are kept
// under keyed hashes.
//
// It is one transaction, and the mail goes after the commit.
//
// Errors: [ErrInvalid] with the field "email", or "client" where neither the input nor the Request names one;
// [ErrRateLimited] with the field "client", or "email" where Config.MayMail refused; [ErrInTransaction];
// [ErrMailFailed] beside the proof, which holds.
func (g Proofs) Start(ctx context.Context, in NewProof) (StartedProof, error) {
	if g.s.txn != nil {
		return StartedProof{}, explain(&Error{Code: ErrInTransaction}, proofsStart.op, "")
	}
	return write(ctx, g.s, proofsStart, "", func(ctx context.Context, c *call) (StartedProof, error) {
		if err := c.access().authorize(ctx, scope{}); err != nil {
			return StartedProof{}, err
		}
		return c.proofs().start(ctx, in)
	})
}

// Preview says what the link of a proof would prove, and where. handle is what the browser has in its
// cookie, "" = nothing. It changes nothing and spends nothing.
//
// Errors: [ErrInvalidToken], [ErrTokenExpired], [ErrTokenUsed], with the field "token".
func (g Proofs) Preview(ctx context.Context, link, handle string) (ProofPreview, error) {
	return read(ctx, g.s, proofsPreview, "", func(ctx context.Context, c *call) (ProofPreview, error) {
		if err := c.access().authorize(ctx, scope{}); err != nil {
			return ProofPreview{}, err
		}
		p, err := c.proofs().byLink(ctx, link)
		if err != nil {
			return ProofPreview{}, err
		}
		return ProofPreview{Email: p.Email, Here: p.belongsTo(handle), HasCode: p.Code != "", ExpiresAt: p.ExpiresAt}, nil
	})
}

// Finish takes the code that was typed into the browser that has the handle. Blanks in it do not count.
// It spends the proof: of any number of calls of Finish and Open for one proof, one succeeds.
//
// A wrong code is counted, whatever the caller does with the error. The fifth ends the proof. Where 25 were typed for
// the address in 24 hours, no code of it is taken, and the link still proves.
//
// Errors: [ErrInvalidToken], [ErrTokenExpired], [ErrTokenUsed] with the field "handle"; [ErrInvalidToken] with the
// field "code" for a wrong one, and for a proof that was mailed without; [ErrInvalid] with the field "code" for what is
// not six digits, which counts nothing; [ErrRateLimited] with the field "code"; [ErrInTransaction].
func (g Proofs) Finish(ctx context.Context, handle, code string) (ProvedMailbox, error) {
	if g.s.txn != nil {
		return ProvedMailbox{}, explain(&Error{Code: ErrInTransaction}, proofsFinish.op, "")
	}
	var wrong error // kept apart: what it counts must be committed
	proved, err := write(ctx, g.s, proofsFinish, "", func(ctx context.Context, c *call) (proved ProvedMailbox, err error) {
		if err := c.access().authorize(ctx, scope{}); err != nil {
			return ProvedMailbox{}, err
		}
		proved, wrong, err = c.proofs().finish(ctx, handle, code)
		return proved, err
	})
	if err == nil && wrong != nil {
		err = explain(wrong, proofsFinish.op, "")
	}
	return proved, err
}

// Open takes the link of a proof, from the page that it leads to. handle is what the browser has in
// its cookie, "" = nothing; what is no handle of this proof counts as nothing. Open spends the proof, wherever it
// is: see Finish, and [ProvedMailbox].Here.
//
// Errors: [ErrInvalidToken], [ErrTokenExpired], [ErrTokenUsed] with the field "token"; [ErrInTransaction].
func (g Proofs) Open(ctx context.Context, link, handle string) (ProvedMailbox, error) {
	if g.s.txn != nil {
		return ProvedMailbox{}, explain(&Error{Code: ErrInTransaction}, proofsOpen.op, "")
	}
	return write(ctx, g.s, proofsOpen, "", func(ctx context.Context, c *call) (ProvedMailbox, error) {
		if err := c.access().authorize(ctx, scope{}); err != nil {
			return ProvedMailbox{}, err
		}
		return c.proofs().open(ctx, link, handle)
	})
}

// Sweep removes proofs that ran out over an hour ago, and counts whose time is over: up to 200 of each, so
// that nobody waits for it. It says how many went. [Service.Run] calls it every ten minutes; without
// that, call it now and then until it gives 0.
func (g Proofs) Sweep(ctx context.Context) (int, error) {
	return write(ctx, g.s, proofsSweep, "", func(ctx context.Context, c *call) (int, error) {
		if err := c.access().authorize(ctx, scope{}); err != nil {
			return 0, err
		}
		return c.proofs().sweep(ctx)
	})
}
