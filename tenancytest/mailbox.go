package tenancytest

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/freehold-dev/freehold/tenancy"
)

// Mailbox is a [tenancy.Mailer] that keeps what it is given, for every address. It is safe for
// concurrent use.
type Mailbox struct {
	mu   sync.Mutex
	kept []tenancy.Message
	err  error
}

var _ tenancy.Mailer = (*Mailbox)(nil)

// NewMailbox makes an empty Mailbox.
func NewMailbox() *Mailbox { return &Mailbox{} }

// Mail keeps a message, or answers what [Mailbox.Fail] was told.
func (b *Mailbox) Mail(_ context.Context, m tenancy.Message) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err != nil {
		return b.err
	}
	b.kept = append(b.kept, m)
	return nil
}

// Fail makes each Mail from now on answer err and keep nothing, as where a mail server is down; nil
// ends that.
func (b *Mailbox) Fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.err = err
}

// Clear forgets what was mailed.
func (b *Mailbox) Clear() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.kept = nil
}

// Messages gives what was mailed to an address, the oldest first; with "" to every address. Case does not
// count.
func (b *Mailbox) Messages(address string) []tenancy.Message {
	b.mu.Lock()
	defer b.mu.Unlock()
	var found []tenancy.Message
	for _, m := range b.kept {
		if address == "" || strings.EqualFold(m.To, address) {
			found = append(found, m)
		}
	}
	return found
}

// Message gives the newest message of a kind to an address. Without one it ends the test.
func (b *Mailbox) Message(t testing.TB, address string, kind tenancy.MessageKind) tenancy.Message {
	t.Helper()
	return b.newest(t, address, string(kind)+" message", func(m tenancy.Message) bool { return m.Kind == kind })
}

// Token gives the token in the newest message to an address that has one: what the person would
// find in the link, of an invitation or a proof of their address. Without one it ends the test.
func (b *Mailbox) Token(t testing.TB, address string) string {
	t.Helper()
	return b.newest(t, address, "message with a token", func(m tenancy.Message) bool { return !m.Token.IsZero() }).Token.Reveal()
}

func (b *Mailbox) newest(t testing.TB, address, what string, is func(tenancy.Message) bool) tenancy.Message {
	t.Helper()
	found := b.Messages(address)
	for _, m := range slices.Backward(found) {
		if is(m) {
			return m
		}
	}
	t.Fatalf("tenancytest: no %s to %s, but %d others", what, address, len(found))
	return tenancy.Message{}
}

func (b *Mailbox) clone() *Mailbox {
	b.mu.Lock()
	defer b.mu.Unlock()
	return &Mailbox{kept: slices.Clone(b.kept), err: b.err}
}
