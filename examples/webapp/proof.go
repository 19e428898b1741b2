package main

import (
	"crypto/rand"
	"database/sql"
	"errors"
	"net/http"
	"time"

	"github.com/freehold-dev/freehold/tenancyhttp"
)

// A proof is an address that somebody has just proved to be theirs, while they have
// still to choose an organization, or to sign up. It is no session.
const proofFor = 10 * time.Minute

// keepProof remembers in this browser that it has proved an address.
func (a *accounts) keepProof(w http.ResponseWriter, r *http.Request, email string) error {
	token, now := rand.Text(), time.Now()
	if _, err := a.db.ExecContext(r.Context(), `DELETE FROM proofs WHERE expires_at <= ?`, now.Unix()); err != nil {
		return err
	}
	_, err := a.db.ExecContext(r.Context(), `INSERT INTO proofs (token, email, expires_at) VALUES (?, ?, ?)`,
		hash(token), email, now.Add(proofFor).Unix())
	if err == nil {
		a.proofCookie(w, token, int(proofFor/time.Second))
	}
	return err
}

// proof is the address that a browser has proved.
func (a *accounts) proof(r *http.Request) (email string, err error) {
	cookie, err := r.Cookie(a.proofName())
	if err != nil {
		return "", tenancyhttp.ErrUnauthenticated
	}
	err = a.db.QueryRowContext(r.Context(), `SELECT email FROM proofs WHERE token = ? AND expires_at > ?`,
		hash(cookie.Value), time.Now().Unix()).Scan(&email)
	if errors.Is(err, sql.ErrNoRows) {
		err = tenancyhttp.ErrUnauthenticated
	}
	return email, err
}

// dropProof ends a proof that has served: who signs out stays out.
func (a *accounts) dropProof(w http.ResponseWriter, r *http.Request) error {
	cookie, err := r.Cookie(a.proofName())
	if err != nil {
		return nil // there is none
	}
	a.proofCookie(w, "", -1)
	_, err = a.db.ExecContext(r.Context(), `DELETE FROM proofs WHERE token = ?`, hash(cookie.Value))
	return err
}

func (a *accounts) proofName() string {
	if a.secure {
		return "__Host-proof"
	}
	return "proof"
}

func (a *accounts) proofCookie(w http.ResponseWriter, value string, seconds int) {
	http.SetCookie(w, &http.Cookie{
		Name: a.proofName(), Value: value, Path: "/", MaxAge: seconds,
		HttpOnly: true, Secure: a.secure, SameSite: http.SameSiteLaxMode,
	})
}
