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
	"unicode"

	"github.com/freehold-dev/freehold/domains"
	"github.com/freehold-dev/freehold/tenancy"
)

// Mail is the content of a mail: plain text, in any language.
type Mail struct {
	Subject string // one line
	Text    string // the body, plain
}

// Compose writes the mails that a [Mailer] sends by default, in English. Notices have no link. A name that
// other people chose, such as an organization's, stands on a line of its own, so that it cannot pass for the
// application's own words. It is cut to 60 characters of letters, digits and plain marks (rule G5).
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
	if m.Kind == tenancy.MessageMailboxProof {
		return mailboxProof(m, link)
	}
	into := []string{"You have been invited to sign up."}
	if m.Organization != "" {
		into = []string{"You have been invited to join the " + m.Label.Singular + " of this name:", named(m.Organization)}
	}
	if m.Inviter != "" {
		into = append(into, "The invitation comes from somebody of this name:", named(m.Inviter))
	}
	subject := "You are invited"
	if m.Again {
		subject = "Your invitation still waits"
	}
	return Mail{subject, paragraphs(append(into, "To accept, open", link, until, "If you did not expect it, do nothing.")...)}
}

// mailboxProof is the mail with the link and the code of a proof. If a person types the code into an attacker's
// page, the attacker gets signed in. So the mail also says where not to type it.
func mailboxProof(m tenancy.Message, link string) Mail {
	until := m.ExpiresAt.UTC().Format("15:04") + " UTC, and once."
	if m.Code.IsZero() {
		return Mail{"Your link to go on", paragraphs(
			"To confirm that this mailbox is yours, open", link, "The link works until "+until, "If you did not ask for it, do nothing.")}
	}
	code := m.Code.Reveal()
	return Mail{"Your code and link to go on", paragraphs(
		"To confirm that this mailbox is yours, type this code on the page where you asked for it:", "    "+code,
		"Or open this link:", link, "One of the two works, until "+until,
		"Never type the code on a page that you did not open yourself, and tell it to nobody, us included.",
		"If you did not ask for it, do nothing.")}
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

func paragraphs(list ...string) string { return strings.Join(list, "\n\n") + "\n" }

// maxNamed limits a name in a mail, in characters.
const maxNamed = 60

// named returns the form of a chosen name that a mail may show. It replaces everything except letters, digits
// and plain marks with a space. A full stop stays only at the end of a word, where no mail program takes it for
// part of a link.
func named(name string) string {
	runes := []rune(name)
	for i, r := range runes {
		endsWord := i == len(runes)-1 || unicode.IsSpace(runes[i+1])
		if !unicode.In(r, unicode.L, unicode.M, unicode.Nd) && !strings.ContainsRune("-'\u2019&,()+", r) && (r != '.' || !endsWord) {
			runes[i] = ' '
		}
	}
	runes = []rune(strings.Join(strings.Fields(string(runes)), " "))
	if len(runes) > maxNamed {
		runes = append(runes[:maxNamed-1], '…')
	}
	if len(runes) == 0 {
		return "    (a name without letters)"
	}
	return "    " + string(runes)
}

// envelope returns an address in the form that mail servers accept: the local part as given, the domain in
// ASCII.
func envelope(address string) (string, error) {
	if _, err := tenancy.CanonicalEmail(address); err != nil {
		return "", err
	}
	local, domain, _ := strings.Cut(strings.TrimSpace(address), "@") // exactly one at-sign (rule U1)
	ascii, err := domains.Normalize(domain)
	return local + "@" + ascii, err
}

// format writes a mail in the form in which it is sent (RFC 5322).
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
