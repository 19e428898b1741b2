package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/freehold-dev/freehold/tenancy"
)

const (
	codeFor  = 10 * time.Minute
	maxTries = 5
)

// sendCode mails a new code to an address, whosever it is.
func (a *accounts) sendCode(ctx context.Context, email string) error {
	code, now := rand.Text()[:10], time.Now()
	if _, err := a.db.ExecContext(ctx, `DELETE FROM login_codes WHERE expires_at <= ?`, now.Unix()); err != nil {
		return err
	}
	_, err := a.db.ExecContext(ctx, `INSERT OR REPLACE INTO login_codes (email, code, tries, expires_at) VALUES (?, ?, 0, ?)`,
		email, hash(code), now.Add(codeFor).Unix())
	if err != nil {
		return err
	}
	return a.mailCode(ctx, email, code)
}

// spendCode uses up a code. Each try is counted before it is looked at, so that trying
// at once helps nobody.
func (a *accounts) spendCode(ctx context.Context, email, code string) error {
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

// hash is how secrets are stored. They are random and long, so no salt is needed.
func hash(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}
