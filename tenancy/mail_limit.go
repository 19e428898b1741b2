package tenancy

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/freehold-dev/freehold/store/typed"
)

// The limits on mails, in addition to Config.MailEvery and the two limits on mails in Limits (rule I12).
const (
	mailsFor    = 30 * 24 * time.Hour // the period of Limits.Mails
	mailsPerDay = 24 * time.Hour      // the period of Limits.AddressMails
	// After so many mails of one kind and scope in a day, other scopes come first.
	mailsOfOne    = 3
	noticesPerDay = 10 // the most notices about one account to one address in a day
)

// mailWaits is the kind of a mail that waits until its address may get more mails. It counts as sent for its
// scope, and not for its address.
const mailWaits MessageKind = "waits"

// sentMail records a mail that went to an address in the last 30 days (rule I12). It stays when the object of
// the mail is deleted: otherwise deleting an organization would make room for more mails.
type sentMail struct {
	ID      sentMailID
	Version int64
	Scope   string      // the sender: the id of an organization or of a user; "" = the application
	Address string      // the addressee, of the canonical address
	Kind    MessageKind // what was sent
	SentAt  time.Time
}

// sentMailID is the id of a mail that was sent, mai_...
type sentMailID = ID[sentMail]

func (sentMail) idPrefix() string { return "mai" }

func (m sentMail) rowID() [16]byte { return m.ID }

// mailRules count mails and limit them.
type mailRules struct{ c *call }

func (c *call) mails() mailRules { return mailRules{c} }

// admit counts one more mail that somebody asked for. scope is the sender: an organization, a user or the
// application. It returns the time until which the mail must wait, because the address has had as many mails of
// this kind as it should get in a day; zero: the mail may go now. The caller holds the lock of the address.
//
// The second half of an address's daily mails is reserved for scopes that have sent fewer than three in a day.
// So a few scopes that mail an address over and over leave room for others.
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

// mayMail calls Config.MayMail.
func (ml mailRules) mayMail(ctx context.Context, m Message) error {
	ask := ml.c.instance.config.MayMail
	if ask == nil || ml.c.trial != nil { // a trial must not call it: the host may count calls
		return nil
	}
	if err := ask(Trusted(ml.c.service.mark(ctx)), m); err != nil {
		return &Error{Code: ErrRateLimited, Field: "email", Reason: "Config.MayMail refused it", Err: err}
	}
	return nil
}

// latest returns the later of two times.
func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// wait counts a waiting mail, for the scope only.
func (ml mailRules) wait(ctx context.Context, scope, emailKey string) error {
	return ml.count(ctx, sentMail{Scope: scope, Address: addressee(emailKey).String(), Kind: mailWaits})
}

// waited deletes the newest record that wait made.
func (ml mailRules) waited(ctx context.Context, scope, emailKey string) error {
	own := sentMailFilter{Scope: typed.Of(scope), Address: typed.Of(addressee(emailKey).String()), Kind: typed.Of(mailWaits)}
	found, err := ml.c.tx.SentMails().List(ctx, own, listSpan{Limit: 1, Desc: true})
	if err != nil || len(found) == 0 {
		return err
	}
	return ml.c.tx.SentMails().Delete(ctx, found[0].ID)
}

// admitNow does admit for a mail that cannot wait.
func (ml mailRules) admitNow(ctx context.Context, scope, emailKey string, m Message) error {
	until, err := ml.admit(ctx, scope, emailKey, m)
	if err == nil && !until.IsZero() {
		err = rateLimited("email", until.Sub(ml.c.now))
	}
	return err
}

// admitNotice reports whether a notice about an account may go to its address. It counts notices separately, so
// that nobody can suppress a notice by mailing the address before.
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

// since returns when the mails of a filter were sent within a span of time, in order. It calls show for each of
// them.
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

// roomAt returns when one more may be sent, with at most most in a span of time; zero: now.
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

// forget deletes some of the records that do not count any more.
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

// mailsTo selects the records of mails to canonical addresses.
func mailsTo(addresses []string) sentMailFilter {
	people := make([]string, len(addresses))
	for i, key := range addresses {
		people[i] = addressee(key).String()
	}
	return sentMailFilter{Address: typed.Of(people...)}
}

// erase deletes the records about people who are erased, and about their addresses (rule U7).
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
