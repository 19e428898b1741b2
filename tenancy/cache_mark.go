package tenancy

import (
	"context"
	"slices"

	"github.com/freehold-dev/freehold/internal/access"
	"github.com/freehold-dev/freehold/store/typed"
)

// A mark says that a transaction of the host's has changed the access that its key covers, and that its end is
// not known yet: the host commits or rolls back by itself, and reports neither. While the mark exists, checks
// on its key read the store and fill no cache. The functions below remove marks whose transactions have ended.

// settleAll removes every mark. Call it when all transactions that made marks must have ended.
func (c *cache) settleAll() { c.Settle(func(access.Mark) bool { return true }) }

// settleBefore removes the marks older than the last event of a snapshot. It is for stores with one writer:
// there, while the transaction with the mark runs, nobody else can commit an event.
func (c *cache) settleBefore(last Position) {
	c.Settle(func(m access.Mark) bool { return m.After < int64(last) })
}

// settleSeen removes the marks that cover a pair and whose transactions have ended, which a snapshot shows.
func (ar accessRules) settleSeen(ctx context.Context, c *cache, pair cacheKey) error {
	marks := c.MarksOn(pair)
	if len(marks) == 0 {
		return nil
	}
	if ar.c.instance.singleWriter {
		last, err := ar.c.tx.Events().Last(ctx)
		if err == nil {
			c.settleBefore(last)
		}
		return err
	}
	for _, m := range marks {
		seen, err := shows(ctx, ar.c.tx.Events(), m)
		if err != nil {
			return err
		}
		if seen {
			c.Settle(func(other access.Mark) bool { return other == m })
		}
	}
	return nil
}

// shows reports whether a snapshot of the log has the event of a mark.
func shows(ctx context.Context, log eventTable, m access.Mark) (bool, error) {
	event := EventID(m.Change)
	if event.IsZero() {
		return false, nil // the mark is for several transactions
	}
	filter := eventFilter{}
	if organization := OrganizationID(m.Key.Scope); !organization.IsZero() {
		filter.OrganizationID = typed.Of(organization)
	} else if user := UserID(m.Key.Subject); !user.IsZero() {
		filter.UserID = typed.Of(user)
	}
	span := logSpan{After: Position(m.After), Limit: MaxLimit}
	for {
		events, next, done, err := log.Read(ctx, filter, span)
		if CodeOf(err) == ErrEventsPruned {
			return true, nil // events below the floor were committed or are gone
		}
		if err != nil {
			return false, err
		}
		if slices.ContainsFunc(events, func(e Event) bool { return e.ID == event }) {
			return true, nil
		}
		if done {
			return false, nil
		}
		span.After = next
	}
}
