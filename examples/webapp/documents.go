package main

import (
	"database/sql"
	"errors"
	"net/http"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/freehold-dev/freehold/tenancy"
	"github.com/freehold-dev/freehold/tenancyhttp"
)

// documents is this program's own feature. Every statement names the organization that the guard checked, so an
// id alone finds nothing.
type documents struct{ *site }

type document struct {
	ID    int64
	Title string
	Body  string
}

const (
	insertDocument = `INSERT INTO documents (organization_id, author, title, body, changed_at) VALUES (?, ?, ?, ?, ?)`
	selectDocument = `SELECT id, title, body FROM documents WHERE organization_id = ? AND id = ?`
	listDocuments  = `SELECT id, title, body FROM documents WHERE organization_id = ? ORDER BY id DESC LIMIT 100`
	updateDocument = `UPDATE documents SET title = ?, body = ?, changed_at = ? WHERE organization_id = ? AND id = ?`
	deleteDocument = `DELETE FROM documents WHERE organization_id = ? AND id = ?`
)

func (d *documents) list(w http.ResponseWriter, r *http.Request) {
	found, err := d.newest(r)
	if err != nil {
		d.guard.Error(w, r, err)
		return
	}
	d.show(w, r, "documents", "Documents", found)
}

// newest reads the organization's last hundred documents.
func (d *documents) newest(r *http.Request) ([]document, error) {
	rows, err := d.db.QueryContext(r.Context(), listDocuments, tenancyhttp.Organization(r.Context()))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found []document
	for rows.Next() {
		var doc document
		if err := rows.Scan(&doc.ID, &doc.Title, &doc.Body); err != nil {
			return nil, err
		}
		found = append(found, doc)
	}
	return found, rows.Err()
}

func (d *documents) read(w http.ResponseWriter, r *http.Request) {
	var doc document
	err := d.db.QueryRowContext(r.Context(), selectDocument, tenancyhttp.Organization(r.Context()), documentID(r)).
		Scan(&doc.ID, &doc.Title, &doc.Body)
	if errors.Is(err, sql.ErrNoRows) {
		err = tenancy.ErrNotFound
	}
	if err != nil {
		d.guard.Error(w, r, err)
		return
	}
	d.show(w, r, "document", doc.Title, doc)
}

func (d *documents) create(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	title, body, err := form(r)
	if err == nil {
		_, err = d.db.ExecContext(ctx, insertDocument, tenancyhttp.Organization(ctx), tenancyhttp.User(ctx), title, body, time.Now().Unix())
	}
	d.changed(w, r, nil, err)
}

func (d *documents) update(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	title, body, err := form(r)
	if err != nil {
		d.guard.Error(w, r, err)
		return
	}
	changed, err := d.db.ExecContext(ctx, updateDocument, title, body, time.Now().Unix(), tenancyhttp.Organization(ctx), documentID(r))
	d.changed(w, r, changed, err)
}

func (d *documents) remove(w http.ResponseWriter, r *http.Request) {
	changed, err := d.db.ExecContext(r.Context(), deleteDocument, tenancyhttp.Organization(r.Context()), documentID(r))
	d.changed(w, r, changed, err)
}

// changed redirects to the list after a change that found its document.
func (d *documents) changed(w http.ResponseWriter, r *http.Request, result sql.Result, err error) {
	if err == nil && result != nil {
		var n int64
		if n, err = result.RowsAffected(); err == nil && n == 0 {
			err = tenancy.ErrNotFound
		}
	}
	d.done(w, r, home(r), err)
}

// documentID returns the id in the path; for anything else 0, which no document has.
func documentID(r *http.Request) int64 {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return 0
	}
	return id
}

func form(r *http.Request) (title, body string, err error) {
	if err := r.ParseForm(); err != nil {
		return "", "", &tenancy.Error{Code: tenancy.ErrInvalid, Field: "body", Reason: "is no form, or too long", Err: err}
	}
	title, body = r.PostFormValue("title"), r.PostFormValue("body")
	if n := utf8.RuneCountInString(title); n == 0 || n > 200 || !utf8.ValidString(title+body) {
		return "", "", &tenancy.Error{Code: tenancy.ErrInvalid, Field: "title", Reason: "must have 1 to 200 characters"}
	}
	return title, body, nil
}
