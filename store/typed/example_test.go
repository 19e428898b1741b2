package typed_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/memory"
	"github.com/freehold-dev/freehold/store/typed"
	"github.com/freehold-dev/freehold/tenancy"
)

// NoteID names a note.
type NoteID [16]byte

// Prefix is that of the TypeIDs of notes.
func (NoteID) Prefix() string { return "note" }

// Note is a row of a program's own.
type Note struct {
	ID           NoteID
	Version      int64
	Organization tenancy.OrganizationID
	Title        string
}

// NoteFilter selects notes.
type NoteFilter struct {
	Organization typed.In[tenancy.OrganizationID]
}

var notes = typed.Describe[Note, NoteFilter]("app_notes", "note",
	typed.ID("id", func(n *Note) *NoteID { return &n.ID }),
	typed.Integer("version", func(n *Note) *int64 { return &n.Version }),
	typed.ID("organization_id", func(n *Note) *tenancy.OrganizationID { return &n.Organization }),
	typed.Text("title", func(n *Note) *string { return &n.Title }),
).
	Unique("title", "organization_id", "title").
	Index("organization_id").
	Where(func(c *typed.Conds, f NoteFilter) { typed.OneID(c, "organization_id", f.Organization) })

// A program's own table on the memory store: its rows are kept or undone together with
// those of tenancy.
func Example() {
	ctx := context.Background()
	st := memory.New()
	svc, err := tenancy.New(tenancy.Config{Store: st})
	if err != nil {
		log.Fatal(err)
	}
	add := func(title string, fails error) (acme tenancy.Organization, err error) {
		err = svc.Transact(ctx, func(ctx context.Context, tx *tenancy.Service) error {
			if acme, err = tx.Organizations.Create(ctx, tenancy.NewOrganization{DisplayName: "Acme"}); err != nil {
				return err
			}
			rows, err := tx.Rows()
			if err != nil {
				return err
			}
			note := Note{ID: NoteID{1}, Version: 1, Organization: acme.ID, Title: title}
			return errors.Join(typed.Bind(rows, notes).Insert(ctx, note), fails)
		})
		return acme, err
	}
	_, err = add("Undone", errors.New("changed my mind"))
	fmt.Println(err)
	acme, err := add("Hello", nil)
	if err != nil {
		log.Fatal(err)
	}
	err = st.View(ctx, func(rows store.Rows) error {
		found, err := typed.Bind(rows, notes).List(ctx, NoteFilter{Organization: typed.Of(acme.ID)}, typed.Span{Limit: 10})
		for _, note := range found {
			fmt.Println(note.Title)
		}
		return err
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// changed my mind
	// Hello
}
