package tenancy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/typed"
)

// Limits of [Invitations.SendMany].
const (
	mostRows    = 1000 // rows of one call
	mostRowsAll = 100  // rows of one call with All, because it is one transaction
)

// SendOptions say how [Invitations.SendMany] treats its rows.
type SendOptions struct {
	// All keeps nothing if any row is refused. Without All, each row succeeds or fails alone.
	All bool
	// DryRun stores and mails nothing, and returns what would happen to each row.
	DryRun bool
}

// SendResult is the result of one row of [Invitations.SendMany].
type SendResult struct {
	Row int `json:"row"` // the index of the row in the call
	// Sent is the invitation, as Send returns it; zero if the row was refused. In a dry run it has no
	// token, no MailDueAt, and no id unless the row gave one.
	Sent SentInvitation `json:"sent,omitzero"`
	// Err is an [*Error] as Send returns it: the reason for a refusal, or [ErrMailFailed] if the invitation
	// is stored but its mail failed; nil: it was sent. If it has no Key of its own, its Key is the row,
	// such as "row 3".
	Err error `json:"-"`
}

// SendMany sends up to 1000 invitations to one organization, or into the application, each as
// [Invitations.Send] does (rule I11). It returns one result for each row, in their order. A second row with
// the same address is [ErrAlreadyInvited].
//
// By default each row succeeds or fails alone: the result of a refused row has the error, and the others
// are sent. SendMany writes 25 rows in a transaction, so that others can write in between (rule G18), and
// mails them before the next transaction. If the store fails or ctx ends, it returns the error together
// with the results of the rows that are kept; it did not try the rows after those.
//
// With All, at most 100 rows are one transaction. If a row is refused, nothing is kept. The error of the
// call is the first refusal, with the row in its Field ("invitations[3].email"), and the results have the
// error of each refused row. A row without an error is not sent either.
//
// With DryRun nothing is written or mailed, and no limit counts it. It checks each row as if the rows
// before it were sent. Config.MayMail is not called, because it may count. A row that the actor may not
// send counts as a denial, as always.
//
// Errors: [ErrInvalid] with the field "invitations" for no rows or too many, with "organization_id" for
// rows with different organizations, and with "id" for two rows with one id; [ErrNotFound] for the
// organization; [ErrForbidden]; with Config.Mailer [ErrInTransaction] on a Service from [Service.Join]; with
// All, as for Send.
func (g Invitations) SendMany(ctx context.Context, rows []NewInvitation, o SendOptions) ([]SendResult, error) {
	b := invitationBatch{g: g, rows: rows, options: o, taken: map[string]SendResult{}}
	if err := b.check(); err != nil {
		return nil, explain(err, invitationsSendMany.op, "")
	}
	return b.send(ctx)
}

// invitationBatch is one call of SendMany.
type invitationBatch struct {
	g       Invitations
	rows    []NewInvitation
	options SendOptions
	results []SendResult
	taken   map[string]SendResult // rows that were sent, by canonical address
}

// trial is set in a call that will be undone, such as a step of a dry run. It counts the rows of earlier
// steps, which are undone by now, so that the limits count them.
type trial struct {
	sent int // how many invitations
}

func (b *invitationBatch) check() error {
	most := mostRows
	if b.options.All {
		most = mostRowsAll
	}
	switch n := len(b.rows); {
	case n == 0:
		return invalid("invitations", "are none")
	case n > most:
		return invalid("invitations", fmt.Sprintf("are %d, at most %d", n, most))
	}
	ids := map[InvitationID]int{}
	for i, in := range b.rows {
		if in.OrganizationID != b.rows[0].OrganizationID {
			return invalid("organization_id", fmt.Sprintf("is another in row %d than in row 0", i))
		}
		if other, has := ids[in.ID]; has && !in.ID.IsZero() {
			return invalid("id", fmt.Sprintf("is the same in rows %d and %d", other, i))
		}
		ids[in.ID] = i
	}
	return nil
}

func (b *invitationBatch) send(ctx context.Context) ([]SendResult, error) {
	step := changeStep
	if b.options.All && !b.options.DryRun {
		step = len(b.rows)
	}
	for some := range slices.Chunk(b.rows, step) {
		done, err := b.sendStep(ctx, some)
		b.results = append(b.results, done...)
		if err != nil {
			return b.results, err
		}
	}
	return b.results, nil
}

// sendStep sends some rows in one transaction, and mails them after the commit. If it fails, it also
// returns the results that it has.
func (b *invitationBatch) sendStep(ctx context.Context, some []NewInvitation) ([]SendResult, error) {
	var done []SendResult
	var refused error
	key := b.rows[0].OrganizationID.String()
	mail, err := b.g.s.commit(ctx, invitationsSendMany, key, func(ctx context.Context, c *call) (err error) {
		done, refused = nil, nil
		if err := c.mayMail(); err != nil {
			return err
		}
		if !b.options.DryRun {
			if done, err = c.invitations().sendRows(ctx, b, some); err == nil && b.options.All {
				refused = firstRefusal(done)
			}
			return cmp.Or(err, refused)
		}
		c.trial = &trial{len(b.taken)}
		return c.rehearse(ctx, func(part *call) (err error) {
			done, err = part.invitations().sendRows(ctx, b, some)
			c.asked = part.asked
			return err
		})
	})
	switch {
	case refused != nil && err != nil:
		for i := range done {
			done[i].Sent = SentInvitation{}
		}
		return done, err
	case err != nil:
		return nil, err
	}
	for _, r := range done {
		if r.Err == nil {
			b.taken[r.Sent.EmailKey] = r
		}
	}
	if b.options.DryRun {
		b.undone(done)
		return done, nil
	}
	b.mail(ctx, mail, done)
	return done, nil
}

// undone removes from the results of a dry run what would be different in a real run.
func (b *invitationBatch) undone(done []SendResult) {
	for i := range done {
		sent := &done[i].Sent
		sent.Token, sent.MailDueAt, sent.ID = Token{}, time.Time{}, b.rows[done[i].Row].ID
	}
}

// mail sends the mails of a committed transaction. If a mail fails, the result of its row gets the error.
func (b *invitationBatch) mail(ctx context.Context, mail []outgoing, done []SendResult) {
	for _, m := range mail {
		err := b.g.s.sendMail(ctx, []outgoing{m})
		i := slices.IndexFunc(done, func(r SendResult) bool { return r.Sent.ID.String() == m.Subject })
		if err != nil && i >= 0 {
			done[i].Err = explain(err, invitationsSendMany.op, rowKey(done[i].Row))
		}
	}
}

// rowKey returns the name of a row in errors.
func rowKey(row int) string { return fmt.Sprintf("row %d", row) }

// firstRefusal returns the error of a call with All.
func firstRefusal(done []SendResult) error {
	for _, r := range done {
		var e *Error
		if errors.As(r.Err, &e) {
			named := *e
			named.Field = strings.TrimSuffix(fmt.Sprintf("invitations[%d].%s", r.Row, e.Field), ".")
			return &named
		}
	}
	return nil
}

// sendRows sends the rows of a step, each in a savepoint, so that a refused row undoes only itself.
func (iv invitationRules) sendRows(ctx context.Context, b *invitationBatch, some []NewInvitation) ([]SendResult, error) {
	organization := b.rows[0].OrganizationID
	if err := iv.c.access().authorizeEarly(ctx, scope{organization: organization}); err != nil {
		return nil, err
	}
	if err := iv.lockRows(ctx, organization, some); err != nil {
		return nil, err
	}
	if err := iv.c.access().authorize(ctx, scope{organization: organization}); err != nil {
		return nil, err
	}
	done, first, taken := make([]SendResult, len(some)), len(b.results), maps.Clone(b.taken)
	for i, in := range some {
		done[i].Row = first + i
		err := iv.c.savepoint(ctx, func(part *call) (err error) {
			done[i].Sent, err = part.invitations().sendRow(ctx, in, taken)
			return err
		})
		switch {
		case err == nil:
			taken[done[i].Sent.EmailKey] = done[i]
		case !isRowRefused(err):
			return nil, err
		default:
			done[i] = SendResult{Row: done[i].Row, Err: explain(err, invitationsSendMany.op, rowKey(done[i].Row))}
		}
	}
	return done, nil
}

// sendRow is send, and refuses a second row with the same address.
func (iv invitationRules) sendRow(ctx context.Context, in NewInvitation, taken map[string]SendResult) (SentInvitation, error) {
	_, key, err := readEmail(in.Email)
	if other, has := taken[key]; err == nil && has {
		twice := &Error{Code: ErrAlreadyInvited, Field: "email", Reason: rowKey(other.Row) + " is to the same address"}
		if iv.c.trial == nil {
			twice.IDs = []string{other.Sent.ID.String()}
		}
		return SentInvitation{}, twice
	}
	return iv.send(ctx, in)
}

// lockRows takes, in order, all the locks that the rows of a step will take.
func (iv invitationRules) lockRows(ctx context.Context, id OrganizationID, some []NewInvitation) error {
	var roles, keys []string
	var locks []store.LockKey
	for _, in := range some {
		roles = append(roles, in.Roles...)
		if _, key, err := readEmail(in.Email); err == nil {
			keys, locks = append(keys, key), append(locks, lockEmail(key))
		}
	}
	if err := iv.c.roles().lockDeclared(ctx, roles...); err != nil {
		return err
	}
	if err := iv.c.lock(ctx, locks...); err != nil {
		return err
	}
	users, err := iv.c.tx.Users().List(ctx, userFilter{EmailKey: typed.Of(keys...)}, listSpan{Limit: len(some)})
	if err != nil {
		return err
	}
	locks = nil
	for _, user := range users {
		locks = append(locks, lockUser(user.ID))
	}
	if !id.IsZero() {
		locks = append(locks, lockOrganization(id))
	}
	return iv.c.lock(ctx, locks...)
}

// isRowRefused reports whether an error refuses only one row. Any other error ends the call.
func isRowRefused(err error) bool {
	switch CodeOf(err) {
	case ErrInvalid, ErrForbidden, ErrOrganizationClosed, ErrUnknownRole, ErrAlreadyMember, ErrAlreadyInvited, ErrInvitationDeclined,
		ErrSeatLimit, ErrRateLimited, ErrEmailDomainNotAllowed, ErrAlreadyExists, ErrPublicEmailDomain:
		return true
	}
	return false
}
