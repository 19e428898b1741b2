package domains

// Outcome says what a look at a challenge has shown. The values are stable and may
// be stored.
type Outcome string

const (
	// Proved: what was asked for is published.
	Proved Outcome = "proved"
	// Refuted: an authoritative negative. The domain's own servers, or the DNS,
	// answered, and what was asked for is not there.
	Refuted Outcome = "refuted"
	// Unknown: there was no answer that says anything about the domain. It never
	// counts against one (rule D5).
	Unknown Outcome = "unknown"
)

// Finding is what a look at a challenge has shown, and why. Only a proof proves, and
// only an authoritative negative counts against a domain (rule D5):
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
// 401, 403 and 429 are what firewalls say to programs, so they say nothing of what
// lies behind. A redirect elsewhere may be a passing notice; whoever follows it
// believes another host. A file is judged by its first 64 KiB, which suffice to tell
// that it is not the one.
type Finding struct {
	Outcome Outcome // what the look says: Proved, Refuted or Unknown
	// Reason is one of the Reason constants: a closed vocabulary without any foreign
	// text, fit for logs and for the domain's administrator.
	Reason string
}

// The reasons of a [Finding]; its table says when each is given.
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
