package tenancy

import (
	"bytes"
	"database/sql/driver"
	"fmt"

	"github.com/freehold-dev/freehold/internal/typeid"
)

// Entity is a type whose values Freehold stores under an id of their own. It is exported so that a backend
// can be written once for all such types; only this package can add types.
type Entity interface {
	// idPrefix is the kind, the part of a TypeID before the underscore.
	idPrefix() string
	// rowID is the id without its kind, for code that works with all kinds.
	rowID() [16]byte
}

// ID is the id of one thing of kind T: sixteen bytes. Because the kind is in the Go type, a user's id in
// the place of an organization's does not compile. An ID is comparable and needs no allocation; the zero ID
// names nothing.
//
// Outside the process an ID is a TypeID (rule G1): a kind, an underscore and 26 characters of base32, such
// as org_01h455vb4pex5vsknk084sn02q. String, JSON and the tables of an SQL store have this text, so the id
// in a URL is the text to join on.
type ID[T Entity] [16]byte

// ParseID parses a TypeID of kind T. For malformed text and for the id of another kind it returns
// [ErrInvalid], with the field "id" (rule G7). Parse once, at the edge of the program, and pass the ID on.
// Each kind has its own function, such as [ParseUserID]; tenancyhttp.ID reads an id from the path of a
// request.
func ParseID[T Entity](s string) (ID[T], error) {
	var id ID[T]
	prefix, raw, err := typeid.Parse(s)
	if err != nil {
		return id, invalid("id", "not a TypeID")
	}
	if want := id.Prefix(); prefix != want {
		return id, invalid("id", "has the prefix "+prefix+", want "+want)
	}
	if raw == [16]byte{} {
		return id, invalid("id", "is the nil id")
	}
	return ID[T](raw), nil
}

// Prefix returns the kind: "org" for an organization.
func (id ID[T]) Prefix() string {
	var kind T
	return kind.idPrefix()
}

// IsZero reports whether id names nothing.
func (id ID[T]) IsZero() bool { return id == ID[T]{} }

// Compare compares ids by their bytes. Version 7 UUIDs, which the default Config makes, sort by the time at
// which they were made.
func (id ID[T]) Compare(other ID[T]) int { return bytes.Compare(id[:], other[:]) }

// String returns the TypeID, or "" for the zero ID.
func (id ID[T]) String() string {
	if id.IsZero() {
		return ""
	}
	return typeid.String(id.Prefix(), id)
}

// MarshalText returns the TypeID, or no text for the zero ID.
func (id ID[T]) MarshalText() ([]byte, error) {
	if id.IsZero() {
		return nil, nil
	}
	return typeid.Append(nil, id.Prefix(), id), nil
}

// UnmarshalText parses what MarshalText wrote. Errors: as for [ParseID].
func (id *ID[T]) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*id = ID[T]{}
		return nil
	}
	parsed, err := ParseID[T](string(text))
	if err == nil {
		*id = parsed
	}
	return err
}

// Value returns the text that Freehold's tables have, and NULL for the zero ID. So the host's own SQL can
// bind an ID to a statement.
func (id ID[T]) Value() (driver.Value, error) {
	if id.IsZero() {
		return nil, nil
	}
	return id.String(), nil
}

// Scan reads an id from a column of a host's own table.
func (id *ID[T]) Scan(src any) error {
	switch text := src.(type) {
	case nil:
		*id = ID[T]{}
		return nil
	case string:
		return id.UnmarshalText([]byte(text))
	case []byte:
		return id.UnmarshalText(text)
	default:
		return invalid("id", fmt.Sprintf("cannot read an id from a column of type %T", src))
	}
}
