package prove

import (
	"context"
	"io"
	"net"
	"syscall"

	"github.com/freehold-dev/freehold/domains"
)

type (
	// Guard is what sees an address before it is connected to.
	Guard = func(network, address string, c syscall.RawConn) error
	// Dial connects to a host's port 443.
	Dial = func(ctx context.Context, host string) (net.Conn, error)
)

// WrapGuard puts something around the guard.
func (p *Prover) WrapGuard(wrap func(Guard) Guard) { p.guard = wrap(p.guard) }

// WrapDial puts something around the guarded dialler.
func (p *Prover) WrapDial(wrap func(Dial) Dial) { p.dial = wrap(p.dial) }

// JudgePage looks for the meta tag in a page.
func JudgePage(c domains.Challenge, page io.Reader) (domains.Finding, error) {
	return judgePage(c, page)
}
