// Package typeid writes and reads TypeIDs, by the public specification, version 0.3, for any prefix and any
// 128-bit value (rule G1).
//
// A TypeID is a readable prefix, an underscore and 26 characters of base32 (org_01h455vb4pex5vsknk084sn02q).
// Rows are keyed and joined by this text, so each TypeID has exactly one spelling: [String] writes byte for
// byte what [Parse] accepts. The package has no prefix of its own and does not look inside the 128 bits; the
// caller decides both.
//
// Everything here is a pure function and safe for concurrent use.
package typeid

import "encoding/binary"

// MaxPrefix is the length of the longest prefix that the specification allows, in bytes.
const MaxPrefix = 63

// SuffixLen is the length of the part after the underscore, in bytes. 26 characters of five bits hold 130 bits;
// the first two are always zero.
const SuffixLen = 26

// alphabet is Crockford's base32 in lower case. Its characters rise in byte order, so the texts sort as the 16
// bytes do.
const alphabet = "0123456789abcdefghjkmnpqrstvwxyz"

// String returns the TypeID of id under prefix; an empty prefix gives the suffix alone. It allocates once. It
// does not check the prefix, because prefixes are constants: with a prefix that [ValidPrefix] refuses, the
// result is text that [Parse] refuses.
func String(prefix string, id [16]byte) string {
	suffix := encode(id)
	if prefix == "" {
		return string(suffix[:])
	}
	return prefix + "_" + string(suffix[:])
}

// Append appends the TypeID of id under prefix to dst, as [String] writes it. It allocates only if dst is too
// short.
func Append(dst []byte, prefix string, id [16]byte) []byte {
	if prefix != "" {
		dst = append(dst, prefix...)
		dst = append(dst, '_')
	}
	suffix := encode(id)
	return append(dst, suffix[:]...)
}

// encode writes the value from both halves, high bits first. Character 13 has bits of both. The code is written
// out, because a loop would wait for each shift in turn.
func encode(id [16]byte) [SuffixLen]byte {
	hi, lo := binary.BigEndian.Uint64(id[:8]), binary.BigEndian.Uint64(id[8:])
	const a = alphabet
	return [SuffixLen]byte{
		a[hi>>61], a[hi>>56&31], a[hi>>51&31], a[hi>>46&31], a[hi>>41&31], a[hi>>36&31], a[hi>>31&31],
		a[hi>>26&31], a[hi>>21&31], a[hi>>16&31], a[hi>>11&31], a[hi>>6&31], a[hi>>1&31],
		a[(hi<<4|lo>>60)&31],
		a[lo>>55&31], a[lo>>50&31], a[lo>>45&31], a[lo>>40&31], a[lo>>35&31], a[lo>>30&31],
		a[lo>>25&31], a[lo>>20&31], a[lo>>15&31], a[lo>>10&31], a[lo>>5&31], a[lo&31],
	}
}
