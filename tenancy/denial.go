package tenancy

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// denied is one refusal of an actor, on its way to the denials.
type denied struct {
	method       string
	organization OrganizationID
}

// denials counts refusals (rule A5). The first of an actor, method, organization and
// minute is written at once, in a transaction of its own; the others of that minute
// are counted here and added when it is over.
type denials struct {
	mu      sync.Mutex
	minute  time.Time // that the counts are of
	counts  map[denialKey]int
	second  time.Time // that written is of
	written int
}

type denialKey struct {
	actor        Actor
	method       string
	organization OrganizationID
}

const (
	denialWrites = 10    // most a second; beyond that only the Logger hears
	denialKeys   = 1_000 // most counted at once; beyond that likewise
)

// refused takes refusals down: at once, at the end of a Transact, or, in a host's
// transaction, for the Logger only.
func (s *Service) refused(ctx context.Context, list ...denied) {
	switch {
	case len(list) == 0:
	case s.within == nil:
		for _, d := range list {
			s.family.refuse(ctx, denialKey{s.actor, d.method, d.organization})
		}
	case s.within.tx != nil:
		s.within.denied = append(s.within.denied, list...)
	default:
		for _, d := range list {
			s.family.logDenial(ctx, denialKey{s.actor, d.method, d.organization}, 1)
		}
	}
}

func (f *family) refuse(ctx context.Context, key denialKey) {
	now := f.now()
	minute := now.Truncate(time.Minute)
	due, first, may := f.denials.count(key, now)
	for k, n := range due.counts {
		if n > 0 {
			f.writeDenial(ctx, k, due.minute, n)
		}
	}
	if !first {
		return
	}
	if !may {
		f.logDenial(ctx, key, 1)
		return
	}
	f.writeDenial(ctx, key, minute, 1)
}

// finished is the counts of a minute that is over.
type finished struct {
	minute time.Time
	counts map[denialKey]int
}

// count counts one refusal, and says whether it is the first of its minute, whether
// it may be written, and what is due from the minute before.
func (d *denials) count(key denialKey, now time.Time) (due finished, first, may bool) {
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
func (d *denials) turn(minute time.Time) finished {
	if minute.Equal(d.minute) && d.counts != nil {
		return finished{}
	}
	due := finished{d.minute, d.counts}
	d.minute, d.counts = minute, map[denialKey]int{}
	return due
}

// flushDenials writes what was counted in a minute that is over.
func (s *Service) flushDenials(ctx context.Context) {
	f := s.family
	f.denials.mu.Lock()
	due := f.denials.turn(f.now().Truncate(time.Minute))
	f.denials.mu.Unlock()
	for key, n := range due.counts {
		if n > 0 {
			f.writeDenial(ctx, key, due.minute, n)
		}
	}
}

// writeDenial adds to the row of a minute. That a refusal could not be written down
// changes nothing about it, so only the Logger hears.
func (f *family) writeDenial(ctx context.Context, key denialKey, minute time.Time, n int) {
	ctx = context.WithoutCancel(ctx)
	err := f.store.Update(ctx, func(tx Tx) error {
		filter := DenialFilter{
			Actor: Of(key.actor), Method: Of(key.method), Since: minute, Until: minute.Add(time.Minute),
		}
		rows, err := tx.Denials().List(ctx, filter, Span{Limit: MaxLimit})
		if err != nil {
			return err
		}
		for _, row := range rows {
			if row.OrganizationID == key.organization {
				row.Count += n
				row.Version++
				return tx.Denials().Update(ctx, row)
			}
		}
		return tx.Denials().Insert(ctx, Denial{
			ID: f.config.NewID(), Version: 1, Actor: key.actor, Method: key.method, OrganizationID: key.organization,
			Minute: minute, Count: n,
		})
	})
	if err != nil {
		f.config.Logger.ErrorContext(ctx, "freehold: a denial could not be kept", "error", err)
		f.logDenial(ctx, key, n)
	}
}

func (f *family) logDenial(ctx context.Context, key denialKey, n int) {
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
	var page Page[Denial]
	err := g.s.view(ctx, "Events.Denials", q.OrganizationID.String(), func(ctx context.Context, w *work) (err error) {
		if err := w.authorize(ctx, scope{organization: q.OrganizationID}); err != nil {
			return err
		}
		filter := DenialFilter{Since: q.Since, Until: q.Until}
		if !q.OrganizationID.IsZero() {
			filter.OrganizationID = Of(q.OrganizationID)
		}
		if q.Actor != (Actor{}) {
			filter.Actor = Of(q.Actor)
		}
		if q.Method != "" {
			filter.Method = Of(q.Method)
		}
		page, err = list(ctx, w.Denials(), filter, paging{ByTime, q.Descending, q.Limit, q.Cursor},
			func(d *Denial, _ Order) Key { return Key{Int: d.Minute.UnixMicro(), ID: d.ID} },
			"denials", q.OrganizationID, q.Actor, q.Method, q.Since, q.Until)
		return err
	})
	return page, err
}
