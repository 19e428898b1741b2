package tenancy

import (
	"context"
	"time"
)

// Proofs prove that a person reads a mailbox, whether or not a user has its address (rule U12). Start mails a
// link and a six-digit code to an address, and returns a handle for the browser that asked. The browser keeps
// the handle in a cookie. The proof then ends in one of three ways:
//
//	Finish  the person types the code into the browser that has the handle
//	Open    the person opens the link there, or in another browser
//	nothing the proof ends after ten minutes
//
// Finish and Open return [Evidence] for [Service.SignIn], once for each proof. A proof counts for the browser
// that presents it. So the link signs in the browser in which it is opened, and no other; see
// [ProvedMailbox].Here. The methods do not depend on whether a user has the address: their answers, and the
// statements that they run, are the same for every address.
//
// The link must lead to a page that changes nothing by itself, because mail scanners open links. Preview says
// what that page should show; its button posts to a handler that calls Open. Keep the handle in a cookie that
// is HttpOnly, Secure and SameSite=Lax, as a session cookie is.
//
// The counts of a proof must be kept even if the caller's own transaction is rolled back. So Start, Finish and
// Open answer [ErrInTransaction] inside [Service.Transact] and on a Service from [Service.Join].
type Proofs struct{ s *Service }

const (
	proofFor         = 10 * time.Minute // how long a proof is valid
	proofsRemembered = time.Hour        // how long an expired proof is kept, to answer that it expired
)

// NewProof is the input of [Proofs.Start].
type NewProof struct {
	Email string // the address to prove (rule U1)
	// Client names the client that asks, such as a device that the program knows, to limit how many proofs one
	// client starts. It has 1 to 255 printable characters. "" = the address of the [Request] in the context; of
	// an IPv6 address its /64.
	Client string
}

// StartedProof is a proof that waits for its code or its link.
type StartedProof struct {
	// Handle is the secret for the cookie of the browser that asked. No other call returns it.
	Handle Token `json:"-"`
	// Link and Code are secrets for a mail to Email: show them to nobody else. With Config.Mailer they have
	// been mailed already, and both are zero.
	Link Token `json:"-"`
	Code Token `json:"-"` // six digits; zero where HasCode is false
	// HasCode says whether a code was mailed. It is false where the address has had its codes of the day, or
	// where too many wrong codes were typed for it: then only the link proves the mailbox.
	HasCode   bool      `json:"has_code"`
	Email     string    `json:"email"`               // as it was given to Start
	ExpiresAt time.Time `json:"expires_at,omitzero"` // when link and code expire
}

// ProofPreview is what the page of a link may show.
type ProofPreview struct {
	Email string `json:"email"` // as it was given to Start
	// Here says whether this browser is the one that asked. If not, the page offers to go on in this browser,
	// or, with HasCode, to type the code in the other one.
	Here      bool      `json:"here"`
	HasCode   bool      `json:"has_code"`            // the mail had a code, too
	ExpiresAt time.Time `json:"expires_at,omitzero"` // when the link expires
}

// ProvedMailbox is the result of a proof that was presented.
type ProvedMailbox struct {
	// Evidence is [MailboxEvidence] of Email, for [Service.SignIn].
	Evidence Evidence `json:"-"`
	Email    string   `json:"email"` // as it was given to Start
	// Here says whether the browser that asked presents the proof. Only then may the proof complete what was
	// begun in that browser, such as a typed password: use [Evidence.WithMailbox] with Email. If Here is false,
	// the person who opened the link may not be the one who asked: discard what was typed, and let the person
	// set a password in this browser.
	Here bool `json:"here"`
}

// Start mails a link and a code to an address, and returns the handle for the browser that asked. Link and code
// are valid for ten minutes. The code may be mistyped four times. An address has up to three proofs at once: a
// fourth one ends the oldest proof of the client that has most of them.
//
// An address gets 10 codes in 24 hours, and no more after 25 wrong codes were typed for it; then its mails have
// only the link. A client can start 20 proofs in an hour. Each period begins with the first proof or code that
// it counts. The counts are stored under keyed hashes.
//
// Start is one transaction, and the mail goes out after the commit.
//
// Errors: [ErrInvalid] with the field "email", or "client" where neither the input nor the Request names one;
// [ErrRateLimited] with the field "client", or "email" where Config.MayMail refused; [ErrInTransaction];
// [ErrMailFailed] beside the proof, which stays valid.
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

// Preview returns what the link of a proof would prove, without using the proof up. handle is the handle from
// the browser's cookie, "" = none. Preview changes nothing.
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

// Finish proves a mailbox by the code that was typed into the browser with the handle. It ignores blanks in the
// code. Finish uses the proof up: of all calls of Finish and Open for one proof, one succeeds.
//
// A wrong code is counted even if the caller rolls back or ignores the error. The fifth wrong code ends the
// proof. After 25 wrong codes for an address in 24 hours, no code for it is accepted; the link still works.
//
// Errors: [ErrInvalidToken], [ErrTokenExpired], [ErrTokenUsed] with the field "handle"; [ErrInvalidToken] with
// the field "code" for a wrong code, and for a proof without a code; [ErrInvalid] with the field "code" for a
// text that is not six digits, which counts nothing; [ErrRateLimited] with the field "code";
// [ErrInTransaction].
func (g Proofs) Finish(ctx context.Context, handle, code string) (ProvedMailbox, error) {
	if g.s.txn != nil {
		return ProvedMailbox{}, explain(&Error{Code: ErrInTransaction}, proofsFinish.op, "")
	}
	var wrong error // kept apart from err, so that the count of the wrong code is committed
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

// Open proves a mailbox by its link; call it from the button on the link's page. handle is the handle from the
// browser's cookie, "" = none. A handle of another proof counts as none. Open uses the proof up, in any
// browser: see Finish, and [ProvedMailbox].Here.
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

// Sweep deletes proofs that expired over an hour ago, and counts whose period is over. It deletes up to 200 of
// each, so that it blocks others for a short time only, and returns how many it deleted. [Service.Run] calls it
// every ten minutes. Without Run, call it from time to time until it returns 0.
func (g Proofs) Sweep(ctx context.Context) (int, error) {
	return write(ctx, g.s, proofsSweep, "", func(ctx context.Context, c *call) (int, error) {
		if err := c.access().authorize(ctx, scope{}); err != nil {
			return 0, err
		}
		return c.proofs().sweep(ctx)
	})
}
