package typeid

import "encoding/binary"

// Error says why a text is not a TypeID. The constants are the complete list; compare with errors.Is or ==.
type Error string

const (
	// ErrLength: the text is shorter or longer than any TypeID.
	ErrLength Error = "typeid: wrong length"
	// ErrPrefix: the text has no prefix before the separator, no separator where one must be, or a prefix that
	// [ValidPrefix] refuses.
	ErrPrefix Error = "typeid: malformed prefix"
	// ErrSuffix: the text has a character outside of the alphabet, an upper-case one, or a value of more than
	// 128 bits.
	ErrSuffix Error = "typeid: malformed suffix"
)

// Error implements error.
func (e Error) Error() string { return string(e) }

// Parse splits a TypeID into its prefix, which may be empty, and its value. It accepts only canonical text:
// [String] of the result is s. It does not allocate. Errors: [ErrLength], [ErrPrefix], [ErrSuffix].
func Parse(s string) (prefix string, id [16]byte, err error) {
	cut := len(s) - SuffixLen
	if cut < 0 || cut > MaxPrefix+1 {
		return "", id, ErrLength
	}
	if cut > 0 {
		// The last underscore is the separator, because a prefix may contain underscores, too.
		prefix = s[:cut-1]
		if s[cut-1] != '_' || prefix == "" || !ValidPrefix(prefix) {
			return "", id, ErrPrefix
		}
	}
	id, err = ParseSuffix(s[cut:])
	if err != nil {
		return "", id, err
	}
	return prefix, id, nil
}

// ParseSuffix reads the 26 characters after the separator. It does not allocate. Errors: [ErrLength],
// [ErrSuffix].
func ParseSuffix(s string) (id [16]byte, err error) {
	if len(s) != SuffixLen {
		return id, ErrLength
	}
	var hi, lo uint64
	var seen byte // all digits or-ed: one test at the end and not 26
	for i := range 13 {
		d := digits[s[i]]
		seen |= d
		hi = hi<<5 | uint64(d)
	}
	straddling := digits[s[13]] // this digit's top bit belongs to the high half
	seen |= straddling
	hi = hi<<1 | uint64(straddling>>4)
	lo = uint64(straddling & 15)
	for i := 14; i < SuffixLen; i++ {
		d := digits[s[i]]
		seen |= d
		lo = lo<<5 | uint64(d)
	}
	if seen&invalid != 0 || s[0] > '7' {
		return id, ErrSuffix
	}
	binary.BigEndian.PutUint64(id[:8], hi)
	binary.BigEndian.PutUint64(id[8:], lo)
	return id, nil
}

// invalid marks the bytes outside of the alphabet. No digit has this bit.
const invalid = 0x80

// digits maps a byte to its value in the alphabet, or to invalid.
var digits = func() (table [256]byte) {
	for i := range table {
		table[i] = invalid
	}
	for i := range len(alphabet) {
		table[alphabet[i]] = byte(i)
	}
	return table
}()

// ValidPrefix reports whether the specification allows a prefix: at most 63 of a-z and underscore, the
// underscore neither first nor last. The empty prefix is valid; its TypeID is the suffix alone.
func ValidPrefix(prefix string) bool {
	if prefix == "" {
		return true
	}
	if len(prefix) > MaxPrefix || prefix[0] == '_' || prefix[len(prefix)-1] == '_' {
		return false
	}
	for i := range len(prefix) {
		if c := prefix[i]; (c < 'a' || c > 'z') && c != '_' {
			return false
		}
	}
	return true
}
