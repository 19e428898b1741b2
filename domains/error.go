package domains

// Reason says why a domain name is refused. Compare with errors.Is(err, domains.ErrPublicSuffix). The list is
// complete. The texts are stable, and you may show them to a client.
type Reason string

const (
	// ErrEmpty: the text is empty.
	ErrEmpty Reason = "empty"
	// ErrTooLong: the name has over 253 bytes, or a label has over 63, counted as A-labels.
	ErrTooLong Reason = "too_long"
	// ErrTrailingDot: the name ends in a dot, or is only a dot.
	ErrTrailingDot Reason = "trailing_dot"
	// ErrIPAddress: the name is an IP address, in brackets or not.
	ErrIPAddress Reason = "ip_address"
	// ErrNumericLabel: the last label is a number, as in an IPv4 address.
	ErrNumericLabel Reason = "numeric_label"
	// ErrSingleLabel: the name has one label, such as localhost.
	ErrSingleLabel Reason = "single_label"
	// ErrMalformed: a label is empty, or IDNA's registration profile refuses it.
	ErrMalformed Reason = "malformed"
	// ErrPublicSuffix: the name is a suffix below which everybody can register names.
	ErrPublicSuffix Reason = "public_suffix"
)

// Error makes a Reason a sentinel error.
func (r Reason) Error() string { return "domain: " + string(r) }

// Error is the error of [Normalize]. Its text does not repeat the input, so you may log it.
type Error struct {
	// Reason is always set.
	Reason Reason
	// Err is the error of IDNA, or nil. It quotes the input.
	Err error
}

// Error is the Reason's text.
func (e *Error) Error() string { return e.Reason.Error() }

// Unwrap returns the error of IDNA.
func (e *Error) Unwrap() error { return e.Err }

// Is makes errors.Is(err, reason) work.
func (e *Error) Is(target error) bool {
	reason, ok := target.(Reason)
	return ok && reason == e.Reason
}
