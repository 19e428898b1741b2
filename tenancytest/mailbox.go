package tenancytest

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/freehold-dev/freehold/tenancy"
)

// Mailbox is a [tenancy.Mailer] that keeps the messages to all addresses. It is safe for concurrent use.
type Mailbox struct {
	mu   sync.Mutex
	kept []tenancy.Message
	err  error
}

var _ tenancy.Mailer = (*Mailbox)(nil)

// NewMailbox makes an empty Mailbox.
func NewMailbox() *Mailbox { return &Mailbox{} }

// Mail keeps a message, or returns the error set with [Mailbox.Fail].
func (b *Mailbox) Mail(_ context.Context, m tenancy.Message) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err != nil {
		return b.err
	}
	b.kept = append(b.kept, m)
	return nil
}

// Fail makes each later call of Mail return err and keep nothing, as if a mail server were down. Fail(nil) ends
// that.
func (b *Mailbox) Fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.err = err
}

// Clear removes all messages.
func (b *Mailbox) Clear() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.kept = nil
}

// Messages returns the messages to an address, the oldest first; with "", those to all addresses. Case does not
// matter.
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

// Message returns the newest message of a kind to an address. If there is none, it ends the test.
func (b *Mailbox) Message(t testing.TB, address string, kind tenancy.MessageKind) tenancy.Message {
	t.Helper()
	return b.newest(t, address, string(kind)+" message", func(m tenancy.Message) bool { return m.Kind == kind })
}

// Token returns the token in the newest message to an address that has one. The person would find it in the
// link of an invitation or of a proof. If there is none, it ends the test.
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
