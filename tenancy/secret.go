package tenancy

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/freehold-dev/freehold/store/typed"
)

// Token is a secret of 256 random bits in readable form (rule G10). Only Reveal returns the text: fmt, slog and
// encoding/json print a placeholder. The store keeps its hash only.
type Token struct {
	raw *string // a pointer, because fmt calls no method of a value in an unexported field
}

const redactedText = "[redacted]"

// Reveal returns the token as text. Send it only to the person that it is for.
func (t Token) Reveal() string {
	if t.raw == nil {
		return ""
	}
	return *t.raw
}

// IsZero reports whether t is the zero Token, which is no token.
func (t Token) IsZero() bool { return t.raw == nil }

// String returns a placeholder.
func (Token) String() string { return redactedText }

// Format writes a placeholder, whatever the verb.
func (Token) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redactedText) }

// LogValue returns a placeholder.
func (Token) LogValue() slog.Value { return slog.StringValue(redactedText) }

// MarshalText returns a placeholder.
func (Token) MarshalText() ([]byte, error) { return []byte(redactedText), nil }

// secretKind says what a secret is for.
type secretKind string

// The kinds of secrets. Each is also the readable prefix of its tokens.
const (
	secretEmailProof secretKind = "emailproof" // of a change of email
	secretInvitation secretKind = "invitation" // of an invitation
	secretJoinCode   secretKind = "joincode"   // of a join code
	secretSession    secretKind = "session"    // of a session

	// These belong to the proof of a mailbox, whose row has their hashes.
	secretProofHandle secretKind = "proofhandle" // of the browser that asked
	secretProofLink   secretKind = "prooflink"   // of the link that was mailed
	secretPending     secretKind = "pending"     // of a pending sign-in, whose row keeps its hash
)

// storedSecret is what the store has of a token: its hash, and never the token (rule G10). No method of
// [Service] returns one.
type storedSecret struct {
	ID      storedSecretID // the first 16 bytes of the hash
	Version int64
	Kind    secretKind
	Hash    string // SHA-256 of the token, in hex
	UserID  UserID // the user that it acts for; zero: none yet
	// Subject is the TypeID of the object that it is for; of an email proof: the user who asked, "" = the host;
	// of a session: its client.
	Subject   string
	SessionID SessionID // of a session: the current entry; zero: none
	Address   string    // of an email proof: the canonical address to prove
	SpentAt   time.Time // when it was used or replaced; zero: neither
	ExpiresAt time.Time
	CreatedAt time.Time
}

// storedSecretID is the id of a secret, sec_...
type storedSecretID = ID[storedSecret]

func (storedSecret) idPrefix() string { return "sec" }

// client returns the client whose token a session's secret is.
func (s storedSecret) client() SessionID {
	id, _ := ParseID[Session](s.Subject) // issue wrote it
	return id
}

func (s storedSecret) rowID() [16]byte { return s.ID }

func (s *storedSecret) stamps() (*int64, *time.Time) { return &s.Version, nil }

// openFor returns what an unspent secret is for: its Subject, or an email proof's user; "" = it is spent. The
// store keeps it in a column, so that a query finds only unspent secrets.
func (s storedSecret) openFor() string {
	switch {
	case !s.SpentAt.IsZero():
		return ""
	case s.Kind == secretEmailProof:
		return s.UserID.String()
	}
	return s.Subject
}

var tokenText = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

const tokenBytes = 32

// newToken makes a random token: the kind, an underscore, and in base32 the random bytes and a checksum. With
// the checksum, a mistyped token is recognized without asking the store.
func newToken(random io.Reader, kind secretKind) (Token, error) {
	b := make([]byte, tokenBytes, tokenBytes+4)
	if _, err := io.ReadFull(random, b); err != nil {
		return Token{}, fmt.Errorf("read randomness: %w", err)
	}
	b = binary.BigEndian.AppendUint32(b, checksum(kind, b))
	raw := string(kind) + "_" + tokenText.EncodeToString(b)
	return Token{&raw}, nil
}

func checksum(kind secretKind, random []byte) uint32 {
	return crc32.Update(crc32.ChecksumIEEE([]byte(kind)), crc32.IEEETable, random)
}

// wellFormed reports whether raw has the form of a token of the kind.
func wellFormed(raw string, kind secretKind) bool {
	rest, ok := strings.CutPrefix(raw, string(kind)+"_")
	if !ok || len(rest) != tokenText.EncodedLen(tokenBytes+4) {
		return false
	}
	b, err := tokenText.DecodeString(rest)
	return err == nil && tokenText.EncodeToString(b) == rest &&
		binary.BigEndian.Uint32(b[tokenBytes:]) == checksum(kind, b[:tokenBytes])
}

// readToken removes white space around a token (rule G16).
func readToken(raw string) string { return strings.TrimSpace(raw) }

func hashToken(raw string) (id storedSecretID, hash string) {
	sum := sha256.Sum256([]byte(raw))
	return storedSecretID(sum[:16]), hex.EncodeToString(sum[:])
}

// issue makes a token, and stores its hash together with what it is for.
func (c *call) issue(ctx context.Context, s storedSecret) (Token, error) {
	token, err := newToken(c.instance.config.Rand, s.Kind)
	if err != nil {
		return Token{}, err
	}
	s.ID, s.Hash = hashToken(token.Reveal())
	s.Version, s.CreatedAt = 1, c.now
	return token, c.tx.Secrets().Insert(ctx, s)
}

// secret finds what a token is for. A token that is malformed, unknown or of another kind is [ErrInvalidToken].
// A genuine token that cannot be used gets the error for its state.
func (c *call) secret(ctx context.Context, kind secretKind, raw string) (storedSecret, error) {
	s, err := c.genuine(ctx, kind, raw)
	if err == nil && !c.now.Before(s.ExpiresAt) {
		err = &Error{Code: ErrTokenExpired, Field: "token"}
	}
	return s, err
}

// genuine does secret for a token whose object has its own expiry.
func (c *call) genuine(ctx context.Context, kind secretKind, raw string) (storedSecret, error) {
	raw = readToken(raw)
	if !wellFormed(raw, kind) {
		return storedSecret{}, &Error{Code: ErrInvalidToken, Field: "token"}
	}
	id, hash := hashToken(raw)
	return c.genuineAt(ctx, kind, id, hash)
}

// genuineAt does genuine for a token whose hash is known. Without a hash, the id is that of a token which was
// presented before.
func (c *call) genuineAt(ctx context.Context, kind secretKind, id storedSecretID, hash string) (storedSecret, error) {
	bad := &Error{Code: ErrInvalidToken, Field: "token"}
	s, err := c.tx.Secrets().Get(ctx, id)
	switch {
	case CodeOf(err) == ErrNotFound:
		return storedSecret{}, bad
	case err != nil:
		return storedSecret{}, err
	case s.Kind != kind || hash != "" && subtle.ConstantTimeCompare([]byte(s.Hash), []byte(hash)) != 1:
		return storedSecret{}, bad
	case !s.SpentAt.IsZero():
		return storedSecret{}, &Error{Code: ErrTokenUsed, Field: "token"}
	}
	return s, nil
}

// spend makes a secret unusable. The row stays, so that its token still gets the answer that it was used.
func (c *call) spend(ctx context.Context, s storedSecret) error {
	s.SpentAt = c.now
	return put(ctx, c, c.tx.Secrets().Update, &s)
}

// secretsRemembered is how long an expired token still gets the answer that it expired.
const secretsRemembered = 30 * 24 * time.Hour

// spendProofs makes a user's email proofs unusable.
func (c *call) spendProofs(ctx context.Context, user UserID) error {
	return c.spendOf(ctx, secretEmailProof, user.String())
}

// spendOf makes the secrets for some objects unusable. It reads only unspent ones: these are few, however many
// there were before.
func (c *call) spendOf(ctx context.Context, kind secretKind, subjects ...string) error {
	f := secretFilter{Kind: typed.Of(kind), OpenFor: typed.Of(subjects...)}
	return walk(ctx, c.tx.Secrets(), f, func(s storedSecret) error { return c.spend(ctx, s) })
}
