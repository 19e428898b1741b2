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

// dialGuarded connects to a host by whichever of its addresses the guard lets through.
func (p *Prover) dialGuarded(ctx context.Context, host string) (net.Conn, error) {
	d := net.Dialer{Resolver: p.lookup(false), Control: p.guard}
	return d.DialContext(ctx, "tcp", net.JoinHostPort(rooted(host), strconv.Itoa(httpsPort)))
}

// failure is an error with the finding that it amounts to, from the step that knows.
type failure struct {
	finding domains.Finding
	err     error
}

func (f *failure) Error() string { return f.err.Error() }

func (f *failure) Unwrap() error { return f.err }

// connect dials a host and shakes hands.
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

// unreached is what a failed dial shows. Where some addresses were looked up in vain
// and others are missing, the dialler tells of either; that there are none is believed
// only from a lookup that met no trouble at all.
func (p *Prover) unreached(ctx context.Context, host string, err error) domains.Finding {
	var lookup *net.DNSError
	switch {
	case errors.Is(err, ssrf.ErrProhibitedIP), errors.Is(err, ssrf.ErrProhibitedNetwork), errors.Is(err, ssrf.ErrProhibitedPort):
		return unknown(domains.ReasonBlocked)
	case !errors.As(err, &lookup):
		return late(ctx, domains.ReasonNoConnection)
	case lookup.IsNotFound:
		if _, err = p.lookup(true).LookupNetIP(ctx, "ip", rooted(host)); err == nil {
			return unknown(domains.ReasonNameServer) // it is back
		}
	}
	return unresolved(ctx, err)
}

// late is a timeout if the time is up, and the reason otherwise.
func late(ctx context.Context, reason string) domains.Finding {
	if ended(ctx) != nil {
		reason = domains.ReasonTimeout
	}
	return unknown(reason)
}
