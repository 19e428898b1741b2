package main

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"time"

	"github.com/freehold-dev/freehold/tenancy"
)

const (
	codeFor  = 10 * time.Minute
	maxTries = 5
)

func (a *accounts) loginPage(w http.ResponseWriter, r *http.Request) {
	a.show(w, r, "login", "Sign in", nil)
}

// sendCode mails a code to whatever address: the answer does not tell whether it is a
// user's.
func (a *accounts) sendCode(w http.ResponseWriter, r *http.Request) {
	email, err := tenancy.CanonicalEmail(r.PostFormValue("email"))
	if err != nil {
		a.guard.Error(w, r, err)
		return
	}
	code, now := rand.Text()[:10], time.Now()
	if _, err := a.db.ExecContext(r.Context(), `DELETE FROM login_codes WHERE expires_at <= ?`, now.Unix()); err != nil {
		a.guard.Error(w, r, err)
		return
	}
	_, err = a.db.ExecContext(r.Context(), `INSERT OR REPLACE INTO login_codes (email, code, tries, expires_at) VALUES (?, ?, 0, ?)`,
		email, hash(code), now.Add(codeFor).Unix())
	if err != nil {
		a.guard.Error(w, r, err)
		return
	}
	a.mail(email, code)
	a.show(w, r, "code", "Enter the code", email)
}

// login takes a code and begins a session. Who has no account yet goes on to sign up.
func (a *accounts) login(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	email, err := tenancy.CanonicalEmail(r.PostFormValue("email"))
	if err == nil {
		err = a.spend(ctx, email, r.PostFormValue("code"))
	}
	if err != nil {
		a.guard.Error(w, r, err)
		return
	}
	user, err := a.service.Users.GetByEmail(ctx, email)
	next := "/"
	switch {
	case errors.Is(err, tenancy.ErrNotFound):
		next, err = "/signup", nil
	case err == nil:
		err = a.service.Users.RecordSignIn(ctx, user.ID, tenancy.OrganizationID{})
	}
	if err == nil {
		err = a.begin(ctx, w, email, user.ID)
	}
	if err != nil {
		a.guard.Error(w, r, err)
		return
	}
	http.Redirect(w, r, next, http.StatusSeeOther)
}

// spend uses up a code. Each try is counted before it is looked at, so that trying at
// once helps nobody.
func (a *accounts) spend(ctx context.Context, email, code string) error {
	now := time.Now().Unix()
	if _, err := a.db.ExecContext(ctx, `UPDATE login_codes SET tries = tries + 1 WHERE email = ?`, email); err != nil {
		return err
	}
	done, err := a.db.ExecContext(ctx, `DELETE FROM login_codes WHERE email = ? AND code = ? AND tries <= ? AND expires_at > ?`,
		email, hash(code), maxTries, now)
	if err != nil {
		return err
	}
	if n, err := done.RowsAffected(); n == 1 || err != nil {
		return err
	}
	return &tenancy.Error{Code: tenancy.ErrInvalidToken, Field: "code", Reason: "is wrong, or too old"}
}
