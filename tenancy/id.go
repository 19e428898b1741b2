package tenancy

import (
	"bytes"
	"database/sql/driver"
	"fmt"

	"github.com/freehold-dev/freehold/internal/typeid"
)

// Entity is anything that Freehold keeps under an id of its own. It is exported
// so that a backend can be written once for all of them; only this package adds
// members.
type Entity interface {
	// idPrefix is the kind as it stands before the underscore of a TypeID.
	idPrefix() string
	// rowID is the id without its kind, for code that is written once for all kinds.
	rowID() [16]byte
}

// ID names one thing of kind T: sixteen bytes whose kind is in the type, so that
// a user's id does not compile where an organization's is due. It is comparable,
// costs no allocation to pass around, and its zero value names nothing.
//
// Outside the process an ID is a TypeID (rule G1): a kind, an underscore and 26
// characters of base32, such as org_01h455vb4pex5vsknk084sn02q. That text is what
// String, JSON and the tables of a SQL store hold, so what a host sees in a URL is
// what it joins on.
type ID[T Entity] [16]byte

// ParseID reads a TypeID of kind T. Malformed text and another kind's id are
// [ErrInvalid], with the field "id" (rule G7). Parse once, at the edge of the
// program, and pass the ID on. Each kind has a function of its own, such as
// [ParseUserID], and tenancyhttp.ID reads one from the path of a request.
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

// Prefix is the kind's part of the text: "org" for an organization.
func (id ID[T]) Prefix() string {
	var kind T
	return kind.idPrefix()
}

// IsZero reports whether id names nothing.
func (id ID[T]) IsZero() bool { return id == ID[T]{} }

// Compare orders ids by their bytes: version 7 UUIDs, and so ids made by the
// default Config, sort by the time they were made.
func (id ID[T]) Compare(other ID[T]) int { return bytes.Compare(id[:], other[:]) }

// String is the TypeID, or "" for the zero ID.
func (id ID[T]) String() string {
	if id.IsZero() {
		return ""
	}
	return typeid.String(id.Prefix(), id)
}

// MarshalText writes the TypeID, or nothing for the zero ID.
func (id ID[T]) MarshalText() ([]byte, error) {
	if id.IsZero() {
		return nil, nil
	}
	return typeid.Append(nil, id.Prefix(), id), nil
}

// UnmarshalText reads what MarshalText wrote; errors as in [ParseID].
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

// Value gives a host's own SQL the text that our tables hold, NULL for the zero
// ID, so that an ID can be bound to a statement as it is.
func (id ID[T]) Value() (driver.Value, error) {
	if id.IsZero() {
		return nil, nil
	}
	return id.String(), nil
}

// Scan reads a column of a host's own table that holds one of our ids.
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
