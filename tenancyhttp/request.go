package tenancyhttp

import (
	"net/http"
	"net/netip"
	"strings"

	"github.com/freehold-dev/freehold/tenancy"
)

// maxFact limits each fact about a request, in characters (rule G11).
const maxFact = 256

// Public is the middleware for routes whose handlers call the trusted Service, such as the pages for signing in
// and signing up. It lets every request pass and checks nothing.
//
// It puts the [tenancy.Request] into the context, as every middleware of the Guard does, so that sessions show
// where a request came from. It removes the mark of [tenancy.Guarded], so that the trusted Service works even
// if another middleware of a Guard stands in front (rule G13).
func (g *Guard) Public(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, g.describe(unmarked(r)))
	})
}

// unmarked returns r without the mark of [tenancy.Guarded]. The functions of Config, and the calls that this
// package makes itself, get such a request.
func unmarked(r *http.Request) *http.Request {
	return r.WithContext(tenancy.Trusted(r.Context()))
}

// describe returns r with the facts about it in its context. A middleware inside another one of the same Guard
// finds the facts there.
func (g *Guard) describe(r *http.Request) *http.Request {
	if held := from(r.Context()); held != nil && held.guard == g {
		return r
	}
	return r.WithContext(tenancy.WithRequest(r.Context(), g.facts(r)))
}

// facts returns what is known about a request. A function of Config takes precedence over what the program put
// into the context.
func (g *Guard) facts(r *http.Request) tenancy.Request {
	known := tenancy.RequestOf(r.Context())
	switch {
	case g.config.ClientAddress != nil:
		known.Address = g.config.ClientAddress(r)
	case !known.Address.IsValid():
		known.Address = connected(r)
	}
	if known.UserAgent == "" {
		known.UserAgent = r.UserAgent()
	}
	if g.config.RequestID != nil {
		known.ID = g.config.RequestID(r)
	}
	known.UserAgent, known.ID = cut(known.UserAgent), cut(known.ID)
	return known
}

// connected returns the address at the other end of the connection. It returns the zero Addr for a connection
// without an address, such as a Unix socket.
func connected(r *http.Request) netip.Addr {
	if end, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		return end.Addr()
	}
	return netip.Addr{}
}

// cut returns the first maxFact characters of a text.
func cut(text string) string {
	n := 0
	for at := range text {
		if n == maxFact {
			text = text[:at]
			break
		}
		n++
	}
	return strings.ToValidUTF8(text, "")
}
