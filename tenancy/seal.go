package tenancy

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"

	"github.com/freehold-dev/freehold/store/typed"
)

// seal is the one row with a store's random key (rule G10). All processes share the key, and nobody can learn
// it from hashes made with it. The first call that needs it makes it.
type seal struct {
	ID      sealID
	Version int64
	Key     string // 32 random bytes, in hex
}

// sealID is the id of the row, sea_...
type sealID = ID[seal]

func (seal) idPrefix() string { return "sea" }

func (s seal) rowID() [16]byte { return s.ID }

// theSeal is the id of the one row.
var theSeal = sealID{15: 1}

// sealFilter selects all rows.
type sealFilter struct{}

// sealRows describes the row of the seal.
var sealRows = typed.Describe[seal, sealFilter](
	"tenancy_seals", "seal",
	typed.ID("id", func(v *seal) *sealID { return &v.ID }),
	typed.Integer("version", func(v *seal) *int64 { return &v.Version }),
	typed.Text("key", func(v *seal) *string { return &v.Key }),
)

func (t *txn) Seals() table[seal, sealFilter] { return bind(t, sealRows) }

// seal reads the key, and makes it if there is none yet.
func (c *call) seal(ctx context.Context) (seal, error) {
	s, err := c.tx.Seals().Get(ctx, theSeal)
	if CodeOf(err) != ErrNotFound {
		return s, err
	}
	if err := c.lock(ctx, lockSeal()); err != nil {
		return seal{}, err
	}
	if s, err = c.tx.Seals().Get(ctx, theSeal); CodeOf(err) != ErrNotFound {
		return s, err
	}
	key := make([]byte, sha256.Size)
	if _, err := io.ReadFull(c.instance.config.Rand, key); err != nil {
		return seal{}, fmt.Errorf("read randomness: %w", err)
	}
	s = seal{theSeal, 1, hex.EncodeToString(key)}
	return s, c.tx.Seals().Insert(ctx, s)
}

// of returns the keyed hash of a text, for one purpose, in hex.
func (s seal) of(purpose, text string) string {
	mac := hmac.New(sha256.New, []byte(s.Key))
	mac.Write([]byte(purpose + " " + text))
	return hex.EncodeToString(mac.Sum(nil))
}
