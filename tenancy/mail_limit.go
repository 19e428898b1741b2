package tenancy

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/freehold-dev/freehold/store/typed"
)

// What bounds mails besides Config.MailEvery and the two limits on mails (rule I12).
const (
	mailsFor      = 30 * 24 * time.Hour // the time in which Limits.Mails counts
	mailsPerDay   = 24 * time.Hour      // the time in which Limits.AddressMails counts
	mailsOfOne    = 3                   // of one kind and scope in a day, after which the rest are for others first
	noticesPerDay = 10                  // most notices of one account to one address a day
)

// mailWaits is the kind of a mail that waits for room at its address. It has not been sent to
// that, and counts for who wants it sent as if it had.
const mailWaits MessageKind = "waits"

// sentMail is a mail that went to an address in the last 30 days (rule I12). It outlives
// what it was about: otherwise deleting an organization would make room for more mails.
type sentMail struct {
	ID      sentMailID
	Version int64
	Scope   string      // on whose behalf: the id of an organization, or of a user; "" = the application
	Address string      // addressee of the canonical address
	Kind    MessageKind // what was sent
	SentAt  time.Time
}

// sentMailID is the id of a mail that was sent, mai_...
type sentMailID = ID[sentMail]

func (sentMail) idPrefix() string { return "mai" }

func (m sentMail) rowID() [16]byte { return m.ID }

// mailRules count mails, and say whether one more may go.
type mailRules struct{ c *call }

func (c *call) mails() mailRules { return mailRules{c} }

// admit counts one more mail that somebody asked for: on whose behalf, and to which
// canonical address. It gives the instant until which the mail has to wait, because the
// address has had as many of its kind as it should in a day; zero: it goes now. The caller has
// the lock of the address.
//
// The second half of those is kept for scopes that have sent fewer than three in a day: so a few
// who mail an address over and over leave room for others.
//
// Errors: [ErrRateLimited] where the scope has mailed the address just now, or too often;
// [ErrInvitationDeclined] for an invitation to an address that declined one of the scope.
func (ml mailRules) admit(ctx context.Context, scope, emailKey string, m Message) (time.Time, error) {
	config := &ml.c.instance.config
	one := sentMail{Scope: scope, Address: addressee(emailKey).String(), Kind: m.Kind}
	kinds := []MessageKind{m.Kind, mailWaits}
	if m.Kind == MessageInvitation {
		kinds = append(kinds, mailDeclined)
	}
	var declined time.Time
	own, err := ml.since(ctx, mailsFor, sentMailFilter{Scope: typed.Of(scope), Address: typed.Of(one.Address), Kind: typed.Of(kinds...)}, func(m sentMail) {
		if m.Kind == mailDeclined {
			declined = latest(declined, m.SentAt)
		}
	})
	if err != nil {
		return time.Time{}, err
	}
	if !declined.IsZero() {
		if came, err := ml.cameBack(ctx, scope, emailKey, declined); err != nil || !came {
			return time.Time{}, cmp.Or(err, ml.declined(declined))
		}
	}
	if n := len(own); n > 0 && config.MailEvery > 0 && ml.c.now.Before(own[n-1].Add(config.MailEvery)) {
		return time.Time{}, rateLimited("email", own[n-1].Add(config.MailEvery).Sub(ml.c.now))
	}
	if until := roomAt(own, config.Limits.Mails, mailsFor); ml.c.now.Before(until) {
		return time.Time{}, rateLimited("email", until.Sub(ml.c.now))
	}
	mine := 0
	all, err := ml.since(ctx, mailsPerDay, sentMailFilter{Address: typed.Of(one.Address), Kind: typed.Of(m.Kind)}, func(m sentMail) {
		if m.Scope == scope {
			mine++
		}
	})
	if err != nil {
		return time.Time{}, err
	}
	until := roomAt(all, config.Limits.AddressMails, mailsPerDay)
	if mine >= mailsOfOne {
		until = latest(until, roomAt(all, max(1, config.Limits.AddressMails/2), mailsPerDay))
	}
	if ml.c.now.Before(until) {
		return until, nil
	}
	if err := ml.mayMail(ctx, m); err != nil {
		return time.Time{}, err
	}
	return time.Time{}, ml.count(ctx, one)
}

// mayMail asks the host.
func (ml mailRules) mayMail(ctx context.Context, m Message) error {
	ask := ml.c.instance.config.MayMail
	if ask == nil || ml.c.trial != nil { // it may count
		return nil
	}
	if err := ask(Trusted(ml.c.service.mark(ctx)), m); err != nil {
		return &Error{Code: ErrRateLimited, Field: "email", Reason: "Config.MayMail refused it", Err: err}
	}
	return nil
}

// latest is the later of two instants.
func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// wait counts a mail that waits, for the scope alone.
func (ml mailRules) wait(ctx context.Context, scope, emailKey string) error {
	return ml.count(ctx, sentMail{Scope: scope, Address: addressee(emailKey).String(), Kind: mailWaits})
}

// waited takes back what wait counted last.
func (ml mailRules) waited(ctx context.Context, scope, emailKey string) error {
	own := sentMailFilter{Scope: typed.Of(scope), Address: typed.Of(addressee(emailKey).String()), Kind: typed.Of(mailWaits)}
	found, err := ml.c.tx.SentMails().List(ctx, own, listSpan{Limit: 1, Desc: true})
	if err != nil || len(found) == 0 {
		return err
	}
	return ml.c.tx.SentMails().Delete(ctx, found[0].ID)
}

// admitNow is admit for a mail that cannot wait.
func (ml mailRules) admitNow(ctx context.Context, scope, emailKey string, m Message) error {
	until, err := ml.admit(ctx, scope, emailKey, m)
	if err == nil && !until.IsZero() {
		err = rateLimited("email", until.Sub(ml.c.now))
	}
	return err
}

// admitNotice reports whether a notice about an account may go to its address. Notices are
// counted by themselves, so that nobody keeps one back by mailing the address first.
func (ml mailRules) admitNotice(ctx context.Context, user User, kind MessageKind) (bool, error) {
	one := sentMail{Scope: user.ID.String(), Address: addressee(user.EmailKey).String(), Kind: kind}
	told, err := ml.since(ctx, mailsPerDay, sentMailFilter{
		Scope: typed.Of(one.Scope), Address: typed.Of(one.Address), Kind: typed.Of(MessageEmailChanged, MessageIdentityLinked, MessageTakenOver),
	})
	if err != nil || len(told) >= noticesPerDay {
		return false, err
	}
	return true, ml.count(ctx, one)
}

// since gives when mails of a filter were sent, the last ones, in order, and shows each of them.
func (ml mailRules) since(ctx context.Context, span time.Duration, f sentMailFilter, show ...func(sentMail)) ([]time.Time, error) {
	f.SentAfter = ml.c.now.Add(-span)
	var sent []time.Time
	err := walk(ctx, ml.c.tx.SentMails(), f, func(m sentMail) error {
		sent = append(sent, m.SentAt)
		for _, fn := range show {
			fn(m)
		}
		return nil
	})
	slices.SortFunc(sent, time.Time.Compare)
	return sent, err
}

// roomAt is when there is room for one more of at most most in a span of time; zero: now.
func roomAt(sent []time.Time, most int, span time.Duration) time.Time {
	if len(sent) < most {
		return time.Time{}
	}
	return sent[len(sent)-most].Add(span)
}

func (ml mailRules) count(ctx context.Context, one sentMail) error {
	one.ID, one.Version, one.SentAt = ml.c.instance.config.NewID(), 1, ml.c.now
	return ml.c.tx.SentMails().Insert(ctx, one)
}

// forget deletes some of the mails that count no more.
func (ml mailRules) forget(ctx context.Context) error {
	old := sentMailFilter{SentBefore: ml.c.now.Add(-mailsFor)}
	found, err := ml.c.tx.SentMails().List(ctx, old, listSpan{Limit: sweepLimit, Order: ByDue})
	if err != nil || len(found) == 0 {
		return err
	}
	ids := make([]sentMailID, len(found))
	for i, m := range found {
		ids[i] = m.ID
	}
	_, err = ml.c.tx.SentMails().DeleteAll(ctx, sentMailFilter{ID: typed.Of(ids...)})
	return err
}

// mailsTo selects the mails to some canonical addresses.
func mailsTo(addresses []string) sentMailFilter {
	people := make([]string, len(addresses))
	for i, key := range addresses {
		people[i] = addressee(key).String()
	}
	return sentMailFilter{Address: typed.Of(people...)}
}

// erase deletes what is counted of people who are erased, and of their addresses (rule U7).
func (ml mailRules) erase(ctx context.Context, addresses []string, people ...UserID) error {
	if len(addresses) > 0 {
		if _, err := ml.c.tx.SentMails().DeleteAll(ctx, mailsTo(addresses)); err != nil {
			return err
		}
	}
	for _, id := range people {
		if _, err := ml.c.tx.SentMails().DeleteAll(ctx, sentMailFilter{Scope: typed.Of(id.String())}); err != nil {
			return err
		}
	}
	return nil
}
