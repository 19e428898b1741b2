package main

import (
	"net/url"

	"github.com/freehold-dev/freehold/tenancy"
	"github.com/freehold-dev/freehold/tenancysmtp"
)

// newMailer mails invitations, codes and links: Freehold knows what they say, the program where
// their links lead. The address is in that of an invitation so that people need not type it.
func newMailer(o options) (*tenancysmtp.Mailer, error) {
	return tenancysmtp.New(tenancysmtp.Config{
		Addr: o.smtp, Security: tenancysmtp.Plain, From: "Webapp <no-reply@webapp.example>", // to the machine itself
		Link: func(m tenancy.Message) string {
			if m.Kind == tenancy.MessageMailboxProof {
				return o.url + "/login/link?" + url.Values{"token": {m.Token.Reveal()}}.Encode()
			}
			return o.url + "/invitation?" + url.Values{"email": {m.To}, "token": {m.Token.Reveal()}}.Encode()
		},
	})
}
