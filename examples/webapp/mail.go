package main

import (
	"context"
	"net/url"

	"github.com/freehold-dev/freehold/tenancy"
	"github.com/freehold-dev/freehold/tenancysmtp"
)

// newMailer mails invitations: Freehold knows what they say, the program where their
// link leads. The address is in it so that people need not type it.
func newMailer(o options) (*tenancysmtp.Mailer, error) {
	return tenancysmtp.New(tenancysmtp.Config{
		Addr: o.smtp, Security: tenancysmtp.Plain, From: "Webapp <no-reply@webapp.example>", // to the machine itself
		Link: func(m tenancy.Message) string {
			return o.url + "/invitation?" + url.Values{"email": {m.To}, "token": {m.Token.Reveal()}}.Encode()
		},
	})
}

// mailCode mails what is the program's own: a code to sign in by.
func (a *accounts) mailCode(ctx context.Context, to, code string) error {
	return a.mailer.Send(ctx, to, tenancysmtp.Mail{Subject: "Your code", Text: "Your code is " + code + "\n"})
}
