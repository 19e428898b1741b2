package tenancy

import (
	"context"
	"net/netip"
)

// Request is the HTTP request, or its like, that a call is made for. Sessions that start
// under it show its Address and UserAgent.
type Request struct {
	// Address is the client's network address, as the program has decided it: behind a
	// proxy that is not the address of the connection. WithRequest removes its zone, which
	// may be any text, and writes an IPv4 address inside IPv6 as IPv4.
	Address netip.Addr
	// UserAgent is what the client calls itself; a session keeps 256 characters of it.
	UserAgent string
	// ID is the program's own name for the request, for its logs.
	ID string
}

type (
	requestKey struct{}
	guardedKey struct{}
)

// WithRequest gives a context that carries a request. The package tenancyhttp does it in
// each middleware.
func WithRequest(ctx context.Context, r Request) context.Context {
	r.Address = r.Address.Unmap().WithZone("")
	return context.WithValue(ctx, requestKey{}, r)
}

// RequestOf gives the request that a context carries; the zero Request where there is none.
func RequestOf(ctx context.Context) Request {
	r, _ := ctx.Value(requestKey{}).(Request)
	return r
}

// Guarded marks the context of a request that a guard has let through for one person.
// With a marked context, a call of the unbound Service that writes or lists fails with
// [ErrUnboundInRequest]: in a handler it is nearly always a mistake, because the
// unbound Service may do everything, in every organization. Checks ([Service.Can] and
// its like) and reads of one thing still work, and so does the Service that the
// guard has bound. The package tenancyhttp calls it for you (rule G13).
func Guarded(ctx context.Context) context.Context {
	return context.WithValue(ctx, guardedKey{}, true)
}

// Trusted takes the mark of [Guarded] away, for a call that the program makes by
// itself inside a request: signing somebody in, for instance. Hooks such as
// Config.OnJoin get such a context already.
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

// Detach gives a context for work that goes on after the request: without its deadline
// and cancellation, without the mark of [Guarded], and outside any running
// transaction. Everything else that ctx carries stays, the [Request] too.
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

// tripwire refuses a call of the unbound Service that writes or lists, where a guard has
// marked the context (rule G13).
func (s *Service) tripwire(ctx context.Context, method *Method, writes bool) error {
	if s.principal != nil || !writes && !method.lists || !guarded(ctx) {
		return nil
	}
	return &Error{
		Code: ErrUnboundInRequest, Kind: "method", Key: method.Name,
		Reason: "use the Service that the guard has bound, or tenancy.Trusted(ctx) for what the program does by itself",
	}
}
