package tenancy

import (
	"context"
	"log/slog"
	"time"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/typed"
)

// denialPatience is how long the storing of denials waits for its turn to write.
const denialPatience = 2 * time.Second

// refused records refusals: at once, or at the end of a Transact. In a host's transaction only the Logger
// gets them.
func (s *Service) refused(ctx context.Context, list ...refusal) {
	switch {
	case len(list) == 0:
	case s.txn == nil:
		s.instance.writeDenials(ctx, s.instance.denials.count(s.instance.now(), list...))
	case s.txn.rows != nil:
		s.txn.denied = append(s.txn.denied, list...)
	default:
		for _, d := range list {
			s.instance.logDenial(ctx, d, 1)
		}
	}
}

// flushDenials stores the denials that are due.
func (s *Service) flushDenials(ctx context.Context) {
	for ctx.Err() == nil && s.instance.writeDenials(ctx, s.instance.denials.all(s.instance.now())) {
	}
}

// writeDenials adds counts to the rows of their minutes, in one transaction, and reports whether it wrote
// any. The caller was refused whether or not the denial can be stored. So an error goes only to the Logger,
// and the next write tries again.
func (f *instance) writeDenials(ctx context.Context, due []dueDenial) bool {
	if len(due) == 0 {
		return false
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), denialPatience)
	defer cancel()
	err := f.store.Update(ctx, func(rows store.Rows) error {
		tx := newTxn(rows)
		for _, d := range due {
			if err := f.writeDenial(ctx, tx, d); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		return true
	}
	f.config.Logger.ErrorContext(ctx, "freehold: denials could not be kept", "error", err)
	for _, d := range f.denials.back(due) {
		f.logDenial(ctx, d.key, d.n)
	}
	return false
}

func (f *instance) writeDenial(ctx context.Context, tx *txn, due dueDenial) error {
	key := due.key
	rows, err := tx.Denials().List(ctx, denialFilter{
		Actor: typed.Of(key.actor), Method: typed.Of(key.method), OrganizationID: typed.Of(key.organization),
		Since: due.minute, Until: due.minute.Add(time.Minute),
	}, listSpan{Limit: 1})
	switch {
	case err != nil:
		return err
	case len(rows) > 0:
		row := rows[0]
		row.Count += due.n
		row.Version++
		return tx.Denials().Update(ctx, row)
	}
	return tx.Denials().Insert(ctx, Denial{
		ID: f.config.NewID(), Version: 1, Actor: key.actor, Method: key.method, OrganizationID: key.organization,
		Minute: due.minute, Count: due.n,
	})
}

// pruneDenials deletes up to pruneLimit denials of minutes before a time.
func (c *call) pruneDenials(ctx context.Context, before time.Time) (int, error) {
	old, err := c.tx.Denials().List(ctx, denialFilter{Until: before}, listSpan{Limit: pruneLimit, Order: ByTime})
	if err != nil || len(old) == 0 {
		return 0, err
	}
	ids := make([]DenialID, len(old))
	for i, d := range old {
		ids[i] = d.ID
	}
	return c.tx.Denials().DeleteAll(ctx, denialFilter{ID: typed.Of(ids...)})
}

// forgetDenials deletes denials older than Config.KeepDenials, in one transaction, and returns how many it
// deleted.
func (g Events) forgetDenials(ctx context.Context) (int, error) {
	return write(ctx, g.s, eventsPrune, "", func(ctx context.Context, c *call) (int, error) {
		if err := c.access().authorize(ctx, scope{}); err != nil {
			return 0, err
		}
		return c.pruneDenials(ctx, c.now.Add(-c.instance.config.KeepDenials))
	})
}

func (f *instance) logDenial(ctx context.Context, key refusal, n int) {
	f.config.Logger.LogAttrs(ctx, slog.LevelWarn, "freehold: denied",
		slog.String("actor_kind", string(key.actor.Kind)), slog.String("actor", key.actor.ID),
		slog.String("method", key.method), slog.String("organization", key.organization.String()), slog.Int("count", n))
}

// DenialQuery selects denials for Denials.
type DenialQuery struct {
	OrganizationID OrganizationID // zero = all, for the host only
	Actor          Actor          // zero = any
	Method         string         // "" = any
	Since, Until   time.Time      // by minute: from Since on; before Until
	Descending     bool           // in reverse order
	Limit          int            // default 50, at most 1000
	Cursor         string         // Next of the previous page
}

// Denials returns a page of the calls that actors were refused, counted by the minute (rule A5). The first
// [ErrForbidden] of an actor, a method, an organization and a minute shows within a second. Further ones,
// and each [ErrNotFound], show after the minute is over and [Service.Run] or another refusal has stored
// them, 200 in a transaction. If that fails, the next one tries again. 10,000 rows wait in memory; beyond
// that, organizations share one row.
//
// The number of rows is limited. One actor has 60 rows an hour in one organization. The people of an
// organization together have 600, strangers to it have 600, and so have refusals that name no organization
// or one that does not exist. Refusals beyond a limit are counted in one row a minute for the organization,
// without an Actor and a Method. Rows are kept for [Config].KeepDenials.
//
// Errors: [ErrInvalid], [ErrInvalidCursor].
func (g Events) Denials(ctx context.Context, q DenialQuery) (Page[Denial], error) {
	return read(ctx, g.s, eventsDenials, q.OrganizationID.String(), func(ctx context.Context, c *call) (Page[Denial], error) {
		if err := c.access().authorize(ctx, scope{organization: q.OrganizationID}); err != nil {
			return Page[Denial]{}, err
		}
		filter := denialFilter{Since: q.Since, Until: q.Until}
		if !q.OrganizationID.IsZero() {
			filter.OrganizationID = typed.Of(q.OrganizationID)
		}
		if q.Actor != (Actor{}) {
			filter.Actor = typed.Of(q.Actor)
		}
		if q.Method != "" {
			filter.Method = typed.Of(q.Method)
		}
		return listPage(ctx, c.tx.Denials(), filter, paging{ByTime, q.Descending, q.Limit, q.Cursor},
			func(d *Denial, _ Order) typed.Place { return typed.Place{Int: d.Minute.UnixMicro(), ID: d.ID} },
			"denials", q.OrganizationID, q.Actor, q.Method, q.Since, q.Until)
	})
}
