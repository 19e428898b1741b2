package tenancy

import (
	"context"
	"crypto/sha256"
	"net/netip"
	"time"

	"github.com/freehold-dev/freehold/store/typed"
)

// What bounds proofs of mailboxes (rule U12).
const (
	liveProofs      = 3  // proofs of an address that are live at once
	proofTries      = 5  // wrong codes at one handle
	codesPerDay     = 10 // codes that are mailed to an address
	wrongPerDay     = 25 // wrong codes at the handles of an address
	proofsPerClient = 20 // proofs that a client starts in an hour
)

// proofCountKind says what is counted.
type proofCountKind string

// The kinds of counts.
const (
	countCodes  proofCountKind = "codes"  // mailed to an address
	countWrong  proofCountKind = "wrong"  // typed for an address
	countClient proofCountKind = "client" // proofs that a client started
)

// bound is how much of a kind there may be, and in which time. The time begins with the first.
func (k proofCountKind) bound() (most int, span time.Duration) {
	switch k {
	case countCodes:
		return codesPerDay, 24 * time.Hour
	case countWrong:
		return wrongPerDay, 24 * time.Hour
	}
	return proofsPerClient, time.Hour
}

// proofCount counts for an address, or for a client. Which it is for shows in its id alone, which is made
// from a keyed hash.
type proofCount struct {
	ID      proofCountID
	Version int64
	Kind    proofCountKind
	Count   int
	EndsAt  time.Time // when it begins anew
}

// proofCountID is the id of a count, prc_...
type proofCountID = ID[proofCount]

func (proofCount) idPrefix() string { return "prc" }

func (n proofCount) rowID() [16]byte { return n.ID }

func countID(kind proofCountKind, of string) proofCountID {
	sum := sha256.Sum256([]byte(string(kind) + " " + of))
	return proofCountID(sum[:16])
}

// counted is what is counted of a kind for a keyed hash: a new count where there is none, or where its time
// is over.
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

// full reports whether there may be no more.
func (n proofCount) full() bool {
	most, _ := n.Kind.bound()
	return n.Count >= most
}

// count adds one.
func (pr proofRules) count(ctx context.Context, n proofCount) error {
	n.Count++
	n.Version++
	if n.Version > 1 {
		err := pr.c.tx.ProofCounts().Update(ctx, n)
		if CodeOf(err) != ErrNotFound { // swept meanwhile, where others write at the same time
			return err
		}
		n.Version = 1
	}
	return pr.c.tx.ProofCounts().Insert(ctx, n)
}

// clientKey names who asks, for the count of clients: as the host says, or by the address of the request.
// Whoever has an IPv6 address has all of its /64.
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

// erase deletes what is kept of the addresses of people who are erased (rule U7).
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

// sweep removes some of the proofs that ran out an hour ago, and of the counts whose time is over.
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
		// One that has begun anew meanwhile stays.
		over, err = pr.c.tx.ProofCounts().DeleteAll(ctx, proofCountFilter{ID: typed.Of(idsOf(counts)...), DueBefore: pr.c.now})
	}
	return gone + over, err
}
