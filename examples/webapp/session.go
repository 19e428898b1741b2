package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"net/http"
	"time"

	"github.com/freehold-dev/freehold/store/sqlite"
	"github.com/freehold-dev/freehold/tenancy"
)

// accounts is what people do before they are anybody: sign in and sign up. Sessions
// are the program's own, and tell Freehold nothing but who somebody is.
type accounts struct {
	*site
	store   *sqlite.Store
	service *tenancy.Service
	mail    func(address, code string)
	secure  bool
}

const (
	cookieName = "session"
	sessionFor = 30 * 24 * time.Hour
)

// session is a proved address, and the user that it belongs to once there is one.
type session struct {
	token string // as stored
	email string
	user  tenancy.UserID
}

// session finds a request's session; the zero one where there is none.
func (a *accounts) session(r *http.Request) (session, error) {
	cookie, err := r.Cookie(cookieName)
	if err != nil {
		return session{}, nil
	}
	s := session{token: hash(cookie.Value)}
	err = a.db.QueryRowContext(r.Context(),
		`SELECT email, user_id FROM sessions WHERE token = ? AND expires_at > ?`, s.token, time.Now().Unix()).Scan(&s.email, &s.user)
	if errors.Is(err, sql.ErrNoRows) {
		return session{}, nil
	}
	return s, err
}

// user is who makes a request, for the guard.
func (a *accounts) user(r *http.Request) (tenancy.UserID, error) {
	s, err := a.session(r)
	return s.user, err
}

// begin starts a session and hands out its cookie.
func (a *accounts) begin(ctx context.Context, w http.ResponseWriter, email string, user tenancy.UserID) error {
	token, now := rand.Text(), time.Now()
	if _, err := a.db.ExecContext(ctx, `DELETE FROM sessions WHERE expires_at <= ?`, now.Unix()); err != nil {
		return err
	}
	_, err := a.db.ExecContext(ctx, `INSERT INTO sessions (token, email, user_id, expires_at) VALUES (?, ?, ?, ?)`,
		hash(token), email, user, now.Add(sessionFor).Unix())
	if err == nil {
		a.cookie(w, token, int(sessionFor/time.Second))
	}
	return err
}

func (a *accounts) cookie(w http.ResponseWriter, value string, seconds int) {
	http.SetCookie(w, &http.Cookie{
		Name: cookieName, Value: value, Path: "/", MaxAge: seconds,
		HttpOnly: true, Secure: a.secure, SameSite: http.SameSiteLaxMode,
	})
}

func (a *accounts) logout(w http.ResponseWriter, r *http.Request) {
	s, err := a.session(r)
	if err == nil {
		_, err = a.db.ExecContext(r.Context(), `DELETE FROM sessions WHERE token = ?`, s.token)
	}
	if err != nil {
		a.guard.Error(w, r, err)
		return
	}
	a.cookie(w, "", -1)
	http.Redirect(w, r, "/login", http.StatusSeeOther)
}

// hash is how secrets are stored. They are random and long, so no salt is needed.
func hash(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}
