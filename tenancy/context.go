package tenancy

import (
	"context"
	"net/netip"
)

// Request describes the HTTP or similar request for which a call is made. Sessions that start under it show
// its Address and UserAgent.
type Request struct {
	// Address is the client's network address. The program decides it, because behind a proxy the address
	// of the connection is the proxy's. WithRequest removes the zone, which may be any text, and writes an
	// IPv4 address inside IPv6 as IPv4.
	Address netip.Addr
	// UserAgent is the client's name for itself; a session keeps 256 characters of it.
	UserAgent string
	// ID is the program's name for the request, for its logs.
	ID string
}

type (
	requestKey struct{}
	guardedKey struct{}
)

// WithRequest returns a context with a request. Each middleware of package tenancyhttp calls it.
func WithRequest(ctx context.Context, r Request) context.Context {
	r.Address = r.Address.Unmap().WithZone("")
	return context.WithValue(ctx, requestKey{}, r)
}

// RequestOf returns the request in a context, or the zero Request.
func RequestOf(ctx context.Context) Request {
	r, _ := ctx.Value(requestKey{}).(Request)
	return r
}

// Guarded marks the context of a request that a guard has let through for one person (rule G13). With a
// marked context, a call of the trusted Service that writes or lists returns [ErrUnboundInRequest]: in a
// handler such a call is nearly always a mistake, because the trusted Service may do everything in every
// organization. Checks such as [Service.Can] and reads of one thing still work, and so does the bound
// Service of the guard. Package tenancyhttp calls Guarded for you.
func Guarded(ctx context.Context) context.Context {
	return context.WithValue(ctx, guardedKey{}, true)
}

// Trusted removes the mark of [Guarded]. Use it for a call that the program makes on its own inside a
// request, for instance to sign somebody in. Hooks such as Config.OnJoin already get such a context.
func Trusted(ctx context.Context) context.Context {
	if !guarded(ctx) {
		return ctx
	}
	return context.WithValue(ctx, guardedKey{}, false)
}

func guarded(ctx context.Context) bool {
	marked, _ := ctx.Value(guardedKey{}).(bool)
	return marked
}

// Detach returns a context for work that continues after the request. It has no deadline, no cancellation
// and no mark of [Guarded], and is outside any running transaction. Everything else in ctx stays, the
// [Request] too.
func Detach(ctx context.Context) context.Context {
	return detached{context.WithoutCancel(ctx)}
}

type detached struct{ context.Context }

func (d detached) Value(key any) any {
	switch key.(type) {
	case guardedKey, *instance:
		return nil
	}
	return d.Context.Value(key)
}

// tripwire refuses a call of the trusted Service that writes or lists with a context that a guard has
// marked (rule G13).
func (s *Service) tripwire(ctx context.Context, method *Method, writes bool) error {
	if s.principal != nil || !writes && !method.lists || !guarded(ctx) {
		return nil
	}
	return &Error{
		Code: ErrUnboundInRequest, Kind: "method", Key: method.Name,
		Reason: "use the Service that the guard has bound, or tenancy.Trusted(ctx) for what the program does by itself",
	}
}
