package prove

import (
	"context"
	"errors"
	"net"

	"github.com/freehold-dev/freehold/domains"
)

// lookup makes a resolver for one lookup, which ends with its context. Go's own resolver does not watch the
// context while it waits for an answer, but it does notice that its connection closes. The context that it
// dials with ends with each exchange, so nothing stays behind. Each lookup gets a new resolver: one resolver
// shares lookups of the same name, and a shared lookup goes on after its callers have left.
//
// A strict lookup fails as a whole if a part of it fails.
func (p *Prover) lookup(strict bool) *net.Resolver {
	like := p.resolver
	dial := like.Dial
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	return &net.Resolver{
		PreferGo:     like.PreferGo,
		StrictErrors: like.StrictErrors || strict,
		Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dial(ctx, network, address)
			if err != nil {
				return nil, err
			}
			context.AfterFunc(ctx, func() { _ = conn.Close() }) // closing twice does no harm
			return conn, nil
		},
	}
}

// rooted returns a name to which no search list applies.
func rooted(name string) string { return name + "." }

// lookAtRecords checks the TXT records. The size of a DNS message, 64 KiB, limits the answer.
func (p *Prover) lookAtRecords(ctx context.Context, c domains.Challenge) domains.Finding {
	records, err := p.lookup(true).LookupTXT(ctx, rooted(c.TXTName()))
	switch {
	case err != nil:
		return unresolved(ctx, err)
	case c.MatchTXT(records):
		return proved()
	}
	return refuted(domains.ReasonOtherValue)
}

// unresolved returns what a failed lookup shows.
func unresolved(ctx context.Context, err error) domains.Finding {
	var failed *net.DNSError
	isDNS := errors.As(err, &failed)
	switch {
	case isDNS && failed.IsNotFound:
		return refuted(domains.ReasonNoRecord)
	case ended(ctx) != nil, isDNS && failed.IsTimeout:
		return unknown(domains.ReasonTimeout)
	}
	return unknown(domains.ReasonNameServer)
}
