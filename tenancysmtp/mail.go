package tenancysmtp

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"mime"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"time"

	"github.com/freehold-dev/freehold/domains"
	"github.com/freehold-dev/freehold/tenancy"
)

// Mail is a mail as it reads: plain text, in any language.
type Mail struct {
	Subject string // one line
	Text    string
}

// Compose writes the mails that a [Mailer] sends by default, in English. Notices have no
// link. What others
// chose, such as an organization's name, stands on one line and in quotation marks, so
// that it cannot pass for the application's own words.
func Compose(m tenancy.Message, link string) Mail {
	if notice, ok := notices[m.Kind]; ok {
		return notice
	}
	until := "The link works until " + m.ExpiresAt.UTC().Format("2 January 2006, 15:04") + " UTC, and once."
	if m.Kind == tenancy.MessageEmailProof {
		return Mail{"Confirm your email address", paragraphs(
			"Somebody, probably you, asked to use this email address. To confirm it, open", link, until,
			"If it was not you, do nothing: nothing changes.")}
	}
	into := "You have been invited to sign up."
	if m.Organization != "" {
		into = fmt.Sprintf("You have been invited to join the %s %s.", m.Label.Singular, quoted(m.Organization))
	}
	if m.Inviter != "" {
		into += " The invitation comes from " + quoted(m.Inviter) + "."
	}
	subject := "You are invited"
	if m.Again {
		subject = "Your invitation still waits"
	}
	return Mail{subject, paragraphs(into, "To accept, open", link, until, "If you did not expect it, do nothing.")}
}

// notices are the mails without a link.
var notices = map[tenancy.MessageKind]Mail{
	tenancy.MessageEmailChanged: {"Your email address was changed", paragraphs(
		"This is no longer the email address of your account.",
		"If it was not you who changed it, contact us at once.")},
	tenancy.MessageIdentityLinked: {"A new way to sign in", paragraphs(
		"Another way to sign in was added to your account.",
		"If it was not you who added it, sign in, remove it, and contact us.")},
	tenancy.MessageTakenOver: {"Your account", paragraphs(
		"There was an account with this email address that nobody had confirmed. Now it is yours, and whoever had set it up cannot use it any more.",
		"If you did not confirm it, contact us at once.")},
}

// quotationMarks are those that a reader could take for the end of a quotation.
const quotationMarks = "\"\u00ab\u00bb\u201c\u201d\u201e\u201f\u2033\u2036\u275d\u275e\u301d\u301e\u301f\uff02"

func paragraphs(list ...string) string { return strings.Join(list, "\n\n") + "\n" }

// quoted is a name of somebody's choice on one line, which cannot end its quotation
// itself. A full stop that a mail program would take for part of a link is broken up.
func quoted(name string) string {
	name = strings.Join(strings.Fields(name), " ")
	name = strings.Map(func(r rune) rune {
		if strings.ContainsRune(quotationMarks, r) {
			return '\''
		}
		return r
	}, name)
	return `"` + strings.NewReplacer(".", ".\u2060", "://", ":\u2060//").Replace(name) + `"`
}

// envelope is an address as mail servers take it: the local part as it was given, the
// domain in ASCII.
func envelope(address string) (string, error) {
	if _, err := tenancy.CanonicalEmail(address); err != nil {
		return "", err
	}
	local, domain, _ := strings.Cut(address, "@") // exactly one, says rule U1
	ascii, err := domains.Normalize(domain)
	return local + "@" + ascii, err
}

// format writes a mail out as it is sent (RFC 5322).
func (m Mail) format(from *mail.Address, to string, now time.Time) ([]byte, error) {
	if strings.ContainsAny(m.Subject, "\r\n") {
		return nil, errors.New("the subject has more than one line")
	}
	_, host, _ := strings.Cut(from.Address, "@")
	var b bytes.Buffer
	for _, header := range [][2]string{
		{"From", from.String()},
		{"To", "<" + to + ">"},
		{"Subject", mime.QEncoding.Encode("utf-8", m.Subject)},
		{"Date", now.Format(time.RFC1123Z)},
		{"Message-ID", "<" + rand.Text() + "@" + host + ">"},
		{"Auto-Submitted", "auto-generated"},
		{"MIME-Version", "1.0"},
		{"Content-Type", "text/plain; charset=utf-8"},
		{"Content-Transfer-Encoding", "quoted-printable"},
	} {
		fmt.Fprintf(&b, "%s: %s\r\n", header[0], header[1])
	}
	b.WriteString("\r\n")
	text := quotedprintable.NewWriter(&b)
	if _, err := text.Write([]byte(m.Text)); err != nil {
		return nil, err
	}
	err := text.Close()
	return b.Bytes(), err
}
