package tenancy

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// MessageKind says what a message is about.
type MessageKind string

// The kinds of messages.
const (
	MessageInvitation MessageKind = "invitation"  // come into the organization, or the application
	MessageEmailProof MessageKind = "email_proof" // prove that this mailbox is yours

	// MessageMailboxProof has the link and the code of [Proofs].Start. Its mail must say never to
	// type the code on a page that one did not open by oneself (rule U12).
	MessageMailboxProof MessageKind = "mailbox_proof"

	// The rest are notices without a token, to the mailbox that somebody may have lost
	// control of (rule U11).
	MessageEmailChanged   MessageKind = "email_changed"   // to the old address: it is not the account's any more
	MessageIdentityLinked MessageKind = "identity_linked" // another way to sign in was added
	MessageTakenOver      MessageKind = "taken_over"      // an account that was there for the address is its owner's now
)

// Message is what a mail has to say. It carries facts and no text: how it reads, in
// which language and with which link, is the host's to decide.
type Message struct {
	Kind           MessageKind    // what it is about: one of the Message constants
	To             string         // the address, as given
	Token          Token          // to be revealed in this mail and nowhere else; zero in a notice
	Code           Token          // a mailbox proof's six digits, to be revealed in the same way; zero: only the link proves
	ExpiresAt      time.Time      // of the token
	Subject        string         // TypeID of what it is about: the invitation, the user, the proof
	OrganizationID OrganizationID // an invitation's; zero: into the application
	Organization   string         // its name
	Inviter        string         // an invitation: what to call who sent it; "" = the host, or one without a name
	Again          bool           // an invitation that was sent before
	Label          Label          // the application's word for an organization (rule O4)
}

// Mailer sends messages: see [Config].Mailer.
type Mailer interface {
	// Mail sends one message, or hands it over to what will. It is called after the
	// commit, so it may take its time, and never twice for one message.
	Mail(ctx context.Context, m Message) error
}

// mayMail refuses a call that would mail in a transaction of the host's own, whose end
// nobody tells us (rule I2).
func (c *call) mayMail() error {
	if c.instance.config.Mailer != nil && c.changes.host != nil {
		return &Error{Code: ErrInTransaction, Reason: "what is mailed must be committed first"}
	}
	return nil
}

// mailed reports whether a token is seen by nobody but the mailbox that it goes to,
// so that it proves that mailbox (rule I4).
func (c *Config) mailed() bool { return c.Mailer != nil || c.MailOnly }

// queueMail gives a token to the Mailer, once the transaction is over, or else to the
// caller.
func (c *call) queueMail(m Message) Token {
	if c.instance.config.Mailer == nil {
		return m.Token
	}
	c.mail = append(c.mail, outgoing{Message: m})
	return Token{}
}

// outgoing is a message on its way.
type outgoing struct {
	Message
	aside bool // sent by OnJoin, or a notice: not what the call itself was asked for
}

// notify tells a user's mailbox of something that was done to the account (rule U11).
// Without a Mailer, and in a transaction of the host's own, nobody is told: the host is who
// knows what happened, and whether it was committed. A notice that cannot be sent is
// nobody's failure, and the Logger hears. One address gets at most 10 notices a day about one
// account; those beyond are not sent (rule I12). A user without an address has none to tell.
func (c *call) notify(ctx context.Context, user User, kind MessageKind) error {
	if user.Email == "" || c.instance.config.Mailer == nil || c.changes.host != nil {
		return nil
	}
	if may, err := c.mails().admitNotice(ctx, user, kind); err != nil || !may {
		return err
	}
	c.mail = append(c.mail, outgoing{Message{Kind: kind, To: user.Email, Subject: user.ID.String(), Label: c.instance.config.Label}, true})
	return nil
}

// sendMail sends what a transaction had to mail, once it is committed; in a Transact, at
// the end of the outermost. All are tried, and IDs names those that failed. Of notices
// and of what OnJoin sent only the Logger hears: the call itself did not fail by it.
func (s *Service) sendMail(ctx context.Context, mail []outgoing) error {
	if s.txn != nil {
		s.txn.mail = append(s.txn.mail, mail...)
		return nil
	}
	failed := &Error{Code: ErrMailFailed}
	for _, m := range mail {
		err := s.instance.config.mail(ctx, m.Message)
		switch {
		case err == nil:
		case m.aside:
			s.instance.config.Logger.WarnContext(ctx, "freehold: a notice, or a mail that OnJoin sent, failed", "subject", m.Subject, "error", err)
		default:
			failed.IDs = append(failed.IDs, m.Subject)
			failed.Err = errors.Join(failed.Err, err)
		}
	}
	if failed.Err == nil {
		return nil
	}
	return failed
}

// mail sends one message. A Mailer that panics has failed with it, and what others wait
// for still goes out.
func (c *Config) mail(ctx context.Context, m Message) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the Mailer panicked: %v", r)
		}
	}()
	return c.Mailer.Mail(Trusted(ctx), m)
}

// isKept tells a call that came to nothing from one whose mail alone failed: what that
// one asked for is kept.
func isKept(err error) bool {
	var e *Error
	return err == nil || errors.As(err, &e) && e.Code == ErrMailFailed
}
