// Package prove checks whether a domain's challenge is published: in the DNS, in the head of its home page, or in a
// file on its website (rule D4).
//
// For most uses, make one Prover and give it to the tenancy core, which uses it to verify claims and to check them
// again later:
//
//	prover := prove.New(prove.Options{})
//	finding, err := prover.Prove(ctx, challenge, domains.MethodDNS)
//	if finding.Outcome == domains.Proved { ... }
//
// The table at [domains.Finding] lists the findings, and says which answers count against a domain (rule D5).
// Whatever a name server or website does is a finding; an error only concerns the call itself.
//
// # Names
//
// The resolver asks for every name from the root: the machine's search list never applies. It believes a negative
// only if the whole lookup succeeded. So a website without an IPv4 address, whose IPv6 address cannot be looked up,
// is unknown and not refuted.
//
// # Websites
//
// A person who claims a domain chooses where it points, and so where this package connects to. It speaks https to
// port 443 only. It checks each address at the moment when it dials, so that a name cannot resolve to one address
// for the check and to another for the connection. Only global unicast addresses pass. Addresses that are private,
// loopback, link-local, shared (CGNAT), multicast, documentation, NAT64, 6to4, Teredo or of a cloud's metadata
// service do not. An IPv4 address mapped into IPv6 is checked as the IPv4 address. The package cannot recognize a
// network's own NAT64 prefix; a network that has one needs a firewall.
//
// The package ignores proxies from the environment. It follows redirects only between the domain and its www. name,
// at most five. It reads at most 64 KiB of headers and 64 KiB of the body. It uses no cookies, no compression, no
// HTTP/2, and keeps no connection. When Prove returns, only work that is just ending may still run.
//
// # The meta tag
//
// The tag counts only in the head, read as browsers read it: not in a comment, a script, a title or a template, and
// not after the first element that begins the body. Text of the website's users appears in the body.
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

// DefaultTimeout limits one Prove if Options set no other limit.
const DefaultTimeout = 10 * time.Second

// Options configure a [Prover]. The zero value is right for production.
type Options struct {
	// Resolver looks up TXT records and the addresses of websites. Nil means Go's own resolver with the
	// machine's name servers. Of another resolver, the package uses PreferGo, StrictErrors and Dial.
	Resolver *net.Resolver
	// Roots are the certificate authorities for websites. Nil means the machine's.
	Roots *x509.CertPool
	// Timeout limits one Prove in total: lookups, connections, redirects, bodies. Zero or less means
	// [DefaultTimeout].
	Timeout time.Duration
}

// Prover proves domains. Make one with [New]. It is safe for concurrent use, and needs no closing.
type Prover struct {
	resolver *net.Resolver
	roots    *x509.CertPool
	timeout  time.Duration

	// guard checks every address before a connection is made.
	guard func(network, address string, c syscall.RawConn) error
	// dial connects to a host's port 443, through the guard. Tests that need a website on loopback replace it.
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

// Prove checks once whether a challenge is published by a method. It blocks for at most Options.Timeout, and
// returns soon after ctx ends. Only DNS proves subdomains.
//
// Errors: those of [domains.Challenge.Check], before any lookup; the error of ctx if it ended before there was
// a finding.
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

// ended returns why a context is over. A connection with the context's deadline may report the deadline before
// the context does.
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
	default: // Check allows no other method
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
