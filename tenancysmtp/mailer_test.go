package tenancysmtp_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"mime"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/freehold-dev/freehold/internal/smtptest"
	"github.com/freehold-dev/freehold/store/memory"
	"github.com/freehold-dev/freehold/tenancy"
	"github.com/freehold-dev/freehold/tenancysmtp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// certificate is one for 127.0.0.1, and who trusts it.
func certificate(t *testing.T) (server, client *tls.Config) {
	t.Helper()
	web := httptest.NewTLSServer(nil)
	defer web.Close()
	roots := x509.NewCertPool()
	roots.AddCert(web.Certificate())
	return &tls.Config{Certificates: web.TLS.Certificates, MinVersion: tls.VersionTLS12}, &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
}

func start(t *testing.T, s *smtptest.Server) *smtptest.Server {
	t.Helper()
	require.NoError(t, s.Start())
	t.Cleanup(s.Close)
	return s
}

func link(m tenancy.Message) string {
	return "https://app.example/" + string(m.Kind) + "?token=" + m.Token.Reveal()
}

func mailer(t *testing.T, s *smtptest.Server, change func(*tenancysmtp.Config)) *tenancysmtp.Mailer {
	t.Helper()
	c := tenancysmtp.Config{Addr: s.Addr(), Security: tenancysmtp.Plain, From: "App <no-reply@app.example>", Link: link}
	if change != nil {
		change(&c)
	}
	m, err := tenancysmtp.New(c)
	require.NoError(t, err)
	return m
}

var message = tenancy.Message{
	Kind: tenancy.MessageInvitation, To: "Bob@Müller.example", Organization: "Acme", Inviter: "Ada",
	Label: tenancy.Label{Singular: "team"}, ExpiresAt: time.Date(2030, 1, 2, 3, 4, 0, 0, time.UTC),
}

func TestOverTLS(t *testing.T) {
	server, client := certificate(t)
	sink := start(t, &smtptest.Server{TLS: server})
	m := mailer(t, sink, func(c *tenancysmtp.Config) {
		c.Security, c.TLS, c.Username, c.Password = "", client, "app", "secret"
	})
	require.NoError(t, m.Mail(t.Context(), message))
	got := sink.Mails()
	require.Len(t, got, 1)
	require.True(t, got[0].Secure)
	require.Equal(t, base64.StdEncoding.EncodeToString([]byte("\x00app\x00secret")), got[0].Auth)
	require.Equal(t, "no-reply@app.example", got[0].From)
	require.Equal(t, "Bob@xn--mller-kva.example", got[0].To)
	require.Equal(t, "You are invited", got[0].Header.Get("Subject"))
	require.Contains(t, got[0].Text, "join the team of this name:\n\n    Acme\n")
	require.Contains(t, got[0].Text, "2 January 2030, 03:04 UTC")
}

// A server that offers no TLS gets no mail, and no password.
func TestNoDowngrade(t *testing.T) {
	sink := start(t, &smtptest.Server{})
	m := mailer(t, sink, func(c *tenancysmtp.Config) { c.Security, c.Username = tenancysmtp.StartTLS, "app" })
	require.ErrorContains(t, m.Mail(t.Context(), message), "start TLS")
	server, _ := certificate(t)
	untrusted := start(t, &smtptest.Server{TLS: server})
	m = mailer(t, untrusted, func(c *tenancysmtp.Config) { c.Security = tenancysmtp.StartTLS })
	require.Error(t, m.Mail(t.Context(), message))
	require.Empty(t, sink.Mails())
	require.Empty(t, untrusted.Mails())
}

func TestRefusals(t *testing.T) {
	for _, command := range []string{"EHLO", "MAIL", "RCPT", "DATA"} {
		sink := start(t, &smtptest.Server{Refuse: command})
		require.ErrorContains(t, mailer(t, sink, nil).Mail(t.Context(), message), "send mail", command)
		require.Empty(t, sink.Mails())
	}
}

func TestTimeout(t *testing.T) {
	for _, command := range []string{"EHLO", "DATA"} {
		sink := start(t, &smtptest.Server{Hang: command})
		m := mailer(t, sink, func(c *tenancysmtp.Config) { c.Timeout = 30 * time.Millisecond })
		require.ErrorIs(t, m.Mail(t.Context(), message), context.DeadlineExceeded)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(10*time.Millisecond, cancel)
		require.ErrorIs(t, mailer(t, sink, nil).Mail(ctx, message), context.Canceled)
	}
}

// Nothing that somebody chose makes a header, a line or a link of its own.
func TestInjection(t *testing.T) {
	sink := start(t, &smtptest.Server{})
	m := mailer(t, sink, nil)
	for _, to := range []string{"a@b.example\r\nBcc: x@evil.example", "a@b.example> SIZE=1", `"a@evil.com"@victim.com`, "a@evil.com＠victim.com", ""} {
		bad := message
		bad.To = to
		require.Error(t, m.Mail(t.Context(), bad), to)
	}
	require.Empty(t, sink.Mails())
	sly := message
	sly.Organization, sly.Inviter = "Acme\r\n.\r\nQUIT\r\n", "Go to https://evil.example now"
	require.NoError(t, m.Mail(t.Context(), sly))
	got := sink.Mails()
	require.Len(t, got, 1)
	require.NotContains(t, got[0].Text, "https://evil.example")
	require.NotContains(t, got[0].Text, "\n.")
	two := mailer(t, sink, func(c *tenancysmtp.Config) {
		c.Compose = func(tenancy.Message) (tenancysmtp.Mail, error) { return tenancysmtp.Mail{Subject: "a\nBcc: b"}, nil }
	})
	require.Error(t, two.Mail(t.Context(), message))
}

func TestCompose(t *testing.T) {
	sink := start(t, &smtptest.Server{})
	failed := errors.New("no template")
	m := mailer(t, sink, func(c *tenancysmtp.Config) {
		c.Compose = func(m tenancy.Message) (tenancysmtp.Mail, error) {
			if m.Kind == tenancy.MessageEmailProof {
				return tenancysmtp.Mail{}, failed
			}
			return tenancysmtp.Mail{Subject: "Grüße", Text: "Öffne das hier:\n.\n" + strings.Repeat("ü", 500)}, nil
		}
	})
	require.NoError(t, m.Mail(t.Context(), message))
	got := sink.Mails()[0]
	subject, err := new(mime.WordDecoder).DecodeHeader(got.Header.Get("Subject"))
	require.NoError(t, err)
	require.Equal(t, "Grüße", subject)
	require.Equal(t, "Öffne das hier:\n.\n"+strings.Repeat("ü", 500), strings.TrimSuffix(strings.ReplaceAll(got.Text, "\r\n", "\n"), "\n"))
	proof := message
	proof.Kind = tenancy.MessageEmailProof
	require.ErrorIs(t, m.Mail(t.Context(), proof), failed)
}

// G5: what others chose stands on a line of its own, and cannot go on as the application.
func TestNamesInMails(t *testing.T) {
	for name, want := range map[string]string{
		"Acme":                         "Acme",
		"Müller & Söhne (Bau) Inc.":    "Müller & Söhne (Bau) Inc.",
		"O'Neill-Smith, 3+1":           "O'Neill-Smith, 3+1",
		"株式会社":                         "株式会社",
		"वेद":                          "वेद",
		`Acme". Reply with it to "Eve`: "Acme . Reply with it to Eve",
		"Acme\u2019\u201d\u00bb\u300d\uff02\u2033\u02ba now": "Acme\u2019 \u02ba now",
		"see evil.example":            "see evil example",
		"https://evil.example/x@y":    "https evil example x y",
		"Acme\r\n\r\nTo accept, open": "Acme To accept, open",
		"\U0001F600\u2060":            "(a name without letters)",
		strings.Repeat("a", 60):       strings.Repeat("a", 60),
		strings.Repeat("ä", 200):      strings.Repeat("ä", 59) + "…",
	} {
		m := message
		m.Organization, m.Inviter = name, name
		text := tenancysmtp.Compose(m, "https://app.example/x").Text
		require.Equal(t, 2, strings.Count(text, "\n\n    "+want+"\n\n"), "%q\n%s", name, text)
		require.Equal(t, 7, strings.Count(text, "\n\n"), "%q makes a paragraph", name)
	}
}

func TestNewRefuses(t *testing.T) {
	good := tenancysmtp.Config{Addr: "mail.example:587", From: "a@b.example", Link: link}
	for field, spoil := range map[string]func(*tenancysmtp.Config){
		"addr":     func(c *tenancysmtp.Config) { c.Addr = "mail.example" },
		"from":     func(c *tenancysmtp.Config) { c.From = "nobody" },
		"link":     func(c *tenancysmtp.Config) { c.Link = nil },
		"security": func(c *tenancysmtp.Config) { c.Security, c.Username = tenancysmtp.Plain, "app" },
	} {
		bad := good
		spoil(&bad)
		_, err := tenancysmtp.New(bad)
		var e *tenancy.Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, field, e.Field)
	}
	bad := good
	bad.Security = "maybe"
	_, err := tenancysmtp.New(bad)
	require.ErrorIs(t, err, tenancy.ErrInvalid)
}

// I2, I4: a Service with a Mailer mails a token after the commit and gives it to nobody
// else.
func TestService(t *testing.T) {
	var out bytes.Buffer
	svc, err := tenancy.New(tenancy.Config{Store: memory.New(), Mailer: tenancysmtp.NewLog(&out, link)})
	require.NoError(t, err)
	user, err := svc.Users.Create(t.Context(), tenancy.NewUser{Email: "ada@acme.example"})
	require.NoError(t, err)
	proof, err := svc.Users.ChangeEmail(t.Context(), user.ID, "ada@other.example")
	require.NoError(t, err)
	require.True(t, proof.Token.IsZero())
	_, rest, found := strings.Cut(out.String(), "?token=")
	require.True(t, found, out.String())
	user, err = svc.As(tenancy.UserPrincipal(user.ID)).Users.ConfirmEmail(t.Context(), tenancy.EmailConfirmation{Token: strings.Fields(rest)[0]})
	require.NoError(t, err)
	require.Equal(t, "ada@other.example", user.Email)
}

// U12: the mail of a proof has the code and the link, and says where not to type the code.
func TestMailboxProof(t *testing.T) {
	var sent bytes.Buffer
	svc, err := tenancy.New(tenancy.Config{Store: memory.New(), Mailer: tenancysmtp.NewLog(&sent, link)})
	require.NoError(t, err)
	for i := range 11 {
		sent.Reset()
		started, err := svc.Proofs.Start(t.Context(), tenancy.NewProof{Email: "zoe@mail.example", Client: "laptop"})
		require.NoError(t, err)
		require.Equal(t, i < 10, started.HasCode)
		require.Contains(t, sent.String(), "https://app.example/mailbox_proof?token=prooflink_")
		require.Equal(t, started.HasCode, regexp.MustCompile(`\n    [0-9]{6}\n`).MatchString(sent.String()))
		require.Equal(t, started.HasCode, strings.Contains(sent.String(), "Never type the code on a page that you did not open yourself"))
	}
}
