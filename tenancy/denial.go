package tenancy

import (
	"context"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/typed"
)

// refusal is one refusal of an actor, on its way to the denials.
type refusal struct {
	actor        Actor
	method       string
	organization OrganizationID
}

// denialCounter counts refusals (rule A5). The first of an actor, method, organization and
// minute is written at once, in a transaction of its own; the others of that minute
// are counted here and added when it is over.
type denialCounter struct {
	mu      sync.Mutex
	minute  time.Time // that the counts are of
	counts  map[refusal]int
	second  time.Time // that written is of
	written int
}

const (
	denialWrites = 10    // most a second; beyond that only the Logger hears
	denialKeys   = 1_000 // most counted at once; beyond that likewise
	// denialPatience is how long a refusal waits for a writer before it.
	denialPatience = 500 * time.Millisecond
)

// refused takes refusals down: at once, at the end of a Transact, or, in a host's
// transaction, for the Logger only.
func (s *Service) refused(ctx context.Context, list ...refusal) {
	switch {
	case len(list) == 0:
	case s.txn == nil:
		for _, d := range list {
			s.instance.refuse(ctx, d)
		}
	case s.txn.rows != nil:
		s.txn.denied = append(s.txn.denied, list...)
	default:
		for _, d := range list {
			s.instance.logDenial(ctx, d, 1)
		}
	}
}

func (f *instance) refuse(ctx context.Context, key refusal) {
	now := f.now()
	minute := now.Truncate(time.Minute)
	due, first, may := f.denials.count(key, now)
	f.writeDenials(ctx, due)
	if !first {
		return
	}
	if !may {
		f.logDenial(ctx, key, 1)
		return
	}
	f.writeDenials(ctx, finished{minute, map[refusal]int{key: 1}})
}

// finished is counts of one minute, to be written.
type finished struct {
	minute time.Time
	counts map[refusal]int
}

// count counts one refusal, and says whether it is the first of its minute, whether
// it may be written, and what is due from the minute before.
func (d *denialCounter) count(key refusal, now time.Time) (due finished, first, may bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	due = d.turn(now.Truncate(time.Minute))
	if _, counted := d.counts[key]; counted {
		d.counts[key]++
		return due, false, false
	}
	if second := now.Truncate(time.Second); second != d.second {
		d.second, d.written = second, 0
	}
	if d.written >= denialWrites || len(d.counts) >= denialKeys {
		return due, true, false
	}
	d.written++
	d.counts[key] = 0
	return due, true, true
}

// turn begins a minute and gives what was counted in the one before.
func (d *denialCounter) turn(minute time.Time) finished {
	if minute.Equal(d.minute) && d.counts != nil {
		return finished{}
	}
	due := finished{d.minute, d.counts}
	d.minute, d.counts = minute, map[refusal]int{}
	return due
}

// flushDenials writes what was counted in a minute that is over.
func (s *Service) flushDenials(ctx context.Context) {
	f := s.instance
	f.denials.mu.Lock()
	due := f.denials.turn(f.now().Truncate(time.Minute))
	f.denials.mu.Unlock()
	f.writeDenials(ctx, due)
}

// writeDenials adds to the rows of a minute, in one transaction. That a refusal could
// not be written down changes nothing about it, so only the Logger hears.
func (f *instance) writeDenials(ctx context.Context, due finished) {
	maps.DeleteFunc(due.counts, func(_ refusal, n int) bool { return n == 0 })
	if len(due.counts) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), denialPatience)
	defer cancel()
	err := f.store.Update(ctx, func(rows store.Rows) error {
		tx := newTxn(rows)
		for key, n := range due.counts {
			if err := f.writeDenial(ctx, tx, key, due.minute, n); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		return
	}
	f.config.Logger.ErrorContext(ctx, "freehold: denials could not be kept", "error", err)
	for key, n := range due.counts {
		f.logDenial(ctx, key, n)
	}
}

func (f *instance) writeDenial(ctx context.Context, tx *txn, key refusal, minute time.Time, n int) error {
	rows, err := tx.Denials().List(ctx, denialFilter{
		Actor: typed.Of(key.actor), Method: typed.Of(key.method), OrganizationID: typed.Of(key.organization),
		Since: minute, Until: minute.Add(time.Minute),
	}, listSpan{Limit: 1})
	switch {
	case err != nil:
		return err
	case len(rows) > 0:
		row := rows[0]
		row.Count += n
		row.Version++
		return tx.Denials().Update(ctx, row)
	}
	return tx.Denials().Insert(ctx, Denial{
		ID: f.config.NewID(), Version: 1, Actor: key.actor, Method: key.method, OrganizationID: key.organization,
		Minute: minute, Count: n,
	})
}

// pruneDenials removes up to pruneLimit denials of minutes before an instant.
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

func (f *instance) logDenial(ctx context.Context, key refusal, n int) {
	f.config.Logger.LogAttrs(ctx, slog.LevelWarn, "freehold: denied",
		slog.String("actor_kind", string(key.actor.Kind)), slog.String("actor", key.actor.ID),
		slog.String("method", key.method), slog.String("organization", key.organization.String()), slog.Int("count", n))
}

// DenialQuery selects denials.
type DenialQuery struct {
	OrganizationID OrganizationID // zero = everywhere, for the host alone
	Actor          Actor          // zero = anybody
	Method         string         // "" = any
	Since, Until   time.Time      // by minute: from Since on; before Until
	Descending     bool
	Limit          int    // default 50, at most 1000
	Cursor         string // Next of the page before
}

// Denials gives a page of what actors were refused, by the minute (rule A5). What is
// counted in the running minute shows once it is over.
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
