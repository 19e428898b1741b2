// Package prove looks whether a domain's challenge is published: in the DNS, in the
// head of its front page, or in a file on its website (rule D4).
//
// For most uses, make one Prover and hand it to the tenancy core, which asks it to
// verify claims and to look at them again:
//
//	prover := prove.New(prove.Options{})
//	finding, err := prover.Prove(ctx, challenge, domains.MethodDNS)
//	if finding.Outcome == domains.Proved { ... }
//
// What the finding may be, and which answers count against a domain (rule D5), is the
// table at [domains.Finding]. Whatever a name server or website does is a finding; an
// error is only ever about the call itself.
//
// # Names
//
// Every name is asked for as it stands, from the root: the search list of the machine
// never applies. A negative is believed only where nothing was in trouble beside it, so
// a website whose IPv4 address is gone and whose IPv6 address cannot be looked up is
// unknown, not refuted.
//
// # Websites
//
// Somebody who claims a domain chooses where it points, and so where this package
// connects to. It speaks https to port 443 and nothing else. Each address is checked at
// the moment it is dialled, so that a name cannot resolve to one address for the check
// and to another for the connection: only global unicast addresses pass, none that is
// private, loopback, link-local, shared (CGNAT), multicast, documentation, NAT64, 6to4,
// Teredo or a cloud's metadata service; an IPv4 address mapped into IPv6 is judged as
// the IPv4 address that it is. (A NAT64 prefix of a network's own cannot be told from
// other addresses; where there is one, a firewall has to hold.) Proxies from the
// environment are not used. Redirects are followed between the domain and its www.
// alone, five times at most. A response has at most 64 KiB of headers, and its body is
// read to 64 KiB. There are no cookies, no compression, no HTTP/2, and no connections
// kept for later: nothing is left running when Prove returns but what is just ending.
//
// # The meta tag
//
// The tag counts in the head alone, read as browsers read it: not in a comment, a
// script, a title or a template, and not after the first thing that begins the body.
// What a website shows of its users' text is in the body.
//
// Numbers in brackets, such as (rule D4), are rules. They are defined in
// https://github.com/freehold-dev/freehold/blob/main/docs/rules.md.
package prove

import (
	"context"
	"crypto/x509"
	"net"
	"syscall"
	"time"

	"code.dny.dev/ssrf"

	"github.com/freehold-dev/freehold/domains"
)

// DefaultTimeout is how long a Prove may take if Options do not say.
const DefaultTimeout = 10 * time.Second

// Options say how a [Prover] looks. The zero value is what production needs.
type Options struct {
	// Resolver looks up TXT records and the addresses of websites. Nil is Go's own
	// resolver with the machine's name servers. Another resolver's PreferGo,
	// StrictErrors and Dial are used.
	Resolver *net.Resolver
	// Roots are the certificate authorities of websites. Nil means the machine's.
	Roots *x509.CertPool
	// Timeout bounds one Prove in all: lookups, connections, redirects, bodies.
	// Zero or less means [DefaultTimeout].
	Timeout time.Duration
}

// Prover proves domains. Make one with [New]; it is safe for concurrent use, and holds
// nothing that needs closing.
type Prover struct {
	resolver *net.Resolver
	roots    *x509.CertPool
	timeout  time.Duration

	// guard sees every address before it is connected to.
	guard func(network, address string, c syscall.RawConn) error
	// dial connects to a host's port 443. The guard is in it; tests that need a
	// website on loopback put another in its place.
	dial func(ctx context.Context, host string) (net.Conn, error)
}

// New returns a Prover.
func New(o Options) *Prover {
	p := &Prover{
		resolver: o.Resolver,
		roots:    o.Roots,
		timeout:  o.Timeout,
		guard:    ssrf.New(ssrf.WithPorts(httpsPort)).Safe,
	}
	if p.resolver == nil {
		p.resolver = &net.Resolver{PreferGo: true}
	}
	if p.timeout <= 0 {
		p.timeout = DefaultTimeout
	}
	p.dial = p.dialGuarded
	return p
}

// Prove looks once whether the challenge is met by the method. It blocks for at most
// Options.Timeout, and returns soon after ctx ends.
//
// The error is that of [domains.Challenge.Check], before anything is looked up, or
// that of ctx if it ended before something was found out. Subdomains are proved by
// DNS alone.
func (p *Prover) Prove(ctx context.Context, c domains.Challenge, by domains.Method) (domains.Finding, error) {
	if err := c.Check(by); err != nil {
		return domains.Finding{}, err
	}
	limited, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	finding := p.look(limited, c, by)
	if finding.Outcome == domains.Unknown {
		if err := ended(ctx); err != nil {
			return domains.Finding{}, err
		}
	}
	return finding, nil
}

// ended is why a context is over. A connection that was given its deadline may tell of
// it before the context does.
func ended(ctx context.Context) error {
	if deadline, ok := ctx.Deadline(); ok && !time.Now().Before(deadline) {
		return context.DeadlineExceeded
	}
	return ctx.Err()
}

func (p *Prover) look(ctx context.Context, c domains.Challenge, by domains.Method) domains.Finding {
	switch by {
	case domains.MethodMeta:
		return p.lookAtPage(ctx, c)
	case domains.MethodFile:
		return p.lookAtFiles(ctx, c)
	default: // Check let no other through
		return p.lookAtRecords(ctx, c)
	}
}

func proved() domains.Finding {
	return domains.Finding{Outcome: domains.Proved, Reason: domains.ReasonFound}
}

func refuted(reason string) domains.Finding {
	return domains.Finding{Outcome: domains.Refuted, Reason: reason}
}

func unknown(reason string) domains.Finding {
	return domains.Finding{Outcome: domains.Unknown, Reason: reason}
}
