package tenancyhttp

import (
	"net/http"
	"net/netip"
	"strings"

	"github.com/freehold-dev/freehold/tenancy"
)

// maxFact is how many characters of a fact about a request are kept (rule G11).
const maxFact = 256

// Public is the middleware for routes that are the program's own, such as the pages for
// signing in and signing up, where a handler calls the unbound Service. It lets
// everybody in and checks nothing.
//
// It puts the [tenancy.Request] into the context, as every middleware of the Guard does,
// so that sessions show where a request came from. It removes the mark of
// [tenancy.Guarded], so that the unbound Service works also where a middleware of a
// Guard stands in front (rule G13).
func (g *Guard) Public(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, g.describe(unmarked(r)))
	})
}

// unmarked is r for a function of Config and for calls that this package makes by itself,
// to which the mark of [tenancy.Guarded] does not apply.
func unmarked(r *http.Request) *http.Request {
	return r.WithContext(tenancy.Trusted(r.Context()))
}

// describe is r with the facts about it in its context. A middleware inside another one
// of the same Guard finds them there.
func (g *Guard) describe(r *http.Request) *http.Request {
	if held := from(r.Context()); held != nil && held.guard == g {
		return r
	}
	return r.WithContext(tenancy.WithRequest(r.Context(), g.facts(r)))
}

// facts are what is known about a request. What the program has put into the context
// stands, unless Config has a function that says better.
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

// connected is the address at the other end of the connection; the zero Addr for a
// connection without one, such as a Unix socket.
func connected(r *http.Request) netip.Addr {
	if end, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		return end.Addr()
	}
	return netip.Addr{}
}

// cut is the beginning of a text, of at most maxFact characters.
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
