package main

import (
	"net/url"

	"github.com/freehold-dev/freehold/tenancy"
)

// linkTo is where the link in a mail leads: Freehold knows what mails say, the program its pages. The address
// is in that of an invitation so that people need not type it.
func linkTo(m tenancy.Message) string {
	if m.Kind == tenancy.MessageMailboxProof {
		return "/login/link?" + url.Values{"token": {m.Token.Reveal()}}.Encode()
	}
	return "/invitation?" + url.Values{"email": {m.To}, "token": {m.Token.Reveal()}}.Encode()
}
