package prove

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"strconv"

	"code.dny.dev/ssrf"

	"github.com/freehold-dev/freehold/domains"
)

const httpsPort = 443

// dialGuarded connects to a host, by any of its addresses that the guard allows.
func (p *Prover) dialGuarded(ctx context.Context, host string) (net.Conn, error) {
	d := net.Dialer{Resolver: p.lookup(false), Control: p.guard}
	return d.DialContext(ctx, "tcp", net.JoinHostPort(rooted(host), strconv.Itoa(httpsPort)))
}

// failure is an error together with the finding that it means. The step that failed knows that finding.
type failure struct {
	finding domains.Finding
	err     error
}

func (f *failure) Error() string { return f.err.Error() }

func (f *failure) Unwrap() error { return f.err }

// connect dials a host and does the TLS handshake.
func (p *Prover) connect(ctx context.Context, host string) (net.Conn, error) {
	raw, err := p.dial(ctx, host)
	if err != nil {
		return nil, &failure{p.unreached(ctx, host, err), err}
	}
	conn := tls.Client(raw, &tls.Config{ServerName: host, RootCAs: p.roots, MinVersion: tls.VersionTLS12})
	if err := conn.HandshakeContext(ctx); err != nil {
		_ = raw.Close()
		return nil, &failure{late(ctx, domains.ReasonTLS), err}
	}
	return conn, nil
}

// unreached returns what a failed dial shows. If some lookups failed and others found no address, the dialer
// may report either. So unreached looks again, and believes that there are no addresses only if the whole
// lookup succeeded.
func (p *Prover) unreached(ctx context.Context, host string, err error) domains.Finding {
	var lookup *net.DNSError
	switch {
	case errors.Is(err, ssrf.ErrProhibitedIP), errors.Is(err, ssrf.ErrProhibitedNetwork), errors.Is(err, ssrf.ErrProhibitedPort):
		return unknown(domains.ReasonBlocked)
	case !errors.As(err, &lookup):
		return late(ctx, domains.ReasonNoConnection)
	case lookup.IsNotFound:
		if _, err = p.lookup(true).LookupNetIP(ctx, "ip", rooted(host)); err == nil {
			return unknown(domains.ReasonNameServer) // the addresses exist again
		}
	}
	return unresolved(ctx, err)
}

// late returns a timeout if ctx has ended, and the reason otherwise.
func late(ctx context.Context, reason string) domains.Finding {
	if ended(ctx) != nil {
		reason = domains.ReasonTimeout
	}
	return unknown(reason)
}
