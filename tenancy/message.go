package tenancy

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// MessageKind says what a [Message] is about.
type MessageKind string

// The kinds of messages.
const (
	MessageInvitation MessageKind = "invitation"  // an invitation to the organization, or to the application
	MessageEmailProof MessageKind = "email_proof" // asks the person to prove that the mailbox is theirs

	// MessageMailboxProof has the link and the code of [Proofs].Start. The mail must say: never type the code
	// on a page that you did not open yourself (rule U12).
	MessageMailboxProof MessageKind = "mailbox_proof"

	// The following kinds are notices without a token. They go to the mailbox that the person may have lost
	// control of (rule U11).
	MessageEmailChanged   MessageKind = "email_changed"   // to the old address: the account does not use it any more
	MessageIdentityLinked MessageKind = "identity_linked" // somebody added another way to sign in
	// MessageTakenOver: the owner of the address took over an account that existed for it.
	MessageTakenOver MessageKind = "taken_over"
)

// Message is the content of one mail, as facts without a text. The host decides on the wording, the language
// and the link.
type Message struct {
	Kind  MessageKind // one of the Message constants
	To    string      // the address, as it was given
	Token Token       // for this mail only; keep it out of logs and pages; zero in a notice
	// Code is a mailbox proof's six digits, for this mail only; zero: only the link proves the mailbox.
	Code           Token
	ExpiresAt      time.Time      // when Token and Code expire
	Subject        string         // the TypeID of the object: the invitation, the user or the proof
	OrganizationID OrganizationID // an invitation's organization; zero: an invitation to the application
	Organization   string         // the organization's name
	// Inviter is the name of the person who sent an invitation; "" = the host, or a person without a name.
	Inviter string
	Again   bool  // the invitation was sent before
	Label   Label // the application's word for an organization (rule O4)
}

// Mailer sends messages: see [Config].Mailer.
type Mailer interface {
	// Mail sends one message, or puts it into a queue of the host's. It is called after the commit, so it may
	// take its time. It is called at most once for each message.
	Mail(ctx context.Context, m Message) error
}

// mayMail refuses a call that would mail inside a transaction of the host's own: the library does not learn
// when that transaction commits (rule I2).
func (c *call) mayMail() error {
	if c.instance.config.Mailer != nil && c.changes.host != nil {
		return &Error{Code: ErrInTransaction, Reason: "what is mailed must be committed first"}
	}
	return nil
}

// mailed reports whether only the mailbox that a token goes to sees it. Such a token proves the mailbox (rule
// I4).
func (c *Config) mailed() bool { return c.Mailer != nil || c.MailOnly }

// queueMail queues a token for the Mailer until the transaction has committed, or else returns it to the
// caller.
func (c *call) queueMail(m Message) Token {
	if c.instance.config.Mailer == nil {
		return m.Token
	}
	c.mail = append(c.mail, outgoing{Message: m})
	return Token{}
}

// outgoing is a message in the queue.
type outgoing struct {
	Message
	aside bool // a notice, or sent by OnJoin: a failure does not fail the call
}

// notify tells a user's mailbox about a change to the account (rule U11). Without a Mailer, and in a
// transaction of the host's own, it sends nothing: there only the host knows whether the change was committed.
// A notice that cannot be sent fails no call; it is logged. One address gets at most 10 notices a day about one
// account, and further ones are dropped (rule I12). A user without an address gets no notice.
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

// sendMail sends the messages of a transaction after its commit; inside a Transact, after the outermost one. It
// tries all of them; IDs of the error names those that failed. Failures of notices, and of messages from
// OnJoin, are only logged: they do not fail the call.
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

// mail sends one message. It treats a panic of the Mailer as a failure, so that the other messages still go
// out.
func (c *Config) mail(ctx context.Context, m Message) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the Mailer panicked: %v", r)
		}
	}()
	return c.Mailer.Mail(Trusted(ctx), m)
}

// isKept reports whether the work of a call is committed although it returned an error: then only its mail
// failed.
func isKept(err error) bool {
	var e *Error
	return err == nil || errors.As(err, &e) && e.Code == ErrMailFailed
}
