package tenancysmtp

import (
	"context"
	"fmt"
	"io"
	"sync"

	"github.com/freehold-dev/freehold/tenancy"
)

// Log is a Mailer for development: it writes mails, with their tokens, to a log that a developer reads. Never
// use it where others see the log, or where the log is kept.
type Log struct {
	mu   sync.Mutex
	out  io.Writer
	link func(tenancy.Message) string
}

var _ tenancy.Mailer = (*Log)(nil)

// NewLog makes a Log that writes to out, such as os.Stderr. link has the meaning of [Config].Link.
func NewLog(out io.Writer, link func(tenancy.Message) string) *Log { return &Log{out: out, link: link} }

// Mail writes one message with one call of the writer.
//
// Errors: [tenancy.ErrInvalid] with the field "link" if link is nil; those of the writer.
func (l *Log) Mail(_ context.Context, m tenancy.Message) error {
	if l.link == nil {
		return &tenancy.Error{Code: tenancy.ErrInvalid, Op: "mail", Field: "link", Reason: "is nil"}
	}
	written := Compose(m, l.link(m))
	l.mu.Lock()
	defer l.mu.Unlock()
	_, err := fmt.Fprintf(l.out, "mail to %s: %s\n\n%s\n", m.To, written.Subject, written.Text)
	return err
}
