package domains

// Outcome is the result of checking a challenge. The values are stable and may be stored.
type Outcome string

const (
	// Proved: the challenge is published.
	Proved Outcome = "proved"
	// Refuted: an authoritative negative. The domain's own servers, or the DNS, answered, and the challenge is
	// not there.
	Refuted Outcome = "refuted"
	// Unknown: no answer says anything about the domain. It never counts against the domain (rule D5).
	Unknown Outcome = "unknown"
)

// Finding is the result of checking a challenge, with its reason. Only a proof proves, and only an
// authoritative negative counts against a domain (rule D5):
//
//	seen                                              outcome   reason
//	the record, tag or file                           Proved    found
//	no such name; no TXT record at it; no address     Refuted   no such record
//	TXT records there, and none is the one            Refuted   other value
//	404 Not Found, 410 Gone                           Refuted   not found
//	200 OK, a page whose whole head lacks the tag     Refuted   no such tag
//	200 OK, a file that is not the one                Refuted   other content
//	no answer in time                                 Unknown   timeout
//	SERVFAIL, REFUSED, nonsense from a name server    Unknown   name server failure
//	an address that must not be dialled               Unknown   blocked address
//	connection refused, reset while dialling          Unknown   no connection
//	handshake failed, certificate not good            Unknown   tls failure
//	a redirect that is not followed, or too many      Unknown   redirect refused
//	any other status: 401, 403, 429, 204, 5xx, ...    Unknown   other status
//	200 OK, a page whose head does not end in 64 KiB  Unknown   too large
//	200 OK, a compressed body that nobody asked for   Unknown   encoded content
//	no HTTP, too many headers, a body cut short       Unknown   bad response
//
// Firewalls answer programs with 401, 403 and 429, so these statuses say nothing about the website itself. A
// redirect to another site may be a temporary notice, and the answer would come from another host. The first 64
// KiB of a file are enough to see that it is not the expected one.
type Finding struct {
	Outcome Outcome // Proved, Refuted or Unknown
	// Reason is one of the Reason constants. It contains no text from outside, so you may log it and show it to
	// the domain's administrator.
	Reason string
}

// These are the reasons of a [Finding]. The table there says when each one applies.
const (
	ReasonFound        = "found"               // the proof is there
	ReasonNoRecord     = "no such record"      // DNS: no such name, or no TXT record at it; a website: no address
	ReasonOtherValue   = "other value"         // TXT records, but not the one
	ReasonNotFound     = "not found"           // 404 or 410
	ReasonNoTag        = "no such tag"         // a page without the tag
	ReasonOtherContent = "other content"       // a file with other content
	ReasonTimeout      = "timeout"             // no answer in time
	ReasonNameServer   = "name server failure" // a name server failed or refused
	ReasonBlocked      = "blocked address"     // an address that must not be dialled
	ReasonNoConnection = "no connection"       // refused or reset while dialling
	ReasonTLS          = "tls failure"         // the handshake failed, or the certificate is not good
	ReasonRedirect     = "redirect refused"    // a redirect that is not followed, or too many
	ReasonStatus       = "other status"        // any other HTTP status
	ReasonTooLarge     = "too large"           // a page whose head does not end in 64 KiB
	ReasonEncoded      = "encoded content"     // a compressed body, not asked for
	ReasonBadResponse  = "bad response"        // not HTTP, too many headers, or a body cut short
)
