package tenancy

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/freehold-dev/freehold/store/typed"
)

// mailboxProof is a stored proof. Of the handle, the link and the code it has only hashes. It keeps the address
// as long as it can still be presented.
type mailboxProof struct {
	ID        mailboxProofID // the first 16 bytes of the hash of the handle
	Version   int64
	Handle    string // SHA-256 of the handle, in hex
	Link      string // SHA-256 of the link's token, in hex
	Code      string // SHA-256 of the handle and the code, in hex; "": no code was mailed
	Email     string // as it was given; "": the proof has ended
	Address   string // keyed hash of the canonical address
	Client    string // keyed hash of the client that asked
	Tries     int    // how many wrong codes were typed
	EndedAt   time.Time
	ExpiresAt time.Time
	CreatedAt time.Time
}

// mailboxProofID is the id of a proof, mbp_...
type mailboxProofID = ID[mailboxProof]

func (mailboxProof) idPrefix() string { return "mbp" }

func (p mailboxProof) rowID() [16]byte { return p.ID }

func (p *mailboxProof) stamps() (*int64, *time.Time) { return &p.Version, nil }

// openFor returns the hash of the address while the proof has not ended, else "". The store keeps it in a
// column, so that a query finds only proofs that have not ended.
func (p mailboxProof) openFor() string {
	if p.EndedAt.IsZero() {
		return p.Address
	}
	return ""
}

// belongsTo reports whether the browser with this handle asked for the proof.
func (p mailboxProof) belongsTo(handle string) bool {
	_, hash := hashToken(readToken(handle))
	return subtle.ConstantTimeCompare([]byte(hash), []byte(p.Handle)) == 1
}

// proofOf returns the id of the proof of a handle, and the handle's hash.
func proofOf(handle string) (mailboxProofID, string) {
	id, hash := hashToken(handle)
	return mailboxProofID(id), hash
}

// proved returns the result for the bearer of the proof.
func (p mailboxProof) proved(here bool) ProvedMailbox {
	return ProvedMailbox{Evidence: MailboxEvidence(p.Email), Email: p.Email, Here: here}
}

// codeDigits is the length of a code.
const codeDigits = 6

// newCode makes a random code.
func newCode(random io.Reader) (Token, error) {
	var b [8]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return Token{}, fmt.Errorf("read randomness: %w", err)
	}
	raw := fmt.Sprintf("%0*d", codeDigits, binary.BigEndian.Uint64(b[:])%1_000_000)
	return Token{&raw}, nil
}

// readCode returns a code without blanks.
func readCode(raw string) (string, error) {
	code := strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, raw)
	if len(code) != codeDigits || strings.Trim(code, "0123456789") != "" {
		return "", invalid("code", "is not six digits")
	}
	return code, nil
}

// hashCode hashes a code together with its handle: a hash of the code alone could be reversed by trying all
// codes.
func hashCode(handle, code string) string {
	sum := sha256.Sum256([]byte(readToken(handle) + " " + code))
	return hex.EncodeToString(sum[:])
}

func (pr proofRules) start(ctx context.Context, in NewProof) (StartedProof, error) {
	email, canonical, err := readEmail(in.Email)
	if err != nil {
		return StartedProof{}, err
	}
	client, err := clientKey(ctx, in.Client)
	if err != nil {
		return StartedProof{}, err
	}
	key, err := pr.c.seal(ctx)
	if err != nil {
		return StartedProof{}, err
	}
	p := mailboxProof{
		Version: 1, Email: email, Address: key.of("address", canonical), Client: key.of("client", client),
		ExpiresAt: pr.c.now.Add(proofFor), CreatedAt: pr.c.now,
	}
	if err := pr.c.lock(ctx, lockProof(p.Address), lockProof(p.Client)); err != nil {
		return StartedProof{}, err
	}
	coded, err := pr.admit(ctx, p)
	if err != nil {
		return StartedProof{}, err
	}
	if err := pr.makeRoom(ctx, p.Address); err != nil {
		return StartedProof{}, err
	}
	return pr.mail(ctx, p, coded)
}

// admit counts a proof that is about to start, and returns whether it gets a code.
//
// Errors: [ErrRateLimited] where the client has started too many.
func (pr proofRules) admit(ctx context.Context, p mailboxProof) (coded bool, err error) {
	var counts [3]proofCount
	for i, kind := range []proofCountKind{countClient, countCodes, countWrong} {
		of := p.Address
		if kind == countClient {
			of = p.Client
		}
		if counts[i], err = pr.counted(ctx, kind, of); err != nil {
			return false, err
		}
	}
	byClient, codes, wrong := counts[0], counts[1], counts[2]
	if byClient.full() {
		return false, rateLimited("client", byClient.EndsAt.Sub(pr.c.now))
	}
	if err := pr.count(ctx, byClient); err != nil {
		return false, err
	}
	if codes.full() || wrong.full() {
		return false, nil
	}
	return true, pr.count(ctx, codes)
}

// makeRoom ends proofs of an address until there is room for one more. It keeps proofs of different clients as
// far as possible, so that nobody ends another client's proof by asking over and over.
func (pr proofRules) makeRoom(ctx context.Context, address string) error {
	open, err := collect(ctx, pr.c.tx.MailboxProofs(), mailboxProofFilter{OpenFor: typed.Of(address)})
	if err != nil {
		return err
	}
	slices.SortFunc(open, func(a, b mailboxProof) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), a.ID.Compare(b.ID))
	})
	live := open[:0]
	for _, p := range open {
		if pr.c.now.Before(p.ExpiresAt) {
			live = append(live, p)
		} else if err := pr.end(ctx, p); err != nil {
			return err
		}
	}
	for len(live) >= liveProofs {
		of := map[string]int{}
		for _, p := range live {
			of[p.Client]++
		}
		i := 0
		for j, p := range live {
			if of[p.Client] > of[live[i].Client] {
				i = j
			}
		}
		if err := pr.end(ctx, live[i]); err != nil {
			return err
		}
		live = slices.Delete(live, i, i+1)
	}
	return nil
}

// mail saves a proof with new secrets, and mails them.
func (pr proofRules) mail(ctx context.Context, p mailboxProof, coded bool) (StartedProof, error) {
	config := &pr.c.instance.config
	handle, err := newToken(config.Rand, secretProofHandle)
	if err != nil {
		return StartedProof{}, err
	}
	link, err := newToken(config.Rand, secretProofLink)
	if err != nil {
		return StartedProof{}, err
	}
	p.ID, p.Handle = proofOf(handle.Reveal())
	_, p.Link = hashToken(link.Reveal())
	var code Token
	if coded {
		if code, err = newCode(config.Rand); err != nil {
			return StartedProof{}, err
		}
		p.Code = hashCode(handle.Reveal(), code.Reveal())
	}
	message := Message{Kind: MessageMailboxProof, To: p.Email, ExpiresAt: p.ExpiresAt, Subject: p.ID.String(), Label: config.Label}
	if err := pr.c.mails().mayMail(ctx, message); err != nil {
		return StartedProof{}, err
	}
	if err := pr.c.tx.MailboxProofs().Insert(ctx, p); err != nil {
		return StartedProof{}, err
	}
	message.Token, message.Code = link, code
	started := StartedProof{Handle: handle, HasCode: coded, Email: p.Email, ExpiresAt: p.ExpiresAt}
	if started.Link = pr.c.queueMail(message); !started.Link.IsZero() {
		started.Code = code
	}
	return started, nil
}

// byHandle finds the proof of a handle, if it can still be presented.
func (pr proofRules) byHandle(ctx context.Context, handle string) (mailboxProof, error) {
	bad := &Error{Code: ErrInvalidToken, Field: "handle"}
	handle = readToken(handle)
	if !wellFormed(handle, secretProofHandle) {
		return mailboxProof{}, bad
	}
	id, _ := proofOf(handle)
	p, err := pr.c.tx.MailboxProofs().Get(ctx, id)
	switch {
	case CodeOf(err) == ErrNotFound || err == nil && !p.belongsTo(handle):
		return mailboxProof{}, bad
	case err != nil:
		return mailboxProof{}, err
	}
	return p, pr.presentable(p, "handle")
}

// byLink finds the proof of a link, if it can still be presented.
func (pr proofRules) byLink(ctx context.Context, link string) (mailboxProof, error) {
	bad := &Error{Code: ErrInvalidToken, Field: "token"}
	link = readToken(link)
	if !wellFormed(link, secretProofLink) {
		return mailboxProof{}, bad
	}
	_, hash := hashToken(link)
	found, err := pr.c.tx.MailboxProofs().List(ctx, mailboxProofFilter{Link: typed.Of(hash)}, listSpan{Limit: 1})
	switch {
	case err != nil:
		return mailboxProof{}, err
	case len(found) == 0:
		return mailboxProof{}, bad
	}
	return found[0], pr.presentable(found[0], "token")
}

// presentable refuses a proof that has ended or expired.
func (pr proofRules) presentable(p mailboxProof, field string) error {
	switch {
	case !p.EndedAt.IsZero():
		return &Error{Code: ErrTokenUsed, Field: field}
	case !pr.c.now.Before(p.ExpiresAt):
		return &Error{Code: ErrTokenExpired, Field: field}
	}
	return nil
}

// underLock finds a proof, takes the lock of its address, and finds it again under the lock.
func (pr proofRules) underLock(ctx context.Context, find func() (mailboxProof, error)) (mailboxProof, error) {
	return underLock(ctx, pr.c, find, func(p mailboxProof) error { return pr.c.lock(ctx, lockProof(p.Address)) })
}

// finish does Finish in a transaction. wrong is the error for a wrong code; it is not returned as err, so that
// its count is committed.
func (pr proofRules) finish(ctx context.Context, handle, typedCode string) (proved ProvedMailbox, wrong, err error) {
	code, err := readCode(typedCode)
	if err != nil {
		return ProvedMailbox{}, nil, err
	}
	p, err := pr.underLock(ctx, func() (mailboxProof, error) { return pr.byHandle(ctx, handle) })
	if err != nil {
		return ProvedMailbox{}, nil, err
	}
	bad := &Error{Code: ErrInvalidToken, Field: "code"}
	if p.Code == "" {
		return ProvedMailbox{}, nil, bad
	}
	tries, err := pr.counted(ctx, countWrong, p.Address)
	switch {
	case err != nil:
		return ProvedMailbox{}, nil, err
	case tries.full():
		return ProvedMailbox{}, nil, rateLimited("code", tries.EndsAt.Sub(pr.c.now))
	case subtle.ConstantTimeCompare([]byte(p.Code), []byte(hashCode(handle, code))) == 1:
		return p.proved(true), nil, pr.end(ctx, p)
	}
	if err := pr.count(ctx, tries); err != nil {
		return ProvedMailbox{}, nil, err
	}
	if p.Tries++; p.Tries >= proofTries {
		return ProvedMailbox{}, bad, pr.end(ctx, p)
	}
	return ProvedMailbox{}, bad, put(ctx, pr.c, pr.c.tx.MailboxProofs().Update, &p)
}

func (pr proofRules) open(ctx context.Context, link, handle string) (ProvedMailbox, error) {
	p, err := pr.underLock(ctx, func() (mailboxProof, error) { return pr.byLink(ctx, link) })
	if err != nil {
		return ProvedMailbox{}, err
	}
	return p.proved(p.belongsTo(handle)), pr.end(ctx, p)
}

// end ends a proof. The row stays, so that its secrets still get the answer that they were used.
func (pr proofRules) end(ctx context.Context, p mailboxProof) error {
	p.EndedAt, p.Email = pr.c.now, ""
	return put(ctx, pr.c, pr.c.tx.MailboxProofs().Update, &p)
}
