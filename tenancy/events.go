package tenancy

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/freehold-dev/freehold/store/typed"
)

// Events is the group of methods on the event log, which is the audit log too.
type Events struct{ s *Service }

// EventQuery selects events (rule E1). Empty fields do not constrain, and those
// that are set must all hold; of a list one must match.
type EventQuery struct {
	After          Position // the Next of the read before; 0 = from the oldest, or from the newest if Descending
	Types          []EventType
	OrganizationID OrganizationID
	UserID         UserID // the person concerned
	Subject        string // TypeID of the thing that changed
	Actor          Actor
	Since, Until   time.Time // from Since on; before Until
	Descending     bool
	Limit          int // default 50, at most 1000
}

// EventPage is a part of the log. Go on from Next; Done says that the log had no
// more. A page that is not Done may hold fewer events than asked for, even none: a
// read examines a bounded number of rows.
type EventPage struct {
	Items []Event  `json:"items"`
	Next  Position `json:"next"`
	Done  bool     `json:"done"`
}

// List reads a part of the log in the order of commits (rule E1). To follow the
// log, ask again with After = Next: no event is skipped, however late it commits.
// Inside a transaction only what was committed before it began to write is seen.
//
// Errors: [ErrInvalid]; [ErrInvalidCursor] for a negative After; [ErrEventsPruned] for
// an After below what Prune left.
func (g Events) List(ctx context.Context, q EventQuery) (EventPage, error) {
	return read(ctx, g.s, eventsList, "", func(ctx context.Context, c *call) (EventPage, error) {
		if err := c.access().authorize(ctx, scope{organization: q.OrganizationID}); err != nil {
			return EventPage{}, err
		}
		return c.events(ctx, q)
	})
}

func (c *call) events(ctx context.Context, q EventQuery) (EventPage, error) {
	span := logSpan{After: q.After, Desc: q.Descending, Limit: q.Limit}
	switch {
	case q.After < 0:
		return EventPage{}, &Error{Code: ErrInvalidCursor, Field: "after", Reason: "is negative"}
	case q.Limit < 0 || q.Limit > MaxLimit:
		return EventPage{}, invalid("limit", fmt.Sprintf("is %d, want 1 to %d", q.Limit, MaxLimit))
	case q.Limit == 0:
		span.Limit = DefaultLimit
	}
	filter := eventFilter{Since: q.Since, Until: q.Until}
	if len(q.Types) > 0 {
		types, err := someOf("types", q.Types)
		if err != nil {
			return EventPage{}, err
		}
		filter.Type = types
	}
	if !q.OrganizationID.IsZero() {
		filter.OrganizationID = typed.Of(q.OrganizationID)
	}
	if !q.UserID.IsZero() {
		filter.UserID = typed.Of(q.UserID)
	}
	if q.Subject != "" {
		filter.Subject = typed.Of(q.Subject)
	}
	if q.Actor != (Actor{}) {
		filter.Actor = typed.Of(q.Actor)
	}
	items, next, done, err := c.tx.Events().Read(ctx, filter, span)
	return EventPage{Items: items, Next: next, Done: done}, err
}

// All walks the log from q.After to its end as it is when reached; q.Limit is how
// many are read at a time. An error ends the walk.
func (g Events) All(ctx context.Context, q EventQuery) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		q := q
		for {
			page, err := g.List(ctx, q)
			if err != nil {
				yield(Event{}, err)
				return
			}
			for _, e := range page.Items {
				if !yield(e, nil) {
					return
				}
			}
			if page.Done {
				return
			}
			q.After = page.Next
		}
	}
}

// Last is the position of the newest event, 0 before the first. It never moves
// back, so it is a cheap sign that something changed.
func (g Events) Last(ctx context.Context) (Position, error) {
	return read(ctx, g.s, eventsLast, "", func(ctx context.Context, c *call) (Position, error) {
		if err := c.access().authorize(ctx, scope{}); err != nil {
			return 0, err
		}
		return c.tx.Events().Last(ctx)
	})
}

// pruneLimit is how many events, and how many denials, one transaction of Prune removes.
const pruneLimit = 5000

// pruned is what one transaction of Prune removed.
type pruned struct{ events, denials int }

// Prune removes the events from before an instant (rule E3), oldest first, in
// transactions of bounded size, and says how many went. The denials from before it go,
// too (rule A5). What is gone before an error stays gone.
func (g Events) Prune(ctx context.Context, before time.Time) (int, error) {
	total := 0
	for {
		gone, err := write(ctx, g.s, eventsPrune, "", func(ctx context.Context, c *call) (pruned, error) {
			if err := c.access().authorize(ctx, scope{}); err != nil {
				return pruned{}, err
			}
			n, err := c.tx.Events().Prune(ctx, before, pruneLimit)
			if err != nil {
				return pruned{}, err
			}
			denials, err := c.pruneDenials(ctx, before)
			return pruned{n, denials}, err
		})
		if err != nil {
			return total, err
		}
		total += gone.events
		if gone.events < pruneLimit && gone.denials < pruneLimit {
			return total, nil
		}
	}
}
