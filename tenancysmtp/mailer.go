package tenancysmtp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/smtp"
	"time"

	"github.com/freehold-dev/freehold/tenancy"
)

// Security says how the connection to the mail server is protected.
type Security string

// With [Plain], the Mailer sends a password only to the machine itself.
const (
	StartTLS Security = "starttls" // the default: TLS, which begins after the greeting; without it the mail is not sent
	Implicit Security = "tls"      // TLS from the first byte, as on port 465
	Plain    Security = "plain"    // no protection: for a relay on the machine itself
)

// Config is what [New] needs: Addr, From, and Link or Compose.
type Config struct {
	// Addr is the mail server, host:port.
	Addr string
	// Security protects the connection; default [StartTLS].
	Security Security
	// TLS is for private certificate authorities; nil trusts the machine's own. The Mailer sets the server's
	// name for each connection.
	TLS *tls.Config
	// Username and Password sign in with the mechanism PLAIN; "" = no sign-in.
	Username, Password string
	// From is the sender: "App <no-reply@example.com>", or only the address.
	From string
	// Link returns the URL that a mail shows, with the mail's token in it.
	Link func(m tenancy.Message) string
	// Compose writes a mail; default: [Compose] with Link.
	Compose func(m tenancy.Message) (Mail, error)
	// Timeout limits the time for one mail in total; default 20 s.
	Timeout time.Duration
	// Now is the clock for the Date of mails; default time.Now.
	Now func() time.Time
}

// Mailer sends each mail over its own connection. It is safe for concurrent use.
type Mailer struct {
	config Config
	host   string
	from   *mail.Address
}

var _ tenancy.Mailer = (*Mailer)(nil)

// New makes a Mailer. It does not connect yet.
//
// Errors: [tenancy.ErrInvalid] with the name of the field, for an invalid address, an unknown Security, a
// password that would go to another machine without protection, and if neither Link nor Compose is set.
func New(config Config) (*Mailer, error) {
	host, _, err := net.SplitHostPort(config.Addr)
	if err != nil || host == "" {
		return nil, invalid("addr", "is not host:port")
	}
	from, err := mail.ParseAddress(config.From)
	if err != nil {
		return nil, invalid("from", "is no address")
	}
	if from.Address, err = envelope(from.Address); err != nil {
		return nil, invalid("from", "is no address")
	}
	switch config.Security {
	case "":
		config.Security = StartTLS
	case StartTLS, Implicit:
	case Plain:
		if config.Username != "" && !isLocal(host) {
			return nil, invalid("security", "would send the password over an open line")
		}
	default:
		return nil, invalid("security", "is none of starttls, tls and plain")
	}
	switch {
	case config.Compose != nil:
	case config.Link != nil:
		link := config.Link
		config.Compose = func(m tenancy.Message) (Mail, error) { return Compose(m, link(m)), nil }
	default:
		return nil, invalid("link", "is missing, and so is Compose")
	}
	if config.Timeout <= 0 {
		config.Timeout = 20 * time.Second
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	return &Mailer{config, host, from}, nil
}

func invalid(field, reason string) error {
	return &tenancy.Error{Code: tenancy.ErrInvalid, Op: "new mailer", Field: field, Reason: reason}
}

func isLocal(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Mail sends one message, and returns when the server has accepted it. It stops when ctx ends, and after
// Config.Timeout. The error contains the server's answer, and no token.
func (m *Mailer) Mail(ctx context.Context, message tenancy.Message) error {
	written, err := m.config.Compose(message)
	if err != nil {
		return fmt.Errorf("compose mail: %w", err)
	}
	return m.Send(ctx, message.To, written)
}

// Send sends a mail of the host's to one address, in the way of Mail.
func (m *Mailer) Send(ctx context.Context, address string, written Mail) error {
	to, err := envelope(address)
	if err != nil {
		return fmt.Errorf("mail: %w", err)
	}
	body, err := written.format(m.from, to, m.config.Now())
	if err != nil {
		return fmt.Errorf("compose mail: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, m.config.Timeout)
	defer cancel()
	if err := m.send(ctx, to, body); err != nil {
		return fmt.Errorf("send mail: %w", errors.Join(context.Cause(ctx), err))
	}
	return nil
}

func (m *Mailer) send(ctx context.Context, to string, body []byte) error {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", m.config.Addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) }) // every read and write that waits then ends
	defer stop()
	if m.config.Security == Implicit {
		conn = tls.Client(conn, m.tls())
	}
	client, err := smtp.NewClient(conn, m.host)
	if err != nil {
		return err
	}
	defer client.Close()
	if err := m.greet(client); err != nil {
		return err
	}
	return deliver(client, m.from.Address, to, body)
}

// greet protects the connection and signs in.
func (m *Mailer) greet(client *smtp.Client) error {
	if m.config.Security == StartTLS {
		if err := client.StartTLS(m.tls()); err != nil {
			return fmt.Errorf("start TLS: %w", err)
		}
	}
	if m.config.Username == "" {
		return nil
	}
	return client.Auth(smtp.PlainAuth("", m.config.Username, m.config.Password, m.host))
}

func (m *Mailer) tls() *tls.Config {
	config := m.config.TLS.Clone()
	if config == nil {
		config = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	config.ServerName = m.host
	return config
}

func deliver(client *smtp.Client, from, to string, body []byte) error {
	if err := client.Mail(from); err != nil {
		return err
	}
	if err := client.Rcpt(to); err != nil {
		return err
	}
	data, err := client.Data()
	if err != nil {
		return err
	}
	if _, err := data.Write(body); err != nil {
		return err
	}
	if err := data.Close(); err != nil { // from here on the server has the mail
		return err
	}
	_ = client.Quit() // the server has the mail, so its answer to QUIT does not matter
	return nil
}
