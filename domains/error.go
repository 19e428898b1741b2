package domains

// Reason says why a domain name is refused, as a value to compare with:
// errors.Is(err, domains.ErrPublicSuffix). The list is closed; the texts are
// stable and may be handed to a client.
type Reason string

const (
	// ErrEmpty: there is no text.
	ErrEmpty Reason = "empty"
	// ErrTooLong: over 253 bytes, or a label over 63, counted as A-labels.
	ErrTooLong Reason = "too_long"
	// ErrTrailingDot: the name ends in a dot, or is one.
	ErrTrailingDot Reason = "trailing_dot"
	// ErrIPAddress: an IP address, in brackets or not.
	ErrIPAddress Reason = "ip_address"
	// ErrNumericLabel: the last label is a number, as in an IPv4 address.
	ErrNumericLabel Reason = "numeric_label"
	// ErrSingleLabel: one label, such as localhost.
	ErrSingleLabel Reason = "single_label"
	// ErrMalformed: a label is empty, or IDNA's registration profile refuses it.
	ErrMalformed Reason = "malformed"
	// ErrPublicSuffix: names are registered below it, by anyone.
	ErrPublicSuffix Reason = "public_suffix"
)

// Error makes a Reason a sentinel error.
func (r Reason) Error() string { return "domain: " + string(r) }

// Error is the error of [Normalize]. Its text does not repeat what was refused,
// so it may be logged.
type Error struct {
	// Reason is always set.
	Reason Reason
	// Err is what IDNA said, where it said something. It quotes the input.
	Err error
}

// Error is the Reason's text.
func (e *Error) Error() string { return e.Reason.Error() }

// Unwrap gives what IDNA said.
func (e *Error) Unwrap() error { return e.Err }

// Is makes errors.Is(err, reason) work.
func (e *Error) Is(target error) bool {
	reason, ok := target.(Reason)
	return ok && reason == e.Reason
}
