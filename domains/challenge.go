package domains

import (
	"slices"
	"strings"
)

// Method is a way to prove a domain (rule D4). The values are stable and may be stored.
type Method string

const (
	// MethodDNS is a TXT record. Only DNS proves subdomains.
	MethodDNS Method = "dns"
	// MethodMeta is a meta tag in the head of the domain's home page.
	MethodMeta Method = "meta"
	// MethodFile is a file in the website's .well-known folder, or at its root if [Challenge].RootFile is set.
	MethodFile Method = "file"
)

// MaxApp is the greatest length of a [Challenge].App, in bytes. With it the longest DNS label,
// _<app>-subdomains-challenge, has the 63 bytes that a label may have.
const MaxApp = maxLabel - len("_"+subdomainsMark+challengeMark)

const (
	challengeMark  = "-challenge"
	subdomainsMark = "-subdomains"
	minToken       = 16
	maxToken       = 128
)

// Challenge is what an organization must publish to prove that a domain is its own:
//
//	c := domains.Challenge{App: "acme", Domain: "example.com", Token: token}
//	c.TXTName(), c.TXTValue() // _acme-challenge.example.com, token=...
//	c.MetaTag(), c.PageURL()  // <meta name="acme-domain-verification" ...>, https://example.com/
//	c.FileBody(), c.FileURLs() // ..., https://example.com/.well-known/acme-challenge.txt
//
// Its methods only format and compare; package prove fetches. They do not check the fields: [Challenge.Check]
// does. The Match methods match nothing if the token is invalid, so the zero value is never proved.
type Challenge struct {
	// App names the application, so that several applications can challenge one domain. See [CheckApp].
	App string
	// Domain is in the form that [Normalize] gives.
	Domain string
	// Token is 16 to 128 letters, digits, hyphens and underscores. It is new and random for each claim, so that
	// nothing that is already on the website matches. It is published, and so is not a secret.
	Token string
	// Subdomains asks for the domain with all names below it (rule D6). Only DNS proves it, under a label of
	// its own. A person who may edit a website need not control the names below it. And a record for the domain
	// alone must not later mean more than its administrator was told.
	Subdomains bool
	// RootFile allows the file at the root of the website, too. Many websites let their users put files there,
	// and few let them write to .well-known. Set it only if your customers cannot write to .well-known and you
	// accept the weaker proof.
	RootFile bool
}

// Check reports whether a method can prove the challenge at all. The error is a [Fault], or for the domain an
// [*Error].
func (c Challenge) Check(by Method) error {
	if err := CheckApp(c.App); err != nil {
		return err
	}
	switch normal, err := Normalize(c.Domain); {
	case err != nil:
		return err
	case normal != c.Domain:
		return ErrNotNormal
	case !validToken(c.Token):
		return ErrToken
	}
	switch by {
	case MethodDNS:
		if len(c.TXTName()) > MaxLen {
			return ErrNameTooLong
		}
		return nil
	case MethodMeta, MethodFile:
		if !c.Subdomains {
			return nil
		}
	}
	return ErrMethod
}

// CheckApp reports whether a name can be part of a DNS label: 1 to [MaxApp] lower-case letters, digits and
// hyphens, a hyphen neither first nor last. It also refuses a name that ends in -subdomains: the records for
// that name would prove subdomains to the application with the shorter name. The error is [ErrApp].
func CheckApp(app string) error {
	if app == "" || len(app) > MaxApp || app[0] == '-' || app[len(app)-1] == '-' || strings.HasSuffix(app, subdomainsMark) {
		return ErrApp
	}
	for i := range len(app) {
		if c := app[i]; c != '-' && !isLowerAlphanumeric(c) {
			return ErrApp
		}
	}
	return nil
}

// TXTName is the name of the TXT record, without a trailing dot:
// _<app>-challenge.<domain>, or _<app>-subdomains-challenge.<domain>.
func (c Challenge) TXTName() string {
	label := "_" + c.App
	if c.Subdomains {
		label += subdomainsMark
	}
	return label + challengeMark + "." + c.Domain
}

// TXTValue is the text of the TXT record.
func (c Challenge) TXTValue() string { return "token=" + c.Token }

// MetaName is the name attribute of the meta tag; its content attribute is the Token.
func (c Challenge) MetaName() string { return c.App + "-domain-verification" }

// MetaTag is the meta tag, ready to paste. In a checked challenge nothing needs escaping.
func (c Challenge) MetaTag() string {
	return `<meta name="` + c.MetaName() + `" content="` + c.Token + `">`
}

// PageURL is the page whose head must contain the meta tag.
func (c Challenge) PageURL() string { return "https://" + c.Domain + "/" }

// FileURLs are the allowed places of the file: in the .well-known folder, and with RootFile at the root of the
// website. One place is enough.
func (c Challenge) FileURLs() []string {
	name := c.App + challengeMark + ".txt"
	places := []string{"https://" + c.Domain + "/.well-known/" + name}
	if c.RootFile {
		places = append(places, "https://"+c.Domain+"/"+name)
	}
	return places
}

// FileBody is the whole content of the file.
func (c Challenge) FileBody() string { return c.Token }

// MatchTXT reports whether one of the records, each with its strings joined, is exactly the TXTValue. Other
// records do not matter.
func (c Challenge) MatchTXT(records []string) bool {
	return validToken(c.Token) && slices.Contains(records, c.TXTValue())
}

// MatchFile reports whether a file's body is exactly the FileBody. One line ending after it, \n or \r\n, is
// allowed, because editors add it.
func (c Challenge) MatchFile(body []byte) bool {
	text := string(body)
	if line, ended := strings.CutSuffix(text, "\n"); ended {
		text = strings.TrimSuffix(line, "\r")
	}
	return validToken(c.Token) && text == c.FileBody()
}

// MatchMeta reports whether a meta tag with these unescaped attributes is the tag of the challenge.
func (c Challenge) MatchMeta(name, content string) bool {
	return validToken(c.Token) && name == c.MetaName() && content == c.Token
}

func validToken(token string) bool {
	if len(token) < minToken || len(token) > maxToken {
		return false
	}
	for i := range len(token) {
		c := token[i]
		if c != '-' && c != '_' && (c < 'A' || c > 'Z') && !isLowerAlphanumeric(c) {
			return false
		}
	}
	return true
}

func isLowerAlphanumeric(c byte) bool { return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' }

// Fault says why a [Challenge] cannot be proved. Compare with errors.Is(err, domains.ErrToken). The list is
// complete and the texts are stable.
type Fault string

const (
	// ErrApp: the name cannot be an application's name; see [CheckApp].
	ErrApp Fault = "app"
	// ErrNotNormal: the domain is valid, but not written as [Normalize] writes it.
	ErrNotNormal Fault = "domain_not_normal"
	// ErrToken: the token is not 16 to 128 letters, digits, hyphens and underscores.
	ErrToken Fault = "token"
	// ErrNameTooLong: the record's label does not fit in front of the domain.
	ErrNameTooLong Fault = "name_too_long"
	// ErrMethod: the method is unknown, or cannot prove subdomains.
	ErrMethod Fault = "method"
)

// Error makes a Fault a sentinel error.
func (f Fault) Error() string { return "challenge: " + string(f) }
