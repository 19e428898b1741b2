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

// Token is a secret that its bearer proves something with (rule G10): 256 random
// bits in readable form. It shows itself to nobody but through Reveal: fmt, slog
// and encoding/json print a placeholder. The store keeps its hash.
type Token struct {
	raw *string // behind a pointer, for fmt asks no method of what is in an unexported field
}

const redactedText = "[redacted]"

// Reveal is the token itself, to be sent to whom it is for and nowhere else.
func (t Token) Reveal() string {
	if t.raw == nil {
		return ""
	}
	return *t.raw
}

// IsZero reports whether there is no token.
func (t Token) IsZero() bool { return t.raw == nil }

// String is a placeholder.
func (Token) String() string { return redactedText }

// Format writes a placeholder, whatever the verb.
func (Token) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redactedText) }

// LogValue is a placeholder.
func (Token) LogValue() slog.Value { return slog.StringValue(redactedText) }

// MarshalText is a placeholder.
func (Token) MarshalText() ([]byte, error) { return []byte(redactedText), nil }

// secretKind says what a secret opens.
type secretKind string

// The kinds of secrets; each is also the readable part of its tokens.
const (
	secretEmailProof secretKind = "emailproof" // of a change of email
	secretInvitation secretKind = "invitation" // of an invitation
	secretJoinCode   secretKind = "joincode"   // of a join code
	secretSession    secretKind = "session"    // of a session

	// Those of the proof of a mailbox, which keeps their hashes itself.
	secretProofHandle secretKind = "proofhandle" // of the browser that asked
	secretProofLink   secretKind = "prooflink"   // of the link that was mailed
	secretPending     secretKind = "pending"     // of a pending sign-in, whose row keeps its hash
)

// storedSecret is what a store keeps of a token (rule G10): its hash, never the token.
// No method of [Service] returns one.
type storedSecret struct {
	ID        storedSecretID // the hash's first 16 bytes
	Version   int64
	Kind      secretKind
	Hash      string    // SHA-256 of the token, in hex
	UserID    UserID    // whom it speaks for; zero: nobody yet
	Subject   string    // the thing that it opens, a TypeID; an email proof: the user who asked, "" = the host; a session: its client
	SessionID SessionID // a session: the entry that is current; zero: none is
	Address   string    // an email proof: the canonical address proved
	SpentAt   time.Time // zero: not used, not replaced
	ExpiresAt time.Time
	CreatedAt time.Time
}

// storedSecretID is the id of a secret, sec_...
type storedSecretID = ID[storedSecret]

func (storedSecret) idPrefix() string { return "sec" }

// client is the client whose token a session's secret is.
func (s storedSecret) client() SessionID {
	id, _ := ParseID[Session](s.Subject) // it was written by issue
	return id
}

func (s storedSecret) rowID() [16]byte { return s.ID }

func (s *storedSecret) stamps() (*int64, *time.Time) { return &s.Version, nil }

// openFor is what a secret that is not spent stands for, so that it can be found among
// those that are: its Subject; an email proof's user. "" = it is spent.
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

// newToken draws a token: the kind, an underscore, and in base32 the random bytes
// and a checksum, by which a mistyped token is told from an unknown one before the
// store is asked.
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

// wellFormed reports whether raw could be a token of the kind.
func wellFormed(raw string, kind secretKind) bool {
	rest, ok := strings.CutPrefix(raw, string(kind)+"_")
	if !ok || len(rest) != tokenText.EncodedLen(tokenBytes+4) {
		return false
	}
	b, err := tokenText.DecodeString(rest)
	return err == nil && tokenText.EncodeToString(b) == rest &&
		binary.BigEndian.Uint32(b[tokenBytes:]) == checksum(kind, b[:tokenBytes])
}

// readToken is a token as it was issued, without white space around it (rule G16).
func readToken(raw string) string { return strings.TrimSpace(raw) }

func hashToken(raw string) (id storedSecretID, hash string) {
	sum := sha256.Sum256([]byte(raw))
	return storedSecretID(sum[:16]), hex.EncodeToString(sum[:])
}

// issue keeps the hash of a new token beside what it is for.
func (c *call) issue(ctx context.Context, s storedSecret) (Token, error) {
	token, err := newToken(c.instance.config.Rand, s.Kind)
	if err != nil {
		return Token{}, err
	}
	s.ID, s.Hash = hashToken(token.Reveal())
	s.Version, s.CreatedAt = 1, c.now
	return token, c.tx.Secrets().Insert(ctx, s)
}

// secret finds what a token is for. A token that is malformed, unknown or another
// kind's is [ErrInvalidToken]; a genuine one tells its own state.
func (c *call) secret(ctx context.Context, kind secretKind, raw string) (storedSecret, error) {
	s, err := c.genuine(ctx, kind, raw)
	if err == nil && !c.now.Before(s.ExpiresAt) {
		err = &Error{Code: ErrTokenExpired, Field: "token"}
	}
	return s, err
}

// genuine is secret for a token whose thing says itself whether it ran out.
func (c *call) genuine(ctx context.Context, kind secretKind, raw string) (storedSecret, error) {
	raw = readToken(raw)
	if !wellFormed(raw, kind) {
		return storedSecret{}, &Error{Code: ErrInvalidToken, Field: "token"}
	}
	id, hash := hashToken(raw)
	return c.genuineAt(ctx, kind, id, hash)
}

// genuineAt is genuine for a token whose hash is known. Without a hash it is that of one that
// somebody presented before.
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

// spend makes a secret useless, and keeps it so that its token can say so.
func (c *call) spend(ctx context.Context, s storedSecret) error {
	s.SpentAt = c.now
	return put(ctx, c, c.tx.Secrets().Update, &s)
}

// secretsRemembered is how long a token that ran out can still say so.
const secretsRemembered = 30 * 24 * time.Hour

// spendProofs makes a user's email proofs useless.
func (c *call) spendProofs(ctx context.Context, user UserID) error {
	return c.spendOf(ctx, secretEmailProof, user.String())
}

// spendOf makes the secrets of some things useless. It meets only those that are not spent
// yet: they are few, however many there were before.
func (c *call) spendOf(ctx context.Context, kind secretKind, subjects ...string) error {
	f := secretFilter{Kind: typed.Of(kind), OpenFor: typed.Of(subjects...)}
	return walk(ctx, c.tx.Secrets(), f, func(s storedSecret) error { return c.spend(ctx, s) })
}
