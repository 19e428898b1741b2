package main

import (
	"net/url"

	"github.com/freehold-dev/freehold/tenancy"
)

// linkTo returns the URL of the link in a mail: Freehold knows what mails say, this program knows its pages.
// The URL of an invitation contains the address, so that people need not type it.
func linkTo(m tenancy.Message) string {
	if m.Kind == tenancy.MessageMailboxProof {
		return "/login/link?" + url.Values{"token": {m.Token.Reveal()}}.Encode()
	}
	return "/invitation?" + url.Values{"email": {m.To}, "token": {m.Token.Reveal()}}.Encode()
}
