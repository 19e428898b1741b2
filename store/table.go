package store

import (
	"fmt"

	"github.com/freehold-dev/freehold/tenancy"
)

// Table describes how an entity lies in rows. It is shared and must not be changed.
type Table struct {
	Name    string   // in SQL
	Kind    string   // in errors: "organization"
	Columns []Column // the id first, then, but for events, the version
	Unique  []Key    // besides the id; a row with a null among the columns holds no key
	Indexes [][]int  // other columns that lists select or sort by, the narrower first; each ends with the id, unsaid
	Orders  map[tenancy.Order]int
	Touch   int // the column that Rows.Touch sets and Rows.Update leaves; 0 = none
}

// Column describes one field.
type Column struct {
	Name   string
	Type   Type
	Prefix string // of the TypeID, for the type ID
	Null   bool   // the field's zero value is kept as null
}

// Key is a unique key: the field that errors name, and its columns.
type Key struct {
	Field   string
	Columns []int
}

// Index gives the place of a column, or -1.
func (t *Table) Index(name string) int {
	for i := range t.Columns {
		if t.Columns[i].Name == name {
			return i
		}
	}
	return -1
}

// NotFound is the error for a row that is not there.
func (t *Table) NotFound(id [16]byte) error {
	return &tenancy.Error{Code: tenancy.ErrNotFound, Kind: t.Kind, Key: t.key(id)}
}

// Stale is the error for an update of another version than the one stored.
func (t *Table) Stale(id [16]byte) error {
	return &tenancy.Error{Code: tenancy.ErrConflict, Kind: t.Kind, Key: t.key(id), Field: "version"}
}

// Taken is the error for a unique key, by its Field, that another row holds.
func (t *Table) Taken(field string) error {
	return &tenancy.Error{Code: tenancy.ErrAlreadyExists, Kind: t.Kind, Field: field}
}

func (t *Table) key(id [16]byte) string {
	return typeidString(t.Columns[0].Prefix, id)
}

// columns gives the places of columns by name, for descriptions.
func (t *Table) columns(names ...string) []int {
	places := make([]int, len(names))
	for i, name := range names {
		if places[i] = t.Index(name); places[i] < 0 {
			panic(fmt.Sprintf("store: table %s has no column %s", t.Name, name))
		}
	}
	return places
}
