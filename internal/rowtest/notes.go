package rowtest

import "github.com/freehold-dev/freehold/store"

// NotesTables describes some tables of an application of notes, parents before children.
// Together they have what tables can have: unique keys of one column and of several, of
// texts, numbers, instants, ids and references, with and without nulls, two tables without
// parents, a row that refers to its own table, orders, and columns to touch.
func NotesTables() []*store.Table {
	tags := table("app_tags", "tag", "tag",
		text("name"), null(text("color")), number("rank"), flag("pinned"), null(instant("used_at")), null(document("look")))
	unique(tags, "name", "name")
	order(tags, "rank", "name", "used_at")
	index(tags, []string{"rank"}, []string{"color"})
	tags.Touch = tags.Index("used_at")

	marks := table("app_marks", "mark", "mark", number("number"), id("owner_id", "own"), instant("made_at"), flag("open"))
	unique(marks, "number", "number")
	unique(marks, "owner", "owner_id")
	unique(marks, "made", "open", "made_at")
	order(marks, "made_at", "owner_id", "open")

	notes := table("app_notes", "app note", "note",
		refers("tag_id", tags), null(refers("second_tag_id", tags)), id("author_id", "usr"), null(text("slug")), null(text("code")), text("title"),
		null(document("body")), document("settings"), null(number("size")), null(instant("due_at")), null(instant("seen_at")), flag("archived"))
	notes.Columns = append(notes.Columns, null(refers("parent_id", notes)))
	unique(notes, "slug", "tag_id", "slug")
	unique(notes, "code", "code")
	order(notes, "title", "due_at", "size")
	index(notes, []string{"tag_id"}, []string{"tag_id", "title"}, []string{"author_id"}, []string{"due_at"})
	notes.Indexes = append(notes.Indexes,
		store.Index{Columns: notes.Places("author_id"), Null: notes.Places("size")},
		store.Index{Columns: notes.Places("tag_id", "due_at"), NotNull: notes.Places("due_at")},
		store.Index{Columns: notes.Places("title"), NotNull: notes.Places("parent_id")},
		store.Index{NotNull: notes.Places("code")})
	notes.Touch = notes.Index("seen_at")

	pins := table("app_pins", "pin", "pin", refers("note_id", notes), refers("tag_id", tags), number("position"))
	unique(pins, "note", "note_id", "tag_id")
	order(pins, "position")
	index(pins, []string{"tag_id", "position"})

	covers := table("app_covers", "cover", "cov", refers("note_id", notes), text("picture"))
	unique(covers, "note", "note_id")
	return []*store.Table{tags, marks, notes, pins, covers}
}

// NotesLogs describes two logs of the same application, with their columns in different
// orders.
func NotesLogs() []*store.Log {
	audit := store.Table{Name: "app_audit", Kind: "audit", Columns: []store.Column{
		id("id", "aud"), text("what"), id("who_id", "usr"), flag("gone"), instant("at"), null(document("detail")), null(text("memo")), null(number("weight")),
	}}
	index(&audit, []string{"who_id"}, []string{"what"})
	clicks := store.Table{Name: "app_clicks", Kind: "click", Columns: []store.Column{
		id("id", "clk"), instant("at"), null(id("visitor_id", "vis")), null(text("address")), flag("forgotten"), text("page"),
	}}
	return []*store.Log{
		{
			Table: audit, People: "app_audit_people", Floor: "app_audit_floor",
			Time: audit.Index("at"), Person: audit.Index("who_id"), Redacted: audit.Index("gone"), Blank: audit.Places("detail", "memo"),
		},
		{
			Table: clicks, People: "app_click_people", Floor: "app_click_floor",
			Time: clicks.Index("at"), Person: clicks.Index("visitor_id"), Redacted: clicks.Index("forgotten"), Blank: clicks.Places("address"),
		},
	}
}

func table(name, kind, prefix string, columns ...store.Column) *store.Table {
	first := []store.Column{id("id", prefix), number("version")}
	return &store.Table{Name: name, Kind: kind, Columns: append(first, columns...)}
}

func unique(t *store.Table, field string, columns ...string) {
	t.Unique = append(t.Unique, store.Key{Field: field, Columns: t.Places(columns...)})
}

func index(t *store.Table, indexes ...[]string) {
	for _, columns := range indexes {
		t.Indexes = append(t.Indexes, store.Index{Columns: t.Places(columns...)})
	}
}

func order(t *store.Table, columns ...string) { t.Orders = t.Places(columns...) }

func text(name string) store.Column     { return store.Column{Name: name, Type: store.Text} }
func number(name string) store.Column   { return store.Column{Name: name, Type: store.Int} }
func flag(name string) store.Column     { return store.Column{Name: name, Type: store.Bool} }
func instant(name string) store.Column  { return store.Column{Name: name, Type: store.Time} }
func document(name string) store.Column { return store.Column{Name: name, Type: store.JSON} }

func id(name, prefix string) store.Column {
	return store.Column{Name: name, Type: store.ID, Prefix: prefix}
}

func refers(name string, parent *store.Table) store.Column {
	return store.Column{Name: name, Type: store.ID, Prefix: parent.Columns[0].Prefix, References: parent}
}

func null(c store.Column) store.Column {
	c.Null = true
	return c
}
