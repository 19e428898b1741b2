package tenancy

import (
	"context"
	"crypto/sha256"
	"net/netip"
	"time"

	"github.com/freehold-dev/freehold/store/typed"
)

// The limits on proofs of mailboxes (rule U12).
const (
	liveProofs      = 3  // proofs of an address that are live at once
	proofTries      = 5  // wrong codes for one handle
	codesPerDay     = 10 // codes that are mailed to an address
	wrongPerDay     = 25 // wrong codes for all handles of an address
	proofsPerClient = 20 // proofs that a client starts in an hour
)

// proofCountKind says what is counted.
type proofCountKind string

// The kinds of counts.
const (
	countCodes  proofCountKind = "codes"  // mailed to an address
	countWrong  proofCountKind = "wrong"  // wrong codes that were typed for an address
	countClient proofCountKind = "client" // proofs that a client started
)

// bound returns the most that a kind may count, and in which period. The period begins with the first.
func (k proofCountKind) bound() (most int, span time.Duration) {
	switch k {
	case countCodes:
		return codesPerDay, 24 * time.Hour
	case countWrong:
		return wrongPerDay, 24 * time.Hour
	}
	return proofsPerClient, time.Hour
}

// proofCount is one counter, of an address or of a client. Only its id says of which, and the id is made from a
// keyed hash.
type proofCount struct {
	ID      proofCountID
	Version int64
	Kind    proofCountKind
	Count   int
	EndsAt  time.Time // when the count starts again
}

// proofCountID is the id of a count, prc_...
type proofCountID = ID[proofCount]

func (proofCount) idPrefix() string { return "prc" }

func (n proofCount) rowID() [16]byte { return n.ID }

func countID(kind proofCountKind, of string) proofCountID {
	sum := sha256.Sum256([]byte(string(kind) + " " + of))
	return proofCountID(sum[:16])
}

// counted returns the counter of a kind for a keyed hash: a new one if there is none, or if its period is over.
func (pr proofRules) counted(ctx context.Context, kind proofCountKind, of string) (proofCount, error) {
	n, err := pr.c.tx.ProofCounts().Get(ctx, countID(kind, of))
	if err != nil && CodeOf(err) != ErrNotFound {
		return proofCount{}, err
	}
	if _, span := kind.bound(); err != nil || !pr.c.now.Before(n.EndsAt) {
		n = proofCount{ID: countID(kind, of), Version: n.Version, Kind: kind, EndsAt: pr.c.now.Add(span)}
	}
	return n, nil
}

// full reports whether the limit is reached.
func (n proofCount) full() bool {
	most, _ := n.Kind.bound()
	return n.Count >= most
}

// count adds one to the counter and saves it.
func (pr proofRules) count(ctx context.Context, n proofCount) error {
	n.Count++
	n.Version++
	if n.Version > 1 {
		err := pr.c.tx.ProofCounts().Update(ctx, n)
		if CodeOf(err) != ErrNotFound { // a sweep deleted it meanwhile, on a store with several writers
			return err
		}
		n.Version = 1
	}
	return pr.c.tx.ProofCounts().Insert(ctx, n)
}

// clientKey names the client, for the count of clients: by the name that the host gave, or by the address of
// the request. A client with an IPv6 address has all of its /64.
func clientKey(ctx context.Context, given string) (string, error) {
	if given != "" {
		return "given " + given, exact("client", given)
	}
	address := RequestOf(ctx).Address
	switch {
	case !address.IsValid():
		return "", invalid("client", "is empty, and the context has no Request with an address")
	case address.Is6():
		return netip.PrefixFrom(address, 64).Masked().String(), nil
	}
	return address.String(), nil
}

// erase deletes the counts and proofs for the addresses of people who are erased (rule U7).
func (pr proofRules) erase(ctx context.Context, addresses []string) error {
	key, err := pr.c.tx.Seals().Get(ctx, theSeal)
	switch {
	case CodeOf(err) == ErrNotFound || len(addresses) == 0:
		return nil
	case err != nil:
		return err
	}
	var hashes []string
	var counts []proofCountID
	for _, canonical := range addresses {
		address := key.of("address", canonical)
		hashes = append(hashes, address)
		counts = append(counts, countID(countCodes, address), countID(countWrong, address))
	}
	if _, err := pr.c.tx.MailboxProofs().DeleteAll(ctx, mailboxProofFilter{Address: typed.Of(hashes...)}); err != nil {
		return err
	}
	_, err = pr.c.tx.ProofCounts().DeleteAll(ctx, proofCountFilter{ID: typed.Of(counts...)})
	return err
}

// sweep deletes some of the proofs that expired an hour ago, and of the counts whose period is over.
func (pr proofRules) sweep(ctx context.Context) (int, error) {
	due := listSpan{Limit: sweepLimit, Order: ByDue}
	proofs, err := pr.c.tx.MailboxProofs().List(ctx, mailboxProofFilter{DueBefore: pr.c.now.Add(-proofsRemembered)}, due)
	if err != nil {
		return 0, err
	}
	counts, err := pr.c.tx.ProofCounts().List(ctx, proofCountFilter{DueBefore: pr.c.now}, due)
	if err != nil {
		return 0, err
	}
	gone, over := 0, 0
	if len(proofs) > 0 {
		if gone, err = pr.c.tx.MailboxProofs().DeleteAll(ctx, mailboxProofFilter{ID: typed.Of(idsOf(proofs)...)}); err != nil {
			return 0, err
		}
	}
	if len(counts) > 0 {
		// The condition on the time keeps counts that have started again meanwhile.
		over, err = pr.c.tx.ProofCounts().DeleteAll(ctx, proofCountFilter{ID: typed.Of(idsOf(counts)...), DueBefore: pr.c.now})
	}
	return gone + over, err
}
